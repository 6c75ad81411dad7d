/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a request of the operators' API before its SQL function runs. The database learns the role of whoever
 * asks, for the audit ledger, and nothing personal: subjects become pseudonyms, and what is to be kept is sealed.
 */
#include "gateway/admin/api.h"
#include "gateway/admin/api_messages.h"
#include "gateway/credential/subject.h"
#include "gateway/issuer/claims.h"
#include "gateway/issuer/subjects.h"
#include "gateway/issuer/web_state.h"
#include "proto/states.h"

#include <string.h>

/* ---- the role ---- */

/* The highest of the caller's roles. */
static const char *role_of(const struct gw_api_request *rq)
{
    return (rq->caller.roles & 1u << GW_OPERATOR_OPERATE) != 0  ? "operate"
           : (rq->caller.roles & 1u << GW_OPERATOR_REVIEW) != 0 ? "review"
                                                                : "read";
}

/* The end of the audit ledger is locked last of all, which a batch could not keep to: hence alone. */
void gw_admin_begin(struct gw_api_request *rq)
{
    gw_api_begin(rq);
    rq->call.alone = true;
    gw_db_text(&rq->call, role_of(rq));
}

bool gw_admin_prepare_write(struct gw_api_request *rq)
{
    gw_admin_begin(rq);
    return true;
}

/* A GET that is written to the ledger, for what it shows. */
bool gw_admin_prepare_items(struct gw_api_request *rq)
{
    gw_api_begin(rq);
    rq->call.alone = true;
    gw_db_text(&rq->call, rq->peer);
    gw_db_text(&rq->call, rq->request_id[0] != '\0' ? rq->request_id : rq->token);
    gw_db_text(&rq->call, role_of(rq));
    return true;
}

/* ---- subjects in filters ---- */

/* Put pseudonyms, one for each data key, in the place of the member `subject`. */
static void name_subject_refs(struct gw_api_request *rq, struct json_object *object)
{
    const char *subject = s2s_json_string(object, "subject");
    if (subject == NULL)
        return;
    struct json_object *refs = gw_subject_refs(rq->generation->vault, 0, subject);
    json_object_object_del(object, "subject");
    json_object_object_add(object, "subjectRefs", refs);
}

bool gw_admin_prepare_subject_query(struct gw_api_request *rq)
{
    name_subject_refs(rq, rq->input);
    gw_api_begin(rq);
    return true;
}

bool gw_admin_prepare_bulk(struct gw_api_request *rq)
{
    name_subject_refs(rq, s2s_json_get(rq->body, "filter"));
    gw_admin_begin(rq);
    return true;
}

/* ---- decisions ---- */

/* Add a dataset; `pointer` is where its subject stands. False: the request is refused. */
static bool add_dataset(struct gw_api_request *rq, struct gw_subjects *subjects, const char *configuration,
                        const char *name, const char *pointer)
{
    const struct gw_offering *offering = gw_generation_offering(rq->generation, configuration);
    if (offering == NULL)
        return gw_api_violation(rq, "/decision", "is about a credential configuration that is not configured any more");
    struct gw_subject subject = {.name = name != NULL ? name : offering->config->subject};
    switch (gw_subjects_add(subjects, offering, &subject)) {
    case GW_SUBJECT_ADDED:
        return true;
    case GW_SUBJECT_UNKNOWN:
        return gw_api_violation(rq, pointer, "is nobody of whom the credential configuration has a dataset");
    case GW_SUBJECT_UNSEALED:
        break;
    }
    return gw_api_refuse_internal(rq, "the subject cannot be sealed");
}

static bool add_datasets(struct gw_api_request *rq, struct gw_subjects *subjects, struct json_object *datasets)
{
    for (size_t i = 0; i < json_object_array_length(datasets); ++i) {
        struct json_object *dataset = json_object_array_get_idx(datasets, i);
        const char *pointer = s2s_arena_printf(rq->arena, "/decision/datasets/%zu/subject", i);
        s2s_assert(pointer != NULL);
        if (!add_dataset(rq, subjects, s2s_json_string(dataset, "credentialConfigurationId"),
                         s2s_json_string(dataset, "subject"), pointer))
            return false;
    }
    return true;
}

static bool add_configurations(struct gw_api_request *rq, struct gw_subjects *subjects, struct json_object *ids,
                               const char *subject)
{
    for (size_t i = 0; i < json_object_array_length(ids); ++i)
        if (!add_dataset(rq, subjects, json_object_get_string(json_object_array_get_idx(ids, i)), subject,
                         "/decision/subject"))
            return false;
    return true;
}

/* Gather what the approval names. False: the request is refused. */
static bool read_approval(struct gw_api_request *rq, struct json_object *decision, struct gw_subjects *subjects)
{
    struct json_object *datasets = s2s_json_get(decision, "datasets");
    struct json_object *ids = s2s_json_get(decision, "credentialConfigurationIds");
    const char *subject = s2s_json_string(decision, "subject");
    if (datasets != NULL && (ids != NULL || subject != NULL))
        return gw_api_violation(rq, "/decision/datasets", "cannot stand beside credentialConfigurationIds and subject");
    if (ids == NULL)
        ids = s2s_json_get(rq->loaded, "credentialConfigurationIds");
    gw_subjects_begin(subjects, rq->generation->vault, rq->arena, s2s_json_string(rq->loaded, "sessionId"),
                      json_object_array_length(datasets != NULL ? datasets : ids));
    return datasets != NULL ? add_datasets(rq, subjects, datasets) : add_configurations(rq, subjects, ids, subject);
}

/* Everywhere else strangers are ignored; here a name that is misspelt could approve more than was meant. */
static bool has_strangers(struct gw_api_request *rq, struct json_object *decision)
{
    struct json_object *known = s2s_json_own(rq->arena, s2s_schema_known(&gw_admin_decision, decision));
    return json_object_object_length(known) != json_object_object_length(decision);
}

bool gw_admin_prepare_decision(struct gw_api_request *rq)
{
    struct json_object *decision = s2s_json_get(rq->body, "decision");
    if (has_strangers(rq, decision))
        return gw_api_violation(rq, "/decision", "has a member that no decision has");
    bool approves = strcmp(s2s_json_string(decision, "status"), s2s_verification_status_name(S2S_APPROVED)) == 0;
    struct gw_subjects subjects = {0};
    if (approves && !read_approval(rq, decision, &subjects))
        return false;
    json_object_object_del(decision, "subject");
    json_object_object_del(decision, "datasets");
    gw_admin_begin(rq);
    if (approves) {
        gw_db_text_array(&rq->call, rq->arena, subjects.configuration_ids, subjects.count);
        gw_db_text_array(&rq->call, rq->arena, subjects.refs, subjects.count);
        gw_db_text_array(&rq->call, rq->arena, subjects.sealed, subjects.count);
        gw_db_text(&rq->call, gw_subjects_aliases(&subjects));
    } else {
        for (int i = 0; i < 4; ++i)
            gw_db_text(&rq->call, NULL);
    }
    return true;
}

/* ---- data ---- */

/* Take members out of the body that the database is not to see. */
static void keep_from_database(struct gw_api_request *rq, const char *const *members)
{
    for (; *members != NULL; ++members)
        json_object_object_del(rq->body, *members);
}

bool gw_admin_prepare_web_result(struct gw_api_request *rq)
{
    static const char *const secret[] = {"state", "result", NULL};
    const struct gw_limits_config *limits = &rq->generation->config->limits;
    struct gw_web_state state;
    struct s2s_bytes sealed;
    if (s2s_failed(gw_web_state_open(rq->generation->vault, rq->arena, s2s_json_string(rq->body, "state"), &state)))
        return gw_api_violation(rq, "/state", "is none of this gateway's");
    bool success = strcmp(s2s_json_string(rq->body, "outcome"), "SUCCESS") == 0;
    const char *item = gw_web_item(rq->arena, state.item_id, success, s2s_json_get(rq->body, "result"));
    if (item == NULL || s2s_failed(gw_vault_seal(rq->generation->vault, rq->arena, state.session_id,
                                                 s2s_bytes(item, strlen(item)), &sealed)))
        return gw_api_refuse_internal(rq, "the result cannot be sealed");
    keep_from_database(rq, secret);
    rq->order_key = state.session_id;
    gw_admin_begin(rq);
    gw_db_text(&rq->call, state.verification_id);
    gw_db_text(&rq->call, state.item_id);
    gw_db_bytes(&rq->call, sealed.data, sealed.len);
    gw_db_integer(&rq->call, rq->arena, limits->max_submissions);
    gw_db_integer(&rq->call, rq->arena, (int64_t)limits->max_verification_data);
    return true;
}

bool gw_admin_prepare_dataset(struct gw_api_request *rq)
{
    static const char *const secret[] = {"claims", NULL};
    struct json_object *claims = s2s_json_get(rq->body, "claims");
    const char *fault = gw_claims_fault(claims), *instance_id = s2s_json_string(rq->input, "credentialInstanceId");
    struct s2s_bytes sealed;
    if (fault != NULL)
        return gw_api_violation(rq, "/claims", fault);
    if (s2s_failed(gw_claims_seal(rq->generation->vault, rq->arena, instance_id, claims, &sealed)))
        return gw_api_refuse_internal(rq, "the claims cannot be sealed");
    keep_from_database(rq, secret);
    gw_admin_begin(rq);
    gw_db_bytes(&rq->call, sealed.data, sealed.len);
    return true;
}
