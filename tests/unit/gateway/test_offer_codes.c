/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/offer_codes.h"

#include "fixture.h"

static struct gw_config config;
static struct gw_vault *vault;
static uint8_t a[GW_OFFER_HASH_SIZE], b[GW_OFFER_HASH_SIZE];

static void setup(void)
{
    fixture_setup();
    static struct gw_file keys[2];
    keys[0] = write_data_key("new.key");
    keys[1] = write_data_key("old.key");
    config.data_keys = (struct gw_file_list){keys, 2};
    vault = gw_vault_load(&config, &errors);
    assert_no_error();
}

static void teardown(void)
{
    gw_vault_free(vault);
    fixture_teardown();
}

START_TEST(the_same_code_has_the_same_hash)
{
    gw_offer_code_hash(vault, 0, "code", a);
    gw_offer_code_hash(vault, 0, "code", b);
    ck_assert_mem_eq(a, b, sizeof a);
    gw_offer_code_hash(vault, 0, "Code", b);
    ck_assert_mem_ne(a, b, sizeof a);
    gw_offer_code_hash(vault, 1, "code", b);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(purposes_are_kept_apart)
{
    gw_offer_code_hash(vault, 0, "text", a);
    gw_offer_reference_hash(vault, 0, "text", b);
    ck_assert_mem_ne(a, b, sizeof a);
    gw_offer_tx_code_hash(vault, 0, "text", "", b);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(a_transaction_code_belongs_to_its_code)
{
    gw_offer_tx_code_hash(vault, 0, "code", "1234", a);
    gw_offer_tx_code_hash(vault, 0, "other", "1234", b);
    ck_assert_mem_ne(a, b, sizeof a);
    gw_offer_tx_code_hash(vault, 0, "code1", "234", b);
    ck_assert_mem_ne(a, b, sizeof a);
    gw_offer_tx_code_hash(vault, 0, "code", "1234", b);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("offer_codes");
    TCase *tc = tcase_create("offer_codes");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_same_code_has_the_same_hash);
    tcase_add_test(tc, purposes_are_kept_apart);
    tcase_add_test(tc, a_transaction_code_belongs_to_its_code);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
