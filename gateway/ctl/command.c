/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/command.h"

#include <string.h>

/* How many of the given words are the command's, if they are all that it has; else 0. */
static size_t match(const struct ctl_command *command, char *const *words, size_t count)
{
    size_t taken = 0;
    for (const char *at = command->words; *at != '\0'; ++taken) {
        size_t len = strcspn(at, " ");
        if (taken == count || strlen(words[taken]) != len || strncmp(words[taken], at, len) != 0)
            return 0;
        at += len + strspn(at + len, " ");
    }
    return taken;
}

const struct ctl_command *ctl_command_find(char *const *words, size_t count, size_t *taken)
{
    const struct ctl_command *found = NULL;
    *taken = 0;
    for (size_t i = 0; i < ctl_command_count; ++i) {
        size_t matched = match(&ctl_commands[i], words, count);
        if (matched <= *taken)
            continue;
        *taken = matched;
        found = &ctl_commands[i];
    }
    return found;
}

static const struct ctl_option *find_among(const struct ctl_option *options, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; ++i)
        if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
            return &options[i];
    return NULL;
}

const struct ctl_option *ctl_option_find(const struct ctl_command *command, const char *name, size_t len)
{
    const struct ctl_option *common = find_among(ctl_common_options, ctl_common_option_count, name, len);
    if (common != NULL || command == NULL)
        return common;
    return find_among(command->options, command->option_count, name, len);
}

void ctl_operand_range(const char *operands, size_t *min, size_t *max)
{
    *min = *max = 0;
    for (const char *at = operands; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        *min += at[0] != '[';
        *max += 1;
        if (len >= 3 && memmem(at, len, "...", 3) != NULL)
            *max = (size_t)-1;
        at += len;
    }
}

bool ctl_is_group(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < ctl_command_count; ++i)
        if (strncmp(ctl_commands[i].words, word, len) == 0 && ctl_commands[i].words[len] == ' ')
            return true;
    return false;
}
