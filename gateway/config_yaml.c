/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds the tree from libyaml's events by recursive descent; the depth is bounded, so the recursion is. What breaks
 * the structure (syntax, limits) ends the parse; what is only forbidden is reported and the parse goes on, to find
 * more.
 */
#include "config_yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
    yaml_parser_t parser;
    struct s2s_arena *arena;
    struct gw_config_errors *errors;
    const char *text;
    size_t nodes;
    bool unusable; /* something was reported that leaves no tree worth checking */
};

static int line_of(yaml_mark_t mark)
{
    return (int)mark.line + 1;
}

/* libyaml gives the place of a character that it cannot read as an offset. */
static int line_at(const char *text, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset; i++)
        line += text[i] == '\n';
    return line;
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    s2s_assert(p->error != YAML_MEMORY_ERROR);
    int line = p->error == YAML_READER_ERROR ? line_at(b->text, p->problem_offset) : line_of(p->problem_mark);
    gw_config_error(b->errors, line, "YAML syntax: %s%s%s; correct the text here or just above",
                    p->context != NULL ? p->context : "", p->context != NULL ? ", " : "",
                    p->problem != NULL ? p->problem : "unreadable");
}

static bool next_event(struct builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return true;
    report_syntax(b);
    b->unusable = true;
    return false;
}

static void forbid(struct builder *b, int line, const char *what)
{
    gw_config_error(b->errors, line, "%s are not supported; write the value out", what);
    b->unusable = true;
}

static const char *copy_text(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (memchr(value, '\0', len) != NULL) {
        gw_config_error(b->errors, line_of(event->start_mark), "a text holds a NUL character; remove it");
        b->unusable = true;
    }
    char *copy = s2s_arena_strndup(b->arena, value, len);
    s2s_assert(copy != NULL);
    return copy;
}

/* The node that `event` begins, without its children. */
static struct gw_yaml *new_node(struct builder *b, const yaml_event_t *event)
{
    struct gw_yaml *node = s2s_arena_alloc(b->arena, sizeof *node);
    s2s_assert(node != NULL);
    node->line = line_of(event->start_mark);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        node->kind = GW_YAML_SEQUENCE;
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = GW_YAML_MAPPING;
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    case YAML_SCALAR_EVENT:
        node->kind = GW_YAML_SCALAR;
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        node->text = copy_text(b, event);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        break;
    default:
        s2s_assert(event->type == YAML_ALIAS_EVENT);
        forbid(b, node->line, "aliases (*name)");
        node->text = ""; /* stands in for what the alias names, until the parse ends */
    }
    if (anchor != NULL)
        forbid(b, node->line, "anchors (&name)");
    if (tag != NULL)
        forbid(b, node->line, "tags (!name)");
    return node;
}

static int compare_keys(const void *a, const void *b)
{
    const struct gw_yaml *left = *(const struct gw_yaml *const *)a, *right = *(const struct gw_yaml *const *)b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : left->key_line - right->key_line;
}

/* YAML 1.2.2 section 3.2.1.3 demands unique keys, but libyaml leaves the check to its caller. */
static void report_duplicate_keys(struct builder *b, const struct gw_yaml *mapping)
{
    if (mapping->count < 2)
        return;
    const struct gw_yaml **sorted = s2s_arena_alloc(b->arena, mapping->count * sizeof(struct gw_yaml *));
    s2s_assert(sorted != NULL);
    size_t n = 0;
    for (const struct gw_yaml *child = mapping->first; child != NULL; child = child->next)
        sorted[n++] = child;
    qsort(sorted, n, sizeof(struct gw_yaml *), compare_keys);
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            gw_config_error(b->errors, sorted[i]->key_line, "'%s' stands here twice, first in line %d; remove one",
                            sorted[i]->key, sorted[i - 1]->key_line);
}

static struct gw_yaml *build_node(struct builder *b, yaml_event_t *event, unsigned depth);

/* Read the key that `event` begins and its value. NULL ends the parse. Consumes `event`. */
static struct gw_yaml *build_entry(struct builder *b, yaml_event_t *event, unsigned depth)
{
    struct gw_yaml *key = build_node(b, event, depth);
    yaml_event_t value_event;
    if (key == NULL || !next_event(b, &value_event))
        return NULL;
    struct gw_yaml *value = build_node(b, &value_event, depth);
    if (value == NULL)
        return NULL;
    if (key->kind != GW_YAML_SCALAR) {
        gw_config_error(b->errors, key->line, "a key is a list or a mapping; keys are plain words");
        b->unusable = true;
    }
    value->key = key->text != NULL ? key->text : "";
    value->key_line = key->line;
    return value;
}

static bool build_children(struct builder *b, struct gw_yaml *parent, unsigned depth)
{
    bool mapping = parent->kind == GW_YAML_MAPPING;
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct gw_yaml **tail = &parent->first;
    for (;;) {
        yaml_event_t event;
        if (!next_event(b, &event))
            return false;
        if (event.type == end) {
            yaml_event_delete(&event);
            break;
        }
        struct gw_yaml *child = mapping ? build_entry(b, &event, depth) : build_node(b, &event, depth);
        if (child == NULL)
            return false;
        *tail = child;
        tail = &child->next;
        parent->count++;
    }
    if (mapping)
        report_duplicate_keys(b, parent);
    return true;
}

/* The node that `event` begins, with all below it. NULL ends the parse. Consumes `event`. */
static struct gw_yaml *build_node(struct builder *b, yaml_event_t *event, unsigned depth)
{
    struct gw_yaml *node = NULL;
    if (++b->nodes > GW_YAML_MAX_NODES)
        gw_config_error(b->errors, line_of(event->start_mark), "more than %d values; shorten the file",
                        GW_YAML_MAX_NODES);
    else if (depth == GW_YAML_MAX_DEPTH)
        gw_config_error(b->errors, line_of(event->start_mark), "nested more than %d deep; flatten it",
                        GW_YAML_MAX_DEPTH);
    else
        node = new_node(b, event);
    yaml_event_delete(event);
    if (node == NULL || (node->kind != GW_YAML_SCALAR && !build_children(b, node, depth + 1))) {
        b->unusable = true;
        return NULL;
    }
    return node;
}

/* Take the next event, which libyaml's grammar (see yaml.h) makes certain. */
static bool skip_event(struct builder *b, yaml_event_type_t type)
{
    yaml_event_t event;
    if (!next_event(b, &event))
        return false;
    s2s_assert(event.type == type);
    yaml_event_delete(&event);
    return true;
}

/* stream ::= STREAM-START document* STREAM-END; document ::= DOCUMENT-START node DOCUMENT-END */
static struct gw_yaml *build_stream(struct builder *b)
{
    yaml_event_t event;
    if (!skip_event(b, YAML_STREAM_START_EVENT) || !next_event(b, &event))
        return NULL;
    bool empty = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (empty) {
        gw_config_error(b->errors, 1, "the file is empty; docs/configuration.md has an example to begin with");
        return NULL;
    }
    if (!next_event(b, &event))
        return NULL;
    struct gw_yaml *root = build_node(b, &event, 0);
    if (root == NULL || !skip_event(b, YAML_DOCUMENT_END_EVENT) || !next_event(b, &event))
        return NULL;
    if (event.type != YAML_STREAM_END_EVENT) {
        gw_config_error(b->errors, line_of(event.start_mark), "a second document begins; keep one in the file");
        b->unusable = true;
    }
    yaml_event_delete(&event);
    return b->unusable ? NULL : root;
}

struct gw_yaml *gw_yaml_parse(struct s2s_arena *arena, const char *text, size_t len, struct gw_config_errors *errors)
{
    struct builder b = {.arena = arena, .errors = errors, .text = text};
    s2s_assert(yaml_parser_initialize(&b.parser));
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
    struct gw_yaml *root = build_stream(&b);
    yaml_parser_delete(&b.parser);
    return root;
}

const struct gw_yaml *gw_yaml_get(const struct gw_yaml *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != GW_YAML_MAPPING)
        return NULL;
    for (const struct gw_yaml *child = mapping->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

int gw_yaml_line(const struct gw_yaml *node)
{
    return node->key != NULL ? node->key_line : node->line;
}

/* Skip digits; false when there is none. */
static bool skip_digits(const char **text)
{
    const char *start = *text;
    *text += strspn(*text, "0123456789");
    return *text > start;
}

/* RFC 8259 section 6. */
static enum gw_yaml_meaning number_meaning(const char *text)
{
    enum gw_yaml_meaning meaning = GW_YAML_INTEGER;
    if (*text == '-')
        text++;
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        return GW_YAML_TEXT;
    if (!skip_digits(&text))
        return GW_YAML_TEXT;
    if (*text == '.') {
        meaning = GW_YAML_FLOAT;
        text++;
        if (!skip_digits(&text))
            return GW_YAML_TEXT;
    }
    if (*text == 'e' || *text == 'E') {
        meaning = GW_YAML_FLOAT;
        text++;
        if (*text == '+' || *text == '-')
            text++;
        if (!skip_digits(&text))
            return GW_YAML_TEXT;
    }
    return *text == '\0' ? meaning : GW_YAML_TEXT;
}

enum gw_yaml_meaning gw_yaml_meaning(const struct gw_yaml *scalar)
{
    static const struct {
        const char *text;
        enum gw_yaml_meaning meaning;
    } words[] = {
        {"", GW_YAML_NULL},         {"~", GW_YAML_NULL},        {"null", GW_YAML_NULL},     {"Null", GW_YAML_NULL},
        {"NULL", GW_YAML_NULL},     {"true", GW_YAML_BOOLEAN},  {"True", GW_YAML_BOOLEAN},  {"TRUE", GW_YAML_BOOLEAN},
        {"false", GW_YAML_BOOLEAN}, {"False", GW_YAML_BOOLEAN}, {"FALSE", GW_YAML_BOOLEAN},
    };
    if (!scalar->plain)
        return GW_YAML_TEXT;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(scalar->text, words[i].text) == 0)
            return words[i].meaning;
    return number_meaning(scalar->text);
}
