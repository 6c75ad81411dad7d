/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/qr.h"

#include "proto/result.h"

#include <qrencode.h>
#include <stdlib.h>
#include <string.h>

/* Modules that stay light around a code (ISO/IEC 18004 section 9.1). */
#define QUIET 4

bool gw_qr_make(const char *text, struct gw_qr *qr)
{
    static const QRecLevel levels[] = {QR_ECLEVEL_M, QR_ECLEVEL_L};
    QRcode *code = NULL;
    for (size_t i = 0; code == NULL && i < sizeof(levels) / sizeof(levels[0]); ++i)
        code = QRcode_encodeString8bit(text, 0, levels[i]);
    if (code == NULL)
        return false;
    size_t count = (size_t)code->width * (size_t)code->width;
    *qr = (struct gw_qr){code->width, malloc(count)};
    s2s_assert(qr->modules != NULL);
    memcpy(qr->modules, code->data, count);
    QRcode_free(code);
    return true;
}

void gw_qr_free(struct gw_qr *qr)
{
    free(qr->modules);
    *qr = (struct gw_qr){0};
}

bool gw_qr_dark(const struct gw_qr *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->size && y < qr->size && (qr->modules[y * qr->size + x] & 1) != 0;
}

/* One path for all dark modules: a rectangle for each run of them in a row. */
static void put_runs(const struct gw_qr *qr, FILE *out)
{
    for (int y = 0; y < qr->size; ++y)
        for (int x = 0; x < qr->size; ++x) {
            int begin = x;
            while (gw_qr_dark(qr, x, y))
                ++x;
            if (x > begin)
                fprintf(out, "M%d %dh%dv1h-%dz", begin + QUIET, y + QUIET, x - begin, x - begin);
        }
}

char *gw_qr_svg(const struct gw_qr *qr)
{
    char *text = NULL;
    size_t len = 0;
    int size = qr->size + 2 * QUIET;
    FILE *out = open_memstream(&text, &len);
    s2s_assert(out != NULL);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
            "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
            size, size, size, size);
    put_runs(qr, out);
    fputs("\"/></svg>", out);
    s2s_assert(fclose(out) == 0);
    return text;
}

void gw_qr_print(const struct gw_qr *qr, FILE *out, bool colours)
{
    static const char *const blocks[] = {" ", "▄", "▀", "█"}; /* by the upper and the lower half */
    for (int y = -QUIET; y < qr->size + QUIET; y += 2) {
        fputs(colours ? "\033[30;107m" : "", out);
        for (int x = -QUIET; x < qr->size + QUIET; ++x) {
            bool upper = gw_qr_dark(qr, x, y) == colours, lower = gw_qr_dark(qr, x, y + 1) == colours;
            fputs(blocks[2 * upper + lower], out);
        }
        fputs(colours ? "\033[0m\n" : "\n", out);
    }
}
