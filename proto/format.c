/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include "hex.h"
#include "uuid.h"

#include <string.h>

/* ASCII only: the answers of <ctype.h> depend on the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
    return is_alpha(c) || is_digit(c);
}

static bool is_hex(char c)
{
    return s2s_hex_value(c) >= 0;
}

struct cursor {
    const char *at;
    const char *end;
};

/* Take exactly `digits` decimal digits. */
static bool take_number(struct cursor *c, int digits, int *value)
{
    *value = 0;
    for (; digits > 0; digits--, c->at++) {
        if (c->at == c->end || !is_digit(*c->at))
            return false;
        *value = *value * 10 + (*c->at - '0');
    }
    return true;
}

/* Take one character of `set`; which one, or '\0'. */
static char take_one_of(struct cursor *c, const char *set)
{
    if (c->at == c->end || *c->at == '\0' || !strchr(set, *c->at))
        return '\0';
    return *c->at++;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 to this day of the proleptic Gregorian calendar. Years are counted from March on, so that the
 * leap day is the last of its year, and in eras of 400 years, which all have 146,097 days. */
static int64_t days_since_epoch(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* full-date */
static bool take_date(struct cursor *c, int64_t *days)
{
    int year, month, day;
    if (!(take_number(c, 4, &year) && take_one_of(c, "-") && take_number(c, 2, &month) && take_one_of(c, "-") &&
          take_number(c, 2, &day) && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month)))
        return false;
    *days = days_since_epoch(year, month, day);
    return true;
}

/* partial-time */
static bool take_time(struct cursor *c, int *minute_of_day, int *second)
{
    int hour, minute;
    if (!(take_number(c, 2, &hour) && take_one_of(c, ":") && take_number(c, 2, &minute) && take_one_of(c, ":") &&
          take_number(c, 2, second)))
        return false;
    if (take_one_of(c, ".")) {
        int digit;
        if (!take_number(c, 1, &digit))
            return false;
        while (c->at < c->end && is_digit(*c->at))
            c->at++;
    }
    *minute_of_day = hour * 60 + minute;
    return hour <= 23 && minute <= 59 && *second <= 60;
}

/* time-offset, in minutes east of UTC */
static bool take_offset(struct cursor *c, int *minutes)
{
    *minutes = 0;
    if (take_one_of(c, "Zz"))
        return true;
    char sign = take_one_of(c, "+-");
    int hour, minute;
    if (!sign || !(take_number(c, 2, &hour) && take_one_of(c, ":") && take_number(c, 2, &minute)))
        return false;
    *minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

bool s2s_date_time_read(const char *text, size_t len, int64_t *seconds)
{
    struct cursor c = {text, text + len};
    int minute_of_day, second, offset;
    int64_t days;
    if (!(take_date(&c, &days) && take_one_of(&c, "Tt") && take_time(&c, &minute_of_day, &second) &&
          take_offset(&c, &offset) && c.at == c.end))
        return false;
    /* RFC 3339 section 5.7: second 60 exists only as a leap second, which ends a day of UTC. */
    const int day = 24 * 60;
    if (second >= 60 && (minute_of_day - offset + day) % day != day - 1)
        return false;
    *seconds = (days * day + minute_of_day - offset) * 60 + second;
    return true;
}

static bool valid_date_time(const char *text, size_t len)
{
    int64_t seconds;
    return s2s_date_time_read(text, len, &seconds);
}

/* Subtags of 1 to 8 letters or digits; the first is of letters, and a lone one only as the "x" of private use or the
 * "i" of the grandfathered tags, which something must follow. */
static bool valid_bcp47(const char *text, size_t len)
{
    size_t subtags = 0, length = 0, first_length = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '-') {
            if (!(subtags == 0 ? is_alpha(text[i]) : is_alnum(text[i])))
                return false;
            length++;
            continue;
        }
        if (length < 1 || length > 8)
            return false;
        if (subtags++ == 0)
            first_length = length;
        length = 0;
    }
    return first_length > 1 || (subtags > 1 && strchr("ixIX", text[0]));
}

static bool valid_uri(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && (is_alnum(text[i]) || (text[i] != '\0' && strchr("+-.", text[i]))))
        i++;
    if (i == 0 || !is_alpha(text[0]) || i + 1 >= len || text[i] != ':')
        return false;
    for (i++; i < len; i++) {
        if (text[i] == '%') {
            if (len - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
                return false;
            i += 2;
        } else if (!is_alnum(text[i]) && (text[i] == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=", text[i]))) {
            return false;
        }
    }
    return true;
}

static bool valid_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return len > 0;
}

const struct s2s_format_info s2s_formats[S2S_FORMATS] = {
    [S2S_UUID] = {s2s_uuid_valid, "must be a UUID", "uuid", NULL},
    [S2S_DATE_TIME] = {valid_date_time, "must be an RFC 3339 date-time", "date-time", NULL},
    [S2S_BCP47] = {valid_bcp47, "must be a BCP 47 language tag", NULL,
                   "^([A-Za-z]{2,8}|[ixIX]-[A-Za-z0-9]{1,8})(-[A-Za-z0-9]{1,8})*$"},
    [S2S_URI] = {valid_uri, "must be a URI", "uri", NULL},
    [S2S_TOKEN] = {valid_token, "must consist of visible ASCII characters", NULL, "^[!-~]+$"},
};
