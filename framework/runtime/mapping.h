/*
 * Which rank runs which board (mapping.c). Free of MPI.
 */
#ifndef PTA_RUNTIME_MAPPING_H
#define PTA_RUNTIME_MAPPING_H

#include "base/ctx.h"

/** Boards of a rank: `copy` of the pipeline and boards [first, first + n);
 * n 0: idle. */
typedef struct pta_placement {
    int32_t copies, idle_ranks;
    int32_t copy, first, n;
} pta_placement;

/** Fewer ranks than boards: contiguous blocks, sizes differ by at most one.
 * Otherwise floor(ranks / boards) copies, the remaining ranks idle. */
pta_placement pta_place(int32_t n_boards, int32_t n_ranks, int32_t rank);

/** Rank of a board of a copy; 0 for PTA_BOARD_SOURCE and PTA_BOARD_SINK. */
int32_t pta_place_rank(int32_t n_boards, int32_t n_ranks, int32_t copy,
                       int32_t board);

#endif
