/* SPDX-License-Identifier: Apache-2.0
 *
 *   begin ─▶ enter step ─▶ compose ─▶ send ─▶ judge ─▶ next step … ─▶ finish
 *                             ▲         ▲        │
 *                             │         └─ retry ┤  the same request, when --retry allows it
 *                             └───── pause ◀─────┘  not decided or not ready yet: a new request
 */
#include "tests/load/slot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECONNECT_PAUSE (20 * LOAD_MS)
#define STARVED_PAUSE (100 * LOAD_MS)
#define FIRST_RETRY_PAUSE (50 * LOAD_MS)
#define LAST_RETRY_PAUSE (1 * LOAD_S)

enum outcome { SUCCEEDED, FAILED, ABANDONED };

static void on_timer(uv_timer_t *timer);
static void on_done(struct load_request *request, enum load_ending ending);

void load_slot_init(struct load_slot *slot, struct load_ground *ground, struct load_link *link, struct load_pool *pool)
{
    *slot = (struct load_slot){.ground = ground, .link = link, .pool = pool, .request = {.done = on_done}};
    s2s_assert(uv_timer_init(&ground->loop, &slot->timer) == 0);
    slot->timer.data = slot;
}

void load_slot_close(struct load_slot *slot)
{
    s2s_assert(slot->state == LOAD_SLOT_FREE);
    uv_close((uv_handle_t *)&slot->timer, NULL);
}

void load_slot_free(struct load_slot *slot)
{
    load_buffer_free(&slot->scratch);
    load_buffer_free(&slot->request.answer.body);
}

/* ---- sessions ---- */

static struct load_session *take_session(struct load_slot *slot)
{
    struct load_ground *ground = slot->ground;
    const struct load_scenario *scenario = &load_scenarios[slot->scenario];
    if (!scenario->opens)
        return load_pool_take(slot->pool);
    struct load_stock *stock = ground->phase->stocks[slot->scenario];
    struct load_session *session = stock != NULL ? load_stock_take(stock) : NULL;
    if (session == NULL) {
        session = &slot->own;
        load_session_begin(ground->stage->wallet, ground->next_client++, scenario->parts, session);
        ++ground->stats->unprepared;
    }
    return session;
}

/* A session that was opened for later goes to the pool, with what is prepared for it. */
static void keep_session(struct load_slot *slot)
{
    struct load_session *kept = malloc(sizeof(*kept));
    s2s_assert(kept != NULL);
    load_session_drop(slot->session, LOAD_PART_INITIATE);
    *kept = *slot->session;
    slot->session->get = (struct load_buffer){0};
    load_pool_put(slot->pool, kept);
}

static void return_session(struct load_slot *slot, enum outcome outcome)
{
    if (slot->session == NULL)
        return;
    if (slot->scenario == LOAD_SCENARIO_OPEN && outcome == SUCCEEDED)
        keep_session(slot);
    else if (load_scenarios[slot->scenario].opens)
        load_session_drop(slot->session, LOAD_PART_INITIATE | LOAD_PART_GET);
    else if (slot->scenario == LOAD_SCENARIO_LIFECYCLE && outcome != SUCCEEDED)
        load_pool_discard(slot->session); /* who knows in which state it is */
    else
        load_pool_put(slot->pool, slot->session);
    slot->session = NULL;
}

/* ---- ending ---- */

static void finish(struct load_slot *slot, enum outcome outcome)
{
    struct load_ground *ground = slot->ground;
    uint64_t now = load_now();
    if (outcome == SUCCEEDED && load_ground_counts(ground, now)) {
        load_histogram_record(&ground->stats->scenarios[slot->scenario], now - slot->began);
        load_histogram_record(&ground->stats->operations, now - slot->began);
    }
    return_session(slot, outcome);
    slot->state = LOAD_SLOT_FREE;
    ground->on_free(slot);
}

static void fail(struct load_slot *slot, const char *label)
{
    struct load_stats *stats = slot->ground->stats;
    if (load_ground_counts(slot->ground, load_now())) {
        load_stats_error(stats, label);
        atomic_fetch_add_explicit(&stats->failed, 1, memory_order_relaxed);
    }
    finish(slot, FAILED);
}

void load_slot_give_up(struct load_slot *slot)
{
    s2s_assert(slot->state == LOAD_SLOT_PAUSED);
    uv_timer_stop(&slot->timer);
    finish(slot, ABANDONED);
}

/* ---- sending ---- */

static void pause_for(struct load_slot *slot, uint64_t pause)
{
    slot->state = LOAD_SLOT_PAUSED;
    if (slot->ground->expired)
        load_slot_give_up(slot);
    else
        uv_timer_start(&slot->timer, on_timer, (pause + LOAD_MS - 1) / LOAD_MS, 0);
}

static bool took_too_long(const struct load_slot *slot, uint64_t since, uint64_t now)
{
    return now > since && now - since > slot->ground->stage->options->timeout;
}

static void send_request(struct load_slot *slot)
{
    uint64_t now = load_now();
    if (load_link_usable(slot->link)) {
        slot->state = LOAD_SLOT_ASKING;
        slot->sent = now;
        ++slot->attempts;
        load_link_send(slot->link, &slot->request);
    } else if (took_too_long(slot, slot->attempts > 0 ? slot->sent : slot->composed, now)) {
        fail(slot, "no connection");
    } else {
        pause_for(slot, RECONNECT_PAUSE);
    }
}

static void compose(struct load_slot *slot, uint64_t request_began)
{
    enum load_step step = load_scenarios[slot->scenario].steps[slot->step];
    const struct load_step_info *info = &load_steps[step];
    slot->request.endpoint = &slot->ground->stage->endpoints[info->endpoint];
    slot->request.body = info->compose(slot->session, &slot->scratch);
    s2s_uuid_new(slot->request.id);
    slot->request_began = request_began;
    slot->composed = load_now();
    slot->attempts = 0;
    slot->is_composed = true;
    send_request(slot);
}

static void enter_step(struct load_slot *slot)
{
    const struct load_scenario *scenario = &load_scenarios[slot->scenario];
    while (slot->step < scenario->step_count && !load_step_needed(scenario->steps[slot->step], slot->session))
        ++slot->step;
    if (slot->step == scenario->step_count) {
        finish(slot, SUCCEEDED);
        return;
    }
    slot->entered = load_now();
    compose(slot, slot->step == 0 ? slot->began : slot->entered);
}

void load_slot_begin(struct load_slot *slot, enum load_scenario_id scenario, uint64_t began)
{
    s2s_assert(slot->state == LOAD_SLOT_FREE);
    slot->scenario = scenario;
    slot->began = began;
    slot->step = 0;
    slot->session = take_session(slot);
    if (slot->session != NULL) {
        enter_step(slot);
        return;
    }
    if (load_ground_counts(slot->ground, load_now()))
        ++slot->ground->stats->starved;
    pause_for(slot, STARVED_PAUSE);
}

static void on_timer(uv_timer_t *timer)
{
    struct load_slot *slot = timer->data;
    if (slot->session == NULL)
        finish(slot, ABANDONED);
    else if (slot->is_composed)
        send_request(slot);
    else
        compose(slot, load_now());
}

void load_slot_watch(struct load_slot *slot, uint64_t now)
{
    if (took_too_long(slot, slot->sent, now))
        load_link_abandon(slot->link, &slot->request);
}

/* ---- answers ---- */

/* What the profile's section 7 lets a caller try again. */
static bool is_passing(enum load_ending ending, int status)
{
    return ending == LOAD_ANSWERED ? status == 408 || status == 425 || status == 429 || status >= 500
                                   : ending != LOAD_TOO_LARGE;
}

/* Send the same request again, later, if that is wanted; else false. */
static bool retry(struct load_slot *slot, enum load_ending ending, uint64_t now)
{
    const struct load_answer *answer = &slot->request.answer;
    uint64_t patience = slot->ground->stage->options->retry;
    if (now - slot->composed >= patience || !is_passing(ending, answer->status))
        return false;
    uint64_t pause = FIRST_RETRY_PAUSE << (slot->attempts < 6 ? slot->attempts - 1 : 5);
    if (answer->retry_after > 0)
        pause = answer->retry_after * LOAD_S;
    else if (pause > LAST_RETRY_PAUSE)
        pause = LAST_RETRY_PAUSE;
    if (load_ground_counts(slot->ground, now))
        ++slot->ground->stats->retried;
    pause_for(slot, pause);
    return true;
}

/* One call a line, so that the lines of several threads do not mix. */
static void write_journal(const struct load_slot *slot, const struct load_step_info *info)
{
    const struct load_session *session = slot->session;
    FILE *journal = slot->ground->stage->journal;
    if (journal == NULL || !info->changes)
        return;
    struct timespec now; /* the time of day, to be held against what others have written down */
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(journal, "%s %s %s %s %s %u %lld.%06ld\n", info->name, session->session_id, session->verification_id,
            session->instance_id[0] != '\0' ? session->instance_id : "-", slot->request.id, slot->link->number,
            (long long)now.tv_sec, now.tv_nsec / 1000);
}

static void go_on(struct load_slot *slot, enum load_step step, uint64_t now)
{
    write_journal(slot, &load_steps[step]);
    if (step == LOAD_GET && load_ground_counts(slot->ground, now))
        load_samples_offer(&slot->ground->samples, slot->session->client, load_buffer_view(&slot->request.answer.body));
    ++slot->step;
    enter_step(slot);
}

static void poll_again(struct load_slot *slot, const struct load_finding *finding, uint64_t now)
{
    if (took_too_long(slot, slot->entered, now))
        fail(slot, "not approved or not ready in time");
    else
        pause_for(slot, finding->pause > 0 ? finding->pause : slot->ground->stage->options->poll);
}

static void on_answer(struct load_slot *slot, uint64_t now)
{
    enum load_step step = load_scenarios[slot->scenario].steps[slot->step];
    struct load_finding finding;
    enum load_verdict verdict = load_step_judge(step, slot->session, &slot->request.answer, &finding);
    if (load_ground_counts(slot->ground, now)) {
        load_histogram_record(&slot->ground->stats->steps[step], now - slot->request_began);
        slot->ground->stats->replayed += slot->request.answer.replayed;
    }
    if (verdict == LOAD_WRONG && retry(slot, LOAD_ANSWERED, now))
        return;
    slot->is_composed = false;
    switch (verdict) {
    case LOAD_NEXT:
        go_on(slot, step, now);
        break;
    case LOAD_AGAIN:
        poll_again(slot, &finding, now);
        break;
    case LOAD_WRONG:
        fail(slot, finding.label);
        break;
    }
}

static void on_done(struct load_request *request, enum load_ending ending)
{
    static const char *const labels[] = {
        [LOAD_LOST] = "connection lost",
        [LOAD_RESET] = "stream reset by the server",
        [LOAD_TIMED_OUT] = "no answer in time",
        [LOAD_TOO_LARGE] = "answer too large",
    };
    struct load_slot *slot = (struct load_slot *)((char *)request - offsetof(struct load_slot, request));
    uint64_t now = load_now();
    if (ending == LOAD_ANSWERED)
        on_answer(slot, now);
    else if (!retry(slot, ending, now))
        fail(slot, labels[ending]);
}
