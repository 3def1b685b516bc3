/* framework/ir: graphs built by hand, and what can be asked of them. */
#include <stdio.h>
#include <string.h>

#include "ir/build.h"
#include "ir/weights.h"
#include "unit/unit.h"

static pta_ctx *ctx;

/* Adds a node called `name` of this shape, reading `in` (-1: nothing). */
static int32_t add(pta_graph *g, char *name, pta_op op, int32_t in,
                   pta_shape shape, pta_window window)
{
    pta_node node = pta_node_make(op);
    node.name = name;
    node.shape = shape;
    node.view = pta_shape_view(&shape);
    node.n_in = in >= 0;
    node.in = &in;
    node.window = window;
    node.has_bias = op == PTA_OP_CONV || op == PTA_OP_DENSE;
    node.weights = pta_node_weighted(&node) ? g->n_nodes : -1;
    int32_t index;
    UNIT_OK(ctx, pta_graph_add(ctx, g, &node, &index));
    return index;
}

/* x [8,8,3] -> conv 3x3 -> [8,8,4] -> dwconv x2 -> [8,8,8] -> norm -> flat
 * -> dense 10 -> softmax */
static pta_graph *make_graph(void)
{
    static const pta_window one = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    static const pta_window three = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    char names[][8] = {"x", "conv", "dw", "norm", "flat", "dense", "soft"};
    pta_graph *g;
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &g));
    add(g, names[0], PTA_OP_INPUT, -1, (pta_shape){3, {8, 8, 3}}, one);
    add(g, names[1], PTA_OP_CONV, 0, (pta_shape){3, {8, 8, 4}}, three);
    add(g, names[2], PTA_OP_DWCONV, 1, (pta_shape){3, {8, 8, 8}}, three);
    add(g, names[3], PTA_OP_SCALE_SHIFT, 2, (pta_shape){3, {8, 8, 8}}, one);
    add(g, names[4], PTA_OP_RESHAPE, 3, (pta_shape){1, {512}}, one);
    add(g, names[5], PTA_OP_DENSE, 4, (pta_shape){1, {10}}, one);
    add(g, names[6], PTA_OP_SOFTMAX, 5, (pta_shape){1, {10}}, one);
    UNIT_OK(ctx, pta_graph_add_output(ctx, g, 6));
    return g;
}

static void test_sizes(void)
{
    pta_graph *g = make_graph();
    static const int64_t fan_in[] = {0, 27, 9, 1, 0, 512, 0};
    static const int64_t params[] = {0, 112, 72, 16, 0, 5130, 0};
    static const int64_t macs[] = {0, 27 * 256, 9 * 512, 512, 0, 5120, 0};
    for (int32_t i = 0; i < g->n_nodes; i++) {
        CU_ASSERT_EQUAL(pta_node_fan_in(g, i), fan_in[i]);
        CU_ASSERT_EQUAL(pta_node_params(g, i), params[i]);
        CU_ASSERT_EQUAL(pta_node_macs(g, i), macs[i]);
    }
    CU_ASSERT_EQUAL(pta_graph_params(g), 112 + 72 + 16 + 5130);
    g->nodes[5].weights = g->nodes[1].weights; /* as if shared */
    CU_ASSERT_EQUAL(pta_graph_params(g), 112 + 72 + 16);
    pta_graph_destroy(ctx, &g);
    CU_ASSERT_PTR_NULL(g);
}

static void test_parts(void)
{
    pta_graph *g = make_graph();
    pta_weight_part part = pta_weight_whole(g, 1, PTA_WEIGHT_KERNEL);
    CU_ASSERT(part.in_start == 0 && part.in_block == 3 && part.in_count == 1);
    CU_ASSERT(part.out_start == 0 && part.out_count == 4);
    CU_ASSERT_EQUAL(pta_weight_count(g, 1, PTA_WEIGHT_KERNEL, part), 108);
    part = pta_weight_whole(g, 2, PTA_WEIGHT_KERNEL);
    CU_ASSERT(part.in_block == 4 && part.out_count == 2);
    CU_ASSERT_EQUAL(pta_weight_count(g, 2, PTA_WEIGHT_KERNEL, part), 72);
    part = pta_weight_whole(g, 2, PTA_WEIGHT_BIAS);
    CU_ASSERT_EQUAL(pta_weight_count(g, 2, PTA_WEIGHT_BIAS, part), 8);
    part = pta_weight_whole(g, 3, PTA_WEIGHT_SCALE);
    CU_ASSERT_EQUAL(part.out_count, 8);
    part = pta_weight_whole(g, 5, PTA_WEIGHT_KERNEL);
    CU_ASSERT(part.in_block == 512 && part.out_count == 10);
    part.in_block = 2;
    part.in_count = 3;
    part.out_count = 5;
    CU_ASSERT_EQUAL(pta_weight_count(g, 5, PTA_WEIGHT_KERNEL, part), 30);
    pta_graph_destroy(ctx, &g);
}

static void test_names(void)
{
    pta_graph *g = make_graph();
    UNIT_OK(ctx, pta_node_add_merged(ctx, &g->nodes[1], "bn"));
    UNIT_OK(ctx, pta_node_add_merged(ctx, &g->nodes[1], "relu"));
    UNIT_OK(ctx, pta_node_add_merged(ctx, &g->nodes[1], "dense"));
    CU_ASSERT_EQUAL(pta_graph_find(g, "conv"), 1);
    CU_ASSERT_EQUAL(pta_graph_find(g, "relu"), 1);
    CU_ASSERT_EQUAL(pta_graph_find(g, "dense"), 5); /* own names first */
    CU_ASSERT_EQUAL(pta_graph_find(g, "den"), -1);
    CU_ASSERT_STRING_EQUAL(pta_op_name(PTA_OP_CONCAT), "concat");
    CU_ASSERT_STRING_EQUAL(pta_op_name(PTA_OP_COUNT), "?");
    for (int i = 0; i < PTA_OP_COUNT; i++) {
        CU_ASSERT_PTR_NOT_NULL(pta_op_name((pta_op)i));
    }
    pta_graph_destroy(ctx, &g);
}

static void test_kinds(void)
{
    pta_graph *g = make_graph();
    static const bool weighted[] = {0, 1, 1, 1, 0, 1, 0};
    static const bool splittable[] = {0, 1, 1, 0, 0, 1, 0};
    static const bool keeps[] = {0, 0, 0, 0, 1, 0, 0};
    for (int32_t i = 0; i < g->n_nodes; i++) {
        CU_ASSERT_EQUAL(pta_node_weighted(&g->nodes[i]), weighted[i]);
        CU_ASSERT_EQUAL(pta_node_splittable(&g->nodes[i]), splittable[i]);
        CU_ASSERT_EQUAL(pta_node_keeps_format(&g->nodes[i]), keeps[i]);
    }
    pta_graph_destroy(ctx, &g);
}

static void test_softmax(void)
{
    pta_graph *g = make_graph();
    UNIT_OK(ctx, pta_graph_check_integer(ctx, g));
    CU_ASSERT_EQUAL(pta_graph_integer_output(g, 0), 5);
    CU_ASSERT(!pta_graph_in_integer(g, 6) && pta_graph_in_integer(g, 5));
    char name[] = "after";
    int32_t last =
        add(g, name, PTA_OP_RELU, 6, g->nodes[6].shape, g->nodes[6].window);
    g->outputs[0] = last;
    CU_ASSERT_EQUAL(pta_graph_check_integer(ctx, g), PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "\"soft\""));
    CU_ASSERT_EQUAL(pta_graph_integer_output(g, 0), last);
    CU_ASSERT(pta_graph_in_integer(g, 6));
    pta_graph_destroy(ctx, &g);
}

/* norm goes into dw; a branch that nothing needs goes altogether. */
static void test_compact(void)
{
    pta_graph *g = make_graph();
    char name[] = "branch";
    add(g, name, PTA_OP_RELU, 1, g->nodes[1].shape, g->nodes[1].window);
    const int32_t alias[] = {0, 1, 2, 2, 4, 5, 6, 7};
    UNIT_OK(ctx, pta_graph_compact(ctx, g, alias));
    static const char *const names[] = {"x",    "conv",  "dw",
                                        "flat", "dense", "soft"};
    CU_ASSERT_EQUAL_FATAL(g->n_nodes, 6);
    for (int32_t i = 0; i < 6; i++) {
        CU_ASSERT_STRING_EQUAL(g->nodes[i].name, names[i]);
        CU_ASSERT(i == 0 || g->nodes[i].in[0] == i - 1);
    }
    CU_ASSERT_EQUAL(g->outputs[0], 5);
    CU_ASSERT_EQUAL(g->inputs[0], 0);
    pta_graph_destroy(ctx, &g);
}

static void test_shapes(void)
{
    char text[PTA_SHAPE_TEXT];
    pta_shape s = {4, {2, 3, 4, 5}};
    pta_view v = pta_shape_view(&s);
    CU_ASSERT(v.h == 6 && v.w == 4 && v.c == 5);
    CU_ASSERT_EQUAL(pta_shape_count(&s), 120);
    pta_shape_print(&s, text);
    CU_ASSERT_STRING_EQUAL(text, "[2, 3, 4, 5]");
    s = (pta_shape){2, {7, 3}};
    v = pta_shape_view(&s);
    CU_ASSERT(v.h == 7 && v.w == 1 && v.c == 3);
    s = (pta_shape){1, {9}};
    v = pta_shape_view(&s);
    CU_ASSERT(v.h == 1 && v.w == 1 && v.c == 9);
    s = (pta_shape){3, {65536, 65536, 1}};
    CU_ASSERT_EQUAL(pta_shape_count(&s), -1);
    s = (pta_shape){2, {3, 0}};
    CU_ASSERT_EQUAL(pta_shape_count(&s), -1);
    s = (pta_shape){
        6, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}};
    pta_shape_print(&s, text);
    CU_ASSERT(strlen(text) < sizeof text);
}

static void test_windows(void)
{
    CU_ASSERT_EQUAL(pta_window_out(9, 3, 2, 1, 0), 4);
    CU_ASSERT_EQUAL(pta_window_out(9, 3, 1, 4, 0), 1);
    CU_ASSERT_EQUAL(pta_window_out(9, 3, 1, 5, 0), 0);
    CU_ASSERT_EQUAL(pta_window_out(9, 3, 1, 5, 2), 1);
    pta_window w = {3, 2, 2, 1, 1, 2, 0, 0, 0, 0};
    pta_window_same(&w, 8, 5); /* rows: 4 outputs reach 9; columns: 5 reach 7 */
    CU_ASSERT(w.pad_t == 0 && w.pad_b == 1);
    CU_ASSERT(w.pad_l == 1 && w.pad_r == 1);
    w = (pta_window){2, 1, 3, 2, 1, 1, 0, 0, 0, 0};
    pta_window_same(&w, 5, 5);
    CU_ASSERT(w.pad_t == 0 && w.pad_b == 0 && w.pad_l == 0 && w.pad_r == 0);
}

static const unit_test tests[] = {
    {"fan-in, parameters, operations", test_sizes},
    {"parts of weights", test_parts},
    {"names", test_names},
    {"kinds of nodes", test_kinds},
    {"softmax", test_softmax},
    {"compaction", test_compact},
    {"shapes and views", test_shapes},
    {"windows", test_windows},
};

int main(void)
{
    ctx = pta_ctx_create();
    int failed = unit_main("graph", tests, sizeof tests / sizeof *tests);
    failed = failed || pta_ctx_memory(ctx).live_blocks != 0;
    pta_ctx_destroy(&ctx);
    return failed;
}
