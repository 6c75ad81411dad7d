/* SPDX-License-Identifier: Apache-2.0 */
#include "problem.h"

#include "hex.h"
#include "text.h"

#define GATEWAY_TYPE "urn:s2s-gateway:problem:"

/* sql/functions/problem.sql composes some of these answers too: the texts of not-found, session-consumed, wrong-state,
 * request-id-reuse and HTTP 413 are the same there. Of "about:blank" the title is the phrase of the status (RFC 9457
 * section 4.2.1). `retryable`: the same request may succeed later, unchanged. */
const struct s2s_problem_info s2s_problems[S2S_PROBLEM_COUNT] = {
    [S2S_PROBLEM_INVALID_ENCRYPTION] = {"urn:openid:dcp:s2s:invalid_encryption", "Invalid encryption",
                                        "INVALID_ENCRYPTION", 400, false},
    [S2S_PROBLEM_INVALID_CLIENT_AUTHENTICATION] = {"urn:openid:dcp:s2s:invalid_client_authentication",
                                                   "Invalid client authentication", "INVALID_CLIENT_AUTHENTICATION",
                                                   400, false},
    [S2S_PROBLEM_VALIDATION] = {GATEWAY_TYPE "validation", "Invalid request", "VALIDATION", 400, false},
    [S2S_PROBLEM_UNSUPPORTED_VERSION] = {GATEWAY_TYPE "unsupported-version", "Unsupported API version",
                                         "UNSUPPORTED_VERSION", 400, false},
    [S2S_PROBLEM_UNKNOWN_PEER] = {GATEWAY_TYPE "unknown-peer", "Unknown peer", "UNKNOWN_PEER", 403, false},
    [S2S_PROBLEM_NOT_FOUND] = {GATEWAY_TYPE "not-found", "Not found", "NOT_FOUND", 404, false},
    [S2S_PROBLEM_SESSION_CONSUMED] = {GATEWAY_TYPE "session-consumed", "Session already used", "SESSION_CONSUMED", 409,
                                      false},
    [S2S_PROBLEM_WRONG_STATE] = {GATEWAY_TYPE "wrong-state", "Not possible in this state", "WRONG_STATE", 409, false},
    [S2S_PROBLEM_REQUEST_ID_REUSE] = {GATEWAY_TYPE "request-id-reuse", "Request id reused", "REQUEST_ID_REUSE", 422,
                                      false},
    [S2S_PROBLEM_RATE_LIMITED] = {GATEWAY_TYPE "rate-limited", "Too many requests", "RATE_LIMITED", 429, true},
    [S2S_PROBLEM_UNAVAILABLE] = {GATEWAY_TYPE "unavailable", "Temporarily unavailable", "UNAVAILABLE", 503, true},
    [S2S_PROBLEM_HTTP_400] = {"about:blank", "Bad Request", "BAD_REQUEST", 400, false},
    [S2S_PROBLEM_HTTP_404] = {"about:blank", "Not Found", "ENDPOINT_NOT_FOUND", 404, false},
    [S2S_PROBLEM_HTTP_405] = {"about:blank", "Method Not Allowed", "METHOD_NOT_ALLOWED", 405, false},
    [S2S_PROBLEM_HTTP_413] = {"about:blank", "Content Too Large", "CONTENT_TOO_LARGE", 413, false},
    [S2S_PROBLEM_HTTP_415] = {"about:blank", "Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE", 415, false},
    [S2S_PROBLEM_HTTP_500] = {"about:blank", "Internal Server Error", "INTERNAL_SERVER_ERROR", 500, true},
    [S2S_PROBLEM_HTTP_401] = {"about:blank", "Unauthorized", "UNAUTHORIZED", 401, false},
    [S2S_PROBLEM_HTTP_403] = {"about:blank", "Forbidden", "FORBIDDEN", 403, false},
    [S2S_PROBLEM_HTTP_414] = {"about:blank", "URI Too Long", "URI_TOO_LONG", 414, false},
    [S2S_PROBLEM_HTTP_502] = {"about:blank", "Bad Gateway", "BAD_GATEWAY", 502, true},
    [S2S_PROBLEM_HTTP_504] = {"about:blank", "Gateway Timeout", "GATEWAY_TIMEOUT", 504, true},
};

/* The inside of a JSON string (RFC 8259 section 7). */
static void add_escaped(struct s2s_text *text, const char *string)
{
    const char *plain = string;
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        s2s_text_add_bytes(text, plain, (size_t)(string - plain));
        plain = string + 1;
        if (c < 0x20)
            s2s_text_add_bytes(text, (char[]){'\\', 'u', '0', '0', s2s_hex_digit(c >> 4), s2s_hex_digit(c & 15u)}, 6);
        else
            s2s_text_add_bytes(text, (char[]){'\\', (char)c}, 2);
    }
    s2s_text_add(text, plain);
}

/* `before` opens the member; a NULL `value` leaves it out. */
static void add_member(struct s2s_text *text, const char *before, const char *value)
{
    if (!value)
        return;
    s2s_text_add(text, before);
    add_escaped(text, value);
    s2s_text_add(text, "\"");
}

static void add_violations(struct s2s_text *text, const struct s2s_violations *violations)
{
    if (!violations || violations->count == 0)
        return;
    s2s_text_add(text, ",\"validationErrors\":[");
    for (size_t i = 0; i < violations->count; i++) {
        const struct s2s_violation *violation = &violations->items[i];
        add_member(text, i ? ",{\"pointer\":\"" : "{\"pointer\":\"", violation->pointer);
        add_member(text, ",\"message\":\"", violation->message);
        s2s_text_add(text, "}");
    }
    s2s_text_add(text, "]");
}

static void compose(struct s2s_text *text, const void *arg)
{
    const struct s2s_problem *problem = arg;
    const struct s2s_problem_info *info = &s2s_problems[problem->type];

    add_member(text, "{\"type\":\"", info->type);
    add_member(text, ",\"title\":\"", info->title);
    s2s_text_add(text, ",\"status\":");
    s2s_text_add_number(text, (size_t)info->status);
    add_member(text, ",\"detail\":\"", problem->detail);
    add_member(text, ",\"instance\":\"urn:uuid:", problem->instance);
    add_member(text, ",\"errorCode\":\"", info->error_code);
    s2s_text_add(text, info->retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    add_member(text, ",\"currentStatus\":\"", problem->current_status);
    add_violations(text, problem->violations);
    s2s_text_add(text, "}");
}

char *s2s_problem_write(struct s2s_arena *arena, const struct s2s_problem *problem, size_t *len)
{
    s2s_assert((unsigned)problem->type < S2S_PROBLEM_COUNT);
    return s2s_text_compose(arena, compose, problem, len);
}

enum s2s_problem_type s2s_problem_of(enum s2s_code code)
{
    s2s_assert(code != S2S_OK);
    switch (code) {
    case S2S_INVALID_ENCRYPTION:
        return S2S_PROBLEM_INVALID_ENCRYPTION;
    case S2S_INVALID_CLIENT_AUTHENTICATION:
        return S2S_PROBLEM_INVALID_CLIENT_AUTHENTICATION;
    case S2S_INTERNAL:
        return S2S_PROBLEM_HTTP_500;
    default:
        return S2S_PROBLEM_VALIDATION;
    }
}
