/*
 * Finding the first difference: the reference reads good weights, then the
 * slices read one that has changed its sign; layer, board and element must be
 * those that it belongs to.
 */
#include "cli/locate.h"

#include <stdlib.h>
#include <string.h>

#include "ir/build.h"
#include "quant/formats.h"
#include "unit/hash_weights.h"
#include "unit/unit.h"

enum { IN, CONV, POOL, FLAT, FC, OUT, N_NODES };

typedef struct net {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_plan *plan;
    hash_weights hash;
    pta_weights weights; /* in front of hash */
    int32_t bad_node;    /* its weights change once the reference has them */
    int32_t n_kernels;   /* weighted layers that the reference has read */
    int32_t seen;        /* kernel reads so far */
} net;

static pta_status read_weights(pta_weights *self, pta_ctx *ctx, int32_t node,
                               pta_weight_role role, pta_weight_part part,
                               double *values)
{
    net *n = self->state;
    if (role == PTA_WEIGHT_KERNEL) {
        n->hash.flip_node = n->seen >= n->n_kernels ? n->bad_node : -1;
        n->seen++;
    }
    return hash_read(&n->hash.weights, ctx, node, role, part, values);
}

/* 6x6x2 image, conv 3x3 to 4, pool 2, flatten, dense 6, dense 3. */
static void make(net *n, const char *cut)
{
    *n = (net){.ctx = pta_ctx_create(), .bad_node = -1, .n_kernels = 3};
    pta_ctx *ctx = n->ctx;
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &n->graph));
    pta_graph *g = n->graph;
    pta_node conv = pta_node_make(PTA_OP_CONV);
    conv.window.kh = conv.window.kw = 3;
    pta_node pool = pta_node_make(PTA_OP_MAXPOOL);
    pool.window.kh = pool.window.kw = 2;
    pool.window.stride_h = pool.window.stride_w = 2;
    hash_graph_add(ctx, g, "in", pta_node_make(PTA_OP_INPUT), -1,
                   (pta_view){6, 6, 2});
    hash_graph_add(ctx, g, "conv", conv, IN, (pta_view){4, 4, 4});
    hash_graph_add(ctx, g, "pool", pool, CONV, (pta_view){2, 2, 4});
    hash_graph_add(ctx, g, "flat", pta_node_make(PTA_OP_RESHAPE), POOL,
                   (pta_view){1, 1, 16});
    hash_graph_add(ctx, g, "fc", pta_node_make(PTA_OP_DENSE), FLAT,
                   (pta_view){1, 1, 6});
    hash_graph_add(ctx, g, "out", pta_node_make(PTA_OP_DENSE), FC,
                   (pta_view){1, 1, 3});
    UNIT_OK(ctx, pta_graph_add_output(ctx, g, OUT));
    hash_weights_init(&n->hash, g);
    n->weights = (pta_weights){read_weights, n};
    pta_ranges *ranges;
    UNIT_OK(ctx, pta_ranges_create(ctx, g, &ranges));
    for (int32_t i = 0; i < N_NODES; i++) {
        double room = i == IN ? 1.0 : 4096.0; /* nothing saturates */
        ranges->node[i] = (pta_range){-room, room};
    }
    UNIT_OK(ctx, pta_plan_create(ctx, g, &n->plan));
    UNIT_OK(ctx, pta_formats_choose(ctx, g, &n->hash.weights, ranges, 16,
                                    n->plan->formats));
    pta_ranges_destroy(ctx, &ranges);
    UNIT_OK(ctx, pta_cut_apply(ctx, cut, g, n->plan));
}

static void drop(net *n)
{
    pta_plan_destroy(n->ctx, &n->plan);
    pta_graph_destroy(n->ctx, &n->graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(n->ctx).live_blocks, 0);
    pta_ctx_destroy(&n->ctx);
}

static pta_difference locate(net *n)
{
    pta_feed *feed;
    pta_difference found = {0};
    UNIT_OK(n->ctx, pta_feed_open(n->ctx, n->graph, n->plan, "random:5:3", 0,
                                  false, &feed));
    UNIT_OK(n->ctx, pta_locate(n->ctx, n->graph, n->plan, &n->weights, feed,
                               NULL, "fixed", 2, &found));
    pta_feed_close(n->ctx, &feed);
    return found;
}

/* Weight 0 of a kernel: input 0, output 0, cell 0. */
static void check(const char *cut, int32_t bad, int32_t node, int32_t board,
                  bool joined)
{
    net n;
    char text[PTA_DIFFERENCE_TEXT];
    make(&n, cut);
    n.bad_node = bad;
    pta_difference d = locate(&n);
    CU_ASSERT_EQUAL(d.sample, 2);
    CU_ASSERT_EQUAL(d.node, node);
    CU_ASSERT_EQUAL(d.board, board);
    CU_ASSERT_EQUAL(d.joined, joined);
    CU_ASSERT_EQUAL(d.element, 0);
    CU_ASSERT(d.expected != d.got);
    pta_difference_print(n.graph, &d, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, n.graph->nodes[node].name));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "sample 2"));
    drop(&n);
}

static void test_whole(void)
{
    check("conv", CONV, CONV, 0, false);
    check("conv", FC, FC, 0, false);
    check("conv,fc,out", FC, FC, 1, false);
    check("conv,fc,out", OUT, OUT, 2, false);
}

static void test_split(void)
{
    check("conv=channel:2,fc=neuron:3,out", CONV, CONV, 0, false);
    check("conv=channel:2,fc=neuron:3,out", FC, FC, 2, false);
    check("conv=rows:2,fc,out", FC, FC, 2, false);
}

static void test_joined(void)
{
    check("conv,fc=input:2,out", FC, FC, 1, true);
    check("conv=inchannel:2,fc,out", CONV, CONV, 0, true);
    check("conv,fc,out=input:3", OUT, OUT, 2, true);
}

static void test_nothing(void)
{
    static const char *const cuts[] = {"conv", "conv=rows:2,fc=paired:4",
                                       "conv=inchannel:2,fc=neuron:2,out"};
    for (size_t i = 0; i < 3; i++) {
        net n;
        char text[PTA_DIFFERENCE_TEXT];
        make(&n, cuts[i]);
        pta_difference d = locate(&n);
        CU_ASSERT_EQUAL(d.node, -1);
        pta_difference_print(n.graph, &d, text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "on the way"));
        drop(&n);
    }
}

static const unit_test tests[] = {{"whole layers", test_whole},
                                  {"split layers", test_split},
                                  {"partial sums", test_joined},
                                  {"nothing to find", test_nothing}};

UNIT_MAIN("locate", tests)
