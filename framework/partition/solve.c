/*
 * The solver as a whole: hosts by class, copies, fewest boards, and what to say
 * when nothing fits.
 */
#include "partition/solve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "partition/solve_priv.h"

/* ---- hosts ---- */

static bool in_a_pair(const pta_cluster *c, int32_t host)
{
    for (int32_t i = 0; i < c->n_pairs; i++) {
        if (c->pairs[i].from == host || c->pairs[i].to == host) {
            return true;
        }
    }
    return false;
}

static bool same_class(const pta_cluster *c, int32_t a, int32_t b)
{
    const pta_host *x = &c->hosts[a], *y = &c->hosts[b];
    bool shared = c->n_machines < c->n_hosts;
    return x->kind == y->kind &&
           memcmp(&x->costs, &y->costs, sizeof x->costs) == 0 &&
           (shared ? x->machine == y->machine
                   : c->machines[x->machine].cores ==
                         c->machines[y->machine].cores) &&
           !in_a_pair(c, a) && !in_a_pair(c, b);
}

static pta_status class_hosts(pta_solver *s)
{
    const pta_cluster *c = s->ask->cluster;
    for (int32_t h = 0; h < c->n_hosts; h++) {
        int32_t k = 0;
        while (k < s->n_classes && !same_class(c, s->classes[k].hosts[0], h)) {
            k++;
        }
        if (k == PTA_CLASS_MAX) {
            return pta_fail(s->ctx, PTA_ERR_UNSUPPORTED,
                            "cluster \"%s\": more than %d hosts that differ",
                            c->name, PTA_CLASS_MAX);
        }
        if (k == s->n_classes) {
            PTA_TRY_ALLOC(s->ctx, s->classes[k].hosts, c->n_hosts);
            s->classes[k].kind = c->hosts[h].kind;
            s->n_classes++;
        }
        s->classes[k].hosts[s->classes[k].n++] = h;
    }
    return PTA_OK;
}

/* ---- time ---- */

double pta_solver_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool pta_solver_late(pta_solver *s)
{
    s->out_of_time = s->out_of_time ||
                     (s->deadline > 0 && pta_solver_seconds() > s->deadline);
    return s->out_of_time;
}

/* ---- life ---- */

/* A layer without weights may be carried: made from its inputs by each that
 * takes it, which may be fewer bytes. */
static pta_status find_shrinking(pta_solver *s)
{
    const pta_graph *graph = s->graph;
    double *least;
    PTA_TRY_ALLOC(s->ctx, s->shrinks, graph->n_nodes);
    PTA_TRY_ALLOC(s->ctx, least, graph->n_nodes);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        pta_dtype type = pta_format_dtype(s->plan->formats[i].out);
        double own = (double)pta_view_count(node->view) *
                     (double)pta_dtype_bytes(type),
               made = 0;
        for (int32_t k = 0; k < node->n_in; k++) {
            made += least[node->in[k]];
        }
        bool fixed = node->op == PTA_OP_INPUT || pta_node_splittable(node);
        s->shrinks[i] = !fixed && made < own;
        least[i] = s->shrinks[i] ? made : own;
    }
    pta_free(s->ctx, least);
    return PTA_OK;
}

/* Tensors of which the uncut network takes every element. */
static pta_status find_taken(pta_solver *s)
{
    pta_slice *slice;
    PTA_TRY_ALLOC(s->ctx, s->taken_whole, s->graph->n_nodes);
    PTA_TRY(pta_slice_build(s->ctx, s->graph, s->plan, 0, false, &slice));
    for (int32_t v = 0; v < slice->n_values; v++) {
        const pta_value *value = &slice->values[v];
        bool whole = pta_region_is_whole(&value->region);
        s->taken_whole[value->node] = s->taken_whole[value->node] || whole;
    }
    pta_slice_destroy(s->ctx, &slice);
    return PTA_OK;
}

/* What a neighbour not yet known costs at least. */
static void find_cheapest(pta_solver *s)
{
    const pta_cluster *c = s->ask->cluster;
    double port = HUGE_VAL, message = HUGE_VAL, pair = HUGE_VAL;
    for (int32_t h = 0; h < c->n_hosts; h++) {
        const pta_host_costs *costs = &c->hosts[h].costs;
        s->best_rate_mbit = fmax(s->best_rate_mbit, costs->rate_mbit);
        port = fmin(port, costs->latency_us);
        message = fmin(message, costs->message_us);
    }
    for (int32_t i = 0; i < c->n_pairs; i++) {
        s->best_rate_mbit = fmax(s->best_rate_mbit, c->pairs[i].rate_mbit);
        pair = fmin(pair, c->pairs[i].latency_us);
    }
    s->hop_us = 2 * message + fmin(2 * port, pair);
}

static pta_status open_solver(pta_solver *s, const pta_plan *formats)
{
    const pta_cluster *c = s->ask->cluster;
    PTA_TRY(pta_plan_create(s->ctx, s->graph, &s->plan));
    memcpy(s->plan->formats, formats->formats,
           (size_t)s->graph->n_nodes * sizeof *formats->formats);
    PTA_TRY_ALLOC(s->ctx, s->budgets, c->n_kinds);
    for (int32_t k = 0; k < c->n_kinds; k++) {
        s->budgets[k] = pta_board_budget(&c->kinds[k]);
    }
    s->all = (pta_candidates){.ctx = s->ctx,
                              .graph = s->graph,
                              .plan = s->plan,
                              .estimator = s->ask->estimator,
                              .n_kinds = c->n_kinds,
                              .budgets = s->budgets,
                              .aim = pta_by_latency(s) ? PTA_AIM_LATENCY
                                                       : PTA_AIM_PACE};
    PTA_TRY(pta_candidates_init(&s->all));
    PTA_TRY(class_hosts(s));
    PTA_TRY(find_taken(s));
    PTA_TRY(find_shrinking(s));
    PTA_TRY_ALLOC(s->ctx, s->options, s->graph->n_nodes + 1);
    if (!pta_solver_large(s)) {
        int64_t n = (int64_t)(s->graph->n_nodes + 1) * (s->ask->boards + 1);
        PTA_TRY_ALLOC(s->ctx, s->low_all, n);
        PTA_TRY_ALLOC(s->ctx, s->low_some, n);
    }
    find_cheapest(s);
    s->boards = s->ask->boards;
    return pta_solver_options(s);
}

static void close_solver(pta_solver *s)
{
    pta_solver_options_free(s);
    for (int32_t k = 0; k < s->n_classes; k++) {
        pta_free(s->ctx, s->classes[k].hosts);
    }
    pta_relax_free(s, s->relax);
    pta_twins_free(s, s->twins);
    pta_candidates_free(&s->all);
    pta_plan_destroy(s->ctx, &s->plan);
    pta_free(s->ctx, s->budgets);
    pta_free(s->ctx, s->taken_whole);
    pta_free(s->ctx, s->shrinks);
    pta_free(s->ctx, s->low_all);
    pta_free(s->ctx, s->low_some);
}

/* ---- goals ---- */

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

/* The best chain below the limit, priced; *low as pta_chain_throughput. */
static pta_status try_chain(pta_solver *s, int32_t copies, bool careful,
                            double limit, pta_answer *best, double *low)
{
    pta_chain chain = {0};
    pta_answer a = {0};
    PTA_TRY_ALLOC(s->ctx, chain.at, s->graph->n_nodes);
    pta_status status =
        pta_chain_throughput(s, s->boards, careful, limit, &chain, low);
    if (status == PTA_OK && chain.found && s->n_classes == 1 &&
        !s->ask->all_boards) {
        status = pta_chain_answer(s, &chain, copies, &a);
    }
    if (status == PTA_OK) {
        take_better(s, best, &a);
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
    if (!is_below(best, *low) || s->low_all != NULL) {
        return PTA_OK;
    }
    limit = best->found ? best->value * copies : HUGE_VAL;
    return try_chain(s, copies, true, limit, best, &above);
}

/* Best with so many copies; *open is below all that was left out. */
static pta_status with_copies(pta_solver *s, int32_t copies, pta_answer *best,
                              double *open)
{
    double low = 0;
    *open = HUGE_VAL;
    if (!pta_by_latency(s)) {
        PTA_TRY(by_chain(s, copies, best, &low));
        if (low == HUGE_VAL || !is_below(best, low)) {
            return PTA_OK;
        }
    }
    if (s->low_all == NULL) {
        *open = low;
        return PTA_OK;
    }
    pta_solver_bounds(s);
    PTA_TRY(pta_solver_search(s, copies, best, open));
    *open = fmax(*open, low);
    return PTA_OK;
}

/* Best of all numbers of copies on at most `boards` boards. */
static pta_status best_of(pta_solver *s, int32_t boards, pta_answer *best)
{
    int32_t copies = pta_by_latency(s) || s->ask->all_boards ? 1 : boards;
    double open = HUGE_VAL, one;
    for (int32_t c = 1; c <= copies; c++) {
        s->boards = boards / c;
        PTA_TRY(with_copies(s, c, best, &one));
        open = fmin(open, one);
    }
    best->bound = best->found ? fmin(best->value, open) : open;
    best->optimal = best->found && best->bound >= best->value * (1 - 1e-9);
    return PTA_OK;
}

static bool good_enough(const pta_ask *ask, const pta_answer *a)
{
    return a->found &&
           (ask->at_most_us <= 0 || a->price.latency_us <= ask->at_most_us) &&
           (ask->at_least_per_s <= 0 ||
            1e6 / a->price.interval_us >= ask->at_least_per_s);
}

/* More boards never do worse, so that bisection finds the fewest. */
static pta_status fewest(pta_solver *s, pta_answer *best)
{
    int32_t lo = 1, hi = s->ask->boards;
    bool proven = true;
    PTA_TRY(best_of(s, hi, best));
    if (!good_enough(s->ask, best)) {
        return PTA_OK;
    }
    while (lo < hi) {
        int32_t middle = lo + (hi - lo) / 2;
        pta_answer a = {0};
        PTA_TRY(best_of(s, middle, &a));
        bool enough = good_enough(s->ask, &a);
        proven = proven && (enough || a.bound == HUGE_VAL || a.optimal);
        if (enough) {
            pta_answer_free(s->ctx, best);
            *best = a;
            hi = middle;
        } else {
            pta_answer_free(s->ctx, &a);
            lo = middle + 1;
        }
    }
    best->optimal = best->optimal && proven;
    return PTA_OK;
}

/* ---- nothing fits ---- */

/* The first layer that no option takes in, or that all need too many for. */
static pta_status explain(pta_solver *s, pta_answer *a)
{
    const pta_graph *graph = s->graph;
    static const int32_t one = 1;
    const char *lacking = "";
    int32_t stuck = -1;
    for (int32_t i = pta_first_computed(graph, 0); i < graph->n_nodes;
         i = pta_first_computed(graph, i + 1)) {
        pta_cut_key key = {i, i, PTA_SPLIT_WHOLE, 1, &one, 0, NULL};
        pta_candidate *c;
        const pta_core *core;
        PTA_TRY(pta_candidate_get(&s->all, &key, &c));
        if (!c->usable) {
            continue;
        }
        PTA_TRY(pta_candidate_core(&s->all, c, 0, s->classes[0].kind, &core));
        if (!core->fits) {
            stuck = i;
            lacking = core->lacking;
            break;
        }
    }
    if (stuck < 0) {
        snprintf(a->why, sizeof a->why,
                 "no plan on %d board%s: every layer fits by itself, all "
                 "together do not; more boards or fewer bits would help",
                 (int)s->ask->boards, s->ask->boards == 1 ? "" : "s");
        return PTA_OK;
    }
    snprintf(a->why, sizeof a->why,
             "no plan on %d board%s: '%s' must be cut, one board lacks %s; "
             "fewer bits, more boards or a larger share (--budget) would help",
             (int)s->ask->boards, s->ask->boards == 1 ? "" : "s",
             graph->nodes[stuck].name, lacking);
    return PTA_OK;
}

static void explain_limits(const pta_ask *ask, pta_answer *a)
{
    snprintf(a->why, sizeof a->why,
             "no plan on %d boards reaches %s %.6g %s: the best %s %.6g",
             (int)ask->boards, ask->at_most_us > 0 ? "at most" : "at least",
             ask->at_most_us > 0 ? ask->at_most_us : ask->at_least_per_s,
             ask->at_most_us > 0 ? "us" : "samples/s",
             a->optimal ? "is" : "found is",
             ask->at_most_us > 0 ? a->price.latency_us
                                 : 1e6 / a->price.interval_us);
}

static pta_status solve(pta_solver *s, const pta_plan *formats, pta_answer *a)
{
    PTA_TRY(open_solver(s, formats));
    PTA_TRY(s->ask->goal == PTA_GOAL_BOARDS ? fewest(s, a)
                                            : best_of(s, s->ask->boards, a));
    a->n_cuts = s->all.n;
    PTA_TRY(pta_answer_polish(s, a));
    if (!a->found) {
        return explain(s, a);
    }
    if (!good_enough(s->ask, a)) {
        explain_limits(s->ask, a);
        pta_answer_free(s->ctx, a);
    }
    return PTA_OK;
}

pta_status pta_solve(pta_ctx *ctx, const pta_graph *graph, const pta_plan *plan,
                     const pta_ask *ask, pta_answer *out)
{
    pta_solver s = {.ctx = ctx, .graph = graph, .ask = ask};
    pta_answer answer = {0};
    if (graph->is_plain) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "profile hls4ml: the planner knows the hardware of the "
                        "profile exact; give --cut");
    }
    if (ask->boards < 1 || ask->boards > ask->cluster->n_hosts ||
        ask->batch < 1) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "%d boards, %d samples a message: expected 1 to %d, 1 "
                        "or more",
                        (int)ask->boards, (int)ask->batch,
                        (int)ask->cluster->n_hosts);
    }
    s.started = pta_solver_seconds();
    s.deadline = ask->seconds > 0 ? s.started + ask->seconds : 0;
    pta_status status = solve(&s, plan, &answer);
    close_solver(&s);
    answer.seconds = pta_solver_seconds() - s.started;
    if (status != PTA_OK) {
        pta_answer_free(ctx, &answer);
        return status;
    }
    *out = answer;
    return PTA_OK;
}
