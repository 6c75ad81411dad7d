/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a query (OpenID4VP 1.0 sections 6.1 to 6.3 and 7) into arrays, with strings of its own: a json-c tree must not
 * be shared between threads. The readers answer whether to go on; the first failure is kept, with its place.
 */
#include "dcql_query.h"

#include <string.h>

struct reader {
    struct s2s_arena *arena;
    struct s2s_result result; /* of the first failure */
    const char *pointer;      /* and where it is */
};

/* A value of the query, and its JSON Pointer. */
struct node {
    struct json_object *json;
    const char *at;
};

static bool fail(struct reader *r, struct node node, enum s2s_code code, const char *detail)
{
    if (!s2s_failed(r->result)) {
        r->result = s2s_fail(code, detail);
        r->pointer = node.at;
    }
    return false;
}

static bool malformed(struct reader *r, struct node node, const char *detail)
{
    return fail(r, node, S2S_MALFORMED, detail);
}

static bool full(struct reader *r, struct node node)
{
    return fail(r, node, S2S_LIMIT, "there is no room for the query");
}

/* Where there is no room for the pointer, the failure is kept, and reading may go on. */
static struct node child(struct reader *r, struct node parent, struct json_object *json, const char *at)
{
    if (at == NULL)
        full(r, parent);
    return (struct node){json, at != NULL ? at : ""};
}

/* The member `name` of an object; its json is NULL when it is absent or null. */
static struct node member(struct reader *r, struct node parent, const char *name)
{
    return child(r, parent, s2s_json_get(parent.json, name), s2s_arena_printf(r->arena, "%s/%s", parent.at, name));
}

static struct node element(struct reader *r, struct node list, size_t index)
{
    return child(r, list, json_object_array_get_idx(list.json, index),
                 s2s_arena_printf(r->arena, "%s/%zu", list.at, index));
}

/* Room for what a list holds, which is an array that is not empty and has at most `max` elements; NULL otherwise. */
static void *open_list(struct reader *r, struct node list, size_t max, size_t size, size_t *count)
{
    size_t len = json_object_is_type(list.json, json_type_array) ? json_object_array_length(list.json) : 0;
    void *room = NULL;
    if (len == 0)
        malformed(r, list, "it is not an array with an element");
    else if (len > max)
        fail(r, list, S2S_LIMIT, "the array is too long");
    else if ((room = s2s_arena_alloc(r->arena, len * size)) == NULL)
        full(r, list);
    *count = room != NULL ? len : 0;
    return room;
}

static bool read_string(struct reader *r, struct node node, const char **out)
{
    if (!json_object_is_type(node.json, json_type_string))
        return malformed(r, node, "it is not a string");
    *out =
        s2s_arena_strndup(r->arena, json_object_get_string(node.json), (size_t)json_object_get_string_len(node.json));
    return *out != NULL || full(r, node);
}

static bool read_id(struct reader *r, struct node node, const char **out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (!read_string(r, node, out))
        return false;
    bool valid = **out != '\0' && (*out)[strspn(*out, alphabet)] == '\0';
    return valid || malformed(r, node, "an id has letters, digits, _ and - only");
}

/* An optional boolean. */
static bool read_boolean(struct reader *r, struct node node, bool *value)
{
    if (node.json == NULL)
        return true;
    *value = json_object_get_boolean(node.json);
    return json_object_is_type(node.json, json_type_boolean) || malformed(r, node, "it is not a boolean");
}

/* --- Combinations --- */

/* A list that ids refer to: where the first id is, and how far the next. */
struct index {
    const void *first;
    size_t stride, count;
};

/* Which id of the list this is; its count when none. */
static size_t index_of(struct index list, const char *id)
{
    for (size_t i = 0; i < list.count; i++) {
        const char *other = *(const char *const *)((const char *)list.first + i * list.stride);
        if (other != NULL && strcmp(other, id) == 0)
            return i;
    }
    return list.count;
}

static bool read_choice(struct reader *r, struct node list, struct index index, struct s2s_dcql_choice *out)
{
    out->members = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->members, &out->count);
    for (size_t i = 0; i < out->count; i++) {
        struct node node = element(r, list, i);
        const char *id;
        if (!read_id(r, node, &id))
            return false;
        out->members[i] = index_of(index, id);
        if (out->members[i] == index.count)
            return malformed(r, node, "there is no such id");
    }
    return out->members != NULL;
}

static struct s2s_dcql_choice *read_choices(struct reader *r, struct node list, struct index index, size_t *count)
{
    struct s2s_dcql_choice *choices = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *choices, count);
    for (size_t i = 0; i < *count; i++) {
        if (!read_choice(r, element(r, list, i), index, &choices[i]))
            return NULL;
    }
    return choices;
}

/* --- Claims --- */

/* An integer that json-c did not have to saturate. */
static bool is_integer(struct json_object *json)
{
    int64_t number = json_object_get_int64(json);
    return json_object_is_type(json, json_type_int) && number != INT64_MAX && number != INT64_MIN;
}

static bool read_step(struct reader *r, struct node node, struct s2s_dcql_step *out)
{
    out->kind = S2S_STEP_ALL;
    if (node.json == NULL)
        return true;
    out->kind = S2S_STEP_INDEX;
    out->index = (size_t)json_object_get_int64(node.json);
    if (is_integer(node.json) && json_object_get_int64(node.json) >= 0)
        return true;
    out->kind = S2S_STEP_NAME;
    return read_string(r, node, &out->name);
}

static bool read_path(struct reader *r, struct node list, struct s2s_dcql_claim *out)
{
    out->path = open_list(r, list, S2S_DCQL_MAX_PATH, sizeof *out->path, &out->path_len);
    for (size_t i = 0; i < out->path_len; i++) {
        if (!read_step(r, element(r, list, i), &out->path[i]))
            return false;
    }
    return out->path != NULL &&
           (out->path[0].kind == S2S_STEP_NAME || malformed(r, list, "a path begins with the name of a claim"));
}

static bool read_value(struct reader *r, struct node node, struct s2s_dcql_value *out)
{
    out->kind = S2S_VALUE_BOOLEAN;
    out->number = json_object_get_boolean(node.json);
    if (json_object_is_type(node.json, json_type_boolean))
        return true;
    out->kind = S2S_VALUE_INTEGER;
    out->number = json_object_get_int64(node.json);
    if (is_integer(node.json))
        return true;
    out->kind = S2S_VALUE_STRING;
    return read_string(r, node, &out->string);
}

static bool read_values(struct reader *r, struct node list, struct s2s_dcql_claim *out)
{
    if (list.json == NULL)
        return true;
    out->values = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->values, &out->value_count);
    for (size_t i = 0; i < out->value_count; i++) {
        if (!read_value(r, element(r, list, i), &out->values[i]))
            return false;
    }
    return out->values != NULL;
}

static bool same_step(const struct s2s_dcql_step *a, const struct s2s_dcql_step *b)
{
    return a->kind == b->kind && (a->kind != S2S_STEP_NAME || strcmp(a->name, b->name) == 0) &&
           (a->kind != S2S_STEP_INDEX || a->index == b->index);
}

static bool same_path(const struct s2s_dcql_claim *a, const struct s2s_dcql_claim *b)
{
    for (size_t i = 0; a->path_len == b->path_len && i < a->path_len; i++) {
        if (!same_step(&a->path[i], &b->path[i]))
            return false;
    }
    return a->path_len == b->path_len;
}

static struct index claim_ids(const struct s2s_dcql_claim *claims, size_t count)
{
    return (struct index){&claims[0].id, sizeof *claims, count};
}

/* The claim `index`, which those before it must not be, too. */
static bool read_claim(struct reader *r, struct node claim, bool needs_id, struct s2s_dcql_claim *claims, size_t index)
{
    struct s2s_dcql_claim *out = &claims[index];
    struct node id = member(r, claim, "id");
    if ((id.json != NULL || needs_id) && !read_id(r, id, &out->id))
        return false;
    if (!read_path(r, member(r, claim, "path"), out) || !read_values(r, member(r, claim, "values"), out))
        return false;
    if (out->id != NULL && index_of(claim_ids(claims, index), out->id) < index)
        return malformed(r, claim, "another claim has this id");
    for (size_t i = 0; i < index; i++) {
        if (same_path(&claims[i], out))
            return malformed(r, claim, "another claim has this path");
    }
    return true;
}

static bool read_claims(struct reader *r, struct node list, struct node sets, struct s2s_dcql_credential *out)
{
    if (list.json == NULL)
        return sets.json == NULL || malformed(r, sets, "claim_sets needs claims");
    out->claims = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->claims, &out->claim_count);
    for (size_t i = 0; i < out->claim_count; i++) {
        if (!read_claim(r, element(r, list, i), sets.json != NULL, out->claims, i))
            return false;
    }
    if (out->claims == NULL || sets.json == NULL)
        return out->claims != NULL;
    out->claim_sets = read_choices(r, sets, claim_ids(out->claims, out->claim_count), &out->claim_set_count);
    return out->claim_sets != NULL;
}

/* --- Credentials --- */

static bool check_format(struct reader *r, struct node format)
{
    const char *name;
    return read_string(r, format, &name) &&
           (strcmp(name, "dc+sd-jwt") == 0 ||
            fail(r, format, S2S_UNSUPPORTED, "the only format that is supported is dc+sd-jwt"));
}

/* A boolean that a query may set to something that this verifier does not accept. */
static bool check_option(struct reader *r, struct node option, bool supported)
{
    bool value = supported;
    return read_boolean(r, option, &value) &&
           (value == supported || fail(r, option, S2S_UNSUPPORTED, "this value is not supported"));
}

static bool read_types(struct reader *r, struct node list, struct s2s_dcql_credential *out)
{
    out->vcts = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->vcts, &out->vct_count);
    for (size_t i = 0; i < out->vct_count; i++) {
        if (!read_string(r, element(r, list, i), &out->vcts[i]))
            return false;
    }
    return out->vcts != NULL;
}

static bool read_credential(struct reader *r, struct node credential, struct s2s_dcql_credential *out)
{
    return read_id(r, member(r, credential, "id"), &out->id) && check_format(r, member(r, credential, "format")) &&
           check_option(r, member(r, credential, "multiple"), false) &&
           check_option(r, member(r, credential, "require_cryptographic_holder_binding"), true) &&
           read_types(r, member(r, member(r, credential, "meta"), "vct_values"), out) &&
           read_claims(r, member(r, credential, "claims"), member(r, credential, "claim_sets"), out);
}

static struct index credential_ids(const struct s2s_dcql *query, size_t count)
{
    return (struct index){&query->credentials[0].id, sizeof *query->credentials, count};
}

static bool read_credentials(struct reader *r, struct node list, struct s2s_dcql *out)
{
    out->credentials = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->credentials, &out->credential_count);
    for (size_t i = 0; i < out->credential_count; i++) {
        struct node node = element(r, list, i);
        if (!read_credential(r, node, &out->credentials[i]))
            return false;
        if (index_of(credential_ids(out, i), out->credentials[i].id) < i)
            return malformed(r, node, "another credential has this id");
    }
    return out->credentials != NULL;
}

static bool read_sets(struct reader *r, struct node list, struct s2s_dcql *out)
{
    if (list.json == NULL)
        return true;
    out->sets = open_list(r, list, S2S_DCQL_MAX_ITEMS, sizeof *out->sets, &out->set_count);
    for (size_t i = 0; i < out->set_count; i++) {
        struct s2s_dcql_set *set = &out->sets[i];
        struct node node = element(r, list, i);
        set->required = true;
        set->options =
            read_choices(r, member(r, node, "options"), credential_ids(out, out->credential_count), &set->option_count);
        if (set->options == NULL || !read_boolean(r, member(r, node, "required"), &set->required))
            return false;
    }
    return out->sets != NULL;
}

struct s2s_result s2s_dcql_parse(struct s2s_arena *arena, const struct json_object *query, const struct s2s_dcql **out,
                                 const char **pointer)
{
    struct reader r = {.arena = arena, .result = s2s_ok()};
    struct node root = {(struct json_object *)query, ""};
    struct s2s_dcql *dcql = s2s_arena_alloc(arena, sizeof *dcql);
    bool read = dcql != NULL ? read_credentials(&r, member(&r, root, "credentials"), dcql) &&
                                   read_sets(&r, member(&r, root, "credential_sets"), dcql)
                             : full(&r, root);
    s2s_assert(read || s2s_failed(r.result));
    *out = dcql;
    *pointer = r.pointer;
    return r.result;
}
