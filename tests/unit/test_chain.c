/*
 * The planner's way with large problems, on small ones: its bound is no greater
 * than the optimum that branch and bound proves with real foldings, its plan is
 * no better.
 */
#include <stdio.h>

#include "partition/analytic.h"
#include "unit/planner_case.h"
#include "unit/unit.h"

#define INSTANCES 8

/* Convolutions and dense layers of 8 to 128 channels. */
static pta_graph *network(pta_ctx *ctx, uint64_t *rng, int32_t layers)
{
    graph_maker m = {ctx, rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "wide", &m.graph));
    int32_t at = add_input(&m, (pta_view){6, 6, 8});
    for (int32_t i = 0; i < layers; i++) {
        pta_node node = pta_node_make(PTA_OP_CONV);
        pta_view v = view_of(&m, at);
        int32_t channels = 1 << pick(rng, 3, 7);
        node.window.kh = node.window.kw = 3;
        pta_window_same(&node.window, v.h, v.w);
        at = v.h > 1 && i < layers / 2
                 ? add_window(&m, PTA_OP_CONV, at, node.window, channels / 2)
                 : add_dense(&m, at, channels);
    }
    mark_outputs(&m);
    return m.graph;
}

static pta_answer solve(pta_ctx *ctx, const pta_graph *graph,
                        const pta_plan *plan, const pta_cluster *lab,
                        pta_goal goal, bool as_large)
{
    pta_estimator *estimator;
    pta_answer answer = {0};
    UNIT_OK(ctx, pta_analytic_create(ctx, &estimator));
    pta_ask ask = {.goal = goal,
                   .cluster = lab,
                   .estimator = estimator,
                   .boards = lab->n_hosts,
                   .batch = 16,
                   .divisions = 1,
                   .as_large = as_large};
    UNIT_OK(ctx, pta_solve(ctx, graph, plan, &ask, &answer));
    pta_analytic_destroy(ctx, &estimator);
    return answer;
}

static void compare(pta_ctx *ctx, uint64_t seed, pta_goal goal)
{
    uint64_t rng = seed;
    pta_graph *graph = network(ctx, &rng, pick(&rng, 4, 6));
    pta_plan *plan = sim_plan(ctx, graph);
    pta_cluster *lab;
    UNIT_OK(ctx, pta_cluster_create(ctx, pick(&rng, 2, 4), &lab));
    pta_answer exact = solve(ctx, graph, plan, lab, goal, false);
    pta_answer large = solve(ctx, graph, plan, lab, goal, true);
    bool same_boards =
        goal != PTA_GOAL_BOARDS ||
        large.n_boards * large.copies == exact.n_boards * exact.copies;
    bool right = exact.found == large.found &&
                 (!exact.found || !exact.optimal || !same_boards ||
                  (large.bound <= exact.value * (1 + 1e-9) &&
                   large.value >= exact.value * (1 - 1e-9)));
    if (!right || !exact.found) {
        printf("\nseed %llu: exact %d %.9g, as large %d %.9g, bound %.9g %s\n",
               (unsigned long long)seed, (int)exact.found, exact.value,
               (int)large.found, large.value, large.bound, exact.why);
    }
    CU_ASSERT_TRUE(right);
    CU_ASSERT_TRUE(large.least_boards <= exact.n_boards * exact.copies);
    pta_answer_free(ctx, &exact);
    pta_answer_free(ctx, &large);
    pta_plan_destroy(ctx, &plan);
    pta_cluster_destroy(ctx, &lab);
    pta_graph_destroy(ctx, &graph);
}

static void test_large(void)
{
    pta_ctx *ctx = pta_ctx_create();
    printf("seeds 1 to %d ", INSTANCES);
    for (uint64_t seed = 1; seed <= INSTANCES; seed++) {
        compare(ctx, seed, PTA_GOAL_THROUGHPUT);
        compare(ctx, seed, PTA_GOAL_BOARDS);
        compare(ctx, seed, PTA_GOAL_LATENCY);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"bounds hold, plans are plans", test_large},
};

int main(void)
{
    return unit_main("chain", tests, sizeof tests / sizeof *tests);
}
