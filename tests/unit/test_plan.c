/*
 * Plan files: what is written is read back, twice the same bytes; a file by a
 * person's hand; and each fault named by line or key.
 */
#include <stdio.h>
#include <string.h>

#include "unit/named_nets.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A plan with everything in it. */
static pta_plan *full_plan(pta_ctx *ctx, const pta_graph *graph)
{
    pta_plan *plan = sim_plan(ctx, graph);
    pta_free(ctx, plan->model);
    plan->model = pta_strdup(ctx, "nets/\"my\" model.h5");
    plan->bits = 16;
    strcpy(plan->model_digest, HEX);
    plan->calibration.set = pta_strdup(ctx, "mnist");
    plan->calibration.split = pta_strdup(ctx, "train");
    plan->calibration.rows = 60000;
    strcpy(plan->calibration.digest, HEX);
    UNIT_OK(ctx, pta_cut_apply(ctx,
                               "conv1=rows:3/5/3,pool1,conv3=channel:3,"
                               "fc1=input:2,output",
                               graph, plan));
    for (int32_t b = 0; b < plan->n_boards; b++) {
        strcpy(plan->slice_digests[b], HEX);
        plan->slice_digests[b][0] = (char)('0' + b);
    }
    int32_t conv = pta_graph_find(graph, "conv1");
    plan->formats[conv].acc_bits = 31;
    plan->formats[conv].acc = PTA_S32;
    return plan;
}

static void check_same(const pta_plan *a, const pta_plan *b)
{
    CU_ASSERT_STRING_EQUAL(a->model, b->model);
    CU_ASSERT_STRING_EQUAL(a->model_digest, b->model_digest);
    CU_ASSERT_EQUAL(a->bits, b->bits);
    CU_ASSERT_STRING_EQUAL(a->calibration.set, b->calibration.set);
    CU_ASSERT_STRING_EQUAL(a->calibration.split, b->calibration.split);
    CU_ASSERT_EQUAL(a->calibration.rows, b->calibration.rows);
    CU_ASSERT_STRING_EQUAL(a->calibration.digest, b->calibration.digest);
    CU_ASSERT_EQUAL_FATAL(a->n_stages, b->n_stages);
    CU_ASSERT_EQUAL_FATAL(a->n_boards, b->n_boards);
    for (int32_t s = 0; s < a->n_stages; s++) {
        const pta_stage *x = &a->stages[s], *y = &b->stages[s];
        CU_ASSERT_TRUE(x->first == y->first && x->last == y->last &&
                       x->split == y->split && x->n_parts == y->n_parts &&
                       x->first_board == y->first_board);
        CU_ASSERT_EQUAL(
            memcmp(x->sizes, y->sizes, (size_t)x->n_parts * sizeof *x->sizes),
            0);
    }
    for (int32_t i = 0; i < a->n_boards; i++) {
        CU_ASSERT_STRING_EQUAL(a->slice_digests[i], b->slice_digests[i]);
    }
}

static void test_round_trip(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = cnn_net(ctx);
    pta_plan *plan = full_plan(ctx, graph), *back = NULL;
    char *text, *again, *model;
    char one[PTA_SHA256_HEX], two[PTA_SHA256_HEX];
    UNIT_OK(ctx, pta_plan_print(ctx, plan, graph, &text));
    UNIT_OK(ctx, pta_plan_parse(ctx, text, "p.json", graph, &back));
    check_same(plan, back);
    for (int32_t i = 0; i < graph->n_nodes - 1; i++) { /* all but softmax */
        const pta_node_format *a = &plan->formats[i], *b = &back->formats[i];
        CU_ASSERT_EQUAL(memcmp(&a->out, &b->out, sizeof a->out), 0);
        CU_ASSERT_EQUAL(a->acc_frac, b->acc_frac);
        if (pta_node_weighted(&graph->nodes[i])) {
            CU_ASSERT_EQUAL(memcmp(&a->weight, &b->weight, sizeof a->out), 0);
            CU_ASSERT_EQUAL(a->acc_bits, b->acc_bits);
            CU_ASSERT_EQUAL(a->acc, b->acc);
        }
    }
    UNIT_OK(ctx, pta_plan_print(ctx, back, graph, &again));
    CU_ASSERT_STRING_EQUAL(text, again);
    UNIT_OK(ctx, pta_plan_digest(ctx, plan, graph, one));
    UNIT_OK(ctx, pta_plan_digest(ctx, back, graph, two));
    CU_ASSERT_STRING_EQUAL(one, two);
    back->stages[0].sizes[0] += 1;
    back->stages[0].sizes[1] -= 1;
    UNIT_OK(ctx, pta_plan_digest(ctx, back, graph, two));
    CU_ASSERT_STRING_NOT_EQUAL(one, two);
    UNIT_OK(ctx, pta_plan_parse_model(ctx, text, "p.json", &model));
    CU_ASSERT_STRING_EQUAL(model, plan->model);
    pta_free(ctx, model);
    pta_free(ctx, text);
    pta_free(ctx, again);
    pta_plan_destroy(ctx, &plan);
    pta_plan_destroy(ctx, &back);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* What a person might write: the fewest keys, parts as a number. */
static const char by_hand[] =
    "{\"partita_plan\": 1, \"model\": \"b.h5\", \"profile\": \"exact\",\n"
    " \"layers\": {\n"
    "  \"steps\": {\"out\": \"fixed<8,1>\"},\n"
    "  \"dw\": {\"out\": \"fixed<8,2>\", \"weight\": \"fixed<8,1>\","
    " \"acc_bits\": 18},\n"
    "  \"point\": {\"out\": \"ufixed<8,2>\", \"weight\": \"fixed<6,0>\","
    " \"acc_bits\": 40, \"partial\": \"int64\"},\n"
    "  \"add\": {\"out\": \"fixed<9,3,TRN,WRAP>\"},\n"
    "  \"pool\": {\"out\": \"fixed<8,2>\"},\n"
    "  \"fc\": {\"out\": \"fixed<16,6>\", \"weight\": \"fixed<8,1,RND,SAT>\","
    " \"acc_bits\": 20}},\n"
    " \"stages\": [{\"from\": \"pad\"},\n"
    "  {\"from\": \"point\", \"split\": \"channel\", \"parts\": 3},\n"
    "  {\"from\": \"pool\"}]}\n";

/* Foldings and engines are written back, and reach the slices. */
static void test_folds(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = branch_net(ctx);
    pta_plan *plan = NULL, *back = NULL;
    char *bare, *text, *again;
    UNIT_OK(ctx, pta_plan_parse(ctx, by_hand, "b.json", graph, &plan));
    UNIT_OK(ctx, pta_plan_print(ctx, plan, graph, &bare));
    CU_ASSERT_PTR_NULL(strstr(bare, "fold\""));
    CU_ASSERT_PTR_NULL(strstr(bare, "engine"));
    int32_t point = pta_graph_find(graph, "point");
    plan->folds[point] = (pta_fold){4, 2, PTA_FOLD_COLUMNS, PTA_MEMORY_RAM, 2};
    plan->folds[pta_graph_find(graph, "dw")].pe = 3;
    plan->folds[pta_graph_find(graph, "dw")].simd = 1;
    plan->stages[2].engine = PTA_ENGINE_REUSED;
    UNIT_OK(ctx, pta_plan_print(ctx, plan, graph, &text));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "\"fold\": {\"pe\": 4, \"simd\": 2, \"order\": "
                     "\"columns\", \"memory\": \"ram\", \"chain\": 2}"));
    UNIT_OK(ctx, pta_plan_parse(ctx, text, "b.json", graph, &back));
    CU_ASSERT_EQUAL(back->folds[point].pe, 4);
    CU_ASSERT_EQUAL(back->folds[point].memory, PTA_MEMORY_RAM);
    UNIT_OK(ctx, pta_plan_print(ctx, back, graph, &again));
    CU_ASSERT_STRING_EQUAL(text, again);
    for (int32_t b = 1; b < 5; b += 3) {
        pta_slice *slice;
        UNIT_OK(ctx, pta_slice_build(ctx, graph, back, b, false, &slice));
        CU_ASSERT_EQUAL(slice->engine,
                        b == 4 ? PTA_ENGINE_REUSED : PTA_ENGINE_STREAMING);
        CU_ASSERT_EQUAL(slice->steps[0].fold.pe, b == 1 ? 4 : 0);
        pta_slice_destroy(ctx, &slice);
    }
    back->folds[pta_graph_find(graph, "add")].pe = 1;
    back->folds[pta_graph_find(graph, "add")].simd = 1;
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, back, graph), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "'add'"));
    pta_free(ctx, bare);
    pta_free(ctx, text);
    pta_free(ctx, again);
    pta_plan_destroy(ctx, &plan);
    pta_plan_destroy(ctx, &back);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_by_hand(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = branch_net(ctx);
    pta_plan *plan = NULL;
    UNIT_OK(ctx, pta_plan_parse(ctx, by_hand, "b.json", graph, &plan));
    CU_ASSERT_EQUAL(plan->n_boards, 5);
    CU_ASSERT_EQUAL(plan->stages[1].sizes[2], 2);
    const pta_node_format *dw = &plan->formats[pta_graph_find(graph, "dw")];
    CU_ASSERT_EQUAL(dw->acc, PTA_S32);
    CU_ASSERT_EQUAL(dw->acc_frac, 14);
    CU_ASSERT_EQUAL(dw->weight.overflow, PTA_OVF_SAT_SYM);
    const pta_node_format *fc = &plan->formats[pta_graph_find(graph, "fc")];
    CU_ASSERT_EQUAL(fc->weight.overflow, PTA_OVF_SAT);
    const pta_node_format *pad = &plan->formats[pta_graph_find(graph, "pad")];
    CU_ASSERT_EQUAL(pad->out.integer, 1); /* that of steps */
    int32_t part = -1;
    CU_ASSERT_EQUAL(pta_plan_stage_of(plan, 3, &part), 1);
    CU_ASSERT_EQUAL(part, 2);
    char *text;
    pta_plan *again = NULL;
    UNIT_OK(ctx, pta_plan_print(ctx, plan, graph, &text));
    UNIT_OK(ctx, pta_plan_parse(ctx, text, "b.json", graph, &again));
    CU_ASSERT_EQUAL(again->formats[pta_graph_find(graph, "fc")].weight.overflow,
                    PTA_OVF_SAT);
    pta_free(ctx, text);
    pta_plan_destroy(ctx, &plan);
    pta_plan_destroy(ctx, &again);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* ---- faults ---- */

typedef struct fault {
    const char *from, *to; /* text replaced in by_hand */
    const char *says[2];
} fault;

static const fault faults[] = {
    {"\"partita_plan\": 1, \"model\"",
     "\"partita_plan\": 1 \"model\"",
     {"line 1", NULL}},
    {"}]}\n", "}]", {"line 11", NULL}},
    {"\"partita_plan\": 1", "\"partita_plan\": 2", {"\"partita_plan\"", "2"}},
    {"\"partita_plan\": 1, ", "", {"\"partita_plan\" is missing", NULL}},
    {"\"profile\": \"exact\"",
     "\"profile\": \"hls5ml\"",
     {"\"hls5ml\"", "\"exact\""}},
    {"\"model\": \"b.h5\"", "\"model\": 7", {"\"model\"", "string"}},
    {"\"model\": \"b.h5\"", "\"modell\": \"b.h5\"", {"\"modell\"", NULL}},
    {"\"model\": \"b.h5\"",
     "\"model\": \"b.h5\", \"model_digest\": \"12\"",
     {"\"model_digest\"", "64 hex"}},
    {"\"model\": \"b.h5\"",
     "\"model\": \"b.h5\", \"bits\": 33",
     {"\"bits\"", "33"}},
    {"\"model\": \"b.h5\"",
     "\"model\": \"b.h5\", \"calibration\": {\"set\": \"mnist\"}",
     {"calibration", "\"split\""}},
    {"\"model\": \"b.h5\"",
     "\"model\": \"b.h5\", \"slices\": [\"" HEX "\"]",
     {"\"slices\"", "5 boards"}},
    /* layers */
    {"\"steps\": {\"out\": \"fixed<8,1>\"},", "", {"\"steps\"", "missing"}},
    {"\"steps\": {", "\"stepz\": {", {"layers: \"stepz\"", "no layer"}},
    {"\"steps\": {",
     "\"pad\": {\"out\": \"fixed<8,1>\"}, \"steps\": {",
     {"\"pad\"", "without a format"}},
    {"fixed<9,3,TRN,WRAP>", "fixed<9;3>", {"layers.add", "\"out\""}},
    {"fixed<9,3,TRN,WRAP>", "fixed<40,3>", {"layers.add", "40"}},
    {"\"add\": {",
     "\"add\": {\"weight\": \"fixed<8,1>\", ",
     {"layers.add", "no weights"}},
    {"\"add\": {", "\"add\": {\"bias\": 1, ", {"layers.add", "\"bias\""}},
    {"\"weight\": \"fixed<8,1>\", \"acc", "\"acc", {"layers.dw", "\"weight\""}},
    {", \"acc_bits\": 18", "", {"layers.dw", "\"acc_bits\""}},
    {"\"acc_bits\": 18", "\"acc_bits\": 65", {"layers.dw", "65"}},
    {"\"int64\"", "\"int32\"", {"layers.point", "40 bits"}},
    {"\"int64\"", "\"int16\"", {"layers.point", "\"int16\""}},
    /* foldings and engines */
    {"\"add\": {", "\"add\": {\"fold\": {}, ", {"layers.add.fold", "no mult"}},
    {"\"fc\": {", "\"fc\": {\"fold\": 3, ", {"layers.fc", "\"fold\""}},
    {"\"fc\": {", "\"fc\": {\"fold\": {\"pe\": 1}, ", {"fc.fold", "\"simd\""}},
    {"\"fc\": {",
     "\"fc\": {\"fold\": {\"pe\": 0, \"simd\": 1}, ",
     {"fc.fold", "\"pe\""}},
    {"\"fc\": {",
     "\"fc\": {\"fold\": {\"pe\": 1, \"simd\": 1, \"order\": \"x\"}, ",
     {"\"order\" is \"x\"", "rows or columns"}},
    {"\"fc\": {",
     "\"fc\": {\"fold\": {\"pe\": 1, \"simd\": 1, \"memory\": \"x\"}, ",
     {"\"memory\"", "lut or block or ram"}},
    {"\"fc\": {",
     "\"fc\": {\"fold\": {\"pe\": 1, \"simd\": 1, \"ram\": 1}, ",
     {"fc.fold", "\"ram\""}},
    {"\"dw\": {",
     "\"dw\": {\"fold\": {\"pe\": 1, \"simd\": 2}, ",
     {"dw.fold", "\"simd\""}},
    {"\"from\": \"pool\"",
     "\"from\": \"pool\", \"engine\": \"steam\"",
     {"stages[2]", "streaming or reused"}},
    /* stages */
    {"\"from\": \"pad\"", "\"from\": \"pod\"", {"stages[0]", "'pod'"}},
    {"\"from\": \"pad\"", "\"form\": \"pad\"", {"stages[0]", "\"from\""}},
    {"\"from\": \"pad\"",
     "\"from\": \"pad\", \"parts\": 2",
     {"stages[0]", "\"split\""}},
    {"\"from\": \"pool\"", "\"from\": \"dw\"", {"stages[2]", "\"dw\""}},
    {"\"channel\"", "\"columns\"", {"stages[1]", "\"columns\""}},
    {"\"channel\"", "\"neuron\"", {"stage 1", "use channel"}},
    {"\"parts\": 3", "\"parts\": 9", {"stage 1", "expected 1 to 8"}},
    {"\"parts\": 3", "\"parts\": \"3\"", {"stages[1]", "\"parts\""}},
    {"\"parts\": 3", "\"parts\": [4, 5]", {"stage 1", "add up to 9"}},
    {"\"parts\": 3", "\"parts\": [4, 0, 4]", {"stages[1]", "element 1"}},
    {"\"parts\": 3", "\"parts\": []", {"stage 1", "expected 1 to 8"}},
    {"\"parts\": 3", "\"parts\": 3, \"board\": 1", {"stages[1]", "\"board\""}},
};

static void test_faults(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = branch_net(ctx);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const fault *f = &faults[i];
        char text[2048];
        const char *at = strstr(by_hand, f->from);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - by_hand), by_hand,
                 f->to, at + strlen(f->from));
        pta_plan *plan = NULL;
        pta_status status = pta_plan_parse(ctx, text, "b.json", graph, &plan);
        const char *error = pta_ctx_error(ctx);
        bool good = status != PTA_OK && plan == NULL &&
                    strstr(error, "b.json") != NULL &&
                    strstr(error, f->says[0]) != NULL &&
                    (f->says[1] == NULL || strstr(error, f->says[1]) != NULL);
        if (!good) {
            fprintf(stderr, "\n%s -> %s: %s: %s\n", f->from, f->to,
                    pta_status_name(status), error);
        }
        CU_ASSERT_TRUE(good);
        pta_plan_destroy(ctx, &plan);
    }
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* A plan for another model, and formats that contradict each other. */
static void test_validate(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = cnn_net(ctx), *other = branch_net(ctx);
    pta_plan *plan = sim_plan(ctx, graph);
    UNIT_OK(ctx, pta_plan_validate(ctx, plan, graph));
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, other), PTA_ERR_MISMATCH);
    plan->formats[pta_graph_find(graph, "pool1")].out.integer++;
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, graph), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "'pool1'"));
    plan->formats[pta_graph_find(graph, "pool1")].out.integer--;
    plan->formats[pta_graph_find(graph, "fc1")].acc_frac--;
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, graph), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "'fc1'"));
    plan->formats[pta_graph_find(graph, "fc1")].acc_frac++;
    plan->formats[pta_graph_find(graph, "fc1")].acc = PTA_S32; /* of 40 bits */
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, graph), PTA_ERR_RANGE);
    plan->formats[pta_graph_find(graph, "fc1")].acc = PTA_S64;
    plan->stages[0].last--;
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, graph), PTA_ERR_MISMATCH);
    pta_plan_destroy(ctx, &plan);
    pta_graph_destroy(ctx, &graph);
    pta_graph_destroy(ctx, &other);
    pta_ctx_destroy(&ctx);
}

/* Tables over all inputs end at 16 bits; an edited plan must say so itself. */
static void test_table_width(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "table", &m.graph));
    int32_t x = add_input(&m, (pta_view){1, 1, 4});
    int32_t y = add_unary(&m, PTA_OP_TANH, x, (pta_view){1, 1, 4});
    UNIT_OK(ctx, pta_graph_add_output(ctx, m.graph, y));
    pta_plan *plan = sim_plan(ctx, m.graph);
    UNIT_OK(ctx, pta_plan_validate(ctx, plan, m.graph));
    plan->formats[x].out = pta_format_tensor(17, 2, true);
    plan->formats[x].acc_frac = plan->formats[y].acc_frac = 15;
    CU_ASSERT_EQUAL(pta_plan_validate(ctx, plan, m.graph), PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "at most 16 bits"));
    pta_plan_destroy(ctx, &plan);
    pta_graph_destroy(ctx, &m.graph);
    pta_ctx_destroy(&ctx);
}

static void test_no_memory(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = branch_net(ctx);
    size_t before = pta_ctx_memory(ctx).live_blocks;
    int32_t n_failed = 0;
    for (uint32_t seed = 0; seed < 25; seed++) {
        pta_plan *plan = NULL;
        char *text = NULL;
        pta_ctx_set_faults(ctx, 25, seed);
        pta_status status = pta_plan_parse(ctx, by_hand, "b", graph, &plan);
        if (status == PTA_OK) {
            status = pta_plan_print(ctx, plan, graph, &text);
        }
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_TRUE(status == PTA_OK || status == PTA_ERR_NOMEM);
        n_failed += status != PTA_OK;
        pta_free(ctx, text);
        pta_plan_destroy(ctx, &plan);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before);
    }
    CU_ASSERT_TRUE(n_failed > 10);
    pta_graph_destroy(ctx, &graph);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"what is written is read back", test_round_trip},
    {"a plan by hand", test_by_hand},
    {"foldings and engines", test_folds},
    {"faults are named by line or key", test_faults},
    {"contradictions are refused", test_validate},
    {"inputs of tables", test_table_width},
    {"no memory: one status, nothing leaks", test_no_memory},
};

UNIT_MAIN("plan", tests)
