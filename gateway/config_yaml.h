/* SPDX-License-Identifier: Apache-2.0
 *
 * The YAML file as a tree that remembers its lines.
 *
 * Only what a configuration needs: one document of mappings, sequences and scalars. Anchors, aliases and tags are
 * refused: the first two let a small file grow without bound, and none of them is worth a second way to write the same
 * thing.
 */
#ifndef GW_CONFIG_YAML_H
#define GW_CONFIG_YAML_H

#include "config.h"

enum { GW_YAML_MAX_SIZE = 1024 * 1024, GW_YAML_MAX_DEPTH = 32, GW_YAML_MAX_NODES = 65536 };

enum gw_yaml_kind { GW_YAML_SCALAR, GW_YAML_SEQUENCE, GW_YAML_MAPPING };

/* A node; it and all its texts live in the arena of the tree. */
struct gw_yaml {
    enum gw_yaml_kind kind;
    int line;         /* where the value begins, from 1 */
    const char *text; /* of a scalar: UTF-8 without NUL inside */
    bool plain;       /* of a scalar: written without quotes, so it may be a number, a boolean or null */
    const char *key;  /* in a mapping: its key; NULL elsewhere */
    int key_line;
    struct gw_yaml *first, *next; /* children, in the order of the file; the sibling that follows */
    size_t count;                 /* of children */
};

/* The root of the one document, which may be of any kind, or NULL. Every error found has been reported. Duplicate keys
 * are reported, but leave a tree to check further. */
struct gw_yaml *gw_yaml_parse(struct s2s_arena *arena, const char *text, size_t len, struct gw_config_errors *errors);

/* The value of `key`, or NULL. NULL when `mapping` is NULL or not a mapping. */
const struct gw_yaml *gw_yaml_get(const struct gw_yaml *mapping, const char *key);

/* The line to name when something about the node is wrong: that of its key, if it has one. */
int gw_yaml_line(const struct gw_yaml *node);

/* What a plain scalar means under the core schema of YAML 1.2.2 (section 10.3), in the JSON spelling of numbers. */
enum gw_yaml_meaning { GW_YAML_NULL, GW_YAML_BOOLEAN, GW_YAML_INTEGER, GW_YAML_FLOAT, GW_YAML_TEXT };
enum gw_yaml_meaning gw_yaml_meaning(const struct gw_yaml *scalar);

#endif
