/* SPDX-License-Identifier: Apache-2.0
 *
 * Both shells get the same two functions, filled from the table: what may follow the words so far, and what the value
 * of an option may be. The rest of each file is how that shell is told.
 */
#include "gateway/ctl/completion.h"

#include "gateway/ctl/actions.h"
#include "gateway/ctl/ctl.h"

#include <string.h>

/* ---- from the table ---- */

/* Each first word once. */
static void put_first_words(FILE *out)
{
    for (size_t i = 0; i < ctl_command_count; ++i) {
        const char *words = ctl_commands[i].words;
        size_t len = strcspn(words, " ");
        bool seen = false;
        for (size_t k = 0; k < i && !seen; ++k)
            seen = strcspn(ctl_commands[k].words, " ") == len && strncmp(ctl_commands[k].words, words, len) == 0;
        if (!seen)
            fprintf(out, "%s%.*s", i > 0 ? " " : "", (int)len, words);
    }
}

/* The second words of a group. */
static void put_second_words(FILE *out, const char *group, size_t len)
{
    bool first = true;
    for (size_t i = 0; i < ctl_command_count; ++i) {
        const char *words = ctl_commands[i].words;
        if (strncmp(words, group, len) != 0 || words[len] != ' ')
            continue;
        fprintf(out, "%s%s", first ? "" : " ", words + len + 1);
        first = false;
    }
}

static void put_group_rows(FILE *out)
{
    for (size_t i = 0; i < ctl_command_count; ++i) {
        const char *words = ctl_commands[i].words;
        size_t len = strcspn(words, " ");
        char group[64];
        snprintf(group, sizeof(group), "%.*s", (int)len, words);
        bool seen = false;
        for (size_t k = 0; k < i && !seen; ++k)
            seen = strncmp(ctl_commands[k].words, group, len) == 0 && ctl_commands[k].words[len] == ' ';
        if (seen || words[len] != ' ')
            continue;
        fprintf(out, "    '%s') candidates='", group);
        put_second_words(out, group, len);
        fputs("' ;;\n", out);
    }
}

/* The alternatives of an operand such as "approve|deny"; the others are anything. */
static void put_operand_choices(FILE *out, const char *operands)
{
    for (const char *at = operands; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (memchr(at, '|', len) != NULL)
            for (size_t i = 0; i < len; ++i)
                fputc(at[i] == '|' ? ' ' : at[i], out);
        fputs(memchr(at, '|', len) != NULL ? " " : "", out);
        at += len;
    }
}

static void put_options(FILE *out, const struct ctl_option *options, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        fprintf(out, "%s--%s", i > 0 ? " " : "", options[i].name);
}

static void put_command_rows(FILE *out)
{
    for (size_t i = 0; i < ctl_command_count; ++i) {
        const struct ctl_command *command = &ctl_commands[i];
        fprintf(out, "    '%s') candidates='", command->words);
        put_operand_choices(out, command->operands);
        put_options(out, command->options, command->option_count);
        fputs(command->option_count > 0 ? " '\"$common\" ;;\n" : "'\"$common\" ;;\n", out);
    }
}

/* ---- values ---- */

/* Whether a command before this one, or every command, has an option of this name. */
static bool is_seen(const struct ctl_command *command, const char *name)
{
    bool seen = ctl_option_find(NULL, name, strlen(name)) != NULL;
    for (const struct ctl_command *other = ctl_commands; other < command && !seen; ++other)
        seen = ctl_option_find(other, name, strlen(name)) != NULL;
    return seen;
}

/* The choices of all commands that have an option of this name, from `first` on. Many share one list. */
static void put_choices(FILE *out, const struct ctl_command *first, const struct ctl_option *option)
{
    const char *const *last = NULL;
    fputs("candidates='", out);
    for (const struct ctl_command *command = first; command < ctl_commands + ctl_command_count; ++command) {
        const struct ctl_option *same = ctl_option_find(command, option->name, strlen(option->name));
        if (same == NULL || same->choices == last)
            continue;
        last = same->choices;
        for (const char *const *choice = last; choice != NULL && *choice != NULL; ++choice)
            fprintf(out, "%s ", *choice);
    }
    fputs("' ;;\n", out);
}

/* A row for an option that takes a value; where it may be a file, files are offered. */
static void put_value_row(FILE *out, const struct ctl_command *command, const struct ctl_option *option)
{
    if (option->kind == CTL_FLAG || option->kind == CTL_SECONDS)
        return;
    fprintf(out, "    --%s) ", option->name);
    if (option->choices != NULL)
        put_choices(out, command, option);
    else
        fputs(option->kind == CTL_FILE || option->kind == CTL_JSON ? "files=1 ;;\n" : ";;\n", out);
}

static void put_value_rows(FILE *out)
{
    for (size_t i = 0; i < ctl_common_option_count; ++i)
        put_value_row(out, ctl_commands, &ctl_common_options[i]);
    for (const struct ctl_command *command = ctl_commands; command < ctl_commands + ctl_command_count; ++command)
        for (size_t i = 0; i < command->option_count; ++i)
            if (!is_seen(command, command->options[i].name))
                put_value_row(out, command, &command->options[i]);
}

/* ---- the file ---- */

static void put_functions(FILE *out)
{
    fputs("# _s2sctl_words WORD...: set `candidates` to what may follow these words.\n"
          "_s2sctl_words() {\n"
          "    local common='",
          out);
    put_options(out, ctl_common_options, ctl_common_option_count);
    fputs("'\n    case \"$*\" in\n    '') candidates='", out);
    put_first_words(out);
    fputs(" '\"$common\" ;;\n", out);
    put_command_rows(out);
    put_group_rows(out);
    fputs("    *) return 1 ;;\n    esac\n}\n\n"
          "# _s2sctl_value OPTION: set `candidates` or `files` to what its value may be; fails when it takes none.\n"
          "_s2sctl_value() {\n"
          "    case $1 in\n",
          out);
    put_value_rows(out);
    fputs("    *) return 1 ;;\n    esac\n}\n\n", out);
}

/* ---- shells ---- */

/* The words before the cursor, less options and their values, less from the right until something is known of them. */
static const char gather[] = "    local candidates='' files='' word skip=''\n"
                             "    local -a typed=()\n";

static const char bash_end[] = "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
                               "    COMPREPLY=()\n"
                               "    if ((COMP_CWORD > 1)) && _s2sctl_value \"$previous\"; then\n"
                               "        if [[ -n $files ]]; then\n"
                               "            mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                               "        else\n"
                               "            mapfile -t COMPREPLY < <(compgen -W \"$candidates\" -- \"$current\")\n"
                               "        fi\n"
                               "        return\n"
                               "    fi\n"
                               "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                               "        if [[ -n $skip ]]; then\n"
                               "            skip=''\n"
                               "        elif [[ $word != -* ]]; then\n"
                               "            typed+=(\"$word\")\n"
                               "        elif _s2sctl_value \"$word\"; then\n"
                               "            skip=1\n"
                               "        fi\n"
                               "    done\n"
                               "    candidates=''\n"
                               "    while ! _s2sctl_words \"${typed[@]}\" && ((${#typed[@]})); do\n"
                               "        unset 'typed[-1]'\n"
                               "    done\n"
                               "    mapfile -t COMPREPLY < <(compgen -W \"$candidates\" -- \"$current\")\n"
                               "}\n"
                               "complete -F _s2sctl s2sctl\n";

static const char zsh_end[] = "    local current=${COMP_WORDS[CURRENT]} previous=''\n"
                              "    ((CURRENT > 1)) && previous=${COMP_WORDS[CURRENT-1]}\n"
                              "    if ((CURRENT > 2)) && _s2sctl_value $previous; then\n"
                              "        if [[ -n $files ]]; then\n"
                              "            _files\n"
                              "        else\n"
                              "            compadd -- ${=candidates}\n"
                              "        fi\n"
                              "        return\n"
                              "    fi\n"
                              "    for word in ${COMP_WORDS[2,CURRENT-1]}; do\n"
                              "        if [[ -n $skip ]]; then\n"
                              "            skip=''\n"
                              "        elif [[ $word != -* ]]; then\n"
                              "            typed+=($word)\n"
                              "        elif _s2sctl_value $word; then\n"
                              "            skip=1\n"
                              "        fi\n"
                              "    done\n"
                              "    candidates=''\n"
                              "    while ! _s2sctl_words $typed && (($#typed)); do\n"
                              "        typed=(${typed[1,-2]})\n"
                              "    done\n"
                              "    compadd -- ${=candidates}\n"
                              "}\n"
                              "if [[ ${funcstack[1]} == _s2sctl ]]; then # loaded by the first completion\n"
                              "    _s2sctl \"$@\"\n"
                              "else\n"
                              "    compdef _s2sctl s2sctl\n"
                              "fi\n";

static const struct {
    const char *shell, *begin, *function, *end;
} shells[] = {
    {"bash",
     "# shellcheck shell=bash\n# bash completion of s2sctl. SPDX-License-Identifier: Apache-2.0\n"
     "# Written by `s2sctl completion bash`.\n\n",
     "_s2sctl() {\n", bash_end},
    {"zsh",
     "#compdef s2sctl\n# zsh completion of s2sctl. SPDX-License-Identifier: Apache-2.0\n"
     "# Written by `s2sctl completion zsh`.\n\n",
     "_s2sctl() {\n    local -a COMP_WORDS=(\"${(@)words}\")\n", zsh_end},
};

bool ctl_completion_write(FILE *out, const char *shell)
{
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); ++i) {
        if (strcmp(shells[i].shell, shell) != 0)
            continue;
        fputs(shells[i].begin, out);
        put_functions(out);
        fputs(shells[i].function, out);
        fputs(gather, out);
        fputs(shells[i].end, out);
        return true;
    }
    return false;
}

enum ctl_status ctl_run_completion(struct ctl *ctl)
{
    return ctl_completion_write(ctl->screen.out, ctl->operands[0])
               ? CTL_OK
               : ctl_fail(CTL_USAGE, "there are completion files for bash and zsh");
}
