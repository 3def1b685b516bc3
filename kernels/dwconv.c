/* Depthwise convolution. Variants: ref (any types), fast (s8 and s16). */
#include "kernels/conv.h"

static int64_t dwconv_sum(const pta_conv *c, const void *x, int32_t row,
                          int32_t oh, int32_t ow)
{
    const pta_cells *k = &c->window;
    int32_t ci = row / (c->out.c / c->in.c);
    int64_t sum = 0;
    for (int32_t i = 0; i < k->kh; i++) {
        int32_t h = oh * k->stride_h - k->pad_t + i * k->dilation_h;
        for (int32_t j = 0; j < k->kw; j++) {
            int32_t w = ow * k->stride_w - k->pad_l + j * k->dilation_w;
            if (h < 0 || h >= c->in.h || w < 0 || w >= c->in.w) {
                continue;
            }
            int64_t cell = ((int64_t)h * c->in.w + w) * c->in.c;
            sum += pta_weight_at(&c->w, row, (int64_t)i * k->kw + j) *
                   pta_load(x, c->x, cell + ci);
        }
    }
    return sum;
}

void pta_dwconv_ref(const pta_conv *c, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        int64_t at = 0;
        for (int32_t oh = 0; oh < c->out.h; oh++) {
            for (int32_t ow = 0; ow < c->out.w; ow++) {
                for (int32_t row = 0; row < c->w.rows; row++) {
                    int64_t sum = dwconv_sum(c, x, row, oh, ow);
                    sum = pta_epilogue_ref(sum, pta_bias_at(&c->w, row),
                                           &c->epilogue);
                    pta_store(y, c->y, at++, sum);
                }
            }
        }
    }
}

/* ---- fast: multiplier 1, the channels of a cell together ---- */

#define CHANNELS 64 /* at a time */

/* sum[i] += w[row first + i] at `col` times x[i], n channels. */
static void add_cell(const pta_conv *c, const void *x, int64_t at,
                     int32_t first, int32_t n, int64_t col,
                     int64_t *restrict sum)
{
    const char *w = (const char *)c->w.data + (size_t)first * c->w.row_bytes;
    if (c->x == PTA_S8) {
        const int8_t *from = (const int8_t *)x + at;
        for (int32_t i = 0; i < n; i++, w += c->w.row_bytes) {
            sum[i] += from[i] * pta_load(w, c->w.type, col);
        }
    } else {
        const int16_t *from = (const int16_t *)x + at;
        for (int32_t i = 0; i < n; i++, w += c->w.row_bytes) {
            sum[i] += from[i] * pta_load(w, c->w.type, col);
        }
    }
}

/* Channels [first, first + n) of one output. */
static void dwconv_cell(const pta_conv *c, const void *x, void *y, int32_t oh,
                        int32_t ow, int32_t first, int32_t n)
{
    const pta_cells *k = &c->window;
    int64_t sum[CHANNELS] = {0};
    for (int32_t i = 0; i < k->kh; i++) {
        int32_t h = oh * k->stride_h - k->pad_t + i * k->dilation_h;
        for (int32_t j = 0; j < k->kw; j++) {
            int32_t w = ow * k->stride_w - k->pad_l + j * k->dilation_w;
            if (h < 0 || h >= c->in.h || w < 0 || w >= c->in.w) {
                continue;
            }
            int64_t cell = ((int64_t)h * c->in.w + w) * c->in.c;
            add_cell(c, x, cell + first, first, n, (int64_t)i * k->kw + j, sum);
        }
    }
    int64_t out = ((int64_t)oh * c->out.w + ow) * c->out.c + first;
    for (int32_t i = 0; i < n; i++) {
        int64_t v = pta_epilogue_ref(sum[i], pta_bias_at(&c->w, first + i),
                                     &c->epilogue);
        pta_store(y, c->y, out + i, v);
    }
}

void pta_dwconv_fast(const pta_conv *c, const pta_batch *batch)
{
    if (c->out.c != c->in.c || (c->x != PTA_S8 && c->x != PTA_S16)) {
        pta_dwconv_ref(c, batch);
        return;
    }
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int32_t oh = 0; oh < c->out.h; oh++) {
            for (int32_t ow = 0; ow < c->out.w; ow++) {
                for (int32_t f = 0; f < c->out.c; f += CHANNELS) {
                    int32_t left = c->out.c - f;
                    dwconv_cell(c, x, y, oh, ow, f,
                                left < CHANNELS ? left : CHANNELS);
                }
            }
        }
    }
}
