/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that takes a while and is waited for; offers; results.
 */
#include "gateway/ctl/actions.h"
#include "gateway/ctl/request.h"
#include "gateway/qr.h"
#include "proto/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_LOOK_MS 200
#define LAST_LOOK_MS 2000

/* ---- waiting ---- */

static void pause_ms(long ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Look at `path` until `is_over`; `show` (may be NULL) is called with each answer. */
static enum ctl_status wait_for(struct ctl *ctl, const char *path, bool (*is_over)(const struct json_object *),
                                void (*show)(struct ctl *, const struct json_object *, bool),
                                struct json_object **answer)
{
    for (long ms = FIRST_LOOK_MS;; ms = ms * 3 / 2 < LAST_LOOK_MS ? ms * 3 / 2 : LAST_LOOK_MS) {
        enum ctl_status status = ctl_ask(ctl, "GET", path, NULL, answer);
        if (status != CTL_OK)
            return status;
        bool over = is_over(*answer);
        if (show != NULL)
            show(ctl, *answer, over);
        if (over)
            return CTL_OK;
        pause_ms(ms);
    }
}

/* ---- bulk ---- */

static bool bulk_is_over(const struct json_object *bulk)
{
    const char *status = s2s_json_string(bulk, "status");
    return status == NULL || strcmp(status, "DONE") == 0 || strcmp(status, "STUCK") == 0;
}

static void show_progress(struct ctl *ctl, const struct json_object *bulk, bool over)
{
    long done = (long)json_object_get_int64(s2s_json_get(bulk, "done"));
    long failed = (long)json_object_get_int64(s2s_json_get(bulk, "failed"));
    if (!ctl->json)
        ctl_screen_progress(&ctl->screen, done + failed, (long)json_object_get_int64(s2s_json_get(bulk, "total")),
                            failed, over);
}

/* Show it, at its end if that is to be waited for. What failed is no success. */
static enum ctl_status follow_bulk(struct ctl *ctl, const char *id, struct json_object *bulk)
{
    const char *path = ctl_text(ctl, "/v1/bulk/%s", ctl_encode(ctl, id));
    enum ctl_status status = CTL_OK;
    if (ctl_given(ctl, "wait") || bulk == NULL)
        status = ctl_given(ctl, "wait") ? wait_for(ctl, path, bulk_is_over, show_progress, &bulk)
                                        : ctl_ask(ctl, "GET", path, NULL, &bulk);
    if (status != CTL_OK)
        return status;
    ctl_show(ctl, NULL, bulk);
    bool failed = json_object_get_int64(s2s_json_get(bulk, "failed")) > 0;
    const char *state = s2s_json_string(bulk, "status");
    return failed || (state != NULL && strcmp(state, "STUCK") == 0) ? CTL_REFUSED : CTL_OK;
}

/* How an action is called here, and in the API. */
static const char *action_of(const char *word)
{
    static const char *const actions[][2] = {{"suspend", "SUSPEND"},
                                             {"resume", "RESUME"},
                                             {"cancel", "CANCEL"},
                                             {"updated", "UPDATED"},
                                             {"display-updated", "DISPLAY_UPDATED"}};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); ++i)
        if (strcmp(actions[i][0], word) == 0)
            return actions[i][1];
    return NULL;
}

enum ctl_status ctl_run_bulk_start(struct ctl *ctl)
{
    const char *action = action_of(ctl->operands[0]);
    struct json_object *body = ctl_request_body(ctl), *bulk;
    if (action == NULL)
        return ctl_fail(CTL_USAGE, "an action is suspend, resume, cancel, updated or display-updated");
    if (s2s_json_get(body, "filter") == NULL)
        return ctl_fail(CTL_USAGE, "which instances? Give --subject, --configuration, --session or --instance");
    s2s_json_set_string(body, "action", action);
    enum ctl_status status = ctl_ask(ctl, "POST", ctl_request_path(ctl), body, &bulk);
    return status == CTL_OK ? follow_bulk(ctl, s2s_json_string(bulk, "bulkId"), bulk) : status;
}

enum ctl_status ctl_run_bulk_show(struct ctl *ctl)
{
    return follow_bulk(ctl, ctl->operands[0], NULL);
}

/* ---- reconciliation ---- */

static bool reconciliation_is_over(const struct json_object *run)
{
    return s2s_json_get(run, "finishedAt") != NULL;
}

enum ctl_status ctl_run_reconcile(struct ctl *ctl)
{
    struct json_object *run;
    enum ctl_status status = ctl_ask(ctl, "POST", ctl_request_path(ctl), ctl_request_body(ctl), &run);
    if (status == CTL_OK && ctl_given(ctl, "wait")) {
        const char *id = s2s_json_string(run, "reconciliationId");
        const char *path = ctl_text(ctl, "/v1/reconciliations/%s", ctl_encode(ctl, id != NULL ? id : ""));
        status = wait_for(ctl, path, reconciliation_is_over, NULL, &run);
    }
    if (status == CTL_OK)
        ctl_show(ctl, NULL, run);
    return status;
}

/* ---- dead letters ---- */

/* They are owed again some hundred at a time, each time from where the last one ended: so it ends, even when a peer
 * refuses them faster than they are owed. */
static enum ctl_status redrive_all(struct ctl *ctl)
{
    struct json_object *body = ctl_request_body(ctl), *answer, *sum = ctl_object(ctl);
    const char *cursor;
    int64_t redriven = 0;
    do {
        enum ctl_status status = ctl_ask(ctl, "POST", "/v1/dead-letters/redrive", body, &answer);
        if (status != CTL_OK)
            return status;
        redriven += json_object_get_int64(s2s_json_get(answer, "redriven"));
        cursor = s2s_json_string(answer, "nextCursor");
        if (cursor != NULL)
            s2s_json_set_string(body, "cursor", cursor);
    } while (cursor != NULL);
    json_object_object_add(sum, "redriven", json_object_new_int64(redriven));
    ctl_show(ctl, NULL, sum);
    return CTL_OK;
}

enum ctl_status ctl_run_redrive(struct ctl *ctl)
{
    bool all = ctl_given(ctl, "all");
    if (all == (ctl->operand_count > 0) || (!all && ctl_given(ctl, "peer")))
        return ctl_fail(CTL_USAGE, "which dead letter? Give its NUMBER, or --all and perhaps --peer");
    struct json_object *answer;
    if (all)
        return redrive_all(ctl);
    enum ctl_status status = ctl_ask(ctl, "POST", ctl_request_path(ctl), NULL, &answer);
    if (status == CTL_OK)
        ctl_show(ctl, NULL, answer);
    return status;
}

/* ---- offers ---- */

static enum ctl_status write_svg(const char *path, const char *svg)
{
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return ctl_fail(CTL_USAGE, "%s: %s", path, strerror(errno));
    bool written = fputs(svg, file) >= 0;
    return fclose(file) == 0 && written ? CTL_OK : ctl_fail(CTL_USAGE, "%s cannot be written", path);
}

static void show_line(const struct ctl *ctl, const char *title, const char *value)
{
    if (value == NULL)
        return;
    ctl_screen_put(&ctl->screen, CTL_BOLD, title, 0, false);
    fputs(": ", ctl->screen.out);
    ctl_screen_put(&ctl->screen, CTL_DEFAULT, value, 0, false);
    fputc('\n', ctl->screen.out);
}

/* What the operator hands to the holder: a code to scan or a link, and the transaction code on another way. */
static void show_offer(struct ctl *ctl, struct json_object *answer)
{
    struct json_object *offer = s2s_json_get(answer, "offer");
    const char *link = s2s_json_string(answer, "deepLink");
    struct gw_qr qr;
    if (!ctl_given(ctl, "no-qr") && link != NULL && gw_qr_make(link, &qr)) {
        gw_qr_print(&qr, ctl->screen.out, ctl->screen.colours);
        gw_qr_free(&qr);
    }
    show_line(ctl, "offer", s2s_json_string(offer, "offerId"));
    show_line(ctl, "expires", s2s_json_string(offer, "expiresAt"));
    show_line(ctl, "link", link);
    show_line(ctl, "transaction code", s2s_json_string(answer, "tx_code"));
}

enum ctl_status ctl_run_offer(struct ctl *ctl)
{
    struct json_object *body = ctl_request_body(ctl), *ids = json_object_new_array(), *answer;
    for (size_t i = 0; i < ctl->operand_count; ++i)
        json_object_array_add(ids, json_object_new_string(ctl->operands[i]));
    json_object_object_add(body, "credentialConfigurationIds", ids);
    if (ctl_given(ctl, "tx-code") && s2s_json_get(body, "tx_code") == NULL)
        json_object_object_add(body, "tx_code", json_object_new_object());
    enum ctl_status status = ctl_ask(ctl, "POST", ctl_request_path(ctl), body, &answer);
    if (status != CTL_OK)
        return status;
    if (ctl->json)
        ctl_show_json(ctl, answer);
    else
        show_offer(ctl, answer);
    const char *file = ctl_value(ctl, "svg"), *svg = s2s_json_string(answer, "qr");
    if (file != NULL && svg == NULL)
        return ctl_fail(CTL_REFUSED, "the link is too long for a QR code; use --by-reference");
    return file != NULL ? write_svg(file, svg) : CTL_OK;
}

/* ---- results of an authentication on the web ---- */

enum ctl_status ctl_run_web_result(struct ctl *ctl)
{
    struct json_object *body = ctl_object(ctl), *answer;
    const char *file = ctl_value(ctl, "result");
    s2s_json_set_string(body, "state", ctl->operands[0]);
    s2s_json_set_string(body, "outcome", ctl->operands[1]);
    if (file != NULL) {
        struct json_object *result = ctl_read_json(ctl, file);
        if (result == NULL)
            return CTL_USAGE;
        json_object_object_add(body, "result", json_object_get(result));
    }
    enum ctl_status status = ctl_ask(ctl, "POST", ctl_request_path(ctl), body, &answer);
    if (status == CTL_OK)
        ctl_show(ctl, NULL, answer);
    return status;
}
