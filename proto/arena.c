/* SPDX-License-Identifier: Apache-2.0
 *
 * A bump allocator: blocks are filled front to back and never given back before the arena is. Memory comes
 * from calloc and is handed out once, so it is zero without further work.
 *
 * Under AddressSanitizer every allocation gets a block of its own, of exactly its size, so that an overrun is
 * seen; a bump allocator would hide it in the neighbour.
 */
#include "arena.h"

#include "result.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCK_SIZE 0
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define BLOCK_SIZE 0
#endif
#ifndef BLOCK_SIZE
#define BLOCK_SIZE ((size_t)8 * 1024) /* holds an ordinary request */
#endif

struct block {
    struct block *next;
    size_t size, used;
    max_align_t data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
};

struct s2s_arena {
    size_t ceiling, handed_out, charged;
    struct block *blocks; /* the newest first; only that one is filled */
    struct deferred *deferred;
};

struct s2s_arena *s2s_arena_new(size_t ceiling)
{
    s2s_assert(ceiling <= SIZE_MAX / 2);
    struct s2s_arena *arena = calloc(1, sizeof *arena);
    s2s_assert(arena != NULL);
    arena->ceiling = ceiling;
    return arena;
}

struct s2s_arena *s2s_arena_scratch(const struct s2s_arena *arena)
{
    struct s2s_arena *scratch = s2s_arena_new(arena->ceiling);
    scratch->handed_out = arena->handed_out;
    scratch->charged = arena->charged;
    return scratch;
}

void s2s_arena_free(struct s2s_arena *arena)
{
    if (arena == NULL)
        return;
    /* A deferred function may still read what lives in the arena, so all of them run first. */
    for (struct deferred *d = arena->deferred; d != NULL; d = d->next)
        d->fn(d->arg);
    for (struct block *block = arena->blocks; block != NULL;) {
        struct block *next = block->next;
        OPENSSL_cleanse(block->data, block->used);
        free(block);
        block = next;
    }
    free(arena);
}

static struct block *add_block(struct s2s_arena *arena, size_t at_least)
{
    size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
    struct block *block = calloc(1, sizeof *block + size);
    s2s_assert(block != NULL);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

static size_t round_up(size_t size)
{
    const size_t align = _Alignof(max_align_t);
    return (size + align - 1) / align * align;
}

/* Take `size` bytes without asking for the ceiling. */
static void *take(struct s2s_arena *arena, size_t size)
{
    if (size == 0)
        size = 1;
    struct block *block = arena->blocks;
    size_t start = block != NULL ? round_up(block->used) : 0;
    if (block == NULL || start > block->size || size > block->size - start) {
        block = add_block(arena, size);
        start = 0;
    }
    block->used = start + size;
    return (unsigned char *)block->data + start;
}

bool s2s_arena_charge(struct s2s_arena *arena, size_t size)
{
    if (size > arena->ceiling - arena->charged)
        return false;
    arena->charged += size;
    return true;
}

void *s2s_arena_alloc(struct s2s_arena *arena, size_t size)
{
    if (size > arena->ceiling - arena->handed_out)
        return NULL;
    arena->handed_out += size;
    return take(arena, size);
}

char *s2s_arena_strndup(struct s2s_arena *arena, const char *data, size_t len)
{
    s2s_assert(len < SIZE_MAX);
    char *copy = s2s_arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, data, len);
    return copy;
}

char *s2s_arena_printf(struct s2s_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    s2s_assert(len >= 0);

    char *text = s2s_arena_alloc(arena, (size_t)len + 1);
    if (text == NULL)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void s2s_arena_defer(struct s2s_arena *arena, void (*fn)(void *), void *arg)
{
    struct deferred *d = take(arena, sizeof *d);
    *d = (struct deferred){arena->deferred, fn, arg};
    arena->deferred = d;
}
