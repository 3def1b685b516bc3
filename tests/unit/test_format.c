/*
 * ir/format: the ap_fixed conversion, against golden values printed by the
 * original header (hls4ml's copy of ap_fixed), and the choice of I.
 */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "ir/format.h"

static void roundings_match_the_golden_table(void)
{
    static const struct {
        double x;
        int raw[7]; /* TRN TRN_ZERO RND RND_ZERO RND_INF RND_MIN_INF RND_CONV */
    } golden[] = {
        {0.5, {0, 0, 1, 0, 1, 0, 0}},     {1.5, {1, 1, 2, 1, 2, 1, 2}},
        {-0.5, {-1, 0, 0, 0, -1, -1, 0}}, {-1.5, {-2, -1, -1, -1, -2, -2, -2}},
        {0.4, {0, 0, 0, 0, 0, 0, 0}},     {-0.4, {-1, 0, 0, 0, 0, 0, 0}},
        {0.52, {0, 0, 1, 1, 1, 1, 1}},    {-0.52, {-1, 0, -1, -1, -1, -1, -1}},
        {6.5, {6, 6, 7, 6, 7, 6, 6}},     {-6.5, {-7, -6, -6, -6, -7, -7, -6}},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        for (int r = 0; r < 7; r++) {
            pta_format f = pta_format_tensor(8, 8, true);
            f.rounding = (uint8_t)r;
            CU_ASSERT_EQUAL(pta_format_quantise(f, golden[i].x),
                            golden[i].raw[r]);
        }
    }
}

static void overflows_match_the_rules(void)
{
    /* -1600 mod 256 = 192, that is -64 */
    static const int raw[4] = {-64, -128, -127, 0};
    pta_format f = pta_format_tensor(8, 3, true); /* LSB 1/32; -50 is -1600 */
    for (int o = 0; o < 4; o++) {
        f.overflow = (uint8_t)o;
        CU_ASSERT_EQUAL(pta_format_quantise(f, -50.0), raw[o]);
    }
    /* The page's example: -100 into <8,3,RND,.> is -4.0 and -3.96875. */
    f.overflow = PTA_OVF_SAT;
    CU_ASSERT_EQUAL(pta_format_value(f, pta_format_quantise(f, -100.0)), -4.0);
    f.overflow = PTA_OVF_SAT_SYM;
    CU_ASSERT_EQUAL(pta_format_value(f, pta_format_quantise(f, -100.0)),
                    -3.96875);
    pta_format wide = pta_format_tensor(18, 8, true);
    CU_ASSERT_EQUAL(pta_format_quantise(wide, (double)INFINITY), 131071);
    wide.overflow = PTA_OVF_WRAP;
    CU_ASSERT_EQUAL(pta_format_quantise(wide, (double)INFINITY), 0);
    CU_ASSERT_EQUAL(pta_format_quantise(wide, (double)NAN), 0);
}

/* The least I is checked by its definition: it fits, one less does not. */
static void the_least_integer_part_is_found(void)
{
    uint64_t rng = 20240;
    for (int i = 0; i < 20000; i++) {
        int width = (int)pta_rng_range(&rng, 2, 32);
        bool is_signed = pta_rng_range(&rng, 0, 3) != 0;
        bool symmetric = is_signed && pta_rng_range(&rng, 0, 1) != 0;
        double scale = ldexp(1.0, (int)pta_rng_range(&rng, -40, 40));
        double a = (double)pta_rng_range(&rng, -1000000, 1000000) * scale;
        double hi = fabs(a) / 1e6, lo = is_signed ? -hi / 3.0 : 0.0;
        if (i % 5 == 0) { /* powers of two, where the ends differ */
            hi = scale;
            lo = is_signed ? -scale : 0.0;
        }
        int integer =
            pta_format_fit_integer(width, is_signed, symmetric, lo, hi);
        for (int less = 0; less < 2; less++) {
            pta_format f =
                symmetric ? pta_format_weight(width, integer - less)
                          : pta_format_tensor(width, integer - less, is_signed);
            double fraction = ldexp(1.0, pta_format_frac(f));
            double top = floor(hi * fraction + 0.5);
            double bottom = floor(lo * fraction + 0.5);
            bool fits = top <= (double)pta_format_max(f) &&
                        bottom >= (double)pta_format_min(f);
            CU_ASSERT_EQUAL(fits, hi == 0.0 || less == 0);
        }
    }
    CU_ASSERT_EQUAL(pta_format_fit_integer(8, true, false, 0.0, 0.0), 1);
    CU_ASSERT_EQUAL(pta_format_fit_integer(16, true, false, 0.0, 1.0), 2);
    CU_ASSERT_EQUAL(pta_format_fit_integer(16, true, false, -1.0, 0.0), 1);
    CU_ASSERT_EQUAL(pta_format_fit_integer(16, true, true, -1.0, 0.0), 2);
    CU_ASSERT_EQUAL(pta_format_fit_integer(8, true, false, -0.01, 0.02), -4);
}

static void formats_print_and_parse(void)
{
    pta_ctx *ctx = pta_ctx_create();
    static const char *const good[] = {"fixed<16,6>", "ufixed<8,-3>",
                                       "fixed<2,2,TRN,WRAP>",
                                       "fixed<32,40,RND_CONV,SAT_SYM>"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        pta_format f;
        char text[PTA_FORMAT_TEXT];
        UNIT_OK(ctx, pta_format_parse(ctx, good[i], &f));
        pta_format_print(f, text);
        CU_ASSERT_STRING_EQUAL(text, good[i]);
    }
    static const char *const bad[] = {"",
                                      "fixed",
                                      "fixed<16>",
                                      "fixed<1,0>",
                                      "fixed<33,1>",
                                      "float<16,6>",
                                      "fixed<16,6> ",
                                      "fixed<16,6",
                                      "fixed<16,6,RND>",
                                      "fixed<16,6,NEAR,SAT>",
                                      "fixed<16,6,RND,CLIP>",
                                      "fixed<16,2000>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pta_format f;
        CU_ASSERT_EQUAL(pta_format_parse(ctx, bad[i], &f), PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), bad[i]));
    }
    pta_ctx_destroy(&ctx);
}

static void storage_holds_the_whole_range(void)
{
    CU_ASSERT_EQUAL(pta_format_dtype(pta_format_tensor(8, 1, true)), PTA_S8);
    CU_ASSERT_EQUAL(pta_format_dtype(pta_format_tensor(8, 1, false)), PTA_S16);
    CU_ASSERT_EQUAL(pta_format_dtype(pta_format_tensor(9, 1, true)), PTA_S16);
    CU_ASSERT_EQUAL(pta_format_dtype(pta_format_tensor(32, 1, true)), PTA_S32);
    CU_ASSERT_EQUAL(pta_format_dtype(pta_format_tensor(32, 1, false)), PTA_S64);
    CU_ASSERT_EQUAL(pta_format_max(pta_format_tensor(32, 1, false)),
                    INT64_C(4294967295));
    CU_ASSERT_EQUAL(pta_format_min(pta_format_weight(8, 1)), -127);
}

static const unit_test tests[] = {
    {"roundings match the golden table", roundings_match_the_golden_table},
    {"overflows match the rules", overflows_match_the_rules},
    {"the least integer part is found", the_least_integer_part_is_found},
    {"formats print and parse", formats_print_and_parse},
    {"storage holds the whole range", storage_holds_the_whole_range},
};
UNIT_MAIN("format", tests)
