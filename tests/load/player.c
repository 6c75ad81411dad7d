/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/player.h"

#include "tests/load/mix.h"
#include "tests/load/schedule.h"
#include "tests/load/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_MS 20
/* Handshakes of one thread at a time; more would only wait for each other, and time out. */
#define MAX_CONNECTING 32
#define FIRST_REOPEN_PAUSE (50 * LOAD_MS)
#define LAST_REOPEN_PAUSE (1 * LOAD_S)

struct connection {
    struct load_player *player;
    struct load_link link;
    struct load_slot *slots;
    size_t slot_count;
    bool is_active; /* the ramp has reached it */
    bool was_open;
    unsigned failures; /* in a row */
    uint64_t reopen_at;
};

struct load_player {
    struct load_ground ground;
    unsigned number;
    struct load_hub hub;
    struct connection *connections;
    size_t connection_count;
    size_t connecting;
    struct load_pool *pools; /* one for each wallet server */
    struct load_slot *first_idle, **last_idle;
    uv_timer_t tick;
    int arrival_fd; /* a timer as precise as the clock; libuv's are as precise as a millisecond */
    uv_poll_t arrival_poll;
    uint64_t armed; /* when it will fire; 0: it is not set */

    /* Of the phase. */
    struct load_schedule schedule;
    struct load_mix mix;
    uint64_t arrivals;          /* begun so far */
    uint64_t quota;             /* left to begin */
    size_t active;              /* operations under way */
    struct load_traffic before; /* the window */
    bool is_counting;           /* the window has begun */
    uint64_t progress;          /* when the last one ended */
    bool is_stopping;           /* begin no more */
    bool is_closing;            /* no phase is running */
};

/* ---- idle slots ---- */

static struct connection *connection_of(const struct load_slot *slot)
{
    return slot->link->data;
}

static void list_idle(struct load_player *player, struct load_slot *slot)
{
    if (slot->is_listed || slot->state != LOAD_SLOT_FREE)
        return;
    slot->is_listed = true;
    slot->next = NULL;
    *player->last_idle = slot;
    player->last_idle = &slot->next;
}

/* The slot that has been idle for longest, and can be used; those of connections that are gone leave the list, and come
 * back with their connection. */
static struct load_slot *take_idle(struct load_player *player)
{
    while (player->first_idle != NULL) {
        struct load_slot *slot = player->first_idle;
        player->first_idle = slot->next;
        if (player->first_idle == NULL)
            player->last_idle = &player->first_idle;
        slot->is_listed = false;
        if (load_link_usable(slot->link) && connection_of(slot)->is_active)
            return slot;
    }
    return NULL;
}

static void offer_slots(struct connection *connection)
{
    for (size_t i = 0; i < connection->slot_count; ++i)
        list_idle(connection->player, &connection->slots[i]);
}

/* ---- beginning operations ---- */

static void arm(struct load_player *player, uint64_t when)
{
    if (player->armed == when)
        return;
    struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(when / LOAD_S), .tv_nsec = (long)(when % LOAD_S)},
    };
    player->armed = when;
    s2s_assert(timerfd_settime(player->arrival_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

/* Whether an operation is due at `now`; `*began` is when it was meant to begin. */
static bool is_due(struct load_player *player, uint64_t now, uint64_t *began)
{
    const struct load_phase *phase = player->ground.phase;
    *began = now;
    if (phase->rate <= 0)
        return true;
    *began = phase->start + load_schedule_when(&player->schedule, player->arrivals);
    if (*began <= now)
        return true;
    arm(player, *began);
    return false;
}

/* Only what begins in the window is charged to the quota. */
static bool charge_quota(struct load_player *player, uint64_t now)
{
    if (now < player->ground.phase->begin || player->ground.phase->quota == UINT64_MAX)
        return true;
    if (player->quota == 0)
        return false;
    --player->quota;
    return true;
}

static void feed(struct load_player *player)
{
    uint64_t now = load_now(), began;
    while (!player->is_stopping && is_due(player, now, &began)) {
        struct load_slot *slot = take_idle(player);
        if (slot == NULL)
            break;
        if (!charge_quota(player, now)) {
            player->is_stopping = true;
            break;
        }
        ++player->arrivals;
        ++player->active;
        load_slot_begin(slot, load_mix_next(&player->mix), began);
    }
}

static void on_arrival(uv_poll_t *poll, int status, int events)
{
    struct load_player *player = poll->data;
    uint64_t count;
    (void)status, (void)events;
    if (read(player->arrival_fd, &count, sizeof(count)) < 0)
        s2s_assert(errno == EAGAIN);
    player->armed = 0;
    feed(player);
}

static void stop_when_done(struct load_player *player)
{
    if (player->is_stopping && player->active == 0)
        uv_stop(&player->ground.loop);
}

static void on_free(struct load_slot *slot)
{
    struct load_player *player = connection_of(slot)->player;
    --player->active;
    player->progress = load_now();
    list_idle(player, slot);
    feed(player);
    stop_when_done(player);
}

/* ---- connections ---- */

static void on_open(struct load_link *link)
{
    struct connection *connection = link->data;
    struct load_player *player = connection->player;
    struct load_stats *stats = player->ground.stats;
    --player->connecting;
    connection->was_open = true;
    connection->failures = 0;
    ++stats->opened;
    load_histogram_record(&stats->handshakes, load_now() - link->began);
    offer_slots(connection);
    feed(player);
}

static void on_close(struct load_link *link)
{
    struct connection *connection = link->data;
    struct load_player *player = connection->player;
    uint64_t now = load_now();
    if (!connection->was_open)
        --player->connecting;
    connection->reopen_at = now;
    if (link->reason[0] != '\0' && !player->is_closing) {
        unsigned shift = connection->failures < 5 ? connection->failures++ : 5;
        uint64_t pause = FIRST_REOPEN_PAUSE << shift;
        connection->reopen_at += pause < LAST_REOPEN_PAUSE ? pause : LAST_REOPEN_PAUSE;
        player->ground.stats->lost += connection->was_open;
        if (load_ground_counts(&player->ground, now))
            load_stats_error(player->ground.stats, link->reason);
    }
    connection->was_open = false;
}

static void open_connection(struct connection *connection)
{
    ++connection->player->connecting;
    load_link_open(&connection->link);
}

/* A closed loop grows by connections; an open loop needs all of them from the start, as its rate grows. */
static bool ramp_has_reached(const struct connection *connection, uint64_t now)
{
    const struct load_phase *phase = connection->player->ground.phase;
    const struct load_options *options = connection->player->ground.stage->options;
    return phase->rate > 0 || now >= phase->start + phase->ramp * connection->link.number / options->connections;
}

static void tend_connection(struct connection *connection, uint64_t now)
{
    struct load_player *player = connection->player;
    if (!connection->is_active && ramp_has_reached(connection, now)) {
        connection->is_active = true;
        offer_slots(connection);
    }
    if (connection->is_active && connection->link.state == LOAD_LINK_CLOSED && now >= connection->reopen_at &&
        player->connecting < MAX_CONNECTING)
        open_connection(connection);
    bool is_connecting = connection->link.state == LOAD_LINK_CONNECTING || connection->link.state == LOAD_LINK_SHAKING;
    if (is_connecting && now > connection->link.began + player->ground.stage->options->timeout)
        load_link_close(&connection->link, "connecting: no answer in time");
    for (size_t i = 0; i < connection->slot_count; ++i) {
        if (connection->slots[i].state == LOAD_SLOT_ASKING)
            load_slot_watch(&connection->slots[i], now);
    }
}

/* ---- the clock ---- */

static struct load_traffic traffic_of(const struct load_player *player)
{
    struct load_traffic sum = {0};
    for (size_t i = 0; i < player->connection_count; ++i) {
        struct load_traffic one = load_link_traffic(&player->connections[i].link);
        sum.received += one.received;
        sum.sent += one.sent;
    }
    return sum;
}

static void begin_window(struct load_player *player)
{
    player->is_counting = true;
    player->before = traffic_of(player);
}

static void end_window(struct load_player *player)
{
    struct load_traffic after = traffic_of(player);
    player->ground.stats->traffic.received = after.received - player->before.received;
    player->ground.stats->traffic.sent = after.sent - player->before.sent;
}

/* The time is up. What is in flight may still be answered, but counts no more. */
static void expire(struct load_player *player, uint64_t now)
{
    const struct load_phase *phase = player->ground.phase;
    uint64_t end = now < phase->end ? now : phase->end;
    uint64_t due = phase->rate > 0 ? load_schedule_due(&player->schedule, end - phase->start) : 0;
    end_window(player);
    player->is_stopping = true;
    player->ground.expired = true;
    player->ground.stats->unfinished = player->active;
    if (due > player->arrivals)
        player->ground.stats->unfinished += due - player->arrivals;
    for (size_t i = 0; i < player->connection_count; ++i) {
        struct connection *connection = &player->connections[i];
        for (size_t k = 0; k < connection->slot_count; ++k) {
            if (connection->slots[k].state == LOAD_SLOT_PAUSED)
                load_slot_give_up(&connection->slots[k]);
        }
    }
}

/* Without an end in time, a server that is gone would keep a run from ending. */
static bool is_stuck(const struct load_player *player, uint64_t now)
{
    const struct load_options *options = player->ground.stage->options;
    return player->ground.phase->end == UINT64_MAX && now > player->progress &&
           now - player->progress > 2 * options->timeout + options->retry;
}

static void on_tick(uv_timer_t *timer)
{
    struct load_player *player = timer->data;
    uint64_t now = load_now();
    for (size_t i = 0; i < player->connection_count; ++i)
        tend_connection(&player->connections[i], now);
    if (!player->is_counting && now >= player->ground.phase->begin)
        begin_window(player);
    if (!player->ground.expired && (now >= player->ground.phase->end || is_stuck(player, now)))
        expire(player, now);
    feed(player);
    stop_when_done(player);
}

/* ---- life ---- */

static void connection_init(struct load_player *player, struct connection *connection, unsigned number)
{
    const struct load_stage *stage = player->ground.stage;
    size_t identity = number % stage->tls_count;
    *connection = (struct connection){
        .player = player,
        .slot_count = stage->options->streams,
        .link = {.hub = &player->hub,
                 .target = stage->target,
                 .protocol = stage->protocol,
                 .tls = stage->tls[identity],
                 .number = number,
                 .first_address = number,
                 .on_open = on_open,
                 .on_close = on_close,
                 .fd = -1},
    };
    connection->link.data = connection;
    connection->slots = calloc(connection->slot_count, sizeof(*connection->slots));
    s2s_assert(connection->slots != NULL);
    for (size_t i = 0; i < connection->slot_count; ++i)
        load_slot_init(&connection->slots[i], &player->ground, &connection->link, &player->pools[identity]);
}

struct load_player *load_player_new(const struct load_stage *stage, unsigned number)
{
    const struct load_options *options = stage->options;
    struct load_player *player = calloc(1, sizeof(*player));
    s2s_assert(player != NULL);
    player->ground = (struct load_ground){.stage = stage, .on_free = on_free, .next_client = number};
    player->number = number;
    player->last_idle = &player->first_idle;
    player->is_closing = true;
    s2s_assert(uv_loop_init(&player->ground.loop) == 0);
    load_hub_init(&player->hub, &player->ground.loop);
    load_samples_init(&player->ground.samples, options->verify / options->threads + 1, load_now());
    s2s_assert(uv_timer_init(&player->ground.loop, &player->tick) == 0);
    player->arrival_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    s2s_assert(player->arrival_fd >= 0 &&
               uv_poll_init(&player->ground.loop, &player->arrival_poll, player->arrival_fd) == 0);
    player->tick.data = player->arrival_poll.data = player;

    player->pools = calloc(stage->tls_count, sizeof(*player->pools));
    player->connection_count = (options->connections - number + options->threads - 1) / options->threads;
    player->connections = calloc(player->connection_count, sizeof(*player->connections));
    s2s_assert(player->pools != NULL && player->connections != NULL);
    for (size_t i = 0; i < player->connection_count; ++i)
        connection_init(player, &player->connections[i], number + (unsigned)(i * options->threads));
    return player;
}

static void begin_phase(struct load_player *player, struct load_phase *phase, struct load_stats *stats)
{
    unsigned threads = (unsigned)player->ground.stage->options->threads;
    player->ground.phase = phase;
    player->ground.stats = stats;
    player->ground.expired = false;
    load_samples_clear(&player->ground.samples);
    load_mix_begin(&player->mix, phase->weights);
    player->schedule =
        (struct load_schedule){phase->rate, (double)phase->ramp / (double)LOAD_S, player->number, threads};
    player->arrivals = 0;
    player->quota = phase->quota / threads + (player->number < phase->quota % threads);
    player->progress = phase->start;
    player->armed = 0;
    player->is_stopping = player->is_closing = player->is_counting = false;
    player->before = traffic_of(player);
    for (size_t i = 0; i < player->connection_count; ++i)
        player->connections[i].is_active = false;
}

static void report_end(struct load_phase *phase, uint64_t ended)
{
    uint64_t known = atomic_load(&phase->ended);
    while (known < ended && !atomic_compare_exchange_weak(&phase->ended, &known, ended))
        ;
    atomic_fetch_sub(&phase->playing, 1);
}

void load_player_run(struct load_player *player, struct load_phase *phase, struct load_stats *stats)
{
    begin_phase(player, phase, stats);
    uv_timer_start(&player->tick, on_tick, 0, TICK_MS);
    uv_poll_start(&player->arrival_poll, UV_READABLE, on_arrival);
    uv_run(&player->ground.loop, UV_RUN_DEFAULT);
    uv_timer_stop(&player->tick);
    uv_poll_stop(&player->arrival_poll);
    if (!player->ground.expired)
        end_window(player);
    report_end(phase, player->progress);
}

void load_player_free(struct load_player *player)
{
    player->is_closing = player->is_stopping = true;
    for (size_t i = 0; i < player->connection_count; ++i) {
        struct connection *connection = &player->connections[i];
        load_link_close(&connection->link, NULL);
        for (size_t k = 0; k < connection->slot_count; ++k)
            load_slot_close(&connection->slots[k]);
    }
    uv_close((uv_handle_t *)&player->tick, NULL);
    uv_close((uv_handle_t *)&player->arrival_poll, NULL);
    load_hub_close(&player->hub);
    close(player->arrival_fd);
    for (size_t i = 0; i < player->connection_count; ++i) {
        struct connection *connection = &player->connections[i];
        for (size_t k = 0; k < connection->slot_count; ++k)
            load_slot_free(&connection->slots[k]);
        free(connection->slots);
        load_buffer_free(&connection->link.out);
    }
    for (size_t i = 0; i < player->ground.stage->tls_count; ++i)
        load_pool_free(&player->pools[i]);
    load_samples_free(&player->ground.samples);
    free(player->connections);
    free(player->pools);
    free(player);
}

size_t load_player_sessions(const struct load_player *player)
{
    size_t sum = 0;
    for (size_t i = 0; i < player->ground.stage->tls_count; ++i)
        sum += player->pools[i].count;
    return sum;
}

const struct load_samples *load_player_samples(const struct load_player *player)
{
    return &player->ground.samples;
}
