/*
 * Networks with formats, for tests of foldings and designs: layers are added
 * one by one, each tensor fixed<W,I>, and the uncut integer slice comes out.
 */
#ifndef PTA_TESTS_DESIGN_NET_H
#define PTA_TESTS_DESIGN_NET_H

#include <string.h>

#include "plan/design.h"
#include "unit/cut_graph.h"
#include "unit/unit.h"

typedef struct design_net {
    graph_maker maker;
    uint64_t rng;
    pta_plan *plan;
    int bits;
} design_net;

static inline void net_begin(design_net *net, pta_ctx *ctx, int bits)
{
    *net = (design_net){.rng = 1, .bits = bits};
    net->maker = (graph_maker){ctx, &net->rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &net->maker.graph));
}

static inline int32_t net_input(design_net *net, int32_t h, int32_t w,
                                int32_t c)
{
    return add_input(&net->maker, (pta_view){h, w, c});
}

static inline int32_t net_node(design_net *net, pta_op op, int32_t in,
                               pta_view view, pta_activation act)
{
    pta_node node = pta_node_make(op);
    node.n_in = 1;
    node.in = &in;
    node.act = act;
    node.act_max = 6;
    return maker_add(&net->maker, node, view);
}

static inline int32_t net_dense(design_net *net, int32_t in, int32_t n,
                                bool relu)
{
    pta_view v = view_of(&net->maker, in);
    if (v.h * v.w > 1) {
        v = (pta_view){1, 1, v.h * v.w * v.c};
        in = net_node(net, PTA_OP_RESHAPE, in, v, PTA_ACT_NONE);
    }
    return net_node(net, PTA_OP_DENSE, in, (pta_view){1, 1, n},
                    relu ? PTA_ACT_RELU : PTA_ACT_NONE);
}

static inline pta_window net_same(design_net *net, int32_t in, int32_t k,
                                  int32_t stride)
{
    pta_window w = pta_node_make(PTA_OP_CONV).window;
    w.kh = w.kw = k;
    w.stride_h = w.stride_w = stride;
    pta_window_same(&w, view_of(&net->maker, in).h, view_of(&net->maker, in).w);
    return w;
}

/* "Same" convolution, k x k. */
static inline int32_t net_conv(design_net *net, int32_t in, int32_t n,
                               int32_t k, int32_t stride, bool relu)
{
    int32_t node = add_window(&net->maker, PTA_OP_CONV, in,
                              net_same(net, in, k, stride), n);
    net->maker.graph->nodes[node].act = relu ? PTA_ACT_RELU : PTA_ACT_NONE;
    return node;
}

static inline int32_t net_join(design_net *net, pta_op op, int32_t a, int32_t b)
{
    int32_t node = add_binary(&net->maker, op, a, b);
    net->maker.graph->nodes[node].act = PTA_ACT_RELU;
    return node;
}

static inline int32_t net_log2(int64_t n)
{
    int32_t bits = 0;
    while ((int64_t)1 << bits < n) {
        bits++;
    }
    return bits;
}

/* Formats of all nodes, as if calibrated, and the plan of one board. */
static inline void net_finish(design_net *net, int32_t output)
{
    pta_ctx *ctx = net->maker.ctx;
    pta_graph *g = net->maker.graph;
    UNIT_OK(ctx, pta_graph_add_output(ctx, g, output));
    UNIT_OK(ctx, pta_plan_create(ctx, g, &net->plan));
    for (int32_t i = 0; i < g->n_nodes; i++) {
        pta_node *node = &g->nodes[i];
        pta_node_format *f = &net->plan->formats[i];
        int64_t fan_in = pta_node_fan_in(g, i);
        f->out = pta_node_keeps_format(node)
                     ? net->plan->formats[node->in[0]].out
                     : pta_format_tensor(net->bits, 1 + i % 3, true);
        if (fan_in > 0 || node->op == PTA_OP_RELU) {
            f->weight = pta_format_weight(net->bits, 1);
            f->acc_bits = 2 * net->bits + net_log2(fan_in) + 1;
        }
        f->acc = f->acc_bits > 32 ? PTA_S64 : PTA_S32;
        f->acc_frac = 0;
        for (int32_t k = 0; k < node->n_in; k++) {
            int32_t frac = pta_format_frac(net->plan->formats[node->in[k]].out);
            f->acc_frac = node->op == PTA_OP_MUL         ? f->acc_frac + frac
                          : k == 0 || frac > f->acc_frac ? frac
                                                         : f->acc_frac;
        }
        f->acc_frac += f->weight.width > 0 ? pta_format_frac(f->weight) : 0;
        f->acc_frac = node->n_in == 0 ? pta_format_frac(f->out) : f->acc_frac;
    }
    UNIT_OK(ctx, pta_plan_validate(ctx, net->plan, g));
}

static inline pta_slice *net_slice(const design_net *net, int32_t board)
{
    pta_slice *slice = NULL;
    UNIT_OK(net->maker.ctx, pta_slice_build(net->maker.ctx, net->maker.graph,
                                            net->plan, board, false, &slice));
    return slice;
}

static inline void net_end(design_net *net)
{
    pta_ctx *ctx = net->maker.ctx;
    pta_plan_destroy(ctx, &net->plan);
    pta_graph_destroy(ctx, &net->maker.graph);
}

/* ---- the networks of the published figures ---- */

/* Dense layers of these sizes, ReLU between them. */
static inline void net_mlp(design_net *net, pta_ctx *ctx, int bits,
                           const int32_t *sizes, int n)
{
    net_begin(net, ctx, bits);
    int32_t at = net_input(net, 1, 1, sizes[0]);
    for (int i = 1; i < n; i++) {
        at = net_dense(net, at, sizes[i], i < n - 1);
    }
    net_finish(net, at);
}

static inline int32_t net_residual(design_net *net, int32_t in, int32_t n,
                                   int32_t stride)
{
    int32_t at = net_conv(net, in, n, 3, stride, true);
    at = net_conv(net, at, n, 3, 1, false);
    int32_t skip = stride == 1 && view_of(&net->maker, in).c == n
                       ? in
                       : net_conv(net, in, n, 1, stride, false);
    return net_join(net, PTA_OP_ADD, at, skip);
}

/* ResNet-8 of MLPerf Tiny: 32x32x3, 16, 32, 64 channels. */
static inline void net_resnet8(design_net *net, pta_ctx *ctx, int bits)
{
    net_begin(net, ctx, bits);
    int32_t at = net_conv(net, net_input(net, 32, 32, 3), 16, 3, 1, true);
    at = net_residual(net, at, 16, 1);
    at = net_residual(net, at, 32, 2);
    at = net_residual(net, at, 64, 2);
    pta_window w = pta_node_make(PTA_OP_AVGPOOL).window;
    w.kh = w.kw = 8;
    at = add_window(&net->maker, PTA_OP_AVGPOOL, at, w, 0);
    net_finish(net, net_dense(net, at, 10, false));
}

#endif
