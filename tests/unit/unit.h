/*
 * What every unit test shares: one suite per program, run to CUnit's usual
 * closing lines, non-zero exit when anything failed.
 */
#ifndef PTA_TESTS_UNIT_H
#define PTA_TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

typedef struct unit_test {
    const char *name;
    void (*run)(void);
} unit_test;

/** Asserts PTA_OK and prints the stored error otherwise. */
#define UNIT_OK(ctx, call)                                                     \
    do {                                                                       \
        pta_status unit_status = (call);                                       \
        if (unit_status != PTA_OK) {                                           \
            fprintf(stderr, "\n%s:%d: %s: %s\n", __FILE__, __LINE__,           \
                    pta_status_name(unit_status), pta_ctx_error(ctx));         \
        }                                                                      \
        CU_ASSERT_EQUAL_FATAL(unit_status, PTA_OK);                            \
    } while (0)

static inline int unit_main(const char *suite_name, const unit_test *tests,
                            size_t n_tests)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        return 1;
    }
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    for (size_t i = 0; i < n_tests; i++) {
        CU_add_test(suite, tests[i].name, tests[i].run);
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed == 0 ? 0 : 1;
}

#define UNIT_MAIN(suite, tests)                                                \
    int main(void)                                                             \
    {                                                                          \
        return unit_main(suite, tests, sizeof(tests) / sizeof *(tests));       \
    }

#endif
