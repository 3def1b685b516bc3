/*
 * Convolutions: the references against sums written out here, every variant
 * against the reference, over random windows, strides, dilations and pads.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED 20261123u

typedef struct conv_case {
    pta_conv conv;
    bool depthwise;
    int32_t n;
    size_t x_stride, y_stride;
    void *x;
} conv_case;

static int32_t outputs(int32_t in, int32_t pads, int32_t k, int32_t dilation,
                       int32_t stride)
{
    return (in + pads - (k - 1) * dilation - 1) / stride + 1;
}

/* A window that fits the image; pads up to what "same" and causal need. */
static pta_cells make_window(uint64_t *rng, pta_image in)
{
    pta_cells k;
    do {
        k = (pta_cells){.kh = (int32_t)case_range(rng, 1, 5),
                        .kw = (int32_t)case_range(rng, 1, 4),
                        .stride_h = (int32_t)case_range(rng, 1, 3),
                        .stride_w = (int32_t)case_range(rng, 1, 2),
                        .dilation_h = (int32_t)case_range(rng, 1, 2),
                        .dilation_w = (int32_t)case_range(rng, 1, 2)};
        k.pad_t = (int32_t)case_range(rng, 0, (k.kh - 1) * k.dilation_h);
        k.pad_b = (int32_t)case_range(rng, 0, (k.kh - 1) * k.dilation_h);
        k.pad_l = (int32_t)case_range(rng, 0, (k.kw - 1) * k.dilation_w);
        k.pad_r = (int32_t)case_range(rng, 0, (k.kw - 1) * k.dilation_w);
    } while (in.h + k.pad_t + k.pad_b <= (k.kh - 1) * k.dilation_h ||
             in.w + k.pad_l + k.pad_r <= (k.kw - 1) * k.dilation_w);
    return k;
}

static conv_case make_case(uint64_t *rng, bool depthwise)
{
    static const int32_t channels[] = {1, 1,  2,  3,  4,  5,
                                       8, 16, 31, 32, 64, 130};
    static const int32_t rows[] = {1, 3, 8, 16, 17, 32, 48, 64, 65};
    static const pta_dtype types[] = {PTA_S8, PTA_S8, PTA_S16, PTA_S16,
                                      PTA_S32};
    conv_case c = {.depthwise = depthwise, .n = (int32_t)case_range(rng, 1, 3)};
    pta_dtype y, x = types[case_range(rng, 0, 4)];
    pta_dtype w = types[case_range(rng, 0, 4)];
    bool hard = (pta_rng_next(rng) & 3) == 0;
    pta_image in = {(int32_t)case_range(rng, 1, 9),
                    (int32_t)case_range(rng, 1, 7),
                    case_pick(rng, channels, 12)};
    pta_cells k = make_window(rng, in);
    int32_t mult = (int32_t)case_range(rng, 1, 2);
    int32_t out_c = depthwise ? in.c * mult : case_pick(rng, rows, 9);
    int32_t cols = k.kh * k.kw * (depthwise ? 1 : in.c);
    int32_t bits = 3 +
                   (x == PTA_S8    ? 7
                    : x == PTA_S16 ? 15
                                   : 25) +
                   (w == PTA_S8    ? 7
                    : w == PTA_S16 ? 15
                                   : 25);
    pta_epilogue e = case_epilogue(rng, bits, &y);
    c.conv = (pta_conv){.in = in, .window = k, .x = x, .y = y, .epilogue = e};
    c.conv.out = (pta_image){
        outputs(in.h, k.pad_t + k.pad_b, k.kh, k.dilation_h, k.stride_h),
        outputs(in.w, k.pad_l + k.pad_r, k.kw, k.dilation_w, k.stride_w),
        out_c};
    c.conv.w = case_matrix(rng, w, out_c, cols, hard,
                           (pta_rng_next(rng) & 1) != 0 ? 1 : 23);
    c.x_stride = (size_t)pta_image_count(in) * pta_type_bytes(x);
    c.y_stride = (size_t)pta_image_count(c.conv.out) * pta_type_bytes(y);
    c.x = malloc(c.x_stride * (size_t)c.n);
    case_fill(rng, c.x, x, pta_image_count(in) * c.n, hard);
    return c;
}

static void free_case(conv_case *c)
{
    free(c->x);
    case_free_matrix(&c->conv.w);
}

static void *run_case(conv_case *c, const pta_kernel_table *table)
{
    const pta_product_ops *ops = c->depthwise ? NULL : table->ops;
    void *y = case_alloc(c->y_stride * (size_t)c->n);
    void *memory = case_alloc(pta_conv_prepared_bytes(&c->conv, ops));
    pta_conv_prepare(&c->conv, ops, memory);
    void *work = case_alloc(pta_conv_work_bytes(&c->conv));
    const void *x = c->x;
    pta_batch batch = {.n = c->n,
                       .x = &x,
                       .x_stride = &c->x_stride,
                       .y = y,
                       .y_stride = c->y_stride,
                       .work = work};
    (c->depthwise ? table->dwconv : table->conv)(&c->conv, &batch);
    free(work);
    free(memory);
    return y;
}

static void compare(uint64_t seed, bool depthwise, int cases)
{
    uint64_t rng = seed;
    printf("seed %llu ", (unsigned long long)seed);
    pta_kernel_table ref, table;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    for (int i = 0; i < cases; i++) {
        conv_case c = make_case(&rng, depthwise);
        void *expected = run_case(&c, &ref);
        for (int v = 1; v < CASE_N_VARIANTS; v++) {
            if (!pta_kernel_table_fill(&table, case_variants[v])) {
                continue;
            }
            void *y = run_case(&c, &table);
            if (memcmp(y, expected, c.y_stride * (size_t)c.n) != 0) {
                printf("\ncase %d %s: x %d w %d y %d in %d %d %d out %d %d %d "
                       "k %d %d\n",
                       i, case_variants[v], c.conv.x, c.conv.w.type, c.conv.y,
                       c.conv.in.h, c.conv.in.w, c.conv.in.c, c.conv.out.h,
                       c.conv.out.w, c.conv.out.c, c.conv.window.kh,
                       c.conv.window.kw);
                CU_FAIL("variant differs from the reference");
            }
            free(y);
        }
        free(expected);
        free_case(&c);
    }
}

static void test_variants(void)
{
    compare(SEED, false, 1500);
}

static void test_depthwise_variants(void)
{
    compare(SEED + 1, true, 600);
}

/* By scattering: every input adds to all outputs that see it. */
static void check_reference(const conv_case *c, const void *x, const void *y)
{
    const pta_conv *v = &c->conv;
    const pta_cells *k = &v->window;
    int64_t n_out = pta_image_count(v->out);
    pta_wide *sum = case_alloc(sizeof *sum * (size_t)n_out);
    memset(sum, 0, sizeof *sum * (size_t)n_out);
    int32_t mult = v->out.c / v->in.c;
    for (int64_t at = 0; at < n_out * k->kh * k->kw * v->in.c; at++) {
        int32_t ci = (int32_t)(at % v->in.c);
        int64_t rest = at / v->in.c;
        int32_t j = (int32_t)(rest % k->kw),
                i = (int32_t)(rest / k->kw % k->kh);
        int64_t out = rest / k->kw / k->kh;
        int32_t co = (int32_t)(out % v->out.c);
        int32_t ow = (int32_t)(out / v->out.c % v->out.w);
        int32_t oh = (int32_t)(out / v->out.c / v->out.w);
        int32_t h = oh * k->stride_h + i * k->dilation_h - k->pad_t;
        int32_t w = ow * k->stride_w + j * k->dilation_w - k->pad_l;
        bool real = h >= 0 && h < v->in.h && w >= 0 && w < v->in.w;
        if (!real || (c->depthwise && co / mult != ci)) {
            continue;
        }
        int64_t col = c->depthwise ? i * k->kw + j
                                   : (int64_t)(i * k->kw + j) * v->in.c + ci;
        int64_t cell = ((int64_t)h * v->in.w + w) * v->in.c + ci;
        sum[out] +=
            (pta_wide)pta_weight_at(&v->w, co, col) * pta_load(x, v->x, cell);
    }
    for (int64_t out = 0; out < n_out; out++) {
        int64_t bias = pta_bias_at(&v->w, (int32_t)(out % v->out.c));
        CU_ASSERT_EQUAL(
            pta_load(y, v->y, out),
            pta_epilogue_ref((int64_t)sum[out], bias, &v->epilogue));
    }
    free(sum);
}

static void test_references(void)
{
    uint64_t rng = SEED + 2;
    pta_kernel_table ref;
    CU_ASSERT_TRUE_FATAL(pta_kernel_table_fill(&ref, "ref"));
    for (int i = 0; i < 120; i++) {
        conv_case c = make_case(&rng, i % 3 == 0);
        void *y = run_case(&c, &ref);
        for (int32_t s = 0; s < c.n; s++) {
            check_reference(&c, (char *)c.x + c.x_stride * (size_t)s,
                            (char *)y + c.y_stride * (size_t)s);
        }
        free(y);
        free_case(&c);
    }
}

static const unit_test tests[] = {{"references", test_references},
                                  {"variants", test_variants},
                                  {"depthwise", test_depthwise_variants}};

UNIT_MAIN("conv", tests)
