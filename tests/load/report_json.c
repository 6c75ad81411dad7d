/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/load-testing.md tells what the members mean.
 */
#include "tests/load/report.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

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
    for (size_t i = 0; i < LOAD_QUANTILES; ++i)
        add_number(latency, load_quantiles[i].name,
                   (double)load_histogram_quantile(histogram, load_quantiles[i].fraction) / 1e3);
    add_number(latency, "max", (double)load_histogram_max(histogram) / 1e3);
}

/* Count, rate and latencies, as members of `to`. */
static void add_measure(struct json_object *to, const struct load_result *result,
                        const struct load_histogram *histogram)
{
    add_count(to, "count", load_histogram_total(histogram));
    add_number(to, "per_second", load_result_rate(result, load_histogram_total(histogram)));
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
    add_number(requests, "per_second", load_result_rate(result, load_stats_requests(stats)));
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
    add_number(to, "cpu_us_per_operation", load_each(cpu * 1e6, load_result_operations(result)));
    add_number(to, "cpu_us_per_request", load_each(cpu * 1e6, load_stats_requests(result->stats)));
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
        add_cpu(process, result, load_watched_cpu(w));
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

static struct json_object *idle_json(const struct load_result *result, const struct load_idle_result *idle)
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
        add_number(process, "bytes_per_connection", load_watched_growth(w) / (double)idle->open);
        add_number(process, "cpu_us_per_handshake", load_watched_cpu(w) * 1e6 / (double)idle->open);
        add_count(process, "resident_bytes", w->after.resident);
        add_count(process, "resident_bytes_before", w->before.resident);
    }
    return root;
}

bool load_report_idle_json(const char *path, const struct load_result *result, const struct load_idle_result *idle,
                           struct load_error *error)
{
    return write_json(path, idle_json(result, idle), error);
}
