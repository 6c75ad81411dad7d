/* SPDX-License-Identifier: Apache-2.0
 *
 * Which scenario comes next, so that a mix keeps its weights to within one operation at any time.
 */
#ifndef LOAD_MIX_H
#define LOAD_MIX_H

#include "tests/load/scenario.h"

struct load_mix {
    unsigned weights[LOAD_ALL_SCENARIOS]; /* at least one is not 0 */
    int64_t credits[LOAD_ALL_SCENARIOS];
};

void load_mix_begin(struct load_mix *mix, const unsigned weights[LOAD_ALL_SCENARIOS]);
enum load_scenario_id load_mix_next(struct load_mix *mix);

#endif
