/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may sign the certificates of the servers that we call: the text of the files that a configuration names, read
 * when it is loaded, so that no call reads files on a worker's loop. A reload renews it.
 */
#ifndef GW_AUTHORITIES_H
#define GW_AUTHORITIES_H

#include "gateway/config.h"

/* base64url of a SHA-256, and NUL. */
#define GW_AUTHORITIES_ID_SIZE 44

/* Immutable once loaded. */
struct gw_authorities {
    char *pem; /* all files, one after the other; NULL when none was named: the system's authorities */
    size_t len;
    char id[GW_AUTHORITIES_ID_SIZE]; /* tells them from others; "" for the system's */
};

/* Read the files. False when one holds no certificate, reported. Release it in either case. */
bool gw_authorities_load(struct gw_authorities *authorities, const struct gw_file_list *files,
                         struct gw_config_errors *errors);

void gw_authorities_release(struct gw_authorities *authorities);

#endif
