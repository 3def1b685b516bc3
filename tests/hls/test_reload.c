/*
 * Writable weights from end to end: a core of each engine, simulated, is loaded
 * with two sets of weights of the same formats and answers as `fixed` does for
 * either, without being built anew; weights of other formats find no core, and
 * the message says which layer's.
 */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "design_net.h"
#include "hash_weights.h"
#include "hls/driver/bitstream.h"
#include "hls/gen/device_rtl.h"
#include "hls/gen/generate.h"
#include "runtime/slice_load.h"
#include "scratch.h"

#define SAMPLES 24
#define STEPS   16 /* at most, of a slice here */

static pta_ctx *ctx;

static void make_dense(design_net *net)
{
    static const int32_t sizes[] = {20, 14, 9, 30};
    net_mlp(net, ctx, 8, sizes, 4);
}

static void make_image(design_net *net)
{
    net_begin(net, ctx, 8);
    int32_t at = net_conv(net, net_input(net, 6, 5, 2), 3, 3, 1, true);
    net_finish(net,
               net_dense(net, net_conv(net, at, 4, 2, 2, false), 7, false));
}

/* The slice with weights `set`: values of moderate size, others for each. */
static pta_slice *load_set(const design_net *net, pta_engine engine, int set)
{
    static char digest[PTA_SHA256_HEX];
    const pta_graph *g = net->maker.graph;
    hash_weights h;
    hash_weights_init(&h, g);
    for (int32_t i = 1; i < g->n_nodes; i++) {
        int64_t fan_in = pta_node_fan_in(g, i);
        h.scale[i] =
            (set == 0 ? 1.6 : -1.1) / sqrt(fan_in < 1 ? 1.0 : (double)fan_in);
        h.bias_scale[i] = set == 0 ? 0.2 : -0.3;
    }
    pta_slice *slice = net_slice(net, 0);
    slice->engine = engine;
    UNIT_OK(ctx, pta_slice_load(ctx, g, net->plan, &h.weights, slice, digest));
    return slice;
}

/* Outputs of seeded samples; the caller frees. */
static char *answers(const pta_device_ops *ops, const pta_slice *slice,
                     const char *options)
{
    pta_device_params params = {SAMPLES, 1, options};
    pta_cost cost;
    pta_device *d = NULL;
    size_t bytes = SAMPLES * pta_slice_out_bytes(slice);
    size_t in_bytes = SAMPLES * pta_slice_in_bytes(slice);
    char *out = malloc(bytes);
    uint64_t rng = 11;
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    UNIT_OK(ctx, ops->open(ctx, slice, &params, &d));
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (size_t i = 0; i < in_bytes; i++) {
        ((int8_t *)ops->in_buffer(d, 0))[i] = (int8_t)pta_rng_next(&rng);
    }
    UNIT_OK(ctx, ops->submit(d, ctx, 0, SAMPLES));
    UNIT_OK(ctx, ops->collect(d, ctx, 0, &cost));
    memcpy(out, ops->out_buffer(d, 0), bytes);
    ops->close(ctx, &d);
    return out;
}

/* Simulated cores on this host. */
static int count_cores(void)
{
    char folder[PTA_PATH_BYTES];
    int n = 0;
    UNIT_OK(ctx, pta_cache_folder(ctx, "sim", folder));
    DIR *list = opendir(folder);
    for (struct dirent *e; list != NULL && (e = readdir(list)) != NULL;) {
        n += strlen(e->d_name) == PTA_SHA256_HEX - 1;
    }
    (void)closedir(list);
    return n;
}

static void reload(void (*make)(design_net *), pta_engine engine)
{
    design_net net;
    int cores = 0;
    make(&net);
    pta_slice *slices[2] = {load_set(&net, engine, 0),
                            load_set(&net, engine, 1)};
    size_t bytes = SAMPLES * pta_slice_out_bytes(slices[0]);
    char *expected[2];
    for (int i = 0; i < 2; i++) {
        expected[i] = answers(&pta_device_fixed, slices[i], NULL);
    }
    CU_ASSERT_NOT_EQUAL(memcmp(expected[0], expected[1], bytes), 0);
    for (int i = 0; i < 4; i++) { /* there and back */
        char *got =
            answers(&pta_device_rtl, slices[i % 2],
                    i < 2 ? "weights=ram" : "weights=ram,stall=40,seed=7");
        CU_ASSERT_EQUAL(memcmp(got, expected[i % 2], bytes), 0);
        cores = i == 0 ? count_cores() : cores;
        CU_ASSERT_EQUAL(count_cores(), cores);
        free(got);
    }
    for (int i = 0; i < 2; i++) {
        free(expected[i]);
        pta_slice_destroy(ctx, &slices[i]);
    }
    net_end(&net);
}

static void test_streaming(void)
{
    reload(make_dense, PTA_ENGINE_STREAMING);
    reload(make_image, PTA_ENGINE_STREAMING);
}

static void test_reused(void)
{
    reload(make_dense, PTA_ENGINE_REUSED);
}

/* ---- weights of other formats ---- */

static void write_core(const pta_slice *slice, const char *folder)
{
    pta_generate_options options = {.graph = NULL};
    pta_budget budget = pta_budget_pynq();
    pta_fold folds[STEPS];
    pta_design *design;
    pta_generated *core;
    CU_ASSERT_FATAL(slice->n_steps <= STEPS);
    UNIT_OK(ctx, pta_generate_design(ctx, slice, &budget, PTA_WEIGHTS_RAM,
                                     folds, &design));
    UNIT_OK(ctx, pta_generate(ctx, slice, folds, design, &options, &core));
    UNIT_OK(ctx, pta_generated_write(ctx, core, folder));
    pta_generated_destroy(ctx, &core);
    pta_design_destroy(ctx, &design);
}

static pta_status find(const pta_slice *slice, const char *folder)
{
    pta_core_names names;
    pta_bitstream found;
    pta_core_names_of(slice, &names);
    PTA_TRY(pta_bitstream_find(ctx, folder, &names, &found));
    pta_bitstream_free(ctx, &found);
    return PTA_OK;
}

static void says(const char *text)
{
    if (strstr(pta_ctx_error(ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(ctx));
        CU_FAIL("another message");
    }
}

/* `change` alters the slice's second step; the message then has `text`. */
static void refused(pta_engine engine, void (*change)(pta_step *),
                    const char *text)
{
    design_net net;
    make_dense(&net);
    pta_slice *first = load_set(&net, engine, 0);
    pta_slice *second = load_set(&net, engine, 1);
    write_core(first, scratch_folder());
    UNIT_OK(ctx, find(second, scratch_folder()));
    change(&second->steps[1]);
    CU_ASSERT_EQUAL(find(second, scratch_folder()), PTA_ERR_NOT_FOUND);
    says("takes weights of other formats: layer ");
    says(second->steps[1].name);
    says(text);
    pta_slice_destroy(ctx, &first);
    pta_slice_destroy(ctx, &second);
    net_end(&net);
}

static void widen_weights(pta_step *step)
{
    step->weights.format.integer++;
}

static void widen_sums(pta_step *step)
{
    step->acc_bits++;
}

static void test_other_formats(void)
{
    const char *weights =
        "weights fixed<8,1,RND,SAT_SYM>, sums of 21 bits; the plan has "
        "fixed<8,3>, weights fixed<8,2,RND,SAT_SYM>, sums of 21 bits";
    refused(PTA_ENGINE_STREAMING, widen_weights, weights);
    refused(PTA_ENGINE_REUSED, widen_weights, weights);
    refused(PTA_ENGINE_REUSED, widen_sums, "sums of 22 bits");
}

static void test_memory_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {{"streaming", test_streaming},
                                      {"reused", test_reused},
                                      {"other formats", test_other_formats},
                                      {"memory balance", test_memory_balance}};
    if (system("verilator --version >/dev/null 2>&1") != 0) {
        printf("SKIP: no Verilator\n");
        return 77;
    }
    ctx = pta_ctx_create();
    int code = unit_main("reload", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    pta_ctx_destroy(&ctx);
    return code;
}
