/*
 * The fixed device on slices built by hand, against plain sums written here:
 * a residual image network with a reshaped, an echoed and a partial output;
 * every variant, several slots, odd micro-batches; and its errors.
 */
#include "unit.h"

#include "kernel_cases.h"
#include "runtime/device.h"

#define SEED     20261129u
#define H        6
#define C        5
#define N_PIXELS (H * H * C)
#define N_OUT    7
#define SAMPLES  37

static pta_format fixed(int width, int integer)
{
    return (pta_format){.width = (int16_t)width,
                        .integer = (int16_t)integer,
                        .is_signed = true,
                        .rounding = PTA_RND_RND,
                        .overflow = PTA_OVF_SAT};
}

static pta_value value(pta_view view, pta_format f, int32_t alias_of)
{
    return (pta_value){.region = pta_region_whole(view),
                       .view = view,
                       .format = f,
                       .dtype = case_dtype(f),
                       .alias_of = alias_of};
}

/* Values: 0 image, 1 conv, 2 image + conv, 3 it flat, 4 dense, 5 its partial
 * twin. Outputs: 2 (whose buffer 3 shares), 3, 4, 5 and the input itself. */
typedef struct fake {
    pta_value values[6];
    int32_t inputs[1], outputs[5];
    pta_step steps[4];
    int32_t in[4][2];
    pta_slice slice;
    pta_matrix conv, dense;
} fake;

static pta_step_weights weights_of(const pta_matrix *w)
{
    return (pta_step_weights){.data = (void *)(uintptr_t)w->data,
                              .rows = w->rows,
                              .cols = w->cols,
                              .row_bytes = w->row_bytes,
                              .dtype = w->type,
                              .bias = (int64_t *)(uintptr_t)w->bias};
}

static void make_fake(fake *f, int bits, uint64_t *rng)
{
    pta_dtype type = bits <= 8 ? PTA_S8 : PTA_S16;
    pta_view image = {H, H, C}, flat = {1, 1, N_PIXELS}, row = {1, 1, N_OUT};
    memset(f, 0, sizeof *f);
    f->conv = case_matrix(rng, type, C, 9 * C, false, 3);
    f->dense = case_matrix(rng, type, N_OUT, N_PIXELS, false, 3);
    f->values[0] = value(image, fixed(bits, 2), -1);
    f->values[1] = value(image, fixed(bits, 3), -1);
    f->values[2] = value(image, fixed(bits, 4), -1);
    f->values[3] = value(flat, fixed(bits, 4), 2);
    f->values[4] = value(row, fixed(bits, 6), -1);
    f->values[5] = value(row, fixed(bits, 6), -1);
    f->values[5].dtype = PTA_S64;
    f->values[5].partial = true;
    static const int32_t in[4][2] = {{0, 0}, {1, 0}, {3, 0}, {3, 0}};
    static const int32_t outputs[5] = {2, 3, 4, 5, 0};
    memcpy(f->in, in, sizeof in);
    memcpy(f->outputs, outputs, sizeof outputs);
    for (int i = 0; i < 4; i++) {
        f->steps[i].n_in = i == 1 ? 2 : 1;
        f->steps[i].in = f->in[i];
        f->steps[i].out = i < 2 ? i + 1 : i + 2;
        f->steps[i].node = i + 1;
    }
    f->steps[0].op = PTA_STEP_CONV;
    f->steps[0].window = (pta_window){3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    f->steps[0].act = PTA_ACT_RELU;
    f->steps[0].acc_frac = 2 * bits - 3; /* weights have bits - 1 */
    f->steps[0].weights = weights_of(&f->conv);
    f->steps[1].op = PTA_STEP_ADD;
    f->steps[1].acc_frac = bits - 2;
    f->steps[2].op = f->steps[3].op = PTA_STEP_DENSE;
    f->steps[2].acc_frac = f->steps[3].acc_frac = 2 * bits - 5;
    f->steps[2].weights = f->steps[3].weights = weights_of(&f->dense);
    f->steps[3].partial = true;
    f->steps[3].weights.bias = NULL;
    f->slice = (pta_slice){.n_values = 6,
                           .values = f->values,
                           .n_inputs = 1,
                           .inputs = f->inputs,
                           .n_outputs = 5,
                           .outputs = f->outputs,
                           .n_steps = 4,
                           .steps = f->steps};
}

static void free_fake(fake *f)
{
    case_free_matrix(&f->conv);
    case_free_matrix(&f->dense);
}

/* Half up and saturated, on small numbers. */
static int64_t half_up(int64_t v, int shift, int bits)
{
    int64_t top = INT64_C(1) << (bits - 1);
    int64_t d = INT64_C(1) << shift, n = 2 * v + d;
    int64_t q = n >= 0 ? n / (2 * d) : -((-n + 2 * d - 1) / (2 * d));
    return q < -top ? -top : q > top - 1 ? top - 1 : q;
}

/* image -> sum[N_PIXELS], dense[N_OUT], partial[N_OUT] */
static void expect(const fake *f, int bits, const int64_t *x, int64_t *sum,
                   int64_t *dense, int64_t *partial)
{
    for (int o = 0; o < N_PIXELS; o++) {
        int c = o % C, w = o / C % H, h = o / C / H;
        int64_t acc = f->conv.bias != NULL ? f->conv.bias[c] : 0;
        for (int k = 0; k < 9 * C; k++) {
            int i = h + k / C / 3 - 1, j = w + k / C % 3 - 1;
            if (i >= 0 && i < H && j >= 0 && j < H) {
                acc +=
                    pta_weight_at(&f->conv, c, k) * x[(i * H + j) * C + k % C];
            }
        }
        int64_t conv = half_up(acc < 0 ? 0 : acc, bits, bits);
        sum[o] = half_up(2 * conv + x[o], 2, bits); /* at bits - 2 */
    }
    for (int r = 0; r < N_OUT; r++) {
        partial[r] = 0;
        for (int k = 0; k < N_PIXELS; k++) {
            partial[r] += pta_weight_at(&f->dense, r, k) * sum[k];
        }
        int64_t bias = f->dense.bias != NULL ? f->dense.bias[r] : 0;
        dense[r] = half_up(partial[r] + bias, bits + 1, bits);
    }
}

static int64_t out_at(const pta_slice *s, const char *sample, int32_t output,
                      int64_t i)
{
    return pta_load(sample + pta_slice_out_offset(s, output),
                    s->values[s->outputs[output]].dtype, i);
}

static void check_sample(const fake *f, int bits, const char *in,
                         const char *out)
{
    int64_t x[N_PIXELS], sum[N_PIXELS], dense[N_OUT], partial[N_OUT];
    for (int i = 0; i < N_PIXELS; i++) {
        x[i] = pta_load(in, f->values[0].dtype, i);
    }
    expect(f, bits, x, sum, dense, partial);
    for (int i = 0; i < N_PIXELS; i++) {
        CU_ASSERT_EQUAL(out_at(&f->slice, out, 0, i), sum[i]);
        CU_ASSERT_EQUAL(out_at(&f->slice, out, 1, i), sum[i]);
        CU_ASSERT_EQUAL(out_at(&f->slice, out, 4, i), x[i]);
    }
    for (int i = 0; i < N_OUT; i++) {
        CU_ASSERT_EQUAL(out_at(&f->slice, out, 2, i), dense[i]);
        CU_ASSERT_EQUAL(out_at(&f->slice, out, 3, i), partial[i]);
    }
}

/* Both slots in flight, then collected; a batch of n in each. */
static void run_device(pta_ctx *ctx, const fake *f, int bits,
                       const char *options, int32_t n, uint64_t *rng)
{
    const pta_device_ops *ops = &pta_device_fixed;
    pta_device_params params = {
        .max_samples = SAMPLES, .n_slots = 2, .options = options};
    pta_device *device = NULL;
    UNIT_OK(ctx, ops->open(ctx, &f->slice, &params, &device));
    size_t in_bytes = pta_slice_in_bytes(&f->slice);
    size_t out_bytes = pta_slice_out_bytes(&f->slice);
    size_t calls = pta_ctx_memory(ctx).calls;
    for (int32_t slot = 0; slot < 2; slot++) {
        char *in = ops->in_buffer(device, slot);
        CU_ASSERT_EQUAL((uintptr_t)in % 64, 0);
        for (int32_t s = 0; s < n; s++) {
            for (int i = 0; i < N_PIXELS; i++) {
                int64_t top = (INT64_C(1) << (bits - 1)) - 1;
                pta_store(in + in_bytes * (size_t)s, f->values[0].dtype, i,
                          pta_rng_range(rng, -top - 1, top));
            }
        }
        UNIT_OK(ctx, ops->submit(device, ctx, slot, n));
    }
    for (int32_t slot = 0; slot < 2; slot++) {
        pta_cost cost;
        UNIT_OK(ctx, ops->collect(device, ctx, slot, &cost));
        CU_ASSERT_EQUAL(cost.cycles, PTA_COST_ABSENT);
        CU_ASSERT_EQUAL(cost.host_ns, PTA_COST_ABSENT);
        const char *in = ops->in_buffer(device, slot);
        const char *out = ops->out_buffer(device, slot);
        CU_ASSERT_EQUAL((uintptr_t)out % 64, 0);
        for (int32_t s = 0; s < n; s++) {
            check_sample(f, bits, in + in_bytes * (size_t)s,
                         out + out_bytes * (size_t)s);
        }
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).calls, calls);
    ops->close(ctx, &device);
    CU_ASSERT_PTR_NULL(device);
}

static void test_network(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    pta_ctx *ctx = pta_ctx_create();
    for (int i = 0; i < 24; i++) {
        fake f;
        int bits = i % 2 == 0 ? 8 : 16;
        make_fake(&f, bits, &rng);
        for (int v = 0; v < CASE_N_VARIANTS; v++) {
            pta_kernel_table table;
            char options[32];
            snprintf(options, sizeof options, "variant=%s", case_variants[v]);
            if (pta_kernel_table_fill(&table, case_variants[v])) {
                int32_t n = i < 4 ? SAMPLES : 1 + i % 5;
                run_device(ctx, &f, bits, options, n, &rng);
            }
        }
        run_device(ctx, &f, bits, NULL, 1, &rng);
        free_fake(&f);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static pta_status open_with(pta_ctx *ctx, const fake *f, const char *options)
{
    pta_device_params params = {
        .max_samples = 4, .n_slots = 2, .options = options};
    pta_device *device = NULL;
    pta_status status = pta_device_fixed.open(ctx, &f->slice, &params, &device);
    pta_device_fixed.close(ctx, &device);
    return status;
}

static void test_errors(void)
{
    uint64_t rng = SEED + 1;
    pta_ctx *ctx = pta_ctx_create();
    fake f;
    make_fake(&f, 8, &rng);
    CU_ASSERT_EQUAL(open_with(ctx, &f, "stall=4"), PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "stall=4"));
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "variant="));
    CU_ASSERT_EQUAL(open_with(ctx, &f, "variant=ref,variant=sse"),
                    PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "sse"));
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "ref, avx2, vnni"));
    CU_ASSERT_EQUAL(open_with(ctx, &f, "variant="), PTA_ERR_USAGE);
    CU_ASSERT_EQUAL(open_with(ctx, &f, "variant=ref"), PTA_OK);
    f.steps[2].weights.cols--;
    CU_ASSERT_EQUAL(open_with(ctx, &f, NULL), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "node 3"));
    f.steps[2].weights.cols++;
    f.steps[0].window.pad_b = 0;
    CU_ASSERT_EQUAL(open_with(ctx, &f, NULL), PTA_ERR_MISMATCH);
    f.steps[0].window.pad_b = 1;
    f.values[1].format.integer = -120;
    CU_ASSERT_EQUAL(open_with(ctx, &f, NULL), PTA_ERR_RANGE);
    f.values[1].format.integer = 3;
    f.slice.n_steps = 1; /* value 2 is never made */
    f.steps[0].in[0] = 4;
    CU_ASSERT_EQUAL(open_with(ctx, &f, NULL), PTA_ERR_MISMATCH);
    f.steps[0].in[0] = 0;
    f.slice.n_steps = 4;
    f.slice.is_float = true;
    CU_ASSERT_EQUAL(open_with(ctx, &f, NULL), PTA_ERR_MISMATCH);
    f.slice.is_float = false;
    for (uint32_t every = 1; every < 40; every++) {
        pta_ctx_set_faults(ctx, every, every / 2);
        pta_status status = open_with(ctx, &f, NULL);
        CU_ASSERT_TRUE(status == PTA_OK || status == PTA_ERR_NOMEM);
    }
    pta_ctx_set_faults(ctx, 0, 0);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    free_fake(&f);
    pta_ctx_destroy(&ctx);
}

static void test_submit_range(void)
{
    uint64_t rng = SEED + 2;
    pta_ctx *ctx = pta_ctx_create();
    fake f;
    make_fake(&f, 8, &rng);
    pta_device_params params = {.max_samples = 4, .n_slots = 1};
    pta_device *device = NULL;
    UNIT_OK(ctx, pta_device_fixed.open(ctx, &f.slice, &params, &device));
    CU_ASSERT_EQUAL(pta_device_fixed.submit(device, ctx, 0, 5), PTA_ERR_DEVICE);
    CU_ASSERT_EQUAL(pta_device_fixed.submit(device, ctx, 1, 1), PTA_ERR_DEVICE);
    CU_ASSERT_EQUAL(pta_device_fixed.submit(device, ctx, 0, 0), PTA_OK);
    pta_device_fixed.close(ctx, &device);
    free_fake(&f);
    pta_ctx_destroy(&ctx);
}

static void test_find(void)
{
    pta_ctx *ctx = pta_ctx_create();
    const pta_device_ops *ops = NULL;
    const char *options = "";
    UNIT_OK(ctx, pta_device_find(ctx, "fixed", &ops, &options));
    CU_ASSERT_PTR_EQUAL(ops, &pta_device_fixed);
    CU_ASSERT_PTR_NULL(options);
    UNIT_OK(ctx, pta_device_find(ctx, "fixed:variant=ref", &ops, &options));
    CU_ASSERT_STRING_EQUAL(options, "variant=ref");
    UNIT_OK(ctx, pta_device_find(ctx, "blas", &ops, &options));
    CU_ASSERT_PTR_EQUAL(ops, &pta_device_blas);
    CU_ASSERT_EQUAL(pta_device_find(ctx, "fix", &ops, &options), PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "float"));
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {{"network", test_network},
                                  {"errors", test_errors},
                                  {"submit range", test_submit_range},
                                  {"find", test_find}};

UNIT_MAIN("device_fixed", tests)
