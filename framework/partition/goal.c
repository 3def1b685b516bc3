/*
 * Goals: the best over all numbers of copies, the fewest boards.
 */
#include <math.h>

#include "partition/solve_priv.h"

/* Takes the better of two answers; `a` is freed. */
static void take_better(pta_solver *s, pta_answer *best, pta_answer *a)
{
    if (a->found && (!best->found || a->value < best->value)) {
        a->nodes = best->nodes;
        pta_answer_free(s->ctx, best);
        *best = *a;
        *a = (pta_answer){0};
    }
    pta_answer_free(s->ctx, a);
}

/* A chain as an answer, if it is better. */
static pta_status take_chain(pta_solver *s, const pta_chain *chain,
                             int32_t copies, pta_answer *best)
{
    pta_answer a = {0};
    if (chain->found && s->n_classes == 1 && !s->ask->all_boards) {
        PTA_TRY(pta_chain_answer(s, chain, copies, &a));
        if (a.found && pta_by_latency(s)) {
            PTA_TRY(pta_answer_polish(s, &a));
        }
        take_better(s, best, &a);
    }
    return PTA_OK;
}

/* The best chain below the limit, priced; *low as pta_chain_throughput. */
static pta_status try_chain(pta_solver *s, int32_t copies, bool careful,
                            double limit, pta_answer *best, double *low)
{
    pta_chain chain = {0};
    PTA_TRY_ALLOC(s->ctx, chain.at, s->graph->n_nodes);
    pta_status status =
        pta_chain_throughput(s, s->boards, careful, limit, &chain, low);
    if (status == PTA_OK) {
        status = take_chain(s, &chain, copies, best);
    }
    pta_free(s->ctx, chain.at);
    return status;
}

static bool is_below(const pta_answer *best, double low)
{
    return !best->found || low < best->value * (1 - 1e-9);
}

/* Chains of stages, by guesses of their wires from below and, of what is too
 * large for branch and bound, from above; *low is below every plan with so many
 * copies. */
static pta_status by_chain(pta_solver *s, int32_t copies, pta_answer *best,
                           double *low)
{
    double limit = best->found ? best->value * copies : HUGE_VAL, above;
    PTA_TRY(try_chain(s, copies, false, limit, best, low));
    *low /= copies;
    if (!is_below(best, *low) || !pta_solver_large(s) || pta_solver_late(s)) {
        return PTA_OK;
    }
    limit = best->found ? best->value * copies : HUGE_VAL;
    above = *low * copies;
    return try_chain(s, copies, true, limit, best, &above);
}

/* Latency of what is too large for branch and bound: some plan with few boards,
 * then the least way by bounds, its stages looked at until all are known. */
static pta_status by_ways(pta_solver *s, pta_answer *best, double *open)
{
    pta_chain chain = {0};
    pta_verdict verdict;
    int32_t n;
    PTA_TRY_ALLOC(s->ctx, chain.at, s->graph->n_nodes);
    pta_status status = pta_chain_fewest(s, 1e9, &chain, &n, &verdict);
    if (status == PTA_OK) {
        status = take_chain(s, &chain, 1, best);
    }
    *open = HUGE_VAL;
    if (status == PTA_OK && verdict != PTA_NO) {
        status = pta_chain_latency(s, &chain, open);
        if (status == PTA_OK) {
            status = take_chain(s, &chain, 1, best);
        }
    }
    pta_free(s->ctx, chain.at);
    return status;
}

/* Best with so many copies; *open is below all that was left out. */
static pta_status with_copies(pta_solver *s, int32_t copies, pta_answer *best,
                              double *open)
{
    double low = 0;
    *open = HUGE_VAL;
    if (pta_by_latency(s) && pta_solver_large(s)) {
        return by_ways(s, best, open);
    }
    if (!pta_by_latency(s)) {
        PTA_TRY(by_chain(s, copies, best, &low));
        if (low == HUGE_VAL || !is_below(best, low)) {
            return PTA_OK;
        }
    }
    if (pta_solver_large(s)) {
        *open = low;
        return PTA_OK;
    }
    pta_solver_bounds(s);
    PTA_TRY(pta_solver_search(s, copies, best, open));
    *open = fmax(*open, low);
    return PTA_OK;
}

/* All products on all boards at once: what nobody passes. */
static double least_interval(const pta_solver *s, int32_t boards)
{
    double lanes = 0, products = s->guess.products[s->graph->n_nodes];
    for (int32_t k = 0; k < s->n_classes; k++) {
        int32_t kind = s->classes[k].kind;
        lanes = fmax(lanes, (double)s->budgets[kind].dsp *
                                s->ask->estimator->products_per_dsp *
                                s->ask->cluster->kinds[kind].clock_mhz);
    }
    return lanes > 0 ? products / lanes / boards : 0;
}

/* Best of all numbers of copies on at most `boards` boards. */
static pta_status best_of(pta_solver *s, int32_t boards, pta_answer *best)
{
    int32_t copies =
        pta_by_latency(s) || s->ask->all_boards ? 1 : boards / s->fewest;
    double open = HUGE_VAL, one;
    for (int32_t c = 1; c <= copies; c++) {
        if (c > 1 && pta_solver_late(s)) {
            open = fmin(open, least_interval(s, boards));
            break;
        }
        s->boards = boards / c;
        PTA_TRY(with_copies(s, c, best, &one));
        open = fmin(open, one);
    }
    if (!pta_by_latency(s)) {
        open = fmax(open, least_interval(s, boards));
    }
    best->bound = best->found ? fmin(best->value, open) : open;
    best->optimal = best->found && best->bound >= best->value * (1 - 1e-9);
    return PTA_OK;
}

bool pta_answer_good(const pta_ask *ask, const pta_answer *a)
{
    return a->found &&
           (ask->at_most_us <= 0 || a->price.latency_us <= ask->at_most_us) &&
           (ask->at_least_per_s <= 0 ||
            1e6 / a->price.interval_us >= ask->at_least_per_s);
}

/* No plan has fewer boards: by chains that reach the rate asked for, c copies
 * each a c-th of it. */
static pta_status find_fewest(pta_solver *s, pta_chain *chain, int32_t *least)
{
    pta_verdict verdict;
    double rate = s->ask->at_least_per_s;
    PTA_TRY(pta_chain_fewest(s, 1e9, chain, &s->fewest, &verdict));
    *least = s->fewest;
    if (rate <= 0 || verdict == PTA_NO) {
        return PTA_OK;
    }
    int32_t copies = s->ask->boards / s->fewest;
    *least = INT32_MAX;
    for (int32_t c = 1; c <= copies && c * s->fewest < *least; c++) {
        int32_t n;
        PTA_TRY(pta_chain_fewest(s, 1e6 * c / rate, chain, &n, &verdict));
        *least = verdict != PTA_NO && c * n < *least ? c * n : *least;
    }
    return PTA_OK;
}

static bool is_proven(const pta_answer *a)
{
    return a->bound == HUGE_VAL || a->optimal;
}

/* More boards never do worse, so that bisection finds the fewest; the least
 * number that is not ruled out is mostly it. */
static pta_status fewest(pta_solver *s, int32_t least, pta_answer *best)
{
    int32_t lo = least, hi = s->ask->boards;
    PTA_TRY(best_of(s, lo, best));
    if (pta_answer_good(s->ask, best) || lo >= hi) {
        return PTA_OK;
    }
    bool proven = is_proven(best);
    pta_answer_free(s->ctx, best);
    PTA_TRY(best_of(s, hi, best));
    for (lo++; lo < hi && pta_answer_good(s->ask, best);) {
        int32_t middle = lo + (hi - lo) / 2;
        pta_answer a = {0};
        PTA_TRY(best_of(s, middle, &a));
        if (pta_answer_good(s->ask, &a)) {
            pta_answer_free(s->ctx, best);
            *best = a;
            hi = middle;
        } else {
            proven = proven && is_proven(&a);
            pta_answer_free(s->ctx, &a);
            lo = middle + 1;
        }
    }
    best->optimal = best->optimal && proven;
    return PTA_OK;
}

static int32_t boards_of(const pta_chain *chain)
{
    int32_t n = 0;
    for (int32_t i = 0; i < chain->n; i++) {
        n += chain->at[i]->n_parts;
    }
    return n;
}

pta_status pta_solver_goal(pta_solver *s, pta_answer *best)
{
    int32_t least = 1, boards = s->ask->boards;
    s->fewest = 1;
    if (!pta_by_latency(s) && !s->ask->all_boards) {
        pta_chain chain = {0};
        PTA_TRY_ALLOC(s->ctx, chain.at, s->graph->n_nodes);
        pta_status status = find_fewest(s, &chain, &least);
        if (status == PTA_OK && pta_solver_large(s) &&
            boards_of(&chain) <=
                (s->ask->goal == PTA_GOAL_BOARDS ? least : boards)) {
            status = take_chain(s, &chain, 1, best); /* time may run out */
        }
        pta_free(s->ctx, chain.at);
        PTA_TRY(status);
    }
    best->bound = HUGE_VAL;
    best->least_boards = least;
    if (s->fewest > boards) {
        return PTA_OK;
    }
    bool search = s->ask->goal == PTA_GOAL_BOARDS && least <= boards;
    PTA_TRY(search ? fewest(s, least, best) : best_of(s, boards, best));
    best->least_boards = least;
    return PTA_OK;
}
