/* The reused engine in the plan: what it takes and refuses, the arrays it
 * chooses, and the figures of issue 3 by its timing (tests/hls/test_engine.c and
 * test_engine_nets.c hold that timing to the hardware). */
#include <string.h>

#include "plan/design_priv.h"
#include "unit/design_net.h"

static pta_ctx *ctx;

/* The slice of a network, as a reused engine. */
static pta_slice *engine_slice(const design_net *net)
{
    pta_slice *slice = net_slice(net, 0);
    slice->engine = PTA_ENGINE_REUSED;
    return slice;
}

static void check_target(const int32_t *sizes, int n, int64_t latency,
                         int64_t interval)
{
    design_net net;
    pta_design *design;
    pta_fold folds[12];
    pta_budget budget = pta_budget_pynq();
    net_mlp(&net, ctx, 8, sizes, n);
    pta_slice *slice = engine_slice(&net);
    UNIT_OK(ctx, pta_fold_choose(ctx, slice, &budget, folds));
    UNIT_OK(ctx, pta_design_build(ctx, slice, folds, &design));
    CU_ASSERT_TRUE(design->latency <= latency);
    CU_ASSERT_TRUE(design->interval <= interval);
    CU_ASSERT_PTR_NULL(pta_budget_exceeded(&budget, &design->resources));
    CU_ASSERT_EQUAL(design->blocks[0].kind, PTA_BLOCK_ENGINE);
    CU_ASSERT_EQUAL(design->n_layers, n - 1);
    pta_design_destroy(ctx, &design);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static void test_targets(void)
{
    static const int32_t kws[] = {490, 256, 256, 256, 12};
    static const int32_t autoencoder[] = {640, 128, 128, 128, 128, 8,
                                          128, 128, 128, 128, 640};
    check_target(kws, 5, 800, 737);
    check_target(autoencoder, 11, 950, 800);
}

/* Expects that these foldings, the same for all layers but the last, are
 * refused with a message that contains `text`. */
static void expect_refused(design_net *net, pta_fold fold, pta_fold last,
                           const char *text)
{
    pta_slice *slice = engine_slice(net);
    pta_design *design = NULL;
    pta_fold folds[12];
    for (int32_t i = 0; i < slice->n_steps; i++) {
        folds[i] = i == slice->n_steps - 1 ? last : fold;
    }
    CU_ASSERT_EQUAL(pta_design_build(ctx, slice, folds, &design),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(design);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), text));
    pta_slice_destroy(ctx, &slice);
}

static void test_refused_layers(void)
{
    static const pta_fold fold = {.pe = 4, .simd = 8};
    design_net net;
    net_begin(&net, ctx, 8);
    int32_t at = net_input(&net, 4, 4, 3);
    at = net_conv(&net, at, 5, 3, 1, true);
    net_finish(&net, net_dense(&net, at, 6, false));
    expect_refused(&net, fold, fold, "is a convolution, expected dense layers");
    net_end(&net);

    net_begin(&net, ctx, 8);
    at = net_input(&net, 1, 1, 12);
    int32_t a = net_dense(&net, at, 7, true);
    net_finish(&net,
               net_join(&net, PTA_OP_ADD, a, net_dense(&net, a, 7, false)));
    expect_refused(&net, fold, fold, "is a join, expected dense layers");
    net_end(&net);
}

static void test_refused_shapes(void)
{
    static const int32_t sizes[] = {30, 20, 10};
    const pta_fold good = {.pe = 4, .simd = 8};
    pta_fold narrow = good, tall = good, other = good;
    narrow.simd = 6;
    tall.pe = 9;
    other.pe = 2;
    design_net net;
    net_mlp(&net, ctx, 8, sizes, 3);
    expect_refused(&net, narrow, narrow, "pe 4, simd 6; expected");
    expect_refused(&net, tall, tall, "pe 9, simd 8; expected");
    expect_refused(&net, good, other, "expected one array for all");
    net_end(&net);
}

/* A plan's array is kept; formats the conversion has not are refused. */
static void test_planned(void)
{
    static const int32_t sizes[] = {30, 20, 10};
    design_net net;
    pta_fold folds[2];
    pta_budget budget = pta_budget_pynq();
    net_mlp(&net, ctx, 8, sizes, 3);
    pta_slice *slice = engine_slice(&net);
    slice->steps[0].fold =
        (pta_fold){.pe = 6, .simd = 10, .memory = PTA_MEMORY_RAM};
    UNIT_OK(ctx, pta_fold_choose(ctx, slice, &budget, folds));
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(folds[i].pe, 6);
        CU_ASSERT_EQUAL(folds[i].simd, 10);
        CU_ASSERT_EQUAL(folds[i].memory, PTA_MEMORY_RAM);
    }
    pta_design *design = NULL;
    slice->values[slice->steps[0].out].format.overflow = PTA_OVF_WRAP;
    CU_ASSERT_EQUAL(pta_design_build(ctx, slice, folds, &design),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "SAT"));
    slice->values[slice->steps[0].out].format.overflow = PTA_OVF_SAT;
    slice->values[slice->steps[0].out].format.rounding = PTA_RND_RND_CONV;
    CU_ASSERT_EQUAL(pta_design_build(ctx, slice, folds, &design),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "RND nor TRN"));
    budget.dsp = 3;
    slice->steps[0].fold.pe = 0;
    CU_ASSERT_EQUAL(pta_fold_choose(ctx, slice, &budget, folds),
                    PTA_ERR_UNSUPPORTED);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

int main(void)
{
    static const unit_test tests[] = {{"targets", test_targets},
                                      {"refused layers", test_refused_layers},
                                      {"refused shapes", test_refused_shapes},
                                      {"planned", test_planned}};
    ctx = pta_ctx_create();
    int failed = unit_main("design_engine", tests, 4);
    pta_ctx_destroy(&ctx);
    return failed;
}
