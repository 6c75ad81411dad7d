/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line, as a table. Texts are borrowed from the arguments, or live as long as the options.
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "tests/load/environment.h"
#include "tests/load/scenario.h"

#include <sys/types.h>

#define LOAD_MAX_WALLETS 64
#define LOAD_MAX_PIDS 64
#define LOAD_MAX_THREADS 64

enum load_nonce { LOAD_NONCE_RAW, LOAD_NONCE_BOUND };
enum load_http { LOAD_HTTP_2, LOAD_HTTP_1 };

/* A client certificate: one wallet server. */
struct load_identity {
    const char *certificate, *key; /* PEM files */
};

struct load_options {
    /* whom */
    const char *url, *host, *really;
    const char *environment; /* a file of NAME=value lines */
    const char *ca, *signer_ca;
    struct load_identity wallets[LOAD_MAX_WALLETS];
    size_t certificate_count, key_count;
    const char *wallet_names[LOAD_MAX_WALLETS]; /* of the environment */
    size_t wallet_name_count;

    /* how much */
    uint64_t http; /* enum load_http */
    uint64_t connections, streams, threads;
    double rate; /* operations a second; 0: closed loop */
    uint64_t ramp, warmup, duration, requests;

    /* what */
    unsigned weights[LOAD_SCENARIOS];
    const char *configuration, *alg;
    uint64_t payloads, payload_size, keys, nonce, clients, sessions, poll, timeout, retry;

    /* preparing and checking */
    uint64_t prepare; /* LOAD_PREPARE_AUTO: chosen from rate and duration */
    bool on_the_fly;
    uint64_t verify;

    /* other modes and output */
    uint64_t idle;
    pid_t pids[LOAD_MAX_PIDS];
    size_t pid_count;
    const char *json, *journal;
    bool quiet, help;

    struct load_environment variables; /* of the environment */
};

#define LOAD_PREPARE_AUTO UINT64_MAX

/* Read the arguments, the environment file when one is named, and check what must fit together. On false free them,
 * too. */
S2S_MUST_CHECK bool load_options_parse(int argc, char *const *argv, struct load_options *options,
                                       struct load_error *error);

void load_options_free(struct load_options *options);

/* The manual page in short. */
void load_options_usage(FILE *out);

/* A duration such as "500ms", "10s", "2m", "1h"; a number alone is seconds. */
S2S_MUST_CHECK bool load_parse_duration(const char *text, uint64_t *out);

#endif
