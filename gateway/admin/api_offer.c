/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a credential offer (OpenID4VCI 1.0 section 4.1). The codes are made here, and the database gets HMACs of them.
 * What the answer has of them is stored sealed, beside the offer: so a repeated request gets the same codes again.
 */
#include "gateway/admin/api.h"
#include "gateway/admin/sealed.h"
#include "gateway/credential/subject.h"
#include "gateway/issuer/offer_codes.h"
#include "gateway/issuer/offer_document.h"
#include "gateway/qr.h"
#include "proto/b64.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define GRANT "urn:ietf:params:oauth:grant-type:pre-authorized_code"
#define CODE_LEN 32 /* octets */
#define MAX_DEPTH 32

/* An offer in the making; all in the arena. */
struct offer {
    char id[S2S_UUID_SIZE];
    const char *code;
    const char *tx_code;   /* NULL: none is asked for */
    const char *reference; /* NULL: by value */
    struct json_object *document;
    uint8_t code_hash[GW_OFFER_HASH_SIZE], tx_code_hash[GW_OFFER_HASH_SIZE], reference_hash[GW_OFFER_HASH_SIZE];
    struct s2s_bytes subject_sealed, document_sealed, answer_sealed; /* data NULL: none */
    char subject_ref[GW_PSEUDONYM_SIZE];                             /* "": none */
};

/* ---- codes ---- */

static const char *random_text(struct gw_api_request *rq, size_t octets)
{
    uint8_t random[CODE_LEN];
    s2s_assert(octets <= sizeof(random) && RAND_bytes(random, (int)octets) == 1);
    const char *text = s2s_b64_encode(rq->arena, s2s_bytes(random, octets));
    s2s_assert(text != NULL);
    return text;
}

/* As likely one as another: octets that would favour the first characters are drawn again. */
static char random_character(const char *alphabet)
{
    size_t count = strlen(alphabet);
    uint8_t octet;
    do
        s2s_assert(RAND_bytes(&octet, 1) == 1);
    while (octet >= 256 / count * count);
    return alphabet[octet % count];
}

static bool is_text_mode(const struct gw_offers_config *offers, struct json_object *wish)
{
    const char *mode = s2s_json_string(wish, "input_mode");
    return mode != NULL ? strcmp(mode, "text") == 0 : offers->tx_code_text;
}

static size_t tx_code_length(const struct gw_offers_config *offers, struct json_object *wish)
{
    struct json_object *length = s2s_json_get(wish, "length");
    return length != NULL ? (size_t)json_object_get_int64(length) : offers->tx_code_length;
}

static const char *make_tx_code(struct gw_api_request *rq, struct json_object *wish)
{
    /* Without those that are taken for another one when they are read out or typed. */
    static const char digits[] = "0123456789", letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const struct gw_offers_config *offers = &rq->generation->config->offers;
    size_t length = tx_code_length(offers, wish);
    char *code = s2s_arena_alloc(rq->arena, length + 1);
    s2s_assert(code != NULL);
    for (size_t i = 0; i < length; ++i)
        code[i] = random_character(is_text_mode(offers, wish) ? letters : digits);
    return code;
}

/* ---- the document (section 4.1.1) ---- */

static struct json_object *describe_tx_code(const struct gw_offers_config *offers, struct json_object *wish)
{
    struct json_object *tx_code = json_object_new_object();
    const char *description = s2s_json_string(wish, "description");
    s2s_json_set_string(tx_code, "input_mode", is_text_mode(offers, wish) ? "text" : "numeric");
    json_object_object_add(tx_code, "length", json_object_new_int64((int64_t)tx_code_length(offers, wish)));
    if (description != NULL)
        s2s_json_set_string(tx_code, "description", description);
    return tx_code;
}

static struct json_object *make_document(struct gw_api_request *rq, const struct offer *offer)
{
    const struct gw_config *config = rq->generation->config;
    struct json_object *document = s2s_json_own(rq->arena, json_object_new_object());
    struct json_object *grants = json_object_new_object(), *grant = json_object_new_object();
    struct json_object *wish = s2s_json_get(rq->body, "tx_code");
    s2s_json_set_string(document, "credential_issuer", config->issuer.identifier);
    json_object_object_add(document, "credential_configuration_ids",
                           json_object_get(s2s_json_get(rq->body, "credentialConfigurationIds")));
    json_object_object_add(document, "grants", grants);
    json_object_object_add(grants, GRANT, grant);
    s2s_json_set_string(grant, "pre-authorized_code", offer->code);
    if (wish != NULL)
        json_object_object_add(grant, "tx_code", describe_tx_code(&config->offers, wish));
    return document;
}

/* ---- what is asked for ---- */

static bool check_configuration(struct gw_api_request *rq, size_t i, const char *id, const char *subject)
{
    char ref[GW_PSEUDONYM_SIZE];
    const struct gw_offering *offering = gw_generation_offering(rq->generation, id);
    if (offering == NULL) {
        const char *pointer = s2s_arena_printf(rq->arena, "/credentialConfigurationIds/%zu", i);
        s2s_assert(pointer != NULL);
        return gw_api_violation(rq, pointer, "is no credential configuration of this issuer");
    }
    if (subject != NULL && offering->dataset != NULL && !gw_dataset_subject_ref(offering->dataset, subject, ref))
        return gw_api_violation(rq, "/subject", "is nobody of whom every credential configuration has a dataset");
    return true;
}

static bool check_request(struct gw_api_request *rq)
{
    const struct gw_config *config = rq->generation->config;
    struct json_object *ids = s2s_json_get(rq->body, "credentialConfigurationIds");
    const char *peer = s2s_json_string(rq->body, "peer");
    const struct gw_peer *known = peer != NULL ? gw_generation_peer_named(rq->generation, peer) : NULL;
    for (size_t i = 0; i < json_object_array_length(ids); ++i)
        if (!check_configuration(rq, i, json_object_get_string(json_object_array_get_idx(ids, i)),
                                 s2s_json_string(rq->body, "subject")))
            return false;
    if (peer != NULL && (known == NULL || (known->config->role & GW_ROLE_WALLET) == 0))
        return gw_api_violation(rq, "/peer", "must be the name of a wallet server that is configured");
    if (json_object_get_boolean(s2s_json_get(rq->body, "byReference")) && !config->listeners[GW_LISTEN_PUBLIC].enabled)
        return gw_api_violation(rq, "/byReference", "needs listeners.public, where the wallet fetches the offer");
    return true;
}

/* ---- making it ---- */

static struct s2s_result seal_json(struct gw_api_request *rq, const struct offer *offer, struct json_object *json,
                                   struct s2s_bytes *sealed)
{
    size_t len;
    const char *text = s2s_json_write(rq->arena, json, &len);
    s2s_assert(text != NULL);
    return gw_vault_seal(rq->generation->vault, rq->arena, offer->id, s2s_bytes(text, len), sealed);
}

/* The secret part of the answer. */
static struct json_object *make_secrets(struct gw_api_request *rq, const struct offer *offer)
{
    struct json_object *secrets = s2s_json_own(rq->arena, json_object_new_object());
    json_object_object_add(secrets, "credential_offer", json_object_get(offer->document));
    if (offer->reference != NULL)
        s2s_json_set_string(secrets, "credential_offer_uri",
                            gw_offer_uri(rq->arena, rq->generation->config->issuer.identifier, offer->reference));
    if (offer->tx_code != NULL)
        s2s_json_set_string(secrets, "tx_code", offer->tx_code);
    return secrets;
}

static struct s2s_result make_offer(struct gw_api_request *rq, struct offer *offer)
{
    const struct gw_vault *vault = rq->generation->vault;
    struct json_object *wish = s2s_json_get(rq->body, "tx_code");
    const char *subject = s2s_json_string(rq->body, "subject");
    s2s_uuid_new(offer->id);
    offer->code = random_text(rq, CODE_LEN);
    gw_offer_code_hash(vault, 0, offer->code, offer->code_hash);
    if (wish != NULL) {
        offer->tx_code = make_tx_code(rq, wish);
        gw_offer_tx_code_hash(vault, 0, offer->code, offer->tx_code, offer->tx_code_hash);
    }
    offer->document = make_document(rq, offer);
    if (json_object_get_boolean(s2s_json_get(rq->body, "byReference"))) {
        offer->reference = random_text(rq, GW_OFFER_REFERENCE_LEN);
        gw_offer_reference_hash(vault, 0, offer->reference, offer->reference_hash);
        S2S_TRY(seal_json(rq, offer, offer->document, &offer->document_sealed));
    }
    if (subject != NULL) {
        gw_subject_ref(vault, 0, subject, offer->subject_ref);
        S2S_TRY(gw_subject_seal(vault, rq->arena, offer->id, subject, &offer->subject_sealed));
    }
    return seal_json(rq, offer, make_secrets(rq, offer), &offer->answer_sealed);
}

static int64_t lifetime_ms(const struct gw_api_request *rq)
{
    struct json_object *wish = s2s_json_get(rq->body, "lifetime");
    return wish != NULL ? json_object_get_int64(wish) * 1000 : rq->generation->config->offers.lifetime_ms;
}

/* A hash, or NULL when there is nothing that it would be of. */
static void add_hash(struct gw_api_request *rq, const char *of, const uint8_t hash[GW_OFFER_HASH_SIZE])
{
    gw_db_bytes(&rq->call, of != NULL ? hash : NULL, of != NULL ? GW_OFFER_HASH_SIZE : 0);
}

bool gw_admin_prepare_offer(struct gw_api_request *rq)
{
    struct offer *offer = s2s_arena_alloc(rq->arena, sizeof(*offer));
    s2s_assert(offer != NULL);
    if (!check_request(rq))
        return false;
    struct s2s_result made = make_offer(rq, offer);
    if (s2s_failed(made))
        return gw_api_refuse_internal(rq, made.detail);
    json_object_object_del(rq->body, "subject");
    gw_admin_begin(rq);
    gw_db_text(&rq->call, offer->id);
    add_hash(rq, offer->code, offer->code_hash);
    add_hash(rq, offer->tx_code, offer->tx_code_hash);
    gw_db_integer(&rq->call, rq->arena, rq->generation->config->offers.tx_code_attempts);
    gw_db_interval_ms(&rq->call, rq->arena, lifetime_ms(rq));
    gw_db_text(&rq->call, offer->subject_ref[0] != '\0' ? offer->subject_ref : NULL);
    gw_db_bytes(&rq->call, offer->subject_sealed.data, offer->subject_sealed.len);
    add_hash(rq, offer->reference, offer->reference_hash);
    gw_db_bytes(&rq->call, offer->document_sealed.data, offer->document_sealed.len);
    gw_db_bytes(&rq->call, offer->answer_sealed.data, offer->answer_sealed.len);
    return true;
}

/* ---- showing it ---- */

/* The text as a value of a query (RFC 3986 section 2.1); in the arena. */
static const char *percent_encode(struct s2s_arena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF", unreserved[] = "-._~";
    char *encoded = s2s_arena_alloc(arena, 3 * strlen(text) + 1), *out = encoded;
    s2s_assert(encoded != NULL);
    for (; *text != '\0'; ++text) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (plain || strchr(unreserved, c) != NULL) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    return encoded;
}

/* Section 4.1.2 and 4.1.3: the offer, or where it is, as a parameter of the wallet's endpoint. */
static const char *make_link(struct gw_api_request *rq, struct json_object *secrets)
{
    const char *endpoint = rq->generation->config->offers.endpoint;
    const char *uri = s2s_json_string(secrets, "credential_offer_uri");
    const char *value = uri != NULL ? uri : s2s_json_write(rq->arena, s2s_json_get(secrets, "credential_offer"), NULL);
    s2s_assert(value != NULL);
    const char *link =
        s2s_arena_printf(rq->arena, "%s%c%s=%s", endpoint, strchr(endpoint, '?') != NULL ? '&' : '?',
                         uri != NULL ? "credential_offer_uri" : "credential_offer", percent_encode(rq->arena, value));
    s2s_assert(link != NULL);
    return link;
}

static void add_qr(struct json_object *answer, const char *link)
{
    struct gw_qr qr;
    if (!gw_qr_make(link, &qr))
        return;
    char *svg = gw_qr_svg(&qr);
    s2s_json_set_string(answer, "qr", svg);
    free(svg);
    gw_qr_free(&qr);
}

void gw_admin_show_offer(struct gw_api_request *rq, const char *body, size_t len)
{
    struct json_object *stored, *secrets;
    struct s2s_result r = s2s_json_parse(rq->arena, body, len, MAX_DEPTH, &stored);
    if (!s2s_failed(r))
        r = gw_sealed_read_json(rq->generation->vault, rq->arena,
                                s2s_json_string(s2s_json_get(stored, "offer"), "offerId"),
                                s2s_json_string(stored, "sealed"), &secrets);
    if (s2s_failed(r)) {
        gw_api_fail_internal(rq, r.detail);
        return;
    }
    size_t answer_len;
    const char *link = make_link(rq, secrets);
    struct json_object *answer = s2s_json_own(rq->arena, json_object_new_object());
    json_object_object_add(answer, "offer", json_object_get(s2s_json_get(stored, "offer")));
    json_object_object_foreach(secrets, name, value)
    {
        json_object_object_add(answer, name, json_object_get(value));
    }
    s2s_json_set_string(answer, "deepLink", link);
    add_qr(answer, link);
    const char *text = s2s_json_write(rq->arena, answer, &answer_len);
    s2s_assert(text != NULL);
    gw_api_reply(rq, rq->status, text, answer_len, 0);
}
