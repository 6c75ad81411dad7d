/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/options.h"
#include "tests/unit/check_main.h"

#include <string.h>
#include <unistd.h>

#define MAX_ARGUMENTS 32

static struct load_options options;
static struct load_error error;

/* Parse a command line of words with one blank between. They live until the test ends. */
static bool parse(const char *line)
{
    static char text[1024];
    char *argv[MAX_ARGUMENTS] = {"s2s-load"}, *rest = text, *word;
    int argc = 1;
    snprintf(text, sizeof(text), "%s", line);
    while ((word = strsep(&rest, " ")) != NULL)
        argv[argc++] = word;
    error.text[0] = '\0';
    return load_options_parse(argc, argv, &options, &error);
}

#define TARGET "--url https://127.0.0.1:1 --cert c.pem --key k.pem "

START_TEST(defaults)
{
    ck_assert_msg(parse(TARGET "initiate"), "%s", error.text);
    ck_assert_str_eq(options.url, "https://127.0.0.1:1");
    ck_assert_uint_eq(options.connections, 1);
    ck_assert_uint_eq(options.streams, 1);
    ck_assert_uint_eq(options.duration, 10 * LOAD_S);
    ck_assert_uint_eq(options.http, LOAD_HTTP_2);
    ck_assert_uint_eq(options.prepare, LOAD_PREPARE_AUTO);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_INITIATE], 1);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_GET], 0);
    ck_assert(options.rate == 0);
}
END_TEST

START_TEST(values)
{
    ck_assert_msg(parse(TARGET "--connections=16 --streams 8 --rate 2500.5 --ramp 2s --warmup 500ms --requests 1000 "
                               "--payloads 1 --keys 10 --nonce bound --pid 17,18 --json - --quiet --on-the-fly flow"),
                  "%s", error.text);
    ck_assert_uint_eq(options.connections, 16);
    ck_assert_uint_eq(options.streams, 8);
    ck_assert(options.rate == 2500.5);
    ck_assert_uint_eq(options.ramp, 2 * LOAD_S);
    ck_assert_uint_eq(options.warmup, 500 * LOAD_MS);
    ck_assert_uint_eq(options.duration, 0);
    ck_assert_uint_eq(options.requests, 1000);
    ck_assert_uint_eq(options.keys, 10);
    ck_assert_uint_eq(options.nonce, LOAD_NONCE_BOUND);
    ck_assert_uint_eq(options.pid_count, 2);
    ck_assert_int_eq(options.pids[1], 18);
    ck_assert_uint_eq(options.prepare, 0);
    ck_assert(options.quiet && options.on_the_fly);
}
END_TEST

START_TEST(mixes)
{
    ck_assert_msg(parse(TARGET "--mix initiate=3,get=1,credential-status"), "%s", error.text);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_INITIATE], 3);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_GET], 1);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_CREDENTIAL_STATUS], 1);
    ck_assert_uint_eq(options.weights[LOAD_SCENARIO_STATUS], 0);
}
END_TEST

START_TEST(refused)
{
    static const struct {
        const char *line, *part;
    } rows[] = {
        {"initiate", "--url"},
        {"--url https://127.0.0.1:1 initiate", "--cert"},
        {TARGET "--cert d.pem initiate", "--key"},
        {TARGET, "no scenario ''"},
        {TARGET "--quiet", "what shall it play"},
        {TARGET "juggle", "no scenario 'juggle'"},
        {TARGET "open", "no scenario 'open'"},
        {TARGET "--juggle 3 initiate", "no option --juggle"},
        {TARGET "initiate --rate", "--rate wants a value"},
        {TARGET "--rate 0 initiate", "--rate"},
        {TARGET "--rate fast initiate", "--rate"},
        {TARGET "--connections 0 initiate", "out of its range"},
        {TARGET "--connections -1 initiate", "wants a number"},
        {TARGET "--connections 1x initiate", "wants a number"},
        {TARGET "--duration 5parsecs initiate", "wants a time"},
        {TARGET "--quiet=1 initiate", "takes no value"},
        {TARGET "--mix initiate=0", "weight"},
        {TARGET "--mix initiate=x", "weight"},
        {TARGET "--mix initiate=1,juggle=2", "no scenario 'juggle'"},
        {TARGET "--pid 0 initiate", "--pid"},
        {TARGET "--pid 1;2 initiate", "--pid"},
        {TARGET "--http 3 initiate", "--http"},
        {TARGET "--nonce none initiate", "--nonce"},
        {TARGET "--http 1.1 --streams 2 initiate", "no streams"},
        {TARGET "--threads 2 initiate", "more threads"},
        {TARGET "--cert d.pem --key l.pem initiate", "more wallet servers"},
        {TARGET "--idle 5 initiate", "--idle plays no scenario"},
        {TARGET "--env /nonexistent initiate", "/nonexistent"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        ck_assert_msg(!parse(rows[i].line), "%s", rows[i].line);
        ck_assert_msg(strstr(error.text, rows[i].part) != NULL, "%s: %s", rows[i].line, error.text);
    }
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } rows[] = {{"5", 5 * LOAD_S},        {"0", 0},
                {"250ms", 250 * LOAD_MS}, {"1.5s", 1500 * LOAD_MS},
                {"2m", 120 * LOAD_S},     {"1h", 3600 * LOAD_S},
                {"10us", 10 * LOAD_US}};
    static const char *const bad[] = {"", "s", "-1", " 1", "1 s", "1d", "nan", "inf", "1e30"};
    uint64_t ns;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        ck_assert_msg(load_parse_duration(rows[i].text, &ns), "%s", rows[i].text);
        ck_assert_uint_eq(ns, rows[i].ns);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
        ck_assert_msg(!load_parse_duration(bad[i], &ns), "%s", bad[i]);
}
END_TEST

/* A file with an environment; its name is in `path`. */
static void write_environment(char *path, const char *text)
{
    strcpy(path, "/tmp/s2s-load-test-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static const char environment[] =
    "# a comment\n\nS2S_ISSUER_URL=https://127.0.0.1:7\nS2S_CA=/ca\nS2S_SIGNER_CA=/signers\n"
    "S2S_ISSUER_PID=99\nS2S_WALLET_CERT=/w.crt\nS2S_WALLET_KEY=/w.key\n"
    "S2S_OTHER_WALLET_CERT=/o.crt\nS2S_OTHER_WALLET_KEY=/o.key";

START_TEST(an_environment)
{
    char path[64], line[256];
    write_environment(path, environment);
    snprintf(line, sizeof(line), "--env %s initiate", path);
    ck_assert_msg(parse(line), "%s", error.text);
    ck_assert_str_eq(options.url, "https://127.0.0.1:7");
    ck_assert_str_eq(options.ca, "/ca");
    ck_assert_str_eq(options.signer_ca, "/signers");
    ck_assert_uint_eq(options.certificate_count, 1);
    ck_assert_str_eq(options.wallets[0].certificate, "/w.crt");
    ck_assert_int_eq(options.pids[0], 99);
    load_options_free(&options);

    snprintf(line, sizeof(line), "--env %s --wallet WALLET --wallet OTHER_WALLET --connections 2 --ca /mine get", path);
    ck_assert_msg(parse(line), "%s", error.text);
    ck_assert_uint_eq(options.certificate_count, 2);
    ck_assert_str_eq(options.wallets[1].key, "/o.key");
    ck_assert_str_eq(options.ca, "/mine"); /* what the arguments say goes first */
    load_options_free(&options);

    snprintf(line, sizeof(line), "--env %s --wallet NOBODY get", path);
    ck_assert(!parse(line));
    ck_assert_ptr_nonnull(strstr(error.text, "NOBODY"));
    unlink(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("load options");
    TCase *t = tcase_create("options");
    tcase_add_test(t, defaults);
    tcase_add_test(t, values);
    tcase_add_test(t, mixes);
    tcase_add_test(t, refused);
    tcase_add_test(t, durations);
    tcase_add_test(t, an_environment);
    suite_add_tcase(s, t);
    return s;
}

S2S_TEST_MAIN(suite)
