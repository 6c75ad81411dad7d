/* SPDX-License-Identifier: Apache-2.0
 *
 * --idle N: connections that have shaken hands and then do nothing, and what they cost the server. A wallet server
 * keeps its connections open between requests; their number times this is memory that the issuer must have.
 */
#include "tests/load/report.h"
#include "tests/load/run.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define TICK_MS 5
#define MAX_CONNECTING 32
/* Descriptors of the tool besides the connections. */
#define SPARE_DESCRIPTORS 64
/* Between the last handshake and the measurement: the server ends what it does for new connections. */
#define SETTLE_TIME LOAD_S

struct idle {
    const struct load_stage *stage;
    uv_loop_t loop;
    struct load_hub hub;
    uv_timer_t tick;
    struct load_link *links;
    size_t count, begun, connecting, open, lost;
    uint64_t changed; /* when a connection was opened or lost last */
    bool is_closing;
    char reason[128]; /* of the first failure */
};

static void on_open(struct load_link *link)
{
    struct idle *idle = link->data;
    --idle->connecting;
    ++idle->open;
    idle->changed = load_now();
    link->data = idle;
    link->attempts = 0; /* marks it as having been open */
}

static void on_close(struct load_link *link)
{
    struct idle *idle = link->data;
    if (idle->is_closing)
        return;
    if (link->attempts == 0)
        --idle->open;
    else
        --idle->connecting;
    if (idle->lost++ == 0)
        snprintf(idle->reason, sizeof(idle->reason), "%s",
                 link->reason[0] != '\0' ? link->reason : "closed by the server");
    idle->changed = load_now();
}

static void on_tick(uv_timer_t *timer)
{
    struct idle *idle = timer->data;
    uint64_t now = load_now();
    while (idle->begun < idle->count && idle->connecting < MAX_CONNECTING) {
        ++idle->connecting;
        load_link_open(&idle->links[idle->begun++]);
    }
    bool is_settled = idle->begun == idle->count && idle->connecting == 0 && now - idle->changed > SETTLE_TIME;
    if (is_settled || now - idle->changed > idle->stage->options->timeout)
        uv_stop(&idle->loop);
}

static bool allow_descriptors(size_t count, struct load_error *error)
{
    struct rlimit limit;
    size_t needed = count + SPARE_DESCRIPTORS;
    s2s_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= needed)
        return true;
    limit.rlim_cur = needed;
    if (limit.rlim_max < needed)
        limit.rlim_max = needed; /* for those who may */
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
           load_fail(error, "%zu connections need more open files than the limit (ulimit -n) allows", count);
}

static void begin(struct idle *idle)
{
    const struct load_stage *stage = idle->stage;
    s2s_assert(uv_loop_init(&idle->loop) == 0 && uv_timer_init(&idle->loop, &idle->tick) == 0);
    load_hub_init(&idle->hub, &idle->loop);
    idle->tick.data = idle;
    idle->links = calloc(idle->count, sizeof(*idle->links));
    s2s_assert(idle->links != NULL);
    for (size_t i = 0; i < idle->count; ++i) {
        idle->links[i] = (struct load_link){
            .hub = &idle->hub,
            .target = stage->target,
            .protocol = stage->protocol,
            .tls = stage->tls[i % stage->tls_count],
            .first_address = i,
            .on_open = on_open,
            .on_close = on_close,
            .data = idle,
            .fd = -1,
        };
    }
    idle->changed = load_now();
    uv_timer_start(&idle->tick, on_tick, 0, TICK_MS);
}

static void end(struct idle *idle)
{
    idle->is_closing = true;
    for (size_t i = 0; i < idle->count; ++i) {
        load_link_close(&idle->links[i], NULL);
        load_buffer_free(&idle->links[i].out);
    }
    uv_close((uv_handle_t *)&idle->tick, NULL);
    load_hub_close(&idle->hub);
    free(idle->links);
}

int load_run_idle(const struct load_stage *stage, struct load_error *error)
{
    struct load_result result = {.options = stage->options, .target = stage->target, .protocol = stage->protocol->name};
    struct idle idle = {.stage = stage, .count = stage->options->idle};
    if (!allow_descriptors(idle.count, error))
        return LOAD_EXIT_NOTHING;
    load_result_begin(&result);
    begin(&idle);
    uv_run(&idle.loop, UV_RUN_DEFAULT);
    load_result_end(&result);
    struct load_idle_result found = {.open = idle.open, .lost = idle.lost};
    bool good = idle.open > 0 || load_fail(error, "no connection could be opened: %s", idle.reason);
    if (good && idle.lost > 0)
        fprintf(stderr, "s2s-load: %zu connections failed or were lost: %s\n", idle.lost, idle.reason);
    good = good && load_report(&result, &found, error);
    int status = !good ? LOAD_EXIT_NOTHING : idle.open < idle.count ? LOAD_EXIT_ERRORS : LOAD_EXIT_GOOD;
    end(&idle);
    return status;
}
