/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking into the JSON of an answer without building a tree. It trusts the text to be JSON where it does not look:
 * what it is given are answers of the server under test, of which a few members matter. Values are views of the text.
 */
#ifndef LOAD_SCAN_H
#define LOAD_SCAN_H

#include "proto/arena.h"

/* The text of the value of the member `name` of an object; no data when there is none, or it is not an object. A name
 * that is written with escapes is not found. */
struct s2s_bytes load_scan_member(struct s2s_bytes object, const char *name);

/* The text of element `index` of an array; no data when there is none. */
struct s2s_bytes load_scan_element(struct s2s_bytes array, size_t index);

/* Whether `value` is a string without escapes; `*content` is what stands between the quotes. */
bool load_scan_string(struct s2s_bytes value, struct s2s_bytes *content);

/* Whether `value` is a string and equals `text`. */
bool load_scan_is(struct s2s_bytes value, const char *text);

#endif
