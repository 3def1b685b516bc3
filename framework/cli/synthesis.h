/* What Yosys counts of a plan's boards, for the planner. */
#ifndef PTA_CLI_SYNTHESIS_H
#define PTA_CLI_SYNTHESIS_H

#include "ir/weights.h"
#include "partition/cluster.h"
#include "plan/design.h"

/** Generates the core of a board as `build` does, within `budget`, and
 * synthesises it (cached, hls/gen/report.h). `said` receives what the formulas
 * give, `counted` what Yosys does. PTA_ERR_NOT_FOUND without Yosys. */
pta_status PTA_MUST_CHECK pta_count_board(pta_ctx *ctx, const pta_graph *graph,
                                          const pta_plan *plan,
                                          pta_weights *weights, int32_t board,
                                          const pta_budget *budget,
                                          pta_resources *said,
                                          pta_resources *counted);

/** Counts all boards of a plan, board b on a machine like hosts[b], prints the
 * counts beside the formulas' and gives them to `counted` [n_boards]. Where one
 * exceeds `budgets` [n_kinds], *fit is false and the share of that kind of board
 * is taken down by what the formulas fell short, for another search. */
pta_status PTA_MUST_CHECK
pta_count_plan(pta_ctx *ctx, const pta_graph *graph, const pta_plan *plan,
               pta_weights *weights, pta_cluster *cluster, const int32_t *hosts,
               const pta_budget *budgets, pta_resources *counted, bool *fit);

#endif
