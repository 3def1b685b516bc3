/*
 * What the blocks of images take of a board: pta_cells, and what pta_window,
 * pta_pool_max, pta_pool_avg and pta_depthwise add to it.
 */
#include "plan/count_priv.h"

static int64_t param(const pta_block *block, const char *name)
{
    return pta_block_param(block, name);
}

static bool padded(const pta_block *b)
{
    return param(b, "PT") + param(b, "PB") + param(b, "PL") + param(b, "PR") >
           0;
}

static bool whole_image(const pta_block *b)
{
    return param(b, "KH") == param(b, "ROWS") &&
           param(b, "KW") == param(b, "COLS") && param(b, "DH") == 1 &&
           param(b, "DW") == 1 && !padded(b);
}

static int64_t beats(const pta_block *b)
{
    return pta_ceil_div(param(b, "C"), param(b, "P"));
}

/* ---- pta_cells ---- */

/* Bits to count `sizes` of an axis: where a window begins, and in padding its
 * row or column twice. */
static int64_t axis_bits(int64_t size, int64_t kernel, int64_t stride,
                         int64_t dilation, int64_t pads)
{
    int64_t out = (size + pads - (kernel - 1) * dilation - 1) / stride + 1;
    int64_t at = 2 + pta_log2_ceil(size + pads + stride + dilation);
    return pta_log2_ceil(kernel + 1) + pta_log2_ceil(out + 1) +
           (pads > 0 ? 2 * at : 0);
}

/* Beats of the ring of past beats, and bits of all counters: three indices of
 * beats, and the axes. */
static int64_t ring(const pta_block *b, int64_t *bits)
{
    int64_t cb = beats(b), row = param(b, "COLS") * cb;
    int64_t pads_h = param(b, "PT") + param(b, "PB");
    int64_t span = (param(b, "KH") - 1) * param(b, "DH") * row +
                   ((param(b, "KW") - 1) * param(b, "DW") + 1) * cb;
    int64_t words = (int64_t)1 << pta_log2_ceil(
                        pta_larger(pta_larger(param(b, "DEPTH"), span), 2));
    int64_t rows = param(b, "ROWS") + pads_h + param(b, "SH") + 1;
    int64_t index = 2 + pta_log2_ceil(2 * rows * (row + param(b, "SW") * cb) +
                                      2 * span + 2 * words);
    *bits = 3 * index + (cb > 1 ? pta_log2_ceil(cb + 1) : 0) +
            axis_bits(param(b, "ROWS"), param(b, "KH"), param(b, "SH"),
                      param(b, "DH"), pads_h) +
            axis_bits(param(b, "COLS"), param(b, "KW"), param(b, "SW"),
                      param(b, "DW"), param(b, "PL") + param(b, "PR"));
    return words;
}

/* Half the counters' LUTs compare and choose the next step. */
static pta_resources cells(const pta_block *b)
{
    int64_t bits, words = ring(b, &bits);
    int64_t w = param(b, "P") * param(b, "W");
    bool block = param(b, "BLOCK") != 0;
    pta_resources r = {.lut = pta_round_up(1.48 * (double)bits),
                       .ff = bits + 2 + (block ? 0 : w)};
    pta_count_add(&r, pta_count_skid(w));
    pta_count_add(&r, pta_count_ram(block, words, w));
    return r;
}

static pta_resources cells_unless_whole(const pta_block *b)
{
    return whole_image(b) ? (pta_resources){0} : cells(b);
}

/* ---- blocks ---- */

pta_resources pta_count_window(const pta_block *b)
{
    pta_resources r = cells(b);
    int64_t p = param(b, "P"), out = param(b, "P_OUT"), c = param(b, "C");
    if (p != out || c % p != 0) {
        pta_count_add(&r, pta_gearbox_count(param(b, "W"), c, p,
                                            param(b, "KH") * param(b, "KW") * c,
                                            out));
    }
    return r;
}

pta_resources pta_count_depthwise(const pta_block *b)
{
    int64_t l = param(b, "P") * param(b, "MULT"), acc = param(b, "WACC");
    pta_resources r = cells(b),
                  each = pta_count_product(param(b, "W") +
                                               (param(b, "IN_SIGNED") == 0),
                                           param(b, "WW"));
    r.dsp = l * each.dsp;
    r.lut += 48 + l * (acc + each.lut);
    r.ff += 28 + l * each.ff;
    if (beats(b) > 1) {
        pta_count_add(&r, pta_count_lut_ram(beats(b), l * acc));
    } else {
        r.ff += l * acc;
    }
    pta_count_add(&r, pta_count_lut_ram(8, l * acc));
    pta_count_add(&r,
                  pta_requant_count(l, acc, param(b, "WOUT"), param(b, "SHIFT"),
                                    param(b, "ACT") != 0));
    return r;
}

/* Widths of a quotient (pta_pool_avg.sv): bits of the sum, of n, and DSPs of
 * its product with a constant or, padded, with one of a table. */
typedef struct average {
    int64_t sum, n, dsp;
} average;

static average widths(const pta_block *b)
{
    int64_t count = param(b, "KH") * param(b, "KW");
    int64_t kb = pta_log2_ceil(count + 1), shift = param(b, "SHIFT");
    int64_t sum = param(b, "W") + 1 + kb;
    int64_t right = pta_smaller(pta_larger(shift, 0), sum + 2);
    int64_t left = pta_smaller(pta_larger(-shift, 0), param(b, "WOUT") + kb);
    int64_t n = pta_larger(sum + left, kb + right) + 1 - right;
    int64_t a = pta_larger(n - 1, 1);
    bool power = (count & (count - 1)) == 0;
    int64_t factor = a + kb + 2 - (padded(b) ? 0 : pta_log2_ceil(count));
    return (average){.sum = sum,
                     .n = n,
                     .dsp = power && !padded(b) ? 0
                                                : pta_count_dsp(a + 1, factor)};
}

/* The conversion's LUTs are in the rate of the sum. Several DSPs of a product
 * are added up. */
pta_resources pta_count_average(const pta_block *b)
{
    int64_t p = param(b, "P");
    average v = widths(b);
    pta_resources r = cells_unless_whole(b);
    r.dsp = p * v.dsp;
    r.lut += 15 + p * (3 * v.sum + 18 + (v.dsp > 2 ? 2 * v.n : 0));
    r.ff += 15 + p * (v.sum + 3 + (v.dsp > 1 ? 16 * (v.dsp - 1) : 0)) +
            pta_requant_count(p, v.n, param(b, "WOUT"), 0, false).ff;
    if (beats(b) > 1) {
        pta_count_add(&r, pta_count_lut_ram(beats(b), p * v.sum));
    } else {
        r.ff += p * v.sum;
    }
    return r;
}

/* A bit takes three LUTs: comparison, choice, register slice; narrow numbers are
 * compared in each. */
pta_resources pta_count_maximum(const pta_block *b)
{
    int64_t w = param(b, "P") * param(b, "W");
    pta_resources r = cells_unless_whole(b);
    r.lut += 3 * w + 14 + (param(b, "W") <= 4 ? 5 * param(b, "P") : 0);
    r.ff += 2 * w + 12;
    if (beats(b) > 1) {
        pta_count_add(&r, pta_count_lut_ram(beats(b), w));
    } else {
        r.ff += w;
    }
    return r;
}
