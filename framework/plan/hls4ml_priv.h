/* The hls4ml profile, for the files that read, write and check plans. */
#ifndef PTA_PLAN_HLS4ML_PRIV_H
#define PTA_PLAN_HLS4ML_PRIV_H

#include "plan/plan_priv.h"
#include "json/json.h"

/** Reads the keys beside "out" and "weight" of a layer, and refuses others. */
pta_status PTA_MUST_CHECK pta_hls4ml_read(pta_ctx *ctx, const json_t *layer,
                                          const char *where,
                                          const pta_node *node,
                                          pta_node_format *format);

/** Those keys as text, each after ", ". */
#define PTA_HLS4ML_TEXT 512
int pta_hls4ml_print(const pta_node *node, const pta_node_format *format,
                     char text[PTA_HLS4ML_TEXT]);

/** Refuses types out of range, and layers that hls4ml computes otherwise than
 * Keras means or not at all. */
pta_status PTA_MUST_CHECK pta_hls4ml_check(pta_ctx *ctx, const pta_graph *graph,
                                           const pta_plan *plan);

/** Refuses an input split over an accumulator that saturates. */
pta_status PTA_MUST_CHECK pta_hls4ml_check_stages(pta_ctx *ctx,
                                                  const pta_graph *graph,
                                                  const pta_plan *plan);

#endif
