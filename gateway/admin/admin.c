/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/admin.h"

#include "gateway/clock.h"
#include "gateway/net/api.h"
#include "gateway/net/lookup.h"
#include "gateway/worker.h"

#include <stdlib.h>
#include <string.h>

#define API_PREFIX "/v1/"
#define LABELS_SIZE 160
/* Gauges that there are once, and those of a row of the queue's statistics. */
#define FIXED_GAUGES 10
#define GAUGES_PER_ROW 4

static void send_text(h2o_req_t *req, int status, const char *text)
{
    gw_http_add_header(req, "Cache-Control", H2O_STRLIT("no-store"));
    gw_http_send(req, status, "text/plain; version=0.0.4; charset=utf-8", text, strlen(text));
}

/* ---- readiness ---- */

static void answer_ready(struct gw_lookup *lookup, enum gw_db_outcome outcome, const PGresult *result)
{
    (void)result;
    const char *trouble = gw_generation_key_trouble(lookup->generation, gw_now_s());
    if (lookup->worker->draining)
        send_text(lookup->req, 503, "draining\n");
    else if (outcome != GW_DB_OK)
        send_text(lookup->req, 503, "the database cannot be reached\n");
    else if (trouble != NULL)
        send_text(lookup->req, 503, s2s_arena_printf(lookup->arena, "%s\n", trouble));
    else
        send_text(lookup->req, 200, "ready\n");
}

/* ---- metrics ---- */

struct gauges {
    struct gw_gauge *items;
    char (*labels)[LABELS_SIZE];
    size_t count, size;
};

__attribute__((format(printf, 5, 6))) static void add_gauge(struct gauges *gauges, const char *name, const char *help,
                                                            double value, const char *labels, ...)
{
    s2s_assert(gauges->count < gauges->size);
    char *text = gauges->labels[gauges->count];
    va_list args;
    va_start(args, labels);
    vsnprintf(text, LABELS_SIZE, labels, args);
    va_end(args);
    gauges->items[gauges->count++] = (struct gw_gauge){name, help, text[0] != '\0' ? text : NULL, value};
}

static void add_certificates(struct gauges *gauges, const struct gw_generation *g, double now)
{
    static const char name[] = "s2s_certificate_expiry_seconds";
    static const char help[] = "Seconds until a certificate of the gateway expires; negative when it has.";
    static const char *const uses[GW_LISTENERS] = {[GW_LISTEN_S2S] = "listener_s2s",
                                                   [GW_LISTEN_WALLET] = "listener_wallet",
                                                   [GW_LISTEN_PUBLIC] = "listener_public",
                                                   [GW_LISTEN_APP] = "listener_app"};
    for (size_t i = 0; i < GW_LISTENERS; ++i)
        if (g->tls[i] != NULL)
            add_gauge(gauges, name, help, (double)gw_tls_not_after(g->tls[i]) - now, "use=\"%s\"", uses[i]);
    int64_t not_before, not_after;
    if (g->metadata_signer != NULL) {
        gw_signer_validity(g->metadata_signer, &not_before, &not_after);
        add_gauge(gauges, name, help, (double)not_after - now, "use=\"metadata\"");
    }
    for (size_t i = 0; i < g->config->credential_count; ++i) {
        gw_signer_validity(g->offerings[i].signer, &not_before, &not_after);
        add_gauge(gauges, name, help, (double)not_after - now, "use=\"credential\",configuration=\"%.64s\"",
                  g->config->credentials[i].id);
    }
}

/* Rows of GW_SQL_QUEUE_STATS, one metric after the other, as the exposition format groups them. */
static void add_queue(struct gauges *gauges, const PGresult *result)
{
    enum { KIND, PEER, DEPTH, OLDEST, DEAD };
    static const struct {
        const char *name, *help;
        int column;
    } metrics[] = {
        {"s2s_queue_depth", "Jobs that wait or are leased, deliveries by peer.", DEPTH},
        {"s2s_queue_oldest_seconds", "Age of the oldest of them.", OLDEST},
        {"s2s_queue_dead", "Dead letters, which wait for an operator.", DEAD},
    };
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); ++i)
        for (int row = 0; row < PQntuples(result); ++row) {
            const char *peer = gw_db_column(result, row, PEER);
            double value = strtod(PQgetvalue(result, row, metrics[i].column), NULL);
            if (peer == NULL)
                add_gauge(gauges, metrics[i].name, metrics[i].help, value, "kind=\"%.32s\"",
                          PQgetvalue(result, row, KIND));
            else
                add_gauge(gauges, metrics[i].name, metrics[i].help, value, "kind=\"%.32s\",peer=\"%.64s\"",
                          PQgetvalue(result, row, KIND), peer);
        }
}

/* A peer that has refused us or does not answer is left alone for a while. */
static void add_blocked_peers(struct gauges *gauges, const PGresult *result)
{
    enum { PEER = 1, BLOCKED = 5 };
    for (int row = 0; row < PQntuples(result); ++row)
        if (!PQgetisnull(result, row, PEER))
            add_gauge(gauges, "s2s_peer_blocked", "Whether deliveries to the peer are held back after failures.",
                      gw_db_true(result, row, BLOCKED), "peer=\"%.64s\"", PQgetvalue(result, row, PEER));
}

static void answer_metrics(struct gw_lookup *lookup, enum gw_db_outcome outcome, const PGresult *result)
{
    (void)outcome; /* without a result, the gateway's own numbers are shown */
    struct gw_process *process = lookup->worker->process;
    const struct gw_config *config = lookup->generation->config;
    size_t rows = result != NULL ? (size_t)PQntuples(result) : 0;
    struct gauges own = {.size = FIXED_GAUGES + config->credential_count + GAUGES_PER_ROW * rows}, *gauges = &own;
    struct gw_metrics **blocks = calloc(process->count, sizeof(*blocks));
    own.items = calloc(own.size, sizeof(*own.items));
    own.labels = calloc(own.size, sizeof(*own.labels));
    s2s_assert(blocks != NULL && own.items != NULL && own.labels != NULL);
    for (unsigned i = 0; i < process->count; ++i)
        blocks[i] = process->workers[i].metrics;
    add_gauge(gauges, "s2s_database_up", "Whether the database answered this scrape.", result != NULL, "%s", "");
    add_gauge(gauges, "s2s_generation", "Number of the configuration in force; grows with each reload.",
              (double)lookup->generation->number, "%s", "");
    add_certificates(gauges, lookup->generation, (double)gw_now_s());
    if (result != NULL) {
        add_queue(gauges, result);
        add_blocked_peers(gauges, result);
    }
    size_t len;
    char *text = gw_metrics_write(blocks, process->count, gauges->items, gauges->count, &len);
    send_text(lookup->req, 200, text);
    free(text);
    free(blocks);
    free(own.items);
    free(own.labels);
}

/* ---- routes ---- */

static bool path_is(const h2o_req_t *req, const char *path)
{
    size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    return h2o_memis(req->path.base, len, path, strlen(path));
}

static bool is_for_api(const h2o_req_t *req)
{
    return req->path.len >= strlen(API_PREFIX) && memcmp(req->path.base, API_PREFIX, strlen(API_PREFIX)) == 0;
}

void gw_admin_answer(struct gw_server *server, h2o_req_t *req)
{
    struct gw_worker *worker = server->owner;
    const struct gw_config *config = worker->generation->config;
    if (is_for_api(req) && config->listeners[GW_LISTEN_ADMIN].token_count > 0)
        gw_api_answer(server, req);
    else if (is_for_api(req))
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_404, "The operators' API is off: listeners.admin.tokens has none.",
                             NULL);
    else if (!gw_http_method_is(req, "GET") && !gw_http_method_is(req, "HEAD"))
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_405, "Operators' pages are read with GET.", "GET, HEAD");
    else if (path_is(req, "/healthz"))
        send_text(req, 200, "ok\n");
    else if (path_is(req, "/readyz"))
        gw_lookup_probe(gw_lookup_new(worker, req, GW_SQL_PING, answer_ready));
    else if (path_is(req, "/metrics"))
        gw_lookup_probe(gw_lookup_new(worker, req, GW_SQL_QUEUE_STATS, answer_metrics));
    else
        gw_http_send_problem(req, S2S_PROBLEM_HTTP_404, "There are /healthz, /readyz, /metrics and the API below /v1/.",
                             NULL);
}
