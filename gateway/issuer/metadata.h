/* SPDX-License-Identifier: Apache-2.0
 *
 * Issuer metadata (profile section 6, D16; OpenID4VCI "Credential Issuer Metadata") and credential metadata.
 */
#ifndef GW_METADATA_H
#define GW_METADATA_H

#include "gateway/config.h"
#include "gateway/credential/signer.h"

/* What the documents are made of; borrowed. `signers` parallels config->credentials. */
struct gw_metadata_input {
    const struct gw_config *config;
    const struct gw_signer *const *signers;
    const struct s2s_keyring *issuer_keys; /* the keys to publish, newest first */
    int64_t now;
};

/* The JSON document; one new reference. */
struct json_object *gw_metadata_document(const struct gw_metadata_input *input);

/* The same as a signed JWT (typ openidvci-issuer-metadata+jwt, x5c, `sub` and `iss` the issuer, `iat`), in the arena.
 */
S2S_MUST_CHECK struct s2s_result gw_metadata_jwt(struct s2s_arena *arena, struct json_object *document,
                                                 const struct gw_signer *signer, int64_t now, char **out);

/* CredentialMetadata of one configuration: { "version", "display", "claims" }; one new reference. `version` is derived
 * from the content. */
struct json_object *gw_credential_metadata(const struct gw_credential_config *credential);

#endif
