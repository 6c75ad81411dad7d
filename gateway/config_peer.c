/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that say which certificates are a peer's (proto/peer.h). Each is brought into the form that it is compared in,
 * so that the same rule for two peers shows.
 */
#include "config_schema.h"

#include <ctype.h>
#include <string.h>

/* The text of the rule, or NULL after a complaint. */
static const char *rule_text(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node)
{
    if (node->kind == GW_YAML_SCALAR && node->text[0] != '\0' && strlen(node->text) <= 1024)
        return node->text;
    gw_complain_type(reader, key, node);
    return NULL;
}

static void store_rule(struct gw_reader *reader, void *object, enum s2s_peer_rule_kind kind, const char *value)
{
    struct s2s_peer_rule *rule = object;
    *rule = (struct s2s_peer_rule){kind, gw_reader_copy(reader, value)};
}

static void read_san_dns(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = rule_text(reader, key, node);
    if (text == NULL)
        return;
    char name[254] = ""; /* RFC 1035 section 2.3.4 */
    size_t len = strlen(text), i = 0;
    for (; i < len && i < sizeof name - 1; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr(".-_", text[i]) == NULL)
            break;
        name[i] = (char)tolower((unsigned char)text[i]);
    }
    if (i == len)
        store_rule(reader, object, S2S_PEER_SAN_DNS, name);
    else
        gw_complain(reader, node, "not a host name; write it out, for example wallet.example (no wildcards)");
}

static void read_san_uri(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = rule_text(reader, key, node);
    if (text == NULL)
        return;
    const char *colon = strchr(text, ':');
    if (colon != NULL && colon > text && text[strcspn(text, " \t\n\r")] == '\0')
        store_rule(reader, object, S2S_PEER_SAN_URI, text);
    else
        gw_complain(reader, node, "not a URI; write it as in the certificate, for example https://wallet.example");
}

static void read_subject(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = rule_text(reader, key, node);
    if (text == NULL)
        return;
    if (strchr(text, '=') != NULL)
        store_rule(reader, object, S2S_PEER_SUBJECT, text);
    else
        gw_complain(reader, node, "not a distinguished name (RFC 4514); write for example \"CN=wallet,O=Example\"");
}

static void read_thumbprint(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node,
                            void *object)
{
    const char *text = rule_text(reader, key, node);
    if (text == NULL)
        return;
    char hex[64 + 1] = "";
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if (*text == ':')
            continue;
        if (!isxdigit((unsigned char)*text) || len == sizeof hex - 1)
            break;
        hex[len++] = (char)tolower((unsigned char)*text);
    }
    if (*text == '\0' && len == sizeof hex - 1)
        store_rule(reader, object, S2S_PEER_THUMBPRINT, hex);
    else
        gw_complain(reader, node, "not a SHA-256 thumbprint; write 64 hexadecimal digits, with or without colons");
}

const struct gw_key_type gw_type_san_dns = {"host name", "wallet.example", read_san_dns, NULL};
const struct gw_key_type gw_type_san_uri = {"URI", "https://wallet.example", read_san_uri, NULL};
const struct gw_key_type gw_type_subject = {"distinguished name", "\"CN=wallet,O=Example\"", read_subject, NULL};
const struct gw_key_type gw_type_thumbprint = {"thumbprint", NULL, read_thumbprint, NULL};
