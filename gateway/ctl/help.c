/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/help.h"

#include "gateway/ctl/actions.h"

#include <string.h>

#define OPTION_WIDTH 34

static void print_option(FILE *out, const struct ctl_option *option)
{
    char text[128];
    snprintf(text, sizeof(text), "--%s%s%s", option->name, option->value != NULL ? " " : "",
             option->value != NULL ? option->value : "");
    fprintf(out, "  %-*s %s", OPTION_WIDTH, text, option->doc);
    for (const char *const *choice = option->choices; choice != NULL && *choice != NULL; ++choice)
        fprintf(out, "%s%s", choice == option->choices ? ": " : ", ", *choice);
    fputc('\n', out);
}

static void print_options(FILE *out, const char *title, const struct ctl_option *options, size_t count)
{
    if (count == 0)
        return;
    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; ++i)
        print_option(out, &options[i]);
}

void ctl_help_command(FILE *out, const struct ctl_command *command)
{
    fprintf(out, "usage: s2sctl %s%s%s [OPTION]...\n\n  %s\n", command->words, command->operands[0] != '\0' ? " " : "",
            command->operands, command->doc);
    print_options(out, "Options", command->options, command->option_count);
    print_options(out, "Of every command", ctl_common_options, ctl_common_option_count);
}

/* Those whose words begin with `group`; all when it is NULL. */
static bool print_commands(FILE *out, const char *group)
{
    bool any = false;
    for (size_t i = 0; i < ctl_command_count; ++i) {
        const struct ctl_command *command = &ctl_commands[i];
        if (group != NULL && (strncmp(command->words, group, strlen(group)) != 0))
            continue;
        char text[128];
        snprintf(text, sizeof(text), "%s %s", command->words, command->operands);
        fprintf(out, "  %-*s %s\n", OPTION_WIDTH, text, command->doc);
        any = true;
    }
    return any;
}

void ctl_help(FILE *out)
{
    fputs("usage: s2sctl COMMAND [OPERAND]... [OPTION]...\n\n", out);
    print_commands(out, NULL);
    print_options(out, "Options of every command", ctl_common_options, ctl_common_option_count);
    fputs("\nExit status: 0 done, 1 refused or not found, 2 wrong usage, 3 unreachable, 4 unauthorized.\n"
          "`s2sctl help COMMAND` lists the options of a command; s2sctl(1) explains them.\n",
          out);
}

enum ctl_status ctl_run_help(struct ctl *ctl)
{
    size_t taken;
    const struct ctl_command *command =
        ctl_command_find((char *const *)(uintptr_t)ctl->operands, ctl->operand_count, &taken);
    if (command != NULL && taken == ctl->operand_count)
        ctl_help_command(ctl->screen.out, command);
    else if (ctl->operand_count == 0)
        ctl_help(ctl->screen.out);
    else if (ctl->operand_count > 1 || !print_commands(ctl->screen.out, ctl->operands[0]))
        return ctl_fail(CTL_USAGE, "there is no command %s", ctl->operands[0]);
    return CTL_OK;
}

enum ctl_status ctl_run_version(struct ctl *ctl)
{
    fputs("s2sctl " S2S_VERSION "\n", ctl->screen.out);
    return CTL_OK;
}
