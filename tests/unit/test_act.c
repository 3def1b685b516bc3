/*
 * Element-wise layers. Tables of sigmoid and tanh against hashes (FNV-1a over
 * the entries as 64-bit integers, least input first) of the same tables made
 * with 60-digit decimals: q = floor(f(x) * 2^F + 1/2), saturated.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED 20261127u

static pta_format fixed(int width, int integer)
{
    return (pta_format){.width = (int16_t)width,
                        .integer = (int16_t)integer,
                        .is_signed = true,
                        .rounding = PTA_RND_RND,
                        .overflow = PTA_OVF_SAT};
}

static void test_tables(void)
{
    static const struct {
        pta_curve curve;
        int width, integer, to_width, to_integer;
        uint64_t hash;
    } golden[] = {
        {PTA_CURVE_SIGMOID, 16, 6, 16, 2, UINT64_C(0x0edfce816f433ae3)},
        {PTA_CURVE_TANH, 16, 6, 16, 2, UINT64_C(0x339b3a0b4ff51edd)},
        {PTA_CURVE_SIGMOID, 8, 4, 8, 1, UINT64_C(0x6544f825004b8b1a)},
        {PTA_CURVE_TANH, 8, 3, 8, 1, UINT64_C(0xbae02d0260795e75)},
        {PTA_CURVE_TANH, 12, 1, 32, 1, UINT64_C(0x57ddadf03160df59)},
        {PTA_CURVE_SIGMOID, 16, -4, 32, 1, UINT64_C(0xd2449482c8fa9ad6)},
        {PTA_CURVE_SIGMOID, 8, 10, 16, 1, UINT64_C(0xf64d5947142747e0)},
        {PTA_CURVE_SIGMOID, 6, 3, 4, 4, UINT64_C(0xe60fc715ee61c445)},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        pta_format from = fixed(golden[i].width, golden[i].integer);
        pta_format to = fixed(golden[i].to_width, golden[i].to_integer);
        CU_ASSERT_TRUE(pta_curve_supported(golden[i].curve, from, to));
        int64_t n = INT64_C(1) << from.width;
        void *table = case_alloc((size_t)n * 4);
        pta_curve_fill(golden[i].curve, from, to, PTA_S32, table);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (int64_t k = 0; k < n; k++) {
            hash ^= (uint64_t)pta_load(table, PTA_S32, k);
            hash *= UINT64_C(0x100000001b3);
        }
        CU_ASSERT_EQUAL(hash, golden[i].hash);
        CU_ASSERT_EQUAL(pta_curve_at(golden[i].curve, 5, from, to),
                        pta_load(table, PTA_S32, n / 2 + 5));
        free(table);
    }
}

static void test_hard_sigmoid(void)
{
    pta_format from = fixed(16, 6), to = fixed(8, 2); /* F = 10, 6 */
    for (int64_t raw = -32768; raw < 32768; raw++) {
        for (int d = 5; d <= 6; d++) {
            /* 64 * clip(x / d + 1/2), half up, all over d * 1024 */
            int64_t num = 64 * (2 * raw + d * 1024), den = 2 * d * 1024;
            num = num < 0 ? 0 : num > 64 * den ? 64 * den : num;
            int64_t y = (2 * num + den) / (2 * den);
            pta_curve c =
                d == 5 ? PTA_CURVE_HARD_SIGMOID_2 : PTA_CURVE_HARD_SIGMOID_3;
            CU_ASSERT_EQUAL(pta_curve_at(c, raw, from, to), y);
        }
    }
}

static void test_unsupported(void)
{
    pta_format f = fixed(16, 6);
    CU_ASSERT_FALSE(pta_curve_supported(PTA_CURVE_TANH, fixed(17, 6), f));
    CU_ASSERT_FALSE(pta_curve_supported(PTA_CURVE_TANH, fixed(16, -20), f));
    CU_ASSERT_FALSE(pta_curve_supported(PTA_CURVE_SIGMOID, f, fixed(16, -50)));
    CU_ASSERT_TRUE(
        pta_curve_supported(PTA_CURVE_HARD_SIGMOID_3, fixed(32, 2), f));
}

static void run(void (*kernel)(const void *, const pta_batch *),
                const void *layer, const void *x, size_t x_stride, void *y,
                size_t y_stride, int32_t n)
{
    pta_batch batch = {
        .n = n, .x = &x, .x_stride = &x_stride, .y = y, .y_stride = y_stride};
    kernel(layer, &batch);
}

static void call_relu(const void *layer, const pta_batch *batch)
{
    pta_relu_ref(layer, batch);
}

static void call_scale(const void *layer, const pta_batch *batch)
{
    pta_scale_ref(layer, batch);
}

static void call_lookup(const void *layer, const pta_batch *batch)
{
    pta_lookup_ref(layer, batch);
}

/* x >= threshold ? min(x, max) : alpha (x - threshold), at 2^-40. */
static void test_relu(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    for (int i = 0; i < 2000; i++) {
        int16_t x[8];
        int64_t y[8];
        int8_t alpha[128] = {0};
        pta_relu r = {.count = 4,
                      .x = PTA_S16,
                      .y = PTA_S64,
                      .x_frac = (int32_t)case_range(&rng, 0, 14),
                      .alpha_frac = (int32_t)case_range(&rng, -3, 9),
                      .threshold = case_range(&rng, -2000, 2000),
                      .max = INT64_MAX,
                      .y_format = case_format(&rng, false)};
        r.alpha = (pta_matrix){.data = alpha,
                               .row_bytes = 1,
                               .rows = (pta_rng_next(&rng) & 1) != 0 ? 1 : 4,
                               .cols = 1,
                               .type = PTA_S8};
        bool has_max = (pta_rng_next(&rng) & 1) != 0;
        int32_t acc = r.x_frac + r.alpha_frac;
        if (has_max) {
            r.max = case_range(&rng, 0, 1 << 20);
        }
        case_fill(&rng, alpha, PTA_S8, 4, false);
        case_fill(&rng, x, PTA_S16, 8, false);
        run(call_relu, &r, x, 8, y, 32, 2);
        for (int e = 0; e < 8; e++) {
            pta_wide one = 1, v;
            if (x[e] >= r.threshold) {
                pta_wide max = r.max * (one << (40 - acc));
                v = x[e] * (one << (40 - r.x_frac));
                v = has_max && v > max ? max : v;
            } else {
                v = (x[e] - r.threshold) *
                    (pta_wide)alpha[e % 4 % r.alpha.rows] * (one << (40 - acc));
            }
            CU_ASSERT_EQUAL(y[e], pta_convert_ref(v, 40 - pta_frac(r.y_format),
                                                  r.y_format));
        }
    }
}

static void test_scale(void)
{
    int16_t x[6] = {100, -100, 7, -7, 32767, -32768};
    static const int8_t scale[3] = {3, -5, 127};
    static const int64_t shift[3] = {0, 1000, -4};
    int16_t y[6];
    pta_scale s = {.count = 3,
                   .channels = 3,
                   .x = PTA_S16,
                   .y = PTA_S16,
                   .w = {scale, 1, 3, 1, PTA_S8, shift},
                   .epilogue =
                       pta_epilogue_make(3, PTA_ACT_NONE, 0, fixed(16, 16))};
    run(call_scale, &s, x, 6, y, 6, 2);
    CU_ASSERT_EQUAL(y[0], 38);     /* 300 / 8 = 37.5 */
    CU_ASSERT_EQUAL(y[1], 188);    /* 1500 / 8 = 187.5 */
    CU_ASSERT_EQUAL(y[2], 111);    /* 885 / 8 = 110.6 */
    CU_ASSERT_EQUAL(y[3], -3);     /* -21 / 8 = -2.6 */
    CU_ASSERT_EQUAL(y[4], -20354); /* -162835 / 8 = -20354.4 */
    CU_ASSERT_EQUAL(y[5], -32768); /* saturated */
}

static void test_lookup(void)
{
    pta_format from = fixed(6, 3), to = fixed(16, 2);
    int16_t table[64], y[3], computed[3];
    static const int8_t x[3] = {-32, 0, 31};
    pta_curve_fill(PTA_CURVE_SIGMOID, from, to, PTA_S16, table);
    pta_lookup l = {.count = 3,
                    .x = PTA_S8,
                    .y = PTA_S16,
                    .x_min = -32,
                    .table = table,
                    .curve = PTA_CURVE_SIGMOID,
                    .x_format = from,
                    .y_format = to};
    run(call_lookup, &l, x, 3, y, 6, 1);
    CU_ASSERT_EQUAL(y[1], 8192);
    CU_ASSERT_EQUAL(y[0] + y[2], 16384 - pta_curve_at(l.curve, 32, from, to) +
                                     pta_curve_at(l.curve, 31, from, to));
    l.table = NULL;
    run(call_lookup, &l, x, 3, computed, 6, 1);
    CU_ASSERT_EQUAL(memcmp(y, computed, sizeof y), 0);
}

static const unit_test tests[] = {{"tables", test_tables},
                                  {"hard_sigmoid", test_hard_sigmoid},
                                  {"unsupported", test_unsupported},
                                  {"relu", test_relu},
                                  {"scale", test_scale},
                                  {"lookup", test_lookup}};

UNIT_MAIN("act", tests)
