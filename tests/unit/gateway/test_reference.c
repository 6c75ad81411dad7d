/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents by reference, from a real server over real TLS. Names of hosts are resolved here: the getaddrinfo below is
 * the one that libcurl finds (it asks nobody about localhost).
 */
#include "gateway/net/reference.h"

#include "outbound_support.h"
#include "proto/crypto.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>

#define TEXT "a document"

/* ---- names ---- */

/* What every name leads to; ended by NULL. */
static const char *addresses[8];
static atomic_uint resolutions;

static struct addrinfo *entry(const char *address, const char *port)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage storage;
    } *made = calloc(1, sizeof(*made));
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&made->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&made->storage;
    bool four = inet_pton(AF_INET, address, &v4->sin_addr) == 1;
    if (!four)
        inet_pton(AF_INET6, address, &v6->sin6_addr);
    made->storage.ss_family = four ? AF_INET : AF_INET6;
    v4->sin_port = htons((uint16_t)strtoul(port, NULL, 10)); /* at the same place in both */
    made->info = (struct addrinfo){.ai_family = made->storage.ss_family,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_addr = (struct sockaddr *)&made->storage,
                                   .ai_addrlen = four ? sizeof(*v4) : sizeof(*v6)};
    return &made->info;
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    struct addrinfo **link = out;
    (void)name, (void)hints;
    ++resolutions;
    for (size_t i = 0; addresses[i] != NULL; ++i, link = &(*link)->ai_next)
        *link = entry(addresses[i], port);
    *link = NULL;
    return addresses[0] != NULL ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

static void lead_to(const char *const *list)
{
    size_t i = 0;
    for (; list[i] != NULL; ++i)
        addresses[i] = list[i];
    addresses[i] = NULL;
}

/* ---- fetches ---- */

static char *host_list[1];
static struct gw_string_list hosts = {host_list, 1};
static struct gw_reference_policy policy;

/* A fetch and what came of it. */
struct trial {
    struct gw_reference_fetch fetch;
    unsigned ends;
    struct gw_reference_result result; /* without the texts that went */
    char body[MAX_ANSWER + 1];
    bool has_body;
};

static void on_fetched(struct gw_reference_fetch *fetch, struct gw_reference_result *result)
{
    struct trial *trial = fetch->data;
    trial->ends++;
    trial->result = *result;
    trial->has_body = result->body != NULL;
    ck_assert_ptr_nonnull(result->reason);
    if (trial->has_body) {
        ck_assert_uint_eq(strlen(result->body), result->size);
        strcpy(trial->body, result->body);
    }
    trial->result.body = NULL;
    trial->result.content_type = NULL;
}

static void start_peer(void)
{
    peer_start(&peer, (const char *const[]){"--cert", server_id.certificate.path, "--key", server_id.key.path, "--ca",
                                            authority.file.path, "--anonymous", NULL});
    host_list[0] = peer.url + strlen("https://");
    policy = (struct gw_reference_policy){.hosts = &hosts,
                                          .ca = authorities_of(&authority.file, 1),
                                          .max_size = MAX_ANSWER,
                                          .timeout_ms = PATIENCE_MS,
                                          .private_addresses = true};
}

static void fill_in(struct trial *trial, const char *url)
{
    struct gw_reference_fetch *fetch = &trial->fetch;
    fetch->outbound = outbound;
    fetch->policy = &policy;
    fetch->reference.url = url;
    fetch->now = NOW;
    fetch->keep = fetch->keep != 0 ? fetch->keep : MAX_ANSWER;
    fetch->done = on_fetched;
    fetch->data = trial;
}

static void run(struct trial *trial, const char *url)
{
    const char *reason = NULL;
    fill_in(trial, url);
    trial->result.end = gw_reference_start(&trial->fetch, &reason);
    ck_assert_ptr_nonnull(trial->result.end == GW_REFERENCE_FETCHED ? "" : reason);
    if (trial->result.end != GW_REFERENCE_FETCHED)
        return;
    while (trial->ends == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(trial->ends, 1);
    ck_assert_ptr_null(trial->fetch.flight);
}

static const char *at(const char *path)
{
    return s2s_arena_printf(arena, "%s%s", peer.url, path);
}

#define DOCUMENT "/_/answer?body=a%20document"

/* How a fetch of `path` with this reference ends. */
static enum gw_reference_end end_of(const char *path, struct gw_reference reference)
{
    struct trial trial = {.fetch = {.reference = reference}};
    run(&trial, at(path));
    ck_assert(!trial.has_body || trial.result.end == GW_REFERENCE_FETCHED);
    return trial.result.end;
}

static const char *digest_of(enum s2s_hash hash, const char *name, const char *text)
{
    uint8_t octets[S2S_MAX_HASH];
    ck_assert(!s2s_failed(s2s_hash(hash, s2s_bytes(text, strlen(text)), octets)));
    return s2s_arena_printf(arena, "%s:%s", name, s2s_b64_encode(arena, s2s_bytes(octets, s2s_hash_size(hash))));
}

static size_t requests_so_far(void)
{
    return json_object_array_length(peer_requests(&peer));
}

/* ---- what comes ---- */

START_TEST(a_document_comes)
{
    start_peer();
    struct trial trial = {.fetch = {.reference = {.size = -1, .accept = "application/statuslist+jwt"}}};
    run(&trial, at(DOCUMENT "#fragment"));
    ck_assert_int_eq(trial.result.end, GW_REFERENCE_FETCHED);
    ck_assert_int_eq(trial.result.status, 200);
    ck_assert_str_eq(trial.body, TEXT);
    struct json_object *requests = peer_requests(&peer);
    ck_assert_str_eq(member(requests, 0, "method"), "GET");
    ck_assert_str_eq(header_of(requests, 0, "accept"), "application/statuslist+jwt");
    ck_assert(json_object_is_type(s2s_json_get(json_object_array_get_idx(requests, 0), "client"), json_type_null));
}
END_TEST

START_TEST(it_is_what_was_named)
{
    start_peer();
    const struct gw_reference good[] = {
        {.size = (int64_t)strlen(TEXT)},
        {.size = -1, .expires_at = NOW + 1},
        {.size = -1, .digest = digest_of(S2S_SHA256, "sha-256", TEXT)},
        {.size = -1, .digest = digest_of(S2S_SHA384, "sha-384", TEXT)},
        {.size = (int64_t)strlen(TEXT), .digest = digest_of(S2S_SHA512, "sha-512", TEXT)},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i)
        ck_assert_int_eq(end_of(DOCUMENT, good[i]), GW_REFERENCE_FETCHED);
}
END_TEST

START_TEST(it_is_not_what_was_named)
{
    start_peer();
    const struct {
        struct gw_reference reference;
        enum gw_reference_end end;
    } bad[] = {
        {{.size = -1, .digest = digest_of(S2S_SHA256, "sha-256", "another")}, GW_REFERENCE_DIFFERENT},
        {{.size = -1, .digest = digest_of(S2S_SHA512, "sha-512", TEXT "\n")}, GW_REFERENCE_DIFFERENT},
        {{.size = (int64_t)strlen(TEXT) + 1}, GW_REFERENCE_DIFFERENT},
        {{.size = (int64_t)strlen(TEXT) - 1}, GW_REFERENCE_TOO_LARGE},
        {{.size = 0}, GW_REFERENCE_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
        ck_assert_int_eq(end_of(DOCUMENT, bad[i].reference), bad[i].end);
}
END_TEST

START_TEST(a_document_is_kept_only_as_far_as_wanted)
{
    start_peer();
    struct trial trial = {.fetch = {.keep = strlen(TEXT) - 1, .reference = {.size = -1}}};
    trial.fetch.reference.digest = digest_of(S2S_SHA256, "sha-256", TEXT);
    run(&trial, at(DOCUMENT));
    ck_assert_int_eq(trial.result.end, GW_REFERENCE_FETCHED);
    ck_assert_uint_eq(trial.result.size, strlen(TEXT));
    ck_assert(!trial.has_body);
    trial = (struct trial){.fetch = {.keep = strlen(TEXT), .reference = {.size = -1}}};
    run(&trial, at(DOCUMENT));
    ck_assert_str_eq(trial.body, TEXT);
}
END_TEST

/* The fetch is the callback's to free, and the document's octets can be kept without a copy. */
static char *taken;

static void take_and_free(struct gw_reference_fetch *fetch, struct gw_reference_result *result)
{
    taken = result->body;
    result->body = NULL;
    free(fetch);
}

START_TEST(the_document_and_the_fetch_can_be_taken)
{
    start_peer();
    const char *reason;
    struct trial *trial = calloc(1, sizeof(*trial));
    trial->fetch.reference.size = -1;
    fill_in(trial, at(DOCUMENT));
    trial->fetch.done = take_and_free;
    ck_assert_int_eq(gw_reference_start(&trial->fetch, &reason), GW_REFERENCE_FETCHED);
    while (taken == NULL)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_str_eq(taken, TEXT);
    free(taken);
}
END_TEST

START_TEST(a_large_document_is_looked_at_as_it_comes)
{
    start_peer();
    policy.max_size = (size_t)32 * 1024 * 1024;
    struct trial trial = {.fetch = {.keep = 1000, .reference = {.size = 20000000}}};
    run(&trial, at("/_/huge?octets=20000000"));
    ck_assert_int_eq(trial.result.end, GW_REFERENCE_FETCHED);
    ck_assert(!trial.has_body);
}
END_TEST

/* ---- what does not ---- */

START_TEST(too_large)
{
    start_peer();
    const struct gw_reference plain = {.size = -1};
    ck_assert_int_eq(end_of("/_/huge", plain), GW_REFERENCE_TOO_LARGE);
    ck_assert_int_eq(end_of("/_/huge?announced=1", plain), GW_REFERENCE_TOO_LARGE);
    ck_assert_int_eq(end_of("/_/huge?octets=4097", plain), GW_REFERENCE_TOO_LARGE);
    ck_assert_int_eq(end_of("/_/huge?octets=4096", plain), GW_REFERENCE_FETCHED);
    ck_assert_int_eq(end_of("/_/long-headers?octets=100000", plain), GW_REFERENCE_TOO_LARGE);
    size_t before = requests_so_far();
    ck_assert_int_eq(end_of("/_/huge?octets=4096", (struct gw_reference){.size = 4097}), GW_REFERENCE_TOO_LARGE);
    ck_assert_uint_eq(requests_so_far(), before); /* not even asked */
}
END_TEST

START_TEST(not_the_document)
{
    start_peer();
    static const struct {
        const char *path;
        enum gw_reference_end end;
    } rows[] = {
        {"/_/redirect?location=https://127.0.0.1/inside", GW_REFERENCE_REFUSED},
        {"/_/redirect", GW_REFERENCE_REFUSED},
        {"/_/answer?status=404", GW_REFERENCE_REFUSED},
        {"/_/answer?status=204&body=", GW_REFERENCE_REFUSED},
        {"/_/answer?status=206&body=a%20document", GW_REFERENCE_REFUSED},
        {"/_/forbidden", GW_REFERENCE_REFUSED},
        {"/_/answer?status=429", GW_REFERENCE_UNREACHED},
        {"/_/unavailable", GW_REFERENCE_UNREACHED},
        {"/_/drop", GW_REFERENCE_UNREACHED},
        {"/_/reset-after-headers", GW_REFERENCE_UNREACHED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        enum gw_reference_end end = end_of(rows[i].path, (struct gw_reference){.size = -1});
        ck_assert_msg(end == rows[i].end, "%s: %d", rows[i].path, end);
        ck_assert_int_eq(gw_reference_may_pass(end), end == GW_REFERENCE_UNREACHED);
    }
    ck_assert_uint_ge(requests_so_far(), sizeof(rows) / sizeof(rows[0]));
}
END_TEST

START_TEST(too_slow)
{
    start_peer();
    policy.timeout_ms = 300;
    ck_assert_int_eq(end_of("/_/drip", (struct gw_reference){.size = -1}), GW_REFERENCE_UNREACHED);
    ck_assert_int_eq(end_of("/_/hang", (struct gw_reference){.size = -1}), GW_REFERENCE_UNREACHED);
}
END_TEST

START_TEST(not_trusted)
{
    start_peer();
    policy.ca = authorities_of(&foreign_authority.file, 1);
    ck_assert_int_eq(end_of(DOCUMENT, (struct gw_reference){.size = -1}), GW_REFERENCE_UNREACHED);
    policy.ca = NULL; /* the system's */
    ck_assert_int_eq(end_of(DOCUMENT, (struct gw_reference){.size = -1}), GW_REFERENCE_UNREACHED);
    ck_assert_uint_eq(requests_so_far(), 0);
}
END_TEST

START_TEST(a_cancelled_fetch_does_not_end)
{
    start_peer();
    const char *reason;
    struct trial trial = {.fetch = {.reference = {.size = -1, .digest = digest_of(S2S_SHA256, "sha-256", TEXT)}}};
    fill_in(&trial, at("/_/drip"));
    ck_assert_int_eq(gw_reference_start(&trial.fetch, &reason), GW_REFERENCE_FETCHED);
    while (requests_so_far() == 0)
        uv_run(&loop, UV_RUN_NOWAIT);
    gw_reference_cancel(&trial.fetch);
    gw_reference_cancel(&trial.fetch);
    ck_assert_uint_eq(gw_outbound_pending(outbound), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(trial.ends, 0);
}
END_TEST

START_TEST(a_client_that_is_closed_drops_it)
{
    start_peer();
    const char *reason;
    struct trial trial = {.fetch = {.reference = {.size = -1, .digest = digest_of(S2S_SHA256, "sha-256", TEXT)}}};
    fill_in(&trial, at("/_/hang"));
    ck_assert_int_eq(gw_reference_start(&trial.fetch, &reason), GW_REFERENCE_FETCHED);
    close_outbound();
    ck_assert_ptr_null(trial.fetch.flight);
    ck_assert_uint_eq(trial.ends, 0);
}
END_TEST

/* ---- what is not even begun ---- */

static enum gw_reference_end start_of(const char *url, struct gw_reference reference)
{
    const char *reason = NULL;
    struct trial trial = {.fetch = {.reference = reference}};
    fill_in(&trial, url);
    enum gw_reference_end end = gw_reference_start(&trial.fetch, &reason);
    gw_reference_cancel(&trial.fetch);
    ck_assert(end == GW_REFERENCE_FETCHED || reason != NULL);
    return end;
}

START_TEST(urls)
{
    static const struct {
        const char *listed, *url;
        enum gw_reference_end end;
    } rows[] = {
        {"docs.example", "https://docs.example/a", GW_REFERENCE_FETCHED},
        {"docs.example", "https://docs.example", GW_REFERENCE_FETCHED},
        {"docs.example", "HTTPS://DOCS.example/a?b=c#d", GW_REFERENCE_FETCHED},
        {"DOCS.example", "https://docs.example:443/", GW_REFERENCE_FETCHED},
        {"docs.example:443", "https://docs.example/", GW_REFERENCE_FETCHED},
        {"docs.example:8443", "https://docs.example:8443/", GW_REFERENCE_FETCHED},
        {"[2a00::1]", "https://[2a00::1]/", GW_REFERENCE_FETCHED},
        {"docs.example", "https://docs.example:8443/", GW_REFERENCE_FORBIDDEN},
        {"docs.example:8443", "https://docs.example/", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://docs.example./", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://a.docs.example/", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://docs.example.evil.example/", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://evil.example/docs.example", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://evil.example?docs.example", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://evil.example#@docs.example/", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https://evil.example\\@docs.example/", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://docs.example\\.evil.example/", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://evil.example@docs.example/", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://:p@docs.example/", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://docs.example:99999/", GW_REFERENCE_MALFORMED},
        {"docs.example", "https:///a", GW_REFERENCE_FORBIDDEN},
        {"docs.example", "https:/docs.example/a", GW_REFERENCE_MALFORMED},
        {"docs.example", "//docs.example/a", GW_REFERENCE_MALFORMED},
        {"docs.example", "docs.example/a", GW_REFERENCE_MALFORMED},
        {"docs.example", "http://docs.example/a", GW_REFERENCE_MALFORMED},
        {"docs.example", "ftp://docs.example/a", GW_REFERENCE_MALFORMED},
        {"docs.example", "file:///etc/passwd", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://docs.example/a b", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://docs.example/\xc3\xa9", GW_REFERENCE_MALFORMED},
        {"docs.example", "https://docs.example/\r\nX: y", GW_REFERENCE_MALFORMED},
        {"docs.example", "", GW_REFERENCE_MALFORMED},
    };
    policy = (struct gw_reference_policy){.hosts = &hosts, .max_size = MAX_ANSWER, .timeout_ms = PATIENCE_MS};
    addresses[0] = NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        host_list[0] = (char *)(uintptr_t)rows[i].listed;
        enum gw_reference_end end = start_of(rows[i].url, (struct gw_reference){.size = -1});
        ck_assert_msg(end == rows[i].end, "%s: %d", rows[i].url, end);
    }
    char *longest = s2s_arena_printf(arena, "https://docs.example/%2100d", 7);
    ck_assert_int_eq(start_of(longest, (struct gw_reference){.size = -1}), GW_REFERENCE_MALFORMED);
    hosts.count = 0;
    ck_assert_int_eq(start_of("https://docs.example/", (struct gw_reference){.size = -1}), GW_REFERENCE_FORBIDDEN);
    hosts.count = 1;
}
END_TEST

START_TEST(references)
{
    static const struct {
        struct gw_reference reference;
        enum gw_reference_end end;
    } rows[] = {
        {{.size = -1, .expires_at = NOW}, GW_REFERENCE_EXPIRED},
        {{.size = -1, .expires_at = NOW - DAY}, GW_REFERENCE_EXPIRED},
        {{.size = -1, .expires_at = -1}, GW_REFERENCE_EXPIRED},
        {{.size = MAX_ANSWER + 1}, GW_REFERENCE_TOO_LARGE},
        {{.size = INT64_MAX}, GW_REFERENCE_TOO_LARGE},
        {{.size = -1, .digest = ""}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-256:"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "md5:AAAAAAAAAAAAAAAAAAAAAA"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-256:AAAA"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-256:!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!A"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-512:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}, GW_REFERENCE_MALFORMED},
        {{.size = -1, .digest = "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}, GW_REFERENCE_FETCHED},
    };
    static char docs[] = "docs.example";
    host_list[0] = docs;
    policy = (struct gw_reference_policy){.hosts = &hosts, .max_size = MAX_ANSWER, .timeout_ms = PATIENCE_MS};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        enum gw_reference_end end = start_of("https://docs.example/", rows[i].reference);
        ck_assert_msg(end == rows[i].end, "row %zu: %d", i, end);
    }
}
END_TEST

/* ---- places inside ---- */

START_TEST(names_that_lead_inside)
{
    start_peer();
    const char *port = strrchr(peer.url, ':');
    host_list[0] = s2s_arena_printf(arena, "docs.example%s", port);
    char *url = s2s_arena_printf(arena, "https://docs.example%s/", port);
    static const char *const rows[][4] = {
        {"127.0.0.1"},
        {"::1"},
        {"10.0.0.1", "192.168.1.1", "fd00::1"},
        {"::ffff:127.0.0.1"},
        {"169.254.169.254"},
        {"0.0.0.0"},
        {"100.64.0.1"},
        {"fe80::1", "127.0.0.1"},
        {"64:ff9b::7f00:1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct trial trial = {.fetch = {.reference = {.size = -1}}};
        policy.private_addresses = false;
        lead_to(rows[i]);
        run(&trial, url);
        ck_assert_msg(trial.result.end == GW_REFERENCE_FORBIDDEN, "%s: %d", rows[i][0], trial.result.end);
        ck_assert_uint_eq(resolutions, i + 1);
        close_outbound(); /* with what it has resolved */
        outbound = gw_outbound_new(&loop, CONNECTIONS);
    }
    /* What it would be otherwise: the server is asked, and has no certificate for this name. */
    struct trial trial = {.fetch = {.reference = {.size = -1}}};
    policy.private_addresses = true;
    lead_to(rows[0]);
    run(&trial, url);
    ck_assert_int_eq(trial.result.end, GW_REFERENCE_UNREACHED);
    ck_assert_uint_eq(requests_so_far(), 0);
}
END_TEST

START_TEST(addresses_inside_by_themselves)
{
    start_peer();
    policy.private_addresses = false;
    const char *port = strrchr(peer.url, ':');
    static const char *const rows[][2] = {
        {"127.0.0.1", "127.0.0.1"}, {"127.0.0.1", "2130706433"},
        {"127.0.0.1", "0x7f.1"},    {"127.0.0.1", "0177.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},     {"0.0.0.0", "0"},
        {"[::1]", "[::1]"},         {"[::1]", "[0:0::1]"},
        {"[::]", "[::]"},           {"[::ffff:7f00:1]", "[::ffff:127.0.0.1]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        struct trial trial = {.fetch = {.reference = {.size = -1}}};
        host_list[0] = s2s_arena_printf(arena, "%s%s", rows[i][0], port);
        run(&trial, s2s_arena_printf(arena, "https://%s%s/", rows[i][1], port));
        ck_assert_msg(trial.result.end == GW_REFERENCE_FORBIDDEN, "%s: %d", rows[i][1], trial.result.end);
    }
    ck_assert_uint_eq(requests_so_far(), 0);
}
END_TEST

/* A connection that somebody was allowed to make is not there for those who are not. */
START_TEST(a_connection_inside_is_not_shared)
{
    start_peer();
    ck_assert_int_eq(end_of(DOCUMENT, (struct gw_reference){.size = -1}), GW_REFERENCE_FETCHED);
    policy.private_addresses = false;
    ck_assert_int_eq(end_of(DOCUMENT, (struct gw_reference){.size = -1}), GW_REFERENCE_FORBIDDEN);
    policy.private_addresses = true;
    ck_assert_int_eq(end_of(DOCUMENT, (struct gw_reference){.size = -1}), GW_REFERENCE_FETCHED);
    ck_assert_uint_eq(requests_so_far(), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reference");
    TCase *alone = outbound_case(s, "alone");
    tcase_add_test(alone, urls);
    tcase_add_test(alone, references);
    TCase *tcase = outbound_peer_case(s);
    if (tcase == NULL)
        return s;
    tcase_add_test(tcase, a_document_comes);
    tcase_add_test(tcase, it_is_what_was_named);
    tcase_add_test(tcase, it_is_not_what_was_named);
    tcase_add_test(tcase, a_document_is_kept_only_as_far_as_wanted);
    tcase_add_test(tcase, the_document_and_the_fetch_can_be_taken);
    tcase_add_test(tcase, a_large_document_is_looked_at_as_it_comes);
    tcase_add_test(tcase, too_large);
    tcase_add_test(tcase, not_the_document);
    tcase_add_test(tcase, too_slow);
    tcase_add_test(tcase, not_trusted);
    tcase_add_test(tcase, a_cancelled_fetch_does_not_end);
    tcase_add_test(tcase, a_client_that_is_closed_drops_it);
    tcase_add_test(tcase, names_that_lead_inside);
    tcase_add_test(tcase, addresses_inside_by_themselves);
    tcase_add_test(tcase, a_connection_inside_is_not_shared);
    return s;
}

S2S_TEST_MAIN(suite)
