/* SPDX-License-Identifier: Apache-2.0
 *
 * What a wallet learns of an issuer from its metadata (/.well-known/openid-credential-issuer).
 */
#ifndef LOAD_ISSUER_H
#define LOAD_ISSUER_H

#include "proto/jwk.h"
#include "tests/load/link.h"

struct load_issuer {
    char *identifier;    /* credential issuer identifier, the audience of what wallets sign */
    char *base;          /* path of issuer_server_url; "" for none */
    char *configuration; /* the credential configuration that is asked for */
    struct s2s_jwk *key; /* to encrypt to: the first published one that this tool supports */
};

/* Fetch and read. `configuration` NULL takes the first supported one; `alg` NULL takes any algorithm. */
S2S_MUST_CHECK bool load_issuer_fetch(const struct load_target *target, const struct load_protocol *protocol,
                                      SSL_CTX *tls, const char *configuration, const char *alg,
                                      struct load_issuer *issuer, struct load_error *error);

/* The reading alone, for the `len` octets of a document. */
S2S_MUST_CHECK bool load_issuer_read(const char *text, size_t len, const char *configuration, const char *alg,
                                     struct load_issuer *issuer, struct load_error *error);

void load_issuer_free(struct load_issuer *issuer);

#endif
