/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/issuer.h"

#include "proto/hpke.h"

#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 15000
#define MAX_DEPTH 32
#define TREE_SIZE ((size_t)64 << 20)

/* ---- reading ---- */

static char *copy(const char *text)
{
    char *made = strdup(text);
    s2s_assert(made != NULL);
    return made;
}

/* The path of an absolute URL without its last slash. */
static char *path_of(const char *url)
{
    const char *authority = strstr(url, "://");
    const char *path = authority != NULL ? strchr(authority + 3, '/') : NULL;
    char *made = copy(path != NULL ? path : "");
    size_t len = strlen(made);
    if (len > 0 && made[len - 1] == '/')
        made[len - 1] = '\0';
    return made;
}

static bool is_usable(const struct s2s_jwk *key, const char *alg)
{
    bool key_encryption;
    const char *own = s2s_jwk_alg(key);
    const struct s2s_hpke_suite *suite = own != NULL ? s2s_hpke_suite_of(own, &key_encryption) : NULL;
    return suite != NULL && suite->curve == s2s_jwk_curve(key) && s2s_jwk_permits(key, S2S_USE_ENCRYPT) &&
           (alg == NULL || strcmp(own, alg) == 0);
}

static struct s2s_jwk *find_key(const struct json_object *document, const char *alg)
{
    const struct json_object *jwks = s2s_json_get(s2s_json_get(document, "s2s"), "issuer_encryption_jwks");
    struct json_object *keys = s2s_json_get(jwks, "keys");
    size_t count = json_object_is_type(keys, json_type_array) ? json_object_array_length(keys) : 0;
    for (size_t i = 0; i < count; ++i) {
        struct s2s_jwk *key;
        if (s2s_failed(s2s_jwk_parse_public(json_object_array_get_idx(keys, i), &key)))
            continue;
        if (is_usable(key, alg))
            return key;
        s2s_jwk_free(key);
    }
    return NULL;
}

/* The name of the configuration `wanted`, or of the first one. */
static const char *find_configuration(const struct json_object *document, const char *wanted)
{
    struct json_object *all = s2s_json_get(document, "credential_configurations_supported");
    if (!json_object_is_type(all, json_type_object))
        return NULL;
    json_object_object_foreach(all, name, value)
    {
        (void)value;
        if (wanted == NULL || strcmp(name, wanted) == 0)
            return name;
    }
    return NULL;
}

bool load_issuer_read(const char *text, size_t len, const char *configuration, const char *alg,
                      struct load_issuer *issuer, struct load_error *error)
{
    struct s2s_arena *arena = s2s_arena_new(TREE_SIZE);
    struct json_object *document = NULL;
    struct s2s_result parsed = s2s_json_parse(arena, text, len, MAX_DEPTH, &document);
    const char *identifier = s2s_json_string(document, "credential_issuer");
    const char *url = s2s_json_string(s2s_json_get(document, "s2s"), "issuer_server_url");
    const char *name = find_configuration(document, configuration);
    struct s2s_jwk *key = find_key(document, alg);
    bool complete = identifier != NULL && url != NULL && name != NULL && key != NULL;
    if (complete)
        *issuer = (struct load_issuer){copy(identifier), path_of(url), copy(name), key};
    else
        s2s_jwk_free(key);
    const char *missing = s2s_failed(parsed)   ? parsed.detail
                          : identifier == NULL ? "they have no credential_issuer"
                          : url == NULL        ? "they have no s2s.issuer_server_url"
                          : name == NULL       ? "they do not have the credential configuration"
                                               : "they have no encryption key that can be used";
    s2s_arena_free(arena);
    return complete || load_fail(error, "the issuer's metadata cannot be used: %s", missing);
}

void load_issuer_free(struct load_issuer *issuer)
{
    free(issuer->identifier);
    free(issuer->base);
    free(issuer->configuration);
    s2s_jwk_free(issuer->key);
    *issuer = (struct load_issuer){0};
}

/* ---- fetching ---- */

/* A loop, a connection and one request. */
struct fetch {
    struct load_hub hub;
    struct load_link link;
    struct load_request request;
    uv_timer_t limit;
    bool done, answered;
};

static void finish(struct fetch *fetch)
{
    fetch->done = true;
    uv_stop(fetch->hub.loop);
}

static void on_open(struct load_link *link)
{
    struct fetch *fetch = link->data;
    load_link_send(link, &fetch->request);
}

static void on_close(struct load_link *link)
{
    finish(link->data);
}

static void on_done(struct load_request *request, enum load_ending ending)
{
    struct fetch *fetch = (struct fetch *)((char *)request - offsetof(struct fetch, request));
    fetch->answered = ending == LOAD_ANSWERED;
    finish(fetch);
}

static void on_limit(uv_timer_t *timer)
{
    finish(timer->data);
}

/* Ask one path; true with the answer in fetch->request. */
static bool ask(struct fetch *fetch, const struct load_endpoint *endpoint)
{
    uv_loop_t loop;
    s2s_assert(uv_loop_init(&loop) == 0 && uv_timer_init(&loop, &fetch->limit) == 0);
    load_hub_init(&fetch->hub, &loop);
    fetch->done = fetch->answered = false;
    fetch->limit.data = fetch;
    uv_timer_start(&fetch->limit, on_limit, FETCH_TIMEOUT_MS, 0);
    fetch->request.endpoint = endpoint;
    fetch->request.done = on_done;
    s2s_uuid_new(fetch->request.id);
    load_link_open(&fetch->link);
    while (!fetch->done)
        uv_run(&loop, UV_RUN_DEFAULT);
    bool answered = fetch->answered;
    load_link_close(&fetch->link, NULL);
    uv_close((uv_handle_t *)&fetch->limit, NULL);
    load_hub_close(&fetch->hub);
    return answered;
}

/* RFC 8414 section 3.1: the well-known part stands before the identifier's path. */
static bool ask_well_known(struct fetch *fetch, const char *base)
{
    struct load_endpoint endpoint;
    char path[LOAD_MAX_PATH + 64];
    snprintf(path, sizeof(path), "/.well-known/openid-credential-issuer%s", base);
    load_endpoint_init(&endpoint, fetch->link.target, "GET", "", path);
    bool answered = ask(fetch, &endpoint) && fetch->request.answer.status == 200;
    load_endpoint_free(&endpoint);
    return answered;
}

bool load_issuer_fetch(const struct load_target *target, const struct load_protocol *protocol, SSL_CTX *tls,
                       const char *configuration, const char *alg, struct load_issuer *issuer, struct load_error *error)
{
    struct fetch fetch = {.link = {.hub = &fetch.hub,
                                   .target = target,
                                   .protocol = protocol,
                                   .tls = tls,
                                   .on_open = on_open,
                                   .on_close = on_close,
                                   .data = &fetch}};
    bool answered = ask_well_known(&fetch, target->base);
    if (!answered && fetch.answered && target->base[0] != '\0')
        answered = ask_well_known(&fetch, "");
    const struct load_answer *answer = &fetch.request.answer;
    bool good;
    if (answered)
        good = load_issuer_read((const char *)answer->body.data, answer->body.len, configuration, alg, issuer, error);
    else if (fetch.answered)
        good = load_fail(error, "the issuer's metadata: HTTP status %d", answer->status);
    else
        good = load_fail(error, "%s: %s", target->authority,
                         fetch.link.reason[0] != '\0' ? fetch.link.reason : "no answer in time");
    load_buffer_free(&fetch.request.answer.body);
    load_buffer_free(&fetch.link.out);
    return good;
}
