/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/issuer/subjects.h"

#include "gateway/credential/subject.h"
#include "gateway/db/db.h"
#include "proto/json.h"

#include <string.h>

/* Octets of a subject's name: that of every configuration goes into one call. */
#define MAX_NAME 512

static void *allot(struct s2s_arena *arena, size_t size)
{
    void *room = s2s_arena_alloc(arena, size);
    s2s_assert(room != NULL);
    return room;
}

void gw_subjects_begin(struct gw_subjects *subjects, const struct gw_vault *vault, struct s2s_arena *arena,
                       const char *session_id, size_t most)
{
    *subjects = (struct gw_subjects){
        .configuration_ids = allot(arena, most * sizeof(char *)),
        .refs = allot(arena, most * sizeof(char *)),
        .sealed = allot(arena, most * sizeof(char *)),
        .aliases = gw_vault_key_count(vault) > 1 ? s2s_json_own(arena, json_object_new_array()) : NULL,
        .arena = arena,
        .vault = vault,
        .session_id = session_id,
        .most = most,
    };
}

/* The pseudonym of an earlier decision may be one of an older data key. */
static const char *refer_again(const struct gw_dataset *file, const char *ref)
{
    struct gw_dataset_entry entry;
    return ref != NULL && file != NULL && gw_dataset_find(file, ref, &entry) ? ref : NULL;
}

/* The pseudonym to store, or NULL: a subject of a dataset file must be in it. */
static const char *refer(const struct gw_subjects *subjects, const struct gw_dataset *file, const char *name)
{
    char *ref = allot(subjects->arena, GW_PSEUDONYM_SIZE);
    if (strlen(name) > MAX_NAME || (file != NULL && !gw_dataset_subject_ref(file, name, ref)))
        return NULL;
    if (file == NULL)
        gw_subject_ref(subjects->vault, 0, name, ref);
    return ref;
}

static const char *seal(const struct gw_subjects *subjects, const char *name)
{
    struct s2s_bytes sealed;
    if (s2s_failed(gw_subject_seal(subjects->vault, subjects->arena, subjects->session_id, name, &sealed)))
        return NULL;
    return gw_db_bytea(subjects->arena, sealed);
}

enum gw_subject_outcome gw_subjects_add(struct gw_subjects *subjects, const struct gw_offering *offering,
                                        const struct gw_subject *subject)
{
    s2s_assert(subjects->count < subjects->most);
    const struct gw_dataset *file = offering->dataset;
    const char *name = subject->name, *sealed = NULL;
    const char *ref = name != NULL ? refer(subjects, file, name) : refer_again(file, subject->ref);
    if (ref == NULL)
        return GW_SUBJECT_UNKNOWN;
    if (file == NULL && (sealed = seal(subjects, name)) == NULL)
        return GW_SUBJECT_UNSEALED;
    subjects->configuration_ids[subjects->count] = offering->config->id;
    subjects->refs[subjects->count] = ref;
    subjects->sealed[subjects->count++] = sealed;
    if (subjects->aliases != NULL)
        json_object_array_add(subjects->aliases,
                              name != NULL ? gw_subject_refs(subjects->vault, 1, name) : json_object_new_array());
    return GW_SUBJECT_ADDED;
}

const char *gw_subjects_aliases(const struct gw_subjects *subjects)
{
    return subjects->aliases != NULL ? s2s_json_write(subjects->arena, subjects->aliases, NULL) : NULL;
}
