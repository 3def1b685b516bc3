/*
 * Random small graphs for tests of cuts: images, sequences and vectors through
 * every kind of layer, with branches; shapes only, no weights or formats.
 * Every tensor that nobody takes is a model output, and now and then one that
 * somebody takes.
 */
#ifndef PTA_TESTS_CUT_GRAPH_H
#define PTA_TESTS_CUT_GRAPH_H

#include <stdio.h>

#include "base/rng.h"
#include "ir/build.h"

typedef struct graph_maker {
    pta_ctx *ctx;
    uint64_t *rng;
    pta_graph *graph;
    int32_t n_weights;
} graph_maker;

static inline int32_t pick(uint64_t *rng, int32_t lo, int32_t hi)
{
    return (int32_t)pta_rng_range(rng, lo, hi);
}

/* Appends a node of `view`, named after op and index; -1 when that fails. */
static inline int32_t maker_add(graph_maker *m, pta_node node, pta_view view)
{
    char name[32];
    int32_t index = -1;
    snprintf(name, sizeof name, "%s_%d", pta_op_name(node.op),
             (int)m->graph->n_nodes);
    node.name = name;
    node.view = view;
    node.shape = (pta_shape){3, {view.h, view.w, view.c}};
    if (pta_node_weighted(&node)) {
        node.weights = m->n_weights++;
        node.has_bias = true;
    }
    if (pta_graph_add(m->ctx, m->graph, &node, &index) != PTA_OK) {
        fprintf(stderr, "maker_add: %s\n", pta_ctx_error(m->ctx));
    }
    return index;
}

static inline pta_view view_of(const graph_maker *m, int32_t node)
{
    return m->graph->nodes[node].view;
}

static inline int32_t add_unary(graph_maker *m, pta_op op, int32_t in,
                                pta_view view)
{
    pta_node node = pta_node_make(op);
    node.n_in = 1;
    node.in = &in;
    if (pta_node_weighted(&node) && pick(m->rng, 0, 1)) {
        node.act = PTA_ACT_RELU;
    }
    return maker_add(m, node, view);
}

static inline int32_t add_input(graph_maker *m, pta_view view)
{
    return maker_add(m, pta_node_make(PTA_OP_INPUT), view);
}

static inline int32_t add_dense(graph_maker *m, int32_t in, int32_t n)
{
    pta_view v = view_of(m, in);
    if (v.h * v.w > 1) {
        v = (pta_view){1, 1, v.h * v.w * v.c};
        in = add_unary(m, PTA_OP_RESHAPE, in, v);
    }
    return add_unary(m, PTA_OP_DENSE, in, (pta_view){1, 1, n});
}

static inline pta_window random_window(graph_maker *m, pta_view v, bool pool)
{
    pta_window w = pta_node_make(PTA_OP_CONV).window;
    w.kh = pick(m->rng, 1, v.h < 4 ? v.h : 4);
    w.kw = pick(m->rng, 1, v.w < 3 ? v.w : 3);
    w.stride_h = pick(m->rng, 1, pick(m->rng, 1, 3));
    w.stride_w = pick(m->rng, 1, 2);
    if (!pool && w.kh > 1 && (w.kh - 1) * 2 < v.h) {
        w.dilation_h = pick(m->rng, 1, 2);
    }
    int32_t kind = pick(m->rng, 0, 3);
    if (kind == 0) {
        pta_window_same(&w, v.h, v.w);
    } else if (kind == 1 && !pool) { /* causal */
        w.pad_t = (w.kh - 1) * w.dilation_h;
    } else if (kind == 2 && w.kh > 1) {
        w.pad_t = pick(m->rng, 0, w.kh - 1);
        w.pad_b = pick(m->rng, 0, w.kh - 1);
    }
    return w;
}

/* A layer with a window; `n` is CONV's outputs, DWCONV's multiplier. */
static inline int32_t add_window(graph_maker *m, pta_op op, int32_t in,
                                 pta_window w, int32_t n)
{
    pta_view v = view_of(m, in);
    pta_node node = pta_node_make(op);
    node.n_in = 1;
    node.in = &in;
    node.window = w;
    if (pta_node_weighted(&node) && pick(m->rng, 0, 1)) {
        node.act = PTA_ACT_RELU;
    }
    pta_view out = {(int32_t)pta_window_out(v.h, w.kh, w.stride_h, w.dilation_h,
                                            w.pad_t + w.pad_b),
                    (int32_t)pta_window_out(v.w, w.kw, w.stride_w, w.dilation_w,
                                            w.pad_l + w.pad_r),
                    op == PTA_OP_CONV     ? n
                    : op == PTA_OP_DWCONV ? v.c * n
                                          : v.c};
    return maker_add(m, node, out);
}

static inline int32_t add_pad(graph_maker *m, int32_t in)
{
    pta_view v = view_of(m, in);
    pta_node node = pta_node_make(PTA_OP_ZEROPAD);
    node.window.pad_t = pick(m->rng, 0, 3);
    node.window.pad_b = pick(m->rng, 0, 2);
    node.window.pad_l = pick(m->rng, 0, 1);
    node.window.pad_r = pick(m->rng, 0, 1);
    node.n_in = 1;
    node.in = &in;
    v.h += node.window.pad_t + node.window.pad_b;
    v.w += node.window.pad_l + node.window.pad_r;
    return maker_add(m, node, v);
}

static inline int32_t add_binary(graph_maker *m, pta_op op, int32_t a,
                                 int32_t b)
{
    int32_t in[2] = {a, b};
    pta_node node = pta_node_make(op);
    node.n_in = 2;
    node.in = in;
    node.act = pick(m->rng, 0, 3) == 0 ? PTA_ACT_RELU : PTA_ACT_NONE;
    return maker_add(m, node, view_of(m, a));
}

static inline int32_t add_concat(graph_maker *m, int32_t a, int32_t b,
                                 int32_t axis)
{
    int32_t in[2] = {a, b};
    pta_view x = view_of(m, a), y = view_of(m, b);
    pta_node node = pta_node_make(PTA_OP_CONCAT);
    node.n_in = 2;
    node.in = in;
    node.axis = axis;
    x.h += axis == 0 ? y.h : 0;
    x.w += axis == 1 ? y.w : 0;
    x.c += axis == 2 ? y.c : 0;
    return maker_add(m, node, x);
}

static inline int32_t add_permute(graph_maker *m, int32_t in)
{
    static const int32_t perms[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const int32_t *perm = perms[pick(m->rng, 0, 5)];
    pta_view v = view_of(m, in);
    const int32_t dim[3] = {v.h, v.w, v.c};
    pta_node node = pta_node_make(PTA_OP_PERMUTE);
    node.n_in = 1;
    node.in = &in;
    for (int i = 0; i < 3; i++) {
        node.perm[i] = perm[i];
    }
    return maker_add(m, node,
                     (pta_view){dim[perm[0]], dim[perm[1]], dim[perm[2]]});
}

/* To any view with the same number of elements. */
static inline int32_t add_reshape(graph_maker *m, int32_t in)
{
    int32_t n = (int32_t)pta_view_count(view_of(m, in)), c, w;
    do {
        c = pick(m->rng, 1, n);
    } while (n % c != 0);
    do {
        w = pick(m->rng, 1, n / c);
    } while (n / c % w != 0);
    return add_unary(m, PTA_OP_RESHAPE, in, (pta_view){n / c / w, w, c});
}

/* Some other node that can be merged with `a` along `axis` (-1: element by
 * element, equal views); -1 if there is none. */
static inline int32_t find_mate(graph_maker *m, int32_t a, int32_t axis)
{
    pta_view x = view_of(m, a);
    int32_t start = pick(m->rng, 0, m->graph->n_nodes - 1);
    for (int32_t i = 0; i < m->graph->n_nodes; i++) {
        int32_t b = (start + i) % m->graph->n_nodes;
        pta_view y = view_of(m, b);
        if (b != a && (axis == 0 || x.h == y.h) && (axis == 1 || x.w == y.w) &&
            (axis == 2 || x.c == y.c)) {
            return b;
        }
    }
    return -1;
}

static inline int32_t random_merge(graph_maker *m, int32_t in)
{
    int32_t axis = pick(m->rng, -3, 2);
    int32_t mate = find_mate(m, in, axis < 0 ? -1 : axis);
    if (mate < 0) {
        return add_unary(m, PTA_OP_RELU, in, view_of(m, in));
    }
    if (axis >= 0) {
        return add_concat(m, in, mate, axis);
    }
    return add_binary(m, (pta_op)pick(m->rng, PTA_OP_ADD, PTA_OP_MAXIMUM), in,
                      mate);
}

static inline int32_t random_layer(graph_maker *m, int32_t in)
{
    pta_view v = view_of(m, in);
    bool image = v.h > 1;
    int32_t kind = pick(m->rng, 0, 13);
    pta_window w = random_window(m, v, kind == 4 || kind == 5);
    switch (kind) {
    case 0:
    case 1:
    case 2:
        return image ? add_window(m, PTA_OP_CONV, in, w, pick(m->rng, 1, 8))
                     : add_dense(m, in, pick(m->rng, 1, 12));
    case 3:
        return add_window(m, PTA_OP_DWCONV, in, w,
                          v.c > 16 ? 1 : pick(m->rng, 1, 3));
    case 4:
        return add_window(m, PTA_OP_MAXPOOL, in, w, 0);
    case 5:
        return add_window(m, PTA_OP_AVGPOOL, in, w, 0);
    case 6:
        return add_unary(
            m, (pta_op)pick(m->rng, PTA_OP_RELU, PTA_OP_HARD_SIGMOID), in, v);
    case 7:
        return add_unary(m, PTA_OP_SCALE_SHIFT, in, v);
    case 8:
        return image ? add_pad(m, in) : add_dense(m, in, pick(m->rng, 2, 9));
    case 9:
        return pick(m->rng, 0, 1) ? add_permute(m, in) : add_reshape(m, in);
    case 10:
        return add_dense(m, in, pick(m->rng, 2, 12));
    default:
        return random_merge(m, in);
    }
}

static inline void mark_outputs(graph_maker *m)
{
    int32_t n = m->graph->n_nodes;
    for (int32_t i = 0; i < n; i++) {
        bool taken = false;
        for (int32_t j = i + 1; j < n; j++) {
            for (int32_t k = 0; k < m->graph->nodes[j].n_in; k++) {
                taken = taken || m->graph->nodes[j].in[k] == i;
            }
        }
        if ((!taken || pick(m->rng, 0, 15) == 0) &&
            pta_graph_add_output(m->ctx, m->graph, i) != PTA_OK) {
            fprintf(stderr, "mark_outputs: %s\n", pta_ctx_error(m->ctx));
        }
    }
}

/* A graph of about n_layers; small enough for thousands of runs a second. */
static inline pta_graph *cut_graph(pta_ctx *ctx, uint64_t *rng,
                                   int32_t n_layers)
{
    graph_maker m = {ctx, rng, NULL, 0};
    if (pta_graph_create(ctx, "random", &m.graph) != PTA_OK) {
        return NULL;
    }
    int32_t h = pick(rng, 4, 12);
    int32_t w = pick(rng, 0, 2) > 0 ? pick(rng, 2, 5) : 1;
    int32_t in = add_input(&m, (pta_view){h, w, pick(rng, 1, 4)});
    if (pick(rng, 0, 4) == 0) { /* a second input of the same shape */
        int32_t other = add_input(&m, view_of(&m, in));
        in = add_binary(&m, PTA_OP_SUB, in, other);
    }
    for (int32_t i = 0; i < n_layers; i++) {
        bool branch = pick(rng, 0, 5) == 0;
        int32_t from = branch ? pick(rng, 0, m.graph->n_nodes - 1) : in;
        if (pta_view_count(view_of(&m, from)) > 600) { /* keep it small */
            from = add_dense(&m, from, pick(rng, 2, 12));
        }
        in = random_layer(&m, from);
    }
    mark_outputs(&m);
    return m.graph;
}

#endif
