/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLS side of a wallet server: its certificate, whom it trusts, and the HTTP that it asks for.
 */
#ifndef LOAD_TLS_H
#define LOAD_TLS_H

#include "tests/load/target.h"

#include <openssl/ssl.h>

/* A context that shows the certificate (chain) in `certificate`, trusts `ca` (NULL: the system's), checks that the
 * server is `target`, and offers the one ALPN protocol `alpn` ("h2" or "http/1.1"). NULL on failure. Free with
 * SSL_CTX_free. */
S2S_MUST_CHECK SSL_CTX *load_tls_context(const struct load_target *target, const char *certificate, const char *key,
                                         const char *ca, const char *alpn, struct load_error *error);

/* Whether the server has agreed to `alpn`. */
bool load_tls_speaks(const SSL *ssl, const char *alpn);

/* Take the oldest reason from OpenSSL's queue and empty it. */
const char *load_tls_reason(void);

#endif
