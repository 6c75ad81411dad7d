/* SPDX-License-Identifier: Apache-2.0 */
#include "statuslist.h"

#include "b64.h"
#include "inflate.h"
#include "jwt.h"

#include <string.h>

struct s2s_result s2s_status_reference(const struct json_object *status, struct s2s_status_reference *out)
{
    struct json_object *list = s2s_json_get(status, "status_list");
    if (list == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the status is not in a status list");
    struct json_object *index = s2s_json_get(list, "idx");
    out->uri = s2s_json_string(list, "uri");
    if (out->uri == NULL || !json_object_is_type(index, json_type_int) || json_object_get_int64(index) < 0)
        return s2s_fail(S2S_MALFORMED, "the status needs idx and uri");
    out->index = json_object_get_uint64(index);
    return s2s_ok();
}

static struct s2s_result read_list(struct s2s_arena *arena, const struct s2s_statuslist_limits *limits,
                                   const struct json_object *list, struct s2s_statuslist *out)
{
    struct json_object *bits = s2s_json_get(list, "bits"), *lst = s2s_json_get(list, "lst");
    if (!json_object_is_type(bits, json_type_int) || !json_object_is_type(lst, json_type_string))
        return s2s_fail(S2S_MALFORMED, "a status list needs bits and lst");
    int64_t count = json_object_get_int64(bits);
    if (count != 1 && count != 2 && count != 4 && count != 8)
        return s2s_fail(S2S_MALFORMED, "a status has 1, 2, 4 or 8 bits");
    out->bits = (unsigned)count;
    struct s2s_bytes deflated;
    S2S_TRY(s2s_b64_decode(arena, json_object_get_string(lst), (size_t)json_object_get_string_len(lst), &deflated));
    return s2s_inflate(arena, deflated, limits->inflated, &out->statuses);
}

static struct s2s_result read_times(const struct json_object *claims, int64_t now, int64_t leeway,
                                    struct s2s_statuslist *out)
{
    S2S_TRY(s2s_jwt_check_times(claims, now, leeway));
    if (s2s_jwt_date(claims, "iat", &out->issued_at) != S2S_DATE_GOOD)
        return s2s_fail(S2S_MALFORMED, "the status list has no iat");
    if (s2s_jwt_date(claims, "exp", &out->expires_at) == S2S_DATE_ABSENT)
        out->expires_at = INT64_MAX;
    /* A duration in seconds, that may have a fraction as a date may. */
    enum s2s_date ttl = s2s_jwt_date(claims, "ttl", &out->ttl);
    if (ttl == S2S_DATE_ABSENT)
        out->ttl = 0;
    return ttl != S2S_DATE_BAD ? s2s_ok() : s2s_fail(S2S_MALFORMED, "the status list's ttl is not a positive number");
}

struct s2s_result s2s_statuslist_open(struct s2s_arena *arena, const struct s2s_trust *trust,
                                      const struct s2s_statuslist_limits *limits, const char *uri, int64_t now,
                                      int64_t leeway, const char *text, size_t len, struct s2s_statuslist *out)
{
    static const char *const types[] = {"statuslist+jwt", NULL};
    if (len > limits->octets)
        return s2s_fail(S2S_LIMIT, "the status list is too long");
    struct s2s_x5c_jwt jwt;
    S2S_TRY(s2s_x5c_open_jwt(arena, trust, text, len, types, now, &jwt));
    if (!s2s_jwt_equals(jwt.claims, "sub", uri))
        return s2s_fail(S2S_MISMATCH, "the status list is of another URI");
    S2S_TRY(read_times(jwt.claims, now, leeway, out));
    S2S_TRY(s2s_x5c_subject(arena, &jwt.signer, &out->issuer));
    return read_list(arena, limits, s2s_json_get(jwt.claims, "status_list"), out);
}

/* Statuses fill an octet from its least significant bit on. */
struct s2s_result s2s_statuslist_at(const struct s2s_statuslist *list, uint64_t index, uint8_t *status)
{
    unsigned per_octet = 8 / list->bits;
    if (index / per_octet >= list->statuses.len)
        return s2s_fail(S2S_MISMATCH, "the status list ends before the index");
    unsigned shift = (unsigned)(index % per_octet) * list->bits;
    *status = (uint8_t)(list->statuses.data[index / per_octet] >> shift & ((1u << list->bits) - 1));
    return s2s_ok();
}
