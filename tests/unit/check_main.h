/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function of a unit test: runs one Check suite, each test in a process of its own.
 */
#ifndef S2S_CHECK_MAIN_H
#define S2S_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* A time in which something is over, or is not, in milliseconds: longer where all is slower, such as under valgrind. */
static inline int test_ms(int ms)
{
    const char *slowness = getenv("S2S_TEST_SLOWNESS");
    return slowness != NULL ? ms * atoi(slowness) : ms;
}

/* Define main() to run the suite that `suite_fn` (Suite *(void)) makes. */
#define S2S_TEST_MAIN(suite_fn)                                                                                        \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        /* Check's own limit of 4 s a test is too short under valgrind; read when a test case is made. */              \
        setenv("CK_DEFAULT_TIMEOUT", "60", 0);                                                                         \
        SRunner *runner = srunner_create(suite_fn());                                                                  \
        srunner_run_all(runner, CK_ENV);                                                                               \
        int failed = srunner_ntests_failed(runner);                                                                    \
        srunner_free(runner);                                                                                          \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                              \
    }

#endif
