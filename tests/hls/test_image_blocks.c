/* Block tests of windows, pooling, padding and forks. */
#include "image.h"
#include "kernels/conv.h"
#include "kernels/move_blas.h"
#include "kernels/pool.h"
#include "kernels/shape.h"

/* Streams of all samples: positions of the image, its channels each. */
static hls_stream *image_in(hls_case *c, const hls_window *g, bool is_signed)
{
    hls_stream *x =
        hls_in(c, "in", g->in.c, g->p, g->w, g->in.h * g->in.w * c->samples);
    hls_fill(c, x, is_signed);
    return x;
}

static hls_stream *image_out(hls_case *c, pta_image v, int32_t p, int32_t w)
{
    return hls_out(c, "out", v.c, p, w, v.h * v.w * c->samples);
}

static void draw_window(hls_case *c)
{
    hls_window g;
    hls_draw_window(c, &g, 32, false);
    c->samples = 3;
    const pta_cells *k = &g.cells;
    int32_t count = k->kh * k->kw * g.in.c;
    bool plain = g.in.c % g.p == 0 && hls_draw(c, "plain", 0, 1) == 0;
    int32_t p_out =
        plain ? g.p : (int32_t)hls_draw(c, "P_OUT", 1, hls_min(count, 24));
    hls_set(c, "P_OUT", p_out);
    hls_stream *x = image_in(c, &g, true);
    pta_image out = {g.out.h, g.out.w, count};
    hls_stream *y = image_out(c, out, p_out, g.w);
    pta_blas_window window = {.h = g.in.h,
                              .w = g.in.w,
                              .c = g.in.c,
                              .oh = g.out.h,
                              .ow = g.out.w,
                              .kh = k->kh,
                              .kw = k->kw,
                              .stride_h = k->stride_h,
                              .stride_w = k->stride_w,
                              .dilation_h = k->dilation_h,
                              .dilation_w = k->dilation_w,
                              .pad_t = k->pad_t,
                              .pad_l = k->pad_l};
    pta_blas_im2col(y->data, x->data, sizeof *y->data, &window, 0, y->vectors);
    if (plain || (p_out == g.p && g.in.c % g.p == 0)) {
        hls_expect_cells(c, &g, 0);
    }
}

static void draw_pool_max(hls_case *c)
{
    hls_window g;
    hls_draw_window(c, &g, 32, true);
    c->samples = 3;
    bool is_signed = hls_param(c, "IN_SIGNED", 0, 1) != 0;
    hls_stream *x = image_in(c, &g, is_signed);
    hls_stream *y = image_out(c, g.out, g.p, g.w);
    pta_pool p = {.in = g.in,
                  .out = g.out,
                  .window = g.cells,
                  .x = PTA_S64,
                  .y = PTA_S64};
    hls_tensors t;
    hls_batch(&t, c, x, NULL, y);
    pta_maxpool_ref(&p, &t.batch);
    hls_expect_pool(c, &g, 1);
}

/* Passes the output format but its width, as the conversion wants it. */
static void pass_format(hls_case *c, pta_format f, int32_t shift)
{
    hls_set(c, "WOUT", f.width);
    hls_set(c, "OUT_SIGNED", f.is_signed);
    hls_set(c, "OVERFLOW", f.overflow);
    hls_set(c, "SHIFT", shift);
}

static int32_t draw_shift(hls_case *c)
{
    int32_t shift = (int32_t)hls_draw(c, "SHIFT", -8, 30);
    return hls_draw(c, "likely", 0, 1) == 0 ? shift : shift % 3;
}

/* 15 cells, the most that 4 bits count. */
static void set_largest_sums(hls_case *c, hls_window *g)
{
    *g = (hls_window){.in = {5, 9, 3}, .out = {3, 6, 3}, .p = 2};
    g->cells = (pta_cells){.kh = 3,
                           .kw = 5,
                           .stride_h = 1,
                           .stride_w = 1,
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .pad_l = 1};
    g->w = (int32_t)hls_param(c, "W", 2, 20);
    hls_set_window(c, g);
}

/* Of the first sample: all elements at their greatest. */
static void fill_greatest(const hls_stream *x, int32_t samples)
{
    for (int32_t i = 0; i < x->vectors / samples * x->count; i++) {
        x->data[i] = (INT64_C(1) << x->w) - 1;
    }
}

static void draw_pool_avg(hls_case *c)
{
    /* Averages of 1 and little less, and a half for rounding: n of the RTL needs
     * all its bits. Shifted left by more than the output has bits. */
    bool largest = c->index == 2, left = c->index == 5;
    hls_window g;
    if (largest) {
        set_largest_sums(c, &g);
    } else {
        hls_draw_window(c, &g, 20, true);
    }
    c->samples = 3;
    bool is_signed = !largest && hls_draw(c, "IN_SIGNED", 0, 1) != 0;
    hls_set(c, "IN_SIGNED", is_signed);
    pta_format f =
        hls_format(c, left ? 2 : (int32_t)hls_draw(c, "WOUT", 2, 20));
    f.rounding = PTA_RND_RND;
    f.overflow = left ? PTA_OVF_SAT : f.overflow;
    int32_t shift = largest ? g.w : left ? -8 : draw_shift(c);
    pass_format(c, f, shift);
    hls_stream *x = image_in(c, &g, is_signed);
    if (largest) {
        fill_greatest(x, c->samples);
    }
    hls_stream *y = image_out(c, g.out, g.p, f.width);
    pta_pool p = {.in = g.in,
                  .out = g.out,
                  .window = g.cells,
                  .x = PTA_S64,
                  .y = PTA_S64,
                  .x_frac = shift + pta_frac(f),
                  .y_format = f};
    hls_tensors t;
    hls_batch(&t, c, x, NULL, y);
    pta_avgpool_ref(&p, &t.batch);
    hls_expect_pool(c, &g, 6);
}

#define MAX_ROWS (8 * 4)

/* Weights and biases of a depthwise convolution, and their files. */
static void draw_weights(hls_case *c, const hls_window *g, pta_matrix *m,
                         int64_t *w, int64_t *bias, int32_t mult, int32_t ww,
                         int32_t acc)
{
    int32_t cb = hls_ceil(g->in.c, g->p), lanes = g->p * mult;
    for (int32_t i = 0; i < m->rows * m->cols; i++) {
        w[i] = hls_value(c, ww, true);
    }
    for (int32_t r = 0; r < m->rows; r++) {
        bias[r] = hls_value(c, acc - 1, true);
    }
    FILE *f = hls_file(c, "W_FILE");
    for (int32_t at = 0; at < m->cols * cb; at++) {
        int64_t word[MAX_ROWS] = {0};
        for (int32_t i = 0; i < lanes; i++) {
            int32_t row = at % cb * lanes + i;
            word[i] = row < m->rows ? w[row * m->cols + at / cb] : 0;
        }
        hls_word(f, word, lanes, ww);
    }
    f = hls_file(c, "B_FILE");
    for (int32_t b = 0; b < cb; b++) {
        int64_t word[MAX_ROWS] = {0};
        for (int32_t i = 0; i < lanes && b * lanes + i < m->rows; i++) {
            word[i] = bias[b * lanes + i];
        }
        hls_word(f, word, lanes, acc);
    }
}

static void draw_depthwise(hls_case *c)
{
    static int64_t w[MAX_ROWS * 64], bias[MAX_ROWS];
    hls_window g;
    hls_draw_window(c, &g, 16, false);
    c->samples = 3;
    bool is_signed = hls_param(c, "IN_SIGNED", 0, 1) != 0;
    int32_t mult = (int32_t)hls_param(c, "MULT", 1, 3);
    hls_param(c, "W_BLOCK", 0, 1);
    bool ram = hls_param(c, "RAM", 0, 1) != 0;
    pta_conv conv = {.in = g.in, .out = g.out, .window = g.cells};
    conv.out.c = g.in.c * mult;
    conv.x = conv.y = PTA_S64;
    conv.w = (pta_matrix){.rows = conv.out.c,
                          .cols = g.cells.kh * g.cells.kw,
                          .type = PTA_S64,
                          .data = w,
                          .bias = bias};
    conv.w.row_bytes = sizeof *w * (size_t)conv.w.cols;
    int32_t ww = (int32_t)hls_param(c, "WW", 2, 16);
    int32_t acc = g.w + 1 + ww + 5;
    hls_set(c, "WACC", acc);
    hls_memory(c, 'w', "W_FILE", g.p * mult * ww);
    hls_memory(c, 'b', "B_FILE", g.p * mult * acc);

    pta_format f = hls_format(c, (int32_t)hls_draw(c, "WOUT", 2, 20));
    int32_t shift = (int32_t)hls_draw(c, "SHIFT", -4, 20);
    int64_t act_max = hls_draw(c, "ACT_MAX", 0, 5000);
    pass_format(c, f, shift);
    hls_set(c, "ROUNDING", f.rounding);
    hls_set(c, "ACT_MAX", act_max);
    pta_activation act = (pta_activation)hls_param(c, "ACT", 0, 2);
    conv.epilogue = pta_epilogue_make(shift + pta_frac(f), act, act_max, f);

    hls_stream *x = image_in(c, &g, is_signed);
    hls_stream *y = image_out(c, conv.out, g.p * mult, f.width);
    hls_tensors t;
    hls_batch(&t, c, x, NULL, y);
    draw_weights(c, &g, &conv.w, w, bias, mult, ww, acc);
    pta_dwconv_ref(&conv, &t.batch);
    if (ram) {
        hls_second_set(c);
        draw_weights(c, &g, &conv.w, w, bias, mult, ww, acc);
        pta_dwconv_ref(&conv, &t.batch);
    }
    hls_expect_cells(c, &g, 6);
}

static void draw_pad(hls_case *c)
{
    hls_window g;
    hls_draw_image(c, &g, 60);
    c->samples = 4;
    int32_t top = (int32_t)hls_param(c, "PT", 0, 5);
    int32_t left = (int32_t)hls_param(c, "PL", 0, 5);
    g.out.h = g.in.h + top + (int32_t)hls_param(c, "PB", 0, 5);
    g.out.w = g.in.w + left + (int32_t)hls_param(c, "PR", 0, 5);
    hls_stream *x = image_in(c, &g, true);
    hls_stream *y = image_out(c, g.out, g.p, g.w);
    pta_pad p = {
        .in = g.in, .out = g.out, .top = top, .left = left, .type = PTA_S64};
    hls_tensors t;
    hls_batch(&t, c, x, NULL, y);
    pta_pad_ref(&p, &t.batch);
    int32_t cb = hls_ceil(g.in.c, g.p);
    c->interval = (int64_t)g.out.h * g.out.w * cb;
    c->latency = c->interval - (top * g.out.w + left) * cb;
}

static void draw_fork(hls_case *c)
{
    static const char *const depths[] = {"DEPTH0", "DEPTH1", "DEPTH2",
                                         "DEPTH3"};
    static const char *const memories[] = {"BLOCK0", "BLOCK1", "BLOCK2",
                                           "BLOCK3"};
    static const char *const outs[] = {"out0", "out1", "out2", "out3"};
    int32_t w = (int32_t)hls_param(c, "W", 1, 60);
    int32_t k = (int32_t)hls_param(c, "K", 1, 4);
    c->samples = 100;
    hls_stream *x = hls_in(c, "in", 1, 1, w, c->samples);
    hls_fill(c, x, false);
    c->interval = 1;
    int32_t last = (int32_t)hls_draw(c, "last", 0, k - 1); /* times are its */
    for (int32_t n = 1; n <= 4; n++) {
        int32_t i = (last + n) % 4;
        bool slow = hls_param(c, depths[i], 1, 40) == 1 && i < k;
        c->interval = slow ? 2 : c->interval;
        c->latency = hls_param(c, memories[i], 0, 1) != 0 ? 3 : 1;
        hls_stream *y = hls_out(c, outs[i], 1, 1, w, i < k ? c->samples : 0);
        for (int32_t v = 0; v < y->vectors; v++) {
            y->data[v] = x->data[v];
        }
    }
}

static const hls_block blocks[] = {
    {"window", draw_window},     {"pool_max", draw_pool_max},
    {"pool_avg", draw_pool_avg}, {"depthwise", draw_depthwise},
    {"pad", draw_pad},           {"fork", draw_fork}};

int main(int argc, char **argv)
{
    return hls_main(argc, argv, blocks, sizeof blocks / sizeof blocks[0]);
}
