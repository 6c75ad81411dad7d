/* SPDX-License-Identifier: Apache-2.0 */
#include "spare.h"

#include <pthread.h>

/* Of each curve: about what a hundred gets of ten keys hold while they wait for their commits. One takes 2 KiB. */
#define MAX_SPARE 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    EVP_PKEY *keys[MAX_SPARE];
    size_t count;
} spares[S2S_CURVES];

EVP_PKEY *s2s_spare_take(enum s2s_curve curve)
{
    EVP_PKEY *pkey = NULL;
    pthread_mutex_lock(&lock);
    if (spares[curve].count > 0)
        pkey = spares[curve].keys[--spares[curve].count];
    pthread_mutex_unlock(&lock);
    return pkey;
}

void s2s_spare_give(enum s2s_curve curve, EVP_PKEY *pkey)
{
    pthread_mutex_lock(&lock);
    if (spares[curve].count < MAX_SPARE) {
        spares[curve].keys[spares[curve].count++] = pkey;
        pkey = NULL;
    }
    pthread_mutex_unlock(&lock);
    EVP_PKEY_free(pkey);
}
