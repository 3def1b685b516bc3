/*
 * Products on AVX-512 with VNNI: vpdpbusd for bytes, vpdpwssd for words,
 * neither of them the saturating form.
 *
 * rows: four rows at a time in up to four groups share each load of x; the
 * lanes of the sums are then added in a tree. tile: one step of up to 64 rows
 * meets six inputs, each broadcast; no lanes to add.
 */
#include "kernels/product.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define VNNI                                                                   \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) VNNI

#define POINTS PTA_PRODUCT_POINTS
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ---- epilogue: n rows from `row`, 16 sums ---- */

VNNI static void store32(const pta_product *p, __m512i v, int32_t row,
                         __mmask16 mask, char *y)
{
    size_t at = (size_t)row;
    if (p->y == PTA_S8) {
        _mm512_mask_cvtepi32_storeu_epi8(y + at, mask, v);
    } else if (p->y == PTA_S16) {
        _mm512_mask_cvtepi32_storeu_epi16(y + at * 2, mask, v);
    } else {
        _mm512_mask_storeu_epi32(y + at * 4, mask, v);
    }
}

/* Any rounding and overflow, and partial sums. */
VNNI static void finish_any(const pta_product *p, __m512i low, __m512i high,
                            int32_t row, int32_t n, char *y)
{
    int64_t sums[16];
    _mm512_storeu_si512(sums, low);
    _mm512_storeu_si512(sums + 8, high);
    for (int32_t i = 0; i < n; i++) {
        int64_t v = pta_epilogue_ref(sums[i], p->bias64[row + i], &p->epilogue);
        pta_store(y, p->y, row + i, v);
    }
}

/* Sums and bias within 32 bits; bias32 takes back what x + 128 added. */
INLINE void finish32(const pta_product *p, __m512i sum, int32_t row, int32_t n,
                     char *y)
{
    const pta_epilogue *e = &p->epilogue;
    __mmask16 mask = (__mmask16)((1u << n) - 1);
    __m512i v = _mm512_add_epi32(sum, _mm512_loadu_si512(p->bias32 + row));
    if (e->act != PTA_ACT_NONE) {
        v = _mm512_max_epi32(v, _mm512_setzero_si512());
    }
    if (e->act == PTA_ACT_RELU_MAX && e->act_max < INT32_MAX) {
        v = _mm512_min_epi32(v, _mm512_set1_epi32((int32_t)e->act_max));
    }
    if (e->shift > 0) { /* floor(v / 2^shift + 1/2) without overflow */
        int32_t most = e->shift > 32 ? 31 : e->shift - 1;
        v = _mm512_sra_epi32(v, _mm_cvtsi32_si128(most));
        v = _mm512_srai_epi32(_mm512_add_epi32(v, _mm512_set1_epi32(1)), 1);
    }
    int64_t max = e->max > INT32_MAX ? INT32_MAX : e->max;
    v = _mm512_max_epi32(v, _mm512_set1_epi32((int32_t)e->min));
    v = _mm512_min_epi32(v, _mm512_set1_epi32((int32_t)max));
    store32(p, v, row, mask, y);
}

INLINE __m512i convert64(const pta_epilogue *e, __m512i v)
{
    if (e->act != PTA_ACT_NONE) {
        v = _mm512_max_epi64(v, _mm512_setzero_si512());
    }
    if (e->act == PTA_ACT_RELU_MAX) {
        v = _mm512_min_epi64(v, _mm512_set1_epi64(e->act_max));
    }
    if (e->shift > 0) {
        int32_t most = e->shift > 64 ? 63 : e->shift - 1;
        v = _mm512_sra_epi64(v, _mm_cvtsi32_si128(most));
        v = _mm512_srai_epi64(_mm512_add_epi64(v, _mm512_set1_epi64(1)), 1);
    }
    v = _mm512_max_epi64(v, _mm512_set1_epi64(e->min));
    return _mm512_min_epi64(v, _mm512_set1_epi64(e->max));
}

/* Sums of rows 0..7 and 8..15 of the block. */
INLINE void finish64(const pta_product *p, __m512i low, __m512i high,
                     int32_t row, int32_t n, char *y)
{
    const pta_epilogue *e = &p->epilogue;
    if (!e->plain || p->y == PTA_S64) {
        finish_any(p, low, high, row, n, y);
        return;
    }
    low = _mm512_add_epi64(low, _mm512_loadu_si512(p->bias64 + row));
    __m256i a = _mm512_cvtepi64_epi32(convert64(e, low)), b = a;
    if (n > 8) {
        high = _mm512_add_epi64(high, _mm512_loadu_si512(p->bias64 + row + 8));
        b = _mm512_cvtepi64_epi32(convert64(e, high));
    }
    __m512i v = _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
    store32(p, v, row, (__mmask16)((1u << n) - 1), y);
}

INLINE __m512i widen_low(__m512i v)
{
    return _mm512_cvtepi32_epi64(_mm512_castsi512_si256(v));
}

INLINE __m512i widen_high(__m512i v)
{
    return _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(v, 1));
}

/* ---- rows: straight from the row-major weights ---- */

/* Four vectors to the sums of each, in every 128-bit lane partly. */
INLINE __m512i add_lanes4(const __m512i v[4])
{
    __m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]),
                                 _mm512_unpackhi_epi32(v[0], v[1]));
    __m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]),
                                 _mm512_unpackhi_epi32(v[2], v[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b),
                            _mm512_unpackhi_epi64(a, b));
}

INLINE __m512i add_pair(__m512i a, __m512i b)
{
    return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88),
                            _mm512_shuffle_i32x4(a, b, 0xdd));
}

/* 4 * groups vectors to as many sums, in order. */
INLINE __m512i add_lanes(const __m512i *v, int groups)
{
    __m512i a = add_lanes4(v);
    if (groups == 1) {
        a = add_pair(a, a);
        return add_pair(a, a);
    }
    a = add_pair(a, add_lanes4(v + 4));
    if (groups == 2) {
        return add_pair(a, a);
    }
    return add_pair(a, add_pair(add_lanes4(v + 8), add_lanes4(v + 12)));
}

/* What a block of rows reads: groups of four rows, at `rows` and the three
 * offsets after it. Constants of each instance but for the pointers. */
typedef struct block {
    const char *group[4];
    size_t row[4];
    const char *x;
    bool bytes, x8, w8;
    int limbs, groups;
} block;

INLINE __m512i load_x(const block *b, int32_t k, __mmask64 mask)
{
    if (b->bytes) {
        __m512i x = _mm512_maskz_loadu_epi8(mask, b->x + k);
        return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
    }
    if (b->x8) {
        return _mm512_cvtepi8_epi16(
            _mm256_maskz_loadu_epi8((__mmask32)mask, b->x + k));
    }
    return _mm512_maskz_loadu_epi16((__mmask32)mask, b->x + 2 * (size_t)k);
}

INLINE __m512i load_w(const block *b, const char *row, int32_t k)
{
    if (b->bytes) {
        return _mm512_load_si512(row + k);
    }
    if (b->w8) {
        return _mm512_cvtepi8_epi16(
            _mm256_load_si256((const __m256i *)(const void *)(row + k)));
    }
    return _mm512_load_si512(row + 2 * (size_t)k);
}

/* One chunk of columns: 64 bytes or 32 words. */
INLINE void chunk(const block *b, int32_t k, __mmask64 mask, __m512i *sum)
{
    int rows = 4 * b->groups;
    __m512i x = load_x(b, k, mask), high = x;
    if (b->limbs == 2) {
        __m512i low = _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8);
        high = _mm512_sub_epi16(_mm512_srai_epi16(x, 8),
                                _mm512_srai_epi16(low, 15));
        x = low;
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        __m512i w = load_w(b, b->group[r / 4] + b->row[r % 4], k);
        if (b->bytes) {
            sum[r] = _mm512_dpbusd_epi32(sum[r], x, w);
            continue;
        }
        sum[r] = _mm512_dpwssd_epi32(sum[r], x, w);
        if (b->limbs == 2) {
            sum[rows + r] = _mm512_dpwssd_epi32(sum[rows + r], high, w);
        }
    }
}

/* Sums over columns [from, to): one per row, low limbs then high ones. */
INLINE __m512i dot(const block *b, int32_t from, int32_t to)
{
    int32_t width = b->bytes ? 64 : 32;
    __m512i sum[16];
    UNROLL for (int i = 0; i < 4 * b->groups * b->limbs; i++)
    {
        sum[i] = _mm512_setzero_si512();
    }
    for (; from + width <= to; from += width) {
        chunk(b, from, ~(__mmask64)0, sum);
    }
    if (from < to) {
        chunk(b, from, ((__mmask64)1 << (to - from)) - 1, sum);
    }
    return add_lanes(sum, b->groups * b->limbs);
}

INLINE void block_rows(const pta_product *p, block b, int32_t row, int32_t n,
                       char *y)
{
    const char *first = (const char *)p->w.data + (size_t)row * p->w.row_bytes;
    for (int i = 0; i < 4; i++) {
        b.group[i] = first + 4 * (size_t)i * p->w.row_bytes;
        b.row[i] = (size_t)(i < n ? i : n - 1) * p->w.row_bytes;
    }
    if (p->narrow) {
        finish32(p, dot(&b, 0, p->w.cols), row, n, y);
        return;
    }
    __m512i low = _mm512_setzero_si512(), high = low;
    for (int32_t k = 0; k < p->w.cols; k += p->range_cols) {
        int32_t left = p->w.cols - k;
        __m512i v =
            dot(&b, k, k + (left < p->range_cols ? left : p->range_cols));
        if (b.limbs == 2) { /* at most 8 rows: their high limbs follow them */
            __m512i top = b.groups == 2
                              ? widen_high(v)
                              : widen_low(_mm512_alignr_epi32(v, v, 4));
            low = _mm512_add_epi64(low, _mm512_slli_epi64(top, 8));
        } else {
            high = _mm512_add_epi64(high, widen_high(v));
        }
        low = _mm512_add_epi64(low, widen_low(v));
    }
    finish64(p, low, high, row, n, y);
}

INLINE void all_rows(const pta_product *p, const void *x, char *y, block b)
{
    b.x = x;
    int groups = 4 / b.limbs;
    int32_t row = 0;
    b.groups = groups;
    for (; row + 4 * groups <= p->w.rows; row += 4 * groups) {
        block_rows(p, b, row, 4 * groups, y);
    }
    b.groups = 1;
    for (; row < p->w.rows; row += 4) {
        int32_t left = p->w.rows - row;
        block_rows(p, b, row, left < 4 ? left : 4, y);
    }
}

VNNI static void rows_bytes(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.bytes = true, .limbs = 1});
}

VNNI static void rows_w16(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.limbs = 1});
}

VNNI static void rows_w16_limbs(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.limbs = 2});
}

VNNI static void rows_w8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.w8 = true, .limbs = 1});
}

VNNI static void rows_x8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.x8 = true, .limbs = 1});
}

VNNI static void rows_x8_w8(const pta_product *p, const void *x, char *y)
{
    all_rows(p, x, y, (block){.x8 = true, .w8 = true, .limbs = 1});
}

VNNI static void rows(const pta_product *p, const void *x, void *y)
{
    bool w8 = p->w.type == PTA_S8;
    if (p->bytes) {
        rows_bytes(p, x, y);
    } else if (p->x == PTA_S8) {
        (w8 ? rows_x8_w8 : rows_x8)(p, x, y);
    } else if (w8) {
        rows_w8(p, x, y);
    } else {
        (p->limbs == 2 ? rows_w16_limbs : rows_w16)(p, x, y);
    }
}

/* ---- tile ---- */

INLINE __m512i broadcast(const char *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm512_set1_epi32(v);
}

/* Sums of steps [from, to) for blocks x six inputs. The sums live in a local
 * array with constant indices only, so that they stay in registers. */
INLINE void tile_sums(const pta_product *p, bool bytes, int blocks,
                      const char *packed, const char *const *x, size_t limb,
                      int32_t from, int32_t to, __m512i *sum)
{
    size_t block_bytes = (size_t)p->steps * 64;
    const char *in[POINTS];
    __m512i c[POINTS * 4];
    UNROLL for (int i = 0; i < POINTS; i++)
    {
        in[i] = x[i] + limb;
        UNROLL for (int b = 0; b < blocks; b++)
        {
            c[i * 4 + b] = _mm512_setzero_si512();
        }
    }
    for (int32_t s = from; s < to; s++) {
        int32_t at = p->offsets[s];
        __m512i w[4];
        UNROLL for (int b = 0; b < blocks; b++)
        {
            w[b] = _mm512_load_si512(packed + (size_t)b * block_bytes +
                                     64 * (size_t)s);
        }
        UNROLL for (int i = 0; i < POINTS; i++)
        {
            __m512i v = broadcast(in[i] + at);
            UNROLL for (int b = 0; b < blocks; b++)
            {
                c[i * 4 + b] = bytes
                                   ? _mm512_dpbusd_epi32(c[i * 4 + b], v, w[b])
                                   : _mm512_dpwssd_epi32(c[i * 4 + b], v, w[b]);
            }
        }
    }
    UNROLL for (int i = 0; i < POINTS; i++)
    {
        UNROLL for (int b = 0; b < blocks; b++)
        {
            sum[i * blocks + b] = c[i * 4 + b];
        }
    }
}

INLINE int32_t rows_in(const pta_product *p, int32_t row)
{
    return p->w.rows - row < 16 ? p->w.rows - row : 16;
}

/* Ranges and limbs added in 64 bits. */
INLINE void tile_wide(const pta_product *p, bool bytes, int blocks, int32_t row,
                      const char *packed, const char *const *x, char *const *y,
                      int32_t n_points)
{
    __m512i total[2 * 4 * POINTS], sum[4 * POINTS];
    for (int i = 0; i < 2 * blocks * POINTS; i++) {
        total[i] = _mm512_setzero_si512();
    }
    for (int32_t s = 0; s < p->steps; s += p->range) {
        int32_t to = p->steps - s < p->range ? p->steps : s + p->range;
        for (int limb = 0; limb < p->limbs; limb++) {
            tile_sums(p, bytes, blocks, packed, x, (size_t)limb * p->limb_bytes,
                      s, to, sum);
            __m128i up = _mm_cvtsi32_si128(8 * limb);
            for (int i = 0; i < blocks * POINTS; i++) {
                __m512i a = _mm512_sll_epi64(widen_low(sum[i]), up);
                __m512i b = _mm512_sll_epi64(widen_high(sum[i]), up);
                total[2 * i] = _mm512_add_epi64(total[2 * i], a);
                total[2 * i + 1] = _mm512_add_epi64(total[2 * i + 1], b);
            }
        }
    }
    for (int32_t i = 0; i < n_points; i++) {
        for (int32_t b = 0; b < blocks; b++) {
            int32_t at = i * blocks + b, first = row + 16 * b;
            finish64(p, total[2 * at], total[2 * at + 1], first,
                     rows_in(p, first), y[i]);
        }
    }
}

INLINE void tile_blocks(const pta_product *p, bool bytes, int blocks,
                        int32_t row, const char *packed, const char *const *x,
                        char *const *y, int32_t n_points)
{
    if (!p->narrow) {
        tile_wide(p, bytes, blocks, row, packed, x, y, n_points);
        return;
    }
    __m512i sum[4 * POINTS];
    tile_sums(p, bytes, blocks, packed, x, 0, 0, p->steps, sum);
    for (int i = 0; i < POINTS; i++) {
        for (int b = 0; i < n_points && b < blocks; b++) {
            finish32(p, sum[i * blocks + b], row + 16 * b,
                     rows_in(p, row + 16 * b), y[i]);
        }
    }
}

#define TILE(name, bytes, blocks)                                              \
    VNNI static void name(const pta_product *p, int32_t row,                   \
                          const char *packed, const char *const *x,            \
                          char *const *y, int32_t n)                           \
    {                                                                          \
        tile_blocks(p, bytes, blocks, row, packed, x, y, n);                   \
    }

TILE(tile_b1, true, 1)
TILE(tile_b2, true, 2)
TILE(tile_b3, true, 3)
TILE(tile_b4, true, 4)
TILE(tile_w1, false, 1)
TILE(tile_w2, false, 2)
TILE(tile_w3, false, 3)
TILE(tile_w4, false, 4)

static void tile(const pta_product *p, int32_t row, int32_t blocks,
                 const void *packed, const char *const *x, char *const *y,
                 int32_t n_points)
{
    typedef void tile_fn(const pta_product *, int32_t, const char *,
                         const char *const *, char *const *, int32_t);
    static tile_fn *const tiles[2][4] = {{tile_w1, tile_w2, tile_w3, tile_w4},
                                         {tile_b1, tile_b2, tile_b3, tile_b4}};
    tiles[p->bytes ? 1 : 0][blocks - 1](p, row, packed, x, y, n_points);
}

static const pta_product_ops vnni = {.name = "vnni",
                                     .lanes = 16,
                                     .max_blocks = 4,
                                     .has_bytes = true,
                                     .rows = rows,
                                     .tile = tile};

const pta_product_ops *pta_product_vnni(void)
{
    bool has = __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vnni");
    return has ? &vnni : NULL;
}

#else

const pta_product_ops *pta_product_vnni(void)
{
    return NULL;
}

#endif
