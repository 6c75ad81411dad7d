/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /.well-known/openid-credential-issuer (profile section 6; OpenID4VCI "Credential Issuer Metadata Retrieval").
 */
#ifndef GW_WELLKNOWN_H
#define GW_WELLKNOWN_H

#include "gateway/generation.h"

#include <h2o.h>

/* Answer when the request is for the metadata; else false, and nothing was done. */
bool gw_wellknown_answer(const struct gw_generation *generation, h2o_req_t *req);

#endif
