/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /v1/instances/{credentialInstanceId}/metadata: the one route of the application API that calls an issuer while
 * the application waits. Nothing is kept of it, and nothing is tried again: the application does that.
 */
#include "gateway/jobs/answer.h"
#include "gateway/net/http.h"
#include "gateway/wallet/app.h"
#include "gateway/wallet/app_messages.h"
#include "gateway/worker.h"
#include "proto/version.h"

#include <string.h>

struct question {
    struct gw_api_request *rq;
    const char *headers[5];
    struct gw_outbound_call call;
};

/* ---- what came back ---- */

/* Whether the answer is about the application's request. What is between this gateway and the issuer (401, 403) or the
 * issuer's own trouble is told as such. */
static bool concerns_the_application(int status)
{
    static const int others[] = {401, 403, 407, 408};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i)
        if (status == others[i])
            return false;
    return (status >= 200 && status < 300) || (status >= 400 && status < 500) || status == 503;
}

static void set_missing(struct json_object *problem, const char *name, const char *text)
{
    if (s2s_json_get(problem, name) == NULL)
        s2s_json_set_string(problem, name, text);
}

/* Give an issuer's problem what this API says that every problem has; RFC 9457 leaves all of it to the issuer. */
static void complete_problem(const struct gw_api_request *rq, struct json_object *problem, int status)
{
    char instance[sizeof("urn:uuid:") + S2S_UUID_SIZE];
    snprintf(instance, sizeof(instance), "urn:uuid:%s", rq->token);
    set_missing(problem, "type", "about:blank");
    set_missing(problem, "title", "The issuer refused the request");
    set_missing(problem, "instance", instance);
    set_missing(problem, "errorCode", "ISSUER_REFUSED");
    json_object_object_add(problem, "status", json_object_new_int(status));
    if (s2s_json_get(problem, "retryable") == NULL)
        json_object_object_add(problem, "retryable", json_object_new_boolean(status == 429 || status == 503));
}

/* What of the answer the application gets: what this API says that it gives. NULL when there is nothing of the kind. */
static const char *passed_on(const struct gw_api_request *rq, const struct gw_outbound_answer *answer)
{
    struct json_object *json = gw_answer_object(rq->arena, answer);
    const char *body = NULL;
    if (json == NULL || !concerns_the_application(answer->status))
        return NULL;
    if (answer->status >= 400) {
        complete_problem(rq, json, answer->status);
        return gw_answer_problem(rq->arena, json);
    }
    return gw_answer_fault(rq->arena, &s2s_endpoints[S2S_METADATA], answer->status, json, &body) == NULL ? body : NULL;
}

static void pass_on(struct gw_api_request *rq, const struct gw_outbound_answer *answer)
{
    const char *body = passed_on(rq, answer);
    if (body != NULL)
        gw_api_reply(rq, answer->status, body, strlen(body), answer->retry_after_s);
    else
        gw_api_fail(rq, S2S_PROBLEM_HTTP_502, "The issuer gave an answer that cannot be passed on.", 0);
}

static void on_answer(struct gw_outbound_call *call, const struct gw_outbound_answer *answer)
{
    struct gw_api_request *rq = H2O_STRUCT_FROM_MEMBER(struct question, call, call)->rq;
    rq->cancel = NULL;
    if (answer->timed_out)
        gw_api_fail(rq, S2S_PROBLEM_HTTP_504, "The issuer did not answer in time.", 0);
    else if (answer->end != GW_OUTBOUND_ANSWERED)
        gw_api_fail(rq, S2S_PROBLEM_HTTP_502, "The issuer could not be reached, or not be understood.", 0);
    else
        pass_on(rq, answer);
}

static void cancel(struct gw_api_request *rq)
{
    struct question *question = rq->state;
    gw_outbound_cancel(rq->worker->outbound, &question->call);
}

/* ---- asking ---- */

static const char *header(struct gw_api_request *rq, const char *name, const char *value)
{
    char *line = s2s_arena_printf(rq->arena, "%s: %s", name, value);
    s2s_assert(line != NULL);
    return line;
}

static void set_headers(struct question *question)
{
    char request_id[S2S_UUID_SIZE];
    s2s_uuid_new(request_id);
    question->headers[0] = "Content-Type: " GW_JSON;
    question->headers[1] = "Accept: " GW_JSON ", " GW_PROBLEM_JSON;
    question->headers[2] = header(question->rq, "x-request-id", request_id);
    question->headers[3] = header(question->rq, "Api-Version", s2s_api_versions[0].version);
    question->call.headers = question->headers;
}

/* What the application said, with the ids in front. */
static void set_body(struct question *question, const char *session_id)
{
    struct gw_api_request *rq = question->rq;
    struct json_object *body = s2s_json_own(rq->arena, json_object_new_object());
    struct json_object *known = s2s_json_own(rq->arena, s2s_schema_known(&gw_app_metadata_request, rq->body));
    s2s_json_set_string(body, "sessionId", session_id);
    s2s_json_set_string(body, "credentialInstanceId", s2s_json_string(rq->input, "credentialInstanceId"));
    json_object_object_foreach(known, name, value)
    {
        json_object_object_add(body, name, json_object_get(value));
    }
    question->call.body = s2s_json_write(rq->arena, body, &question->call.body_len);
    s2s_assert(question->call.body != NULL);
}

/* As long as any other call, but never so long that a drain would have to cut it off. */
static int64_t patience_ms(const struct gw_api_request *rq)
{
    int64_t timeout_ms = rq->generation->config->outbound.timeout_ms;
    int64_t drain_ms = rq->worker->boot->config->limits.drain_timeout_ms;
    return timeout_ms < drain_ms ? timeout_ms : drain_ms;
}

static void ask(struct gw_api_request *rq, const struct gw_peer *issuer, const char *session_id)
{
    struct question *question = s2s_arena_alloc(rq->arena, sizeof(*question));
    s2s_assert(question != NULL);
    rq->state = question;
    rq->cancel = cancel;
    question->rq = rq;
    question->call = (struct gw_outbound_call){
        .target = &issuer->target,
        .method = "POST",
        .path = s2s_endpoints[S2S_METADATA].path,
        .timeout_ms = patience_ms(rq),
        .max_answer = rq->generation->config->outbound.max_answer,
        .done = on_answer,
    };
    set_headers(question);
    set_body(question, session_id);
    gw_outbound_send(rq->worker->outbound, &question->call);
}

void gw_app_ask_metadata(struct gw_api_request *rq, const char *body, size_t len)
{
    struct json_object *route;
    bool read = !s2s_failed(s2s_json_parse(rq->arena, body, len, 2, &route));
    s2s_assert(read);
    const struct gw_peer *issuer = gw_generation_peer_named(rq->generation, s2s_json_string(route, "issuer"));
    if (issuer == NULL || issuer->target.url == NULL)
        gw_api_fail(rq, S2S_PROBLEM_HTTP_502, "The issuer of this instance is not configured any more.", 0);
    else
        ask(rq, issuer, s2s_json_string(route, "sessionId"));
}
