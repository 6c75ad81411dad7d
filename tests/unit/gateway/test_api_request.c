/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/api_request.h"

#include "fixture.h"

static const struct s2s_field fields[] = {
    {.name = "thingId", .type = S2S_STRING, .flags = S2S_REQUIRED},
    {.name = "limit", .type = S2S_INTEGER, .min = 1, .max = 200},
    {.name = "deep", .type = S2S_BOOLEAN},
    {.name = "text", .type = S2S_STRING},
};

static const struct s2s_schema parameters = {.name = "Parameters", .fields = fields, .count = 4};

static struct s2s_violations found;
static struct json_object *input;

static void setup(void)
{
    fixture_setup();
    found.count = 0;
    input = s2s_json_own(arena, json_object_new_object());
}

/* ---- path ---- */

static const struct {
    const char *template, *path;
    bool matches;
} path_rows[] = {
    {"/v1/things", "/v1/things", true},
    {"/v1/things", "/v1/things/", false},
    {"/v1/things", "/v1/thing", false},
    {"/v1/things", "/v1/thingss", false},
    {"/v1/things", "/v1", false},
    {"/v1/things", "/", false},
    {"/v1/things", "", false},
    {"/v1/things", "//v1/things", false},
    {"/v1/things/{thingId}", "/v1/things/x", true},
    {"/v1/things/{thingId}", "/v1/things/a%2Fb", true},
    {"/v1/things/{thingId}", "/v1/things/", false},
    {"/v1/things/{thingId}", "/v1/things", false},
    {"/v1/things/{thingId}", "/v1/things/x/", false},
    {"/v1/things/{thingId}", "/v1/things/x/y", false},
    {"/v1/things/{thingId}/parts", "/v1/things/x/parts", true},
    {"/v1/things/{thingId}/parts", "/v1/things//parts", false},
    {"/v1/things/{thingId}/parts", "/v1/things/x/part", false},
};

START_TEST(path_is_matched_by_segments)
{
    ck_assert_int_eq(gw_api_path_matches(path_rows[_i].template, path_rows[_i].path, strlen(path_rows[_i].path)),
                     path_rows[_i].matches);
}
END_TEST

START_TEST(parameters_of_the_path_are_known)
{
    ck_assert(gw_api_in_path("/v1/things/{thingId}/parts", "thingId"));
    ck_assert(!gw_api_in_path("/v1/things/{thingId}/parts", "thing"));
    ck_assert(!gw_api_in_path("/v1/things/{thingId}/parts", "parts"));
}
END_TEST

static void read_path(const char *value)
{
    const char *path = s2s_arena_printf(arena, "/v1/things/%s/parts", value);
    gw_api_read_path(arena, NULL, "/v1/things/{thingId}/parts", path, strlen(path), input, &found);
}

START_TEST(path_is_decoded)
{
    read_path("https%3a%2F%2Fissuer.example%2f%c3%A4+b");
    ck_assert_uint_eq(found.count, 0);
    ck_assert_str_eq(s2s_json_string(input, "thingId"), "https://issuer.example/\xc3\xa4+b");
}
END_TEST

static const char *const broken[] = {"%", "%2", "%zz", "a%4", "%00", "%ff", "%c3", "%ed%a0%80"};

START_TEST(broken_path_is_a_violation)
{
    read_path(broken[_i]);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].pointer, "/thingId");
    ck_assert_str_eq(found.items[0].message, "must be percent-encoded UTF-8");
    ck_assert_ptr_null(s2s_json_get(input, "thingId"));
}
END_TEST

static const struct s2s_field number_fields[] = {{.name = "thingId", .type = S2S_INTEGER, .flags = S2S_REQUIRED}};
static const struct s2s_schema number_parameters = {.name = "NumberPath", .fields = number_fields, .count = 1};

START_TEST(path_has_the_types_of_its_parameters)
{
    gw_api_read_path(arena, &number_parameters, "/v1/things/{thingId}", "/v1/things/17", strlen("/v1/things/17"), input,
                     &found);
    ck_assert(json_object_is_type(s2s_json_get(input, "thingId"), json_type_int));
    ck_assert_int_eq(json_object_get_int64(s2s_json_get(input, "thingId")), 17);
    gw_api_read_path(arena, &number_parameters, "/v1/things/{thingId}", "/v1/things/x", strlen("/v1/things/x"), input,
                     &found);
    ck_assert_uint_eq(found.count, 0);
    ck_assert(!s2s_schema_check(arena, &number_parameters, input, &found)); /* which says what it must be */
}
END_TEST

/* ---- query ---- */

static void read_query(const char *query)
{
    gw_api_read_query(arena, &parameters, "/v1/things/{thingId}", query, strlen(query), input, &found);
}

static const struct {
    const char *query, *input;
} query_rows[] = {
    {"", "{}"},
    {"&&", "{}"},
    {"limit=5", "{\"limit\":5}"},
    {"limit=-5&deep=true", "{\"limit\":-5,\"deep\":true}"},
    {"deep=false", "{\"deep\":false}"},
    {"text=a+b%2Bc%3D=d", "{\"text\":\"a b+c==d\"}"},
    {"text=", "{\"text\":\"\"}"},
    {"text", "{\"text\":\"\"}"},
    {"te%78t=1", "{\"text\":\"1\"}"},
    /* Left as they are, for the schema to refuse. */
    {"limit=5.0", "{\"limit\":\"5.0\"}"},
    {"limit=", "{\"limit\":\"\"}"},
    {"limit=-", "{\"limit\":\"-\"}"},
    {"limit=9999999999999999999", "{\"limit\":\"9999999999999999999\"}"},
    {"deep=1", "{\"deep\":\"1\"}"},
};

START_TEST(query_is_read_with_its_types)
{
    read_query(query_rows[_i].query);
    ck_assert_uint_eq(found.count, 0);
    ck_assert_str_eq(s2s_json_write(arena, input, NULL), query_rows[_i].input);
}
END_TEST

static const struct {
    const char *query, *pointer, *message;
} violation_rows[] = {
    {"color=1", "/color", "is not a query parameter of this path"},
    {"a%2Fb%7e=1", "/a~1b~0", "is not a query parameter of this path"},
    {"thingId=1", "/thingId", "is not a query parameter of this path"},
    {"=1", "/", "is not a query parameter of this path"},
    {"limit=1&limit=1", "/limit", "must be given once only"},
    {"text=%ff", "/text", "must be percent-encoded UTF-8"},
    {"%ff=1", "", "must have a query of percent-encoded UTF-8"},
};

START_TEST(what_is_wrong_with_a_query_is_named)
{
    read_query(violation_rows[_i].query);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].pointer, violation_rows[_i].pointer);
    ck_assert_str_eq(found.items[0].message, violation_rows[_i].message);
}
END_TEST

START_TEST(many_violations_are_bounded)
{
    char query[2001];
    for (size_t i = 0; i < 1000; i++)
        memcpy(query + 2 * i, "x&", 3);
    read_query(query);
    ck_assert_uint_eq(found.count, S2S_MAX_VIOLATIONS);
}
END_TEST

/* ---- headers ---- */

static const struct {
    const char *header, *token;
} bearer_rows[] = {
    {"Bearer abc", "abc"},
    {"bearer   abc \t", "abc"},
    {"BEARER a.b~c+d/e=", "a.b~c+d/e="},
    {"Bearer ", NULL},
    {"Bearer", NULL},
    {"Basic abc", NULL},
    {"Bearerabc", NULL},
    {"", NULL},
};

START_TEST(bearer_token_is_found)
{
    const char *header = bearer_rows[_i].header, *expected = bearer_rows[_i].token;
    struct s2s_bytes token = gw_api_bearer(header, strlen(header));
    ck_assert(!token.data == !expected);
    if (expected)
        ck_assert_str_eq(s2s_arena_strndup(arena, (const char *)token.data, token.len), expected);
    ck_assert_ptr_null(gw_api_bearer(NULL, 0).data);
}
END_TEST

static const struct {
    const char *header;
    bool found;
    unsigned seconds;
} prefer_rows[] = {
    {"wait=10", true, 10},
    {"Wait = 7", true, 7},
    {"wait=\"12\"", true, 12},
    {"wait=0", true, 0},
    {"respond-async, wait=5; foo=bar, wait=9", true, 5},
    {"handling=lenient;wait=3", false, 0},
    {"wait=99999999999999999999", true, 9999999},
    {"wait", false, 0},
    {"wait=", false, 0},
    {"wait=ten", false, 0},
    {"wait=-1", false, 0},
    {"await=1", false, 0},
    {"", false, 0},
};

START_TEST(preference_to_wait_is_read)
{
    unsigned seconds = 0;
    bool is_found = gw_api_prefers_wait(prefer_rows[_i].header, strlen(prefer_rows[_i].header), &seconds);
    ck_assert_int_eq(is_found, prefer_rows[_i].found);
    if (is_found)
        ck_assert_uint_eq(seconds, prefer_rows[_i].seconds);
}
END_TEST

#define ROWS(rows) (int)(sizeof(rows) / sizeof *(rows))

static Suite *suite(void)
{
    Suite *s = suite_create("api_request");
    TCase *tc = tcase_create("api_request");
    tcase_add_checked_fixture(tc, setup, fixture_teardown);
    tcase_add_loop_test(tc, path_is_matched_by_segments, 0, ROWS(path_rows));
    tcase_add_test(tc, parameters_of_the_path_are_known);
    tcase_add_test(tc, path_is_decoded);
    tcase_add_test(tc, path_has_the_types_of_its_parameters);
    tcase_add_loop_test(tc, broken_path_is_a_violation, 0, ROWS(broken));
    tcase_add_loop_test(tc, query_is_read_with_its_types, 0, ROWS(query_rows));
    tcase_add_loop_test(tc, what_is_wrong_with_a_query_is_named, 0, ROWS(violation_rows));
    tcase_add_test(tc, many_violations_are_bounded);
    tcase_add_loop_test(tc, bearer_token_is_found, 0, ROWS(bearer_rows));
    tcase_add_loop_test(tc, preference_to_wait_is_read, 0, ROWS(prefer_rows));
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
