/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/api.h"
#include "gateway/net/api_openapi.h"
#include "proto/openapi_blocks.h"

static const struct gw_api_tag tags[] = {
    {"verifications", "What wallets ask for, what they gave, and what is decided."},
    {"web-results", "Results of authentications on the web."},
    {"sessions", "Sessions of wallet client instances."},
    {"instances", "Credential instances and their life."},
    {"bulk", "Actions on many credential instances."},
    {"deliveries", "What peers and webhooks are owed."},
    {"lanes", "The ways to peers and webhooks."},
    {"dead-letters", "Deliveries that were given up."},
    {"dead-jobs", "Work of the gateway's own that was given up."},
    {"events", "The ledger of deliveries."},
    {"audit", "What operators did."},
    {"offers", "Credential offers (OpenID4VCI 1.0 section 4.1)."},
    {"reconciliations", "Whether both sides say the same of credential instances."},
    {"stats", "What there is to do."},
};

static const struct gw_api_document document = {
    .api = &gw_admin_api,
    .title = "S2S issuance gateway: the operators' API of an issuer gateway",
    .version = "1.0.0",
    .description =
        "What an issuer's operators, reviewers and their programs ask of their gateway. A token has a role: `read` is "
        "enough for every GET but that of verification items, which needs `review`, as decisions do; everything else "
        "needs `operate`. Each role includes those before. Every change, and every look at personal data, is written "
        "to the audit ledger.",
    .host = "localhost:9090",
    .tags = tags,
    .tag_count = sizeof(tags) / sizeof(tags[0]),
};

char *gw_admin_openapi_text(void)
{
    return s2s_doc_text(gw_api_openapi(&document));
}
