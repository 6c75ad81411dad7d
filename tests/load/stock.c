/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/stock.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 64
/* Sessions that a thread makes at a time. */
#define PORTION 16

static void *fill(void *arg)
{
    struct load_stock *stock = arg;
    for (;;) {
        size_t begin = atomic_fetch_add(&stock->next, PORTION);
        if (begin >= stock->count)
            return NULL;
        size_t end = begin + PORTION < stock->count ? begin + PORTION : stock->count;
        for (size_t i = begin; i < end; ++i)
            load_session_begin(stock->wallet, i, stock->parts, &stock->sessions[i]);
    }
}

void load_stock_fill(struct load_stock *stock, const struct load_wallet *wallet, unsigned parts, size_t count)
{
    pthread_t threads[MAX_THREADS];
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t thread_count = processors < 1 ? 1 : processors > MAX_THREADS ? MAX_THREADS : (size_t)processors;
    *stock = (struct load_stock){.wallet = wallet, .parts = parts, .count = count};
    stock->sessions = calloc(count + 1, sizeof(*stock->sessions));
    s2s_assert(stock->sessions != NULL);
    for (size_t i = 0; i < thread_count; ++i)
        s2s_assert(pthread_create(&threads[i], NULL, fill, stock) == 0);
    for (size_t i = 0; i < thread_count; ++i)
        s2s_assert(pthread_join(threads[i], NULL) == 0);
    atomic_store(&stock->next, 0);
}

struct load_session *load_stock_take(struct load_stock *stock)
{
    if (atomic_load_explicit(&stock->next, memory_order_relaxed) >= stock->count)
        return NULL;
    size_t i = atomic_fetch_add_explicit(&stock->next, 1, memory_order_relaxed);
    return i < stock->count ? &stock->sessions[i] : NULL;
}

void load_stock_free(struct load_stock *stock)
{
    for (size_t i = 0; i < stock->count; ++i)
        load_session_drop(&stock->sessions[i], LOAD_PART_INITIATE | LOAD_PART_GET);
    free(stock->sessions);
    *stock = (struct load_stock){0};
}
