/* Boards to ranks: every board of every copy on exactly one rank. */
#include "runtime/mapping.h"

#include "plan/slice.h"
#include "unit.h"

/** Each (copy, board) is on the rank that pta_place_rank says, and on no other;
 * blocks are contiguous and differ by at most one board. */
static void check_pair(int32_t n_boards, int32_t n_ranks)
{
    int32_t placed = 0, idle = 0, least = n_boards, most = 0;
    pta_placement first = pta_place(n_boards, n_ranks, 0);
    for (int32_t r = 0; r < n_ranks; r++) {
        pta_placement p = pta_place(n_boards, n_ranks, r);
        CU_ASSERT_EQUAL(p.copies, first.copies);
        CU_ASSERT_EQUAL(p.idle_ranks, first.idle_ranks);
        for (int32_t b = p.first; b < p.first + p.n; b++) {
            CU_ASSERT_EQUAL(pta_place_rank(n_boards, n_ranks, p.copy, b), r);
        }
        placed += p.n;
        idle += p.n == 0;
        if (p.n > 0) {
            least = p.n < least ? p.n : least;
            most = p.n > most ? p.n : most;
        }
    }
    CU_ASSERT_EQUAL(placed, n_boards * first.copies);
    CU_ASSERT_EQUAL(idle, first.idle_ranks);
    CU_ASSERT(most - least <= 1);
}

static void all_pairs(void)
{
    for (int32_t boards = 1; boards <= 40; boards++) {
        for (int32_t ranks = 1; ranks <= 90; ranks++) {
            check_pair(boards, ranks);
        }
    }
}

static void design_examples(void)
{
    pta_placement p = pta_place(2, 7, 6);
    CU_ASSERT_EQUAL(p.copies, 3);
    CU_ASSERT_EQUAL(p.idle_ranks, 1);
    CU_ASSERT_EQUAL(p.n, 0);
    p = pta_place(5, 2, 1);
    CU_ASSERT_EQUAL(p.copies, 1);
    CU_ASSERT_EQUAL(p.first, 2);
    CU_ASSERT_EQUAL(p.n, 3);
    CU_ASSERT_EQUAL(pta_place_rank(5, 5, 0, PTA_BOARD_SOURCE), 0);
    CU_ASSERT_EQUAL(pta_place_rank(5, 10, 1, PTA_BOARD_SINK), 0);
}

static void large_numbers(void)
{
    pta_placement p = pta_place(2000000000, 1900000000, 1899999999);
    CU_ASSERT_EQUAL(p.first + p.n, 2000000000);
    CU_ASSERT_EQUAL(pta_place_rank(2000000000, 1900000000, 0, 1999999999),
                    1899999999);
}

static const unit_test tests[] = {{"all pairs", all_pairs},
                                  {"examples of the design", design_examples},
                                  {"large numbers", large_numbers}};

UNIT_MAIN("mapping", tests)
