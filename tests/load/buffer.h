/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes that grow up to a ceiling.
 */
#ifndef LOAD_BUFFER_H
#define LOAD_BUFFER_H

#include "proto/arena.h"
#include "proto/result.h"

#include <stddef.h>
#include <stdint.h>

struct load_buffer {
    uint8_t *data;
    size_t len;
    size_t size; /* allocated */
};

/* Append; false, with nothing appended, when there would be more than `ceiling` bytes. */
S2S_MUST_CHECK bool load_buffer_add(struct load_buffer *buffer, const void *data, size_t len, size_t ceiling);

/* Append what is ours, whose length the caller bounds. */
void load_buffer_bytes(struct load_buffer *buffer, struct s2s_bytes bytes);
void load_buffer_text(struct load_buffer *buffer, const char *text);

/* Take the first `len` bytes away. */
void load_buffer_consume(struct load_buffer *buffer, size_t len);

void load_buffer_free(struct load_buffer *buffer);

static inline struct s2s_bytes load_buffer_view(const struct load_buffer *buffer)
{
    return s2s_bytes(buffer->data, buffer->len);
}

#endif
