/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents by reference: what a peer, or a credential, names by a URL (a ContentReference, a status list). Its author
 * chooses where we connect to, so nothing is taken from them on trust: https only, listed hosts only, no redirects,
 * only addresses of the public Internet (the address that is checked is the one connected to), a size, a time, and,
 * when the reference has one, a digest that is computed as the octets come in.
 */
#ifndef GW_REFERENCE_H
#define GW_REFERENCE_H

#include "gateway/net/outbound.h"

/* What the caller allows. Everything is borrowed until the fetch is over. */
struct gw_reference_policy {
    const struct gw_string_list *hosts; /* "host" (port 443) or "host:port"; equal but for case, no patterns */
    const struct gw_authorities *ca;    /* who may sign their certificates; NULL: the system's authorities */
    size_t max_size;                    /* octets */
    int64_t timeout_ms;                 /* of all of it; what is not positive is over at once */
    bool private_addresses; /* reach also addresses inside: only for environments whose hosts are all there */
};

/* What was named. */
struct gw_reference {
    const char *url;
    const char *digest; /* "sha-256:", "sha-384:" or "sha-512:" and base64url; NULL: whatever comes is taken */
    const char *accept; /* media type asked for; NULL: any */
    int64_t size;       /* octets; -1: unsaid */
    int64_t expires_at; /* epoch seconds; 0: never */
};

enum gw_reference_end {
    GW_REFERENCE_FETCHED,
    /* Final: the same reference would end like this again. */
    GW_REFERENCE_MALFORMED, /* not an https URL, or a digest that cannot be checked */
    GW_REFERENCE_FORBIDDEN, /* its host is not listed, or its name leads to an address inside */
    GW_REFERENCE_EXPIRED,
    GW_REFERENCE_TOO_LARGE, /* larger than allowed, or than the reference says */
    GW_REFERENCE_DIFFERENT, /* not the octets that were named: digest or size */
    GW_REFERENCE_REFUSED,   /* answered with another status than 200: a redirect, not found, … */
    /* May pass. */
    GW_REFERENCE_UNREACHED, /* not connected, not trusted, broken off, out of time, 408, 425, 429 or 5xx */
};

struct gw_reference_result {
    enum gw_reference_end end;
    int status;               /* of HTTP; 0: there was none */
    const char *reason;       /* static text for verdicts and logs; it quotes nothing */
    const char *content_type; /* NULL: unsaid. Borrowed until `done` returns */
    size_t size;              /* octets of the document */

    /* The document, NUL-terminated, when it was fetched and is not larger than `keep`; else NULL. It is wiped and freed
     * after `done`, unless that takes it: leaves NULL, and wipes and frees `size` octets itself. */
    char *body;
};

/* One fetch, zeroed before it is filled in. The caller owns it, and what it points to, until `done` runs, which may
 * free all of it. */
struct gw_reference_fetch {
    struct gw_outbound *outbound;
    const struct gw_reference_policy *policy;
    struct gw_reference reference;
    int64_t now; /* epoch seconds */
    size_t keep; /* a document of up to so many octets is kept as `body`; 0: only looked at */
    void (*done)(struct gw_reference_fetch *fetch, struct gw_reference_result *result);
    void *data; /* of the caller */

    /* Private to reference.c. */
    struct gw_reference_flight *flight;
};

/* Begin. GW_REFERENCE_FETCHED when it is under way: `done` will run, exactly once, on the loop thread and never from
 * within this, unless the outbound client is closed before. Otherwise why it must not even begin, with `*reason`;
 * `done` will not run. */
enum gw_reference_end gw_reference_start(struct gw_reference_fetch *fetch, const char **reason);

/* Not wanted any more: `done` will not run. Nothing happens when it has run already. For whoever may end before its
 * fetch does; evaluations wait for theirs. */
void gw_reference_cancel(struct gw_reference_fetch *fetch);

/* Whether an end may pass, so that trying again later makes sense. */
bool gw_reference_may_pass(enum gw_reference_end end);

#endif
