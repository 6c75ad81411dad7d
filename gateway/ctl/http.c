/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/http.h"

#include "proto/result.h"

#include <stdlib.h>
#include <string.h>

/* The longest answer that is read, octets. */
#define MAX_ANSWER ((size_t)32 << 20)

struct collected {
    char *data;
    size_t len, size;
    bool too_long;
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct collected *body = arg;
    size_t len = size * count;
    if (len > MAX_ANSWER - body->len) {
        body->too_long = true;
        return 0;
    }
    if (body->len + len > body->size) {
        body->size = 2 * (body->len + len);
        body->data = realloc(body->data, body->size);
        s2s_assert(body->data != NULL);
    }
    memcpy(body->data + body->len, data, len);
    body->len += len;
    return len;
}

/* The gateway's listener is asked, and nobody else: a proxy of the environment would get the operator's token, in the
 * clear when the listener is one of this machine without TLS. */
static void set_no_proxy(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
}

static void set_identity(CURL *curl, const struct ctl_http_identity *identity)
{
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (identity == NULL)
        return;
    if (identity->certificate != NULL)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, identity->certificate);
    if (identity->key != NULL)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, identity->key);
    if (identity->ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, identity->ca);
}

static struct curl_slist *header_list(const struct ctl_http_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* bodies are small */
    for (size_t i = 0; i < CTL_HTTP_MAX_HEADERS && request->headers[i] != NULL; ++i)
        list = curl_slist_append(list, request->headers[i]);
    if (request->body != NULL)
        list = curl_slist_append(list, "Content-Type: application/json");
    s2s_assert(list != NULL);
    return list;
}

static const char *header_of(CURL *curl, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

/* Give a text of libcurl's to the arena. */
static const char *keep(struct s2s_arena *arena, const char *text)
{
    const char *copy = s2s_arena_strndup(arena, text, strlen(text));
    s2s_assert(copy != NULL);
    return copy;
}

struct ctl_http_answer ctl_http_send(CURL *curl, struct s2s_arena *arena, const struct ctl_http_request *request)
{
    struct collected body = {0};
    struct ctl_http_answer answer = {0};
    struct curl_slist *headers = header_list(request);
    char reason[CURL_ERROR_SIZE] = "";
    curl_easy_reset(curl);
    set_no_proxy(curl);
    set_identity(curl, request->identity);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "s2sctl/" S2S_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, request->timeout_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        const char *after = header_of(curl, "Retry-After"), *replayed = header_of(curl, "Idempotent-Replayed");
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
        answer.retry_after_s = after != NULL ? strtol(after, NULL, 10) : 0;
        answer.replayed = replayed != NULL && strcmp(replayed, "true") == 0;
        char *text = s2s_arena_strndup(arena, body.len > 0 ? body.data : "", body.len);
        s2s_assert(text != NULL);
        answer.body = s2s_bytes(text, body.len);
    } else {
        answer.error = body.too_long       ? "the answer is too long"
                       : reason[0] != '\0' ? keep(arena, reason)
                                           : curl_easy_strerror(code);
    }
    curl_slist_free_all(headers);
    free(body.data);
    return answer;
}
