/* SPDX-License-Identifier: Apache-2.0
 *
 * Method. The URL is read by libcurl's own parser, and put together anew from what that found: what is checked here and
 * what is called there cannot be two things. The lanes of the outbound client are named by scheme, host and port, so
 * there are no more of them than hosts are listed. Where a name leads is checked at the last moment, by the outbound
 * client, on the very address that it is about to connect to (`public_only`).
 */
#include "gateway/net/reference.h"

#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/result.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_URL 2048
#define MAX_LINE 256

struct gw_reference_flight {
    struct gw_outbound_call call;
    struct gw_reference_fetch *fetch;
    struct gw_target target;
    char *path; /* with its query */
    char accept[MAX_LINE];
    const char *headers[2];

    EVP_MD_CTX *digest; /* of what has come so far; NULL: none is wanted */
    uint8_t expected[S2S_MAX_HASH];
    size_t received;
    char *body; /* of what has come so far, NUL-terminated later; NULL: nothing is kept */
    size_t room;
};

/* ---- the URL ---- */

/* A part of the URL, malloc'ed by libcurl; NULL when it has none. */
static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

/* Whether the host (in lower case or not) and the port are listed. */
static bool is_listed(const struct gw_string_list *hosts, const char *host, const char *port)
{
    char with_port[MAX_URL];
    snprintf(with_port, sizeof(with_port), "%s:%s", host, port);
    for (size_t i = 0; i < hosts->count; ++i)
        if (strcasecmp(hosts->items[i], with_port) == 0 ||
            (strcmp(port, "443") == 0 && strcasecmp(hosts->items[i], host) == 0))
            return true;
    return false;
}

static bool is_printable_ascii(const char *text)
{
    for (; *text != '\0'; ++text)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static char *join(const char *first, const char *between, const char *second)
{
    size_t size = strlen(first) + strlen(between) + strlen(second) + 1;
    char *text = malloc(size);
    s2s_assert(text != NULL);
    snprintf(text, size, "%s%s%s", first, between, second);
    return text;
}

/* Fill in where to go from the parsed URL. */
static enum gw_reference_end aim(struct gw_reference_flight *flight, CURLU *url, const char **reason)
{
    const struct gw_reference_policy *policy = flight->fetch->policy;
    char *user = part_of(url, CURLUPART_USER, 0), *password = part_of(url, CURLUPART_PASSWORD, 0);
    char *host = part_of(url, CURLUPART_HOST, 0), *port = part_of(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *path = part_of(url, CURLUPART_PATH, 0), *query = part_of(url, CURLUPART_QUERY, 0);
    enum gw_reference_end end = GW_REFERENCE_FETCHED;
    if (user != NULL || password != NULL || host == NULL || port == NULL || path == NULL) {
        *reason = "the reference's URL has a user, or has no host";
        end = GW_REFERENCE_MALFORMED;
    } else if (!is_listed(policy->hosts, host, port)) {
        *reason = "the reference's host is not allowed";
        end = GW_REFERENCE_FORBIDDEN;
    } else {
        for (char *c = host; *c != '\0'; ++c)
            *c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
        char *origin = join("https://", host, ":");
        flight->target.url = join(origin, port, "");
        flight->path = join(path, query != NULL ? "?" : "", query != NULL ? query : "");
        free(origin);
    }
    curl_free(user), curl_free(password), curl_free(host), curl_free(port), curl_free(path), curl_free(query);
    return end;
}

static enum gw_reference_end take_url(struct gw_reference_flight *flight, const char *text, const char **reason)
{
    *reason = "the reference's URL is not an https URL that can be called";
    if (strlen(text) > MAX_URL || !is_printable_ascii(text) || strncasecmp(text, "https://", 8) != 0)
        return GW_REFERENCE_MALFORMED;
    CURLU *url = curl_url();
    s2s_assert(url != NULL);
    enum gw_reference_end end = GW_REFERENCE_MALFORMED;
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK)
        end = aim(flight, url, reason);
    curl_url_cleanup(url);
    return end;
}

/* ---- the digest ---- */

static const struct {
    const char *prefix;
    enum s2s_hash hash;
    const EVP_MD *(*algorithm)(void);
} digests[] = {
    {"sha-256:", S2S_SHA256, EVP_sha256},
    {"sha-384:", S2S_SHA384, EVP_sha384},
    {"sha-512:", S2S_SHA512, EVP_sha512},
};

static bool take_digest(struct gw_reference_flight *flight, const char *text)
{
    if (text == NULL)
        return true;
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); ++i) {
        size_t prefix = strlen(digests[i].prefix), size = s2s_hash_size(digests[i].hash);
        if (strncmp(text, digests[i].prefix, prefix) != 0)
            continue;
        const char *encoded = text + prefix;
        if (strlen(encoded) != s2s_b64_encoded_len(size) ||
            s2s_failed(s2s_b64_decode_to(flight->expected, encoded, strlen(encoded))))
            return false;
        flight->digest = EVP_MD_CTX_new();
        s2s_assert(flight->digest != NULL && EVP_DigestInit_ex(flight->digest, digests[i].algorithm(), NULL) == 1);
        return true;
    }
    return false;
}

static bool digest_matches(struct gw_reference_flight *flight)
{
    uint8_t actual[S2S_MAX_HASH];
    unsigned size;
    if (flight->digest == NULL)
        return true;
    s2s_assert(EVP_DigestFinal_ex(flight->digest, actual, &size) == 1);
    return CRYPTO_memcmp(actual, flight->expected, size) == 0;
}

/* ---- the octets ---- */

static void drop_body(char **body, size_t octets)
{
    if (*body != NULL)
        OPENSSL_cleanse(*body, octets);
    free(*body);
    *body = NULL;
}

/* Make the one piece of memory that the document gets. It is as large as the document may be: pages that nothing is
 * written to cost nothing, and no copies stay behind as they would with one that grows. */
static void make_room(struct gw_reference_flight *flight)
{
    const struct gw_reference_fetch *fetch = flight->fetch;
    if (fetch->keep == 0)
        return;
    flight->room = flight->call.max_answer < fetch->keep ? flight->call.max_answer : fetch->keep;
    flight->body = malloc(flight->room + 1);
    s2s_assert(flight->body != NULL);
}

static void on_body(struct gw_outbound_call *call, const char *data, size_t len)
{
    struct gw_reference_flight *flight = (struct gw_reference_flight *)(void *)call;
    if (flight->digest != NULL)
        s2s_assert(EVP_DigestUpdate(flight->digest, data, len) == 1);
    if (flight->body != NULL && len > flight->room - flight->received)
        drop_body(&flight->body, flight->received);
    if (flight->body != NULL)
        memcpy(flight->body + flight->received, data, len);
    flight->received += len;
}

/* ---- how it ended ---- */

static bool status_may_pass(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static enum gw_reference_end judge_document(struct gw_reference_flight *flight, const char **reason)
{
    const struct gw_reference *reference = &flight->fetch->reference;
    if (reference->size >= 0 && flight->received != (uint64_t)reference->size) {
        *reason = "the document has another size than the reference says";
        return GW_REFERENCE_DIFFERENT;
    }
    if (!digest_matches(flight)) {
        *reason = "the document has another digest than the reference says";
        return GW_REFERENCE_DIFFERENT;
    }
    *reason = "the document is as the reference says";
    return GW_REFERENCE_FETCHED;
}

static enum gw_reference_end judge(struct gw_reference_flight *flight, const struct gw_outbound_answer *answer,
                                   const char **reason)
{
    switch (answer->end) {
    case GW_OUTBOUND_ANSWERED:
        break;
    case GW_OUTBOUND_INSIDE:
        *reason = "the reference's host is at an address that is not public";
        return GW_REFERENCE_FORBIDDEN;
    case GW_OUTBOUND_TOO_LARGE:
        *reason = "the document is larger than allowed, or than the reference says";
        return GW_REFERENCE_TOO_LARGE;
    case GW_OUTBOUND_UNREACHED:
    case GW_OUTBOUND_UNTRUSTED:
    case GW_OUTBOUND_TOO_LATE:
        *reason = answer->timed_out ? "the document did not come in time" : "the reference's host cannot be reached";
        return GW_REFERENCE_UNREACHED;
    }
    if (answer->status == 200)
        return judge_document(flight, reason);
    *reason = "the reference's host answers without the document";
    return status_may_pass(answer->status) ? GW_REFERENCE_UNREACHED : GW_REFERENCE_REFUSED;
}

/* ---- life ---- */

static void flight_free(struct gw_reference_flight *flight)
{
    drop_body(&flight->body, flight->received);
    EVP_MD_CTX_free(flight->digest);
    free(flight->target.url);
    free(flight->path);
    free(flight);
}

static void on_done(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct gw_reference_flight *flight = (struct gw_reference_flight *)(void *)call;
    struct gw_reference_fetch *fetch = flight->fetch;
    struct gw_reference_result result = {.status = answer->status, .size = flight->received};
    result.end = judge(flight, answer, &result.reason);
    if (result.end != GW_REFERENCE_FETCHED) {
        drop_body(&flight->body, flight->received);
    } else {
        result.content_type = answer->content_type;
        if (flight->body != NULL)
            flight->body[flight->received] = '\0';
    }
    result.body = flight->body;
    flight->body = NULL;
    fetch->flight = NULL;
    fetch->done(fetch, &result);
    drop_body(&result.body, result.size);
    flight_free(flight);
}

/* Nobody is told: what asked for it is ending, too. */
static void on_dropped(struct gw_outbound_call *call)
{
    struct gw_reference_flight *flight = (struct gw_reference_flight *)(void *)call;
    flight->fetch->flight = NULL;
    flight_free(flight);
}

/* The most that is read: what is allowed, or what the reference says. */
static size_t most_of(const struct gw_reference_fetch *fetch)
{
    int64_t size = fetch->reference.size;
    size_t allowed = fetch->policy->max_size;
    return size >= 0 && (uint64_t)size < allowed ? (size_t)size : allowed;
}

static enum gw_reference_end prepare(struct gw_reference_flight *flight, const char **reason)
{
    const struct gw_reference_fetch *fetch = flight->fetch;
    const struct gw_reference *reference = &fetch->reference;
    if (reference->expires_at != 0 && reference->expires_at <= fetch->now) {
        *reason = "the reference has expired";
        return GW_REFERENCE_EXPIRED;
    }
    if (reference->size >= 0 && (uint64_t)reference->size > fetch->policy->max_size) {
        *reason = "the document is larger than allowed";
        return GW_REFERENCE_TOO_LARGE;
    }
    if (!take_digest(flight, reference->digest)) {
        *reason = "the reference's digest is of an unknown kind, or malformed";
        return GW_REFERENCE_MALFORMED;
    }
    return take_url(flight, reference->url, reason);
}

static void begin(struct gw_reference_flight *flight)
{
    const struct gw_reference_fetch *fetch = flight->fetch;
    const struct gw_reference_policy *policy = fetch->policy;
    flight->target.public_only = !policy->private_addresses;
    flight->target.ca = policy->ca;
    if (fetch->reference.accept != NULL) {
        snprintf(flight->accept, sizeof(flight->accept), "Accept: %s", fetch->reference.accept);
        flight->headers[0] = flight->accept;
    }
    flight->call = (struct gw_outbound_call){
        .target = &flight->target,
        .method = "GET",
        .path = flight->path,
        .headers = flight->headers,
        .timeout_ms = policy->timeout_ms > 0 ? policy->timeout_ms : 1,
        .max_answer = most_of(fetch),
        .on_body = on_body,
        .done = on_done,
        .dropped = on_dropped,
    };
    make_room(flight);
    gw_outbound_send(fetch->outbound, &flight->call);
}

enum gw_reference_end gw_reference_start(struct gw_reference_fetch *fetch, const char **reason)
{
    struct gw_reference_flight *flight = calloc(1, sizeof(*flight));
    s2s_assert(flight != NULL && fetch->flight == NULL);
    flight->fetch = fetch;
    enum gw_reference_end end = prepare(flight, reason);
    if (end != GW_REFERENCE_FETCHED) {
        flight_free(flight);
        return end;
    }
    fetch->flight = flight;
    begin(flight);
    return GW_REFERENCE_FETCHED;
}

void gw_reference_cancel(struct gw_reference_fetch *fetch)
{
    if (fetch->flight == NULL)
        return;
    gw_outbound_cancel(fetch->outbound, &fetch->flight->call);
    flight_free(fetch->flight);
    fetch->flight = NULL;
}

bool gw_reference_may_pass(enum gw_reference_end end)
{
    return end == GW_REFERENCE_UNREACHED;
}
