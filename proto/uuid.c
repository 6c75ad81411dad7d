/* SPDX-License-Identifier: Apache-2.0 */
#include "uuid.h"

#include "hex.h"
#include "result.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define UUID_OCTETS 16

static const char form[S2S_UUID_SIZE] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

bool s2s_uuid_valid(const char *text, size_t len)
{
    if (len != S2S_UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (form[i] == '-' ? text[i] != '-' : s2s_hex_value(text[i]) < 0)
            return false;
    }
    return true;
}

/* Random octets for the next ids of a thread: asking OpenSSL for 16 costs as much as asking for a few hundred. */
struct supply {
    unsigned char octets[32 * UUID_OCTETS];
    size_t left;
};

static void take_random(unsigned char out[UUID_OCTETS])
{
    static _Thread_local struct supply supply;
    if (supply.left == 0) {
        s2s_assert(RAND_bytes(supply.octets, sizeof supply.octets) == 1);
        supply.left = sizeof supply.octets;
    }
    supply.left -= UUID_OCTETS;
    memcpy(out, supply.octets + supply.left, UUID_OCTETS);
    OPENSSL_cleanse(supply.octets + supply.left, UUID_OCTETS); /* what was given out can be read here no more */
}

void s2s_uuid_new(char out[S2S_UUID_SIZE])
{
    unsigned char b[UUID_OCTETS];
    take_random(b);
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* the RFC 9562 variant */
    size_t n = 0;
    for (size_t i = 0; i < S2S_UUID_SIZE - 1; i++) {
        if (form[i] == '-') {
            out[i] = '-';
            continue;
        }
        out[i] = s2s_hex_digit(n % 2 == 0 ? b[n / 2] >> 4 : b[n / 2] & 15u);
        n++;
    }
    out[S2S_UUID_SIZE - 1] = '\0';
}
