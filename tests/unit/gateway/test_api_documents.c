/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAPI documents of the gateway's own APIs, and what their tables of routes promise.
 */
#include "gateway/admin/api.h"
#include "gateway/wallet/app.h"

#include "fixture.h"
#include "gateway/net/api_request.h"

static const struct {
    const char *name;
    const struct gw_api *api;
    char *(*text)(void);
} apis[] = {
    {"admin", &gw_admin_api, gw_admin_openapi_text},
    {"wallet-app", &gw_app_api, gw_app_openapi_text},
};

#define APIS (int)(sizeof apis / sizeof *apis)

static struct json_object *read_document(int i)
{
    char *text = apis[i].text();
    struct json_object *document = json(text);
    free(text);
    return document;
}

/* Compared as JSON, so that another version of json-c, which may break lines elsewhere, does not matter. */
START_TEST(committed_document_is_fresh)
{
    const char *name = apis[_i].name;
    struct json_object *committed =
        json_object_from_file(s2s_arena_printf(arena, TEST_SOURCE_DIR "/../docs/openapi/%s.json", name));
    ck_assert_ptr_nonnull(committed);
    ck_assert_msg(json_object_equal(committed, read_document(_i)),
                  "docs/openapi/%s.json is stale: gw-docgen openapi %s > docs/openapi/%s.json", name, name, name);
    json_object_put(committed);
}
END_TEST

static void check_references(struct json_object *document, struct json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        for (size_t i = 0; i < json_object_array_length(value); i++)
            check_references(document, json_object_array_get_idx(value, i));
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
        check_references(document, member);
    }
}

START_TEST(references_lead_somewhere)
{
    struct json_object *document = read_document(_i);
    check_references(document, document);
}
END_TEST

static const char *lower_method(const struct gw_api_route *route)
{
    return strcmp(route->method, "GET") == 0 ? "get" : strcmp(route->method, "PUT") == 0 ? "put" : "post";
}

START_TEST(every_route_is_there_and_whole)
{
    struct json_object *paths = s2s_json_get(read_document(_i), "paths");
    for (size_t i = 0; i < apis[_i].api->count; i++) {
        const struct gw_api_route *route = &apis[_i].api->routes[i];
        struct json_object *operation = s2s_json_get(s2s_json_get(paths, route->path), lower_method(route));
        ck_assert_msg(operation != NULL, "%s", route->name);
        ck_assert_str_eq(s2s_json_string(operation, "operationId"), route->name);
        ck_assert_str_eq(gw_statements[route->statement].name, route->calls_out ? "app_instance_route" : route->name);
        ck_assert_int_ge(gw_statements[route->statement].params, route->writes ? 6 : 2);
        ck_assert(!route->writes || strcmp(route->method, "GET") != 0);
        ck_assert_int_ne(route->successes[0].status, 0);
    }
}
END_TEST

/* Every route of the operators' API needs one role, and every tag of a path is explained. */
START_TEST(operators_routes_have_one_role)
{
    for (size_t i = 0; i < gw_admin_api.count; i++) {
        const struct gw_api_route *route = &gw_admin_api.routes[i];
        ck_assert_msg(route->roles != 0 && (route->roles & (route->roles - 1)) == 0, "%s", route->name);
        ck_assert_msg(!route->writes || route->roles > 1u << GW_OPERATOR_READ, "%s", route->name);
        ck_assert_msg(!route->writes || route->prepare != NULL, "%s does not tell the role", route->name);
    }
}
END_TEST

START_TEST(tags_are_explained)
{
    struct json_object *document = read_document(_i), *tags = s2s_json_get(document, "tags");
    json_object_object_foreach(s2s_json_get(document, "paths"), path, item)
    {
        struct json_object_iterator first = json_object_iter_begin(item);
        const char *tag = json_object_get_string(
            json_object_array_get_idx(s2s_json_get(json_object_iter_peek_value(&first), "tags"), 0));
        bool found = false;
        for (size_t i = 0; i < json_object_array_length(tags); i++)
            found |= strcmp(s2s_json_string(json_object_array_get_idx(tags, i), "name"), tag) == 0;
        ck_assert_msg(found, "%s: %s", path, tag);
    }
}
END_TEST

/* A parameter of a path that the schema does not have would reach the database unchecked. */
START_TEST(parameters_of_paths_are_in_the_schemas)
{
    for (size_t i = 0; i < apis[_i].api->count; i++) {
        const struct gw_api_route *route = &apis[_i].api->routes[i];
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
    Suite *s = suite_create("api_documents");
    TCase *tc = tcase_create("api_documents");
    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_loop_test(tc, committed_document_is_fresh, 0, APIS);
    tcase_add_loop_test(tc, references_lead_somewhere, 0, APIS);
    tcase_add_loop_test(tc, every_route_is_there_and_whole, 0, APIS);
    tcase_add_loop_test(tc, tags_are_explained, 0, APIS);
    tcase_add_loop_test(tc, parameters_of_paths_are_in_the_schemas, 0, APIS);
    tcase_add_test(tc, operators_routes_have_one_role);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
