/*
 * Dense layer. Variants: ref (any types), fast (s8 and s16: product.h; one
 * sample reads the row-major weights, more run in tiles of packed weights).
 */
#include "kernels/dense.h"

#include <string.h>

void pta_dense_ref(const pta_dense *d, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int32_t row = 0; row < d->w.rows; row++) {
            int64_t sum = 0;
            for (int32_t col = 0; col < d->w.cols; col++) {
                sum += pta_weight_at(&d->w, row, col) * pta_load(x, d->x, col);
            }
            sum = pta_epilogue_ref(sum, pta_bias_at(&d->w, row), &d->epilogue);
            pta_store(y, d->y, row, sum);
        }
    }
}

/* ---- fast ---- */

#define FEW 3 /* samples for which packing does not pay */
#define PACKED_MAX                                                             \
    ((size_t)4 << 20) /* a second copy of larger weights would
                                        break the bound on memory per rank */

static pta_segments segments_of(const pta_matrix *w)
{
    return (pta_segments){.count = 1, .length = w->cols, .per_row = 1};
}

static bool keeps_packed(const pta_dense *d, const pta_product_ops *ops)
{
    pta_segments all = segments_of(&d->w);
    return pta_product_bytes(&d->w, d->x, ops, all, true) <= PACKED_MAX;
}

static size_t padded_cols(const pta_dense *d)
{
    return ((size_t)d->w.cols + 63) / 64 * 64;
}

size_t pta_dense_prepared_bytes(const pta_dense *d, const pta_product_ops *ops)
{
    if (ops == NULL || !pta_product_takes(&d->w, d->x)) {
        return 0;
    }
    return pta_product_bytes(&d->w, d->x, ops, segments_of(&d->w),
                             keeps_packed(d, ops));
}

void pta_dense_prepare(pta_dense *d, const pta_product_ops *ops, void *memory)
{
    d->product.ops = NULL;
    if (ops != NULL && pta_product_takes(&d->w, d->x)) {
        pta_product_prepare(&d->product, &d->w, d->x, d->y, &d->epilogue, ops,
                            segments_of(&d->w), (int64_t)padded_cols(d),
                            keeps_packed(d, ops), memory);
    }
}

/* Spread samples, limbs after one another. */
static size_t spread_bytes(const pta_dense *d)
{
    const pta_product *p = &d->product;
    return padded_cols(d) * pta_product_element(p) * (size_t)p->limbs;
}

size_t pta_dense_work_bytes(const pta_dense *d, int32_t n)
{
    const pta_product *p = &d->product;
    if (p->ops == NULL || n <= FEW) {
        return 0;
    }
    size_t panel = p->packed != NULL ? 0
                                     : (size_t)p->ops->max_blocks *
                                           pta_product_block_bytes(p);
    return (size_t)n * spread_bytes(d) + panel;
}

/* One panel of rows for all samples. */
static void dense_panel(const pta_dense *d, const pta_batch *batch, int32_t row,
                        int32_t blocks, const void *packed)
{
    size_t stride = spread_bytes(d);
    for (int32_t s = 0; s < batch->n; s += PTA_PRODUCT_POINTS) {
        const char *x[PTA_PRODUCT_POINTS];
        char *y[PTA_PRODUCT_POINTS];
        int32_t left = batch->n - s;
        left = left < PTA_PRODUCT_POINTS ? left : PTA_PRODUCT_POINTS;
        for (int32_t i = 0; i < PTA_PRODUCT_POINTS; i++) {
            int32_t sample = s + (i < left ? i : left - 1);
            x[i] = (const char *)batch->work + stride * (size_t)sample;
            y[i] = pta_batch_y(batch, sample);
        }
        d->product.ops->tile(&d->product, row, blocks, packed, x, y, left);
    }
}

static void dense_many(const pta_dense *d, const pta_batch *batch)
{
    const pta_product *p = &d->product;
    char *work = batch->work;
    for (int32_t s = 0; s < batch->n; s++) {
        pta_product_spread(p, pta_batch_x(batch, 0, s), d->w.cols,
                           work + spread_bytes(d) * (size_t)s);
    }
    char *panel = work + spread_bytes(d) * (size_t)batch->n;
    int32_t lanes = p->ops->lanes, n_blocks = (d->w.rows + lanes - 1) / lanes;
    for (int32_t b = 0; b < n_blocks; b += p->ops->max_blocks) {
        int32_t blocks = n_blocks - b;
        blocks = blocks < p->ops->max_blocks ? blocks : p->ops->max_blocks;
        const char *packed = p->packed;
        if (packed != NULL) {
            packed += pta_product_block_bytes(p) * (size_t)b;
        } else {
            pta_product_pack(p, segments_of(&d->w), b * lanes, blocks, panel);
            packed = panel;
        }
        dense_panel(d, batch, b * lanes, blocks, packed);
    }
}

void pta_dense_fast(const pta_dense *d, const pta_batch *batch)
{
    const pta_product *p = &d->product;
    if (p->ops == NULL) {
        pta_dense_ref(d, batch);
    } else if (batch->n > FEW) {
        dense_many(d, batch);
    } else {
        for (int32_t s = 0; s < batch->n; s++) {
            p->ops->rows(p, pta_batch_x(batch, 0, s), pta_batch_y(batch, s));
        }
    }
}
