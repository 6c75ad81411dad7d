/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP/1.1 client on a link without a socket: what it writes, and what it makes of answers that come in any pieces.
 */
#include "tests/load/link.h"
#include "tests/unit/check_main.h"

#include <string.h>

static const struct load_target target = {.authority = "issuer.example:8443"};

static struct load_hub hub;
static struct load_link connection;
static struct load_endpoint endpoint;
static struct load_request request;
static int done;
static enum load_ending ended;

static void on_done(struct load_request *which, enum load_ending ending)
{
    ck_assert_ptr_eq(which, &request);
    ++done;
    ended = ending;
}

static void setup(void)
{
    hub = (struct load_hub){0};
    connection = (struct load_link){.hub = &hub, .protocol = &load_http1, .state = LOAD_LINK_OPEN};
    load_endpoint_init(&endpoint, &target, "POST", "/base", "/verification/status");
    request = (struct load_request){.endpoint = &endpoint, .done = on_done};
    strcpy(request.id, "01234567-89ab-cdef-0123-456789abcdef");
    done = 0;
    load_http1.open(&connection);
}

static void teardown(void)
{
    load_http1.close(&connection);
    load_buffer_free(&request.answer.body);
    load_buffer_free(&connection.out);
    load_endpoint_free(&endpoint);
}

static void send_request(void)
{
    request.body = s2s_bytes("{}", 2);
    load_link_send(&connection, &request);
    connection.out.len = 0;
    ck_assert(load_http1.produce(&connection, &connection.out));
}

static bool receive(const char *text, size_t len)
{
    return load_http1.receive(&connection, (const uint8_t *)text, len);
}

START_TEST(the_request)
{
    static const char expected[] = "POST /base/verification/status HTTP/1.1\r\nhost: issuer.example:8443\r\n"
                                   "api-version: 1.0.0\r\ncontent-type: application/json\r\n"
                                   "x-request-id: 01234567-89ab-cdef-0123-456789abcdef\r\ncontent-length: 2\r\n\r\n{}";
    send_request();
    ck_assert_uint_eq(connection.out.len, sizeof(expected) - 1);
    ck_assert_mem_eq(connection.out.data, expected, sizeof(expected) - 1);
    connection.out.len = 0;
    ck_assert(load_http1.produce(&connection, &connection.out)); /* once */
    ck_assert_uint_eq(connection.out.len, 0);
}
END_TEST

/* Each answer is cut in two at every place. */
START_TEST(answers)
{
    static const struct {
        const char *text, *body;
        int status;
        bool leaves;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", 200, false},
        {"HTTP/1.1 200 OK\r\nContent-Length:  5 \r\nX: y\r\n\r\nhello", "hello", 200, false},
        {"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", "", 503, true},
        {"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok", 200, true},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 204, false},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", "x", 200, false},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n",
         "hello, world", 200, false},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\ntrailer: x\r\n\r\n",
         "0123456789", 200, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        size_t len = strlen(rows[i].text);
        for (size_t cut = 0; cut < len; ++cut) {
            connection.leaving = false;
            done = 0;
            send_request();
            ck_assert(receive(rows[i].text, cut) && done == 0);
            ck_assert_msg(receive(rows[i].text + cut, len - cut), "%s", rows[i].text);
            ck_assert_msg(done == 1 && ended == LOAD_ANSWERED, "%s cut at %zu", rows[i].text, cut);
            ck_assert_int_eq(request.answer.status, rows[i].status);
            ck_assert_uint_eq(request.answer.body.len, strlen(rows[i].body));
            if (request.answer.body.len > 0)
                ck_assert_mem_eq(request.answer.body.data, rows[i].body, request.answer.body.len);
            ck_assert(connection.leaving == rows[i].leaves);
        }
    }
}
END_TEST

START_TEST(header_fields)
{
    static const char text[] = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json; charset=utf-8\r\n"
                               "X-Request-Id: 01234567-89ab-cdef-0123-456789ABCDEF\r\nRetry-After: 7\r\n"
                               "Idempotent-Replayed: true\r\ncontent-length: 0\r\n\r\n";
    send_request();
    ck_assert(receive(text, sizeof(text) - 1));
    ck_assert_int_eq(request.answer.content, LOAD_CONTENT_JSON);
    ck_assert(request.answer.echoed && request.answer.replayed);
    ck_assert_uint_eq(request.answer.retry_after, 7);

    static const char other[] = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
                                "x-request-id: 11111111-89ab-cdef-0123-456789abcdef\r\ncontent-length: 0\r\n\r\n";
    send_request();
    ck_assert(receive(other, sizeof(other) - 1));
    ck_assert_int_eq(request.answer.content, LOAD_CONTENT_PROBLEM);
    ck_assert(!request.answer.echoed && !request.answer.replayed && request.answer.retry_after == 0);
}
END_TEST

START_TEST(broken_answers)
{
    static const char *const texts[] = {
        "HTTP/2 200\r\n\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nmore",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        teardown();
        setup();
        send_request();
        ck_assert_msg(!receive(texts[i], strlen(texts[i])), "%s", texts[i]);
        ck_assert_str_ne(connection.reason, "");
    }
}
END_TEST

START_TEST(lost_connections)
{
    static const char half[] = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel";
    send_request();
    ck_assert(receive(half, sizeof(half) - 1));
    load_http1.close(&connection);
    ck_assert(done == 1 && ended == LOAD_LOST);
    load_http1.open(&connection);
    connection.leaving = false; /* a new one */

    static const char endless[] = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    send_request();
    ck_assert(receive(endless, sizeof(endless) - 1) && done == 1);
    load_http1.close(&connection);
    ck_assert(done == 2 && ended == LOAD_ANSWERED);
    ck_assert_uint_eq(request.answer.body.len, strlen("until the end"));
    load_http1.open(&connection);
}
END_TEST

START_TEST(given_up)
{
    send_request();
    load_http1.abandon(&connection, &request);
    ck_assert(done == 1 && ended == LOAD_TIMED_OUT);
    ck_assert(connection.leaving); /* its answer may still come, and must not be taken for the next one's */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load http1");
    TCase *t = tcase_create("http1");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_request);
    tcase_add_test(t, answers);
    tcase_add_test(t, header_fields);
    tcase_add_test(t, broken_answers);
    tcase_add_test(t, lost_connections);
    tcase_add_test(t, given_up);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
