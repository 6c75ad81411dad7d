/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/run.h"

#include "tests/load/player.h"
#include "tests/load/report.h"

#include <math.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many sessions are prepared for each second of a closed loop: more than it will need, */
#define PREPARE_PER_SECOND 5000.0
/* and a few for those that are cut off at the end, */
#define PREPARE_MARGIN 64.0
/* but not more than what fits in some hundred megabytes. */
#define PREPARE_MAX 200000.0
/* How often the main thread looks at the players. */
#define LOOK_INTERVAL (20 * LOAD_MS)
#define LIVE_INTERVAL LOAD_S

struct run {
    struct load_stage *stage;
    const struct load_options *options;
    struct load_player *players[LOAD_MAX_THREADS];
    struct load_stats *stats[LOAD_MAX_THREADS];
    struct load_stock stocks[LOAD_ALL_SCENARIOS];
    struct load_stats *opening; /* what was counted while sessions were opened, or NULL */
    struct load_result result;
};

/* ---- interrupts ---- */

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* Once the clock runs, the first interrupt ends the run in order, with a result. The second one ends the program. */
static void listen_for_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    s2s_assert(sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0);
}

/* ---- preparing ---- */

/* Operations a second that are reckoned with. Who takes credentials, too, is served slower. */
static double expected_rate(const struct load_options *options, unsigned parts)
{
    if (options->rate > 0)
        return options->rate;
    return (parts & LOAD_PART_GET) != 0 ? PREPARE_PER_SECOND / (double)(2 + options->keys) : PREPARE_PER_SECOND;
}

/* Operations that the measured phase will probably begin, if all were of one scenario that sends `parts`. */
static double expected_operations(const struct load_options *options, unsigned parts)
{
    double rate = expected_rate(options, parts);
    double unmeasured = rate * ((double)options->warmup / 1e9 + (double)options->ramp / 2e9);
    double measured = rate * (double)options->duration / 1e9;
    if (options->requests > 0 && (options->duration == 0 || (double)options->requests < measured))
        measured = (double)options->requests;
    double some_more = unmeasured + measured > (double)options->requests ? PREPARE_MARGIN : 0;
    return fmin(unmeasured + measured + some_more, PREPARE_MAX);
}

static void prepare_scenarios(struct run *run)
{
    const struct load_options *options = run->options;
    uint64_t began = load_now();
    double sum = 0;
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i)
        sum += options->weights[i];
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i) {
        if (options->weights[i] == 0 || !load_scenarios[i].opens)
            continue;
        double total = options->prepare != LOAD_PREPARE_AUTO ? (double)options->prepare
                                                             : expected_operations(options, load_scenarios[i].parts);
        size_t count = (size_t)ceil(total * options->weights[i] / sum);
        load_stock_fill(&run->stocks[i], run->stage->wallet, load_scenarios[i].parts, count);
        run->result.prepared += count;
    }
    run->result.prepare_seconds += (double)(load_now() - began) / 1e9;
}

/* How many sessions must be open before the clock starts, and with which parts. */
static size_t sessions_needed(const struct load_options *options, unsigned *parts)
{
    bool needed = false;
    *parts = load_scenarios[LOAD_SCENARIO_OPEN].parts;
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i) {
        if (options->weights[i] == 0 || load_scenarios[i].opens)
            continue;
        needed = true;
        *parts |= load_scenarios[i].parts;
    }
    if (!needed)
        return 0;
    return options->sessions > 0 ? options->sessions : 2 * options->connections * options->streams;
}

/* ---- playing ---- */

struct task {
    struct load_player *player;
    struct load_phase *phase;
    struct load_stats *stats;
};

static void *play(void *arg)
{
    struct task *task = arg;
    load_player_run(task->player, task->phase, task->stats);
    return NULL;
}

static void sleep_for(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / LOAD_S), .tv_nsec = (long)(ns % LOAD_S)};
    nanosleep(&time, NULL);
}

/* What the main thread does while the others play. */
struct watch {
    struct run *run;
    struct load_phase *phase;
    struct load_histogram *before, *now, *last; /* all operations */
    uint64_t looked;
    bool began, ended; /* the window */
};

static void show(struct watch *watch, uint64_t now)
{
    struct run *run = watch->run;
    uint64_t errors = 0;
    load_histogram_clear(watch->now);
    for (size_t i = 0; i < run->options->threads; ++i) {
        load_histogram_add(watch->now, &run->stats[i]->operations);
        errors += atomic_load_explicit(&run->stats[i]->errors, memory_order_relaxed);
    }
    load_histogram_since(watch->last, watch->now, watch->before);
    load_report_live(run->options, (double)(now - watch->phase->start) / 1e9, (double)(now - watch->looked) / 1e9,
                     watch->last, errors, watch->began);
    struct load_histogram *spare = watch->before;
    watch->before = watch->now;
    watch->now = spare;
    watch->looked = now;
}

static void look(struct watch *watch, bool playing)
{
    struct load_result *result = &watch->run->result;
    uint64_t now = load_now();
    if (is_interrupted && now < watch->phase->end)
        watch->phase->end = now;
    if (!watch->began && now >= watch->phase->begin) {
        watch->began = true;
        load_result_begin(result);
    }
    if (watch->began && !watch->ended && (now >= watch->phase->end || !playing)) {
        uint64_t end = now >= watch->phase->end ? watch->phase->end : atomic_load(&watch->phase->ended);
        watch->ended = true;
        result->seconds = end > watch->phase->begin ? (double)(end - watch->phase->begin) / 1e9 : 0;
        load_result_end(result);
    }
    if (now - watch->looked >= LIVE_INTERVAL && !watch->ended)
        show(watch, now);
}

static void watch_players(struct run *run, struct load_phase *phase)
{
    struct load_histogram *histograms = calloc(3, sizeof(*histograms));
    s2s_assert(histograms != NULL);
    struct watch watch = {run, phase, &histograms[0], &histograms[1], &histograms[2], phase->start, false, false};
    for (;;) {
        bool playing = atomic_load(&phase->playing) > 0;
        look(&watch, playing);
        if (!playing)
            break;
        uint64_t now = load_now(), next = now + LOOK_INTERVAL;
        uint64_t edge = watch.began ? phase->end : phase->begin; /* the processes are looked at when it is time */
        if (edge > now && edge < next)
            next = edge;
        sleep_for(next - now);
    }
    load_report_live_end(run->options);
    free(histograms);
}

/* Run all players through the phase; measured ones are watched. Returns the sum of what was counted; free it. */
static struct load_stats *run_phase(struct run *run, struct load_phase *phase, bool is_measured)
{
    size_t count = run->options->threads;
    pthread_t threads[LOAD_MAX_THREADS];
    struct task tasks[LOAD_MAX_THREADS];
    atomic_store(&phase->playing, count);
    for (size_t i = 0; i < count; ++i) {
        run->stats[i] = load_stats_new();
        tasks[i] = (struct task){run->players[i], phase, run->stats[i]};
        s2s_assert(pthread_create(&threads[i], NULL, play, &tasks[i]) == 0);
    }
    if (is_measured)
        watch_players(run, phase);
    struct load_stats *sum = load_stats_new();
    for (size_t i = 0; i < count; ++i) {
        s2s_assert(pthread_join(threads[i], NULL) == 0);
        load_stats_add(sum, run->stats[i]);
        load_stats_free(run->stats[i]);
    }
    return sum;
}

static bool open_sessions(struct run *run, struct load_error *error)
{
    unsigned parts;
    size_t count = sessions_needed(run->options, &parts);
    if (count == 0)
        return true;
    uint64_t began = load_now();
    struct load_stock stock;
    load_stock_fill(&stock, run->stage->wallet, parts, count);
    run->result.prepared += count;
    run->result.prepare_seconds += (double)(load_now() - began) / 1e9;
    struct load_phase phase = {
        .weights[LOAD_SCENARIO_OPEN] = 1,
        .stocks[LOAD_SCENARIO_OPEN] = &stock,
        .quota = count,
        .start = load_now(),
        .end = UINT64_MAX,
    };
    struct load_stats *stats = run_phase(run, &phase, false);
    for (size_t i = 0; i < run->options->threads; ++i)
        run->result.opened_sessions += load_player_sessions(run->players[i]);
    bool good =
        run->result.opened_sessions > 0 || load_fail(error, "no session could be opened: %s",
                                                     stats->label_count > 0 ? stats->labels[0].text : "no answer");
    run->opening = stats;
    load_stock_free(&stock);
    return good;
}

static struct load_phase measured_phase(struct run *run)
{
    const struct load_options *options = run->options;
    struct load_phase phase = {
        .rate = options->rate,
        .ramp = options->ramp,
        .quota = options->requests > 0 ? options->requests : UINT64_MAX,
        .start = load_now(),
    };
    phase.begin = phase.start + options->ramp + options->warmup;
    phase.end = options->duration > 0 ? phase.begin + options->duration : UINT64_MAX;
    for (size_t i = 0; i < LOAD_SCENARIOS; ++i) {
        phase.weights[i] = options->weights[i];
        phase.stocks[i] = run->stocks[i].sessions != NULL ? &run->stocks[i] : NULL;
    }
    return phase;
}

/* ---- verifying ---- */

static bool verify_samples(struct run *run, struct load_error *error)
{
    struct load_verification *v = &run->result.verification;
    struct load_judge judge = {.keys = run->options->keys};
    if (run->options->signer_ca != NULL) {
        judge.anchors = X509_STORE_new();
        s2s_assert(judge.anchors != NULL);
        if (X509_STORE_load_file(judge.anchors, run->options->signer_ca) != 1) {
            X509_STORE_free(judge.anchors);
            return load_fail(error, "%s cannot be read as certificates", run->options->signer_ca);
        }
    }
    for (size_t i = 0; i < run->options->threads; ++i) {
        const struct load_samples *samples = load_player_samples(run->players[i]);
        v->seen += samples->seen;
        for (size_t k = 0; k < samples->count && v->sampled < run->options->verify; ++k) {
            struct load_error wrong;
            ++v->sampled;
            if (!load_sample_verify(&samples->items[k], &judge, &wrong) && v->failed++ == 0)
                v->first = wrong;
        }
    }
    X509_STORE_free(judge.anchors);
    return true;
}

/* ---- the run ---- */

static int measure(struct run *run, struct load_error *error)
{
    if (!open_sessions(run, error))
        return LOAD_EXIT_NOTHING;
    listen_for_interrupts();
    struct load_phase phase = measured_phase(run);
    struct load_stats *stats = run_phase(run, &phase, true);
    if (run->opening != NULL)
        load_stats_add_connections(stats, run->opening);
    run->result.stats = stats;
    bool good = verify_samples(run, error) && load_report(&run->result, NULL, error);
    bool errors =
        stats->failed > 0 || run->result.verification.failed > 0 || load_histogram_total(&stats->operations) == 0;
    load_stats_free(stats);
    return !good ? LOAD_EXIT_NOTHING : errors ? LOAD_EXIT_ERRORS : LOAD_EXIT_GOOD;
}

int load_run(struct load_stage *stage, const struct load_issuer *issuer, struct load_error *error)
{
    const struct load_options *options = stage->options;
    const struct load_wallet_config config = {
        .issuer = issuer,
        .clients = options->clients,
        .keys = options->keys,
        .payloads = options->payloads,
        .payload_size = options->payload_size,
        .bound_nonce = options->nonce == LOAD_NONCE_BOUND,
    };
    struct load_wallet *wallet = load_wallet_new(&config);
    struct run run = {
        .stage = stage,
        .options = options,
        .result = {.options = options,
                   .target = stage->target,
                   .protocol = stage->protocol->name,
                   .configuration = issuer->configuration},
    };
    stage->wallet = wallet;
    prepare_scenarios(&run);
    for (unsigned i = 0; i < options->threads; ++i)
        run.players[i] = load_player_new(stage, i);
    int status = measure(&run, error);
    for (size_t i = 0; i < options->threads; ++i)
        load_player_free(run.players[i]);
    for (size_t i = 0; i < LOAD_ALL_SCENARIOS; ++i)
        load_stock_free(&run.stocks[i]);
    load_stats_free(run.opening);
    load_wallet_free(wallet);
    return status;
}
