/*
 * What is made of an answer: its stages and foldings in a plan, the quickest
 * cores of those that keep its interval.
 */
#include <string.h>

#include "partition/solve_priv.h"

static void stages_free(pta_ctx *ctx, pta_stage *stages, int32_t n)
{
    for (int32_t i = 0; stages != NULL && i < n; i++) {
        pta_free(ctx, stages[i].sizes);
    }
    pta_free(ctx, stages);
}

void pta_answer_free(pta_ctx *ctx, pta_answer *a)
{
    for (int32_t b = 0; a->cores != NULL && b < a->n_boards; b++) {
        pta_core_free(ctx, &a->cores[b]);
    }
    stages_free(ctx, a->stages, a->n_stages);
    pta_free(ctx, a->hosts);
    pta_free(ctx, a->cores);
    pta_free(ctx, a->loads);
    a->stages = NULL;
    a->hosts = NULL;
    a->cores = NULL;
    a->loads = NULL;
    a->found = false;
}

pta_status pta_answer_apply(pta_ctx *ctx, const pta_answer *a,
                            const pta_graph *graph, pta_plan *plan)
{
    pta_stage *stages;
    pta_status status = PTA_OK;
    PTA_TRY_ALLOC(ctx, stages, a->n_stages);
    for (int32_t i = 0; i < a->n_stages && status == PTA_OK; i++) {
        size_t bytes = (size_t)a->stages[i].n_parts * sizeof(int32_t);
        stages[i] = a->stages[i];
        stages[i].sizes = pta_calloc(ctx, 1, bytes);
        if (stages[i].sizes == NULL) {
            status = PTA_ERR_NOMEM;
        } else {
            memcpy(stages[i].sizes, a->stages[i].sizes, bytes);
        }
    }
    if (status == PTA_OK) {
        status = pta_plan_set_stages(ctx, plan, stages, a->n_stages);
    }
    if (status != PTA_OK) {
        stages_free(ctx, stages, a->n_stages);
        return status;
    }
    return pta_plan_validate(ctx, plan, graph);
}

/* ---- foldings ---- */

/* The plan has one folding a layer. Parts that differ in size alone take the
 * larger one, which is cut to what they have; else none is written. */
static pta_fold common(pta_fold a, pta_fold b)
{
    if (a.order != b.order || a.memory != b.memory || a.chain != b.chain) {
        return (pta_fold){.pe = -1};
    }
    a.pe = a.pe > b.pe ? a.pe : b.pe;
    a.simd = a.simd > b.simd ? a.simd : b.simd;
    return a;
}

static bool similar(int32_t a, int32_t b)
{
    int32_t most = a > b ? a : b, d = a > b ? a - b : b - a;
    return d == 0 || 8 * d <= most;
}

static void take_fold(pta_fold *fold, pta_fold own)
{
    if (fold->pe == 0) {
        *fold = own;
    } else if (fold->pe > 0 && similar(fold->pe, own.pe) &&
               similar(fold->simd, own.simd)) {
        *fold = common(*fold, own);
    } else {
        fold->pe = -1;
    }
}

static pta_status board_folds(pta_ctx *ctx, const pta_answer *a,
                              const pta_graph *graph, pta_plan *plan,
                              int32_t board)
{
    const pta_core *core = &a->cores[board];
    pta_slice *slice;
    PTA_TRY(pta_slice_build(ctx, graph, plan, board, false, &slice));
    for (int32_t i = 0; i < slice->n_steps && i < core->n_steps; i++) {
        int32_t node = slice->steps[i].node;
        if (pta_node_folds(&graph->nodes[node]) &&
            pta_step_graph_op(slice->steps[i].op) == graph->nodes[node].op &&
            core->folds[i].pe > 0) {
            take_fold(&plan->folds[node], core->folds[i]);
        }
    }
    pta_slice_destroy(ctx, &slice);
    return PTA_OK;
}

pta_status pta_answer_folds(pta_ctx *ctx, const pta_answer *a,
                            const pta_graph *graph, pta_plan *plan)
{
    pta_plan_clear_folds(ctx, plan);
    PTA_TRY_ALLOC(ctx, plan->folds, graph->n_nodes);
    for (int32_t b = 0; b < a->n_boards; b++) {
        PTA_TRY(board_folds(ctx, a, graph, plan, b));
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (plan->folds[i].pe <= 0) {
            plan->folds[i] = (pta_fold){0};
        }
    }
    return PTA_OK;
}

void pta_plan_clear_folds(pta_ctx *ctx, pta_plan *plan)
{
    pta_free(ctx, plan->folds);
    plan->folds = NULL;
}

/* ---- quickest cores ---- */

/* Latency whatever the interval, or within the interval there is. */
static bool is_quicker(const pta_solver *s, const pta_core *a,
                       const pta_core *b)
{
    return a->fits && a->latency < b->latency &&
           (pta_by_latency(s) || a->interval <= b->interval);
}

static pta_status polish_board(pta_solver *s, pta_answer *a, int32_t board)
{
    const pta_budget *budget =
        &s->budgets[s->ask->cluster->hosts[a->hosts[board]].kind];
    pta_aim aim = pta_by_latency(s) ? PTA_AIM_ROUGHLY : PTA_AIM_INTERVAL;
    pta_slice *slice;
    pta_core core, *old = &a->cores[board];
    PTA_TRY(pta_slice_build(s->ctx, s->graph, s->plan, board, false, &slice));
    pta_status status = pta_core_choose(s->ctx, s->ask->estimator, s->graph,
                                        slice, budget, aim, &core);
    pta_slice_destroy(s->ctx, &slice);
    PTA_TRY(status);
    bool quicker = is_quicker(s, &core, old);
    pta_core_free(s->ctx, quicker ? old : &core);
    if (quicker) {
        *old = core;
    }
    return PTA_OK;
}

pta_status pta_answer_polish(pta_solver *s, pta_answer *a)
{
    PTA_TRY(pta_answer_apply(s->ctx, a, s->graph, s->plan));
    for (int32_t b = 0; b < a->n_boards && !pta_solver_late(s); b++) {
        PTA_TRY(polish_board(s, a, b));
    }
    PTA_TRY(pta_price_plan(s->ctx, s->graph, s->plan, a->cores, a->hosts,
                           a->copies, s->ask->cluster, s->ask->batch, &a->price,
                           a->loads));
    a->value = pta_by_latency(s) ? a->price.latency_us : a->price.interval_us;
    return PTA_OK;
}
