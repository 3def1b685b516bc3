/*
 * The cut language: what is accepted, with which sizes; and each refusal, which
 * must name the layer and say what was expected.
 */
#include <stdio.h>
#include <string.h>

#include "unit/named_nets.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

typedef struct fixture {
    pta_ctx *ctx;
    pta_graph *cnn, *branch;
} fixture;

static fixture open_nets(void)
{
    fixture f = {.ctx = pta_ctx_create()};
    f.cnn = cnn_net(f.ctx);
    f.branch = branch_net(f.ctx);
    CU_ASSERT_TRUE_FATAL(f.cnn != NULL && f.branch != NULL);
    return f;
}

static void close_nets(fixture *f)
{
    pta_graph_destroy(f->ctx, &f->cnn);
    pta_graph_destroy(f->ctx, &f->branch);
    CU_ASSERT_EQUAL(pta_ctx_memory(f->ctx).live_blocks, 0);
    pta_ctx_destroy(&f->ctx);
}

/* "1 whole [1] 2 channel [32,32]": layers of the stage are counted. */
static void describe(const pta_plan *plan, char *text)
{
    *text = '\0';
    for (int32_t s = 0; s < plan->n_stages; s++) {
        const pta_stage *stage = &plan->stages[s];
        text += sprintf(text, "%s%d %s ", s > 0 ? "; " : "",
                        stage->last - stage->first + 1,
                        pta_split_name(stage->split));
        for (int32_t p = 0; p < stage->n_parts; p++) {
            text += sprintf(text, "%s%d", p > 0 ? "/" : "", stage->sizes[p]);
        }
    }
}

typedef struct accepted {
    const char *cut, *stages;
} accepted;

static void check_accepted(pta_ctx *ctx, const pta_graph *graph,
                           const accepted *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[512];
        int64_t n_out, n_cut;
        pta_plan *plan = sim_plan(ctx, graph);
        int64_t *whole = sim_run(ctx, graph, plan, 3, &n_out);
        UNIT_OK(ctx, pta_cut_apply(ctx, cases[i].cut, graph, plan));
        describe(plan, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].stages);
        int64_t *cut = sim_run(ctx, graph, plan, 3, &n_cut);
        CU_ASSERT_TRUE(cut != NULL && n_out == n_cut &&
                       memcmp(whole, cut, (size_t)n_out * 8) == 0);
        free(whole);
        free(cut);
        pta_plan_destroy(ctx, &plan);
    }
}

static void test_accepted(void)
{
    static const accepted cnn[] = {
        {"conv1", "9 whole 1"},
        {"softmax", "9 whole 1"},
        {"conv2,fc1", "6 whole 1; 3 whole 1"},
        {"conv1=channel:5,conv2", "2 channel 7/7/6/6/6; 7 whole 1"},
        {"conv1=channel:1/30/1,conv2", "2 channel 1/30/1; 7 whole 1"},
        {"conv1,conv2=inchannel:3,conv3", "2 whole 1; 2 inchannel 11/11/10; "
                                          "5 whole 1"},
        {"conv1,conv3=channel:4,fc1=input:5,output=neuron:2",
         "4 whole 1; 2 channel 12/12/12/12; 1 input 87/87/86/86/86; "
         "2 neuron 3/2"},
        {"conv1=rows:3,fc1", "6 rows 1/1/1; 3 whole 1"},
        {"conv1=rows:2/3,conv3", "4 rows 2/3; 5 whole 1"},
        {"conv1=paired:4,conv3=paired:3,output",
         "4 paired 8/8/8/8; 3 paired 16/16/16; 2 whole 1"},
        {"conv1,pool1,flatten=input:3,output",
         "3 whole 1; 2 whole 1; 2 input 144/144/144; 2 whole 1"},
    };
    static const accepted branch[] = {
        {"dw=channel:4,point", "3 channel 2/2/2/2; 4 whole 1"},
        {"dw=channel:2/6,point", "3 channel 2/6; 4 whole 1"},
        {"pad,point=inchannel:3,pool=neuron:3",
         "3 whole 1; 2 inchannel 3/3/2; 2 neuron 1/1/1"},
        {"pad=rows:5,pool", "5 rows 4/3/3/3/3; 2 whole 1"},
        {"dw=paired:2,pool", "5 paired 4/4; 2 whole 1"},
        {"dw,point=channel:8,fc", "3 whole 1; 3 channel 1/1/1/1/1/1/1/1; "
                                  "1 whole 1"},
    };
    fixture f = open_nets();
    check_accepted(f.ctx, f.cnn, cnn, sizeof cnn / sizeof *cnn);
    check_accepted(f.ctx, f.branch, branch, sizeof branch / sizeof *branch);
    close_nets(&f);
}

typedef struct refused {
    const char *cut;
    pta_status status;
    const char *says[3]; /* all in the message */
} refused;

static void check_refused(pta_ctx *ctx, const pta_graph *graph,
                          const refused *cases, size_t n)
{
    pta_plan *plan = sim_plan(ctx, graph);
    const pta_stage *before = plan->stages;
    for (size_t i = 0; i < n; i++) {
        pta_status status = pta_cut_apply(ctx, cases[i].cut, graph, plan);
        bool good = status == cases[i].status;
        for (int k = 0; k < 3 && cases[i].says[k] != NULL; k++) {
            good = good && strstr(pta_ctx_error(ctx), cases[i].says[k]) != NULL;
        }
        if (!good) {
            fprintf(stderr, "\n--cut %s: %s: %s\n", cases[i].cut,
                    pta_status_name(status), pta_ctx_error(ctx));
        }
        CU_ASSERT_TRUE(good);
        CU_ASSERT_PTR_EQUAL(plan->stages, before); /* the plan is as it was */
    }
    pta_plan_destroy(ctx, &plan);
}

static void test_refused(void)
{
    static const refused cnn[] = {
        /* names */
        {"", PTA_ERR_NOT_FOUND, {"no layer ''"}},
        {"conv9", PTA_ERR_NOT_FOUND, {"'conv9'", "conv1, conv2, pool1"}},
        {"conv1,", PTA_ERR_NOT_FOUND, {"no layer ''"}},
        {"conv1,relu1",
         PTA_ERR_UNSUPPORTED,
         {"'relu1' is merged into 'fc1'", "cut at 'fc1'"}},
        {"fc1,conv1", PTA_ERR_USAGE, {"'conv1'", "after 'fc1'"}},
        {"conv1,conv1", PTA_ERR_USAGE, {"'conv1'", "after 'conv1'"}},
        /* syntax */
        {"conv1=slices:2", PTA_ERR_USAGE, {"'slices'", "neuron, input"}},
        {"conv1=whole:1", PTA_ERR_USAGE, {"'whole'", "neuron, input"}},
        {"conv1=channel", PTA_ERR_USAGE, {"conv1=channel", ":PARTS"}},
        {"conv1=channel:", PTA_ERR_USAGE, {"parts ''", "5/5/6"}},
        {"conv1=channel:0", PTA_ERR_USAGE, {"parts '0'"}},
        {"conv1=channel:-2", PTA_ERR_USAGE, {"parts '-2'"}},
        {"conv1=channel:2x", PTA_ERR_USAGE, {"parts '2x'"}},
        {"conv1=channel:16/", PTA_ERR_USAGE, {"parts ''"}},
        {"conv1=channel:99999999999", PTA_ERR_USAGE, {"99999999999"}},
        /* too many, not enough */
        {"fc1,output=neuron:6",
         PTA_ERR_RANGE,
         {"'output'", "6 parts, expected 1 to 5"}},
        {"conv1=inchannel:2,conv2",
         PTA_ERR_RANGE,
         {"'conv1'", "expected 1 to 1", "1 input channels"}},
        {"conv1=channel:16/8,conv2",
         PTA_ERR_RANGE,
         {"'conv1'", "add up to 24", "32 outputs"}},
        {"conv1,pool1=rows:6,conv3",
         PTA_ERR_RANGE,
         {"'pool1'", "expected 1 to 5", "5 rows"}},
        {"conv1,fc1=input:433,output", PTA_ERR_RANGE, {"432 inputs"}},
        /* the wrong layers */
        {"conv1=neuron:2,conv2",
         PTA_ERR_UNSUPPORTED,
         {"'conv1' is conv", "use channel"}},
        {"conv1,fc1=channel:2,output",
         PTA_ERR_UNSUPPORTED,
         {"'fc1' is dense", "use neuron"}},
        {"conv1=input:2,conv2", PTA_ERR_UNSUPPORTED, {"use inchannel"}},
        {"conv1,fc1=inchannel:2,output", PTA_ERR_UNSUPPORTED, {"use input"}},
        {"conv1=channel:2",
         PTA_ERR_UNSUPPORTED,
         {"stage 0", "one weighted layer", "'conv2' is one more"}},
        {"conv1,conv2=paired:2",
         PTA_ERR_UNSUPPORTED,
         {"stage 1 ('conv2'", "two weighted layers", "'fc1' is one more"}},
        {"conv1,output=paired:2",
         PTA_ERR_UNSUPPORTED,
         {"'output'", "expected two weighted layers"}},
        {"conv1,pool1=channel:2,conv3",
         PTA_ERR_UNSUPPORTED,
         {"'pool1'", "expected a weighted layer"}},
        {"conv1=rows:2", PTA_ERR_UNSUPPORTED, {"'fc1' is dense"}},
        {"image,conv1",
         PTA_ERR_UNSUPPORTED,
         {"'image'", "layer that computes"}},
        {"conv1,softmax",
         PTA_ERR_UNSUPPORTED,
         {"'softmax'", "layer that computes"}},
    };
    static const refused branch[] = {
        {"dw=inchannel:2,point", PTA_ERR_UNSUPPORTED, {"'dw'", "use channel"}},
        {"dw=channel:3/5,point",
         PTA_ERR_RANGE,
         {"'dw'", "multiple of 2", "at most 4 parts"}},
        {"dw=channel:5,point", PTA_ERR_RANGE, {"expected 1 to 4", "'dw'"}},
        {"pad=rows:2,fc", PTA_ERR_RANGE, {"1 rows", "'pool'"}},
        {"pad=rows:17,pool", PTA_ERR_RANGE, {"expected 1 to 16", "'add'"}},
    };
    fixture f = open_nets();
    check_refused(f.ctx, f.cnn, cnn, sizeof cnn / sizeof *cnn);
    check_refused(f.ctx, f.branch, branch, sizeof branch / sizeof *branch);
    close_nets(&f);
}

/* Two layers that a pair cannot join: a depthwise one takes no partial sums,
 * and a permutation or another branch lies between. */
static void test_pairs(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = 1;
    graph_maker m = {ctx, &rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "pairs", &m.graph));
    int32_t in = named(&m, add_input(&m, (pta_view){6, 2, 4}), "in");
    int32_t a = named(&m, same_conv(&m, in, 4), "a");
    int32_t d = add_window(&m, PTA_OP_DWCONV, a, square_window(1, 1), 1);
    int32_t b = named(&m, same_conv(&m, named(&m, d, "d"), 4), "b");
    pta_node swap = pta_node_make(PTA_OP_PERMUTE);
    swap.n_in = 1;
    swap.in = &b;
    swap.perm[0] = 0;
    swap.perm[1] = 2;
    swap.perm[2] = 1;
    int32_t p = named(&m, maker_add(&m, swap, (pta_view){6, 4, 2}), "swap");
    int32_t c = named(&m, same_conv(&m, p, 3), "c");
    UNIT_OK(ctx, pta_graph_add_output(ctx, m.graph, c));
    const refused cases[] = {
        {"a=paired:2,b", PTA_ERR_UNSUPPORTED, {"'d' cannot take", "'a'"}},
        {"a,b=paired:2", PTA_ERR_UNSUPPORTED, {"'c' cannot", "'b'", "'swap'"}},
        {"a,b=rows:2", PTA_ERR_UNSUPPORTED, {"'swap' is permute"}},
    };
    check_refused(ctx, m.graph, cases, sizeof cases / sizeof *cases);
    pta_graph_destroy(ctx, &m.graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_no_memory(void)
{
    fixture f = open_nets();
    pta_plan *plan = sim_plan(f.ctx, f.cnn);
    int32_t n_failed = 0;
    for (uint32_t seed = 0; seed < 12; seed++) {
        size_t before = pta_ctx_memory(f.ctx).live_blocks;
        const pta_stage *stages = plan->stages;
        pta_ctx_set_faults(f.ctx, 12, seed);
        pta_status status = pta_cut_apply(f.ctx,
                                          "conv1=rows:2,conv3=channel:3,"
                                          "fc1=input:4,output",
                                          f.cnn, plan);
        pta_ctx_set_faults(f.ctx, 0, 0);
        if (status != PTA_OK) {
            CU_ASSERT_EQUAL(status, PTA_ERR_NOMEM);
            CU_ASSERT_EQUAL(pta_ctx_memory(f.ctx).live_blocks, before);
            CU_ASSERT_PTR_EQUAL(plan->stages, stages);
            n_failed++;
        }
    }
    CU_ASSERT_TRUE(n_failed > 5);
    pta_plan_destroy(f.ctx, &plan);
    close_nets(&f);
}

static const unit_test tests[] = {
    {"cuts, their sizes, and that they change nothing", test_accepted},
    {"refusals name layer and expectation", test_refused},
    {"pairs that do not fit are refused", test_pairs},
    {"no memory: the plan stays as it was", test_no_memory},
};

UNIT_MAIN("cut", tests)
