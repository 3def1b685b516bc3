/* Preparing products: bounds, packing, spreading (see product.h). Portable. */
#include "kernels/product.h"

#include <string.h>

#define ALIGN       64
#define INT32_LIMIT ((int64_t)INT32_MAX)

bool pta_product_takes(const pta_matrix *w, pta_dtype x)
{
    return (w->type == PTA_S8 || w->type == PTA_S16) &&
           (x == PTA_S8 || x == PTA_S16) && w->row_bytes % ALIGN == 0;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static bool uses_bytes(const pta_matrix *w, pta_dtype x,
                       const pta_product_ops *ops)
{
    /* x + 128 times w, 255 * 127 each: exact modulo 2^32, and the sum itself
     * fits while cols * 2^14 does */
    return ops->has_bytes && w->type == PTA_S8 && x == PTA_S8 &&
           w->cols <= 65536;
}

static int32_t segment_steps(pta_segments segments, int32_t per_step)
{
    return (segments.length + per_step - 1) / per_step;
}

/* Rows of the bias: whole blocks, and one more that a short one may read. */
static size_t bias_rows(int32_t rows, int32_t lanes)
{
    return (size_t)(rows + 2 * lanes);
}

static int32_t blocks_of(int32_t rows, int32_t lanes)
{
    return (rows + lanes - 1) / lanes;
}

size_t pta_product_bytes(const pta_matrix *w, pta_dtype x,
                         const pta_product_ops *ops, pta_segments segments,
                         bool packed)
{
    int32_t per_step = uses_bytes(w, x, ops) ? 4 : 2;
    size_t steps =
        (size_t)segments.count * (size_t)segment_steps(segments, per_step);
    size_t blocks = (size_t)blocks_of(w->rows, ops->lanes);
    size_t rows = bias_rows(w->rows, ops->lanes);
    return aligned(steps * sizeof(int32_t)) + aligned(rows * sizeof(int32_t)) +
           aligned(rows * sizeof(int64_t)) +
           (packed ? blocks * steps * (size_t)ops->lanes * 4 : 0);
}

/* Largest sum of |w| over a row. */
static int64_t largest_sum(const pta_matrix *w)
{
    int64_t most = 0;
    for (int32_t row = 0; row < w->rows; row++) {
        int64_t sum = 0;
        for (int32_t col = 0; col < w->cols; col++) {
            int64_t v = pta_weight_at(w, row, col);
            sum += v < 0 ? -v : v;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

static int64_t largest_bias(const pta_matrix *w)
{
    int64_t most = 0;
    for (int32_t row = 0; row < w->rows; row++) {
        int64_t bias = pta_bias_at(w, row);
        if (bias > INT32_LIMIT || bias < -INT32_LIMIT) {
            return INT32_LIMIT;
        }
        most = bias > most ? bias : -bias > most ? -bias : most;
    }
    return most;
}

/*
 * How the sums stay within 32 bits. Without limbs |x| <= 2^15 (2^7 for s8),
 * with two |limb| <= 2^7. A range of 448 columns always does, 448 * 2^22: with
 * limbs or s8 inputs 2^15 * 2^7 each, with s8 weights 2^7 * 2^15. 512 would not
 * where weights may be -2^(W-1), which formats other than SAT_SYM allow.
 */
static void choose_sums(pta_product *p)
{
    int64_t sum = largest_sum(&p->w);
    int64_t most = sum * (p->x == PTA_S8 ? 128 : 32768);
    p->narrow = p->epilogue.plain && p->y != PTA_S64 &&
                most + largest_bias(&p->w) <= INT32_LIMIT;
    p->limbs =
        p->bytes || p->x == PTA_S8 || p->w.type == PTA_S8 || most <= INT32_LIMIT
            ? 1
            : 2;
    int64_t per_range = p->limbs == 2 ? sum * 128 : most;
    bool whole = p->bytes || per_range <= INT32_LIMIT;
    p->range = whole ? p->steps : 224;
    p->range_cols = whole ? p->w.cols : 448;
}

static void fill_offsets(int32_t *offsets, pta_segments segments,
                         int32_t per_step, int32_t element)
{
    int32_t steps = segment_steps(segments, per_step);
    for (int32_t i = 0; i < segments.count; i++) {
        int32_t start = i / segments.per_row * segments.row_stride +
                        i % segments.per_row * segments.run_stride;
        for (int32_t s = 0; s < steps; s++) {
            *offsets++ = (start + s * per_step) * element;
        }
    }
}

/* Bias at the scale of the raw sums: less what x + 128 adds. */
static int64_t raw_bias(const pta_product *p, int32_t row)
{
    if (row >= p->w.rows) {
        return 0;
    }
    int64_t bias = pta_bias_at(&p->w, row);
    if (!p->bytes) {
        return bias;
    }
    int64_t sum = 0;
    for (int32_t col = 0; col < p->w.cols; col++) {
        sum += pta_weight_at(&p->w, row, col);
    }
    return bias - 128 * sum;
}

static void fill_bias(const pta_product *p, int32_t *bias32, int64_t *bias64)
{
    int32_t rows = (int32_t)bias_rows(p->w.rows, p->ops->lanes);
    for (int32_t row = 0; row < rows; row++) {
        bias64[row] = raw_bias(p, row);
        bias32[row] = (int32_t)(uint32_t)(uint64_t)bias64[row];
    }
}

void pta_product_prepare(pta_product *p, const pta_matrix *w, pta_dtype x,
                         pta_dtype y, const pta_epilogue *epilogue,
                         const pta_product_ops *ops, pta_segments segments,
                         int64_t limb_elements, bool packed, void *memory)
{
    bool bytes = uses_bytes(w, x, ops);
    int32_t per_step = bytes ? 4 : 2;
    *p = (pta_product){.ops = ops,
                       .w = *w,
                       .x = x,
                       .y = y,
                       .epilogue = *epilogue,
                       .bytes = bytes,
                       .steps =
                           segments.count * segment_steps(segments, per_step),
                       .limb_bytes = (size_t)limb_elements * 2};
    choose_sums(p);
    size_t blocks = (size_t)blocks_of(w->rows, ops->lanes);
    size_t rows = bias_rows(w->rows, ops->lanes);
    char *at = memory;
    int32_t *offsets = (int32_t *)(void *)at;
    at += aligned((size_t)p->steps * sizeof(int32_t));
    int32_t *bias32 = (int32_t *)(void *)at;
    at += aligned(rows * sizeof(int32_t));
    int64_t *bias64 = (int64_t *)(void *)at;
    at += aligned(rows * sizeof(int64_t));
    fill_offsets(offsets, segments, per_step, bytes ? 1 : 2);
    fill_bias(p, bias32, bias64);
    p->offsets = offsets;
    p->bias32 = bias32;
    p->bias64 = bias64;
    if (packed) {
        pta_product_pack(p, segments, 0, (int32_t)blocks, at);
        p->packed = at;
    }
}

/* One step of one row: 4 bytes or 2 words, zero beyond segment and matrix. */
static void pack_step(const pta_product *p, int32_t row, int32_t first,
                      int32_t left, void *to)
{
    int32_t per_step = p->bytes ? 4 : 2;
    pta_dtype type = p->bytes ? PTA_S8 : PTA_S16;
    for (int32_t i = 0; i < per_step; i++) {
        bool real = row < p->w.rows && i < left;
        pta_store(to, type, i, real ? pta_weight_at(&p->w, row, first + i) : 0);
    }
}

void pta_product_pack(const pta_product *p, pta_segments segments, int32_t row,
                      int32_t blocks, void *packed)
{
    int32_t per_step = p->bytes ? 4 : 2, lanes = p->ops->lanes;
    int32_t steps = segment_steps(segments, per_step);
    char *to = packed;
    for (int32_t b = 0; b < blocks; b++) {
        for (int32_t i = 0; i < segments.count; i++) {
            for (int32_t s = 0; s < steps; s++) {
                int32_t done = s * per_step;
                int32_t first = i * segments.length + done;
                for (int32_t r = 0; r < lanes; r++, to += 4) {
                    pack_step(p, row + b * lanes + r, first,
                              segments.length - done, to);
                }
            }
        }
    }
}

void pta_product_spread(const pta_product *p, const void *x, int64_t n,
                        void *to)
{
    if (p->bytes) {
        const uint8_t *from = x;
        uint8_t *out = to;
        for (int64_t i = 0; i < n; i++) {
            out[i] = (uint8_t)(from[i] ^ 0x80);
        }
        return;
    }
    int16_t *low = to;
    if (p->x == PTA_S8) {
        const int8_t *from = x;
        for (int64_t i = 0; i < n; i++) {
            low[i] = from[i];
        }
        return;
    }
    const int16_t *from = x;
    if (p->limbs == 1) {
        memcpy(low, from, (size_t)n * sizeof *low);
        return;
    }
    int16_t *high = (int16_t *)(void *)((char *)to + p->limb_bytes);
    for (int64_t i = 0; i < n; i++) {
        low[i] = (int8_t)(from[i] & 0xff);
        high[i] = (int16_t)((from[i] - low[i]) / 256);
    }
}
