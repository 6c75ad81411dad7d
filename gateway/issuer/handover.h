/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluation of an initiate, begun by the worker that took the initiate, as soon as that is committed: nobody has
 * to look for the job, and what was submitted is still in memory, opened and verified. The job is in the queue all the
 * same, under a lease of ours: should this process end first, whoever finds the lease run out begins anew, with what
 * was stored.
 */
#ifndef GW_HANDOVER_H
#define GW_HANDOVER_H

#include "gateway/generation.h"
#include "gateway/jobs/jobs.h"
#include "gateway/net/exchange.h"

/* What an initiate knows when it is committed. Everything lives in the exchange's arena, or longer. */
struct gw_handover {
    struct gw_job_lease lease;
    const char *session_id;
    const char *wsk_thumbprint;
    const char *attestation; /* verdict on the wallet signing key's */
    const struct gw_credential_config *const *configurations;
    size_t configuration_count;
    struct json_object *const *client_items; /* opened */
    size_t client_count;
    bool has_data; /* of the client's or the server's */
};

/* Fill the lease, when the evaluation may be begun at once; false: it is for whoever finds it. */
bool gw_handover_offer(const struct gw_exchange *ex, struct gw_handover *handover);

/* How an outcome begins that says that the lease was taken. */
#define GW_HANDOVER_LEASED "leased "

/* Begin the evaluation that `outcome`, which begins so, names. The exchange's memory goes over to it. */
void gw_handover_begin(struct gw_exchange *ex, const struct gw_handover *handover, const char *outcome);

#endif
