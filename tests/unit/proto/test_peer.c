/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/peer.h"
#include "tests/unit/check_main.h"

#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static X509 *certificate;

static void add_name(GENERAL_NAMES *names, int type, const char *text, size_t len)
{
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    ck_assert(ASN1_STRING_set(value, text, (int)len));
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    ck_assert(sk_GENERAL_NAME_push(names, name) > 0);
}

static void add_names(X509 *x509)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    add_name(names, GEN_EMAIL, "mail.example", 12);
    add_name(names, GEN_DNS, "Wallet.Example", 14);
    add_name(names, GEN_DNS, "nul.example\0.evil.example", 25);
    add_name(names, GEN_DNS, "*.wild.example", 14);
    add_name(names, GEN_URI, "https://wallet.example/Party", 28);
    ck_assert(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
    GENERAL_NAMES_free(names);
}

static void add_subject(X509 *x509, const char *common_name, int len)
{
    X509_NAME *subject = X509_get_subject_name(x509);
    ck_assert(
        X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Example, Inc.", -1, -1, 0));
    ck_assert(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, len, -1, 0));
}

static X509 *make_certificate(bool with_names, const char *common_name, int len)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(key);
    X509 *x509 = X509_new();
    ck_assert(X509_set_version(x509, X509_VERSION_3));
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    add_subject(x509, common_name, len);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, key);
    if (with_names)
        add_names(x509);
    ck_assert(X509_sign(x509, key, EVP_sha256()) > 0);
    EVP_PKEY_free(key);
    return x509;
}

static void setup(void)
{
    certificate = make_certificate(true, "wallet", -1);
}

static void teardown(void)
{
    X509_free(certificate);
}

static bool matches(enum s2s_peer_rule_kind kind, const char *value)
{
    const struct s2s_peer_rule rule = {kind, value};
    return s2s_peer_matches(&rule, certificate);
}

START_TEST(test_san_dns)
{
    ck_assert(matches(S2S_PEER_SAN_DNS, "wallet.example"));
    ck_assert(matches(S2S_PEER_SAN_DNS, "WALLET.EXAMPLE"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "wallet.example."));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "wallet.exampl"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "other.example"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, ""));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "mail.example"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "https://wallet.example/Party"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, "wallet")); /* the common name is no DNS name */
}
END_TEST

START_TEST(test_no_wildcards)
{
    ck_assert(!matches(S2S_PEER_SAN_DNS, "a.wild.example"));
}
END_TEST

START_TEST(test_embedded_nul)
{
    ck_assert(!matches(S2S_PEER_SAN_DNS, "nul.example"));
    ck_assert(!matches(S2S_PEER_SAN_DNS, ".evil.example"));
}
END_TEST

START_TEST(test_san_uri)
{
    ck_assert(matches(S2S_PEER_SAN_URI, "https://wallet.example/Party"));
    ck_assert(!matches(S2S_PEER_SAN_URI, "https://wallet.example/party"));
    ck_assert(!matches(S2S_PEER_SAN_URI, "https://wallet.example/"));
    ck_assert(!matches(S2S_PEER_SAN_URI, "wallet.example"));
}
END_TEST

START_TEST(test_subject)
{
    struct s2s_arena *arena = s2s_arena_new(4096);
    const char *subject = s2s_peer_subject(arena, certificate);
    ck_assert_str_eq(subject, "CN=wallet,O=Example\\, Inc.");
    ck_assert(matches(S2S_PEER_SUBJECT, subject));
    ck_assert(!matches(S2S_PEER_SUBJECT, "CN=Wallet,O=Example\\, Inc."));
    ck_assert(!matches(S2S_PEER_SUBJECT, "CN=wallet"));
    ck_assert(!matches(S2S_PEER_SUBJECT, ""));
    s2s_arena_free(arena);

    struct s2s_arena *full = s2s_arena_new(1);
    ck_assert_ptr_null(s2s_peer_subject(full, certificate));
    s2s_arena_free(full);
}
END_TEST

START_TEST(test_subject_with_embedded_nul)
{
    X509 *evil = make_certificate(false, "wallet\0.evil", 12);
    struct s2s_arena *arena = s2s_arena_new(4096);
    const char *subject = s2s_peer_subject(arena, evil);
    ck_assert_str_eq(subject, "CN=wallet\\00.evil,O=Example\\, Inc.");
    ck_assert(!s2s_peer_matches(&(struct s2s_peer_rule){S2S_PEER_SUBJECT, subject}, evil));
    s2s_arena_free(arena);
    X509_free(evil);
}
END_TEST

START_TEST(test_thumbprint)
{
    unsigned char digest[32];
    ck_assert(X509_digest(certificate, EVP_sha256(), digest, NULL));
    char lower[65], upper[96];
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(lower + 2 * i, 3, "%02x", digest[i]);
        snprintf(upper + 3 * i, 4, "%02X%s", digest[i], i < 31 ? ":" : "");
    }
    ck_assert(matches(S2S_PEER_THUMBPRINT, lower));
    ck_assert(matches(S2S_PEER_THUMBPRINT, upper));

    char longer[68];
    snprintf(longer, sizeof longer, "%s00", lower);
    ck_assert(!matches(S2S_PEER_THUMBPRINT, longer));
    char last = lower[63];
    lower[63] = last == '0' ? '1' : '0';
    ck_assert(!matches(S2S_PEER_THUMBPRINT, lower));
    lower[63] = 'g';
    ck_assert(!matches(S2S_PEER_THUMBPRINT, lower));
    lower[63] = '\0';
    ck_assert(!matches(S2S_PEER_THUMBPRINT, lower));
    ck_assert(!matches(S2S_PEER_THUMBPRINT, ""));
}
END_TEST

START_TEST(test_certificate_without_names)
{
    X509 *plain = make_certificate(false, "wallet.example", -1);
    ck_assert(!s2s_peer_matches(&(struct s2s_peer_rule){S2S_PEER_SAN_DNS, "wallet.example"}, plain));
    ck_assert(!s2s_peer_matches(&(struct s2s_peer_rule){S2S_PEER_SAN_URI, "wallet.example"}, plain));
    X509_free(plain);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("peer");
    TCase *tc = tcase_create("peer");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_san_dns);
    tcase_add_test(tc, test_no_wildcards);
    tcase_add_test(tc, test_embedded_nul);
    tcase_add_test(tc, test_san_uri);
    tcase_add_test(tc, test_subject);
    tcase_add_test(tc, test_subject_with_embedded_nul);
    tcase_add_test(tc, test_thumbprint);
    tcase_add_test(tc, test_certificate_without_names);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
