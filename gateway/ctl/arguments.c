/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_option(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0'; /* "-" is an operand: stdin */
}

static bool is_number(const char *text)
{
    char *end;
    errno = 0;
    (void)strtol(text, &end, 10);
    return text[0] != '\0' && *end == '\0' && errno == 0;
}

/* A number of seconds, fractions allowed. */
static bool is_seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value >= 0;
}

/* ---- values ---- */

static bool is_choice(const struct ctl_option *option, const char *value)
{
    if (option->choices == NULL)
        return true;
    for (const char *const *choice = option->choices; *choice != NULL; ++choice)
        if (strcmp(*choice, value) == 0)
            return true;
    return false;
}

static enum ctl_status complain_of_choice(const struct ctl_option *option)
{
    char all[512] = "";
    size_t len = 0;
    for (const char *const *choice = option->choices; *choice != NULL && len < sizeof(all); ++choice)
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", len > 0 ? ", " : "", *choice);
    return ctl_fail(CTL_USAGE, "--%s is one of %s", option->name, all);
}

static enum ctl_status keep(struct ctl *ctl, const struct ctl_option *option, const char *value)
{
    if (ctl->given_count == CTL_MAX_WORDS)
        return ctl_fail(CTL_USAGE, "there are too many options");
    if (option->kind != CTL_LIST && ctl_given(ctl, option->name))
        return ctl_fail(CTL_USAGE, "--%s is given twice", option->name);
    if (option->kind == CTL_NUMBER && !is_number(value))
        return ctl_fail(CTL_USAGE, "--%s wants a number", option->name);
    if (option->kind == CTL_SECONDS && value != NULL && !is_seconds(value))
        return ctl_fail(CTL_USAGE, "--%s wants a number of seconds", option->name);
    if (value != NULL && !is_choice(option, value))
        return complain_of_choice(option);
    ctl->given[ctl->given_count++] = (struct ctl_given){option, value};
    return CTL_OK;
}

/* ---- arguments ---- */

/* What is left to read. */
struct rest {
    char **at, **end;
};

/* Read the option at the front. */
static enum ctl_status read_option(struct ctl *ctl, struct rest *rest)
{
    const char *argument = *rest->at++, *name = argument + 2;
    size_t len = strcspn(name, "=");
    if (strcmp(argument, "-h") == 0)
        argument = "--help", name = argument + 2, len = strlen(name);
    const struct ctl_option *option = argument[1] == '-' ? ctl_option_find(ctl->command, name, len) : NULL;
    if (option == NULL)
        return ctl_fail(CTL_USAGE, "there is no option %s%s%s", argument, ctl->command != NULL ? " of " : "",
                        ctl->command != NULL ? ctl->command->words : "");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (option->kind == CTL_FLAG && value != NULL)
        return ctl_fail(CTL_USAGE, "--%s takes no value", option->name);
    if (option->kind == CTL_SECONDS && value == NULL && rest->at < rest->end && is_seconds(*rest->at))
        value = *rest->at++;
    if (option->kind != CTL_FLAG && option->kind != CTL_SECONDS && value == NULL) {
        if (rest->at == rest->end)
            return ctl_fail(CTL_USAGE, "--%s wants %s", option->name, option->value);
        value = *rest->at++;
    }
    return keep(ctl, option, value);
}

/* The command's words: of what is no option, the first. They are taken out of `rest`, and what stood between them
 * stays. */
static enum ctl_status find_command(struct ctl *ctl, struct rest *rest)
{
    char *words[CTL_MAX_WORDS], **places[CTL_MAX_WORDS];
    size_t count = 0, taken = 0;
    for (char **at = rest->at; at < rest->end && count < CTL_MAX_WORDS && strcmp(*at, "--") != 0; ++at) {
        if (!is_option(*at)) {
            places[count] = at;
            words[count++] = *at;
            continue;
        }
        /* Before the command is known only the common options can be told apart from their values. */
        const struct ctl_option *option = ctl_option_find(NULL, *at + 2, strlen(*at) < 2 ? 0 : strlen(*at + 2));
        bool has_value = option != NULL && option->kind != CTL_FLAG && option->kind != CTL_SECONDS;
        if (option == NULL && count > 0)
            break; /* one of the command's own */
        if (has_value || (option != NULL && option->kind == CTL_SECONDS && at + 1 < rest->end && is_seconds(at[1])))
            ++at;
    }
    if (count == 0)
        return CTL_OK;
    ctl->command = ctl_command_find(words, count, &taken);
    if (ctl->command == NULL)
        return ctl_fail(CTL_USAGE,
                        ctl_is_group(words[0]) ? "%s what? See s2sctl help %s"
                                               : "there is no command %s; see s2sctl help %s",
                        words[0], ctl_is_group(words[0]) ? words[0] : "");
    for (size_t i = 0; i < taken; ++i)
        *places[i] = NULL;
    return CTL_OK;
}

static enum ctl_status read_operand(struct ctl *ctl, const char *argument)
{
    if (ctl->operand_count == CTL_MAX_WORDS)
        return ctl_fail(CTL_USAGE, "there are too many operands");
    ctl->operands[ctl->operand_count++] = argument;
    return CTL_OK;
}

static enum ctl_status check_operands(const struct ctl *ctl)
{
    size_t min, max;
    ctl_operand_range(ctl->command->operands, &min, &max);
    if (ctl->operand_count >= min && ctl->operand_count <= max)
        return CTL_OK;
    return ctl_fail(CTL_USAGE, "usage: s2sctl %s%s%s [OPTION]...", ctl->command->words,
                    ctl->command->operands[0] != '\0' ? " " : "", ctl->command->operands);
}

enum ctl_status ctl_arguments_read(struct ctl *ctl, int argc, char **argv, bool *help)
{
    struct rest rest = {argv + 1, argv + argc};
    enum ctl_status status = find_command(ctl, &rest);
    bool options_ended = false;
    while (status == CTL_OK && rest.at < rest.end) {
        if (*rest.at == NULL) {
            ++rest.at; /* a word of the command */
        } else if (!options_ended && strcmp(*rest.at, "--") == 0) {
            options_ended = true;
            ++rest.at;
        } else if (!options_ended && is_option(*rest.at)) {
            status = read_option(ctl, &rest);
        } else {
            status = read_operand(ctl, *rest.at++);
        }
    }
    *help = ctl_given(ctl, "help");
    if (status != CTL_OK || *help || ctl->command == NULL)
        return status;
    return check_operands(ctl);
}
