/* SPDX-License-Identifier: Apache-2.0
 *
 * UUIDs (RFC 9562).
 */
#ifndef S2S_UUID_H
#define S2S_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define S2S_UUID_SIZE 37 /* text form with NUL */

/* Whether the `len` characters are the 8-4-4-4-12 text form, either case, any version. */
bool s2s_uuid_valid(const char *text, size_t len);

/* A random (version 4) UUID in lower case. */
void s2s_uuid_new(char out[S2S_UUID_SIZE]);

#endif
