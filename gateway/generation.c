/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/generation.h"

#include "gateway/clock.h"
#include "gateway/issuer/metadata.h"
#include "proto/b64.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEY_FILE (64 * 1024)
#define MAX_TRUST_FILE (4 * 1024 * 1024)
#define MAX_METADATA (8 * 1024 * 1024)

static void *zalloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    s2s_assert(memory != NULL);
    return memory;
}

/* ---- rates: kept for the life of the process, by the name of the peer ---- */

static pthread_mutex_t rates_lock = PTHREAD_MUTEX_INITIALIZER;

static struct named_rate {
    struct named_rate *next;
    struct gw_rate rate;
    char name[];
} * rates;

static struct gw_rate *rate_of(const char *name)
{
    pthread_mutex_lock(&rates_lock);
    struct named_rate *entry = rates;
    while (entry != NULL && strcmp(entry->name, name) != 0)
        entry = entry->next;
    if (entry == NULL) {
        entry = zalloc(1, sizeof(*entry) + strlen(name) + 1);
        strcpy(entry->name, name);
        entry->next = rates;
        rates = entry;
    }
    pthread_mutex_unlock(&rates_lock);
    return &entry->rate;
}

/* ---- issuer encryption keys ---- */

/* json-c frees its strings without wiping them. */
static void wipe_private_member(struct json_object *json)
{
    const char *d = s2s_json_string(json, "d");
    if (d != NULL)
        OPENSSL_cleanse((char *)d, strlen(d));
}

/* Whether the key can decrypt, and can be published so that wallets know how to encrypt to it. */
static bool is_encryption_key(const struct s2s_jwk *key)
{
    bool key_encryption;
    const struct s2s_hpke_suite *suite =
        s2s_jwk_alg(key) != NULL ? s2s_hpke_suite_of(s2s_jwk_alg(key), &key_encryption) : NULL;
    return suite != NULL && suite->curve == s2s_jwk_curve(key) && s2s_jwk_kid(key) != NULL &&
           s2s_jwk_permits(key, S2S_USE_DECRYPT);
}

static struct s2s_jwk *load_issuer_key(const struct gw_file *file, struct gw_config_errors *errors)
{
    size_t len;
    char *text = gw_file_read(file->path, MAX_KEY_FILE, &len);
    if (text == NULL) {
        gw_config_error(errors, file->line, "%s cannot be read: %s", file->path, strerror(errno));
        return NULL;
    }
    struct s2s_arena *arena = s2s_arena_new(MAX_KEY_FILE * 4);
    struct json_object *json = NULL;
    struct s2s_jwk *key = NULL;
    struct s2s_result r = s2s_json_parse(arena, text, len, 8, &json);
    if (!s2s_failed(r))
        r = s2s_jwk_parse_private(json, &key);
    if (s2s_failed(r)) {
        gw_config_error(errors, file->line, "%s is not a private JWK: %s", file->path, r.detail);
    } else if (!is_encryption_key(key)) {
        gw_config_error(errors, file->line,
                        "%s must have a `kid`, an `alg` of JOSE-HPKE that fits its curve, such as HPKE-0-KE for P-256, "
                        "and no `use` or `key_ops` that forbids to decrypt",
                        file->path);
        s2s_jwk_free(key);
        key = NULL;
    }
    wipe_private_member(json);
    s2s_arena_free(arena);
    OPENSSL_cleanse(text, len);
    free(text);
    return key;
}

/* Profile section 3 "Issuer keys": live keys are published; one with `retire_after` only decrypts, and until then. */
static bool load_issuer_keys(struct gw_generation *g, struct gw_config_errors *errors)
{
    const struct gw_issuer_config *issuer = &g->config->issuer;
    struct s2s_jwk **keys = zalloc(issuer->encryption_key_count, sizeof(*keys));
    struct s2s_jwk **published = zalloc(issuer->encryption_key_count, sizeof(*published));
    int64_t now = gw_now_s();
    bool ok = true;
    g->issuer_keys.keys = keys;
    g->published_keys.keys = published;
    for (size_t i = 0; i < issuer->encryption_key_count; ++i) {
        const struct gw_encryption_key_config *config = &issuer->encryption_keys[i];
        struct s2s_jwk *key = load_issuer_key(&config->file, errors);
        if (key == NULL) {
            ok = false;
        } else if (s2s_keyring_find(&g->issuer_keys, s2s_jwk_kid(key)) != NULL) {
            gw_config_error(errors, config->file.line, "%s has the `kid` of another encryption key; give each its own",
                            config->file.path);
            s2s_jwk_free(key);
            ok = false;
        } else if (config->retire_after != 0 && config->retire_after <= now) {
            s2s_jwk_free(key);
        } else {
            keys[g->issuer_keys.count++] = key;
            if (config->retire_after == 0)
                published[g->published_keys.count++] = key;
        }
    }
    return ok;
}

/* ---- offerings, peers, metadata ---- */

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    s2s_assert(copy != NULL);
    return copy;
}

static void describe_offering(struct gw_offering *offering)
{
    struct json_object *metadata = gw_credential_metadata(offering->config);
    offering->metadata_version = copy_text(s2s_json_string(metadata, "version"));
    offering->metadata =
        copy_text(json_object_to_json_string_ext(metadata, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(metadata);
}

static bool load_offerings(struct gw_generation *g, struct gw_config_errors *errors)
{
    bool ok = true;
    g->offerings = zalloc(g->config->credential_count, sizeof(*g->offerings));
    for (size_t i = 0; i < g->config->credential_count; ++i) {
        struct gw_offering *offering = &g->offerings[i];
        offering->config = &g->config->credentials[i];
        offering->signer =
            gw_signer_load(&offering->config->signing_key, &offering->config->signing_certificate, errors);
        bool has_file = offering->config->dataset.path != NULL;
        offering->dataset = has_file ? gw_dataset_load(&offering->config->dataset, g->vault, errors) : NULL;
        describe_offering(offering);
        ok = ok && offering->signer != NULL && (offering->dataset != NULL || !has_file);
    }
    return ok;
}

static void set_document(struct gw_document *document, const char *body, size_t len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;
    char text[45];
    s2s_assert(EVP_Digest(body, len, digest, &digest_len, EVP_sha256(), NULL) == 1);
    s2s_b64_encode_to(text, s2s_bytes(digest, 24));
    snprintf(document->etag, sizeof(document->etag), "\"%s\"", text);
    document->body = zalloc(len + 1, 1);
    memcpy(document->body, body, len);
    document->len = len;
}

static bool make_metadata(struct gw_generation *g, struct gw_config_errors *errors)
{
    const struct gw_signer **signers = zalloc(g->config->credential_count, sizeof(*signers));
    for (size_t i = 0; i < g->config->credential_count; ++i)
        signers[i] = g->offerings[i].signer;
    struct s2s_arena *arena = s2s_arena_new(MAX_METADATA);
    struct gw_metadata_input input = {g->config, signers, &g->published_keys, gw_now_s()};
    struct json_object *document = s2s_json_own(arena, gw_metadata_document(&input));
    size_t len;
    char *text = s2s_json_write(arena, document, &len), *jwt;
    bool ok = text != NULL;
    if (ok)
        set_document(&g->metadata_json, text, len);
    else
        gw_config_error(errors, 0, "the issuer metadata would be larger than %d MiB; see credential_configurations",
                        MAX_METADATA / 1024 / 1024);
    if (ok && g->metadata_signer != NULL) {
        struct s2s_result r = gw_metadata_jwt(arena, document, g->metadata_signer, input.now, &jwt);
        ok = !s2s_failed(r);
        if (ok)
            set_document(&g->metadata_jwt, jwt, strlen(jwt));
        else
            gw_config_error(errors, g->config->issuer.metadata_key.line, "the metadata cannot be signed: %s", r.detail);
    }
    s2s_arena_free(arena);
    free(signers);
    return ok;
}

static struct gw_target target_at(const struct gw_generation *g, const struct gw_peer *peer, char *url)
{
    const struct gw_outbound_config *ours = &g->config->outbound;
    return (struct gw_target){.url = url, .certificate = ours->certificate, .key = ours->key, .ca = &peer->authorities};
}

static bool register_peers(struct gw_generation *g, struct gw_config_errors *errors)
{
    bool ok = true;
    g->peers = zalloc(g->config->peer_count, sizeof(*g->peers));
    for (size_t i = 0; i < g->config->peer_count; ++i) {
        const struct gw_peer_config *config = &g->config->peers[i];
        struct gw_peer *peer = &g->peers[i];
        peer->config = config;
        peer->rate = rate_of(config->name);
        ok = gw_authorities_load(&peer->authorities, &config->ca, errors) && ok;
        peer->target = target_at(g, peer, config->url);
        peer->origin = target_at(g, peer, config->issuer_origin);
    }
    return ok;
}

static bool load_receivers(struct gw_generation *g, struct gw_config_errors *errors)
{
    bool ok = true;
    g->receivers = zalloc(g->config->webhook_count, sizeof(*g->receivers));
    for (size_t i = 0; i < g->config->webhook_count; ++i)
        ok = gw_receiver_load(&g->receivers[i], &g->config->webhooks[i].to, errors) && ok;
    g->backends = zalloc(g->config->backend_count, sizeof(*g->backends));
    for (size_t i = 0; i < g->config->backend_count; ++i) {
        ok = gw_receiver_load(&g->backends[i], &g->config->backends[i].to, errors) && ok;
        g->backends[i].target.connections = g->config->backends[i].concurrency;
    }
    return ok;
}

/* ---- whom to trust ---- */

static bool add_anchors(struct s2s_trust *trust, const struct gw_file *file, struct gw_config_errors *errors)
{
    size_t len;
    char *pem = gw_file_read(file->path, MAX_TRUST_FILE, &len);
    if (pem == NULL) {
        gw_config_error(errors, file->line, "%s cannot be read: %s", file->path, strerror(errno));
        return false;
    }
    struct s2s_result r = s2s_trust_add_pem(trust, s2s_bytes(pem, len));
    free(pem);
    if (s2s_failed(r))
        gw_config_error(errors, file->line, "%s is no bundle of PEM certificates: %s", file->path, r.detail);
    return !s2s_failed(r);
}

static bool load_anchors(struct gw_generation *g, const struct gw_file_list *files, struct gw_config_errors *errors)
{
    struct gw_anchors *anchors = &g->anchors[g->anchor_count++];
    bool ok = true;
    *anchors = (struct gw_anchors){files, s2s_trust_new(S2S_X5C_LIMITS)};
    for (size_t i = 0; i < files->count; ++i)
        ok = add_anchors(anchors->trust, &files->items[i], errors) && ok;
    return ok;
}

static bool load_trust(struct gw_generation *g, struct gw_config_errors *errors)
{
    const struct gw_config *config = g->config;
    size_t most = config->peer_count;
    bool ok = true;
    for (size_t c = 0; c < config->credential_count; ++c)
        most += config->credentials[c].policy.item_count;
    g->anchors = zalloc(most, sizeof(*g->anchors));
    for (size_t i = 0; i < config->peer_count; ++i)
        if (config->peers[i].attestation != GW_ATTESTATION_IGNORED)
            ok = load_anchors(g, &config->peers[i].attestation_trust, errors) && ok;
    for (size_t c = 0; c < config->credential_count; ++c)
        for (size_t i = 0; i < config->credentials[c].policy.item_count; ++i)
            if (config->credentials[c].policy.items[i].kind == GW_ITEM_PRESENTATION)
                ok = load_anchors(g, &config->credentials[c].policy.items[i].trust, errors) && ok;
    return ok;
}

/* Every listener that has a certificate; one that names client authorities demands theirs. */
static bool load_tls(struct gw_generation *g, struct gw_config_errors *errors)
{
    bool ok = true;
    for (size_t i = 0; i < GW_LISTENERS; ++i) {
        const struct gw_listener_config *listener = &g->config->listeners[i];
        if (!listener->enabled || listener->certificate.path == NULL)
            continue;
        g->tls[i] = gw_tls_load(listener, listener->client_ca.count > 0, g->config->limits.tls_session_ms, errors);
        ok = ok && g->tls[i] != NULL;
    }
    return ok;
}

/* What only an issuer has. */
static bool load_issuer(struct gw_generation *g, struct gw_config_errors *errors)
{
    const struct gw_issuer_config *issuer = &g->config->issuer;
    bool ok = load_issuer_keys(g, errors);
    ok = load_offerings(g, errors) && ok;
    ok = load_trust(g, errors) && ok;
    if (issuer->metadata_key.path != NULL) {
        g->metadata_signer = gw_signer_load(&issuer->metadata_key, &issuer->metadata_certificate, errors);
        ok = ok && g->metadata_signer != NULL;
    }
    return ok && make_metadata(g, errors);
}

static bool load_parts(struct gw_generation *g, struct gw_config_errors *errors)
{
    bool ok = load_tls(g, errors);
    g->vault = gw_vault_load(g->config, errors);
    if (g->vault == NULL)
        return false;
    ok = register_peers(g, errors) && ok;
    ok = gw_authorities_load(&g->references_ca, &g->config->references.ca, errors) && ok;
    ok = load_receivers(g, errors) && ok;
    if ((g->config->roles & GW_ROLE_ISSUER) != 0)
        ok = load_issuer(g, errors) && ok;
    return ok;
}

struct gw_generation *gw_generation_load(const char *path, struct gw_config_errors *errors)
{
    static atomic_uint_fast64_t numbers;
    struct gw_config *config = gw_config_load(path, errors);
    if (config == NULL)
        return NULL;
    struct gw_generation *g = zalloc(1, sizeof(*g));
    atomic_init(&g->references, 1);
    g->number = atomic_fetch_add(&numbers, 1) + 1;
    g->config = config;
    if (!load_parts(g, errors)) {
        gw_generation_unref(g);
        return NULL;
    }
    return g;
}

struct gw_generation *gw_generation_ref(struct gw_generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

void gw_generation_unref(struct gw_generation *g)
{
    if (g == NULL || atomic_fetch_sub_explicit(&g->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; g->offerings != NULL && i < g->config->credential_count; ++i) {
        gw_signer_free(g->offerings[i].signer);
        gw_dataset_free(g->offerings[i].dataset);
        free(g->offerings[i].metadata);
        free(g->offerings[i].metadata_version);
    }
    for (size_t i = 0; i < g->issuer_keys.count; ++i)
        s2s_jwk_free(g->issuer_keys.keys[i]);
    free((void *)g->issuer_keys.keys);
    free((void *)g->published_keys.keys);
    free(g->offerings);
    for (size_t i = 0; g->peers != NULL && i < g->config->peer_count; ++i)
        gw_authorities_release(&g->peers[i].authorities);
    free(g->peers);
    gw_authorities_release(&g->references_ca);
    gw_signer_free(g->metadata_signer);
    free(g->metadata_json.body);
    free(g->metadata_jwt.body);
    for (size_t i = 0; i < GW_LISTENERS; ++i)
        gw_tls_free(g->tls[i]);
    for (size_t i = 0; g->receivers != NULL && i < g->config->webhook_count; ++i)
        gw_receiver_release(&g->receivers[i]);
    free(g->receivers);
    for (size_t i = 0; g->backends != NULL && i < g->config->backend_count; ++i)
        gw_receiver_release(&g->backends[i]);
    free(g->backends);
    for (size_t i = 0; i < g->anchor_count; ++i)
        s2s_trust_free(g->anchors[i].trust);
    free(g->anchors);
    gw_vault_free(g->vault);
    gw_config_free(g->config);
    free(g);
}

const struct gw_peer *gw_generation_peer(const struct gw_generation *g, X509 *certificate, unsigned role)
{
    for (size_t i = 0; i < g->config->peer_count; ++i)
        for (size_t j = 0; j < g->config->peers[i].rule_count; ++j)
            if (g->config->peers[i].role == role && s2s_peer_matches(&g->config->peers[i].rules[j], certificate))
                return &g->peers[i];
    return NULL;
}

const struct gw_peer *gw_generation_peer_named(const struct gw_generation *g, const char *name)
{
    for (size_t i = 0; i < g->config->peer_count; ++i)
        if (strcmp(g->config->peers[i].name, name) == 0)
            return &g->peers[i];
    return NULL;
}

const struct gw_peer *gw_generation_issuer(const struct gw_generation *g, const char *name)
{
    for (size_t i = 0; i < g->config->peer_count; ++i) {
        const struct gw_peer_config *peer = &g->config->peers[i];
        bool named = strcmp(peer->name, name) == 0 ||
                     (peer->credential_issuer != NULL && strcmp(peer->credential_issuer, name) == 0);
        if (peer->role == GW_ROLE_ISSUER && named)
            return &g->peers[i];
    }
    return NULL;
}

const struct gw_receiver *gw_generation_receiver(const struct gw_generation *g, const char *name)
{
    for (size_t i = 0; i < g->config->webhook_count; ++i)
        if (strcmp(g->config->webhooks[i].to.name, name) == 0)
            return &g->receivers[i];
    return NULL;
}

const char *gw_generation_base_path(const struct gw_generation *g, unsigned role)
{
    return role == GW_ROLE_ISSUER ? g->config->issuer.base_path : g->config->wallet.base_path;
}

bool gw_generation_calls_out(const struct gw_generation *g)
{
    if (g->config->webhook_count > 0)
        return true;
    for (size_t i = 0; i < g->config->peer_count; ++i)
        if (g->peers[i].target.url != NULL)
            return true;
    return false;
}

const struct gw_offering *gw_generation_offering(const struct gw_generation *g, const char *configuration_id)
{
    for (size_t i = 0; i < g->config->credential_count; ++i)
        if (strcmp(g->config->credentials[i].id, configuration_id) == 0)
            return &g->offerings[i];
    return NULL;
}

const struct s2s_trust *gw_generation_trust(const struct gw_generation *g, const struct gw_file_list *files)
{
    size_t i = 0;
    while (i < g->anchor_count && g->anchors[i].files != files)
        ++i;
    s2s_assert(i < g->anchor_count);
    return g->anchors[i].trust;
}

bool gw_peer_may_use(const struct gw_peer *peer, const char *configuration_id)
{
    const struct gw_string_list *allowed = &peer->config->credential_configurations;
    for (size_t i = 0; i < allowed->count; ++i)
        if (strcmp(allowed->items[i], configuration_id) == 0)
            return true;
    return allowed->count == 0;
}

const char *gw_generation_key_trouble(const struct gw_generation *g, int64_t now)
{
    for (size_t i = 0; i < GW_LISTENERS; ++i)
        if (g->tls[i] != NULL && gw_tls_not_after(g->tls[i]) < now)
            return "the certificate of a listener has expired";
    for (size_t i = 0; g->offerings != NULL && i < g->config->credential_count; ++i)
        if (!gw_signer_valid(g->offerings[i].signer, now))
            return "a credential signing certificate is not valid now";
    if (g->metadata_signer != NULL && !gw_signer_valid(g->metadata_signer, now))
        return "the metadata signing certificate is not valid now";
    return NULL;
}
