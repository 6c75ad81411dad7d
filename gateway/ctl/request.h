/* SPDX-License-Identifier: Apache-2.0
 *
 * A command that is one request: what its row and the command line say becomes method, path, query and body.
 */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include "gateway/ctl/ctl.h"

/* The path with its operands, and the query of those options that go there; in the arena. */
const char *ctl_request_path(struct ctl *ctl);

/* The body, of those options that go there; owned by the arena. NULL: one of them names a file that cannot be read,
 * which has been told. */
struct json_object *ctl_request_body(struct ctl *ctl);

/* Send the request and show the answer. With --all, every page of a list. */
enum ctl_status ctl_request_run(struct ctl *ctl);

#endif
