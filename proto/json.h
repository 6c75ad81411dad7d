/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON as this protocol needs it (RFC 8259, I-JSON of RFC 7493): json-c behind a strict gate.
 *
 * json-c accepts more than RFC 8259 does (NaN, raw control characters, lone surrogates, duplicate
 * names). The gate scans the text once and refuses those, bounds the nesting, and only then lets
 * json-c build the tree.
 */
#ifndef S2S_JSON_H
#define S2S_JSON_H

#include "arena.h"
#include "result.h"

#include <json-c/json.h>

/* Parse the `len` bytes at `text`, which need no NUL. At most `max_depth` nested arrays and objects.
 * On success `*out` is the tree, owned by `arena` (do not put it); JSON null is a NULL pointer.
 * S2S_MALFORMED: not RFC 8259 JSON, not UTF-8, a duplicate member name, U+0000 or a lone surrogate in a
 * string, or something after the value. S2S_LIMIT: nested too deeply, or more values than can be charged to the
 * arena. `detail` says which. */
S2S_MUST_CHECK struct s2s_result s2s_json_parse(struct s2s_arena *arena, const char *text, size_t len,
                                                unsigned max_depth, struct json_object **out);

/* Hand `obj` (one reference) to the arena; returns `obj`. */
struct json_object *s2s_json_own(struct s2s_arena *arena, struct json_object *obj);

/* The member `name` of `obj`, or NULL when absent, null, or `obj` is not an object. Borrowed. */
struct json_object *s2s_json_get(const struct json_object *obj, const char *name);

/* The member `name` of `obj` as a string, or NULL when absent or not a string. Borrowed. */
const char *s2s_json_string(const struct json_object *obj, const char *name);

/* Set the member `name` of the object `obj` to the string `value`. */
void s2s_json_set_string(struct json_object *obj, const char *name, const char *value);

/* Compact text of `obj` (no spaces, slashes unescaped), in the arena, NUL-terminated; `*len` (may be
 * NULL) gets its length. NULL when the arena is full. */
char *s2s_json_write(struct s2s_arena *arena, struct json_object *obj, size_t *len);

#endif
