/*
 * hls4ml's softmax: exponentials and the inverse of their sum from tables
 * that are addressed by the top bits of a number; see hls4ml.h.
 */
#include <math.h>

#include "kernels/hls4ml.h"

/* The number that addresses the table of exponentials: the difference to the
 * maximum without sign, or the input itself. */
static pta_format exp_input(const pta_hls4ml_softmax *l)
{
    pta_format f = l->x_format;
    f.rounding = PTA_RND_TRN;
    f.overflow = PTA_OVF_WRAP;
    if (l->kind == PTA_HLS4ML_STABLE && f.is_signed) {
        f.width--;
        f.integer--;
        f.is_signed = false;
    }
    return f;
}

void pta_hls4ml_softmax_sizes(pta_hls4ml_softmax *l, int32_t size)
{
    int32_t bits = 0, width = l->x_format.width, norm = exp_input(l).width;
    width = l->inv_format.width < width ? l->inv_format.width : width;
    while (bits < 16 && (1 << (bits + 1)) <= size) {
        bits++;
    }
    l->inv_bits = width < bits ? width : bits;
    l->exp_bits = norm < l->inv_bits ? norm : l->inv_bits;
}

/* Value whose top bits are `index` and whose other bits are 0. */
static float value_of(int32_t index, int32_t bits, pta_format f)
{
    double top = index;
    if (f.is_signed && index >= 1 << (bits - 1)) {
        top -= (double)(1 << bits);
    }
    return (float)ldexp(top, f.integer - bits);
}

static int32_t top_bits(int64_t raw, int32_t bits, pta_format f)
{
    uint64_t pattern = (uint64_t)raw & (UINT64_MAX >> (64 - f.width));
    return (int32_t)(pattern >> (f.width - bits));
}

void pta_hls4ml_softmax_fill(const pta_hls4ml_softmax *l, int64_t *exp_table,
                             int64_t *inv_table)
{
    pta_format input = exp_input(l);
    float sign = l->kind == PTA_HLS4ML_STABLE ? -1.0F : 1.0F;
    for (int32_t k = 0; k < 1 << l->exp_bits; k++) {
        float x = value_of(k, l->exp_bits, input);
        exp_table[k] =
            pta_hls4ml_quantise((double)expf(sign * x), l->exp_format);
    }
    for (int32_t k = 0; k < 1 << l->inv_bits; k++) {
        float x = value_of(k, l->inv_bits, l->inv_input);
        inv_table[k] = pta_hls4ml_quantise((double)(1.0F / x), l->inv_format);
    }
}

/* Balanced tree whose left parts are the greatest power of two below n: sums
 * of neighbours, then of neighbouring sums. `x` is used up. */
static int64_t tree_sum(int64_t *x, int32_t n, pta_format accum)
{
    for (int32_t step = 1; step < n; step *= 2) {
        for (int32_t i = 0; i + step < n; i += 2 * step) {
            pta_wide sum = (pta_wide)x[i] + x[i + step];
            x[i] = pta_convert_ref(sum, 0, accum);
        }
    }
    return x[0];
}

static int32_t first_greatest(const pta_hls4ml_softmax *l, const void *x,
                              int64_t first)
{
    int32_t best = 0;
    for (int32_t i = 1; i < l->n; i++) {
        if (pta_load(x, l->x, first + i) > pta_load(x, l->x, first + best)) {
            best = i;
        }
    }
    return best;
}

static void argmax(const pta_hls4ml_softmax *l, const void *x, int64_t first,
                   void *y)
{
    int32_t best = first_greatest(l, x, first);
    int64_t one = pta_convert_ref(1, -pta_frac(l->result), l->result);
    for (int32_t i = 0; i < l->n; i++) {
        pta_store(y, l->y, first + i, i == best ? one : 0);
    }
}

static void tables(const pta_hls4ml_softmax *l, const void *x, int64_t first,
                   int64_t *e, void *y)
{
    pta_format input = exp_input(l);
    int64_t most = pta_load(x, l->x, first + first_greatest(l, x, first));
    int32_t exp_frac = pta_frac(l->exp_format), acc_frac = pta_frac(l->accum);
    for (int32_t i = 0; i < l->n; i++) {
        int64_t v = pta_load(x, l->x, first + i);
        v = l->kind == PTA_HLS4ML_STABLE ? most - v : v;
        int64_t at = pta_convert_ref(v, 0, input);
        e[i] = l->exp_table[top_bits(at, l->exp_bits, input)];
        e[i] = pta_convert_ref(e[i], exp_frac - acc_frac, l->accum);
        e[l->n + i] = e[i];
    }
    int64_t sum = tree_sum(e + l->n, l->n, l->accum);
    sum = pta_convert_ref(sum, acc_frac - pta_frac(l->inv_input), l->inv_input);
    int64_t inverse = l->inv_table[top_bits(sum, l->inv_bits, l->inv_input)];
    int32_t shift = acc_frac + pta_frac(l->inv_format) - pta_frac(l->result);
    for (int32_t i = 0; i < l->n; i++) {
        pta_store(y, l->y, first + i,
                  pta_convert_ref((pta_wide)e[i] * inverse, shift, l->result));
    }
}

void pta_hls4ml_softmax_ref(const pta_hls4ml_softmax *l, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t first = 0; first < l->count; first += l->n) {
            if (l->kind == PTA_HLS4ML_ARGMAX) {
                argmax(l, x, first, y);
            } else {
                tables(l, x, first, batch->work, y);
            }
        }
    }
}
