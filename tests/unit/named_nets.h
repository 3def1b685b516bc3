/*
 * Two small networks with layer names, as a user would cut them.
 */
#ifndef PTA_TESTS_NAMED_NETS_H
#define PTA_TESTS_NAMED_NETS_H

#include "unit/cut_graph.h"

static inline int32_t named(graph_maker *m, int32_t node, const char *name)
{
    pta_free(m->ctx, m->graph->nodes[node].name);
    m->graph->nodes[node].name = pta_strdup(m->ctx, name);
    return node;
}

static inline pta_window square_window(int32_t k, int32_t stride)
{
    pta_window w = pta_node_make(PTA_OP_CONV).window;
    w.kh = w.kw = k;
    w.stride_h = w.stride_w = stride;
    return w;
}

static inline int32_t same_conv(graph_maker *m, int32_t in, int32_t n)
{
    pta_window w = square_window(3, 1);
    pta_window_same(&w, view_of(m, in).h, view_of(m, in).w);
    return add_window(m, PTA_OP_CONV, in, w, n);
}

/* image 11x11x1, conv1 32, conv2 64, pool1, conv3 48, flatten, fc1 60 (with
 * relu1 merged), output 5, softmax. */
static inline pta_graph *cnn_net(pta_ctx *ctx)
{
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    if (pta_graph_create(ctx, "cnn", &m.graph) != PTA_OK) {
        return NULL;
    }
    int32_t at = named(&m, add_input(&m, (pta_view){11, 11, 1}), "image");
    at = named(&m, same_conv(&m, at, 32), "conv1");
    at = named(&m, same_conv(&m, at, 64), "conv2");
    at = add_window(&m, PTA_OP_MAXPOOL, at, square_window(2, 2), 0);
    named(&m, at, "pool1");
    at = add_window(&m, PTA_OP_CONV, at, square_window(3, 1), 48);
    named(&m, at, "conv3");
    at = named(&m, add_dense(&m, at, 60), "fc1");
    named(&m, at - 1, "flatten");
    pta_status status = pta_node_add_merged(ctx, &m.graph->nodes[at], "relu1");
    at = named(&m, add_dense(&m, at, 5), "output");
    at = named(&m, add_unary(&m, PTA_OP_SOFTMAX, at, view_of(&m, at)),
               "softmax");
    if (status != PTA_OK || pta_graph_add_output(ctx, m.graph, at) != PTA_OK) {
        return NULL;
    }
    return m.graph;
}

/* steps 16x4, pad, dw (multiplier 2), swap (permute), conv 6, skip, add,
 * global pool, fc 3. */
static inline pta_graph *branch_net(pta_ctx *ctx)
{
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    if (pta_graph_create(ctx, "branch", &m.graph) != PTA_OK) {
        return NULL;
    }
    pta_window w = pta_node_make(PTA_OP_ZEROPAD).window, dw = w;
    int32_t in = named(&m, add_input(&m, (pta_view){16, 1, 4}), "steps");
    pta_node pad = pta_node_make(PTA_OP_ZEROPAD);
    w.pad_t = w.pad_b = 1;
    pad.window = w;
    pad.n_in = 1;
    pad.in = &in;
    int32_t at = named(&m, maker_add(&m, pad, (pta_view){18, 1, 4}), "pad");
    dw.kh = 3;
    at = named(&m, add_window(&m, PTA_OP_DWCONV, at, dw, 2), "dw");
    int32_t skip = at;
    at = named(&m, add_window(&m, PTA_OP_CONV, at, square_window(1, 1), 8),
               "point");
    at = named(&m, add_binary(&m, PTA_OP_ADD, skip, at), "add");
    dw.kh = 16;
    at = named(&m, add_window(&m, PTA_OP_AVGPOOL, at, dw, 0), "pool");
    at = named(&m, add_dense(&m, at, 3), "fc");
    return pta_graph_add_output(ctx, m.graph, at) == PTA_OK ? m.graph : NULL;
}

#endif
