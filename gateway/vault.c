/* SPDX-License-Identifier: Apache-2.0
 *
 * Method: a data key never meets data. From each, HKDF-SHA256 (RFC 5869) derives one key per sealed blob, from
 * the blob's random salt, one key for pseudonyms and one for digests, so that no use can disturb another.
 *
 * A blob's key encrypts that blob and nothing else: the salt is 128 random bits, so even after 2^48 blobs a
 * repeated salt has a chance below 2^-32. That makes the fixed all-zero nonce safe: GCM needs a nonce that is
 * unique under its key (NIST SP 800-38D section 8), and here the key itself is the unique part.
 */
#include "vault.h"

#include "proto/b64.h"
#include "proto/crypto.h"
#include "proto/hex.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define KEY_LEN 32
#define ID_LEN 4
#define SALT_LEN 16
#define TAG_LEN S2S_AEAD_TAG
#define HEADER_LEN (1 + ID_LEN + SALT_LEN)
#define BLOB_VERSION 1

/* Far more than any request holds; keeps lengths within what OpenSSL can count. */
#define MAX_PLAIN ((size_t)1 << 30)

/* More than the 43 characters and a line end of a proper file; what is longer is not a data key. */
#define KEY_FILE_MAX 256

#define HOW_TO_MAKE_ONE "make one with: head -c 32 /dev/urandom | basenc --base64url | tr -d ="

struct data_key {
    uint8_t key[KEY_LEN];
    uint8_t id[ID_LEN];
    uint8_t pseudonyms[KEY_LEN], digests[KEY_LEN]; /* derived: keys of HMACs */
};

struct gw_vault {
    struct data_key *keys;
    size_t count, capacity;
};

/* HKDF-SHA256 for one block of output (RFC 5869 sections 2.2 and 2.3). */
static struct s2s_result derive(const uint8_t key[KEY_LEN], struct s2s_bytes salt, const char *info,
                                uint8_t out[KEY_LEN])
{
    static const uint8_t first_block = 1;
    const struct s2s_bytes ikm = s2s_bytes(key, KEY_LEN);
    const struct s2s_bytes expand[] = {s2s_bytes(info, strlen(info)), s2s_bytes(&first_block, 1)};
    uint8_t prk[KEY_LEN];
    EVP_MAC_CTX *mac = s2s_hmac_new(S2S_SHA256);
    struct s2s_result result = s2s_hmac(mac, salt, &ikm, 1, prk);
    if (!s2s_failed(result))
        result = s2s_hmac(mac, s2s_bytes(prk, sizeof prk), expand, 2, out);
    EVP_MAC_CTX_free(mac);
    OPENSSL_cleanse(prk, sizeof prk);
    return result;
}

/* The 32 octets that the text of a key file stands for. */
static bool decode_key(const char *text, size_t len, uint8_t out[KEY_LEN])
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    struct s2s_arena *arena = s2s_arena_new(4 * KEY_FILE_MAX);
    struct s2s_bytes octets;
    bool right = !s2s_failed(s2s_b64_decode(arena, text, len, &octets)) && octets.len == KEY_LEN;
    if (right)
        memcpy(out, octets.data, KEY_LEN);
    s2s_arena_free(arena);
    return right;
}

static bool read_key(const struct gw_file *file, uint8_t out[KEY_LEN], struct gw_config_errors *errors)
{
    size_t len;
    char *text = gw_file_read(file->path, KEY_FILE_MAX, &len);
    if (!text) {
        gw_config_error(errors, file->line, "cannot read the data key %s: %s; " HOW_TO_MAKE_ONE, file->path,
                        strerror(errno));
        return false;
    }
    bool right = decode_key(text, len, out);
    if (!right)
        gw_config_error(errors, file->line, "%s is not a data key (32 octets as unpadded base64url); " HOW_TO_MAKE_ONE,
                        file->path);
    OPENSSL_cleanse(text, len);
    free(text);
    return right;
}

static const struct data_key *find_key(const struct gw_vault *vault, const uint8_t id[ID_LEN])
{
    for (size_t i = 0; i < vault->count; i++)
        if (memcmp(vault->keys[i].id, id, ID_LEN) == 0)
            return &vault->keys[i];
    return NULL;
}

/* What is derived from the key itself. Fails only when OpenSSL is broken. */
static void complete_key(struct data_key *key)
{
    static const uint8_t no_salt[KEY_LEN];
    uint8_t digest[S2S_MAX_HASH];
    s2s_assert(s2s_hash(S2S_SHA256, s2s_bytes(key->key, KEY_LEN), digest).code == S2S_OK);
    memcpy(key->id, digest, ID_LEN);
    s2s_assert(derive(key->key, s2s_bytes(no_salt, KEY_LEN), "s2s-gateway pseudonym", key->pseudonyms).code == S2S_OK);
    s2s_assert(derive(key->key, s2s_bytes(no_salt, KEY_LEN), "s2s-gateway digest", key->digests).code == S2S_OK);
}

/* The next slot is filled in place, so that no copy of a key stays behind anywhere else. */
static bool add_key(struct gw_vault *vault, const struct gw_file *file, struct gw_config_errors *errors)
{
    struct data_key *key = &vault->keys[vault->count];
    if (!read_key(file, key->key, errors))
        return false;
    complete_key(key);
    if (find_key(vault, key->id)) {
        gw_config_error(errors, file->line, "%s holds a data key that is listed already; list each key once",
                        file->path);
        return false;
    }
    vault->count++;
    return true;
}

struct gw_vault *gw_vault_load(const struct gw_config *config, struct gw_config_errors *errors)
{
    const struct gw_file_list *files = &config->data_keys;
    if (files->count == 0) {
        gw_config_error(errors, 0, "data_keys names no key; " HOW_TO_MAKE_ONE);
        return NULL;
    }
    struct gw_vault *vault = calloc(1, sizeof *vault);
    s2s_assert(vault);
    vault->keys = calloc(files->count, sizeof *vault->keys);
    s2s_assert(vault->keys);
    vault->capacity = files->count;

    bool good = true;
    for (size_t i = 0; i < files->count; i++)
        good = add_key(vault, &files->items[i], errors) && good;
    if (!good) {
        gw_vault_free(vault);
        vault = NULL;
    }
    return vault;
}

void gw_vault_free(struct gw_vault *vault)
{
    if (!vault)
        return;
    OPENSSL_cleanse(vault->keys, vault->capacity * sizeof *vault->keys);
    free(vault->keys);
    free(vault);
}

size_t gw_vault_key_count(const struct gw_vault *vault)
{
    return vault->count;
}

/* Everything that is fixed for one blob before its content is: the derived key, and the associated data, which is
 * the blob's header and the context. */
struct blob_key {
    uint8_t key[KEY_LEN];
    struct s2s_bytes aad;
};

static const uint8_t zero_nonce[S2S_AEAD_NONCE];

static struct s2s_result prepare(struct s2s_arena *arena, const struct data_key *key, const uint8_t header[HEADER_LEN],
                                 const char *context, struct blob_key *out)
{
    size_t context_len = strlen(context);
    uint8_t *aad = s2s_arena_alloc(arena, HEADER_LEN + context_len);
    if (!aad)
        return s2s_fail(S2S_LIMIT, "no room to seal or open data");
    memcpy(aad, header, HEADER_LEN);
    memcpy(aad + HEADER_LEN, context, context_len);
    out->aad = s2s_bytes(aad, HEADER_LEN + context_len);
    return derive(key->key, s2s_bytes(header + 1 + ID_LEN, SALT_LEN), "s2s-gateway seal", out->key);
}

struct s2s_result gw_vault_seal(const struct gw_vault *vault, struct s2s_arena *arena, const char *context,
                                struct s2s_bytes plain, struct s2s_bytes *out)
{
    const struct data_key *newest = &vault->keys[0];
    size_t len = HEADER_LEN + plain.len + TAG_LEN;
    uint8_t *blob = plain.len <= MAX_PLAIN ? s2s_arena_alloc(arena, len) : NULL;
    if (!blob)
        return s2s_fail(S2S_LIMIT, "the data is too large to be stored");
    blob[0] = BLOB_VERSION;
    memcpy(blob + 1, newest->id, ID_LEN);
    if (RAND_bytes(blob + 1 + ID_LEN, SALT_LEN) != 1)
        return s2s_crypto_fail(S2S_INTERNAL, "no random octets");

    struct blob_key key;
    S2S_TRY(prepare(arena, newest, blob, context, &key));
    struct s2s_result result =
        s2s_aead_seal(S2S_AES_256_GCM, key.key, zero_nonce, key.aad, plain, blob + HEADER_LEN, blob + len - TAG_LEN);
    OPENSSL_cleanse(&key, sizeof key);
    *out = s2s_bytes(blob, len);
    return result;
}

struct s2s_result gw_vault_open(const struct gw_vault *vault, struct s2s_arena *arena, const char *context,
                                struct s2s_bytes sealed, struct s2s_bytes *out)
{
    if (sealed.len < HEADER_LEN + TAG_LEN || sealed.len - HEADER_LEN - TAG_LEN > MAX_PLAIN ||
        sealed.data[0] != BLOB_VERSION)
        return s2s_fail(S2S_MALFORMED, "the stored data is not a sealed blob");
    const struct data_key *sealer = find_key(vault, sealed.data + 1);
    if (!sealer)
        return s2s_fail(S2S_UNKNOWN_KEY, "the stored data was sealed with a data key that is not configured");

    struct s2s_bytes cipher = s2s_bytes(sealed.data + HEADER_LEN, sealed.len - HEADER_LEN - TAG_LEN);
    uint8_t *plain = s2s_arena_alloc(arena, cipher.len);
    if (!plain)
        return s2s_fail(S2S_LIMIT, "the stored data is too large");
    struct blob_key key;
    S2S_TRY(prepare(arena, sealer, sealed.data, context, &key));
    struct s2s_result result =
        s2s_aead_open(S2S_AES_256_GCM, key.key, zero_nonce, key.aad, cipher, cipher.data + cipher.len, plain);
    OPENSSL_cleanse(&key, sizeof key);
    *out = s2s_bytes(plain, cipher.len);
    return result;
}

/* `out` holds the hash's size. */
static void hmac(const uint8_t key[KEY_LEN], const struct s2s_bytes *pieces, size_t count, uint8_t *out)
{
    EVP_MAC_CTX *mac = s2s_hmac_new(S2S_SHA256);
    s2s_assert(s2s_hmac(mac, s2s_bytes(key, KEY_LEN), pieces, count, out).code == S2S_OK);
    EVP_MAC_CTX_free(mac);
}

void gw_vault_pseudonym(const struct gw_vault *vault, size_t index, const char *purpose, struct s2s_bytes text,
                        char out[GW_PSEUDONYM_SIZE])
{
    _Static_assert(GW_PSEUDONYM_SIZE >= 2 * ID_LEN + 1 + 43 + 1, "hex id, dot, base64url HMAC, NUL");
    s2s_assert(index < vault->count);
    const struct data_key *key = &vault->keys[index];
    /* The NUL that ends the purpose keeps ("a", "bc") and ("ab", "c") apart. */
    const struct s2s_bytes pieces[] = {s2s_bytes(purpose, strlen(purpose) + 1), text};
    uint8_t digest[S2S_MAX_HASH];
    hmac(key->pseudonyms, pieces, 2, digest);

    out = s2s_hex_write(out, s2s_bytes(key->id, ID_LEN));
    *out++ = '.';
    s2s_b64_encode_to(out, s2s_bytes(digest, s2s_hash_size(S2S_SHA256)));
}

void gw_vault_digest(const struct gw_vault *vault, struct s2s_bytes name, struct s2s_bytes text,
                     uint8_t out[GW_DIGEST_SIZE])
{
    /* The length keeps ("a", "bc") and ("ab", "c") apart: a name may be anything, and so hold whatever could end it. */
    uint8_t len[sizeof(uint32_t)];
    s2s_assert(name.len <= UINT32_MAX);
    for (size_t i = 0; i < sizeof len; i++)
        len[i] = (uint8_t)(name.len >> 8 * (sizeof len - 1 - i));
    const struct s2s_bytes pieces[] = {s2s_bytes(len, sizeof len), name, text};
    hmac(vault->keys[vault->count - 1].digests, pieces, 3, out);
}
