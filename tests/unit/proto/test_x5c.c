/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/x5c.h"

#include "vp_support.h"

static struct party root, ca, leaf, stranger;
static struct s2s_trust *trust;

static void setup_pki(void)
{
    setup();
    root = new_authority("Root", NULL);
    ca = new_authority("Issuing CA", &root);
    stranger = new_authority("Stranger", NULL);
    leaf = new_party("P-256",
                     (struct certificate){.name = "Signer",
                                          .usage = "digitalSignature",
                                          .names = "DNS:Pid.example,URI:https://pid.example/issuer,URI:urn:pid:1"},
                     &ca);
    trust = trust_in(&root);
}

static struct s2s_result validate(const struct s2s_trust *anchors, const char *x5c, int64_t now)
{
    struct s2s_x5c out;
    return s2s_x5c_validate(arena, anchors, json(x5c), now, &out);
}

static const char *chain_of(const struct party *a, const struct party *b, const struct party *c)
{
    return s2s_arena_printf(arena, "[\"%s\",\"%s\",\"%s\"]", base64_of(a), base64_of(b), base64_of(c));
}

START_TEST(test_good_chains)
{
    struct s2s_x5c out;
    ck_assert_int_eq(s2s_x5c_validate(arena, trust, json(x5c_of(&leaf, &ca)), NOW, &out).code, S2S_OK);
    ck_assert_str_eq(s2s_jwk_thumbprint(out.key), s2s_jwk_thumbprint(leaf.key));
    const char *subject;
    ck_assert_int_eq(s2s_x5c_subject(arena, &out, &subject).code, S2S_OK);
    ck_assert_str_eq(subject, "CN=Signer");
    /* with the anchor; and with an anchor that is an intermediate authority, or the signer itself */
    ck_assert_int_eq(validate(trust, chain_of(&leaf, &ca, &root), NOW).code, S2S_OK);
    ck_assert_int_eq(validate(trust_in(&ca), x5c_of(&leaf, NULL), NOW).code, S2S_OK);
    ck_assert_int_eq(validate(trust_in(&ca), chain_of(&leaf, &ca, &root), NOW).code, S2S_OK);
    ck_assert_int_eq(validate(trust_in(&leaf), x5c_of(&leaf, NULL), NOW).code, S2S_OK);
    struct party alone = new_party("P-384", (struct certificate){.name = "Alone", .ca = true}, NULL);
    ck_assert_int_eq(validate(trust_in(&alone), x5c_of(&alone, NULL), NOW).code, S2S_OK);
}
END_TEST

START_TEST(test_every_kind_of_key)
{
    static const struct {
        const char *kind;
        enum s2s_code code;
    } rows[] = {
        {"P-256", S2S_OK},   {"P-384", S2S_OK},           {"P-521", S2S_OK},
        {"ED25519", S2S_OK}, {"X25519", S2S_UNSUPPORTED}, {"RSA", S2S_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct party party = new_party(rows[i].kind, (struct certificate){.name = "Kind"}, &root);
        struct s2s_result r = validate(trust, x5c_of(&party, NULL), NOW);
        ck_assert_msg(r.code == rows[i].code, "%s: %s", rows[i].kind, r.detail);
    }
}
END_TEST

START_TEST(test_times)
{
    const char *x5c = x5c_of(&leaf, &ca);
    ck_assert_int_eq(validate(trust, x5c, NOW - DAY).code, S2S_OK);
    ck_assert_int_eq(validate(trust, x5c, NOW - DAY - 1).code, S2S_STALE);
    ck_assert_int_eq(validate(trust, x5c, NOW + DAY - 1).code, S2S_OK);
    ck_assert_int_eq(validate(trust, x5c, NOW + DAY).code, S2S_STALE);
    struct party short_lived = new_party("P-256", (struct certificate){.name = "Short", .end = NOW - 1}, &root);
    ck_assert_int_eq(validate(trust, x5c_of(&short_lived, NULL), NOW).code, S2S_STALE);
}
END_TEST

START_TEST(test_chains_that_do_not_hold)
{
    struct party impostor = new_party("P-256", (struct certificate){.name = "Issuing CA", .ca = true}, &stranger);
    struct party no_ca = new_party("P-256", (struct certificate){.name = "End entity"}, &root);
    struct party below = new_party("P-256", (struct certificate){.name = "Below"}, &no_ca);
    struct party weak = new_party("P-256", (struct certificate){.name = "Weak", .digest = EVP_sha1()}, &root);
    struct party encrypts =
        new_party("P-256", (struct certificate){.name = "Encrypts", .usage = "keyAgreement"}, &root);
    struct party other = new_party("P-256", (struct certificate){.name = "Other"}, &impostor);
    /* the right name above it, but not the right key */
    struct party forged = new_party("P-256", (struct certificate){.name = "Forged"},
                                    &(struct party){.pkey = stranger.pkey, .certificate = ca.certificate});
    struct {
        const char *what, *x5c;
        enum s2s_code code;
    } rows[] = {
        {"to an unknown anchor", x5c_of(&stranger, NULL), S2S_UNKNOWN_KEY},
        {"to an unknown anchor by way of a known name", x5c_of(&other, &impostor), S2S_UNKNOWN_KEY},
        {"with a gap", x5c_of(&leaf, NULL), S2S_UNKNOWN_KEY},
        {"the wrong way round", x5c_of(&ca, &leaf), S2S_MALFORMED},
        {"with a certificate that has nothing to do with it", chain_of(&leaf, &stranger, &ca), S2S_MALFORMED},
        {"below an end entity", x5c_of(&below, &no_ca), S2S_REFUSED},
        {"not signed by its authority", x5c_of(&forged, &ca), S2S_REFUSED},
        {"with SHA-1", x5c_of(&weak, NULL), S2S_REFUSED},
        {"for encryption", x5c_of(&encrypts, NULL), S2S_BAD_KEY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_result r = validate(trust, rows[i].x5c, NOW);
        ck_assert_msg(r.code == rows[i].code, "%s: %d %s", rows[i].what, (int)r.code, r.detail);
    }
    ck_assert_int_eq(validate(trust_in(NULL), x5c_of(&leaf, &ca), NOW).code, S2S_UNKNOWN_KEY);
}
END_TEST

START_TEST(test_arrays_that_are_none)
{
    const char *good = base64_of(&leaf);
    size_t len = strlen(good);
    const struct {
        const char *what, *x5c;
        enum s2s_code code;
    } rows[] = {
        {"nothing", "null", S2S_MALFORMED},
        {"a string", s2s_arena_printf(arena, "\"%s\"", good), S2S_MALFORMED},
        {"empty", "[]", S2S_MALFORMED},
        {"an empty string", "[\"\"]", S2S_MALFORMED},
        {"a number", "[1]", S2S_MALFORMED},
        {"not DER", "[\"AAAA\"]", S2S_MALFORMED},
        {"only padding", "[\"====\"]", S2S_MALFORMED},
        {"base64url", s2s_arena_printf(arena, "[\"-%s\"]", good + 1), S2S_MALFORMED},
        {"a line break", s2s_arena_printf(arena, "[\"%.4s\\n%s\"]", good, good + 5), S2S_MALFORMED},
        {"cut off", s2s_arena_printf(arena, "[\"%.*s\"]", (int)(len - 4), good), S2S_MALFORMED},
        {"with something behind", s2s_arena_printf(arena, "[\"%.*sAAAA\"]", (int)(len / 4 * 4), good), S2S_MALFORMED},
        {"too many",
         s2s_arena_printf(arena, "[\"%s\",\"%s\",\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"]", good, good, good, good, good,
                          good, good),
         S2S_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_result r = validate(trust, rows[i].x5c, NOW);
        ck_assert_msg(r.code == rows[i].code, "%s: %d %s", rows[i].what, (int)r.code, r.detail);
    }
    struct s2s_trust *narrow = s2s_trust_new((struct s2s_x5c_limits){.certificates = 2, .octets = 300});
    ck_assert_int_eq(validate(narrow, x5c_of(&leaf, NULL), NOW).code, S2S_LIMIT);
    s2s_trust_free(narrow);
}
END_TEST

/* Whatever becomes of one octet, the chain does not crash us, and is another or none. */
START_TEST(test_changed_certificates)
{
    char *good = s2s_arena_printf(arena, "%s", base64_of(&leaf));
    struct s2s_arena *outer = arena;
    for (size_t i = 0; good[i] != '\0'; i++) {
        arena = s2s_arena_new(SCRATCH);
        char kept = good[i];
        good[i] = kept == 'A' ? 'B' : 'A';
        struct s2s_result r = validate(trust, s2s_arena_printf(arena, "[\"%s\",\"%s\"]", good, base64_of(&ca)), NOW);
        ck_assert_msg(r.code != S2S_OK, "%zu", i);
        good[i] = kept;
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

START_TEST(test_names)
{
    static const struct {
        const char *name;
        bool has;
    } rows[] = {
        {"https://pid.example/issuer", true},
        {"https://pid.example", true},
        {"https://PID.example:8443/x?y", true},
        {"urn:pid:1", true},
        {"HTTPS://pid.example", true},
        {"https://pid.example/other", true}, /* by its host */
        {"https://www.pid.example", false},
        {"https://pid.example.evil.example", false},
        {"https://pid.example@evil.example", false},
        {"https://evil.example/pid.example", false},
        {"https://evil.example#https://pid.example/issuer", false},
        {"http://pid.example", false},
        {"pid.example", false},
        {"urn:pid:2", false},
        {"urn:pid:1 ", false},
        {"https://", false},
        {"", false},
    };
    struct s2s_x5c x5c = {.leaf = leaf.certificate};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(s2s_x5c_has_name(&x5c, rows[i].name) == rows[i].has, "%s", rows[i].name);
    struct s2s_x5c nameless = {.leaf = ca.certificate};
    ck_assert(!s2s_x5c_has_name(&nameless, "https://pid.example"));
}
END_TEST

START_TEST(test_trust)
{
    struct s2s_trust *both = trust_in(NULL);
    const char *bundle = s2s_arena_printf(arena, "a comment\n%s%s", pem_of(&root), pem_of(&stranger));
    ck_assert_int_eq(s2s_trust_add_pem(both, bytes(bundle)).code, S2S_OK);
    ck_assert_int_eq(s2s_trust_add_pem(both, bytes(pem_of(&root))).code, S2S_OK); /* again */
    ck_assert_uint_eq(s2s_trust_count(both), 3);
    ck_assert_int_eq(validate(both, x5c_of(&leaf, &ca), NOW).code, S2S_OK);
    ck_assert_int_eq(validate(both, x5c_of(&stranger, NULL), NOW).code, S2S_BAD_KEY); /* trusted, but an authority */

    const char *const bad[] = {"", "nothing", with(pem_of(&root), "\nM", "\nAAAA"),
                               s2s_arena_printf(arena, "%.200s", pem_of(&root))};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s2s_trust *none = trust_in(NULL);
        ck_assert_msg(s2s_trust_add_pem(none, bytes(bad[i])).code == S2S_MALFORMED, "%zu", i);
        ck_assert_uint_eq(s2s_trust_count(none), 0);
    }
}
END_TEST

START_TEST(test_signed_jwts)
{
    static const char *const types[] = {"a+jwt", "b+jwt", NULL};
    const char *x5c = x5c_of(&leaf, &ca);
    const char *header = s2s_arena_printf(arena, "{\"alg\":\"ES256\",\"typ\":\"application/b+jwt\",\"x5c\":%s}", x5c);
    struct {
        const char *what, *jwt;
        enum s2s_code code;
    } rows[] = {
        {"good", sign_text(leaf.key, header, "{\"a\":1}"), S2S_OK},
        {"another typ", sign_text(leaf.key, with(header, "b+jwt", "c+jwt"), "{}"), S2S_MISMATCH},
        {"no x5c", sign_text(leaf.key, "{\"alg\":\"ES256\",\"typ\":\"a+jwt\"}", "{}"), S2S_MALFORMED},
        {"none", sign_text(leaf.key, with(header, "ES256", "none"), "{}"), S2S_UNSUPPORTED},
        {"another curve", sign_text(leaf.key, with(header, "ES256", "ES384"), "{}"), S2S_MISMATCH},
        {"another signer", sign_text(ca.key, header, "{}"), S2S_REFUSED},
        {"no object", sign_text(leaf.key, header, "[]"), S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct s2s_x5c_jwt out;
        struct s2s_result r = s2s_x5c_open_jwt(arena, trust, rows[i].jwt, strlen(rows[i].jwt), types, NOW, &out);
        ck_assert_msg(r.code == rows[i].code, "%s: %d %s", rows[i].what, (int)r.code, r.detail);
        if (r.code == S2S_OK)
            ck_assert_int_eq(json_object_get_int(s2s_json_get(out.claims, "a")), 1);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("x5c");
    TCase *tc = tcase_create("x5c");
    tcase_add_checked_fixture(tc, setup_pki, teardown);
    tcase_add_test(tc, test_good_chains);
    tcase_add_test(tc, test_every_kind_of_key);
    tcase_add_test(tc, test_times);
    tcase_add_test(tc, test_chains_that_do_not_hold);
    tcase_add_test(tc, test_arrays_that_are_none);
    tcase_add_test(tc, test_changed_certificates);
    tcase_add_test(tc, test_names);
    tcase_add_test(tc, test_trust);
    tcase_add_test(tc, test_signed_jwts);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
