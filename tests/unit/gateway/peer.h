/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/lib/peer.mjs as a child of a test, with the certificates of both sides. Everything is in the fixture's folder.
 */
#ifndef TEST_PEER_H
#define TEST_PEER_H

#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define MAX_PEER_ARGUMENTS 24

/* A certificate with its key, as a configuration names them. */
struct identity {
    struct gw_file certificate, key;
};

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    struct gw_file file;
};

struct peer {
    pid_t pid;
    int life; /* the peer leaves when this end of its standard input is closed: also when the test dies */
    char url[64], plain_url[64];
    const char *control, *journal;
};

static inline struct authority make_authority(const char *name)
{
    struct authority authority = {.key = make_key("P-256")};
    int64_t now = time(NULL);
    authority.certificate = make_certificate(name, authority.key, "keyCertSign", now - DAY, now + DAY, NULL, NULL);
    authority.file = write_chain(s2s_arena_printf(arena, "%s.crt", name), 1, &authority.certificate, 1);
    return authority;
}

static inline void free_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}

/* `san` may be NULL. */
static inline struct identity make_identity(const char *name, const char *san, const struct authority *authority)
{
    EVP_PKEY *key = make_key("P-256");
    int64_t now = time(NULL);
    X509 *certificate =
        make_certificate(name, key, "digitalSignature", now - DAY, now + DAY, authority->certificate, authority->key);
    if (san) {
        add_extension(certificate, NID_subject_alt_name, san);
        ck_assert_int_gt(X509_sign(certificate, authority->key, EVP_sha256()), 0);
    }
    struct identity identity = {write_chain(s2s_arena_printf(arena, "%s.crt", name), 1, &certificate, 1),
                                write_key(s2s_arena_printf(arena, "%s.key", name), 1, key)};
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
}

static inline bool node_is_installed(void)
{
    return system("node --version >/dev/null 2>&1") == 0;
}

static inline pid_t spawn_node(char *const *arguments, int in, int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    pid_t pid;
    ck_assert_int_eq(posix_spawnp(&pid, "node", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* The port that the peer prints. */
static inline int read_port(int fd)
{
    char line[64];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof line - 1 && (got = read(fd, line + len, sizeof line - 1 - len)) > 0) {
        len += (size_t)got;
        if (line[len - 1] == '\n')
            break;
    }
    line[len] = '\0';
    int port = 0;
    ck_assert_msg(sscanf(line, "listening %d", &port) == 1, "the peer did not start: %s", line);
    return port;
}

/* Start it with `more` arguments (NULL-terminated). */
static inline void peer_start(struct peer *peer, const char *const *more)
{
    *peer = (struct peer){.control = file_at("control.json", 1).path, .journal = file_at("journal", 1).path};
    const char *arguments[MAX_PEER_ARGUMENTS] = {
        "node",       TEST_SOURCE_DIR "/lib/peer.mjs", "--until-stdin-ends", "--control", peer->control, "--journal",
        peer->journal};
    size_t count = 7;
    for (; *more; more++) {
        ck_assert_uint_lt(count, MAX_PEER_ARGUMENTS - 1);
        arguments[count++] = *more;
    }
    int in[2], out[2];
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    peer->pid = spawn_node((char *const *)(uintptr_t)arguments, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    peer->life = in[1];
    int port = read_port(out[0]);
    close(out[0]);
    snprintf(peer->url, sizeof peer->url, "https://localhost:%d", port);
    snprintf(peer->plain_url, sizeof peer->plain_url, "http://localhost:%d", port);
}

static inline void peer_stop(struct peer *peer)
{
    close(peer->life);
    ck_assert_int_eq(waitpid(peer->pid, NULL, 0), peer->pid);
}

static inline void peer_control(const struct peer *peer, const char *text)
{
    struct gw_file fresh = write_file("control.new", 1, text);
    ck_assert_int_eq(rename(fresh.path, peer->control), 0);
}

/* The requests so far, as an array in the arena. */
static inline struct json_object *peer_requests(const struct peer *peer)
{
    struct json_object *requests = s2s_json_own(arena, json_object_new_array());
    FILE *in = fopen(peer->journal, "r");
    char *line = NULL;
    size_t room = 0;
    while (in && getline(&line, &room, in) > 0)
        json_object_array_add(requests, json_object_get(json(line)));
    free(line);
    if (in)
        fclose(in);
    return requests;
}

#endif
