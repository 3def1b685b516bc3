/*
 * The automatic cut: just as many boards as asked for, balanced, and refused
 * with the most that the model can use.
 */
#include <stdio.h>
#include <string.h>

#include "partition/auto.h"
#include "unit/named_nets.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

/* Multiply-accumulates of the busiest stage. */
static int64_t greatest(const pta_graph *graph, const pta_plan *plan)
{
    int64_t most = 0;
    for (int32_t s = 0; s < plan->n_stages; s++) {
        int64_t sum = 0;
        for (int32_t i = plan->stages[s].first; i <= plan->stages[s].last;
             i++) {
            sum += pta_node_macs(graph, i);
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* Least greatest stage over all ways to begin n stages at weighted layers. */
static int64_t best(const pta_graph *graph, int32_t from, int32_t n)
{
    int64_t least = INT64_MAX, sum = 0;
    for (int32_t i = from; i < graph->n_nodes; i++) {
        if (i > from && n > 1 && pta_node_splittable(&graph->nodes[i])) {
            int64_t rest = best(graph, i, n - 1);
            int64_t most = rest > sum ? rest : sum;
            least = most < least ? most : least;
        }
        sum += pta_node_macs(graph, i);
    }
    return n == 1 ? sum : least;
}

static void check_runs(pta_ctx *ctx, const pta_graph *graph,
                       const pta_plan *plan)
{
    int64_t n, n_whole;
    pta_plan *uncut = sim_plan(ctx, graph);
    int64_t *whole = sim_run(ctx, graph, uncut, 5, &n_whole);
    int64_t *cut = sim_run(ctx, graph, plan, 5, &n);
    CU_ASSERT_TRUE(cut != NULL && n == n_whole &&
                   memcmp(cut, whole, (size_t)n * 8) == 0);
    free(whole);
    free(cut);
    pta_plan_destroy(ctx, &uncut);
}

static void test_balanced(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = cnn_net(ctx);
    for (int32_t boards = 1; boards <= 12; boards++) {
        pta_plan *plan = sim_plan(ctx, graph);
        UNIT_OK(ctx, pta_partition_auto(ctx, graph, boards, plan));
        CU_ASSERT_EQUAL(plan->n_boards, boards);
        CU_ASSERT_EQUAL(plan->n_stages, boards < 5 ? boards : 5);
        if (boards <= 5) {
            CU_ASSERT_EQUAL(greatest(graph, plan),
                            best(graph, graph->n_inputs, boards));
        }
        check_runs(ctx, graph, plan);
        pta_plan_destroy(ctx, &plan);
    }
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* The busiest layer takes the boards that are left. */
static void test_surplus(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = cnn_net(ctx);
    pta_plan *plan = sim_plan(ctx, graph);
    UNIT_OK(ctx, pta_partition_auto(ctx, graph, 7, plan));
    CU_ASSERT_EQUAL(plan->stages[1].n_parts, 3); /* conv2: 11*11*9*32*64 */
    CU_ASSERT_EQUAL(plan->stages[1].split, PTA_SPLIT_CHANNEL);
    int32_t most = 32 + 64 + 48 + 60 + 5;
    UNIT_OK(ctx, pta_partition_auto(ctx, graph, most, plan));
    CU_ASSERT_EQUAL(plan->n_boards, most);
    CU_ASSERT_EQUAL(pta_partition_auto(ctx, graph, most + 1, plan),
                    PTA_ERR_RANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "over 209 at most"));
    CU_ASSERT_EQUAL(plan->n_boards, most);
    CU_ASSERT_EQUAL(pta_partition_auto(ctx, graph, 0, plan), PTA_ERR_USAGE);
    pta_plan_destroy(ctx, &plan);
    pta_graph_destroy(ctx, &graph);
    pta_ctx_destroy(&ctx);
}

/* Without weighted layers there is one board's work. */
static void test_no_weights(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "pool", &m.graph));
    int32_t in = add_input(&m, (pta_view){8, 8, 3});
    int32_t out = add_window(&m, PTA_OP_MAXPOOL, in, square_window(2, 2), 0);
    UNIT_OK(ctx, pta_graph_add_output(ctx, m.graph, out));
    pta_plan *plan = sim_plan(ctx, m.graph);
    UNIT_OK(ctx, pta_partition_auto(ctx, m.graph, 1, plan));
    CU_ASSERT_EQUAL(plan->n_boards, 1);
    CU_ASSERT_EQUAL(pta_partition_auto(ctx, m.graph, 2, plan), PTA_ERR_RANGE);
    pta_plan_destroy(ctx, &plan);
    pta_graph_destroy(ctx, &m.graph);
    pta_ctx_destroy(&ctx);
}

/* Any graph: as many boards as asked for, and the same result. */
static void test_random(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = 99;
    int32_t n_done = 0;
    for (int32_t g = 0; g < 300; g++) {
        pta_graph *graph = cut_graph(ctx, &rng, pick(&rng, 2, 9));
        pta_plan *plan = sim_plan(ctx, graph);
        int32_t boards = pick(&rng, 1, 7);
        if (pta_partition_auto(ctx, graph, boards, plan) == PTA_OK) {
            CU_ASSERT_EQUAL(plan->n_boards, boards);
            check_runs(ctx, graph, plan);
            n_done++;
        }
        pta_plan_destroy(ctx, &plan);
        pta_graph_destroy(ctx, &graph);
    }
    printf("\n    seed 99, %d of 300 graphs ", (int)n_done);
    CU_ASSERT_TRUE(n_done > 200);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"contiguous stages are balanced", test_balanced},
    {"surplus boards, and too many", test_surplus},
    {"a model without weights", test_no_weights},
    {"random graphs", test_random},
};

UNIT_MAIN("partition", tests)
