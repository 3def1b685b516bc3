/*
 * The planner's solver: the best plan for a cluster under the cost model, with
 * proof.
 *
 * Searched: where stages begin and end, every kind of cut, part sizes, which
 * board is where (hosts that differ), copies of the whole pipeline, and the
 * folding of every layer. Chains of stages by bisection over the interval, then
 * branch and bound over stages from source to sink; large problems by chains
 * alone. docs/planner.md says what is left out of the search.
 */
#ifndef PTA_PARTITION_SOLVE_H
#define PTA_PARTITION_SOLVE_H

#include "partition/price.h"
#include "plan/plan.h"

typedef enum pta_goal {
    PTA_GOAL_LATENCY,    /* of one sample */
    PTA_GOAL_THROUGHPUT, /* interval between samples */
    PTA_GOAL_BOARDS      /* fewest, then throughput */
} pta_goal;

typedef struct pta_ask {
    pta_goal goal;
    const pta_cluster *cluster;
    pta_estimator *estimator;
    int32_t boards;        /* at most; of the cluster's hosts */
    bool all_boards;       /* just so many, in one copy */
    int32_t batch;         /* samples a message when throughput counts */
    double at_least_per_s; /* BOARDS; 0: none */
    double at_most_us;     /* BOARDS; 0: none. Then latency is what is least */
    double seconds;        /* time limit; 0: none */
    int32_t divisions;     /* all part sizes of a cut are tried if there are at
                              most so many, else equal ones and by kinds of board;
                              0: 64 */
    bool as_large; /* do without branch and bound, as for a large problem */
} pta_ask;

/** The best plan found. */
typedef struct pta_answer {
    bool found, optimal;
    double value;         /* us: latency, or interval between samples */
    double bound;         /* us: no plan is better */
    int32_t least_boards; /* throughput, boards: no plan has fewer */
    int32_t n_stages, n_boards, copies;
    pta_stage *stages; /* owned */
    int32_t *hosts;    /* owned; [copies * n_boards] */
    pta_core *cores;   /* owned; [n_boards] */
    pta_busy *loads;   /* owned; [n_boards] */
    pta_price price;
    int64_t nodes;  /* of the search */
    int32_t n_cuts; /* single stages looked at */
    double seconds;
    char why[512]; /* not found: what does not fit, what would help */
} pta_answer;

/** `plan` lends formats. A model that fits nowhere is not a failure: `found`
 * is false and `why` says what is lacking. PTA_ERR_UNSUPPORTED for the profile
 * hls4ml, which our hardware does not compute. */
pta_status PTA_MUST_CHECK pta_solve(pta_ctx *ctx, const pta_graph *graph,
                                    const pta_plan *plan, const pta_ask *ask,
                                    pta_answer *out);
void pta_answer_free(pta_ctx *ctx, pta_answer *answer);

/** Gives the plan the answer's stages (copied) and validates. */
pta_status PTA_MUST_CHECK pta_answer_apply(pta_ctx *ctx,
                                           const pta_answer *answer,
                                           const pta_graph *graph,
                                           pta_plan *plan);

/** Writes the foldings of the answer into the plan, which has its stages, so that
 * `build` makes what was priced. A layer whose parts are folded differently gets
 * none. */
pta_status PTA_MUST_CHECK pta_answer_folds(pta_ctx *ctx,
                                           const pta_answer *answer,
                                           const pta_graph *graph,
                                           pta_plan *plan);
void pta_plan_clear_folds(pta_ctx *ctx, pta_plan *plan);

#endif
