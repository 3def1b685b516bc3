/* Block tests of joins of two streams and of moved elements. */
#include <stdlib.h>

#include "base/rng.h"
#include "image.h"
#include "kernels/merge.h"
#include "kernels/shape.h"

/* Draws and passes an operand with the given suffix, 0 or 1. */
static pta_operand draw_operand(hls_case *c, const char *width,
                                const char *sign, const char *frac,
                                bool *is_signed)
{
    int32_t w = (int32_t)hls_param(c, width, 2, 24);
    *is_signed = hls_param(c, sign, 0, 1) != 0;
    return (pta_operand){.type = PTA_S64,
                         .frac = (int32_t)hls_draw(c, frac, -6, 20),
                         .width = w};
}

static void pass_format(hls_case *c, pta_format f)
{
    hls_set(c, "WOUT", f.width);
    hls_set(c, "OUT_SIGNED", f.is_signed);
    hls_set(c, "ROUNDING", f.rounding);
    hls_set(c, "OVERFLOW", f.overflow);
}

/* Every operation with every activation, in OPS * ACTS cases. */
#define OPS  (PTA_MERGE_MAXIMUM + 1)
#define ACTS (PTA_ACT_RELU_MAX + 1)

/* Case 0 adds two operands alike, whose sum needs a bit more. */
static void draw_alike(hls_case *c, pta_operand in[2], bool is_signed[2])
{
    in[0] = (pta_operand){.type = PTA_S64,
                          .frac = (int32_t)pta_rng_range(&c->rng, -6, 20),
                          .width = (int32_t)pta_rng_range(&c->rng, 2, 24)};
    in[1] = in[0];
    is_signed[0] = is_signed[1] = false;
    hls_set(c, "W0", in[0].width);
    hls_set(c, "W1", in[0].width);
    hls_set(c, "SIGNED0", 0);
    hls_set(c, "SIGNED1", 0);
}

static void draw_join(hls_case *c)
{
    bool is_signed[2];
    pta_operand in[2];
    if (c->index == 0) {
        draw_alike(c, in, is_signed);
    } else {
        in[0] = draw_operand(c, "W0", "SIGNED0", "FRAC0", &is_signed[0]);
        in[1] = draw_operand(c, "W1", "SIGNED1", "FRAC1", &is_signed[1]);
    }
    pta_merge m = {.op = (pta_merge_op)(c->index % OPS),
                   .act = (pta_activation)(c->index / OPS % ACTS),
                   .n_in = 2,
                   .in = in,
                   .y = PTA_S64};
    m.act_frac = (int32_t)hls_draw(c, "ACT_FRAC", 0, 24);
    int32_t top = in[0].width - in[0].frac;
    bool capped = m.op == PTA_MERGE_MUL && m.act == PTA_ACT_RELU_MAX;
    if (capped) { /* finer than the product, and below some */
        int32_t frac = in[0].frac + in[1].frac;
        m.act_frac = hls_max(frac, 0) + 4;
        int32_t bits = in[0].width + in[1].width - 2 + m.act_frac - frac;
        bits = hls_min(bits, 40);
        m.act_max = (INT64_C(1) << bits) - 1;
        hls_set(c, "ACT_MAX", m.act_max);
        top = bits - m.act_frac;
    } else {
        m.act_max = hls_param(c, "ACT_MAX", 0, 300000);
    }
    hls_set(c, "OP", m.op);
    hls_set(c, "ACT", m.act);
    hls_set(c, "ACT_FRAC", m.act_frac);
    m.y_format = hls_format(c, (int32_t)hls_draw(c, "WOUT", 2, 24));
    if (hls_draw(c, "likely", 0, 2) >
        0) { /* no further from the exact than likely */
        int32_t frac = in[0].frac + (m.op == PTA_MERGE_MUL ? in[1].frac : 0);
        m.y_format.integer =
            (int16_t)(m.y_format.width - frac + hls_draw(c, "above", -3, 12));
    }
    if (capped || c->index == 0) { /* the largest results show */
        m.y_format.integer = (int16_t)top;
        m.y_format.overflow = PTA_OVF_SAT;
    }
    pass_format(c, m.y_format);
    hls_set(c, "FRAC0", in[0].frac);
    hls_set(c, "FRAC1", in[1].frac);
    hls_set(c, "FRAC_OUT", pta_frac(m.y_format));

    int32_t count = (int32_t)hls_draw(c, "count", 1, 12);
    int32_t p = (int32_t)hls_param(c, "P", 1, count);
    c->samples = 60;
    m.count = count;
    hls_stream *x0 = hls_in(c, "in0", count, p, in[0].width, c->samples);
    hls_stream *x1 = hls_in(c, "in1", count, p, in[1].width, c->samples);
    hls_stream *y = hls_out(c, "out", count, p, m.y_format.width, c->samples);
    hls_fill(c, x0, is_signed[0]);
    hls_fill(c, x1, is_signed[1]);
    hls_tensors t;
    hls_batch(&t, c, x0, x1, y);
    if (!pta_merge_init(&m)) {
        fprintf(stderr, "join: too wide\n");
        exit(1);
    }
    pta_merge_ref(&m, &t.batch);
    c->interval = hls_ceil(count, p);
    c->latency = c->interval - 1 + 5;
}

static void draw_concat(hls_case *c)
{
    bool is_signed[2];
    pta_operand in[2];
    in[0] = draw_operand(c, "W0", "SIGNED0", "FRAC0", &is_signed[0]);
    in[1] = draw_operand(c, "W1", "SIGNED1", "FRAC1", &is_signed[1]);
    pta_format f = hls_format(c, (int32_t)hls_draw(c, "WOUT", 2, 24));
    pass_format(c, f);
    hls_set(c, "SHIFT0", in[0].frac - pta_frac(f));
    hls_set(c, "SHIFT1", in[1].frac - pta_frac(f));

    bool channels = hls_param(c, "CHANNELS", 0, 1) != 0;
    int32_t turns = (int32_t)hls_draw(c, "turns", 1, 5);
    int32_t n0 = (int32_t)hls_param(c, "N0", 1, 6);
    int32_t n1 = (int32_t)hls_param(c, "N1", 1, 6);
    int32_t unit = (int32_t)hls_draw(c, "unit", 1, 4);
    int32_t c0 = unit * (int32_t)hls_draw(c, "C0", 1, 12 / unit);
    int32_t c1 = unit * (int32_t)hls_draw(c, "C1", 1, 12 / unit);
    c1 = channels ? c1 : c0;
    bool whole = hls_draw(c, "whole", 0, 1) != 0;
    int32_t p = (int32_t)hls_draw(c, "P", 1, hls_min(c0, c1));
    p = whole ? unit : p;
    hls_set(c, "C0", c0);
    hls_set(c, "C1", c1);
    hls_set(c, "P", p);
    c->samples = 10;
    pta_image v[2] = {{turns, channels ? 1 : n0, c0},
                      {turns, channels ? 1 : n1, c1}};
    pta_concat k = {
        .axis = channels ? 2 : 1,
        .n_in = 2,
        .in = in,
        .in_view = v,
        .out = {turns, channels ? 1 : n0 + n1, channels ? c0 + c1 : c0},
        .y = PTA_S64,
        .y_format = f};
    hls_stream *x0 =
        hls_in(c, "in0", c0, p, in[0].width, turns * v[0].w * c->samples);
    hls_stream *x1 =
        hls_in(c, "in1", c1, p, in[1].width, turns * v[1].w * c->samples);
    hls_stream *y =
        hls_out(c, "out", k.out.c, p, f.width, turns * k.out.w * c->samples);
    hls_fill(c, x0, is_signed[0]);
    hls_fill(c, x1, is_signed[1]);
    hls_tensors t;
    hls_batch(&t, c, x0, x1, y);
    pta_concat_ref(&k, &t.batch);
    if (!channels || (c0 % p == 0 && c1 % p == 0)) {
        c->interval = (int64_t)turns *
                      (v[0].w * hls_ceil(c0, p) + v[1].w * hls_ceil(c1, p));
        c->latency = c->interval - 1 + 3;
    }
}

static hls_stream *image(hls_case *c, const hls_window *g, pta_image out,
                         int32_t p_out, hls_tensors *t)
{
    hls_stream *x =
        hls_in(c, "in", g->in.c, g->p, g->w, g->in.h * g->in.w * c->samples);
    hls_stream *y =
        hls_out(c, "out", out.c, p_out, g->w, out.h * out.w * c->samples);
    hls_fill(c, x, true);
    hls_batch(t, c, x, NULL, y);
    return y;
}

static void draw_crop(hls_case *c)
{
    hls_window g;
    hls_draw_image(c, &g, 60);
    c->samples = 4;
    pta_crop k = {.in = g.in, .out = g.in, .type = PTA_S64};
    k.first_h = (int32_t)hls_param(c, "FIRST_ROW", 0, g.in.h - 1);
    k.out.h = (int32_t)hls_param(c, "OUT_ROWS", 1, g.in.h - k.first_h);
    k.first_c = (int32_t)hls_param(c, "FIRST_C", 0, g.in.c - 1);
    k.out.c = (int32_t)hls_param(c, "OUT_C", 1, g.in.c - k.first_c);
    hls_tensors t;
    image(c, &g, k.out, g.p, &t);
    pta_crop_ref(&k, &t.batch);
    if (k.first_c % g.p == 0) {
        int32_t cb = hls_ceil(g.in.c, g.p);
        int32_t before = (k.first_h + k.out.h) * g.in.w * cb - cb;
        c->interval = (int64_t)g.in.h * g.in.w * cb;
        c->latency = before + hls_ceil(k.first_c + k.out.c, g.p) - 1 + 1;
    }
}

/* An image that fills its memory to the last word. */
static void draw_full(hls_case *c, hls_window *g)
{
    *g = (hls_window){.in = {4, 2, 2}, .p = 1, .w = 8};
    hls_set(c, "ROWS", g->in.h);
    hls_set(c, "COLS", g->in.w);
    hls_set(c, "C", g->in.c);
    hls_set(c, "P", g->p);
    hls_set(c, "W", g->w);
}

static void draw_permute(hls_case *c)
{
    static const int32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    hls_window g;
    bool full = c->index == 6 || c->index == 7;
    if (full) {
        draw_full(c, &g);
    } else {
        hls_draw_image(c, &g, 40);
    }
    c->samples = 4;
    const int32_t *perm =
        orders[c->index < 6 ? c->index : hls_draw(c, "order", 0, 5)];
    pta_permute k = {
        .in = g.in, .perm = {perm[0], perm[1], perm[2]}, .type = PTA_S64};
    int32_t size[3] = {g.in.h, g.in.w, g.in.c};
    pta_image out = {size[perm[0]], size[perm[1]], size[perm[2]]};
    hls_set(c, "PERM0", perm[0]);
    hls_set(c, "PERM1", perm[1]);
    hls_set(c, "PERM2", perm[2]);
    if (full) {
        hls_set(c, "BLOCK", c->index == 7);
    } else {
        hls_param(c, "BLOCK", 0, 1);
    }
    bool whole = perm[2] == 2;
    int32_t p_out = whole ? g.p : (int32_t)hls_draw(c, "P_OUT", 1, out.c);
    hls_set(c, "P_OUT", p_out);
    hls_tensors t;
    image(c, &g, out, p_out, &t);
    pta_permute_ref(&k, &t.batch);
    if (whole || (g.p == 1 && p_out == 1)) {
        c->interval = (int64_t)g.in.h * g.in.w * hls_ceil(g.in.c, g.p);
        c->latency = 2 * c->interval + 1;
    }
}

static const hls_block blocks[] = {{"join_binary", draw_join},
                                   {"concat", draw_concat},
                                   {"crop", draw_crop},
                                   {"permute", draw_permute}};

int main(int argc, char **argv)
{
    return hls_main_cases(argc, argv, blocks, sizeof blocks / sizeof blocks[0],
                          OPS * ACTS);
}
