/*
 * Pooling, activations and merges of the exact reference: see exact_blas.h.
 */
#include "kernels/exact_blas.h"

#include <math.h>

static int frac_of(pta_format f)
{
    return f.width - f.integer;
}

/* v * 2^bits, bits >= 0. */
static pta_exact_wide scaled(pta_exact_wide v, int bits)
{
    return v * ((pta_exact_wide)1 << bits);
}

/* Starts y [c] with the window's first real cell, then folds the others in by
 * maximum or sum; returns the number of real cells. Sums of 2^21 cells of 32
 * bits are exact in a double. */
static int32_t pool_window(double *y, const double *image, int64_t pixel,
                           const pta_blas_window *g, bool sum)
{
    pta_blas_span sh = pta_blas_span_h(g, (int32_t)(pixel / g->ow));
    pta_blas_span sw = pta_blas_span_w(g, (int32_t)(pixel % g->ow));
    int32_t cells = 0;
    for (int32_t a = sh.first; a < sh.end; a++) {
        for (int32_t b = sw.first; b < sw.end; b++, cells++) {
            int64_t at = (int64_t)(sh.start + a * g->dilation_h) * g->w +
                         sw.start + b * g->dilation_w;
            const double *x = image + at * g->c;
            for (int32_t c = 0; c < g->c; c++) {
                double other = sum ? y[c] + x[c] : y[c] > x[c] ? y[c] : x[c];
                y[c] = cells == 0 ? x[c] : other;
            }
        }
    }
    return cells;
}

void pta_exact_maxpool(double *y, const double *x, int32_t n,
                       const pta_blas_window *g)
{
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = 0; i < n * pixels; i++, y += g->c) {
        pool_window(y, x + i / pixels * g->h * g->w * g->c, i % pixels, g,
                    false);
    }
}

void pta_exact_avgpool(double *y, const double *x, int32_t n,
                       const pta_blas_window *g, pta_format in, pta_format out)
{
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = 0; i < n * pixels; i++, y += g->c) {
        int32_t cells = pool_window(y, x + i / pixels * g->h * g->w * g->c,
                                    i % pixels, g, true);
        for (int32_t c = 0; c < g->c; c++) {
            y[c] = (double)pta_exact_convert_ratio((int64_t)y[c], cells,
                                                   frac_of(in), out);
        }
    }
}

void pta_exact_convert_run(double *y, const double *x, int64_t n, pta_format in,
                           pta_format out)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = (double)pta_exact_convert((int64_t)x[i], frac_of(in), out);
    }
}

/* Compares a * 2^-a_frac with b * 2^-b_frac. */
static bool greater(int64_t a, int a_frac, int64_t b, int b_frac)
{
    int up_a = a_frac < b_frac ? b_frac - a_frac : 0;
    int up_b = b_frac < a_frac ? a_frac - b_frac : 0;
    return scaled(a, up_a) > scaled(b, up_b);
}

void pta_exact_relu_run(double *y, const double *x, int64_t n,
                        const pta_exact_relu *r)
{
    int frac = frac_of(r->in);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = (int64_t)x[i];
        if (v < r->threshold) {
            pta_exact_wide product =
                ((pta_exact_wide)v - r->threshold) * r->alpha;
            y[i] = (double)pta_exact_convert(product, r->acc_frac, r->out);
        } else if (r->act_max != INT64_MAX &&
                   greater(v, frac, r->act_max, r->acc_frac)) {
            y[i] = (double)pta_exact_convert(r->act_max, r->acc_frac, r->out);
        } else {
            y[i] = (double)pta_exact_convert(v, frac, r->out);
        }
    }
}

/* |y| is less than `bound` by more than nothing, but perhaps by less than a
 * long double tells: one step down keeps it apart from a tie. */
static long double below(long double y, long double bound)
{
    return y == bound ? nextafterl(y, 0.0L) : y;
}

static long double sigmoid(long double x)
{
    return below(1.0L / (1.0L + expl(-x)), 1.0L);
}

static long double tangent(long double x)
{
    long double y = tanhl(x);
    return below(below(below(y, x), 1.0L), -1.0L);
}

static void fill_table(double *table, pta_format in, pta_format out,
                       long double (*f)(long double))
{
    int64_t least = pta_exact_min(in), greatest = pta_exact_max(in);
    for (int64_t raw = least; raw <= greatest; raw++) {
        long double x = ldexpl((long double)raw, -frac_of(in));
        table[raw - least] = (double)pta_exact_quantise(f(x), out);
    }
}

void pta_exact_sigmoid_table(double *table, pta_format in, pta_format out)
{
    fill_table(table, in, out, sigmoid);
}

void pta_exact_tanh_table(double *table, pta_format in, pta_format out)
{
    fill_table(table, in, out, tangent);
}

void pta_exact_lookup(double *y, const double *x, int64_t n,
                      const double *table, pta_format in)
{
    int64_t least = pta_exact_min(in);
    for (int64_t i = 0; i < n; i++) {
        y[i] = table[(int64_t)x[i] - least];
    }
}

void pta_exact_hard_sigmoid(double *y, const double *x, int64_t n,
                            int32_t keras_major, pta_format in, pta_format out)
{
    int64_t slope = keras_major == 2 ? 2 : 1;
    int64_t shift = keras_major == 2 ? 5 : 3;
    int64_t under = keras_major == 2 ? 10 : 6;
    int frac = frac_of(in); /* (slope x + shift) / under, both times 2^frac */
    pta_exact_wide one = scaled(1, frac > 0 ? frac : 0);
    for (int64_t i = 0; i < n; i++) {
        pta_exact_wide num = scaled((pta_exact_wide)((int64_t)x[i] * slope),
                                    frac < 0 ? -frac : 0) +
                             shift * one;
        pta_exact_wide den = under * one;
        num = num < 0 ? 0 : num > den ? den : num;
        y[i] = (double)(num == 0 || num == den
                            ? pta_exact_convert(num != 0, 0, out)
                            : pta_exact_convert_ratio(num, den, 0, out));
    }
}

static pta_exact_wide merged(const pta_exact_merge *m, int64_t i, int top)
{
    pta_exact_wide v = 0;
    for (int32_t k = 0; k < m->n_in; k++) {
        pta_exact_wide x = (int64_t)m->x[k][i];
        if (m->op != PTA_EXACT_MUL) {
            x = scaled(x, top - frac_of(m->in[k]));
        }
        if (k == 0) {
            v = x;
        } else if (m->op == PTA_EXACT_MUL) {
            v *= x;
        } else if (m->op == PTA_EXACT_SUB) {
            v -= x;
        } else if (m->op == PTA_EXACT_MAXIMUM) {
            v = v > x ? v : x;
        } else {
            v += x;
        }
    }
    return v;
}

/* Fraction bits that hold every input, or the product, exactly. */
static int merged_frac(const pta_exact_merge *m)
{
    int top = frac_of(m->in[0]);
    for (int32_t k = 1; k < m->n_in; k++) {
        int f = frac_of(m->in[k]);
        top = m->op == PTA_EXACT_MUL ? top + f : top > f ? top : f;
    }
    return top;
}

/* v * 2^-frac / den > act_max * 2^-act_frac? */
static bool above_max(const pta_exact_merge *m, pta_exact_wide v, int frac,
                      int32_t den)
{
    int up = m->act_frac > frac ? m->act_frac - frac : 0;
    int down = frac > m->act_frac ? frac - m->act_frac : 0;
    return scaled(v, up) > scaled((pta_exact_wide)m->act_max * den, down);
}

void pta_exact_merge_run(double *y, int64_t n, const pta_exact_merge *m)
{
    int frac = merged_frac(m);
    int32_t den = m->op == PTA_EXACT_AVERAGE ? m->n_in : 1;
    for (int64_t i = 0; i < n; i++) {
        pta_exact_wide v = merged(m, i, frac);
        if (m->act != PTA_ACT_NONE && v < 0) {
            v = 0;
        }
        if (m->act == PTA_ACT_RELU_MAX && above_max(m, v, frac, den)) {
            y[i] = (double)pta_exact_convert(m->act_max, m->act_frac, m->out);
        } else if (den == 1) {
            y[i] = (double)pta_exact_convert(v, frac, m->out);
        } else {
            y[i] = (double)pta_exact_convert_ratio(v, den, frac, m->out);
        }
    }
}
