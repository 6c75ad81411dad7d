/* SPDX-License-Identifier: Apache-2.0
 *
 * Opened sessions of one wallet server on one thread, lent to one operation at a time, the longest unused first.
 */
#ifndef LOAD_POOL_H
#define LOAD_POOL_H

#include "tests/load/wallet.h"

struct load_pool {
    struct load_session **ring;
    size_t size, first, count;
};

/* Give a session to the pool, which owns it from now on. */
void load_pool_put(struct load_pool *pool, struct load_session *session);

/* Take one out; NULL when there is none. The taker owns it. */
struct load_session *load_pool_take(struct load_pool *pool);

/* Free a session that is not wanted back. */
void load_pool_discard(struct load_session *session);

void load_pool_free(struct load_pool *pool);

#endif
