/* SPDX-License-Identifier: Apache-2.0
 *
 * The order is that of RFC 9901 section 7.3: nothing is unpacked before the issuer's signature holds.
 */
#include "sdjwt_vp.h"

#include "jwt.h"
#include "sdjwt_disclosures.h"

#include <string.h>

/* The three parts of a presentation, borrowed from its text. */
struct parts {
    struct s2s_bytes issuer_jwt;
    struct s2s_bytes disclosures; /* each followed by "~" */
    struct s2s_bytes kb_jwt;
    struct s2s_bytes bound; /* what the key binding is over: all before it (section 4.3.1) */
};

static struct s2s_result split(const char *text, size_t len, struct parts *out)
{
    const char *first = memchr(text, '~', len);
    if (first == NULL)
        return s2s_fail(S2S_MALFORMED, "the presentation is not an SD-JWT");
    const char *last = memrchr(text, '~', len), *end = text + len;
    if (last + 1 == end)
        return s2s_fail(S2S_MALFORMED, "the presentation has no key binding");
    out->issuer_jwt = s2s_bytes(text, (size_t)(first - text));
    out->disclosures = s2s_bytes(first + 1, (size_t)(last - first));
    out->kb_jwt = s2s_bytes(last + 1, (size_t)(end - last - 1));
    out->bound = s2s_bytes(text, (size_t)(last + 1 - text));
    return s2s_ok();
}

/* The Issuer is the subject of the certificate (draft-ietf-oauth-sd-jwt-vc, "Issuer Verification Key Discovery and
 * Validation"). What the payload says of itself is believed only where the certificate says it, too: authorities that
 * certify many issuers would otherwise let each speak for all. */
static struct s2s_result name_issuer(struct s2s_arena *arena, const struct s2s_sdjwt_policy *policy,
                                     const struct s2s_x5c_jwt *jwt, const char **issuer)
{
    const char *iss = s2s_json_string(jwt->claims, "iss");
    if (iss == NULL && json_object_object_get_ex(jwt->claims, "iss", NULL))
        return s2s_fail(S2S_MALFORMED, "iss is not a string");
    if (iss != NULL && s2s_x5c_has_name(&jwt->signer, iss)) {
        *issuer = iss;
        return s2s_ok();
    }
    if (iss != NULL && policy->iss_in_certificate)
        return s2s_fail(S2S_MISMATCH, "iss is not a name of the issuer's certificate");
    return s2s_x5c_subject(arena, &jwt->signer, issuer);
}

static bool is_expected_type(const struct s2s_sdjwt_expected *expected, const char *vct)
{
    for (size_t i = 0; vct != NULL && i < expected->vct_count; i++) {
        if (strcmp(expected->vcts[i], vct) == 0)
            return true;
    }
    return false;
}

/* `vct`, or one of the other types that the issuer says it to be (`aka_vcts`). */
static struct s2s_result check_type(const struct s2s_sdjwt_expected *expected, const struct json_object *claims,
                                    const char **vct)
{
    *vct = s2s_json_string(claims, "vct");
    if (*vct == NULL)
        return s2s_fail(S2S_MALFORMED, "the credential has no vct");
    if (is_expected_type(expected, *vct))
        return s2s_ok();
    struct json_object *others = s2s_json_get(claims, "aka_vcts");
    size_t count = json_object_is_type(others, json_type_array) ? json_object_array_length(others) : 0;
    for (size_t i = 0; i < count; i++) {
        struct json_object *other = json_object_array_get_idx(others, i);
        if (json_object_is_type(other, json_type_string) && is_expected_type(expected, json_object_get_string(other)))
            return s2s_ok();
    }
    return s2s_fail(S2S_MISMATCH, "the credential is of another type");
}

static struct s2s_result read_status(const struct json_object *claims, struct json_object **status)
{
    *status = s2s_json_get(claims, "status");
    if (!json_object_is_type(*status, json_type_object) && json_object_object_get_ex(claims, "status", NULL))
        return s2s_fail(S2S_MALFORMED, "the credential's status is not an object");
    return s2s_ok();
}

/* The JWT of the issuer: `dc+sd-jwt`, or the name that drafts before 2025 had. */
static struct s2s_result open_credential(struct s2s_arena *arena, const struct s2s_sdjwt_policy *policy,
                                         const struct s2s_sdjwt_expected *expected, struct s2s_bytes text,
                                         struct s2s_sdjwt_vp *out)
{
    static const char *const types[] = {"dc+sd-jwt", "vc+sd-jwt", NULL};
    struct s2s_x5c_jwt jwt;
    S2S_TRY(s2s_x5c_open_jwt(arena, policy->trust, (const char *)text.data, text.len, types, expected->now, &jwt));
    S2S_TRY(check_type(expected, jwt.claims, &out->vct));
    S2S_TRY(name_issuer(arena, policy, &jwt, &out->issuer));
    S2S_TRY(read_status(jwt.claims, &out->status));
    out->claims = jwt.claims;
    return s2s_ok();
}

/* That the processed payload is valid now and for us (section 7.1, step 6). */
static struct s2s_result check_validity(const struct s2s_sdjwt_policy *policy,
                                        const struct s2s_sdjwt_expected *expected, const struct json_object *claims)
{
    if (json_object_object_get_ex(claims, "aud", NULL) && !s2s_jwt_has_audience(claims, expected->aud))
        return s2s_fail(S2S_MISMATCH, "the credential is for another audience");
    return s2s_jwt_check_times(claims, expected->now, policy->leeway);
}

/* The holder's key: `cnf.jwk` (RFC 7800 section 3.2). */
static struct s2s_result read_holder(struct s2s_arena *arena, const struct json_object *claims,
                                     const struct s2s_jwk **out)
{
    struct json_object *jwk = s2s_json_get(s2s_json_get(claims, "cnf"), "jwk");
    if (jwk == NULL)
        return s2s_fail(S2S_MALFORMED, "the credential is bound to no key");
    struct s2s_jwk *key;
    S2S_TRY(s2s_jwk_parse_public(jwk, &key));
    *out = s2s_jwk_own(arena, key);
    return s2s_jwk_permits(key, S2S_USE_VERIFY) ? s2s_ok() : s2s_fail(S2S_BAD_KEY, "the holder's key may not sign");
}

static struct s2s_result check_age(const struct s2s_sdjwt_policy *policy, const struct json_object *claims, int64_t now)
{
    int64_t iat;
    if (s2s_jwt_date(claims, "iat", &iat) != S2S_DATE_GOOD)
        return s2s_fail(S2S_MALFORMED, "the key binding has no iat");
    if (iat < now - policy->max_age)
        return s2s_fail(S2S_STALE, "the key binding is too old");
    return s2s_jwt_check_times(claims, now, policy->leeway);
}

/* RFC 9901 section 4.3. `aud` is one string there. */
static struct s2s_result check_binding(struct s2s_arena *arena, const struct s2s_sdjwt_policy *policy,
                                       const struct s2s_sdjwt_expected *expected, enum s2s_hash hash,
                                       const struct parts *parts, const struct s2s_jwk *holder)
{
    struct s2s_jws jws;
    struct json_object *claims;
    S2S_TRY(s2s_jws_parse(arena, (const char *)parts->kb_jwt.data, parts->kb_jwt.len, &jws));
    if (!s2s_jwt_has_typ(&jws, "kb+jwt"))
        return s2s_fail(S2S_MISMATCH, "the key binding has another typ");
    S2S_TRY(s2s_jws_verify(&jws, holder));
    S2S_TRY(s2s_jws_payload_json(arena, &jws, &claims));
    S2S_TRY(check_age(policy, claims, expected->now));
    if (!s2s_jwt_equals(claims, "nonce", expected->nonce))
        return s2s_fail(S2S_MISMATCH, "the key binding has another nonce");
    if (!s2s_jwt_equals(claims, "aud", expected->aud))
        return s2s_fail(S2S_MISMATCH, "the key binding is for another verifier");
    char digest[S2S_SDJWT_DIGEST_SIZE];
    S2S_TRY(s2s_sdjwt_digest(hash, parts->bound, digest));
    if (!s2s_jwt_equals(claims, "sd_hash", digest))
        return s2s_fail(S2S_MISMATCH, "the key binding is over other contents");
    return s2s_ok();
}

struct s2s_result s2s_sdjwt_vp_verify(struct s2s_arena *arena, const struct s2s_sdjwt_policy *policy,
                                      const struct s2s_sdjwt_expected *expected, const char *text, size_t len,
                                      struct s2s_sdjwt_vp *out)
{
    s2s_assert(policy->limits.depth <= 32);
    if (len > policy->limits.octets)
        return s2s_fail(S2S_LIMIT, "the presentation is too long");
    struct parts parts;
    enum s2s_hash hash;
    S2S_TRY(split(text, len, &parts));
    S2S_TRY(open_credential(arena, policy, expected, parts.issuer_jwt, out));
    S2S_TRY(s2s_sdjwt_hash(out->claims, &hash));
    S2S_TRY(s2s_sdjwt_disclose(arena, &policy->limits, hash, parts.disclosures, out->claims));
    S2S_TRY(check_validity(policy, expected, out->claims));
    S2S_TRY(read_holder(arena, out->claims, &out->holder));
    return check_binding(arena, policy, expected, hash, &parts, out->holder);
}
