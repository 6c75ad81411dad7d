/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/report.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    double fraction;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

/* ---- processes ---- */

void load_watch_begin(struct load_result *result)
{
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        struct load_watched *watched = &result->watched[i];
        watched->pid = result->options->pids[i];
        watched->found = load_usage_read(watched->pid, &watched->before);
    }
    result->own_cpu = load_usage_own();
}

void load_watch_end(struct load_result *result)
{
    result->own_cpu = load_usage_own() - result->own_cpu;
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        struct load_watched *watched = &result->watched[i];
        watched->found = load_usage_read(watched->pid, &watched->after) && watched->found;
    }
}

static double per(double amount, uint64_t count)
{
    return count > 0 ? amount / (double)count : 0;
}

static uint64_t operations_of(const struct load_result *result)
{
    return load_histogram_total(&result->stats->operations);
}

static double rate_of(const struct load_result *result, uint64_t count)
{
    return result->seconds > 0 ? (double)count / result->seconds : 0;
}

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
                      const struct load_histogram *last, uint64_t errors, bool measuring)
{
    if (options->quiet)
        return;
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    fprintf(stderr, "%s%6.1f s %8.0f/s  p50 %s  p99 %s  max %s  errors %llu%s%s", is_terminal ? "\r\033[K" : "",
            elapsed, (double)load_histogram_total(last) / interval,
            duration_text(load_histogram_quantile(last, 0.5)).text,
            duration_text(load_histogram_quantile(last, 0.99)).text, duration_text(load_histogram_max(last)).text,
            (unsigned long long)errors, measuring ? "" : "  (not measured yet)", is_terminal ? "" : "\n");
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
    fprintf(out, "  %-18s %10llu %10.1f", name, (unsigned long long)total, rate_of(result, total));
    for (size_t i = 0; i < QUANTILES; ++i)
        fprintf(out, " %9s", duration_text(load_histogram_quantile(histogram, quantiles[i].fraction)).text);
    fprintf(out, " %9s\n", duration_text(load_histogram_max(histogram)).text);
}

static void print_heading(FILE *out, const char *name)
{
    fprintf(out, "\n  %-18s %10s %10s", name, "count", "per s");
    for (size_t i = 0; i < QUANTILES; ++i)
        fprintf(out, " %9s", quantiles[i].name);
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
    uint64_t operations = operations_of(result), requests = load_stats_requests(result->stats);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        double cpu = w->after.cpu - w->before.cpu;
        if (!w->found) {
            fprintf(out, "  process      %d is not there\n", (int)w->pid);
            continue;
        }
        fprintf(out,
                "  process      %d (%s): %.2f s CPU, %.0f us an operation, %.0f us a request; resident %s, was %s\n",
                (int)w->pid, w->after.name, cpu, per(cpu * 1e6, operations), per(cpu * 1e6, requests),
                size_text(w->after.resident).text, size_text(w->before.resident).text);
    }
    fprintf(out, "  this tool    %.2f s CPU, %.0f us an operation, %.0f us a request\n", result->own_cpu,
            per(result->own_cpu * 1e6, operations), per(result->own_cpu * 1e6, requests));
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

/* ---- JSON ---- */

static void add_number(struct json_object *to, const char *name, double value)
{
    char text[64];
    snprintf(text, sizeof(text), "%.3f", value);
    json_object_object_add(to, name, json_object_new_double_s(value, text));
}

static void add_count(struct json_object *to, const char *name, uint64_t value)
{
    json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *name, const char *value)
{
    json_object_object_add(to, name, json_object_new_string(value));
}

static struct json_object *add_object(struct json_object *to, const char *name)
{
    struct json_object *made = json_object_new_object();
    json_object_object_add(to, name, made);
    return made;
}

static void add_latency(struct json_object *to, const char *name, const struct load_histogram *histogram)
{
    struct json_object *latency = add_object(to, name);
    add_number(latency, "mean", load_histogram_mean(histogram) / 1e3);
    for (size_t i = 0; i < QUANTILES; ++i)
        add_number(latency, quantiles[i].name, (double)load_histogram_quantile(histogram, quantiles[i].fraction) / 1e3);
    add_number(latency, "max", (double)load_histogram_max(histogram) / 1e3);
}

/* Count, rate and latencies, as members of `to`. */
static void add_measure(struct json_object *to, const struct load_result *result,
                        const struct load_histogram *histogram)
{
    add_count(to, "count", load_histogram_total(histogram));
    add_number(to, "per_second", rate_of(result, load_histogram_total(histogram)));
    add_latency(to, "latency_us", histogram);
}

static void add_setting(struct json_object *root, const struct load_result *result)
{
    const struct load_options *options = result->options;
    struct json_object *setting = add_object(root, "setting");
    struct json_object *mix = add_object(setting, "mix");
    add_text(setting, "target", result->target->authority);
    add_text(setting, "http", result->protocol);
    add_text(setting, "configuration", result->configuration);
    add_text(setting, "loop", options->rate > 0 ? "open" : "closed");
    add_number(setting, "rate", options->rate);
    add_count(setting, "connections", options->connections);
    add_count(setting, "streams", options->streams);
    add_count(setting, "threads", options->threads);
    add_count(setting, "payloads", options->payloads);
    add_count(setting, "keys", options->keys);
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i) {
        if (options->weights[i] > 0)
            add_count(mix, load_scenarios[i].name, options->weights[i]);
    }
}

static void add_measures(struct json_object *root, const struct load_result *result)
{
    const struct load_stats *stats = result->stats;
    struct json_object *operations = add_object(root, "operations");
    add_measure(operations, result, &stats->operations);
    add_count(operations, "failed", stats->failed);
    add_count(operations, "unfinished", stats->unfinished);
    add_count(operations, "starved", stats->starved);
    struct json_object *scenarios = add_object(root, "scenarios");
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i) {
        if (result->options->weights[i] > 0)
            add_measure(add_object(scenarios, load_scenarios[i].name), result, &stats->scenarios[i]);
    }
    struct json_object *requests = add_object(root, "requests");
    add_count(requests, "count", load_stats_requests(stats));
    add_number(requests, "per_second", rate_of(result, load_stats_requests(stats)));
    add_count(requests, "retried", stats->retried);
    add_count(requests, "replayed", stats->replayed);
    struct json_object *steps = add_object(requests, "steps");
    for (size_t i = 0; i < LOAD_STEPS; ++i) {
        if (load_histogram_total(&stats->steps[i]) > 0)
            add_measure(add_object(steps, load_steps[i].name), result, &stats->steps[i]);
    }
    struct json_object *errors = add_object(root, "errors");
    for (size_t i = 0; i < stats->label_count; ++i)
        add_count(errors, stats->labels[i].text, stats->labels[i].count);
}

static void add_transport(struct json_object *root, const struct load_result *result)
{
    const struct load_stats *stats = result->stats;
    struct json_object *bytes = add_object(root, "bytes"), *connections = add_object(root, "connections");
    add_count(bytes, "sent", stats->traffic.sent);
    add_count(bytes, "received", stats->traffic.received);
    add_count(connections, "opened", stats->opened);
    add_count(connections, "lost", stats->lost);
    add_latency(connections, "handshake_us", &stats->handshakes);
}

static void add_verification(struct json_object *root, const struct load_result *result)
{
    const struct load_verification *v = &result->verification;
    struct json_object *verified = add_object(root, "verified"), *prepared = add_object(root, "prepared");
    add_count(verified, "answers", v->seen);
    add_count(verified, "sampled", v->sampled);
    add_count(verified, "failed", v->failed);
    add_count(prepared, "sessions", result->prepared);
    add_number(prepared, "seconds", result->prepare_seconds);
    add_count(prepared, "opened", result->opened_sessions);
    add_count(prepared, "on_the_fly", result->stats->unprepared);
}

static void add_cpu(struct json_object *to, const struct load_result *result, double cpu)
{
    add_number(to, "cpu_seconds", cpu);
    add_number(to, "cpu_us_per_operation", per(cpu * 1e6, operations_of(result)));
    add_number(to, "cpu_us_per_request", per(cpu * 1e6, load_stats_requests(result->stats)));
}

static void add_processes(struct json_object *root, const struct load_result *result)
{
    struct json_object *list = json_object_new_array();
    json_object_object_add(root, "processes", list);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        if (!w->found)
            continue;
        struct json_object *process = json_object_new_object();
        json_object_array_add(list, process);
        add_count(process, "pid", (uint64_t)w->pid);
        add_text(process, "name", w->after.name);
        add_cpu(process, result, w->after.cpu - w->before.cpu);
        add_count(process, "resident_bytes", w->after.resident);
        add_count(process, "resident_bytes_before", w->before.resident);
        add_count(process, "peak_bytes", w->after.peak);
    }
    add_cpu(add_object(root, "tool"), result, result->own_cpu);
}

/* Write the tree, which is freed. */
static bool write_json(const char *path, struct json_object *root, struct load_error *error)
{
    bool is_standard = strcmp(path, "-") == 0;
    FILE *out = is_standard ? stdout : fopen(path, "w");
    bool good =
        out != NULL &&
        fprintf(out, "%s\n",
                json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE)) > 0;
    if (out != NULL && (is_standard ? fflush(out) : fclose(out)) != 0)
        good = false;
    json_object_put(root);
    return good || load_fail(error, "%s: %s", path, strerror(errno));
}

bool load_report_json(const char *path, const struct load_result *result, struct load_error *error)
{
    struct json_object *root = json_object_new_object();
    add_setting(root, result);
    add_number(root, "seconds", result->seconds);
    add_measures(root, result);
    add_transport(root, result);
    add_verification(root, result);
    add_processes(root, result);
    return write_json(path, root, error);
}

/* ---- idle connections ---- */

static double growth(const struct load_watched *w)
{
    return (double)w->after.resident - (double)w->before.resident;
}

static void print_idle(FILE *out, const struct load_result *result, const struct load_idle *idle)
{
    fprintf(out, "%s over %s: %zu idle connections open, %zu lost\n", result->target->authority, result->protocol,
            idle->open, idle->lost);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        if (!w->found)
            continue;
        fprintf(out, "  process      %d (%s): %.1f KiB a connection, %.0f us CPU a handshake; resident %s, was %s\n",
                (int)w->pid, w->after.name, growth(w) / 1024 / (double)idle->open,
                (w->after.cpu - w->before.cpu) * 1e6 / (double)idle->open, size_text(w->after.resident).text,
                size_text(w->before.resident).text);
    }
}

static struct json_object *idle_json(const struct load_result *result, const struct load_idle *idle)
{
    struct json_object *root = json_object_new_object(), *list = json_object_new_array();
    add_text(root, "target", result->target->authority);
    add_text(root, "http", result->protocol);
    add_count(root, "open", idle->open);
    add_count(root, "lost", idle->lost);
    json_object_object_add(root, "processes", list);
    for (size_t i = 0; i < result->options->pid_count; ++i) {
        const struct load_watched *w = &result->watched[i];
        if (!w->found)
            continue;
        struct json_object *process = json_object_new_object();
        json_object_array_add(list, process);
        add_count(process, "pid", (uint64_t)w->pid);
        add_text(process, "name", w->after.name);
        add_number(process, "bytes_per_connection", growth(w) / (double)idle->open);
        add_number(process, "cpu_us_per_handshake", (w->after.cpu - w->before.cpu) * 1e6 / (double)idle->open);
        add_count(process, "resident_bytes", w->after.resident);
        add_count(process, "resident_bytes_before", w->before.resident);
    }
    return root;
}

bool load_report_idle(const struct load_result *result, const struct load_idle *idle, struct load_error *error)
{
    const char *json = result->options->json;
    if (json == NULL || strcmp(json, "-") != 0)
        print_idle(stdout, result, idle);
    return json == NULL || write_json(json, idle_json(result, idle), error);
}
