/*
 * Kernels of the hls4ml profile: the layers whose arithmetic differs from the
 * exact profile's (kernels/dense.h and the like), as hls4ml's C simulation
 * computes them. Merges, concatenation and moved elements are the exact
 * profile's: one exact operation, one conversion.
 *
 * Here values are cut where the exact profile keeps them: each product is
 * brought to the accumulator's format before it is added, sigmoid, tanh and
 * softmax look into tables of few entries, an average is divided towards zero.
 * Variants: ref only.
 */
#ifndef PTA_KERNELS_HLS4ML_H
#define PTA_KERNELS_HLS4ML_H

#include "kernels/kernel.h"

/* ---- numbers ---- */

/** A double, or a float, assigned to a format: the exact value, rounded, then
 * brought into range. Infinity is 0 unless the format saturates. */
int64_t pta_hls4ml_quantise(double value, pta_format f);

/** A weight: printed with F decimals, that text read back, then as above. */
int64_t pta_hls4ml_weight(double value, pta_format f);

/* ---- dense and convolutions ---- */

/**
 * acc = bias; for every input acc = convert(acc + convert(x * w)); y =
 * convert(acc). Weights as in conv.h; a dense layer is a 1x1 window over the
 * image [1][1][inputs]. Biases are raw in `accum`. A partial sum (`partial`)
 * has neither bias nor result: y is the accumulator.
 */
typedef struct pta_hls4ml_sum {
    pta_image in, out;
    pta_cells window;
    bool depthwise;
    pta_dtype x, y;
    pta_matrix w;
    pta_format x_format, w_format;
    pta_format accum, result;
    bool partial;
} pta_hls4ml_sum;

void pta_hls4ml_sum_ref(const pta_hls4ml_sum *l, const pta_batch *batch);

/** The end of such a sum, whose parts were added elsewhere: sum mod 2^W, bias,
 * one conversion. `accum` must wrap. */
int64_t pta_hls4ml_finish(int64_t sum, int64_t bias, pta_format accum,
                          pta_format result);

/* ---- element by element ---- */

/** y = convert(x * scale[c] + shift[c]), exact up to there; the shift is raw
 * in `bias`. */
typedef struct pta_hls4ml_scale {
    int64_t count;
    int32_t channels;
    pta_dtype x, y;
    pta_matrix w;
    pta_format x_format, w_format, bias, result;
} pta_hls4ml_scale;

void pta_hls4ml_scale_ref(const pta_hls4ml_scale *l, const pta_batch *batch);

/** y = convert(x > 0 ? min(x, cap) : alpha * x). */
typedef struct pta_hls4ml_relu {
    int64_t count;
    pta_dtype x, y;
    pta_format x_format, alpha_format, result;
    int64_t alpha; /* raw; 0: plain ReLU */
    int32_t cap;   /* 6 for relu6; 0: none */
} pta_hls4ml_relu;

void pta_hls4ml_relu_ref(const pta_hls4ml_relu *l, const pta_batch *batch);

/** y = convert(clip(0.2 x + 0.5, 0, 1)), 0.2 a ufixed<16,0>. */
typedef struct pta_hls4ml_hard_sigmoid {
    int64_t count;
    pta_dtype x, y;
    pta_format x_format, result;
} pta_hls4ml_hard_sigmoid;

void pta_hls4ml_hard_sigmoid_ref(const pta_hls4ml_hard_sigmoid *l,
                                 const pta_batch *batch);

typedef enum pta_hls4ml_curve {
    PTA_HLS4ML_SIGMOID, /* entry k: f(16 (k - T/2) / T) */
    PTA_HLS4ML_TANH     /* entry k: f(8 (k - T/2) / T) */
} pta_hls4ml_curve;

typedef struct pta_hls4ml_lookup {
    int64_t count;
    pta_dtype x, y;
    pta_hls4ml_curve curve;
    int32_t size; /* T, a multiple of 16 */
    pta_format x_format, table_format, result;
    const int64_t *table; /* borrowed; [size], raw in table_format */
} pta_hls4ml_lookup;

/** Fills table[size]. Computed in float, as hls4ml does. */
void pta_hls4ml_curve_fill(pta_hls4ml_curve curve, int32_t size, pta_format f,
                           int64_t *table);
void pta_hls4ml_lookup_ref(const pta_hls4ml_lookup *l, const pta_batch *batch);

/* ---- pooling ---- */

/**
 * Maximum: padded cells hold the pattern 10...0, which for unsigned numbers
 * is no minimum; keeps its input's format. Average: sum in `accum`, raw sum
 * divided by the number of real cells towards zero, then converted.
 */
typedef struct pta_hls4ml_pool {
    pta_image in, out;
    pta_cells window;
    bool average;
    pta_dtype x, y;
    pta_format x_format, accum, result;
} pta_hls4ml_pool;

void pta_hls4ml_pool_ref(const pta_hls4ml_pool *l, const pta_batch *batch);

/* ---- softmax ---- */

typedef enum pta_hls4ml_softmax_kind {
    PTA_HLS4ML_STABLE,  /* of x - max(x); a difference may wrap */
    PTA_HLS4ML_LATENCY, /* of x itself */
    PTA_HLS4ML_ARGMAX   /* 1 for the first greatest, 0 for the others */
} pta_hls4ml_softmax_kind;

/** Softmax over the last axis: n values at a time, count in all. */
typedef struct pta_hls4ml_softmax {
    int64_t count;
    int32_t n;
    pta_hls4ml_softmax_kind kind;
    pta_dtype x, y;
    pta_format x_format, exp_format, inv_format, inv_input, accum, result;
    /* from pta_hls4ml_softmax_sizes */
    int32_t exp_bits, inv_bits; /* log2 of the tables' sizes */
    const int64_t *exp_table;   /* borrowed; [2^exp_bits] raw in exp_format */
    const int64_t *inv_table;   /* borrowed; [2^inv_bits] raw in inv_format */
} pta_hls4ml_softmax;

/** Sets the bits from `size`, a power of two at most 2^16, and the widths of
 * the formats. */
void pta_hls4ml_softmax_sizes(pta_hls4ml_softmax *l, int32_t size);
void pta_hls4ml_softmax_fill(const pta_hls4ml_softmax *l, int64_t *exp_table,
                             int64_t *inv_table);

/** The batch's work: 2 n int64. */
void pta_hls4ml_softmax_ref(const pta_hls4ml_softmax *l,
                            const pta_batch *batch);

#endif
