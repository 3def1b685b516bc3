/*
 * Pooling. Padded cells do not exist: the maximum is over real cells, the
 * average is the exact sum over real cells divided by their number, converted
 * once from the input's fraction bits to the output's format.
 */
#ifndef PTA_KERNELS_POOL_H
#define PTA_KERNELS_POOL_H

#include "kernels/kernel.h"

typedef struct pta_pool {
    pta_image in, out;
    pta_cells window;
    pta_dtype x, y;
    int32_t x_frac;      /* average */
    pta_format y_format; /* average; a maximum keeps its input's format */
} pta_pool;

void pta_maxpool_ref(const pta_pool *p, const pta_batch *batch);
void pta_avgpool_ref(const pta_pool *p, const pta_batch *batch);

/** s8 and s16, channels at once; hands other types to the reference. */
void pta_maxpool_fast(const pta_pool *p, const pta_batch *batch);

#endif
