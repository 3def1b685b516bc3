/*
 * Float32 primitives on OpenBLAS: the device `float` and its reference.
 *
 * What a CPU computes from the Keras model. Values are float32, weights
 * float32 [outputs][inputs] with rows `w_stride` floats apart. Kernels
 * allocate nothing; `scratch` is the caller's. Independent of the integer
 * kernels: this file includes only libc, <cblas.h> and partita/number.h.
 */
#ifndef PTA_KERNELS_FLOAT_BLAS_H
#define PTA_KERNELS_FLOAT_BLAS_H

#include "kernels/move_blas.h"
#include "partita/number.h"

/** What follows a sum: bias [channels] (NULL: none), activation. */
typedef struct pta_float_finish {
    const float *bias;
    int32_t channels;
    pta_activation act;
    float act_max;
} pta_float_finish;

/** y[i] = act(y[i] + bias[i % channels]); n is a multiple of channels. */
void pta_float_finish_run(float *y, int64_t n, const pta_float_finish *f);

/**
 * Dense: y [m][rows] = x [m][cols] w^T, not finished. A single sample takes
 * sgemv.
 */
void pta_float_dense(float *y, const float *x, int64_t m, const float *w,
                     int64_t w_stride, int32_t rows, int32_t cols);

/** Convolution rows [first, first + m) of [samples * oh * ow][rows], not
 * finished; `scratch` holds [m][kh * kw * c] floats. */
void pta_float_conv(float *y, const float *x, const pta_blas_window *g,
                    int64_t first, int64_t m, const float *w, int64_t w_stride,
                    int32_t rows, float *scratch);

/** Depthwise convolution of n samples, [n][oh][ow][c * mult], not finished. */
void pta_float_depthwise(float *y, const float *x, int32_t n,
                         const pta_blas_window *g, const float *w,
                         int64_t w_stride, int32_t mult);

/** Pooling of n samples; padded cells do not exist. */
void pta_float_maxpool(float *y, const float *x, int32_t n,
                       const pta_blas_window *g);
void pta_float_avgpool(float *y, const float *x, int32_t n,
                       const pta_blas_window *g);

/** y = x * scale[channel], not finished (the shift is the bias). */
void pta_float_scale(float *y, const float *x, int64_t n, const float *scale,
                     int64_t scale_stride, int32_t channels);

/** x >= threshold ? min(x, act_max) : alpha * (x - threshold). */
void pta_float_relu(float *y, const float *x, int64_t n, float alpha,
                    float threshold, float act_max);
void pta_float_sigmoid(float *y, const float *x, int64_t n);
void pta_float_tanh(float *y, const float *x, int64_t n);
void pta_float_hard_sigmoid(float *y, const float *x, int64_t n,
                            int32_t keras_major);

/** Softmax over the last axis of [n][channels]. */
void pta_float_softmax(float *y, const float *x, int64_t n, int32_t channels);

/** Folds one more input into y: the merges of two or more tensors. */
typedef enum pta_float_merge {
    PTA_FLOAT_ADD,
    PTA_FLOAT_SUB,
    PTA_FLOAT_MUL,
    PTA_FLOAT_MAXIMUM
} pta_float_merge;
void pta_float_merge_run(float *y, const float *x, int64_t n,
                         pta_float_merge kind);
/** y /= divisor: the division of Average. */
void pta_float_divide(float *y, int64_t n, float divisor);

#endif
