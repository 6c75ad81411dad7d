/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread of load: its connections, the slots on them, each of which plays one operation at a time, and the clock
 * that starts operations. A slot is one HTTP/2 stream, or one HTTP/1.1 connection.
 *
 * Closed loop: a slot that is free begins the next operation at once. Open loop: operations begin when the schedule
 * says so, in whatever slot is free; when none is, they wait, and the wait counts.
 */
#ifndef LOAD_PLAYER_H
#define LOAD_PLAYER_H

#include "tests/load/stage.h"

struct load_player;

/* Player `number` of options->threads. */
struct load_player *load_player_new(const struct load_stage *stage, unsigned number);
void load_player_free(struct load_player *player);

/* Play; returns when the phase is over and nothing is under way. To be called by one thread at a time. The connections
 * stay open for the next phase. What is counted goes to `stats`. */
void load_player_run(struct load_player *player, struct load_phase *phase, struct load_stats *stats);

/* Sessions that LOAD_SCENARIO_OPEN has opened. */
size_t load_player_sessions(const struct load_player *player);

/* The samples of the last phase. Borrowed. */
const struct load_samples *load_player_samples(const struct load_player *player);

#endif
