/*
 * Kernels of the hls4ml profile: the golden values of hls4ml's own C
 * simulation (printed by its headers, compiled with g++).
 */
#include <math.h>
#include <string.h>

#include "unit.h"

#include "kernels/hls4ml.h"

#define COUNT(a) ((int32_t)(sizeof(a) / sizeof *(a)))

static pta_format fixed(int width, int integer, pta_rounding r, pta_overflow o)
{
    return (pta_format){(int16_t)width, (int16_t)integer, true, (uint8_t)r,
                        (uint8_t)o};
}

static pta_format usual(void)
{
    return fixed(16, 6, PTA_RND_TRN, PTA_OVF_WRAP);
}

static pta_format softmax_table(void)
{
    return fixed(18, 8, PTA_RND_RND, PTA_OVF_SAT);
}

static pta_batch one_sample(const void *const *x, const size_t *stride, void *y)
{
    return (pta_batch){.n = 1, .x = x, .x_stride = stride, .y = y};
}

/* ---- numbers ---- */

static void test_rounding(void)
{
    static const struct {
        double x;
        int64_t y[7]; /* TRN, TRN_ZERO, RND, _ZERO, _INF, _MIN_INF, _CONV */
    } cases[] = {
        {0.5, {0, 0, 1, 0, 1, 0, 0}},     {1.5, {1, 1, 2, 1, 2, 1, 2}},
        {-0.5, {-1, 0, 0, 0, -1, -1, 0}}, {-1.5, {-2, -1, -1, -1, -2, -2, -2}},
        {0.4, {0, 0, 0, 0, 0, 0, 0}},     {-0.4, {-1, 0, 0, 0, 0, 0, 0}},
        {0.52, {0, 0, 1, 1, 1, 1, 1}},    {-0.52, {-1, 0, -1, -1, -1, -1, -1}},
        {6.5, {6, 6, 7, 6, 7, 6, 6}},     {-6.5, {-7, -6, -6, -6, -7, -7, -6}},
    };
    for (int32_t i = 0; i < COUNT(cases); i++) {
        for (int r = 0; r < 7; r++) {
            pta_format f = fixed(8, 8, (pta_rounding)r, PTA_OVF_WRAP);
            CU_ASSERT_EQUAL(pta_hls4ml_quantise(cases[i].x, f), cases[i].y[r]);
        }
    }
}

static void test_overflow(void)
{
    pta_format f = fixed(8, 3, PTA_RND_RND, PTA_OVF_SAT);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(-100.0, f), -128); /* -4.0 */
    f.overflow = PTA_OVF_SAT_SYM;
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(-100.0, f), -127); /* -3.96875 */
    f.overflow = PTA_OVF_SAT_ZERO;
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(-100.0, f), 0);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(HUGE_VAL, softmax_table()), 131071);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(-HUGE_VAL, softmax_table()), -131072);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(HUGE_VAL, usual()), 0);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(33.0, usual()), 33 * 1024 - 65536);
}

/* Weights go through decimal text of F digits. */
static void test_weights(void)
{
    pta_format four = fixed(8, 4, PTA_RND_TRN, PTA_OVF_WRAP);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(-0.00004, four), -1);
    CU_ASSERT_EQUAL(pta_hls4ml_weight(-0.00004, four), 0);
    CU_ASSERT_EQUAL(pta_hls4ml_quantise(0.06249, four), 0);
    CU_ASSERT_EQUAL(pta_hls4ml_weight(0.06249, four), 1);
    CU_ASSERT_EQUAL(pta_hls4ml_weight(-4e-11, usual()), 0);
    CU_ASSERT_EQUAL(pta_hls4ml_weight(-6e-11, usual()), -1);
    pta_format whole = fixed(8, 8, PTA_RND_TRN, PTA_OVF_WRAP);
    CU_ASSERT_EQUAL(pta_hls4ml_weight(2.7, whole), 3);
}

/* ---- dense ---- */

/* Dense layer of n <= 4 inputs and 2 outputs; w is [out][in]. */
static pta_hls4ml_sum dense(int32_t n, const int16_t *w, const int64_t *bias,
                            pta_format f, pta_format accum)
{
    return (pta_hls4ml_sum){
        .in = {1, 1, n},
        .out = {1, 1, 2},
        .window = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
        .x = PTA_S16,
        .y = PTA_S16,
        .w = {w, (size_t)n * sizeof *w, 2, n, PTA_S16, bias},
        .x_format = f,
        .w_format = f,
        .accum = accum,
        .result = f};
}

static void test_dense(void)
{
    static const int16_t x[] = {1536, -2304, 32256, 1};
    static const int16_t w[] = {512, 1025, -1792, 2048, -256, 3328, 341, -1};
    static const int64_t bias[] = {128, -512};
    pta_hls4ml_sum l = dense(4, w, bias, usual(), usual());
    const void *in = x;
    size_t stride = sizeof x;
    int16_t y[2];
    pta_batch batch = one_sample(&in, &stride, y);
    pta_hls4ml_sum_ref(&l, &batch);
    CU_ASSERT_EQUAL(y[0], 7679);
    CU_ASSERT_EQUAL(y[1], 2356);
}

/* 7 + 5 - 6 in <8,4,TRN,SAT> depends on the order: 1.9375 or 6. */
static void test_saturating_order(void)
{
    static const int16_t w[] = {16, 16, 16, 16, 16, 16}; /* 1.0 */
    static const int16_t orders[2][3] = {{112, 80, -96}, {112, -96, 80}};
    static const int16_t expected[] = {31, 96};
    pta_format f = fixed(8, 4, PTA_RND_TRN, PTA_OVF_SAT);
    for (int i = 0; i < 2; i++) {
        pta_hls4ml_sum l = dense(3, w, NULL, f, f);
        const void *in = orders[i];
        size_t stride = sizeof orders[i];
        int16_t y[2];
        pta_batch batch = one_sample(&in, &stride, y);
        pta_hls4ml_sum_ref(&l, &batch);
        CU_ASSERT_EQUAL(y[0], expected[i]);
    }
}

/* The law of splitting for an accumulator that wraps, whatever its rounding:
 * four parts of one input each, last one first, bias once. */
static void test_split(void)
{
    static const int16_t x[] = {1536, -2304, 32256, 1};
    static const int16_t w[] = {512, 1025, -1792, 2048, -256, 3328, 341, -1};
    static const int64_t bias[] = {32, -128};
    for (int rounding = 0; rounding < 7; rounding++) {
        pta_format accum = fixed(12, 4, (pta_rounding)rounding, PTA_OVF_WRAP);
        pta_hls4ml_sum l = dense(4, w, bias, usual(), accum);
        const void *in = x;
        size_t stride = sizeof x;
        int16_t whole[2];
        pta_batch batch = one_sample(&in, &stride, whole);
        pta_hls4ml_sum_ref(&l, &batch);
        int64_t sums[2] = {0, 0};
        l.in.c = 1;
        l.partial = true;
        l.y = PTA_S32;
        for (int part = 3; part >= 0; part--) {
            int32_t sum[2];
            l.w.data = w + part;
            in = x + part;
            batch.y = sum;
            pta_hls4ml_sum_ref(&l, &batch);
            sums[0] += sum[0];
            sums[1] += sum[1];
        }
        for (int o = 0; o < 2; o++) {
            CU_ASSERT_EQUAL(pta_hls4ml_finish(sums[o], bias[o], accum, usual()),
                            whole[o]);
        }
    }
}

/* ---- tables ---- */

static pta_format table_format(void)
{
    return fixed(18, 8, PTA_RND_TRN, PTA_OVF_WRAP);
}

static void check_curve(pta_hls4ml_curve curve, const int64_t (*entries)[2],
                        int32_t n, const int16_t *expected)
{
    static const int16_t x[] = {-9216, -1024, -2, 0, 1, 512, 1024, 4094, 20480};
    int64_t table[1024];
    pta_hls4ml_curve_fill(curve, 1024, table_format(), table);
    for (int32_t i = 0; i < n; i++) {
        CU_ASSERT_EQUAL(table[entries[i][0]], entries[i][1]);
    }
    pta_hls4ml_lookup l = {.count = COUNT(x),
                           .x = PTA_S16,
                           .y = PTA_S16,
                           .curve = curve,
                           .size = 1024,
                           .x_format = usual(),
                           .table_format = table_format(),
                           .result = usual(),
                           .table = table};
    const void *in = x;
    size_t stride = sizeof x;
    int16_t y[COUNT(x)];
    pta_batch batch = one_sample(&in, &stride, y);
    pta_hls4ml_lookup_ref(&l, &batch);
    CU_ASSERT_EQUAL(memcmp(y, expected, sizeof y), 0);
}

static void test_curves(void)
{
    static const int64_t sigmoid[][2] = {{0, 0},     {1, 0},      {256, 18},
                                         {511, 508}, {512, 512},  {513, 515},
                                         {576, 748}, {768, 1005}, {1023, 1023}};
    static const int16_t sigmoid_y[] = {0,   275, 512,  512, 512,
                                        637, 748, 1005, 1023};
    static const int64_t tanh_table[][2] = {{0, -1024}, {256, -988}, {511, -8},
                                            {512, 0},   {513, 7},    {576, 473},
                                            {768, 987}, {1023, 1023}};
    static const int16_t tanh_y[] = {-1024, -780, 0,    0,   0,
                                     473,   779,  1023, 1023};
    check_curve(PTA_HLS4ML_SIGMOID, sigmoid, COUNT(sigmoid), sigmoid_y);
    check_curve(PTA_HLS4ML_TANH, tanh_table, COUNT(tanh_table), tanh_y);
}

/* ---- softmax ---- */

static pta_hls4ml_softmax softmax(pta_hls4ml_softmax_kind kind,
                                  pta_format accum, int32_t n)
{
    pta_hls4ml_softmax l = {.count = n,
                            .n = n,
                            .kind = kind,
                            .x = PTA_S16,
                            .y = PTA_S16,
                            .x_format = usual(),
                            .exp_format = softmax_table(),
                            .inv_format = softmax_table(),
                            .inv_input = softmax_table(),
                            .accum = accum,
                            .result = usual()};
    pta_hls4ml_softmax_sizes(&l, 1024);
    return l;
}

static void run_softmax(pta_hls4ml_softmax *l, const int16_t *x, int16_t *y)
{
    int64_t exp_table[1024], inv_table[1024], work[16];
    pta_hls4ml_softmax_fill(l, exp_table, inv_table);
    l->exp_table = exp_table;
    l->inv_table = inv_table;
    const void *in = x;
    size_t stride = (size_t)l->count * sizeof *x;
    pta_batch batch = one_sample(&in, &stride, y);
    batch.work = work;
    pta_hls4ml_softmax_ref(l, &batch);
}

static void test_softmax_tables(void)
{
    static const int64_t exps[][2] = {{0, 1024}, {1, 992},  {2, 962},
                                      {3, 932},  {16, 621}, {32, 377},
                                      {64, 139}, {128, 19}, {256, 0}};
    static const int64_t inverses[][2] = {{0, 131071}, {1, 4096},    {2, 2048},
                                          {3, 1365},   {16, 256},    {32, 128},
                                          {64, 64},    {1023, -4096}};
    int64_t exp_table[1024], inv_table[1024];
    pta_hls4ml_softmax l = softmax(PTA_HLS4ML_STABLE, usual(), 5);
    CU_ASSERT_EQUAL(l.exp_bits, 10);
    CU_ASSERT_EQUAL(l.inv_bits, 10);
    pta_hls4ml_softmax_fill(&l, exp_table, inv_table);
    for (int32_t i = 0; i < COUNT(exps); i++) {
        CU_ASSERT_EQUAL(exp_table[exps[i][0]], exps[i][1]);
    }
    for (int32_t i = 0; i < COUNT(inverses); i++) {
        CU_ASSERT_EQUAL(inv_table[inverses[i][0]], inverses[i][1]);
    }
    l.x_format.width = 8; /* fewer bits make smaller tables */
    pta_hls4ml_softmax_sizes(&l, 1024);
    CU_ASSERT_EQUAL(l.exp_bits, 7);
    CU_ASSERT_EQUAL(l.inv_bits, 8);
}

static void test_softmax(void)
{
    static const int16_t x[] = {1024, 2560, -768, 2592, 0};
    static const int16_t expected[] = {98, 440, 16, 455, 35};
    static const int16_t one_hot[] = {0, 0, 0, 1024, 0};
    int16_t y[5];
    pta_hls4ml_softmax l = softmax(PTA_HLS4ML_STABLE, usual(), 5);
    run_softmax(&l, x, y);
    CU_ASSERT_EQUAL(memcmp(y, expected, sizeof y), 0);
    l = softmax(PTA_HLS4ML_STABLE, softmax_table(), 5);
    run_softmax(&l, x, y);
    CU_ASSERT_EQUAL(memcmp(y, expected, sizeof y), 0);
    l = softmax(PTA_HLS4ML_ARGMAX, usual(), 5);
    run_softmax(&l, x, y);
    CU_ASSERT_EQUAL(memcmp(y, one_hot, sizeof y), 0);
}

/* A difference of 40 in <16,6> wraps to 8: not e^-40 but e^-8, which is 0 too,
 * while one of 33 wraps to 1. */
static void test_softmax_wraps(void)
{
    static const int16_t x[] = {16 * 1024, -17 * 1024};
    int16_t y[2];
    pta_hls4ml_softmax l = softmax(PTA_HLS4ML_STABLE, usual(), 2);
    run_softmax(&l, x, y);
    CU_ASSERT_EQUAL(y[1], 377 * 819 >> 10); /* bucket 1.25: 1 / 1.25 */
}

/* ---- the others ---- */

static void test_average(void)
{
    static const int16_t x[] = {-2, -1, -1, -1};
    pta_format f = usual();
    pta_hls4ml_pool l = {.in = {2, 2, 1},
                         .out = {1, 1, 1},
                         .window = {2, 2, 2, 2, 1, 1, 0, 0, 0, 0},
                         .average = true,
                         .x = PTA_S16,
                         .y = PTA_S16,
                         .x_format = f,
                         .accum = f,
                         .result = f};
    const void *in = x;
    size_t stride = sizeof x;
    int16_t y = 0;
    pta_batch batch = one_sample(&in, &stride, &y);
    pta_hls4ml_pool_ref(&l, &batch);
    CU_ASSERT_EQUAL(y, -1); /* -5/4 towards zero */
}

/* Padding is 10...0: no minimum of an unsigned number. */
static void test_maximum(void)
{
    static const int16_t x[] = {3};
    pta_format f = fixed(8, 8, PTA_RND_TRN, PTA_OVF_WRAP);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        f.is_signed = is_signed != 0;
        pta_hls4ml_pool l = {.in = {1, 1, 1},
                             .out = {1, 1, 1},
                             .window = {2, 1, 1, 1, 1, 1, 0, 1, 0, 0},
                             .x = PTA_S16,
                             .y = PTA_S16,
                             .x_format = f,
                             .accum = f,
                             .result = f};
        const void *in = x;
        size_t stride = sizeof x;
        int16_t y = 0;
        pta_batch batch = one_sample(&in, &stride, &y);
        pta_hls4ml_pool_ref(&l, &batch);
        CU_ASSERT_EQUAL(y, is_signed ? 3 : 128);
    }
}

static void test_elements(void)
{
    static const int16_t x[] = {-1024, 1024, -3072, 3072, 0};
    int16_t y[5];
    const void *in = x;
    size_t stride = sizeof x;
    pta_batch batch = one_sample(&in, &stride, y);
    pta_format f = usual();
    pta_hls4ml_relu relu = {5, PTA_S16, PTA_S16, f, f, f, 307, 0}; /* 0.2998 */
    pta_hls4ml_relu_ref(&relu, &batch);
    static const int16_t leaky[] = {-307, 1024, -921, 3072, 0};
    CU_ASSERT_EQUAL(memcmp(y, leaky, sizeof y), 0);
    relu.alpha = 0;
    relu.cap = 2;
    pta_hls4ml_relu_ref(&relu, &batch);
    static const int16_t capped[] = {0, 1024, 0, 2048, 0};
    CU_ASSERT_EQUAL(memcmp(y, capped, sizeof y), 0);
    pta_hls4ml_hard_sigmoid hard = {5, PTA_S16, PTA_S16, f, f};
    pta_hls4ml_hard_sigmoid_ref(&hard, &batch);
    /* 0.2 is 13107 / 65536, a little less */
    static const int16_t clipped[] = {307, 716, 0, 1024, 512};
    CU_ASSERT_EQUAL(memcmp(y, clipped, sizeof y), 0);
    static const int16_t scale[] = {1023};
    static const int64_t shift[] = {-1};
    pta_hls4ml_scale norm = {
        5, 1, PTA_S16, PTA_S16, {scale, 2, 1, 1, PTA_S16, shift}, f, f, f, f};
    pta_hls4ml_scale_ref(&norm, &batch);
    static const int16_t scaled[] = {-1024, 1022, -3070, 3068, -1};
    CU_ASSERT_EQUAL(memcmp(y, scaled, sizeof y), 0);
}

static const unit_test tests[] = {
    {"rounding", test_rounding},
    {"overflow", test_overflow},
    {"weights", test_weights},
    {"dense", test_dense},
    {"saturating order", test_saturating_order},
    {"split", test_split},
    {"curves", test_curves},
    {"softmax tables", test_softmax_tables},
    {"softmax", test_softmax},
    {"softmax wraps", test_softmax_wraps},
    {"average", test_average},
    {"maximum", test_maximum},
    {"elements", test_elements},
};

UNIT_MAIN("hls4ml", tests)
