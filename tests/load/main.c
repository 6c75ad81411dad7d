/* SPDX-License-Identifier: Apache-2.0
 *
 * s2s-load: load for an issuer, by many wallet servers and wallet clients. docs/load-testing.md is its manual.
 */
#include "tests/load/run.h"

#include "tests/load/tls.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int complain(const struct load_error *error)
{
    fprintf(stderr, "s2s-load: %s\n", error->text);
    return LOAD_EXIT_NOTHING;
}

static bool make_contexts(const struct load_options *options, const struct load_target *target,
                          const struct load_protocol *protocol, SSL_CTX **contexts, struct load_error *error)
{
    for (size_t i = 0; i < options->certificate_count; ++i) {
        const struct load_identity *wallet = &options->wallets[i];
        contexts[i] = load_tls_context(target, wallet->certificate, wallet->key, options->ca, protocol->alpn, error);
        if (contexts[i] == NULL)
            return false;
    }
    return true;
}

/* With whom and what to speak is settled. */
static int play(struct load_stage *stage, struct load_error *error)
{
    const struct load_options *options = stage->options;
    struct load_issuer issuer;
    if (!load_issuer_fetch(stage->target, stage->protocol, stage->tls[0], options->configuration, options->alg, &issuer,
                           error))
        return complain(error);
    for (size_t i = 0; i < S2S_ENDPOINTS; ++i)
        load_endpoint_init(&stage->endpoints[i], stage->target, "POST", issuer.base, s2s_endpoints[i].path);
    int status = options->idle > 0 ? load_run_idle(stage, error) : load_run(stage, &issuer, error);
    for (size_t i = 0; i < S2S_ENDPOINTS; ++i)
        load_endpoint_free(&stage->endpoints[i]);
    load_issuer_free(&issuer);
    return status == LOAD_EXIT_NOTHING ? complain(error) : status;
}

static int play_with_journal(struct load_stage *stage, struct load_error *error)
{
    const char *path = stage->options->journal;
    stage->journal = path != NULL ? fopen(path, "w") : NULL;
    if (path != NULL && stage->journal == NULL) {
        load_fail(error, "%s: %s", path, strerror(errno));
        return complain(error);
    }
    int status = play(stage, error);
    if (stage->journal != NULL && fclose(stage->journal) != 0) {
        load_fail(error, "%s: %s", path, strerror(errno));
        return complain(error);
    }
    return status;
}

static int run(const struct load_options *options, struct load_error *error)
{
    struct load_target target;
    SSL_CTX *contexts[LOAD_MAX_WALLETS] = {NULL};
    const struct load_protocol *protocol = options->http == LOAD_HTTP_2 ? &load_http2 : &load_http1;
    if (!load_target_parse(options->url, &target, error) || !load_target_resolve(&target, error) ||
        !load_target_permit(&target, options->host, options->really, error))
        return complain(error);
    int status;
    if (make_contexts(options, &target, protocol, contexts, error)) {
        struct load_stage stage = {
            .options = options,
            .target = &target,
            .protocol = protocol,
            .tls = contexts,
            .tls_count = options->certificate_count,
        };
        status = play_with_journal(&stage, error);
    } else {
        status = complain(error);
    }
    for (size_t i = 0; i < options->certificate_count; ++i)
        SSL_CTX_free(contexts[i]);
    return status;
}

int main(int argc, char **argv)
{
    struct load_options options;
    struct load_error error;
    signal(SIGPIPE, SIG_IGN); /* a lost connection is an answer of its own */
    if (!load_options_parse(argc, argv, &options, &error)) {
        complain(&error);
        fprintf(stderr, "Try: s2s-load --help\n");
        return LOAD_EXIT_NOTHING;
    }
    if (options.help) {
        load_options_usage(stdout);
        load_options_free(&options);
        return LOAD_EXIT_GOOD;
    }
    int status = run(&options, &error);
    load_options_free(&options);
    return status;
}
