/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON text, written piece by piece into an arena.
 *
 * Datasets are shared between threads, and json-c's own serializer is not read only: it caches the text inside of
 * the value. This one only reads. It also spares a credential the tree that would be built to be written once.
 */
#ifndef GW_JSONTEXT_H
#define GW_JSONTEXT_H

#include "proto/arena.h"

#include <json-c/json.h>
#include <stdbool.h>

/* A text that grows; make one with gw_text. It lives in the arena, NUL-terminated after each call. When the arena is
 * full, `failed` is set and stays, and nothing more is added: look once, at the end. */
struct gw_text {
    struct s2s_arena *arena;
    char *data; /* NULL while nothing was added */
    size_t len, size;
    bool failed;
};

static inline struct gw_text gw_text(struct s2s_arena *arena)
{
    return (struct gw_text){.arena = arena};
}

/* Have room for `more` characters, when it is known how many will come: a text that grows by itself leaves what it
 * outgrew in the arena. */
void gw_text_reserve(struct gw_text *text, size_t more);

/* Forget what is beyond the first `len` characters, or all, and keep the memory. */
void gw_text_cut(struct gw_text *text, size_t len);
void gw_text_clear(struct gw_text *text);

/* Append octets as they are, a string as it is, the base64url of `octets`. */
void gw_text_add(struct gw_text *text, const char *data, size_t len);
void gw_text_add_string(struct gw_text *text, const char *string);
void gw_text_add_b64(struct gw_text *text, struct s2s_bytes octets);

/* Append a JSON value: a string, an integer, any tree. */
void gw_text_add_json_string(struct gw_text *text, const char *string);
void gw_text_add_json_integer(struct gw_text *text, int64_t value);
void gw_text_add_json(struct gw_text *text, struct json_object *value);

/* As gw_text_add_json, with the members of every object ordered by name, so that equal values have equal texts. */
void gw_text_add_json_ordered(struct gw_text *text, struct json_object *value);

#endif
