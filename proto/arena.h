/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that lives as long as one request.
 *
 * Everything a request decodes, decrypts or builds lives in its arena and is wiped when the arena is
 * freed, so no path through the code has to free, or to remember that something was secret.
 */
#ifndef S2S_ARENA_H
#define S2S_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of bytes that somebody else owns. `data` may be NULL when `len` is 0. */
struct s2s_bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct s2s_bytes s2s_bytes(const void *data, size_t len)
{
    return (struct s2s_bytes){(const uint8_t *)data, len};
}

struct s2s_arena;

/* A new arena that refuses to grow past `ceiling` bytes. Never NULL (out of memory ends the process).
 * Free with s2s_arena_free. Not thread safe. */
struct s2s_arena *s2s_arena_new(size_t ceiling);

/* Runs the deferred functions, newest first, wipes every block and frees all. NULL is ignored. */
void s2s_arena_free(struct s2s_arena *arena);

/* `size` bytes, aligned for any type and zeroed, or NULL when the ceiling would be passed: answer
 * S2S_LIMIT then. `size` 0 gives a valid unique pointer. */
void *s2s_arena_alloc(struct s2s_arena *arena, size_t size);

/* A new arena for what is needed for a moment only, so that its memory is used again while it is still at hand. It may
 * take what `arena` still may, and counts apart from then on. Free it with s2s_arena_free. */
struct s2s_arena *s2s_arena_scratch(const struct s2s_arena *arena);

/* Count `size` bytes that live elsewhere, for as long as the arena; false when all of these would pass the ceiling.
 * They have that much for themselves: whoever spends it does not make s2s_arena_alloc fail. */
bool s2s_arena_charge(struct s2s_arena *arena, size_t size);

/* A NUL-terminated copy of the `len` bytes at `data`, or NULL when the ceiling would be passed. */
char *s2s_arena_strndup(struct s2s_arena *arena, const char *data, size_t len);

/* snprintf into the arena; NULL when the ceiling would be passed. */
__attribute__((format(printf, 2, 3))) char *s2s_arena_printf(struct s2s_arena *arena, const char *format, ...);

/* Have `fn(arg)` called when the arena is freed. */
void s2s_arena_defer(struct s2s_arena *arena, void (*fn)(void *), void *arg);

#endif
