/* Ranges: widening, the file, and what is wrong with a file. */
#include "quant/ranges.h"

#include <math.h>
#include <string.h>

#include "ir/build.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "json/json.h"

/* input, fc1 (with the layer "act" merged into it), output */
static pta_graph *make_graph(pta_ctx *ctx)
{
    static const char *const names[] = {"input", "fc1", "output"};
    pta_graph *graph;
    UNIT_OK(ctx, pta_graph_create(ctx, "net", &graph));
    for (int32_t i = 0; i < 3; i++) {
        char name[16];
        int32_t in = i - 1, index;
        pta_node node = pta_node_make(i == 0 ? PTA_OP_INPUT : PTA_OP_DENSE);
        snprintf(name, sizeof name, "%s", names[i]);
        node.name = name;
        node.shape = (pta_shape){1, {4}};
        node.view = (pta_view){1, 1, 4};
        node.n_in = i > 0;
        node.in = i > 0 ? &in : NULL;
        node.weights = i - 1;
        UNIT_OK(ctx, pta_graph_add(ctx, graph, &node, &index));
    }
    UNIT_OK(ctx, pta_node_add_merged(ctx, &graph->nodes[1], "bn"));
    UNIT_OK(ctx, pta_node_add_merged(ctx, &graph->nodes[1], "act"));
    UNIT_OK(ctx, pta_graph_add_output(ctx, graph, 2));
    return graph;
}

static void test_add(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = make_graph(ctx);
    pta_ranges *ranges;
    UNIT_OK(ctx, pta_ranges_create(ctx, graph, &ranges));
    CU_ASSERT(ranges->node[0].lo > ranges->node[0].hi);
    float first[] = {0.5F, NAN, -2.0F}, second[] = {3.0F};
    pta_ranges_add(ranges, 0, first, 3);
    pta_ranges_add(ranges, 0, second, 1);
    pta_ranges_add(ranges, 0, second, 0);
    CU_ASSERT_EQUAL(ranges->node[0].lo, -2.0);
    CU_ASSERT_EQUAL(ranges->node[0].hi, 3.0);
    pta_ranges_destroy(ctx, &ranges);
    CU_ASSERT_PTR_NULL(ranges);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_round_trip(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = make_graph(ctx);
    pta_ranges *ranges, *back;
    char path[SCRATCH_PATH];
    scratch_path(path, "a.ranges.json");
    UNIT_OK(ctx, pta_ranges_create(ctx, graph, &ranges));
    float values[3][2] = {
        {0.0F, 1.0F}, {0.1F, 27.60172462463379F}, {-59.7F, 3}};
    for (int32_t i = 0; i < 3; i++) {
        pta_ranges_add(ranges, i, values[i], 2);
    }
    UNIT_OK(ctx, pta_ranges_set_origin(ctx, ranges, "mnist", "train", 60000,
                                       "abcd"));
    UNIT_OK(ctx, pta_ranges_set_model(ctx, ranges, "a.h5"));
    UNIT_OK(ctx, pta_ranges_write(ctx, path, graph, ranges));
    UNIT_OK(ctx, pta_ranges_read(ctx, path, graph, &back));
    for (int32_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(back->node[i].lo, ranges->node[i].lo);
        CU_ASSERT_EQUAL(back->node[i].hi, ranges->node[i].hi);
    }
    CU_ASSERT_STRING_EQUAL(back->set, "mnist");
    CU_ASSERT_STRING_EQUAL(back->split, "train");
    CU_ASSERT_STRING_EQUAL(back->digest, "abcd");
    CU_ASSERT_STRING_EQUAL(back->model, "a.h5");
    CU_ASSERT_EQUAL(back->rows, 60000);
    pta_ranges_destroy(ctx, &back);
    pta_ranges_destroy(ctx, &ranges);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* Reads a file with this head and table. */
static pta_status read_text(pta_ctx *ctx, const pta_graph *graph,
                            const char *format, const char *table,
                            pta_ranges **out)
{
    char text[512], path[SCRATCH_PATH];
    int n = snprintf(text, sizeof text,
                     "{\"format\":\"%s\",\"version\":1,\"model\":\"m\","
                     "\"model_sha256\":\"\",\"set\":\"s\",\"split\":\"\","
                     "\"rows\":1,\"digest\":\"\",\"ranges\":{%s}}",
                     format, table);
    scratch_write(path, "t.ranges.json", text, (size_t)n);
    return pta_ranges_read(ctx, path, graph, out);
}

static void test_merged_names(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = make_graph(ctx);
    pta_ranges *ranges;
    UNIT_OK(ctx, read_text(ctx, graph, "partita-ranges",
                           "\"input\":[0,1],\"fc1\":[-5,5],\"act\":[0,4],"
                           "\"bn\":[-9,9],\"output\":[-1,1]",
                           &ranges));
    CU_ASSERT_EQUAL(ranges->node[1].lo, 0.0); /* after the ReLU */
    CU_ASSERT_EQUAL(ranges->node[1].hi, 4.0);
    pta_ranges_destroy(ctx, &ranges);
    UNIT_OK(ctx, read_text(ctx, graph, "partita-ranges",
                           "\"input\":[0,1],\"fc1\":[-5,5],\"output\":[-1,1]",
                           &ranges));
    CU_ASSERT_EQUAL(ranges->node[1].lo, -5.0);
    pta_ranges_destroy(ctx, &ranges);
    pta_graph_destroy(ctx, &graph);
    pta_ctx_destroy(&ctx);
}

static void test_bad_files(void)
{
    static const struct {
        const char *format, *table, *says;
    } cases[] = {
        {"partita-plan", "\"input\":[0,1]", "partita-plan"},
        {"partita-ranges", "\"input\":[0,1],\"fc1\":[0,1]", "output"},
        {"partita-ranges", "\"input\":[1,0],\"fc1\":[0,1],\"output\":[0,1]",
         "input"},
        {"partita-ranges", "\"input\":[0],\"fc1\":[0,1],\"output\":[0,1]",
         "input"},
        {"partita-ranges", "\"input\":[0,\"1\"],\"fc1\":[0,1]", "input"},
        {"partita-ranges", "\"input\":7,\"fc1\":[0,1],\"output\":[0,1]",
         "input"},
    };
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = make_graph(ctx);
    size_t before = pta_ctx_memory(ctx).live_blocks;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pta_ranges *ranges = NULL;
        CU_ASSERT_EQUAL(
            read_text(ctx, graph, cases[i].format, cases[i].table, &ranges),
            PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NULL(ranges);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), cases[i].says));
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "t.ranges.json"));
    }
    pta_ranges *ranges = NULL;
    CU_ASSERT_EQUAL(pta_ranges_read(ctx, "/nowhere/x.json", graph, &ranges),
                    PTA_ERR_IO);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before);
    pta_graph_destroy(ctx, &graph);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {{"widening", test_add},
                                  {"file and back", test_round_trip},
                                  {"merged names", test_merged_names},
                                  {"bad files", test_bad_files}};

UNIT_MAIN("ranges", tests)
