/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/messages.h"
#include "proto/problem.h"
#include "tests/unit/check_main.h"

#include <stdio.h>
#include <string.h>

static struct s2s_arena *arena;

static void setup(void)
{
    arena = s2s_arena_new(16 << 20);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

static const unsigned hosts[] = {S2S_HOST_ISSUER, S2S_HOST_WALLET};

/* Compared as JSON, so that another version of json-c, which may break lines elsewhere, does not matter. */
START_TEST(test_committed_document_is_fresh)
{
    static const char *const names[] = {"issuer", "wallet"};
    const char *name = names[_i];
    const char *path = s2s_arena_printf(arena, TEST_SOURCE_DIR "/../docs/openapi/%s.json", name);
    struct json_object *committed = json_object_from_file(path);
    ck_assert_msg(committed != NULL, "%s cannot be read", path);
    struct json_object *generated = s2s_openapi(hosts[_i]);
    ck_assert_msg(json_object_equal(committed, generated),
                  "docs/openapi/%s.json is stale: s2s-docgen openapi %s > docs/openapi/%s.json", name, name, name);
    json_object_put(generated);
    json_object_put(committed);
}
END_TEST

START_TEST(test_text_is_the_document)
{
    char *text = s2s_openapi_text(S2S_HOST_ISSUER);
    char *again = s2s_openapi_text(S2S_HOST_ISSUER);
    ck_assert_str_eq(text, again);
    size_t len = strlen(text);
    ck_assert(len > 2 && text[len - 1] == '\n' && text[len - 2] == '}');
    ck_assert(strncmp(text, "{\n  \"openapi\": \"3.1.0\",\n", 24) == 0);

    struct json_object *parsed;
    ck_assert(!s2s_failed(s2s_json_parse(arena, text, len, 32, &parsed)));
    ck_assert(json_object_equal(parsed, s2s_json_own(arena, s2s_openapi(S2S_HOST_ISSUER))));
    free(again);
    free(text);
}
END_TEST

START_TEST(test_paths_are_those_of_the_host)
{
    unsigned host = hosts[_i];
    struct json_object *document = s2s_json_own(arena, s2s_openapi(host));
    struct json_object *paths = s2s_json_get(document, "paths");
    int expected = host == S2S_HOST_ISSUER; /* the metadata */
    for (size_t i = 0; i < S2S_ENDPOINTS; i++) {
        struct json_object *path = s2s_json_get(paths, s2s_endpoints[i].path);
        ck_assert_msg(!path == !(s2s_endpoints[i].hosts & host), "%s", s2s_endpoints[i].path);
        if (!path)
            continue;
        expected++;
        struct json_object *post = s2s_json_get(path, "post");
        ck_assert_str_eq(s2s_json_string(post, "operationId"), s2s_endpoints[i].name);
        struct json_object *responses = s2s_json_get(post, "responses");
        ck_assert_ptr_nonnull(s2s_json_get(responses, "200"));
        ck_assert(!s2s_json_get(responses, "202") == !s2s_endpoints[i].accepted);
    }
    ck_assert_int_eq(json_object_object_length(paths), expected);
}
END_TEST

/* "#/components/schemas/X" and the like, anywhere below `value`. */
static void check_references(struct json_object *document, struct json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        for (size_t i = 0; i < json_object_array_length(value); i++)
            check_references(document, json_object_array_get_idx(value, i));
    if (!json_object_is_type(value, json_type_object))
        return;

    const char *reference = s2s_json_string(value, "$ref");
    if (reference) {
        char kind[32], name[64];
        ck_assert_msg(sscanf(reference, "#/components/%31[^/]/%63s", kind, name) == 2, "%s", reference);
        struct json_object *components = s2s_json_get(document, "components");
        ck_assert_msg(s2s_json_get(s2s_json_get(components, kind), name) != NULL, "%s leads nowhere", reference);
    }
    json_object_object_foreach(value, key, member)
    {
        (void)key;
        check_references(document, member);
    }
}

START_TEST(test_references_lead_somewhere)
{
    struct json_object *document = s2s_json_own(arena, s2s_openapi(hosts[_i]));
    check_references(document, document);
}
END_TEST

START_TEST(test_every_problem_type_is_documented)
{
    struct json_object *document = s2s_json_own(arena, s2s_openapi(S2S_HOST_ISSUER));
    const char *text = s2s_json_write(arena, s2s_json_get(s2s_json_get(document, "components"), "responses"), NULL);
    for (size_t i = 0; i < S2S_PROTOCOL_PROBLEMS; i++) {
        const char *code = s2s_arena_printf(arena, "\"errorCode\":\"%s\"", s2s_problems[i].error_code);
        ck_assert_msg(strstr(text, code) != NULL, "%s is missing", code);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("openapi");
    TCase *tc = tcase_create("openapi");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_committed_document_is_fresh, 0, 2);
    tcase_add_test(tc, test_text_is_the_document);
    tcase_add_loop_test(tc, test_paths_are_those_of_the_host, 0, 2);
    tcase_add_loop_test(tc, test_references_lead_somewhere, 0, 2);
    tcase_add_test(tc, test_every_problem_type_is_documented);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
