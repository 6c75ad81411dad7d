/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/stats.h"

#include <stdlib.h>
#include <string.h>

struct load_stats *load_stats_new(void)
{
    struct load_stats *stats = calloc(1, sizeof(*stats));
    s2s_assert(stats != NULL);
    return stats;
}

void load_stats_free(struct load_stats *stats)
{
    free(stats);
}

static void count_label(struct load_stats *stats, const char *text, uint64_t count)
{
    size_t i = 0;
    while (i < stats->label_count && strcmp(stats->labels[i].text, text) != 0)
        ++i;
    if (i == LOAD_MAX_LABELS) {
        i = LOAD_MAX_LABELS - 1;
        snprintf(stats->labels[i].text, LOAD_LABEL_SIZE, "others");
    } else if (i == stats->label_count) {
        snprintf(stats->labels[stats->label_count++].text, LOAD_LABEL_SIZE, "%s", text);
    }
    stats->labels[i].count += count;
    atomic_fetch_add_explicit(&stats->errors, count, memory_order_relaxed);
}

void load_stats_error(struct load_stats *stats, const char *label)
{
    count_label(stats, label, 1);
}

void load_stats_add_connections(struct load_stats *into, const struct load_stats *from)
{
    load_histogram_add(&into->handshakes, &from->handshakes);
    into->opened += from->opened;
    into->lost += from->lost;
}

void load_stats_add(struct load_stats *into, const struct load_stats *from)
{
    for (size_t i = 0; i < LOAD_STEPS; ++i)
        load_histogram_add(&into->steps[i], &from->steps[i]);
    for (size_t i = 0; i < LOAD_ALL_SCENARIOS; ++i)
        load_histogram_add(&into->scenarios[i], &from->scenarios[i]);
    load_histogram_add(&into->operations, &from->operations);
    for (size_t i = 0; i < from->label_count; ++i)
        count_label(into, from->labels[i].text, from->labels[i].count);
    into->failed += from->failed;
    into->retried += from->retried;
    into->replayed += from->replayed;
    into->unprepared += from->unprepared;
    into->unfinished += from->unfinished;
    into->starved += from->starved;
    into->traffic.received += from->traffic.received;
    into->traffic.sent += from->traffic.sent;
    load_stats_add_connections(into, from);
}

uint64_t load_stats_requests(const struct load_stats *stats)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LOAD_STEPS; ++i)
        sum += load_histogram_total(&stats->steps[i]);
    return sum;
}
