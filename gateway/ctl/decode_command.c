/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/actions.h"
#include "gateway/ctl/ctl.h"
#include "gateway/ctl/decode.h"

#include <string.h>

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_KEY 65536

/* The text of a file that an option names; true with NULL when it was not given. */
static bool read_option(struct ctl *ctl, const char *option, const char **text, size_t *len)
{
    const char *path = ctl_value(ctl, option);
    *text = path != NULL ? ctl_read_file(ctl, path, MAX_KEY, len) : NULL;
    return path == NULL || *text != NULL;
}

enum ctl_status ctl_run_decode(struct ctl *ctl)
{
    struct ctl_decoder decoder = {.arena = ctl->arena};
    size_t len = 0;
    const char *text = ctl->operands[0];
    if (!read_option(ctl, "key", &decoder.key, &decoder.key_len) ||
        !read_option(ctl, "verify-key", &decoder.verify_key, &decoder.verify_key_len))
        return CTL_USAGE;
    if (text == NULL || strcmp(text, "-") == 0)
        text = ctl_read_file(ctl, "-", MAX_TEXT, &len);
    else
        len = strlen(text);
    if (text == NULL)
        return CTL_USAGE;
    struct json_object *thing = ctl_decode(&decoder, text, len);
    if (thing == NULL)
        return ctl_fail(CTL_REFUSED, "this is no JWS, JWE, SD-JWT or credential offer");
    ctl_show(ctl, NULL, thing);
    return CTL_OK;
}
