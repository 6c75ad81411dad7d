/* SPDX-License-Identifier: Apache-2.0
 *
 * The one result type of the protocol library.
 *
 * What a peer can cause is a value of this type; what only a bug can cause is an s2s_assert, which
 * stays on in release builds.
 */
#ifndef S2S_RESULT_H
#define S2S_RESULT_H

#include <stdbool.h>

#define S2S_MUST_CHECK __attribute__((warn_unused_result))

/* What went wrong, coarse enough for a caller to branch on. */
enum s2s_code {
    S2S_OK = 0,
    S2S_MALFORMED,   /* not the syntax it should be: base64url, JSON, JOSE structure, PEM */
    S2S_UNSUPPORTED, /* well formed, but an algorithm, key type or option that is not accepted */
    S2S_BAD_KEY,     /* a key that cannot be used: off the curve, private members, wrong use */
    S2S_UNKNOWN_KEY, /* names a key that we do not hold */
    S2S_REFUSED,     /* a signature or an authentication tag does not verify */
    S2S_MISMATCH,    /* a claim or header is not the expected one */
    S2S_STALE,       /* a time is outside of its window */
    S2S_LIMIT,       /* larger, deeper or more numerous than allowed */
    S2S_INTERNAL,    /* the crypto library failed for no fault of the input */

    /* The two verdicts of the draft ("Error Types"); only proto/wsk.h returns them. */
    S2S_INVALID_ENCRYPTION,
    S2S_INVALID_CLIENT_AUTHENTICATION,
};

/* `detail` is a static English sentence without key material or personal data, fit for a problem's
 * `detail` member; it is NULL exactly when `code` is S2S_OK. */
struct s2s_result {
    enum s2s_code code;
    const char *detail;
};

static inline struct s2s_result s2s_ok(void)
{
    return (struct s2s_result){S2S_OK, (const char *)0};
}

static inline struct s2s_result s2s_fail(enum s2s_code code, const char *detail)
{
    return (struct s2s_result){code, detail};
}

static inline S2S_MUST_CHECK bool s2s_failed(struct s2s_result r)
{
    return r.code != S2S_OK;
}

/* Return the failure of `expr` (a struct s2s_result) to the caller. */
#define S2S_TRY(expr)                                                                                                  \
    do {                                                                                                               \
        struct s2s_result s2s_try_ = (expr);                                                                           \
        if (s2s_failed(s2s_try_))                                                                                      \
            return s2s_try_;                                                                                           \
    } while (0)

/* Prints the expression and its place to stderr and aborts; never compiled out. */
#define s2s_assert(expr) ((expr) ? (void)0 : s2s_assert_failed(#expr, __FILE__, __LINE__, __func__))

__attribute__((noreturn)) void s2s_assert_failed(const char *expr, const char *file, int line, const char *func);

#endif
