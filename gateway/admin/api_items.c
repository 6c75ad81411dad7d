/* SPDX-License-Identifier: Apache-2.0
 *
 * What a wallet gave, opened for a reviewer as it is for an evaluation. That the reviewer has looked is written down by
 * the same call that reads it.
 */
#include "gateway/admin/api.h"
#include "gateway/admin/sealed.h"
#include "gateway/clock.h"
#include "gateway/issuer/submissions.h"

#include <string.h>

#define MAX_DEPTH 32

/* Open one column of a submission, if it is there. */
static struct s2s_result add_sealed(struct gw_submissions *s, const struct json_object *submission, const char *member,
                                    unsigned seq,
                                    struct s2s_result (*add)(struct gw_submissions *, struct s2s_bytes, unsigned))
{
    const char *base64 = s2s_json_string(submission, member);
    struct s2s_bytes sealed;
    if (base64 == NULL)
        return s2s_ok();
    S2S_TRY(gw_sealed_decode(s->arena, base64, &sealed));
    return add(s, sealed, seq);
}

static struct s2s_result add_submission(struct gw_submissions *s, const struct json_object *submission)
{
    unsigned seq = (unsigned)json_object_get_int64(s2s_json_get(submission, "dataSeq"));
    struct json_object *client = s2s_json_get(submission, "clientJwe");
    for (size_t i = 0; client != NULL && i < json_object_array_length(client); ++i)
        S2S_TRY(gw_submissions_add_client(s, json_object_get_string(json_object_array_get_idx(client, i)), seq));
    S2S_TRY(add_sealed(s, submission, "serverSealed", seq, gw_submissions_add_server));
    return add_sealed(s, submission, "issuerSealed", seq, gw_submissions_add_issuer);
}

static struct s2s_result open_submissions(struct gw_submissions *s, const struct json_object *stored)
{
    struct json_object *list = s2s_json_get(stored, "submissions");
    const char *wsk = s2s_json_string(stored, "wsk");
    if (wsk == NULL || s->session_id == NULL || s->verification_id == NULL || list == NULL)
        return s2s_fail(S2S_MALFORMED, "the submissions cannot be read");
    S2S_TRY(gw_submissions_set_wsk(s, wsk));
    for (size_t i = 0; i < json_object_array_length(list); ++i)
        S2S_TRY(add_submission(s, json_object_array_get_idx(list, i)));
    return s2s_ok();
}

static struct json_object *describe(const struct gw_submissions *s)
{
    struct json_object *answer = s2s_json_own(s->arena, json_object_new_object()), *items = json_object_new_array();
    s2s_json_set_string(answer, "verificationId", s->verification_id);
    s2s_json_set_string(answer, "sessionId", s->session_id);
    json_object_object_add(answer, "items", items);
    for (size_t i = 0; i < s->count; ++i) {
        struct json_object *row = json_object_new_object();
        s2s_json_set_string(row, "origin", gw_item_origin_name(s->items[i].origin));
        json_object_object_add(row, "item", json_object_get(s->items[i].json));
        json_object_array_add(items, row);
    }
    if (s->assessments != NULL)
        json_object_object_add(answer, "additionalAssessments", json_object_get(s->assessments));
    return answer;
}

void gw_admin_show_items(struct gw_api_request *rq, const char *body, size_t len)
{
    struct json_object *stored = NULL;
    struct s2s_result r = s2s_json_parse(rq->arena, body, len, MAX_DEPTH, &stored);
    struct gw_submissions submissions = {
        .arena = rq->arena,
        .generation = rq->generation,
        .session_id = s2s_json_string(stored, "sessionId"),
        .verification_id = s2s_json_string(stored, "verificationId"),
        .now = gw_now_s(),
    };
    if (!s2s_failed(r))
        r = open_submissions(&submissions, stored);
    size_t answer_len;
    const char *answer = s2s_failed(r) ? NULL : s2s_json_write(rq->arena, describe(&submissions), &answer_len);
    if (answer == NULL)
        gw_api_fail_internal(rq, s2s_failed(r) ? r.detail : "the answer is too large");
    else
        gw_api_reply(rq, 200, answer, answer_len, 0);
}
