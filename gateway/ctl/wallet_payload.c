/* SPDX-License-Identifier: Apache-2.0
 *
 * What a wallet client signs with its signing key and encrypts to the issuer (profile section 3).
 */
#include "gateway/ctl/wallet.h"
#include "proto/b64.h"
#include "proto/json.h"
#include "proto/jwe.h"
#include "proto/jws.h"
#include "proto/uuid.h"

#include <string.h>
#include <time.h>

/* A compact JWS by `key` over the claims; both objects are taken. NULL with a complaint. */
static const char *sign(const struct ctl_wallet *wallet, const struct s2s_jwk *key, struct json_object *header,
                        struct json_object *claims)
{
    char *jws;
    size_t len;
    struct s2s_arena *arena = wallet->ctl->arena;
    const char *payload = s2s_json_write(arena, s2s_json_own(arena, claims), &len);
    struct s2s_result r = s2s_jws_sign(arena, key, s2s_json_own(arena, header), s2s_bytes(payload, len), &jws);
    if (!s2s_failed(r))
        return jws;
    (void)ctl_fail(CTL_USAGE, "signing: %s", r.detail);
    return NULL;
}

static struct json_object *header_of(const char *typ)
{
    struct json_object *header = json_object_new_object();
    if (typ != NULL)
        s2s_json_set_string(header, "typ", typ);
    return header;
}

static struct json_object *new_claims(const struct ctl_wallet *wallet)
{
    struct json_object *claims = json_object_new_object();
    s2s_json_set_string(claims, "aud", wallet->issuer);
    json_object_object_add(claims, "iat", json_object_new_int64((int64_t)time(NULL)));
    return claims;
}

static const char *session_of(const struct ctl_wallet *wallet)
{
    return s2s_json_string(wallet->state, "sessionId");
}

const char *ctl_wallet_nonce(const struct ctl_wallet *wallet, bool bound)
{
    const char *session = session_of(wallet);
    struct s2s_bytes signature;
    if (!bound) {
        struct s2s_result r =
            s2s_jws_sign_raw(wallet->ctl->arena, wallet->wsk, s2s_bytes(session, strlen(session)), &signature);
        if (!s2s_failed(r))
            return s2s_b64_encode(wallet->ctl->arena, signature);
        (void)ctl_fail(CTL_USAGE, "signing: %s", r.detail);
        return NULL;
    }
    char jti[S2S_UUID_SIZE];
    struct json_object *claims = new_claims(wallet);
    s2s_uuid_new(jti);
    s2s_json_set_string(claims, "sessionId", session);
    s2s_json_set_string(claims, "jti", jti);
    return sign(wallet, wallet->wsk, header_of("s2s-verification-nonce+jwt"), claims);
}

struct json_object *ctl_wallet_payload(const struct ctl_wallet *wallet, struct json_object *claims)
{
    const struct s2s_jwe_options options = {.form = S2S_JWE_COMPACT};
    struct json_object *jwe;
    s2s_json_set_string(claims, "aud", s2s_jwk_thumbprint(wallet->issuer_key));
    const char *jws = sign(wallet, wallet->wsk, header_of(NULL), claims);
    if (jws == NULL)
        return NULL;
    struct s2s_result r =
        s2s_jwe_seal(wallet->ctl->arena, wallet->issuer_key, &options, s2s_bytes(jws, strlen(jws)), &jwe);
    if (s2s_failed(r)) {
        (void)ctl_fail(CTL_USAGE, "encrypting: %s", r.detail);
        return NULL;
    }
    struct json_object *payload = json_object_new_object();
    s2s_json_set_string(payload, "origin", "WALLET_CLIENT");
    json_object_object_add(payload, "jwe", json_object_get(jwe));
    return payload;
}

/* ---- keys ---- */

/* KeyData with, unless `jwt` is NULL, its attestation. */
static struct json_object *key_data(const char *type, const struct s2s_jwk *key, const char *jwt)
{
    struct json_object *data = json_object_new_object();
    s2s_json_set_string(data, "keyType", type);
    json_object_object_add(data, "client_public_key", s2s_jwk_public_json(key));
    if (jwt != NULL) {
        struct json_object *attestation = json_object_new_object();
        s2s_json_set_string(attestation, "proof_type", "jwt");
        s2s_json_set_string(attestation, "jwt", jwt);
        json_object_object_add(data, "attestation", attestation);
    }
    return data;
}

struct json_object *ctl_wallet_wsk_data(const struct ctl_wallet *wallet)
{
    return key_data("WALLET_SIGNING_KEY", wallet->wsk, NULL);
}

struct json_object *ctl_wallet_wek_data(const struct ctl_wallet *wallet)
{
    struct json_object *claims = new_claims(wallet);
    s2s_json_set_string(claims, "sub", s2s_jwk_thumbprint(wallet->wek));
    s2s_json_set_string(claims, "sessionId", session_of(wallet));
    const char *jwt = sign(wallet, wallet->wsk, header_of("s2s-key-binding+jwt"), claims);
    return jwt != NULL ? key_data("WALLET_ENCRYPTION_KEY", wallet->wek, jwt) : NULL;
}

/* A presentment key with the proof that we have it (OpenID4VCI, "jwt Proof Type"). */
static struct json_object *presentment_key(const struct ctl_wallet *wallet, const struct s2s_jwk *key)
{
    struct json_object *header = header_of("openid4vci-proof+jwt"), *claims = new_claims(wallet);
    json_object_object_add(header, "jwk", s2s_jwk_public_json(key));
    s2s_json_set_string(claims, "nonce", session_of(wallet));
    const char *jwt = sign(wallet, key, header, claims);
    return jwt != NULL ? key_data("PRESENTMENT_KEY", key, jwt) : NULL;
}

struct json_object *ctl_wallet_presentment(struct ctl_wallet *wallet, unsigned count)
{
    struct json_object *claims = json_object_new_object(), *keys = json_object_new_array();
    json_object_object_add(claims, "presentmentKeys", keys);
    s2s_json_set_string(claims, "walletEncryptionKeyThumbprint", s2s_jwk_thumbprint(wallet->wek));
    for (unsigned i = 0; i < count; ++i) {
        struct s2s_jwk *key;
        struct json_object *data =
            ctl_wallet_presentment_key(wallet, i + 1, &key) == CTL_OK ? presentment_key(wallet, key) : NULL;
        if (data == NULL) {
            json_object_put(claims);
            return NULL;
        }
        json_object_array_add(keys, data);
    }
    return ctl_wallet_payload(wallet, claims);
}
