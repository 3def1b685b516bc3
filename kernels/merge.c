/* Merges and concatenation. Variants: ref only. */
#include "kernels/merge.h"

#define WIDE_BITS 120 /* exact results stay below 2^120 */

static int32_t merge_frac(const pta_merge *m)
{
    int32_t frac = m->in[0].frac;
    for (int32_t i = 1; i < m->n_in; i++) {
        int32_t f = m->in[i].frac;
        frac = m->op == PTA_MERGE_MUL ? frac + f : f > frac ? f : frac;
    }
    bool has_max = m->act == PTA_ACT_RELU_MAX;
    return has_max && m->act_frac > frac ? m->act_frac : frac;
}

static int32_t bits_of(int64_t n)
{
    int32_t bits = 0;
    for (; n > 0; n >>= 1) {
        bits++;
    }
    return bits;
}

bool pta_merge_init(pta_merge *m)
{
    m->frac = merge_frac(m);
    int32_t widest = 0, factors = m->frac;
    for (int32_t i = 0; i < m->n_in; i++) {
        int32_t width = m->in[i].width + 1;
        int32_t aligned = width + m->frac - m->in[i].frac;
        widest = aligned > widest ? aligned : widest;
        factors += width - m->in[i].frac; /* the product, then its shift */
    }
    int32_t bits = m->op == PTA_MERGE_MUL ? factors : widest + bits_of(m->n_in);
    if (m->act == PTA_ACT_RELU_MAX) {
        int32_t shift = m->frac - m->act_frac + bits_of(m->n_in);
        int32_t limit = bits_of(m->act_max) + shift;
        bits = limit > bits ? limit : bits;
    }
    return bits <= WIDE_BITS;
}

static pta_wide aligned(const pta_merge *m, pta_wide value, int32_t frac)
{
    return value * ((pta_wide)1 << (m->frac - frac));
}

/* The exact result at m->frac; for an average, n_in times it. */
static pta_wide merged(const pta_merge *m, const pta_batch *batch, int32_t s,
                       int64_t e)
{
    pta_wide sum = 0, product = 1, max = 0;
    int32_t frac = 0;
    for (int32_t i = 0; i < m->n_in; i++) {
        int64_t raw = pta_load(pta_batch_x(batch, i, s), m->in[i].type, e);
        if (m->op == PTA_MERGE_MUL) {
            product *= raw;
            frac += m->in[i].frac;
            continue;
        }
        pta_wide value = aligned(m, raw, m->in[i].frac);
        sum += i > 0 && m->op == PTA_MERGE_SUB ? -value : value;
        max = i == 0 || value > max ? value : max;
    }
    if (m->op == PTA_MERGE_MUL) {
        return aligned(m, product, frac);
    }
    return m->op == PTA_MERGE_MAXIMUM ? max : sum;
}

static int64_t finish(const pta_merge *m, pta_wide value)
{
    int32_t count = m->op == PTA_MERGE_AVERAGE ? m->n_in : 1;
    if (m->act != PTA_ACT_NONE && value < 0) {
        value = 0;
    }
    if (m->act == PTA_ACT_RELU_MAX) {
        pta_wide max = aligned(m, m->act_max, m->act_frac) * count;
        value = value > max ? max : value;
    }
    int32_t shift = m->frac - pta_frac(m->y_format);
    return pta_convert_scaled_ref(value, count, shift, m->y_format);
}

void pta_merge_ref(const pta_merge *m, const pta_batch *batch)
{
    for (int32_t s = 0; s < batch->n; s++) {
        void *y = pta_batch_y(batch, s);
        for (int64_t e = 0; e < m->count; e++) {
            pta_store(y, m->y, e, finish(m, merged(m, batch, s, e)));
        }
    }
}

/* Elements before the joined axis, and in one of them of a view. */
static int64_t outer_count(const pta_concat *c)
{
    return c->axis == 0   ? 1
           : c->axis == 1 ? c->out.h
                          : (int64_t)c->out.h * c->out.w;
}

void pta_concat_ref(const pta_concat *c, const pta_batch *batch)
{
    int64_t outer = outer_count(c), row = pta_image_count(c->out) / outer;
    for (int32_t s = 0; s < batch->n; s++) {
        void *y = pta_batch_y(batch, s);
        int64_t first = 0;
        for (int32_t i = 0; i < c->n_in; i++) {
            const void *x = pta_batch_x(batch, i, s);
            int64_t inner = pta_image_count(c->in_view[i]) / outer;
            int32_t shift = c->in[i].frac - pta_frac(c->y_format);
            for (int64_t e = 0; e < inner * outer; e++) {
                int64_t v = pta_load(x, c->in[i].type, e);
                int64_t at = e / inner * row + first + e % inner;
                pta_store(y, c->y, at, pta_convert_ref(v, shift, c->y_format));
            }
            first += inner;
        }
    }
}
