/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' API, as its client sees it.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "gateway/ctl/command.h"

#include <curl/curl.h>
#include <json-c/json.h>

struct ctl;

struct ctl_client {
    CURL *curl;
    const char *url;        /* without a slash at its end */
    const char *token;      /* in the run's arena, which is wiped */
    const char *request_id; /* --request-id: of the first request that writes; NULL: a new one for each */
};

/* Find out where the API is and who we are: options, then the environment, then ~/.config/s2sctl. */
enum ctl_status ctl_client_open(struct ctl *ctl);

/* Ask. `path` begins with a slash and may have a query; `body` NULL: none. On CTL_OK `*answer` is the answer, owned by
 * the arena of the run. Else what is wrong has been said. */
enum ctl_status ctl_ask(struct ctl *ctl, const char *method, const char *path, struct json_object *body,
                        struct json_object **answer);

/* Percent-encode a segment of a path, or a value of a query; in the arena. */
const char *ctl_encode(struct ctl *ctl, const char *text);

#endif
