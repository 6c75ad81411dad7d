/* SPDX-License-Identifier: Apache-2.0
 *
 * A wallet client and its wallet server in one, for trying out and for support: its keys and its session live in a
 * folder, so that one command takes up where another one ended.
 */
#ifndef CTL_WALLET_H
#define CTL_WALLET_H

#include "gateway/ctl/ctl.h"
#include "gateway/ctl/http.h"
#include "proto/jwk.h"
#include "proto/messages.h"

/* Files of the folder. */
#define CTL_WALLET_STATE "state.json"
#define CTL_WALLET_WSK "signing-key.pem"
#define CTL_WALLET_WEK "encryption-key.pem"
#define CTL_WALLET_CREDENTIALS "credentials.json" /* those that were fetched last */

struct ctl_wallet {
    struct ctl *ctl;
    const char *folder;
    struct json_object *state; /* state.json: issuer, sessionId, verificationId, instances, and what keys are for */
    struct s2s_jwk *wsk, *wek; /* NULL until they are made */
    struct ctl_http_identity identity;
    CURL *curl;
    /* Of the issuer's metadata, once they are fetched. */
    struct json_object *metadata;
    const char *issuer;         /* credential issuer identifier */
    const char *server_url;     /* where its endpoints are */
    struct s2s_jwk *issuer_key; /* to encrypt to */
};

/* ---- folder (wallet_folder.c) ---- */

/* Open the folder: options, environment, keys, state. Close it in any case. */
enum ctl_status ctl_wallet_open(struct ctl *ctl, struct ctl_wallet *wallet);
void ctl_wallet_close(struct ctl_wallet *wallet);

/* Write the state back. */
enum ctl_status ctl_wallet_save(const struct ctl_wallet *wallet);

/* Make the signing and the encryption key, in the place of those that there are. */
enum ctl_status ctl_wallet_make_keys(struct ctl_wallet *wallet, const char *alg, const char *encryption_alg);

/* The presentment key of this number, made when there is none. */
enum ctl_status ctl_wallet_presentment_key(struct ctl_wallet *wallet, unsigned number, struct s2s_jwk **out);

/* A text of the state, or NULL with a complaint that names the command which brings it. */
const char *ctl_wallet_text(const struct ctl_wallet *wallet, const char *name, const char *command);

/* Read a whole file of the folder; NULL, without a complaint, when it is not there. */
char *ctl_wallet_read(const struct ctl_wallet *wallet, const char *name, size_t *len);

/* Write a file of the folder, closed to others. */
enum ctl_status ctl_wallet_write(const struct ctl_wallet *wallet, const char *name, const char *text, size_t len);

/* ---- what it signs and encrypts (wallet_payload.c); NULL with a complaint ---- */

/* verificationNonce of the session (D2). */
const char *ctl_wallet_nonce(const struct ctl_wallet *wallet, bool bound);

/* A JweEncryptedPayload of origin WALLET_CLIENT (D5) that carries `claims`, which is taken; one new reference. */
struct json_object *ctl_wallet_payload(const struct ctl_wallet *wallet, struct json_object *claims);

/* KeyData of the keys; one new reference. That of the encryption key is bound to the signing key. */
struct json_object *ctl_wallet_wsk_data(const struct ctl_wallet *wallet);
struct json_object *ctl_wallet_wek_data(const struct ctl_wallet *wallet);

/* clientEncryptedData of a get with so many presentment keys; one new reference. */
struct json_object *ctl_wallet_presentment(struct ctl_wallet *wallet, unsigned count);

/* VerificationDataResponse of the items on the command line (wallet_items.c); one new reference. `*data` is NULL when
 * there are none. */
enum ctl_status ctl_wallet_data(struct ctl_wallet *wallet, struct json_object **data);

/* ---- what it says (wallet_call.c) ---- */

/* Fetch the issuer's metadata. */
enum ctl_status ctl_wallet_meet_issuer(struct ctl_wallet *wallet);

/* GET a document; the text is in the run's arena. */
enum ctl_status ctl_wallet_fetch(struct ctl_wallet *wallet, const char *url, struct s2s_bytes *out);

/* Call an endpoint. `body` is taken. CTL_OK: `*answer` is that of a 200 or 202, owned by the arena, `*status_code`
 * which. */
enum ctl_status ctl_wallet_call(struct ctl_wallet *wallet, enum s2s_endpoint_id endpoint, struct json_object *body,
                                struct json_object **answer, long *status_code);

#endif
