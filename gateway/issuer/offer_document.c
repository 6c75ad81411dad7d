/* SPDX-License-Identifier: Apache-2.0
 *
 * The database knows a document only sealed, under the HMAC of its reference: neither the links nor the codes can be
 * read there.
 */
#include "gateway/issuer/offer_document.h"

#include "gateway/db/statements.h"
#include "gateway/issuer/offer_codes.h"
#include "gateway/net/http.h"
#include "gateway/worker.h"
#include "proto/wellknown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT "/offers/"
#define ENDPOINT "offer_document"

/* A request that waits for the database. */
struct look {
    struct gw_worker *worker;
    struct gw_generation *generation; /* a reference */
    struct s2s_arena *arena;
    h2o_req_t *req; /* NULL once the client has gone */
    struct look_link *link;
    struct gw_db_call call;
};

/* Hangs in h2o's request pool, to learn when the request goes. */
struct look_link {
    struct look *look; /* NULL once answered */
};

const char *gw_offer_uri(struct s2s_arena *arena, const char *identifier, const char *reference)
{
    size_t len = strlen(identifier);
    if (len > 0 && identifier[len - 1] == '/')
        --len;
    return s2s_arena_printf(arena, "%.*s" SEGMENT "%s", (int)len, identifier, reference);
}

/* ---- the answer ---- */

static void refuse(h2o_req_t *req, enum s2s_problem_type type, const char *detail)
{
    gw_http_send_problem(req, type, detail, type == S2S_PROBLEM_HTTP_405 ? "GET, HEAD" : NULL);
}

static void refuse_unknown(h2o_req_t *req)
{
    refuse(req, S2S_PROBLEM_HTTP_404, "There is no such offer, or not any more.");
}

static void answer(struct look *look, enum gw_db_outcome outcome, const PGresult *result)
{
    enum { OFFER_ID, DOCUMENT };
    struct s2s_bytes sealed, plain;
    if (outcome != GW_DB_OK) {
        refuse(look->req, outcome == GW_DB_UNAVAILABLE ? S2S_PROBLEM_UNAVAILABLE : S2S_PROBLEM_HTTP_500,
               "The gateway cannot look for the offer now.");
    } else if (PQntuples(result) == 0) {
        refuse_unknown(look->req);
    } else if (!gw_db_read_bytes(look->arena, PQgetvalue(result, 0, DOCUMENT), &sealed) ||
               s2s_failed(gw_vault_open(look->generation->vault, look->arena, PQgetvalue(result, 0, OFFER_ID), sealed,
                                        &plain))) {
        refuse(look->req, S2S_PROBLEM_HTTP_500, "The gateway failed; its operator sees why under this instance.");
    } else {
        gw_http_add_common_headers(look->req, NULL, "no-store");
        gw_http_log(look->req, ENDPOINT, 200, NULL);
        gw_http_send(look->req, 200, GW_JSON, (const char *)plain.data, plain.len);
    }
}

/* ---- asking ---- */

static void on_request_disposed(void *data)
{
    struct look_link *link = data;
    if (link->look != NULL)
        link->look->req = NULL;
}

static void on_found(struct gw_db_call *call, enum gw_db_outcome outcome, const PGresult *result)
{
    struct look *look = H2O_STRUCT_FROM_MEMBER(struct look, call, call);
    if (look->req != NULL) {
        look->link->look = NULL;
        answer(look, outcome, result);
    }
    --look->worker->in_flight;
    gw_generation_unref(look->generation);
    s2s_arena_free(look->arena);
    free(look);
}

/* The HMACs of the reference under all data keys, as a bytea[]. */
static void add_hashes(struct look *look, const char *reference)
{
    const struct gw_vault *vault = look->generation->vault;
    size_t count = gw_vault_key_count(vault);
    const char **hashes = s2s_arena_alloc(look->arena, count * sizeof(*hashes));
    s2s_assert(hashes != NULL);
    for (size_t key = 0; key < count; ++key) {
        uint8_t hash[GW_OFFER_HASH_SIZE];
        gw_offer_reference_hash(vault, key, reference, hash);
        hashes[key] = gw_db_bytea(look->arena, s2s_bytes(hash, sizeof(hash)));
    }
    gw_db_text_array(&look->call, look->arena, hashes, count);
}

static void ask(struct gw_worker *worker, h2o_req_t *req, const char *reference)
{
    struct look *look = calloc(1, sizeof(*look));
    s2s_assert(look != NULL);
    *look = (struct look){
        .worker = worker,
        .generation = gw_generation_ref(worker->generation),
        .arena = s2s_arena_new(worker->generation->config->limits.request_memory),
        .req = req,
    };
    look->link = h2o_mem_alloc_shared(&req->pool, sizeof(*look->link), on_request_disposed);
    look->link->look = look;
    gw_db_call_init(&look->call, &gw_statements[GW_SQL_OFFER_READ]);
    add_hashes(look, reference);
    look->call.done = on_found;
    ++worker->in_flight;
    gw_db_submit(worker->db, &look->call);
}

/* What stands behind "/offers/" in the path; base NULL when it is another path. */
static h2o_iovec_t reference_of(const struct gw_generation *generation, const h2o_req_t *req)
{
    size_t len = req->query_at != SIZE_MAX ? req->query_at : req->path.len, segment = strlen(SEGMENT);
    struct s2s_bytes base = s2s_identifier_path(generation->config->issuer.identifier);
    if (len < base.len + segment || memcmp(req->path.base, base.data, base.len) != 0 ||
        memcmp(req->path.base + base.len, SEGMENT, segment) != 0)
        return h2o_iovec_init(NULL, 0);
    return h2o_iovec_init(req->path.base + base.len + segment, len - base.len - segment);
}

/* Whether it can be a reference: others are not looked for. */
static bool is_plausible(h2o_iovec_t reference)
{
    for (size_t i = 0; i < reference.len; ++i)
        if (!isalnum((unsigned char)reference.base[i]) && reference.base[i] != '-' && reference.base[i] != '_')
            return false;
    return reference.len == GW_OFFER_REFERENCE_CHARS;
}

bool gw_offer_document_answer(struct gw_worker *worker, h2o_req_t *req)
{
    h2o_iovec_t reference = reference_of(worker->generation, req);
    if (reference.base == NULL)
        return false;
    if (!gw_http_method_is(req, "GET") && !gw_http_method_is(req, "HEAD"))
        refuse(req, S2S_PROBLEM_HTTP_405, "Offers are read with GET.");
    else if (!is_plausible(reference))
        refuse_unknown(req);
    else if (worker->draining || worker->in_flight > worker->boot->config->limits.max_in_flight)
        refuse(req, S2S_PROBLEM_UNAVAILABLE, "The gateway takes no requests right now; try again.");
    else
        ask(worker, req, h2o_strdup(&req->pool, reference.base, reference.len).base);
    return true;
}
