/* SPDX-License-Identifier: Apache-2.0
 *
 * The textual formats that a string member of a message can have.
 */
#ifndef S2S_FORMAT_H
#define S2S_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum s2s_format {
    S2S_ANY,
    S2S_UUID,      /* RFC 9562 */
    S2S_DATE_TIME, /* RFC 3339 section 5.6, a real day and time */
    S2S_BCP47,     /* the shape of a language tag (RFC 5646 section 2.1), not its registration */
    S2S_URI,       /* a scheme and characters that RFC 3986 allows */
    S2S_TOKEN,     /* visible ASCII: no spaces, no control characters */
    S2S_FORMATS
};

/* One row of the table of formats. All members of S2S_ANY are NULL. */
struct s2s_format_info {
    bool (*valid)(const char *text, size_t len);
    const char *message;      /* what a violation says */
    const char *json_format;  /* JSON Schema `format`, or NULL */
    const char *json_pattern; /* JSON Schema `pattern`, or NULL */
};

extern const struct s2s_format_info s2s_formats[S2S_FORMATS];

/* The moment that an S2S_DATE_TIME names, in seconds since the epoch, without its fraction; false when it is none. */
bool s2s_date_time_read(const char *text, size_t len, int64_t *seconds);

#endif
