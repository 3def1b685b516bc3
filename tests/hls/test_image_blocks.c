/* Block tests of windows, pooling, padding and forks. */
#include "image.h"
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
    bool plain = g.in.c % g.p == 0 && hls_draw(c, 0, 1) == 0;
    int32_t p_out = plain ? g.p : (int32_t)hls_draw(c, 1, hls_min(count, 24));
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
    for (int32_t i = 0; i < 4; i++) {
        hls_param(c, depths[i], 1, 40);
        hls_param(c, memories[i], 0, 1);
        hls_stream *y = hls_out(c, outs[i], 1, 1, w, i < k ? c->samples : 0);
        for (int32_t v = 0; v < y->vectors; v++) {
            y->data[v] = x->data[v];
        }
    }
}

static const hls_block blocks[] = {{"window", draw_window},
                                   {"pool_max", draw_pool_max},
                                   {"pad", draw_pad},
                                   {"fork", draw_fork}};

int main(int argc, char **argv)
{
    return hls_main(argc, argv, blocks, sizeof blocks / sizeof blocks[0]);
}
