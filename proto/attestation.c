/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation.h"

#include "jwt.h"

#include <string.h>

enum kind { KEY_ATTESTATION, CHAIN };

/* The forms that are understood: a member beside this proof_type (NULL: beside none). */
static const struct form {
    const char *proof_type, *member;
    enum kind kind;
} forms[] = {
    {"attestation", "jwt", KEY_ATTESTATION},
    {"attestation", "attestation", KEY_ATTESTATION},
    {NULL, "attestation", KEY_ATTESTATION},
    {"x5c", "x5c", CHAIN},
    {NULL, "x5c", CHAIN},
};

static bool has_form(const struct json_object *attestation, const struct form *form)
{
    bool same_type = form->proof_type != NULL ? s2s_jwt_equals(attestation, "proof_type", form->proof_type)
                                              : s2s_json_get(attestation, "proof_type") == NULL;
    return same_type && s2s_json_get(attestation, form->member) != NULL;
}

static const struct form *form_of(const struct json_object *attestation)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (has_form(attestation, &forms[i]))
            return &forms[i];
    }
    return NULL;
}

static struct s2s_result find_key(const struct s2s_attestation_policy *policy, const struct json_object *keys,
                                  const struct s2s_jwk *key)
{
    if (!json_object_is_type(keys, json_type_array) || json_object_array_length(keys) == 0)
        return s2s_fail(S2S_MALFORMED, "the attestation has no attested_keys");
    if (json_object_array_length(keys) > policy->max_keys)
        return s2s_fail(S2S_LIMIT, "the attestation has too many keys");
    for (size_t i = 0; i < json_object_array_length(keys); i++) {
        if (s2s_jwk_is(json_object_array_get_idx(keys, i), key)) /* some may be of kinds that we cannot read */
            return s2s_ok();
    }
    return s2s_fail(S2S_MISMATCH, "the attestation is of other keys");
}

/* OpenID4VCI 1.0 appendix D.1. */
static struct s2s_result check_claims(const struct s2s_attestation_policy *policy, const struct json_object *claims,
                                      const struct s2s_jwk *key, const char *nonce, int64_t now)
{
    int64_t iat;
    if (s2s_jwt_date(claims, "iat", &iat) != S2S_DATE_GOOD)
        return s2s_fail(S2S_MALFORMED, "the attestation has no iat");
    S2S_TRY(s2s_jwt_check_times(claims, now, policy->leeway));
    if (nonce != NULL && !s2s_jwt_equals(claims, "nonce", nonce))
        return s2s_fail(S2S_MISMATCH, "the attestation has another nonce");
    return find_key(policy, s2s_json_get(claims, "attested_keys"), key);
}

/* A string, or an array of one. */
static struct json_object *only_string(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 1)
        value = json_object_array_get_idx(value, 0);
    return json_object_is_type(value, json_type_string) ? value : NULL;
}

static struct s2s_result check_jwt(struct s2s_arena *arena, const struct s2s_attestation_policy *policy,
                                   struct json_object *value, const struct s2s_jwk *key, const char *nonce, int64_t now,
                                   struct s2s_attestation *out)
{
    static const char *const types[] = {"key-attestation+jwt", NULL};
    struct json_object *text = only_string(value);
    if (text == NULL)
        return s2s_fail(S2S_MALFORMED, "the attestation is not one JWT");
    struct s2s_x5c_jwt jwt;
    S2S_TRY(s2s_x5c_open_jwt(arena, policy->trust, json_object_get_string(text),
                             (size_t)json_object_get_string_len(text), types, now, &jwt));
    S2S_TRY(check_claims(policy, jwt.claims, key, nonce, now));
    out->claims = jwt.claims;
    return s2s_x5c_subject(arena, &jwt.signer, &out->issuer);
}

static struct s2s_result check_chain(struct s2s_arena *arena, const struct s2s_attestation_policy *policy,
                                     const struct json_object *x5c, const struct s2s_jwk *key, int64_t now,
                                     struct s2s_attestation *out)
{
    struct s2s_x5c chain;
    S2S_TRY(s2s_x5c_validate(arena, policy->trust, x5c, now, &chain));
    if (strcmp(s2s_jwk_thumbprint(chain.key), s2s_jwk_thumbprint(key)) != 0)
        return s2s_fail(S2S_MISMATCH, "the certificate is of another key");
    return s2s_x5c_subject(arena, &chain, &out->issuer);
}

struct s2s_result s2s_attestation_check(struct s2s_arena *arena, const struct s2s_attestation_policy *policy,
                                        const struct json_object *key_data, const struct s2s_jwk *key,
                                        const char *nonce, int64_t now, struct s2s_attestation *out)
{
    struct json_object *attestation = s2s_json_get(key_data, "attestation");
    const struct form *form = form_of(attestation);
    if (form == NULL) {
        *out =
            (struct s2s_attestation){S2S_ATTESTATION_ABSENT, "there is no attestation that is understood", NULL, NULL};
        return s2s_ok();
    }
    struct json_object *value = s2s_json_get(attestation, form->member);
    struct s2s_attestation found = {.verdict = S2S_ATTESTATION_VERIFIED};
    struct s2s_result r = form->kind == CHAIN ? check_chain(arena, policy, value, key, now, &found)
                                              : check_jwt(arena, policy, value, key, nonce, now, &found);
    if (r.code == S2S_INTERNAL)
        return r;
    *out = s2s_failed(r) ? (struct s2s_attestation){S2S_ATTESTATION_INVALID, r.detail, NULL, NULL} : found;
    return s2s_ok();
}

const char *s2s_attestation_verdict_name(enum s2s_attestation_verdict verdict)
{
    static const char *const names[] = {[S2S_ATTESTATION_ABSENT] = "ABSENT",
                                        [S2S_ATTESTATION_VERIFIED] = "VERIFIED",
                                        [S2S_ATTESTATION_INVALID] = "INVALID"};
    return names[verdict];
}
