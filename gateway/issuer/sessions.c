/* SPDX-License-Identifier: Apache-2.0
 *
 * A chained hash table whose entries also stand in a list by last use.
 */
#include "gateway/issuer/sessions.h"

#include <h2o/linklist.h>
#include <h2o/memory.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *chain;
    h2o_linklist_t used; /* oldest first */
    struct s2s_jwk *wsk;
    uint64_t hash;
    char *peer; /* behind session_id, in the same allocation */
    char session_id[];
};

struct gw_sessions {
    struct entry **buckets;
    size_t mask, count, capacity;
    h2o_linklist_t used;
};

/* FNV-1a; session ids are random and belong to authenticated peers, so chains stay short. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text != '\0'; ++text)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

struct gw_sessions *gw_sessions_new(size_t capacity)
{
    struct gw_sessions *sessions = calloc(1, sizeof(*sessions));
    size_t buckets = 16;
    while (buckets < capacity)
        buckets *= 2;
    s2s_assert(sessions != NULL);
    sessions->buckets = calloc(buckets, sizeof(*sessions->buckets));
    s2s_assert(sessions->buckets != NULL);
    sessions->mask = buckets - 1;
    sessions->capacity = capacity;
    h2o_linklist_init_anchor(&sessions->used);
    return sessions;
}

static struct entry **slot_of(struct gw_sessions *sessions, const char *session_id, uint64_t hash)
{
    struct entry **slot = &sessions->buckets[hash & sessions->mask];
    while (*slot != NULL && strcmp((*slot)->session_id, session_id) != 0)
        slot = &(*slot)->chain;
    return slot;
}

static void remove_entry(struct gw_sessions *sessions, struct entry *entry)
{
    *slot_of(sessions, entry->session_id, entry->hash) = entry->chain;
    h2o_linklist_unlink(&entry->used);
    s2s_jwk_free(entry->wsk);
    free(entry);
    --sessions->count;
}

static struct entry *oldest(struct gw_sessions *sessions)
{
    return H2O_STRUCT_FROM_MEMBER(struct entry, used, sessions->used.next);
}

void gw_sessions_free(struct gw_sessions *sessions)
{
    if (sessions == NULL)
        return;
    while (sessions->count > 0)
        remove_entry(sessions, oldest(sessions));
    free(sessions->buckets);
    free(sessions);
}

struct s2s_jwk *gw_sessions_find(struct gw_sessions *sessions, const char *session_id, const char *peer)
{
    struct entry *entry = *slot_of(sessions, session_id, hash_text(session_id));
    if (entry == NULL || strcmp(entry->peer, peer) != 0)
        return NULL;
    h2o_linklist_unlink(&entry->used);
    h2o_linklist_insert(&sessions->used, &entry->used);
    return entry->wsk;
}

void gw_sessions_put(struct gw_sessions *sessions, const char *session_id, const char *peer, struct s2s_jwk *wsk)
{
    uint64_t hash = hash_text(session_id);
    if (*slot_of(sessions, session_id, hash) != NULL)
        return; /* owner and key never change */
    if (sessions->count == sessions->capacity)
        remove_entry(sessions, oldest(sessions));
    size_t id_size = strlen(session_id) + 1, peer_size = strlen(peer) + 1;
    struct entry *entry = calloc(1, sizeof(*entry) + id_size + peer_size);
    s2s_assert(entry != NULL);
    memcpy(entry->session_id, session_id, id_size);
    entry->peer = entry->session_id + id_size;
    memcpy(entry->peer, peer, peer_size);
    entry->wsk = s2s_jwk_share(wsk);
    entry->hash = hash;
    *slot_of(sessions, session_id, hash) = entry;
    h2o_linklist_insert(&sessions->used, &entry->used);
    ++sessions->count;
}
