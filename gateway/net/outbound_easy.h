/* SPDX-License-Identifier: Apache-2.0
 *
 * One call as libcurl sees it: an easy handle with its options, the answer as it comes in, and how it ended. Private to
 * the outbound client.
 */
#ifndef GW_OUTBOUND_EASY_H
#define GW_OUTBOUND_EASY_H

#include "gateway/net/outbound.h"

#include <curl/curl.h>

struct gw_easy {
    CURL *curl;
    struct curl_slist *headers;
    struct gw_outbound_call *call;
    bool tls;
    bool inside;   /* an address was refused */
    bool too_late; /* the call's `send_by_us` had passed when the request was to be sent */
    const char *const *alert;
    char *body;                 /* of the answer so far, NUL-terminated; NULL while empty */
    size_t body_len, body_room; /* `body_len` counts also what the call's `on_body` got */
    size_t header_octets;       /* of the answer so far, interim answers and trailers included */
    bool too_large;             /* either passed its limit */
    char etag[GW_MAX_ETAG + 1];
    char error[CURL_ERROR_SIZE];
};

/* Make the handle for `call`, which stays where it is until gw_easy_close; `owner` is its CURLOPT_PRIVATE. `*alert`
 * gets the name of each fatal TLS alert, sent or received, on the connections that the call opens. It outlives them,
 * and its owner sets it to NULL before each turn of libcurl's. */
void gw_easy_open(struct gw_easy *easy, struct gw_outbound_call *call, void *owner, const char **alert);

/* What came of it, by libcurl's `code` and the alerts of its last turn; everything in it lives until gw_easy_close. The
 * handle is out of its multi handle. */
struct gw_outbound_answer gw_easy_answer(struct gw_easy *easy, CURLcode code);

/* Free the handle and what came with the answer; it must have left its multi handle. */
void gw_easy_close(struct gw_easy *easy);

#endif
