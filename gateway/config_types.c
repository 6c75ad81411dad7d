/* SPDX-License-Identifier: Apache-2.0
 *
 * One reader for each type of value: texts first, then numbers and quantities.
 *
 * Errors show what was expected, never the text that was found: a secret may stand in the wrong place.
 */
#include "config_schema.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/* ---- Bounds ---- */

static bool in_bounds(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, int64_t value)
{
    if (key->max == 0 || (value >= key->min && value <= key->max))
        return true;
    char min[GW_SHOW_SIZE], max[GW_SHOW_SIZE];
    key->type->show(key->min, min, sizeof min);
    key->type->show(key->max, max, sizeof max);
    gw_complain(reader, node, "out of range; give %s to %s", min, max);
    return false;
}

static void show_integer(int64_t bound, char *out, size_t size)
{
    snprintf(out, size, "%lld", (long long)bound);
}

/* ---- Texts ---- */

/* The text of a scalar with any content, or NULL after a complaint. */
static const char *scalar_text(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node)
{
    if (node->kind == GW_YAML_SCALAR && node->text[0] != '\0' && gw_yaml_meaning(node) != GW_YAML_NULL)
        return node->text;
    gw_complain_type(reader, key, node);
    return NULL;
}

/* As scalar_text, for a string: what YAML takes for a number or a boolean was perhaps not meant as a text. */
static const char *string_text(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node)
{
    const char *text = scalar_text(reader, key, node);
    if (text == NULL || gw_yaml_meaning(node) == GW_YAML_TEXT)
        return text;
    gw_complain(reader, node, "expected %s, found a number or a boolean; put it in quotes", key->type->name);
    return NULL;
}

static void store_text(struct gw_reader *reader, const struct gw_key *key, const char *text, void *object)
{
    *(char **)gw_key_slot(key, object) = gw_reader_copy(reader, text);
}

static void read_string(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = string_text(reader, key, node);
    if (text == NULL)
        return;
    int64_t max = key->max != 0 ? key->max : 1024;
    if (strlen(text) > (size_t)max)
        gw_complain(reader, node, "longer than %lld octets; shorten it", (long long)max);
    else
        store_text(reader, key, text, object);
}

/* Names are labels of metrics and keys of the database. */
static bool is_name(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 64 && strspn(text, LETTERS DIGITS "._-") == len;
}

static void read_name(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = string_text(reader, key, node);
    if (text == NULL)
        return;
    if (is_name(text))
        store_text(reader, key, text, object);
    else
        gw_complain(reader, node, "not a name; use 1 to 64 of the characters A-Z a-z 0-9 . _ -");
}

/* A list of strings, each without a fault. */
static void read_list(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object,
                      const char *(*find_fault)(const char *))
{
    if (node->kind != GW_YAML_SEQUENCE) {
        gw_complain_type(reader, key, node);
        return;
    }
    struct gw_string_list *list = gw_key_slot(key, object);
    list->items = gw_reader_alloc(reader, node->count * sizeof *list->items);
    if (node->count < (size_t)key->min)
        gw_complain(reader, node, "the list is empty; name at least one, or leave the key out");
    for (const struct gw_yaml *item = node->first; item != NULL; item = item->next) {
        const char *text = string_text(reader, key, item);
        const char *fault = text != NULL && find_fault != NULL ? find_fault(text) : NULL;
        if (fault != NULL)
            gw_complain(reader, item, "%s", fault);
        else if (text != NULL)
            list->items[list->count++] = gw_reader_copy(reader, text);
    }
}

static void read_names(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    read_list(reader, key, node, object, NULL);
}

/* What is wrong with a URL from its host on (RFC 3986, without the parts that make no sense here), or NULL. */
static const char *host_fault(const char *host)
{
    const char *path = host + strcspn(host, "/?#");
    if (memchr(host, '@', (size_t)(path - host)) != NULL)
        return "the URL holds a user or password; remove them";
    size_t host_len =
        *host == '[' ? 1 + strspn(host + 1, "0123456789abcdefABCDEF:.") : strspn(host, LETTERS DIGITS ".-");
    const char *port = host + host_len;
    if (*host == '[' && (host_len < 3 || *port++ != ']'))
        return "the host is not an IPv6 address in brackets; correct it";
    if (host_len == 0)
        return "the URL names no host; write https://HOST[:PORT][/PATH]";
    if (*port == ':') {
        char *end;
        bool digit = isdigit((unsigned char)port[1]);
        unsigned long number = strtoul(port + 1, &end, 10);
        if (!digit || number < 1 || number > 65535)
            return "the port of the URL is not 1 to 65535; correct it";
        port = end;
    }
    if (port != path)
        return "the host of the URL holds a character that it may not; use letters, digits, dots and hyphens";
    path += strspn(path, LETTERS DIGITS "/-._~%!$&'()*+,;=:@");
    if (*path == '?' || *path == '#')
        return "the URL has a query or a fragment; remove it";
    return *path == '\0' ? NULL : "the path of the URL holds a character that it may not; percent-encode it";
}

static const char *url_fault(const char *url)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return "not an https URL; write https://HOST[:PORT][/PATH]";
    return host_fault(url + strlen(scheme));
}

/* No part of a URL but its host and port. */
static const char *host_alone_fault(const char *host)
{
    bool alone = strpbrk(host, "/?#@") == NULL && host_fault(host) == NULL;
    return alone ? NULL : "not a host; write docs.example, or docs.example:8443 for another port than 443";
}

static void read_hosts(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    read_list(reader, key, node, object, host_alone_fault);
}

/* Without TLS only a receiver on this machine. */
static const char *webhook_url_fault(const char *url)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return url_fault(url);
    const char *host = url + strlen(scheme);
    char name[sizeof "255.255.255.255"] = "";
    if (strncmp(host, "[::1]", 5) != 0)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":/"), host);
    if (name[0] != '\0' && !gw_address_is_loopback(name))
        return "http is for a loopback address only, such as http://127.0.0.1:8080; write an https URL";
    return host_fault(host);
}

static void store_url(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object,
                      const char *(*find_fault)(const char *))
{
    const char *text = string_text(reader, key, node);
    const char *fault = text != NULL ? find_fault(text) : NULL;
    if (fault != NULL)
        gw_complain(reader, node, "%s", fault);
    else if (text != NULL)
        store_text(reader, key, text, object);
}

static void read_url(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    store_url(reader, key, node, object, url_fault);
}

static void read_webhook_url(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node,
                             void *object)
{
    store_url(reader, key, node, object, webhook_url_fault);
}

/* A path of our own making: a Unix socket's has to fit into its address (unix(7)). */
static void read_path(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    enum { LONGEST = 107 };
    const char *text = string_text(reader, key, node);
    if (text == NULL)
        return;
    char *path =
        text[0] == '/' ? gw_reader_copy(reader, text) : s2s_arena_printf(reader->arena, "%s/%s", reader->folder, text);
    s2s_assert(path != NULL);
    if (strlen(path) > LONGEST)
        gw_complain(reader, node, "the path is longer than %d octets; shorten it", LONGEST);
    else
        *(char **)gw_key_slot(key, object) = path;
}

static void read_sha256(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    enum { SIZE = 32 };
    const char *text = scalar_text(reader, key, node);
    if (text == NULL)
        return;
    if (strlen(text) != 2 * SIZE || strspn(text, "0123456789abcdefABCDEF") != 2 * SIZE) {
        gw_complain(reader, node, "not a SHA-256; write 64 hexadecimal digits");
        return;
    }
    uint8_t *out = gw_key_slot(key, object);
    for (size_t i = 0; i < SIZE; i++) {
        const char digits[] = {text[2 * i], text[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

const char *gw_url_path(const char *url)
{
    const char *host = strstr(url, "://") + 3;
    return host + strcspn(host, "/");
}

static void read_address(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = scalar_text(reader, key, node);
    if (text == NULL)
        return;
    unsigned char binary[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1)
        store_text(reader, key, text, object);
    else
        gw_complain(reader, node, "not a numeric IPv4 or IPv6 address; write for example 127.0.0.1 or ::1");
}

/* ---- Choices ---- */

/* The place of the text among the choices, or -1 after a complaint. */
static int choice_index(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node)
{
    const char *text = scalar_text(reader, key, node);
    if (text == NULL)
        return -1;
    struct gw_suggestion suggestion = {.word = text};
    char all[128] = "";
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0)
            return i;
        gw_suggest(&suggestion, key->choices[i]);
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", key->choices[i]);
    }
    if (suggestion.best != NULL)
        gw_complain(reader, node, "not one of %s; did you mean '%s'?", all, suggestion.best);
    else
        gw_complain(reader, node, "unknown value; write one of %s", all);
    return -1;
}

static void read_word(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int index = choice_index(reader, key, node);
    if (index >= 0)
        store_text(reader, key, key->choices[index], object);
}

static void read_choice(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    _Static_assert(sizeof(enum gw_decision_mode) == sizeof(int) && sizeof(enum s2s_nonce_policy) == sizeof(int),
                   "enumerations are stored as int");
    int index = choice_index(reader, key, node);
    if (index >= 0)
        memcpy(gw_key_slot(key, object), &index, sizeof index);
}

static void read_roles(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    static const unsigned roles[] = {GW_ROLE_ISSUER, GW_ROLE_WALLET, GW_ROLE_ISSUER | GW_ROLE_WALLET};
    int index = choice_index(reader, key, node);
    if (index >= 0)
        *(unsigned *)gw_key_slot(key, object) = reader->roles = roles[index];
}

static void read_flag(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int index = choice_index(reader, key, node);
    if (index >= 0)
        *(bool *)gw_key_slot(key, object) = index == 1;
}

static void read_boolean(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    if (node->kind == GW_YAML_SCALAR && gw_yaml_meaning(node) == GW_YAML_BOOLEAN)
        *(bool *)gw_key_slot(key, object) = tolower((unsigned char)node->text[0]) == 't';
    else
        gw_complain_type(reader, key, node);
}

/* ---- Numbers ---- */

static bool read_integer(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, int64_t *value)
{
    if (node->kind != GW_YAML_SCALAR || gw_yaml_meaning(node) != GW_YAML_INTEGER) {
        gw_complain_type(reader, key, node);
        return false;
    }
    *value = strtoll(node->text, NULL, 10); /* saturates, so that the bounds catch what is too large */
    return in_bounds(reader, key, node, *value);
}

static void read_count(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int64_t value;
    s2s_assert(key->max > 0 && key->max <= UINT_MAX && key->min >= 0);
    if (read_integer(reader, key, node, &value))
        *(unsigned *)gw_key_slot(key, object) = (unsigned)value;
}

static void read_port(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    struct gw_key bounded = *key;
    bounded.min = 1;
    bounded.max = 65535;
    int64_t value;
    if (read_integer(reader, &bounded, node, &value))
        *(int *)gw_key_slot(key, object) = (int)value;
}

static void read_number(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    enum gw_yaml_meaning meaning = node->kind == GW_YAML_SCALAR ? gw_yaml_meaning(node) : GW_YAML_NULL;
    if (meaning != GW_YAML_INTEGER && meaning != GW_YAML_FLOAT) {
        gw_complain_type(reader, key, node);
        return;
    }
    double value = strtod(node->text, NULL);
    if (value > 0 && value <= (double)key->max)
        *(double *)gw_key_slot(key, object) = value;
    else
        gw_complain(reader, node, "out of range; give a number above 0, at most %lld", (long long)key->max);
}

/* ---- Quantities: an integer and a unit ---- */

struct unit {
    const char *name;
    int64_t value;
};

/* Largest first; the last is the base. */
static const struct unit durations[] = {
    {"d", INT64_C(24) * 60 * 60 * 1000}, {"h", INT64_C(60) * 60 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {"ms", 1},
};
static const struct unit sizes[] = {
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"", 1},
};

enum { DURATION_UNITS = sizeof durations / sizeof *durations, SIZE_UNITS = sizeof sizes / sizeof *sizes };

/* The largest unit that divides the value. */
static void show_quantity(int64_t value, const struct unit *unit, char *out, size_t size)
{
    while (value % unit->value != 0)
        unit++;
    snprintf(out, size, "%lld%s", (long long)(value / unit->value), unit->name);
}

static void show_duration(int64_t bound, char *out, size_t size)
{
    if (bound == 0)
        snprintf(out, size, "0s");
    else
        show_quantity(bound, durations, out, size);
}

static void show_size(int64_t bound, char *out, size_t size)
{
    show_quantity(bound, sizes, out, size);
}

/* Saturates, so that the bounds catch what is too large. */
static bool parse_quantity(const char *text, const struct unit *units, size_t count, int64_t *value)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *end;
    long long number = strtoll(text, &end, 10);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        *value = number > INT64_MAX / units[i].value ? INT64_MAX : number * units[i].value;
        return true;
    }
    return false;
}

static bool read_quantity(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node,
                          const struct unit *units, size_t count, int64_t *value)
{
    s2s_assert(key->max > 0);
    const char *text = scalar_text(reader, key, node);
    if (text == NULL)
        return false;
    if (!parse_quantity(text, units, count, value)) {
        gw_complain(reader, node, "not a %s; write for example %s", key->type->name, key->type->example);
        return false;
    }
    return in_bounds(reader, key, node, *value);
}

static void read_size(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int64_t value;
    if (read_quantity(reader, key, node, sizes, SIZE_UNITS, &value))
        *(size_t *)gw_key_slot(key, object) = (size_t)value;
}

static void read_duration(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int64_t value;
    if (read_quantity(reader, key, node, durations, DURATION_UNITS, &value))
        *(int64_t *)gw_key_slot(key, object) = value;
}

static void read_seconds(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    int64_t value;
    if (!read_quantity(reader, key, node, durations, DURATION_UNITS, &value))
        return;
    if (value % 1000 != 0)
        gw_complain(reader, node, "not a whole number of seconds; round it");
    else
        *(int64_t *)gw_key_slot(key, object) = value / 1000;
}

/* RFC 3339 section 5.6, without fractions of a second and leap seconds. */
static bool parse_time(const char *text, int64_t *seconds)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest == NULL || rest - text != (ptrdiff_t)strlen("2027-01-31T00:00:00"))
        return false; /* strptime takes short numbers too */
    int64_t offset = 0;
    if (*rest == '+' || *rest == '-') {
        unsigned hours, minutes;
        int len = 0;
        if (sscanf(rest + 1, "%2u:%2u%n", &hours, &minutes, &len) != 2 || len != 5 || rest[6] != '\0' || hours > 23 ||
            minutes > 59)
            return false;
        offset = (*rest == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
    } else if (strcmp(rest, "Z") != 0) {
        return false;
    }
    struct tm normal = tm;
    time_t time = timegm(&normal);
    if (normal.tm_mday != tm.tm_mday || normal.tm_sec != tm.tm_sec)
        return false; /* 30 February became 2 March, or a leap second the next minute */
    *seconds = (int64_t)time - offset;
    return true;
}

static void read_time(struct gw_reader *reader, const struct gw_key *key, const struct gw_yaml *node, void *object)
{
    const char *text = scalar_text(reader, key, node);
    int64_t seconds;
    if (text == NULL)
        return;
    if (parse_time(text, &seconds))
        *(int64_t *)gw_key_slot(key, object) = seconds;
    else
        gw_complain(reader, node, "not a time (RFC 3339); write for example %s", key->type->example);
}

const struct gw_key_type gw_type_string = {"string", "\"text\"", read_string, show_integer};
const struct gw_key_type gw_type_name = {"name", "wallet-1", read_name, NULL};
const struct gw_key_type gw_type_names = {"list of names", "[first, second]", read_names, NULL};
const struct gw_key_type gw_type_hosts = {"list of hosts", "[docs.example, \"docs.example:8443\"]", read_hosts, NULL};
const struct gw_key_type gw_type_url = {"https URL", "https://issuer.example", read_url, NULL};
const struct gw_key_type gw_type_webhook_url = {"https URL", "https://backend.example/hooks", read_webhook_url, NULL};
const struct gw_key_type gw_type_path = {"path", "/run/s2s-gateway/app.sock", read_path, NULL};
const struct gw_key_type gw_type_sha256 = {"SHA-256 in hexadecimal", NULL, read_sha256, NULL};
const struct gw_key_type gw_type_roles = {"choice", NULL, read_roles, NULL};
const struct gw_key_type gw_type_address = {"IP address", "127.0.0.1", read_address, NULL};
const struct gw_key_type gw_type_word = {"choice", NULL, read_word, NULL};
const struct gw_key_type gw_type_choice = {"choice", NULL, read_choice, NULL};
const struct gw_key_type gw_type_flag = {"choice", NULL, read_flag, NULL};
const struct gw_key_type gw_type_boolean = {"boolean", "true", read_boolean, NULL};
const struct gw_key_type gw_type_count = {"integer", "1", read_count, show_integer};
const struct gw_key_type gw_type_port = {"port", "8443", read_port, show_integer};
const struct gw_key_type gw_type_number = {"number", "0.5", read_number, NULL};
const struct gw_key_type gw_type_size = {"size", "64KiB", read_size, show_size};
const struct gw_key_type gw_type_duration = {"duration", "500ms, 3s, 10m, 24h or 14d", read_duration, show_duration};
const struct gw_key_type gw_type_seconds = {"duration", "3s, 10m, 24h or 14d", read_seconds, show_duration};
const struct gw_key_type gw_type_time = {"time", "2027-01-31T00:00:00Z", read_time, NULL};
