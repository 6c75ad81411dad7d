/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream is inflated twice: first into a small window, only to learn how long it is and that it is whole, then into
 * as much memory as that takes. So a short text that would become a gigabyte costs neither.
 */
#include "inflate.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW 16384

static struct s2s_result malformed(void)
{
    return s2s_fail(S2S_MALFORMED, "the compressed data are broken");
}

/* Inflate what `z` has, a window at a time. */
static struct s2s_result measure(z_stream *z, size_t max, size_t *len)
{
    unsigned char window[WINDOW];
    int state;
    *len = 0;
    do {
        z->next_out = window;
        z->avail_out = sizeof window;
        state = inflate(z, Z_NO_FLUSH);
        *len += sizeof window - z->avail_out;
    } while (state == Z_OK && *len <= max);
    if (*len > max)
        return s2s_fail(S2S_LIMIT, "the compressed data are too long");
    return state == Z_STREAM_END && z->avail_in == 0 ? s2s_ok() : malformed();
}

static struct s2s_result extract(struct s2s_arena *arena, z_stream *z, size_t len, struct s2s_bytes *out)
{
    uint8_t *room = s2s_arena_alloc(arena, len);
    if (room == NULL)
        return s2s_fail(S2S_LIMIT, "there is no room for the compressed data");
    z->next_out = room;
    z->avail_out = (uInt)len;
    *out = s2s_bytes(room, len);
    return inflate(z, Z_FINISH) == Z_STREAM_END ? s2s_ok() : malformed();
}

struct s2s_result s2s_inflate(struct s2s_arena *arena, struct s2s_bytes data, size_t max, struct s2s_bytes *out)
{
    s2s_assert(max <= UINT_MAX - WINDOW);
    if (data.len > UINT_MAX)
        return s2s_fail(S2S_LIMIT, "the compressed data are too long");
    z_stream z = {.next_in = (unsigned char *)data.data, .avail_in = (uInt)data.len};
    s2s_assert(inflateInit(&z) == Z_OK);
    size_t len;
    struct s2s_result r = measure(&z, max, &len);
    if (!s2s_failed(r)) {
        s2s_assert(inflateReset(&z) == Z_OK);
        z.next_in = (unsigned char *)data.data;
        z.avail_in = (uInt)data.len;
        r = extract(arena, &z, len, out);
    }
    inflateEnd(&z);
    return r;
}
