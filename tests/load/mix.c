/* SPDX-License-Identifier: Apache-2.0
 *
 * Smooth weighted round robin: every scenario earns its weight each time; the richest one is played, and pays what all
 * have earned.
 */
#include "tests/load/mix.h"

#include <string.h>

void load_mix_begin(struct load_mix *mix, const unsigned weights[LOAD_ALL_SCENARIOS])
{
    *mix = (struct load_mix){0};
    memcpy(mix->weights, weights, sizeof(mix->weights));
}

enum load_scenario_id load_mix_next(struct load_mix *mix)
{
    enum load_scenario_id best = LOAD_ALL_SCENARIOS;
    int64_t earned = 0;
    for (enum load_scenario_id i = 0; i < LOAD_ALL_SCENARIOS; ++i) {
        mix->credits[i] += mix->weights[i];
        earned += mix->weights[i];
        if (mix->weights[i] > 0 && (best == LOAD_ALL_SCENARIOS || mix->credits[i] > mix->credits[best]))
            best = i;
    }
    s2s_assert(best != LOAD_ALL_SCENARIOS);
    mix->credits[best] -= earned;
    return best;
}
