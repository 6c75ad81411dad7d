/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/result.h"

const struct load_quantile load_quantiles[LOAD_QUANTILES] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

void load_result_begin(struct load_result *result)
{
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        struct load_watched *watched = &result->watched[i];
        watched->pid = result->options->pids[i];
        watched->found = load_usage_read(watched->pid, &watched->before);
    }
    result->own_cpu = load_usage_own();
}

void load_result_end(struct load_result *result)
{
    result->own_cpu = load_usage_own() - result->own_cpu;
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        struct load_watched *watched = &result->watched[i];
        watched->found = load_usage_read(watched->pid, &watched->after) && watched->found;
    }
}

uint64_t load_result_operations(const struct load_result *result)
{
    return load_histogram_total(&result->stats->operations);
}

double load_result_rate(const struct load_result *result, uint64_t count)
{
    return result->seconds > 0 ? (double)count / result->seconds : 0;
}

double load_watched_cpu(const struct load_watched *watched)
{
    return watched->after.cpu - watched->before.cpu;
}

double load_watched_growth(const struct load_watched *watched)
{
    return (double)watched->after.resident - (double)watched->before.resident;
}

double load_each(double amount, uint64_t count)
{
    return count > 0 ? amount / (double)count : 0;
}
