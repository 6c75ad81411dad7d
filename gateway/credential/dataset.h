/* SPDX-License-Identifier: Apache-2.0
 *
 * Credential datasets of the built-in backend: a JSON file
 *   { "version": "2026-11", "subjects": { "default": { "given_name": "Erika", … }, "alice": { … } } }
 * Subjects never appear in the database or on the wire: they are named by pseudonyms of the vault.
 */
#ifndef GW_DATASET_H
#define GW_DATASET_H

#include "gateway/config.h"
#include "gateway/vault.h"

/* Whether an object inside of a value has a member that a verifier would take for digests (RFC 9901 section 4.1). */
bool gw_dataset_imitates_digests(struct json_object *value);

/* Immutable; safe to share between threads (reading json-c trees is). */
struct gw_dataset;

/* Load and check the file. NULL with the error reported at the file's line. `vault` must outlive the dataset. */
struct gw_dataset *gw_dataset_load(const struct gw_file *file, const struct gw_vault *vault,
                                   struct gw_config_errors *errors);
void gw_dataset_free(struct gw_dataset *dataset);

/* The subject reference to store for `subject` (made with the newest key), or false when the file has no such subject.
 */
bool gw_dataset_subject_ref(const struct gw_dataset *dataset, const char *subject, char out[GW_PSEUDONYM_SIZE]);

struct gw_dataset_entry {
    struct json_object *claims; /* object, borrowed */
    const char *version;        /* credentialVersion: changes with the claims and with the file's version; borrowed */
};

/* The entry of a stored subject reference (made with any of the vault's keys); false when it is gone. */
bool gw_dataset_find(const struct gw_dataset *dataset, const char *subject_ref, struct gw_dataset_entry *out);

#endif
