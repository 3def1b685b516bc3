/*
 * Rounding, overflow and the epilogue: the golden values printed by ap_fixed,
 * and random conversions against a definition by exact comparison.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED 20261125u

static pta_format fixed(int width, int integer, pta_rounding r, pta_overflow o)
{
    return (pta_format){.width = (int16_t)width,
                        .integer = (int16_t)integer,
                        .is_signed = true,
                        .rounding = (uint8_t)r,
                        .overflow = (uint8_t)o};
}

/* x in hundredths of the destination's LSB, and the seven results. */
static void test_golden_rounding(void)
{
    static const struct {
        int hundredths;
        int8_t result[7]; /* TRN TRN_ZERO RND RND_ZERO INF MIN_INF CONV */
    } golden[] = {
        {50, {0, 0, 1, 0, 1, 0, 0}},     {150, {1, 1, 2, 1, 2, 1, 2}},
        {-50, {-1, 0, 0, 0, -1, -1, 0}}, {-150, {-2, -1, -1, -1, -2, -2, -2}},
        {40, {0, 0, 0, 0, 0, 0, 0}},     {-40, {-1, 0, 0, 0, 0, 0, 0}},
        {52, {0, 0, 1, 1, 1, 1, 1}},     {-52, {-1, 0, -1, -1, -1, -1, -1}},
        {650, {6, 6, 7, 6, 7, 6, 6}},    {-650, {-7, -6, -6, -6, -7, -7, -6}},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        for (int r = 0; r < 7; r++) {
            pta_format f = fixed(8, 8, (pta_rounding)r, PTA_OVF_SAT);
            CU_ASSERT_EQUAL(
                pta_convert_quotient_ref(golden[i].hundredths, 100, f),
                golden[i].result[r]);
            if (golden[i].hundredths % 50 == 0) { /* halves, by a shift too */
                CU_ASSERT_EQUAL(
                    pta_convert_ref(golden[i].hundredths / 50, 1, f),
                    golden[i].result[r]);
            }
        }
    }
}

static void test_golden_overflow(void)
{
    /* -100 into <8,3>: -4.0 under SAT, -3.96875 under SAT_SYM */
    pta_format f = fixed(8, 3, PTA_RND_RND, PTA_OVF_SAT);
    CU_ASSERT_EQUAL(pta_convert_ref(-100, -5, f), -128);
    f.overflow = PTA_OVF_SAT_SYM;
    CU_ASSERT_EQUAL(pta_convert_ref(-100, -5, f), -127);
    f.overflow = PTA_OVF_SAT_ZERO;
    CU_ASSERT_EQUAL(pta_convert_ref(-100, -5, f), 0);
    CU_ASSERT_EQUAL(pta_convert_ref(-4, -5, f), -128);
    f.overflow = PTA_OVF_WRAP; /* -3200 mod 256 */
    CU_ASSERT_EQUAL(pta_convert_ref(-100, -5, f), -128);
    CU_ASSERT_EQUAL(pta_convert_ref(200, 0, f), -56);
    f.is_signed = false;
    CU_ASSERT_EQUAL(pta_convert_ref(-1, 0, f), 255);
    f.overflow = PTA_OVF_SAT;
    CU_ASSERT_EQUAL(pta_convert_ref(-1, 0, f), 0);
    CU_ASSERT_EQUAL(pta_convert_ref(300, 0, f), 255);
}

static void test_far_shifts(void)
{
    pta_format f = fixed(32, 32, PTA_RND_RND, PTA_OVF_SAT);
    CU_ASSERT_EQUAL(pta_convert_ref(1, -1000, f), INT32_MAX);
    CU_ASSERT_EQUAL(pta_convert_ref(-1, -1000, f), INT32_MIN);
    CU_ASSERT_EQUAL(pta_convert_ref(0, -1000, f), 0);
    CU_ASSERT_EQUAL(pta_convert_ref(INT64_MAX, 1000, f), 0);
    CU_ASSERT_EQUAL(pta_convert_ref(INT64_MIN, 64, f), 0); /* -1/2, tie up */
    CU_ASSERT_EQUAL(pta_convert_ref(INT64_MAX, 63, f), 1);
    CU_ASSERT_EQUAL(pta_convert_ref(INT64_MAX, -63, f), INT32_MAX);
    f.rounding = PTA_RND_TRN;
    CU_ASSERT_EQUAL(pta_convert_ref(-1, 1000, f), -1);
    CU_ASSERT_EQUAL(pta_convert_ref(1, 1000, f), 0);
    f.overflow = PTA_OVF_WRAP;
    CU_ASSERT_EQUAL(pta_convert_ref(3, -31, f), INT32_MIN);
    CU_ASSERT_EQUAL(pta_convert_ref(1, -32, f), 0);
    CU_ASSERT_EQUAL(pta_convert_ref(INT64_MAX, -31, f), INT32_MIN);
    CU_ASSERT_EQUAL(pta_convert_ref(-1, -1000, f), 0);
}

/* Nearest neighbours q and q + 1 of num / den, chosen by definition. */
static int64_t choose(pta_wide num, pta_wide den, pta_format f)
{
    pta_wide q = num / den;
    q -= q * den > num ? 1 : 0;
    pta_wide down = num - q * den, up = (q + 1) * den - num;
    bool exact = down == 0, tie = down == up, nearer_up = up < down;
    pta_wide low = q, high = q + 1, value = low;
    switch ((pta_rounding)f.rounding) {
    case PTA_RND_TRN:
        break;
    case PTA_RND_TRN_ZERO:
        value = num < 0 ? high : low;
        break;
    case PTA_RND_RND:
        value = nearer_up || tie ? high : low;
        break;
    case PTA_RND_RND_ZERO:
        value = nearer_up || (tie && num < 0) ? high : low;
        break;
    case PTA_RND_RND_INF:
        value = nearer_up || (tie && num > 0) ? high : low;
        break;
    case PTA_RND_RND_MIN_INF:
        value = nearer_up ? high : low;
        break;
    case PTA_RND_RND_CONV:
        value = nearer_up || (tie && low % 2 != 0) ? high : low;
        break;
    }
    value = exact ? low : value;
    pta_wide span = (pta_wide)1 << f.width;
    pta_wide max = (f.is_signed ? span / 2 : span) - 1;
    pta_wide min = !f.is_signed                    ? 0
                   : f.overflow == PTA_OVF_SAT_SYM ? -max
                                                   : -max - 1;
    if (f.overflow == PTA_OVF_WRAP) {
        value = (value % span + span) % span;
        return (int64_t)(value > max ? value - span : value);
    }
    if (value < min || value > max) {
        value = f.overflow == PTA_OVF_SAT_ZERO ? 0 : value < min ? min : max;
    }
    return (int64_t)value;
}

static void test_random(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    for (int i = 0; i < 200000; i++) {
        pta_format f = case_format(&rng, false);
        int64_t top = INT64_C(1) << case_range(&rng, 0, 62);
        int64_t v = case_range(&rng, -top, top);
        v &= (pta_rng_next(&rng) & 1) != 0 ? ~INT64_C(0) : ~INT64_C(7);
        int32_t shift = (int32_t)case_range(&rng, -50, 60);
        pta_wide num = v, den = 1;
        if (shift < 0) {
            num *= (pta_wide)1 << -shift;
        } else {
            den <<= shift;
        }
        CU_ASSERT_EQUAL(pta_convert_ref(v, shift, f), choose(num, den, f));
        int32_t count = (int32_t)case_range(&rng, 1, 50);
        v /= 4;
        num = v;
        num *= (pta_wide)1 << (shift < 0 ? -shift : 0);
        CU_ASSERT_EQUAL(pta_convert_scaled_ref(v, count, shift, f),
                        choose(num, den * count, f));
    }
}

static void test_epilogue(void)
{
    pta_format out = fixed(8, 4, PTA_RND_RND, PTA_OVF_SAT); /* F = 4 */
    pta_epilogue e = pta_epilogue_make(10, PTA_ACT_NONE, 0, out);
    CU_ASSERT_EQUAL(e.shift, 6);
    CU_ASSERT_TRUE(e.plain);
    CU_ASSERT_EQUAL(pta_epilogue_ref(-96, 0, &e), -1); /* -1.5, up */
    CU_ASSERT_EQUAL(pta_epilogue_ref(-96, -1, &e), -2);
    CU_ASSERT_EQUAL(pta_epilogue_ref(1 << 20, 0, &e), 127);
    e = pta_epilogue_make(10, PTA_ACT_RELU, 0, out);
    CU_ASSERT_EQUAL(pta_epilogue_ref(-96, 0, &e), 0);
    CU_ASSERT_EQUAL(pta_epilogue_ref(-96, 96 + 32, &e), 1);
    e = pta_epilogue_make(10, PTA_ACT_RELU_MAX, 6 << 10, out);
    CU_ASSERT_EQUAL(pta_epilogue_ref(7 << 10, 0, &e), 96);
    CU_ASSERT_EQUAL(pta_epilogue_ref(-1, 0, &e), 0);
    e = pta_epilogue_partial();
    CU_ASSERT_EQUAL(pta_epilogue_ref(INT64_MIN + 5, 0, &e), INT64_MIN + 5);
    out.rounding = PTA_RND_TRN;
    CU_ASSERT_FALSE(pta_epilogue_make(10, PTA_ACT_NONE, 0, out).plain);
}

static const unit_test tests[] = {{"golden rounding", test_golden_rounding},
                                  {"golden overflow", test_golden_overflow},
                                  {"far shifts", test_far_shifts},
                                  {"random", test_random},
                                  {"epilogue", test_epilogue}};

UNIT_MAIN("number", tests)
