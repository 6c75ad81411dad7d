/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <string.h>
#include <strings.h>

bool s2s_jwt_has_typ(const struct s2s_jws *jws, const char *expected)
{
    static const char prefix[] = "application/";
    const char *typ = s2s_json_string(jws->header, "typ");
    if (typ == NULL)
        return false;
    if (strncasecmp(typ, prefix, sizeof prefix - 1) == 0)
        typ += sizeof prefix - 1;
    return strcasecmp(typ, expected) == 0;
}

bool s2s_jwt_equals(const struct json_object *claims, const char *name, const char *expected)
{
    const char *value = s2s_json_string(claims, name);
    return value != NULL && strcmp(value, expected) == 0;
}

bool s2s_jwt_has_audience(const struct json_object *claims, const char *expected)
{
    struct json_object *aud = s2s_json_get(claims, "aud");
    if (!json_object_is_type(aud, json_type_array))
        return s2s_jwt_equals(claims, "aud", expected);
    for (size_t i = 0; i < json_object_array_length(aud); i++) {
        struct json_object *one = json_object_array_get_idx(aud, i);
        if (json_object_is_type(one, json_type_string) && strcmp(json_object_get_string(one), expected) == 0)
            return true;
    }
    return false;
}

enum s2s_date s2s_jwt_date(const struct json_object *claims, const char *name, int64_t *seconds)
{
    struct json_object *date = NULL;
    if (!json_object_object_get_ex(claims, name, &date))
        return S2S_DATE_ABSENT;
    if (!json_object_is_type(date, json_type_int) && !json_object_is_type(date, json_type_double))
        return S2S_DATE_BAD;
    *seconds = json_object_get_int64(date);
    return *seconds >= 0 ? S2S_DATE_GOOD : S2S_DATE_BAD;
}

struct s2s_result s2s_jwt_check_times(const struct json_object *claims, int64_t now, int64_t leeway)
{
    static const struct {
        const char *name;
        bool is_end;
        const char *detail;
    } rows[] = {
        {"exp", true, "the JWT has expired"},
        {"nbf", false, "the JWT is not valid yet"},
        {"iat", false, "the JWT was issued in the future"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = 0;
        enum s2s_date date = s2s_jwt_date(claims, rows[i].name, &seconds);
        if (date == S2S_DATE_BAD)
            return s2s_fail(S2S_MALFORMED, "exp, nbf or iat is not a date");
        /* The leeway goes to the side of now: a date may be the largest integer. */
        if (date == S2S_DATE_GOOD && (rows[i].is_end ? seconds <= now - leeway : seconds > now + leeway))
            return s2s_fail(S2S_STALE, rows[i].detail);
    }
    return s2s_ok();
}
