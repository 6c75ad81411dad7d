/* SPDX-License-Identifier: Apache-2.0
 *
 * What was submitted, opened. The plaintext of verification data exists only in the job's arena, which is wiped when
 * the job ends, and in json-c trees, which are freed with it.
 */
#include "gateway/clock.h"
#include "gateway/issuer/evaluation.h"
#include "proto/wsk.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32

/* Columns of s2s.evaluations_claim, in the order of the statement. */
enum column {
    JOB,
    JOB_ATTEMPTS,
    SESSION,
    VERIFICATION,
    PEER,
    WSK,
    CONFIGURATIONS,
    DEVICES,
    ATTEMPTS,
    DATA_SEQ,
    CLIENT,
    SERVER,
    LANE,
    POSTPONED,
    WSK_THUMBPRINT,
    ATTESTATION,
    LOCALE,
    SUPPORTED_TYPES,
    ISSUER,
    CLIENT_SEQ,
    SERVER_SEQ,
    ISSUER_SEQ,
    PREVIOUS
};

static void release_jwk(void *jwk)
{
    s2s_jwk_free(jwk);
}

/* ---- items ---- */

static struct s2s_result grow(struct gw_evaluation *e)
{
    size_t capacity = e->item_capacity > 0 ? e->item_capacity * 2 : 16;
    struct gw_item *grown = s2s_arena_alloc(e->job->arena, capacity * sizeof(*grown));
    if (grown == NULL)
        return s2s_fail(S2S_LIMIT, "the submissions are too large");
    if (e->item_capacity > 0)
        memcpy(grown, e->items, e->item_capacity * sizeof(*grown));
    e->items = grown;
    e->item_capacity = capacity;
    return s2s_ok();
}

/* Submissions come oldest first: a newer one of an (id, origin) replaces the older ones. */
static struct s2s_result put_item(struct gw_evaluation *e, struct json_object *json, enum gw_item_origin origin,
                                  unsigned seq)
{
    struct gw_item new = {s2s_json_string(json, "id"), s2s_json_string(json, "type"), origin, seq, json};
    if (new.id == NULL || new.type == NULL)
        return s2s_fail(S2S_MALFORMED, "a stored item has no id or type");
    size_t i = 0, count = e->context.item_count;
    while (i < count && (e->items[i].origin != origin || strcmp(e->items[i].id, new.id) != 0))
        ++i;
    if (i == e->item_capacity)
        S2S_TRY(grow(e));
    e->items[i] = new;
    if (i == count)
        ++e->context.item_count;
    return s2s_ok();
}

/* ---- where they are stored ---- */

/* Values of one origin, each with the submission that brought it. */
struct stored {
    char **values, **seqs;
    size_t count;
};

static struct s2s_result read_texts(struct gw_evaluation *e, const char *literal, char ***texts, size_t *count)
{
    *count = 0;
    if (literal != NULL && !gw_db_read_array(e->job->arena, literal, texts, count))
        return s2s_fail(S2S_MALFORMED, "a stored submission cannot be read");
    return s2s_ok();
}

static struct s2s_result read_stored(struct gw_evaluation *e, const PGresult *result, int row, enum column values,
                                     enum column seqs, struct stored *out)
{
    size_t seq_count;
    S2S_TRY(read_texts(e, gw_db_column(result, row, values), &out->values, &out->count));
    S2S_TRY(read_texts(e, gw_db_column(result, row, seqs), &out->seqs, &seq_count));
    return seq_count == out->count ? s2s_ok() : s2s_fail(S2S_MALFORMED, "a stored submission cannot be read");
}

static unsigned seq_of(const struct stored *stored, size_t i)
{
    return (unsigned)strtoul(stored->seqs[i], NULL, 10);
}

static struct s2s_result open_client_payloads(struct gw_evaluation *e, const struct stored *stored)
{
    struct gw_job *job = e->job;
    const struct gw_issuer_config *issuer = &job->generation->config->issuer;
    struct s2s_wsk_context ctx = {.issuer = issuer->identifier,
                                  .session_id = e->context.session_id,
                                  .verification_id = e->context.verification_id,
                                  .wsk = e->wsk,
                                  .issuer_keys = &job->generation->issuer_keys,
                                  .now = e->context.now,
                                  .iat_window = issuer->iat_window_s};
    for (size_t i = 0; i < stored->count; ++i) {
        struct json_object *payload, *item;
        const char *text = stored->values[i];
        S2S_TRY(s2s_json_parse(job->arena, text, strlen(text), MAX_DEPTH, &payload));
        S2S_TRY(s2s_wsk_open_payload(job->arena, &ctx, payload, &item));
        S2S_TRY(put_item(e, item, GW_FROM_CLIENT, seq_of(stored, i)));
    }
    return s2s_ok();
}

static struct s2s_result open_blob(struct gw_evaluation *e, const char *bytea, struct json_object **out)
{
    struct s2s_bytes sealed, plain;
    if (!gw_db_read_bytes(e->job->arena, bytea, &sealed))
        return s2s_fail(S2S_LIMIT, "the submissions are too large");
    S2S_TRY(gw_vault_open(e->job->generation->vault, e->job->arena, e->context.session_id, sealed, &plain));
    return s2s_json_parse(e->job->arena, (const char *)plain.data, plain.len, MAX_DEPTH, out);
}

static void add_assessments(struct gw_evaluation *e, struct json_object *list)
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    if (count > 0 && e->input.assessments == NULL)
        e->input.assessments = s2s_json_own(e->job->arena, json_object_new_array());
    for (size_t i = 0; i < count; ++i)
        json_object_array_add(e->input.assessments, json_object_get(json_object_array_get_idx(list, i)));
}

static struct s2s_result open_server_items(struct gw_evaluation *e, const struct stored *stored)
{
    for (size_t i = 0; i < stored->count; ++i) {
        struct json_object *data;
        S2S_TRY(open_blob(e, stored->values[i], &data));
        struct json_object *items = s2s_json_get(data, "items");
        for (size_t j = 0; items != NULL && j < json_object_array_length(items); ++j)
            S2S_TRY(put_item(e, json_object_array_get_idx(items, j), GW_FROM_SERVER, seq_of(stored, i)));
        add_assessments(e, s2s_json_get(data, "assessments"));
    }
    return s2s_ok();
}

static struct s2s_result open_issuer_items(struct gw_evaluation *e, const struct stored *stored)
{
    for (size_t i = 0; i < stored->count; ++i) {
        struct json_object *item;
        S2S_TRY(open_blob(e, stored->values[i], &item));
        S2S_TRY(put_item(e, item, GW_FROM_ISSUER, seq_of(stored, i)));
    }
    return s2s_ok();
}

static struct s2s_result open_submissions(struct gw_evaluation *e, const PGresult *result, int row)
{
    struct stored client, server, issuer;
    S2S_TRY(read_stored(e, result, row, CLIENT, CLIENT_SEQ, &client));
    S2S_TRY(read_stored(e, result, row, SERVER, SERVER_SEQ, &server));
    S2S_TRY(read_stored(e, result, row, ISSUER, ISSUER_SEQ, &issuer));
    S2S_TRY(open_client_payloads(e, &client));
    S2S_TRY(open_server_items(e, &server));
    S2S_TRY(open_issuer_items(e, &issuer));
    e->context.items = e->items;
    return s2s_ok();
}

/* ---- the rest of the row ---- */

static const char *copy(struct gw_job *job, const char *text)
{
    if (text == NULL)
        return NULL;
    char *kept = s2s_arena_strndup(job->params, text, strlen(text));
    s2s_assert(kept != NULL);
    return kept;
}

/* Who decides is a matter of the configuration, which may be another one than when the verification was opened. */
static struct s2s_result find_configurations(struct gw_evaluation *e, const char *literal)
{
    char **ids;
    size_t count;
    S2S_TRY(read_texts(e, literal, &ids, &count));
    const struct gw_credential_config **found = s2s_arena_alloc(e->job->params, (count + 1) * sizeof(*found));
    s2s_assert(found != NULL && count > 0);
    for (size_t i = 0; i < count; ++i) {
        const struct gw_offering *offering = gw_generation_offering(e->job->generation, ids[i]);
        if (offering == NULL)
            return s2s_fail(S2S_UNSUPPORTED, "a credential configuration is not in the configuration file any more");
        found[i] = offering->config;
        e->mixed = e->mixed || !gw_decided_alike(found[0], found[i]);
    }
    e->backend = found[0]->decision_backend;
    e->input.configurations = found;
    e->input.configuration_count = count;
    return s2s_ok();
}

static struct s2s_result read_wsk(struct gw_evaluation *e, const char *text)
{
    struct json_object *json;
    S2S_TRY(s2s_json_parse(e->job->arena, text, strlen(text), 8, &json));
    S2S_TRY(s2s_jwk_parse_public(json, &e->wsk));
    s2s_arena_defer(e->job->arena, release_jwk, e->wsk);
    return s2s_ok();
}

static struct s2s_result read_supported_types(struct gw_evaluation *e, const char *literal)
{
    char **types;
    size_t count;
    S2S_TRY(read_texts(e, literal, &types, &count));
    if (literal == NULL)
        return s2s_ok();
    e->input.supported_types = s2s_json_own(e->job->arena, json_object_new_array());
    for (size_t i = 0; i < count; ++i)
        json_object_array_add(e->input.supported_types, json_object_new_string(types[i]));
    return s2s_ok();
}

struct s2s_result gw_evaluation_gather(struct gw_evaluation *e, const PGresult *result, int row)
{
    struct gw_job *job = e->job;
    e->context = (struct gw_item_context){
        .arena = job->arena,
        .generation = job->generation,
        .peer = copy(job, PQgetvalue(result, row, PEER)),
        .session_id = copy(job, PQgetvalue(result, row, SESSION)),
        .verification_id = copy(job, PQgetvalue(result, row, VERIFICATION)),
        .now = gw_now_s(),
    };
    e->input = (struct gw_decision_input){
        .context = &e->context,
        .attempts = (unsigned)atoi(PQgetvalue(result, row, ATTEMPTS)),
        .requested_device_count = (unsigned)atoi(PQgetvalue(result, row, DEVICES)),
        .data_seq = copy(job, PQgetvalue(result, row, DATA_SEQ)),
        .wsk_thumbprint = copy(job, PQgetvalue(result, row, WSK_THUMBPRINT)),
        .attestation = copy(job, PQgetvalue(result, row, ATTESTATION)),
        .locale = copy(job, gw_db_column(result, row, LOCALE)),
        .previous_verification_id = copy(job, gw_db_column(result, row, PREVIOUS)),
    };
    e->lane = copy(job, PQgetvalue(result, row, LANE));
    e->postponed = atoi(PQgetvalue(result, row, POSTPONED));
    job->order_key = e->context.session_id;
    S2S_TRY(find_configurations(e, PQgetvalue(result, row, CONFIGURATIONS)));
    S2S_TRY(read_wsk(e, PQgetvalue(result, row, WSK)));
    S2S_TRY(read_supported_types(e, gw_db_column(result, row, SUPPORTED_TYPES)));
    return open_submissions(e, result, row);
}
