/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jobs/webhook.h"

#include "fixture.h"

/* The example that Standard Webhooks publishes: its libraries hold themselves to it. */
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIMESTAMP 1614265330
#define BODY "{\"test\": 2432232314}"
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

/* The octets 0 to 31, and what they sign: printf ID.TIMESTAMP.BODY | openssl dgst -sha256 -mac HMAC -macopt
 * hexkey:0001…1f -binary | base64 */
#define OLDER_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OLDER_SIGNATURE "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="

static struct gw_file secrets[2];
static struct gw_receiver_config config = {.name = "backend", .url = "https://backend.example/hooks"};

/* Load a receiver with these secrets and compare what signs the example. */
static void assert_signed(size_t count, const char *expected)
{
    struct gw_receiver receiver;
    const char *lines[GW_WEBHOOK_HEADERS];
    config.secrets = (struct gw_file_list){secrets, count};
    ck_assert(gw_receiver_load(&receiver, &config, &errors));
    assert_no_error();
    gw_webhook_headers(&receiver, arena, ID, TIMESTAMP, s2s_bytes(BODY, strlen(BODY)), lines);
    ck_assert_str_eq(lines[0], "webhook-id: " ID);
    ck_assert_str_eq(lines[1], "webhook-timestamp: 1614265330");
    ck_assert_str_eq(lines[2], expected);
    ck_assert_ptr_null(lines[3]);
    gw_receiver_release(&receiver);
}

START_TEST(the_published_example_is_signed_as_published)
{
    secrets[0] = write_file("new.secret", 1, SECRET "\n");
    assert_signed(1, "webhook-signature: " SIGNATURE);
}
END_TEST

START_TEST(each_secret_signs_the_newest_first)
{
    secrets[0] = write_file("new.secret", 1, SECRET);
    secrets[1] = write_file("old.secret", 2, OLDER_SECRET);
    assert_signed(2, "webhook-signature: " SIGNATURE " " OLDER_SIGNATURE);
}
END_TEST

START_TEST(lanes_tell_what_each_receiver_wants)
{
    char *events[] = {"verification.changed", "delivery.dead"};
    struct gw_webhook_config webhooks[] = {
        {.to = {.name = "all"}},
        {.to = {.name = "some"}, .events = {events, 2}},
    };
    const struct gw_config whole = {.webhooks = webhooks, .webhook_count = 2}, none = {.webhook_count = 0};
    ck_assert_str_eq(gw_webhook_lanes(&whole, arena),
                     "[{\"name\":\"all\",\"events\":null},"
                     "{\"name\":\"some\",\"events\":[\"verification.changed\",\"delivery.dead\"]}]");
    ck_assert_str_eq(gw_webhook_lanes(&none, arena), "[]");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("webhook");
    TCase *tcase = tcase_create("webhook");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    tcase_add_test(tcase, the_published_example_is_signed_as_published);
    tcase_add_test(tcase, each_secret_signs_the_newest_first);
    tcase_add_test(tcase, lanes_tell_what_each_receiver_wants);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
