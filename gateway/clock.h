/* SPDX-License-Identifier: Apache-2.0
 *
 * The two clocks of the gateway.
 */
#ifndef GW_CLOCK_H
#define GW_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Wall clock, seconds since the epoch: what certificates and `iat` are compared with. */
static inline int64_t gw_now_s(void)
{
    return (int64_t)time(NULL);
}

static inline int64_t gw_clock_us(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Wall clock, milliseconds since the epoch. */
static inline int64_t gw_now_ms(void)
{
    return gw_clock_us(CLOCK_REALTIME) / 1000;
}

/* Monotonic clock, microseconds: durations, deadlines and rates. */
static inline int64_t gw_monotonic_us(void)
{
    return gw_clock_us(CLOCK_MONOTONIC);
}

#endif
