/*
 * Dense kernels: the reference against plain 128-bit sums, every variant
 * against the reference, over random shapes, types, weights and epilogues.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED 20261122u

typedef struct dense_case {
    pta_dense dense;
    int32_t n;
    size_t x_stride, y_stride;
    void *x;
} dense_case;

static dense_case make_case(uint64_t *rng)
{
    static const int32_t cols[] = {1,   2,   3,   5,    15,  16,  31,
                                   32,  33,  63,  64,   65,  127, 200,
                                   512, 513, 784, 1030, 1500};
    static const int32_t rows[] = {1,  2,  3,  4,  5,  8, 10,
                                   15, 16, 17, 33, 64, 70};
    static const int32_t samples[] = {1, 1, 2, 3, 4, 5, 6, 7, 13};
    static const pta_dtype xs[] = {PTA_S8, PTA_S8, PTA_S16, PTA_S16, PTA_S32};
    dense_case c;
    pta_dtype y, x = xs[case_range(rng, 0, 4)], w = xs[case_range(rng, 0, 4)];
    bool hard = (pta_rng_next(rng) & 3) == 0;
    int64_t shrink = (pta_rng_next(rng) & 1) != 0 ? 1 : 23;
    int32_t n_cols = case_pick(rng, cols, 19);
    int32_t bits = 4 +
                   (x == PTA_S8    ? 7
                    : x == PTA_S16 ? 15
                                   : 25) +
                   (w == PTA_S8    ? 7
                    : w == PTA_S16 ? 15
                                   : 25);
    pta_epilogue e = case_epilogue(rng, bits, &y);
    c.dense = (pta_dense){.x = x, .y = y, .epilogue = e};
    c.dense.w =
        case_matrix(rng, w, case_pick(rng, rows, 13), n_cols, hard, shrink);
    c.n = case_pick(rng, samples, 9);
    /* exact size, so that a sanitizer sees a read past the last sample */
    c.x_stride = (size_t)n_cols * pta_type_bytes(x);
    c.y_stride = (size_t)c.dense.w.rows * pta_type_bytes(y) + 8;
    c.x = malloc(c.x_stride * (size_t)c.n);
    case_fill(rng, c.x, x, (int64_t)n_cols * c.n, hard);
    return c;
}

static void *run_case(dense_case *c, const pta_kernel_table *table)
{
    void *y = case_alloc(c->y_stride * (size_t)c->n);
    size_t bytes = pta_dense_prepared_bytes(&c->dense, table->ops);
    void *memory = case_alloc(bytes);
    pta_dense_prepare(&c->dense, table->ops, memory);
    void *work = case_alloc(pta_dense_work_bytes(&c->dense, c->n));
    const void *x = c->x;
    pta_batch batch = {.n = c->n,
                       .x = &x,
                       .x_stride = &c->x_stride,
                       .y = y,
                       .y_stride = c->y_stride,
                       .work = work};
    table->dense(&c->dense, &batch);
    free(work);
    free(memory);
    return y;
}

static bool same(const dense_case *c, const void *a, const void *b)
{
    return memcmp(a, b, c->y_stride * (size_t)c->n) == 0;
}

static void test_variants(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    pta_kernel_table ref, table;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    for (int i = 0; i < 3000; i++) {
        dense_case c = make_case(&rng);
        void *expected = run_case(&c, &ref);
        for (int v = 1; v < CASE_N_VARIANTS; v++) {
            if (!pta_kernel_table_fill(&table, case_variants[v])) {
                continue;
            }
            void *y = run_case(&c, &table);
            if (!same(&c, y, expected)) {
                printf("\ncase %d %s: x %d w %d y %d rows %d cols %d n %d "
                       "shift %d\n",
                       i, case_variants[v], c.dense.x, c.dense.w.type,
                       c.dense.y, c.dense.w.rows, c.dense.w.cols, c.n,
                       c.dense.epilogue.shift);
                CU_FAIL("variant differs from the reference");
            }
            free(y);
        }
        free(expected);
        free(c.x);
        case_free_matrix(&c.dense.w);
    }
}

/* The reference, against sums written out here. */
static void test_reference(void)
{
    uint64_t rng = SEED + 1;
    pta_kernel_table ref;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    for (int i = 0; i < 300; i++) {
        dense_case c = make_case(&rng);
        const pta_dense *d = &c.dense;
        void *y = run_case(&c, &ref);
        for (int32_t s = 0; s < c.n; s++) {
            const char *x = (const char *)c.x + c.x_stride * (size_t)s;
            const char *at = (const char *)y + c.y_stride * (size_t)s;
            for (int32_t r = 0; r < d->w.rows; r++) {
                pta_wide sum = d->w.bias != NULL ? d->w.bias[r] : 0;
                for (int32_t k = 0; k < d->w.cols; k++) {
                    sum += (pta_wide)pta_load(x, d->x, k) *
                           pta_load((const char *)d->w.data +
                                        d->w.row_bytes * (size_t)r,
                                    d->w.type, k);
                }
                CU_ASSERT_EQUAL(
                    pta_load(at, d->y, r),
                    pta_epilogue_ref((int64_t)sum, 0, &d->epilogue));
            }
        }
        free(y);
        free(c.x);
        case_free_matrix(&c.dense.w);
    }
}

/* Weights past the bound on packed copies: panels packed on the way. */
static void test_large(void)
{
    uint64_t rng = SEED + 2;
    pta_kernel_table ref, table;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    pta_dtype y;
    dense_case c = {.n = 5};
    c.dense =
        (pta_dense){.x = PTA_S16, .epilogue = case_epilogue(&rng, 40, &y)};
    c.dense.y = y;
    c.dense.w = case_matrix(&rng, PTA_S16, 1100, 2100, false, 1);
    c.x_stride = 4200;
    c.y_stride = 8800;
    c.x = case_alloc(c.x_stride * 5);
    case_fill(&rng, c.x, PTA_S16, 2100 * 5, false);
    void *expected = run_case(&c, &ref);
    for (int v = 1; v < CASE_N_VARIANTS; v++) {
        if (pta_kernel_table_fill(&table, case_variants[v])) {
            void *out = run_case(&c, &table);
            CU_ASSERT_TRUE(same(&c, out, expected));
            CU_ASSERT_PTR_NULL(c.dense.product.packed);
            free(out);
        }
    }
    free(expected);
    free(c.x);
    case_free_matrix(&c.dense.w);
}

/* Weights and inputs all at their least, -2^(W-1), which only a plan's own
 * weight formats allow (the exact profile's are symmetric): the largest sums. */
static void least_case(pta_dtype w, pta_dtype x, int32_t rows, int32_t cols)
{
    uint64_t rng = 1;
    pta_kernel_table ref, table;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    dense_case c = {.n = 5};
    c.dense =
        (pta_dense){.x = x, .y = PTA_S64, .epilogue = pta_epilogue_partial()};
    c.dense.w = case_matrix(&rng, w, rows, cols, false, 1);
    c.x_stride = (size_t)cols * pta_type_bytes(x);
    c.y_stride = (size_t)rows * 8;
    c.x = case_alloc(c.x_stride * 5);
    for (int32_t i = 0; i < 5 * cols; i++) {
        pta_store(c.x, x, i, -case_top(x) - 1);
    }
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t k = 0; k < cols; k++) {
            pta_store((char *)(uintptr_t)c.dense.w.data +
                          c.dense.w.row_bytes * (size_t)r,
                      w, k, -case_top(w) - 1);
        }
    }
    void *expected = run_case(&c, &ref);
    for (int v = 1; v < CASE_N_VARIANTS; v++) {
        if (pta_kernel_table_fill(&table, case_variants[v])) {
            void *out = run_case(&c, &table);
            CU_ASSERT_TRUE(same(&c, out, expected));
            free(out);
        }
    }
    free(expected);
    free(c.x);
    case_free_matrix(&c.dense.w);
}

static void test_least(void)
{
    static const pta_dtype types[] = {PTA_S8, PTA_S16};
    static const int32_t cols[] = {2, 448, 512, 1024, 1500};
    for (int i = 0; i < 20; i++) {
        least_case(types[i & 1], types[i >> 1 & 1], 3, cols[i / 4]);
        least_case(types[i & 1], types[i >> 1 & 1], 40, cols[i / 4]);
    }
}

static void test_table(void)
{
    pta_kernel_table table;
    CU_ASSERT_TRUE(pta_kernel_table_fill(&table, NULL));
    CU_ASSERT_FALSE(pta_kernel_table_fill(&table, "sse"));
    CU_ASSERT_FALSE(pta_kernel_table_fill(&table, ""));
}

static const unit_test tests[] = {{"reference", test_reference},
                                  {"variants", test_variants},
                                  {"large", test_large},
                                  {"least", test_least},
                                  {"table", test_table}};

UNIT_MAIN("dense", tests)
