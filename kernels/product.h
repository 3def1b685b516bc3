/*
 * Sums of products on s8 and s16 data: the inner part of the fast dense and
 * convolution kernels, one implementation per instruction set.
 *
 * Exactness. Products are added in 32-bit lanes, over a range of columns for
 * which the weights themselves prove that no sum leaves 32 bits; the ranges
 * are then added in 64 bits. An s16 input is cut in two limbs, x = 256 high +
 * low with -128 <= low < 128, unless the bound holds without. s8 x s8 may run
 * on instructions for unsigned x signed: x + 128 is multiplied, and 128 times
 * the row's sum is taken off in the bias. No saturating instruction is used.
 *
 * A product is prepared once, from the weights; kernels only read it.
 */
#ifndef PTA_KERNELS_PRODUCT_H
#define PTA_KERNELS_PRODUCT_H

#include "kernels/kernel.h"

#define PTA_PRODUCT_POINTS 6 /* inputs (pixels, samples) of one tile */

typedef struct pta_product pta_product;

/** An instruction set. */
typedef struct pta_product_ops {
    const char *name;
    int32_t lanes;      /* rows in a block of a tile */
    int32_t max_blocks; /* of one tile */
    bool has_bytes;     /* unsigned x signed bytes: s8 x s8 without widening */
    /** All rows for one input, straight from the row-major weights. x [cols]
     * of the layer's type, y [rows]. */
    void (*rows)(const pta_product *p, const void *x, void *y);
    /** Rows [row, row + blocks * lanes) for up to PTA_PRODUCT_POINTS inputs:
     * x[i] + p->offsets[s] is input i's step s, spread by pta_product_spread;
     * y[i] its row 0. `packed` holds these blocks. All pointers are valid. */
    void (*tile)(const pta_product *p, int32_t row, int32_t blocks,
                 const void *packed, const char *const *x, char *const *y,
                 int32_t n_points);
} pta_product_ops;

struct pta_product {
    const pta_product_ops *ops; /* NULL: not prepared, use the reference */
    pta_matrix w;
    pta_dtype x, y;
    pta_epilogue epilogue;
    bool bytes;    /* u8 x s8, else s16 x s16 */
    int32_t limbs; /* of x: 1 or 2 */
    bool narrow;   /* sums with bias fit 32 bits, and the epilogue is plain:
                         one limb, one range, all of it in 32 bits */
    int32_t steps; /* of a tile: 4 s8 or 2 s16 columns each */
    int32_t range; /* steps (tile), of which a row's sum fits 32 bits */
    int32_t range_cols;     /* columns (rows), multiple of 64 or >= cols */
    const int32_t *offsets; /* [steps] bytes */
    size_t limb_bytes;      /* from low to high limb of a spread input */
    const int32_t *bias32;  /* [rows + 2 lanes], x's offset taken off */
    const int64_t *bias64;
    const void *packed; /* [blocks][steps][lanes * 4 bytes], or NULL */
};

/** How the columns of a layer lie in a spread input: `count` runs of `length`
 * columns, run i starting at element i / per_row * row_stride + i % per_row *
 * run_stride. A tile may read 3 elements past the end of a run. */
typedef struct pta_segments {
    int32_t count, length;
    int32_t per_row, row_stride, run_stride;
} pta_segments;

/** True if the types are ones the fast kernels take. */
bool pta_product_takes(const pta_matrix *w, pta_dtype x);

/** Bytes of a prepared product, packed weights included if asked for. */
size_t pta_product_bytes(const pta_matrix *w, pta_dtype x,
                         const pta_product_ops *ops, pta_segments segments,
                         bool packed);

/** limb_elements: elements of a spread input, for the second limb. */
void pta_product_prepare(pta_product *p, const pta_matrix *w, pta_dtype x,
                         pta_dtype y, const pta_epilogue *epilogue,
                         const pta_product_ops *ops, pta_segments segments,
                         int64_t limb_elements, bool packed, void *memory);

/** Packs `blocks` blocks from `row` as a tile wants them. */
void pta_product_pack(const pta_product *p, pta_segments segments, int32_t row,
                      int32_t blocks, void *packed);

static inline size_t pta_product_block_bytes(const pta_product *p)
{
    return (size_t)p->steps * (size_t)p->ops->lanes * 4;
}

/** Bytes of a spread element. */
static inline size_t pta_product_element(const pta_product *p)
{
    return p->bytes ? 1 : 2;
}

/** Spreads n elements of x to `to` (and to + limb_bytes): offset by 128,
 * widened, or cut in limbs. */
void pta_product_spread(const pta_product *p, const void *x, int64_t n,
                        void *to);

/** What a zero of x is in a spread input: the byte to fill it with. */
static inline int pta_product_zero(const pta_product *p)
{
    return p->bytes ? 0x80 : 0;
}

/** Instruction sets of this machine: NULL if it lacks them. */
const pta_product_ops *pta_product_avx2(void);
const pta_product_ops *pta_product_vnni(void);

#endif
