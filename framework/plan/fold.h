/*
 * Folding: how the multiplications of a layer are spread over cycles, and the
 * formulas of what that costs. The one home of these formulas: the generator,
 * its manifest and the planner all read them here (docs/blocks.md has the same
 * formulas in words, and the tests that hold them to the hardware).
 *
 * A weighted layer has M outputs and N inputs (convolution: kh*kw*cin) at each
 * position; `pe` outputs and `simd` inputs are multiplied in one cycle, so one
 * position takes ceil(N / simd) * ceil(M / pe) steps, shown as reuse factor.
 */
#ifndef PTA_PLAN_FOLD_H
#define PTA_PLAN_FOLD_H

#include <stdbool.h>
#include <stdint.h>

typedef enum pta_fold_order {
    PTA_FOLD_ROWS,   /* outputs outer: the input is kept and replayed */
    PTA_FOLD_COLUMNS /* inputs outer: each is used as it arrives */
} pta_fold_order;

typedef enum pta_fold_memory {
    PTA_MEMORY_LUT,   /* ROM in LUTs */
    PTA_MEMORY_BLOCK, /* ROM in block RAM */
    PTA_MEMORY_RAM    /* block RAM, writable through the register map */
} pta_fold_memory;

typedef enum pta_engine {
    PTA_ENGINE_STREAMING, /* a block for each layer */
    PTA_ENGINE_REUSED     /* one array of multipliers, all layers in turn */
} pta_engine;

/** Folding of one layer. `pe` and `simd` are cut to the M and N of the part
 * that a board holds. */
typedef struct pta_fold {
    int32_t pe, simd; /* 0: not chosen */
    pta_fold_order order;
    pta_fold_memory memory;
    int32_t chain; /* most DSPs in a chain of sums; 0: 4. Fewer: less latency,
                      more LUTs */
} pta_fold;

/** What a design takes of a board, without the allowance for DMA and
 * interconnect. */
typedef struct pta_resources {
    int64_t lut;    /* LUTRAM and shift registers included */
    int64_t lutram; /* of these */
    int64_t ff;
    int64_t dsp;
    int64_t bram18; /* halves of a BRAM36 */
} pta_resources;

#endif
