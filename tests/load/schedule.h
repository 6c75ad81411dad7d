/* SPDX-License-Identifier: Apache-2.0
 *
 * The open loop: when operations are to begin, whatever becomes of those before them.
 *
 * Arrivals come at a fixed rate that grows from zero during the ramp. A schedule is a pure function of the time since
 * the run began, so a tool that falls behind needs no queue: it knows how many arrivals are due and how many it has
 * started, and each keeps the moment that it was meant for, from which its latency counts.
 */
#ifndef LOAD_SCHEDULE_H
#define LOAD_SCHEDULE_H

#include <stdint.h>

struct load_schedule {
    double rate;            /* arrivals a second after the ramp, more than 0 */
    double ramp;            /* seconds over which the rate grows; 0 for none */
    unsigned share, shares; /* of the arrivals 0, 1, 2 … this one takes every `shares`th, from number `share` on */
};

/* How many arrivals are due `elapsed` nanoseconds after the begin. */
uint64_t load_schedule_due(const struct load_schedule *schedule, uint64_t elapsed);

/* Nanoseconds after the begin at which arrival `index` (0, 1, …) is due. */
uint64_t load_schedule_when(const struct load_schedule *schedule, uint64_t index);

#endif
