/*
 * Branch and bound: stages from source to sink, each priced with all that came
 * before it; a complete plan is priced by pta_price_plan like any other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "partition/solve_priv.h"

#define SLACK 1e-9 /* sums of the same terms in another order */

typedef struct search {
    pta_solver *s;
    pta_answer *best;
    int32_t copies;
    int32_t n_stages;
    pta_candidate **stages; /* owned; [boards] */
    int32_t n_boards;
    const pta_part **parts; /* owned; [boards] */
    const pta_core **cores; /* owned; [boards] */
    int32_t *stage_of;      /* owned; [boards] */
    int32_t *class_of;      /* owned; [boards] */
    int32_t *hosts;         /* owned; [boards][copies] */
    int32_t used[PTA_CLASS_MAX];
    pta_traffic_board *boards; /* owned; [boards] */
    int32_t n_wires, wires_room;
    pta_traffic_wire *wires; /* owned */
    int32_t *maker;          /* owned; [n_nodes] stage that made a node */
    pta_candidate **before;  /* owned; [boards] scratch */
    pta_price_room room;
    double open;
    bool stopped, unproven;
} search;

/* ---- what flows ---- */

static pta_status add_wire(search *x, pta_traffic_wire wire)
{
    if (x->n_wires == x->wires_room) {
        int32_t room = 2 * x->wires_room + 64;
        pta_traffic_wire *wires =
            pta_realloc(x->s->ctx, x->wires, (size_t)room * sizeof *wires);
        if (wires == NULL) {
            return PTA_ERR_NOMEM;
        }
        x->wires = wires;
        x->wires_room = room;
        pta_price_room_free(x->s->ctx, &x->room);
        PTA_TRY(pta_price_room_create(x->s->ctx, x->s->ask->cluster,
                                      x->s->boards, room, &x->room));
    }
    x->wires[x->n_wires++] = wire;
    return PTA_OK;
}

/* One board to one board; nothing if it takes nothing of it. */
static pta_status wire_between(search *x, int32_t src, int32_t dst)
{
    pta_traffic_wire wire = {src, dst, 0, 0};
    const pta_part *from = src == PTA_BOARD_SOURCE ? NULL : x->parts[src];
    PTA_TRY(pta_flow_between(x->s, from, x->parts[dst], &wire));
    return wire.bytes > 0 ? add_wire(x, wire) : PTA_OK;
}

static pta_status wires_to(search *x, int32_t dst)
{
    const pta_part *part = x->parts[dst];
    bool source = false, from[PTA_CLUSTER_HOST_MAX] = {false};
    for (int32_t i = 0; i < part->n_needs; i++) {
        int32_t node = part->needs[i].node;
        if (x->s->graph->nodes[node].op == PTA_OP_INPUT) {
            source = true;
        } else {
            from[x->maker[node]] = true;
        }
    }
    if (source) {
        PTA_TRY(wire_between(x, PTA_BOARD_SOURCE, dst));
    }
    for (int32_t src = 0; src < dst; src++) {
        if (from[x->stage_of[src]]) {
            PTA_TRY(wire_between(x, src, dst));
        }
    }
    return PTA_OK;
}

static pta_traffic traffic_of(const search *x)
{
    return (pta_traffic){x->n_boards, x->n_wires, x->copies, x->boards,
                         x->wires};
}

/* ---- bounds ---- */

/* When what the next stage surely waits for is ready: at all its makers, or at
 * the first of them. */
static double ready(const search *x, int32_t next, bool all)
{
    next = pta_first_computed(x->s->graph, next);
    double time = 0;
    if (next >= x->s->graph->n_nodes) {
        return 0;
    }
    const pta_node *node = &x->s->graph->nodes[next];
    for (int32_t k = 0; k < node->n_in; k++) {
        int32_t in = node->in[k];
        double least = HUGE_VAL, most = 0;
        if (x->s->graph->nodes[in].op == PTA_OP_INPUT) {
            continue;
        }
        for (int32_t b = 0; b < x->n_boards; b++) {
            if (x->stage_of[b] == x->maker[in]) {
                least = fmin(least, x->room.finish[b]);
                most = fmax(most, x->room.finish[b]);
            }
        }
        time = fmax(time, all ? most : least);
    }
    return time;
}

/* Below every plan that begins like this one. */
static double bound_of(search *x, int32_t next)
{
    const pta_solver *s = x->s;
    int64_t at = pta_low_at(s, next, s->boards - x->n_boards);
    double some = s->low_some[at], all = s->low_all[at];
    pta_traffic t = traffic_of(x);
    pta_price price =
        pta_price_traffic(&t, s->ask->cluster, s->ask->batch, &x->room);
    if (fmin(some, all) == HUGE_VAL) {
        return HUGE_VAL;
    }
    if (!pta_by_latency(s)) {
        return fmax(price.interval_us, fmin(some, all) / x->copies);
    }
    double rest =
        fmin(ready(x, next, false) + some, ready(x, next, true) + all);
    return fmax(price.latency_us, rest);
}

static bool hopeless(const search *x, double bound)
{
    return bound == HUGE_VAL ||
           (x->best->found && bound >= x->best->value * (1 - SLACK));
}

static void leave_open(search *x, double bound)
{
    x->open = fmin(x->open, bound);
}

/* ---- a complete plan ---- */

static pta_status copy_stages(pta_ctx *ctx, const search *x, pta_stage **out)
{
    pta_stage *stages;
    PTA_TRY_ALLOC(ctx, stages, x->n_stages);
    for (int32_t i = 0; i < x->n_stages; i++) {
        const pta_candidate *c = x->stages[i];
        stages[i] = (pta_stage){.first = c->first,
                                .last = c->last,
                                .split = c->split,
                                .n_parts = c->n_parts};
        stages[i].sizes = pta_calloc(ctx, (size_t)c->n_parts, sizeof(int32_t));
        if (stages[i].sizes == NULL) {
            for (int32_t k = 0; k < i; k++) {
                pta_free(ctx, stages[k].sizes);
            }
            pta_free(ctx, stages);
            return PTA_ERR_NOMEM;
        }
        memcpy(stages[i].sizes, c->sizes, (size_t)c->n_parts * sizeof(int32_t));
    }
    *out = stages;
    return PTA_OK;
}

static pta_status fill_answer(const search *x, pta_answer *a)
{
    pta_ctx *ctx = x->s->ctx;
    int32_t n = x->n_boards;
    a->n_stages = x->n_stages;
    a->n_boards = n;
    a->copies = x->copies;
    PTA_TRY(copy_stages(ctx, x, &a->stages));
    for (int32_t i = 0, board = 0; i < a->n_stages; i++) {
        a->stages[i].first_board = board;
        board += a->stages[i].n_parts;
    }
    PTA_TRY_ALLOC(ctx, a->hosts, (int64_t)n * x->copies);
    PTA_TRY_ALLOC(ctx, a->loads, n);
    PTA_TRY_ALLOC(ctx, a->cores, n);
    for (int32_t b = 0; b < n; b++) {
        PTA_TRY(pta_core_copy(ctx, x->cores[b], &a->cores[b]));
        for (int32_t c = 0; c < x->copies; c++) {
            a->hosts[c * n + b] = x->hosts[b * x->copies + c];
        }
    }
    return PTA_OK;
}

static void take_answer(const search *x, pta_answer *a)
{
    pta_answer *best = x->best;
    int64_t nodes = best->nodes;
    a->value =
        pta_by_latency(x->s) ? a->price.latency_us : a->price.interval_us;
    if (!best->found || a->value < best->value) {
        pta_answer_free(x->s->ctx, best);
        *best = *a;
        best->found = true;
        best->nodes = nodes;
        *a = (pta_answer){0};
    }
}

static pta_status price_answer(const search *x, pta_answer *a)
{
    const pta_solver *s = x->s;
    PTA_TRY(fill_answer(x, a));
    PTA_TRY(pta_answer_apply(s->ctx, a, s->graph, s->plan));
    return pta_price_plan(s->ctx, s->graph, s->plan, a->cores, a->hosts,
                          a->copies, s->ask->cluster, s->ask->batch, &a->price,
                          a->loads);
}

/* What the plan's own rules refuse as a whole is no plan. */
static pta_status complete(search *x, double bound)
{
    pta_answer a = {0};
    pta_status status = price_answer(x, &a);
    if (status == PTA_ERR_UNSUPPORTED || status == PTA_ERR_RANGE) {
        pta_ctx_clear_error(x->s->ctx);
        status = PTA_OK;
    } else if (status == PTA_OK) {
        take_answer(x, &a);
        if (x->unproven) {
            leave_open(x, bound);
        }
    }
    pta_answer_free(x->s->ctx, &a);
    return status;
}

/* ---- depth first ---- */

static pta_status descend(search *x, int32_t first);

static bool out_of_time(search *x)
{
    x->best->nodes++;
    x->stopped = x->stopped || pta_solver_late(x->s);
    return x->stopped;
}

/* All boards of the stage have a host: price it and go on. */
static pta_status go_on(search *x, const pta_candidate *c)
{
    int32_t n_wires = x->n_wires;
    bool unproven = x->unproven;
    for (int32_t p = 0; p < c->n_parts; p++) {
        int32_t b = x->n_boards - c->n_parts + p;
        PTA_TRY(wires_to(x, b));
        x->unproven = x->unproven || !x->cores[b]->proven;
    }
    double bound = bound_of(x, c->last + 1);
    pta_status status = PTA_OK;
    if (!hopeless(x, bound)) {
        if (out_of_time(x)) {
            leave_open(x, bound);
        } else if (c->last == x->s->graph->n_nodes - 1) {
            bool enough = !x->s->ask->all_boards || x->n_boards == x->s->boards;
            status = enough ? complete(x, bound) : PTA_OK;
        } else {
            status = descend(x, c->last + 1);
        }
    }
    x->n_wires = n_wires;
    x->unproven = unproven;
    return status;
}

static void place(search *x, pta_candidate *c, int32_t p, int32_t class,
                  const pta_core *core)
{
    int32_t b = x->n_boards++;
    const pta_host_class *k = &x->s->classes[class];
    int32_t *hosts = &x->hosts[b * x->copies];
    for (int32_t i = 0; i < x->copies; i++) {
        hosts[i] = k->hosts[x->used[class] * x->copies + i];
    }
    x->used[class]++;
    x->parts[b] = &c->parts[p];
    x->cores[b] = core;
    x->stage_of[b] = x->n_stages - 1;
    x->class_of[b] = class;
    x->boards[b] = (pta_traffic_board){
        .interval =
            (double)(pta_by_latency(x->s) ? core->interval : core->bound),
        .latency = (double)(pta_by_latency(x->s) ? core->bound : core->latency),
        .in_bytes = c->parts[p].in_bytes,
        .out_bytes = c->parts[p].out_bytes,
        .hosts = hosts};
}

/* The best core on a class of host; NULL if it cannot improve on the best. */
static pta_status core_for(search *x, pta_candidate *c, int32_t p, int32_t k,
                           const pta_core **core)
{
    const pta_solver *s = x->s;
    int32_t kind = s->classes[k].kind;
    if (!pta_by_latency(s) && x->best->found) {
        double us = x->best->value * (1 - SLACK) * x->copies;
        double cycles = us * s->ask->cluster->kinds[kind].clock_mhz;
        pta_verdict verdict;
        PTA_TRY(pta_candidate_within(&x->s->all, c, p, kind, (int64_t)cycles,
                                     &verdict, core));
        if (verdict == PTA_NO) {
            *core = NULL;
            return PTA_OK;
        }
    }
    return pta_candidate_core(&x->s->all, c, p, kind, core);
}

/* Tries every class of host for parts p and on. Equal parts that follow each
 * other take classes in order, but for board 0, beside source and sink. */
static pta_status assign(search *x, pta_candidate *c, int32_t p)
{
    if (p == c->n_parts) {
        return go_on(x, c);
    }
    int32_t from = 0;
    bool equal = x->s->boards > 8 && p > 0 && x->n_boards > 1 &&
                 c->sizes[p] == c->sizes[p - 1];
    if (equal) { /* in large clusters only: sums of many equal orders */
        from = x->class_of[x->n_boards - 1];
    }
    for (int32_t k = from; k < x->s->n_classes && !x->stopped; k++) {
        const pta_core *core;
        int32_t room = x->s->classes[k].n / x->copies;
        if (x->used[k] >= room) {
            continue;
        }
        PTA_TRY(core_for(x, c, p, k, &core));
        if (core == NULL || !core->fits) {
            continue;
        }
        place(x, c, p, k, core);
        pta_status status = assign(x, c, p + 1);
        x->n_boards--;
        x->used[k]--;
        PTA_TRY(status);
    }
    return PTA_OK;
}

static double option_bound(const search *x, const pta_option *o)
{
    const pta_solver *s = x->s;
    int32_t left = s->boards - x->n_boards;
    double rest = left < o->n_parts
                      ? HUGE_VAL
                      : pta_low(s, o->last + 1, left - o->n_parts);
    if (rest == HUGE_VAL) {
        return HUGE_VAL;
    }
    double own = pta_option_after(s, o, left);
    return pta_by_latency(s)
               ? fmax(ready(x, o->first, o->takes_all) + own, rest)
               : own / x->copies;
}

/* ---- carried layers ---- */

static bool is_carried(const search *x, int32_t node)
{
    const pta_candidate *c = x->stages[x->maker[node]];
    return c->carried[node - c->first];
}

static int32_t add_before(search *x, int32_t n, pta_candidate *c)
{
    int32_t at = n;
    for (int32_t i = 0; i < n; i++) {
        if (x->before[i] == c) {
            return n;
        }
    }
    for (; at > 0 && x->before[at - 1]->first > c->first; at--) {
        x->before[at] = x->before[at - 1];
    }
    x->before[at] = c;
    return n + 1;
}

/* Stages that leave it to this one to make what it takes. */
static int32_t find_before(search *x, const pta_candidate *c)
{
    const pta_graph *graph = x->s->graph;
    int32_t n = 0;
    for (int32_t i = c->first; i <= c->last; i++) {
        const pta_node *node = &graph->nodes[i];
        for (int32_t k = 0; pta_graph_in_integer(graph, i) && k < node->n_in;
             k++) {
            int32_t in = node->in[k];
            if (in >= c->first || graph->nodes[in].op == PTA_OP_INPUT ||
                !is_carried(x, in)) {
                continue;
            }
            pta_candidate *stage = x->stages[x->maker[in]];
            for (int32_t b = 0; b < stage->n_before; b++) {
                n = add_before(x, n, stage->before[b]);
            }
            n = add_before(x, n, stage);
        }
    }
    return n;
}

/* The option as it is after the stages of the path. */
static pta_status after_path(search *x, pta_candidate *c, pta_candidate **out)
{
    int32_t n = find_before(x, c);
    *out = c;
    if (n == 0) {
        return PTA_OK;
    }
    pta_cut_key key = {c->first, c->last, c->split, c->n_parts,
                       c->sizes, n,       x->before};
    return pta_candidate_get(&x->s->all, &key, out);
}

/* Least `low` that leaves nothing to find. */
static double limit_of(const search *x, const pta_option *o)
{
    if (!x->best->found) {
        return HUGE_VAL;
    }
    double value = x->best->value * (1 - SLACK);
    return pta_by_latency(x->s) ? value - ready(x, o->first, o->takes_all)
                                : value * x->copies;
}

static pta_status try_option(search *x, pta_option *o)
{
    double bound = option_bound(x, o);
    if (!hopeless(x, bound) && !x->stopped) {
        PTA_TRY(pta_option_refine(x->s, o, limit_of(x, o)));
        bound = option_bound(x, o);
        x->stopped = x->stopped || pta_solver_late(x->s);
    }
    if (hopeless(x, bound)) {
        return PTA_OK;
    }
    if (x->stopped) {
        leave_open(x, bound);
        return PTA_OK;
    }
    pta_candidate *c;
    PTA_TRY(after_path(x, o->c, &c));
    if (!c->usable) {
        return PTA_OK;
    }
    x->stages[x->n_stages++] = c;
    for (int32_t k = c->first; k <= c->last; k++) {
        x->maker[k] = x->n_stages - 1;
    }
    pta_status status = assign(x, c, 0);
    x->n_stages--;
    PTA_TRY(status);
    if (x->stopped) { /* hosts that were not tried */
        leave_open(x, bound);
    }
    /* finish times are of the last plan priced: price this one again */
    if (pta_by_latency(x->s) && x->n_boards > 0) {
        pta_traffic t = traffic_of(x);
        pta_price_traffic(&t, x->s->ask->cluster, x->s->ask->batch, &x->room);
    }
    return PTA_OK;
}

typedef struct ranked {
    double bound;
    pta_option *o;
} ranked;

static int by_bound(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->bound != y->bound) {
        return x->bound < y->bound ? -1 : 1;
    }
    return x->o < y->o ? -1 : 1;
}

/* Least bound first. */
static pta_status descend(search *x, int32_t first)
{
    pta_options_of *list = &x->s->options[first];
    pta_status status = PTA_OK;
    int32_t n = 0;
    ranked *order;
    PTA_TRY_ALLOC(x->s->ctx, order, list->n);
    for (int32_t i = 0; i < list->n; i++) {
        double bound = option_bound(x, &list->at[i]);
        if (!hopeless(x, bound)) {
            order[n++] = (ranked){bound, &list->at[i]};
        }
    }
    if (n > 1) {
        qsort(order, (size_t)n, sizeof *order, by_bound);
    }
    for (int32_t i = 0; i < n && status == PTA_OK; i++) {
        status = try_option(x, order[i].o);
    }
    pta_free(x->s->ctx, order);
    return status;
}

/* ---- the whole ---- */

static pta_status alloc(search *x)
{
    pta_ctx *ctx = x->s->ctx;
    int32_t n = x->s->boards;
    PTA_TRY_ALLOC(ctx, x->stages, n);
    PTA_TRY_ALLOC(ctx, x->parts, n);
    PTA_TRY_ALLOC(ctx, x->cores, n);
    PTA_TRY_ALLOC(ctx, x->stage_of, n);
    PTA_TRY_ALLOC(ctx, x->class_of, n);
    PTA_TRY_ALLOC(ctx, x->hosts, (int64_t)n * x->copies);
    PTA_TRY_ALLOC(ctx, x->boards, n);
    PTA_TRY_ALLOC(ctx, x->maker, x->s->graph->n_nodes);
    PTA_TRY_ALLOC(ctx, x->before, n);
    return pta_price_room_create(ctx, x->s->ask->cluster, n, 0, &x->room);
}

static void release(search *x)
{
    pta_ctx *ctx = x->s->ctx;
    pta_free(ctx, x->stages);
    pta_free(ctx, x->parts);
    pta_free(ctx, x->cores);
    pta_free(ctx, x->stage_of);
    pta_free(ctx, x->class_of);
    pta_free(ctx, x->hosts);
    pta_free(ctx, x->boards);
    pta_free(ctx, x->wires);
    pta_free(ctx, x->maker);
    pta_free(ctx, x->before);
    pta_price_room_free(ctx, &x->room);
}

pta_status pta_solver_search(pta_solver *s, int32_t copies, pta_answer *best,
                             double *open)
{
    search x = {.s = s, .best = best, .copies = copies, .open = HUGE_VAL};
    pta_status status = alloc(&x);
    if (status == PTA_OK) {
        status = descend(&x, 0);
    }
    release(&x);
    *open = x.open;
    return status;
}
