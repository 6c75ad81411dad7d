/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/report.h"

#include <string.h>
#include <unistd.h>

/* ---- numbers as text ---- */

struct text {
    char text[32];
};

static struct text duration_text(uint64_t ns)
{
    struct text t;
    double us = (double)ns / 1e3;
    if (us < 1000)
        snprintf(t.text, sizeof(t.text), "%.0f us", us);
    else if (us < 1e6)
        snprintf(t.text, sizeof(t.text), "%.*f ms", us < 1e4 ? 2 : us < 1e5 ? 1 : 0, us / 1e3);
    else
        snprintf(t.text, sizeof(t.text), "%.2f s", us / 1e6);
    return t;
}

static struct text size_text(uint64_t octets)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    struct text t;
    double value = (double)octets;
    size_t unit = 0;
    while (value >= 1024 && unit < 4) {
        value /= 1024;
        ++unit;
    }
    snprintf(t.text, sizeof(t.text), "%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
    return t;
}

/* ---- the live line ---- */

void load_report_live(const struct load_options *options, double elapsed, double interval,
                      const struct load_histogram *last, uint64_t errors, bool is_measured)
{
    if (options->quiet)
        return;
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    fprintf(stderr, "%s%6.1f s %8.0f/s  p50 %s  p99 %s  max %s  errors %llu%s%s", is_terminal ? "\r\033[K" : "",
            elapsed, (double)load_histogram_total(last) / interval,
            duration_text(load_histogram_quantile(last, 0.5)).text,
            duration_text(load_histogram_quantile(last, 0.99)).text, duration_text(load_histogram_max(last)).text,
            (unsigned long long)errors, is_measured ? "" : "  (not measured yet)", is_terminal ? "" : "\n");
    fflush(stderr);
}

void load_report_live_end(const struct load_options *options)
{
    if (!options->quiet && isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\n");
}

/* ---- the table ---- */

static void print_row(FILE *out, const char *name, const struct load_result *result,
                      const struct load_histogram *histogram)
{
    uint64_t total = load_histogram_total(histogram);
    if (total == 0)
        return;
    fprintf(out, "  %-18s %10llu %10.1f", name, (unsigned long long)total, load_result_rate(result, total));
    for (size_t i = 0; i < LOAD_QUANTILES; ++i)
        fprintf(out, " %9s", duration_text(load_histogram_quantile(histogram, load_quantiles[i].fraction)).text);
    fprintf(out, " %9s\n", duration_text(load_histogram_max(histogram)).text);
}

static void print_heading(FILE *out, const char *name)
{
    fprintf(out, "\n  %-18s %10s %10s", name, "count", "per s");
    for (size_t i = 0; i < LOAD_QUANTILES; ++i)
        fprintf(out, " %9s", load_quantiles[i].name);
    fprintf(out, " %9s\n", "max");
}

static void print_latencies(FILE *out, const struct load_result *result)
{
    const struct load_stats *stats = result->stats;
    print_heading(out, "operation");
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i)
        print_row(out, load_scenarios[i].name, result, &stats->scenarios[i]);
    print_heading(out, "request");
    for (size_t i = 0; i < LOAD_STEPS; ++i)
        print_row(out, load_steps[i].name, result, &stats->steps[i]);
}

static void print_errors(FILE *out, const struct load_result *result)
{
    const struct load_stats *stats = result->stats;
    fprintf(out, "\n  failed       %llu operations, %llu unfinished at the end\n", (unsigned long long)stats->failed,
            (unsigned long long)stats->unfinished);
    for (size_t i = 0; i < stats->label_count; ++i)
        fprintf(out, "               %llu x %s\n", (unsigned long long)stats->labels[i].count, stats->labels[i].text);
    if (stats->starved > 0)
        fprintf(out, "               %llu x no session was free: raise --sessions\n",
                (unsigned long long)stats->starved);
    if (stats->retried > 0 || stats->replayed > 0)
        fprintf(out, "  again        %llu requests sent again, %llu answers replayed\n",
                (unsigned long long)stats->retried, (unsigned long long)stats->replayed);
}

static void print_verification(FILE *out, const struct load_result *result)
{
    const struct load_verification *v = &result->verification;
    if (v->seen == 0)
        return;
    fprintf(out, "  verified     %llu of %llu answers to get decrypted and verified, %llu failed%s%s\n",
            (unsigned long long)v->sampled, (unsigned long long)v->seen, (unsigned long long)v->failed,
            v->failed > 0 ? ": " : "", v->failed > 0 ? v->first.text : "");
}

static void print_processes(FILE *out, const struct load_result *result)
{
    uint64_t operations = load_result_operations(result), requests = load_stats_requests(result->stats);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        double cpu = load_watched_cpu(w);
        if (!w->found) {
            fprintf(out, "  process      %d is not there\n", (int)w->pid);
            continue;
        }
        fprintf(out,
                "  process      %d (%s): %.2f s CPU, %.0f us an operation, %.0f us a request; resident %s, was %s\n",
                (int)w->pid, w->after.name, cpu, load_each(cpu * 1e6, operations), load_each(cpu * 1e6, requests),
                size_text(w->after.resident).text, size_text(w->before.resident).text);
    }
    fprintf(out, "  this tool    %.2f s CPU, %.0f us an operation, %.0f us a request\n", result->own_cpu,
            load_each(result->own_cpu * 1e6, operations), load_each(result->own_cpu * 1e6, requests));
}

void load_report_table(FILE *out, const struct load_result *result)
{
    const struct load_options *options = result->options;
    const struct load_stats *stats = result->stats;
    char loop[64] = "closed loop";
    if (options->rate > 0)
        snprintf(loop, sizeof(loop), "open loop of %.1f/s", options->rate);
    fprintf(out, "%s over %s, %llu connections x %llu streams, %s, %s, measured for %.2f s\n",
            result->target->authority, result->protocol, (unsigned long long)options->connections,
            (unsigned long long)options->streams, loop, result->configuration, result->seconds);
    print_latencies(out, result);
    print_errors(out, result);
    print_verification(out, result);
    fprintf(out, "  traffic      %s sent, %s received\n", size_text(stats->traffic.sent).text,
            size_text(stats->traffic.received).text);
    fprintf(out, "  connections  %llu opened, %llu lost; handshake p50 %s, max %s\n", (unsigned long long)stats->opened,
            (unsigned long long)stats->lost, duration_text(load_histogram_quantile(&stats->handshakes, 0.5)).text,
            duration_text(load_histogram_max(&stats->handshakes)).text);
    fprintf(out, "  prepared     %llu sessions in %.1f s, %llu more while the clock ran\n",
            (unsigned long long)result->prepared, result->prepare_seconds, (unsigned long long)stats->unprepared);
    print_processes(out, result);
}

void load_report_idle_table(FILE *out, const struct load_result *result, const struct load_idle_result *idle)
{
    fprintf(out, "%s over %s: %zu idle connections open, %zu lost\n", result->target->authority, result->protocol,
            idle->open, idle->lost);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        if (!w->found)
            continue;
        fprintf(out, "  process      %d (%s): %.1f KiB a connection, %.0f us CPU a handshake; resident %s, was %s\n",
                (int)w->pid, w->after.name, load_watched_growth(w) / 1024 / (double)idle->open,
                load_watched_cpu(w) * 1e6 / (double)idle->open, size_text(w->after.resident).text,
                size_text(w->before.resident).text);
    }
}

bool load_report(const struct load_result *result, const struct load_idle_result *idle, struct load_error *error)
{
    const char *json = result->options->json;
    bool wants_table = json == NULL || strcmp(json, "-") != 0;
    if (wants_table && idle != NULL)
        load_report_idle_table(stdout, result, idle);
    else if (wants_table)
        load_report_table(stdout, result);
    if (json == NULL)
        return true;
    return idle != NULL ? load_report_idle_json(json, result, idle, error) : load_report_json(json, result, error);
}
