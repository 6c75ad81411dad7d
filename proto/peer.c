/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Equal lengths come first, so a name with an embedded NUL differs from any value of a rule, which has none. */
static bool name_equals(const ASN1_IA5STRING *name, const char *value, bool ignore_case)
{
    size_t len = strlen(value);
    const char *text = (const char *)ASN1_STRING_get0_data(name);
    if (len == 0 || (size_t)ASN1_STRING_length(name) != len)
        return false;
    return ignore_case ? OPENSSL_strncasecmp(text, value, len) == 0 : memcmp(text, value, len) == 0;
}

/* A general name of the type and its text, or NULL (RFC 5280 section 4.2.1.6). */
static const ASN1_IA5STRING *general_name_text(const GENERAL_NAME *name, int type)
{
    int found;
    void *value = GENERAL_NAME_get0_value(name, &found);
    return found == type ? value : NULL;
}

static bool san_matches(X509 *certificate, int type, const char *value)
{
    /* NULL when the extension is absent, does not decode, or is there twice. */
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const ASN1_IA5STRING *text = general_name_text(sk_GENERAL_NAME_value(names, i), type);
        found = text && name_equals(text, value, type == GEN_DNS);
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* The subject as text in a new BIO. */
static BIO *print_subject(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    s2s_assert(bio);
    if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
        (void)BIO_reset(bio);
    return bio;
}

/* In the printed form a NUL is an escape like any other, so it is looked for in the values. */
static bool subject_has_nul(X509 *certificate)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool found = false;
    for (int i = 0; !found && i < X509_NAME_entry_count(subject); i++) {
        unsigned char *utf8 = NULL;
        int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        found = len > 0 && memchr(utf8, '\0', (size_t)len);
        OPENSSL_free(utf8);
    }
    return found;
}

static bool subject_matches(X509 *certificate, const char *value)
{
    if (subject_has_nul(certificate))
        return false;
    BIO *bio = print_subject(certificate);
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    bool matches = len > 0 && strlen(value) == (size_t)len && memcmp(text, value, (size_t)len) == 0;
    BIO_free(bio);
    return matches;
}

static bool thumbprint_matches(X509 *certificate, const char *value)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (X509_digest(certificate, EVP_sha256(), digest, NULL) != 1)
        return false;

    size_t nibble = 0; /* of the digest: high ones are even */
    for (; *value; value++) {
        if (*value == ':')
            continue;
        unsigned shift = nibble % 2 ? 0 : 4;
        if (nibble == 2 * sizeof digest ||
            OPENSSL_hexchar2int((unsigned char)*value) != (digest[nibble / 2] >> shift & 15))
            return false;
        nibble++;
    }
    return nibble == 2 * sizeof digest;
}

bool s2s_peer_matches(const struct s2s_peer_rule *rule, X509 *certificate)
{
    switch (rule->kind) {
    case S2S_PEER_SAN_DNS:
        return san_matches(certificate, GEN_DNS, rule->value);
    case S2S_PEER_SAN_URI:
        return san_matches(certificate, GEN_URI, rule->value);
    case S2S_PEER_SUBJECT:
        return subject_matches(certificate, rule->value);
    case S2S_PEER_THUMBPRINT:
        return thumbprint_matches(certificate, rule->value);
    }
    s2s_assert(!"a kind of peer rule");
    return false;
}

char *s2s_peer_subject(struct s2s_arena *arena, X509 *certificate)
{
    BIO *bio = print_subject(certificate);
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    char *subject = s2s_arena_strndup(arena, text, len > 0 ? (size_t)len : 0);
    BIO_free(bio);
    return subject;
}
