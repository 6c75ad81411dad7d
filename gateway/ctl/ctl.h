/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of s2sctl: what the command line says, and what the commands share.
 */
#ifndef CTL_H
#define CTL_H

#include "gateway/ctl/client.h"
#include "gateway/ctl/command.h"
#include "gateway/ctl/screen.h"
#include "proto/arena.h"

#include <json-c/json.h>

#define CTL_MAX_WORDS 64

/* An option that was given. */
struct ctl_given {
    const struct ctl_option *option;
    const char *value; /* NULL of a flag */
};

struct ctl {
    struct s2s_arena *arena; /* of the whole run; what a watch repeats has one of its own */
    const struct ctl_command *command;
    const char *operands[CTL_MAX_WORDS];
    size_t operand_count;
    struct ctl_given given[CTL_MAX_WORDS];
    size_t given_count;
    struct ctl_screen screen;
    struct ctl_client client; /* of the operators' API */
    bool json;                /* --json */
    double watch_s;           /* --watch; 0: not given */
};

/* Complain on stderr, "s2sctl: …", and return the status. */
__attribute__((format(printf, 2, 3))) enum ctl_status ctl_fail(enum ctl_status status, const char *format, ...);

/* Whether an option was given; its value (of the last one), or NULL. */
bool ctl_given(const struct ctl *ctl, const char *name);
const char *ctl_value(const struct ctl *ctl, const char *name);

/* The n-th value of an option that may be repeated, or NULL when there are fewer. */
const char *ctl_value_at(const struct ctl *ctl, const char *name, size_t n);

/* The value of an option as a number from `min` to `max`, or `otherwise` when it was not given. The parser has seen to
 * it that it is a number; CTL_USAGE, with a complaint, when it is out of range. */
enum ctl_status ctl_number(const struct ctl *ctl, const char *name, long min, long max, long otherwise, long *out);

/* Read a file ("-": stdin) of at most `max` octets whole, NUL-terminated, into the arena; NULL with a complaint. */
char *ctl_read_file(struct ctl *ctl, const char *path, size_t max, size_t *len);

/* Read JSON from a file ("-": stdin); NULL with a complaint. Owned by the arena. */
struct json_object *ctl_read_json(struct ctl *ctl, const char *path);

/* Read JSON from text that came from `where`; NULL with a complaint. Owned by the arena. */
struct json_object *ctl_parse_json(struct ctl *ctl, const char *where, const char *text, size_t len);

/* Write JSON as it is: indented, or a line of its own while watching. */
void ctl_show_json(const struct ctl *ctl, struct json_object *json);

/* Show an answer: as JSON, as a table, or as one thing. */
void ctl_show(struct ctl *ctl, const struct ctl_view *view, struct json_object *answer);

/* A new object, owned by the arena. */
struct json_object *ctl_object(struct ctl *ctl);

/* printf into the arena. */
__attribute__((format(printf, 2, 3))) const char *ctl_text(struct ctl *ctl, const char *format, ...);

/* The whole run: parse the command line, do it, and return the exit status. */
int ctl_main(int argc, char **argv);

#endif
