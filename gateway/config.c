/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads a configuration: file, tree, table, rules. All that is loaded lives in one arena, which wipes what it frees.
 */
#include "config.h"

#include "config_schema.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Never reached: a file of GW_YAML_MAX_SIZE and GW_YAML_MAX_NODES makes far less, even when each value is a path. */
enum { TREE_CEILING = 64 * 1024 * 1024, CONFIG_CEILING = 512 * 1024 * 1024 };

void gw_config_error(struct gw_config_errors *errors, int line, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c != '\0'; c++) /* an error is one line, whatever it quotes */
        if (iscntrl((unsigned char)*c))
            *c = '?';
    errors->count++;
    if (line > 0)
        fprintf(errors->out, "%s:%d: %s\n", errors->file, line, text);
    else
        fprintf(errors->out, "%s: %s\n", errors->file, text);
}

static char *read_text(const char *path, size_t *len, struct gw_config_errors *errors)
{
    char *text = gw_file_read(path, GW_YAML_MAX_SIZE, len);
    if (text != NULL)
        return text;
    if (errno == EFBIG)
        gw_config_error(errors, 0, "the file is larger than 1 MiB; shorten it");
    else
        gw_config_error(errors, 0, "cannot read the file: %s; correct the path or the permissions", strerror(errno));
    return NULL;
}

/* The folder of `path`, absolute and without symbolic links, in the arena. NULL when it is gone again. */
static char *folder_of(struct s2s_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? s2s_arena_strndup(arena, ".", 1)
                                 : s2s_arena_strndup(arena, path, slash == path ? 1 : (size_t)(slash - path));
    s2s_assert(folder != NULL);
    char resolved[PATH_MAX];
    return realpath(folder, resolved) != NULL ? s2s_arena_strndup(arena, resolved, strlen(resolved)) : NULL;
}

static struct gw_config *new_config(const char *path, struct gw_reader *reader)
{
    struct s2s_arena *arena = s2s_arena_new(CONFIG_CEILING);
    reader->arena = arena;
    reader->folder = folder_of(arena, path);
    if (reader->folder == NULL) {
        gw_config_error(reader->errors, 0, "cannot find the folder of the file: %s; correct the path", strerror(errno));
        s2s_arena_free(arena);
        return NULL;
    }
    struct gw_config *config = gw_reader_alloc(reader, sizeof *config);
    const char *slash = strrchr(path, '/');
    config->arena = arena;
    config->path = s2s_arena_printf(arena, "%s/%s", reader->folder, slash != NULL ? slash + 1 : path);
    s2s_assert(config->path != NULL);
    reader->file = config->path;
    return config;
}

/* Read the tree by the table. NULL when an error was reported, here or for the tree. */
static struct gw_config *read_tree(const char *path, const struct gw_yaml *root, struct gw_config_errors *errors)
{
    struct gw_reader reader = {.errors = errors};
    struct gw_config *config = new_config(path, &reader);
    if (config != NULL)
        gw_read_section(&reader, &gw_config_schema, root, config);
    return config;
}

struct gw_config *gw_config_load(const char *path, struct gw_config_errors *errors)
{
    if (errors->file == NULL)
        errors->file = path;
    unsigned before = errors->count;
    size_t len;
    char *text = read_text(path, &len, errors);
    if (text == NULL)
        return NULL;

    struct s2s_arena *tree = s2s_arena_new(TREE_CEILING);
    const struct gw_yaml *root = gw_yaml_parse(tree, text, len, errors);
    OPENSSL_cleanse(text, len);
    free(text);
    struct gw_config *config = root != NULL ? read_tree(path, root, errors) : NULL;
    s2s_arena_free(tree);
    if (errors->count == before)
        return config;
    gw_config_free(config);
    return NULL;
}

void gw_config_free(struct gw_config *config)
{
    if (config != NULL)
        s2s_arena_free(config->arena);
}
