/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom an approval names, as the database is told: each subject as its pseudonym, checked against the dataset file of
 * its credential configuration, or sealed for the backend that knows its claims.
 */
#ifndef GW_SUBJECTS_H
#define GW_SUBJECTS_H

#include "gateway/generation.h"
#include "gateway/issuer/decision.h"

/* Parallel arrays, as the SQL functions of decisions take them: an entry is one dataset, thus one credential. In the
 * arena that they were begun with. */
struct gw_subjects {
    const char **configuration_ids;
    const char **refs;
    const char **sealed;         /* bytea literals; NULL where no backend needs to be told */
    struct json_object *aliases; /* of each, its pseudonyms under older data keys; NULL when there are no such keys */
    size_t count;

    /* Private. */
    struct s2s_arena *arena;
    const struct gw_vault *vault;
    const char *session_id;
    size_t most;
};

enum gw_subject_outcome {
    GW_SUBJECT_ADDED,
    GW_SUBJECT_UNKNOWN, /* nobody of whom there is a dataset, as far as we know */
    GW_SUBJECT_UNSEALED /* its name could not be sealed */
};

/* Begin with room for `most` entries. Names are sealed for the session. What is given is borrowed. */
void gw_subjects_begin(struct gw_subjects *subjects, const struct gw_vault *vault, struct s2s_arena *arena,
                       const char *session_id, size_t most);

/* Add a dataset of `offering`. A subject without a name, but with the pseudonym of an earlier decision, needs a dataset
 * file: no backend could be told who it is. */
S2S_MUST_CHECK enum gw_subject_outcome gw_subjects_add(struct gw_subjects *subjects, const struct gw_offering *offering,
                                                       const struct gw_subject *subject);

/* The aliases as the SQL functions take them, JSON; NULL when there are none. */
const char *gw_subjects_aliases(const struct gw_subjects *subjects);

#endif
