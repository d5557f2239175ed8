/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main() of a test program: SUITE("plan", a_test, another_test) at the end of the file;
 * SUITE_WITH("file", setup, teardown, a_test, …) has something set up before each test and torn down after
 * it. */
#pragma once

#include <check.h>
#include <stdlib.h>

static inline int suite_run(const char *name, SFun setup, SFun teardown, const TTest *const *tests,
                            size_t n_tests)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    /* A hang is noticed by the test harness; a slow machine, or valgrind, is none. */
    tcase_set_timeout(tcase, 0);
    if (setup)
        tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < n_tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define SUITE_WITH(name, setup, teardown, ...)                                                               \
    int main(void)                                                                                           \
    {                                                                                                        \
        const TTest *const tests[] = {__VA_ARGS__};                                                          \
        return suite_run(name, setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));                    \
    }

#define SUITE(name, ...) SUITE_WITH(name, NULL, NULL, __VA_ARGS__)
