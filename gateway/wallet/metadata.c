/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wallet/metadata.h"

#include "gateway/jobs/answer.h"
#include "gateway/log.h"
#include "gateway/worker.h"
#include "proto/wellknown.h"

#include <string.h>

#define MAX_DEPTH 32
/* How long metadata is used: when the issuer does not say; and however short or long it says, so that it is neither
 * asked all the time nor never again. */
#define DEFAULT_FRESH_S 300
#define LEAST_FRESH_S 10
#define MOST_FRESH_S 86400
/* An issuer that cannot be asked is asked again as after so many attempts, within 30 s, however many there were: until
 * then nothing can be encrypted to it, and to refuse costs it little. */
#define MOST_PATIENCE 3

struct fetch {
    struct gw_job *job;
    const char *identifier;
    const char *headers[3];
    struct gw_outbound_call call;
};

static char *need(char *text)
{
    s2s_assert(text != NULL);
    return text;
}

const char *gw_metadata_path(struct s2s_arena *arena, const char *identifier)
{
    struct s2s_bytes tail = s2s_identifier_path(identifier);
    return need(s2s_arena_printf(arena, "%s%.*s", S2S_WELL_KNOWN_ISSUER, (int)tail.len, (const char *)tail.data));
}

const char *gw_metadata_fault(struct s2s_arena *arena, const char *identifier, const char *text, size_t len)
{
    struct s2s_violations violations = {.count = 0};
    struct json_object *document;
    if (s2s_failed(s2s_json_parse(arena, text, len, MAX_DEPTH, &document)))
        return "the metadata is not JSON";
    if (!s2s_schema_check(arena, &s2s_issuer_metadata, document, &violations))
        return "the metadata does not match its schema";
    /* OpenID4VCI section 12.2.3: or somebody could speak for another issuer. */
    if (strcmp(s2s_json_string(document, "credential_issuer"), identifier) != 0)
        return "the metadata is of another issuer";
    return NULL;
}

int64_t gw_metadata_lifetime_ms(int64_t fresh_s)
{
    int64_t s = fresh_s < 0 ? DEFAULT_FRESH_S : fresh_s;
    return 1000 * (s < LEAST_FRESH_S ? LEAST_FRESH_S : s > MOST_FRESH_S ? MOST_FRESH_S : s);
}

/* ---- how a fetch ends ---- */

static void commit_failure(struct gw_job *job, const char *reason, int64_t retry_after_s)
{
    int64_t delay_ms = gw_jobs_backoff_ms(job->attempts < MOST_PATIENCE ? job->attempts : MOST_PATIENCE);
    if (retry_after_s > MOST_FRESH_S)
        retry_after_s = MOST_FRESH_S;
    if (retry_after_s * 1000 > delay_ms)
        delay_ms = retry_after_s * 1000;
    gw_log(GW_LOG_WARN, "metadata_failed", GW_S("peer", job->id), GW_I("attempts", job->attempts),
           GW_S("reason", reason));
    gw_job_call(job, GW_SQL_METADATA_FAILED);
    gw_db_text(&job->call, reason);
    gw_db_interval_ms(&job->call, job->params, delay_ms);
    gw_job_commit(job);
}

/* `body` is NULL when what we have is still good. */
static void commit_done(struct gw_job *job, const struct gw_outbound_answer *answer, const char *body)
{
    gw_job_call(job, GW_SQL_METADATA_DONE);
    gw_db_text(&job->call, body);
    gw_db_text(&job->call,
               answer->etag != NULL ? need(s2s_arena_strndup(job->params, answer->etag, strlen(answer->etag))) : NULL);
    gw_db_interval_ms(&job->call, job->params, gw_metadata_lifetime_ms(answer->fresh_s));
    gw_job_commit(job);
}

static void on_answer(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct fetch *fetch = H2O_STRUCT_FROM_MEMBER(struct fetch, call, call);
    struct gw_job *job = fetch->job;
    if (answer->status == 304) {
        commit_done(job, answer, NULL);
        return;
    }
    const char *fault = answer->status == 200
                            ? gw_metadata_fault(job->arena, fetch->identifier, answer->body, answer->body_len)
                            : gw_answer_failure(job->params, answer);
    if (fault != NULL)
        commit_failure(job, fault, answer->retry_after_s);
    else
        commit_done(job, answer, need(s2s_arena_strndup(job->arena, answer->body, answer->body_len)));
}

/* ---- fetching ---- */

void gw_metadata_run(struct gw_job *job, const PGresult *result, int row)
{
    enum { ISSUER, ATTEMPTS, ETAG };
    const struct gw_outbound_config *config = &job->generation->config->outbound;
    const struct gw_peer *peer = gw_generation_peer_named(job->generation, job->id);
    struct fetch *fetch = s2s_arena_alloc(job->arena, sizeof(*fetch));
    s2s_assert(fetch != NULL);
    job->order_key = job->id;
    if (peer == NULL || peer->origin.url == NULL) {
        commit_failure(job, "the issuer is not configured", -1);
        return;
    }
    fetch->job = job;
    fetch->identifier = peer->config->credential_issuer;
    fetch->headers[0] = "Accept: application/json";
    const char *etag = gw_db_column(result, row, ETAG);
    if (etag != NULL)
        fetch->headers[1] = need(s2s_arena_printf(job->arena, "If-None-Match: %s", etag));
    fetch->call = (struct gw_outbound_call){
        .target = &peer->origin,
        .method = "GET",
        .path = gw_metadata_path(job->arena, fetch->identifier),
        .headers = fetch->headers,
        .timeout_ms = config->timeout_ms,
        .max_answer = config->max_answer,
        .done = on_answer,
    };
    gw_outbound_send(job->worker->outbound, &fetch->call);
}

void gw_metadata_prepare_issuers(struct gw_worker *worker, struct gw_db_call *call, struct s2s_arena *arena)
{
    const struct gw_generation *g = worker->generation;
    const char **names = s2s_arena_alloc(arena, (g->config->peer_count + 1) * sizeof(*names));
    const char **identifiers = s2s_arena_alloc(arena, (g->config->peer_count + 1) * sizeof(*identifiers));
    size_t count = 0;
    s2s_assert(names != NULL && identifiers != NULL);
    for (size_t i = 0; i < g->config->peer_count; ++i) {
        if (g->peers[i].origin.url == NULL)
            continue;
        names[count] = g->config->peers[i].name;
        identifiers[count++] = g->config->peers[i].credential_issuer;
    }
    gw_db_text_array(call, arena, names, count);
    gw_db_text_array(call, arena, identifiers, count);
}
