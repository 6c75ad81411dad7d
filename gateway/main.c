/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/db/migrate.h"
#include "gateway/generation.h"
#include "gateway/issuer/issuer.h"
#include "gateway/net/outbound.h"
#include "gateway/process.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/s2s-gateway/gateway.yaml"

/* Wrong use of the command line, as in sysexits.h. */
#define EXIT_USAGE 64

struct command {
    const char *name;
    const char *help;
    int (*run)(const char *config_path);
};

static int run_serve(const char *config_path)
{
    struct gw_config_errors errors = {stderr, config_path, 0};
    struct gw_generation *generation = gw_generation_load(config_path, &errors);
    return generation != NULL ? gw_process_run(config_path, generation, &gw_issuer_role) : 1;
}

static int run_check_config(const char *config_path)
{
    struct gw_config_errors errors = {stderr, config_path, 0};
    struct gw_generation *generation = gw_generation_load(config_path, &errors);
    if (generation == NULL) {
        fprintf(stderr, "%u errors\n", errors.count);
        return 1;
    }
    gw_generation_unref(generation);
    puts("the configuration is good");
    return 0;
}

/* For the commands that only need the database. */
static int with_database(const char *config_path, int (*run)(const struct gw_database_config *))
{
    struct gw_config_errors errors = {stderr, config_path, 0};
    struct gw_config *config = gw_config_load(config_path, &errors);
    int status = config != NULL ? run(&config->database) : 1;
    gw_config_free(config);
    return status;
}

static int run_migrate(const char *config_path)
{
    return with_database(config_path, gw_migrate);
}

static int run_fsck(const char *config_path)
{
    return with_database(config_path, gw_fsck);
}

static int run_version(const char *config_path)
{
    (void)config_path;
    puts("s2s-gateway " S2S_VERSION);
    return 0;
}

static const struct command commands[] = {
    {"serve", "serve until SIGTERM; SIGHUP reads the configuration again", run_serve},
    {"migrate", "bring the database to this version's schema", run_migrate},
    {"check-config", "read the configuration and every file it names, and say what is wrong", run_check_config},
    {"fsck", "check the promises that the database keeps; exit status 1 when one is broken", run_fsck},
    {"version", "print the version", run_version},
};

static void print_usage(FILE *out)
{
    fputs("usage: s2s-gateway COMMAND [--config FILE]\n\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
    fputs("\nThe configuration is read from " DEFAULT_CONFIG " unless --config names another file;\n"
          "docs/configuration.md lists its keys.\n",
          out);
}

int main(int argc, char **argv)
{
    gw_outbound_global_init();
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return 0;
        }
        if (option != 'c')
            return EXIT_USAGE;
        config_path = optarg;
    }
    for (size_t i = 0; optind == argc - 1 && i < sizeof(commands) / sizeof(commands[0]); ++i)
        if (strcmp(argv[optind], commands[i].name) == 0)
            return commands[i].run(config_path);
    print_usage(stderr);
    return EXIT_USAGE;
}
