/*
 * Products on AVX2: bytes are widened to words, and vpmaddwd adds pairs of
 * products in 32 bits (exact: no weight is -2^15).
 */
#include "kernels/product.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) AVX2

#define POINTS PTA_PRODUCT_POINTS
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ---- epilogue: 8 rows at most ---- */

INLINE void store_rows(const pta_product *p, const int64_t *v, int32_t row,
                       int32_t n, char *y)
{
    for (int32_t i = 0; i < n; i++) {
        pta_store(y, p->y, row + i, v[i]);
    }
}

INLINE int64_t convert(const pta_epilogue *e, int64_t v)
{
    if (e->act != PTA_ACT_NONE && v < 0) {
        v = 0;
    }
    if (e->act == PTA_ACT_RELU_MAX && v > e->act_max) {
        v = e->act_max;
    }
    if (e->shift > 0) { /* floor(v / 2^shift + 1/2) without overflow */
        v = ((v >> (e->shift > 64 ? 63 : e->shift - 1)) + 1) >> 1;
    }
    return v < e->min ? e->min : v > e->max ? e->max : v;
}

/* Sums of n rows, without bias. */
INLINE void finish(const pta_product *p, const int64_t *sum, int32_t row,
                   int32_t n, char *y)
{
    int64_t v[8];
    for (int32_t i = 0; i < n; i++) {
        v[i] = p->epilogue.plain
                   ? convert(&p->epilogue, sum[i] + p->bias64[row + i])
                   : pta_epilogue_ref(sum[i], p->bias64[row + i], &p->epilogue);
    }
    store_rows(p, v, row, n, y);
}

/* The same in vectors, where all of it fits 32 bits. */
INLINE void finish32(const pta_product *p, __m256i sum, int32_t row, int32_t n,
                     char *y)
{
    const pta_epilogue *e = &p->epilogue;
    __m256i bias =
        _mm256_loadu_si256((const __m256i *)(const void *)(p->bias32 + row));
    __m256i v = _mm256_add_epi32(sum, bias);
    if (e->act != PTA_ACT_NONE) {
        v = _mm256_max_epi32(v, _mm256_setzero_si256());
    }
    if (e->act == PTA_ACT_RELU_MAX && e->act_max < INT32_MAX) {
        v = _mm256_min_epi32(v, _mm256_set1_epi32((int32_t)e->act_max));
    }
    if (e->shift > 0) {
        int32_t most = e->shift > 32 ? 31 : e->shift - 1;
        v = _mm256_sra_epi32(v, _mm_cvtsi32_si128(most));
        v = _mm256_srai_epi32(_mm256_add_epi32(v, _mm256_set1_epi32(1)), 1);
    }
    int64_t max = e->max > INT32_MAX ? INT32_MAX : e->max;
    v = _mm256_max_epi32(v, _mm256_set1_epi32((int32_t)e->min));
    v = _mm256_min_epi32(v, _mm256_set1_epi32((int32_t)max));
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v),
                                    _mm256_extracti128_si256(v, 1));
    if (n == 8 && p->y == PTA_S8) {
        _mm_storel_epi64((__m128i *)(void *)(y + row),
                         _mm_packs_epi16(words, words));
    } else if (n == 8 && p->y == PTA_S16) {
        _mm_storeu_si128((__m128i *)(void *)(y + 2 * row), words);
    } else {
        int32_t out[8];
        _mm256_storeu_si256((__m256i *)(void *)out, v);
        for (int32_t i = 0; i < n; i++) {
            pta_store(y, p->y, row + i, out[i]);
        }
    }
}

/* ---- rows: straight from the row-major weights ---- */

INLINE __m128i add_lanes4(const __m256i *v)
{
    __m256i s = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]),
                                  _mm256_hadd_epi32(v[2], v[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(s),
                         _mm256_extracti128_si256(s, 1));
}

/* Four rows; with two limbs their high sums follow. Types are constants of
 * each instance. */
typedef struct block {
    const char *row[4];
    const char *x;
    bool x8, w8;
    int limbs;
} block;

INLINE __m256i load16(const char *data, bool bytes, int32_t k)
{
    if (bytes) {
        return _mm256_cvtepi8_epi16(
            _mm_loadu_si128((const __m128i *)(const void *)(data + k)));
    }
    return _mm256_loadu_si256(
        (const __m256i *)(const void *)(data + 2 * (size_t)k));
}

/* One chunk of 16 columns. */
INLINE void chunk(const block *b, __m256i x, int32_t k, __m256i *sum)
{
    __m256i high = x;
    if (b->limbs == 2) {
        __m256i low = _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8);
        high = _mm256_sub_epi16(_mm256_srai_epi16(x, 8),
                                _mm256_srai_epi16(low, 15));
        x = low;
    }
    UNROLL for (int r = 0; r < 4; r++)
    {
        __m256i w = load16(b->row[r], b->w8, k);
        sum[r] = _mm256_add_epi32(sum[r], _mm256_madd_epi16(x, w));
        if (b->limbs == 2) {
            sum[4 + r] =
                _mm256_add_epi32(sum[4 + r], _mm256_madd_epi16(high, w));
        }
    }
}

/* Sums over columns [from, to): 4 per limb. */
INLINE void dot(const block *b, int32_t from, int32_t to, __m128i out[2])
{
    __m256i sum[8];
    UNROLL for (int i = 0; i < 8; i++)
    {
        sum[i] = _mm256_setzero_si256();
    }
    for (; from + 16 <= to; from += 16) {
        chunk(b, load16(b->x, b->x8, from), from, sum);
    }
    if (from < to) { /* x is not padded */
        size_t bytes = b->x8 ? 1 : 2;
        char rest[32] = {0};
        memcpy(rest, b->x + bytes * (size_t)from, bytes * (size_t)(to - from));
        chunk(b, load16(rest, b->x8, 0), from, sum);
    }
    out[0] = add_lanes4(sum);
    out[1] = add_lanes4(sum + 4);
}

INLINE void block_rows(const pta_product *p, block b, int32_t row, int32_t n,
                       char *y)
{
    for (int i = 0; i < 4; i++) {
        int32_t r = row + (i < n ? i : n - 1);
        b.row[i] = (const char *)p->w.data + (size_t)r * p->w.row_bytes;
    }
    int64_t total[4] = {0};
    for (int32_t k = 0; k < p->w.cols; k += p->range_cols) {
        int32_t left = p->w.cols - k;
        __m128i v[2];
        int32_t sums[8];
        dot(&b, k, k + (left < p->range_cols ? left : p->range_cols), v);
        _mm_storeu_si128((__m128i *)(void *)sums, v[0]);
        _mm_storeu_si128((__m128i *)(void *)(sums + 4), v[1]);
        for (int i = 0; i < 4; i++) {
            total[i] += sums[i];
            total[i] += b.limbs == 2 ? (int64_t)sums[4 + i] * 256 : 0;
        }
    }
    finish(p, total, row, n, y);
}

INLINE void all_rows(const pta_product *p, const void *x, char *y, block b)
{
    b.x = x;
    for (int32_t row = 0; row < p->w.rows; row += 4) {
        int32_t left = p->w.rows - row;
        block_rows(p, b, row, left < 4 ? left : 4, y);
    }
}

AVX2 static void rows_w16(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.limbs = 1});
}

AVX2 static void rows_w16_limbs(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.limbs = 2});
}

AVX2 static void rows_w8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.w8 = true, .limbs = 1});
}

AVX2 static void rows_x8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.x8 = true, .limbs = 1});
}

AVX2 static void rows_x8_w8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.x8 = true, .w8 = true, .limbs = 1});
}

AVX2 static void rows(const pta_product *p, const void *x, void *y)
{
    bool w8 = p->w.type == PTA_S8;
    if (p->x == PTA_S8) {
        (w8 ? rows_x8_w8 : rows_x8)(p, x, y);
    } else if (w8) {
        rows_w8(p, x, y);
    } else {
        (p->limbs == 2 ? rows_w16_limbs : rows_w16)(p, x, y);
    }
}

/* ---- tile ---- */

INLINE __m256i broadcast(const char *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm256_set1_epi32(v);
}

/* Sums of steps [from, to) for blocks x six inputs. The sums live in a local
 * array with constant indices only, so that they stay in registers. */
INLINE void tile_sums(const pta_product *p, int blocks, const char *packed,
                      const char *const *x, size_t limb, int32_t from,
                      int32_t to, __m256i *sum)
{
    size_t block_bytes = (size_t)p->steps * 32;
    const char *in[POINTS];
    __m256i c[POINTS * 2];
    UNROLL for (int i = 0; i < POINTS; i++)
    {
        in[i] = x[i] + limb;
        UNROLL for (int b = 0; b < blocks; b++)
        {
            c[i * 2 + b] = _mm256_setzero_si256();
        }
    }
    for (int32_t s = from; s < to; s++) {
        int32_t at = p->offsets[s];
        __m256i w[2];
        UNROLL for (int b = 0; b < blocks; b++)
        {
            w[b] = _mm256_load_si256(
                (const __m256i *)(const void *)(packed +
                                                (size_t)b * block_bytes +
                                                32 * (size_t)s));
        }
        UNROLL for (int i = 0; i < POINTS; i++)
        {
            __m256i v = broadcast(in[i] + at);
            UNROLL for (int b = 0; b < blocks; b++)
            {
                c[i * 2 + b] =
                    _mm256_add_epi32(c[i * 2 + b], _mm256_madd_epi16(v, w[b]));
            }
        }
    }
    UNROLL for (int i = 0; i < POINTS; i++)
    {
        UNROLL for (int b = 0; b < blocks; b++)
        {
            sum[i * blocks + b] = c[i * 2 + b];
        }
    }
}

INLINE int32_t rows_in(const pta_product *p, int32_t row)
{
    return p->w.rows - row < 8 ? p->w.rows - row : 8;
}

/* Ranges and limbs added in 64 bits. */
INLINE void tile_wide(const pta_product *p, int blocks, int32_t row,
                      const char *packed, const char *const *x, char *const *y,
                      int32_t n_points)
{
    int64_t total[2 * POINTS * 8] = {0};
    for (int32_t s = 0; s < p->steps; s += p->range) {
        int32_t to = p->steps - s < p->range ? p->steps : s + p->range;
        for (int limb = 0; limb < p->limbs; limb++) {
            __m256i sum[2 * POINTS];
            int32_t part[2 * POINTS * 8];
            tile_sums(p, blocks, packed, x, (size_t)limb * p->limb_bytes, s, to,
                      sum);
            for (int i = 0; i < blocks * POINTS; i++) {
                _mm256_storeu_si256((__m256i *)(void *)(part + 8 * i), sum[i]);
            }
            for (int i = 0; i < blocks * POINTS * 8; i++) {
                total[i] += (int64_t)part[i] * (limb == 1 ? 256 : 1);
            }
        }
    }
    for (int32_t i = 0; i < n_points; i++) {
        for (int32_t b = 0; b < blocks; b++) {
            int32_t first = row + 8 * b;
            finish(p, total + 8 * (i * blocks + b), first, rows_in(p, first),
                   y[i]);
        }
    }
}

INLINE void tile_blocks(const pta_product *p, int blocks, int32_t row,
                        const char *packed, const char *const *x,
                        char *const *y, int32_t n_points)
{
    if (!p->narrow) {
        tile_wide(p, blocks, row, packed, x, y, n_points);
        return;
    }
    __m256i sum[2 * POINTS];
    tile_sums(p, blocks, packed, x, 0, 0, p->steps, sum);
    for (int i = 0; i < POINTS; i++) {
        for (int b = 0; i < n_points && b < blocks; b++) {
            finish32(p, sum[i * blocks + b], row + 8 * b,
                     rows_in(p, row + 8 * b), y[i]);
        }
    }
}

AVX2 static void tile(const pta_product *p, int32_t row, int32_t blocks,
                      const void *packed, const char *const *x, char *const *y,
                      int32_t n_points)
{
    if (blocks == 1) {
        tile_blocks(p, 1, row, packed, x, y, n_points);
    } else {
        tile_blocks(p, 2, row, packed, x, y, n_points);
    }
}

static const pta_product_ops avx2 = {.name = "avx2",
                                     .lanes = 8,
                                     .max_blocks = 2,
                                     .has_bytes = false,
                                     .rows = rows,
                                     .tile = tile};

const pta_product_ops *pta_product_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

const pta_product_ops *pta_product_avx2(void)
{
    return NULL;
}

#endif
