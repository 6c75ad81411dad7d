/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of items, judgments and decisions share: a generation with a vault, items as they were submitted, and
 * configurations that ask for them.
 */
#ifndef TEST_JUDGE_SUPPORT_H
#define TEST_JUDGE_SUPPORT_H

#include "fixture.h"
#include "gateway/issuer/policy.h"

#define TYPE(name) "urn:s2s-gateway:verification:" name
#define MAX_ITEMS 8
#define MAX_CONFIGURATIONS 4

static struct gw_config config;
static struct gw_generation generation;
static struct gw_item submitted[MAX_ITEMS];
static struct gw_item_context context;
static const struct gw_credential_config *configurations[MAX_CONFIGURATIONS];
static struct gw_decision_input input;

/* Setup and teardown of every test case, instead of the fixture's. */
static inline void judge_setup(void)
{
    fixture_setup();
    struct gw_file key = write_data_key("data.key");
    config = (struct gw_config){.data_keys = {&key, 1}, .issuer = {.identifier = (char *)"https://issuer.example"}};
    generation = (struct gw_generation){.config = &config, .vault = gw_vault_load(&config, &errors)};
    ck_assert_ptr_nonnull(generation.vault);
    config.data_keys = (struct gw_file_list){NULL, 0};
    context = (struct gw_item_context){.arena = arena,
                                       .generation = &generation,
                                       .peer = "wallet",
                                       .session_id = "session-1",
                                       .verification_id = "verification-1",
                                       .now = NOW,
                                       .items = submitted};
    memset(configurations, 0, sizeof configurations);
    input = (struct gw_decision_input){.context = &context,
                                       .configurations = configurations,
                                       .attempts = 1,
                                       .requested_device_count = 1,
                                       .data_seq = "1",
                                       .wsk_thumbprint = "thumbprint",
                                       .attestation = "IGNORED"};
}

static inline void judge_teardown(void)
{
    gw_vault_free(generation.vault);
    fixture_teardown();
}

/* One more item, as an evaluation has opened it: `seq` grows with each. */
static inline void submit(enum gw_item_origin origin, const char *id, const char *type, const char *text)
{
    ck_assert_uint_lt(context.item_count, MAX_ITEMS);
    struct gw_item *item = &submitted[context.item_count++];
    *item = (struct gw_item){id, type, origin, (unsigned)context.item_count, json(text)};
}

static inline struct gw_item_policy item_policy(const char *id, const char *type)
{
    return (struct gw_item_policy){
        .id = (char *)id, .type = (char *)type, .kind = gw_item_kind_of(type), .required = true, .max_size = 1024};
}

static inline struct gw_credential_config configuration(const char *id, enum gw_decision_mode mode,
                                                        struct gw_item_policy *items, size_t count)
{
    return (struct gw_credential_config){
        .id = (char *)id,
        .subject = (char *)"default",
        .subject_member = (char *)"subject",
        .policy = {.decision = mode,
                   .denied_reason = (char *)"NOT_ELIGIBLE",
                   .denied_message = (char *)"You are not eligible.",
                   .items = items,
                   .item_count = count,
                   .authorized_device_count = 1},
    };
}

static inline void ask_for(const struct gw_credential_config *wanted)
{
    configurations[input.configuration_count++] = wanted;
}

/* Judge what was submitted by what was asked for; with `unasked`, also what nobody asked for. */
static inline void judge_all(bool unasked)
{
    ck_assert_ok(gw_judge(&context, configurations, input.configuration_count, unasked, &input.judgments));
}

static inline const char *text_of(struct json_object *tree)
{
    return json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* A test case with the setup, in `suite`. */
static inline TCase *judge_case(Suite *suite)
{
    TCase *tcase = tcase_create("judge");
    tcase_add_checked_fixture(tcase, judge_setup, judge_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#endif
