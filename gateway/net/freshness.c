/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/freshness.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A run of text within the field value. */
struct span {
    const char *text;
    size_t len;
};

static bool is(struct span span, const char *name)
{
    return span.len == strlen(name) && strncasecmp(span.text, name, span.len) == 0;
}

/* The end of the quoted string (RFC 9110 section 5.6.4) that begins at `p`. */
static const char *skip_quoted(const char *p)
{
    for (++p; *p != '\0' && *p != '"'; ++p)
        if (*p == '\\' && p[1] != '\0')
            ++p;
    return *p == '"' ? p + 1 : p;
}

/* Take one directive off the front of `*rest`: its name and, after '=', its argument without quotes, else empty. */
static void take_directive(const char **rest, struct span *name, struct span *argument)
{
    const char *p = *rest + strspn(*rest, " \t,");
    *name = (struct span){p, strcspn(p, " \t,=")};
    *argument = (struct span){"", 0};
    p += name->len;
    p += strspn(p, " \t");
    if (*p == '=') {
        ++p;
        p += strspn(p, " \t");
        bool quoted = *p == '"';
        const char *end = quoted ? skip_quoted(p) : p + strcspn(p, " \t,");
        *argument = (struct span){p + quoted, (size_t)(end - p)};
        if (quoted)
            argument->len -= end[-1] == '"' && end - p > 1 ? 2 : 1;
        p = end;
    }
    /* What does not belong there is not guessed at. */
    while (*p != '\0' && *p != ',')
        p = *p == '"' ? skip_quoted(p) : p + 1;
    *rest = p;
}

/* delta-seconds (RFC 9111 section 1.2.2); one that cannot be read makes the answer stale (section 4.2.1). */
static int64_t seconds_of(struct span argument)
{
    size_t digits = strspn(argument.text, "0123456789");
    if (argument.len == 0 || digits < argument.len)
        return 0;
    int64_t seconds = strtoll(argument.text, NULL, 10);
    return seconds > GW_MAX_FRESHNESS_S ? GW_MAX_FRESHNESS_S : seconds;
}

int64_t gw_freshness_of(const char *cache_control)
{
    int64_t least = -1;
    while (*cache_control != '\0') {
        struct span name, argument;
        int64_t said = -1;
        take_directive(&cache_control, &name, &argument);
        if (is(name, "no-store") || is(name, "no-cache"))
            said = 0;
        else if (is(name, "max-age"))
            said = seconds_of(argument);
        if (said >= 0 && (least < 0 || said < least))
            least = said;
    }
    return least;
}
