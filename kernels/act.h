/*
 * Element-wise layers with one input: scale and shift, general ReLU, tables.
 */
#ifndef PTA_KERNELS_ACT_H
#define PTA_KERNELS_ACT_H

#include "kernels/kernel.h"

/** y = epilogue(x * scale[c] + shift[c]), c = element % channels. */
typedef struct pta_scale {
    int64_t count;
    int32_t channels;
    pta_dtype x, y;
    pta_matrix w; /* [channels][1]; bias: the shift */
    pta_epilogue epilogue;
} pta_scale;

void pta_scale_ref(const pta_scale *s, const pta_batch *batch);

/**
 * y = x >= threshold ? min(x, max) : alpha * (x - threshold), converted once.
 * alpha is [1][1] for all channels or [channels][1]. |alpha_frac| is at
 * most PTA_RELU_ALPHA_FRAC_MAX.
 */
typedef struct pta_relu {
    int64_t count;
    pta_dtype x, y;
    int32_t x_frac, alpha_frac;
    int64_t threshold; /* at x_frac */
    int64_t max;       /* at x_frac + alpha_frac; INT64_MAX: none */
    pta_matrix alpha;
    pta_format y_format;
} pta_relu;

#define PTA_RELU_ALPHA_FRAC_MAX 48

void pta_relu_ref(const pta_relu *r, const pta_batch *batch);

/** Functions of one variable that are tabulated, or computed exactly. */
typedef enum pta_curve {
    PTA_CURVE_SIGMOID,
    PTA_CURVE_TANH,
    PTA_CURVE_HARD_SIGMOID_2, /* Keras 2: clip(x / 5 + 1/2, 0, 1) */
    PTA_CURVE_HARD_SIGMOID_3  /* Keras 3: clip(x / 6 + 1/2, 0, 1) */
} pta_curve;

/** True if the curve can be had exactly between these formats: sigmoid and tanh
 * want W <= 16, input fraction bits <= 32 and output ones in [-32, 60];
 * hard_sigmoid fraction bits in [-32, 60] for both. */
bool pta_curve_supported(pta_curve curve, pta_format x, pta_format y);

/**
 * Entries of the table, or values without one: the true value of the curve at
 * raw input x, rounded to format `to` (exactly for hard_sigmoid; sigmoid and
 * tanh from 120-bit fixed point, without libm, so every machine has the same).
 */
int64_t pta_curve_at(pta_curve curve, int64_t x, pta_format from,
                     pta_format to);

/** Fills table[2^W] (y's storage type) by raw input, least first. W <= 16. */
void pta_curve_fill(pta_curve curve, pta_format from, pta_format to,
                    pta_dtype type, void *table);

typedef struct pta_lookup {
    int64_t count;
    pta_dtype x, y;
    int64_t x_min;     /* raw input of table[0] */
    const void *table; /* borrowed; NULL: compute each value */
    pta_curve curve;
    pta_format x_format, y_format;
} pta_lookup;

void pta_lookup_ref(const pta_lookup *l, const pta_batch *batch);

#endif
