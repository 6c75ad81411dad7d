/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL is a tree of processes that come and go. A process that has ended, and was waited for, has left its CPU
 * time with its parent, so the sum over the tree never goes back.
 */
#include "tests/load/process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_PROCESSES 16384

struct process {
    pid_t pid, parent;
    uint64_t ticks; /* user and system, own and of waited-for children */
    uint64_t pages; /* resident */
    char name[32];
    bool belongs; /* to the tree */
};

/* Fields 2, 4, 14 to 17 and 24 of /proc/PID/stat; the name may have blanks and brackets in it. */
static bool parse_stat(char *text, struct process *process)
{
    unsigned long long utime, stime, rss;
    long long cutime, cstime;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (open == NULL || close == NULL)
        return false;
    *close = '\0';
    snprintf(process->name, sizeof(process->name), "%s", open + 1);
    int found =
        sscanf(close + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld %*d %*d %*d %*d %*u %*u %llu",
               &process->parent, &utime, &stime, &cutime, &cstime, &rss);
    process->ticks = utime + stime + (uint64_t)cutime + (uint64_t)cstime;
    process->pages = rss;
    return found == 6;
}

static bool read_process(pid_t pid, struct process *process)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return false;
    size_t len = fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    text[len] = '\0';
    *process = (struct process){.pid = pid};
    return parse_stat(text, process);
}

/* All processes of the system; the caller frees them. */
static struct process *read_all(size_t *count)
{
    struct process *all = calloc(MAX_PROCESSES, sizeof(*all));
    DIR *directory = opendir("/proc");
    s2s_assert(all != NULL);
    *count = 0;
    for (struct dirent *entry; directory != NULL && *count < MAX_PROCESSES && (entry = readdir(directory)) != NULL;) {
        if (isdigit((unsigned char)entry->d_name[0]) && read_process((pid_t)atoi(entry->d_name), &all[*count]))
            ++*count;
    }
    if (directory != NULL)
        closedir(directory);
    return all;
}

static bool has_parent_in_tree(const struct process *all, size_t count, pid_t parent)
{
    for (size_t i = 0; i < count; ++i) {
        if (all[i].pid == parent)
            return all[i].belongs;
    }
    return false;
}

/* Take in the children of those that belong, until there are no more. */
static void mark_tree(struct process *all, size_t count)
{
    bool has_grown = true;
    while (has_grown) {
        has_grown = false;
        for (size_t i = 0; i < count; ++i) {
            if (!all[i].belongs && has_parent_in_tree(all, count, all[i].parent))
                all[i].belongs = has_grown = true;
        }
    }
}

static uint64_t read_peak(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *in = fopen(path, "r");
    while (in != NULL && kib == 0 && fgets(line, sizeof(line), in) != NULL)
        sscanf(line, "VmHWM: %llu", &kib);
    if (in != NULL)
        fclose(in);
    return kib * 1024;
}

bool load_usage_read(pid_t pid, struct load_usage *usage)
{
    size_t count;
    bool found = false;
    struct process *all = read_all(&count);
    *usage = (struct load_usage){.peak = read_peak(pid)};
    for (size_t i = 0; i < count; ++i) {
        if (all[i].pid != pid)
            continue;
        all[i].belongs = found = true;
        snprintf(usage->name, sizeof(usage->name), "%s", all[i].name);
    }
    mark_tree(all, count);
    for (size_t i = 0; i < count; ++i) {
        if (!all[i].belongs)
            continue;
        usage->cpu += (double)all[i].ticks / (double)sysconf(_SC_CLK_TCK);
        usage->resident += all[i].pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    free(all);
    return found;
}

double load_usage_own(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
