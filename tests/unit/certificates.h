/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and certificates made in memory.
 */
#ifndef TEST_CERTIFICATES_H
#define TEST_CERTIFICATES_H

#include "tests/unit/check_main.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <string.h>

/* "P-256", "P-384", "P-521" or "ED25519", "X25519". */
static inline EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key = kind[0] == 'P' ? EVP_EC_gen(kind) : EVP_PKEY_Q_keygen(NULL, NULL, kind);
    ck_assert_ptr_nonnull(key);
    return key;
}

/* What a certificate says; texts that are NULL are left out. */
struct certificate {
    const char *name; /* common name of the subject */
    EVP_PKEY *key;
    int64_t begin, end;
    bool ca;
    const char *usage;    /* keyUsage */
    const char *names;    /* subjectAltName */
    const EVP_MD *digest; /* SHA-256 when NULL */
    X509 *issuer;         /* NULL: self-signed */
    EVP_PKEY *issuer_key;
};

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
    if (!value)
        return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline X509 *certify(const struct certificate *c)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + (long)strlen(c->name));
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)c->name, -1, -1, 0);
    X509_set_issuer_name(certificate, c->issuer ? X509_get_subject_name(c->issuer) : subject);
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)c->begin);
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)c->end);
    X509_set_pubkey(certificate, c->key);
    add_extension(certificate, NID_basic_constraints, c->ca ? "critical,CA:TRUE" : "CA:FALSE");
    add_extension(certificate, NID_key_usage, c->usage);
    add_extension(certificate, NID_subject_alt_name, c->names);
    EVP_PKEY *signer = c->issuer_key ? c->issuer_key : c->key;
    const EVP_MD *digest = EVP_PKEY_is_a(signer, "ED25519") ? NULL : c->digest ? c->digest : EVP_sha256();
    ck_assert_int_gt(X509_sign(certificate, signer, digest), 0);
    return certificate;
}

#endif
