/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/pool.h"

#include <stdlib.h>

#define FIRST_SIZE 64

static void grow(struct load_pool *pool)
{
    size_t size = pool->size > 0 ? 2 * pool->size : FIRST_SIZE;
    struct load_session **ring = calloc(size, sizeof(*ring));
    s2s_assert(ring != NULL);
    for (size_t i = 0; i < pool->count; ++i)
        ring[i] = pool->ring[(pool->first + i) % pool->size];
    free(pool->ring);
    *pool = (struct load_pool){ring, size, 0, pool->count};
}

void load_pool_put(struct load_pool *pool, struct load_session *session)
{
    if (pool->count == pool->size)
        grow(pool);
    pool->ring[(pool->first + pool->count++) % pool->size] = session;
}

struct load_session *load_pool_take(struct load_pool *pool)
{
    if (pool->count == 0)
        return NULL;
    struct load_session *session = pool->ring[pool->first];
    pool->first = (pool->first + 1) % pool->size;
    --pool->count;
    return session;
}

void load_pool_discard(struct load_session *session)
{
    load_session_drop(session, LOAD_PART_INITIATE | LOAD_PART_GET);
    free(session);
}

void load_pool_free(struct load_pool *pool)
{
    struct load_session *session;
    while ((session = load_pool_take(pool)) != NULL)
        load_pool_discard(session);
    free(pool->ring);
    *pool = (struct load_pool){0};
}
