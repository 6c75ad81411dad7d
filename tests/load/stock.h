/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that are made before the clock starts, by all processors, and taken while it runs, by any thread.
 */
#ifndef LOAD_STOCK_H
#define LOAD_STOCK_H

#include "tests/load/wallet.h"

#include <stdatomic.h>

struct load_stock {
    const struct load_wallet *wallet; /* borrowed */
    unsigned parts;
    struct load_session *sessions;
    size_t count;
    _Atomic size_t next;
};

/* Make `count` sessions with these parts, on as many threads as there are processors. */
void load_stock_fill(struct load_stock *stock, const struct load_wallet *wallet, unsigned parts, size_t count);

/* The next session, or NULL when all are taken. The stock owns it; its taker may drop its parts. */
struct load_session *load_stock_take(struct load_stock *stock);

void load_stock_free(struct load_stock *stock);

#endif
