/* Scale and shift, general ReLU, table look-up. Variants: ref only; table
 * entries come from curve.c. */
#include "kernels/act.h"

void pta_scale_ref(const pta_scale *l, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t i = 0; i < l->count; i++) {
            int32_t c = (int32_t)(i % l->channels);
            int64_t product = pta_load(x, l->x, i) * pta_weight_at(&l->w, c, 0);
            pta_store(
                y, l->y, i,
                pta_epilogue_ref(product, pta_bias_at(&l->w, c), &l->epilogue));
        }
    }
}

/* At x_frac + alpha_frac, or at x_frac where alpha_frac is negative. */
static int64_t relu_at(const pta_relu *r, int64_t x, int64_t alpha)
{
    int32_t up = r->alpha_frac > 0 ? r->alpha_frac : 0;
    int32_t down = up - r->alpha_frac;
    pta_wide value;
    if (x < r->threshold) {
        value = ((pta_wide)x - r->threshold) * alpha * ((pta_wide)1 << down);
    } else {
        pta_wide max = (pta_wide)r->max * ((pta_wide)1 << down);
        value = (pta_wide)x * ((pta_wide)1 << up);
        value = r->max != INT64_MAX && value > max ? max : value;
    }
    return pta_convert_ref(value, r->x_frac + up - pta_frac(r->y_format),
                           r->y_format);
}

void pta_relu_ref(const pta_relu *r, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t i = 0; i < r->count; i++) {
            int64_t alpha =
                pta_weight_at(&r->alpha, (int32_t)(i % r->alpha.rows), 0);
            pta_store(y, r->y, i, relu_at(r, pta_load(x, r->x, i), alpha));
        }
    }
}

void pta_lookup_ref(const pta_lookup *l, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t i = 0; i < l->count; i++) {
            int64_t raw = pta_load(x, l->x, i);
            int64_t v =
                l->table != NULL
                    ? pta_load(l->table, l->y, raw - l->x_min)
                    : pta_curve_at(l->curve, raw, l->x_format, l->y_format);
            pta_store(y, l->y, i, v);
        }
    }
}
