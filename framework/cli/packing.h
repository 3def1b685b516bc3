/*
 * How one sample lies in memory at the source (model inputs) and at the sink
 * (integer outputs): tensors in the model's order, each 8-byte aligned, at
 * storage width, or as float32 for the `float` device.
 */
#ifndef PTA_CLI_PACKING_H
#define PTA_CLI_PACKING_H

#include "plan/plan.h"

typedef struct pta_tensor_place {
    int32_t node;
    pta_format format;
    pta_dtype dtype;
    int64_t count;
    size_t offset; /* in a sample, bytes */
} pta_tensor_place;

typedef struct pta_packing {
    int32_t n;
    pta_tensor_place *tensor; /* owned; [n] */
    size_t sample_bytes;
} pta_packing;

pta_status PTA_MUST_CHECK pta_packing_inputs(pta_ctx *ctx,
                                             const pta_graph *graph,
                                             const pta_plan *plan,
                                             bool is_float, pta_packing *out);
pta_status PTA_MUST_CHECK pta_packing_outputs(pta_ctx *ctx,
                                              const pta_graph *graph,
                                              const pta_plan *plan,
                                              bool is_float, pta_packing *out);
void pta_packing_free(pta_ctx *ctx, pta_packing *layout);

/** Raw integer e of tensor i of a sample. Not for float32. */
int64_t pta_packing_raw(const pta_packing *layout, const void *sample,
                        int32_t i, int64_t e);

/** The same as a value: raw * 2^-F, or the float32. */
double pta_packing_value(const pta_packing *layout, const void *sample,
                         int32_t i, int64_t e);

#endif
