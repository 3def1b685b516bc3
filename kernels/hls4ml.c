/* hls4ml's layers but softmax (hls4ml_softmax.c); see hls4ml.h. */
#include "kernels/hls4ml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- numbers ---- */

int64_t pta_hls4ml_quantise(double value, pta_format f)
{
    if (isnan(value)) {
        return 0;
    }
    if (isinf(value)) {
        bool saturates =
            f.overflow == PTA_OVF_SAT || f.overflow == PTA_OVF_SAT_SYM;
        return !saturates ? 0 : value > 0 ? pta_raw_max(f) : pta_raw_min(f);
    }
    int exponent;
    double mantissa = frexp(value, &exponent);
    int64_t whole = (int64_t)ldexp(mantissa, 53); /* exact */
    return pta_convert_ref(whole, 53 - exponent - pta_frac(f), f);
}

int64_t pta_hls4ml_weight(double value, pta_format f)
{
    char text[400]; /* a double has at most 309 digits before the point */
    int32_t decimals = pta_frac(f) > 0 ? pta_frac(f) : 0;
    int n = snprintf(text, sizeof text, "%.*f", (int)decimals, value);
    bool fits = n > 0 && (size_t)n < sizeof text;
    return pta_hls4ml_quantise(fits ? strtod(text, NULL) : value, f);
}

/* x * 2^(to - from) for to >= from. */
static pta_wide aligned(pta_wide x, int32_t from, int32_t to)
{
    return x * ((pta_wide)1 << (to - from));
}

/* acc + x, x having `frac` fraction bits: the exact sum, converted. */
static int64_t add(int64_t acc, int64_t x, int32_t frac, pta_format accum)
{
    int32_t f = pta_frac(accum), most = f > frac ? f : frac;
    pta_wide sum = aligned(acc, f, most) + aligned(x, frac, most);
    return pta_convert_ref(sum, most - f, accum);
}

/* ---- dense and convolutions ---- */

/* A sum under way. When nothing but the low bits matters they are all that is
 * kept: product >> shift is floor, and the accumulator wraps at the end. */
typedef struct adder {
    bool modular;
    int32_t shift;
    pta_format accum;
    int64_t acc;
    uint64_t low;
} adder;

static adder adder_begin(const pta_hls4ml_sum *l, int64_t bias)
{
    adder a = {.accum = l->accum, .acc = bias, .low = (uint64_t)bias};
    a.shift = pta_frac(l->x_format) + pta_frac(l->w_format);
    a.shift -= pta_frac(l->accum);
    a.modular = l->accum.rounding == PTA_RND_TRN &&
                l->accum.overflow == PTA_OVF_WRAP && a.shift >= 0 &&
                a.shift < 63 && l->x_format.width + l->w_format.width <= 62;
    return a;
}

static void adder_add(adder *a, int64_t x, int64_t w)
{
    if (a->modular) {
        a->low += (uint64_t)((x * w) >> a->shift);
        return;
    }
    int64_t product = pta_convert_ref((pta_wide)x * w, a->shift, a->accum);
    a->acc = pta_convert_ref((pta_wide)a->acc + product, 0, a->accum);
}

static int64_t adder_end(const adder *a)
{
    return a->modular ? pta_convert_ref((int64_t)a->low, 0, a->accum) : a->acc;
}

/* Channels of one input cell; `col` is the first one's column. */
static void add_cell(const pta_hls4ml_sum *l, adder *a, const void *x,
                     int64_t at, int32_t row, int64_t col)
{
    if (l->depthwise) {
        int32_t c = row / (l->out.c / l->in.c);
        adder_add(a, pta_load(x, l->x, at + c), pta_weight_at(&l->w, row, col));
        return;
    }
    for (int32_t c = 0; c < l->in.c; c++) {
        adder_add(a, pta_load(x, l->x, at + c),
                  pta_weight_at(&l->w, row, col + c));
    }
}

static int64_t sum_at(const pta_hls4ml_sum *l, const void *x, int32_t row,
                      int32_t oh, int32_t ow)
{
    const pta_cells *k = &l->window;
    adder a = adder_begin(l, l->partial ? 0 : pta_bias_at(&l->w, row));
    int32_t step = l->depthwise ? 1 : l->in.c;
    for (int32_t i = 0; i < k->kh * k->kw; i++) {
        int32_t h = oh * k->stride_h - k->pad_t + i / k->kw * k->dilation_h;
        int32_t w = ow * k->stride_w - k->pad_l + i % k->kw * k->dilation_w;
        if (h >= 0 && h < l->in.h && w >= 0 && w < l->in.w) {
            int64_t at = ((int64_t)h * l->in.w + w) * l->in.c;
            add_cell(l, &a, x, at, row, (int64_t)i * step);
        }
    }
    return adder_end(&a);
}

void pta_hls4ml_sum_ref(const pta_hls4ml_sum *l, const pta_batch *batch)
{
    int32_t shift = pta_frac(l->accum) - pta_frac(l->result);
    int64_t count = pta_image_count(l->out);
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t e = 0; e < count; e++) {
            int32_t row = (int32_t)(e % l->out.c);
            int32_t cell = (int32_t)(e / l->out.c);
            int64_t acc = sum_at(l, x, row, cell / l->out.w, cell % l->out.w);
            pta_store(y, l->y, e,
                      l->partial ? acc
                                 : pta_convert_ref(acc, shift, l->result));
        }
    }
}

int64_t pta_hls4ml_finish(int64_t sum, int64_t bias, pta_format accum,
                          pta_format result)
{
    int64_t acc = pta_convert_ref((pta_wide)sum + bias, 0, accum);
    return pta_convert_ref(acc, pta_frac(accum) - pta_frac(result), result);
}

/* ---- element by element ---- */

void pta_hls4ml_scale_ref(const pta_hls4ml_scale *l, const pta_batch *batch)
{
    int32_t product = pta_frac(l->x_format) + pta_frac(l->w_format);
    int32_t bias = pta_frac(l->bias), most = product > bias ? product : bias;
    int32_t shift = most - pta_frac(l->result);
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        for (int64_t e = 0; e < l->count; e++) {
            int32_t c = (int32_t)(e % l->channels);
            pta_wide scaled =
                (pta_wide)pta_load(x, l->x, e) * pta_weight_at(&l->w, c, 0);
            pta_wide sum = aligned(scaled, product, most) +
                           aligned(pta_bias_at(&l->w, c), bias, most);
            pta_store(pta_batch_y(batch, s), l->y, e,
                      pta_convert_ref(sum, shift, l->result));
        }
    }
}

static int64_t relu(const pta_hls4ml_relu *l, int64_t x)
{
    int32_t in = pta_frac(l->x_format), out = pta_frac(l->result);
    int32_t most = in > 0 ? in : 0;
    if (x <= 0) {
        return pta_convert_ref((pta_wide)x * l->alpha,
                               in + pta_frac(l->alpha_format) - out, l->result);
    }
    bool capped = l->cap > 0 && aligned(x, in, most) > aligned(l->cap, 0, most);
    return capped ? pta_convert_ref(l->cap, -out, l->result)
                  : pta_convert_ref(x, in - out, l->result);
}

void pta_hls4ml_relu_ref(const pta_hls4ml_relu *l, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        for (int64_t e = 0; e < l->count; e++) {
            int64_t x = pta_load(pta_batch_x(batch, 0, s), l->x, e);
            pta_store(pta_batch_y(batch, s), l->y, e, relu(l, x));
        }
    }
}

/* 0.2 in ufixed<16,0> and 0.5 in ufixed<2,0>. */
#define SLOPE      13107
#define SLOPE_FRAC 16
#define HALF       2
#define HALF_FRAC  2

void pta_hls4ml_hard_sigmoid_ref(const pta_hls4ml_hard_sigmoid *l,
                                 const pta_batch *batch)
{
    int32_t frac = pta_frac(l->x_format) + SLOPE_FRAC;
    int32_t most = frac > HALF_FRAC ? frac : HALF_FRAC;
    pta_wide one = (pta_wide)1 << most;
    for (int32_t s = 0; s < batch->n; s++) {
        for (int64_t e = 0; e < l->count; e++) {
            int64_t x = pta_load(pta_batch_x(batch, 0, s), l->x, e);
            pta_wide v = aligned((pta_wide)x * SLOPE, frac, most) +
                         aligned(HALF, HALF_FRAC, most);
            v = v > one ? one : v < 0 ? 0 : v;
            pta_store(
                pta_batch_y(batch, s), l->y, e,
                pta_convert_ref(v, most - pta_frac(l->result), l->result));
        }
    }
}

/* ---- tables ---- */

static int32_t reach(pta_hls4ml_curve curve)
{
    return curve == PTA_HLS4ML_SIGMOID ? 16 : 8;
}

void pta_hls4ml_curve_fill(pta_hls4ml_curve curve, int32_t size, pta_format f,
                           int64_t *table)
{
    for (int32_t k = 0; k < size; k++) {
        float at = (float)(reach(curve) * ((double)k - size / 2.0) / size);
        float value = curve == PTA_HLS4ML_TANH
                          ? tanhf(at)
                          : (float)(1.0 / (double)(1.0F + expf(-at)));
        table[k] = pta_hls4ml_quantise((double)value, f);
    }
}

/* T/2 + x T / reach, the latter towards zero, in C's int. */
static int32_t index_of(const pta_hls4ml_lookup *l, int64_t x)
{
    int32_t frac = pta_frac(l->x_format);
    pta_wide q = (pta_wide)x * l->size / reach(l->curve);
    q = frac >= 0 ? q / ((pta_wide)1 << frac) : q * ((pta_wide)1 << -frac);
    int32_t index = (int32_t)((uint32_t)q + (uint32_t)l->size / 2);
    return index < 0 ? 0 : index >= l->size ? l->size - 1 : index;
}

void pta_hls4ml_lookup_ref(const pta_hls4ml_lookup *l, const pta_batch *batch)
{
    int32_t shift = pta_frac(l->table_format) - pta_frac(l->result);
    for (int32_t s = 0; s < batch->n; s++) {
        for (int64_t e = 0; e < l->count; e++) {
            int64_t x = pta_load(pta_batch_x(batch, 0, s), l->x, e);
            int64_t entry = l->table[index_of(l, x)];
            pta_store(pta_batch_y(batch, s), l->y, e,
                      pta_convert_ref(entry, shift, l->result));
        }
    }
}

/* ---- pooling ---- */

static int64_t pool_at(const pta_hls4ml_pool *l, const void *x, int32_t oh,
                       int32_t ow, int32_t c)
{
    const pta_cells *k = &l->window;
    int64_t pad = INT64_C(1) << (l->x_format.width - 1);
    pad = l->x_format.is_signed ? -pad : pad;
    int64_t sum = 0, most = INT64_MIN, n = 0;
    for (int32_t i = 0; i < k->kh * k->kw; i++) {
        int32_t h = oh * k->stride_h - k->pad_t + i / k->kw * k->dilation_h;
        int32_t w = ow * k->stride_w - k->pad_l + i % k->kw * k->dilation_w;
        bool real = h >= 0 && h < l->in.h && w >= 0 && w < l->in.w;
        int64_t at = ((int64_t)h * l->in.w + w) * l->in.c + c;
        int64_t v = real ? pta_load(x, l->x, at) : pad;
        most = v > most ? v : most;
        if (real && l->average) {
            sum = add(sum, v, pta_frac(l->x_format), l->accum);
            n++;
        }
    }
    return !l->average ? most : n == 0 ? 0 : sum / n;
}

void pta_hls4ml_pool_ref(const pta_hls4ml_pool *l, const pta_batch *batch)
{
    int32_t shift = pta_frac(l->accum) - pta_frac(l->result);
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        for (int64_t e = 0; e < pta_image_count(l->out); e++) {
            int32_t cell = (int32_t)(e / l->out.c);
            int64_t v = pool_at(l, x, cell / l->out.w, cell % l->out.w,
                                (int32_t)(e % l->out.c));
            pta_store(pta_batch_y(batch, s), l->y, e,
                      l->average ? pta_convert_ref(v, shift, l->result) : v);
        }
    }
}
