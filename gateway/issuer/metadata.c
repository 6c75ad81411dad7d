/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/hpke.h"
#include "proto/json.h"
#include "proto/version.h"

#include <string.h>

/* Signatures that wallets may make: the WSK, presentment keys, key proofs (profile D3). */
static const char *const signing_algs[] = {"ES256", "ES384", "ES512", "EdDSA", "Ed25519"};

static const char *const content_encryptions[] = {"A128GCM", "A256GCM"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void add_string(struct json_object *array, const char *value)
{
    json_object_array_add(array, json_object_new_string(value));
}

static struct json_object *strings(const char *const *values, size_t count)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        add_string(array, values[i]);
    return array;
}

/* A copy, since reference counts of json-c are not atomic and the configuration belongs to all threads. */
static struct json_object *copy_of(struct json_object *value)
{
    struct json_object *copy = NULL;
    s2s_assert(json_object_deep_copy(value, &copy, NULL) == 0);
    return copy;
}

/* Set a member from the configuration; nothing when it was left out. */
static void set_copy(struct json_object *object, const char *name, struct json_object *value)
{
    if (value)
        json_object_object_add(object, name, copy_of(value));
}

/* Claims description objects (OpenID4VCI "Claims Description for Issuer Metadata"). */
static struct json_object *claims_description(const struct gw_credential_config *credential)
{
    struct json_object *claims = json_object_new_array();
    for (size_t i = 0; i < credential->claim_count; i++) {
        const struct gw_claim_config *claim = &credential->claims[i];
        struct json_object *description = json_object_new_object();
        json_object_object_add(description, "path", strings((const char *const[]){claim->name}, 1));
        set_copy(description, "display", claim->display);
        json_object_array_add(claims, description);
    }
    return claims;
}

/* `credential_metadata` (OpenID4VCI "Credential Issuer Metadata Parameters"). Its arrays must not be empty, so what is
 * empty is left out. */
static struct json_object *display_and_claims(const struct gw_credential_config *credential)
{
    struct json_object *metadata = json_object_new_object();
    set_copy(metadata, "display", credential->display);
    if (credential->claim_count > 0)
        json_object_object_add(metadata, "claims", claims_description(credential));
    return metadata;
}

struct json_object *gw_credential_metadata(const struct gw_credential_config *credential)
{
    struct json_object *metadata = display_and_claims(credential);
    const char *text = json_object_to_json_string_ext(metadata, JSON_C_TO_STRING_PLAIN);
    uint8_t digest[S2S_MAX_HASH];
    s2s_assert(s2s_hash(S2S_SHA256, s2s_bytes(text, strlen(text)), digest).code == S2S_OK);
    char version[17]; /* base64url of 12 octets: changes do not meet by chance */
    s2s_b64_encode_to(version, s2s_bytes(digest, 12));
    s2s_json_set_string(metadata, "version", version);
    return metadata;
}

/* `cryptographic_binding_methods_supported` and `proof_types_supported`: both or none (same section). */
static void set_key_binding(struct json_object *object)
{
    json_object_object_add(object, "cryptographic_binding_methods_supported", strings((const char *const[]){"jwk"}, 1));
    struct json_object *proof = json_object_new_object(), *proofs = json_object_new_object();
    json_object_object_add(proof, "proof_signing_alg_values_supported", strings(signing_algs, COUNT(signing_algs)));
    json_object_object_add(proofs, "jwt", proof);
    json_object_object_add(object, "proof_types_supported", proofs);
}

static struct json_object *credential_configuration(const struct gw_credential_config *credential,
                                                    const struct gw_signer *signer)
{
    struct json_object *object = json_object_new_object();
    s2s_json_set_string(object, "format", credential->format);
    if (credential->scope)
        s2s_json_set_string(object, "scope", credential->scope);
    s2s_json_set_string(object, "vct", credential->vct);
    json_object_object_add(object, "credential_signing_alg_values_supported",
                           strings((const char *const[]){gw_signer_alg(signer)}, 1));
    if (credential->key_binding)
        set_key_binding(object);
    json_object_object_add(object, "credential_metadata", display_and_claims(credential));
    return object;
}

static struct json_object *credential_configurations(const struct gw_metadata_input *input)
{
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < input->config->credential_count; i++) {
        const struct gw_credential_config *credential = &input->config->credentials[i];
        json_object_object_add(object, credential->id, credential_configuration(credential, input->signers[i]));
    }
    return object;
}

/* The public halves of the keys to publish, newest first (profile section 3, "Issuer keys"). */
static struct json_object *encryption_jwks(const struct gw_metadata_input *input)
{
    struct json_object *keys = json_object_new_array();
    for (size_t i = 0; i < input->issuer_keys->count; i++) {
        struct json_object *key = s2s_jwk_public_json(input->issuer_keys->keys[i]);
        s2s_json_set_string(key, "use", "enc");
        json_object_array_add(keys, key);
    }
    struct json_object *jwks = json_object_new_object();
    json_object_object_add(jwks, "keys", keys);
    return jwks;
}

/* Key encryption first: it is what this project produces by default (profile D4). */
static struct json_object *encryption_algs(void)
{
    struct json_object *algs = json_object_new_array();
    for (size_t i = 0; i < S2S_HPKE_SUITES; i++)
        add_string(algs, s2s_hpke_suites[i].name_ke);
    for (size_t i = 0; i < S2S_HPKE_SUITES; i++)
        add_string(algs, s2s_hpke_suites[i].name);
    return algs;
}

static bool has_string(struct json_object *array, const char *value)
{
    for (size_t i = 0; i < json_object_array_length(array); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(array, i)), value) == 0)
            return true;
    return false;
}

/* Those that the gateway knows, and those that it only compares. */
static struct json_object *supported_verification_types(const struct gw_config *config)
{
    struct json_object *types = json_object_new_array();
    for (int kind = 0; kind < GW_ITEM_KINDS; kind++)
        if (gw_item_type_of(kind) != NULL)
            add_string(types, gw_item_type_of(kind));
    for (size_t c = 0; c < config->credential_count; c++) {
        const struct gw_policy_config *policy = &config->credentials[c].policy;
        for (size_t i = 0; i < policy->item_count; i++)
            if (!has_string(types, policy->items[i].type))
                add_string(types, policy->items[i].type);
    }
    return types;
}

/* Whether any peer may have documents fetched. */
static bool takes_references(const struct gw_config *config)
{
    for (size_t i = 0; i < config->peer_count; i++)
        if (config->peers[i].content_hosts.count > 0)
            return true;
    return false;
}

static struct json_object *api_versions(void)
{
    struct json_object *versions = json_object_new_array();
    for (size_t i = 0; i < s2s_api_version_count; i++)
        add_string(versions, s2s_api_versions[i].version);
    return versions;
}

/* The member `s2s` (profile D16). */
static struct json_object *server_to_server(const struct gw_metadata_input *input)
{
    struct json_object *s2s = json_object_new_object();
    s2s_json_set_string(s2s, "issuer_server_url", input->config->issuer.url);
    json_object_object_add(s2s, "api_versions_supported", api_versions());
    json_object_object_add(s2s, "issuer_encryption_jwks", encryption_jwks(input));
    json_object_object_add(s2s, "signing_alg_values_supported", strings(signing_algs, COUNT(signing_algs)));
    json_object_object_add(s2s, "encryption_alg_values_supported", encryption_algs());
    json_object_object_add(s2s, "encryption_enc_values_supported",
                           strings(content_encryptions, COUNT(content_encryptions)));
    json_object_object_add(s2s, "verification_types_supported", supported_verification_types(input->config));
    json_object_object_add(s2s, "content_reference_supported",
                           json_object_new_boolean(takes_references(input->config)));
    json_object_object_add(s2s, "extensions_supported", json_object_new_array());
    return s2s;
}

struct json_object *gw_metadata_document(const struct gw_metadata_input *input)
{
    struct json_object *document = json_object_new_object();
    s2s_json_set_string(document, "credential_issuer", input->config->issuer.identifier);
    set_copy(document, "display", input->config->issuer.display);
    json_object_object_add(document, "credential_configurations_supported", credential_configurations(input));
    json_object_object_add(document, "s2s", server_to_server(input));
    return document;
}

/* OpenID4VCI "Signed Metadata": the metadata parameters become top-level claims. */
struct s2s_result gw_metadata_jwt(struct s2s_arena *arena, struct json_object *document, const struct gw_signer *signer,
                                  int64_t now, char **out)
{
    const char *issuer = s2s_json_string(document, "credential_issuer");
    struct json_object *claims = s2s_json_own(arena, copy_of(document));
    s2s_json_set_string(claims, "iss", issuer);
    s2s_json_set_string(claims, "sub", issuer);
    json_object_object_add(claims, "iat", json_object_new_int64(now));
    size_t len;
    char *payload = s2s_json_write(arena, claims, &len);
    if (!payload)
        return s2s_fail(S2S_LIMIT, "the metadata is too large to be signed");
    return gw_signer_sign(signer, arena, GW_SIGNED_METADATA, now, s2s_bytes(payload, len), out);
}
