/*
 * Choosing foldings: one of each step's list, least aim, within a budget of
 * five resources (a multiple-choice knapsack).
 *
 * Depth first with bounds from Lagrange multipliers: with prices on resources
 * each step chooses alone, which bounds the rest from below whatever the
 * prices. The interval is found by bisection over the values it can take, a
 * span by trying them in order.
 */
#include <stdio.h>
#include <string.h>

#include "partition/estimate.h"

enum { LUT, LUTRAM, FF, DSP, BRAM, N_RES };

#define NODES_MAX 10000 /* of one search, after which it is not proven */
#define ROUNDS    60    /* of adjusting prices */

static const char *const resource_names[N_RES] = {"LUT", "LUTRAM", "FF", "DSP",
                                                  "BRAM18"};

typedef struct item {
    double cost, r[N_RES], priced;
    const pta_folding *folding;
} item;

typedef struct search {
    pta_ctx *ctx;
    int32_t n;
    int32_t *count;         /* [n] */
    item **items;           /* [n][count]; those allowed, in order of price */
    double (*least)[N_RES]; /* [n + 1] least of each resource from step s on */
    double *rest;           /* [n + 1] priced bound from step s on */
    double has[N_RES], price[N_RES];
    double best;
    bool found, cut; /* cut: NODES_MAX was reached */
    int32_t nodes;
    int32_t *chosen, *at; /* [n] */
} search;

static void vector(const pta_resources *r, double out[N_RES])
{
    out[LUT] = (double)r->lut;
    out[LUTRAM] = (double)r->lutram;
    out[FF] = (double)r->ff;
    out[DSP] = (double)r->dsp;
    out[BRAM] = (double)r->bram18;
}

/* ---- prices ---- */

/* Each step's least priced item; the sums are a bound, its use a direction. */
static double priced_bound(const search *s, const double price[N_RES],
                           double use[N_RES])
{
    double sum = 0;
    memset(use, 0, N_RES * sizeof *use);
    for (int32_t i = 0; i < s->n; i++) {
        const item *best = NULL;
        double least = 0;
        for (int32_t k = 0; k < s->count[i]; k++) {
            const item *it = &s->items[i][k];
            double value = it->cost;
            for (int j = 0; j < N_RES; j++) {
                value += price[j] * it->r[j];
            }
            if (best == NULL || value < least) {
                best = it;
                least = value;
            }
        }
        sum += least;
        for (int j = 0; best != NULL && j < N_RES; j++) {
            use[j] += best->r[j];
        }
    }
    for (int j = 0; j < N_RES; j++) {
        sum -= price[j] * s->has[j];
    }
    return sum;
}

/* Subgradient ascent. Resources count in shares of what there is, so that one
 * step size serves all. Returns the best bound; its prices stay in s->price. */
static double find_prices(search *s)
{
    double price[N_RES] = {0}, use[N_RES], best = -1, scale = 0;
    for (int32_t i = 0; i < s->n; i++) {
        double most = 1;
        for (int32_t k = 0; k < s->count[i]; k++) {
            most = s->items[i][k].cost > most ? s->items[i][k].cost : most;
        }
        scale += most;
    }
    memset(s->price, 0, sizeof s->price);
    for (int round = 0; round < ROUNDS; round++) {
        double bound = priced_bound(s, price, use);
        bool over = false;
        if (round == 0 || bound > best) {
            best = bound;
            memcpy(s->price, price, sizeof price);
        }
        for (int j = 0; j < N_RES; j++) {
            double has = s->has[j] > 1 ? s->has[j] : 1;
            double excess = (use[j] - s->has[j]) / has;
            over = over || excess > 0;
            price[j] += scale / has * excess / (1 + round);
            price[j] = price[j] > 0 ? price[j] : 0;
        }
        if (!over && round == 0) {
            break; /* nothing is scarce */
        }
    }
    return best;
}

static int by_price(const void *a, const void *b)
{
    double x = ((const item *)a)->priced, y = ((const item *)b)->priced;
    return x < y ? -1 : x > y;
}

/* Prices, order of items and bounds of what is left at each depth. */
static double prepare(search *s)
{
    double bound = find_prices(s);
    memset(s->least[s->n], 0, sizeof s->least[s->n]);
    s->rest[s->n] = 0;
    for (int32_t i = s->n - 1; i >= 0; i--) {
        double least[N_RES] = {0};
        for (int32_t k = 0; k < s->count[i]; k++) {
            item *it = &s->items[i][k];
            double share = 0;
            it->priced = it->cost;
            for (int j = 0; j < N_RES; j++) {
                it->priced += s->price[j] * it->r[j];
                share += it->r[j] / (s->has[j] > 1 ? s->has[j] : 1);
                least[j] = k == 0 || it->r[j] < least[j] ? it->r[j] : least[j];
            }
            it->priced += 1e-9 * share; /* of equals the smaller first */
        }
        qsort(s->items[i], (size_t)s->count[i], sizeof(item), by_price);
        for (int j = 0; j < N_RES; j++) {
            s->least[i][j] = s->least[i + 1][j] + least[j];
        }
        s->rest[i] = s->rest[i + 1];
        if (s->count[i] > 0) {
            const item *first = &s->items[i][0];
            s->rest[i] += first->priced - 1e-6; /* less the 1e-9 above */
        }
    }
    return bound;
}

/* ---- depth first ---- */

static void descend(search *s, int32_t i, double cost, const double used[N_RES])
{
    if (i == s->n) {
        if (!s->found || cost < s->best) {
            s->found = true;
            s->best = cost;
            memcpy(s->chosen, s->at, (size_t)s->n * sizeof *s->at);
        }
        return;
    }
    double value = cost + s->rest[i];
    for (int j = 0; j < N_RES; j++) {
        if (used[j] + s->least[i][j] > s->has[j]) {
            return;
        }
        value -= s->price[j] * (s->has[j] - used[j]);
    }
    if (s->found && value > s->best - 0.5) { /* costs are integers */
        return;
    }
    for (int32_t k = 0; k < s->count[i]; k++) {
        const item *it = &s->items[i][k];
        double next[N_RES];
        bool fits = true;
        for (int j = 0; j < N_RES; j++) {
            next[j] = used[j] + it->r[j];
            fits = fits && next[j] <= s->has[j];
        }
        if (!fits) {
            continue;
        }
        if (s->nodes++ > NODES_MAX) {
            s->cut = true;
            return;
        }
        s->at[i] = k;
        descend(s, i + 1, cost + it->cost, next);
        if (s->cut || (s->found && s->best <= 0)) {
            return; /* cost 0: the first that fits will do */
        }
    }
}

/* ---- what is allowed ---- */

typedef struct limits {
    int64_t interval, span;
    bool by_fill; /* minimise the sum of fills, else just fit */
} limits;

static bool no_worse(const item *a, const item *b)
{
    bool is = a->cost <= b->cost;
    for (int j = 0; j < N_RES; j++) {
        is = is && a->r[j] <= b->r[j];
    }
    return is;
}

/* Within the limits interval and span no longer count, so that others beat
 * most items in what is left. */
static void thin(item *items, int32_t *count)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < *count; i++) {
        bool beaten = false;
        for (int32_t k = 0; k < kept && !beaten; k++) {
            beaten = no_worse(&items[k], &items[i]);
        }
        if (beaten) {
            continue;
        }
        item own = items[i];
        int32_t left = 0;
        for (int32_t k = 0; k < kept; k++) {
            if (!no_worse(&own, &items[k])) {
                items[left++] = items[k];
            }
        }
        items[left] = own;
        kept = left + 1;
    }
    *count = kept;
}

static void allow(search *s, const pta_foldings *lists, limits l)
{
    for (int32_t i = 0; i < s->n; i++) {
        s->count[i] = 0;
        for (int32_t k = 0; k < lists[i].n; k++) {
            const pta_folding *f = &lists[i].at[k];
            if (f->interval > l.interval || f->span > l.span) {
                continue;
            }
            item *it = &s->items[i][s->count[i]++];
            it->folding = f;
            it->cost = l.by_fill ? (double)f->fill : 0;
            vector(&f->resources, it->r);
        }
        thin(s->items[i], &s->count[i]);
    }
}

/* Least cost within the limits; *bound is below every choice. False if none
 * was found; then `cut` says whether one may exist. */
static bool run(search *s, const pta_foldings *lists, limits l, double *bound)
{
    double zero[N_RES] = {0};
    s->found = s->cut = false;
    s->nodes = 0;
    allow(s, lists, l);
    for (int32_t i = 0; i < s->n; i++) {
        if (s->count[i] == 0) {
            return false;
        }
    }
    *bound = prepare(s);
    if (!l.by_fill && *bound > 1e-6) {
        return false; /* any choice costs 0 */
    }
    descend(s, 0, 0, zero);
    return s->found;
}

/* ---- results ---- */

typedef struct work {
    pta_ctx *ctx;
    const pta_estimator *estimator;
    pta_foldings *lists; /* [n] */
    search s;
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

/* Least latency with intervals up to `interval`. */
static pta_status choose_latency(work *w, int64_t interval)
{
    int64_t *spans;
    int32_t n;
    double best = 0, low = 0;
    bool found = false, cut = false, bounded = false;
    PTA_TRY(values_of(w, true, &spans, &n));
    for (int32_t i = 0; i < n; i++) {
        double bound = 0, span = (double)spans[i];
        if (found && span >= best) {
            break;
        }
        limits l = {interval, spans[i], true};
        bool ok = run(&w->s, w->lists, l, &bound);
        cut = cut || w->s.cut;
        if (ok || w->s.cut) {
            low = !bounded || bound + span < low ? bound + span : low;
            bounded = true;
        }
        if (ok && (!found || w->s.best + span < best)) {
            best = w->s.best + span;
            found = true;
            take(w);
        }
    }
    pta_free(w->ctx, spans);
    int64_t shell = w->estimator->shell_latency;
    w->core->proven = !cut;
    w->core->bound = cut && bounded ? (int64_t)low + shell : w->core->latency;
    return PTA_OK;
}

/* Least interval by bisection: what fits within one fits within a greater. */
static pta_status choose_interval(work *w)
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
    PTA_TRY(choose_latency(w, interval)); /* the quickest of those */
    w->core->proven = !cut;
    w->core->bound = cut ? below : interval;
    return PTA_OK;
}

/* ---- what does not fit ---- */

static void say_lacking(work *w, const pta_graph *graph, const pta_slice *slice)
{
    double sum[N_RES] = {0}, most[N_RES] = {0};
    int32_t who[N_RES] = {0};
    for (int32_t i = 0; i < w->s.n; i++) {
        for (int j = 0; j < N_RES; j++) {
            double least = 0, r[N_RES];
            for (int32_t k = 0; k < w->lists[i].n; k++) {
                vector(&w->lists[i].at[k].resources, r);
                least = k == 0 || r[j] < least ? r[j] : least;
            }
            sum[j] += least;
            who[j] = least > most[j] ? slice->steps[i].node : who[j];
            most[j] = least > most[j] ? least : most[j];
        }
    }
    int worst = 0;
    double over = 0;
    for (int j = 0; j < N_RES; j++) {
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
    search *s = &w->s;
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
    search *s = &w->s;
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

static pta_status choose(work *w, pta_estimator *estimator,
                         const pta_graph *graph, const pta_slice *slice,
                         const pta_budget *budget, pta_aim aim)
{
    pta_resources has = {.lut = budget->lut,
                         .lutram = budget->lutram,
                         .ff = budget->ff,
                         .dsp = budget->dsp,
                         .bram18 = budget->bram18};
    double shell[N_RES];
    for (int32_t i = 0; i < w->s.n; i++) {
        pta_status status =
            estimator->foldings(estimator, w->ctx, slice, i, &w->lists[i]);
        if (status == PTA_ERR_UNSUPPORTED) { /* no hardware does the step */
            snprintf(w->core->lacking, sizeof w->core->lacking, "%s",
                     pta_ctx_error(w->ctx));
            pta_ctx_clear_error(w->ctx);
            w->core->proven = true;
            return PTA_OK;
        }
        PTA_TRY(status);
    }
    PTA_TRY(alloc(w));
    vector(&has, w->s.has);
    vector(&estimator->shell, shell);
    for (int j = 0; j < N_RES; j++) {
        w->s.has[j] -= shell[j];
    }
    PTA_TRY(aim == PTA_AIM_INTERVAL ? choose_interval(w)
                                    : choose_latency(w, INT64_MAX));
    if (!w->core->fits) {
        say_lacking(w, graph, slice);
    }
    return PTA_OK;
}

pta_status pta_core_choose(pta_ctx *ctx, pta_estimator *estimator,
                           const pta_graph *graph, const pta_slice *slice,
                           const pta_budget *budget, pta_aim aim, pta_core *out)
{
    pta_core core = {.n_steps = slice->n_steps};
    work w = {.ctx = ctx, .estimator = estimator, .core = &core};
    PTA_TRY_ALLOC(ctx, w.lists, slice->n_steps);
    w.s.ctx = ctx;
    w.s.n = slice->n_steps;
    pta_status status = choose(&w, estimator, graph, slice, budget, aim);
    release(&w);
    if (status != PTA_OK) {
        pta_core_free(ctx, &core);
        return status;
    }
    *out = core;
    return PTA_OK;
}

void pta_core_free(pta_ctx *ctx, pta_core *core)
{
    pta_free(ctx, core->folds);
    core->folds = NULL;
}

/* ---- lists ---- */

void pta_foldings_free(pta_ctx *ctx, pta_foldings *list)
{
    pta_free(ctx, list->at);
    *list = (pta_foldings){0};
}

pta_status pta_foldings_add(pta_ctx *ctx, pta_foldings *list,
                            const pta_folding *folding)
{
    if ((list->n & (list->n - 1)) == 0) { /* full at powers of 2 */
        size_t room = list->n == 0 ? 1 : 2 * (size_t)list->n;
        pta_folding *at = pta_realloc(ctx, list->at, room * sizeof *list->at);
        if (at == NULL) {
            return PTA_ERR_NOMEM;
        }
        list->at = at;
    }
    list->at[list->n++] = *folding;
    return PTA_OK;
}

static bool beats(const pta_folding *a, const pta_folding *b)
{
    const pta_resources *x = &a->resources, *y = &b->resources;
    return a->interval <= b->interval && a->fill <= b->fill &&
           a->span <= b->span && x->lut <= y->lut && x->lutram <= y->lutram &&
           x->ff <= y->ff && x->dsp <= y->dsp && x->bram18 <= y->bram18;
}

void pta_foldings_prune(pta_foldings *list)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < list->n; i++) {
        bool beaten = false;
        for (int32_t k = 0; k < list->n && !beaten; k++) {
            const pta_folding *a = &list->at[k], *b = &list->at[i];
            /* of two equals the first stays */
            beaten = k != i && beats(a, b) && (k < i || !beats(b, a));
        }
        if (!beaten) {
            list->at[kept++] = list->at[i];
        }
    }
    list->n = kept;
}
