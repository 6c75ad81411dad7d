/* SPDX-License-Identifier: Apache-2.0
 *
 * What every file of the load tool uses: the clock, times as numbers, and failures with a reason.
 */
#ifndef LOAD_COMMON_H
#define LOAD_COMMON_H

#include "proto/result.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* All times and durations are nanoseconds. */
#define LOAD_US ((uint64_t)1000)
#define LOAD_MS ((uint64_t)1000000)
#define LOAD_S ((uint64_t)1000000000)

/* Monotonic clock. */
static inline uint64_t load_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * LOAD_S + (uint64_t)ts.tv_nsec;
}

/* Why something could not be done: one English sentence without the full stop, for the user of the tool. */
struct load_error {
    char text[512];
};

/* Write the reason and return false. */
__attribute__((format(printf, 2, 3))) static inline bool load_fail(struct load_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return false;
}

#endif
