/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/claims.h"

#include "gateway/credential/subject.h"
#include "gateway/log.h"

#include <string.h>

/* ---- what claims look like ---- */

static const struct s2s_field dataset_fields[] = {
    {.name = "version",
     .type = S2S_STRING,
     .flags = S2S_REQUIRED,
     .format = S2S_TOKEN,
     .max = 64,
     .doc = "credentialVersion: another one whenever the claims change. The wallet sees it, so it must tell nothing of "
            "them."},
    {.name = "claims", .type = S2S_OBJECT, .flags = S2S_REQUIRED, .doc = "The claims by name."},
    {.name = "validUntil",
     .type = S2S_STRING,
     .format = S2S_DATE_TIME,
     .doc = "No credential made from these claims is valid for longer. Left out: no bound."},
};
const struct s2s_schema gw_dataset_schema = {
    .name = "Dataset",
    .doc = "What a credential is made of.",
    .fields = dataset_fields,
    .count = sizeof(dataset_fields) / sizeof(dataset_fields[0]),
};

const char *gw_claims_fault(struct json_object *claims)
{
    json_object_object_foreach(claims, name, value)
    {
        if (gw_claim_is_reserved(name))
            return "sets a claim that the gateway sets";
        if (gw_dataset_imitates_digests(value))
            return "has a member \"_sd\" or \"...\" inside of a claim, which verifiers would take for digests";
    }
    return NULL;
}

/* ---- at hand ---- */

static void complain(const struct gw_claims_instance *instance, const char *reason)
{
    gw_log(GW_LOG_ERROR, "claims_missing", GW_S("configuration", instance->offering->config->id),
           GW_S("instance", instance->instance_id), GW_S("reason", reason));
}

static bool find_in_file(const struct gw_claims_instance *instance, struct gw_claims *out)
{
    struct gw_dataset_entry entry;
    if (instance->offering->dataset == NULL || instance->subject_ref == NULL ||
        !gw_dataset_find(instance->offering->dataset, instance->subject_ref, &entry))
        return false;
    *out = (struct gw_claims){.claims = entry.claims, .version = entry.version};
    return true;
}

/* Whether there is pushed data; what cannot be opened is an operator's trouble, and no reason to make something else of
 * it. */
static bool find_pushed(const struct gw_generation *generation, struct s2s_arena *arena,
                        const struct gw_claims_instance *instance, int64_t now, struct gw_claims *out)
{
    struct s2s_bytes plain;
    int64_t valid_until = instance->pushed_valid_until_ms / 1000;
    if (instance->pushed_version == NULL || (valid_until != 0 && valid_until <= now))
        return false;
    *out = (struct gw_claims){.version = instance->pushed_version, .valid_until = valid_until};
    struct s2s_result r =
        gw_vault_open(generation->vault, arena, instance->instance_id, instance->pushed_sealed, &plain);
    if (!s2s_failed(r))
        r = s2s_json_parse(arena, (const char *)plain.data, plain.len, generation->config->limits.max_depth,
                           &out->claims);
    if (s2s_failed(r)) {
        complain(instance, r.detail);
        out->end = GW_CLAIMS_FAILED;
    }
    return true;
}

bool gw_claims_at_hand(const struct gw_generation *generation, struct s2s_arena *arena,
                       const struct gw_claims_instance *instance, int64_t now, struct gw_claims *out)
{
    if (find_pushed(generation, arena, instance, now, out) || find_in_file(instance, out))
        return true;
    if (instance->offering->config->dataset_backend != NULL)
        return false;
    complain(instance, "the dataset of this subject is gone");
    *out = (struct gw_claims){.end = GW_CLAIMS_FAILED};
    return true;
}

/* ---- from the backend ---- */

static bool add_subject(const struct gw_generation *generation, struct s2s_arena *arena,
                        const struct gw_claims_instance *instance, struct json_object *data)
{
    const char *subject;
    if (instance->subject_sealed.len == 0)
        return true;
    struct s2s_result r =
        gw_subject_open(generation->vault, arena, instance->session_id, instance->subject_sealed, &subject);
    if (s2s_failed(r)) {
        complain(instance, r.detail);
        return false;
    }
    s2s_json_set_string(data, "subject", subject);
    return true;
}

bool gw_claims_question(const struct gw_generation *generation, struct s2s_arena *arena,
                        const struct gw_claims_instance *instance, struct gw_backend_ask *out)
{
    const struct gw_credential_config *config = instance->offering->config;
    struct json_object *data = s2s_json_own(arena, json_object_new_object());
    *out = (struct gw_backend_ask){
        .arena = arena, .type = "dataset.get", .data = data, .schema = &gw_dataset_schema, .may_wait = true};
    bool found = gw_backend_find(generation, config->dataset_backend, &out->backend);
    s2s_assert(found); /* the configuration was checked */
    s2s_json_set_string(data, "sessionId", instance->session_id);
    s2s_json_set_string(data, "verificationId", instance->verification_id);
    s2s_json_set_string(data, "credentialInstanceId", instance->instance_id);
    s2s_json_set_string(data, "credentialConfigurationId", config->id);
    if (instance->credential_version != NULL)
        s2s_json_set_string(data, "currentVersion", instance->credential_version);
    return add_subject(generation, arena, instance, data);
}

/* Why claims that match the schema cannot be used, or NULL. */
static const char *fault_of(const struct gw_claims *claims, bool bounded, int64_t now)
{
    if (bounded && claims->valid_until <= now)
        return "has a validUntil that has passed";
    return gw_claims_fault(claims->claims);
}

void gw_claims_read(const struct gw_backend_ask *ask, const struct gw_backend_answer *answer, int64_t now,
                    struct gw_claims *out)
{
    *out = (struct gw_claims){.end = answer->end == GW_BACKEND_NOT_YET ? GW_CLAIMS_NOT_YET : GW_CLAIMS_FAILED};
    if (answer->end != GW_BACKEND_ANSWERED)
        return;
    const char *valid_until = s2s_json_string(answer->json, "validUntil");
    out->claims = s2s_json_get(answer->json, "claims");
    out->version = s2s_json_string(answer->json, "version");
    if (valid_until != NULL)
        s2s_assert(s2s_date_time_read(valid_until, strlen(valid_until), &out->valid_until));
    const char *fault = fault_of(out, valid_until != NULL, now);
    if (fault == NULL) {
        out->end = GW_CLAIMS_FOUND;
        return;
    }
    const char *reason = s2s_arena_printf(ask->arena, "its answer %s", fault);
    gw_backend_complain(ask, reason != NULL ? reason : fault);
}

/* ---- pushed ahead ---- */

struct s2s_result gw_claims_seal(const struct gw_vault *vault, struct s2s_arena *arena, const char *instance_id,
                                 struct json_object *claims, struct s2s_bytes *out)
{
    size_t len;
    const char *text = s2s_json_write(arena, claims, &len);
    if (text == NULL)
        return s2s_fail(S2S_LIMIT, "the claims are too large");
    return gw_vault_seal(vault, arena, instance_id, s2s_bytes(text, len), out);
}
