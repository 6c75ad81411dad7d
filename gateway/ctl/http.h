/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP request at a time, waited for (libcurl's easy interface).
 */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include "proto/arena.h"

#include <curl/curl.h>
#include <stdbool.h>

#define CTL_HTTP_MAX_HEADERS 8

/* How a server is reached. All borrowed; NULL: none. */
struct ctl_http_identity {
    const char *certificate, *key; /* PEM files: who we are */
    const char *ca;                /* PEM file: who may sign the server's certificate; the system's when NULL */
};

struct ctl_http_request {
    const char *method;
    const char *url;
    const char *headers[CTL_HTTP_MAX_HEADERS]; /* lines, ended by NULL */
    const char *body;                          /* JSON; NULL: none */
    size_t body_len;
    const struct ctl_http_identity *identity; /* NULL: none */
    long timeout_s;
};

struct ctl_http_answer {
    long status; /* 0: there was none, and `error` says why */
    struct s2s_bytes body;
    const char *error;
    long retry_after_s; /* 0: no such header */
    bool replayed;
};

/* Send and wait. What the answer has lives in the arena. */
struct ctl_http_answer ctl_http_send(CURL *curl, struct s2s_arena *arena, const struct ctl_http_request *request);

#endif
