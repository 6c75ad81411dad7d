/* SPDX-License-Identifier: Apache-2.0
 *
 * Server side TLS: contexts made from a listener's files, and the trust in a peer's certificate.
 */
#ifndef GW_TLS_H
#define GW_TLS_H

#include "gateway/config.h"

#include <openssl/ssl.h>

/* Immutable; safe to share between threads. */
struct gw_tls;

/* Load a listener's certificate, key, client CAs and CRLs. With `mutual`, a client certificate is demanded and verified
 * (RFC 8705 section 2); TLS 1.2 and 1.3 only. Sessions resume through tickets, whose keys live and die with this object
 * and which carry the peer's certificate. NULL with the errors reported at the listener's lines. */
struct gw_tls *gw_tls_load(const struct gw_listener_config *listener, bool mutual, int64_t session_lifetime_ms,
                           struct gw_config_errors *errors);
void gw_tls_free(struct gw_tls *tls);

/* Borrowed; connections that outlive `tls` take their own reference. */
SSL_CTX *gw_tls_context(const struct gw_tls *tls);

/* End of the server certificate's validity, seconds since the epoch. */
int64_t gw_tls_not_after(const struct gw_tls *tls);

/* Whether a certificate that an earlier configuration, or a resumed session, has accepted would be accepted now: chain,
 * validity and revocation. `chain` may be NULL. Also sets no error state. */
bool gw_tls_trusts(const struct gw_tls *tls, X509 *leaf, STACK_OF(X509) * chain);

/* Seconds since the epoch of an ASN.1 time. */
int64_t gw_tls_time(const ASN1_TIME *time);

#endif
