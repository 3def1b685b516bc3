/*
 * Foldings: what the chooser finds for the networks of the published figures
 * (printed; modelled by the formulas of framework/plan), what it refuses, and
 * memories against counts of Yosys.
 */
#include <stdio.h>
#include <string.h>

#include "plan/design_priv.h"
#include "unit/design_net.h"

static pta_ctx *ctx;

/* ---- the table ---- */

typedef struct row {
    const char *name;
    int32_t n, sizes[12];      /* dense layers; 0: ResNet-8 */
    int64_t latency, interval; /* at most; 0: only stated */
} row;

static const row rows[] = {
    {"MNIST 784-16-10", 3, {784, 16, 10}, 140, 98},
    {"autoencoder 64-72-72-8-72-72-64",
     7,
     {64, 72, 72, 8, 72, 72, 64},
     250,
     72},
    {"490-256-256-256-12", 5, {490, 256, 256, 256, 12}, 0, 737},
    {"autoencoder 640-128x4-8-128x4-640",
     11,
     {640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640},
     0,
     800},
    {"ResNet-8", 0, {0}, 0, 34000},
};

static void begin(design_net *net, const row *r)
{
    if (r->n > 0) {
        net_mlp(net, ctx, 8, r->sizes, r->n);
    } else {
        net_resnet8(net, ctx, 8);
    }
}

static pta_design *chosen_design(const pta_slice *slice)
{
    pta_budget budget = pta_budget_pynq();
    pta_design *design;
    pta_fold *folds = calloc((size_t)slice->n_steps, sizeof *folds);
    UNIT_OK(ctx, pta_fold_choose(ctx, slice, &budget, folds));
    UNIT_OK(ctx, pta_design_build(ctx, slice, folds, &design));
    CU_ASSERT_PTR_NULL(pta_budget_exceeded(&budget, &design->resources));
    free(folds);
    return design;
}

static void test_table(void)
{
    printf(
        "\n8 bits, budget of a PYNQ-Z2, modelled:\n%-34s %8s %8s %4s %7s %6s "
        "%6s\n",
        "", "latency", "interval", "DSP", "BRAM36", "LUT", "FF");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        design_net net;
        begin(&net, &rows[i]);
        pta_slice *slice = net_slice(&net, 0);
        pta_design *d = chosen_design(slice);
        const pta_resources *r = &d->resources;
        printf("%-34s %8lld %8lld %4lld %7.1f %6lld %6lld\n", rows[i].name,
               (long long)d->latency, (long long)d->interval, (long long)r->dsp,
               0.5 * (double)r->bram18, (long long)r->lut, (long long)r->ff);
        CU_ASSERT_TRUE(rows[i].latency == 0 || d->latency <= rows[i].latency);
        CU_ASSERT_TRUE(d->interval <= rows[i].interval);
        pta_design_destroy(ctx, &d);
        pta_slice_destroy(ctx, &slice);
        net_end(&net);
    }
}

/* ---- choosing ---- */

static void test_latency(void)
{
    design_net net;
    begin(&net, &rows[1]);
    pta_slice *slice = net_slice(&net, 0);
    pta_budget budget = pta_budget_pynq();
    pta_fold folds[6], again[6];
    pta_design *least, *d;
    least = chosen_design(slice);
    UNIT_OK(ctx, pta_fold_choose_latency(ctx, slice, &budget, 72, folds));
    UNIT_OK(ctx, pta_fold_choose_latency(ctx, slice, &budget, 72, again));
    CU_ASSERT_EQUAL(memcmp(folds, again, sizeof folds), 0);
    UNIT_OK(ctx, pta_design_build(ctx, slice, folds, &d));
    CU_ASSERT_TRUE(d->interval <= 72);
    CU_ASSERT_TRUE(d->latency <= least->latency);
    CU_ASSERT_EQUAL(pta_fold_choose_latency(ctx, slice, &budget, 20, folds),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "asked for 20"));
    pta_design_destroy(ctx, &d);
    pta_design_destroy(ctx, &least);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* A folding of the plan stays, and the rest is chosen around it. */
static void test_kept(void)
{
    design_net net;
    begin(&net, &rows[0]);
    net.plan->folds[1] = (pta_fold){2, 4, PTA_FOLD_ROWS, PTA_MEMORY_RAM, 0};
    pta_slice *slice = net_slice(&net, 0);
    pta_budget budget = pta_budget_pynq();
    pta_fold folds[2];
    UNIT_OK(ctx, pta_fold_choose(ctx, slice, &budget, folds));
    CU_ASSERT_EQUAL(folds[0].pe, 2);
    CU_ASSERT_EQUAL(folds[0].simd, 4);
    CU_ASSERT_EQUAL(folds[0].memory, PTA_MEMORY_RAM);
    CU_ASSERT_TRUE(folds[1].pe >= 1 && folds[1].pe <= 10);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static void test_too_small(void)
{
    static const struct {
        const char *says;
        pta_budget budget;
    } cases[] = {{"1 DSP", {100000, 100000, 100000, 1, 1000}},
                 {"100 LUT ", {100, 100000, 100000, 100, 1000}}};
    design_net net;
    begin(&net, &rows[0]);
    pta_slice *slice = net_slice(&net, 0);
    pta_fold folds[2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(pta_fold_choose(ctx, slice, &cases[i].budget, folds),
                        PTA_ERR_UNSUPPORTED);
        bool named = strstr(pta_ctx_error(ctx), cases[i].says) != NULL &&
                     strstr(pta_ctx_error(ctx), "layer 'dense_1'") != NULL;
        if (!named) {
            fprintf(stderr, "\n%s\n", pta_ctx_error(ctx));
        }
        CU_ASSERT_TRUE(named);
    }
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* ---- formulas ---- */

/* Counts of Yosys 0.23 (tests/hls/count.py and grid.py say how). */
static void test_memories(void)
{
    CU_ASSERT_EQUAL(pta_bram18_count(98, 256), 8);
    CU_ASSERT_EQUAL(pta_bram18_count(98, 1024), 29);
    CU_ASSERT_EQUAL(pta_bram18_count(512, 256), 8);
    CU_ASSERT_EQUAL(pta_bram18_count(513, 72), 4);
    CU_ASSERT_EQUAL(pta_bram18_count(640, 256), 15);
    CU_ASSERT_EQUAL(pta_bram18_count(1152, 72), 6);
    CU_ASSERT_EQUAL(pta_bram18_count(2048, 72), 8);
}

typedef struct unit_case {
    pta_fold fold;
    int bits;
    int64_t dsp, steps;
    pta_block_kind kind;
} unit_case;

static void test_multipliers(void)
{
    static const unit_case cases[] = {
        {{8, 16, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0},
         8,
         64,
         12,
         PTA_BLOCK_MVU_PACKED},
        {{5, 3, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0},
         8,
         9,
         110,
         PTA_BLOCK_MVU_PACKED},
        {{1, 64, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0}, 8, 64, 24, PTA_BLOCK_MVU},
        {{5, 3, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0}, 16, 15, 110, PTA_BLOCK_MVU},
    };
    static const int32_t sizes[] = {64, 24};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        design_net net;
        net_mlp(&net, ctx, cases[i].bits, sizes, 2);
        pta_slice *slice = net_slice(&net, 0);
        pta_block b = pta_matrix_block(slice, slice->steps, &cases[i].fold);
        pta_block_count(&b);
        CU_ASSERT_EQUAL(b.kind, cases[i].kind);
        CU_ASSERT_EQUAL(b.resources.dsp, cases[i].dsp);
        CU_ASSERT_EQUAL(b.steps, cases[i].steps);
        CU_ASSERT_EQUAL(pta_step_cycles(slice, slice->steps, &cases[i].fold),
                        cases[i].steps);
        pta_slice_destroy(ctx, &slice);
        net_end(&net);
    }
}

/* Two products in a DSP: not if a weight may be the least of its format. */
static void test_unpacked(void)
{
    design_net net;
    begin(&net, &rows[0]);
    net.plan->formats[1].weight.overflow = PTA_OVF_SAT;
    pta_slice *slice = net_slice(&net, 0);
    pta_fold fold = {8, 8, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0};
    CU_ASSERT_STRING_EQUAL(pta_step_unpacked(slice, &slice->steps[0]),
                           "weights may be the least of their format");
    CU_ASSERT_PTR_NULL(pta_step_unpacked(slice, &slice->steps[1]));
    CU_ASSERT_EQUAL(pta_matrix_block(slice, &slice->steps[0], &fold).kind,
                    PTA_BLOCK_MVU);
    CU_ASSERT_EQUAL(pta_matrix_block(slice, &slice->steps[1], &fold).kind,
                    PTA_BLOCK_MVU_PACKED);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static void test_no_memory(void)
{
    design_net net;
    begin(&net, &rows[0]);
    pta_slice *slice = net_slice(&net, 0);
    pta_budget budget = pta_budget_pynq();
    size_t before = pta_ctx_memory(ctx).live_blocks;
    int32_t n_failed = 0;
    for (uint32_t seed = 0; seed < 40; seed++) {
        pta_fold folds[2];
        pta_ctx_set_faults(ctx, 40, seed);
        pta_status status = pta_fold_choose(ctx, slice, &budget, folds);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_TRUE(status == PTA_OK || status == PTA_ERR_NOMEM);
        n_failed += status != PTA_OK;
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before);
    }
    CU_ASSERT_TRUE(n_failed > 10);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static const unit_test tests[] = {
    {"the networks of the published figures", test_table},
    {"least latency", test_latency},
    {"foldings of the plan", test_kept},
    {"too small a board is refused", test_too_small},
    {"block RAM as Yosys has it", test_memories},
    {"multipliers and steps", test_multipliers},
    {"when products share no DSP", test_unpacked},
    {"running out of memory", test_no_memory},
};

int main(void)
{
    ctx = pta_ctx_create();
    int failed = unit_main("fold", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    return failed;
}
