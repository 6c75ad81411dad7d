/* SPDX-License-Identifier: Apache-2.0
 *
 * What issuers publish of themselves (profile section 6): fetched when it is missing or out of date, kept in the
 * database by HTTP's rules (RFC 9111) for whoever asks the application API for keys and configurations.
 */
#ifndef GW_WALLET_METADATA_H
#define GW_WALLET_METADATA_H

#include "gateway/jobs/jobs.h"
#include "gateway/net/outbound.h"

/* Fetch the metadata of one issuer: a job of the kind "metadata". */
void gw_metadata_run(struct gw_job *job, const PGresult *result, int row);

/* A chore: tell the database which issuers there are. */
void gw_metadata_prepare_issuers(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena);

/* The path of the metadata of this Credential Issuer Identifier, in the arena. */
const char *gw_metadata_path(struct s2s_arena *arena, const char *identifier);

/* Why the text cannot be the metadata of the issuer, or NULL when it can. Static text. */
const char *gw_metadata_fault(struct s2s_arena *arena, const char *identifier, const char *text, size_t len);

/* How long metadata is used that an answer allows to be used for `fresh_s` (gw_outbound_answer): milliseconds. */
int64_t gw_metadata_lifetime_ms(int64_t fresh_s);

#endif
