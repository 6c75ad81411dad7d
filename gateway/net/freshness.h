/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an answer may be used again without asking (RFC 9111 sections 4.2 and 5.2.2).
 */
#ifndef GW_FRESHNESS_H
#define GW_FRESHNESS_H

#include <stdint.h>

/* Longer ones are not believed; it also keeps a caller's arithmetic far from overflow. */
#define GW_MAX_FRESHNESS_S ((int64_t)30 * 86400)

/* What a field value of Cache-Control says, in seconds: its max-age, at most GW_MAX_FRESHNESS_S; 0 when the answer must
 * not be stored, or not be used without asking; -1 when it says nothing of this. Of several values the least holds. */
int64_t gw_freshness_of(const char *cache_control);

#endif
