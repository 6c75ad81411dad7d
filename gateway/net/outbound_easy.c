/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/outbound_easy.h"

#include "gateway/clock.h"
#include "gateway/net/address.h"
#include "gateway/net/freshness.h"
#include "proto/result.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* A connection attempt: name, TCP and TLS. A peer that is up answers within a round trip or two. */
#define CONNECT_TIMEOUT_MS 10000L
/* A connection that has been idle for longer is not used again; below the usual idle limits of servers (ours: 75 s), so
 * that a request rarely meets a connection that is being closed. */
#define MAX_IDLE_S 60L
/* Certificates and keys are read when a connection is opened: renewed ones are in use everywhere after this time. */
#define MAX_CONNECTION_AGE_S 600L
#define MAX_HEADER_OCTETS ((size_t)64 * 1024)
/* Longer waits are not believed; it also keeps a caller's arithmetic far from overflow. */
#define MAX_RETRY_AFTER_S ((int64_t)30 * 86400)

#define SET(easy, option, value) s2s_assert(curl_easy_setopt((easy)->curl, (option), (value)) == CURLE_OK)

/* What holds for every call. Most are libcurl's defaults, written down because the gateway's safety rests on them. */
static const struct {
    CURLoption option;
    long value;
} fixed_numbers[] = {
    {CURLOPT_NOSIGNAL, 1},                           /* threads */
    {CURLOPT_QUICK_EXIT, 1},                         /* or giving up would wait for the resolver's thread */
    {CURLOPT_FOLLOWLOCATION, 0},                     /* only configured addresses are called */
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},             /* no credentials but the client certificate */
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},           /* likewise */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},   /* at least */
    {CURLOPT_SSL_VERIFYPEER, 1},                     /* the chain ... */
    {CURLOPT_SSL_VERIFYHOST, 2},                     /* ... and the name */
    {CURLOPT_SSL_SESSIONID_CACHE, 0},                /* a resumed session would carry a certificate since replaced */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},  /* HTTP/2 by ALPN, else HTTP/1.1 */
    {CURLOPT_PIPEWAIT, 1},                           /* rather a stream of the first connection than a second one */
    {CURLOPT_PATH_AS_IS, 1},                         /* the configured address, letter for letter */
    {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS}, /* the limit of the whole call is the caller's */
    {CURLOPT_FORBID_REUSE, 1},                       /* until an answer begins: see on_header */
    {CURLOPT_MAXAGE_CONN, MAX_IDLE_S},
    {CURLOPT_MAXLIFETIME_CONN, MAX_CONNECTION_AGE_S},
};

static const struct {
    CURLoption option;
    const char *value;
} fixed_texts[] = {
    {CURLOPT_PROXY, ""},                                      /* none, whatever the environment says */
    {CURLOPT_NOPROXY, "*"},                                   /* likewise */
    {CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20"}, /* TLS 1.2: forward secrecy and AEAD only */
    {CURLOPT_USERAGENT, "s2s-gateway/" S2S_VERSION},
};

/* ---- the connection ---- */

/* Whether a connection may go there. */
static bool admits(const struct gw_easy *easy, const struct sockaddr *address)
{
    if (!easy->tls) /* without it nothing leaves this machine, whatever a name resolves to */
        return gw_sockaddr_is_loopback(address);
    return !easy->call->target->public_only || gw_sockaddr_is_public(address);
}

/* The address is the one that is connected to next: between this look at it and the connection, no name is resolved. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct gw_easy *easy = arg;
    (void)purpose;
    if (!admits(easy, &address->addr)) {
        easy->inside = easy->call->target->public_only;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void on_tls_info(const SSL *ssl, int where, int value)
{
    const char **alert = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if ((where & SSL_CB_ALERT) && value >> 8 == SSL3_AL_FATAL)
        *alert = SSL_alert_desc_string_long(value);
}

static CURLcode set_tls_context(CURL *curl, void *context, void *alert)
{
    (void)curl;
    SSL_CTX_set_app_data((SSL_CTX *)context, alert);
    SSL_CTX_set_info_callback(context, on_tls_info);
    return CURLE_OK;
}

/* libcurl would read a file again for each connection, and one only. The texts go in instead: they are part of what
 * must be equal for a connection to be used again. */
static void set_authorities(struct gw_easy *easy, const struct gw_authorities *authorities)
{
    if (authorities == NULL || authorities->pem == NULL)
        return;
    struct curl_blob blob = {authorities->pem, authorities->len, CURL_BLOB_COPY};
    /* Debian's libcurl is built with a default file and folder: they would be trusted as well. */
    SET(easy, CURLOPT_CAINFO, NULL);
    SET(easy, CURLOPT_CAPATH, NULL);
    SET(easy, CURLOPT_CAINFO_BLOB, &blob);
}

static void set_target(struct gw_easy *easy, const struct gw_target *target, const char *path, const char **alert)
{
    size_t size = strlen(target->url) + strlen(path) + 1;
    char *url = malloc(size);
    s2s_assert(url != NULL);
    snprintf(url, size, "%s%s", target->url, path);
    SET(easy, CURLOPT_URL, url);
    free(url);

    easy->tls = strncasecmp(target->url, "https:", 6) == 0;
    SET(easy, CURLOPT_PROTOCOLS_STR, easy->tls ? "https" : "http");
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(easy, CURLOPT_OPENSOCKETDATA, easy);
    if (!easy->tls)
        return;
    SET(easy, CURLOPT_SSLCERT, target->certificate.path);
    SET(easy, CURLOPT_SSLKEY, target->key.path);
    SET(easy, CURLOPT_SSL_CTX_FUNCTION, set_tls_context);
    SET(easy, CURLOPT_SSL_CTX_DATA, alert);
    set_authorities(easy, target->ca);
}

/* ---- the request ---- */

static void add_header(struct gw_easy *easy, const char *line)
{
    struct curl_slist *list = curl_slist_append(easy->headers, line);
    s2s_assert(list != NULL);
    easy->headers = list;
}

/* The connection stands, and the request is next. A process that was stopped meanwhile comes through here first. */
static int on_ready_to_send(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct gw_easy *easy = arg;
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    easy->too_late = easy->call->send_by_us != 0 && gw_monotonic_us() > easy->call->send_by_us;
    return easy->too_late ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_request(struct gw_easy *easy, const struct gw_outbound_call *call)
{
    SET(easy, CURLOPT_PREREQFUNCTION, on_ready_to_send);
    SET(easy, CURLOPT_PREREQDATA, easy);
    for (const char *const *line = call->headers; line != NULL && *line != NULL; ++line)
        add_header(easy, *line);
    /* A name without a value keeps libcurl from adding the header by itself; a line of the caller's comes first and
     * wins. Expect: 100-continue would cost a round trip, or a second where the peer does not know it. */
    add_header(easy, "Expect:");
    add_header(easy, "Content-Type:");
    SET(easy, CURLOPT_HTTPHEADER, easy->headers);
    if (strcmp(call->method, "GET") == 0)
        return;
    s2s_assert(strcmp(call->method, "POST") == 0);
    SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    SET(easy, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
}

/* ---- the answer ---- */

/* Anything but the number of octets taken ends the transfer, with a code that depends on the protocol. */
static size_t refuse(struct gw_easy *easy)
{
    easy->too_large = true;
    return 0;
}

/* Every header line comes here, also those of interim answers and trailers, of which there may be no end.
 *
 * The first one proves the connection. One that failed, or stayed silent, is better closed at once, which also has
 * libcurl read what the target said last: when our sending has failed that may be an alert. */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct gw_easy *easy = arg;
    size_t octets = size * count;
    (void)line;
    if (easy->header_octets == 0)
        SET(easy, CURLOPT_FORBID_REUSE, 0L);
    if (octets > MAX_HEADER_OCTETS - easy->header_octets)
        return refuse(easy);
    easy->header_octets += octets;
    return octets;
}

static void make_room(struct gw_easy *easy, size_t room)
{
    if (room <= easy->body_room)
        return;
    size_t doubled = easy->body_room * 2;
    easy->body_room = doubled > room ? doubled : room;
    if (easy->body_room > easy->call->max_answer + 1)
        easy->body_room = easy->call->max_answer + 1;
    easy->body = realloc(easy->body, easy->body_room);
    s2s_assert(easy->body != NULL);
}

static void collect(struct gw_easy *easy, const char *data, size_t octets)
{
    make_room(easy, easy->body_len + octets + 1);
    memcpy(easy->body + easy->body_len, data, octets);
    easy->body[easy->body_len + octets] = '\0';
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct gw_easy *easy = arg;
    size_t octets = size * count;
    if (octets > easy->call->max_answer - easy->body_len)
        return refuse(easy);
    if (easy->call->on_body != NULL)
        easy->call->on_body(easy->call, data, octets);
    else
        collect(easy, data, octets);
    easy->body_len += octets;
    return octets;
}

static void set_answer(struct gw_easy *easy, size_t max_answer)
{
    s2s_assert(max_answer < SIZE_MAX / 4);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, easy);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, easy);
    SET(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max_answer); /* an announced length is refused at once */
    SET(easy, CURLOPT_ERRORBUFFER, easy->error);
}

/* ---- how it ended ---- */

/* The codes that speak for themselves. `in_general_words`: the message may name our files; libcurl's general one does
 * not. */
static const struct {
    CURLcode code;
    enum gw_outbound_end end;
    bool in_general_words;
} known_ends[] = {
    {CURLE_OK, GW_OUTBOUND_ANSWERED, false},
    {CURLE_PEER_FAILED_VERIFICATION, GW_OUTBOUND_UNTRUSTED, false},
    {CURLE_SSL_CLIENTCERT, GW_OUTBOUND_UNTRUSTED, false},
    {CURLE_SSL_CERTPROBLEM, GW_OUTBOUND_UNTRUSTED, true},
    {CURLE_SSL_CACERT_BADFILE, GW_OUTBOUND_UNTRUSTED, true},
};

static enum gw_outbound_end judge(const struct gw_easy *easy, CURLcode code, const char **error)
{
    if (easy->too_late) {
        *error = "it was too late to send";
        return GW_OUTBOUND_TOO_LATE;
    }
    if (easy->inside && code == CURLE_COULDNT_CONNECT) {
        *error = "the name leads to an address inside";
        return GW_OUTBOUND_INSIDE;
    }
    if (easy->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        *error = "the answer is too large";
        return GW_OUTBOUND_TOO_LARGE;
    }
    *error = easy->error[0] != '\0' ? easy->error : curl_easy_strerror(code);
    for (size_t i = 0; i < sizeof(known_ends) / sizeof(known_ends[0]); ++i) {
        if (known_ends[i].code != code)
            continue;
        if (known_ends[i].in_general_words)
            *error = curl_easy_strerror(code);
        return known_ends[i].end;
    }
    /* The other codes are the same for a target that refuses our certificate and for one that has gone away; with
     * TLS 1.3 the refusal comes after the handshake, as a failure to read or to send. The alert tells, and without one
     * nothing is known about trust. */
    if (*easy->alert == NULL)
        return GW_OUTBOUND_UNREACHED;
    *error = *easy->alert;
    return GW_OUTBOUND_UNTRUSTED;
}

/* RFC 9110 section 10.2.3: delay-seconds or an HTTP-date. -1 when it is neither. */
static int64_t parse_retry_after(const char *value)
{
    int64_t seconds;
    if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0') {
        seconds = strtoll(value, NULL, 10);
    } else {
        time_t at = curl_getdate(value, NULL);
        if (at == -1)
            return -1;
        seconds = (int64_t)at - gw_now_s();
    }
    return seconds < 0 ? 0 : seconds > MAX_RETRY_AFTER_S ? MAX_RETRY_AFTER_S : seconds;
}

/* The `index`th value of a header, or NULL. It is libcurl's, until the next question. */
static const char *header_of(struct gw_easy *easy, const char *name, size_t index)
{
    struct curl_header *header;
    return curl_easy_header(easy->curl, name, index, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

static int64_t retry_after(struct gw_easy *easy)
{
    const char *value = header_of(easy, "Retry-After", 0);
    return value != NULL ? parse_retry_after(value) : -1;
}

/* RFC 9111 section 4.2: its freshness lifetime, less the age that it has reached in caches on the way. */
static int64_t freshness(struct gw_easy *easy)
{
    int64_t least = -1;
    const char *value;
    for (size_t i = 0; (value = header_of(easy, "Cache-Control", i)) != NULL; ++i) {
        int64_t said = gw_freshness_of(value);
        if (said >= 0 && (least < 0 || said < least))
            least = said;
    }
    const char *age = least > 0 ? header_of(easy, "Age", 0) : NULL;
    if (age == NULL)
        return least;
    int64_t age_s = strtoll(age, NULL, 10);
    return age_s <= 0 ? least : age_s < least ? least - age_s : 0;
}

static const char *etag(struct gw_easy *easy)
{
    const char *value = header_of(easy, "ETag", 0);
    if (value == NULL || strlen(value) >= sizeof(easy->etag))
        return NULL;
    strcpy(easy->etag, value);
    return easy->etag;
}

struct gw_outbound_answer gw_easy_answer(struct gw_easy *easy, CURLcode code)
{
    struct gw_outbound_answer answer = {.retry_after_s = -1, .fresh_s = -1, .body = ""};
    answer.end = judge(easy, code, &answer.error);
    answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    long request_size = 0;
    s2s_assert(curl_easy_getinfo(easy->curl, CURLINFO_REQUEST_SIZE, &request_size) == CURLE_OK);
    answer.sent = request_size > 0;
    if (answer.end != GW_OUTBOUND_ANSWERED)
        return answer;
    long status = 0;
    s2s_assert(curl_easy_getinfo(easy->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    char *content_type = NULL;
    s2s_assert(curl_easy_getinfo(easy->curl, CURLINFO_CONTENT_TYPE, &content_type) == CURLE_OK);
    answer.error = NULL;
    answer.status = (int)status;
    answer.retry_after_s = retry_after(easy);
    answer.fresh_s = freshness(easy);
    answer.etag = etag(easy);
    answer.content_type = content_type;
    if (easy->body != NULL) {
        answer.body = easy->body;
        answer.body_len = easy->body_len;
    }
    return answer;
}

/* ---- life ---- */

void gw_easy_open(struct gw_easy *easy, struct gw_outbound_call *call, void *owner, const char **alert)
{
    *easy = (struct gw_easy){.curl = curl_easy_init(), .call = call, .alert = alert};
    s2s_assert(easy->curl != NULL);
    for (size_t i = 0; i < sizeof(fixed_numbers) / sizeof(fixed_numbers[0]); ++i)
        SET(easy, fixed_numbers[i].option, fixed_numbers[i].value);
    for (size_t i = 0; i < sizeof(fixed_texts) / sizeof(fixed_texts[0]); ++i)
        SET(easy, fixed_texts[i].option, fixed_texts[i].value);
    SET(easy, CURLOPT_PRIVATE, owner);
    set_target(easy, call->target, call->path, alert);
    set_request(easy, call);
    set_answer(easy, call->max_answer);
}

void gw_easy_close(struct gw_easy *easy)
{
    curl_easy_cleanup(easy->curl);
    curl_slist_free_all(easy->headers);
    if (easy->body != NULL)
        OPENSSL_cleanse(easy->body, easy->body_len); /* claims, among others */
    free(easy->body);
}
