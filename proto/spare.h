/* SPDX-License-Identifier: Apache-2.0
 *
 * Public EC keys that nobody needs any more, kept for the next ones: to give a key another point takes a third of the
 * time that it takes to make one. A request that brings ten keys finds those of the one before. For the files of proto/
 * only; for all threads.
 */
#ifndef S2S_SPARE_H
#define S2S_SPARE_H

#include "curve.h"

/* A public key of the curve, with a point that means nothing; NULL when there is none. Pass it on to s2s_spare_give, or
 * free it with EVP_PKEY_free. */
EVP_PKEY *s2s_spare_take(enum s2s_curve curve);

/* Keep the key, or free it when there are enough. It has no private part, and this is its only reference. */
void s2s_spare_give(enum s2s_curve curve, EVP_PKEY *pkey);

#endif
