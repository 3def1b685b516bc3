/*
 * pta_weights: how others ask for weights. The model reader implements it;
 * tests implement it over arrays.
 *
 * Values come as doubles: the float32 of the file, or after folding a
 * BatchNormalization the double w' = w * gamma / sqrt(var + eps) and
 * b' = (b - mean) * gamma / sqrt(var + eps) + beta. A kernel is seen as a
 * matrix per window cell: [kh*kw][inputs][outputs], where DENSE has one cell;
 * DWCONV has inputs = channels, outputs = multiplier.
 */
#ifndef PTA_IR_WEIGHTS_H
#define PTA_IR_WEIGHTS_H

#include "ir/graph.h"

typedef enum pta_weight_role {
    PTA_WEIGHT_KERNEL,
    PTA_WEIGHT_BIAS,  /* [outputs]; DWCONV: [channels * multiplier];
                         zeros when the layer has none */
    PTA_WEIGHT_SCALE, /* SCALE_SHIFT, [channels] */
    PTA_WEIGHT_SHIFT
} pta_weight_role;

/**
 * Which part of a kernel: inputs as `in_count` blocks of `in_block`, starting
 * at in_start, in_stride apart (a plain range has in_count 1); outputs as
 * [out_start, out_start + out_count). All window cells are always read. For the
 * other roles only the outputs count (DWCONV: flat channels * multiplier).
 */
typedef struct pta_weight_part {
    int32_t in_start, in_block, in_stride, in_count;
    int32_t out_start, out_count;
} pta_weight_part;

typedef struct pta_weights pta_weights;
struct pta_weights {
    /**
     * Reads the part, C-order [cells][in_count * in_block][out_count], into
     * `values`. Local; one hyperslab read, no buffer larger than the part.
     * NaN or infinity is PTA_ERR_FORMAT naming layer and dataset.
     */
    pta_status (*read)(pta_weights *self, pta_ctx *ctx, int32_t node,
                       pta_weight_role role, pta_weight_part part,
                       double *values);
    void *state; /* owned by the implementation */
};

/** The whole kernel, or the whole vector of another role. */
pta_weight_part pta_weight_whole(const pta_graph *graph, int32_t node,
                                 pta_weight_role role);

/** Elements of a part: cells * inputs * outputs, or outputs. */
int64_t pta_weight_count(const pta_graph *graph, int32_t node,
                         pta_weight_role role, pta_weight_part part);

#endif
