/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of s2sctl share: a run whose output is caught, and whose complaints are.
 */
#ifndef TEST_CTL_SUPPORT_H
#define TEST_CTL_SUPPORT_H

#include "gateway/ctl/ctl.h"
#include "proto/json.h"
#include "tests/unit/check_main.h"

#include <string.h>
#include <unistd.h>

static struct ctl ctl;
static char *output;
static size_t output_len;
static FILE *complaints;

static inline void ctl_setup(void)
{
    ctl = (struct ctl){.arena = s2s_arena_new((size_t)64 << 20)};
    ctl_screen_init(&ctl.screen, stdout, "never");
    ctl.screen.out = open_memstream(&output, &output_len);
    ck_assert_ptr_nonnull(ctl.screen.out);
    complaints = tmpfile();
    ck_assert_ptr_nonnull(complaints);
    ck_assert_int_ge(dup2(fileno(complaints), STDERR_FILENO), 0); /* Check runs each test in a process of its own */
}

static inline void ctl_teardown(void)
{
    fclose(ctl.screen.out);
    free(output);
    fclose(complaints);
    s2s_arena_free(ctl.arena);
}

/* All that was written so far. */
static inline const char *shown(void)
{
    fflush(ctl.screen.out);
    return output;
}

/* All that was complained of so far. */
static inline const char *complained(void)
{
    static char text[4096];
    fflush(stderr);
    ssize_t len = pread(fileno(complaints), text, sizeof text - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static inline struct json_object *parsed(const char *text)
{
    struct json_object *json = ctl_parse_json(&ctl, "the test", text, strlen(text));
    ck_assert_ptr_nonnull(json);
    return json;
}

#endif
