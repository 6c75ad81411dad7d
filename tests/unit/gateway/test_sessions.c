/* SPDX-License-Identifier: Apache-2.0 */
#include "../check_main.h"

#include "gateway/issuer/sessions.h"

#include <openssl/ec.h>
#include <stdio.h>

#define CAPACITY 4

static struct gw_sessions *sessions;
static struct s2s_jwk *key, *other_key;

static struct s2s_jwk *make_key(void)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    struct s2s_jwk *jwk;
    ck_assert(!s2s_failed(s2s_jwk_from_pkey(pkey, "ES256", NULL, &jwk)));
    EVP_PKEY_free(pkey);
    return jwk;
}

static void setup(void)
{
    sessions = gw_sessions_new(CAPACITY);
    key = make_key();
    other_key = make_key();
}

static void teardown(void)
{
    gw_sessions_free(sessions);
    s2s_jwk_free(key);
    s2s_jwk_free(other_key);
}

START_TEST(a_session_is_found_by_its_owner_only)
{
    gw_sessions_put(sessions, "s-1", "wallet", key);
    ck_assert_ptr_eq(gw_sessions_find(sessions, "s-1", "wallet"), key);
    ck_assert_ptr_null(gw_sessions_find(sessions, "s-1", "other-wallet"));
    ck_assert_ptr_null(gw_sessions_find(sessions, "S-1", "wallet"));
    ck_assert_ptr_null(gw_sessions_find(sessions, "s-2", "wallet"));
}
END_TEST

START_TEST(owner_and_key_never_change)
{
    gw_sessions_put(sessions, "s-1", "wallet", key);
    gw_sessions_put(sessions, "s-1", "other-wallet", other_key);
    ck_assert_ptr_eq(gw_sessions_find(sessions, "s-1", "wallet"), key);
    ck_assert_ptr_null(gw_sessions_find(sessions, "s-1", "other-wallet"));
}
END_TEST

START_TEST(the_one_unused_for_longest_goes_first)
{
    char id[16];
    for (int i = 0; i < CAPACITY; ++i) {
        snprintf(id, sizeof(id), "s-%d", i);
        gw_sessions_put(sessions, id, "wallet", key);
    }
    ck_assert_ptr_nonnull(gw_sessions_find(sessions, "s-0", "wallet")); /* so s-1 is the oldest now */
    gw_sessions_put(sessions, "s-new", "wallet", key);
    ck_assert_ptr_nonnull(gw_sessions_find(sessions, "s-0", "wallet"));
    ck_assert_ptr_null(gw_sessions_find(sessions, "s-1", "wallet"));
    ck_assert_ptr_nonnull(gw_sessions_find(sessions, "s-2", "wallet"));
    ck_assert_ptr_nonnull(gw_sessions_find(sessions, "s-new", "wallet"));
}
END_TEST

START_TEST(many_come_and_go)
{
    char id[16];
    for (int i = 0; i < 10000; ++i) {
        snprintf(id, sizeof(id), "s-%d", i % 37);
        gw_sessions_put(sessions, id, "wallet", key);
        ck_assert_ptr_eq(gw_sessions_find(sessions, id, "wallet"), key);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sessions");
    TCase *tcase = tcase_create("sessions");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_session_is_found_by_its_owner_only);
    tcase_add_test(tcase, owner_and_key_never_change);
    tcase_add_test(tcase, the_one_unused_for_longest_goes_first);
    tcase_add_test(tcase, many_come_and_go);
    suite_add_tcase(s, tcase);
    return s;
}

S2S_TEST_MAIN(suite)
