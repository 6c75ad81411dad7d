/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request and its answer, whichever HTTP carries it.
 */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

#include "proto/uuid.h"
#include "tests/load/buffer.h"
#include "tests/load/target.h"

#include <stddef.h>

/* An answer's body and its head may be this long. */
#define LOAD_MAX_ANSWER ((size_t)4 << 20)

/* What all requests to one path have in common, made once. */
struct load_endpoint {
    const char *method;
    char *path; /* with the base path */
    const char *authority;
    struct load_buffer http1_head; /* the request line and the header fields that never change */
};

/* `target` is borrowed and must outlive the endpoint. */
void load_endpoint_init(struct load_endpoint *endpoint, const struct load_target *target, const char *method,
                        const char *base, const char *path);
void load_endpoint_free(struct load_endpoint *endpoint);

/* How a request ended. */
enum load_ending {
    LOAD_ANSWERED,  /* whatever the answer says */
    LOAD_LOST,      /* the connection ended before the answer was whole */
    LOAD_RESET,     /* the server reset the stream */
    LOAD_TIMED_OUT, /* the caller gave up */
    LOAD_TOO_LARGE, /* the answer passes LOAD_MAX_ANSWER */
};

enum load_content { LOAD_CONTENT_OTHER, LOAD_CONTENT_JSON, LOAD_CONTENT_PROBLEM };

struct load_answer {
    int status;
    enum load_content content;
    bool echoed;          /* x-request-id is the request's */
    bool replayed;        /* Idempotent-Replayed: true */
    unsigned retry_after; /* seconds; 0 when absent */
    struct load_buffer body;
};

struct load_request {
    const struct load_endpoint *endpoint;
    char id[S2S_UUID_SIZE]; /* x-request-id */
    struct s2s_bytes body;  /* borrowed until `done`; without data for a GET */
    void (*done)(struct load_request *request, enum load_ending ending);
    struct load_answer answer; /* its buffer is kept from one request to the next */

    /* The protocol's, from send to done. */
    size_t sent;
    int32_t stream;
    struct load_request *previous, *next;
};

/* Forget the last answer, but keep its memory. */
void load_answer_begin(struct load_answer *answer);

/* One header field of the answer; names compare without regard to case. */
void load_answer_header(struct load_request *request, const uint8_t *name, size_t name_len, const uint8_t *value,
                        size_t value_len);

#endif
