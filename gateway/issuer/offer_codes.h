/* SPDX-License-Identifier: Apache-2.0
 *
 * The secrets of a credential offer, as the database knows them: HMACs under the data keys. Whoever makes an offer
 * (admin/) writes those of the newest key; whoever redeems one (items/) asks with those of every key, newest first, so
 * that an offer outlives the rotation of keys.
 */
#ifndef GW_OFFER_CODES_H
#define GW_OFFER_CODES_H

#include "gateway/vault.h"

#define GW_OFFER_HASH_SIZE 32

/* Of a pre-authorized code. `key` is the data key's number, 0 the newest. */
void gw_offer_code_hash(const struct gw_vault *vault, size_t key, const char *code, uint8_t out[GW_OFFER_HASH_SIZE]);

/* Of a transaction code, which says nothing without its pre-authorized code: alone it has a few digits. */
void gw_offer_tx_code_hash(const struct gw_vault *vault, size_t key, const char *code, const char *tx_code,
                           uint8_t out[GW_OFFER_HASH_SIZE]);

/* Of the last segment of a credential_offer_uri. */
void gw_offer_reference_hash(const struct gw_vault *vault, size_t key, const char *reference,
                             uint8_t out[GW_OFFER_HASH_SIZE]);

#endif
