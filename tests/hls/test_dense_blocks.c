/* Block tests of the plumbing and of the element-wise blocks. */
#include <stdlib.h>

#include "base/rng.h"
#include "harness.h"
#include "kernels/act.h"

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(bytes, 1);
    if (memory == NULL) {
        exit(1);
    }
    return memory;
}

/* ---- plumbing ---- */

static void copy(const hls_stream *x, hls_stream *y)
{
    for (int64_t i = 0; i < (int64_t)x->count * x->vectors; i++) {
        y->data[i] = x->data[i];
    }
}

/* W bits through, as one element a beat. */
static void draw_plain(hls_case *c, int64_t latency, int64_t interval)
{
    int32_t w = (int32_t)hls_param(c, "W", 1, 60);
    c->samples = 200;
    hls_stream *x = hls_in(c, "in", 1, 1, w, c->samples);
    hls_stream *y = hls_out(c, "out", 1, 1, w, c->samples);
    hls_fill(c, x, false);
    copy(x, y);
    c->latency = latency;
    c->interval = interval;
}

static void draw_skid(hls_case *c)
{
    draw_plain(c, 1, 1);
}

static void draw_fifo(hls_case *c)
{
    int64_t depth = hls_param(c, "DEPTH", 1, 70);
    int64_t block = hls_param(c, "BLOCK", 0, 1);
    draw_plain(c, block ? 3 : 1, depth == 1 ? 2 : 1);
}

/* A vector length that fits `total` elements evenly. */
static int32_t divisor(hls_case *c, int32_t total)
{
    int32_t d = (int32_t)hls_draw(c, "count out", 1, total);
    while (total % d != 0) {
        d--;
    }
    return d;
}

/* Of `total` elements: a beat leaves a cycle after its last element came, and
 * after the beat before it. */
static int64_t regroup_latency(const hls_stream *x, const hls_stream *y,
                               int32_t total)
{
    int64_t out = 0;
    for (int32_t i = 0; i < total; i++) {
        bool ends =
            i % y->count == y->count - 1 || i % y->count % y->p == y->p - 1;
        int64_t in =
            i / x->count * hls_ceil(x->count, x->p) + i % x->count / x->p;
        if (ends) {
            out = out + 1 > in + 1 ? out + 1 : in + 1;
        }
    }
    return out;
}

static void draw_gearbox(hls_case *c)
{
    int32_t c_in = (int32_t)hls_param(c, "C_IN", 1, 24);
    int32_t times = (int32_t)hls_draw(c, "vectors", 1, 6);
    bool regroup = hls_draw(c, "regroup", 0, 1) != 0;
    int32_t total = c_in * (regroup ? times : 1);
    int32_t c_out = regroup ? divisor(c, total) : c_in;
    int32_t p_in = (int32_t)hls_param(c, "P_IN", 1, c_in);
    int32_t p_out = (int32_t)hls_param(c, "P_OUT", 1, c_out);
    int32_t w = (int32_t)hls_param(c, "W", 1, 16);
    hls_set(c, "C_OUT", c_out);
    c->samples = 20;
    int32_t v_in = total / c_in, v_out = total / c_out;
    hls_stream *x = hls_in(c, "in", c_in, p_in, w, v_in * c->samples);
    hls_stream *y = hls_out(c, "out", c_out, p_out, w, v_out * c->samples);
    hls_fill(c, x, false);
    copy(x, y);
    c->interval =
        larger(v_in * hls_ceil(c_in, p_in), v_out * hls_ceil(c_out, p_out));
    c->latency = regroup_latency(x, y, total);
}

/* ---- formats ---- */

/* Every rounding with every overflow, in N_FORMATS cases. */
#define N_FORMATS ((PTA_RND_RND_CONV + 1) * (PTA_OVF_SAT_ZERO + 1))
/* One of them, in which large results go to the end of the range. */
#define SATURATES (PTA_OVF_SAT * (PTA_RND_RND_CONV + 1))

static pta_format draw_format(hls_case *c, bool is_signed)
{
    pta_format f = {0};
    f.width = (int16_t)hls_param(c, "WOUT", 2, 32);
    f.is_signed = hls_draw(c, "OUT_SIGNED", 0, 1) != 0 || is_signed;
    f.rounding = (uint8_t)(c->index % (PTA_RND_RND_CONV + 1));
    f.overflow =
        (uint8_t)(c->index / (PTA_RND_RND_CONV + 1) % (PTA_OVF_SAT_ZERO + 1));
    hls_set(c, "OUT_SIGNED", f.is_signed);
    hls_set(c, "ROUNDING", f.rounding);
    hls_set(c, "OVERFLOW", f.overflow);
    return f;
}

/* Sets F so that `frac` fraction bits need `shift`, and passes it. */
static void set_shift(hls_case *c, pta_format *f, int32_t frac, int32_t shift)
{
    f->integer = (int16_t)(f->width - (frac - shift));
    hls_set(c, "SHIFT", shift);
}

/* An accumulator of w bits: half of them near what fits the output, where
 * rounding and overflow begin. */
static int64_t near(hls_case *c, int32_t w, bool is_signed, int32_t width)
{
    int64_t v = hls_value(c, w, is_signed);
    int32_t bits = (int32_t)pta_rng_range(&c->rng, 1, w);
    bits = pta_rng_next(&c->rng) % 2 == 0 ? bits : width;
    if (bits < w && pta_rng_next(&c->rng) % 4 != 0) {
        v >>= w - bits;
    }
    if (pta_rng_next(&c->rng) % 4 == 0) { /* ties: few low bits set */
        v &= -(INT64_C(1) << pta_rng_range(&c->rng, 0, w - 1));
    }
    return v;
}

static pta_activation draw_act(hls_case *c, int32_t w, bool none,
                               int64_t *act_max)
{
    int64_t act = hls_draw(c, "ACT", 0, PTA_ACT_RELU_MAX);
    act = none ? PTA_ACT_NONE : act;
    *act_max =
        hls_value(c, smaller(w, 60), true) >> pta_rng_range(&c->rng, 0, w - 1);
    *act_max = *act_max < 0 ? -(*act_max + 1) : *act_max;
    if (hls_draw(c, "cap just out of reach", 0, 2) == 2) {
        *act_max = INT64_C(1) << smaller(w, 60);
    }
    hls_set(c, "ACT", act);
    hls_set(c, "ACT_MAX", *act_max);
    return (pta_activation)act;
}

static void draw_requant(hls_case *c)
{
    /* The sign needs its own bit, and the cap one more than any element. */
    bool edge = c->index == SATURATES;
    int32_t p = (int32_t)hls_param(c, "P", 1, 5);
    int32_t win = (int32_t)hls_param(c, "WIN", 2, 48);
    /* Else mostly both signs come through. */
    bool plain = !edge && hls_draw(c, "plain", 0, 2) > 0;
    bool is_signed = !edge && (hls_draw(c, "IN_SIGNED", 0, 1) != 0 || plain);
    hls_set(c, "IN_SIGNED", is_signed);
    pta_format f = draw_format(c, plain);
    int32_t shift = edge ? win - 1 : (int32_t)hls_draw(c, "shift", -40, 56);
    if (plain) {
        shift = (int32_t)pta_rng_range(&c->rng, 1, larger(win - f.width, 4));
    } else if (!edge && shift != -40 && shift != 56) {
        /* mostly what makes sense */
        shift = (int32_t)pta_rng_range(&c->rng, -4, win);
    }
    set_shift(c, &f, 10, shift);
    int64_t act_max;
    pta_activation act = PTA_ACT_RELU_MAX;
    if (edge) {
        act_max = INT64_C(1) << win;
        hls_set(c, "ACT", act);
        hls_set(c, "ACT_MAX", act_max);
    } else {
        act = draw_act(c, win, plain, &act_max);
    }
    c->samples = 400;
    hls_stream *x = hls_in(c, "in", p, p, win, c->samples);
    hls_stream *y = hls_out(c, "out", p, p, f.width, c->samples);
    pta_epilogue e = pta_epilogue_make(10, act, act_max, f);
    for (int32_t i = 0; i < p * c->samples; i++) {
        x->data[i] = near(c, win, is_signed,
                          smaller(win, larger(1, f.width + shift + 1)));
        y->data[i] = pta_epilogue_ref(x->data[i], 0, &e);
    }
    c->latency = 2;
    c->interval = 1;
}

/* ---- layers of one element ---- */

static pta_batch batch_of(const void *const *x, const size_t *stride,
                          const hls_stream *in, const hls_stream *out)
{
    return (pta_batch){.n = in->vectors,
                       .x = x,
                       .x_stride = stride,
                       .y = out->data,
                       .y_stride = (size_t)out->count * sizeof *out->data};
}

/* Words of p values of w bits each, one per beat of a vector. */
static void write_lanes(FILE *f, const int64_t *values, int32_t n, int32_t p,
                        int32_t w)
{
    int64_t *word = allocate((size_t)p * sizeof *word);
    for (int32_t at = 0; at < n; at += p) {
        for (int32_t k = 0; k < p; k++) {
            word[k] = at + k < n ? values[at + k] : 0;
        }
        hls_word(f, word, p, w);
    }
    free(word);
}

/* Draws scales and shifts, writes their files and computes y. */
static void set_scales(hls_case *c, const hls_stream *x, hls_stream *y,
                       int32_t ww, int32_t wb, int32_t wacc,
                       const pta_epilogue *e)
{
    int32_t n = x->count;
    int64_t *scales = allocate((size_t)n * sizeof *scales);
    int64_t *shifts = allocate((size_t)n * sizeof *shifts);
    int32_t *w = allocate((size_t)n * sizeof *w);
    for (int32_t i = 0; i < n; i++) {
        w[i] = (int32_t)(scales[i] = hls_value(c, ww, true));
        shifts[i] = hls_value(c, wb, true);
    }
    write_lanes(hls_file(c, "S_FILE"), scales, n, x->p, ww);
    write_lanes(hls_file(c, "B_FILE"), shifts, n, x->p, wacc);
    pta_scale layer = {.count = n,
                       .channels = n,
                       .x = PTA_S64,
                       .y = PTA_S64,
                       .w = {w, sizeof *w, n, 1, PTA_S32, shifts},
                       .epilogue = *e};
    const void *data = x->data;
    size_t stride = (size_t)n * sizeof *x->data;
    pta_batch batch = batch_of(&data, &stride, x, y);
    pta_scale_ref(&layer, &batch);
    free(scales);
    free(shifts);
    free(w);
}

static void draw_scale_shift(hls_case *c)
{
    int32_t n = (int32_t)hls_param(c, "C", 1, 20);
    int32_t p = (int32_t)hls_param(c, "P", 1, smaller(n, 6));
    int32_t wx = (int32_t)hls_param(c, "WX", 2, 17);
    bool is_signed = hls_param(c, "X_SIGNED", 0, 1) != 0;
    int32_t ww = (int32_t)hls_param(c, "WW", 2, 18);
    int32_t wb = (int32_t)hls_draw(c, "shift bits", 2, 34);
    hls_param(c, "BLOCK", 0, 1);
    bool ram = hls_param(c, "RAM", 0, 1) != 0;
    int32_t wacc = larger(wb, wx + ww) + 1;
    hls_set(c, "WACC", wacc);
    pta_format f = draw_format(c, false);
    set_shift(c, &f, 10, (int32_t)hls_draw(c, "shift", -3, wacc + 2));
    int64_t act_max;
    pta_activation act = draw_act(c, wacc, false, &act_max);

    hls_memory(c, 's', "S_FILE", p * ww);
    hls_memory(c, 'b', "B_FILE", p * wacc);
    c->samples = 60;
    hls_stream *x = hls_in(c, "in", n, p, wx, c->samples);
    hls_fill(c, x, is_signed);
    hls_stream *y = hls_out(c, "out", n, p, f.width, c->samples);
    pta_epilogue e = pta_epilogue_make(10, act, act_max, f);
    set_scales(c, x, y, ww, wb, wacc, &e);
    if (ram) {
        hls_second_set(c);
        set_scales(c, x, y, ww, wb, wacc, &e);
    }
    c->interval = hls_ceil(n, p);
    c->latency = c->interval + 5;
}

static void draw_relu(hls_case *c)
{
    bool steep = c->index == SATURATES; /* below the threshold, times 64 */
    int32_t n = (int32_t)hls_draw(c, "channels", 1, 12);
    int32_t p = (int32_t)hls_param(c, "P", 1, smaller(n, 4));
    int32_t wx = (int32_t)hls_param(c, "WX", 2, 16);
    bool is_signed = hls_param(c, "X_SIGNED", 0, 1) != 0;
    int32_t wa = (int32_t)hls_param(c, "WA", 2, 17);
    bool coarse = hls_draw(c, "coarse slope", 0, 2) == 0;
    int32_t frac =
        steep ? -6
              : (int32_t)hls_draw(c, "slope fraction", -6, coarse ? -1 : 30);
    hls_set(c, "UP", larger(frac, 0));
    hls_set(c, "DOWN", larger(-frac, 0));
    int32_t bits = (int32_t)hls_draw(c, "threshold bits", 1, 18);
    bits = hls_draw(c, "threshold like x", 0, 1) != 0 ? wx : bits;
    int64_t threshold = hls_value(c, bits, true);
    if (frac < 0 && threshold < 0) { /* some x are below */
        threshold = -(threshold + 1);
    }
    threshold = steep ? INT64_C(1) << (wx - 1) : threshold;
    hls_set(c, "THRESHOLD", threshold);
    bool has_max = !steep && hls_param(c, "HAS_MAX", 0, 1) != 0;
    int32_t max_bits =
        wx + larger(frac, 0) + (int32_t)hls_draw(c, "far", 0, 30);
    int64_t max = hls_value(c, smaller(max_bits, 50), true);
    max = max < 0 ? -(max + 1) : max;
    hls_set(c, "MAX", has_max ? max : 0);
    bool per_channel = hls_draw(c, "slope a channel", 0, 1) != 0;
    int32_t rows = per_channel ? n : 1;
    hls_set(c, "BEATS", per_channel ? hls_ceil(n, p) : 1);
    pta_format f = draw_format(c, steep);
    int32_t up = larger(frac, 0);
    set_shift(c, &f, 5 + up, (int32_t)hls_draw(c, "shift", -3, wx + up + 4));

    int64_t *alphas = allocate((size_t)(n + p) * sizeof *alphas);
    int32_t *w = allocate((size_t)n * sizeof *w);
    for (int32_t i = 0; i < n + p; i++) {
        alphas[i] = per_channel || i == 0 ? hls_value(c, wa, true) : alphas[0];
        alphas[i] |= steep ? 1 : 0;
    }
    for (int32_t i = 0; i < n; i++) {
        w[i] = (int32_t)alphas[i];
    }
    write_lanes(hls_file(c, "A_FILE"), alphas, per_channel ? n : p, p, wa);

    c->samples = 80;
    hls_stream *x = hls_in(c, "in", n, p, wx, c->samples);
    hls_stream *y = hls_out(c, "out", n, p, f.width, c->samples);
    hls_fill(c, x, is_signed);
    pta_relu layer = {.count = n,
                      .x = PTA_S64,
                      .y = PTA_S64,
                      .x_frac = 5,
                      .alpha_frac = frac,
                      .threshold = threshold,
                      .max = has_max ? max : INT64_MAX,
                      .alpha = {w, sizeof *w, rows, 1, PTA_S32, NULL},
                      .y_format = f};
    const void *data = x->data;
    size_t stride = (size_t)n * sizeof *x->data;
    pta_batch batch = batch_of(&data, &stride, x, y);
    pta_relu_ref(&layer, &batch);
    c->interval = hls_ceil(n, p);
    c->latency = c->interval + 5;
    free(alphas);
    free(w);
}

#define BELOW_ZERO 3 /* the case of a negative constant, which no curve is */

/* Cuts the ends at which the table does not change any more. */
static void draw_table(hls_case *c)
{
    pta_curve curve =
        (pta_curve)hls_draw(c, "curve", 0, PTA_CURVE_HARD_SIGMOID_3);
    int32_t p = (int32_t)hls_param(c, "P", 1, 5);
    pta_format in = {.width = (int16_t)hls_param(c, "WX", 2, 10)};
    in.is_signed = hls_param(c, "X_SIGNED", 0, 1) != 0;
    in.integer = (int16_t)hls_draw(c, "integer in", 1, 7);
    pta_format out = {.width = (int16_t)hls_param(c, "WOUT", 2, 16),
                      .integer = (int16_t)hls_draw(c, "integer out", 0, 3),
                      .is_signed = true,
                      .rounding = PTA_RND_RND,
                      .overflow = PTA_OVF_SAT};
    bool cut = hls_draw(c, "cut", 0, 1) != 0 || c->index == BELOW_ZERO;
    hls_param(c, "BLOCK", 0, 1);
    int32_t size = 1 << in.width, first = 0, last = size - 1;
    int64_t *table = allocate((size_t)size * sizeof *table);
    pta_curve_fill(curve, in, out, PTA_S64, table);
    for (int32_t i = 0; c->index == BELOW_ZERO && i < size; i++) {
        table[i] = pta_raw_min(out);
    }
    while (cut && first < last && table[first + 1] == table[first]) {
        first++;
    }
    while (cut && last > first && table[last - 1] == table[last]) {
        last--;
    }
    int32_t x_min = (int32_t)pta_raw_min(in);
    hls_set(c, "FIRST", first + x_min);
    hls_set(c, "DEPTH", last - first + 1);
    write_lanes(hls_file(c, "FILE"), table + first, last - first + 1, 1,
                out.width);

    c->samples = 300;
    hls_stream *x = hls_in(c, "in", p, p, in.width, c->samples);
    hls_stream *y = hls_out(c, "out", p, p, out.width, c->samples);
    hls_fill(c, x, in.is_signed);
    pta_lookup layer = {
        .count = p, .x = PTA_S64, .y = PTA_S64, .x_min = x_min, .table = table};
    const void *data = x->data;
    size_t stride = (size_t)p * sizeof *x->data;
    pta_batch batch = batch_of(&data, &stride, x, y);
    pta_lookup_ref(&layer, &batch);
    c->latency = 3;
    c->interval = 1;
    free(table);
}

static const hls_block blocks[] = {
    {"skid", draw_skid},       {"fifo", draw_fifo},
    {"gearbox", draw_gearbox}, {"requant", draw_requant},
    {"relu", draw_relu},       {"scale_shift", draw_scale_shift},
    {"table", draw_table}};

int main(int argc, char **argv)
{
    return hls_main_cases(argc, argv, blocks, sizeof blocks / sizeof blocks[0],
                          N_FORMATS);
}
