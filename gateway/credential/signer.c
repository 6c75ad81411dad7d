/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include "jsontext.h"
#include "proto/b64.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_KEY_FILE (64 * 1024)
#define MAX_CHAIN_FILE (256 * 1024)
#define MAX_CHAIN 8

/* Ceiling of the arena that loading and the encoded headers live in; a chain file passes through it three times
 * (DER, JSON, base64url), once for each type. */
#define SIGNER_MEMORY (32 * MAX_CHAIN_FILE)

struct gw_signer {
    struct s2s_arena *arena; /* of what lives as long as the signer */
    struct s2s_jwk *key;
    int64_t not_before, not_after;
    struct json_object *x5c;
    struct s2s_bytes headers[GW_SIGNED_TYPES]; /* base64url of the protected header, and the dot that follows it */
};

static const char *const signed_types[GW_SIGNED_TYPES] = {
    [GW_SIGNED_CREDENTIAL] = "dc+sd-jwt",
    [GW_SIGNED_METADATA] = "openidvci-issuer-metadata+jwt",
};

/* What is being loaded, for errors. */
struct loading {
    const struct gw_file *key_file, *chain_file;
    struct gw_config_errors *errors;
    EVP_PKEY *pkey;
    X509 *chain[MAX_CHAIN + 1]; /* leaf first; one more than allowed shows that there are too many */
    size_t count;
    int64_t not_before, not_after; /* of the leaf */
};

/* Keys of these kinds sign credentials. */
static const struct {
    const char *type, *group, *alg;
} key_kinds[] = {
    {"EC", "prime256v1", "ES256"},
    {"EC", "secp384r1", "ES384"},
    {"ED25519", NULL, "EdDSA"},
};

static const char *alg_of(const EVP_PKEY *pkey)
{
    char group[64] = "";
    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL); /* fails for kinds without groups */
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++)
        if (EVP_PKEY_is_a(pkey, key_kinds[i].type) && (!key_kinds[i].group || strcmp(group, key_kinds[i].group) == 0))
            return key_kinds[i].alg;
    return NULL;
}

/* An encrypted key has nobody to type its passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

/* The whole file as a memory BIO; `*text` backs it. NULL with the error reported. */
static BIO *open_file(const struct gw_file *file, size_t max, const char *what, char **text, size_t *len,
                      struct gw_config_errors *errors)
{
    *text = gw_file_read(file->path, max, len);
    if (!*text) {
        gw_config_error(errors, file->line, "cannot read the %s %s: %s; name a readable PEM file", what, file->path,
                        strerror(errno));
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(*text, (int)*len);
    s2s_assert(bio);
    return bio;
}

static bool load_key(struct loading *l)
{
    char *text;
    size_t len;
    BIO *bio = open_file(l->key_file, MAX_KEY_FILE, "signing key", &text, &len, l->errors);
    if (!bio)
        return false;
    l->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    OPENSSL_cleanse(text, len);
    free(text);
    if (!l->pkey) {
        gw_config_error(l->errors, l->key_file->line,
                        "%s holds no private key in PEM without a passphrase; make one with: openssl genpkey "
                        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE",
                        l->key_file->path);
        return false;
    }
    if (!alg_of(l->pkey)) {
        gw_config_error(l->errors, l->key_file->line,
                        "the key in %s is of a kind that cannot sign here; use P-256, P-384 or Ed25519",
                        l->key_file->path);
        return false;
    }
    return true;
}

static bool chain_error(const struct loading *l, const char *problem)
{
    gw_config_error(l->errors, l->chain_file->line, "the certificate file %s %s", l->chain_file->path, problem);
    return false;
}

static bool load_chain(struct loading *l)
{
    char *text;
    size_t len;
    BIO *bio = open_file(l->chain_file, MAX_CHAIN_FILE, "certificate", &text, &len, l->errors);
    if (!bio)
        return false;
    ERR_clear_error();
    X509 *certificate;
    while (l->count <= MAX_CHAIN && (certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)))
        l->chain[l->count++] = certificate;
    bool at_end = l->count <= MAX_CHAIN && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    free(text);
    if (l->count == 0)
        return chain_error(l, "holds no certificate; it needs PEM, the signing key's certificate first");
    if (!at_end)
        return chain_error(l, "is broken or too long; it needs at most 8 certificates, in PEM");
    return true;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *seconds = (int64_t)timegm(&tm);
    return true;
}

static bool check_chain(struct loading *l)
{
    X509 *leaf = l->chain[0];
    if (X509_check_private_key(leaf, l->pkey) != 1) {
        for (size_t i = 1; i < l->count; i++)
            if (X509_check_private_key(l->chain[i], l->pkey) == 1)
                return chain_error(l, "has the signing key's certificate behind another one; put it first");
        return chain_error(l, "does not belong to the signing key; name the certificate that was made for this key");
    }
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
        return chain_error(l, "is for a key that may not sign; get one whose keyUsage has digitalSignature");
    if (!seconds_of(X509_get0_notBefore(leaf), &l->not_before) || !seconds_of(X509_get0_notAfter(leaf), &l->not_after))
        return chain_error(l, "has a validity that cannot be read; get a new one");
    for (size_t i = 0; i + 1 < l->count; i++)
        if (X509_check_issued(l->chain[i + 1], l->chain[i]) != X509_V_OK)
            return chain_error(l, "is out of order; each certificate must be followed by that of its issuer");
    return true;
}

/* Standard base64 with padding, not base64url (RFC 7515 section 4.1.6). */
static struct json_object *base64_der(struct s2s_arena *arena, X509 *certificate)
{
    unsigned char *der = NULL;
    int der_len = i2d_X509(certificate, &der);
    s2s_assert(der_len > 0);
    unsigned char *text = s2s_arena_alloc(arena, (size_t)der_len / 3 * 4 + 5);
    s2s_assert(text);
    int len = EVP_EncodeBlock(text, der, der_len);
    OPENSSL_free(der);
    return json_object_new_string_len((const char *)text, len);
}

static bool is_self_signed(X509 *certificate)
{
    return X509_get_extension_flags(certificate) & EXFLAG_SS;
}

static struct json_object *make_x5c(struct s2s_arena *arena, const struct loading *l)
{
    size_t count = l->count;
    if (count > 1 && is_self_signed(l->chain[count - 1]))
        count--;
    struct json_object *x5c = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(x5c, base64_der(arena, l->chain[i]));
    return x5c;
}

static struct s2s_bytes encode_header(struct s2s_arena *arena, const char *alg, const char *typ,
                                      struct json_object *x5c)
{
    struct gw_text header = gw_text(arena), encoded = gw_text(arena);
    gw_text_add_string(&header, "{\"alg\":");
    gw_text_add_json_string(&header, alg);
    gw_text_add_string(&header, ",\"typ\":");
    gw_text_add_json_string(&header, typ);
    gw_text_add_string(&header, ",\"x5c\":");
    gw_text_add_json(&header, x5c);
    gw_text_add_string(&header, "}");
    s2s_assert(!header.failed);
    gw_text_add_b64(&encoded, s2s_bytes(header.data, header.len));
    gw_text_add_string(&encoded, ".");
    s2s_assert(!encoded.failed);
    return s2s_bytes(encoded.data, encoded.len);
}

static struct gw_signer *make_signer(const struct loading *l)
{
    const char *alg = alg_of(l->pkey);
    struct s2s_jwk *key;
    struct s2s_result made = s2s_jwk_from_pkey(l->pkey, alg, NULL, &key);
    if (s2s_failed(made)) {
        gw_config_error(l->errors, l->key_file->line, "the key in %s cannot be used: %s", l->key_file->path,
                        made.detail);
        return NULL;
    }
    struct gw_signer *signer = calloc(1, sizeof *signer);
    s2s_assert(signer);
    signer->arena = s2s_arena_new(SIGNER_MEMORY);
    signer->key = key;
    signer->not_before = l->not_before;
    signer->not_after = l->not_after;
    signer->x5c = s2s_json_own(signer->arena, make_x5c(signer->arena, l));
    for (size_t i = 0; i < GW_SIGNED_TYPES; i++)
        signer->headers[i] = encode_header(signer->arena, alg, signed_types[i], signer->x5c);
    return signer;
}

struct gw_signer *gw_signer_load(const struct gw_file *key, const struct gw_file *certificate,
                                 struct gw_config_errors *errors)
{
    struct loading l = {.key_file = key, .chain_file = certificate, .errors = errors};
    struct gw_signer *signer = NULL;
    bool have_key = load_key(&l);
    bool have_chain = load_chain(&l); /* both are read, so that both errors are seen at once */
    if (have_key && have_chain && check_chain(&l))
        signer = make_signer(&l);
    for (size_t i = 0; i < l.count; i++)
        X509_free(l.chain[i]);
    EVP_PKEY_free(l.pkey);
    ERR_clear_error();
    return signer;
}

void gw_signer_free(struct gw_signer *signer)
{
    if (!signer)
        return;
    s2s_jwk_free(signer->key);
    s2s_arena_free(signer->arena);
    free(signer);
}

const char *gw_signer_alg(const struct gw_signer *signer)
{
    return s2s_jwk_alg(signer->key);
}

void gw_signer_validity(const struct gw_signer *signer, int64_t *not_before, int64_t *not_after)
{
    *not_before = signer->not_before;
    *not_after = signer->not_after;
}

bool gw_signer_valid(const struct gw_signer *signer, int64_t now)
{
    return signer->not_before <= now && now <= signer->not_after;
}

struct json_object *gw_signer_x5c(const struct gw_signer *signer)
{
    return signer->x5c;
}

struct s2s_result gw_signing_begin(const struct gw_signer *signer, struct s2s_arena *arena, enum gw_signed_type type,
                                   int64_t now, struct gw_signing *out)
{
    if (!gw_signer_valid(signer, now))
        return s2s_fail(S2S_STALE, "the signing certificate is not valid now");
    *out = (struct gw_signing){.arena = arena, .header = signer->headers[type]};
    return s2s_jws_signer_new(arena, signer->key, &out->key);
}

struct s2s_result gw_signing_add(const struct gw_signing *signing, struct s2s_bytes payload, struct gw_text *out)
{
    size_t begin = out->len;
    gw_text_add(out, (const char *)signing->header.data, signing->header.len);
    gw_text_add_b64(out, payload);
    if (out->failed)
        return s2s_fail(S2S_LIMIT, "the text to sign is too large");
    struct s2s_bytes signature;
    S2S_TRY(
        s2s_jws_signer_sign(signing->arena, signing->key, s2s_bytes(out->data + begin, out->len - begin), &signature));
    gw_text_add_string(out, ".");
    gw_text_add_b64(out, signature);
    return out->failed ? s2s_fail(S2S_LIMIT, "the signed text is too large") : s2s_ok();
}

struct s2s_result gw_signer_sign(const struct gw_signer *signer, struct s2s_arena *arena, enum gw_signed_type type,
                                 int64_t now, struct s2s_bytes payload, char **out)
{
    struct gw_signing signing;
    struct gw_text jws = gw_text(arena);
    S2S_TRY(gw_signing_begin(signer, arena, type, now, &signing));
    S2S_TRY(gw_signing_add(&signing, payload, &jws));
    *out = jws.data;
    return s2s_ok();
}
