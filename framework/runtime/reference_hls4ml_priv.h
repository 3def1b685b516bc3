/*
 * The reference of the hls4ml profile: what runtime/reference.h opens for formats
 * of that profile. hls4ml_value.h is its arithmetic.
 */
#ifndef PTA_RUNTIME_REFERENCE_HLS4ML_PRIV_H
#define PTA_RUNTIME_REFERENCE_HLS4ML_PRIV_H

#include "runtime/reference.h"

typedef struct pta_hls4ml_reference pta_hls4ml_reference;

pta_status PTA_MUST_CHECK
pta_hls4ml_reference_open(pta_ctx *ctx, const pta_graph *graph,
                          pta_weights *weights, const pta_node_format *formats,
                          int32_t max_samples, pta_hls4ml_reference **out);

/** As pta_reference_run; every node's values are kept until the next run. */
void pta_hls4ml_reference_run(pta_hls4ml_reference *reference,
                              const void *const *inputs, void *const *outputs,
                              int32_t n_samples, pta_reference_tap tap,
                              void *user);
const double *pta_hls4ml_reference_values(const pta_hls4ml_reference *reference,
                                          int32_t node);
void pta_hls4ml_reference_close(pta_ctx *ctx, pta_hls4ml_reference **reference);

#endif
