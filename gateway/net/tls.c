/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/tls.h"

#include "gateway/net/server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>

struct gw_tls {
    SSL_CTX *context;
    int64_t not_after;
    bool mutual;
};

int64_t gw_tls_time(const ASN1_TIME *time)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(time, &tm))
        return 0;
    return (int64_t)timegm(&tm);
}

/* The newest OpenSSL error as words, for an operator. */
static const char *ssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "unknown format";
}

static bool use_certificate(SSL_CTX *context, const struct gw_listener_config *listener,
                            struct gw_config_errors *errors)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, listener->certificate.path) != 1) {
        gw_config_error(errors, listener->certificate.line,
                        "%s is not a PEM certificate chain (%s); put the server certificate first, then its issuers",
                        listener->certificate.path, ssl_reason());
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(context, listener->key.path, SSL_FILETYPE_PEM) != 1) {
        gw_config_error(errors, listener->key.line,
                        "%s is not the PEM private key of %s (%s); use the key that the certificate was made for",
                        listener->key.path, listener->certificate.path, ssl_reason());
        return false;
    }
    return true;
}

static bool use_client_authorities(SSL_CTX *context, const struct gw_listener_config *listener,
                                   struct gw_config_errors *errors)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    bool ok = true;
    for (size_t i = 0; i < listener->client_ca.count; ++i) {
        const struct gw_file *file = &listener->client_ca.items[i];
        ERR_clear_error();
        if (SSL_CTX_load_verify_file(context, file->path) != 1 ||
            SSL_add_file_cert_subjects_to_stack(names, file->path) != 1) {
            gw_config_error(errors, file->line, "%s holds no PEM certificates (%s); name a bundle of client CAs",
                            file->path, ssl_reason());
            ok = false;
        }
    }
    SSL_CTX_set_client_CA_list(context, names); /* takes the names */
    return ok;
}

static bool use_revocation_lists(SSL_CTX *context, const struct gw_listener_config *listener,
                                 struct gw_config_errors *errors)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    bool ok = lookup != NULL;
    for (size_t i = 0; i < listener->crl.count; ++i) {
        const struct gw_file *file = &listener->crl.items[i];
        ERR_clear_error();
        if (lookup == NULL || X509_load_crl_file(lookup, file->path, X509_FILETYPE_PEM) < 1) {
            gw_config_error(errors, file->line, "%s holds no PEM certificate revocation list (%s)", file->path,
                            ssl_reason());
            ok = false;
        }
    }
    /* Every CA of a chain owes a list: a missing or expired one closes the door rather than opens it. */
    if (listener->crl.count > 0)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return ok;
}

static void set_session_policy(SSL_CTX *context, int64_t lifetime_ms)
{
    /* A session may only be resumed under the configuration that verified its certificate, so the id context is
     * random per load, as are OpenSSL's ticket keys. */
    unsigned char id[16];
    if (RAND_bytes(id, sizeof(id)) == 1)
        SSL_CTX_set_session_id_context(context, id, sizeof(id));
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* stateless tickets only */
    SSL_CTX_set_timeout(context, (long)(lifetime_ms / 1000));
    SSL_CTX_set_num_tickets(context, lifetime_ms > 0 ? 1 : 0);
    if (lifetime_ms <= 0)
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
}

struct gw_tls *gw_tls_load(const struct gw_listener_config *listener, bool mutual, int64_t session_lifetime_ms,
                           struct gw_config_errors *errors)
{
    struct gw_tls *tls = h2o_mem_alloc(sizeof(*tls));
    *tls = (struct gw_tls){.context = SSL_CTX_new(TLS_server_method()), .mutual = mutual};
    s2s_assert(tls->context != NULL);

    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                          SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS);
    /* TLS 1.2: forward secrecy and AEAD only. */
    SSL_CTX_set_cipher_list(tls->context, "ECDHE+AESGCM:ECDHE+CHACHA20");
    h2o_ssl_register_alpn_protocols(tls->context, h2o_alpn_protocols);
    SSL_CTX_set_info_callback(tls->context, gw_conn_on_tls);
    set_session_policy(tls->context, session_lifetime_ms);

    bool ok = use_certificate(tls->context, listener, errors);
    if (mutual) {
        ok = use_client_authorities(tls->context, listener, errors) && ok;
        ok = use_revocation_lists(tls->context, listener, errors) && ok;
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_verify_depth(tls->context, 5);
    }
    if (!ok) {
        gw_tls_free(tls);
        return NULL;
    }
    tls->not_after = gw_tls_time(X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context)));
    return tls;
}

void gw_tls_free(struct gw_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

SSL_CTX *gw_tls_context(const struct gw_tls *tls)
{
    return tls->context;
}

int64_t gw_tls_not_after(const struct gw_tls *tls)
{
    return tls->not_after;
}

bool gw_tls_trusts(const struct gw_tls *tls, X509 *leaf, STACK_OF(X509) * chain)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    s2s_assert(ctx != NULL);
    bool trusted = X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(tls->context), leaf, chain) == 1 &&
                   X509_STORE_CTX_set_default(ctx, "ssl_client") == 1 && X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return trusted;
}
