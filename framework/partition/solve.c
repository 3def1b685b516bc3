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

#define POLISH_MAX 16 /* boards; of more only the interval is chosen */

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
                              .aim = !pta_by_latency(s)    ? PTA_AIM_PACE
                                     : pta_solver_large(s) ? PTA_AIM_ROUGHLY
                                                           : PTA_AIM_LATENCY};
    PTA_TRY(pta_candidates_init(&s->all));
    PTA_TRY(class_hosts(s));
    PTA_TRY(find_taken(s));
    PTA_TRY(find_shrinking(s));
    PTA_TRY_ALLOC(s->ctx, s->options, s->graph->n_nodes + 1);
    if (!pta_solver_large(s) || pta_by_latency(s)) {
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

/* ---- nothing fits ---- */

/* What all layers take together, each at its least. */
static pta_status explain_sum(pta_solver *s, pta_answer *a)
{
    pta_shortage lack;
    if (s->relax == NULL) {
        PTA_TRY(pta_relax_create(s, &s->relax));
    }
    pta_relax_set(s, s->relax, 1e9);
    lack = pta_relax_shortage(s, s->relax);
    double has = lack.has * s->ask->boards;
    if (lack.resource == NULL || lack.takes <= has) {
        return PTA_OK;
    }
    snprintf(a->why + strlen(a->why), sizeof a->why - strlen(a->why),
             "; all layers together take at least %.0f %s, %d board%s %.0f: "
             "%.0f boards or more",
             lack.takes, lack.resource, (int)s->ask->boards,
             s->ask->boards == 1 ? " has" : "s have", has,
             ceil(lack.takes / lack.has));
    return PTA_OK;
}

/* The first layer that fits on no board by itself. */
static pta_status find_stuck(pta_solver *s, int32_t *stuck,
                             const char **lacking)
{
    const pta_graph *graph = s->graph;
    static const int32_t one = 1;
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
            *stuck = i;
            *lacking = core->lacking;
            break;
        }
    }
    return PTA_OK;
}

static pta_status explain(pta_solver *s, pta_answer *a)
{
    const char *lacking = "";
    int32_t stuck = -1;
    int boards = (int)s->ask->boards;
    if (s->out_of_time) {
        snprintf(a->why, sizeof a->why,
                 "no plan on %d board%s found within %.3g s", boards,
                 boards == 1 ? "" : "s", s->ask->seconds);
        return PTA_OK;
    }
    PTA_TRY(find_stuck(s, &stuck, &lacking));
    if (stuck < 0) {
        snprintf(a->why, sizeof a->why,
                 "no plan on %d board%s: every layer fits by itself, all "
                 "together do not; more boards or fewer bits would help",
                 boards, boards == 1 ? "" : "s");
    } else {
        snprintf(a->why, sizeof a->why,
                 "no plan on %d board%s: '%s' must be cut, one board lacks "
                 "%s; fewer bits, more boards or a larger share (--budget) "
                 "would help",
                 boards, boards == 1 ? "" : "s", s->graph->nodes[stuck].name,
                 lacking);
    }
    return explain_sum(s, a);
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
    PTA_TRY(pta_solver_goal(s, a));
    a->n_cuts = s->all.n;
    if (a->found && !pta_by_latency(s) && a->n_boards <= POLISH_MAX) {
        PTA_TRY(pta_answer_polish(s, a));
    }
    if (!a->found) {
        return explain(s, a);
    }
    if (!pta_answer_good(s->ask, a)) {
        explain_limits(s->ask, a);
        pta_answer_free(s->ctx, a);
    }
    return PTA_OK;
}

/* ---- hosts of one class ---- */

/* The same on the hosts of one class alone, for what is left of the time. */
static pta_status solve_class(const pta_solver *s, const pta_plan *formats,
                              int32_t class, pta_answer *out)
{
    const pta_host_class *k = &s->classes[class];
    pta_cluster alone = *s->ask->cluster;
    pta_ask ask = *s->ask;
    PTA_TRY_ALLOC(s->ctx, alone.hosts, k->n);
    for (int32_t i = 0; i < k->n; i++) {
        alone.hosts[i] = s->ask->cluster->hosts[k->hosts[i]];
    }
    alone.n_hosts = k->n;
    alone.n_pairs = 0; /* hosts of a pair are a class each */
    ask.cluster = &alone;
    ask.boards = ask.boards < k->n ? ask.boards : k->n;
    ask.as_large = true;
    if (s->deadline > 0) {
        double left = s->deadline - pta_solver_seconds();
        ask.seconds = fmax(left / (s->n_classes - class), 1e-3);
    }
    pta_status status = pta_solve(s->ctx, s->graph, formats, &ask, out);
    pta_free(s->ctx, alone.hosts);
    PTA_TRY(status);
    for (int32_t i = 0; out->found && i < out->copies * out->n_boards; i++) {
        out->hosts[i] = k->hosts[out->hosts[i]];
    }
    return PTA_OK;
}

/* Large problems on hosts that differ: the best on those of one class, under
 * the bound of all. */
static pta_status solve_classes(const pta_solver *s, const pta_plan *formats,
                                pta_answer *a)
{
    double bound = a->bound < HUGE_VAL ? a->bound : 0;
    for (int32_t k = 0; k < s->n_classes; k++) {
        pta_answer one = {0};
        PTA_TRY(solve_class(s, formats, k, &one));
        if (one.found && (!a->found || one.value < a->value)) {
            pta_answer_free(s->ctx, a);
            *a = one;
        } else {
            pta_answer_free(s->ctx, &one);
        }
    }
    if (!a->found) {
        snprintf(a->why, sizeof a->why,
                 "no plan found: of a problem this large only boards of one "
                 "kind are tried together");
    }
    a->bound = a->found ? fmin(bound, a->value) : bound;
    a->optimal = a->found && a->bound >= a->value * (1 - 1e-9);
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
    bool few = answer.least_boards > ask->boards || answer.bound == HUGE_VAL;
    if (status == PTA_OK && !answer.found && !few && s.n_classes > 1 &&
        pta_solver_large(&s)) {
        status = solve_classes(&s, plan, &answer);
    }
    close_solver(&s);
    answer.seconds = pta_solver_seconds() - s.started;
    if (status != PTA_OK) {
        pta_answer_free(ctx, &answer);
        return status;
    }
    *out = answer;
    return PTA_OK;
}
