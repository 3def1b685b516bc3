/*
 * Random small graphs with weights, formats and an oracle: plain loops over
 * 128-bit integers that say what every node of the exact profile must give.
 *
 * A graph grows node by node; each node is evaluated at once over N_SAMPLES
 * random samples, its format chosen around the values that come out, so that
 * some but not all of them saturate. The oracle shares no code with the
 * product, not even the rounding: it works from the formulas on exact ratios.
 */
#ifndef PTA_TESTS_RANDOM_GRAPH_H
#define PTA_TESTS_RANDOM_GRAPH_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "ir/build.h"
#include "ir/node_format.h"
#include "ir/weights.h"

__extension__ typedef __int128 i128;

#define RG_NODES   16
#define RG_SAMPLES 5

typedef struct random_graph {
    pta_graph *graph;
    pta_node_format formats[RG_NODES];
    double *kernel[RG_NODES]; /* [cells][in][out], or scale [channels] */
    double *bias[RG_NODES];
    int64_t *raw[RG_NODES]; /* [RG_SAMPLES][count]: what the oracle says */
    pta_weights weights;
    uint64_t *rng;
    int bits;       /* widest width */
    bool all_modes; /* all roundings and overflows, not only RND and SAT */
} random_graph;

/* An exact value: num / den * 2^-frac. */
typedef struct ratio {
    i128 num, den;
    int frac;
} ratio;

static inline int64_t rg_range(random_graph *r, int64_t lo, int64_t hi)
{
    return pta_rng_range(r->rng, lo, hi);
}

static inline int rg_frac(pta_format f)
{
    return f.width - f.integer;
}

/* ---- conversion by definition ---- */

static inline i128 rg_floor(i128 a, i128 b) /* b > 0 */
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static inline i128 rg_round(i128 n, i128 d, int mode)
{
    i128 sign = n < 0 ? -1 : 1, size = n * sign;
    i128 up = rg_floor(2 * n + d, 2 * d);
    switch (mode) {
    case PTA_RND_TRN:
        return rg_floor(n, d);
    case PTA_RND_TRN_ZERO:
        return sign * rg_floor(size, d);
    case PTA_RND_RND:
        return up;
    case PTA_RND_RND_ZERO:
        return sign * -rg_floor(d - 2 * size, 2 * d);
    case PTA_RND_RND_INF:
        return sign * rg_floor(2 * size + d, 2 * d);
    case PTA_RND_RND_MIN_INF:
        return -rg_floor(d - 2 * n, 2 * d);
    default:
        return (2 * n + d) % (2 * d) == 0 && up % 2 != 0 ? up - 1 : up;
    }
}

static inline int64_t rg_convert(ratio v, pta_format f)
{
    int drop = v.frac - rg_frac(f);
    i128 one = 1;
    i128 x = rg_round(v.num * (one << (drop < 0 ? -drop : 0)),
                      v.den * (one << (drop > 0 ? drop : 0)), f.rounding);
    i128 max = (one << (f.is_signed ? f.width - 1 : f.width)) - 1;
    i128 min = f.is_signed ? -max - 1 : 0;
    if (f.overflow == PTA_OVF_WRAP) {
        i128 span = one << f.width;
        return (int64_t)(x - rg_floor(x - min, span) * span);
    }
    if (f.overflow == PTA_OVF_SAT_SYM && f.is_signed) {
        min = -max;
    }
    if (x < min || x > max) {
        return f.overflow == PTA_OVF_SAT_ZERO ? 0
                                              : (int64_t)(x < min ? min : max);
    }
    return (int64_t)x;
}

/* The exact binary value of a double of moderate size. */
static inline ratio rg_exact(double value)
{
    int exponent;
    double m = frexp(value, &exponent);
    return (ratio){(i128)(int64_t)ldexp(m, 53), 1, 53 - exponent};
}

static inline int64_t rg_quantise(double value, pta_format f)
{
    return rg_convert(rg_exact(value), f);
}

/* AP_RND at `frac`, for biases and bounds; a bound beyond 2^63 bounds nothing,
 * and a value below 2^-60 units is none. */
static inline int64_t rg_quantise_at(double value, int frac)
{
    if (ldexp(fabs(value), frac) >= 0x1p63) {
        return value < 0.0 ? INT64_MIN : INT64_MAX;
    }
    ratio v = rg_exact(value);
    int drop = v.frac - frac;
    i128 one = 1;
    return drop > 120
               ? 0
               : (int64_t)rg_round(v.num * (one << (drop < 0 ? -drop : 0)),
                                   one << (drop > 0 ? drop : 0), PTA_RND_RND);
}

/* ---- what a node gives, exactly ---- */

typedef struct rg_place {
    const random_graph *r;
    int32_t node;
    int sample;
} rg_place;

static inline int64_t rg_in(const rg_place *p, int k, int64_t element)
{
    int32_t from = p->r->graph->nodes[p->node].in[k];
    int64_t count = pta_view_count(p->r->graph->nodes[from].view);
    return p->r->raw[from][p->sample * count + element];
}

static inline int64_t rg_weight(const rg_place *p, int64_t i)
{
    return rg_quantise(p->r->kernel[p->node][i], p->r->formats[p->node].weight);
}

/* Flat index of cell (a, b) of the window at output (y, x), channel c; -1 in
 * the padding. */
static inline int64_t rg_cell(const rg_place *p, int y, int x, int a, int b,
                              int c)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    pta_view v = p->r->graph->nodes[n->in[0]].view;
    int row =
        y * n->window.stride_h - n->window.pad_t + a * n->window.dilation_h;
    int col =
        x * n->window.stride_w - n->window.pad_l + b * n->window.dilation_w;
    return row < 0 || row >= v.h || col < 0 || col >= v.w
               ? -1
               : ((int64_t)row * v.w + col) * v.c + c;
}

static inline i128 rg_sum(const rg_place *p, int y, int x, int c)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    pta_view v = p->r->graph->nodes[n->in[0]].view;
    i128 sum = 0;
    if (n->op == PTA_OP_DENSE) {
        for (int64_t i = 0; i < pta_view_count(v); i++) {
            sum += (i128)rg_in(p, 0, i) * rg_weight(p, i * n->view.c + c);
        }
        return sum;
    }
    int mult = n->view.c / v.c;
    for (int a = 0; a < n->window.kh; a++) {
        for (int b = 0; b < n->window.kw; b++) {
            int cell = a * n->window.kw + b;
            if (n->op == PTA_OP_DWCONV) {
                int64_t at = rg_cell(p, y, x, a, b, c / mult);
                sum += at < 0 ? 0
                              : (i128)rg_in(p, 0, at) *
                                    rg_weight(p, cell * n->view.c + c);
                continue;
            }
            for (int i = 0; i < v.c; i++) {
                int64_t at = rg_cell(p, y, x, a, b, i);
                sum += at < 0
                           ? 0
                           : (i128)rg_in(p, 0, at) *
                                 rg_weight(p, (cell * v.c + i) * n->view.c + c);
            }
        }
    }
    return sum;
}

static inline ratio rg_weighted(const rg_place *p, int y, int x, int c,
                                int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int frac = p->r->formats[p->node].acc_frac;
    i128 sum = n->op == PTA_OP_SCALE_SHIFT
                   ? (i128)rg_in(p, 0, element) * rg_weight(p, c)
                   : rg_sum(p, y, x, c);
    if (n->op == PTA_OP_SCALE_SHIFT || n->has_bias) {
        sum += rg_quantise_at(p->r->bias[p->node][c], frac);
    }
    return (ratio){sum, 1, frac};
}

static inline ratio rg_pool(const rg_place *p, int y, int x, int c)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    i128 sum = 0, most = 0, cells = 0;
    for (int a = 0; a < n->window.kh; a++) {
        for (int b = 0; b < n->window.kw; b++) {
            int64_t at = rg_cell(p, y, x, a, b, c);
            if (at >= 0) {
                i128 v = rg_in(p, 0, at);
                most = cells == 0 || v > most ? v : most;
                sum += v;
                cells++;
            }
        }
    }
    int frac = rg_frac(p->r->formats[n->in[0]].out);
    return n->op == PTA_OP_MAXPOOL ? (ratio){most, 1, frac}
                                   : (ratio){sum, cells, frac};
}

static inline ratio rg_relu(const rg_place *p, int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    const pta_node_format *f = &p->r->formats[p->node];
    int frac = rg_frac(p->r->formats[n->in[0]].out);
    i128 x = rg_in(p, 0, element), t = rg_quantise_at(n->threshold, frac);
    if (x < t) {
        return (ratio){(x - t) * rg_quantise(n->alpha, f->weight), 1,
                       f->acc_frac};
    }
    x *= (i128)1 << (f->acc_frac - frac);
    i128 top = isinf(n->act_max) ? x : rg_quantise_at(n->act_max, f->acc_frac);
    return (ratio){x < top ? x : top, 1, f->acc_frac};
}

/* sigmoid and tanh as 64-bit fractions; test_reference checks the tables. The
 * true value is nearer to 0 than 1 or x where a long double is equal to it. */
static inline ratio rg_curve(const rg_place *p, int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int frac = rg_frac(p->r->formats[n->in[0]].out);
    long double x = ldexpl((long double)rg_in(p, 0, element), -frac);
    long double y = n->op == PTA_OP_TANH ? tanhl(x) : 1.0L / (1.0L + expl(-x));
    bool is_less = fabsl(y) == 1.0L || (n->op == PTA_OP_TANH && y == x);
    i128 num = (i128)ldexpl(y, 64) * 256;
    return (ratio){is_less && y != 0.0L ? num - (y > 0.0L ? 1 : -1) : num, 1,
                   72};
}

static inline ratio rg_hard_sigmoid(const rg_place *p, int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int frac = rg_frac(p->r->formats[n->in[0]].out);
    i128 one = (i128)1 << (frac > 0 ? frac : 0);
    i128 x = (i128)rg_in(p, 0, element) * ((i128)1 << (frac < 0 ? -frac : 0));
    i128 num = n->keras_major == 2 ? 2 * x + 5 * one : x + 3 * one;
    i128 den = (n->keras_major == 2 ? 10 : 6) * one;
    num = num < 0 ? 0 : num > den ? den : num;
    return (ratio){num, den, 0};
}

static inline ratio rg_merge(const rg_place *p, int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int frac = p->r->formats[p->node].acc_frac;
    i128 v = 0;
    for (int k = 0; k < n->n_in; k++) {
        int from = rg_frac(p->r->formats[n->in[k]].out);
        i128 x = rg_in(p, k, element);
        x *= n->op == PTA_OP_MUL ? 1 : (i128)1 << (frac - from);
        v = k == 0                    ? x
            : n->op == PTA_OP_SUB     ? v - x
            : n->op == PTA_OP_MUL     ? v * x
            : n->op == PTA_OP_MAXIMUM ? (v > x ? v : x)
                                      : v + x;
    }
    return (ratio){v, n->op == PTA_OP_AVERAGE ? n->n_in : 1, frac};
}

static inline ratio rg_concat(const rg_place *p, int y, int x, int c)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int at[3] = {y, x, c};
    for (int k = 0; k < n->n_in; k++) {
        pta_view v = p->r->graph->nodes[n->in[k]].view;
        int size = n->axis == 0 ? v.h : n->axis == 1 ? v.w : v.c;
        if (at[n->axis] < size) {
            return (ratio){
                rg_in(p, k, ((int64_t)at[0] * v.w + at[1]) * v.c + at[2]), 1,
                rg_frac(p->r->formats[n->in[k]].out)};
        }
        at[n->axis] -= size;
    }
    abort();
}

static inline ratio rg_moved(const rg_place *p, int y, int x, int c,
                             int64_t element)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    pta_view v = p->r->graph->nodes[n->in[0]].view;
    int frac = rg_frac(p->r->formats[n->in[0]].out);
    if (n->op == PTA_OP_PERMUTE) {
        int out[3] = {y, x, c}, in[3];
        for (int i = 0; i < 3; i++) {
            in[n->perm[i]] = out[i];
        }
        element = ((int64_t)in[0] * v.w + in[1]) * v.c + in[2];
    } else if (n->op == PTA_OP_ZEROPAD) {
        y -= n->window.pad_t;
        x -= n->window.pad_l;
        if (y < 0 || y >= v.h || x < 0 || x >= v.w) {
            return (ratio){0, 1, frac};
        }
        element = ((int64_t)y * v.w + x) * v.c + c;
    }
    return (ratio){rg_in(p, 0, element), 1, frac};
}

static inline ratio rg_activate(const pta_node *n, ratio v)
{
    if (n->act != PTA_ACT_NONE && v.num < 0) {
        v.num = 0;
    }
    if (n->act == PTA_ACT_RELU_MAX) {
        i128 top = rg_quantise_at(n->act_max, v.frac);
        v.num = v.num > top * v.den ? top * v.den : v.num;
    }
    return v;
}

/* The exact result of one element, before the one conversion. */
static inline ratio rg_node_value(const rg_place *p, int y, int x, int c)
{
    const pta_node *n = &p->r->graph->nodes[p->node];
    int64_t element = ((int64_t)y * n->view.w + x) * n->view.c + c;
    ratio v;
    if (pta_node_weighted(n)) {
        v = rg_weighted(p, y, x, c, element);
    } else if (n->op == PTA_OP_MAXPOOL || n->op == PTA_OP_AVGPOOL) {
        v = rg_pool(p, y, x, c);
    } else if (n->op == PTA_OP_RELU) {
        return rg_relu(p, element);
    } else if (n->op == PTA_OP_SIGMOID || n->op == PTA_OP_TANH) {
        v = rg_curve(p, element);
    } else if (n->op == PTA_OP_HARD_SIGMOID) {
        v = rg_hard_sigmoid(p, element);
    } else if (n->op == PTA_OP_CONCAT) {
        v = rg_concat(p, y, x, c);
    } else if (n->op == PTA_OP_RESHAPE || n->op == PTA_OP_PERMUTE ||
               n->op == PTA_OP_ZEROPAD) {
        v = rg_moved(p, y, x, c, element);
    } else {
        v = rg_merge(p, element);
    }
    return rg_activate(n, v);
}

/* ---- fake weights ---- */

static inline pta_status rg_read(pta_weights *self, pta_ctx *ctx, int32_t node,
                                 pta_weight_role role, pta_weight_part part,
                                 double *values)
{
    const random_graph *r = self->state;
    const pta_node *n = &r->graph->nodes[node];
    (void)ctx;
    if (role != PTA_WEIGHT_KERNEL) {
        const double *from =
            role == PTA_WEIGHT_SCALE ? r->kernel[node] : r->bias[node];
        memcpy(values, from + part.out_start,
               (size_t)part.out_count * sizeof *values);
        return PTA_OK;
    }
    pta_view v = r->graph->nodes[n->in[0]].view;
    int64_t cells = n->op == PTA_OP_DENSE ? 1 : n->window.kh * n->window.kw;
    int64_t ins = n->op == PTA_OP_DENSE ? pta_view_count(v) : v.c;
    int64_t outs = n->op == PTA_OP_DWCONV ? n->view.c / v.c : n->view.c;
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int32_t block = 0; block < part.in_count; block++) {
            for (int32_t i = 0; i < part.in_block; i++) {
                int64_t in = part.in_start + block * part.in_stride + i;
                for (int32_t o = 0; o < part.out_count; o++) {
                    *values++ = r->kernel[node][(cell * ins + in) * outs +
                                                part.out_start + o];
                }
            }
        }
    }
    return PTA_OK;
}

/* ---- growing a graph ---- */

static inline pta_format rg_modes(random_graph *r, pta_format f)
{
    f.rounding = PTA_RND_RND;
    f.overflow = PTA_OVF_SAT;
    if (r->all_modes) {
        f.rounding = (uint8_t)rg_range(r, PTA_RND_TRN, PTA_RND_RND_CONV);
        f.overflow = (uint8_t)rg_range(r, PTA_OVF_WRAP, PTA_OVF_SAT_ZERO);
    }
    return f;
}

static inline int rg_width(random_graph *r)
{
    return (int)rg_range(r, r->bits > 4 ? r->bits - 3 : 2, r->bits);
}

/* A format for values of magnitude up to `most`. */
static inline pta_format rg_format(random_graph *r, long double most)
{
    int exponent = 0;
    frexpl(most, &exponent);
    pta_format f = {.width = (int16_t)rg_width(r),
                    .integer = (int16_t)(exponent + rg_range(r, 0, 2)),
                    .is_signed = rg_range(r, 0, 5) != 0};
    return rg_modes(r, f);
}

/* Evaluates node `i`, choosing its format first unless it keeps its input's. */
static inline void rg_evaluate(random_graph *r, int32_t i)
{
    const pta_node *n = &r->graph->nodes[i];
    int64_t count = pta_view_count(n->view);
    ratio *values = calloc((size_t)(count * RG_SAMPLES), sizeof *values);
    r->raw[i] = calloc((size_t)(count * RG_SAMPLES), sizeof *r->raw[i]);
    long double most = 0.0L;
    for (int64_t e = 0; e < count * RG_SAMPLES; e++) {
        rg_place p = {r, i, (int)(e / count)};
        int at = (int)(e % count);
        values[e] = rg_node_value(&p, at / n->view.c / n->view.w,
                                  at / n->view.c % n->view.w, at % n->view.c);
        long double v =
            ldexpl((long double)values[e].num / (long double)values[e].den,
                   -values[e].frac);
        most = fabsl(v) > most ? fabsl(v) : most;
    }
    r->formats[i].out = pta_node_keeps_format(n) ? r->formats[n->in[0]].out
                                                 : rg_format(r, most);
    for (int64_t e = 0; e < count * RG_SAMPLES; e++) {
        r->raw[i][e] = rg_convert(values[e], r->formats[i].out);
    }
    free(values);
}

/* What a plan says of the accumulator. */
static inline void rg_finish(random_graph *r, int32_t i, int32_t acc_frac)
{
    r->formats[i].acc_frac = acc_frac;
    r->formats[i].acc_bits = r->bits <= 8 ? 32 : 63;
    r->formats[i].acc = r->bits <= 8 ? PTA_S32 : PTA_S64;
}

static inline void rg_add(pta_ctx *ctx, random_graph *r, pta_node *n,
                          pta_view view, int32_t *index)
{
    char name[16];
    snprintf(name, sizeof name, "n%d", (int)r->graph->n_nodes);
    n->name = name;
    n->view = view;
    n->shape = (pta_shape){3, {view.h, view.w, view.c}};
    n->weights = pta_node_weighted(n) ? r->graph->n_nodes : -1;
    if (pta_graph_add(ctx, r->graph, n, index) != PTA_OK) {
        abort();
    }
}

static inline void rg_add_input(pta_ctx *ctx, random_graph *r, pta_view view)
{
    pta_node n = pta_node_make(PTA_OP_INPUT);
    int32_t i;
    rg_add(ctx, r, &n, view, &i);
    pta_format f =
        rg_modes(r, (pta_format){.width = (int16_t)rg_width(r),
                                 .integer = (int16_t)rg_range(r, 0, 6),
                                 .is_signed = rg_range(r, 0, 3) != 0});
    r->formats[i].out = f;
    rg_finish(r, i, rg_frac(f));
    int64_t count = pta_view_count(view) * RG_SAMPLES;
    r->raw[i] = calloc((size_t)count, sizeof *r->raw[i]);
    int64_t max = (INT64_C(1) << (f.is_signed ? f.width - 1 : f.width)) - 1;
    int64_t min = !f.is_signed                    ? 0
                  : f.overflow == PTA_OVF_SAT_SYM ? -max
                                                  : -max - 1;
    for (int64_t e = 0; e < count; e++) {
        r->raw[i][e] = rg_range(r, 0, 7) == 0 ? (e % 2 == 0 ? min : max)
                                              : rg_range(r, min, max);
    }
}

/* Weights of up to `fan_in` products, between the raw integers of the format,
 * small enough for |accumulator| < 2^62. */
static inline void rg_weights(random_graph *r, int32_t i, int64_t n_kernel,
                              int64_t fan_in)
{
    const pta_node *n = &r->graph->nodes[i];
    pta_format x = r->formats[n->in[0]].out;
    pta_format f = {.width = (int16_t)rg_width(r),
                    .is_signed = true,
                    .rounding = PTA_RND_RND,
                    .overflow = PTA_OVF_SAT_SYM};
    int64_t top = INT64_C(1) << (f.width - 1);
    int64_t room = (INT64_C(1) << (60 - x.width)) / fan_in;
    top = top > room ? room : top;
    int bits; /* of the largest weight, which is then about 1/4 to 8 */
    frexp((double)top, &bits);
    f.integer = (int16_t)(f.width - bits + rg_range(r, -2, 3));
    r->formats[i].weight = f;
    r->formats[i].acc_frac = rg_frac(f) + rg_frac(x);
    r->kernel[i] = calloc((size_t)n_kernel, sizeof(double));
    for (int64_t k = 0; k < n_kernel; k++) { /* eighths: ties included */
        double raw = (double)rg_range(r, -top * 8, top * 8) / 8.0;
        r->kernel[i][k] = ldexp(raw, -rg_frac(f));
    }
    r->bias[i] = calloc((size_t)n->view.c, sizeof(double));
    for (int32_t c = 0; c < n->view.c; c++) {
        double raw = (double)rg_range(r, -top * 64, top * 64) / 8.0;
        r->bias[i][c] = ldexp(raw, -r->formats[i].acc_frac);
    }
}

static inline void rg_random_activation(random_graph *r, pta_node *n,
                                        double top)
{
    n->act = (pta_activation)rg_range(r, PTA_ACT_NONE, PTA_ACT_RELU_MAX);
    n->act_max = n->act == PTA_ACT_RELU_MAX ? top : HUGE_VAL;
}

static inline int rg_out(int n, int k, int stride, int dilation, int pads)
{
    return (n + pads - ((k - 1) * dilation + 1)) / stride + 1;
}

/* A window that fits, with random pads; the output's height and width. */
static inline pta_view rg_window(random_graph *r, pta_node *n, pta_view in)
{
    bool pools = n->op == PTA_OP_MAXPOOL || n->op == PTA_OP_AVGPOOL;
    pta_window *w = &n->window;
    pta_view out = in;
    do {
        w->kh = (int32_t)rg_range(r, 1, 3);
        w->kw = (int32_t)rg_range(r, 1, 3);
        w->stride_h = (int32_t)rg_range(r, 1, 2);
        w->stride_w = (int32_t)rg_range(r, 1, 2);
        w->dilation_h = pools ? 1 : (int32_t)rg_range(r, 1, 2);
        w->dilation_w = pools ? 1 : (int32_t)rg_range(r, 1, 2);
        w->pad_t = (int32_t)rg_range(r, 0, w->kh - 1);
        w->pad_b = (int32_t)rg_range(r, 0, w->kh - 1);
        w->pad_l = (int32_t)rg_range(r, 0, w->kw - 1);
        w->pad_r = (int32_t)rg_range(r, 0, w->kw - 1);
        out.h = rg_out(in.h, w->kh, w->stride_h, w->dilation_h,
                       w->pad_t + w->pad_b);
        out.w = rg_out(in.w, w->kw, w->stride_w, w->dilation_w,
                       w->pad_l + w->pad_r);
    } while (out.h < 1 || out.w < 1 ||
             (w->kh - 1) * w->dilation_h + 1 > in.h + w->pad_t + w->pad_b ||
             (w->kw - 1) * w->dilation_w + 1 > in.w + w->pad_l + w->pad_r);
    return out;
}

static inline void rg_add_weighted(pta_ctx *ctx, random_graph *r, pta_op op,
                                   int32_t from)
{
    pta_node n = pta_node_make(op);
    pta_view in = r->graph->nodes[from].view, out = in;
    int64_t n_kernel = in.c, fan_in = 1;
    int32_t i;
    n.n_in = 1;
    n.in = &from;
    n.has_bias = op == PTA_OP_SCALE_SHIFT || rg_range(r, 0, 3) != 0;
    if (op == PTA_OP_DENSE) {
        fan_in = pta_view_count(in);
        out = (pta_view){1, 1, (int32_t)rg_range(r, 1, 6)};
        n_kernel = fan_in * out.c;
    } else if (op != PTA_OP_SCALE_SHIFT) {
        out = rg_window(r, &n, in);
        bool full = op == PTA_OP_CONV;
        out.c = full ? (int32_t)rg_range(r, 1, 6)
                     : in.c * (int32_t)rg_range(r, 1, 2);
        fan_in = (int64_t)n.window.kh * n.window.kw * (full ? in.c : 1);
        n_kernel = fan_in * out.c;
    }
    rg_random_activation(r, &n, (double)rg_range(r, 1, 40) / 7.0);
    rg_add(ctx, r, &n, out, &i);
    rg_weights(r, i, n_kernel, fan_in);
}

/* Up to three earlier tensors of the same view whose alignment is modest. */
static inline int32_t rg_partners(const random_graph *r, int32_t from,
                                  int32_t *in, int32_t most)
{
    pta_view v = r->graph->nodes[from].view;
    int32_t n = 0;
    in[n++] = from;
    for (int32_t k = 0; k < r->graph->n_nodes && n < most; k++) {
        pta_view o = r->graph->nodes[k].view;
        int apart = rg_frac(r->formats[k].out) - rg_frac(r->formats[from].out);
        if (o.h == v.h && o.w == v.w && o.c == v.c && abs(apart) <= 12) {
            in[n++] = k;
        }
    }
    return n;
}

static inline void rg_add_merge(pta_ctx *ctx, random_graph *r, pta_op op,
                                int32_t from)
{
    pta_node n = pta_node_make(op);
    pta_view out = r->graph->nodes[from].view;
    int32_t in[3], i, most = -100, sum = 0;
    n.in = in;
    n.n_in =
        rg_partners(r, from, in, op == PTA_OP_SUB || op == PTA_OP_MUL ? 2 : 3);
    for (int32_t k = 0; k < n.n_in; k++) {
        int frac = rg_frac(r->formats[in[k]].out);
        most = frac > most ? frac : most;
        sum += frac;
    }
    if (op == PTA_OP_CONCAT) {
        n.axis = (int32_t)rg_range(r, 0, 2);
        int32_t *size = n.axis == 0 ? &out.h : n.axis == 1 ? &out.w : &out.c;
        *size *= n.n_in;
    } else {
        rg_random_activation(r, &n, (double)rg_range(r, 1, 40) / 3.0);
    }
    rg_add(ctx, r, &n, out, &i);
    r->formats[i].acc_frac = op == PTA_OP_MUL ? sum : most;
}

static inline void rg_add_relu(pta_ctx *ctx, random_graph *r, int32_t from)
{
    pta_node n = pta_node_make(PTA_OP_RELU);
    int32_t i;
    n.n_in = 1;
    n.in = &from;
    n.alpha = (double)rg_range(r, 0, 9) / 10.0;
    n.threshold = (double)rg_range(r, -3, 3) / 9.0;
    n.act_max =
        rg_range(r, 0, 1) == 0 ? HUGE_VAL : (double)rg_range(r, 1, 60) / 7.0;
    rg_add(ctx, r, &n, r->graph->nodes[from].view, &i);
    r->formats[i].weight = (pta_format){.width = (int16_t)rg_width(r),
                                        .integer = 1,
                                        .is_signed = true,
                                        .rounding = PTA_RND_RND,
                                        .overflow = PTA_OVF_SAT_SYM};
    r->formats[i].acc_frac =
        rg_frac(r->formats[i].weight) + rg_frac(r->formats[from].out);
}

static inline void rg_add_other(pta_ctx *ctx, random_graph *r, pta_op op,
                                int32_t from)
{
    pta_node n = pta_node_make(op);
    pta_view in = r->graph->nodes[from].view, out = in;
    int32_t i, dim[3] = {in.h, in.w, in.c};
    n.n_in = 1;
    n.in = &from;
    n.keras_major = (int32_t)rg_range(r, 2, 3);
    if (op == PTA_OP_MAXPOOL || op == PTA_OP_AVGPOOL) {
        out = rg_window(r, &n, in);
    } else if (op == PTA_OP_PERMUTE) {
        int32_t first = (int32_t)rg_range(r, 0, 2);
        int32_t turn = (int32_t)rg_range(r, 1, 2);
        int32_t perm[3] = {first, (first + turn) % 3, (first + 2 * turn) % 3};
        memcpy(n.perm, perm, sizeof perm);
        out = (pta_view){dim[perm[0]], dim[perm[1]], dim[perm[2]]};
    } else if (op == PTA_OP_ZEROPAD) {
        n.window.pad_t = (int32_t)rg_range(r, 0, 2);
        n.window.pad_b = (int32_t)rg_range(r, 0, 2);
        n.window.pad_l = (int32_t)rg_range(r, 0, 2);
        n.window.pad_r = (int32_t)rg_range(r, 0, 2);
        out.h += n.window.pad_t + n.window.pad_b;
        out.w += n.window.pad_l + n.window.pad_r;
    } else if (op == PTA_OP_RESHAPE) {
        out = (pta_view){in.w, in.h, in.c};
    }
    rg_add(ctx, r, &n, out, &i);
    r->formats[i].acc_frac = rg_frac(r->formats[from].out);
}

static inline void rg_add_node(pta_ctx *ctx, random_graph *r, pta_op op,
                               int32_t from)
{
    if (op == PTA_OP_DENSE || op == PTA_OP_CONV || op == PTA_OP_DWCONV ||
        op == PTA_OP_SCALE_SHIFT) {
        rg_add_weighted(ctx, r, op, from);
    } else if (op == PTA_OP_RELU) {
        rg_add_relu(ctx, r, from);
    } else if (op >= PTA_OP_ADD && op <= PTA_OP_CONCAT) {
        rg_add_merge(ctx, r, op, from);
    } else {
        rg_add_other(ctx, r, op, from);
    }
    int32_t i = r->graph->n_nodes - 1;
    rg_finish(r, i, r->formats[i].acc_frac);
    rg_evaluate(r, i);
}

/* An op that the tensor `from` can go through; a dense layer brings very small
 * values back, where an oracle of 128 bits could not align them. */
static inline pta_op rg_random_op(random_graph *r, int32_t from)
{
    pta_format f = r->formats[from].out;
    if (abs(rg_frac(f)) > 34) {
        return PTA_OP_DENSE;
    }
    for (;;) {
        pta_op op = (pta_op)rg_range(r, PTA_OP_DENSE, PTA_OP_CONCAT);
        bool is_table = op == PTA_OP_SIGMOID || op == PTA_OP_TANH;
        bool grows = op == PTA_OP_CONCAT || op == PTA_OP_ZEROPAD;
        if (op != PTA_OP_SOFTMAX && !(is_table && f.width > 14) &&
            !(grows && pta_view_count(r->graph->nodes[from].view) > 200) &&
            !(op == PTA_OP_MUL && f.width > 30)) {
            return op;
        }
    }
}

/* Inputs and `n_nodes` random nodes, most of them one after the other; the
 * last two are the outputs. */
static inline void rg_make(pta_ctx *ctx, random_graph *r, int n_nodes)
{
    if (pta_graph_create(ctx, "random", &r->graph) != PTA_OK) {
        abort();
    }
    r->weights = (pta_weights){rg_read, r};
    pta_view view = {(int32_t)rg_range(r, 1, 6), (int32_t)rg_range(r, 1, 6),
                     (int32_t)rg_range(r, 1, 5)};
    rg_add_input(ctx, r, view);
    rg_add_input(ctx, r, view);
    for (int k = 0; k < n_nodes; k++) {
        int32_t last = r->graph->n_nodes - 1;
        int32_t from =
            rg_range(r, 0, 3) == 0 ? (int32_t)rg_range(r, 0, last) : last;
        rg_add_node(ctx, r, rg_random_op(r, from), from);
    }
    for (int32_t i = r->graph->n_nodes - 2; i < r->graph->n_nodes; i++) {
        if (pta_graph_add_output(ctx, r->graph, i) != PTA_OK) {
            abort();
        }
    }
}

static inline void rg_free(pta_ctx *ctx, random_graph *r)
{
    for (int32_t i = 0; i < r->graph->n_nodes; i++) {
        free(r->kernel[i]);
        free(r->bias[i]);
        free(r->raw[i]);
        r->kernel[i] = r->bias[i] = NULL;
        r->raw[i] = NULL;
        r->formats[i] = (pta_node_format){.acc_frac = 0};
    }
    pta_graph_destroy(ctx, &r->graph);
}

#endif
