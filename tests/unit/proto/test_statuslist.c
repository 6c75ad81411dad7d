/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists are deflated here with zlib, except for the published ones.
 */
#include "proto/statuslist.h"

#include "vp_support.h"

#include <zlib.h>

#define URI "https://pid.example/status/1"

static struct party root, leaf;
static struct s2s_trust *trust;
static struct s2s_statuslist_limits limits;

static void setup_parties(void)
{
    setup();
    root = new_authority("Root", NULL);
    leaf = new_party("P-256", (struct certificate){.name = "Status signer"}, &root);
    trust = trust_in(&root);
    limits = S2S_STATUSLIST_LIMITS;
}

static const char *deflated(const void *data, size_t len)
{
    uLongf size = compressBound(len);
    unsigned char *out = malloc(size);
    ck_assert_int_eq(compress2(out, &size, data, len, 9), Z_OK);
    const char *text = s2s_b64_encode(arena, s2s_bytes(out, size));
    free(out);
    return text;
}

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"statuslist+jwt\",\"x5c\":X5C}"
#define CLAIMS                                                                                                         \
    "{\"sub\":\"" URI "\",\"iat\":1794990000,\"exp\":" LATER_TEXT ",\"ttl\":3600,"                                     \
    "\"status_list\":{\"bits\":BITS,\"lst\":\"LST\"}}"

static const char *claims_of(const char *bits, const char *lst)
{
    return with(with(CLAIMS, "BITS", bits), "LST", lst);
}

static const char *list_of(const char *header, const char *claims)
{
    return sign_text(leaf.key, with(header, "X5C", x5c_of(&leaf, NULL)), claims);
}

static struct s2s_result open_list(const char *text, struct s2s_statuslist *out)
{
    return s2s_statuslist_open(arena, trust, &limits, URI, NOW, 60, text, strlen(text), out);
}

static void assert_statuses(const char *bits, const char *lst, const uint8_t *expected, size_t count)
{
    struct s2s_statuslist list;
    struct s2s_result r = open_list(list_of(HEADER, claims_of(bits, lst)), &list);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    uint8_t status;
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(s2s_statuslist_at(&list, i, &status).code, S2S_OK);
        ck_assert_uint_eq(status, expected[i]);
    }
    ck_assert_int_eq(s2s_statuslist_at(&list, count, &status).code, S2S_MISMATCH);
    ck_assert_int_eq(s2s_statuslist_at(&list, UINT64_MAX, &status).code, S2S_MISMATCH);
}

/* The examples of the draft's section "Status List". */
START_TEST(test_published_lists)
{
    static const uint8_t of_1_bit[] = {1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1};
    static const uint8_t of_2_bits[] = {1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3};
    assert_statuses("1", "eNrbuRgAAhcBXQ", of_1_bit, sizeof of_1_bit);
    assert_statuses("2", "eNo76fITAAPfAgc", of_2_bits, sizeof of_2_bits);
}
END_TEST

START_TEST(test_wide_statuses)
{
    static const uint8_t octets[] = {0x21, 0xf0, 0x03}, of_4_bits[] = {1, 2, 0, 15, 3, 0};
    assert_statuses("4", deflated(octets, sizeof octets), of_4_bits, sizeof of_4_bits);
    assert_statuses("8", deflated(octets, sizeof octets), octets, sizeof octets);
    assert_statuses("8", deflated("", 0), octets, 0);
}
END_TEST

START_TEST(test_a_long_list)
{
    uint8_t *octets = s2s_arena_alloc(arena, (size_t)1 << 20);
    for (size_t i = 0; i < (size_t)1 << 20; i++)
        octets[i] = (uint8_t)(i * i >> 5);
    struct s2s_statuslist list;
    const char *text = list_of(HEADER, claims_of("8", deflated(octets, (size_t)1 << 20)));
    ck_assert_int_eq(open_list(text, &list).code, S2S_OK);
    assert_bytes_equal(list.statuses, s2s_bytes(octets, (size_t)1 << 20));
    limits.inflated--;
    ck_assert_int_eq(open_list(text, &list).code, S2S_LIMIT);
    limits = (struct s2s_statuslist_limits){.octets = strlen(text) - 1, .inflated = (size_t)1 << 20};
    ck_assert_int_eq(open_list(text, &list).code, S2S_LIMIT);
}
END_TEST

START_TEST(test_what_a_list_says)
{
    struct s2s_statuslist list;
    const char *claims = claims_of("1", "eNrbuRgAAhcBXQ");
    ck_assert_int_eq(open_list(list_of(HEADER, claims), &list).code, S2S_OK);
    ck_assert_int_eq(list.issued_at, 1794990000);
    ck_assert_int_eq(list.expires_at, NOW + DAY);
    ck_assert_int_eq(list.ttl, 3600);
    ck_assert_str_eq(list.issuer, "CN=Status signer");
    claims = with(with(claims, "\"exp\":" LATER_TEXT ",", ""), "\"ttl\":3600,", "");
    ck_assert_int_eq(open_list(list_of(HEADER, claims), &list).code, S2S_OK);
    ck_assert(list.expires_at == INT64_MAX);
    ck_assert_int_eq(list.ttl, 0);
}
END_TEST

START_TEST(test_lists_that_are_none)
{
    static const struct {
        const char *what;
        bool in_header;
        const char *from, *to;
        enum s2s_code code;
    } rows[] = {
        {"another typ", true, "statuslist+jwt", "jwt", S2S_MISMATCH},
        {"no typ", true, "\"typ\"", "\"type\"", S2S_MISMATCH},
        {"alg none", true, "ES256", "none", S2S_UNSUPPORTED},
        {"HMAC", true, "ES256", "HS256", S2S_UNSUPPORTED},
        {"no chain", true, "x5c", "x5d", S2S_MALFORMED},
        {"of another URI", false, URI, URI "0", S2S_MISMATCH},
        {"of no URI", false, "\"sub\"", "\"sun\"", S2S_MISMATCH},
        {"expired", false, LATER_TEXT, "1794999940", S2S_STALE},
        {"from the future", false, "1794990000", "1795000061", S2S_STALE},
        {"without iat", false, "\"iat\"", "\"iau\"", S2S_MALFORMED},
        {"with a negative ttl", false, "3600", "-1", S2S_MALFORMED},
        {"with a ttl that is text", false, "3600", "\"1\"", S2S_MALFORMED},
        {"without a list", false, "status_list", "statut_list", S2S_MALFORMED},
        {"of 3 bits", false, "\"bits\":1", "\"bits\":3", S2S_MALFORMED},
        {"of 0 bits", false, "\"bits\":1", "\"bits\":0", S2S_MALFORMED},
        {"of too many bits", false, "\"bits\":1", "\"bits\":4294967297", S2S_MALFORMED},
        {"of bits that are text", false, "\"bits\":1", "\"bits\":\"1\"", S2S_MALFORMED},
        {"with a list that is a number", false, "\"eNrbuRgAAhcBXQ\"", "1", S2S_MALFORMED},
        {"with a list that is padded", false, "AhcBXQ", "AhcBXQ==", S2S_MALFORMED},
        {"with spare bits", false, "AhcBXQ", "AhcBXR", S2S_MALFORMED},
        {"with a broken checksum", false, "AhcBXQ", "AhcBXg", S2S_MALFORMED},
        {"cut off", false, "AhcBXQ", "Ahc", S2S_MALFORMED},
        {"with something behind", false, "AhcBXQ", "AhcBXQAA", S2S_MALFORMED},
        {"empty", false, "eNrbuRgAAhcBXQ", "", S2S_MALFORMED},
        {"not deflated", false, "eNrbuRgAAhcBXQ", "uaM", S2S_MALFORMED},
        {"deflated without ZLIB's header", false, "eNrbuRgAAhcBXQ", "27kYAA", S2S_MALFORMED},
        {"that needs a dictionary", false, "eNrbuRgAAhcBXQ", "ePkAAAAA27kYAA", S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *header = HEADER, *claims = claims_of("1", "eNrbuRgAAhcBXQ");
        const char **part = rows[i].in_header ? &header : &claims;
        *part = with(*part, rows[i].from, rows[i].to);
        struct s2s_statuslist list;
        struct s2s_result r = open_list(list_of(header, claims), &list);
        ck_assert_msg(r.code == rows[i].code, "%s: %d %s", rows[i].what, (int)r.code, r.detail);
    }
}
END_TEST

/* 64 MiB of zeros are 64 KiB of text; the arena here has far less room than that. */
START_TEST(test_a_bomb)
{
    size_t len = (size_t)64 << 20;
    void *zeros = calloc(1, len);
    const char *text = list_of(HEADER, claims_of("1", deflated(zeros, len / 8)));
    const char *bomb = list_of(HEADER, claims_of("1", deflated(zeros, len)));
    free(zeros);
    struct s2s_statuslist list;
    ck_assert_int_eq(open_list(text, &list).code, S2S_LIMIT);
    ck_assert_int_eq(open_list(bomb, &list).code, S2S_LIMIT);
    limits.inflated = (size_t)1 << 30;
    ck_assert_int_eq(open_list(bomb, &list).code, S2S_LIMIT); /* the arena's ceiling */
}
END_TEST

START_TEST(test_every_octet_counts)
{
    const char *text = list_of(HEADER, claims_of("1", "eNrbuRgAAhcBXQ"));
    size_t len = strlen(text);
    struct s2s_arena *outer = arena;
    for (size_t i = 0; i < len; i++) {
        arena = s2s_arena_new(SCRATCH);
        struct s2s_statuslist list;
        char *changed = s2s_arena_strndup(arena, text, len);
        changed[i] = (char)(changed[i] ^ (1 << i % 7));
        ck_assert(s2s_statuslist_open(arena, trust, &limits, URI, NOW, 60, text, i, &list).code != S2S_OK);
        ck_assert(s2s_statuslist_open(arena, trust, &limits, URI, NOW, 60, changed, len, &list).code != S2S_OK);
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

/* The same for the deflated octets, whose signature would hide what zlib makes of them. */
START_TEST(test_changed_deflated_octets)
{
    static const uint8_t octets[] = "status status status list list list";
    const char *lst = deflated(octets, sizeof octets);
    struct s2s_arena *outer = arena;
    for (size_t i = 0; i < strlen(lst); i++) {
        arena = s2s_arena_new(SCRATCH);
        char *changed = s2s_arena_strndup(arena, lst, strlen(lst));
        changed[i] = changed[i] == 'A' ? 'Q' : 'A';
        struct s2s_statuslist list;
        ck_assert_int_eq(open_list(list_of(HEADER, claims_of("8", changed)), &list).code, S2S_MALFORMED);
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

START_TEST(test_references)
{
    static const struct {
        const char *status;
        enum s2s_code code;
    } rows[] = {
        {"{\"status_list\":{\"idx\":7,\"uri\":\"" URI "\"},\"other\":{}}", S2S_OK},
        {"{\"other\":{}}", S2S_UNSUPPORTED},
        {"[]", S2S_UNSUPPORTED},
        {"null", S2S_UNSUPPORTED},
        {"{\"status_list\":1}", S2S_MALFORMED},
        {"{\"status_list\":{\"idx\":7}}", S2S_MALFORMED},
        {"{\"status_list\":{\"uri\":\"" URI "\"}}", S2S_MALFORMED},
        {"{\"status_list\":{\"idx\":-1,\"uri\":\"" URI "\"}}", S2S_MALFORMED},
        {"{\"status_list\":{\"idx\":7.0,\"uri\":\"" URI "\"}}", S2S_MALFORMED},
        {"{\"status_list\":{\"idx\":\"7\",\"uri\":\"" URI "\"}}", S2S_MALFORMED},
        {"{\"status_list\":{\"idx\":7,\"uri\":1}}", S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_status_reference reference;
        enum s2s_code code = s2s_status_reference(json(rows[i].status), &reference).code;
        ck_assert_msg(code == rows[i].code, "%s", rows[i].status);
        if (code == S2S_OK) {
            ck_assert_str_eq(reference.uri, URI);
            ck_assert_uint_eq(reference.index, 7);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("statuslist");
    TCase *tc = tcase_create("statuslist");
    tcase_add_checked_fixture(tc, setup_parties, teardown);
    tcase_add_test(tc, test_published_lists);
    tcase_add_test(tc, test_wide_statuses);
    tcase_add_test(tc, test_a_long_list);
    tcase_add_test(tc, test_what_a_list_says);
    tcase_add_test(tc, test_lists_that_are_none);
    tcase_add_test(tc, test_a_bomb);
    tcase_add_test(tc, test_every_octet_counts);
    tcase_add_test(tc, test_changed_deflated_octets);
    tcase_add_test(tc, test_references);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
