/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes docs/configuration.md from the table of keys.
 */
#include "config_schema.h"

#include <string.h>

static const char introduction[] =
    "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
    "<!-- Written by gw-docgen from gateway/config_schema.c; do not edit. -->\n"
    "\n"
    "# Configuration\n"
    "\n"
    "The gateway reads one YAML file and checks all of it before it uses any of it. `s2s-gateway check-config` checks\n"
    "without starting. Every error is one line, `FILE:LINE: what is wrong; what to do`. A running gateway takes a "
    "changed\n"
    "file on SIGHUP; when anything in it is wrong, the old one stays.\n"
    "\n"
    "## How values are written\n"
    "\n"
    "- **Files**: a path, relative to the folder of the configuration file. **Secret files** must belong to the "
    "gateway\n"
    "  alone: whatever group or others may do with them is refused (`chmod 600`).\n"
    "- **Durations**: an integer and a unit: `500ms`, `3s`, `10m`, `24h`, `14d`. **Sizes**: octets, or with a unit:\n"
    "  `65536`, `64KiB`, `1MiB`.\n"
    "- **Times**: RFC 3339: `2027-01-31T00:00:00Z`.\n"
    "- **Names**: 1 to 64 of the characters `A-Z a-z 0-9 . _ -`. **Strings** that look like a number or a boolean are "
    "put\n"
    "  in quotes.\n"
    "- **Choices** and **booleans** (`true`, `false`) are plain words.\n"
    "- Unknown keys, keys that stand twice, anchors, aliases, tags, a second document and files larger than 1 MiB are\n"
    "  refused.\n"
    "\n"
    "## The smallest useful file\n"
    "\n"
    "```yaml\n"
    "issuer:\n"
    "  identifier: https://issuer.example\n"
    "  url: https://issuer.example:8443/s2s\n"
    "  encryption_keys:\n"
    "    - file: keys/enc-1.jwk\n"
    "listeners:\n"
    "  s2s:\n"
    "    address: 127.0.0.1\n"
    "    port: 8443\n"
    "    certificate: pki/server.crt\n"
    "    key: pki/server.key\n"
    "    client_ca: [pki/ca.crt]\n"
    "  admin:\n"
    "    port: 9090\n"
    "database:\n"
    "  url: postgresql://s2s@/s2s?host=/run/postgresql\n"
    "data_keys: [keys/data-1.key]\n"
    "peers:\n"
    "  - name: wallet\n"
    "    identity:\n"
    "      - san_dns: wallet.example\n"
    "credential_configurations:\n"
    "  - id: badge\n"
    "    vct: https://issuer.example/vct/badge\n"
    "    signing: { key: keys/signer.key, certificate: pki/signer.crt }\n"
    "    claims:\n"
    "      - name: given_name\n"
    "      - name: family_name\n"
    "    dataset: { file: datasets/badge.json }\n"
    "    verification: { decision: approve }\n"
    "```\n"
    "\n"
    "And for the other side, a wallet provider:\n"
    "\n"
    "```yaml\n"
    "role: wallet\n"
    "wallet:\n"
    "  url: https://wallet.example/s2s\n"
    "  app_tokens:\n"
    "    - { name: backend, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 }\n"
    "listeners:\n"
    "  wallet:\n"
    "    address: 192.0.2.1\n"
    "    port: 443\n"
    "    certificate: pki/server.crt\n"
    "    key: pki/server.key\n"
    "    client_ca: [pki/ca.crt]\n"
    "  app: { socket: /run/s2s-gateway/app.sock }\n"
    "  admin: { port: 9090 }\n"
    "database:\n"
    "  url: postgresql://s2s@/s2s?host=/run/postgresql\n"
    "outbound: { certificate: pki/client.crt, key: keys/client.key }\n"
    "data_keys: [keys/data-1.key]\n"
    "peers:\n"
    "  - name: issuer\n"
    "    identity:\n"
    "      - san_dns: issuer.example\n"
    "    url: https://issuer.example:8443/s2s\n"
    "    credential_issuer: https://issuer.example\n"
    "```\n";

static bool is_list(const struct gw_key *key)
{
    return key->type == &gw_type_list;
}

static void write_type(FILE *out, const struct gw_key *key)
{
    fputs(key->type->name, out);
    for (size_t i = 0; key->choices != NULL && key->choices[i] != NULL; i++)
        fprintf(out, "%s`%s`", i == 0 ? ": " : ", ", key->choices[i]);
    if (key->type == &gw_type_string && key->max != 0) {
        fprintf(out, " of %lld to %lld octets", (long long)key->min, (long long)key->max);
    } else if (key->type->show != NULL && key->max != 0) {
        char min[GW_SHOW_SIZE], max[GW_SHOW_SIZE];
        key->type->show(key->min, min, sizeof min);
        key->type->show(key->max, max, sizeof max);
        fprintf(out, ", %s to %s", min, max);
    } else if (key->type == &gw_type_number) {
        fprintf(out, " above 0, at most %lld", (long long)key->max);
    } else if (key->min > 0) {
        fprintf(out, ", at least %lld", (long long)key->min);
    }
}

static void write_default(FILE *out, const struct gw_key *key)
{
    if (key->required)
        fputs("**required**", out);
    else if (key->needed_by != 0)
        fprintf(out, "**required** of %s", key->needed_by == GW_ROLE_ISSUER ? "issuers" : "wallets");
    else if (key->fallback != NULL)
        fprintf(out, "`%s`", key->fallback);
    else
        fputs(key->otherwise, out);
}

static void write_row(FILE *out, const struct gw_section *section, const struct gw_key *key)
{
    fprintf(out, "| `%s` | ", key->name);
    write_type(out, key);
    fputs(" | ", out);
    write_default(out, key);
    bool unique = section->unique != NULL && strcmp(section->unique, key->name) == 0;
    fprintf(out, " | %s%s |\n", key->doc, unique ? " Unique in the list." : "");
}

/* The table of a section, then those of the sections in it. `path` is "" for the whole file. */
static void write_section(FILE *out, const struct gw_section *section, const char *path, const char *doc)
{
    if (path[0] != '\0')
        fprintf(out, "\n## `%s`\n\n%s\n", path, doc);
    else
        fprintf(out, "\n## Sections\n");
    fputs("\n| key | type | default | meaning |\n|---|---|---|---|\n", out);
    for (const struct gw_key *key = section->keys; key->name != NULL; key++)
        write_row(out, section, key);
    for (const struct gw_key *key = section->keys; key->name != NULL; key++) {
        if (key->section == NULL)
            continue;
        char inner[256];
        snprintf(inner, sizeof inner, "%s%s%s%s", path, path[0] != '\0' ? "." : "", key->name,
                 is_list(key) ? "[]" : "");
        write_section(out, key->section, inner, key->doc);
    }
}

void gw_config_write_reference(FILE *out)
{
    fputs(introduction, out);
    write_section(out, &gw_config_schema, "", "");
}
