/* Pooling. Variants: ref (any types); maximum also fast (s8 and s16). */
#include "kernels/pool.h"

#include <string.h>

/* Real cells of one output's window: rows [h0, h1), columns [w0, w1), by
 * dilation. */
typedef struct span {
    int32_t first, last, step;
} span;

static span real_cells(int32_t out, int32_t stride, int32_t pad, int32_t k,
                       int32_t dilation, int32_t size)
{
    span s = {out * stride - pad, out * stride - pad + (k - 1) * dilation,
              dilation};
    while (s.first < 0) {
        s.first += dilation;
    }
    while (s.last >= size) {
        s.last -= dilation;
    }
    return s;
}

static span rows_of(const pta_pool *p, int32_t oh)
{
    return real_cells(oh, p->window.stride_h, p->window.pad_t, p->window.kh,
                      p->window.dilation_h, p->in.h);
}

static span cols_of(const pta_pool *p, int32_t ow)
{
    return real_cells(ow, p->window.stride_w, p->window.pad_l, p->window.kw,
                      p->window.dilation_w, p->in.w);
}

static int64_t max_of(const pta_pool *p, const void *x, span h, span w,
                      int32_t c)
{
    int64_t max = INT64_MIN;
    for (int32_t i = h.first; i <= h.last; i += h.step) {
        for (int32_t j = w.first; j <= w.last; j += w.step) {
            int64_t cell = ((int64_t)i * p->in.w + j) * p->in.c;
            int64_t value = pta_load(x, p->x, cell + c);
            max = value > max ? value : max;
        }
    }
    return max;
}

static int64_t average_of(const pta_pool *p, const void *x, span h, span w,
                          int32_t c)
{
    pta_wide sum = 0;
    int32_t count = 0;
    for (int32_t i = h.first; i <= h.last; i += h.step) {
        for (int32_t j = w.first; j <= w.last; j += w.step) {
            int64_t cell = ((int64_t)i * p->in.w + j) * p->in.c;
            sum += pta_load(x, p->x, cell + c);
            count++;
        }
    }
    int32_t shift = p->x_frac - pta_frac(p->y_format);
    return pta_convert_scaled_ref(sum, count > 0 ? count : 1, shift,
                                  p->y_format);
}

static void pool(const pta_pool *p, const pta_batch *batch,
                 int64_t (*of)(const pta_pool *, const void *, span, span,
                               int32_t))
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        int64_t at = 0;
        for (int32_t oh = 0; oh < p->out.h; oh++) {
            for (int32_t ow = 0; ow < p->out.w; ow++) {
                for (int32_t c = 0; c < p->out.c; c++) {
                    int64_t v = of(p, x, rows_of(p, oh), cols_of(p, ow), c);
                    pta_store(y, p->y, at++, v);
                }
            }
        }
    }
}

void pta_maxpool_ref(const pta_pool *p, const pta_batch *batch)
{
    pool(p, batch, max_of);
}

void pta_avgpool_ref(const pta_pool *p, const pta_batch *batch)
{
    pool(p, batch, average_of);
}

/* The maximum of two rows of channels, in place. */
static void max_s8(int8_t *restrict y, const int8_t *restrict x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        y[i] = x[i] > y[i] ? x[i] : y[i];
    }
}

static void max_s16(int16_t *restrict y, const int16_t *restrict x, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        y[i] = x[i] > y[i] ? x[i] : y[i];
    }
}

static void max_cell(const pta_pool *p, const char *x, char *y, span h, span w)
{
    size_t bytes = pta_type_bytes(p->x), row = bytes * (size_t)p->in.c;
    bool first = true;
    for (int32_t i = h.first; i <= h.last; i += h.step) {
        for (int32_t j = w.first; j <= w.last; j += w.step) {
            const char *cell =
                x + row * ((size_t)i * (size_t)p->in.w + (size_t)j);
            if (first) {
                memcpy(y, cell, row);
                first = false;
            } else if (p->x == PTA_S8) {
                max_s8((int8_t *)(void *)y, (const int8_t *)(const void *)cell,
                       p->in.c);
            } else {
                max_s16((int16_t *)(void *)y,
                        (const int16_t *)(const void *)cell, p->in.c);
            }
        }
    }
}

void pta_maxpool_fast(const pta_pool *p, const pta_batch *batch)
{
    if (p->x != p->y || (p->x != PTA_S8 && p->x != PTA_S16)) {
        pta_maxpool_ref(p, batch);
        return;
    }
    size_t row = pta_type_bytes(p->y) * (size_t)p->out.c;
    for (int32_t s = 0; s < batch->n; s++) {
        char *y = pta_batch_y(batch, s);
        for (int32_t oh = 0; oh < p->out.h; oh++) {
            span h = rows_of(p, oh);
            for (int32_t ow = 0; ow < p->out.w; ow++, y += row) {
                max_cell(p, pta_batch_x(batch, 0, s), y, h, cols_of(p, ow));
            }
        }
    }
}
