/*
 * Layers that move elements and keep their format: permute, zero padding, crop.
 * And the conversion of a whole tensor to another format.
 */
#ifndef PTA_KERNELS_SHAPE_H
#define PTA_KERNELS_SHAPE_H

#include "kernels/kernel.h"

/** Out axis i is in axis perm[i]. */
typedef struct pta_permute {
    pta_image in;
    int32_t perm[3];
    pta_dtype type;
} pta_permute;

void pta_permute_ref(const pta_permute *p, const pta_batch *batch);

/** Zeros around an image. */
typedef struct pta_pad {
    pta_image in, out;
    int32_t top, left;
    pta_dtype type;
} pta_pad;

void pta_pad_ref(const pta_pad *p, const pta_batch *batch);

/** The box of out's shape whose first row and channel are given; all of the
 * width. */
typedef struct pta_crop {
    pta_image in, out;
    int32_t first_h, first_c;
    pta_dtype type;
} pta_crop;

void pta_crop_ref(const pta_crop *c, const pta_batch *batch);

/** A copy of runs of elements. */
typedef struct pta_run {
    int32_t src, dst, length;
} pta_run;

typedef struct pta_gather {
    const pta_run *runs; /* borrowed */
    int32_t n_runs;
    pta_dtype type;
} pta_gather;

void pta_gather_ref(const pta_gather *g, const pta_batch *batch);

/** y = x in another format. */
typedef struct pta_convert {
    int64_t count;
    pta_dtype x, y;
    int32_t x_frac;
    pta_format y_format;
} pta_convert;

void pta_convert_tensor_ref(const pta_convert *c, const pta_batch *batch);

#endif
