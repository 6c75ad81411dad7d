/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of a JSON text that the gate of json.c has let through. For json.c only.
 */
#ifndef S2S_JSON_TREE_H
#define S2S_JSON_TREE_H

#include "result.h"

#include <json-c/json.h>

/* RFC 8259 section 9 lets a parser limit numbers. This is far more than a double can tell apart, and keeps the
 * cost of converting a number independent of the length of the text. */
#define S2S_JSON_MAX_NUMBER 64

/* Make json-c's tree of a well-formed text: RFC 8259 to the letter, UTF-8, no U+0000, numbers within their limit, and a
 * depth that recursion can bear. What the text alone cannot show is looked at here. S2S_MALFORMED: an object names a
 * member twice, or no double holds a number. Put `*out`; JSON null is a NULL pointer. */
S2S_MUST_CHECK struct s2s_result s2s_json_tree(const char *text, size_t len, struct json_object **out);

#endif
