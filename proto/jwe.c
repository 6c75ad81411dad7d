/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening has three steps: bring the three serializations to one form (jwe_message.h), read the JOSE header and
 * refuse what is forbidden (struct plan), then decrypt with each key that may be meant.
 */
#include "jwe.h"

#include "b64.h"
#include "crypto.h"
#include "jwe_message.h"

#include <openssl/rand.h>
#include <string.h>

/* How many keys without a kid are tried for a JWE without a kid. */
#define MAX_TRIALS 4

/* The content encryption algorithms (`enc`, RFC 7518 section 5.3) that key encryption goes with. */
static const struct encryption {
    const char *name;
    enum s2s_aead aead;
} encryptions[] = {{"A128GCM", S2S_AES_128_GCM}, {"A256GCM", S2S_AES_256_GCM}};

static const struct encryption *encryption_named(const char *name)
{
    for (size_t i = 0; i < sizeof encryptions / sizeof encryptions[0]; i++) {
        if (strcmp(encryptions[i].name, name) == 0)
            return &encryptions[i];
    }
    return NULL;
}

/* The HPKE info of key encryption, Recipient_structure of the draft, for `enc`; in the arena, or without data when
 * that is full. */
static struct s2s_bytes recipient_structure(struct s2s_arena *arena, const struct encryption *enc)
{
    const char *text = s2s_arena_printf(arena, "JOSE-HPKE rcpt\xff%s\xff", enc->name);
    return s2s_bytes(text, text != NULL ? strlen(text) : 0);
}

/* RFC 7516 section 5.1 step 14: the protected header and, when there is one, the aad, both still encoded. */
static struct s2s_bytes integrity_input(struct s2s_arena *arena, const char *protected, const char *aad)
{
    const char *text = aad != NULL ? s2s_arena_printf(arena, "%s.%s", protected, aad) : protected;
    return s2s_bytes(text, text != NULL ? strlen(text) : 0);
}

/* What the JOSE header, the union of the three, says to do. */
struct plan {
    const char *alg;
    const struct s2s_hpke_suite *suite;
    const char *kid;              /* NULL when absent */
    const struct encryption *enc; /* NULL: integrated encryption */
    struct s2s_bytes ek;          /* of key encryption */
};

static struct s2s_result find_string(const struct s2s_jwe_message *m, const char *name, const char **out)
{
    struct json_object *value;
    *out = NULL;
    if (!s2s_jwe_find_member(m, name, &value))
        return s2s_ok();
    if (!json_object_is_type(value, json_type_string))
        return s2s_fail(S2S_MALFORMED, "alg, enc, ek or kid of the JWE header is not a string");
    *out = json_object_get_string(value);
    return s2s_ok();
}

/* Compression invites a bomb and leaks lengths; `crit` names extensions, of which we have none; `psk_id` asks for a
 * mode of HPKE that nobody here has keys for. */
static bool has_forbidden_member(const struct s2s_jwe_message *m)
{
    static const char *const names[] = {"zip", "crit", "psk_id"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (s2s_jwe_find_member(m, names[i], NULL))
            return true;
    }
    return false;
}

static struct s2s_result plan_key_encryption(struct s2s_arena *arena, const struct s2s_jwe_message *m, const char *enc,
                                             const char *ek, struct plan *plan)
{
    if (enc == NULL || ek == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWE header lacks enc or ek");
    plan->enc = encryption_named(enc);
    if (plan->enc == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the JWE's enc is not supported");
    if (m->iv.len != S2S_AEAD_NONCE || m->tag.len != S2S_AEAD_TAG)
        return s2s_fail(S2S_MALFORMED, "the JWE's iv or tag has the wrong length");
    return s2s_b64_decode(arena, ek, strlen(ek), &plan->ek);
}

/* The rules of the draft's section "Integrated Encryption". */
static struct s2s_result plan_integrated(const struct s2s_jwe_message *m, const char *enc, const char *ek)
{
    if (enc != NULL || ek != NULL)
        return s2s_fail(S2S_MALFORMED, "the JWE has enc or ek with integrated encryption");
    if (m->iv.len != 0 || m->tag.len != 0)
        return s2s_fail(S2S_MALFORMED, "the JWE has an iv or a tag with integrated encryption");
    if (m->headers[S2S_JWE_PROTECTED] == NULL || !json_object_object_get_ex(m->headers[S2S_JWE_PROTECTED], "alg", NULL))
        return s2s_fail(S2S_MALFORMED, "integrated encryption needs alg in the protected header");
    return s2s_ok();
}

static struct s2s_result make_plan(struct s2s_arena *arena, const struct s2s_jwe_message *m, struct plan *plan)
{
    if (has_forbidden_member(m))
        return s2s_fail(S2S_UNSUPPORTED, "the JWE header has zip, crit or psk_id");
    const char *enc, *ek;
    S2S_TRY(find_string(m, "alg", &plan->alg));
    S2S_TRY(find_string(m, "kid", &plan->kid));
    S2S_TRY(find_string(m, "enc", &enc));
    S2S_TRY(find_string(m, "ek", &ek));
    if (plan->alg == NULL)
        return s2s_fail(S2S_MALFORMED, "the JWE header has no alg");
    bool key_encryption;
    plan->suite = s2s_hpke_suite_of(plan->alg, &key_encryption);
    if (plan->suite == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the JWE's alg is not supported");
    return key_encryption ? plan_key_encryption(arena, m, enc, ek, plan) : plan_integrated(m, enc, ek);
}

/* RFC 7516 section 5.2 steps 15 to 18 with the CEK out of its HPKE envelope. */
static struct s2s_result decrypt_content(struct s2s_arena *arena, const struct s2s_jwe_message *m,
                                         const struct plan *plan, const struct s2s_jwk *key, struct s2s_bytes aad,
                                         struct s2s_bytes *plaintext)
{
    const struct s2s_bytes no_aad = {NULL, 0};
    struct s2s_bytes info = recipient_structure(arena, plan->enc);
    uint8_t *pt = s2s_arena_alloc(arena, m->ciphertext.len);
    if (info.data == NULL || pt == NULL)
        return s2s_fail(S2S_LIMIT, "the JWE is too long");
    struct s2s_bytes cek;
    S2S_TRY(s2s_hpke_open(arena, plan->suite, key, plan->ek, info, no_aad, m->encrypted_key, &cek));
    if (cek.len != s2s_aead_key_size(plan->enc->aead))
        return s2s_fail(S2S_REFUSED, "the JWE's content encryption key does not fit its enc");
    S2S_TRY(s2s_aead_open(plan->enc->aead, cek.data, m->iv.data, aad, m->ciphertext, m->tag.data, pt));
    *plaintext = s2s_bytes(pt, m->ciphertext.len);
    return s2s_ok();
}

static struct s2s_result decrypt(struct s2s_arena *arena, const struct s2s_jwe_message *m, const struct plan *plan,
                                 const struct s2s_jwk *key, struct s2s_bytes *plaintext)
{
    const struct s2s_bytes no_info = {NULL, 0};
    s2s_assert(s2s_jwk_is_private(key));
    struct s2s_bytes aad = integrity_input(arena, m->protected, m->aad);
    if (aad.data == NULL)
        return s2s_fail(S2S_LIMIT, "the JWE is too long");
    struct s2s_result r = plan->enc != NULL ? decrypt_content(arena, m, plan, key, aad, plaintext)
                                            : s2s_hpke_open(arena, plan->suite, key, m->encrypted_key, no_info, aad,
                                                            m->ciphertext, plaintext);
    /* Only the encapsulated secret can be a bad key here; it comes from the message, not from a ring. */
    return r.code == S2S_BAD_KEY ? s2s_fail(S2S_REFUSED, "the JWE's encapsulated secret is not valid") : r;
}

/* Whether the key may be used as the header asks: its curve, its own alg, and its use. */
static bool key_fits(const struct s2s_jwk *key, const struct plan *plan)
{
    const char *alg = s2s_jwk_alg(key);
    return s2s_jwk_curve(key) == plan->suite->curve && (alg == NULL || strcmp(alg, plan->alg) == 0) &&
           s2s_jwk_permits(key, S2S_USE_DECRYPT);
}

static struct s2s_result open_with_named_key(struct s2s_arena *arena, const struct s2s_jwe_message *m,
                                             const struct plan *plan, const struct s2s_keyring *ring,
                                             const struct s2s_jwk **used, struct s2s_bytes *plaintext)
{
    const struct s2s_jwk *key = s2s_keyring_find(ring, plan->kid);
    if (key == NULL)
        return s2s_fail(S2S_UNKNOWN_KEY, "the JWE names a key that is not known");
    if (!key_fits(key, plan))
        return s2s_fail(S2S_UNSUPPORTED, "the JWE's alg is not the one of the key that it names");
    *used = key;
    return decrypt(arena, m, plan, key, plaintext);
}

/* The draft wants the `kid` of a key that has one, so only keys without a kid can be meant. */
static struct s2s_result open_without_name(struct s2s_arena *arena, const struct s2s_jwe_message *m,
                                           const struct plan *plan, const struct s2s_keyring *ring,
                                           const struct s2s_jwk **used, struct s2s_bytes *plaintext)
{
    struct s2s_result r = s2s_fail(S2S_UNKNOWN_KEY, "the JWE does not name its key");
    int trials = 0;
    for (size_t i = 0; i < ring->count && trials < MAX_TRIALS; i++) {
        if (s2s_jwk_kid(ring->keys[i]) != NULL || !key_fits(ring->keys[i], plan))
            continue;
        trials++;
        *used = ring->keys[i];
        r = decrypt(arena, m, plan, ring->keys[i], plaintext);
        if (r.code != S2S_REFUSED)
            break;
    }
    return r;
}

struct s2s_result s2s_jwe_open(struct s2s_arena *arena, struct json_object *jwe, const struct s2s_keyring *ring,
                               const struct s2s_jwk **used, struct s2s_bytes *plaintext)
{
    struct s2s_jwe_message m;
    struct plan plan = {0};
    S2S_TRY(s2s_jwe_message_read(arena, jwe, &m));
    S2S_TRY(make_plan(arena, &m, &plan));
    return plan.kid != NULL ? open_with_named_key(arena, &m, &plan, ring, used, plaintext)
                            : open_without_name(arena, &m, &plan, ring, used, plaintext);
}

/* A JWE being made. */
struct draft {
    const struct s2s_hpke_suite *suite;
    const struct encryption *enc; /* NULL: integrated encryption */
    struct json_object *header;
    const char *protected;   /* the header, encoded */
    const char *encoded_aad; /* NULL for none */
    struct s2s_bytes encrypted_key, iv, ciphertext, tag;
};

/* Encode the header, which is complete, and the aad; `*aad` is what to authenticate. */
static struct s2s_result seal_header(struct s2s_arena *arena, const struct s2s_jwe_options *options, struct draft *d,
                                     struct s2s_bytes *aad)
{
    size_t len;
    const char *text = s2s_json_write(arena, d->header, &len);
    d->protected = text != NULL ? s2s_b64_encode(arena, s2s_bytes(text, len)) : NULL;
    if (options->aad.data != NULL)
        d->encoded_aad = s2s_b64_encode(arena, options->aad);
    if (d->protected == NULL || (options->aad.data != NULL && d->encoded_aad == NULL))
        return s2s_fail(S2S_LIMIT, "the JWE header would be too long");
    *aad = integrity_input(arena, d->protected, d->encoded_aad);
    return aad->data != NULL ? s2s_ok() : s2s_fail(S2S_LIMIT, "the JWE header would be too long");
}

static struct s2s_result seal_integrated(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                                         const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                                         struct draft *d)
{
    const struct s2s_bytes no_info = {NULL, 0};
    struct s2s_bytes aad;
    S2S_TRY(seal_header(arena, options, d, &aad));
    return s2s_hpke_seal(arena, d->suite, recipient, no_info, aad, plaintext, &d->encrypted_key, &d->ciphertext);
}

static struct s2s_result seal_key_encryption(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                                             const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                                             struct draft *d)
{
    const struct s2s_bytes no_aad = {NULL, 0};
    size_t cek_len = s2s_aead_key_size(d->enc->aead);
    uint8_t *cek = s2s_arena_alloc(arena, cek_len);
    uint8_t *iv = s2s_arena_alloc(arena, S2S_AEAD_NONCE);
    uint8_t *tag = s2s_arena_alloc(arena, S2S_AEAD_TAG);
    uint8_t *ct = s2s_arena_alloc(arena, plaintext.len);
    struct s2s_bytes info = recipient_structure(arena, d->enc);
    if (cek == NULL || iv == NULL || tag == NULL || ct == NULL || info.data == NULL)
        return s2s_fail(S2S_LIMIT, "too long to encrypt");
    if (RAND_priv_bytes(cek, (int)cek_len) != 1 || RAND_bytes(iv, S2S_AEAD_NONCE) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "no random numbers");

    struct s2s_bytes ek, aad;
    S2S_TRY(s2s_hpke_seal(arena, d->suite, recipient, info, no_aad, s2s_bytes(cek, cek_len), &ek, &d->encrypted_key));
    const char *ek_text = s2s_b64_encode(arena, ek);
    if (ek_text == NULL)
        return s2s_fail(S2S_LIMIT, "too long to encrypt");
    s2s_json_set_string(d->header, "enc", d->enc->name);
    s2s_json_set_string(d->header, "ek", ek_text);
    S2S_TRY(seal_header(arena, options, d, &aad));
    S2S_TRY(s2s_aead_seal(d->enc->aead, cek, iv, aad, plaintext, ct, tag));
    d->iv = s2s_bytes(iv, S2S_AEAD_NONCE);
    d->ciphertext = s2s_bytes(ct, plaintext.len);
    d->tag = s2s_bytes(tag, S2S_AEAD_TAG);
    return s2s_ok();
}

/* The parts after the header, in the order of the compact form. An empty one has no member (RFC 7516 section 7.2.1). */
enum { PART_KEY, PART_IV, PART_CIPHERTEXT, PART_TAG, PARTS };

static const char *const part_names[PARTS] = {"encrypted_key", "iv", "ciphertext", "tag"};

static void list_parts(const struct draft *d, struct s2s_bytes parts[PARTS])
{
    parts[PART_KEY] = d->encrypted_key;
    parts[PART_IV] = d->iv;
    parts[PART_CIPHERTEXT] = d->ciphertext;
    parts[PART_TAG] = d->tag;
}

static struct s2s_result serialize(struct s2s_arena *arena, enum s2s_jwe_form form, const struct draft *d,
                                   struct json_object **out)
{
    struct s2s_bytes parts[PARTS];
    const char *texts[PARTS];
    list_parts(d, parts);
    for (int i = 0; i < PARTS; i++) {
        texts[i] = s2s_b64_encode(arena, parts[i]);
        if (texts[i] == NULL)
            return s2s_fail(S2S_LIMIT, "the JWE would be too long");
    }
    if (form == S2S_JWE_COMPACT) {
        const char *text = s2s_arena_printf(arena, "%s.%s.%s.%s.%s", d->protected, texts[PART_KEY], texts[PART_IV],
                                            texts[PART_CIPHERTEXT], texts[PART_TAG]);
        if (text == NULL)
            return s2s_fail(S2S_LIMIT, "the JWE would be too long");
        *out = s2s_json_own(arena, json_object_new_string(text));
        s2s_assert(*out != NULL);
        return s2s_ok();
    }
    *out = s2s_json_own(arena, json_object_new_object());
    s2s_assert(*out != NULL);
    s2s_json_set_string(*out, "protected", d->protected);
    if (d->encoded_aad != NULL)
        s2s_json_set_string(*out, "aad", d->encoded_aad);
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].len > 0)
            s2s_json_set_string(*out, part_names[i], texts[i]);
    }
    return s2s_ok();
}

/* The flattened form as text. None of its values needs an escape: all are base64url. */
#define MAX_MEMBER_OVERHEAD sizeof(",\"encrypted_key\":\"\"")

static char *put(char *out, const char *text)
{
    return stpcpy(out, text);
}

static char *put_octets(char *out, const char *name, struct s2s_bytes octets)
{
    if (octets.len == 0)
        return out;
    out = put(put(put(out, ",\""), name), "\":\"");
    s2s_b64_encode_to(out, octets);
    return put(out + s2s_b64_encoded_len(octets.len), "\"");
}

static struct s2s_result write_flattened(struct s2s_arena *arena, const struct draft *d, struct s2s_bytes *out)
{
    struct s2s_bytes parts[PARTS];
    size_t size = strlen(d->protected) + (d->encoded_aad != NULL ? strlen(d->encoded_aad) : 0) +
                  (2 + PARTS) * MAX_MEMBER_OVERHEAD + sizeof "{}";
    list_parts(d, parts);
    for (int i = 0; i < PARTS; i++)
        size += s2s_b64_encoded_len(parts[i].len);
    char *text = s2s_arena_alloc(arena, size);
    if (text == NULL)
        return s2s_fail(S2S_LIMIT, "the JWE would be too long");
    char *end = put(put(put(text, "{\"protected\":\""), d->protected), "\"");
    if (d->encoded_aad != NULL)
        end = put(put(put(end, ",\"aad\":\""), d->encoded_aad), "\"");
    for (int i = 0; i < PARTS; i++)
        end = put_octets(end, part_names[i], parts[i]);
    end = put(end, "}");
    *out = s2s_bytes(text, (size_t)(end - text));
    return s2s_ok();
}

static struct s2s_result seal(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                              const struct s2s_jwe_options *options, struct s2s_bytes plaintext, struct draft *d)
{
    const char *alg = s2s_jwk_alg(recipient), *kid = s2s_jwk_kid(recipient);
    bool key_encryption = false;
    *d = (struct draft){.suite = alg != NULL ? s2s_hpke_suite_of(alg, &key_encryption) : NULL};
    if (d->suite == NULL)
        return s2s_fail(S2S_UNSUPPORTED, "the recipient's key names no supported encryption algorithm");
    if (!s2s_jwk_permits(recipient, S2S_USE_ENCRYPT))
        return s2s_fail(S2S_BAD_KEY, "the recipient's key is not for encryption");
    if (key_encryption) {
        const char *enc = options->enc != NULL ? options->enc : d->suite->n_k == 16 ? "A128GCM" : "A256GCM";
        d->enc = encryption_named(enc);
        if (d->enc == NULL)
            return s2s_fail(S2S_UNSUPPORTED, "enc is not supported");
    }
    d->header = s2s_json_own(arena, json_object_new_object());
    s2s_assert(d->header != NULL);
    s2s_json_set_string(d->header, "alg", alg);
    if (kid != NULL)
        s2s_json_set_string(d->header, "kid", kid);
    if (options->cty != NULL)
        s2s_json_set_string(d->header, "cty", options->cty);
    return (key_encryption ? seal_key_encryption : seal_integrated)(arena, recipient, options, plaintext, d);
}

struct s2s_result s2s_jwe_seal(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                               const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                               struct json_object **out)
{
    struct draft d;
    s2s_assert(options->form == S2S_JWE_FLATTENED || options->aad.data == NULL);
    S2S_TRY(seal(arena, recipient, options, plaintext, &d));
    return serialize(arena, options->form, &d, out);
}

struct s2s_result s2s_jwe_seal_text(struct s2s_arena *arena, const struct s2s_jwk *recipient,
                                    const struct s2s_jwe_options *options, struct s2s_bytes plaintext,
                                    struct s2s_bytes *out)
{
    struct draft d;
    s2s_assert(options->form == S2S_JWE_FLATTENED);
    S2S_TRY(seal(arena, recipient, options, plaintext, &d));
    return write_flattened(arena, &d, out);
}
