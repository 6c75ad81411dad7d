/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: every disclosure is decoded and hashed, and they are sorted by digest. Then one walk over the payload looks
 * up each embedded digest and puts the disclosed value in its place, into which the walk goes on: so a disclosure
 * inside of a disclosure needs nothing of its own. A disclosure is used once at most, hence the walk ends.
 */
#include "sdjwt_disclosures.h"

#include "b64.h"

#include <stdlib.h>
#include <string.h>

#define SD "_sd"
#define ELLIPSIS "..."
#define SD_ALG "_sd_alg"

struct disclosure {
    char digest[S2S_SDJWT_DIGEST_SIZE];
    struct json_object *content; /* [salt, name, value] or [salt, value] */
    bool used;
};

struct walk {
    struct s2s_arena *arena;
    const struct s2s_sdjwt_limits *limits;
    struct disclosure *disclosures; /* sorted by digest */
    size_t count;
    const char **digests; /* every one that was met, with or without a disclosure */
    size_t digest_count;
};

/* Where the walk is. */
struct place {
    unsigned depth; /* 1: the payload itself */
    bool clear;     /* inside of a claim of which nothing may be hidden */
};

struct s2s_result s2s_sdjwt_digest(enum s2s_hash hash, struct s2s_bytes text, char out[S2S_SDJWT_DIGEST_SIZE])
{
    uint8_t digest[S2S_MAX_HASH];
    S2S_TRY(s2s_hash(hash, text, digest));
    s2s_b64_encode_to(out, s2s_bytes(digest, s2s_hash_size(hash)));
    return s2s_ok();
}

/* Names of the registry "Named Information Hash Algorithm". */
struct s2s_result s2s_sdjwt_hash(const struct json_object *payload, enum s2s_hash *out)
{
    static const struct {
        const char *name;
        enum s2s_hash hash;
    } rows[] = {{"sha-256", S2S_SHA256}, {"sha-384", S2S_SHA384}, {"sha-512", S2S_SHA512}};
    *out = S2S_SHA256;
    if (!json_object_object_get_ex(payload, SD_ALG, NULL))
        return s2s_ok();
    const char *name = s2s_json_string(payload, SD_ALG);
    for (size_t i = 0; name != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *out = rows[i].hash;
            return s2s_ok();
        }
    }
    return s2s_fail(S2S_UNSUPPORTED, "the hash algorithm of the disclosures is not supported");
}

/* --- The disclosures --- */

static struct s2s_result read_disclosure(struct walk *w, enum s2s_hash hash, const char *text, size_t len,
                                         struct disclosure *out)
{
    struct s2s_bytes decoded;
    S2S_TRY(s2s_sdjwt_digest(hash, s2s_bytes(text, len), out->digest));
    S2S_TRY(s2s_b64_decode(w->arena, text, len, &decoded));
    S2S_TRY(s2s_json_parse(w->arena, (const char *)decoded.data, decoded.len, w->limits->depth + 1, &out->content));
    if (!json_object_is_type(out->content, json_type_array) || json_object_array_length(out->content) < 2 ||
        !json_object_is_type(json_object_array_get_idx(out->content, 0), json_type_string))
        return s2s_fail(S2S_MALFORMED, "a disclosure is not an array that begins with a salt");
    return s2s_ok();
}

static int compare_disclosures(const void *a, const void *b)
{
    return strcmp(((const struct disclosure *)a)->digest, ((const struct disclosure *)b)->digest);
}

static int compare_to_disclosure(const void *digest, const void *disclosure)
{
    return strcmp(digest, ((const struct disclosure *)disclosure)->digest);
}

static size_t count_char(struct s2s_bytes text, char c)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == (uint8_t)c;
    return count;
}

static struct s2s_result read_disclosures(struct walk *w, enum s2s_hash hash, struct s2s_bytes text)
{
    w->count = count_char(text, '~');
    if (w->count > w->limits->disclosures)
        return s2s_fail(S2S_LIMIT, "there are too many disclosures");
    w->disclosures = s2s_arena_alloc(w->arena, w->count * sizeof *w->disclosures);
    w->digests = s2s_arena_alloc(w->arena, w->limits->digests * sizeof *w->digests);
    if (w->disclosures == NULL || w->digests == NULL)
        return s2s_fail(S2S_LIMIT, "there is no room for the disclosures");

    const char *at = (const char *)text.data;
    for (size_t i = 0; i < w->count; i++) {
        const char *end = memchr(at, '~', (size_t)((const char *)text.data + text.len - at));
        S2S_TRY(read_disclosure(w, hash, at, (size_t)(end - at), &w->disclosures[i]));
        at = end + 1;
    }
    qsort(w->disclosures, w->count, sizeof *w->disclosures, compare_disclosures);
    for (size_t i = 1; i < w->count; i++) {
        if (compare_disclosures(&w->disclosures[i - 1], &w->disclosures[i]) == 0)
            return s2s_fail(S2S_MALFORMED, "a disclosure is there twice");
    }
    return s2s_ok();
}

/* The disclosure of an embedded digest, now used, or NULL: a decoy, or something that was not disclosed. The string
 * stays with its tree, which the arena holds, so that all of them can be compared at the end. */
static struct s2s_result look_up(struct walk *w, struct json_object *digest, struct disclosure **out)
{
    if (!json_object_is_type(digest, json_type_string))
        return s2s_fail(S2S_MALFORMED, "an embedded digest is not a string");
    if (w->digest_count == w->limits->digests)
        return s2s_fail(S2S_LIMIT, "there are too many embedded digests");
    const char *text = json_object_get_string(digest);
    w->digests[w->digest_count++] = text;
    *out = bsearch(text, w->disclosures, w->count, sizeof *w->disclosures, compare_to_disclosure);
    if (*out == NULL)
        return s2s_ok();
    if ((*out)->used)
        return s2s_fail(S2S_MALFORMED, "an embedded digest is there twice");
    (*out)->used = true;
    return s2s_ok();
}

static int compare_digests(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What only shows when the walk is over (section 7.1, steps 4 and 5). */
static struct s2s_result check_leftovers(struct walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!w->disclosures[i].used)
            return s2s_fail(S2S_MALFORMED, "a disclosure belongs to no digest");
    }
    qsort(w->digests, w->digest_count, sizeof *w->digests, compare_digests);
    for (size_t i = 1; i < w->digest_count; i++) {
        if (compare_digests(&w->digests[i - 1], &w->digests[i]) == 0)
            return s2s_fail(S2S_MALFORMED, "an embedded digest is there twice");
    }
    return s2s_ok();
}

/* --- The walk --- */

static struct s2s_result walk_value(struct walk *w, struct json_object *value, struct place at);

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_reserved(const char *name)
{
    static const char *const names[] = {SD, ELLIPSIS, SD_ALG};
    return is_one_of(name, names, sizeof names / sizeof names[0]);
}

/* Claims of the payload that must not be disclosed, nor any part of them (draft-ietf-oauth-sd-jwt-vc, "Registered JWT
 * Claims"): a holder who leaves `exp` out would never expire. */
static bool is_always_clear(const char *name)
{
    static const char *const names[] = {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"};
    return is_one_of(name, names, sizeof names / sizeof names[0]);
}

static struct s2s_result insert_claim(struct json_object *object, struct json_object *content, struct place at)
{
    struct json_object *name_node = json_object_array_get_idx(content, 1);
    if (json_object_array_length(content) != 3 || !json_object_is_type(name_node, json_type_string))
        return s2s_fail(S2S_MALFORMED, "the disclosure of a claim is not an array of salt, name and value");
    const char *name = json_object_get_string(name_node);
    if (is_reserved(name))
        return s2s_fail(S2S_MALFORMED, "a disclosure has a reserved name");
    if (at.depth == 1 && is_always_clear(name))
        return s2s_fail(S2S_MALFORMED, "a claim that must not be selectively disclosable is disclosed");
    if (json_object_object_get_ex(object, name, NULL))
        return s2s_fail(S2S_MALFORMED, "a disclosure has the name of another claim");
    s2s_assert(json_object_object_add(object, name, json_object_get(json_object_array_get_idx(content, 2))) == 0);
    return s2s_ok();
}

/* `_sd` of an object: the claims that it hides become members. */
static struct s2s_result open_object(struct walk *w, struct json_object *object, struct place at)
{
    struct json_object *digests = NULL;
    if (!json_object_object_get_ex(object, SD, &digests))
        return s2s_ok();
    if (at.clear || !json_object_is_type(digests, json_type_array))
        return s2s_fail(S2S_MALFORMED, "_sd is in a wrong place, or not an array");
    s2s_json_own(w->arena, json_object_get(digests));
    json_object_object_del(object, SD);
    for (size_t i = 0; i < json_object_array_length(digests); i++) {
        struct disclosure *disclosure;
        S2S_TRY(look_up(w, json_object_array_get_idx(digests, i), &disclosure));
        if (disclosure != NULL)
            S2S_TRY(insert_claim(object, disclosure->content, at));
    }
    return s2s_ok();
}

static struct s2s_result walk_object(struct walk *w, struct json_object *object, struct place at)
{
    S2S_TRY(open_object(w, object, at));
    json_object_object_foreach(object, name, value)
    {
        if (is_reserved(name))
            return s2s_fail(S2S_MALFORMED, "a reserved name is in a wrong place");
        bool clear = at.clear || (at.depth == 1 && is_always_clear(name));
        S2S_TRY(walk_value(w, value, (struct place){at.depth + 1, clear}));
    }
    return s2s_ok();
}

/* The element `index` of an array, which is `{"...": digest}`: it becomes what is disclosed, or goes. */
static struct s2s_result open_element(struct walk *w, struct json_object *array, size_t index,
                                      struct json_object *digest, bool *gone)
{
    s2s_json_own(w->arena, json_object_get(digest));
    struct disclosure *disclosure;
    S2S_TRY(look_up(w, digest, &disclosure));
    *gone = disclosure == NULL;
    if (*gone) {
        s2s_assert(json_object_array_del_idx(array, index, 1) == 0);
        return s2s_ok();
    }
    if (json_object_array_length(disclosure->content) != 2)
        return s2s_fail(S2S_MALFORMED, "the disclosure of an array's element is not an array of salt and value");
    struct json_object *value = json_object_array_get_idx(disclosure->content, 1);
    s2s_assert(json_object_array_put_idx(array, index, json_object_get(value)) == 0);
    return s2s_ok();
}

static struct s2s_result walk_array(struct walk *w, struct json_object *array, struct place at)
{
    for (size_t i = 0; i < json_object_array_length(array);) {
        struct json_object *element = json_object_array_get_idx(array, i), *digest = NULL;
        bool gone = false;
        if (json_object_is_type(element, json_type_object) && json_object_object_length(element) == 1 &&
            json_object_object_get_ex(element, ELLIPSIS, &digest)) {
            if (at.clear)
                return s2s_fail(S2S_MALFORMED, "a digest is in a wrong place");
            S2S_TRY(open_element(w, array, i, digest, &gone));
        }
        if (gone)
            continue;
        S2S_TRY(walk_value(w, json_object_array_get_idx(array, i), (struct place){at.depth + 1, at.clear}));
        i++;
    }
    return s2s_ok();
}

static struct s2s_result walk_value(struct walk *w, struct json_object *value, struct place at)
{
    bool is_object = json_object_is_type(value, json_type_object);
    if (!is_object && !json_object_is_type(value, json_type_array))
        return s2s_ok();
    if (at.depth > w->limits->depth)
        return s2s_fail(S2S_LIMIT, "the claims are nested too deeply");
    return is_object ? walk_object(w, value, at) : walk_array(w, value, at);
}

struct s2s_result s2s_sdjwt_disclose(struct s2s_arena *arena, const struct s2s_sdjwt_limits *limits, enum s2s_hash hash,
                                     struct s2s_bytes text, struct json_object *payload)
{
    struct walk w = {.arena = arena, .limits = limits};
    S2S_TRY(read_disclosures(&w, hash, text));
    json_object_object_del(payload, SD_ALG); /* it may stand here, and nowhere else */
    S2S_TRY(walk_value(&w, payload, (struct place){.depth = 1}));
    return check_leftovers(&w);
}
