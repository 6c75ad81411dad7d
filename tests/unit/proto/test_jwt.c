/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/jwt.h"

#include "jose_support.h"

START_TEST(test_typ)
{
    static const struct {
        const char *header;
        bool has;
    } rows[] = {
        {"{\"typ\":\"kb+jwt\"}", true},
        {"{\"typ\":\"KB+JWT\"}", true},
        {"{\"typ\":\"application/kb+jwt\"}", true},
        {"{\"typ\":\"Application/kb+jwt\"}", true},
        {"{\"typ\":\"jwt\"}", false},
        {"{\"typ\":\"text/kb+jwt\"}", false},
        {"{\"typ\":null}", false},
        {"{\"typ\":1}", false},
        {"{}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_jws jws = {.header = json(rows[i].header)};
        ck_assert_msg(s2s_jwt_has_typ(&jws, "kb+jwt") == rows[i].has, "%s", rows[i].header);
    }
}
END_TEST

START_TEST(test_audience)
{
    static const struct {
        const char *claims;
        bool has;
    } rows[] = {
        {"{\"aud\":\"us\"}", true},    {"{\"aud\":[\"them\",\"us\"]}", true},
        {"{\"aud\":\"them\"}", false}, {"{\"aud\":[]}", false},
        {"{\"aud\":[1,null]}", false}, {"{\"aud\":{\"us\":1}}", false},
        {"{\"aud\":\"us \"}", false},  {"{}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(s2s_jwt_has_audience(json(rows[i].claims), "us") == rows[i].has, "%s", rows[i].claims);
}
END_TEST

START_TEST(test_dates)
{
    static const struct {
        const char *claims;
        enum s2s_date date;
        int64_t seconds;
    } rows[] = {
        {"{\"exp\":0}", S2S_DATE_GOOD, 0},
        {"{\"exp\":1795000000.9}", S2S_DATE_GOOD, 1795000000},
        {"{\"exp\":1e300}", S2S_DATE_GOOD, INT64_MAX},
        {"{\"exp\":99999999999999999999}", S2S_DATE_GOOD, INT64_MAX},
        {"{\"exp\":-1}", S2S_DATE_BAD, 0},
        {"{\"exp\":\"1795000000\"}", S2S_DATE_BAD, 0},
        {"{\"exp\":null}", S2S_DATE_BAD, 0},
        {"{\"exp\":true}", S2S_DATE_BAD, 0},
        {"{}", S2S_DATE_ABSENT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = 0;
        ck_assert_msg(s2s_jwt_date(json(rows[i].claims), "exp", &seconds) == rows[i].date, "%s", rows[i].claims);
        if (rows[i].date == S2S_DATE_GOOD)
            ck_assert_msg(seconds == rows[i].seconds, "%s", rows[i].claims);
    }
}
END_TEST

/* Now is 1000, and clocks may differ by 10. */
START_TEST(test_times)
{
    static const struct {
        const char *claims;
        enum s2s_code code;
    } rows[] = {
        {"{}", S2S_OK},
        {"{\"exp\":1001,\"nbf\":999,\"iat\":999}", S2S_OK},
        {"{\"exp\":991}", S2S_OK},
        {"{\"exp\":990}", S2S_STALE},
        {"{\"exp\":0}", S2S_STALE},
        {"{\"nbf\":1010}", S2S_OK},
        {"{\"nbf\":1011}", S2S_STALE},
        {"{\"iat\":1010}", S2S_OK},
        {"{\"iat\":1011}", S2S_STALE},
        {"{\"exp\":1e300}", S2S_OK},
        {"{\"nbf\":1e300}", S2S_STALE},
        {"{\"exp\":\"1001\"}", S2S_MALFORMED},
        {"{\"nbf\":null}", S2S_MALFORMED},
        {"{\"iat\":-5}", S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(s2s_jwt_check_times(json(rows[i].claims), 1000, 10).code == rows[i].code, "%s", rows[i].claims);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jwt");
    TCase *tc = tcase_create("jwt");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_typ);
    tcase_add_test(tc, test_audience);
    tcase_add_test(tc, test_dates);
    tcase_add_test(tc, test_times);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
