/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/metrics.h"

#include "../check_main.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct gw_metrics *block;

static void set_up(void)
{
    block = gw_metrics_new();
}

static void tear_down(void)
{
    gw_metrics_free(block);
}

static char *scrape(void)
{
    size_t len;
    char *text = gw_metrics_write(&block, 1, NULL, 0, &len);
    ck_assert_uint_eq(strlen(text), len);
    return text;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++)
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return true;
    return false;
}

#define assert_line(text, line) ck_assert_msg(has_line((text), (line)), "no line %s in\n%s", (line), (text))

START_TEST(requests_are_counted_by_endpoint_status_and_peer)
{
    gw_metrics_request(block, "initiate", 200, "wallet", 0.002, 0);
    gw_metrics_request(block, "initiate", 200, "wallet", 0.003, 1);
    gw_metrics_request(block, "initiate", 400, "wallet", 0.0001, 0);
    gw_metrics_request(block, "status", 200, "none", 20, 0);
    char *text = scrape();
    assert_line(text, "s2s_requests_total{endpoint=\"initiate\",status=\"200\",peer=\"wallet\"} 2");
    assert_line(text, "s2s_requests_total{endpoint=\"initiate\",status=\"400\",peer=\"wallet\"} 1");
    assert_line(text, "s2s_requests_total{endpoint=\"status\",status=\"200\",peer=\"none\"} 1");
    assert_line(text, "s2s_replays_total 1");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"initiate\",le=\"0.0005\"} 1");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"initiate\",le=\"0.0025\"} 2");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"initiate\",le=\"10\"} 3");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"initiate\",le=\"+Inf\"} 3");
    assert_line(text, "s2s_request_duration_seconds_sum{endpoint=\"initiate\"} 0.0051");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"status\",le=\"10\"} 0");
    assert_line(text, "s2s_request_duration_seconds_count{endpoint=\"status\"} 1");
    free(text);
}
END_TEST

START_TEST(a_bound_belongs_to_its_bucket_and_odd_durations_count_as_zero)
{
    gw_metrics_request(block, "a", 200, "p", 0.0005, 0);
    gw_metrics_request(block, "b", 200, "p", -1, 0);
    gw_metrics_request(block, "b", 200, "p", (double)NAN, 0);
    char *text = scrape();
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"a\",le=\"0.0005\"} 1");
    assert_line(text, "s2s_request_duration_seconds_bucket{endpoint=\"b\",le=\"0.0005\"} 2");
    assert_line(text, "s2s_request_duration_seconds_sum{endpoint=\"b\"} 0");
    free(text);
}
END_TEST

START_TEST(answers_of_backends_are_counted_by_name_and_outcome)
{
    gw_metrics_backend(block, "registry", "answered");
    gw_metrics_backend(block, "registry", "answered");
    gw_metrics_backend(block, "registry", "failed");
    gw_metrics_backend_time(block, "registry", 2);
    char *text = scrape();
    assert_line(text, "s2s_backend_answers_total{backend=\"registry\",outcome=\"answered\"} 2");
    assert_line(text, "s2s_backend_answers_total{backend=\"registry\",outcome=\"failed\"} 1");
    assert_line(text, "s2s_backend_duration_seconds_bucket{backend=\"registry\",le=\"2.5\"} 1");
    free(text);
}
END_TEST

START_TEST(labels_are_escaped_and_cut)
{
    char quotes[400], cut[65] = "", line[256];
    memset(quotes, '"', sizeof quotes - 1);
    quotes[sizeof quotes - 1] = '\0';
    for (int i = 0; i < 32; i++)
        strcat(cut, "\\\"");
    gw_metrics_request(block, "a\"b\\c\nd", 200, "p", 0, 0);
    gw_metrics_request(block, quotes, 200, quotes, 0, 0);
    char *text = scrape();
    assert_line(text, "s2s_requests_total{endpoint=\"a\\\"b\\\\c\\nd\",status=\"200\",peer=\"p\"} 1");
    snprintf(line, sizeof line, "s2s_requests_total{endpoint=\"%s\",status=\"200\",peer=\"%s\"} 1", cut, cut);
    assert_line(text, line);
    free(text);
}
END_TEST

/* The sum of all samples of s2s_requests_total, and how many there are. */
static unsigned long total_requests(const char *text, unsigned *series)
{
    static const char name[] = "\ns2s_requests_total{";
    unsigned long total = 0;
    *series = 0;
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += strlen(name), ++*series)
        total += strtoul(strstr(at, "} ") + 2, NULL, 10);
    return total;
}

START_TEST(more_than_1024_combinations_are_counted_under_other)
{
    char peer[32];
    for (int i = 0; i < 1500; i++) {
        snprintf(peer, sizeof peer, "peer-%d", i);
        gw_metrics_request(block, "status", 200, peer, 0.001, 0);
    }
    gw_metrics_request(block, "status", 200, "peer-7", 0.001, 0);
    char *text = scrape();
    unsigned series;
    ck_assert_uint_eq(total_requests(text, &series), 1501);
    ck_assert_uint_eq(series, 1025);
    assert_line(text, "s2s_requests_total{endpoint=\"status\",status=\"200\",peer=\"other\"} 476");
    assert_line(text, "s2s_requests_total{endpoint=\"status\",status=\"200\",peer=\"peer-7\"} 2");
    free(text);
}
END_TEST

START_TEST(endpoints_have_durations_of_their_own_up_to_a_limit)
{
    char endpoint[32];
    for (int i = 0; i <= GW_METRICS_ENDPOINTS; i++) {
        snprintf(endpoint, sizeof endpoint, "endpoint-%d", i);
        gw_metrics_request(block, endpoint, 200, "wallet", 0.001, 0);
    }
    char *text = scrape(), line[128];
    snprintf(line, sizeof line, "s2s_request_duration_seconds_count{endpoint=\"endpoint-%d\"} 1",
             GW_METRICS_ENDPOINTS - 1);
    assert_line(text, line);
    assert_line(text, "s2s_request_duration_seconds_count{endpoint=\"other\"} 1");
    free(text);
}
END_TEST

START_TEST(blocks_are_added_up)
{
    struct gw_metrics *blocks[3];
    char peer[32];
    for (int b = 0; b < 3; b++) {
        blocks[b] = gw_metrics_new();
        gw_metrics_request(blocks[b], "initiate", 200, "wallet", 0.25, 1);
        gw_metrics_job(blocks[b], "evaluate", "done", 0.5);
        gw_metrics_count(blocks[b], GW_RELOADS, 2);
        for (int i = 0; i < 1200; i++) {
            snprintf(peer, sizeof peer, "peer-%d-%d", b, i);
            gw_metrics_request(blocks[b], "status", 200, peer, 0.001, 0);
        }
    }
    size_t len;
    char *text = gw_metrics_write(blocks, 3, NULL, 0, &len);
    unsigned series;
    ck_assert_uint_eq(total_requests(text, &series), 3 * 1201);
    assert_line(text, "s2s_requests_total{endpoint=\"initiate\",status=\"200\",peer=\"wallet\"} 3");
    assert_line(text, "s2s_replays_total 3");
    assert_line(text, "s2s_jobs_total{kind=\"evaluate\",outcome=\"done\"} 3");
    assert_line(text, "s2s_job_duration_seconds_sum{kind=\"evaluate\"} 1.5");
    assert_line(text, "s2s_config_reloads_total 6");
    free(text);
    for (int b = 0; b < 3; b++)
        gw_metrics_free(blocks[b]);
}
END_TEST

START_TEST(batches_and_jobs_are_counted)
{
    gw_metrics_batch(block, 1, 0.001, 0);
    gw_metrics_batch(block, 33, 0.02, 1);
    gw_metrics_job(block, "evaluate", "done", 0.01);
    gw_metrics_job(block, "evaluate", "dead", 0.01);
    char *text = scrape();
    assert_line(text, "s2s_db_batch_calls_bucket{le=\"1\"} 1");
    assert_line(text, "s2s_db_batch_calls_bucket{le=\"32\"} 1");
    assert_line(text, "s2s_db_batch_calls_bucket{le=\"48\"} 2");
    assert_line(text, "s2s_db_batch_calls_sum 34");
    assert_line(text, "s2s_db_batch_calls_count 2");
    assert_line(text, "s2s_db_batch_duration_seconds_sum 0.021");
    assert_line(text, "s2s_db_batch_retries_total 1");
    assert_line(text, "s2s_jobs_total{kind=\"evaluate\",outcome=\"dead\"} 1");
    assert_line(text, "s2s_job_duration_seconds_count{kind=\"evaluate\"} 2");
    free(text);
}
END_TEST

START_TEST(gauges_are_grouped_by_name)
{
    const struct gw_gauge gauges[] = {
        {"s2s_certificate_expiry_seconds", "Seconds left.", "name=\"tls\"", 86400},
        {"s2s_certificate_expiry_seconds", "Seconds left.", "name=\"signer\"", -1.5},
        {"s2s_ready", "Whether requests are taken.", NULL, 1},
        {"s2s_odd", "Not numbers.", "n=\"1\"", (double)NAN},
        {"s2s_odd", "Not numbers.", "n=\"2\"", (double)-INFINITY},
    };
    size_t len;
    char *text = gw_metrics_write(&block, 1, gauges, sizeof gauges / sizeof *gauges, &len);
    assert_line(text, "s2s_certificate_expiry_seconds{name=\"tls\"} 86400");
    assert_line(text, "s2s_certificate_expiry_seconds{name=\"signer\"} -1.5");
    assert_line(text, "s2s_ready 1");
    assert_line(text, "s2s_odd{n=\"1\"} NaN");
    assert_line(text, "s2s_odd{n=\"2\"} -Inf");
    const char *head = strstr(text, "# TYPE s2s_certificate_expiry_seconds gauge\n");
    ck_assert_ptr_nonnull(head);
    ck_assert_ptr_null(strstr(head + 1, "# TYPE s2s_certificate_expiry_seconds gauge\n"));
    free(text);
}
END_TEST

/* The habits that `promtool check metrics` asks for: a HELP and a TYPE for each family, before its samples and once;
 * counters, and nothing else, end in _total; base units. */
static void check_family(const char *text, const char *name, const char *type)
{
    char help[160];
    snprintf(help, sizeof help, "# HELP %s ", name);
    ck_assert_ptr_nonnull(strstr(text, help));
    size_t len = strlen(name);
    bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
    ck_assert_msg(total == (strcmp(type, "counter") == 0), "%s is a %s", name, type);
    static const char *const bad[] = {"_ms", "_milliseconds", "_us", "_minutes", "_kb", "_count", "_sum", "_bucket"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(len < strlen(bad[i]) || strcmp(name + len - strlen(bad[i]), bad[i]) != 0, "%s", name);
    ck_assert_int_eq(strncmp(name, "s2s_", 4), 0);
    for (const char *c = name; *c != '\0'; c++)
        ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_', "%s", name);
}

START_TEST(the_text_keeps_the_rules_of_the_format)
{
    gw_metrics_request(block, "initiate", 200, "wallet", 0.002, 0);
    gw_metrics_job(block, "evaluate", "done", 0.01);
    char *text = scrape();
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    char *copy = strdup(text), *rest = copy, family[128] = "", type[32];
    int families = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        if (strncmp(line, "# TYPE ", 7) == 0) {
            ck_assert_int_eq(sscanf(line, "# TYPE %127s %31s", family, type), 2);
            check_family(text, family, type);
            families++;
        } else if (line[0] != '#') {
            ck_assert_msg(strncmp(line, family, strlen(family)) == 0, "%s is not of %s", line, family);
        }
    }
    ck_assert_int_eq(families, 10 + GW_COUNTERS);
    free(copy);
    free(text);
}
END_TEST

static void *write_metrics(void *unused)
{
    char peer[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(peer, sizeof peer, "peer-%d", i % 700);
        gw_metrics_request(block, "status", 200, peer, 0.001, 0);
        gw_metrics_batch(block, 3, 0.001, 0);
    }
    return unused;
}

START_TEST(a_scrape_runs_beside_the_writer)
{
    pthread_t writer;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_metrics, NULL), 0);
    unsigned series;
    unsigned long before = 0;
    for (int i = 0; i < 20; i++) {
        char *text = scrape();
        unsigned long now = total_requests(text, &series);
        ck_assert_uint_ge(now, before);
        before = now;
        free(text);
    }
    pthread_join(writer, NULL);
    char *text = scrape();
    ck_assert_uint_eq(total_requests(text, &series), 3000);
    ck_assert_uint_eq(series, 700);
    free(text);
}
END_TEST

static Suite *metrics_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("metrics");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, requests_are_counted_by_endpoint_status_and_peer);
    tcase_add_test(tc, a_bound_belongs_to_its_bucket_and_odd_durations_count_as_zero);
    tcase_add_test(tc, answers_of_backends_are_counted_by_name_and_outcome);
    tcase_add_test(tc, labels_are_escaped_and_cut);
    tcase_add_test(tc, more_than_1024_combinations_are_counted_under_other);
    tcase_add_test(tc, endpoints_have_durations_of_their_own_up_to_a_limit);
    tcase_add_test(tc, blocks_are_added_up);
    tcase_add_test(tc, batches_and_jobs_are_counted);
    tcase_add_test(tc, gauges_are_grouped_by_name);
    tcase_add_test(tc, the_text_keeps_the_rules_of_the_format);
    tcase_add_test(tc, a_scrape_runs_beside_the_writer);
    suite_add_tcase(suite, tc);
    return suite;
}

S2S_TEST_MAIN(metrics_suite)
