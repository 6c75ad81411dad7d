/* SPDX-License-Identifier: Apache-2.0
 *
 * A slot: room for one operation at a time on one connection. It sends the steps of a scenario one after the other,
 * judges the answers, polls, and sends again what may be sent again.
 */
#ifndef LOAD_SLOT_H
#define LOAD_SLOT_H

#include "tests/load/pool.h"
#include "tests/load/stage.h"

struct load_slot;

/* What the slots of one thread share. */
struct load_ground {
    const struct load_stage *stage;
    struct load_phase *phase;
    struct load_stats *stats;
    struct load_samples samples;
    uv_loop_t loop;
    size_t next_client; /* for sessions that are made on the fly */
    bool expired;       /* the time is up: nothing is waited for any more */
    void (*on_free)(struct load_slot *slot);
};

enum load_slot_state { LOAD_SLOT_FREE, LOAD_SLOT_ASKING, LOAD_SLOT_PAUSED };

struct load_slot {
    struct load_ground *ground;
    struct load_link *link;
    struct load_pool *pool; /* of the connection's wallet server */
    enum load_slot_state state;

    /* The operation. */
    enum load_scenario_id scenario;
    size_t step;
    struct load_session *session;
    struct load_session own; /* where a session that is made on the fly lives */
    uint64_t began;          /* the operation was meant to begin */
    uint64_t entered;        /* the step was begun */
    uint64_t request_began;  /* the request was meant to be sent; sending it again does not change that */
    uint64_t composed;       /* the request was made */
    uint64_t sent;           /* the request was sent last */
    bool is_composed;        /* the request is to be sent (again) as it is */
    unsigned attempts;
    struct load_request request;
    struct load_buffer scratch;
    uv_timer_t timer;

    /* The owner's. */
    bool is_listed;
    struct load_slot *next;
};

void load_slot_init(struct load_slot *slot, struct load_ground *ground, struct load_link *link, struct load_pool *pool);
/* The loop must run once more before the memory goes. Only when free. */
void load_slot_close(struct load_slot *slot);
void load_slot_free(struct load_slot *slot);

/* Play one operation of `scenario` that was meant to begin at `began`. The slot is free, its link usable.
 * ground->on_free follows, never from within. */
void load_slot_begin(struct load_slot *slot, enum load_scenario_id scenario, uint64_t began);

/* To be called every now and then while ASKING: give up a request that takes too long. */
void load_slot_watch(struct load_slot *slot, uint64_t now);

/* End an operation that is PAUSED, without a count. */
void load_slot_give_up(struct load_slot *slot);

/* Whether what happens at `now` counts. */
static inline bool load_ground_counts(const struct load_ground *ground, uint64_t now)
{
    return now >= ground->phase->begin && now <= ground->phase->end;
}

#endif
