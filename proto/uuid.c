/* SPDX-License-Identifier: Apache-2.0 */
#include "uuid.h"

#include "result.h"

#include <openssl/rand.h>
#include <stdio.h>

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool s2s_uuid_valid(const char *text, size_t len)
{
    static const char form[S2S_UUID_SIZE] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (len != S2S_UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (form[i] == '-' ? text[i] != '-' : !is_hex(text[i]))
            return false;
    }
    return true;
}

void s2s_uuid_new(char out[S2S_UUID_SIZE])
{
    unsigned char b[16];
    s2s_assert(RAND_bytes(b, sizeof b) == 1);
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* the RFC 9562 variant */
    snprintf(out, S2S_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}
