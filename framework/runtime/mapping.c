/*
 * Boards to ranks (DESIGN 3). Pure arithmetic, so that a scaling study and the
 * command line can ask without MPI.
 */
#include "runtime/mapping.h"

pta_placement pta_place(int32_t n_boards, int32_t n_ranks, int32_t rank)
{
    PTA_ASSERT(n_boards >= 1 && n_ranks >= 1 && rank >= 0 && rank < n_ranks);
    if (n_ranks < n_boards) {
        int64_t first = (int64_t)n_boards * rank / n_ranks;
        int64_t end = (int64_t)n_boards * (rank + 1) / n_ranks;
        return (pta_placement){
            .copies = 1, .first = (int32_t)first, .n = (int32_t)(end - first)};
    }
    int32_t copies = n_ranks / n_boards;
    pta_placement place = {.copies = copies,
                           .idle_ranks = n_ranks - copies * n_boards};
    if (rank < copies * n_boards) {
        place.copy = rank / n_boards;
        place.first = rank % n_boards;
        place.n = 1;
    }
    return place;
}

int32_t pta_place_rank(int32_t n_boards, int32_t n_ranks, int32_t copy,
                       int32_t board)
{
    if (board < 0) {
        return 0;
    }
    if (n_ranks >= n_boards) {
        return copy * n_boards + board;
    }
    /* The greatest r whose first board, floor(B r / R), is not past `board`. */
    return (int32_t)((((int64_t)board + 1) * n_ranks - 1) / n_boards);
}
