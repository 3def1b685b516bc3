/*
 * The estimator `hls4ml`: designs of hls4ml's resource strategy, by the reuse
 * factor (multipliers = products / RF, weights in block RAM). A model of
 * another tool's hardware: our blocks are not built like this.
 */
#ifndef PTA_PARTITION_ESTIMATE_HLS4ML_H
#define PTA_PARTITION_ESTIMATE_HLS4ML_H

#include "partition/estimate.h"

pta_status PTA_MUST_CHECK pta_estimate_hls4ml_create(pta_ctx *ctx,
                                                     pta_estimator **out);
void pta_estimate_hls4ml_destroy(pta_ctx *ctx, pta_estimator **estimator);

/** Whether hls4ml's resource strategy takes this reuse factor for a layer of
 * so many inputs and outputs (fpga_backend.py, _validate_reuse_factor). */
bool pta_hls4ml_reuse_valid(int64_t n_in, int64_t n_out, int64_t reuse);

#endif
