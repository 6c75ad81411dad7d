/* SPDX-License-Identifier: Apache-2.0
 *
 * From a row of s2s.evaluations_claim to what is decided on.
 */
#include "gateway/clock.h"
#include "gateway/issuer/evaluation.h"
#include "gateway/issuer/submissions.h"

#include <stdlib.h>
#include <string.h>

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
    PREVIOUS,
    FETCHES
};

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

/* Add what one origin gave: texts as they came, or blobs, which are sealed. */
static struct s2s_result open_texts(struct gw_submissions *submissions, const struct stored *stored)
{
    for (size_t i = 0; i < stored->count; ++i)
        S2S_TRY(gw_submissions_add_client(submissions, stored->values[i], seq_of(stored, i)));
    return s2s_ok();
}

static struct s2s_result open_blobs(struct gw_submissions *submissions, const struct stored *stored,
                                    struct s2s_result (*add)(struct gw_submissions *, struct s2s_bytes, unsigned))
{
    for (size_t i = 0; i < stored->count; ++i) {
        struct s2s_bytes sealed;
        if (!gw_db_read_bytes(submissions->arena, stored->values[i], &sealed))
            return s2s_fail(S2S_LIMIT, "the submissions are too large");
        S2S_TRY(add(submissions, sealed, seq_of(stored, i)));
    }
    return s2s_ok();
}

static struct s2s_result open_submissions(struct gw_evaluation *e, const PGresult *result, int row)
{
    struct stored client, server, issuer;
    struct gw_submissions submissions = {
        .arena = e->job->arena,
        .generation = e->job->generation,
        .session_id = e->context.session_id,
        .verification_id = e->context.verification_id,
        .now = e->context.now,
    };
    S2S_TRY(gw_submissions_set_wsk(&submissions, PQgetvalue(result, row, WSK)));
    S2S_TRY(read_stored(e, result, row, CLIENT, CLIENT_SEQ, &client));
    S2S_TRY(read_stored(e, result, row, SERVER, SERVER_SEQ, &server));
    S2S_TRY(read_stored(e, result, row, ISSUER, ISSUER_SEQ, &issuer));
    S2S_TRY(open_texts(&submissions, &client));
    S2S_TRY(open_blobs(&submissions, &server, gw_submissions_add_server));
    S2S_TRY(open_blobs(&submissions, &issuer, gw_submissions_add_issuer));
    e->context.items = submissions.items;
    e->context.item_count = submissions.count;
    e->input.assessments = submissions.assessments;
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
    e->fetches = atoi(PQgetvalue(result, row, FETCHES));
    job->order_key = e->context.session_id;
    S2S_TRY(find_configurations(e, PQgetvalue(result, row, CONFIGURATIONS)));
    S2S_TRY(read_supported_types(e, gw_db_column(result, row, SUPPORTED_TYPES)));
    return open_submissions(e, result, row);
}
