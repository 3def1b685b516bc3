/*
 * The planner on generated networks: seconds, and what is proven.
 *
 *     bench_planner [SEEDS]
 *     bench_planner LAYERS BOARDS [SECONDS [SEEDS [KINDS [LARGE [OBJECTIVE]]]]]
 *
 * Mixed convolutions and dense layers of 8 to 1,024 channels, a skip in every
 * tenth, LARGE of a hundred too large for one board, 8 bits, foldings of the
 * estimator `analytic`, KINDS kinds of board. One CSV row for each seed and
 * objective, then the worst of all seeds. All figures but the seconds are
 * modelled; the seconds are of this machine: by the clock (which --time-limit
 * goes by) and of one core. `least`: no plan has fewer boards.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "ir/build.h"
#include "partition/analytic.h"
#include "partition/solve.h"

static const char *const goal_names[] = {"latency", "throughput", "boards"};

typedef struct maker {
    pta_ctx *ctx;
    uint64_t rng;
    pta_graph *graph;
    int32_t large, large_left; /* per cent of layers; to come */
    int32_t n_large;
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

/* Mostly 8 to 64 channels; of each hundred layers `large` have 1,024 in and out
 * (convolutions 512), too many weights for one board. */
static int32_t channels(maker *m, bool image, int32_t now)
{
    int32_t wide = image ? 512 : 1024;
    if (m->large_left > 0) {
        m->large_left--;
        return wide;
    }
    if (pick(m, 0, 999) < 10 * m->large && now < wide) {
        m->large_left = 1; /* the next is from wide to wide */
        return wide;
    }
    return 1 << pick(m, 3, 6);
}

/* First half images of 8 x 8, then vectors; a skip in every tenth layer. */
static void make(maker *m, int32_t layers)
{
    must(m, pta_graph_create(m->ctx, "generated", &m->graph));
    pta_view v = {8, 8, 8};
    int32_t at = add(m, PTA_OP_INPUT, -1, -1, v);
    for (int32_t i = 0; i < layers; i++) {
        if (i == layers / 2) {
            v = (pta_view){1, 1, v.h * v.w * v.c};
            at = add(m, PTA_OP_RESHAPE, at, -1, v);
            m->large_left = 0;
        }
        bool image = i < layers / 2, skip = pick(m, 0, 9) == 0;
        int32_t from = at, now = v.c;
        v.c = skip && now <= 64 ? now : channels(m, image, now);
        at = add(m, image ? PTA_OP_CONV : PTA_OP_DENSE, at, -1, v);
        m->n_large += now * (int64_t)v.c * (image ? 9 : 1) * 8 > 216 * 18432;
        if (skip && now == v.c) {
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

/* Kinds of board: PYNQ-Z2, one with half of it, one with twice its memory. */
static pta_cluster *boards_of(maker *m, int32_t boards, int32_t kinds)
{
    pta_cluster *c;
    must(m, pta_cluster_create(m->ctx, boards, &c));
    pta_board_kind *list = pta_realloc(m->ctx, c->kinds, 3 * sizeof *list);
    c->kinds = list;
    for (int32_t k = 1; k < kinds; k++) {
        list[k] = list[0];
        list[k].name = NULL;
        must(m, pta_cluster_text(m->ctx, &list[k].name,
                                 k == 1 ? "half" : "double"));
        pta_resources *has = &list[k].has;
        has->bram18 = k == 1 ? has->bram18 / 2 : has->bram18 * 2;
        has->dsp = k == 1 ? has->dsp / 2 : has->dsp;
    }
    c->n_kinds = kinds;
    for (int32_t h = 0; h < boards; h++) {
        c->hosts[h].kind = h % kinds;
    }
    return c;
}

/* Foldings that the estimator lists for the layers of the uncut network. */
static double mean_foldings(maker *m, pta_plan *plan, pta_estimator *e)
{
    pta_slice *slice;
    int64_t sum = 0, n = 0;
    must(m, pta_slice_build(m->ctx, m->graph, plan, 0, false, &slice));
    for (int32_t i = 0; i < slice->n_steps; i++) {
        pta_foldings list = {0};
        must(m, e->foldings(e, m->ctx, slice, i, &list));
        n += slice->steps[i].weighted;
        sum += slice->steps[i].weighted ? list.n : 0;
        pta_foldings_free(m->ctx, &list);
    }
    pta_slice_destroy(m->ctx, &slice);
    return n > 0 ? (double)sum / (double)n : 0;
}

typedef struct problem {
    int32_t layers, boards, kinds, large;
    pta_goal goal;
    double seconds; /* limit */
} problem;

typedef struct worst {
    double seconds, gap;
    int none;
} worst;

static void run(uint64_t seed, const problem *p, worst *w)
{
    maker m = {.ctx = pta_ctx_create(), .rng = seed, .large = p->large};
    pta_estimator *estimator, *other;
    pta_answer a;
    make(&m, p->layers);
    pta_plan *plan = formats(&m);
    pta_cluster *cluster = boards_of(&m, p->boards, p->kinds);
    must(&m, pta_analytic_create(m.ctx, &estimator));
    must(&m, pta_analytic_create(m.ctx, &other)); /* nothing made in advance */
    double mean = mean_foldings(&m, plan, other);
    pta_ask ask = {.goal = p->goal,
                   .cluster = cluster,
                   .estimator = estimator,
                   .boards = p->boards,
                   .batch = 64,
                   .seconds = p->seconds};
    clock_t begin = clock();
    must(&m, pta_solve(m.ctx, m.graph, plan, &ask, &a));
    double core = (double)(clock() - begin) / CLOCKS_PER_SEC;
    double gap = a.found ? 100 * (1 - a.bound / a.value) : 0;
    gap = a.optimal ? 0 : gap;
    printf("%llu,%d,%d,%d,%s,%d,%.0f,%.2f,%.2f,%s,%.4f,%.4f,%.2f,%d,%d,%d\n",
           (unsigned long long)seed, (int)p->layers, (int)p->boards,
           (int)p->kinds, goal_names[p->goal], (int)m.n_large, mean, a.seconds,
           core,
           !a.found    ? "none"
           : a.optimal ? "optimal"
                       : "bound",
           a.value, a.found ? a.bound : 0, gap,
           a.found ? (int)(a.n_boards * a.copies) : 0, (int)a.least_boards,
           (int)a.n_cuts);
    if (!a.found) {
        printf("# %s\n", a.why);
    }
    fflush(stdout);
    w->seconds = fmax(w->seconds, core);
    w->gap = fmax(w->gap, gap);
    w->none += !a.found;
    pta_answer_free(m.ctx, &a);
    pta_plan_destroy(m.ctx, &plan);
    pta_analytic_destroy(m.ctx, &estimator);
    pta_analytic_destroy(m.ctx, &other);
    pta_cluster_destroy(m.ctx, &cluster);
    pta_graph_destroy(m.ctx, &m.graph);
    pta_ctx_destroy(&m.ctx);
}

static void run_seeds(const problem *p, int seeds)
{
    worst w = {0};
    for (int seed = 1; seed <= seeds; seed++) {
        run((uint64_t)seed, p, &w);
    }
    printf("# worst of %d: %d layers, %d boards of %d kinds, %s, limit %.0f s: "
           "%.2f s of one core, gap %.2f %%, %d without a plan\n",
           seeds, (int)p->layers, (int)p->boards, (int)p->kinds,
           goal_names[p->goal], p->seconds, w.seconds, w.gap, w.none);
}

/* The cases of docs/planner.md. */
static void run_all(int seeds)
{
    static const problem cases[] = {
        {1000, 100, 1, 1, PTA_GOAL_THROUGHPUT, 1},
        {1000, 100, 1, 1, PTA_GOAL_BOARDS, 1},
        {1000, 100, 1, 1, PTA_GOAL_LATENCY, 10},
        {1000, 100, 3, 1, PTA_GOAL_THROUGHPUT, 10},
        {1000, 100, 1, 10, PTA_GOAL_THROUGHPUT, 1},
        {100, 1000, 1, 10, PTA_GOAL_THROUGHPUT, 10},
        {100, 1000, 1, 10, PTA_GOAL_BOARDS, 10},
        {100, 1000, 1, 10, PTA_GOAL_LATENCY, 10},
        {100, 1000, 3, 10, PTA_GOAL_THROUGHPUT, 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_seeds(&cases[i], seeds);
    }
}

int main(int argc, char **argv)
{
    problem p = {.layers = 12, .boards = 5, .kinds = 1, .seconds = 10};
    printf(
        "seed,layers,boards,kinds,objective,too_large,foldings,seconds,core_s,"
        "proof,us,bound_us,gap_percent,used,least,stages\n");
    if (argc < 3) {
        run_all(argc > 1 ? atoi(argv[1]) : 10);
        return 0;
    }
    p.layers = atoi(argv[1]);
    p.boards = atoi(argv[2]);
    p.seconds = argc > 3 ? atof(argv[3]) : p.seconds;
    int seeds = argc > 4 ? atoi(argv[4]) : 3;
    p.kinds = argc > 5 ? atoi(argv[5]) : 1;
    p.large = argc > 6 ? atoi(argv[6]) : 10;
    for (int goal = PTA_GOAL_LATENCY; goal <= PTA_GOAL_BOARDS; goal++) {
        p.goal = (pta_goal)goal;
        if (argc <= 7 || strcmp(argv[7], goal_names[goal]) == 0) {
            run_seeds(&p, seeds);
        }
    }
    return 0;
}
