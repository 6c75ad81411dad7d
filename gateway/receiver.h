/* SPDX-License-Identifier: Apache-2.0
 *
 * A program of the operator's that we call: where it is, and how it knows that it is us. What it gets is signed with
 * its secrets (Standard Webhooks, "Signature scheme"), or carries a bearer token (RFC 6750), or both.
 */
#ifndef GW_RECEIVER_H
#define GW_RECEIVER_H

#include "gateway/config.h"
#include "gateway/net/outbound.h"

/* A signing secret, decoded. */
struct gw_secret {
    unsigned char *data;
    size_t len;
};

struct gw_receiver {
    const struct gw_receiver_config *config;
    struct gw_authorities authorities;
    struct gw_target target;   /* trusts them */
    struct gw_secret *secrets; /* newest first */
    size_t secret_count;
    char *authorization; /* "Authorization: Bearer …", or NULL */
};

/* Fill `receiver` from its configuration, which must outlive it. False when a secret is none, or a token, or
 * a CA, reported. Release it in either case. */
bool gw_receiver_load(struct gw_receiver *receiver, const struct gw_receiver_config *config,
                      struct gw_config_errors *errors);

/* Wipe and free what was loaded. The receiver stays where it is until then. */
void gw_receiver_release(struct gw_receiver *receiver);

#endif
