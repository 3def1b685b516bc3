/*
 * Moving elements for the BLAS references: windows, im2col, boxes.
 *
 * Shared by float_blas.c (4-byte elements) and exact_blas.c (8-byte elements).
 * Nothing here computes, and nothing here is used by the integer kernels.
 * Tensors are [samples][h][w][c].
 */
#ifndef PTA_KERNELS_MOVE_BLAS_H
#define PTA_KERNELS_MOVE_BLAS_H

#include <stddef.h>
#include <stdint.h>

/** A window sliding over an image; padding only at top and left is stored,
 * since the output size says the rest. */
typedef struct pta_blas_window {
    int32_t h, w, c; /* input */
    int32_t oh, ow;  /* output */
    int32_t kh, kw;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_t, pad_l;
} pta_blas_window;

/** Cells [first, end) of a window, along one axis, that are not padding. */
typedef struct pta_blas_span {
    int32_t first, end;
    int32_t start; /* input position of cell 0, possibly negative */
} pta_blas_span;

pta_blas_span pta_blas_span_h(const pta_blas_window *g, int32_t out_row);
pta_blas_span pta_blas_span_w(const pta_blas_window *g, int32_t out_col);

/**
 * Rows [first, first + n_rows) of the im2col matrix [samples * oh * ow]
 * [kh * kw * c]; padding becomes zero bytes.
 */
void pta_blas_im2col(void *cols, const void *x, size_t element_bytes,
                     const pta_blas_window *g, int64_t first, int64_t n_rows);

/** Copies a box of dim elements; strides in elements, for axes 0, 1, 2. */
void pta_blas_box(void *dst, const int64_t dst_stride[3], const void *src,
                  const int64_t src_stride[3], const int32_t dim[3],
                  size_t element_bytes);

#endif
