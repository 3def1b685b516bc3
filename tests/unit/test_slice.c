/*
 * The law of splitting, without number formats or kernels: random graphs, cut
 * at random in every way, give what the uncut graph gives.
 */
#include <stdio.h>
#include <string.h>

#include "unit/cut_graph.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

#define N_GRAPHS 4000
#define SEED     20261122u

static const char *const kinds[] = {"neuron",    "channel", "input",
                                    "inchannel", "rows",    "paired"};

/* ---- plans ---- */

/* "conv_3,dense_5=neuron:4": items[s] is what stands after the layer. */
static void cut_text(const pta_graph *graph, const int32_t *starts,
                     char (*items)[64], int32_t n, char *text)
{
    *text = '\0';
    for (int32_t s = 0; s < n; s++) {
        sprintf(text + strlen(text), "%s%s%s", s > 0 ? "," : "",
                graph->nodes[starts[s]].name, items[s]);
    }
}

/* Stages begin anywhere, more often at weighted layers. */
static int32_t random_starts(const pta_graph *graph, uint64_t *rng,
                             int32_t *starts)
{
    int32_t n = 0;
    for (int32_t i = graph->n_inputs; i < graph->n_nodes; i++) {
        bool weighted = pta_node_splittable(&graph->nodes[i]);
        if (graph->nodes[i].op != PTA_OP_INPUT &&
            pick(rng, 0, weighted ? 1 : 7) == 0) {
            starts[n++] = i;
        }
    }
    if (n == 0) {
        starts[n++] = graph->n_nodes - 1;
    }
    return n;
}

/* Outputs of a depthwise layer go by its multiplier. */
static int32_t size_step(const pta_graph *graph, const pta_stage *stage)
{
    int32_t i = stage->first;
    while (i < stage->last && !pta_node_splittable(&graph->nodes[i])) {
        i++;
    }
    const pta_node *node = &graph->nodes[i];
    bool outputs =
        stage->split == PTA_SPLIT_CHANNEL || stage->split == PTA_SPLIT_PAIRED;
    return outputs && node->op == PTA_OP_DWCONV
               ? node->view.c / graph->nodes[node->in[0]].view.c
               : 1;
}

/* Moves units between parts of a stage, keeping the sum. */
static void uneven(const pta_stage *stage, int32_t step, uint64_t *rng,
                   const char *kind, char *item)
{
    int32_t n = stage->n_parts, sizes[8];
    for (int32_t p = 0; p < n; p++) {
        sizes[p] = stage->sizes[p];
    }
    for (int32_t i = 0; i < 4; i++) {
        int32_t a = pick(rng, 0, n - 1), b = pick(rng, 0, n - 1);
        if (sizes[a] > step) {
            sizes[a] -= step;
            sizes[b] += step;
        }
    }
    sprintf(item, "=%s:", kind);
    for (int32_t p = 0; p < n; p++) {
        sprintf(item + strlen(item), "%s%d", p > 0 ? "/" : "", sizes[p]);
    }
}

/* Splits one stage in some way that is allowed; items[s] says how. */
static void random_split(pta_ctx *ctx, const pta_graph *graph, uint64_t *rng,
                         const int32_t *starts, char (*items)[64], int32_t n,
                         int32_t s, pta_plan *plan)
{
    char text[2048], before[64];
    const char *kind = kinds[pick(rng, 0, 5)];
    strcpy(before, items[s]);
    snprintf(items[s], sizeof items[s], "=%s:%d", kind, (int)pick(rng, 1, 5));
    cut_text(graph, starts, items, n, text);
    if (pta_cut_apply(ctx, text, graph, plan) != PTA_OK) {
        strcpy(items[s], before);
        return;
    }
    if (plan->stages[s].n_parts > 1 && pick(rng, 0, 1)) {
        int32_t step = size_step(graph, &plan->stages[s]);
        uneven(&plan->stages[s], step, rng, kind, items[s]);
        cut_text(graph, starts, items, n, text);
        UNIT_OK(ctx, pta_cut_apply(ctx, text, graph, plan));
    }
}

static void random_plan(pta_ctx *ctx, const pta_graph *graph, uint64_t *rng,
                        pta_plan *plan, char *text)
{
    int32_t starts[64];
    char items[64][64] = {{0}};
    int32_t n = random_starts(graph, rng, starts);
    for (int32_t s = 0; s < n; s++) {
        for (int32_t tries = 0; tries < 6 && items[s][0] == '\0'; tries++) {
            random_split(ctx, graph, rng, starts, items, n, s, plan);
        }
    }
    cut_text(graph, starts, items, n, text);
    UNIT_OK(ctx, pta_cut_apply(ctx, text, graph, plan));
}

/* ---- equality ---- */

/* Counts what was tried, so that no kind of cut goes untested. */
typedef struct tally {
    int32_t kind[7], parts[6], boards;
} tally;

static void count_plan(const pta_plan *plan, tally *t)
{
    for (int32_t s = 0; s < plan->n_stages; s++) {
        t->kind[plan->stages[s].split]++;
        t->parts[plan->stages[s].n_parts]++;
    }
    t->boards += plan->n_boards;
}

static void test_random_cuts(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = SEED;
    tally t = {{0}, {0}, 0};
    for (int32_t g = 0; g < N_GRAPHS; g++) {
        uint64_t at = rng;
        char text[2048];
        pta_graph *graph = cut_graph(ctx, &rng, pick(&rng, 2, 9));
        pta_plan *plan = sim_plan(ctx, graph);
        int64_t n = 0, n_cut = 0;
        int64_t *whole = sim_run(ctx, graph, plan, at, &n);
        random_plan(ctx, graph, &rng, plan, text);
        int64_t *cut = sim_run(ctx, graph, plan, at, &n_cut);
        bool same = whole != NULL && cut != NULL && n == n_cut &&
                    memcmp(whole, cut, (size_t)n * 8) == 0;
        if (!same) {
            fprintf(stderr, "\ngraph from seed %llu, --cut %s\n",
                    (unsigned long long)at, text);
        }
        CU_ASSERT_TRUE_FATAL(same);
        count_plan(plan, &t);
        free(whole);
        free(cut);
        pta_plan_destroy(ctx, &plan);
        pta_graph_destroy(ctx, &graph);
    }
    printf("\n    seed %u, %d graphs, %d boards:", SEED, N_GRAPHS, t.boards);
    for (int s = 0; s < 7; s++) {
        printf(" %s %d", pta_split_name((pta_split)s), t.kind[s]);
        CU_ASSERT_TRUE(t.kind[s] > N_GRAPHS / 100);
    }
    for (int k = 1; k <= 5; k++) {
        CU_ASSERT_TRUE(t.parts[k] > N_GRAPHS / 100);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* Channels that a permutation has made rows: the zeros a padding adds below
 * the last row belong to no part, so the padding must be carried. */
static void test_padding_of_parts(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "padded", &m.graph));
    int32_t in = add_input(&m, (pta_view){6, 2, 4});
    int32_t conv =
        add_window(&m, PTA_OP_CONV, in, pta_node_make(PTA_OP_CONV).window, 7);
    pta_node turn = pta_node_make(PTA_OP_PERMUTE);
    turn.n_in = 1;
    turn.in = &conv;
    turn.perm[0] = 2;
    turn.perm[1] = 0;
    turn.perm[2] = 1;
    int32_t turned = maker_add(&m, turn, (pta_view){7, 6, 2});
    pta_node pad = pta_node_make(PTA_OP_ZEROPAD);
    pad.n_in = 1;
    pad.in = &turned;
    pad.window.pad_b = 2;
    int32_t out = maker_add(&m, pad, (pta_view){9, 6, 2});
    UNIT_OK(ctx, pta_graph_add_output(ctx, m.graph, out));
    pta_plan *plan = sim_plan(ctx, m.graph);
    int64_t n, n_cut;
    int64_t *whole = sim_run(ctx, m.graph, plan, SEED, &n);
    UNIT_OK(ctx, pta_cut_apply(ctx, "conv_1=channel:3", m.graph, plan));
    int64_t *cut = sim_run(ctx, m.graph, plan, SEED, &n_cut);
    CU_ASSERT_TRUE(cut != NULL && n == n_cut &&
                   memcmp(whole, cut, (size_t)n * 8) == 0);
    free(whole);
    free(cut);
    pta_plan_destroy(ctx, &plan);
    pta_graph_destroy(ctx, &m.graph);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"padding of parts is carried", test_padding_of_parts},
    {"random cuts give what the uncut graph gives", test_random_cuts},
};

UNIT_MAIN("slice", tests)
