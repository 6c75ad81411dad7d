/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom the load goes to: a URL, its addresses, and the rule that keeps load away from strangers.
 */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include "tests/load/common.h"

#include <sys/socket.h>

#define LOAD_MAX_ADDRESSES 16
#define LOAD_MAX_HOST 256
#define LOAD_MAX_PATH 512

struct load_target {
    char host[LOAD_MAX_HOST]; /* a name, or an address without brackets */
    char port[6];
    char authority[LOAD_MAX_HOST + 8]; /* as it stands in the URL, for HTTP */
    char base[LOAD_MAX_PATH];          /* path of the URL without its last slash; "" for none */
    struct sockaddr_storage addresses[LOAD_MAX_ADDRESSES];
    socklen_t address_lens[LOAD_MAX_ADDRESSES];
    size_t address_count;
};

/* Read an https URL without user, query and fragment. */
S2S_MUST_CHECK bool load_target_parse(const char *url, struct load_target *target, struct load_error *error);

/* Find the addresses, once for the whole run. */
S2S_MUST_CHECK bool load_target_resolve(struct load_target *target, struct load_error *error);

/* Whether load may be sent there: every address is one of 127.0.0.0/8 or ::1, or the user has named the host twice
 * (either may be NULL). Whoever mistypes a URL does not load-test somebody else's server. */
S2S_MUST_CHECK bool load_target_permit(const struct load_target *target, const char *host, const char *really,
                                       struct load_error *error);

#endif
