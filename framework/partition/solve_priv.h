/*
 * Between the files of the solver: hosts by class, options of a stage, bounds
 * of what is left, the search.
 */
#ifndef PTA_PARTITION_SOLVE_PRIV_H
#define PTA_PARTITION_SOLVE_PRIV_H

#include "partition/candidate_priv.h"
#include "partition/solve.h"

#define PTA_CLASS_MAX 64
#define PTA_DIVISIONS 64

/** Hosts that may stand for each other. */
typedef struct pta_host_class {
    int32_t kind, n;
    int32_t *hosts; /* owned; [n] */
} pta_host_class;

/** A stage that may begin at some layer. */
typedef struct pta_option {
    pta_candidate *c;
    double low; /* of the stage alone, whatever its neighbours: see goal */
} pta_option;

typedef struct pta_options_of {
    int32_t n;
    pta_option *at; /* owned; least `low` first */
} pta_options_of;

typedef struct pta_solver {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_ask *ask;
    pta_plan *plan; /* owned; formats, and stages of what is priced */
    pta_candidates all;
    pta_budget *budgets; /* owned; [n_kinds] */
    int32_t n_classes;
    pta_host_class classes[PTA_CLASS_MAX];
    bool *taken_whole; /* owned; [n_nodes] all of it is needed by somebody */
    bool *shrinks;     /* owned; [n_nodes] made of fewer bytes than it has */
    pta_options_of *options; /* owned; [n_nodes + 1], by first layer */
    double *low;             /* owned; [n_nodes + 1][boards + 1] */
    int32_t boards;          /* limit of one copy */
    double started, deadline;
    bool hurried; /* no time for all options: nothing is proven */
} pta_solver;

static inline double *pta_low(const pta_solver *s, int32_t first, int32_t left)
{
    return &s->low[(int64_t)first * (s->boards + 1) + left];
}

static inline bool pta_by_latency(const pta_solver *s)
{
    return s->ask->goal == PTA_GOAL_LATENCY || s->ask->at_most_us > 0;
}

/** First layer at or after `first` that computes; n_nodes if there is none. */
int32_t pta_first_computed(const pta_graph *graph, int32_t first);

/** Options and bounds. Options that fit on no board are left out. */
pta_status PTA_MUST_CHECK pta_solver_options(pta_solver *s);
void pta_solver_bounds(pta_solver *s);

/** Searches with `copies` copies; improves on `best`. *open is the least bound
 * of what was not searched to the end (HUGE_VAL: all was). */
pta_status PTA_MUST_CHECK pta_solver_search(pta_solver *s, int32_t copies,
                                            pta_answer *best, double *open);

double pta_solver_seconds(void);

#endif
