/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of configuration keys, and what reads a file by it. Private to the config_*.c files:
 *
 *   config_yaml.c       text to a tree with lines
 *   config_schema.c     the table: one row a key
 *   config_read.c       walks tree and table together: unknown, missing and default keys, sections, lists
 *   config_types.c      one reader for each type of value,
 *   config_files.c      … for files,
 *   config_json.c       … for values that stay JSON,
 *   config_peer.c       … for the identity of peers
 *   config_check.c      rules between keys
 *   config_items.c      … of the items that are asked for
 *   config_reference.c  docs/configuration.md
 *   config.c            puts them together
 */
#ifndef GW_CONFIG_SCHEMA_H
#define GW_CONFIG_SCHEMA_H

#include "config_yaml.h"

struct gw_key;
struct gw_section;

/* One reading of a file. */
struct gw_reader {
    struct s2s_arena *arena; /* of the configuration */
    struct gw_config_errors *errors;
    const char *file;   /* the configuration file, absolute */
    const char *folder; /* its folder, for relative paths */
    unsigned roles;     /* of the process, GW_ROLE_*: set by the key `role`, which is read first; 0: it is faulty */
    int line;           /* of the section being read, for what is missing in it */
    char path[256];     /* of the value being read, like peers[0].name; cut when longer */
};

/* A type of value. */
struct gw_key_type {
    const char *name;    /* for the reference and for "expected NAME" */
    const char *example; /* a correct value, as in the file; NULL where the key has to say */
    /* Read `node` into the `object` that the row belongs to, or complain. */
    void (*read)(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object);
    /* A bound of the row as text; NULL when rows of this type have no bounds. */
    void (*show)(int64_t bound, char *out, size_t size);
};

/* One row: a key of a section. */
struct gw_key {
    const char *name;
    const struct gw_key_type *type;
    size_t offset; /* of the member in the section's struct */
    bool required;
    unsigned needed_by;         /* GW_ROLE_*: required in these roles, and refused in others; 0: in all alike */
    const char *fallback;       /* the default, in the words of the file, or NULL */
    const char *otherwise;      /* what it means to leave the key out, where `fallback` cannot say it */
    int64_t min, max;           /* in the type's unit (milliseconds, octets, characters, entries); max 0: unbounded */
    const char *const *choices; /* the allowed words, ended by NULL; the place of a word is the value */
    const struct gw_section *section; /* of a section, or of each entry of a list of sections */
    size_t count_offset;              /* where a list of sections keeps its length */
    const char *doc;                  /* Markdown */
};

struct gw_section {
    const struct gw_key *keys; /* ended by a row without a name */
    size_t size;               /* of one entry of a list */
    const char *unique;        /* the key that no two entries of a list may share, or NULL */
    /* Rules between keys. Called when the section is complete, with the faults so far reported and their members empty;
     * `node` is NULL when an optional section was left out. May be NULL. */
    void (*check)(struct gw_reader *reader, void *object, const struct gw_yaml *node);
};

/* The whole file; its struct is gw_config. */
extern const struct gw_section gw_config_schema;

/* Types and what they fill. Numbers are written plain; texts that look like one need quotes. */
extern const struct gw_key_type gw_type_string;       /* char *, not empty; max is its length, 1024 by default */
extern const struct gw_key_type gw_type_name;         /* char *: 1 to 64 of A-Z a-z 0-9 . _ - */
extern const struct gw_key_type gw_type_url;          /* char *: https, no user, query or fragment */
extern const struct gw_key_type gw_type_webhook_url;  /* char *: the same, or http on a loopback address */
extern const struct gw_key_type gw_type_path;         /* char *: made absolute; there need not be such a file */
extern const struct gw_key_type gw_type_sha256;       /* uint8_t[32] */
extern const struct gw_key_type gw_type_roles;        /* unsigned: GW_ROLE_* of the process */
extern const struct gw_key_type gw_type_address;      /* char *: numeric IPv4 or IPv6 */
extern const struct gw_key_type gw_type_word;         /* char *: one of the choices */
extern const struct gw_key_type gw_type_choice;       /* an enum: place among the choices */
extern const struct gw_key_type gw_type_flag;         /* bool: which of two choices */
extern const struct gw_key_type gw_type_boolean;      /* bool */
extern const struct gw_key_type gw_type_count;        /* unsigned */
extern const struct gw_key_type gw_type_port;         /* int */
extern const struct gw_key_type gw_type_number;       /* double > 0 */
extern const struct gw_key_type gw_type_size;         /* size_t, octets */
extern const struct gw_key_type gw_type_duration;     /* int64_t, milliseconds */
extern const struct gw_key_type gw_type_seconds;      /* int64_t, a duration of whole seconds */
extern const struct gw_key_type gw_type_time;         /* int64_t, seconds since the epoch */
extern const struct gw_key_type gw_type_file;         /* struct gw_file */
extern const struct gw_key_type gw_type_secret_file;  /* struct gw_file */
extern const struct gw_key_type gw_type_files;        /* struct gw_file_list; min is the least length */
extern const struct gw_key_type gw_type_secret_files; /* struct gw_file_list; min is the least length */
extern const struct gw_key_type gw_type_names;        /* struct gw_string_list */
extern const struct gw_key_type gw_type_hosts;        /* the same; "host" or "host:port" */
extern const struct gw_key_type gw_type_object;       /* struct json_object *: an object */
extern const struct gw_key_type gw_type_objects;      /* struct json_object *: an array of objects */
extern const struct gw_key_type gw_type_san_dns;      /* struct s2s_peer_rule; likewise the next three */
extern const struct gw_key_type gw_type_san_uri;
extern const struct gw_key_type gw_type_subject;
extern const struct gw_key_type gw_type_thumbprint;
extern const struct gw_key_type gw_type_section; /* the struct of `section`, at the offset */
extern const struct gw_key_type gw_type_list;    /* a pointer to such structs; min is the least length */

/* The largest size of a type's `show`. */
enum { GW_SHOW_SIZE = 32 };

/* config_read.c */

/* Read a section into `object`, zeroed. */
void gw_read_section(struct gw_reader *reader, const struct gw_section *section, const struct gw_yaml *node,
                     void *object);

/* Report what is wrong with the value that is being read, at the line of `node` (NULL: of the section); its path is put
 * in front.
 */
__attribute__((format(printf, 3, 4))) void gw_complain(struct gw_reader *reader, const struct gw_yaml *node,
                                                       const char *format, ...);

/* The same of the key `name` of the section that is being checked; `value` is the key's node. */
__attribute__((format(printf, 4, 5))) void gw_complain_key(struct gw_reader *reader, const struct gw_yaml *value,
                                                           const char *name, const char *format, ...);

/* Complain that the node is not of the row's type. */
void gw_complain_type(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node);

/* Append to the path, for example "[%zu]"; gives what gw_leave needs to take it off again. */
__attribute__((format(printf, 2, 3))) size_t gw_enter(struct gw_reader *reader, const char *format, ...);
void gw_leave(struct gw_reader *reader, size_t mark);

/* Keep the candidate that `word` was most likely meant to be. Start with {.word = word}. */
struct gw_suggestion {
    const char *word;
    const char *best; /* NULL: none is near */
    unsigned distance;
};
void gw_suggest(struct gw_suggestion *suggestion, const char *candidate);

/* Zeroed memory and a copy of a text, in the arena of the configuration. */
void *gw_reader_alloc(struct gw_reader *reader, size_t size);
char *gw_reader_copy(struct gw_reader *reader, const char *text);

/* The member of a row in its object. */
static inline void *gw_key_slot(const struct gw_key *key, void *object)
{
    return (char *)object + key->offset;
}

/* config_types.c: the path part of an https URL that gw_type_url accepts, "" when it has none. */
const char *gw_url_path(const char *url);

/* config_check.c: whether the numeric address is one of this machine alone. */
bool gw_address_is_loopback(const char *address);

/* config_files.c: `text`, made absolute, into `file`; complains when the file cannot be read, or, when it is secret,
 * when anybody but its owner has access. */
void gw_read_file(struct gw_reader *reader, const struct gw_yaml *node, const char *text, bool secret,
                  struct gw_file *file);

/* config_files.c: whether anybody but its owner has access to the file. */
bool gw_file_exposed(const char *path);

/* config_check.c: rules between keys, for the rows of config_schema.c. */
void gw_check_config(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_issuer(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_wallet(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_poll(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_token(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_operator(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_receiver(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_webhook(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_app_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_admin_listener(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_limits(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_database(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_peer(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_outbound(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_rule(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_credential(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_claim(struct gw_reader *reader, void *object, const struct gw_yaml *node);
void gw_check_verification(struct gw_reader *reader, void *object, const struct gw_yaml *node);

/* config_items.c: likewise. */
void gw_check_item(struct gw_reader *reader, void *object, const struct gw_yaml *node);

#endif
