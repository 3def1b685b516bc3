/*
 * What all kernels share: images, windows, weight matrices, batches.
 *
 * A kernel is void f(const pta_OP *layer, const pta_batch *batch): the layer
 * says what never changes (shapes, types, weights, epilogue), the batch where n
 * samples lie. Kernels return void, allocate nothing and read no globals;
 * shapes were checked when the layer was made. Images lie [h][w][c].
 */
#ifndef PTA_KERNELS_KERNEL_H
#define PTA_KERNELS_KERNEL_H

#include "kernels/number.h"

typedef struct pta_image {
    int32_t h, w, c;
} pta_image;

static inline int64_t pta_image_count(pta_image v)
{
    return (int64_t)v.h * v.w * v.c;
}

/** Window of a convolution or pooling; pads in cells. */
typedef struct pta_cells {
    int32_t kh, kw;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_t, pad_b, pad_l, pad_r;
} pta_cells;

/** Weights [rows][cols], rows row_bytes apart and zero padded; s8, s16, s32.
 * No weight of an s8 or s16 matrix is its type's minimum. */
typedef struct pta_matrix {
    const void *data; /* borrowed; 64-byte aligned */
    size_t row_bytes;
    int32_t rows, cols;
    pta_dtype type;
    const int64_t *bias; /* borrowed; [rows] at accumulator scale, or NULL */
} pta_matrix;

/** n samples. Sample s of input i starts x_stride[i] * s bytes after x[i]. */
typedef struct pta_batch {
    int32_t n;
    const void *const *x;
    const size_t *x_stride;
    void *y;
    size_t y_stride;
    void *work; /* the layer's work_bytes, 64-byte aligned; NULL if 0 */
} pta_batch;

static inline const void *pta_batch_x(const pta_batch *b, int32_t i, int32_t s)
{
    return (const char *)b->x[i] + b->x_stride[i] * (size_t)s;
}

static inline void *pta_batch_y(const pta_batch *b, int32_t s)
{
    return (char *)b->y + b->y_stride * (size_t)s;
}

static inline int64_t pta_weight_at(const pta_matrix *w, int32_t row,
                                    int64_t col)
{
    return pta_load((const char *)w->data + (size_t)row * w->row_bytes, w->type,
                    col);
}

static inline int64_t pta_bias_at(const pta_matrix *w, int32_t row)
{
    return w->bias == NULL ? 0 : w->bias[row];
}

#endif
