/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process and its children have used, from /proc (proc(5)).
 */
#ifndef LOAD_PROCESS_H
#define LOAD_PROCESS_H

#include "tests/load/common.h"

#include <sys/types.h>

struct load_usage {
    double cpu;        /* seconds, user and system, of the process, its descendants, and those of them that ended */
    uint64_t resident; /* octets, all of them; what they share counts for each */
    uint64_t peak;     /* octets, of the process alone */
    char name[32];
};

/* False when there is no such process. */
S2S_MUST_CHECK bool load_usage_read(pid_t pid, struct load_usage *usage);

/* CPU seconds of this process. */
double load_usage_own(void);

#endif
