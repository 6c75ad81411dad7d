/* SPDX-License-Identifier: Apache-2.0
 *
 * Credential offers by reference (OpenID4VCI 1.0 section 4.1.3): GET <credential issuer identifier>/offers/<reference>,
 * for whoever has the link. The document is there while the offer can be redeemed.
 */
#ifndef GW_OFFER_DOCUMENT_H
#define GW_OFFER_DOCUMENT_H

#include "gateway/vault.h"

#include <h2o.h>

struct gw_worker;

/* Octets of a reference, and characters of its base64url text. */
#define GW_OFFER_REFERENCE_LEN 32
#define GW_OFFER_REFERENCE_CHARS 43

/* The credential_offer_uri of a reference, in the arena. */
const char *gw_offer_uri(struct s2s_arena *arena, const char *identifier, const char *reference);

/* Answer, now or later, when the request is for an offer; else false, and nothing was done. */
bool gw_offer_document_answer(struct gw_worker *worker, h2o_req_t *req);

#endif
