/*
 * Walks over every weight of a layer in chunks of bounded size, so that a
 * kernel of any size is judged in a few MiB.
 */
#ifndef PTA_QUANT_KERNEL_WALK_PRIV_H
#define PTA_QUANT_KERNEL_WALK_PRIV_H

#include "ir/weights.h"

/** `n` weights of outputs `output`, `output` + 1, ... (numbered as biases
 * are). */
typedef void (*pta_kernel_visit)(void *user, int32_t output,
                                 const double *values, int32_t n);

/** Visits the kernel, or the scale of SCALE_SHIFT, of a weighted node. */
pta_status PTA_MUST_CHECK pta_kernel_walk(pta_ctx *ctx, const pta_graph *graph,
                                          pta_weights *weights, int32_t node,
                                          pta_kernel_visit visit, void *user);

#endif
