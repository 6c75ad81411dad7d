/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/vault.h"

#include "fixture.h"

#include <openssl/hmac.h>
#include <openssl/kdf.h>

#define CONTEXT "6f1c1a3e-0f67-4d0e-9d8c-0a4f4f6f7a10"

/* A vault over these key files, newest first. */
static struct gw_vault *load(struct gw_file *files, size_t count)
{
    struct gw_config config = {.data_keys = {files, count}};
    return gw_vault_load(&config, &errors);
}

static struct gw_vault *new_vault(void)
{
    struct gw_file file = write_data_key("data.key");
    struct gw_vault *vault = load(&file, 1);
    assert_no_error();
    ck_assert_ptr_nonnull(vault);
    return vault;
}

static struct s2s_bytes seal(const struct gw_vault *vault, const char *text)
{
    struct s2s_bytes sealed;
    ck_assert_ok(gw_vault_seal(vault, arena, CONTEXT, s2s_bytes(text, strlen(text)), &sealed));
    return sealed;
}

static void assert_opens(const struct gw_vault *vault, struct s2s_bytes sealed, const char *expected)
{
    struct s2s_bytes plain;
    ck_assert_ok(gw_vault_open(vault, arena, CONTEXT, sealed, &plain));
    ck_assert_uint_eq(plain.len, strlen(expected));
    ck_assert_mem_eq(plain.data, expected, plain.len);
}

START_TEST(what_is_sealed_opens)
{
    struct gw_vault *vault = new_vault();
    static const char *const texts[] = {"", "x", "{\"otp\":\"123456\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct s2s_bytes sealed = seal(vault, texts[i]);
        ck_assert_uint_eq(sealed.len, 1 + 4 + 16 + strlen(texts[i]) + 16);
        assert_opens(vault, sealed, texts[i]);
    }
    gw_vault_free(vault);
}
END_TEST

/* The blob's layout is a promise to the database's content: opened here with OpenSSL's own HKDF and GCM. */
START_TEST(a_blob_is_laid_out_as_documented)
{
    /* The key is 32 octets of zero. */
    struct gw_file file = write_file("data.key", 7, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct gw_vault *vault = load(&file, 1);
    struct s2s_bytes sealed = seal(vault, "secret");
    static const uint8_t zeros[32], key_id[] = {0x66, 0x68, 0x7a, 0xad};
    ck_assert_int_eq(sealed.data[0], 1);
    ck_assert_mem_eq(sealed.data + 1, key_id, sizeof key_id);

    uint8_t key[32], plain[6];
    EVP_PKEY_CTX *hkdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t key_len = sizeof key;
    ck_assert(EVP_PKEY_derive_init(hkdf) == 1 && EVP_PKEY_CTX_set_hkdf_md(hkdf, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set1_hkdf_key(hkdf, zeros, sizeof zeros) == 1 &&
              EVP_PKEY_CTX_set1_hkdf_salt(hkdf, sealed.data + 5, 16) == 1 &&
              EVP_PKEY_CTX_add1_hkdf_info(hkdf, (const unsigned char *)"s2s-gateway seal", 16) == 1 &&
              EVP_PKEY_derive(hkdf, key, &key_len) == 1);
    EVP_PKEY_CTX_free(hkdf);

    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    int len;
    ck_assert(EVP_DecryptInit(gcm, EVP_aes_256_gcm(), key, zeros) == 1 &&
              EVP_DecryptUpdate(gcm, NULL, &len, sealed.data, 21) == 1 &&
              EVP_DecryptUpdate(gcm, NULL, &len, (const unsigned char *)CONTEXT, (int)strlen(CONTEXT)) == 1 &&
              EVP_DecryptUpdate(gcm, plain, &len, sealed.data + 21, sizeof plain) == 1 &&
              EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(sealed.data + 27)) == 1 &&
              EVP_DecryptFinal(gcm, plain + len, &len) == 1);
    EVP_CIPHER_CTX_free(gcm);
    ck_assert_mem_eq(plain, "secret", sizeof plain);
    gw_vault_free(vault);
}
END_TEST

START_TEST(the_same_text_is_sealed_differently)
{
    struct gw_vault *vault = new_vault();
    struct s2s_bytes a = seal(vault, "the same text"), b = seal(vault, "the same text");
    ck_assert_mem_eq(a.data, b.data, 5);                    /* version and key id */
    ck_assert_mem_ne(a.data + 5, b.data + 5, 16);           /* salt */
    ck_assert_mem_ne(a.data + 21, b.data + 21, a.len - 21); /* ciphertext */
    gw_vault_free(vault);
}
END_TEST

START_TEST(every_changed_octet_is_noticed)
{
    struct gw_vault *vault = new_vault();
    struct s2s_bytes sealed = seal(vault, "secret"), plain;
    uint8_t *copy = s2s_arena_alloc(arena, sealed.len);
    for (size_t i = 0; i < sealed.len; i++) {
        memcpy(copy, sealed.data, sealed.len);
        copy[i] ^= 1;
        enum s2s_code expected = i == 0 ? S2S_MALFORMED : i < 5 ? S2S_UNKNOWN_KEY : S2S_REFUSED;
        ck_assert_code(gw_vault_open(vault, arena, CONTEXT, s2s_bytes(copy, sealed.len), &plain), expected);
    }
    for (size_t len = 0; len < sealed.len; len++)
        ck_assert_code(gw_vault_open(vault, arena, CONTEXT, s2s_bytes(sealed.data, len), &plain),
                       len < 37 ? S2S_MALFORMED : S2S_REFUSED);
    gw_vault_free(vault);
}
END_TEST

START_TEST(another_context_is_refused)
{
    struct gw_vault *vault = new_vault();
    struct s2s_bytes sealed = seal(vault, "secret"), plain;
    ck_assert_code(gw_vault_open(vault, arena, "another", sealed, &plain), S2S_REFUSED);
    ck_assert_code(gw_vault_open(vault, arena, "", sealed, &plain), S2S_REFUSED);
    gw_vault_free(vault);
}
END_TEST

START_TEST(an_arena_without_room_is_a_value)
{
    struct gw_vault *vault = new_vault();
    struct s2s_bytes sealed = seal(vault, "secret"), out;
    struct s2s_arena *tiny = s2s_arena_new(4);
    ck_assert_code(gw_vault_seal(vault, tiny, CONTEXT, s2s_bytes("secret", 6), &out), S2S_LIMIT);
    ck_assert_code(gw_vault_open(vault, tiny, CONTEXT, sealed, &out), S2S_LIMIT);
    s2s_arena_free(tiny);
    gw_vault_free(vault);
}
END_TEST

START_TEST(keys_rotate)
{
    struct gw_file files[] = {write_data_key("new.key"), write_data_key("old.key")};
    struct gw_vault *old = load(&files[1], 1), *both = load(files, 2), *new = load(files, 1);
    assert_no_error();
    ck_assert_uint_eq(gw_vault_key_count(both), 2);

    struct s2s_bytes by_old = seal(old, "old"), by_both = seal(both, "new"), plain;
    assert_opens(both, by_old, "old");
    assert_opens(new, by_both, "new"); /* sealed under the newest */
    ck_assert_code(gw_vault_open(new, arena, CONTEXT, by_old, &plain), S2S_UNKNOWN_KEY);

    char a[GW_PSEUDONYM_SIZE], b[GW_PSEUDONYM_SIZE];
    gw_vault_pseudonym(old, 0, "p", s2s_bytes("alice", 5), a);
    gw_vault_pseudonym(both, 1, "p", s2s_bytes("alice", 5), b);
    ck_assert_str_eq(a, b);
    gw_vault_pseudonym(both, 0, "p", s2s_bytes("alice", 5), b);
    ck_assert_str_ne(a, b);
    gw_vault_free(old);
    gw_vault_free(both);
    gw_vault_free(new);
}
END_TEST

START_TEST(pseudonyms_are_stable_and_separate)
{
    struct gw_vault *vault = new_vault();
    char a[GW_PSEUDONYM_SIZE], b[GW_PSEUDONYM_SIZE];
    gw_vault_pseudonym(vault, 0, "purpose", s2s_bytes("text", 4), a);
    gw_vault_pseudonym(vault, 0, "purpose", s2s_bytes("text", 4), b);
    ck_assert_str_eq(a, b);
    ck_assert_uint_eq(strlen(a), 8 + 1 + 43);
    ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 8);
    ck_assert_int_eq(a[8], '.');

    static const struct {
        const char *purpose, *text;
    } others[] = {{"purpose", "texT"}, {"purposE", "text"}, {"purposet", "ext"}, {"purpos", "etext"}, {"purpose", ""}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        gw_vault_pseudonym(vault, 0, others[i].purpose, s2s_bytes(others[i].text, strlen(others[i].text)), b);
        ck_assert_str_ne(a, b);
    }
    gw_vault_free(vault);
}
END_TEST

static void digest(const struct gw_vault *vault, const char *name, const char *text, uint8_t out[GW_DIGEST_SIZE])
{
    gw_vault_digest(vault, s2s_bytes(name, strlen(name)), s2s_bytes(text, strlen(text)), out);
}

START_TEST(digests_are_stable_and_separate)
{
    struct gw_vault *vault = new_vault(), *another = new_vault();
    uint8_t a[GW_DIGEST_SIZE], b[GW_DIGEST_SIZE];
    digest(vault, "/path", "text", a);
    digest(vault, "/path", "text", b);
    ck_assert_mem_eq(a, b, sizeof a);
    static const struct {
        const char *name, *text;
    } others[] = {{"/path", "texT"}, {"/patH", "text"}, {"/patht", "ext"}, {"/pat", "htext"}, {"/path", ""}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        digest(vault, others[i].name, others[i].text, b);
        ck_assert_mem_ne(a, b, sizeof a);
    }
    digest(another, "/path", "text", b);
    ck_assert_mem_ne(a, b, sizeof a);
    gw_vault_free(vault);
    gw_vault_free(another);
}
END_TEST

START_TEST(a_new_key_changes_no_digest)
{
    struct gw_file files[] = {write_data_key("new.key"), write_data_key("old.key")};
    struct gw_vault *old = load(&files[1], 1), *both = load(files, 2), *new = load(files, 1);
    uint8_t before[GW_DIGEST_SIZE], after[GW_DIGEST_SIZE];
    digest(old, "/path", "text", before);
    digest(both, "/path", "text", after);
    ck_assert_mem_eq(before, after, sizeof before);
    digest(new, "/path", "text", after); /* its removal does */
    ck_assert_mem_ne(before, after, sizeof before);
    gw_vault_free(old);
    gw_vault_free(both);
    gw_vault_free(new);
}
END_TEST

/* Digests stay in the database for days: computed here with OpenSSL's own HKDF and HMAC. */
START_TEST(a_digest_is_made_as_documented)
{
    /* The key is 32 octets of zero. */
    struct gw_file file = write_file("data.key", 7, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct gw_vault *vault = load(&file, 1);
    static const uint8_t zeros[32], input[] = {0, 0, 0, 2, '/', 'p', 't'};
    uint8_t key[32], expected[GW_DIGEST_SIZE], made[GW_DIGEST_SIZE];
    size_t key_len = sizeof key;
    EVP_PKEY_CTX *hkdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    ck_assert(EVP_PKEY_derive_init(hkdf) == 1 && EVP_PKEY_CTX_set_hkdf_md(hkdf, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set1_hkdf_key(hkdf, zeros, sizeof zeros) == 1 &&
              EVP_PKEY_CTX_add1_hkdf_info(hkdf, (const unsigned char *)"s2s-gateway digest", 18) == 1 &&
              EVP_PKEY_derive(hkdf, key, &key_len) == 1);
    EVP_PKEY_CTX_free(hkdf);
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, sizeof key, input, sizeof input, expected, NULL));
    digest(vault, "/p", "t", made);
    ck_assert_mem_eq(made, expected, sizeof made);
    gw_vault_free(vault);
}
END_TEST

START_TEST(key_files_may_end_with_a_line_end)
{
    static const char *const endings[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct gw_file file = write_file(
            "data.key", 7, s2s_arena_printf(arena, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%s", endings[i]));
        struct gw_vault *vault = load(&file, 1);
        ck_assert_ptr_nonnull(vault);
        gw_vault_free(vault);
    }
    assert_no_error();
}
END_TEST

START_TEST(a_bad_key_file_is_refused)
{
    static const char *const contents[] = {
        "",
        "\n",
        "short",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",     /* 31.5 octets */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* 33 octets */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",   /* padded */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+",    /* not the URL alphabet */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nA", /* something follows */
    };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct gw_file file = write_file("data.key", 7, contents[i]);
        ck_assert_ptr_null(load(&file, 1));
    }
    fflush(errors.out);
    ck_assert_uint_eq(errors.count, sizeof contents / sizeof contents[0]);
    ck_assert_ptr_nonnull(strstr(error_text, "test.yaml:7: "));
    ck_assert_ptr_nonnull(strstr(error_text, "basenc --base64url"));
    ck_assert_ptr_null(strstr(error_text, "AAAA"));
}
END_TEST

START_TEST(a_missing_key_file_is_refused)
{
    struct gw_file file = file_at("missing.key", 3);
    ck_assert_ptr_null(load(&file, 1));
    assert_one_error(3, "No such file");
}
END_TEST

START_TEST(a_key_listed_twice_is_refused)
{
    struct gw_file files[] = {write_data_key("data.key"), file_at("data.key", 9)};
    ck_assert_ptr_null(load(files, 2));
    assert_one_error(9, "listed already");
}
END_TEST

START_TEST(no_key_is_refused)
{
    ck_assert_ptr_null(load(NULL, 0));
    fflush(errors.out);
    ck_assert_uint_eq(errors.count, 1);
}
END_TEST

static Suite *vault_suite(void)
{
    Suite *suite = suite_create("vault");
    TCase *tcase = fixture_case(suite);
    tcase_add_test(tcase, what_is_sealed_opens);
    tcase_add_test(tcase, a_blob_is_laid_out_as_documented);
    tcase_add_test(tcase, the_same_text_is_sealed_differently);
    tcase_add_test(tcase, every_changed_octet_is_noticed);
    tcase_add_test(tcase, another_context_is_refused);
    tcase_add_test(tcase, an_arena_without_room_is_a_value);
    tcase_add_test(tcase, keys_rotate);
    tcase_add_test(tcase, pseudonyms_are_stable_and_separate);
    tcase_add_test(tcase, digests_are_stable_and_separate);
    tcase_add_test(tcase, a_new_key_changes_no_digest);
    tcase_add_test(tcase, a_digest_is_made_as_documented);
    tcase_add_test(tcase, key_files_may_end_with_a_line_end);
    tcase_add_test(tcase, a_bad_key_file_is_refused);
    tcase_add_test(tcase, a_missing_key_file_is_refused);
    tcase_add_test(tcase, a_key_listed_twice_is_refused);
    tcase_add_test(tcase, no_key_is_refused);
    return suite;
}

S2S_TEST_MAIN(vault_suite)
