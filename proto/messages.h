/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages of the protocol as schema tables (profile sections 3 to 5), and the table of endpoints from
 * which the gateway routes and the OpenAPI documents are generated.
 */
#ifndef S2S_MESSAGES_H
#define S2S_MESSAGES_H

#include "schema.h"

/* Limits of the tables, where the defaults of schema.h do not fit. */
#define S2S_MAX_ID 256          /* characters of an identifier or a type */
#define S2S_MAX_REASON 1024     /* characters of a reason or a message */
#define S2S_MAX_TIMESTAMP 64    /* characters of a date-time */
#define S2S_MAX_JWT (16 * 1024) /* characters of a nonce or a proof, with room for a certificate chain */
#define S2S_MAX_PRESENTMENT_KEYS 256
#define S2S_MAX_CLIENT_PAYLOADS 16 /* of one submission */
#define S2S_MAX_CONFIGURATIONS 256 /* credential configurations of one verification */

/* Requests. */
extern const struct s2s_schema s2s_initiate_request;
extern const struct s2s_schema s2s_supplement_request;
extern const struct s2s_schema s2s_verification_ref_request; /* status: sessionId, verificationId */
extern const struct s2s_schema s2s_cancel_request;
extern const struct s2s_schema s2s_provision_request;
extern const struct s2s_schema s2s_get_request;
extern const struct s2s_schema s2s_metadata_request;
extern const struct s2s_schema s2s_credential_status_request;
extern const struct s2s_schema s2s_manage_request;
extern const struct s2s_schema s2s_event_request;

/* Structures of more than one message. */
extern const struct s2s_schema s2s_verification_data; /* VerificationDataResponse */
extern const struct s2s_schema s2s_verification_data_request;
extern const struct s2s_schema s2s_jwe_encrypted_payload;
extern const struct s2s_schema s2s_wallet_signing_key;    /* KeyData of this type */
extern const struct s2s_schema s2s_wallet_encryption_key; /* KeyData of this type */

/* Enumerations of /credential/manage, NULL-terminated. */
extern const char *const s2s_manage_actions[];
extern const char *const s2s_manage_outcomes[];

/* Structures inside of encrypted payloads. */
extern const struct s2s_schema s2s_verification_item;     /* VerificationDataItem */
extern const struct s2s_schema s2s_client_encrypted_data; /* { presentmentKeys, walletEncryptionKeyThumbprint? } */

/* The document at /.well-known/openid-credential-issuer (profile section 6, D16). */
extern const struct s2s_schema s2s_issuer_metadata;

/* Responses (for documents and tests). */
extern const struct s2s_schema s2s_verification_status_response;
extern const struct s2s_schema s2s_cancel_response;
extern const struct s2s_schema s2s_provision_response;
extern const struct s2s_schema s2s_get_response;
extern const struct s2s_schema s2s_get_pending_response; /* 202 */
extern const struct s2s_schema s2s_metadata_response;
extern const struct s2s_schema s2s_credential_status_response;
extern const struct s2s_schema s2s_manage_response;
extern const struct s2s_schema s2s_event_response;

enum s2s_endpoint_id {
    S2S_INITIATE,
    S2S_SUPPLEMENT,
    S2S_VERIFICATION_STATUS,
    S2S_CANCEL,
    S2S_PROVISION,
    S2S_GET,
    S2S_METADATA,
    S2S_CREDENTIAL_STATUS,
    S2S_MANAGE,
    S2S_EVENT_NOTIFY,
    S2S_VERIFICATION_NOTIFY,
    S2S_ENDPOINTS
};

enum { S2S_HOST_ISSUER = 1u, S2S_HOST_WALLET = 2u };

/* One row an endpoint. */
struct s2s_endpoint {
    const char *path; /* below the base path, e.g. "/verification/initiate" */
    const char *name; /* label in logs and metrics, e.g. "verification_initiate" */
    unsigned hosts;
    const struct s2s_schema *request;
    const struct s2s_schema *response;
    const struct s2s_schema *accepted; /* body of a 202, or NULL */
    const char *doc;
};

extern const struct s2s_endpoint s2s_endpoints[S2S_ENDPOINTS];

/* The OpenAPI 3.1 document of what `host` (S2S_HOST_*) serves; one new reference. */
struct json_object *s2s_openapi(unsigned host);

/* The same as the text of a file: indented by 2 spaces, one trailing newline. The caller frees it. */
char *s2s_openapi_text(unsigned host);

/* What s2s_verification_status_response cannot say: the members that a VerificationStatus must have because of its
 * status (profile section 4). Each that is missing becomes a violation. */
void s2s_verification_status_check(struct s2s_arena *arena, const struct json_object *body, struct s2s_violations *out);

#endif
