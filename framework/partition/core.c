/*
 * Choosing foldings: one of each step's list, least aim, within a budget of
 * five resources. The interval is found by bisection over the values it can
 * take, a span by trying them in order.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "partition/knapsack_priv.h"

static const char *const resource_names[PTA_N_RES] = {"LUT", "LUTRAM", "FF",
                                                      "DSP", "BRAM18"};

/* ---- what is allowed ---- */

typedef struct limits {
    int64_t interval, span;
    bool by_fill; /* minimise the sum of fills, else just fit */
} limits;

static void allow(pta_knapsack *s, const pta_foldings *lists, limits l)
{
    for (int32_t i = 0; i < s->n; i++) {
        s->count[i] = 0;
        for (int32_t k = 0; k < lists[i].n; k++) {
            const pta_folding *f = &lists[i].at[k];
            if (f->interval > l.interval || f->span > l.span) {
                continue;
            }
            pta_item *it = &s->items[i][s->count[i]++];
            it->folding = f;
            it->cost = l.by_fill ? (double)f->fill : 0;
            pta_resources_vector(&f->resources, it->r);
        }
    }
}

/* Least cost within the limits, as pta_knapsack_solve. */
static bool run(pta_knapsack *s, const pta_foldings *lists, limits l,
                double *bound)
{
    allow(s, lists, l);
    *bound = 1;
    if (!l.by_fill) {
        s->limit = HUGE_VAL;
        pta_verdict quick = pta_knapsack_quick(s);
        if (quick != PTA_MAYBE) {
            return quick == PTA_YES;
        }
    }
    for (int32_t i = 0; i < s->n; i++) {
        pta_knapsack_thin(s->items[i], &s->count[i]);
    }
    return pta_knapsack_solve(s, !l.by_fill, bound);
}

/* ---- results ---- */

typedef struct work {
    pta_ctx *ctx;
    const pta_estimator *estimator;
    pta_foldings *lists; /* [n] */
    pta_knapsack s;
    pta_core *core;
} work;

static void take(work *w)
{
    pta_core *c = w->core;
    int64_t span = 0;
    c->fits = true;
    c->interval = 1;
    c->latency = w->estimator->shell_latency;
    c->resources = w->estimator->shell;
    for (int32_t i = 0; i < w->s.n; i++) {
        const pta_folding *f = w->s.items[i][w->s.chosen[i]].folding;
        c->folds[i] = f->fold;
        c->interval = f->interval > c->interval ? f->interval : c->interval;
        c->latency += f->fill;
        span = f->span > span ? f->span : span;
        c->resources.lut += f->resources.lut;
        c->resources.lutram += f->resources.lutram;
        c->resources.ff += f->resources.ff;
        c->resources.dsp += f->resources.dsp;
        c->resources.bram18 += f->resources.bram18;
    }
    c->latency += span;
}

static int64_t shell_of(const work *w)
{
    return w->estimator->shell_latency;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The distinct values of interval or span over all lists, rising. */
static pta_status values_of(const work *w, bool span, int64_t **out, int32_t *n)
{
    int32_t total = 1, kept = 0;
    for (int32_t i = 0; i < w->s.n; i++) {
        total += w->lists[i].n;
    }
    int64_t *v;
    PTA_TRY_ALLOC(w->ctx, v, total);
    total = 1; /* with 0 for a slice without steps */
    for (int32_t i = 0; i < w->s.n; i++) {
        for (int32_t k = 0; k < w->lists[i].n; k++) {
            const pta_folding *f = &w->lists[i].at[k];
            v[total++] = span ? f->span : f->interval;
        }
    }
    qsort(v, (size_t)total, sizeof *v, by_value);
    for (int32_t i = 0; i < total; i++) {
        if (kept == 0 || v[i] != v[kept - 1]) {
            v[kept++] = v[i];
        }
    }
    *out = v;
    *n = kept;
    return PTA_OK;
}

#define SPANS_MAX   64   /* of more only some are tried, */
#define SPAN_STEP   1.01 /* each so much greater than the last */
#define ROUGH_STEP  1.1
#define ROUGH_NODES 200

/* Least latency with intervals up to `interval`. A choice has its span at least
 * one above the one tried before. */
static pta_status choose_latency(work *w, int64_t interval)
{
    int64_t *spans, tried = -1;
    int32_t n;
    double best = 0, low = 0;
    double step = w->s.nodes_max > 0 ? ROUGH_STEP : SPAN_STEP;
    bool found = false, bounded = false;
    PTA_TRY(values_of(w, true, &spans, &n));
    for (int32_t i = 0; i < n; i++) {
        double bound = 0, span = (double)spans[i], least = (double)tried + 1;
        if (found && least >= best) {
            break;
        }
        if (n > SPANS_MAX && i < n - 1 && span < (double)tried * step) {
            continue;
        }
        w->s.limit = found ? best - least : HUGE_VAL;
        limits l = {interval, spans[i], true};
        bool ok = run(&w->s, w->lists, l, &bound);
        double from = i > 0 && spans[i - 1] == tried ? span : least;
        if (ok || w->s.cut) {
            double own = (w->s.cut ? bound : w->s.best) + from;
            low = !bounded || own < low ? own : low;
            bounded = true;
        }
        if (ok && (!found || w->s.best + span < best)) {
            best = w->s.best + span;
            found = true;
            take(w);
            double actual = (double)(w->core->latency - shell_of(w));
            best = actual < best ? actual : best;
        }
        tried = spans[i];
    }
    pta_free(w->ctx, spans);
    low = bounded && low < best ? ceil(low - 1e-6) : best;
    w->core->bound = (int64_t)low + shell_of(w);
    w->core->proven = w->core->bound >= w->core->latency;
    return PTA_OK;
}

/* Least interval by bisection: what fits within one fits within a greater.
 * `quick`: then the quickest of those. */
static pta_status choose_interval(work *w, bool quick)
{
    int64_t *values;
    int32_t n, lo = 0, hi;
    double bound;
    bool cut = false;
    PTA_TRY(values_of(w, false, &values, &n));
    hi = n - 1;
    int32_t proven = 0; /* below values[proven] nothing fits */
    if (!run(&w->s, w->lists, (limits){values[hi], INT64_MAX, false}, &bound)) {
        w->core->proven = !w->s.cut;
        pta_free(w->ctx, values);
        return PTA_OK;
    }
    take(w);
    while (lo < hi) {
        int32_t middle = lo + (hi - lo) / 2;
        limits l = {values[middle], INT64_MAX, false};
        if (run(&w->s, w->lists, l, &bound)) {
            take(w);
            hi = middle;
        } else {
            cut = cut || w->s.cut;
            lo = middle + 1;
            proven = cut ? proven : lo;
        }
    }
    int64_t interval = values[hi], below = values[proven];
    pta_free(w->ctx, values);
    if (quick) {
        PTA_TRY(choose_latency(w, interval));
    }
    w->core->proven = !cut;
    w->core->bound = cut ? below : interval;
    return PTA_OK;
}

/* ---- what does not fit ---- */

static void say_lacking(work *w, const pta_graph *graph, const pta_slice *slice)
{
    double sum[PTA_N_RES] = {0}, most[PTA_N_RES] = {0};
    int32_t who[PTA_N_RES] = {0};
    for (int32_t i = 0; i < w->s.n; i++) {
        for (int j = 0; j < PTA_N_RES; j++) {
            double least = 0, r[PTA_N_RES];
            for (int32_t k = 0; k < w->lists[i].n; k++) {
                pta_resources_vector(&w->lists[i].at[k].resources, r);
                least = k == 0 || r[j] < least ? r[j] : least;
            }
            sum[j] += least;
            who[j] = least > most[j] ? slice->steps[i].node : who[j];
            most[j] = least > most[j] ? least : most[j];
        }
    }
    int worst = 0;
    double over = 0;
    for (int j = 0; j < PTA_N_RES; j++) {
        double has = w->s.has[j] > 1 ? w->s.has[j] : 1;
        if (sum[j] / has > over) {
            over = sum[j] / has;
            worst = j;
        }
    }
    snprintf(
        w->core->lacking, sizeof w->core->lacking,
        "at least %.0f %s, the budget has %.0f; '%.60s' takes %.0f of them",
        sum[worst], resource_names[worst], w->s.has[worst],
        graph->nodes[who[worst]].name, most[worst]);
}

/* ---- the whole ---- */

static pta_status alloc(work *w)
{
    pta_knapsack *s = &w->s;
    PTA_TRY_ALLOC(w->ctx, s->count, s->n);
    PTA_TRY_ALLOC(w->ctx, s->items, s->n);
    PTA_TRY_ALLOC(w->ctx, s->least, s->n + 1);
    PTA_TRY_ALLOC(w->ctx, s->rest, s->n + 1);
    PTA_TRY_ALLOC(w->ctx, s->chosen, s->n);
    PTA_TRY_ALLOC(w->ctx, s->at, s->n);
    PTA_TRY_ALLOC(w->ctx, w->core->folds, s->n);
    for (int32_t i = 0; i < s->n; i++) {
        PTA_TRY_ALLOC(w->ctx, s->items[i], w->lists[i].n);
    }
    return PTA_OK;
}

static void release(work *w)
{
    pta_knapsack *s = &w->s;
    for (int32_t i = 0; i < s->n; i++) {
        pta_free(w->ctx, s->items == NULL ? NULL : s->items[i]);
        pta_foldings_free(w->ctx, &w->lists[i]);
    }
    pta_free(w->ctx, w->lists);
    pta_free(w->ctx, s->count);
    pta_free(w->ctx, s->items);
    pta_free(w->ctx, s->least);
    pta_free(w->ctx, s->rest);
    pta_free(w->ctx, s->chosen);
    pta_free(w->ctx, s->at);
}

/* The steps' foldings and what there is for them. False in *can: some step is
 * none for hardware. */
static pta_status open_work(work *w, pta_estimator *estimator,
                            const pta_slice *slice, const pta_budget *budget,
                            bool *can)
{
    pta_resources has = {.lut = budget->lut,
                         .lutram = budget->lutram,
                         .ff = budget->ff,
                         .dsp = budget->dsp,
                         .bram18 = budget->bram18};
    double shell[PTA_N_RES];
    for (int32_t i = 0; i < w->s.n; i++) {
        pta_status status =
            estimator->foldings(estimator, w->ctx, slice, i, &w->lists[i]);
        if (status == PTA_ERR_UNSUPPORTED) { /* no hardware does the step */
            snprintf(w->core->lacking, sizeof w->core->lacking, "%s",
                     pta_ctx_error(w->ctx));
            pta_ctx_clear_error(w->ctx);
            *can = false;
            return PTA_OK;
        }
        PTA_TRY(status);
    }
    *can = true;
    PTA_TRY(alloc(w));
    pta_resources_vector(&has, w->s.has);
    pta_resources_vector(&estimator->shell, shell);
    for (int j = 0; j < PTA_N_RES; j++) {
        w->s.has[j] -= shell[j];
    }
    return PTA_OK;
}

static pta_status choose(work *w, pta_estimator *estimator,
                         const pta_graph *graph, const pta_slice *slice,
                         const pta_budget *budget, pta_aim aim)
{
    bool can;
    PTA_TRY(open_work(w, estimator, slice, budget, &can));
    w->core->proven = true;
    if (!can) {
        return PTA_OK;
    }
    w->s.nodes_max = aim == PTA_AIM_ROUGHLY ? ROUGH_NODES : 0;
    PTA_TRY(aim == PTA_AIM_LATENCY || aim == PTA_AIM_ROUGHLY
                ? choose_latency(w, INT64_MAX)
                : choose_interval(w, aim == PTA_AIM_INTERVAL));
    if (!w->core->fits) {
        say_lacking(w, graph, slice);
    }
    return PTA_OK;
}

/* Some choice within `cycles`, if there is one. */
static pta_status choose_within(work *w, pta_estimator *estimator,
                                const pta_slice *slice,
                                const pta_budget *budget, int64_t cycles,
                                bool *cut)
{
    bool can;
    double bound;
    *cut = false;
    PTA_TRY(open_work(w, estimator, slice, budget, &can));
    if (!can) {
        return PTA_OK;
    }
    if (run(&w->s, w->lists, (limits){cycles, INT64_MAX, false}, &bound)) {
        take(w);
        w->core->bound = 0;
    } else {
        *cut = w->s.cut;
    }
    return PTA_OK;
}

static pta_status begin(pta_ctx *ctx, pta_estimator *estimator,
                        const pta_slice *slice, pta_core *core, work *w)
{
    *core = (pta_core){.n_steps = slice->n_steps};
    *w = (work){.ctx = ctx, .estimator = estimator, .core = core};
    w->s.ctx = ctx;
    w->s.n = slice->n_steps;
    PTA_TRY_ALLOC(ctx, w->lists, slice->n_steps);
    return PTA_OK;
}

static pta_status finish(work *w, pta_status status, pta_core *out)
{
    release(w);
    if (status != PTA_OK) {
        pta_core_free(w->ctx, w->core);
        return status;
    }
    *out = *w->core;
    return PTA_OK;
}

pta_status pta_core_choose(pta_ctx *ctx, pta_estimator *estimator,
                           const pta_graph *graph, const pta_slice *slice,
                           const pta_budget *budget, pta_aim aim, pta_core *out)
{
    pta_core core;
    work w;
    PTA_TRY(begin(ctx, estimator, slice, &core, &w));
    return finish(&w, choose(&w, estimator, graph, slice, budget, aim), out);
}

pta_status pta_core_within(pta_ctx *ctx, pta_estimator *estimator,
                           const pta_slice *slice, const pta_budget *budget,
                           int64_t cycles, pta_core *out, bool *found,
                           bool *cut)
{
    pta_core core;
    work w;
    PTA_TRY(begin(ctx, estimator, slice, &core, &w));
    PTA_TRY(finish(&w, choose_within(&w, estimator, slice, budget, cycles, cut),
                   out));
    *found = out->fits;
    return PTA_OK;
}

pta_status pta_core_copy(pta_ctx *ctx, const pta_core *from, pta_core *to)
{
    pta_fold *folds;
    PTA_TRY_ALLOC(ctx, folds, from->n_steps);
    if (from->n_steps > 0) {
        memcpy(folds, from->folds, (size_t)from->n_steps * sizeof *folds);
    }
    *to = *from;
    to->folds = folds;
    return PTA_OK;
}

void pta_core_free(pta_ctx *ctx, pta_core *core)
{
    pta_free(ctx, core->folds);
    core->folds = NULL;
}
