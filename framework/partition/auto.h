/*
 * The automatic cut: simple and balanced, until the planner replaces it.
 */
#ifndef PTA_PARTITION_AUTO_H
#define PTA_PARTITION_AUTO_H

#include "plan/plan.h"

/**
 * Replaces the plan's stages by ones for just `n_boards` boards. With no more
 * boards than weighted layers: contiguous stages with the least greatest
 * number of multiply-accumulates. With more: each weighted layer is a stage,
 * and each further board goes to the stage with most per board, which is split
 * by outputs. PTA_ERR_RANGE, with the most that the model can use, if there are
 * too many. On failure the plan is as before.
 */
pta_status PTA_MUST_CHECK pta_partition_auto(pta_ctx *ctx,
                                             const pta_graph *graph,
                                             int32_t n_boards, pta_plan *plan);

#endif
