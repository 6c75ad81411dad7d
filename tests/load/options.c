/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_WEIGHT 1000000

/* ---- values ---- */

static bool parse_count(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

bool load_parse_duration(const char *text, uint64_t *out)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1e9}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"us", 1e3}};
    char *end;
    double value = strtod(text, &end);
    if (!isdigit((unsigned char)text[0]) || !isfinite(value))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i) {
        double ns = value * units[i].factor;
        if (strcmp(end, units[i].name) == 0 && ns < 1e18) {
            *out = (uint64_t)ns;
            return true;
        }
    }
    return false;
}

/* ---- options with a shape of their own ---- */

static bool take_mix(struct load_options *options, const char *value, struct load_error *error)
{
    const char *at = value;
    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        size_t name_len = strcspn(at, "=,");
        enum load_scenario_id id = load_scenario_named(at, name_len);
        if (id == LOAD_SCENARIOS)
            return load_fail(error, "--mix: there is no scenario '%.*s'", (int)name_len, at);
        unsigned long weight = 1;
        char *end = (char *)(uintptr_t)(at + len);
        if (name_len < len)
            weight = strtoul(at + name_len + 1, &end, 10);
        if (end != at + len || weight < 1 || weight > MAX_WEIGHT)
            return load_fail(error, "--mix: the weight of %.*s must be from 1 to %d", (int)name_len, at, MAX_WEIGHT);
        options->weights[id] = (unsigned)weight;
        at += len + (at[len] == ',');
    }
    return true;
}

static bool take_pids(struct load_options *options, const char *value, struct load_error *error)
{
    const char *at = value;
    while (*at != '\0') {
        char *end;
        long pid = strtol(at, &end, 10);
        if (pid < 1 || pid > INT_MAX || (*end != ',' && *end != '\0') || options->pid_count == LOAD_MAX_PIDS)
            return load_fail(error, "--pid wants up to %d process ids, with commas between", LOAD_MAX_PIDS);
        options->pids[options->pid_count++] = (pid_t)pid;
        at = end + (*end == ',');
    }
    return true;
}

static bool take_http(struct load_options *options, const char *value, struct load_error *error)
{
    options->http = strcmp(value, "2") == 0 ? LOAD_HTTP_2 : LOAD_HTTP_1;
    return strcmp(value, "2") == 0 || strcmp(value, "1.1") == 0 || load_fail(error, "--http must be 2 or 1.1");
}

static bool take_nonce(struct load_options *options, const char *value, struct load_error *error)
{
    options->nonce = strcmp(value, "bound") == 0 ? LOAD_NONCE_BOUND : LOAD_NONCE_RAW;
    return strcmp(value, "bound") == 0 || strcmp(value, "raw") == 0 || load_fail(error, "--nonce must be raw or bound");
}

static bool take_rate(struct load_options *options, const char *value, struct load_error *error)
{
    char *end;
    options->rate = strtod(value, &end);
    return (isdigit((unsigned char)value[0]) && *end == '\0' && options->rate > 0 && options->rate <= 1e7) ||
           load_fail(error, "--rate must be a number of operations a second");
}

static bool take_certificate(struct load_options *options, const char *value, struct load_error *error)
{
    if (options->certificate_count == LOAD_MAX_WALLETS)
        return load_fail(error, "there are more than %d certificates", LOAD_MAX_WALLETS);
    options->wallets[options->certificate_count++].certificate = value;
    return true;
}

static bool take_key(struct load_options *options, const char *value, struct load_error *error)
{
    if (options->key_count == LOAD_MAX_WALLETS)
        return load_fail(error, "there are more than %d keys", LOAD_MAX_WALLETS);
    options->wallets[options->key_count++].key = value;
    return true;
}

static bool take_wallet(struct load_options *options, const char *value, struct load_error *error)
{
    if (options->wallet_name_count == LOAD_MAX_WALLETS)
        return load_fail(error, "there are more than %d wallets", LOAD_MAX_WALLETS);
    options->wallet_names[options->wallet_name_count++] = value;
    return true;
}

/* ---- the table ---- */

enum kind { HEADING, FLAG, COUNT, TIME, TEXT, SPECIAL };

struct row {
    const char *name; /* without the dashes; of a HEADING, its text */
    enum kind kind;
    const char *argument; /* what the value is called; NULL: there is none */
    const char *doc;
    size_t offset;
    uint64_t min, max, initial; /* COUNT, TIME */
    bool (*take)(struct load_options *options, const char *value, struct load_error *error);
};

/* clang-format off */
#define AT(member) .offset = offsetof(struct load_options, member)
#define COUNT_ROW(flag, member, low, high, value, text) \
    {flag, COUNT, "N", text, AT(member), .min = (low), .max = (high), .initial = (value)}
#define TIME_ROW(flag, member, low, value, text) \
    {flag, TIME, "TIME", text, AT(member), .min = (low), .max = 7 * 86400 * LOAD_S, .initial = (value)}
#define TEXT_ROW(flag, member, argument_name, text) {flag, TEXT, argument_name, text, AT(member)}
#define FLAG_ROW(flag, member, text) {flag, FLAG, NULL, text, AT(member)}
#define SPECIAL_ROW(flag, argument_name, function, text) {flag, SPECIAL, argument_name, text, .take = (function)}
#define HEADING_ROW(text) {.name = (text), .kind = HEADING}
/* clang-format on */

static const struct row rows[] = {
    HEADING_ROW("Whom"),
    TEXT_ROW("env", environment, "FILE", "a development environment's DIR/env: URL, certificates, CAs, --pid"),
    TEXT_ROW("url", url, "URL", "the issuer server's URL: https://host:port/base"),
    TEXT_ROW("host", host, "HOST", "with --really HOST: load a host that is not this machine"),
    TEXT_ROW("really", really, "HOST", "the same host once more"),
    SPECIAL_ROW("cert", "FILE", take_certificate, "client certificate, PEM; repeat it to play several wallet servers"),
    SPECIAL_ROW("key", "FILE", take_key, "its private key, PEM; as many as certificates, in the same order"),
    SPECIAL_ROW("wallet", "NAME", take_wallet,
                "with --env: a wallet of it, such as WALLET, OTHER_WALLET; may be repeated"),
    TEXT_ROW("ca", ca, "FILE", "whom to trust for the server's certificate, PEM (default: the system's)"),
    TEXT_ROW("signer-ca", signer_ca, "FILE", "whom to trust for the credentials' signatures, PEM"),

    HEADING_ROW("How much"),
    SPECIAL_ROW("http", "2|1.1", take_http, "HTTP version (default: 2)"),
    COUNT_ROW("connections", connections, 1, 100000, 1, "connections"),
    COUNT_ROW("streams", streams, 1, 1000, 1, "operations at a time on each connection; 1 with HTTP/1.1"),
    COUNT_ROW("threads", threads, 1, LOAD_MAX_THREADS, 1, "threads"),
    SPECIAL_ROW("rate", "R", take_rate, "open loop: begin R operations a second, however long they take"),
    TIME_ROW("ramp", ramp, 0, 0, "grow to the full load over this time, which is not measured"),
    TIME_ROW("warmup", warmup, 0, 0, "run for this time before measuring"),
    TIME_ROW("duration", duration, 1, 0, "measure for this time (default: 10s, unless there is --requests)"),
    COUNT_ROW("requests", requests, 1, UINT64_MAX, 0, "measure this many operations"),

    HEADING_ROW("What"),
    SPECIAL_ROW("mix", "NAME=W,...", take_mix, "several scenarios by weight, such as initiate=3,get=1"),
    TEXT_ROW("configuration", configuration, "ID", "the credential configuration (default: the first of the metadata)"),
    TEXT_ROW("alg", alg, "ALG", "encrypt to the issuer's first key with this JWE algorithm, such as HPKE-0-KE"),
    COUNT_ROW("payloads", payloads, 0, S2S_MAX_CLIENT_PAYLOADS, 0, "client encrypted payloads in an initiate"),
    COUNT_ROW("payload-size", payload_size, 0, 262144, 0, "octets of padding in each"),
    COUNT_ROW("keys", keys, 1, S2S_MAX_PRESENTMENT_KEYS, 1, "presentment keys of a get"),
    SPECIAL_ROW("nonce", "raw|bound", take_nonce, "form of the verification nonce (default: raw)"),
    COUNT_ROW("clients", clients, 1, 100000, 64,
              "wallet clients, each with keys of its own, that sessions take turns with"),
    COUNT_ROW("sessions", sessions, 0, 1000000, 0,
              "sessions opened for get, status, lifecycle (default: two a stream)"),
    TIME_ROW("poll", poll, LOAD_MS, 100 * LOAD_MS, "pause between two looks for a decision (default: 100ms)"),
    TIME_ROW("timeout", timeout, LOAD_MS, 30 * LOAD_S, "give a request up after this time (default: 30s)"),
    TIME_ROW("retry", retry, 0, 0, "send a failed request again under its x-request-id for this long"),

    HEADING_ROW("Preparing and checking"),
    COUNT_ROW("prepare", prepare, 0, 10000000, LOAD_PREPARE_AUTO,
              "sessions made before the clock starts (default: what rate and time suggest)"),
    FLAG_ROW("on-the-fly", on_the_fly, "make them while the clock runs instead"),
    COUNT_ROW("verify", verify, 0, 100000, 100, "answers to get that are decrypted and verified"),

    HEADING_ROW("Another mode"),
    COUNT_ROW("idle", idle, 1, 1000000, 0, "open N idle connections and measure the memory that they take of --pid"),

    HEADING_ROW("Output"),
    SPECIAL_ROW("pid", "PID,...", take_pids, "processes, with their children, whose CPU time and memory is told"),
    TEXT_ROW("json", json, "FILE", "write the result as JSON; - for the standard output, instead of the table"),
    TEXT_ROW("journal", journal, "FILE", "write a line for every change that the issuer has acknowledged"),
    FLAG_ROW("quiet", quiet, "no live line"),
    FLAG_ROW("help", help, "this text"),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void *member_of(struct load_options *options, const struct row *row)
{
    return (char *)options + row->offset;
}

void load_options_usage(FILE *out)
{
    fprintf(out, "Usage: s2s-load [OPTION]... SCENARIO\n"
                 "       s2s-load [OPTION]... --mix NAME=WEIGHT,...\n"
                 "       s2s-load [OPTION]... --idle N\n\nScenarios:\n");
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i)
        fprintf(out, "  %-20s %s\n", load_scenarios[i].name, load_scenarios[i].doc);
    for (size_t i = 0; i < ROWS; ++i) {
        char flag[64];
        if (rows[i].kind == HEADING) {
            fprintf(out, "\n%s:\n", rows[i].name);
            continue;
        }
        snprintf(flag, sizeof(flag), "--%s%s%s", rows[i].name, rows[i].argument != NULL ? " " : "",
                 rows[i].argument != NULL ? rows[i].argument : "");
        fprintf(out, "  %-20s %s", flag, rows[i].doc);
        if (rows[i].kind == COUNT && rows[i].initial > 0 && rows[i].initial != LOAD_PREPARE_AUTO)
            fprintf(out, " (default: %llu)", (unsigned long long)rows[i].initial);
        fprintf(out, "\n");
    }
    fprintf(out, "\nTimes: 500ms, 10s, 2m, 1h. Exit status: 0, or 1 when an operation failed, 2 when nothing ran.\n");
}

/* ---- arguments ---- */

static const struct row *find_row(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; ++i) {
        if (rows[i].kind != HEADING && strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    }
    return NULL;
}

static bool take_value(struct load_options *options, const struct row *row, const char *value, struct load_error *error)
{
    uint64_t *number = member_of(options, row);
    switch (row->kind) {
    case FLAG:
        *(bool *)member_of(options, row) = true;
        return true;
    case TEXT:
        *(const char **)member_of(options, row) = value;
        return true;
    case SPECIAL:
        return row->take(options, value, error);
    case COUNT:
    case TIME:
        if (!(row->kind == COUNT ? parse_count : load_parse_duration)(value, number))
            return load_fail(error, "--%s wants a %s, not '%s'", row->name,
                             row->kind == COUNT ? "number" : "time such as 500ms or 10s", value);
        return (*number >= row->min && *number <= row->max) || load_fail(error, "--%s is out of its range", row->name);
    case HEADING:
        break;
    }
    return false;
}

/* "--name value" or "--name=value"; `*i` is left at the last argument that was used. */
static bool take_option(struct load_options *options, int argc, char *const *argv, int *i, struct load_error *error)
{
    const char *name = argv[*i] + 2;
    size_t len = strcspn(name, "=");
    const struct row *row = find_row(name, len);
    if (row == NULL)
        return load_fail(error, "there is no option --%.*s", (int)len, name);
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (row->argument == NULL)
        return value == NULL ? take_value(options, row, NULL, error)
                             : load_fail(error, "--%s takes no value", row->name);
    if (value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (value == NULL)
        return load_fail(error, "--%s wants a value", row->name);
    return take_value(options, row, value, error);
}

static bool take_scenario(struct load_options *options, const char *name, struct load_error *error)
{
    enum load_scenario_id id = load_scenario_named(name, strlen(name));
    if (id == LOAD_SCENARIOS)
        return load_fail(error, "there is no scenario '%s'", name);
    options->weights[id] = 1;
    return true;
}

static void set_defaults(struct load_options *options)
{
    *options = (struct load_options){0};
    for (size_t i = 0; i < ROWS; ++i) {
        if (rows[i].kind == COUNT || rows[i].kind == TIME)
            *(uint64_t *)member_of(options, &rows[i]) = rows[i].initial;
    }
}

/* ---- the environment ---- */

static bool take_environment_wallets(struct load_options *options, struct load_error *error)
{
    if (options->wallet_name_count == 0)
        options->wallet_names[options->wallet_name_count++] = "WALLET";
    for (size_t i = 0; i < options->wallet_name_count; ++i) {
        const char *certificate =
            load_environment_value(&options->variables, "S2S_", options->wallet_names[i], "_CERT");
        const char *key = load_environment_value(&options->variables, "S2S_", options->wallet_names[i], "_KEY");
        if (certificate == NULL || key == NULL)
            return load_fail(error, "%s names no certificate of the wallet %s", options->environment,
                             options->wallet_names[i]);
        if (!take_certificate(options, certificate, error) || !take_key(options, key, error))
            return false;
    }
    return true;
}

/* What the arguments leave open. */
static bool take_environment(struct load_options *options, struct load_error *error)
{
    if (!load_environment_read(options->environment, &options->variables, error))
        return false;
    const struct {
        const char **member;
        const char *name;
    } texts[] = {{&options->url, "S2S_ISSUER_URL"}, {&options->ca, "S2S_CA"}, {&options->signer_ca, "S2S_SIGNER_CA"}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        if (*texts[i].member == NULL)
            *texts[i].member = load_environment_value(&options->variables, "", texts[i].name, "");
    }
    const char *pid = load_environment_value(&options->variables, "", "S2S_ISSUER_PID", "");
    if (options->pid_count == 0 && pid != NULL && !take_pids(options, pid, error))
        return false;
    return options->certificate_count > 0 || take_environment_wallets(options, error);
}

/* ---- what must fit together ---- */

static bool check(struct load_options *options, struct load_error *error)
{
    size_t scenarios = 0;
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i)
        scenarios += options->weights[i] > 0;
    if (options->url == NULL)
        return load_fail(error, "whom shall it call? Name --url or --env");
    if (options->certificate_count == 0 || options->certificate_count != options->key_count)
        return load_fail(error, "every wallet server needs a --cert and a --key");
    if (scenarios == 0 && options->idle == 0)
        return load_fail(error, "what shall it play? Name a scenario, --mix or --idle");
    if (scenarios > 0 && options->idle > 0)
        return load_fail(error, "--idle plays no scenario");
    if (options->http == LOAD_HTTP_1 && options->streams > 1)
        return load_fail(error, "HTTP/1.1 has no streams: use more --connections");
    if (options->connections < options->certificate_count)
        return load_fail(error, "there are more wallet servers than connections");
    if (options->connections < options->threads)
        return load_fail(error, "there are more threads than connections");
    if (options->duration == 0 && options->requests == 0)
        options->duration = 10 * LOAD_S;
    if (options->on_the_fly)
        options->prepare = 0;
    return true;
}

static bool parse(int argc, char *const *argv, struct load_options *options, struct load_error *error)
{
    for (int i = 1; i < argc; ++i) {
        bool is_option = strncmp(argv[i], "--", 2) == 0;
        if (!(is_option ? take_option(options, argc, argv, &i, error) : take_scenario(options, argv[i], error)))
            return false;
    }
    if (options->help)
        return true;
    return (options->environment == NULL || take_environment(options, error)) && check(options, error);
}

bool load_options_parse(int argc, char *const *argv, struct load_options *options, struct load_error *error)
{
    set_defaults(options);
    bool good = parse(argc, argv, options, error);
    if (!good)
        load_options_free(options);
    return good;
}

void load_options_free(struct load_options *options)
{
    load_environment_free(&options->variables);
}
