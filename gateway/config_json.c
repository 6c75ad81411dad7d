/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that pass through to JSON: display properties and members of item requests.
 */
#include "config_schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static struct json_object *integer_to_json(const char *text)
{
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    return errno == 0 ? json_object_new_int64(value) : json_object_new_double_s(strtod(text, NULL), text);
}

static struct json_object *scalar_to_json(const struct gw_yaml *node)
{
    switch (gw_yaml_meaning(node)) {
    case GW_YAML_NULL:
        return NULL; /* json-c's null */
    case GW_YAML_BOOLEAN:
        return json_object_new_boolean(tolower((unsigned char)node->text[0]) == 't');
    case GW_YAML_INTEGER:
        return integer_to_json(node->text);
    case GW_YAML_FLOAT:
        return json_object_new_double_s(strtod(node->text, NULL), node->text);
    default:
        return json_object_new_string(node->text);
    }
}

/* The depth of the tree bounds the recursion. */
static struct json_object *to_json(const struct gw_yaml *node)
{
    if (node->kind == GW_YAML_SCALAR)
        return scalar_to_json(node);
    struct json_object *object = node->kind == GW_YAML_MAPPING ? json_object_new_object() : json_object_new_array();
    s2s_assert(object != NULL);
    for (const struct gw_yaml *child = node->first; child != NULL; child = child->next) {
        int failed = node->kind == GW_YAML_MAPPING ? json_object_object_add(object, child->key, to_json(child))
                                                   : json_object_array_add(object, to_json(child));
        s2s_assert(failed == 0);
    }
    return object;
}

static void release_json(void *object)
{
    json_object_put(object);
}

static void store_json(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    struct json_object *json = to_json(node);
    s2s_arena_defer(reader->arena, release_json, json);
    *(struct json_object **)gw_key_slot(key, object) = json;
}

static void read_object(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    if (node->kind == GW_YAML_MAPPING)
        store_json(reader, key, node, object);
    else
        gw_complain_type(reader, key, node);
}

static void read_objects(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    if (node->kind != GW_YAML_SEQUENCE) {
        gw_complain_type(reader, key, node);
        return;
    }
    for (const struct gw_yaml *item = node->first; item != NULL; item = item->next)
        if (item->kind != GW_YAML_MAPPING)
            gw_complain_type(reader, key, item);
    store_json(reader, key, node, object);
}

const struct gw_key_type gw_type_object = {"object", "{ hint: \"Sent by mail\" }", read_object, NULL};
const struct gw_key_type gw_type_objects = {"list of objects", "[ { name: \"Badge\", locale: en } ]", read_objects,
                                            NULL};
