/*
 * Random problems for the planner: a small network, unequal boards, few
 * foldings a layer. The estimator here is a test double, one formula of
 * multiplications and DSPs with noise that depends on the step alone.
 */
#ifndef PTA_TESTS_PLANNER_CASE_H
#define PTA_TESTS_PLANNER_CASE_H

#include "partition/solve.h"
#include "unit/cut_graph.h"
#include "unit/slice_interpreter.h"

static inline uint64_t noise(uint64_t seed, int64_t a, int64_t b, int64_t c)
{
    uint64_t state = seed ^ (uint64_t)a * 0x9e3779b97f4a7c15u ^
                     (uint64_t)b * 0xbf58476d1ce4e5b9u ^
                     (uint64_t)c * 0x94d049bb133111ebu;
    return pta_rng_next(&state);
}

typedef struct double_state {
    uint64_t seed;
    int32_t most; /* foldings of a step */
} double_state;

static inline pta_status double_foldings(pta_estimator *self, pta_ctx *ctx,
                                         const pta_slice *slice, int32_t step,
                                         pta_foldings *out)
{
    const double_state *d = self->state;
    const pta_step *s = &slice->steps[step];
    int64_t cells = pta_view_count(slice->values[s->out].view);
    int64_t work = cells * (s->weighted ? s->weights.cols : 1);
    int64_t weights =
        s->weighted ? (int64_t)s->weights.rows * s->weights.cols : 0;
    int32_t n =
        s->weighted
            ? 1 + (int32_t)(noise(d->seed, s->op, work, 1) % (uint64_t)d->most)
            : 1;
    for (int32_t i = 0; i < n; i++) {
        int64_t lanes = 1 + i * (1 + (int64_t)(noise(d->seed, work, i, 2) % 3));
        int64_t cycles = (work + lanes - 1) / lanes + 2;
        bool window = s->op == PTA_STEP_CONV || s->op == PTA_STEP_MAXPOOL;
        pta_folding f = {.fold = {.pe = (int32_t)lanes, .simd = 1},
                         .interval = cycles,
                         .fill = window ? cycles / 2 + 3 : cycles + 3,
                         .span = window ? cycles : 0,
                         .resources = {.lut = 10 + 3 * lanes,
                                       .ff = 10 * lanes,
                                       .dsp = s->weighted ? lanes : 0,
                                       .bram18 = weights / 8}};
        PTA_TRY(pta_foldings_add(ctx, out, &f));
    }
    return PTA_OK;
}

static inline pta_estimator double_estimator(double_state *state)
{
    return (pta_estimator){.name = "double",
                           .describes = "a test's own formula",
                           .error = "none",
                           .shell = {.lut = 20, .ff = 20},
                           .shell_latency = 7,
                           .foldings = double_foldings,
                           .state = state};
}

/* ---- networks ---- */

static inline int32_t small_layer(graph_maker *m, int32_t in, bool branch)
{
    pta_view v = view_of(m, in);
    pta_node node = pta_node_make(PTA_OP_CONV);
    int32_t kind = pick(m->rng, 0, 9), other = -1;
    if (branch && (kind & 1)) {
        other = find_mate(m, in, -1);
    }
    if (other >= 0) {
        return add_binary(m, pick(m->rng, 0, 1) ? PTA_OP_ADD : PTA_OP_MAXIMUM,
                          in, other);
    }
    if (v.h == 1) {
        return kind == 9 ? add_unary(m, PTA_OP_RELU, in, v)
                         : add_dense(m, in, pick(m->rng, 2, 7));
    }
    node.window.kh = pick(m->rng, 1, 2);
    if (pick(m->rng, 0, 1)) {
        pta_window_same(&node.window, v.h, v.w);
    }
    if (kind < 5) {
        return add_window(m, PTA_OP_CONV, in, node.window, pick(m->rng, 2, 6));
    }
    if (kind == 5) {
        return add_window(m, PTA_OP_MAXPOOL, in, node.window, 0);
    }
    if (kind == 6) {
        return add_window(m, PTA_OP_DWCONV, in, node.window, 1);
    }
    return kind == 7 ? add_unary(m, PTA_OP_RELU, in, v)
                     : add_dense(m, in, pick(m->rng, 2, 7));
}

static inline pta_graph *small_graph(pta_ctx *ctx, uint64_t *rng,
                                     int32_t n_layers, bool branch)
{
    graph_maker m = {ctx, rng, NULL, 0};
    if (pta_graph_create(ctx, "small", &m.graph) != PTA_OK) {
        return NULL;
    }
    bool image = pick(rng, 0, 2) > 0;
    pta_view v = {image ? pick(rng, 2, 4) : 1, 1, pick(rng, 1, 4)};
    int32_t at = add_input(&m, v);
    for (int32_t i = 0; i < n_layers; i++) {
        int32_t from = branch && i > 1 && pick(rng, 0, 3) == 0
                           ? pick(rng, 1, m.graph->n_nodes - 1)
                           : at;
        at = small_layer(&m, from, branch);
    }
    mark_outputs(&m);
    return m.graph;
}

static inline bool has_branch(const pta_graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        int32_t uses = 0;
        for (int32_t j = 0; j < graph->n_nodes; j++) {
            for (int32_t k = 0; k < graph->nodes[j].n_in; k++) {
                uses += graph->nodes[j].in[k] == i;
            }
        }
        if (uses > 1 || graph->nodes[i].n_in > 1) {
            return true;
        }
    }
    return false;
}

/* ---- clusters ---- */

static inline double around(uint64_t *rng, double value)
{
    return value * (double)pick(rng, 1, 40) / 20;
}

/* Boards of a kind have few DSPs and BRAMs, so that they matter. */
static inline void small_kind(uint64_t *rng, pta_board_kind *kind)
{
    kind->shares = (pta_shares){100, 100, 100, 100, 100};
    kind->reserved = (pta_resources){0};
    kind->has.dsp = pick(rng, 3, 8);
    kind->has.bram18 = 2 * pick(rng, 2, 6);
    kind->has.lut = pick(rng, 200, 500);
    kind->has.ff = 100000;
    kind->clock_mhz = pick(rng, 0, 3) ? 0.1 : 10; /* slow: cuts pay */
}

static inline pta_cluster *small_cluster(pta_ctx *ctx, uint64_t *rng, int32_t n,
                                         bool unequal)
{
    pta_cluster *c = NULL;
    if (pta_cluster_create(ctx, n, &c) != PTA_OK) {
        return NULL;
    }
    double cheap = pick(rng, 0, 4) > 0 ? 0.01 : 1;
    pta_host_costs costs = c->hosts[0].costs;
    costs.message_us = around(rng, 20 * cheap);
    costs.transfer_us = around(rng, 5 * cheap);
    costs.tcp_ns_per_byte = around(rng, 200);
    costs.join_ns_per_value = around(rng, 50);
    costs.latency_us = around(rng, 10 * cheap);
    costs.rate_mbit = around(rng, 50);
    small_kind(rng, &c->kinds[0]);
    for (int32_t h = 0; h < n; h++) {
        c->hosts[h].costs = costs;
        if (unequal && h > 0 && pick(rng, 0, 1)) {
            c->hosts[h].costs.message_us = 2 * costs.message_us;
        }
    }
    if (unequal) {
        pta_board_kind *kinds = pta_realloc(ctx, c->kinds, 2 * sizeof *kinds);
        kinds[1] = (pta_board_kind){.port_bytes = 8};
        c->kinds = kinds;
        c->n_kinds = 2;
        small_kind(rng, &kinds[1]);
        if (pta_cluster_text(ctx, &kinds[1].name, "other") != PTA_OK) {
            return c;
        }
        c->hosts[n - 1].kind = 1;
    }
    return c;
}

#endif
