/*
 * Exact integer arithmetic on OpenBLAS: the device `blas` and its reference.
 *
 * Tensors and weights are doubles that hold raw integers (at most 32 bits, so
 * every one is exact). A weighted sum is a dgemm: as long as max over rows of
 * sum |w| times max |x| is at most 2^53, every partial sum in any order is an
 * integer that a double holds, so the result is exact. Above that the weights
 * are split in limbs, each proved below the bound, and the products are put
 * together in 64-bit integers. The accumulator is then finished once: bias,
 * activation, one conversion, by the rules of ap_fixed, in code that shares
 * nothing with the integer kernels: this family includes only libc, <cblas.h>
 * and partita/number.h.
 *
 *   exact_blas.c        limbs, dense, convolution, depthwise
 *   exact_number_blas.c rounding, overflow, quantisation, finish
 *   exact_point_blas.c  pooling, activations, merges
 *
 * The caller proves |accumulator| < 2^63 (quant/formats.h), allocates all
 * memory, and keeps pointwise operations within the two bounds below.
 */
#ifndef PTA_KERNELS_EXACT_BLAS_H
#define PTA_KERNELS_EXACT_BLAS_H

#include "kernels/move_blas.h"
#include "partita/number.h"

#define PTA_EXACT_FRAC_MAX                                                     \
    60                        /* |F|, and differences of F, of pointwise
                                 operations */
#define PTA_EXACT_MUL_BITS 80 /* sum of W of the inputs of a product */

__extension__ typedef __int128 pta_exact_wide;

/* ---- numbers (exact_number_blas.c) ---- */

/** Least and greatest raw integer of a format (SAT_SYM excludes the least). */
int64_t pta_exact_min(pta_format f);
int64_t pta_exact_max(pta_format f);

/** Nearest to num / den (den > 0) under the rounding rule. */
pta_exact_wide pta_exact_divide(pta_exact_wide num, pta_exact_wide den,
                                pta_rounding rounding);

/** Raw integer in `out` of the exact value v * 2^-frac, |v| < 2^80. */
int64_t pta_exact_convert(pta_exact_wide v, int frac, pta_format out);

/** Raw integer in `out` of num / den * 2^-frac; shifts are not clamped. */
int64_t pta_exact_convert_ratio(pta_exact_wide num, pta_exact_wide den,
                                int frac, pta_format out);

/** Raw integer of the exact binary value (finite). */
int64_t pta_exact_quantise(long double value, pta_format out);

/** AP_RND of value * 2^frac, brought into int64: biases, thresholds. */
int64_t pta_exact_quantise_at(double value, int frac);

/** What follows a sum: y = convert(act(acc + bias[channel])). */
typedef struct pta_exact_finish {
    const int64_t *bias; /* [channels] at acc_frac; NULL: none */
    int32_t channels;
    int32_t acc_frac;
    pta_activation act;
    int64_t act_max; /* RELU_MAX, at acc_frac */
    pta_format out;
} pta_exact_finish;

void pta_exact_finish_run(double *y, const int64_t *acc, int64_t n,
                          const pta_exact_finish *f);

/* ---- weighted sums (exact_blas.c) ---- */

#define PTA_EXACT_LIMBS 4

/** Weights [rows][cols] as limbs: w = sum of limb[k] * 2^shift[k]. */
typedef struct pta_exact_matrix {
    int32_t rows, cols;
    int32_t n_limbs;
    int32_t shift[PTA_EXACT_LIMBS];
    const double *limbs; /* borrowed; [n_limbs][rows][cols] */
} pta_exact_matrix;

/**
 * Chooses n_limbs and shift for weights w [rows][cols] and inputs of
 * magnitude at most x_max, so that each limb's sums are proved at most 2^53.
 * Returns false if PTA_EXACT_LIMBS are not enough (rows of 2^21 full weights).
 */
bool pta_exact_limbs_plan(pta_exact_matrix *m, const double *w, int64_t x_max);

/** Splits w into m->n_limbs limbs; with one limb a plain copy. */
void pta_exact_limbs_split(const pta_exact_matrix *m, const double *w,
                           double *limbs);

/** acc [m][rows] = x [m][cols] w^T; `product` holds [m][rows] doubles. */
void pta_exact_dense(int64_t *acc, const double *x, int64_t m,
                     const pta_exact_matrix *w, double *product);

/** The same for convolution rows [first, first + m) of [samples * oh * ow];
 * `cols` holds [m][kh * kw * c] doubles. */
void pta_exact_conv(int64_t *acc, const double *x, const pta_blas_window *g,
                    int64_t first, int64_t m, const pta_exact_matrix *w,
                    double *cols, double *product);

/** acc [m][c * mult] for pixels [first, first + m) of [samples * oh * ow];
 * weights [c * mult][kh * kw] (one limb: the sums are 64-bit integers). */
void pta_exact_depthwise(int64_t *acc, const double *x,
                         const pta_blas_window *g, int64_t first, int64_t m,
                         const double *w, int32_t mult);

/** acc[i] = x[i] * scale[i % channels]. */
void pta_exact_scale(int64_t *acc, const double *x, int64_t n,
                     const double *scale, int32_t channels);

/* ---- pointwise (exact_point_blas.c) ---- */

/** Pooling of n samples; padded cells do not exist. */
void pta_exact_maxpool(double *y, const double *x, int32_t n,
                       const pta_blas_window *g);
void pta_exact_avgpool(double *y, const double *x, int32_t n,
                       const pta_blas_window *g, pta_format in, pta_format out);

/** y[i] = x[i] converted from one format to the other. */
void pta_exact_convert_run(double *y, const double *x, int64_t n, pta_format in,
                           pta_format out);

/** x >= threshold ? min(x, act_max) : alpha * (x - threshold); threshold at
 * x's F, alpha * x and act_max (INT64_MAX: none) at acc_frac. */
typedef struct pta_exact_relu {
    int64_t alpha, threshold, act_max;
    int32_t acc_frac;
    pta_format in, out;
} pta_exact_relu;
void pta_exact_relu_run(double *y, const double *x, int64_t n,
                        const pta_exact_relu *r);

/** Table over all 2^W inputs, index raw - least raw of `in`; rounded values of
 * the true function by long double libm. */
void pta_exact_sigmoid_table(double *table, pta_format in, pta_format out);
void pta_exact_tanh_table(double *table, pta_format in, pta_format out);
void pta_exact_lookup(double *y, const double *x, int64_t n,
                      const double *table, pta_format in);

/** clip((2 x + 5) / 10, 0, 1) of Keras 2, clip((x + 3) / 6, 0, 1) of Keras 3,
 * as exact ratios. */
void pta_exact_hard_sigmoid(double *y, const double *x, int64_t n,
                            int32_t keras_major, pta_format in, pta_format out);

typedef enum pta_exact_merge_op {
    PTA_EXACT_ADD,
    PTA_EXACT_SUB,
    PTA_EXACT_MUL,
    PTA_EXACT_AVERAGE,
    PTA_EXACT_MAXIMUM
} pta_exact_merge_op;

#define PTA_EXACT_MERGE_MAX 32

/** Inputs aligned exactly, exact operation, activation, one conversion. */
typedef struct pta_exact_merge {
    pta_exact_merge_op op;
    int32_t n_in;
    const double *x[PTA_EXACT_MERGE_MAX];
    pta_format in[PTA_EXACT_MERGE_MAX];
    pta_activation act;
    int64_t act_max; /* RELU_MAX, at act_frac */
    int32_t act_frac;
    pta_format out;
} pta_exact_merge;
void pta_exact_merge_run(double *y, int64_t n, const pta_exact_merge *merge);

#endif
