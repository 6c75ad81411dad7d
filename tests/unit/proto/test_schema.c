/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/schema.h"
#include "tests/unit/check_main.h"

#include <stdio.h>
#include <string.h>

static struct s2s_arena *arena;

static void setup(void)
{
    arena = s2s_arena_new(1 << 20);
}

static void teardown(void)
{
    s2s_arena_free(arena);
}

/* ---- A table with one member of every kind ---- */

static const char *const colours[] = {"RED", "GREEN", NULL};
static const struct s2s_field inner_fields[] = {
    {.name = "id", .type = S2S_STRING, .flags = S2S_REQUIRED},
    {.name = "a/b~c", .type = S2S_STRING},
};
static const struct s2s_schema inner = {.name = "Inner", .doc = "An inner one.", .fields = inner_fields, .count = 2};
static const struct s2s_field inner_item = {.type = S2S_OBJECT, .object = &inner};
static const struct s2s_field short_item = {.type = S2S_STRING, .max = 4};

static const struct s2s_field outer_fields[] = {
    {.name = "text", .type = S2S_STRING, .flags = S2S_REQUIRED, .max = 5},
    {.name = "code", .type = S2S_STRING, .min = 3},
    {.name = "note", .type = S2S_STRING, .flags = S2S_EMPTY_OK},
    {.name = "colour", .type = S2S_STRING, .values = colours},
    {.name = "uuid", .type = S2S_STRING, .format = S2S_UUID},
    {.name = "when", .type = S2S_STRING, .format = S2S_DATE_TIME},
    {.name = "language", .type = S2S_STRING, .format = S2S_BCP47},
    {.name = "uri", .type = S2S_STRING, .format = S2S_URI},
    {.name = "token", .type = S2S_STRING, .format = S2S_TOKEN},
    {.name = "count", .type = S2S_INTEGER, .min = 1, .max = 10},
    {.name = "any", .type = S2S_INTEGER},
    {.name = "flag", .type = S2S_BOOLEAN},
    {.name = "object", .type = S2S_OBJECT},
    {.name = "inner", .type = S2S_OBJECT, .object = &inner},
    {.name = "inners", .type = S2S_ARRAY, .items = &inner_item},
    {.name = "set", .type = S2S_ARRAY, .flags = S2S_UNIQUE, .min = 1, .max = 3, .items = &short_item},
    {.name = "jwe", .type = S2S_STRING_OR_OBJECT},
};
static const struct s2s_schema outer = {
    .name = "Outer",
    .fields = outer_fields,
    .count = sizeof outer_fields / sizeof *outer_fields,
};

static struct json_object *parse(const char *text)
{
    struct json_object *json;
    struct s2s_result result = s2s_json_parse(arena, text, strlen(text), 32, &json);
    ck_assert_msg(!s2s_failed(result), "%s: %s", text, result.detail);
    return json;
}

/* The violations of `text` as lines of "pointer message". */
static const char *violations_of(const char *text)
{
    struct s2s_violations found = {.count = 0};
    bool ok = s2s_schema_check(arena, &outer, parse(text), &found);
    ck_assert(ok == (found.count == 0));
    const char *lines = "";
    for (size_t i = 0; i < found.count; i++)
        lines =
            s2s_arena_printf(arena, "%s%s%s %s", lines, i ? "\n" : "", found.items[i].pointer, found.items[i].message);
    return lines;
}

/* One member beside the required one. */
static const char *violations_of_member(const char *member)
{
    return violations_of(s2s_arena_printf(arena, "{\"text\":\"t\",%s}", member));
}

struct row {
    const char *member;
    const char *violations;
};

static const struct row rows[] = {
    /* unknown members and every good value */
    {"\"unknown\":null", ""},
    {"\"note\":\"\"", ""},
    {"\"code\":\"abc\"", ""},
    {"\"colour\":\"GREEN\"", ""},
    {"\"object\":{\"x\":null}", ""},
    {"\"inner\":{\"id\":\"1\",\"a/b~c\":\"x\",\"more\":[1]}", ""},
    {"\"inners\":[]", ""},
    {"\"jwe\":\"a.b.c.d.e\"", ""},
    {"\"jwe\":{}", ""},
    {"\"flag\":false", ""},
    /* strings */
    {"\"code\":\"\"", "/code must not be empty"},
    {"\"code\":\"ab\"", "/code must have at least 3 characters"},
    {"\"colour\":\"BLUE\"", "/colour must be one of RED, GREEN"},
    {"\"colour\":\"\"", "/colour must not be empty"},
    {"\"jwe\":\"\"", "/jwe must not be empty"},
    {"\"jwe\":[]", "/jwe must be a string or an object"},
    {"\"uuid\":\"f81d4fae\"", "/uuid must be a UUID"},
    {"\"when\":\"yesterday\"", "/when must be an RFC 3339 date-time"},
    {"\"language\":\"en_US\"", "/language must be a BCP 47 language tag"},
    {"\"uri\":\"no scheme\"", "/uri must be a URI"},
    {"\"token\":\"a b\"", "/token must consist of visible ASCII characters"},
    /* null and wrong types */
    {"\"note\":null", "/note must not be null"},
    {"\"note\":1", "/note must be a string"},
    {"\"count\":\"1\"", "/count must be an integer"},
    {"\"count\":true", "/count must be an integer"},
    {"\"flag\":\"true\"", "/flag must be a boolean"},
    {"\"flag\":1", "/flag must be a boolean"},
    {"\"object\":\"x\"", "/object must be an object"},
    {"\"object\":[]", "/object must be an object"},
    {"\"inner\":\"x\"", "/inner must be an object"},
    {"\"inners\":{}", "/inners must be an array"},
    /* integers */
    {"\"count\":1", ""},
    {"\"count\":10", ""},
    {"\"count\":1.0", ""},
    {"\"count\":1e1", ""},
    {"\"count\":1.5", "/count must be an integer"},
    {"\"count\":0", "/count must be at least 1"},
    {"\"count\":-1", "/count must be at least 1"},
    {"\"count\":11", "/count must be at most 10"},
    {"\"count\":1e300", "/count must be at most 10"},
    {"\"count\":-1e300", "/count must be at least 1"},
    {"\"count\":9223372036854775807", "/count must be at most 10"},
    {"\"any\":0", ""},
    {"\"any\":2147483647", ""},
    {"\"any\":2147483648", "/any must be at most 2147483647"},
    /* nesting and pointers */
    {"\"inner\":{}", "/inner/id is required"},
    {"\"inner\":{\"id\":\"1\",\"a/b~c\":2}", "/inner/a~1b~0c must be a string"},
    {"\"inners\":[{\"id\":\"1\"},7,{\"id\":null},null]",
     "/inners/1 must be an object\n/inners/2/id must not be null\n/inners/3 must not be null"},
    /* arrays */
    {"\"set\":[\"a\",\"b\",\"c\"]", ""},
    {"\"set\":[]", "/set must have at least 1 item"},
    {"\"set\":[\"a\",\"b\",\"a\"]", "/set/2 must not repeat an earlier item"},
    {"\"set\":[\"\"]", "/set/0 must not be empty"},
    {"\"set\":[\"12345\",1]", "/set/0 must have at most 4 characters\n/set/1 must be a string"},
    {"\"set\":[1,2,3,4]", "/set must have at most 3 items"},
};

START_TEST(test_member)
{
    ck_assert_str_eq(violations_of_member(rows[_i].member), rows[_i].violations);
}
END_TEST

START_TEST(test_required)
{
    ck_assert_str_eq(violations_of("{}"), "/text is required");
    ck_assert_str_eq(violations_of("{\"text\":\"\"}"), "/text must not be empty");
    ck_assert_str_eq(violations_of("{\"text\":null}"), "/text must not be null");
}
END_TEST

START_TEST(test_body_that_is_no_object)
{
    ck_assert_str_eq(violations_of("null"), " must not be null");
    ck_assert_str_eq(violations_of("[]"), " must be an object");
    ck_assert_str_eq(violations_of("\"x\""), " must be an object");
}
END_TEST

START_TEST(test_lengths_count_characters)
{
    ck_assert_str_eq(violations_of("{\"text\":\"äöü€𝄞\"}"), "");
    ck_assert_str_eq(violations_of("{\"text\":\"äöü€𝄞!\"}"), "/text must have at most 5 characters");
}
END_TEST

START_TEST(test_all_violations_at_once)
{
    ck_assert_str_eq(violations_of("{\"uuid\":\"x\",\"count\":0,\"inners\":[{}],\"set\":[]}"),
                     "/text is required\n/uuid must be a UUID\n/count must be at least 1\n/inners/0/id is required\n"
                     "/set must have at least 1 item");
}
END_TEST

START_TEST(test_violations_are_bounded)
{
    struct s2s_violations found = {.count = 0};
    char text[1024] = "{\"text\":\"t\",\"inners\":[{}";
    for (size_t i = 1; i < S2S_MAX_VIOLATIONS + 10; i++)
        strcat(text, ",{}");
    strcat(text, "]}");
    ck_assert(!s2s_schema_check(arena, &outer, parse(text), &found));
    ck_assert_uint_eq(found.count, S2S_MAX_VIOLATIONS);
    ck_assert_str_eq(found.items[S2S_MAX_VIOLATIONS - 1].pointer, "/inners/31/id");

    /* a full list does not make a bad body good */
    ck_assert(!s2s_schema_check(arena, &outer, parse("{}"), &found));
    ck_assert(s2s_schema_check(arena, &outer, parse("{\"text\":\"t\"}"), &found));
    s2s_violation_add(arena, &found, "/x", "is one too many");
    ck_assert_uint_eq(found.count, S2S_MAX_VIOLATIONS);
}
END_TEST

START_TEST(test_violation_add_copies_the_pointer)
{
    struct s2s_violations found = {.count = 0};
    char pointer[] = "/a/0";
    s2s_violation_add(arena, &found, pointer, "is bad");
    pointer[1] = 'b';
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].pointer, "/a/0");
    ck_assert_str_eq(found.items[0].message, "is bad");
}
END_TEST

START_TEST(test_a_full_arena_keeps_the_violation)
{
    struct s2s_violations found = {.count = 0};
    struct json_object *body = parse("{\"text\":\"too long\"}");
    struct s2s_arena *full = s2s_arena_new(1);
    ck_assert(!s2s_schema_check(full, &outer, body, &found));
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.items[0].pointer, "");
    ck_assert_str_eq(found.items[0].message, "is not valid");
    s2s_arena_free(full);
}
END_TEST

/* ---- Formats ---- */

struct format_row {
    enum s2s_format format;
    bool valid;
    const char *text;
};

static const struct format_row format_rows[] = {
    {S2S_DATE_TIME, true, "2026-11-22T13:19:00Z"},
    {S2S_DATE_TIME, true, "2026-11-22t13:19:00.123456789z"},
    {S2S_DATE_TIME, true, "2026-11-22T13:19:00+05:30"},
    {S2S_DATE_TIME, true, "2026-11-22T13:19:00-00:00"},
    {S2S_DATE_TIME, true, "2024-02-29T00:00:00Z"},
    {S2S_DATE_TIME, true, "2000-02-29T00:00:00Z"},
    {S2S_DATE_TIME, true, "1998-12-31T23:59:60Z"},
    {S2S_DATE_TIME, true, "1998-12-31T15:59:60.5-08:00"},
    {S2S_DATE_TIME, true, "1999-01-01T00:59:60+01:00"},
    {S2S_DATE_TIME, false, "1998-12-31T22:59:60Z"},
    {S2S_DATE_TIME, false, "1998-12-31T23:59:60+01:00"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:61Z"},
    {S2S_DATE_TIME, false, "2026-02-29T00:00:00Z"},
    {S2S_DATE_TIME, false, "1900-02-29T00:00:00Z"},
    {S2S_DATE_TIME, false, "2026-04-31T00:00:00Z"},
    {S2S_DATE_TIME, false, "2026-13-01T00:00:00Z"},
    {S2S_DATE_TIME, false, "2026-00-01T00:00:00Z"},
    {S2S_DATE_TIME, false, "2026-01-00T00:00:00Z"},
    {S2S_DATE_TIME, false, "2026-11-22T24:00:00Z"},
    {S2S_DATE_TIME, false, "2026-11-22T13:60:00Z"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00.Z"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00+24:00"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00+01:60"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00+0100"},
    {S2S_DATE_TIME, false, "2026-11-22 13:19:00Z"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19Z"},
    {S2S_DATE_TIME, false, "2026-11-22T13:19:00Zx"},
    {S2S_DATE_TIME, false, "2026-11-22"},
    {S2S_DATE_TIME, false, ""},
    {S2S_BCP47, true, "en"},
    {S2S_BCP47, true, "de-CH-1996"},
    {S2S_BCP47, true, "zh-Hant-TW"},
    {S2S_BCP47, true, "x-private"},
    {S2S_BCP47, true, "i-klingon"},
    {S2S_BCP47, false, "x"},
    {S2S_BCP47, false, "e"},
    {S2S_BCP47, false, "a-b"},
    {S2S_BCP47, false, "en_US"},
    {S2S_BCP47, false, "en-"},
    {S2S_BCP47, false, "-en"},
    {S2S_BCP47, false, "en--US"},
    {S2S_BCP47, false, "e1"},
    {S2S_BCP47, false, "en-toolongsub"},
    {S2S_BCP47, false, "english language"},
    {S2S_BCP47, false, ""},
    {S2S_URI, true, "https://issuer.example:8443/s2s?a=b#c"},
    {S2S_URI, true, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
    {S2S_URI, true, "about:blank"},
    {S2S_URI, true, "https://issuer.example/%C3%A9"},
    {S2S_URI, false, "https://issuer.example/%C3%A"},
    {S2S_URI, false, "https://issuer.example/%zz"},
    {S2S_URI, false, "https://issuer.example/é"},
    {S2S_URI, false, "https://issuer.example/a b"},
    {S2S_URI, false, "/relative"},
    {S2S_URI, false, "1a:b"},
    {S2S_URI, false, "scheme:"},
    {S2S_URI, false, ":x"},
    {S2S_URI, false, ""},
    {S2S_TOKEN, true, "ES256"},
    {S2S_TOKEN, true, "!~"},
    {S2S_TOKEN, false, "a b"},
    {S2S_TOKEN, false, "a\n"},
    {S2S_TOKEN, false, "é"},
    {S2S_TOKEN, false, "\x7f"},
    {S2S_TOKEN, false, ""},
};

START_TEST(test_format)
{
    const struct format_row *row = &format_rows[_i];
    /* a copy without a NUL, so that a read past the end is seen */
    char *copy = malloc(strlen(row->text) + 1);
    memcpy(copy, row->text, strlen(row->text));
    copy = realloc(copy, strlen(row->text) + (*row->text == '\0'));
    ck_assert_msg(s2s_formats[row->format].valid(copy, strlen(row->text)) == row->valid, "%s", row->text);
    free(copy);
}
END_TEST

/* ---- JSON Schema ---- */

START_TEST(test_json_schema)
{
    struct json_object *components = s2s_json_own(arena, json_object_new_object());
    struct json_object *reference = s2s_json_own(arena, s2s_schema_json(&outer, components));
    ck_assert_str_eq(s2s_json_write(arena, reference, NULL), "{\"$ref\":\"#/components/schemas/Outer\"}");
    ck_assert_int_eq(json_object_object_length(components), 2);

    ck_assert_str_eq(s2s_json_write(arena, s2s_json_get(components, "Inner"), NULL),
                     "{\"type\":\"object\",\"description\":\"An inner one.\",\"properties\":{"
                     "\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096},"
                     "\"a/b~c\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096}},\"required\":[\"id\"]}");
    static const struct row members[] = {
        {"note", "{\"type\":\"string\",\"maxLength\":4096}"},
        {"colour", "{\"type\":\"string\",\"enum\":[\"RED\",\"GREEN\"]}"},
        {"uuid", "{\"type\":\"string\",\"format\":\"uuid\"}"},
        {"count", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10}"},
        {"flag", "{\"type\":\"boolean\"}"},
        {"object", "{\"type\":\"object\"}"},
        {"inner", "{\"$ref\":\"#/components/schemas/Inner\"}"},
        {"inners", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Inner\"},\"maxItems\":64}"},
        {"set", "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4},\"minItems\":1,"
                "\"maxItems\":3,\"uniqueItems\":true}"},
        {"jwe", "{\"type\":[\"string\",\"object\"],\"minLength\":1,\"maxLength\":1048576}"},
    };
    struct json_object *properties = s2s_json_get(s2s_json_get(components, "Outer"), "properties");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        ck_assert_str_eq(s2s_json_write(arena, s2s_json_get(properties, members[i].member), NULL),
                         members[i].violations);
}
END_TEST

START_TEST(test_known_members_only)
{
    struct json_object *body = parse("{\"other\":1,\"flag\":false,\"note\":null,\"object\":{\"x\":[2]}}");
    struct json_object *known = s2s_json_own(arena, s2s_schema_known(&outer, body));
    ck_assert_str_eq(s2s_json_write(arena, known, NULL), "{\"flag\":false,\"object\":{\"x\":[2]}}");
    ck_assert_str_eq(s2s_json_write(arena, body, NULL),
                     "{\"other\":1,\"flag\":false,\"note\":null,\"object\":{\"x\":[2]}}");
}
END_TEST

static const struct s2s_field derived_fields[] = {
    {.name = "more", .type = S2S_STRING, .flags = S2S_REQUIRED},
};

static const struct s2s_schema derived = {.name = "Derived", .base = &outer, .fields = derived_fields, .count = 1};

START_TEST(test_a_base_gives_its_members)
{
    struct s2s_violations found = {.count = 0};
    ck_assert(s2s_schema_check(arena, &derived, parse("{\"text\":\"t\",\"more\":\"m\"}"), &found));
    ck_assert(!s2s_schema_check(arena, &derived, parse("{}"), &found));
    ck_assert_uint_eq(found.count, 2);
    ck_assert_str_eq(found.items[0].pointer, "/text");
    ck_assert_str_eq(found.items[1].pointer, "/more");

    struct json_object *components = s2s_json_own(arena, json_object_new_object());
    s2s_json_own(arena, s2s_schema_json(&derived, components));
    struct json_object *json = s2s_json_get(components, "Derived");
    ck_assert_ptr_nonnull(s2s_json_get(s2s_json_get(json, "properties"), "text"));
    ck_assert_ptr_nonnull(s2s_json_get(s2s_json_get(json, "properties"), "more"));
    ck_assert_ptr_null(s2s_json_get(components, "Outer"));

    struct json_object *known =
        s2s_json_own(arena, s2s_schema_known(&derived, parse("{\"more\":1,\"text\":2,\"x\":3}")));
    ck_assert_str_eq(s2s_json_write(arena, known, NULL), "{\"text\":2,\"more\":1}");
}
END_TEST

START_TEST(test_any_member_can_be_named)
{
    struct s2s_violations found = {.count = 0};
    s2s_violation_add_member(arena, &found, "a/b~c", "is odd");
    ck_assert_str_eq(found.items[0].pointer, "/a~1b~0c");
}
END_TEST

START_TEST(times_are_read_as_seconds)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2000-02-29T12:00:00Z", 951825600},
        {"2026-11-22T13:19:00.999Z", 1795353540},
        {"2026-11-22T13:19:00+05:30", 1795333740},
        {"1998-12-31T23:59:60Z", 915148800},
        {"0000-03-01T00:00:00Z", -62162035200},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(s2s_date_time_read(cases[i].text, strlen(cases[i].text), &seconds));
        ck_assert_msg(seconds == cases[i].seconds, "%s: %lld", cases[i].text, (long long)seconds);
    }
    ck_assert(!s2s_date_time_read("2026-11-22", 10, &seconds));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("schema");
    TCase *tc = tcase_create("schema");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_member, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tc, test_required);
    tcase_add_test(tc, test_body_that_is_no_object);
    tcase_add_test(tc, test_lengths_count_characters);
    tcase_add_test(tc, test_all_violations_at_once);
    tcase_add_test(tc, test_violations_are_bounded);
    tcase_add_test(tc, test_violation_add_copies_the_pointer);
    tcase_add_test(tc, test_a_full_arena_keeps_the_violation);
    tcase_add_loop_test(tc, test_format, 0, sizeof format_rows / sizeof *format_rows);
    tcase_add_test(tc, test_json_schema);
    tcase_add_test(tc, test_known_members_only);
    tcase_add_test(tc, test_a_base_gives_its_members);
    tcase_add_test(tc, test_any_member_can_be_named);
    tcase_add_test(tc, times_are_read_as_seconds);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
