/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks the tree of the file and the table of keys together.
 */
#include "config_schema.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void *gw_reader_alloc(struct gw_reader *reader, size_t size)
{
    void *memory = s2s_arena_alloc(reader->arena, size);
    s2s_assert(memory != NULL); /* the limits of the YAML tree keep far below the ceiling */
    return memory;
}

char *gw_reader_copy(struct gw_reader *reader, const char *text)
{
    char *copy = s2s_arena_strndup(reader->arena, text, strlen(text));
    s2s_assert(copy != NULL);
    return copy;
}

size_t gw_enter(struct gw_reader *reader, const char *format, ...)
{
    size_t mark = strlen(reader->path);
    va_list args;
    va_start(args, format);
    vsnprintf(reader->path + mark, sizeof reader->path - mark, format, args);
    va_end(args);
    return mark;
}

void gw_leave(struct gw_reader *reader, size_t mark)
{
    reader->path[mark] = '\0';
}

static size_t enter_key(struct gw_reader *reader, const char *name)
{
    return gw_enter(reader, "%s%s", reader->path[0] != '\0' ? "." : "", name);
}

void gw_complain(struct gw_reader *reader, const struct gw_yaml *node, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    gw_config_error(reader->errors, node != NULL ? gw_yaml_line(node) : reader->line, "%s%s%s", reader->path,
                    reader->path[0] != '\0' ? ": " : "", text);
}

void gw_complain_key(struct gw_reader *reader, const struct gw_yaml *value, const char *name, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t mark = gw_enter(reader, ".%s", name);
    gw_complain(reader, value, "%s", text);
    gw_leave(reader, mark);
}

/* What a node is, in the words of an error; never its text, which may be a secret in the wrong place. */
static const char *found(const struct gw_yaml *node)
{
    static const char *const meanings[] = {
        [GW_YAML_NULL] = "nothing",     [GW_YAML_BOOLEAN] = "a boolean", [GW_YAML_INTEGER] = "an integer",
        [GW_YAML_FLOAT] = "a fraction", [GW_YAML_TEXT] = "a text",
    };
    if (node->kind == GW_YAML_SEQUENCE)
        return "a list";
    if (node->kind == GW_YAML_MAPPING)
        return "a mapping";
    return meanings[gw_yaml_meaning(node)];
}

void gw_complain_type(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node)
{
    const char *example = key->fallback != NULL ? key->fallback : key->type->example;
    gw_complain(reader, node, "expected %s, found %s; %s%s", key->type->name, found(node),
                example != NULL ? "write for example " : "see docs/configuration.md", example != NULL ? example : "");
}

/* Edit distance with swaps of neighbours (optimal string alignment); words longer than any key are far from all. */
static unsigned edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 48 };
    size_t alen = strlen(a), blen = strlen(b);
    if (alen > LONGEST || blen > LONGEST)
        return LONGEST;
    unsigned d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= alen; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= blen; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= alen; i++)
        for (size_t j = 1; j <= blen; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[alen][blen];
}

void gw_suggest(struct gw_suggestion *suggestion, const char *candidate)
{
    size_t near = 1 + strlen(candidate) / 4; /* a typing error in a short word, two or three in a long one */
    unsigned distance = edit_distance(suggestion->word, candidate);
    if (distance <= near && (suggestion->best == NULL || distance < suggestion->distance)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}

static void complain_unknown(struct gw_reader *reader, const struct gw_section *section, const struct gw_yaml *node)
{
    struct gw_suggestion suggestion = {.word = node->key};
    for (const struct gw_key *key = section->keys; key->name != NULL; key++)
        gw_suggest(&suggestion, key->name);
    if (suggestion.best != NULL)
        gw_complain(reader, node, "unknown key '%s'; did you mean '%s'?", node->key, suggestion.best);
    else
        gw_complain(reader, node, "unknown key '%s'; remove it, or see docs/configuration.md", node->key);
}

static void report_unknown_keys(struct gw_reader *reader, const struct gw_section *section, const struct gw_yaml *node)
{
    for (const struct gw_yaml *child = node->first; child != NULL; child = child->next) {
        const struct gw_key *key = section->keys;
        while (key->name != NULL && strcmp(key->name, child->key) != 0)
            key++;
        if (key->name == NULL)
            complain_unknown(reader, section, child);
    }
}

/* Defaults are written as in the file and read like the file, so that the table holds each once. */
static void apply_fallback(struct gw_reader *reader, const struct gw_key *key, void *object)
{
    const struct gw_yaml node = {.kind = GW_YAML_SCALAR, .text = key->fallback, .plain = true};
    unsigned errors = reader->errors->count;
    key->type->read(reader, key, &node, object);
    s2s_assert(reader->errors->count == errors);
}

/* The key was left out, perhaps with its whole section: a section that may be left out still has defaults inside. */
static void apply_absent_key(struct gw_reader *reader, const struct gw_key *key, void *object)
{
    size_t mark = enter_key(reader, key->name);
    if (key->fallback != NULL) {
        apply_fallback(reader, key, object);
    } else if (key->type == &gw_type_section) {
        void *inner = gw_key_slot(key, object);
        for (const struct gw_key *k = key->section->keys; k->name != NULL; k++)
            apply_absent_key(reader, k, inner);
        if (key->section->check != NULL)
            key->section->check(reader, inner, NULL);
    }
    gw_leave(reader, mark);
}

void gw_read_section(struct gw_reader *reader, const struct gw_section *section, const struct gw_yaml *node,
                     void *object)
{
    if (node->kind != GW_YAML_MAPPING) {
        gw_complain(reader, node, "expected a mapping (lines of 'key: value'), found %s; see docs/configuration.md",
                    found(node));
        return;
    }
    int outer = reader->line;
    reader->line = gw_yaml_line(node);
    report_unknown_keys(reader, section, node);
    for (const struct gw_key *key = section->keys; key->name != NULL; key++) {
        const struct gw_yaml *value = gw_yaml_get(node, key->name);
        bool foreign = key->needed_by != 0 && reader->roles != 0 && (key->needed_by & reader->roles) == 0;
        if (value != NULL && foreign) {
            gw_complain(reader, value, "the key '%s' is not for this `role`; remove it", key->name);
        } else if (value != NULL) {
            size_t mark = enter_key(reader, key->name);
            key->type->read(reader, key, value, object);
            gw_leave(reader, mark);
        } else if (key->required || (key->needed_by & reader->roles) != 0) {
            gw_complain(reader, node, "the required key '%s' is missing; add it (%s)", key->name, key->type->name);
        } else {
            apply_absent_key(reader, key, object);
        }
    }
    if (section->check != NULL)
        section->check(reader, object, node);
    reader->line = outer;
}

static void read_section(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    gw_read_section(reader, key->section, node, gw_key_slot(key, object));
}

static int compare_texts(const void *a, const void *b)
{
    const struct gw_yaml *left = *(const struct gw_yaml *const *)a, *right = *(const struct gw_yaml *const *)b;
    int order = strcmp(left->text, right->text);
    return order != 0 ? order : left->line - right->line;
}

static void report_shared_names(struct gw_reader *reader, const char *unique, const struct gw_yaml *list)
{
    const struct gw_yaml **sorted = gw_reader_alloc(reader, list->count * sizeof(struct gw_yaml *));
    size_t n = 0;
    for (const struct gw_yaml *item = list->first; item != NULL; item = item->next) {
        const struct gw_yaml *name = gw_yaml_get(item, unique);
        if (name != NULL && name->kind == GW_YAML_SCALAR)
            sorted[n++] = name;
    }
    qsort(sorted, n, sizeof(struct gw_yaml *), compare_texts);
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            gw_complain(reader, sorted[i], "%s '%s' is taken by line %d; give each its own", unique, sorted[i]->text,
                        sorted[i - 1]->line);
}

static void read_list(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    if (node->kind != GW_YAML_SEQUENCE) {
        gw_complain_type(reader, key, node);
        return;
    }
    if (node->count < (size_t)key->min)
        gw_complain(reader, node, "the list is too short; give at least %d", (int)key->min);
    const struct gw_section *section = key->section;
    char *entries = gw_reader_alloc(reader, node->count * section->size);
    memcpy(gw_key_slot(key, object), &entries, sizeof entries); /* the member points to a struct of its own type */
    *(size_t *)((char *)object + key->count_offset) = node->count;

    size_t i = 0;
    for (const struct gw_yaml *item = node->first; item != NULL; item = item->next, i++) {
        size_t mark = gw_enter(reader, "[%zu]", i);
        gw_read_section(reader, section, item, entries + i * section->size);
        gw_leave(reader, mark);
    }
    if (section->unique != NULL)
        report_shared_names(reader, section->unique, node);
}

const struct gw_key_type gw_type_section = {"section", NULL, read_section, NULL};
const struct gw_key_type gw_type_list = {"list of sections", NULL, read_list, NULL};
