/*
 * Weights of slices against weights known by their place (hash_weights.h):
 * every kind of step, every kind of part, chunks, digests, packing, joins.
 */
#include "runtime/slice_load.h"

#include <math.h>
#include <string.h>

#include "ir/build.h"
#include "quant/formats.h"
#include "unit/hash_weights.h"
#include "unit/unit.h"

typedef struct net {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_plan *plan;
    hash_weights weights;
} net;

enum { IN, CONV, DEPTH, LEAKY, BN, FLAT, FC, OUT };

/* 20x20x2 image, conv 1x1 to 8, depthwise 2x1 x2, LeakyReLU, scale and shift,
 * flatten, dense 6,080 -> 100, dense 5: the first dense takes many chunks. */
static void make(net *n, const char *cut)
{
    pta_ctx *ctx = n->ctx = pta_ctx_create();
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &n->graph));
    pta_graph *g = n->graph;
    pta_node depth = pta_node_make(PTA_OP_DWCONV);
    depth.window.kh = 2;
    pta_node leaky = pta_node_make(PTA_OP_RELU);
    leaky.alpha = 0.1;
    hash_graph_add(ctx, g, "in", pta_node_make(PTA_OP_INPUT), -1,
                   (pta_view){20, 20, 2});
    hash_graph_add(ctx, g, "conv", pta_node_make(PTA_OP_CONV), IN,
                   (pta_view){20, 20, 8});
    hash_graph_add(ctx, g, "depth", depth, CONV, (pta_view){19, 20, 16});
    hash_graph_add(ctx, g, "leaky", leaky, DEPTH, (pta_view){19, 20, 16});
    hash_graph_add(ctx, g, "bn", pta_node_make(PTA_OP_SCALE_SHIFT), LEAKY,
                   (pta_view){19, 20, 16});
    hash_graph_add(ctx, g, "flat", pta_node_make(PTA_OP_RESHAPE), BN,
                   (pta_view){1, 1, 6080});
    hash_graph_add(ctx, g, "fc", pta_node_make(PTA_OP_DENSE), FLAT,
                   (pta_view){1, 1, 100});
    hash_graph_add(ctx, g, "out", pta_node_make(PTA_OP_DENSE), FC,
                   (pta_view){1, 1, 5});
    UNIT_OK(ctx, pta_graph_add_output(ctx, g, OUT));
    hash_weights_init(&n->weights, g);
    pta_ranges *ranges;
    UNIT_OK(ctx, pta_ranges_create(ctx, g, &ranges));
    for (int32_t i = 0; i < g->n_nodes; i++) {
        ranges->node[i] = (pta_range){-3.0, 3.0};
    }
    UNIT_OK(ctx, pta_plan_create(ctx, g, &n->plan));
    UNIT_OK(ctx, pta_formats_choose(ctx, g, &n->weights.weights, ranges, 12,
                                    n->plan->formats));
    pta_ranges_destroy(ctx, &ranges);
    UNIT_OK(ctx, pta_cut_apply(ctx, cut, g, n->plan));
    n->weights.n_read = n->weights.most_read = 0;
}

static void drop(net *n)
{
    pta_plan_destroy(n->ctx, &n->plan);
    pta_graph_destroy(n->ctx, &n->graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(n->ctx).live_blocks, 0);
    pta_ctx_destroy(&n->ctx);
}

static pta_slice *load(net *n, int32_t board, bool is_float,
                       char digest[PTA_SHA256_HEX])
{
    pta_slice *slice;
    UNIT_OK(n->ctx, pta_slice_build(n->ctx, n->graph, n->plan, board, is_float,
                                    &slice));
    UNIT_OK(n->ctx, pta_slice_load(n->ctx, n->graph, n->plan,
                                   &n->weights.weights, slice, digest));
    return slice;
}

static double stored(const pta_step_weights *w, int32_t row, int32_t col)
{
    const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
    switch (w->dtype) {
    case PTA_S8:
        return ((const int8_t *)line)[col];
    case PTA_S16:
        return ((const int16_t *)(const void *)line)[col];
    case PTA_S32:
        return ((const int32_t *)(const void *)line)[col];
    case PTA_S64:
        break;
    case PTA_F32:
        return (double)((const float *)(const void *)line)[col];
    }
    return HUGE_VAL;
}

/* The weight that belongs at (row, col), by the layer's definition. */
static double expected(const net *n, const pta_slice *slice,
                       const pta_step *step, int32_t row, int32_t col)
{
    const pta_value *in = &slice->values[step->in[0]];
    int32_t out = slice->values[step->out].region.c0 + row;
    int32_t cin = in->view.c, in0 = in->region.c0;
    pta_op op = n->graph->nodes[step->node].op;
    int32_t cell = 0, from = 0, to = out;
    if (op == PTA_OP_RELU) {
        return 0.1;
    }
    if (op == PTA_OP_CONV) {
        cell = col / cin;
        from = in0 + col % cin;
    } else if (op == PTA_OP_DWCONV) {
        cell = col;
        from = out / 2;
        to = out % 2;
    } else if (op == PTA_OP_DENSE) {
        pta_runs runs = pta_region_runs(&in->region);
        from = (int32_t)(runs.start + col / runs.length * runs.stride +
                         col % runs.length);
    }
    return hash_value(&n->weights, step->node,
                      op == PTA_OP_SCALE_SHIFT ? PTA_WEIGHT_SCALE
                                               : PTA_WEIGHT_KERNEL,
                      cell, from, to);
}

static bool bias_is_right(const net *n, const pta_slice *slice,
                          const pta_step *step, bool is_float)
{
    const pta_step_weights *w = &step->weights;
    pta_op op = n->graph->nodes[step->node].op;
    if (step->partial || op == PTA_OP_RELU) {
        return w->bias == NULL && w->bias_f32 == NULL;
    }
    for (int32_t row = 0; row < w->rows; row++) {
        int32_t out = slice->values[step->out].region.c0 + row;
        double b = hash_value(&n->weights, step->node,
                              op == PTA_OP_SCALE_SHIFT ? PTA_WEIGHT_SHIFT
                                                       : PTA_WEIGHT_BIAS,
                              0, 0, out);
        double exact = floor(ldexp(b, step->acc_frac) + 0.5);
        if (is_float ? w->bias_f32[row] != (float)b
                     : w->bias[row] != (int64_t)exact) {
            return false;
        }
    }
    return true;
}

/* Steps with weights, all of them right; padding zero. */
static int32_t check_slice(const net *n, const pta_slice *slice, bool is_float)
{
    int32_t n_weighted = 0;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        const pta_step *step = &slice->steps[s];
        const pta_step_weights *w = &step->weights;
        int64_t wrong = 0;
        for (int32_t row = 0; row < w->rows; row++) {
            for (int32_t col = 0; col < w->cols; col++) {
                double value = expected(n, slice, step, row, col);
                double raw =
                    is_float ? (double)(float)value
                             : (double)pta_format_quantise(
                                   n->plan->formats[step->node].weight, value);
                wrong += stored(w, row, col) != raw;
            }
            const char *end =
                (const char *)w->data + (size_t)(row + 1) * w->row_bytes;
            size_t used = (size_t)w->cols * pta_dtype_bytes(w->dtype);
            for (size_t b = 1; b <= w->row_bytes - used; b++) {
                wrong += end[-(ptrdiff_t)b] != 0;
            }
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(w->rows == 0 || bias_is_right(n, slice, step, is_float));
        n_weighted += w->rows > 0;
    }
    return n_weighted;
}

static void check_cut(const char *cut, bool is_float)
{
    net n;
    int32_t n_weighted = 0;
    make(&n, cut);
    for (int32_t b = 0; b < n.plan->n_boards; b++) {
        char digest[PTA_SHA256_HEX];
        pta_slice *slice = load(&n, b, is_float, digest);
        CU_ASSERT_EQUAL(strlen(digest), is_float ? 0 : 64);
        n_weighted += check_slice(&n, slice, is_float);
        pta_slice_destroy(n.ctx, &slice);
    }
    CU_ASSERT(n_weighted >= 6);
    CU_ASSERT(n.weights.most_read <= 256 * 1024);
    drop(&n);
}

static void test_cuts(void)
{
    static const char *const cuts[] = {
        "conv",
        "conv=channel:3,depth,fc=neuron:3,out",
        "conv=inchannel:2,depth=channel:2,fc=input:3,out",
        "conv,depth=paired:2,out",
        "conv=rows:3,fc=paired:7",
        "conv,fc=input:1000/5080,out=neuron:2"};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        check_cut(cuts[i], false);
        check_cut(cuts[i], true);
    }
}

/* A board reads its part of the weights and nothing else. */
static void test_reads_its_part(void)
{
    net n;
    char digest[PTA_SHA256_HEX];
    make(&n, "conv,fc=input:4,out");
    pta_slice *slice = load(&n, 2, false, digest);
    CU_ASSERT_EQUAL(n.weights.n_read, 1520 * 100);
    pta_slice_destroy(n.ctx, &slice);
    drop(&n);
}

static void test_digest(void)
{
    net n;
    char first[PTA_SHA256_HEX], second[PTA_SHA256_HEX];
    make(&n, "conv,fc=neuron:2,out");
    for (int32_t node = CONV; node <= OUT; node++) {
        if (!pta_node_weighted(&n.graph->nodes[node])) {
            continue;
        }
        bool differs = false;
        for (int32_t b = 0; b < n.plan->n_boards; b++) {
            pta_slice *slice = load(&n, b, false, first);
            pta_slice_destroy(n.ctx, &slice);
            n.weights.flip_node = node;
            slice = load(&n, b, false, second);
            pta_slice_destroy(n.ctx, &slice);
            n.weights.flip_node = -1;
            differs = differs || strcmp(first, second) != 0;
        }
        CU_ASSERT(differs);
    }
    drop(&n);
}

/* Copies what is visited, in order, into a block or out of it. */
typedef struct transport {
    char block[1 << 24];
    size_t at;
    bool receiving;
} transport;

static pta_status carry(void *state, void *data, size_t n_bytes)
{
    transport *t = state;
    if (n_bytes > sizeof t->block - t->at) {
        return PTA_ERR_MISMATCH;
    }
    if (t->receiving) {
        memcpy(data, t->block + t->at, n_bytes);
    } else {
        memcpy(t->block + t->at, data, n_bytes);
    }
    t->at += n_bytes;
    return PTA_OK;
}

static void test_sending(void)
{
    static transport t;
    for (int is_float = 0; is_float < 2; is_float++) {
        net n;
        char sent[PTA_SHA256_HEX], got[PTA_SHA256_HEX];
        make(&n, "conv=inchannel:2,depth,fc=input:2,out");
        for (int32_t b = 0; b < n.plan->n_boards; b++) {
            pta_slice *from = load(&n, b, is_float != 0, sent), *to;
            uint8_t flags[64];
            CU_ASSERT_FATAL(from->n_steps + from->n_joins <= 64);
            pta_slice_bias_flags(from, flags);
            UNIT_OK(n.ctx, pta_slice_build(n.ctx, n.graph, n.plan, b,
                                           is_float != 0, &to));
            UNIT_OK(n.ctx, pta_slice_allocate(n.ctx, to, flags));
            t.at = 0;
            t.receiving = false;
            CU_ASSERT_EQUAL(pta_slice_visit(from, carry, &t), PTA_OK);
            size_t bytes = t.at;
            t.at = 0;
            t.receiving = true;
            CU_ASSERT_EQUAL(pta_slice_visit(to, carry, &t), PTA_OK);
            CU_ASSERT_EQUAL(t.at, bytes);
            pta_slice_digest(to, got);
            CU_ASSERT_STRING_EQUAL(sent, got);
            (void)check_slice(&n, to, is_float != 0);
            pta_slice_destroy(n.ctx, &to);
            pta_slice_destroy(n.ctx, &from);
        }
        drop(&n);
    }
}

/* Whatever read fails, the failure comes out and nothing leaks. */
static void test_read_failure(void)
{
    net n;
    char digest[PTA_SHA256_HEX];
    make(&n, "conv");
    int32_t failures = 0;
    for (;; failures++) {
        pta_slice *slice;
        UNIT_OK(n.ctx,
                pta_slice_build(n.ctx, n.graph, n.plan, 0, false, &slice));
        n.weights.fail_after = failures;
        pta_status status = pta_slice_load(n.ctx, n.graph, n.plan,
                                           &n.weights.weights, slice, digest);
        n.weights.fail_after = -1;
        pta_slice_destroy(n.ctx, &slice);
        if (status == PTA_OK) {
            break;
        }
        CU_ASSERT_EQUAL_FATAL(status, PTA_ERR_IO);
    }
    CU_ASSERT(failures >= 10);
    drop(&n);
}

static void test_join(void)
{
    int64_t bias[3] = {5, -70, 1 << 20};
    pta_join join = {.acc = PTA_S64,
                     .acc_frac = 10,
                     .n_channels = 3,
                     .bias = bias,
                     .act = PTA_ACT_RELU};
    pta_format format = pta_format_tensor(8, 4, true); /* F = 4: shift 6 */
    int64_t sum[6] = {27, 64 + 70, -500, 26, 0, -(1 << 20) + 95};
    int8_t y[6];
    pta_join_apply(&join, format, false, sum, 6, y);
    /* (27 + 5) / 64 = 1/2 rounds up; 1; saturates; below 1/2; relu; 95/64 */
    static const int8_t right[6] = {1, 1, 127, 0, 0, 1};
    CU_ASSERT(memcmp(y, right, sizeof y) == 0);
    float f32[3] = {0.5F, -1.0F, 0.0F}, in[3] = {1.0F, 0.25F, 9.0F}, out[3];
    join = (pta_join){.n_channels = 3,
                      .bias_f32 = f32,
                      .act = PTA_ACT_RELU_MAX,
                      .act_max = 6.0};
    pta_join_apply(&join, format, true, in, 3, out);
    CU_ASSERT(out[0] == 1.5F && out[1] == 0.0F && out[2] == 6.0F);
}

static const unit_test tests[] = {{"every cut", test_cuts},
                                  {"reads its part", test_reads_its_part},
                                  {"digest", test_digest},
                                  {"sending", test_sending},
                                  {"read failure", test_read_failure},
                                  {"join", test_join}};

UNIT_MAIN("slice_load", tests)
