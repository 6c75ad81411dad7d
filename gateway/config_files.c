/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that the configuration names: present, regular, readable, and, when they are secret, closed to others. What
 * stands in them is read by their modules.
 */
#include "config_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Open a regular file; -1 with errno set. O_NONBLOCK keeps a FIFO from holding us up before it is refused. */
static int open_regular(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int fault = fstat(fd, st) != 0 ? errno : S_ISDIR(st->st_mode) ? EISDIR : S_ISREG(st->st_mode) ? 0 : EINVAL;
    if (fault == 0)
        return fd;
    close(fd);
    errno = fault;
    return -1;
}

/* Read until `size` octets or the end; false with errno set. */
static bool read_fully(int fd, char *data, size_t size, size_t *len)
{
    *len = 0;
    while (*len < size) {
        ssize_t n = read(fd, data + *len, size - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

char *gw_file_read(const char *path, size_t max, size_t *len)
{
    struct stat st;
    int fd = open_regular(path, &st);
    if (fd < 0)
        return NULL;
    if ((uintmax_t)st.st_size > max) {
        close(fd);
        errno = EFBIG;
        return NULL;
    }
    size_t size = (size_t)st.st_size + 1; /* one more, to see a file that grows */
    char *data = malloc(size);
    s2s_assert(data != NULL);
    bool done = read_fully(fd, data, size, len);
    int fault = errno;
    if (done && *len == size) {
        done = false;
        fault = EAGAIN;
    }
    close(fd);
    if (!done) {
        OPENSSL_cleanse(data, size);
        free(data);
        errno = fault;
        return NULL;
    }
    data[*len] = '\0';
    return data;
}

static bool exposed(const struct stat *st)
{
    return (st->st_mode & 077) != 0;
}

bool gw_file_exposed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && exposed(&st);
}

void gw_read_file(struct gw_reader *reader, const struct gw_yaml *node, const char *text, bool secret,
                  struct gw_file *file)
{
    file->line = node->line;
    file->path =
        text[0] == '/' ? gw_reader_copy(reader, text) : s2s_arena_printf(reader->arena, "%s/%s", reader->folder, text);
    s2s_assert(file->path != NULL);

    struct stat st;
    int fd = open_regular(file->path, &st);
    if (fd < 0) {
        gw_complain(reader, node, "cannot read %s: %s; correct the path or the permissions", file->path,
                    errno == EINVAL ? "not a regular file" : strerror(errno));
        return;
    }
    close(fd);
    if (secret && exposed(&st))
        gw_complain(reader, node, "the secret file %s is open to group or others (mode %04o); run: chmod 600 %s",
                    file->path, (unsigned)st.st_mode & 07777, file->path);
}

static void read_one(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, bool secret,
                     struct gw_file *file)
{
    if (node->kind == GW_YAML_SCALAR && node->text[0] != '\0' && gw_yaml_meaning(node) == GW_YAML_TEXT)
        gw_read_file(reader, node, node->text, secret, file);
    else
        gw_complain_type(reader, key, node);
}

static void read_list(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, bool secret,
                      void *object)
{
    if (node->kind != GW_YAML_SEQUENCE) {
        gw_complain_type(reader, key, node);
        return;
    }
    if (node->count < (size_t)key->min)
        gw_complain(reader, node, "the list is empty; name at least one file");
    struct gw_file_list *list = gw_key_slot(key, object);
    list->items = gw_reader_alloc(reader, node->count * sizeof *list->items);
    for (const struct gw_yaml *item = node->first; item != NULL; item = item->next) {
        size_t mark = gw_enter(reader, "[%zu]", list->count);
        read_one(reader, key, item, secret, &list->items[list->count++]);
        gw_leave(reader, mark);
    }
}

static void read_file(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    read_one(reader, key, node, false, gw_key_slot(key, object));
}

static void read_secret_file(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node,
                             void *object)
{
    read_one(reader, key, node, true, gw_key_slot(key, object));
}

static void read_files(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    read_list(reader, key, node, false, object);
}

static void read_secret_files(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node,
                              void *object)
{
    read_list(reader, key, node, true, object);
}

const struct gw_key_type gw_type_file = {"file", "pki/server.crt", read_file, NULL};
const struct gw_key_type gw_type_secret_file = {"secret file", "pki/server.key", read_secret_file, NULL};
const struct gw_key_type gw_type_files = {"list of files", "[pki/ca.crt]", read_files, NULL};
const struct gw_key_type gw_type_secret_files = {"list of secret files", "[keys/data-1.key]", read_secret_files, NULL};
