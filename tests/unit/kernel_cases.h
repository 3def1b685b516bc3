/*
 * Random cases for the tests of kernels: numbers of a type, weight matrices
 * with padded rows, epilogues, and the variants this machine can run.
 */
#ifndef PTA_TESTS_KERNEL_CASES_H
#define PTA_TESTS_KERNEL_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/table.h"

static const char *const case_variants[] = {"ref", "avx2", "vnni"};
#define CASE_N_VARIANTS 3

static inline int64_t case_range(uint64_t *rng, int64_t lo, int64_t hi)
{
    return pta_rng_range(rng, lo, hi);
}

static inline int32_t case_pick(uint64_t *rng, const int32_t *of, int32_t n)
{
    return of[case_range(rng, 0, n - 1)];
}

static inline void *case_alloc(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (block == NULL) {
        abort();
    }
    memset(block, 0x55, (bytes + 127) / 64 * 64);
    return block;
}

/* Largest magnitude of a type that keeps sums of 2,000 products in int64. */
static inline int64_t case_top(pta_dtype type)
{
    return type == PTA_S8 ? 127 : type == PTA_S16 ? 32767 : (1 << 25);
}

/* A value: uniform, or one of the extremes when `hard`. */
static inline int64_t case_value(uint64_t *rng, pta_dtype type, bool hard,
                                 bool symmetric)
{
    int64_t top = case_top(type), low = symmetric ? -top : -top - 1;
    if (hard) {
        return (pta_rng_next(rng) & 7) != 0 ? low : top;
    }
    return case_range(rng, low, top);
}

static inline void case_fill(uint64_t *rng, void *data, pta_dtype type,
                             int64_t n, bool hard)
{
    for (int64_t i = 0; i < n; i++) {
        pta_store(data, type, i, case_value(rng, type, hard, false));
    }
}

/* Frees with case_free_matrix. `shrink` divides the weights. */
static inline pta_matrix case_matrix(uint64_t *rng, pta_dtype type,
                                     int32_t rows, int32_t cols, bool hard,
                                     int64_t shrink)
{
    size_t bytes = (size_t)cols * pta_type_bytes(type);
    pta_matrix w = {.row_bytes = (bytes + 63) / 64 * 64,
                    .rows = rows,
                    .cols = cols,
                    .type = type};
    char *data = case_alloc(w.row_bytes * (size_t)rows);
    memset(data, 0, w.row_bytes * (size_t)rows);
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t c = 0; c < cols; c++) {
            pta_store(data + w.row_bytes * (size_t)r, type, c,
                      case_value(rng, type, hard, true) / shrink);
        }
    }
    w.data = data;
    if ((pta_rng_next(rng) & 3) != 0) {
        int64_t *bias = case_alloc(sizeof *bias * (size_t)rows);
        int64_t top = INT64_C(1) << case_range(rng, 0, 40);
        for (int32_t r = 0; r < rows; r++) {
            bias[r] = case_range(rng, -top, top);
        }
        w.bias = bias;
    }
    return w;
}

static inline void case_free_matrix(pta_matrix *w)
{
    free((void *)(uintptr_t)w->data);
    free((void *)(uintptr_t)w->bias);
}

static inline pta_dtype case_dtype(pta_format f)
{
    int bits = f.width + (f.is_signed ? 0 : 1);
    return bits <= 8    ? PTA_S8
           : bits <= 16 ? PTA_S16
           : bits <= 32 ? PTA_S32
                        : PTA_S64;
}

static inline pta_format case_format(uint64_t *rng, bool exact)
{
    static const int32_t widths[] = {2, 7, 8, 8, 9, 16, 16, 17, 31, 32};
    pta_format f = {.width = (int16_t)case_pick(rng, widths, 10),
                    .is_signed = (pta_rng_next(rng) & 3) != 0,
                    .rounding = PTA_RND_RND,
                    .overflow = PTA_OVF_SAT};
    f.integer = (int16_t)case_range(rng, -4, f.width + 4);
    if (!exact) {
        f.rounding = (uint8_t)case_range(rng, 0, PTA_RND_RND_CONV);
        f.overflow = (uint8_t)case_range(rng, 0, PTA_OVF_SAT_ZERO);
    }
    return f;
}

/* An epilogue, half of them plain, for sums of about `bits` bits. */
static inline pta_epilogue case_epilogue(uint64_t *rng, int32_t bits,
                                         pta_dtype *y)
{
    if ((pta_rng_next(rng) & 7) == 0) {
        *y = PTA_S64;
        return pta_epilogue_partial();
    }
    pta_format out = case_format(rng, (pta_rng_next(rng) & 3) != 0);
    int32_t shift = bits - out.width + (int32_t)case_range(rng, -4, 3);
    if ((pta_rng_next(rng) & 7) == 0) {
        shift = (int32_t)case_range(rng, -40, 70);
    }
    int64_t max = INT64_C(1) << case_range(rng, 0, bits);
    *y = case_dtype(out);
    return pta_epilogue_make(pta_frac(out) + shift,
                             (pta_activation)case_range(rng, 0, 2), max, out);
}

#endif
