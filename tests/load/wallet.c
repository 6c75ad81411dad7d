/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies are put together as text from parts that are made once for each client; only what a session needs by itself
 * (its nonce, its proofs, its ciphertexts) is signed and encrypted here.
 */
#include "tests/load/wallet.h"

#include "proto/b64.h"
#include "proto/jwe.h"
#include "proto/jws.h"

#include <openssl/ec.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Memory for what one session signs and encrypts. */
#define SCRATCH_SIZE ((size_t)32 << 20)

struct load_client {
    struct s2s_jwk *wsk, *wek;
    struct s2s_jwk **keys; /* presentment keys */
    /* The public keys as JSON. */
    char *wsk_json, *wek_json;
};

struct load_wallet {
    struct load_wallet_config config;
    struct load_client *clients;
    char *padding;            /* payload_size octets of text */
    char *configuration_json; /* the configuration's id as a JSON string */
};

/* Every failure here would be one of our own making: of keys that we have made, on texts that we have written. */
static void must(struct s2s_result result)
{
    if (s2s_failed(result)) {
        fprintf(stderr, "s2s-load: preparing: %s\n", result.detail);
        abort();
    }
}

/* ---- keys ---- */

static struct s2s_jwk *new_key(const char *alg, const char *kid)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    struct s2s_jwk *key;
    s2s_assert(pkey != NULL);
    must(s2s_jwk_from_pkey(pkey, alg, kid, &key));
    EVP_PKEY_free(pkey);
    return key;
}

static char *json_text(struct json_object *owned)
{
    char *text = strdup(json_object_to_json_string_ext(owned, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    s2s_assert(text != NULL);
    json_object_put(owned);
    return text;
}

static void client_init(struct load_client *client, size_t key_count)
{
    client->wsk = new_key("ES256", NULL);
    client->wek = new_key("HPKE-0-KE", "wek");
    client->wsk_json = json_text(s2s_jwk_public_json(client->wsk));
    client->wek_json = json_text(s2s_jwk_public_json(client->wek));
    client->keys = calloc(key_count, sizeof(struct s2s_jwk *));
    s2s_assert(client->keys != NULL);
    for (size_t i = 0; i < key_count; ++i)
        client->keys[i] = new_key("ES256", NULL);
}

static void client_free(struct load_client *client, size_t key_count)
{
    for (size_t i = 0; i < key_count; ++i)
        s2s_jwk_free(client->keys[i]);
    free(client->keys);
    s2s_jwk_free(client->wsk);
    s2s_jwk_free(client->wek);
    free(client->wsk_json);
    free(client->wek_json);
}

struct load_wallet *load_wallet_new(const struct load_wallet_config *config)
{
    struct load_wallet *wallet = calloc(1, sizeof(*wallet));
    s2s_assert(wallet != NULL && config->clients > 0 && config->keys > 0);
    wallet->config = *config;
    wallet->clients = calloc(config->clients, sizeof(*wallet->clients));
    wallet->padding = malloc(config->payload_size + 1);
    s2s_assert(wallet->clients != NULL && wallet->padding != NULL);
    memset(wallet->padding, 'x', config->payload_size);
    wallet->padding[config->payload_size] = '\0';
    wallet->configuration_json = json_text(json_object_new_string(config->issuer->configuration));
    for (size_t i = 0; i < config->clients; ++i)
        client_init(&wallet->clients[i], config->keys);
    return wallet;
}

void load_wallet_free(struct load_wallet *wallet)
{
    if (wallet == NULL)
        return;
    for (size_t i = 0; i < wallet->config.clients; ++i)
        client_free(&wallet->clients[i], wallet->config.keys);
    free(wallet->clients);
    free(wallet->padding);
    free(wallet->configuration_json);
    free(wallet);
}

struct s2s_jwk *load_client_wek(const struct load_client *client)
{
    return client->wek;
}

const struct s2s_jwk *load_client_key(const struct load_client *client, size_t index)
{
    return client->keys[index];
}

/* ---- signing and encrypting ---- */

/* A session being prepared. */
struct work {
    const struct load_wallet *wallet;
    const struct load_session *session;
    struct s2s_arena *arena;
};

static const char *sign(const struct work *work, const struct s2s_jwk *key, struct json_object *header,
                        struct json_object *claims)
{
    char *jws;
    size_t len;
    const char *payload = s2s_json_write(work->arena, s2s_json_own(work->arena, claims), &len);
    s2s_assert(payload != NULL);
    must(s2s_jws_sign(work->arena, key, s2s_json_own(work->arena, header), s2s_bytes(payload, len), &jws));
    return jws;
}

static struct json_object *header_of_type(const char *typ)
{
    struct json_object *header = json_object_new_object();
    if (typ != NULL)
        s2s_json_set_string(header, "typ", typ);
    return header;
}

static void set_now(struct json_object *claims)
{
    json_object_object_add(claims, "iat", json_object_new_int64((int64_t)time(NULL)));
}

/* verificationNonce (D2). */
static const char *make_nonce(const struct work *work)
{
    const struct load_wallet *wallet = work->wallet;
    const struct load_session *session = work->session;
    if (!wallet->config.bound_nonce) {
        struct s2s_bytes signature;
        must(s2s_jws_sign_raw(work->arena, session->client->wsk,
                              s2s_bytes(session->session_id, strlen(session->session_id)), &signature));
        return s2s_b64_encode(work->arena, signature);
    }
    char jti[S2S_UUID_SIZE];
    struct json_object *claims = json_object_new_object();
    s2s_uuid_new(jti);
    s2s_json_set_string(claims, "sessionId", session->session_id);
    s2s_json_set_string(claims, "aud", wallet->config.issuer->identifier);
    s2s_json_set_string(claims, "jti", jti);
    set_now(claims);
    return sign(work, session->client->wsk, header_of_type("s2s-verification-nonce+jwt"), claims);
}

/* A JweEncryptedPayload of origin WALLET_CLIENT (D5) that carries `claims`; appended to `out`. */
static void add_client_payload(const struct work *work, struct json_object *claims, struct load_buffer *out)
{
    const struct s2s_jwk *issuer_key = work->wallet->config.issuer->key;
    struct s2s_jwe_options options = {.form = S2S_JWE_COMPACT};
    struct json_object *jwe;
    s2s_json_set_string(claims, "aud", s2s_jwk_thumbprint(issuer_key));
    const char *jws = sign(work, work->session->client->wsk, header_of_type(NULL), claims);
    must(s2s_jwe_seal(work->arena, issuer_key, &options, s2s_bytes(jws, strlen(jws)), &jwe));
    load_buffer_text(out, "{\"origin\":\"WALLET_CLIENT\",\"jwe\":\"");
    load_buffer_text(out, json_object_get_string(jwe));
    load_buffer_text(out, "\"}");
}

/* ---- bodies ---- */

static void add_item(const struct work *work, size_t number, struct load_buffer *out)
{
    char id[32];
    struct json_object *item = json_object_new_object();
    snprintf(id, sizeof(id), "otp-%zu", number + 1);
    s2s_json_set_string(item, "id", id);
    s2s_json_set_string(item, "type", "urn:s2s-gateway:verification:otp");
    s2s_json_set_string(item, "otp", "123456");
    if (work->wallet->config.payload_size > 0)
        s2s_json_set_string(item, "padding", work->wallet->padding);
    add_client_payload(work, item, out);
}

static void make_initiate(const struct work *work, struct load_buffer *out)
{
    const struct load_wallet_config *config = &work->wallet->config;
    const char *const parts[] = {
        "{\"sessionId\":\"",
        work->session->session_id,
        "\",\"credentialConfigurationIds\":[",
        work->wallet->configuration_json,
        "],\"walletSigningKeyData\":{\"keyType\":\"WALLET_SIGNING_KEY\",\"client_public_key\":",
        work->session->client->wsk_json,
        "},\"verificationNonce\":\"",
        make_nonce(work),
        "\"",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); ++i)
        load_buffer_text(out, parts[i]);
    for (size_t i = 0; i < config->payloads; ++i) {
        load_buffer_text(out, i == 0 ? ",\"verificationData\":{\"clientEncryptedPayload\":[" : ",");
        add_item(work, i, out);
    }
    load_buffer_text(out, config->payloads > 0 ? "]}}" : "}");
}

/* KeyData of a presentment key with its openid4vci-proof+jwt (OpenID4VCI, "jwt Proof Type"). */
static struct json_object *presentment_key(const struct work *work, size_t i)
{
    const struct load_client *client = work->session->client;
    struct json_object *header = header_of_type("openid4vci-proof+jwt"), *claims = json_object_new_object();
    json_object_object_add(header, "jwk", s2s_jwk_public_json(client->keys[i]));
    s2s_json_set_string(claims, "aud", work->wallet->config.issuer->identifier);
    s2s_json_set_string(claims, "nonce", work->session->session_id);
    set_now(claims);

    struct json_object *data = json_object_new_object(), *attestation = json_object_new_object();
    s2s_json_set_string(attestation, "proof_type", "jwt");
    s2s_json_set_string(attestation, "jwt", sign(work, client->keys[i], header, claims));
    s2s_json_set_string(data, "keyType", "PRESENTMENT_KEY");
    json_object_object_add(data, "client_public_key", s2s_jwk_public_json(client->keys[i]));
    json_object_object_add(data, "attestation", attestation);
    return data;
}

static void make_get(const struct work *work, struct load_buffer *out)
{
    const struct load_client *client = work->session->client;
    struct json_object *claims = json_object_new_object(), *keys = json_object_new_array();
    for (size_t i = 0; i < work->wallet->config.keys; ++i)
        json_object_array_add(keys, presentment_key(work, i));
    json_object_object_add(claims, "presentmentKeys", keys);
    s2s_json_set_string(claims, "walletEncryptionKeyThumbprint", s2s_jwk_thumbprint(client->wek));
    load_buffer_text(out, "\"reason\":\"REFRESH\",\"walletEncryptionKey\":{\"keyType\":\"WALLET_ENCRYPTION_KEY\","
                          "\"client_public_key\":");
    load_buffer_text(out, client->wek_json);
    load_buffer_text(out, "},\"clientEncryptedData\":");
    add_client_payload(work, claims, out);
    load_buffer_text(out, "}");
}

/* ---- sessions ---- */

/* A buffer that fits: thousands of them wait for their turn. */
static void shrink(struct load_buffer *buffer)
{
    buffer->data = realloc(buffer->data, buffer->len);
    s2s_assert(buffer->data != NULL);
    buffer->size = buffer->len;
}

void load_session_make(const struct load_wallet *wallet, unsigned parts, struct load_session *session)
{
    static const struct {
        unsigned part;
        size_t offset;
        void (*make)(const struct work *work, struct load_buffer *out);
    } rows[] = {
        {LOAD_PART_INITIATE, offsetof(struct load_session, initiate), make_initiate},
        {LOAD_PART_GET, offsetof(struct load_session, get), make_get},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct load_buffer *out = (struct load_buffer *)(void *)((char *)session + rows[i].offset);
        if ((parts & rows[i].part) == 0)
            continue;
        struct work work = {wallet, session, s2s_arena_new(SCRATCH_SIZE)};
        out->len = 0;
        rows[i].make(&work, out);
        shrink(out);
        s2s_arena_free(work.arena);
    }
}

void load_session_begin(const struct load_wallet *wallet, size_t index, unsigned parts, struct load_session *session)
{
    *session = (struct load_session){.client = &wallet->clients[index % wallet->config.clients]};
    s2s_uuid_new(session->session_id);
    load_session_make(wallet, parts, session);
}

void load_session_drop(struct load_session *session, unsigned parts)
{
    if ((parts & LOAD_PART_INITIATE) != 0)
        load_buffer_free(&session->initiate);
    if ((parts & LOAD_PART_GET) != 0)
        load_buffer_free(&session->get);
}
