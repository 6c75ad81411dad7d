/* SPDX-License-Identifier: Apache-2.0
 *
 * What is the same in every JSON Web Token (RFC 7519) that is read here: its type, and the registered claims about
 * audience and time.
 */
#ifndef S2S_JWT_H
#define S2S_JWT_H

#include "jws.h"

#include <stdint.h>

/* Whether the header's `typ` is `expected`. Media types compare without regard to case, and "application/" may be left
 * out (RFC 7515 section 4.1.9). */
bool s2s_jwt_has_typ(const struct s2s_jws *jws, const char *expected);

/* Whether the member `name` of `claims` is the string `expected`. */
bool s2s_jwt_equals(const struct json_object *claims, const char *name, const char *expected);

/* Whether `aud` is `expected`, or an array that has it (RFC 7519 section 4.1.3). */
bool s2s_jwt_has_audience(const struct json_object *claims, const char *expected);

enum s2s_date { S2S_DATE_ABSENT, S2S_DATE_BAD, S2S_DATE_GOOD };

/* The NumericDate `name` (RFC 7519 section 2) in whole seconds since the epoch. Its fraction is cut off, and what lies
 * beyond the range saturates. S2S_DATE_BAD: not a number, or before the epoch. */
enum s2s_date s2s_jwt_date(const struct json_object *claims, const char *name, int64_t *seconds);

/* That `exp` has not passed, and neither `nbf` nor `iat` is to come, each when present, give or take `leeway` seconds
 * (RFC 7519 sections 4.1.4 to 4.1.6). S2S_STALE, or S2S_MALFORMED for one that is no date. */
S2S_MUST_CHECK struct s2s_result s2s_jwt_check_times(const struct json_object *claims, int64_t now, int64_t leeway);

#endif
