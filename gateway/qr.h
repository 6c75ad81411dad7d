/* SPDX-License-Identifier: Apache-2.0
 *
 * QR codes (ISO/IEC 18004): of the links of credential offers, as an SVG image or as text for a terminal.
 */
#ifndef GW_QR_H
#define GW_QR_H

#include <stdbool.h>
#include <stdio.h>

/* A code of `size` times `size` modules. */
struct gw_qr {
    int size;
    unsigned char *modules; /* row by row; bit 0: dark */
};

/* Make the code of a text, with the error correction that there is room for. False when it is too long for any. Free
 * with gw_qr_free. */
bool gw_qr_make(const char *text, struct gw_qr *qr);
void gw_qr_free(struct gw_qr *qr);

/* Whether the module at (x, y) is dark; those outside, the quiet zone, are not. */
bool gw_qr_dark(const struct gw_qr *qr, int x, int y);

/* The image as SVG, with its quiet zone, black on white; the caller frees it. */
char *gw_qr_svg(const struct gw_qr *qr);

/* Write it with half blocks, two rows of modules a line. `colours`: black on white, whatever the terminal's colours
 * are; else for one that is light on dark, as most. */
void gw_qr_print(const struct gw_qr *qr, FILE *out, bool colours);

#endif
