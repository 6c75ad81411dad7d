/* SPDX-License-Identifier: Apache-2.0
 *
 * The curve is -x^2 + y^2 = 1 + d x^2 y^2 over the field of p = 2^255 - 19, so x^2 = u/v with u = y^2 - 1 and
 * v = d y^2 + 1. A point with this y exists when u/v is a square, and u/v is one exactly when u*v is: one Legendre
 * symbol instead of a division and a root. Nothing here is secret.
 */
#include "ed25519.h"

#include "result.h"

#include <openssl/bn.h>
#include <string.h>

/* The y of the eight points whose order divides 8, little endian: 1 (order 1), -1 (2), 0 (4), and two of order 8.
 * Each but the first two stands for two points, which differ in the sign of x. */
static const uint8_t small_order[][S2S_ED25519_SIZE] = {
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

static bool has_small_order(const uint8_t y[S2S_ED25519_SIZE])
{
    for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++) {
        if (memcmp(small_order[i], y, S2S_ED25519_SIZE) == 0)
            return true;
    }
    return false;
}

/* Set `t` to u*v, or fail for lack of memory. */
static bool product(BIGNUM *t, const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BIGNUM *u, BIGNUM *v, BN_CTX *ctx)
{
    return BN_mod_sqr(t, y, p, ctx) == 1 && BN_mod_sub(u, t, BN_value_one(), p, ctx) == 1 &&
           BN_mod_mul(v, d, t, p, ctx) == 1 && BN_mod_add(v, v, BN_value_one(), p, ctx) == 1 &&
           BN_mod_mul(t, u, v, p, ctx) == 1;
}

static bool is_on_curve(const uint8_t y_octets[S2S_ED25519_SIZE])
{
    BN_CTX *ctx = BN_CTX_new();
    s2s_assert(ctx != NULL);
    BN_CTX_start(ctx);
    BIGNUM *u = BN_CTX_get(ctx), *v = BN_CTX_get(ctx), *t = BN_CTX_get(ctx);
    BIGNUM *p = BN_CTX_get(ctx), *d = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);
    s2s_assert(y != NULL); /* the last tells for all */
    s2s_assert(BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed") > 0 &&
               BN_hex2bn(&d, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3") > 0 &&
               BN_lebin2bn(y_octets, S2S_ED25519_SIZE, y) != NULL);
    bool ok = BN_cmp(y, p) < 0 && product(t, y, p, d, u, v, ctx) && BN_kronecker(t, p, ctx) == 1;
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return ok;
}

bool s2s_ed25519_usable(const uint8_t key[S2S_ED25519_SIZE])
{
    uint8_t y[S2S_ED25519_SIZE];
    memcpy(y, key, sizeof y);
    y[sizeof y - 1] &= 0x7f; /* the top bit is the sign of x */
    return !has_small_order(y) && is_on_curve(y);
}
