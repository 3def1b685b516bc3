/*
 * The estimator `rule4ml`: hls4ml's designs as rule4ml's networks predict them,
 * layer by layer, by reuse factor. A second opinion on another tool's hardware;
 * our blocks are not built like this.
 */
#ifndef PTA_CLI_ESTIMATE_RULE4ML_H
#define PTA_CLI_ESTIMATE_RULE4ML_H

#include "partition/estimate.h"

/** `dir` as in pta_rule4ml_folder. */
pta_status PTA_MUST_CHECK pta_estimate_rule4ml_create(pta_ctx *ctx,
                                                      const char *dir,
                                                      pta_estimator **out);
void pta_estimate_rule4ml_destroy(pta_ctx *ctx, pta_estimator **estimator);

#endif
