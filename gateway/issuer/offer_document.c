/* SPDX-License-Identifier: Apache-2.0
 *
 * The database knows a document only sealed, under the HMAC of its reference: neither the links nor the codes can be
 * read there.
 */
#include "gateway/issuer/offer_document.h"

#include "gateway/issuer/offer_codes.h"
#include "gateway/net/access.h"
#include "gateway/net/lookup.h"
#include "gateway/worker.h"
#include "proto/wellknown.h"

#include <ctype.h>
#include <string.h>

#define SEGMENT "/offers/"
#define ENDPOINT "offer_document"

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

/* Open the document and send it. */
static void show(struct gw_lookup *lookup, const char *offer_id, const char *document)
{
    struct s2s_bytes sealed, plain;
    struct s2s_result r = gw_db_read_bytes(lookup->arena, document, &sealed)
                              ? gw_vault_open(lookup->generation->vault, lookup->arena, offer_id, sealed, &plain)
                              : s2s_fail(S2S_LIMIT, "the offer is too large");
    if (s2s_failed(r)) {
        gw_http_fail_internal(lookup->req, ENDPOINT, lookup->token, r.detail);
        return;
    }
    gw_http_add_common_headers(lookup->req, NULL, "no-store");
    gw_http_log(lookup->req, ENDPOINT, 200, NULL);
    gw_http_send(lookup->req, 200, GW_JSON, (const char *)plain.data, plain.len);
}

static void answer(struct gw_lookup *lookup, enum gw_db_outcome outcome, const PGresult *result)
{
    enum { OFFER_ID, DOCUMENT };
    if (outcome == GW_DB_UNAVAILABLE)
        refuse(lookup->req, S2S_PROBLEM_UNAVAILABLE, "The gateway cannot look for the offer now.");
    else if (outcome == GW_DB_FAILED)
        gw_http_fail_internal(lookup->req, ENDPOINT, lookup->token, GW_NO_ROW);
    else if (PQntuples(result) == 0)
        refuse_unknown(lookup->req);
    else
        show(lookup, PQgetvalue(result, 0, OFFER_ID), PQgetvalue(result, 0, DOCUMENT));
}

/* ---- asking ---- */

/* The HMACs of the reference under all data keys, as a bytea[]. */
static void add_hashes(struct gw_lookup *lookup, const char *reference)
{
    const struct gw_vault *vault = lookup->generation->vault;
    size_t count = gw_vault_key_count(vault);
    const char **hashes = s2s_arena_alloc(lookup->arena, count * sizeof(*hashes));
    s2s_assert(hashes != NULL);
    for (size_t key = 0; key < count; ++key) {
        uint8_t hash[GW_OFFER_HASH_SIZE];
        gw_offer_reference_hash(vault, key, reference, hash);
        hashes[key] = gw_db_bytea(lookup->arena, s2s_bytes(hash, sizeof(hash)));
    }
    gw_db_text_array(&lookup->call, lookup->arena, hashes, count);
}

static void ask(struct gw_worker *worker, h2o_req_t *req, const char *reference)
{
    struct gw_lookup *lookup = gw_lookup_new(worker, req, GW_SQL_OFFER_READ, answer);
    add_hashes(lookup, reference);
    gw_lookup_run(lookup);
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
