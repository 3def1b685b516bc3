/*
 * A slice as a graph of its own, with its weights: for outputs that other tools
 * read (Keras, hls4ml). Tensors are the slice's local values; steps keep the
 * names of their layers.
 *
 * A step of an input split has bias zero and no activation. A crop is a
 * convolution (or a Dense layer, where it is no box) whose weights are 0 and 1:
 * every tool knows those.
 */
#ifndef PTA_HLS_SLICE_GRAPH_H
#define PTA_HLS_SLICE_GRAPH_H

#include "ir/weights.h"
#include "plan/slice.h"

typedef struct pta_slice_graph {
    pta_graph *graph; /* owned */
    pta_weights weights;
    const pta_slice *slice; /* borrowed */
    int32_t *step;          /* owned; [n_nodes] step of the slice, or -1 */
    int32_t *value;         /* owned; [n_nodes] value of the slice */
} pta_slice_graph;

/**
 * The graph of a loaded slice of `graph`, which gives the names. Weights of a
 * float slice are the file's; those of an integer slice what its raw integers
 * stand for. `weights` reads whole tensors only.
 */
pta_status PTA_MUST_CHECK pta_slice_graph_make(pta_ctx *ctx,
                                               const pta_graph *graph,
                                               const pta_slice *slice,
                                               pta_slice_graph **out);
void pta_slice_graph_destroy(pta_ctx *ctx, pta_slice_graph **graph);

#endif
