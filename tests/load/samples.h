/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers to get that are kept until the clock has stopped, and then decrypted and verified as a wallet client would.
 *
 * Each answer has the same chance to be among them, however many come (reservoir sampling), so a fault that begins late
 * in a run is found as well as one at its begin, and memory is bounded.
 */
#ifndef LOAD_SAMPLES_H
#define LOAD_SAMPLES_H

#include "tests/load/common.h"
#include "tests/load/wallet.h"

struct load_sample {
    const struct load_client *client;
    struct load_buffer body;
};

struct load_samples {
    struct load_sample *items; /* `max` of them */
    size_t max, count;
    uint64_t seen;
    uint64_t random; /* state of the generator, not 0 */
};

void load_samples_init(struct load_samples *samples, size_t max, uint64_t seed);
void load_samples_clear(struct load_samples *samples);
void load_samples_free(struct load_samples *samples);

/* Offer an answer; it is copied when it is taken. */
void load_samples_offer(struct load_samples *samples, const struct load_client *client, struct s2s_bytes body);

/* How credentials are judged. */
struct load_judge {
    X509_STORE *anchors; /* of the signers' certificates; NULL: signatures are checked, whoever made them */
    size_t keys;         /* credentials of an answer */
};

/* Decrypt the credentials of one answer and verify each: one for each presentment key; for an SD-JWT VC its signature
 * by the certificate in x5c, the chain of that, the key that it is bound to, and that every disclosure is signed. */
S2S_MUST_CHECK bool load_sample_verify(const struct load_sample *sample, const struct load_judge *judge,
                                       struct load_error *error);

#endif
