/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset.h"

#include "jsontext.h"
#include "proto/json.h"
#include "subject.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)16 * 1024 * 1024)
#define MAX_DEPTH 32
#define MAX_VERSION_LEN 64

/* The arenas here need no ceiling of their own: what goes into them is bounded by the size of the file. */
#define DATASET_MEMORY (SIZE_MAX / 2)

/* Enough of the HMAC that two versions never meet by chance, short enough to read. */
#define SUFFIX_LEN 12

struct subject {
    struct json_object *claims;
    const char *version;
};

/* A subject under one of the data keys. */
struct reference {
    char ref[GW_PSEUDONYM_SIZE];
    const struct subject *subject;
};

struct gw_dataset {
    struct s2s_arena *arena;
    const struct gw_vault *vault;
    struct json_object *subjects; /* object by name */
    struct reference *references; /* sorted: every subject under every data key */
    size_t reference_count;
};

bool gw_dataset_imitates_digests(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            if (gw_dataset_imitates_digests(json_object_array_get_idx(value, i)))
                return true;
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            if (strcmp(name, "_sd") == 0 || strcmp(name, "...") == 0 || gw_dataset_imitates_digests(member))
                return true;
        }
    }
    return false;
}

/* Where errors about the file go. They name subjects by their place, since a name may be a person's. */
struct reader {
    const struct gw_file *file;
    struct gw_config_errors *errors;
};

#define FILE_ERROR(reader, format, ...)                                                                                \
    gw_config_error((reader)->errors, (reader)->file->line, "the dataset %s " format, (reader)->file->path, __VA_ARGS__)

static bool check_subject(const struct reader *reader, size_t place, const char *subject, struct json_object *claims)
{
    if (*subject == '\0' || !json_object_is_type(claims, json_type_object)) {
        FILE_ERROR(reader, "has a bad subject (number %zu); each needs a name and an object of claims", place);
        return false;
    }
    bool good = true;
    json_object_object_foreach(claims, name, value)
    {
        if (gw_claim_is_reserved(name)) {
            FILE_ERROR(reader, "sets the claim \"%s\" (subject number %zu), which the gateway sets; remove it", name,
                       place);
            good = false;
        } else if (gw_dataset_imitates_digests(value)) {
            FILE_ERROR(reader,
                       "has a member \"_sd\" or \"...\" inside of the claim \"%s\" (subject number %zu), which "
                       "verifiers would take for digests; rename it",
                       name, place);
            good = false;
        }
    }
    return good;
}

static bool check_version(const struct reader *reader, const char *version)
{
    size_t len = version ? strlen(version) : 0;
    bool good = len > 0 && len <= MAX_VERSION_LEN;
    for (size_t i = 0; good && i < len; i++)
        good = version[i] > ' ' && version[i] < 0x7f;
    if (!good)
        FILE_ERROR(reader, "needs a \"version\": 1 to %d visible ASCII characters, such as \"2026-11\"",
                   MAX_VERSION_LEN);
    return good;
}

static bool check_members(const struct reader *reader, struct json_object *root)
{
    bool good = true;
    json_object_object_foreach(root, name, value)
    {
        (void)value;
        if (strcmp(name, "version") != 0 && strcmp(name, "subjects") != 0) {
            FILE_ERROR(reader, "has an unknown member \"%s\"; it has \"version\" and \"subjects\"", name);
            good = false;
        }
    }
    return good;
}

static bool check_root(const struct reader *reader, struct json_object *root)
{
    struct json_object *subjects = s2s_json_get(root, "subjects");
    if (!json_object_is_type(subjects, json_type_object) || json_object_object_length(subjects) == 0) {
        FILE_ERROR(reader, "has no subjects; it needs %s",
                   "{ \"version\": \"…\", \"subjects\": { \"default\": { claims } } }");
        return false;
    }
    bool good = check_members(reader, root);
    good = check_version(reader, s2s_json_string(root, "version")) && good;
    size_t place = 0;
    json_object_object_foreach(subjects, name, claims) good = check_subject(reader, ++place, name, claims) && good;
    return good;
}

/* The tree, owned by the arena; NULL with the errors reported. */
static struct json_object *read_file(const struct reader *reader, struct s2s_arena *arena)
{
    size_t len;
    char *text = gw_file_read(reader->file->path, MAX_FILE, &len);
    if (!text) {
        FILE_ERROR(reader, "cannot be read: %s; name a readable JSON file of at most 16 MiB", strerror(errno));
        return NULL;
    }
    struct json_object *root = NULL;
    struct s2s_result parsed = s2s_json_parse(arena, text, len, MAX_DEPTH, &root);
    OPENSSL_cleanse(text, len);
    free(text);
    if (s2s_failed(parsed)) {
        FILE_ERROR(reader, "is not good JSON: %s; correct it", parsed.detail);
        return NULL;
    }
    return check_root(reader, root) ? root : NULL;
}

/* credentialVersion: the file's version, and an HMAC of the subject's claims. Not a plain digest: the wallet server
 * sees the version and could find a claim of few possible values by trying them; and with the subject's name in it, so
 * that equal claims of two subjects do not show. Made with the oldest data key, which outlives the rotation of newer
 * ones: a new key alone does not make every credential look changed. */
static const char *version_of(struct gw_dataset *dataset, const char *file_version, const char *name,
                              struct json_object *claims, struct gw_text *scratch)
{
    gw_text_clear(scratch);
    gw_text_add_json_string(scratch, file_version);
    gw_text_add_json_string(scratch, name);
    gw_text_add_json_ordered(scratch, claims);
    s2s_assert(!scratch->failed);
    char mac[GW_PSEUDONYM_SIZE];
    gw_vault_pseudonym(dataset->vault, gw_vault_key_count(dataset->vault) - 1, "dataset version",
                       s2s_bytes(scratch->data, scratch->len), mac);
    const char *version = s2s_arena_printf(dataset->arena, "%s-%.*s", file_version, SUFFIX_LEN, strchr(mac, '.') + 1);
    s2s_assert(version);
    return version;
}

static int compare_references(const void *a, const void *b)
{
    return strcmp(((const struct reference *)a)->ref, ((const struct reference *)b)->ref);
}

static void index_subjects(struct gw_dataset *dataset, const char *file_version)
{
    size_t keys = gw_vault_key_count(dataset->vault);
    size_t count = (size_t)json_object_object_length(dataset->subjects);
    struct subject *subject = s2s_arena_alloc(dataset->arena, count * sizeof *subject);
    dataset->references = s2s_arena_alloc(dataset->arena, count * keys * sizeof *dataset->references);
    s2s_assert(subject && dataset->references);

    struct s2s_arena *scratch_arena = s2s_arena_new(DATASET_MEMORY);
    struct gw_text scratch = gw_text(scratch_arena);
    json_object_object_foreach(dataset->subjects, name, claims)
    {
        *subject = (struct subject){claims, version_of(dataset, file_version, name, claims, &scratch)};
        for (size_t key = 0; key < keys; key++) {
            struct reference *reference = &dataset->references[dataset->reference_count++];
            gw_subject_ref(dataset->vault, key, name, reference->ref);
            reference->subject = subject;
        }
        subject++;
    }
    s2s_arena_free(scratch_arena);
    qsort(dataset->references, dataset->reference_count, sizeof *dataset->references, compare_references);
}

struct gw_dataset *gw_dataset_load(const struct gw_file *file, const struct gw_vault *vault,
                                   struct gw_config_errors *errors)
{
    const struct reader reader = {file, errors};
    struct s2s_arena *arena = s2s_arena_new(DATASET_MEMORY);
    struct json_object *root = read_file(&reader, arena);
    if (!root) {
        s2s_arena_free(arena);
        return NULL;
    }
    struct gw_dataset *dataset = calloc(1, sizeof *dataset);
    s2s_assert(dataset);
    dataset->arena = arena;
    dataset->vault = vault;
    dataset->subjects = s2s_json_get(root, "subjects");
    index_subjects(dataset, s2s_json_string(root, "version"));
    return dataset;
}

void gw_dataset_free(struct gw_dataset *dataset)
{
    if (!dataset)
        return;
    s2s_arena_free(dataset->arena);
    free(dataset);
}

bool gw_dataset_subject_ref(const struct gw_dataset *dataset, const char *subject, char out[GW_PSEUDONYM_SIZE])
{
    if (!json_object_object_get_ex(dataset->subjects, subject, NULL))
        return false;
    gw_subject_ref(dataset->vault, 0, subject, out);
    return true;
}

static int compare_ref(const void *ref, const void *reference)
{
    return strcmp(ref, ((const struct reference *)reference)->ref);
}

bool gw_dataset_find(const struct gw_dataset *dataset, const char *subject_ref, struct gw_dataset_entry *out)
{
    const struct reference *found =
        bsearch(subject_ref, dataset->references, dataset->reference_count, sizeof *dataset->references, compare_ref);
    if (!found)
        return false;
    *out = (struct gw_dataset_entry){found->subject->claims, found->subject->version};
    return true;
}
