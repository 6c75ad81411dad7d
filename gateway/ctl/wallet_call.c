/* SPDX-License-Identifier: Apache-2.0
 *
 * The wallet server's calls to the issuer, over mutual TLS.
 */
#include "gateway/ctl/wallet.h"
#include "proto/hpke.h"
#include "proto/json.h"
#include "proto/uuid.h"
#include "proto/version.h"
#include "proto/wellknown.h"

#include <string.h>
#include <time.h>

#define TIMEOUT_S 30
#define MAX_DEPTH 64
#define MAX_TRIES 6
#define MAX_PAUSE_S 10

/* ---- the issuer ---- */

/* The first published key that we can encrypt to. */
static struct s2s_jwk *find_key(const struct ctl_wallet *wallet)
{
    bool key_encryption;
    struct json_object *keys =
        s2s_json_get(s2s_json_get(s2s_json_get(wallet->metadata, "s2s"), "issuer_encryption_jwks"), "keys");
    for (size_t i = 0; keys != NULL && i < json_object_array_length(keys); ++i) {
        struct s2s_jwk *key;
        if (s2s_failed(s2s_jwk_parse_public(json_object_array_get_idx(keys, i), &key)))
            continue;
        (void)s2s_jwk_own(wallet->ctl->arena, key);
        const struct s2s_hpke_suite *suite =
            s2s_jwk_alg(key) != NULL ? s2s_hpke_suite_of(s2s_jwk_alg(key), &key_encryption) : NULL;
        if (suite != NULL && suite->curve == s2s_jwk_curve(key) && s2s_jwk_permits(key, S2S_USE_ENCRYPT))
            return key;
    }
    return NULL;
}

enum ctl_status ctl_wallet_fetch(struct ctl_wallet *wallet, const char *url, struct s2s_bytes *out)
{
    const struct ctl_http_request request = {
        .method = "GET", .url = url, .identity = &wallet->identity, .timeout_s = TIMEOUT_S};
    struct ctl_http_answer http = ctl_http_send(wallet->curl, wallet->ctl->arena, &request);
    if (http.status == 0)
        return ctl_fail(CTL_UNREACHABLE, "%s: %s", url, http.error);
    if (http.status != 200)
        return ctl_fail(http.status == 404 ? CTL_REFUSED : CTL_UNREACHABLE, "%s: HTTP status %ld", url, http.status);
    *out = http.body;
    return CTL_OK;
}

/* Where the metadata are (RFC 8414 section 3.1): the well-known part stands before the identifier's path. */
static const char *metadata_url(const struct ctl_wallet *wallet, const char *identifier)
{
    struct s2s_bytes path = s2s_identifier_path(identifier);
    const char *host = strstr(identifier, "://");
    size_t origin = host != NULL ? (size_t)(host - identifier) + 3 + strcspn(host + 3, "/") : strlen(identifier);
    return ctl_text(wallet->ctl, "%.*s%s%.*s", (int)origin, identifier, S2S_WELL_KNOWN_ISSUER, (int)path.len,
                    (const char *)path.data);
}

enum ctl_status ctl_wallet_meet_issuer(struct ctl_wallet *wallet)
{
    struct s2s_bytes text;
    const char *identifier = s2s_json_string(wallet->state, "issuer");
    if (identifier == NULL)
        return ctl_fail(CTL_USAGE, "which issuer? Give --issuer or S2S_ISSUER_URL");
    enum ctl_status status = ctl_wallet_fetch(wallet, metadata_url(wallet, identifier), &text);
    if (status != CTL_OK)
        return status;
    wallet->metadata = ctl_parse_json(wallet->ctl, "the issuer's metadata", (const char *)text.data, text.len);
    wallet->issuer = s2s_json_string(wallet->metadata, "credential_issuer");
    wallet->server_url = s2s_json_string(s2s_json_get(wallet->metadata, "s2s"), "issuer_server_url");
    wallet->issuer_key = find_key(wallet);
    if (wallet->issuer == NULL || wallet->server_url == NULL || wallet->issuer_key == NULL)
        return ctl_fail(CTL_UNREACHABLE, "the issuer's metadata lack credential_issuer, s2s.issuer_server_url or a key "
                                         "that can be encrypted to");
    return CTL_OK;
}

/* ---- endpoints ---- */

static bool may_pass(const struct ctl_http_answer *http)
{
    return http->status == 429 || http->status == 503;
}

/* What a server wants us to wait, within reason. */
static void wait_a_little(const struct ctl_http_answer *http)
{
    long seconds = http->retry_after_s > 0 ? http->retry_after_s : 1;
    struct timespec pause = {seconds < MAX_PAUSE_S ? seconds : MAX_PAUSE_S, 0};
    nanosleep(&pause, NULL);
}

static enum ctl_status complain(const struct ctl_wallet *wallet, const char *path, const struct ctl_http_answer *http,
                                struct json_object *answer)
{
    if (http->status == 0)
        return ctl_fail(CTL_UNREACHABLE, "%s%s: %s", wallet->server_url, path, http->error);
    if (answer != NULL && wallet->ctl->json)
        ctl_show_json(wallet->ctl, answer);
    else if (answer != NULL)
        ctl_show(wallet->ctl, NULL, answer);
    return ctl_fail(http->status == 401 || http->status == 403 ? CTL_UNAUTHORIZED
                    : http->status >= 500                      ? CTL_UNREACHABLE
                                                               : CTL_REFUSED,
                    "%s: HTTP status %ld", path, http->status);
}

enum ctl_status ctl_wallet_call(struct ctl_wallet *wallet, enum s2s_endpoint_id endpoint, struct json_object *body,
                                struct json_object **answer, long *status_code)
{
    struct ctl *ctl = wallet->ctl;
    const char *path = s2s_endpoints[endpoint].path, *given = ctl_value(ctl, "request-id");
    char id[S2S_UUID_SIZE];
    s2s_uuid_new(id);
    size_t base = strlen(wallet->server_url);
    while (base > 0 && wallet->server_url[base - 1] == '/')
        --base;
    struct ctl_http_request request = {
        .method = "POST",
        .url = ctl_text(ctl, "%.*s%s", (int)base, wallet->server_url, path),
        .headers = {ctl_text(ctl, "Api-Version: %s", s2s_api_versions[0].version),
                    ctl_text(ctl, "x-request-id: %s", given != NULL ? given : id)},
        .identity = &wallet->identity,
        .timeout_s = TIMEOUT_S,
    };
    request.body = s2s_json_write(ctl->arena, s2s_json_own(ctl->arena, body), &request.body_len);
    struct ctl_http_answer http;
    for (unsigned tries = 1;
         http = ctl_http_send(wallet->curl, ctl->arena, &request), may_pass(&http) && tries < MAX_TRIES; ++tries)
        wait_a_little(&http);
    *answer = NULL;
    if (http.status != 0 &&
        s2s_failed(s2s_json_parse(ctl->arena, (const char *)http.body.data, http.body.len, MAX_DEPTH, answer)))
        *answer = NULL;
    *status_code = http.status;
    bool good = (http.status == 200 || http.status == 202) && json_object_is_type(*answer, json_type_object);
    return good ? CTL_OK : complain(wallet, path, &http, *answer);
}
