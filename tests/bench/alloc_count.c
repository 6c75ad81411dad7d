/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts a program's allocations, for LD_PRELOAD. The counters lie in the file that S2S_ALLOC_COUNT names, so that
 * another process can read them at any time: two native 64-bit numbers, how many, and how many octets were asked for.
 *
 * glibc's own entry points do the work; without the variable nothing is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

struct counters {
    _Atomic uint64_t allocations, octets;
};

static struct counters *shared;

__attribute__((constructor)) static void open_counters(void)
{
    const char *path = getenv("S2S_ALLOC_COUNT");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    if (ftruncate(fd, sizeof(struct counters)) == 0) {
        void *mapped = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        shared = mapped != MAP_FAILED ? mapped : NULL;
    }
    close(fd);
}

static void count(size_t octets)
{
    if (shared == NULL)
        return;
    atomic_fetch_add_explicit(&shared->allocations, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&shared->octets, octets, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    count(size);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    count(size);
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}
