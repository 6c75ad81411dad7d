/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ctl/screen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define DEFAULT_WIDTH 80
#define BAR_WIDTH 30

/* ---- what the terminal can do ---- */

static bool wants_colours(const struct ctl_screen *screen, const char *colour)
{
    if (colour != NULL && strcmp(colour, "auto") != 0)
        return strcmp(colour, "always") == 0;
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return screen->is_terminal && (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

static size_t terminal_width(int fd)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    long given = columns != NULL ? strtol(columns, NULL, 10) : 0;
    if (given > 0)
        return (size_t)given;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : DEFAULT_WIDTH;
}

void ctl_screen_init(struct ctl_screen *screen, FILE *out, const char *colour)
{
    *screen = (struct ctl_screen){.out = out, .is_terminal = isatty(fileno(out)) == 1};
    screen->colours = wants_colours(screen, colour);
    screen->width = screen->is_terminal ? terminal_width(fileno(out)) : 0;
}

/* ---- text ---- */

/* One character of the text as it is written. */
struct glyph {
    size_t len;     /* octets of the text that it takes */
    size_t columns; /* columns that it takes on the screen */
    bool is_plain;  /* it may be written as it is; else each octet is escaped */
};

/* The length of the UTF-8 character at `text` (RFC 3629), and its code point; 0 when there is none. */
static size_t decode(const char *text, uint32_t *code)
{
    const unsigned char *at = (const unsigned char *)text;
    static const struct {
        unsigned char mask, lead;
        size_t len;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0}, {0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); ++i) {
        if ((at[0] & forms[i].mask) != forms[i].lead)
            continue;
        *code = at[0] & (unsigned char)~forms[i].mask;
        for (size_t k = 1; k < forms[i].len; ++k) {
            if ((at[k] & 0xc0) != 0x80)
                return 0;
            *code = *code << 6 | (at[k] & 0x3f);
        }
        bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
        return *code >= forms[i].least && *code <= 0x10ffff && !surrogate ? forms[i].len : 0;
    }
    return 0;
}

/* Characters that change the order of others (Unicode Bidirectional Algorithm): a name could pretend to be another. */
static bool is_bidi_control(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static struct glyph glyph_at(const char *text)
{
    uint32_t code;
    size_t len = decode(text, &code);
    if (len == 0)
        return (struct glyph){1, 4, false};
    int columns = wcwidth((wchar_t)code);
    if (columns < 0 || is_bidi_control(code))
        return (struct glyph){len, 4 * len, false};
    return (struct glyph){len, (size_t)columns, true};
}

size_t ctl_text_width(const char *text)
{
    size_t width = 0;
    while (*text != '\0') {
        struct glyph glyph = glyph_at(text);
        width += glyph.columns;
        text += glyph.len;
    }
    return width;
}

static void put_glyph(FILE *out, const char *text, struct glyph glyph)
{
    for (size_t i = 0; i < glyph.len; ++i) {
        if (glyph.is_plain)
            fputc(text[i], out);
        else
            fprintf(out, "\\x%02x", (unsigned char)text[i]);
    }
}

/* At most `width` columns; returns how many. */
static size_t put_text(FILE *out, const char *text, size_t width)
{
    bool cut = width > 0 && ctl_text_width(text) > width;
    size_t room = cut ? width - 1 : SIZE_MAX, used = 0;
    while (*text != '\0') {
        struct glyph glyph = glyph_at(text);
        if (used + glyph.columns > room)
            break;
        put_glyph(out, text, glyph);
        used += glyph.columns;
        text += glyph.len;
    }
    if (cut)
        fputs("…", out);
    return used + cut;
}

static const char *const sequences[] = {
    [CTL_DEFAULT] = "",       [CTL_BOLD] = "\033[1m",    [CTL_DIM] = "\033[2m",   [CTL_RED] = "\033[31m",
    [CTL_GREEN] = "\033[32m", [CTL_YELLOW] = "\033[33m", [CTL_BLUE] = "\033[34m", [CTL_CYAN] = "\033[36m",
};

void ctl_screen_put(const struct ctl_screen *screen, enum ctl_colour colour, const char *text, size_t width, bool pad)
{
    bool coloured = screen->colours && colour != CTL_DEFAULT;
    if (coloured)
        fputs(sequences[colour], screen->out);
    size_t used = put_text(screen->out, text, width);
    if (coloured)
        fputs("\033[0m", screen->out);
    for (; pad && used < width; ++used)
        fputc(' ', screen->out);
}

/* ---- meaning ---- */

enum ctl_colour ctl_state_colour(const char *state)
{
    static const struct {
        const char *state;
        enum ctl_colour colour;
    } rows[] = {
        {"APPROVED", CTL_GREEN},    {"ACTIVE", CTL_GREEN},
        {"COMPLETED", CTL_GREEN},   {"SUCCESS", CTL_GREEN},
        {"OPEN", CTL_GREEN},        {"READY", CTL_GREEN},
        {"VERIFIED", CTL_GREEN},    {"delivered", CTL_GREEN},
        {"PENDING", CTL_YELLOW},    {"ADDITIONAL_INFO_REQUIRED", CTL_YELLOW},
        {"IN_PROCESS", CTL_YELLOW}, {"SUSPENDED_ISSUER", CTL_YELLOW},
        {"RUNNING", CTL_YELLOW},    {"SUSPENDED_WALLET", CTL_YELLOW},
        {"SCHEDULED", CTL_YELLOW},  {"REJECTED", CTL_RED},
        {"DENIED", CTL_RED},        {"FAILED", CTL_RED},
        {"CANCELLED", CTL_RED},     {"given_up", CTL_RED},
        {"INVALID", CTL_RED},       {"EXHAUSTED", CTL_RED},
        {"REVOKED", CTL_RED},       {"EXPIRED", CTL_DIM},
        {"UNLINKED", CTL_DIM},      {"USED", CTL_DIM},
        {"NO_CHANGE", CTL_DIM},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].colour;
    return CTL_DEFAULT;
}

/* ---- what moves ---- */

void ctl_screen_progress(const struct ctl_screen *screen, long done, long total, long failed, bool last)
{
    if (!screen->is_terminal)
        return;
    long filled = total > 0 ? done * BAR_WIDTH / total : last ? BAR_WIDTH : 0;
    fputs("\r\033[K", screen->out);
    for (long i = 0; i < BAR_WIDTH; ++i)
        fputs(i < filled ? "█" : "░", screen->out);
    fprintf(screen->out, " %3ld %%  %ld of %ld", total > 0 ? done * 100 / total : last ? 100L : 0L, done, total);
    if (failed > 0)
        fprintf(screen->out, ", %ld failed", failed);
    if (last)
        fputc('\n', screen->out);
    fflush(screen->out);
}

void ctl_screen_clear(const struct ctl_screen *screen)
{
    if (screen->is_terminal)
        fputs("\033[H\033[J", screen->out);
}
