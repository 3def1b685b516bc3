/*
 * The solver against exhaustive search, which shares with it only the price of
 * a complete plan (pta_price_plan): it enumerates stages, cuts, part sizes,
 * hosts and copies of whole plans by their own rules, and for each board every
 * combination of foldings.
 *
 * test_solve [INSTANCES [SEED]]; default 200 and a fixed seed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/planner_case.h"
#include "unit/unit.h"

typedef struct brute {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_ask *ask;
    pta_plan *plan; /* formats, and the stages under trial */
    int32_t boards; /* at most, of all copies */
    int32_t n_stages;
    pta_stage stages[16];
    int32_t sizes[16][8];
    int64_t n_plans;
    double best;
    bool cut_inside;
    bool too_many;
} brute;

#define PLANS_MAX 20000 /* larger ones are left out, and counted */

/* ---- cores: every combination ---- */

typedef struct combos {
    const pta_estimator *e;
    pta_foldings lists[24];
    int32_t n;
    pta_budget budget;
    bool latency;
    pta_core best;
} combos;

static void try_combo(combos *c, int32_t i, pta_core core, int64_t span)
{
    if (core.resources.lut > c->budget.lut ||
        core.resources.dsp > c->budget.dsp ||
        core.resources.ff > c->budget.ff ||
        core.resources.bram18 > c->budget.bram18) {
        return;
    }
    if (i == c->n) {
        core.latency += span;
        core.fits = true;
        int64_t a = c->latency ? core.latency : core.interval;
        int64_t b = c->latency ? c->best.latency : c->best.interval;
        if (!c->best.fits || a < b) {
            c->best = core;
        }
        return;
    }
    for (int32_t k = 0; k < c->lists[i].n; k++) {
        const pta_folding *f = &c->lists[i].at[k];
        pta_core next = core;
        next.resources.lut += f->resources.lut;
        next.resources.ff += f->resources.ff;
        next.resources.dsp += f->resources.dsp;
        next.resources.bram18 += f->resources.bram18;
        next.interval =
            f->interval > core.interval ? f->interval : core.interval;
        next.latency += f->fill;
        try_combo(c, i + 1, next, f->span > span ? f->span : span);
    }
}

static pta_core core_of(const brute *b, const pta_slice *slice, int32_t kind)
{
    combos c = {.e = b->ask->estimator,
                .n = slice->n_steps,
                .budget = pta_board_budget(&b->ask->cluster->kinds[kind]),
                .latency = b->ask->goal == PTA_GOAL_LATENCY};
    pta_core start = {
        .interval = 1, .latency = c.e->shell_latency, .resources = c.e->shell};
    for (int32_t i = 0; i < c.n; i++) {
        UNIT_OK(b->ctx, c.e->foldings(b->ask->estimator, b->ctx, slice, i,
                                      &c.lists[i]));
    }
    try_combo(&c, 0, start, 0);
    for (int32_t i = 0; i < c.n; i++) {
        pta_foldings_free(b->ctx, &c.lists[i]);
    }
    return c.best;
}

/* ---- one plan: copies and hosts ---- */

static bool same_host(const pta_cluster *c, int32_t a, int32_t b)
{
    return c->hosts[a].kind == c->hosts[b].kind &&
           memcmp(&c->hosts[a].costs, &c->hosts[b].costs,
                  sizeof c->hosts[a].costs) == 0;
}

typedef struct trial {
    brute *b;
    int32_t copies;
    int32_t hosts[64]; /* [copies][n_boards] */
    bool used[16];
    pta_core cores[16][2]; /* [board][kind] */
} trial;

static void price_trial(trial *t)
{
    brute *b = t->b;
    pta_core cores[16];
    pta_price price;
    int32_t n = b->plan->n_boards;
    for (int32_t i = 0; i < n; i++) {
        cores[i] = t->cores[i][b->ask->cluster->hosts[t->hosts[i]].kind];
        if (!cores[i].fits) {
            return;
        }
    }
    UNIT_OK(b->ctx, pta_price_plan(b->ctx, b->graph, b->plan, cores, t->hosts,
                                   t->copies, b->ask->cluster, b->ask->batch,
                                   &price, NULL));
    b->n_plans++;
    double value =
        b->ask->goal == PTA_GOAL_LATENCY ? price.latency_us : price.interval_us;
    if (value < b->best) {
        b->best = value;
        b->cut_inside = b->plan->n_boards > b->plan->n_stages;
    }
}

/* Board after board, in every copy on the same kind of host; hosts that are
 * alike are tried once. */
static void choose_hosts(trial *t, int32_t board, int32_t copy)
{
    const pta_cluster *c = t->b->ask->cluster;
    int32_t n = t->b->plan->n_boards;
    if (copy == t->copies) {
        board++;
        copy = 0;
    }
    if (board == n) {
        price_trial(t);
        return;
    }
    for (int32_t h = 0; h < c->n_hosts; h++) {
        bool first = true;
        for (int32_t g = 0; g < h; g++) {
            first = first && (t->used[g] || !same_host(c, g, h));
        }
        if (t->used[h] || !first ||
            (copy > 0 && !same_host(c, t->hosts[board], h))) {
            continue;
        }
        t->used[h] = true;
        t->hosts[copy * n + board] = h;
        choose_hosts(t, board, copy + 1);
        t->used[h] = false;
    }
}

static void try_plan(brute *b)
{
    pta_stage *stages = pta_calloc(b->ctx, (size_t)b->n_stages, sizeof *stages);
    for (int32_t s = 0; s < b->n_stages; s++) {
        stages[s] = b->stages[s];
        stages[s].sizes =
            pta_calloc(b->ctx, (size_t)stages[s].n_parts, sizeof(int32_t));
        memcpy(stages[s].sizes, b->sizes[s],
               (size_t)stages[s].n_parts * sizeof(int32_t));
    }
    UNIT_OK(b->ctx, pta_plan_set_stages(b->ctx, b->plan, stages, b->n_stages));
    if (pta_plan_validate(b->ctx, b->plan, b->graph) != PTA_OK) {
        return;
    }
    trial t = {.b = b};
    for (int32_t i = 0; i < b->plan->n_boards; i++) {
        pta_slice *slice;
        UNIT_OK(b->ctx,
                pta_slice_build(b->ctx, b->graph, b->plan, i, false, &slice));
        for (int32_t k = 0; k < b->ask->cluster->n_kinds; k++) {
            t.cores[i][k] = core_of(b, slice, k);
        }
        pta_slice_destroy(b->ctx, &slice);
    }
    bool latency = b->ask->goal == PTA_GOAL_LATENCY;
    for (t.copies = 1; t.copies * b->plan->n_boards <= b->boards; t.copies++) {
        choose_hosts(&t, 0, 0);
        if (latency) {
            break;
        }
    }
    b->too_many = b->too_many || b->n_plans > PLANS_MAX;
}

/* ---- all plans ---- */

static void add_stage(brute *b, int32_t first, int32_t boards);

static void try_sizes(brute *b, int32_t p, int32_t left, int32_t boards)
{
    pta_stage *s = &b->stages[b->n_stages];
    int32_t *sizes = b->sizes[b->n_stages];
    if (p == s->n_parts - 1) {
        sizes[p] = left;
        pta_stage saved = *s;
        b->n_stages++;
        add_stage(b, saved.last + 1, boards + saved.n_parts);
        b->n_stages--;
        *s = saved;
        return;
    }
    for (int32_t n = 1; n <= left - (s->n_parts - 1 - p) && !b->too_many; n++) {
        sizes[p] = n;
        try_sizes(b, p + 1, left - n, boards);
    }
}

/* What a stage's sizes may add up to: every dimension of its layers. */
static int32_t totals_of(const brute *b, const pta_stage *s, int32_t *out)
{
    int32_t n = 0;
    for (int32_t i = s->first; i <= s->last; i++) {
        const pta_node *node = &b->graph->nodes[i];
        if (node->op == PTA_OP_INPUT) {
            continue;
        }
        pta_view in = b->graph->nodes[node->in[0]].view;
        int32_t dims[4] = {node->view.c, node->view.h, in.c,
                           (int32_t)pta_view_count(in)};
        for (int d = 0; d < 4; d++) {
            int32_t k = 0;
            while (k < n && out[k] != dims[d]) {
                k++;
            }
            if (k == n && n < 32) {
                out[n++] = dims[d];
            }
        }
    }
    return n;
}

/* Kinds that cannot be are left out before sizes are tried; the plan's own
 * rules refuse whatever else is none. */
static bool possible(const brute *b)
{
    const pta_stage *s = &b->stages[b->n_stages];
    int32_t weighted = 0, dense = 0;
    for (int32_t i = s->first; i <= s->last; i++) {
        weighted += pta_node_splittable(&b->graph->nodes[i]);
        dense += b->graph->nodes[i].op == PTA_OP_DENSE;
    }
    if (s->split == PTA_SPLIT_ROWS) {
        return dense == 0;
    }
    if (s->split == PTA_SPLIT_PAIRED) {
        return weighted == 2;
    }
    return weighted == 1 && (dense == 1) == (s->split == PTA_SPLIT_NEURON ||
                                             s->split == PTA_SPLIT_INPUT);
}

/* Every kind of cut of one stage, every number of parts, every total. */
static void try_splits(brute *b, int32_t first, int32_t last, int32_t boards)
{
    pta_stage *s = &b->stages[b->n_stages];
    int32_t totals[32];
    *s = (pta_stage){.first = first, .last = last};
    int32_t n = totals_of(b, s, totals);
    for (int split = PTA_SPLIT_NEURON; split <= PTA_SPLIT_PAIRED; split++) {
        for (int32_t parts = 2; boards + parts <= b->boards; parts++) {
            for (int32_t t = 0; t < n; t++) {
                *s = (pta_stage){.first = first,
                                 .last = last,
                                 .split = (pta_split)split,
                                 .n_parts = parts};
                if (totals[t] >= parts && possible(b)) {
                    try_sizes(b, 0, totals[t], boards);
                }
            }
        }
    }
}

static void add_stage(brute *b, int32_t first, int32_t boards)
{
    if (b->too_many) {
        return;
    }
    if (first == b->graph->n_nodes) {
        try_plan(b);
        return;
    }
    for (int32_t last = first; last < b->graph->n_nodes; last++) {
        if (boards < b->boards) {
            b->stages[b->n_stages] =
                (pta_stage){.first = first, .last = last, .n_parts = 1};
            try_sizes(b, 0, 1, boards);
        }
        try_splits(b, first, last, boards);
    }
}

/* ---- instances ---- */

typedef struct tally {
    int32_t done, branches, inside, unequal, infeasible, skipped;
    int64_t plans;
} tally;

static double brute_best(pta_ctx *ctx, const pta_graph *graph,
                         const pta_ask *ask, int32_t boards, brute *out)
{
    *out = (brute){.ctx = ctx,
                   .graph = graph,
                   .ask = ask,
                   .plan = sim_plan(ctx, graph),
                   .boards = boards,
                   .best = HUGE_VAL};
    add_stage(out, 0, 0);
    pta_plan_destroy(ctx, &out->plan);
    return out->best;
}

static bool equal(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-9 * fabs(b);
}

/* Fewest boards: the first number for which there is a plan. */
static void check_boards(pta_ctx *ctx, const pta_graph *graph,
                         const pta_ask *ask, const pta_answer *a, brute *b,
                         const char *name)
{
    double best = HUGE_VAL;
    int32_t n = 0;
    while (best == HUGE_VAL && n < ask->boards && !b->too_many) {
        best = brute_best(ctx, graph, ask, ++n, b);
    }
    if (b->too_many) {
        return;
    }
    bool same =
        a->found == (best < HUGE_VAL) &&
        (!a->found || (equal(a->value, best) && a->n_boards * a->copies <= n));
    if (!same) {
        printf("\n%s: solver %d boards %.12g, exhaustive %d boards %.12g\n",
               name, (int)(a->n_boards * a->copies), a->value, (int)n, best);
    }
    CU_ASSERT_TRUE(same);
}

static void check_value(pta_ctx *ctx, const pta_graph *graph,
                        const pta_ask *ask, const pta_answer *a, brute *b,
                        const char *name)
{
    double best = brute_best(ctx, graph, ask, ask->boards, b);
    if (b->too_many) {
        return;
    }
    bool same =
        a->found == (best < HUGE_VAL) && (!a->found || equal(a->value, best));
    if (!same) {
        printf("\n%s: solver %.12g, exhaustive %.12g of %lld plans\n", name,
               a->found ? a->value : HUGE_VAL, best, (long long)b->n_plans);
    }
    CU_ASSERT_TRUE(same);
}

static void instance(pta_ctx *ctx, uint64_t seed, int32_t i, tally *t)
{
    uint64_t rng = seed + (uint64_t)i * 1000003;
    bool branch = pick(&rng, 0, 3) > 0, unequal = pick(&rng, 0, 2) == 0;
    char name[64];
    int32_t boards = pick(&rng, 2, 5), layers = pick(&rng, 2, 10 - boards);
    double_state state = {pta_rng_next(&rng), 3};
    pta_estimator estimator = double_estimator(&state);
    pta_graph *graph = small_graph(ctx, &rng, layers, branch);
    pta_cluster *lab = small_cluster(ctx, &rng, boards, unequal && boards > 1);
    pta_plan *plan = sim_plan(ctx, graph);
    pta_ask ask = {.goal = (pta_goal)(i % 3),
                   .cluster = lab,
                   .estimator = &estimator,
                   .boards = boards,
                   .batch = pick(&rng, 1, 8),
                   .divisions = 400};
    pta_answer answer;
    brute b = {0};
    snprintf(name, sizeof name, "seed %llu, instance %d, %s",
             (unsigned long long)seed, (int)i,
             ask.goal == PTA_GOAL_LATENCY      ? "latency"
             : ask.goal == PTA_GOAL_THROUGHPUT ? "throughput"
                                               : "boards");
    UNIT_OK(ctx, pta_solve(ctx, graph, plan, &ask, &answer));
    CU_ASSERT_TRUE(!answer.found || answer.optimal);
    (ask.goal == PTA_GOAL_BOARDS ? check_boards : check_value)(
        ctx, graph, &ask, &answer, &b, name);
    t->skipped += b.too_many;
    if (!b.too_many) {
        t->done++;
        t->branches += has_branch(graph);
        t->inside += b.cut_inside;
        t->unequal += lab->n_kinds > 1;
        t->infeasible += !answer.found;
        t->plans += b.n_plans;
        CU_ASSERT_TRUE(answer.found || answer.why[0] != '\0');
    }
    pta_answer_free(ctx, &answer);
    pta_plan_destroy(ctx, &plan);
    pta_cluster_destroy(ctx, &lab);
    pta_graph_destroy(ctx, &graph);
}

static int32_t n_instances = 200;
static uint64_t first_seed = 20261122;

static void test_exhaustive(void)
{
    tally t = {0};
    pta_ctx *ctx = pta_ctx_create();
    for (int32_t i = 0; t.done < n_instances && i < 3 * n_instances; i++) {
        instance(ctx, first_seed, i, &t);
    }
    printf("\n    seed %llu: %d instances, %d with branches, %d cut inside a "
           "layer, %d with unequal boards, %d infeasible, %d too large; %lld "
           "plans priced ",
           (unsigned long long)first_seed, (int)t.done, (int)t.branches,
           (int)t.inside, (int)t.unequal, (int)t.infeasible, (int)t.skipped,
           (long long)t.plans);
    CU_ASSERT_EQUAL(t.done, n_instances);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"equal to exhaustive search", test_exhaustive},
};

int main(int argc, char **argv)
{
    n_instances = argc > 1 ? atoi(argv[1]) : n_instances;
    first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : first_seed;
    return unit_main("solve", tests, sizeof tests / sizeof *tests);
}
