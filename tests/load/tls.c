/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

const char *load_tls_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason != NULL ? reason : "unknown reason";
}

static bool load_identity(SSL_CTX *context, const char *certificate, const char *key, struct load_error *error)
{
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return load_fail(error, "%s: %s", certificate, load_tls_reason());
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return load_fail(error, "%s: %s", key, load_tls_reason());
    return true;
}

static bool load_trust(SSL_CTX *context, const char *ca, struct load_error *error)
{
    int loaded =
        ca != NULL ? SSL_CTX_load_verify_locations(context, ca, NULL) : SSL_CTX_set_default_verify_paths(context);
    return loaded == 1 || load_fail(error, "%s: %s", ca != NULL ? ca : "the system's certificates", load_tls_reason());
}

/* The name or the address of the URL must stand in the server's certificate (RFC 9110 section 4.3.4). */
static void expect_server(SSL_CTX *context, const struct load_target *target)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, target->host) != 1)
        s2s_assert(X509_VERIFY_PARAM_set1_host(param, target->host, 0) == 1);
    ERR_clear_error();
}

static void offer(SSL_CTX *context, const char *alpn)
{
    unsigned char wire[32];
    size_t len = strlen(alpn);
    s2s_assert(len < sizeof(wire));
    wire[0] = (unsigned char)len;
    memcpy(wire + 1, alpn, len);
    s2s_assert(SSL_CTX_set_alpn_protos(context, wire, (unsigned)len + 1) == 0);
}

SSL_CTX *load_tls_context(const struct load_target *target, const char *certificate, const char *key, const char *ca,
                          const char *alpn, struct load_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    s2s_assert(context != NULL);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* one system call for many records, or for a record and its header */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* every connection is a whole handshake */
    expect_server(context, target);
    offer(context, alpn);
    if (!load_identity(context, certificate, key, error) || !load_trust(context, ca, error)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

bool load_tls_speaks(const SSL *ssl, const char *alpn)
{
    const unsigned char *selected;
    unsigned len;
    SSL_get0_alpn_selected(ssl, &selected, &len);
    return len == strlen(alpn) && memcmp(selected, alpn, len) == 0;
}
