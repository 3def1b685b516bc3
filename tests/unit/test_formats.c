/*
 * Formats of the exact profile: smallest I, accumulator bounds against a direct
 * sum in 128 bits, refusals that name layer and width.
 */
#include "quant/formats.h"

#include <math.h>
#include <string.h>

#include "ir/build.h"
#include "unit/hash_weights.h"
#include "unit/unit.h"

__extension__ typedef __int128 i128;

#define SEED UINT64_C(20260711)

typedef struct net {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_ranges *ranges;
    hash_weights weights;
    pta_node_format formats[HASH_NODES];
} net;

static void set_range(net *n, int32_t node, double lo, double hi)
{
    n->ranges->node[node] = (pta_range){lo, hi};
}

/* 6x6x3 image, conv 3x3 to 4, max pooling, depthwise x2, flatten, dense 5. */
static void make(net *n)
{
    pta_ctx *ctx = n->ctx = pta_ctx_create();
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &n->graph));
    pta_node conv = pta_node_make(PTA_OP_CONV);
    conv.window.kh = conv.window.kw = 3;
    pta_node pool = pta_node_make(PTA_OP_MAXPOOL);
    pool.window.kh = pool.window.kw = 2;
    pool.window.stride_h = pool.window.stride_w = 2;
    pta_node depth = pta_node_make(PTA_OP_DWCONV);
    depth.window.kh = 2;
    pta_graph *g = n->graph;
    hash_graph_add(ctx, g, "in", pta_node_make(PTA_OP_INPUT), -1,
                   (pta_view){6, 6, 3});
    hash_graph_add(ctx, g, "conv", conv, 0, (pta_view){4, 4, 4});
    hash_graph_add(ctx, g, "pool", pool, 1, (pta_view){2, 2, 4});
    hash_graph_add(ctx, g, "depth", depth, 2, (pta_view){1, 2, 8});
    hash_graph_add(ctx, g, "flat", pta_node_make(PTA_OP_RESHAPE), 3,
                   (pta_view){1, 1, 16});
    hash_graph_add(ctx, g, "fc", pta_node_make(PTA_OP_DENSE), 4,
                   (pta_view){1, 1, 5});
    hash_graph_add(ctx, g, "bn", pta_node_make(PTA_OP_SCALE_SHIFT), 5,
                   (pta_view){1, 1, 5});
    UNIT_OK(ctx, pta_graph_add_output(ctx, g, g->n_nodes - 1));
    UNIT_OK(ctx, pta_ranges_create(ctx, g, &n->ranges));
    hash_weights_init(&n->weights, g);
    for (int32_t i = 0; i < g->n_nodes; i++) {
        set_range(n, i, -1.0, 1.0);
    }
}

static void drop(net *n)
{
    pta_ranges_destroy(n->ctx, &n->ranges);
    pta_graph_destroy(n->ctx, &n->graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(n->ctx).live_blocks, 0);
    pta_ctx_destroy(&n->ctx);
}

static pta_status choose(net *n, int32_t bits)
{
    return pta_formats_choose(n->ctx, n->graph, &n->weights.weights, n->ranges,
                              bits, n->formats);
}

static bool saturates(pta_format f, double value)
{
    double exact = floor(ldexp(value, pta_format_frac(f)) + 0.5);
    return exact > (double)pta_format_max(f) ||
           exact < (double)pta_format_min(f);
}

static bool fits(pta_format f, double lo, double hi)
{
    return !saturates(f, lo) && !saturates(f, hi);
}

static void assert_smallest(pta_format f, double lo, double hi)
{
    CU_ASSERT(fits(f, lo, hi));
    f.integer--;
    CU_ASSERT(!fits(f, lo, hi));
}

static void test_smallest_integer(void)
{
    uint64_t rng = SEED;
    net n;
    make(&n);
    for (int round = 0; round < 200; round++) {
        int32_t bits = (int32_t)pta_rng_range(&rng, 4, 16);
        for (int32_t i = 0; i < n.graph->n_nodes; i++) {
            double size = ldexp(1.0, (int)pta_rng_range(&rng, -3, 8));
            double lo = -size * (double)pta_rng_range(&rng, 0, 1000) / 1000;
            double hi = size * (double)pta_rng_range(&rng, 1, 1000) / 1000;
            set_range(&n, i, lo, hi);
            n.weights.scale[i] =
                ldexp((double)pta_rng_range(&rng, 500, 1000), -10);
        }
        UNIT_OK(n.ctx, choose(&n, bits));
        for (int32_t i = 0; i < n.graph->n_nodes; i++) {
            if (pta_node_keeps_format(&n.graph->nodes[i])) {
                pta_format in = n.formats[n.graph->nodes[i].in[0]].out;
                CU_ASSERT(memcmp(&n.formats[i].out, &in, sizeof in) == 0);
                continue;
            }
            CU_ASSERT_EQUAL(n.formats[i].out.width, bits);
            CU_ASSERT(n.formats[i].out.is_signed);
            assert_smallest(n.formats[i].out, n.ranges->node[i].lo,
                            n.ranges->node[i].hi);
        }
    }
    drop(&n);
}

/* Largest and smallest weight, and the accumulator's bound, in plain loops. */
typedef struct facts {
    double lo, hi;
    i128 bound;
} facts;

static facts direct(const net *n, int32_t node)
{
    const pta_node *p = &n->graph->nodes[node];
    const pta_node_format *f = &n->formats[node];
    pta_format x = n->formats[p->in[0]].out;
    int32_t cells = p->op == PTA_OP_DENSE ? 1 : p->window.kh * p->window.kw;
    int32_t ins = p->op == PTA_OP_SCALE_SHIFT ? 1
                  : p->op == PTA_OP_DWCONV    ? 1
                                           : n->graph->nodes[p->in[0]].view.c;
    facts out = {HUGE_VAL, -HUGE_VAL, 0};
    bool is_scale = p->op == PTA_OP_SCALE_SHIFT;
    int32_t mult = 1;
    if (p->op == PTA_OP_DWCONV) {
        mult = p->view.c / n->graph->nodes[p->in[0]].view.c;
    }
    for (int32_t o = 0; o < p->view.c; o++) {
        i128 sum = 0;
        for (int32_t cell = 0; cell < cells; cell++) {
            for (int32_t i = 0; i < ins; i++) {
                double w =
                    hash_value(&n->weights, node,
                               is_scale ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL,
                               cell, p->op == PTA_OP_DWCONV ? o / mult : i,
                               p->op == PTA_OP_DWCONV ? o % mult : o);
                int64_t raw = pta_format_quantise(f->weight, w);
                out.lo = w < out.lo ? w : out.lo;
                out.hi = w > out.hi ? w : out.hi;
                sum += raw < 0 ? -raw : raw;
            }
        }
        double b =
            hash_value(&n->weights, node,
                       is_scale ? PTA_WEIGHT_SHIFT : PTA_WEIGHT_BIAS, 0, 0, o);
        sum *= -(i128)pta_format_min(x);
        sum += (i128)fabs(floor(ldexp(b, f->acc_frac) + 0.5));
        out.bound = sum > out.bound ? sum : out.bound;
    }
    return out;
}

static void test_accumulators(void)
{
    static const int32_t widths[] = {8, 12, 16, 20, 24};
    static const int32_t weighted[] = {1, 3, 5, 6};
    bool narrow = false, wide = false;
    net n;
    make(&n);
    n.weights.bias_scale[5] = 100.0;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        UNIT_OK(n.ctx, choose(&n, widths[w]));
        for (size_t k = 0; k < sizeof weighted / sizeof *weighted; k++) {
            int32_t node = weighted[k], in = n.graph->nodes[node].in[0];
            const pta_node_format *f = &n.formats[node];
            facts d = direct(&n, node);
            CU_ASSERT_EQUAL(f->weight.overflow, PTA_OVF_SAT_SYM);
            assert_smallest(f->weight, d.lo, d.hi);
            CU_ASSERT_EQUAL(f->acc_frac, pta_format_frac(n.formats[in].out) +
                                             pta_format_frac(f->weight));
            CU_ASSERT(d.bound < ((i128)1 << (f->acc_bits - 1)));
            CU_ASSERT(d.bound >= ((i128)1 << (f->acc_bits - 2)));
            CU_ASSERT_EQUAL(f->acc, f->acc_bits <= 32 ? PTA_S32 : PTA_S64);
            narrow = narrow || f->acc == PTA_S32;
            wide = wide || f->acc == PTA_S64;
        }
    }
    CU_ASSERT(narrow && wide);
    drop(&n);
}

/* The width named fits, and one bit more does not. */
static void test_too_wide(void)
{
    net n;
    make(&n);
    n.weights.scale[1] = 0.01; /* fits at any width? no: 27 products */
    CU_ASSERT_EQUAL(choose(&n, 32), PTA_ERR_RANGE);
    const char *text = pta_ctx_error(n.ctx);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "layer conv"));
    const char *at = strstr(text, "fits is ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    int32_t width = (int32_t)strtol(at + 8, NULL, 10);
    CU_ASSERT(width > 16 && width < 32);
    pta_node_format conv;
    UNIT_OK(n.ctx, choose(&n, 16));
    conv = n.formats[1];
    for (int32_t extra = 0; extra < 2; extra++) {
        n.formats[0].out.width = (int16_t)(width + extra);
        n.formats[1].weight.width = (int16_t)(width + extra);
        n.formats[1].weight.integer = conv.weight.integer;
        CU_ASSERT_EQUAL(
            pta_formats_prove(n.ctx, n.graph, &n.weights.weights, n.formats),
            extra == 0 ? PTA_OK : PTA_ERR_RANGE);
    }
    drop(&n);
}

static void test_big_bias(void)
{
    net n;
    make(&n);
    n.weights.bias_scale[5] = 0x1p60;
    CU_ASSERT_EQUAL(choose(&n, 16), PTA_ERR_RANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(n.ctx), "layer fc"));
    drop(&n);
}

static void test_zero_tensors(void)
{
    net n;
    make(&n);
    set_range(&n, 0, 0.0, 0.0);
    n.weights.scale[5] = 0.0;
    UNIT_OK(n.ctx, choose(&n, 8));
    CU_ASSERT_EQUAL(n.formats[0].out.integer, 1);
    CU_ASSERT_EQUAL(n.formats[5].weight.integer, 1);
    drop(&n);
}

static void test_bad_ranges(void)
{
    net n;
    make(&n);
    set_range(&n, 3, HUGE_VAL, -HUGE_VAL);
    CU_ASSERT_EQUAL(choose(&n, 8), PTA_ERR_RANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(n.ctx), "depth"));
    set_range(&n, 3, 0.0, HUGE_VAL);
    CU_ASSERT_EQUAL(choose(&n, 8), PTA_ERR_RANGE);
    set_range(&n, 3, 0.0, 1.0);
    CU_ASSERT_EQUAL(choose(&n, 1), PTA_ERR_USAGE);
    CU_ASSERT_EQUAL(choose(&n, 33), PTA_ERR_USAGE);
    n.weights.fail_after = 3;
    CU_ASSERT_EQUAL(choose(&n, 8), PTA_ERR_IO);
    drop(&n);
}

/* input -> op -> output, over a vector of 4. */
static void make_one(net *n, pta_node node)
{
    pta_ctx *ctx = n->ctx = pta_ctx_create();
    UNIT_OK(ctx, pta_graph_create(ctx, "one", &n->graph));
    hash_graph_add(ctx, n->graph, "in", pta_node_make(PTA_OP_INPUT), -1,
                   (pta_view){1, 1, 4});
    hash_graph_add(ctx, n->graph, "op", node, 0, (pta_view){1, 1, 4});
    UNIT_OK(ctx, pta_graph_add_output(ctx, n->graph, 1));
    UNIT_OK(ctx, pta_ranges_create(ctx, n->graph, &n->ranges));
    hash_weights_init(&n->weights, n->graph);
    set_range(n, 0, -1.0, 1.0);
    set_range(n, 1, -1.0, 1.0);
}

static void test_tables(void)
{
    static const pta_op ops[] = {PTA_OP_SIGMOID, PTA_OP_TANH};
    for (int i = 0; i < 2; i++) {
        net n;
        make_one(&n, pta_node_make(ops[i]));
        UNIT_OK(n.ctx, choose(&n, 16));
        CU_ASSERT_EQUAL(choose(&n, 17), PTA_ERR_UNSUPPORTED);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(n.ctx), "layer op"));
        drop(&n);
    }
}

static void test_relu(void)
{
    net n;
    pta_node relu = pta_node_make(PTA_OP_RELU);
    relu.alpha = 0.3;
    make_one(&n, relu);
    UNIT_OK(n.ctx, choose(&n, 8));
    /* alpha 0.3 at 8 bits: I = -1, F = 9, raw 154 is too much; I = 0 */
    assert_smallest(n.formats[1].weight, 0.3, 0.3);
    CU_ASSERT_EQUAL(n.formats[1].acc_frac,
                    pta_format_frac(n.formats[0].out) +
                        pta_format_frac(n.formats[1].weight));
    n.formats[1].weight = pta_format_weight(8, 9); /* F = -1 */
    CU_ASSERT_EQUAL(
        pta_formats_prove(n.ctx, n.graph, &n.weights.weights, n.formats),
        PTA_ERR_RANGE);
    drop(&n);
}

static const unit_test tests[] = {{"smallest I", test_smallest_integer},
                                  {"accumulators", test_accumulators},
                                  {"too wide", test_too_wide},
                                  {"big bias", test_big_bias},
                                  {"zero tensors", test_zero_tensors},
                                  {"bad ranges", test_bad_ranges},
                                  {"tables", test_tables},
                                  {"relu", test_relu}};

UNIT_MAIN("formats", tests)
