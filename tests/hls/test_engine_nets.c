/* The reused engine as a whole core: networks of the published figures with
 * random weights, chosen by pta_engine_choose, on the device `rtl` against the
 * device `fixed`, in the cycles that the design says. Prints the figures.
 * --slow: the large ones too; --write DIR: these cores, for count.py --core
 * DIR/NAME. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "design_net.h"
#include "hash_weights.h"
#include "hls/gen/device_rtl.h"
#include "hls/gen/generate.h"
#include "runtime/slice_load.h"

#define SAMPLES 110

typedef struct target {
    const char *name;
    int32_t sizes[12];
    int n;
    int64_t latency, interval; /* at most; issue 3 */
} target;

static const target targets[] = {
    {"small", {20, 14, 9, 30}, 4, 60, 40},
    {"kws", {490, 256, 256, 256, 12}, 5, 800, 737},
    {"autoencoder",
     {640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640},
     11,
     950,
     800}};

static pta_ctx *ctx;
static const char *write_to; /* or NULL */

/* Weights that keep every tensor within its format and use it. */
static void scale_weights(hash_weights *h, const design_net *net)
{
    const pta_graph *g = net->maker.graph;
    hash_weights_init(h, g);
    for (int32_t i = 1; i < g->n_nodes; i++) {
        int32_t from = g->nodes[i].in[0];
        double in = ldexp(1, net->plan->formats[from].out.integer - 1);
        double out = ldexp(1, net->plan->formats[i].out.integer - 1);
        double rms = in * (from == 0 ? 0.58 : 0.25);
        h->scale[i] =
            0.35 * out * 1.73 / (rms * sqrt((double)pta_node_fan_in(g, i)));
        h->bias_scale[i] = 0.1 * out;
    }
}

static pta_slice *make_slice(design_net *net, const target *t)
{
    static char digest[PTA_SHA256_HEX];
    hash_weights weights;
    net_mlp(net, ctx, 8, t->sizes, t->n);
    pta_slice *slice = net_slice(net, 0);
    slice->engine = PTA_ENGINE_REUSED;
    scale_weights(&weights, net);
    UNIT_OK(ctx, pta_slice_load(ctx, net->maker.graph, net->plan,
                                &weights.weights, slice, digest));
    return slice;
}

static pta_device *open_device(const pta_device_ops *ops,
                               const pta_slice *slice, const char *options)
{
    pta_device_params params = {SAMPLES, 2, options};
    pta_device *d = NULL;
    UNIT_OK(ctx, ops->open(ctx, slice, &params, &d));
    return d;
}

static pta_cost run(const pta_device_ops *ops, pta_device *d, const int8_t *x,
                    size_t bytes)
{
    pta_cost cost = PTA_COST_NONE;
    memcpy(ops->in_buffer(d, 0), x, bytes);
    UNIT_OK(ctx, ops->submit(d, ctx, 0, SAMPLES));
    UNIT_OK(ctx, ops->collect(d, ctx, 0, &cost));
    return cost;
}

/* Enough of the outputs mean something. */
static void check_spread(const int8_t *y, int32_t m, size_t sample_bytes)
{
    int64_t zero = 0, saturated = 0, n = (int64_t)m * SAMPLES;
    for (int32_t s = 0; s < SAMPLES; s++) {
        for (int32_t i = 0; i < m; i++) {
            int8_t v = y[(size_t)s * sample_bytes + (size_t)i];
            zero += v == 0;
            saturated += v == 127 || v == -128;
        }
    }
    CU_ASSERT_TRUE(n - zero >= n / 20);
    CU_ASSERT_TRUE(saturated <= n / 20);
}

static void compare(const pta_slice *slice, const target *t,
                    const pta_design *design, const char *options)
{
    size_t in = pta_slice_in_bytes(slice), out = pta_slice_out_bytes(slice);
    int8_t *x = calloc(SAMPLES, in);
    uint64_t rng = 7;
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    for (size_t i = 0; i < SAMPLES * in; i++) {
        x[i] = i % in < (size_t)t->sizes[0] ? (int8_t)pta_rng_next(&rng) : 0;
    }
    pta_device *host = open_device(&pta_device_fixed, slice, NULL);
    pta_device *core = open_device(&pta_device_rtl, slice, options);
    run(&pta_device_fixed, host, x, SAMPLES * in);
    pta_cost cost = run(&pta_device_rtl, core, x, SAMPLES * in);
    const int8_t *want = pta_device_fixed.out_buffer(host, 0);
    CU_ASSERT_EQUAL(
        memcmp(want, pta_device_rtl.out_buffer(core, 0), SAMPLES * out), 0);
    check_spread(want, t->sizes[t->n - 1], out);
    if (options == NULL || strstr(options, "stall") == NULL) {
        CU_ASSERT_EQUAL(cost.latency, (uint64_t)design->latency);
        CU_ASSERT_EQUAL(cost.interval, (uint64_t)design->interval);
    }
    pta_device_fixed.close(ctx, &host);
    pta_device_rtl.close(ctx, &core);
    free(x);
}

static void write_core(const pta_slice *slice, const target *t,
                       const pta_design *design, const pta_fold *folds)
{
    pta_generate_options options = {.graph = NULL};
    pta_generated *core;
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/%s", write_to, t->name);
    mkdir(folder, 0777);
    UNIT_OK(ctx, pta_generate(ctx, slice, folds, design, &options, &core));
    UNIT_OK(ctx, pta_generated_write(ctx, core, folder));
    pta_generated_destroy(ctx, &core);
}

static void test_target(const target *t)
{
    design_net net;
    pta_budget budget = pta_budget_pynq();
    pta_slice *slice = make_slice(&net, t);
    pta_design *design;
    pta_fold folds[12];
    UNIT_OK(ctx, pta_engine_choose(ctx, slice, &budget, folds));
    UNIT_OK(ctx, pta_design_build(ctx, slice, folds, &design));
    const pta_resources *r = &design->resources;
    printf("%s: pe %d, simd %d, %lld steps, latency %lld, interval %lld; "
           "formulas: %lld LUT, %lld FF, %lld DSP, %.1f BRAM36\n",
           t->name, (int)folds[0].pe, (int)folds[0].simd,
           (long long)design->blocks[0].steps, (long long)design->latency,
           (long long)design->interval, (long long)r->lut, (long long)r->ff,
           (long long)r->dsp, 0.5 * (double)r->bram18);
    fflush(stdout);
    CU_ASSERT_TRUE(design->latency <= t->latency);
    CU_ASSERT_TRUE(design->interval <= t->interval);
    CU_ASSERT_PTR_NULL(pta_budget_exceeded(&budget, r));
    if (write_to != NULL) {
        write_core(slice, t, design, folds);
    } else {
        compare(slice, t, design, NULL);
        compare(slice, t, design, "stall=40,seed=7");
    }
    pta_design_destroy(ctx, &design);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static void test_small(void)
{
    test_target(&targets[0]);
}

static void test_kws(void)
{
    test_target(&targets[1]);
}

static void test_autoencoder(void)
{
    test_target(&targets[2]);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {
        {"small", test_small},
        {"490-256-256-256-12", test_kws},
        {"640-128x4-8-128x4-640", test_autoencoder}};
    write_to = argc > 2 && strcmp(argv[1], "--write") == 0 ? argv[2] : NULL;
    bool all = write_to != NULL || (argc > 1 && strcmp(argv[1], "--slow") == 0);
    if (system("command -v verilator >/dev/null") != 0) {
        return 77;
    }
    ctx = pta_ctx_create();
    return unit_main("engine nets", tests, all ? 3 : 1);
}
