/*
 * The driver of hls4ml's VivadoAccelerator cores on the simulated bus: a dense
 * layer in the hls4ml profile, over every bus type, under stalls; and each
 * fault by its own message.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "fake_vivado.h"
#include "hls/driver/vivado_accelerator.h"
#include "hls/sim/bus_sim.h"
#include "runtime/slice_load.h"
#include "unit/hash_weights.h"
#include "unit/unit.h"

#define SEED    0x41a2u
#define SAMPLES 5
#define SLOTS   2
#define INPUTS  13
#define OUTPUTS 7

static const pta_device_ops hw_ops = {.name = "hls4ml", PTA_HW_OPS};

typedef struct bench {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_plan *plan;
    pta_slice *slice;
    hash_weights weights;
    fake_vivado_params fake;
    pta_sim_faults faults;
    pta_bus_sim_params bus;
    pta_vivado_accelerator core;
    pta_hw_config config;
    pta_device *device, *fixed;
} bench;

static void make_graph(bench *b)
{
    pta_node in = pta_node_make(PTA_OP_INPUT), fc = pta_node_make(PTA_OP_DENSE);
    UNIT_OK(b->ctx, pta_graph_create(b->ctx, "net", &b->graph));
    hash_graph_add(b->ctx, b->graph, "in", in, -1, (pta_view){1, 1, INPUTS});
    hash_graph_add(b->ctx, b->graph, "fc", fc, 0, (pta_view){1, 1, OUTPUTS});
    UNIT_OK(b->ctx, pta_graph_add_output(b->ctx, b->graph, 1));
    b->graph->is_plain = true;
    hash_weights_init(&b->weights, b->graph);
}

/* Formats of the tensors as the plan's; a part of an input split if `split`. */
static void make(bench *b, const char *in, const char *out, bool split)
{
    char text[1024], digest[PTA_SHA256_HEX];
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    make_graph(b);
    snprintf(text, sizeof text,
             "{\"partita_plan\": 1, \"model\": \"net.h5\", \"profile\": "
             "\"hls4ml\", \"layers\": {\"in\": {\"out\": \"%s\"}, \"fc\": "
             "{\"out\": \"%s\", \"weight\": \"fixed<8,2,TRN,WRAP>\", "
             "\"bias\": \"fixed<8,2,TRN,WRAP>\", \"accum\": "
             "\"fixed<20,8,TRN,WRAP>\"}}, \"stages\": [{\"from\": \"fc\"%s}]}",
             in, out, split ? ", \"split\": \"input\", \"parts\": [6, 7]" : "");
    UNIT_OK(b->ctx,
            pta_plan_parse(b->ctx, text, "net.json", b->graph, &b->plan));
    UNIT_OK(b->ctx,
            pta_slice_build(b->ctx, b->graph, b->plan, 0, false, &b->slice));
    UNIT_OK(b->ctx, pta_slice_load(b->ctx, b->graph, b->plan,
                                   &b->weights.weights, b->slice, digest));
    b->fake.ctx = b->ctx;
    b->fake.slice = b->slice;
    b->bus = (pta_bus_sim_params){.core = &fake_vivado,
                                  .core_params = &b->fake,
                                  .clock_hz = 100000000,
                                  .faults = &b->faults,
                                  .stall_percent = 30,
                                  .seed = SEED};
    b->config =
        (pta_hw_config){&b->core.info, &pta_bus_sim, &b->bus, &b->core.codec};
}

static void drop(bench *b)
{
    pta_hw_close(b->ctx, &b->device);
    if (b->fixed != NULL) {
        pta_device_fixed.close(b->ctx, &b->fixed);
    }
    pta_slice_destroy(b->ctx, &b->slice);
    pta_plan_destroy(b->ctx, &b->plan);
    pta_graph_destroy(b->ctx, &b->graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

static int frac(const pta_slice *slice, int32_t value)
{
    return pta_format_frac(slice->values[value].format);
}

/* The core is built for these wires, and the driver told `types`. */
static pta_status open_device(bench *b, const char *types, fake_wire in,
                              fake_wire out)
{
    pta_device_params params = {.max_samples = SAMPLES, .n_slots = SLOTS};
    in.frac = frac(b->slice, b->slice->inputs[0]);
    out.frac = b->slice->values[b->slice->outputs[0]].partial
                   ? 12
                   : frac(b->slice, b->slice->outputs[0]);
    b->fake.in = in;
    b->fake.out = out;
    b->bus.in_beat = in.bytes;
    b->bus.out_beat = out.bytes;
    PTA_TRY(pta_vivado_accelerator_make(b->ctx, b->slice, types, &b->core));
    return pta_hw_open(b->ctx, b->slice, &params, &hw_ops, &b->config,
                       &b->device);
}

static void fill(const bench *b, void *in, int32_t n, uint64_t *random)
{
    const pta_value *v = &b->slice->values[b->slice->inputs[0]];
    size_t bytes = pta_dtype_bytes(v->dtype);
    for (int32_t s = 0; s < n; s++) {
        char *to = (char *)in + pta_slice_in_bytes(b->slice) * (size_t)s;
        for (int32_t e = 0; e < pta_region_count(&v->region); e++) {
            int64_t raw = pta_rng_range(random, pta_format_min(v->format),
                                        pta_format_max(v->format));
            memcpy(to + bytes * (size_t)e, &raw, bytes);
        }
    }
}

/* Batches of 1 to SAMPLES samples agree with the fixed device. */
static void compare(bench *b)
{
    pta_device_params params = {.max_samples = SAMPLES, .n_slots = SLOTS};
    uint64_t random = SEED;
    pta_cost cost;
    UNIT_OK(b->ctx,
            pta_device_fixed.open(b->ctx, b->slice, &params, &b->fixed));
    for (int32_t n = 1; n <= SAMPLES; n++) {
        for (int32_t s = 0; s < SLOTS; s++) {
            void *in = pta_hw_in_buffer(b->device, s);
            fill(b, in, n, &random);
            memcpy(b->fixed->ops->in_buffer(b->fixed, s), in,
                   pta_slice_in_bytes(b->slice) * (size_t)n);
            UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, s, n));
            UNIT_OK(b->ctx, b->fixed->ops->submit(b->fixed, b->ctx, s, n));
        }
        for (int32_t s = 0; s < SLOTS; s++) {
            UNIT_OK(b->ctx, b->fixed->ops->collect(b->fixed, b->ctx, s, &cost));
            UNIT_OK(b->ctx, pta_hw_collect(b->device, b->ctx, s, &cost));
            CU_ASSERT_EQUAL(cost.cycles, PTA_COST_ABSENT);
            CU_ASSERT_EQUAL(cost.interval, PTA_COST_ABSENT);
            CU_ASSERT_EQUAL(memcmp(pta_hw_out_buffer(b->device, s),
                                   b->fixed->ops->out_buffer(b->fixed, s),
                                   pta_slice_out_bytes(b->slice) * (size_t)n),
                            0);
        }
    }
}

static const fake_wire as_float = {'f', 4, 0, 0}, as_double = {'d', 8, 0, 0};

static void test_types(void)
{
    static const struct {
        const char *in, *out, *types;
        fake_wire wire_in, wire_out;
    } cases[] = {
        {"fixed<16,6,TRN,WRAP>",
         "fixed<16,6,TRN,WRAP>",
         NULL,
         {'f', 4, 0, 0},
         {'f', 4, 0, 0}},
        {"fixed<16,6,TRN,WRAP>",
         "fixed<16,6,TRN,WRAP>",
         "double/float",
         {'d', 8, 0, 0},
         {'f', 4, 0, 0}},
        {"fixed<16,6,TRN,WRAP>",
         "fixed<16,6,TRN,WRAP>",
         "fixed<16,6>",
         {'i', 2, 0, 0},
         {'i', 2, 0, 0}},
        /* Rounded up to whole bytes, integer bits stay: two more below. */
        {"fixed<6,3,TRN,WRAP>",
         "fixed<12,7,TRN,WRAP>",
         "fixed<6,3>/fixed<12,7>",
         {'i', 1, 2, 0},
         {'i', 2, 4, 0}},
        {"ufixed<8,3,TRN,WRAP>",
         "fixed<18,8,RND,SAT>",
         "fixed<16,8>/fixed<32,10>",
         {'i', 2, 3, 0},
         {'i', 4, 12, 0}},
        {"fixed<25,9,TRN,WRAP>",
         "fixed<32,12,RND,SAT>",
         "float/fixed<64,20>",
         {'f', 4, 0, 0},
         {'i', 8, 24, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        make(&b, cases[i].in, cases[i].out, false);
        UNIT_OK(b.ctx, open_device(&b, cases[i].types, cases[i].wire_in,
                                   cases[i].wire_out));
        compare(&b);
        drop(&b);
    }
}

static void says(bench *b, pta_status found, pta_status status,
                 const char *text)
{
    CU_ASSERT_EQUAL(found, status);
    if (strstr(pta_ctx_error(b->ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
}

/* A part of an input split gives raw sums in the accumulator's format. */
static void test_partial(void)
{
    bench b;
    make(&b, "fixed<16,6,TRN,WRAP>", "fixed<16,6,TRN,WRAP>", true);
    UNIT_OK(b.ctx, open_device(&b, "float", as_float, as_float));
    compare(&b);
    drop(&b);
    make(&b, "fixed<16,6,TRN,WRAP>", "fixed<16,6,TRN,WRAP>", true);
    says(&b, open_device(&b, "float/fixed<20,8>", as_float, as_float),
         PTA_ERR_UNSUPPORTED, "travels in 24 bits");
    UNIT_OK(b.ctx, open_device(&b, "float/fixed<32,8>", as_float,
                               (fake_wire){'i', 4, 12, 0}));
    compare(&b);
    drop(&b);
}

static void test_refused(void)
{
    static const struct {
        const char *types;
        pta_status status;
        const char *text;
    } cases[] = {
        {"half", PTA_ERR_USAGE, "hls4ml=half: expected float, double"},
        {"float/", PTA_ERR_USAGE, "expected float"},
        {"fixed<16>", PTA_ERR_USAGE, "hls4ml=fixed<16>"},
        {"fixed<18,6>", PTA_ERR_UNSUPPORTED, "travels in 24 bits"},
        {"fixed<16,5>", PTA_ERR_UNSUPPORTED, "bus of fixed<16,5> does not"},
        {"ufixed<32,16>", PTA_ERR_UNSUPPORTED, "input is fixed<16,6"},
        {"double/fixed<8,6>", PTA_ERR_UNSUPPORTED, "output is fixed<16,6"},
        {"fixed<16,7>", PTA_ERR_UNSUPPORTED, "does not carry exactly"}};
    bench b;
    make(&b, "fixed<16,6,TRN,WRAP>", "fixed<16,6,TRN,WRAP>", false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(&b, open_device(&b, cases[i].types, as_float, as_float),
             cases[i].status, cases[i].text);
    }
    drop(&b);
    make(&b, "fixed<26,6,TRN,WRAP>", "fixed<16,6,TRN,WRAP>", false);
    says(&b, open_device(&b, "float", as_float, as_float), PTA_ERR_UNSUPPORTED,
         "input is fixed<26,6,TRN,WRAP>, which a bus of float");
    drop(&b);
}

static void prepare(bench *b)
{
    make(b, "fixed<16,6,TRN,WRAP>", "fixed<16,6,TRN,WRAP>", false);
}

static void test_open_fails(void)
{
    bench b;
    prepare(&b);
    b.fake.wrong = true;
    says(&b, open_device(&b, NULL, as_float, as_float), PTA_ERR_DEVICE,
         "answer to the known sample is wrong");
    drop(&b);
    prepare(&b);
    b.fake.silent = true;
    says(&b, open_device(&b, NULL, as_float, as_float), PTA_ERR_DEVICE,
         "no answer: 1 samples are not done");
    drop(&b);
    prepare(&b);
    b.fake.held = 3; /* values of a run that was stopped */
    says(&b, open_device(&b, NULL, as_float, as_float), PTA_ERR_DEVICE,
         "S2MM (from the core): internal error");
    drop(&b);
    prepare(&b); /* the core speaks double, the driver was told float */
    says(&b, open_device(&b, "float", as_double, as_double), PTA_ERR_DEVICE,
         "no answer");
    drop(&b);
}

static void fails(bench *b, const char *text)
{
    pta_cost cost;
    UNIT_OK(b->ctx, open_device(b, NULL, as_float, as_float));
    memset(pta_hw_in_buffer(b->device, 0), 0, 64);
    UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, 0, 2));
    says(b, pta_hw_collect(b->device, b->ctx, 0, &cost), PTA_ERR_DEVICE, text);
    drop(b);
}

/* The known sample passes, the batch after it does not. */
static void test_run_fails(void)
{
    bench b;
    prepare(&b);
    b.fake.after = 1;
    b.fake.silent = true;
    fails(&b, "no answer: 2 samples are not done after");
    prepare(&b);
    b.fake.after = 1;
    b.fake.no_last = true;
    fails(&b, "S2MM (from the core): internal error");
    prepare(&b);
    b.fake.after = 1;
    b.fake.early_last = true;
    fails(&b, "short transfer: 52 bytes of 56 came back");
    prepare(&b);
    b.fake.after = 1;
    b.fake.half = true;
    fails(&b, "sample 0, value 0: the core gave ");
    prepare(&b);
    b.faults.mm2s_error = 0;
    b.fake.after = 1;
    b.fake.silent = true;
    fails(&b, "and did not recover: ");
}

int main(void)
{
    static const unit_test tests[] = {{"bus types", test_types},
                                      {"partial sums", test_partial},
                                      {"refused", test_refused},
                                      {"open fails", test_open_fails},
                                      {"run fails", test_run_fails}};
    printf("seed 0x%x\n", SEED);
    return unit_main("vivado_core", tests, sizeof tests / sizeof *tests);
}
