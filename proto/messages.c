/* SPDX-License-Identifier: Apache-2.0
 *
 * The structures that the messages share ("End to End Encryption" of the draft), and the endpoints.
 */
#include "messages.h"

#include "messages_rows.h"

const struct s2s_field s2s_any_object_item = {.type = S2S_OBJECT};
const struct s2s_field s2s_id_item = {.type = S2S_STRING, .max = S2S_MAX_ID};
const struct s2s_field s2s_name_item = {.type = S2S_STRING, .format = S2S_TOKEN, .max = S2S_MAX_ID};

/* ---- KeyData ---- */

/* Only what every key has; jwk.c judges the rest together with the key itself. */
static const struct s2s_field public_key_fields[] = {
    S2S_TEXT_ROW("kty", S2S_REQUIRED, S2S_MAX_ID, "EC or OKP."),
    S2S_TEXT_ROW(
        "alg", S2S_REQUIRED, S2S_MAX_ID,
        "The algorithm that the key is for: ES256, ES384, ES512, EdDSA or Ed25519 to sign, HPKE-n or HPKE-n-KE "
        "to encrypt."),
    S2S_TEXT_ROW("kid", 0, S2S_MAX_ID, "The key's identifier; recommended."),
    S2S_TEXT_ROW("crv", 0, S2S_MAX_ID, "The curve."),
    S2S_TEXT_ROW("x", 0, S2S_MAX_ID, "base64url of the x coordinate, or of the OKP public key."),
    S2S_TEXT_ROW("y", 0, S2S_MAX_ID, "base64url of the y coordinate; EC only."),
    S2S_TEXT_ROW("use", 0, S2S_MAX_ID, "When present it must allow the key's purpose."),
};

static const struct s2s_schema public_key = {
    .name = "PublicJwk",
    .doc = "A public key as JSON Web Key (RFC 7517); private members are refused.",
    S2S_FIELDS(public_key_fields),
};

static const struct s2s_field attestation_fields[] = {
    S2S_TEXT_ROW("proof_type", 0, S2S_MAX_ID, "\"jwt\" for the proofs that this project defines."),
    S2S_TEXT_ROW("jwt", 0, S2S_MAX_JWT, "The proof as compact JWS."),
};

static const struct s2s_schema attestation = {
    .name = "Attestation",
    .doc = "A proof about a key: of a wallet encryption key that the wallet signing key vouches for it "
           "(s2s-key-binding+jwt), of a presentment key that the wallet holds it (openid4vci-proof+jwt).",
    S2S_FIELDS(attestation_fields),
};

static const struct s2s_field key_data_fields[] = {
    S2S_OBJECT_ROW("client_public_key", S2S_REQUIRED, &public_key, "The public key."),
    S2S_OBJECT_ROW("attestation", 0, &attestation, "Proof about the key."),
    S2S_TEXT_ROW("purpose", S2S_EMPTY_OK, S2S_MAX_REASON, "The key's purpose, for people."),
    S2S_EXTENSIONS_ROW,
};

static const struct s2s_schema key_data = {.name = "KeyData", S2S_FIELDS(key_data_fields)};

/* Each place takes keys of one type. */
static const char *const signing_key_types[] = {"WALLET_SIGNING_KEY", NULL};
static const char *const encryption_key_types[] = {"WALLET_ENCRYPTION_KEY", NULL};
static const char *const presentment_key_types[] = {"PRESENTMENT_KEY", NULL};

static const struct s2s_field signing_key_fields[] = {
    S2S_ENUM_ROW("keyType", S2S_REQUIRED, signing_key_types, "What the key is for."),
};
static const struct s2s_field encryption_key_fields[] = {
    S2S_ENUM_ROW("keyType", S2S_REQUIRED, encryption_key_types, "What the key is for."),
};
static const struct s2s_field presentment_key_fields[] = {
    S2S_ENUM_ROW("keyType", S2S_REQUIRED, presentment_key_types, "What the key is for."),
};

const struct s2s_schema s2s_wallet_signing_key = {
    .name = "WalletSigningKeyData",
    .doc = "KeyData of a wallet signing key.",
    .base = &key_data,
    S2S_FIELDS(signing_key_fields),
};

const struct s2s_schema s2s_wallet_encryption_key = {
    .name = "WalletEncryptionKeyData",
    .doc = "KeyData of a wallet encryption key.",
    .base = &key_data,
    S2S_FIELDS(encryption_key_fields),
};

static const struct s2s_schema presentment_key = {
    .name = "PresentmentKeyData",
    .doc = "KeyData of a presentment key.",
    .base = &key_data,
    S2S_FIELDS(presentment_key_fields),
};

/* ---- JweEncryptedPayload ---- */

static const char *const payload_origins[] = {"WALLET_CLIENT", "WALLET_SERVER", "ISSUER", NULL};

static const struct s2s_field jwe_encrypted_payload_fields[] = {
    {.name = "jwe",
     .type = S2S_STRING_OR_OBJECT,
     .flags = S2S_REQUIRED,
     .doc = "A JWE with JOSE-HPKE: compact, or flattened or single-recipient general JSON serialization."},
    S2S_ENUM_ROW("origin", S2S_REQUIRED, payload_origins, "Who encrypted it."),
    S2S_TEXT_ROW("purpose", S2S_EMPTY_OK, S2S_MAX_REASON, "A hint."),
    S2S_EXTENSIONS_ROW,
};

const struct s2s_schema s2s_jwe_encrypted_payload = {
    .name = "JweEncryptedPayload",
    .doc = "An encrypted payload. From a WALLET_CLIENT the plaintext is a compact JWS by the wallet signing key, whose "
           "payload carries `aud`: the RFC 7638 thumbprint of the encryption key used.",
    S2S_FIELDS(jwe_encrypted_payload_fields),
};

static const struct s2s_field presentment_key_item = {.type = S2S_OBJECT, .object = &presentment_key};

static const struct s2s_field client_encrypted_data_fields[] = {
    {.name = "presentmentKeys",
     .type = S2S_ARRAY,
     .flags = S2S_REQUIRED,
     .min = 1,
     .max = S2S_MAX_PRESENTMENT_KEYS,
     .items = &presentment_key_item,
     .doc = "The keys to bind credentials to, one credential each; every one with its proof."},
    S2S_TEXT_ROW("walletEncryptionKeyThumbprint", 0, S2S_MAX_ID,
                 "RFC 7638 thumbprint of the request's walletEncryptionKey."),
};

const struct s2s_schema s2s_client_encrypted_data = {
    .name = "ClientEncryptedData",
    .doc = "What clientEncryptedData of /credential/get carries.",
    S2S_FIELDS(client_encrypted_data_fields),
};

/* ---- Endpoints ---- */

const struct s2s_endpoint s2s_endpoints[S2S_ENDPOINTS] = {
    [S2S_INITIATE] = {"/verification/initiate", "verification_initiate", S2S_HOST_ISSUER, &s2s_initiate_request,
                      &s2s_verification_status_response, NULL,
                      "Opens a session and starts the verification of a wallet client instance."},
    [S2S_SUPPLEMENT] = {"/verification/supplement", "verification_supplement", S2S_HOST_ISSUER, &s2s_supplement_request,
                        &s2s_verification_status_response, NULL, "Adds verification data to a verification."},
    [S2S_VERIFICATION_STATUS] = {"/verification/status", "verification_status", S2S_HOST_ISSUER,
                                 &s2s_verification_ref_request, &s2s_verification_status_response, NULL,
                                 "Tells the status of a verification."},
    [S2S_CANCEL] = {"/verification/cancel", "verification_cancel", S2S_HOST_ISSUER, &s2s_cancel_request,
                    &s2s_cancel_response, NULL, "Cancels a verification."},
    [S2S_PROVISION] = {"/credential/provision", "credential_provision", S2S_HOST_ISSUER, &s2s_provision_request,
                       &s2s_provision_response, NULL, "Makes the credential instances of an approved verification."},
    [S2S_GET] = {"/credential/get", "credential_get", S2S_HOST_ISSUER, &s2s_get_request, &s2s_get_response,
                 &s2s_get_pending_response, "Issues the credentials of an instance, encrypted to the wallet client."},
    [S2S_METADATA] = {"/credential/metadata", "credential_metadata", S2S_HOST_ISSUER, &s2s_metadata_request,
                      &s2s_metadata_response, NULL, "Tells the metadata of a credential instance."},
    [S2S_CREDENTIAL_STATUS] = {"/credential/status", "credential_status", S2S_HOST_ISSUER | S2S_HOST_WALLET,
                               &s2s_credential_status_request, &s2s_credential_status_response, NULL,
                               "Tells the status of a credential instance as this server sees it."},
    [S2S_MANAGE] = {"/credential/manage", "credential_manage", S2S_HOST_ISSUER | S2S_HOST_WALLET, &s2s_manage_request,
                    &s2s_manage_response, NULL, "Suspends, resumes or unlinks a credential instance."},
    [S2S_EVENT_NOTIFY] = {"/event/notify", "event_notify", S2S_HOST_ISSUER | S2S_HOST_WALLET, &s2s_event_request,
                          &s2s_event_response, NULL, "Takes notice of an event; repeated ones change nothing twice."},
    [S2S_VERIFICATION_NOTIFY] = {"/verification/notify", "verification_notify", S2S_HOST_WALLET,
                                 &s2s_verification_status_response, &s2s_cancel_response, NULL,
                                 "Takes notice of a changed verification status."},
};
