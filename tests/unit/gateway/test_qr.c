/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/qr.h"

#include "tests/unit/check_main.h"

#include <string.h>

static struct gw_qr qr;

static void setup(void)
{
    ck_assert(gw_qr_make("openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example", &qr));
}

static void teardown(void)
{
    gw_qr_free(&qr);
}

/* ISO/IEC 18004 section 6.3.3: a dark square of 3 within a light and a dark frame, in three corners. */
static void check_finder(int left, int top)
{
    for (int y = -1; y <= 7; y++)
        for (int x = -1; x <= 7; x++) {
            int dx = x < 3 ? 3 - x : x - 3, dy = y < 3 ? 3 - y : y - 3, ring = dx > dy ? dx : dy;
            ck_assert_msg(gw_qr_dark(&qr, left + x, top + y) == (ring != 2 && ring != 4), "%d %d", x, y);
        }
}

START_TEST(corners_have_finders)
{
    ck_assert_int_eq(qr.size % 4, 1);
    check_finder(0, 0);
    check_finder(qr.size - 7, 0);
    check_finder(0, qr.size - 7);
}
END_TEST

START_TEST(svg_is_one_image_with_a_quiet_zone)
{
    char *svg = gw_qr_svg(&qr), begin[128];
    snprintf(begin, sizeof begin, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\"", qr.size + 8,
             qr.size + 8);
    ck_assert_int_eq(strncmp(svg, begin, strlen(begin)), 0);
    ck_assert_ptr_nonnull(strstr(svg, "d=\"M4 4h7v1h-7z"));
    ck_assert_str_eq(svg + strlen(svg) - strlen("\"/></svg>"), "\"/></svg>");
    free(svg);
}
END_TEST

static const char *printed(bool colours)
{
    static char text[65536];
    FILE *out = fmemopen(text, sizeof text, "w");
    gw_qr_print(&qr, out, colours);
    fclose(out);
    return text;
}

START_TEST(a_terminal_gets_two_rows_a_line)
{
    int lines = 0;
    for (const char *c = printed(true); *c; c++)
        lines += *c == '\n';
    ck_assert_int_eq(lines, (qr.size + 8 + 1) / 2);
    ck_assert_ptr_nonnull(strstr(printed(true), "\033[30;107m    █▀▀▀▀▀█"));
    ck_assert_ptr_nonnull(strstr(printed(false), "\n████ ▄▄▄▄▄ █"));
}
END_TEST

START_TEST(too_long_a_text_has_no_code)
{
    char *text = malloc(4000);
    memset(text, 'x', 3999);
    text[3999] = '\0';
    struct gw_qr none;
    ck_assert(!gw_qr_make(text, &none));
    text[2900] = '\0';
    ck_assert(gw_qr_make(text, &none));
    gw_qr_free(&none);
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("qr");
    TCase *tc = tcase_create("qr");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, corners_have_finders);
    tcase_add_test(tc, svg_is_one_image_with_a_quiet_zone);
    tcase_add_test(tc, a_terminal_gets_two_rows_a_line);
    tcase_add_test(tc, too_long_a_text_has_no_code);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
