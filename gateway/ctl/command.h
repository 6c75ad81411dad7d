/* SPDX-License-Identifier: Apache-2.0
 *
 * What s2sctl can do, as a table: a command is a row. From the rows come the parser, the help and the completion files;
 * a test holds the man page to them.
 *
 * Most commands are one request to the operators' API, and their row says all there is to say: method, path, where each
 * option goes, how the answer is shown. The others have a function.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit status of the program. */
enum ctl_status {
    CTL_OK = 0,
    CTL_REFUSED = 1,      /* the answer is no: refused, not found, failed */
    CTL_USAGE = 2,        /* the command line, or a file that it names, is wrong */
    CTL_UNREACHABLE = 3,  /* there is no answer, or none that makes sense */
    CTL_UNAUTHORIZED = 4, /* no token, a wrong one, or one without the role */
};

/* Where the value of an option goes. */
enum ctl_place {
    CTL_OWN,   /* the command's function reads it */
    CTL_QUERY, /* a parameter of the query */
    CTL_BODY,  /* a member of the body; "filter/subject" is a member of a member */
};

enum ctl_kind {
    CTL_FLAG, /* given or not: true */
    CTL_TEXT,
    CTL_NUMBER,
    CTL_SECONDS, /* a number that may be left out */
    CTL_LIST,    /* may be repeated: an array of texts */
    CTL_JSON,    /* a file with JSON, "-" for stdin */
    CTL_FILE,    /* the name of a file; the command reads it */
};

struct ctl_option {
    const char *name; /* without the dashes */
    enum ctl_kind kind;
    enum ctl_place place;
    const char *value;          /* what the value is called; NULL of a flag */
    const char *member;         /* CTL_QUERY, CTL_BODY: its name there */
    const char *const *choices; /* NULL-terminated; NULL: anything */
    const char *doc;
};

/* How one value of an answer is shown. */
enum ctl_format {
    CTL_PLAIN,
    CTL_STATE,    /* a status or an outcome: coloured by what it means */
    CTL_TIME,     /* an RFC 3339 moment, in local time */
    CTL_AGE,      /* the same, as how long ago */
    CTL_YES,      /* a boolean: "yes" or nothing */
    CTL_COUNT_OF, /* an array: how many */
};

struct ctl_column {
    const char *title;
    const char *member; /* "a/b": member b of a */
    enum ctl_format format;
};

/* How a list is shown. One thing is shown with all that it has. */
struct ctl_view {
    const char *list; /* the member with the rows */
    const struct ctl_column *columns;
    size_t count;
};

struct ctl;

struct ctl_command {
    const char *words;    /* "verifications list" */
    const char *operands; /* "ID", "[TEXT]", "CONFIGURATION..."; "" for none */
    const char *doc;      /* one sentence */
    const struct ctl_option *options;
    size_t option_count;
    /* One request. Each "{}" of the path is an operand. */
    const char *method;
    const char *path;
    const char *body;            /* JSON that the body begins as; NULL: an object without members */
    const struct ctl_view *view; /* of a list; NULL: the answer is one thing */
    /* Or, in its place, a function. */
    enum ctl_status (*run)(struct ctl *ctl);
    bool is_local; /* needs no operators' API */
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/* Those that every command has. */
extern const struct ctl_option ctl_common_options[];
extern const size_t ctl_common_option_count;

/* The command whose words stand at the begin of `words`; NULL when there is none. `*taken` gets how many they are. */
const struct ctl_command *ctl_command_find(char *const *words, size_t count, size_t *taken);

/* The option of this name that the command has, or NULL. `len` octets. */
const struct ctl_option *ctl_option_find(const struct ctl_command *command, const char *name, size_t len);

/* The fewest and the most operands that a command takes. */
void ctl_operand_range(const char *operands, size_t *min, size_t *max);

/* Whether the first word names a group ("verifications") of commands. */
bool ctl_is_group(const char *word);

#endif
