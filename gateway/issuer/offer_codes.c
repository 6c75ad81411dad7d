/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/offer_codes.h"

#include "proto/b64.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* The HMAC that stands behind the key's id and a dot in a pseudonym (vault.h). */
static void hash(const struct gw_vault *vault, size_t key, const char *purpose, struct s2s_bytes text,
                 uint8_t out[GW_OFFER_HASH_SIZE])
{
    char pseudonym[GW_PSEUDONYM_SIZE];
    gw_vault_pseudonym(vault, key, purpose, text, pseudonym);
    const char *hmac = strchr(pseudonym, '.') + 1;
    s2s_assert(s2s_b64_decoded_len(strlen(hmac)) == GW_OFFER_HASH_SIZE);
    s2s_assert(!s2s_failed(s2s_b64_decode_to(out, hmac, strlen(hmac))));
}

void gw_offer_code_hash(const struct gw_vault *vault, size_t key, const char *code, uint8_t out[GW_OFFER_HASH_SIZE])
{
    hash(vault, key, "offer code", s2s_bytes(code, strlen(code)), out);
}

void gw_offer_tx_code_hash(const struct gw_vault *vault, size_t key, const char *code, const char *tx_code,
                           uint8_t out[GW_OFFER_HASH_SIZE])
{
    /* The NUL between them keeps ("a", "bc") and ("ab", "c") apart. */
    size_t code_size = strlen(code) + 1, len = code_size + strlen(tx_code);
    char *both = malloc(len + 1);
    s2s_assert(both != NULL);
    memcpy(both, code, code_size);
    strcpy(both + code_size, tx_code);
    hash(vault, key, "offer tx_code", s2s_bytes(both, len), out);
    OPENSSL_cleanse(both, len);
    free(both);
}

void gw_offer_reference_hash(const struct gw_vault *vault, size_t key, const char *reference,
                             uint8_t out[GW_OFFER_HASH_SIZE])
{
    hash(vault, key, "offer reference", s2s_bytes(reference, strlen(reference)), out);
}
