/*
 * A step of a slice as a kernel's layer: what the `fixed` device runs.
 * fixed_layer.c translates and checks; device_fixed.c places and runs.
 */
#ifndef PTA_RUNTIME_FIXED_LAYER_PRIV_H
#define PTA_RUNTIME_FIXED_LAYER_PRIV_H

#include "kernels/hls4ml.h"
#include "kernels/table.h"
#include "plan/slice.h"

typedef struct pta_fixed_layer pta_fixed_layer;
struct pta_fixed_layer {
    void (*run)(const pta_fixed_layer *layer, const pta_kernel_table *kernels,
                const pta_batch *batch);
    union {
        pta_dense dense;
        pta_conv conv;
        pta_scale scale;
        pta_relu relu;
        pta_lookup lookup;
        pta_pool pool;
        pta_merge merge;
        pta_concat concat;
        pta_permute permute;
        pta_pad pad;
        pta_crop crop;
        pta_gather gather;
        pta_hls4ml_sum hls4ml_sum;
        pta_hls4ml_scale hls4ml_scale;
        pta_hls4ml_relu hls4ml_relu;
        pta_hls4ml_hard_sigmoid hls4ml_hard_sigmoid;
        pta_hls4ml_lookup hls4ml_lookup;
        pta_hls4ml_pool hls4ml_pool;
        pta_hls4ml_softmax hls4ml_softmax;
    } as;
    void *memory;      /* owned; tables, prepared weights, operands; or NULL */
    void *views;       /* owned; CONCAT; or NULL */
    size_t work_bytes; /* for a batch of max_samples */
};

/** Makes the layer of one step. Errors name the graph node by its number (a
 * slice has no names): PTA_ERR_MISMATCH for shapes and types that do not fit,
 * PTA_ERR_RANGE for formats too far apart to compute exactly. */
pta_status PTA_MUST_CHECK pta_fixed_layer_init(pta_ctx *ctx,
                                               const pta_slice *slice,
                                               const pta_step *step,
                                               const pta_kernel_table *kernels,
                                               int32_t max_samples,
                                               pta_fixed_layer *layer);

/** What all translations need. */
typedef struct pta_layer_maker {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_step *step;
    const pta_kernel_table *kernels;
    int32_t max_samples;
    pta_fixed_layer *layer;
} pta_layer_maker;

/** Whether a step has kernels of its own in the hls4ml profile (merges and
 * moves have not), and its translation (fixed_hls4ml.c). */
bool pta_hls4ml_step(const pta_step *step);
pta_status PTA_MUST_CHECK pta_hls4ml_layer_make(const pta_layer_maker *maker);

void pta_fixed_layer_free(pta_ctx *ctx, pta_fixed_layer *layer);

#endif
