/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/lookup.h"

#include "gateway/worker.h"

#include <stdlib.h>

static void on_client_gone(void *arg)
{
    struct gw_lookup *lookup = arg;
    lookup->req = NULL;
}

static void end(struct gw_lookup *lookup, enum gw_db_outcome outcome, const PGresult *result)
{
    if (lookup->req != NULL) {
        gw_http_unlink(lookup->link);
        lookup->answer(lookup, outcome, result);
    }
    if (lookup->is_work)
        --lookup->worker->in_flight;
    gw_generation_unref(lookup->generation);
    s2s_arena_free(lookup->arena);
    free(lookup);
}

static void on_found(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    end(H2O_STRUCT_FROM_MEMBER(struct gw_lookup, call, call), outcome, result);
}

struct gw_lookup *gw_lookup_new(struct gw_worker *worker, h2o_req_t *req, enum gw_statement_id statement,
                                void (*answer)(struct gw_lookup *lookup, enum gw_db_outcome outcome,
                                               const PGresult *result))
{
    struct gw_lookup *lookup = calloc(1, sizeof(*lookup));
    s2s_assert(lookup != NULL);
    lookup->worker = worker;
    lookup->generation = gw_generation_ref(worker->generation);
    lookup->arena = s2s_arena_new(lookup->generation->config->limits.request_memory);
    lookup->req = req;
    lookup->link = gw_http_link(req, on_client_gone, lookup);
    lookup->answer = answer;
    s2s_uuid_new(lookup->token);
    gw_db_call_init(&lookup->call, &gw_statements[statement]);
    lookup->call.problem = lookup->token;
    lookup->call.done = on_found;
    return lookup;
}

void gw_lookup_run(struct gw_lookup *lookup)
{
    lookup->is_work = true;
    ++lookup->worker->in_flight;
    gw_db_submit(lookup->worker->db, &lookup->call);
}

void gw_lookup_probe(struct gw_lookup *lookup)
{
    if (gw_db_ready(lookup->worker->db))
        gw_db_submit(lookup->worker->db, &lookup->call);
    else
        end(lookup, GW_DB_UNAVAILABLE, NULL);
}
