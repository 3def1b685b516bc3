/*
 * The planner on generated networks: seconds, and what is proven.
 *
 *     bench_planner [LAYERS BOARDS [SECONDS [SEEDS]]]
 *
 * Mixed dense and convolutions of 8 to 256 channels, a branch in every tenth
 * layer, 8 bits, equal PYNQ-Z2, foldings of the estimator `analytic`. One CSV
 * row for each seed and objective; the gap is of the value found to the bound.
 * All figures but the seconds are modelled; the seconds are of this machine.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "ir/build.h"
#include "partition/analytic.h"
#include "partition/solve.h"

typedef struct maker {
    pta_ctx *ctx;
    uint64_t rng;
    pta_graph *graph;
} maker;

static void must(const maker *m, pta_status status)
{
    if (status != PTA_OK) {
        fprintf(stderr, "bench_planner: %s\n", pta_ctx_error(m->ctx));
        exit(1);
    }
}

static int32_t pick(maker *m, int32_t lo, int32_t hi)
{
    return (int32_t)pta_rng_range(&m->rng, lo, hi);
}

static int32_t add(maker *m, pta_op op, int32_t a, int32_t b, pta_view view)
{
    char name[32];
    int32_t in[2] = {a, b}, index;
    pta_node node = pta_node_make(op);
    snprintf(name, sizeof name, "layer%d", (int)m->graph->n_nodes);
    node.name = name;
    node.n_in = op == PTA_OP_INPUT ? 0 : b < 0 ? 1 : 2;
    node.in = in;
    node.view = view;
    node.shape = (pta_shape){3, {view.h, view.w, view.c}};
    if (op == PTA_OP_CONV) {
        node.window.kh = node.window.kw = 3;
        pta_window_same(&node.window, view.h, view.w);
    }
    if (pta_node_weighted(&node)) {
        node.weights = m->graph->n_nodes;
        node.has_bias = true;
        node.act = PTA_ACT_RELU;
    }
    must(m, pta_graph_add(m->ctx, m->graph, &node, &index));
    return index;
}

/* First half images of 8 x 8, then vectors. */
static void make(maker *m, int32_t layers)
{
    must(m, pta_graph_create(m->ctx, "generated", &m->graph));
    pta_view v = {8, 8, 8};
    int32_t at = add(m, PTA_OP_INPUT, -1, -1, v);
    for (int32_t i = 0; i < layers; i++) {
        if (i == layers / 2) {
            v = (pta_view){1, 1, v.h * v.w * v.c};
            at = add(m, PTA_OP_RESHAPE, at, -1, v);
        }
        bool image = i < layers / 2, same = pick(m, 0, 9) == 0;
        int32_t from = at;
        v.c = same && v.c <= 256 ? v.c : 1 << pick(m, 3, image ? 6 : 8);
        at = add(m, image ? PTA_OP_CONV : PTA_OP_DENSE, at, -1, v);
        if (same && m->graph->nodes[from].view.c == v.c) {
            at = add(m, PTA_OP_ADD, at, from, v);
        }
    }
    must(m, pta_graph_add_output(m->ctx, m->graph, at));
}

static pta_plan *formats(maker *m)
{
    pta_plan *plan;
    must(m, pta_plan_create(m->ctx, m->graph, &plan));
    for (int32_t i = 0; i < m->graph->n_nodes; i++) {
        bool weighted = pta_node_weighted(&m->graph->nodes[i]);
        plan->formats[i] =
            (pta_node_format){.out = pta_format_tensor(8, 2, true),
                              .weight = pta_format_weight(8, 1),
                              .acc_frac = weighted ? 13 : 6,
                              .acc_bits = 26,
                              .acc = PTA_S32};
    }
    return plan;
}

static void run(uint64_t seed, int32_t layers, int32_t boards, double seconds,
                pta_goal goal)
{
    static const char *const names[] = {"latency", "throughput", "boards"};
    maker m = {.ctx = pta_ctx_create(), .rng = seed};
    pta_estimator *estimator;
    pta_cluster *cluster;
    pta_answer a;
    make(&m, layers);
    pta_plan *plan = formats(&m);
    must(&m, pta_cluster_create(m.ctx, boards, &cluster));
    must(&m, pta_analytic_create(m.ctx, &estimator));
    pta_ask ask = {.goal = goal,
                   .cluster = cluster,
                   .estimator = estimator,
                   .boards = boards,
                   .batch = 64,
                   .seconds = seconds};
    must(&m, pta_solve(m.ctx, m.graph, plan, &ask, &a));
    printf("%llu,%d,%d,%s,%.2f,%s,%.4f,%.4f,%d,%d\n", (unsigned long long)seed,
           (int)layers, (int)boards, names[goal], a.seconds,
           !a.found    ? "none"
           : a.optimal ? "optimal"
                       : "bound",
           a.value, a.found ? a.bound : 0, (int)(a.n_boards * a.copies),
           (int)a.n_cuts);
    fflush(stdout);
    pta_answer_free(m.ctx, &a);
    pta_plan_destroy(m.ctx, &plan);
    pta_analytic_destroy(m.ctx, &estimator);
    pta_cluster_destroy(m.ctx, &cluster);
    pta_graph_destroy(m.ctx, &m.graph);
    pta_ctx_destroy(&m.ctx);
}

int main(int argc, char **argv)
{
    int32_t layers = argc > 2 ? atoi(argv[1]) : 12;
    int32_t boards = argc > 2 ? atoi(argv[2]) : 5;
    double seconds = argc > 3 ? atof(argv[3]) : 10;
    int seeds = argc > 4 ? atoi(argv[4]) : 3;
    printf("seed,layers,boards,objective,seconds,proof,us,bound_us,used,"
           "stages\n");
    for (int seed = 1; seed <= seeds; seed++) {
        for (int goal = PTA_GOAL_LATENCY; goal <= PTA_GOAL_BOARDS; goal++) {
            run((uint64_t)seed, layers, boards, seconds, (pta_goal)goal);
        }
    }
    return 0;
}
