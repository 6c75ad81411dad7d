/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured logs: one JSON object a line on stderr. Lines carry ids, never payloads, keys or personal data.
 */
#ifndef GW_LOG_H
#define GW_LOG_H

#include <stdarg.h>
#include <stdint.h>

enum gw_log_level { GW_LOG_DEBUG, GW_LOG_INFO, GW_LOG_WARN, GW_LOG_ERROR };

/* Least level that is written; default GW_LOG_INFO. */
void gw_log_set_level(enum gw_log_level level);

/* A member of a log line: GW_S("peer", name) or GW_I("status", 200). A NULL string is left out. */
struct gw_log_field {
    const char *name;
    const char *text; /* NULL: `number` is meant when is_number, else the field is left out */
    int64_t number;
    int is_number;
};

#define GW_S(name, text) ((struct gw_log_field){(name), (text), 0, 0})
#define GW_I(name, number) ((struct gw_log_field){(name), 0, (number), 1})

/* Write {"time":…,"level":…,"event":EVENT,…fields}, one write(2) a line, so that lines of several threads never
 * mix. Strings are escaped and cut at 512 octets. Use gw_log. */
void gw_log_fields(enum gw_log_level level, const char *event, const struct gw_log_field *fields, unsigned count);

/* gw_log(GW_LOG_INFO, "listening", GW_S("address", a), GW_I("port", p)); */
#define gw_log(level, event, ...)                                                                                      \
    gw_log_fields((level), (event), (const struct gw_log_field[]){__VA_ARGS__},                                        \
                  sizeof((const struct gw_log_field[]){__VA_ARGS__}) / sizeof(struct gw_log_field))

#endif
