/*
 * The references: the uncut graph on one CPU with OpenBLAS.
 *
 * They take only the graph, the weights and the plan's formats, never a slice
 * or a layout, and share no arithmetic with kernels/ but kernels/\*_blas.c:
 *   - float: float32 sgemm, with a final Softmax: the accuracy Keras gets;
 *   - blas: integer-valued doubles by dgemm, exact below 2^53 (operands split
 *     in limbs above), the independent reference for bit checks; for formats of
 *     the hls4ml profile an interpreter of its rules (reference_hls4ml.c), which
 *     borrows the formats.
 */
#ifndef PTA_RUNTIME_REFERENCE_H
#define PTA_RUNTIME_REFERENCE_H

#include "ir/weights.h"
#include "ir/node_format.h"

typedef struct pta_reference pta_reference;

/** `formats` [n_nodes] or NULL for the float reference. Reads and keeps all
 * weights. The graph is borrowed. */
pta_status PTA_MUST_CHECK pta_reference_open(pta_ctx *ctx,
                                             const pta_graph *graph,
                                             pta_weights *weights,
                                             const pta_node_format *formats,
                                             int32_t max_samples,
                                             pta_reference **out);

/** Called after each node with its n results: float32 [n][count] (float) or
 * double holding raw integers [n][count] (blas). */
typedef void (*pta_reference_tap)(void *user, int32_t node, const void *values,
                                  int32_t n_samples, int64_t count);

/**
 * Runs n <= max_samples samples. inputs[i] is model input i, [n][count]:
 * float32 values for float, int64 raw integers for blas. outputs[i] likewise
 * (blas: the integer outputs, pta_graph_integer_output). `tap` may be NULL.
 */
pta_status PTA_MUST_CHECK pta_reference_run(pta_reference *reference,
                                            pta_ctx *ctx,
                                            const void *const *inputs,
                                            void *const *outputs,
                                            int32_t n_samples,
                                            pta_reference_tap tap, void *user);

/** Result of one node of the last run, as the tap sees it; NULL if that node
 * was not kept (only with `keep_all`). Used to find the first differing layer. */
void pta_reference_keep_all(pta_reference *reference, bool keep);
const void *pta_reference_values(const pta_reference *reference, int32_t node);

void pta_reference_close(pta_ctx *ctx, pta_reference **reference);

#endif
