/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/api.h"
#include "gateway/admin/commands.h"
#include "gateway/db/migrate.h"
#include "gateway/generation.h"
#include "gateway/issuer/issuer.h"
#include "gateway/net/outbound.h"
#include "gateway/process.h"
#include "gateway/wallet/app.h"
#include "gateway/wallet/wallet.h"
#include "gateway/worker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DEFAULT_CONFIG "/etc/s2s-gateway/gateway.yaml"

/* What the command line says. */
struct invocation {
    const char *config_path;
    const char *reason;    /* --reason, or NULL */
    const char *peer;      /* --peer, or NULL */
    bool wait;             /* --wait */
    char *const *operands; /* after the command's name, as many as the command takes */
};

struct command {
    const char *name;
    const char *operands; /* for the usage text; their number is `count` */
    int count;
    const char *help;
    /* One of the two: the second kind only needs the database, which the configuration names. */
    int (*run)(const struct invocation *invocation);
    int (*on_database)(const struct gw_config *config, const struct invocation *invocation);
};

static struct gw_generation *load_generation(const char *config_path)
{
    struct gw_config_errors errors = {stderr, config_path, 0};
    struct gw_generation *generation = gw_generation_load(config_path, &errors);
    if (generation == NULL)
        fprintf(stderr, "%u errors\n", errors.count);
    return generation;
}

static const struct gw_services services = {
    .issuer = &gw_issuer_role, .wallet = &gw_wallet_role, .app = &gw_app_api, .admin = &gw_admin_api};

static int run_serve(const struct invocation *invocation)
{
    struct gw_generation *generation = load_generation(invocation->config_path);
    return generation != NULL ? gw_process_run(invocation->config_path, generation, &services) : EX_CONFIG;
}

static int run_check_config(const struct invocation *invocation)
{
    struct gw_generation *generation = load_generation(invocation->config_path);
    if (generation == NULL)
        return EX_CONFIG;
    gw_generation_unref(generation);
    puts("the configuration is good");
    return 0;
}

static int migrate(const struct gw_config *config, const struct invocation *invocation)
{
    (void)invocation;
    return gw_migrate(&config->database);
}

static int fsck(const struct gw_config *config, const struct invocation *invocation)
{
    (void)invocation;
    return gw_fsck(&config->database);
}

static int instance(const struct gw_config *config, const struct invocation *invocation)
{
    return gw_command_instance(&config->database, invocation->operands[0], invocation->operands[1], invocation->reason);
}

static int dead_letters(const struct gw_config *config, const struct invocation *invocation)
{
    (void)invocation;
    return gw_command_dead_letters(&config->database);
}

static int dead_jobs(const struct gw_config *config, const struct invocation *invocation)
{
    (void)invocation;
    return gw_command_dead_jobs(&config->database);
}

static int redrive(const struct gw_config *config, const struct invocation *invocation)
{
    return gw_command_redrive(&config->database, invocation->operands[0]);
}

static int redrive_job(const struct gw_config *config, const struct invocation *invocation)
{
    return gw_command_redrive_job(&config->database, invocation->operands[0]);
}

static int reconcile(const struct gw_config *config, const struct invocation *invocation)
{
    return gw_command_reconcile(config, invocation->peer, invocation->wait);
}

static int run_version(const struct invocation *invocation)
{
    (void)invocation;
    puts("s2s-gateway " S2S_VERSION);
    return 0;
}

static const struct command commands[] = {
    {"serve", "", 0, "serve until SIGTERM; SIGHUP reads the configuration again", .run = run_serve},
    {"migrate", "", 0, "bring the database to this version's schema", .on_database = migrate},
    {"check-config", "", 0, "read the configuration and every file it names, and say what is wrong",
     .run = run_check_config},
    {"fsck", "", 0, "check the promises that the database keeps; exit status 1 when one is broken",
     .on_database = fsck},
    {"instance", "ACTION ID", 2,
     "suspend, resume or cancel a credential instance, or tell its wallet\n"
     "                         that it is updated or display-updated; --reason CODE says why",
     .on_database = instance},
    {"dead-letters", "", 0, "list what could not be delivered to a peer", .on_database = dead_letters},
    {"redrive", "NUMBER", 1, "deliver a dead letter after all", .on_database = redrive},
    {"dead-jobs", "", 0, "list work of the gateway's own that was given up", .on_database = dead_jobs},
    {"redrive-job", "NUMBER", 1, "take up such work again", .on_database = redrive_job},
    {"reconcile", "", 0,
     "compare all live instances, or those of --peer NAME, with what the peers say of\n"
     "                         them; --wait prints what was found",
     .on_database = reconcile},
    {"version", "", 0, "print the version", .run = run_version},
};

static int run_command(const struct command *command, const struct invocation *invocation)
{
    if (command->run != NULL)
        return command->run(invocation);
    struct gw_config_errors errors = {stderr, invocation->config_path, 0};
    struct gw_config *config = gw_config_load(invocation->config_path, &errors);
    int status = config != NULL ? command->on_database(config, invocation) : EX_CONFIG;
    gw_config_free(config);
    return status;
}

static void print_usage(FILE *out)
{
    fputs("usage: s2s-gateway COMMAND [OPERANDS] [--config FILE]\n\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        fprintf(out, "  %-12s %-10s %s\n", commands[i].name, commands[i].operands, commands[i].help);
    fputs("\nThe configuration is read from " DEFAULT_CONFIG " unless --config names another file;\n"
          "docs/configuration.md lists its keys.\n",
          out);
}

static const struct command *find_command(const char *name, int operands)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); ++i)
        if (strcmp(name, commands[i].name) == 0 && operands == commands[i].count)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"reason", required_argument, NULL, 'r'},
        {"peer", required_argument, NULL, 'p'},   {"wait", no_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct invocation invocation = {.config_path = DEFAULT_CONFIG};
    int option;
    gw_outbound_global_init();
    while ((option = getopt_long(argc, argv, "c:r:p:wh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            invocation.config_path = optarg;
            break;
        case 'r':
            invocation.reason = optarg;
            break;
        case 'p':
            invocation.peer = optarg;
            break;
        case 'w':
            invocation.wait = true;
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        default:
            return EX_USAGE;
        }
    }
    const struct command *command = optind < argc ? find_command(argv[optind], argc - optind - 1) : NULL;
    if (command == NULL) {
        print_usage(stderr);
        return EX_USAGE;
    }
    invocation.operands = argv + optind + 1;
    return run_command(command, &invocation);
}
