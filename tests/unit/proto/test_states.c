/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/states.h"
#include "tests/unit/check_main.h"

#include <signal.h>

START_TEST(test_every_status_has_a_name)
{
    for (int i = 0; i < S2S_VERIFICATION_STATUSES; i++)
        ck_assert_ptr_nonnull(s2s_verification_status_name((enum s2s_verification_status)i));
    ck_assert_ptr_null(s2s_verification_status_names[S2S_VERIFICATION_STATUSES]);
    for (int i = 0; i < S2S_CREDENTIAL_STATUSES; i++)
        ck_assert_ptr_nonnull(s2s_credential_status_name((enum s2s_credential_status)i));
    ck_assert_ptr_null(s2s_credential_status_names[S2S_CREDENTIAL_STATUSES]);
}
END_TEST

START_TEST(test_names_on_the_wire)
{
    ck_assert_str_eq(s2s_verification_status_name(S2S_PENDING), "PENDING");
    ck_assert_str_eq(s2s_verification_status_name(S2S_ADDITIONAL_INFO_REQUIRED), "ADDITIONAL_INFO_REQUIRED");
    ck_assert_str_eq(s2s_verification_status_name(S2S_EXPIRED), "EXPIRED");
    ck_assert_str_eq(s2s_credential_status_name(S2S_IN_PROCESS), "IN_PROCESS");
    ck_assert_str_eq(s2s_credential_status_name(S2S_SUSPENDED_WALLET), "SUSPENDED_WALLET");
    ck_assert_str_eq(s2s_credential_status_name(S2S_UNKNOWN), "UNKNOWN");
}
END_TEST

START_TEST(test_a_status_outside_of_the_table_is_a_bug)
{
    s2s_credential_status_name(S2S_CREDENTIAL_STATUSES);
}
END_TEST

START_TEST(test_origin_of_events)
{
    ck_assert_int_eq(s2s_event_origin("PROVISIONING_SUCCESS"), S2S_EVENT_FROM_WALLET);
    ck_assert_int_eq(s2s_event_origin("KEY_ROTATED"), S2S_EVENT_FROM_WALLET);
    ck_assert_int_eq(s2s_event_origin("CREDENTIAL_READY"), S2S_EVENT_FROM_ISSUER);
    ck_assert_int_eq(s2s_event_origin("DISPLAY_DATA_UPDATED"), S2S_EVENT_FROM_ISSUER);
    ck_assert_int_eq(s2s_event_origin("credential_ready"), S2S_EVENT_UNKNOWN);
    ck_assert_int_eq(s2s_event_origin(""), S2S_EVENT_UNKNOWN);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("states");
    TCase *tc = tcase_create("states");
    tcase_add_test(tc, test_every_status_has_a_name);
    tcase_add_test(tc, test_names_on_the_wire);
    tcase_add_test_raise_signal(tc, test_a_status_outside_of_the_table_is_a_bug, SIGABRT);
    tcase_add_test(tc, test_origin_of_events);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
