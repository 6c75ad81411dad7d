/* SPDX-License-Identifier: Apache-2.0
 *
 * With the rate R and the ramp T, A(t) = R t^2 / 2T arrivals have come at a time t <= T, and R (t - T/2) later. Arrival
 * number n of all threads together comes when A(t) = n.
 */
#include "tests/load/schedule.h"

#include "tests/load/common.h"

#include <math.h>

/* Seconds after which `count` arrivals of all threads have come. */
static double time_of(const struct load_schedule *schedule, double count)
{
    double in_ramp = schedule->rate * schedule->ramp / 2;
    return count < in_ramp ? sqrt(2 * schedule->ramp * count / schedule->rate)
                           : count / schedule->rate + schedule->ramp / 2;
}

static double count_at(const struct load_schedule *schedule, double t)
{
    return t < schedule->ramp ? schedule->rate * t * t / (2 * schedule->ramp)
                              : schedule->rate * (t - schedule->ramp / 2);
}

uint64_t load_schedule_when(const struct load_schedule *schedule, uint64_t index)
{
    double number = (double)schedule->share + (double)index * (double)schedule->shares;
    return (uint64_t)(time_of(schedule, number) * (double)LOAD_S);
}

uint64_t load_schedule_due(const struct load_schedule *schedule, uint64_t elapsed)
{
    double all = count_at(schedule, (double)elapsed / (double)LOAD_S);
    double own = (all - (double)schedule->share) / (double)schedule->shares;
    uint64_t due = own > 0 ? (uint64_t)own : 0;
    /* The arithmetic rounds; _when decides, so that nothing is due before its time. */
    while (load_schedule_when(schedule, due) <= elapsed)
        ++due;
    while (due > 0 && load_schedule_when(schedule, due - 1) > elapsed)
        --due;
    return due;
}
