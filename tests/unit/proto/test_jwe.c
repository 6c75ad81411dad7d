/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/jwe.h"

#include "jose_support.h"
#include "proto/b64.h"
#include "proto/crypto.h"

/* A ring of one key. */
struct one_key {
    struct s2s_jwk *keys[1];
    struct s2s_keyring ring;
};

static struct s2s_keyring *ring_of(struct s2s_jwk *key)
{
    struct one_key *one = s2s_arena_alloc(arena, sizeof *one);
    one->keys[0] = key;
    one->ring = (struct s2s_keyring){one->keys, 1};
    return &one->ring;
}

static enum s2s_code open_with(const struct s2s_keyring *ring, struct json_object *jwe, struct s2s_bytes *plaintext)
{
    const struct s2s_jwk *used = NULL;
    struct s2s_result r = s2s_jwe_open(arena, jwe, ring, &used, plaintext);
    ck_assert(r.code != S2S_OK || used != NULL);
    return r.code;
}

/* The plaintext is not asked for. */
static enum s2s_code open_code(struct s2s_jwk *key, struct json_object *jwe)
{
    struct s2s_bytes plaintext;
    return open_with(ring_of(key), jwe, &plaintext);
}

static struct json_object *seal(const struct s2s_jwk *recipient, enum s2s_jwe_form form, const char *text)
{
    struct s2s_jwe_options options = {.form = form};
    struct json_object *out = NULL;
    struct s2s_result r = s2s_jwe_seal(arena, recipient, &options, bytes(text), &out);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    return out;
}

static struct json_object *text(const char *value)
{
    return s2s_json_own(arena, json_object_new_string(value));
}

static struct json_object *decoded_header(const struct json_object *flattened)
{
    const char *protected = s2s_json_string(flattened, "protected");
    struct s2s_bytes header;
    ck_assert_int_eq(s2s_b64_decode(arena, protected, strlen(protected), &header).code, S2S_OK);
    return json(s2s_arena_strndup(arena, (const char *)header.data, header.len));
}

static const char *encoded(struct json_object *obj)
{
    return s2s_b64_encode(arena, bytes(s2s_json_write(arena, obj, NULL)));
}

/* Move the member `name` from one object to the other. */
static void move_member(struct json_object *from, struct json_object *to, const char *name)
{
    struct json_object *value = s2s_json_get(from, name);
    if (value == NULL)
        return;
    json_object_object_add(to, name, json_object_get(value));
    json_object_object_del(from, name);
}

/* A flattened JWE in general form. */
static struct json_object *general(struct json_object *flattened)
{
    struct json_object *jwe = copy_of(flattened), *recipient = json_object_new_object();
    struct json_object *recipients = json_object_new_array();
    move_member(jwe, recipient, "encrypted_key");
    move_member(jwe, recipient, "header");
    json_object_array_add(recipients, recipient);
    json_object_object_add(jwe, "recipients", recipients);
    return jwe;
}

START_TEST(test_published_vectors)
{
    struct json_object *list = vectors("jose-hpke.json");
    ck_assert_uint_eq(json_object_array_length(list), 16);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        struct s2s_jwk *key = private_key(s2s_json_get(v, "jwk"));
        const char *alg = s2s_json_string(v, "alg");
        struct s2s_bytes a, b, c;
        ck_assert_msg(open_with(ring_of(key), s2s_json_get(v, "compact"), &a) == S2S_OK, "%s compact", alg);
        ck_assert_msg(open_with(ring_of(key), s2s_json_get(v, "flattened"), &b) == S2S_OK, "%s flattened", alg);
        ck_assert_msg(open_with(ring_of(key), general(s2s_json_get(v, "flattened")), &c) == S2S_OK, "%s general", alg);
        assert_bytes_equal(a, b);
        assert_bytes_equal(a, c);
        ck_assert_mem_eq(a.data, "You can trust us", 16);
    }
}
END_TEST

START_TEST(test_published_vectors_notice_changes)
{
    struct json_object *list = vectors("jose-hpke.json");
    static const char *const members[] = {"protected", "aad", "encrypted_key", "iv", "ciphertext", "tag"};
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *v = json_object_array_get_idx(list, i);
        struct s2s_jwk *key = private_key(s2s_json_get(v, "jwk"));
        for (size_t k = 0; k < sizeof members / sizeof members[0]; k++) {
            struct json_object *changed = copy_of(s2s_json_get(v, "flattened"));
            const char *value = s2s_json_string(changed, members[k]);
            if (value == NULL)
                continue;
            char *other = s2s_arena_strndup(arena, value, strlen(value));
            other[8] = other[8] == 'A' ? 'B' : 'A';
            s2s_json_set_string(changed, members[k], other);
            ck_assert_msg(open_code(key, changed) != S2S_OK, "%s %s", s2s_json_string(v, "alg"), members[k]);
            json_object_object_del(changed, members[k]);
            ck_assert_msg(open_code(key, changed) != S2S_OK, "%s no %s", s2s_json_string(v, "alg"), members[k]);
        }
    }
}
END_TEST

START_TEST(test_round_trip)
{
    const struct s2s_hpke_suite *suite = &s2s_hpke_suites[_i / 2];
    bool ke = _i % 2 == 1;
    struct s2s_jwk *key = new_key(suite->curve, ke ? suite->name_ke : suite->name, "k 1");
    static const char *const encs[] = {NULL, "A128GCM", "A256GCM"};
    for (size_t e = 0; e < 3; e++) {
        struct s2s_jwe_options options = {
            .form = S2S_JWE_FLATTENED, .enc = encs[e], .cty = "json", .aad = bytes("extra")};
        struct json_object *jwe = NULL;
        ck_assert_int_eq(s2s_jwe_seal(arena, public_key(public_json(key)), &options, bytes("hello"), &jwe).code,
                         S2S_OK);
        struct json_object *header = decoded_header(jwe);
        ck_assert_str_eq(s2s_json_string(header, "kid"), "k 1");
        ck_assert_str_eq(s2s_json_string(header, "cty"), "json");
        if (ke)
            ck_assert_str_eq(s2s_json_string(header, "enc"), encs[e]            ? encs[e]
                                                             : suite->n_k == 16 ? "A128GCM"
                                                                                : "A256GCM");
        else
            ck_assert_ptr_null(s2s_json_get(header, "enc"));
        struct s2s_bytes plaintext;
        ck_assert_int_eq(open_with(ring_of(key), jwe, &plaintext), S2S_OK);
        assert_bytes_equal(plaintext, bytes("hello"));
        s2s_json_set_string(jwe, "aad", "AAAA");
        ck_assert_int_eq(open_with(ring_of(key), jwe, &plaintext), S2S_REFUSED);
    }
    struct s2s_bytes plaintext;
    ck_assert_int_eq(open_with(ring_of(key), seal(key, S2S_JWE_COMPACT, ""), &plaintext), S2S_OK);
    ck_assert_uint_eq(plaintext.len, 0);
}
END_TEST

START_TEST(test_text_of_the_flattened_form)
{
    const struct s2s_hpke_suite *suite = &s2s_hpke_suites[_i / 2];
    struct s2s_jwk *key = new_key(suite->curve, _i % 2 == 1 ? suite->name_ke : suite->name, "\"k\"");
    const struct s2s_bytes none = {NULL, 0}, aads[] = {none, bytes("extra")}, texts[] = {bytes(""), bytes("hello")};
    for (size_t a = 0; a < 2; a++) {
        for (size_t t = 0; t < 2; t++) {
            struct s2s_jwe_options options = {.form = S2S_JWE_FLATTENED, .aad = aads[a]};
            struct s2s_bytes written, plaintext;
            struct json_object *tree = NULL;
            ck_assert_int_eq(s2s_jwe_seal_text(arena, key, &options, texts[t], &written).code, S2S_OK);
            ck_assert_uint_eq(written.len, strlen((const char *)written.data));
            ck_assert_int_eq(s2s_jwe_seal(arena, key, &options, texts[t], &tree).code, S2S_OK);
            struct json_object *read = json((const char *)written.data);
            ck_assert_int_eq(json_object_object_length(read), json_object_object_length(tree));
            json_object_object_foreach(tree, name, value)
                ck_assert_uint_eq(strlen(s2s_json_string(read, name)), (size_t)json_object_get_string_len(value));
            ck_assert_int_eq(open_with(ring_of(key), read, &plaintext), S2S_OK);
            assert_bytes_equal(plaintext, texts[t]);
        }
    }
}
END_TEST

START_TEST(test_kid_rule)
{
    struct s2s_jwk *named = new_key(S2S_P256, "HPKE-0-KE", "a"), *bare = new_key(S2S_P256, "HPKE-0-KE", NULL);
    struct s2s_jwk *bare_too = new_key(S2S_P256, "HPKE-0-KE", NULL), *other_alg = new_key(S2S_P256, "HPKE-0", NULL);
    struct s2s_jwk *const keys[] = {named, other_alg, bare, bare_too};
    const struct s2s_keyring ring = {keys, 4};
    const struct s2s_jwk *used = NULL;
    struct s2s_bytes plaintext;

    ck_assert_int_eq(s2s_jwe_open(arena, seal(named, S2S_JWE_COMPACT, "x"), &ring, &used, &plaintext).code, S2S_OK);
    ck_assert_ptr_eq(used, named);
    /* without a kid, every key without one is tried */
    ck_assert_int_eq(s2s_jwe_open(arena, seal(bare_too, S2S_JWE_COMPACT, "x"), &ring, &used, &plaintext).code, S2S_OK);
    ck_assert_ptr_eq(used, bare_too);
    ck_assert_int_eq(open_with(&ring, seal(new_key(S2S_P256, "HPKE-0-KE", NULL), S2S_JWE_COMPACT, "x"), &plaintext),
                     S2S_REFUSED);
    ck_assert_int_eq(open_with(&ring, seal(new_key(S2S_P256, "HPKE-0-KE", "b"), S2S_JWE_COMPACT, "x"), &plaintext),
                     S2S_UNKNOWN_KEY);
    /* the key has a kid but the header does not say it */
    struct json_object *bare_json = public_json(named);
    json_object_object_del(bare_json, "kid");
    struct json_object *unnamed = seal(public_key(bare_json), S2S_JWE_COMPACT, "x");
    ck_assert_int_eq(open_with(ring_of(named), unnamed, &plaintext), S2S_UNKNOWN_KEY);
    const struct s2s_keyring empty = {NULL, 0};
    ck_assert_int_eq(open_with(&empty, unnamed, &plaintext), S2S_UNKNOWN_KEY);
}
END_TEST

START_TEST(test_trials_are_bounded)
{
    struct s2s_jwk *keys[10];
    for (int i = 0; i < 10; i++)
        keys[i] = new_key(S2S_P256, "HPKE-0", NULL);
    const struct s2s_keyring ring = {keys, 10};
    struct s2s_bytes plaintext;
    ck_assert_int_eq(open_with(&ring, seal(keys[3], S2S_JWE_COMPACT, "x"), &plaintext), S2S_OK);
    ck_assert_int_eq(open_with(&ring, seal(keys[9], S2S_JWE_COMPACT, "x"), &plaintext), S2S_REFUSED);
}
END_TEST

START_TEST(test_alg_and_use_must_be_the_keys)
{
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a"), *sealer = NULL;
    struct json_object *other = public_json(key);
    s2s_json_set_string(other, "alg", "HPKE-7-KE"); /* the same curve */
    sealer = public_key(other);
    ck_assert_int_eq(open_code(key, seal(sealer, S2S_JWE_COMPACT, "x")), S2S_UNSUPPORTED);

    struct json_object *list = vectors("jose-hpke.json"), *v = json_object_array_get_idx(list, 0);
    struct json_object *jwk = copy_of(s2s_json_get(v, "jwk"));
    s2s_json_set_string(jwk, "use", "sig");
    ck_assert_int_eq(open_code(private_key(jwk), s2s_json_get(v, "compact")), S2S_UNSUPPORTED);

    struct s2s_jwe_options options = {.form = S2S_JWE_COMPACT};
    struct json_object *out, *public_sig = public_json(key);
    s2s_json_set_string(public_sig, "use", "sig");
    ck_assert_int_eq(s2s_jwe_seal(arena, public_key(public_sig), &options, bytes("x"), &out).code, S2S_BAD_KEY);
    ck_assert_int_eq(s2s_jwe_seal(arena, new_key(S2S_P256, NULL, NULL), &options, bytes("x"), &out).code,
                     S2S_UNSUPPORTED);
    ck_assert_int_eq(s2s_jwe_seal(arena, new_key(S2S_P256, "ES256", NULL), &options, bytes("x"), &out).code,
                     S2S_UNSUPPORTED);
    ck_assert_int_eq(s2s_jwe_seal(arena, new_key(S2S_P384, "HPKE-0", NULL), &options, bytes("x"), &out).code,
                     S2S_BAD_KEY);
    options.enc = "A192GCM";
    ck_assert_int_eq(s2s_jwe_seal(arena, key, &options, bytes("x"), &out).code, S2S_UNSUPPORTED);
}
END_TEST

START_TEST(test_refused_headers)
{
    /* Each is merged over the header of a good flattened JWE with key encryption. */
    static const struct {
        const char *members;
        enum s2s_code code;
    } rows[] = {
        {"{\"zip\":\"DEF\"}", S2S_UNSUPPORTED},
        {"{\"crit\":[\"exp\"]}", S2S_UNSUPPORTED},
        {"{\"crit\":null}", S2S_UNSUPPORTED},
        {"{\"psk_id\":\"AA\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"RSA-OAEP\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"dir\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"HPKE-1-KE\"}", S2S_UNSUPPORTED},
        {"{\"alg\":\"HPKE-0\"}", S2S_MALFORMED}, /* with enc and ek */
        {"{\"alg\":null}", S2S_MALFORMED},
        {"{\"alg\":[\"HPKE-0-KE\"]}", S2S_MALFORMED},
        {"{\"enc\":\"A192GCM\"}", S2S_UNSUPPORTED},
        {"{\"enc\":\"A128CBC-HS256\"}", S2S_UNSUPPORTED},
        {"{\"enc\":\"A256GCM\"}", S2S_REFUSED}, /* the info of HPKE has the other */
        {"{\"enc\":1}", S2S_MALFORMED},
        {"{\"ek\":\"\"}", S2S_REFUSED},
        {"{\"ek\":\"*\"}", S2S_MALFORMED},
        {"{\"ek\":\"BAAA\"}", S2S_REFUSED},
        {"{\"kid\":\"b\"}", S2S_UNKNOWN_KEY},
        {"{\"kid\":1}", S2S_MALFORMED},
    };
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a");
    struct json_object *good = seal(key, S2S_JWE_FLATTENED, "x");
    ck_assert_int_eq(open_code(key, good), S2S_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *bad = copy_of(good), *header = decoded_header(good);
        json_object_object_foreach(json(rows[i].members), name, value)
            json_object_object_add(header, name, json_object_get(value));
        s2s_json_set_string(bad, "protected", encoded(header));
        ck_assert_msg(open_code(key, bad) == rows[i].code, "%s: %d", rows[i].members, (int)open_code(key, bad));
    }
    static const char *const forbidden[] = {"zip", "crit", "psk_id"};
    for (size_t i = 0; i < 3; i++) { /* no better outside of the protected header */
        struct json_object *bad = copy_of(good);
        json_object_object_add(bad, _i == 0 ? "unprotected" : "header",
                               json_object_get(json(s2s_arena_printf(arena, "{\"%s\":\"x\"}", forbidden[i]))));
        ck_assert_int_eq(open_code(key, bad), S2S_UNSUPPORTED);
    }
}
END_TEST

START_TEST(test_headers_outside_of_the_protected_one)
{
    /* Key encryption binds alg (by the key) and enc (by info) whatever header they stand in. */
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a");
    struct s2s_jwe_options options = {.form = S2S_JWE_FLATTENED};
    struct json_object *jwe = NULL;
    ck_assert_int_eq(s2s_jwe_seal(arena, key, &options, bytes("x"), &jwe).code, S2S_OK);
    struct json_object *header = decoded_header(jwe);
    json_object_object_add(jwe, "header", json_object_get(header));
    ck_assert_int_eq(open_code(key, jwe), S2S_MALFORMED); /* every name twice */
    json_object_object_del(jwe, "header");
    json_object_object_add(jwe, "unprotected", json_object_get(json("{\"alg\":\"HPKE-0-KE\"}")));
    ck_assert_int_eq(open_code(key, jwe), S2S_MALFORMED);
    json_object_object_add(jwe, "unprotected", json_object_get(json("{\"jku\":\"x\"}")));
    ck_assert_int_eq(open_code(key, jwe), S2S_OK);
    json_object_object_add(jwe, "header", json_object_get(json("{\"jku\":\"y\"}")));
    ck_assert_int_eq(open_code(key, jwe), S2S_MALFORMED);

    /* Integrated encryption authenticates the protected header only, so alg must be there. */
    struct s2s_jwk *integrated = new_key(S2S_P256, "HPKE-0", NULL);
    jwe = seal(integrated, S2S_JWE_FLATTENED, "x");
    s2s_json_set_string(jwe, "protected", encoded(json("{\"x\":1}")));
    json_object_object_add(jwe, "header", json_object_get(json("{\"alg\":\"HPKE-0\"}")));
    ck_assert_int_eq(open_code(integrated, jwe), S2S_MALFORMED);
}
END_TEST

/* A general JWE whose header stands with the recipient, made by hand: nothing is protected but the enc. */
START_TEST(test_general_with_recipient_header)
{
    const struct s2s_bytes empty = {NULL, 0};
    const struct s2s_hpke_suite *suite = &s2s_hpke_suites[0];
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a");
    uint8_t cek[16] = "0123456789abcde", iv[12] = "nonce", ct[5], tag[16];
    const char *protected = encoded(json("{\"enc\":\"A128GCM\"}"));
    struct s2s_bytes ek, wrapped, plaintext;
    ck_assert_int_eq(s2s_hpke_seal(arena, suite, key,
                                   bytes("JOSE-HPKE rcpt\xff"
                                         "A128GCM\xff"),
                                   empty, s2s_bytes(cek, sizeof cek), &ek, &wrapped)
                         .code,
                     S2S_OK);
    ck_assert_int_eq(s2s_aead_seal(S2S_AES_128_GCM, cek, iv, bytes(protected), bytes("hello"), ct, tag).code, S2S_OK);
    struct json_object *jwe = json(s2s_arena_printf(
        arena,
        "{\"protected\":\"%s\",\"recipients\":[{\"header\":{\"alg\":\"HPKE-0-KE\",\"kid\":\"a\",\"ek\":\"%s\"},"
        "\"encrypted_key\":\"%s\"}],\"iv\":\"%s\",\"ciphertext\":\"%s\",\"tag\":\"%s\"}",
        protected, s2s_b64_encode(arena, ek), s2s_b64_encode(arena, wrapped), s2s_b64_encode(arena, s2s_bytes(iv, 12)),
        s2s_b64_encode(arena, s2s_bytes(ct, 5)), s2s_b64_encode(arena, s2s_bytes(tag, 16))));
    ck_assert_int_eq(open_with(ring_of(key), jwe, &plaintext), S2S_OK);
    assert_bytes_equal(plaintext, bytes("hello"));

    struct json_object *recipients = s2s_json_get(jwe, "recipients");
    json_object_array_add(recipients, json_object_get(json_object_array_get_idx(recipients, 0)));
    ck_assert_int_eq(open_with(ring_of(key), jwe, &plaintext), S2S_UNSUPPORTED);
}
END_TEST

/* A CEK of another length than enc's would be read past its end, or cut. */
START_TEST(test_cek_must_fit_enc)
{
    const struct s2s_bytes empty = {NULL, 0};
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", NULL);
    static const size_t lengths[] = {0, 15, 17, 32};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        static const uint8_t zero[32];
        struct s2s_bytes ek, wrapped;
        ck_assert_int_eq(s2s_hpke_seal(arena, &s2s_hpke_suites[0], key,
                                       bytes("JOSE-HPKE rcpt\xff"
                                             "A128GCM\xff"),
                                       empty, s2s_bytes(zero, lengths[i]), &ek, &wrapped)
                             .code,
                         S2S_OK);
        const char *header = s2s_arena_printf(arena, "{\"alg\":\"HPKE-0-KE\",\"enc\":\"A128GCM\",\"ek\":\"%s\"}",
                                              s2s_b64_encode(arena, ek));
        ck_assert_int_eq(open_code(key, text(s2s_arena_printf(arena, "%s.%s.AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA",
                                                              s2s_b64_encode(arena, bytes(header)),
                                                              s2s_b64_encode(arena, wrapped)))),
                         S2S_REFUSED);
    }
}
END_TEST

START_TEST(test_refused_syntax)
{
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a");
    static const char *const compact[] = {"",        ".",          "....",     ".....",   "e30.e30.e30",
                                          "e30....", "bnVsbA....", "e30=....", "W10....", "*...."};
    for (size_t i = 0; i < sizeof compact / sizeof compact[0]; i++)
        ck_assert_msg(open_code(key, text(compact[i])) == S2S_MALFORMED, "%s", compact[i]);

    /* Each merged over a good flattened JWE. */
    static const char *const members[] = {
        "{\"protected\":1}",
        "{\"protected\":\"\"}",
        "{\"protected\":\"e30=\"}",
        "{\"unprotected\":[]}",
        "{\"unprotected\":null}",
        "{\"header\":\"x\"}",
        "{\"iv\":\"AAAA\"}",
        "{\"iv\":7}",
        "{\"iv\":null}",
        "{\"tag\":\"AAAA\"}",
        "{\"tag\":\"\"}",
        "{\"ciphertext\":{}}",
        "{\"ciphertext\":\"A\"}",
        "{\"encrypted_key\":\"=\"}",
        "{\"aad\":\"\"}",
        "{\"aad\":\"*\"}",
        "{\"aad\":1}",
        "{\"recipients\":[{}]}",
        "{\"recipients\":null}",
    };
    struct json_object *good = seal(key, S2S_JWE_FLATTENED, "x");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct json_object *bad = copy_of(good);
        json_object_object_foreach(json(members[i]), name, value)
            json_object_object_add(bad, name, json_object_get(value));
        ck_assert_msg(open_code(key, bad) == S2S_MALFORMED, "%s", members[i]);
    }
    struct json_object *no_recipient = general(good);
    json_object_object_add(no_recipient, "recipients", json_object_new_array());
    ck_assert_int_eq(open_code(key, no_recipient), S2S_MALFORMED);
    json_object_object_add(no_recipient, "recipients", json_object_get(json("[null]")));
    ck_assert_int_eq(open_code(key, no_recipient), S2S_MALFORMED);
    ck_assert_int_eq(open_code(key, NULL), S2S_MALFORMED);
    ck_assert_int_eq(open_code(key, json("[]")), S2S_MALFORMED);
    ck_assert_int_eq(open_code(key, json("{}")), S2S_MALFORMED);
}
END_TEST

START_TEST(test_integrated_has_no_iv_and_no_tag)
{
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0", "a");
    struct json_object *good = seal(key, S2S_JWE_FLATTENED, "x");
    ck_assert_ptr_null(s2s_json_get(good, "iv"));
    ck_assert_ptr_null(s2s_json_get(good, "tag"));
    s2s_json_set_string(good, "iv", "");
    ck_assert_int_eq(open_code(key, good), S2S_OK);
    s2s_json_set_string(good, "iv", "AAAAAAAAAAAAAAAA");
    ck_assert_int_eq(open_code(key, good), S2S_MALFORMED);
    json_object_object_del(good, "iv");
    s2s_json_set_string(good, "tag", "AAAAAAAAAAAAAAAAAAAAAA");
    ck_assert_int_eq(open_code(key, good), S2S_MALFORMED);
}
END_TEST

START_TEST(test_a_full_arena_is_a_limit)
{
    struct s2s_jwk *key = new_key(S2S_P256, "HPKE-0-KE", "a");
    struct json_object *jwe = seal(key, S2S_JWE_FLATTENED, "a plaintext of some length");
    bool opened = false;
    for (size_t ceiling = 0; !opened; ceiling += 16) {
        struct s2s_arena *small = s2s_arena_new(ceiling);
        const struct s2s_jwk *used;
        struct s2s_bytes plaintext;
        struct s2s_result r = s2s_jwe_open(small, jwe, ring_of(key), &used, &plaintext);
        opened = r.code == S2S_OK;
        ck_assert_msg(opened || r.code == S2S_LIMIT, "%zu: %s", ceiling, r.detail);
        s2s_arena_free(small);
    }
    bool sealed = false;
    for (size_t ceiling = 0; !sealed; ceiling += 16) {
        struct s2s_arena *small = s2s_arena_new(ceiling);
        struct s2s_jwe_options options = {.form = S2S_JWE_COMPACT};
        struct json_object *out;
        struct s2s_result r = s2s_jwe_seal(small, key, &options, bytes("plaintext"), &out);
        sealed = r.code == S2S_OK;
        ck_assert_msg(sealed || r.code == S2S_LIMIT, "%zu: %s", ceiling, r.detail);
        s2s_arena_free(small);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("jwe");
    TCase *tc = tcase_create("jwe");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_published_vectors);
    tcase_add_test(tc, test_published_vectors_notice_changes);
    tcase_add_loop_test(tc, test_round_trip, 0, 2 * S2S_HPKE_SUITES);
    tcase_add_loop_test(tc, test_text_of_the_flattened_form, 0, 2 * S2S_HPKE_SUITES);
    tcase_add_test(tc, test_kid_rule);
    tcase_add_test(tc, test_trials_are_bounded);
    tcase_add_test(tc, test_alg_and_use_must_be_the_keys);
    tcase_add_loop_test(tc, test_refused_headers, 0, 2);
    tcase_add_test(tc, test_headers_outside_of_the_protected_one);
    tcase_add_test(tc, test_general_with_recipient_header);
    tcase_add_test(tc, test_cek_must_fit_enc);
    tcase_add_test(tc, test_refused_syntax);
    tcase_add_test(tc, test_integrated_has_no_iv_and_no_tag);
    tcase_add_test(tc, test_a_full_arena_is_a_limit);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
