/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of files, keys and certificates share: a folder that goes with the test, captured configuration
 * errors, and a small certificate authority.
 */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include "gateway/config.h"
#include "proto/b64.h"
#include "proto/json.h"
#include "tests/unit/certificates.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A moment inside of the validity of `make_certificate`'s certificates. */
#define NOW ((int64_t)1790000000)
#define DAY ((int64_t)86400)

static char folder[64];
static struct s2s_arena *arena;
static char *error_text;
static size_t error_len;
static struct gw_config_errors errors;

static inline void open_errors(void)
{
    errors = (struct gw_config_errors){.out = open_memstream(&error_text, &error_len), .file = "test.yaml"};
    ck_assert_ptr_nonnull(errors.out);
}

static inline void close_errors(void)
{
    fclose(errors.out);
    free(error_text);
}

/* Setup and teardown of every test case. */
static inline void fixture_setup(void)
{
    strcpy(folder, "/tmp/s2s-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    arena = s2s_arena_new((size_t)64 * 1024 * 1024);
    open_errors();
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void fixture_teardown(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    close_errors();
    s2s_arena_free(arena);
}

/* That exactly one error was reported since the last look, at `line`, and has `part` in it. */
static inline void assert_one_error(int line, const char *part)
{
    fflush(errors.out);
    ck_assert_msg(errors.count == 1, "one error expected: %s", error_text);
    ck_assert_msg(strstr(error_text, part) != NULL, "\"%s\" expected: %s", part, error_text);
    char place[64];
    snprintf(place, sizeof place, "test.yaml:%d: ", line);
    ck_assert_msg(strncmp(error_text, place, strlen(place)) == 0, "\"%s\" expected: %s", place, error_text);
    close_errors();
    open_errors();
}

static inline void assert_no_error(void)
{
    fflush(errors.out);
    ck_assert_msg(errors.count == 0, "no error expected: %s", error_text);
}

/* A file in the folder, as the configuration would name it. The path lives in the arena. */
static inline struct gw_file file_at(const char *name, int line)
{
    return (struct gw_file){s2s_arena_printf(arena, "%s/%s", folder, name), line};
}

static inline struct gw_file write_file(const char *name, int line, const char *content)
{
    struct gw_file file = file_at(name, line);
    FILE *out = fopen(file.path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(content, out), 0);
    fclose(out);
    return file;
}

/* A certificate for `key`, valid from `begin` to `end`, signed by `issuer_key` under the name of `issuer` (both NULL:
 * self-signed). `usage` (may be NULL) is the keyUsage. */
static inline X509 *make_certificate(const char *name, EVP_PKEY *key, const char *usage, int64_t begin, int64_t end,
                                     X509 *issuer, EVP_PKEY *issuer_key)
{
    return certify(&(struct certificate){.name = name,
                                         .key = key,
                                         .begin = begin,
                                         .end = end,
                                         .ca = !issuer,
                                         .usage = usage,
                                         .issuer = issuer,
                                         .issuer_key = issuer_key});
}

static inline struct gw_file write_key(const char *name, int line, EVP_PKEY *key)
{
    struct gw_file file = file_at(name, line);
    FILE *out = fopen(file.path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    return file;
}

static inline struct gw_file write_chain(const char *name, int line, X509 *const *chain, size_t count)
{
    struct gw_file file = file_at(name, line);
    FILE *out = fopen(file.path, "w");
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(PEM_write_X509(out, chain[i]), 1);
    fclose(out);
    return file;
}

/* A file with a new data key. */
static inline struct gw_file write_data_key(const char *name)
{
    uint8_t octets[32];
    ck_assert_int_eq(RAND_bytes(octets, sizeof octets), 1);
    return write_file(name, 1, s2s_arena_printf(arena, "%s\n", s2s_b64_encode(arena, s2s_bytes(octets, 32))));
}

/* JSON text as a tree in the arena. */
static inline struct json_object *json(const char *text)
{
    struct json_object *tree = NULL;
    struct s2s_result parsed = s2s_json_parse(arena, text, strlen(text), 32, &tree);
    ck_assert_msg(parsed.code == S2S_OK, "%s: %s", parsed.detail, text);
    return tree;
}

#define ck_assert_ok(expr)                                                                                             \
    do {                                                                                                               \
        struct s2s_result result_ = (expr);                                                                            \
        ck_assert_msg(result_.code == S2S_OK, "%s: %s", #expr, result_.detail);                                        \
    } while (0)

#define ck_assert_code(expr, expected) ck_assert_int_eq((expr).code, (expected))

/* A test case with the fixture, in `suite`. */
static inline TCase *fixture_case(Suite *suite)
{
    TCase *tcase = tcase_create("fixture");
    tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
    suite_add_tcase(suite, tcase);
    return tcase;
}

#endif
