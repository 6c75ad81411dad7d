/* SPDX-License-Identifier: Apache-2.0
 *
 * What an API request says: its path, query, bearer token and preferences, read without regard to what they mean.
 */
#ifndef GW_API_REQUEST_H
#define GW_API_REQUEST_H

#include "proto/schema.h"

/* Whether the path (still percent-encoded, `len` octets) is one of the template's: the same segments, and something
 * where the template has a parameter. */
bool gw_api_path_matches(const char *template, const char *path, size_t len);

/* Whether `name` is a parameter of the template's path. */
bool gw_api_in_path(const char *template, const char *name);

/* Set the path's parameters in `input`, with the types of `parameters` (may be NULL: texts). What is not
 * percent-encoded UTF-8 is a violation. */
void gw_api_read_path(struct s2s_arena *arena, const struct s2s_schema *parameters, const char *template,
                      const char *path, size_t len, struct json_object *input, struct s2s_violations *out);

/* Set the query's parameters (the part after '?', application/x-www-form-urlencoded) in `input`, with the types of
 * `parameters` (may be NULL). Those that are not among them or stand in the path, repeated and broken ones are
 * violations. */
void gw_api_read_query(struct s2s_arena *arena, const struct s2s_schema *parameters, const char *template,
                       const char *query, size_t len, struct json_object *input, struct s2s_violations *out);

/* The token of an Authorization header with the scheme Bearer (RFC 6750 section 2.1); `data` NULL when it is none. */
struct s2s_bytes gw_api_bearer(const char *value, size_t len);

/* Look for "wait=SECONDS" in a Prefer header (RFC 7240 section 2). False when there is none. Very large numbers are
 * read as some large number. */
bool gw_api_prefers_wait(const char *value, size_t len, unsigned *seconds);

#endif
