/*
 * Convolution. Variants: ref (any types), fast (s8 and s16: the image is
 * padded in the work memory and tiles of product.h run over it directly,
 * without im2col).
 */
#include "kernels/conv.h"

#include <string.h>

/* Sum of one output, over the real cells of its window. */
static int64_t conv_sum(const pta_conv *c, const void *x, int32_t row,
                        int32_t oh, int32_t ow)
{
    const pta_cells *k = &c->window;
    int64_t sum = 0;
    for (int32_t i = 0; i < k->kh; i++) {
        int32_t h = oh * k->stride_h - k->pad_t + i * k->dilation_h;
        for (int32_t j = 0; j < k->kw; j++) {
            int32_t w = ow * k->stride_w - k->pad_l + j * k->dilation_w;
            if (h < 0 || h >= c->in.h || w < 0 || w >= c->in.w) {
                continue;
            }
            int64_t cell = ((int64_t)h * c->in.w + w) * c->in.c;
            int64_t col = ((int64_t)i * k->kw + j) * c->in.c;
            for (int32_t ci = 0; ci < c->in.c; ci++) {
                sum += pta_weight_at(&c->w, row, col + ci) *
                       pta_load(x, c->x, cell + ci);
            }
        }
    }
    return sum;
}

void pta_conv_ref(const pta_conv *c, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        int64_t at = 0;
        for (int32_t oh = 0; oh < c->out.h; oh++) {
            for (int32_t ow = 0; ow < c->out.w; ow++) {
                for (int32_t row = 0; row < c->w.rows; row++) {
                    int64_t sum = conv_sum(c, x, row, oh, ow);
                    sum = pta_epilogue_ref(sum, pta_bias_at(&c->w, row),
                                           &c->epilogue);
                    pta_store(y, c->y, at++, sum);
                }
            }
        }
    }
}

/* ---- fast ---- */

/* The padded image, a cell more for what a tile reads past a run. */
static pta_image padded(const pta_conv *c)
{
    const pta_cells *k = &c->window;
    return (pta_image){c->in.h + k->pad_t + k->pad_b,
                       c->in.w + k->pad_l + k->pad_r, c->in.c};
}

static int64_t padded_elements(const pta_conv *c)
{
    return (pta_image_count(padded(c)) + 63) / 32 * 32;
}

/* A row of the window is one run, unless dilation parts its cells. */
static pta_segments segments_of(const pta_conv *c)
{
    const pta_cells *k = &c->window;
    int32_t row = padded(c).w * c->in.c * k->dilation_h;
    if (k->dilation_w == 1 || k->kw == 1) {
        return (pta_segments){.count = k->kh,
                              .length = k->kw * c->in.c,
                              .per_row = 1,
                              .row_stride = row};
    }
    return (pta_segments){.count = k->kh * k->kw,
                          .length = c->in.c,
                          .per_row = k->kw,
                          .row_stride = row,
                          .run_stride = c->in.c * k->dilation_w};
}

static bool takes(const pta_conv *c, const pta_product_ops *ops)
{
    /* offsets in a padded image are 32 bits */
    return ops != NULL && pta_product_takes(&c->w, c->x) &&
           padded_elements(c) < INT32_MAX / 4;
}

size_t pta_conv_prepared_bytes(const pta_conv *c, const pta_product_ops *ops)
{
    if (!takes(c, ops)) {
        return 0;
    }
    return pta_product_bytes(&c->w, c->x, ops, segments_of(c), true);
}

void pta_conv_prepare(pta_conv *c, const pta_product_ops *ops, void *memory)
{
    c->product.ops = NULL;
    if (takes(c, ops)) {
        pta_product_prepare(&c->product, &c->w, c->x, c->y, &c->epilogue, ops,
                            segments_of(c), padded_elements(c), true, memory);
    }
}

size_t pta_conv_work_bytes(const pta_conv *c)
{
    const pta_product *p = &c->product;
    if (p->ops == NULL) {
        return 0;
    }
    return (size_t)padded_elements(c) * pta_product_element(p) *
           (size_t)p->limbs;
}

/* The interior of the padded image; its border stays as it is. */
static void spread_image(const pta_conv *c, const char *x, char *work)
{
    const pta_product *p = &c->product;
    size_t element = pta_product_element(p), cell = (size_t)c->in.c;
    size_t row = cell * (size_t)padded(c).w;
    size_t in_row = cell * (size_t)c->in.w;
    size_t first =
        row * (size_t)c->window.pad_t + cell * (size_t)c->window.pad_l;
    for (int32_t h = 0; h < c->in.h; h++) {
        pta_product_spread(p, x + in_row * pta_type_bytes(c->x) * (size_t)h,
                           (int64_t)in_row,
                           work + (first + row * (size_t)h) * element);
    }
}

/* Outputs [at, at + n) of one sample, all rows of one panel. */
static void conv_points(const pta_conv *c, int32_t at, int32_t n, int32_t row,
                        int32_t blocks, const char *packed, const char *work,
                        char *out)
{
    const char *x[PTA_PRODUCT_POINTS];
    char *y[PTA_PRODUCT_POINTS];
    size_t cell = pta_product_element(&c->product) * (size_t)c->in.c;
    size_t y_cell = pta_type_bytes(c->y) * (size_t)c->out.c;
    int32_t oh = at / c->out.w, ow = at % c->out.w;
    for (int32_t i = 0; i < PTA_PRODUCT_POINTS; i++) {
        int64_t in = (int64_t)oh * c->window.stride_h * padded(c).w +
                     (int64_t)ow * c->window.stride_w;
        x[i] = work + cell * (size_t)in;
        y[i] = out + y_cell * ((size_t)oh * (size_t)c->out.w + (size_t)ow);
        if (i + 1 < n && ++ow == c->out.w) { /* beyond n: the last again */
            ow = 0;
            oh++;
        }
    }
    c->product.ops->tile(&c->product, row, blocks, packed, x, y, n);
}

static void conv_sample(const pta_conv *c, const char *work, char *y)
{
    const pta_product *p = &c->product;
    int32_t points = c->out.h * c->out.w;
    int32_t lanes = p->ops->lanes, n_blocks = (c->w.rows + lanes - 1) / lanes;
    for (int32_t b = 0; b < n_blocks; b += p->ops->max_blocks) {
        int32_t blocks = n_blocks - b;
        blocks = blocks < p->ops->max_blocks ? blocks : p->ops->max_blocks;
        const char *packed =
            (const char *)p->packed + pta_product_block_bytes(p) * (size_t)b;
        for (int32_t at = 0; at < points; at += PTA_PRODUCT_POINTS) {
            int32_t n = points - at;
            n = n < PTA_PRODUCT_POINTS ? n : PTA_PRODUCT_POINTS;
            conv_points(c, at, n, b * lanes, blocks, packed, work, y);
        }
    }
}

void pta_conv_fast(const pta_conv *c, const pta_batch *batch)
{
    if (c->product.ops == NULL) {
        pta_conv_ref(c, batch);
        return;
    }
    memset(batch->work, pta_product_zero(&c->product), pta_conv_work_bytes(c));
    for (int32_t s = 0; s < batch->n; s++) {
        spread_image(c, pta_batch_x(batch, 0, s), batch->work);
        conv_sample(c, batch->work, pta_batch_y(batch, s));
    }
}
