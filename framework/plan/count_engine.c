/*
 * What a reused engine takes of a board, its memories left out: DSP exactly, LUT
 * and FF as the sum of its parts, by Yosys 0.23.
 */
#include "plan/design_priv.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int32_t log2_ceil(int64_t n)
{
    int32_t bits = 0;
    while ((int64_t)1 << bits < n) {
        bits++;
    }
    return bits;
}

static void add_lutram(pta_resources *r, int64_t words, int64_t bits)
{
    int64_t n = words <= 32 ? ceil_div(bits, 6) * 4
                            : ceil_div(bits, 3) * 4 * ceil_div(words, 64);
    r->lut += n;
    r->lutram += n;
}

/* pta_engine_buffer: banks of LUT RAM behind a multiplexer each. */
static void add_buffer(pta_resources *r, int64_t units, int64_t banks,
                       int64_t bits, int64_t rows)
{
    int64_t words = (int64_t)2 << log2_ceil(rows);
    for (int64_t b = 0; b < banks; b++) {
        add_lutram(r, words, bits);
    }
    int64_t mux = units <= 1 ? 0 : ceil_div(units, 4);
    r->lut += banks * (bits * mux + 2 + log2_ceil(rows));
    r->ff += 2 * log2_ceil(banks) + 4;
}

/* Lanes wait for their place in a chain (pta_products). */
static void add_products(pta_resources *r, int64_t lane, int64_t simd,
                         int64_t len)
{
    int64_t chains = ceil_div(simd, len);
    int64_t second = len > 1 ? chains : 0;
    int64_t third = len > 2 ? simd - 2 * chains : 0;
    third = third > 0 ? third : 0;
    r->ff += second * lane;
    r->lut += third * lane;
    r->lutram += third * lane;
}

pta_resources pta_engine_resources(const pta_block *b)
{
    int64_t pe = pta_block_param(b, "PE"), simd = pta_block_param(b, "SIMD");
    int64_t wx = pta_block_param(b, "WX"), ww = pta_block_param(b, "WW");
    int64_t acc = pta_block_param(b, "WACC"), wy = pta_block_param(b, "WY");
    int64_t lc = pta_block_param(b, "LC"), len = lc < simd ? lc : simd;
    int64_t chains = ceil_div(simd, len), g = pta_block_param(b, "G");
    int64_t g_in = pta_block_param(b, "G_IN");
    bool packed = pta_block_param(b, "PACKED") != 0;
    int64_t xb = wx + (pta_block_param(b, "SIGNED") == 0);
    int64_t sum = packed ? 18 : xb + ww + log2_ceil(len);
    int64_t pairs = packed ? ceil_div(pe, 2) : pe;
    int64_t wide = acc + pta_block_param(b, "LEFT");
    pta_resources r = {.lut = 150, .ff = 200, .dsp = pairs * simd};
    add_buffer(&r, pta_block_param(b, "P_IN") / g_in, simd / g_in,
               g_in * pta_block_param(b, "W_IN"),
               pta_block_param(b, "IN_ROWS"));
    add_buffer(&r, pe / g, simd / g, g * wx, pta_block_param(b, "ACT_ROWS"));
    r.lut += simd * wx; /* which of the two */
    r.ff += simd * wx;
    add_products(&r, wx + pe * ww, simd, len);
    r.ff += packed ? chains * pairs * 42 : 0; /* apart again; carry only */
    int64_t total = sum + log2_ceil(chains), nodes = 0;
    for (int64_t n = chains; n > 1; nodes += n) {
        n = ceil_div(n, 2);
    }
    r.lut += (chains - 1) * pe * total;
    r.ff += nodes * pe * total;
    add_lutram(&r, pta_block_param(b, "ACCS"), pe * acc);
    /* accumulator, barrel shifter, two comparisons and the choice */
    r.lut += pe * (2 * acc + 3 * wide + wy);
    r.ff += pe * (acc + wide);
    add_lutram(&r, 32,
               pta_block_param(b, "P_OUT") * pta_block_param(b, "WOUT"));
    return r;
}
