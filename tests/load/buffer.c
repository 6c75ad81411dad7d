/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

bool load_buffer_add(struct load_buffer *buffer, const void *data, size_t len, size_t ceiling)
{
    if (len > ceiling || buffer->len > ceiling - len)
        return false;
    size_t size = buffer->size > 0 ? buffer->size : FIRST_SIZE;
    while (size < buffer->len + len)
        size *= 2;
    if (size != buffer->size) {
        buffer->data = realloc(buffer->data, size);
        s2s_assert(buffer->data != NULL);
        buffer->size = size;
    }
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return true;
}

void load_buffer_bytes(struct load_buffer *buffer, struct s2s_bytes bytes)
{
    bool added = load_buffer_add(buffer, bytes.data, bytes.len, SIZE_MAX / 4);
    s2s_assert(added);
}

void load_buffer_text(struct load_buffer *buffer, const char *text)
{
    load_buffer_bytes(buffer, s2s_bytes(text, strlen(text)));
}

void load_buffer_consume(struct load_buffer *buffer, size_t len)
{
    s2s_assert(len <= buffer->len);
    buffer->len -= len;
    if (buffer->len > 0 && len > 0)
        memmove(buffer->data, buffer->data + len, buffer->len);
}

void load_buffer_free(struct load_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct load_buffer){0};
}
