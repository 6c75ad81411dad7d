/* SPDX-License-Identifier: Apache-2.0
 *
 * The wallet clients that are played, and what they sign and encrypt: made ahead, for one session at a time.
 */
#ifndef LOAD_WALLET_H
#define LOAD_WALLET_H

#include "proto/uuid.h"
#include "tests/load/buffer.h"
#include "tests/load/issuer.h"

#define LOAD_MAX_INSTANCE_ID 257

struct load_client;
struct load_wallet;

/* What a wallet client sends. */
struct load_wallet_config {
    const struct load_issuer *issuer; /* borrowed */
    size_t clients;                   /* wallet client instances, each with keys of its own */
    size_t keys;                      /* presentment keys of a get */
    size_t payloads;                  /* client encrypted payloads of an initiate */
    size_t payload_size;              /* octets of padding in each */
    bool bound_nonce;                 /* D2: the bound form of verificationNonce */
};

/* Parts of a session that can be made ahead. */
enum { LOAD_PART_INITIATE = 1u, LOAD_PART_GET = 2u };

/* One session: what the client has made for it, and what the issuer has said. */
struct load_session {
    const struct load_client *client; /* borrowed from the wallet */
    char session_id[S2S_UUID_SIZE];
    char verification_id[S2S_UUID_SIZE]; /* "" until known */
    char instance_id[LOAD_MAX_INSTANCE_ID];
    bool approved;
    struct load_buffer initiate; /* body of the initiate */
    struct load_buffer get;      /* body of a get, less the ids at its begin */
};

/* Make the keys of all clients. Free with load_wallet_free; immutable, for any number of threads. */
struct load_wallet *load_wallet_new(const struct load_wallet_config *config);
void load_wallet_free(struct load_wallet *wallet);

/* A new session of client number `index` modulo their count, with these parts. */
void load_session_begin(const struct load_wallet *wallet, size_t index, unsigned parts, struct load_session *session);

/* Make parts of a session that has begun. */
void load_session_make(const struct load_wallet *wallet, unsigned parts, struct load_session *session);

/* Free the parts (LOAD_PART_*) that will not be sent any more. */
void load_session_drop(struct load_session *session, unsigned parts);

/* The private Wallet Encryption Key, and the presentment keys in the order of the request. Borrowed. */
struct s2s_jwk *load_client_wek(const struct load_client *client);
const struct s2s_jwk *load_client_key(const struct load_client *client, size_t index);

#endif
