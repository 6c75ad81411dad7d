/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/rate.h"

int64_t gw_rate_take(struct gw_rate *rate, const struct gw_rate_limit *limit, int64_t now_us)
{
    if (limit->per_second <= 0)
        return 0;
    const int64_t interval = (int64_t)(1e6 / limit->per_second);
    const int64_t tolerance = interval * (int64_t)(limit->burst > 0 ? limit->burst - 1 : 0);
    int64_t expected = atomic_load_explicit(&rate->theoretical_arrival_us, memory_order_relaxed);
    for (;;) {
        int64_t arrival = expected > now_us ? expected : now_us;
        int64_t early = arrival - tolerance - now_us;
        if (early > 0)
            return (early + 999999) / 1000000;
        if (atomic_compare_exchange_weak_explicit(&rate->theoretical_arrival_us, &expected, arrival + interval,
                                                  memory_order_relaxed, memory_order_relaxed))
            return 0;
    }
}
