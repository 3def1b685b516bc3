/*
 * Convolutions in two dimensions (one dimension is width 1).
 *
 * Weights: conv [cout][kh * kw * cin], columns ordered kh, kw, cin; depthwise
 * [cin * mult][kh * kw], output channel ci * mult + m. The fast convolution
 * takes s8 and s16; others go to the reference.
 */
#ifndef PTA_KERNELS_CONV_H
#define PTA_KERNELS_CONV_H

#include "kernels/product.h"

typedef struct pta_conv {
    pta_image in, out;
    pta_cells window;
    pta_dtype x, y;
    pta_matrix w;
    pta_epilogue epilogue;
    pta_product product; /* pta_conv_prepare; unused by the references */
} pta_conv;

void pta_conv_ref(const pta_conv *c, const pta_batch *batch);
void pta_dwconv_ref(const pta_conv *c, const pta_batch *batch);

size_t pta_conv_prepared_bytes(const pta_conv *c, const pta_product_ops *ops);
size_t pta_conv_work_bytes(const pta_conv *c);
void pta_conv_prepare(pta_conv *c, const pta_product_ops *ops, void *memory);
void pta_conv_fast(const pta_conv *c, const pta_batch *batch);

/** Depthwise on s8 and s16 with 64-bit sums, all channels of a cell at once;
 * bit-identical, prepared by nothing. */
void pta_dwconv_fast(const pta_conv *c, const pta_batch *batch);

#endif
