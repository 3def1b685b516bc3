/*
 * Dense layer: y = epilogue(W x + bias).
 *
 * Any x of s8, s16, s32, s64 and w of s8, s16, s32, sums in 64 bits. The fast
 * kernel takes s8 and s16 (product.h) and hands everything else to the
 * reference.
 */
#ifndef PTA_KERNELS_DENSE_H
#define PTA_KERNELS_DENSE_H

#include "kernels/product.h"

typedef struct pta_dense {
    pta_dtype x, y; /* x [cols], y [rows] */
    pta_matrix w;
    pta_epilogue epilogue;
    pta_product product; /* pta_dense_prepare; unused by the reference */
} pta_dense;

void pta_dense_ref(const pta_dense *d, const pta_batch *batch);

/** Bytes that pta_dense_prepare takes for `ops` (NULL: 0), and those of the
 * batch's work for n samples. */
size_t pta_dense_prepared_bytes(const pta_dense *d, const pta_product_ops *ops);
size_t pta_dense_work_bytes(const pta_dense *d, int32_t n);

/** Prepares the weights in `memory` (64-byte aligned, lives as long as d). */
void pta_dense_prepare(pta_dense *d, const pta_product_ops *ops, void *memory);
void pta_dense_fast(const pta_dense *d, const pta_batch *batch);

#endif
