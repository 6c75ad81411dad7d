/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wallet/app.h"

#include "fixture.h"
#include "gateway/net/api_request.h"

static struct json_object *document;

static void setup(void)
{
    fixture_setup();
    char *text = gw_app_openapi_text();
    document = json(text);
    free(text);
}

/* Compared as JSON, so that another version of json-c, which may break lines elsewhere, does not matter. */
START_TEST(committed_document_is_fresh)
{
    struct json_object *committed = json_object_from_file(TEST_SOURCE_DIR "/../docs/openapi/wallet-app.json");
    ck_assert_ptr_nonnull(committed);
    ck_assert_msg(json_object_equal(committed, document),
                  "docs/openapi/wallet-app.json is stale: gw-docgen openapi wallet-app > docs/openapi/wallet-app.json");
    json_object_put(committed);
}
END_TEST

static void check_references(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        for (size_t i = 0; i < json_object_array_length(value); i++)
            check_references(json_object_array_get_idx(value, i));
    if (!json_object_is_type(value, json_type_object))
        return;
    const char *reference = s2s_json_string(value, "$ref");
    char kind[32], name[64];
    if (reference) {
        ck_assert_msg(sscanf(reference, "#/components/%31[^/]/%63s", kind, name) == 2, "%s", reference);
        struct json_object *components = s2s_json_get(document, "components");
        ck_assert_msg(s2s_json_get(s2s_json_get(components, kind), name) != NULL, "%s leads nowhere", reference);
    }
    json_object_object_foreach(value, key, member)
    {
        (void)key;
        check_references(member);
    }
}

START_TEST(references_lead_somewhere)
{
    check_references(document);
}
END_TEST

START_TEST(every_route_is_there_and_whole)
{
    for (size_t i = 0; i < gw_app_api.count; i++) {
        const struct gw_api_route *route = &gw_app_api.routes[i];
        const char *method = strcmp(route->method, "GET") == 0 ? "get" : "post";
        struct json_object *operation =
            s2s_json_get(s2s_json_get(s2s_json_get(document, "paths"), route->path), method);
        ck_assert_msg(operation != NULL, "%s", route->name);
        ck_assert_str_eq(s2s_json_string(operation, "operationId"), route->name);
        ck_assert_str_eq(gw_statements[route->statement].name,
                         route->answered == NULL ? route->name : "app_instance_route");
        ck_assert_int_ge(gw_statements[route->statement].params, route->writes ? 6 : 2);
        ck_assert(!route->writes || strcmp(method, "post") == 0);
        ck_assert_int_ne(route->successes[0].status, 0);
    }
}
END_TEST

/* A parameter of a path that the schema does not have would reach the database unchecked. */
START_TEST(parameters_of_paths_are_in_the_schemas)
{
    for (size_t i = 0; i < gw_app_api.count; i++) {
        const struct gw_api_route *route = &gw_app_api.routes[i];
        size_t in_path = 0, braces = 0;
        for (const char *c = route->path; *c; c++)
            braces += *c == '{';
        for (size_t j = 0; route->parameters && j < route->parameters->count; j++) {
            bool is_in_path = gw_api_in_path(route->path, route->parameters->fields[j].name);
            in_path += is_in_path;
            ck_assert_int_eq((route->parameters->fields[j].flags & S2S_REQUIRED) != 0, is_in_path);
        }
        ck_assert_msg(in_path == braces, "%s", route->name);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("app_openapi");
    TCase *tc = tcase_create("app_openapi");
    tcase_add_checked_fixture(tc, setup, fixture_teardown);
    tcase_add_test(tc, committed_document_is_fresh);
    tcase_add_test(tc, references_lead_somewhere);
    tcase_add_test(tc, every_route_is_there_and_whole);
    tcase_add_test(tc, parameters_of_paths_are_in_the_schemas);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
