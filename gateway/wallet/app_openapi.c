/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/api_openapi.h"
#include "gateway/wallet/app.h"
#include "proto/openapi_blocks.h"

static const struct gw_api_tag tags[] = {
    {"sessions", "Ids to begin with."},
    {"issuances", "What is under way with an issuer, from the verification to the credential instances."},
    {"instances", "Credential instances and their life."},
    {"fetches", "Credentials on their way to the wallet client, which alone can read them."},
    {"lifecycle", "What issuers ask of credential instances, when the operator's backend decides."},
    {"issuers", "The issuers and their keys."},
    {"reconciliations", "Whether both sides say the same of credential instances."},
};

static const struct gw_api_document document = {
    .api = &gw_app_api,
    .title = "S2S issuance gateway: the application API of a wallet gateway",
    .version = "1.0.0",
    .description =
        "What a wallet operator's backend, and through it the wallet clients, ask of their gateway. The gateway speaks "
        "to the issuers: it sends, repeats, waits for and remembers. What the wallet clients encrypt passes through "
        "unread.",
    .host = "localhost:8090",
    .tags = tags,
    .tag_count = sizeof(tags) / sizeof(tags[0]),
};

char *gw_app_openapi_text(void)
{
    return s2s_doc_text(gw_api_openapi(&document));
}
