/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal: its width, colours, and text that cannot harm it. What comes from elsewhere (a reason that a wallet
 * gave) may hold control characters; nothing of it reaches the terminal as such.
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ctl_colour { CTL_DEFAULT, CTL_BOLD, CTL_DIM, CTL_RED, CTL_GREEN, CTL_YELLOW, CTL_BLUE, CTL_CYAN };

struct ctl_screen {
    FILE *out;
    bool is_terminal;
    bool colours;
    size_t width; /* columns; 0: unlimited, as it is not a terminal */
};

/* Look at `out`. `colour` is "always", "never" or "auto" (NULL): on a terminal that is not dumb, unless NO_COLOR is
 * set (https://no-color.org). */
void ctl_screen_init(struct ctl_screen *screen, FILE *out, const char *colour);

/* Columns that the text takes, as ctl_screen_put writes it. */
size_t ctl_text_width(const char *text);

/* Write text, at most `width` columns of it (0: all), padded to them if `pad`; what is cut off ends in "…". Control
 * characters, and what is not UTF-8, become "\xNN". */
void ctl_screen_put(const struct ctl_screen *screen, enum ctl_colour colour, const char *text, size_t width, bool pad);

/* The colour of a status or an outcome. */
enum ctl_colour ctl_state_colour(const char *state);

/* Draw a progress bar in place ("████░░░░  40 %  400 of 1000, 2 failed"); on what is not a terminal, nothing. The last
 * one ends the line. */
void ctl_screen_progress(const struct ctl_screen *screen, long done, long total, long failed, bool last);

/* Clear a terminal before what is shown again. */
void ctl_screen_clear(const struct ctl_screen *screen);

#endif
