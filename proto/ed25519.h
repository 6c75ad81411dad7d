/* SPDX-License-Identifier: Apache-2.0
 *
 * Which 32 octets are a public key of Ed25519. OpenSSL takes any and only fails to verify later. For the files of
 * proto/ only.
 */
#ifndef S2S_ED25519_H
#define S2S_ED25519_H

#include <stdbool.h>
#include <stdint.h>

#define S2S_ED25519_SIZE 32

/* Whether `key` is the encoding of a point (RFC 8032 section 5.1.3) whose order is not small: for a key of small
 * order anybody can make signatures. */
bool s2s_ed25519_usable(const uint8_t key[S2S_ED25519_SIZE]);

#endif
