/*
 * Layers on one board, each folded for itself: with weights on resources every
 * layer takes its least, and the sum over a run of layers must not weigh more
 * than a board has. Sums over runs come from sums from the beginning.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "partition/knapsack_priv.h"
#include "partition/solve_priv.h"

#define N_WEIGHTS 20
#define RUN_MAX   256 /* layers on one board */
#define N_BANDS   64
#define BAND_LESS 1.05 /* what a band's counters and FIFOs save, at most */

static const double weights[N_WEIGHTS][PTA_N_RES] = {
    {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 1, 0},
    {0, 0, 0, 0, 1}, {1, 0, 0, 1, 0}, {2, 0, 0, 1, 0}, {1, 0, 0, 2, 0},
    {0, 0, 0, 1, 1}, {0, 0, 0, 2, 1}, {0, 0, 0, 1, 2}, {1, 0, 0, 0, 1},
    {2, 0, 0, 0, 1}, {1, 0, 0, 0, 2}, {1, 0, 0, 1, 1}, {2, 0, 0, 1, 1},
    {1, 0, 0, 2, 1}, {1, 0, 0, 1, 2}, {1, 0, 1, 1, 1}, {4, 0, 0, 1, 1}};

typedef double sums[N_WEIGHTS];

/* The same for bands of the layers, `rows` of `h`. */
typedef struct band {
    int32_t rows, h;
    double us;    /* the interval they are for */
    sums *before; /* owned; [n_classes][n_steps + 1] */
} band;

struct pta_relax {
    int32_t n_steps, n_lists;
    int32_t *from;      /* owned; [n_nodes + 1] first step of a node or later */
    int32_t *list_of;   /* owned; [n_steps] */
    pta_foldings *list; /* owned; [n_steps], n_lists used: those that differ */
    sums *least;        /* owned; [n_lists] */
    sums *before;       /* owned; [n_classes][n_steps + 1] */
    double us;          /* the interval */
    band bands[N_BANDS];
    /* Foldings within the interval that no other beats: owned;
     * [n_classes][n_lists], of as many as the list has. */
    pta_item **items;
    int32_t *n_items;
    int32_t n_run;
    pta_knapsack room; /* owned; for a run of n_run layers */
};

/* ---- the lists ---- */

static bool same_list(const pta_foldings *a, const pta_foldings *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (int32_t i = 0; i < a->n; i++) {
        const pta_folding *x = &a->at[i], *y = &b->at[i];
        if (x->interval != y->interval ||
            memcmp(&x->resources, &y->resources, sizeof x->resources) != 0) {
            return false;
        }
    }
    return true;
}

static void keep_list(pta_solver *s, pta_relax *r, pta_foldings *list,
                      int32_t step)
{
    int32_t k = 0;
    while (k < r->n_lists && !same_list(&r->list[k], list)) {
        k++;
    }
    if (k < r->n_lists) {
        pta_foldings_free(s->ctx, list);
    } else {
        r->list[r->n_lists++] = *list;
    }
    r->list_of[step] = k;
}

/* A step that no hardware does has an empty list, and fits nowhere. */
static pta_status fill_lists(pta_solver *s, pta_relax *r,
                             const pta_slice *slice)
{
    pta_estimator *e = s->ask->estimator;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        pta_foldings list = {0};
        pta_status status = e->foldings(e, s->ctx, slice, i, &list);
        if (status == PTA_ERR_UNSUPPORTED) {
            pta_ctx_clear_error(s->ctx);
        } else if (status != PTA_OK) {
            return status;
        }
        keep_list(s, r, &list, i);
    }
    return PTA_OK;
}

static pta_status alloc_items(pta_solver *s, pta_relax *r)
{
    pta_knapsack *k = &r->room;
    int32_t n = s->n_classes * r->n_lists, most = 1;
    PTA_TRY_ALLOC(s->ctx, r->items, n);
    PTA_TRY_ALLOC(s->ctx, r->n_items, n);
    for (int32_t i = 0; i < n; i++) {
        int32_t own = r->list[i % r->n_lists].n;
        PTA_TRY_ALLOC(s->ctx, r->items[i], own);
        most = own > most ? own : most;
    }
    r->n_run = r->n_steps < RUN_MAX ? r->n_steps : RUN_MAX;
    PTA_TRY_ALLOC(s->ctx, k->count, r->n_run);
    PTA_TRY_ALLOC(s->ctx, k->items, r->n_run);
    PTA_TRY_ALLOC(s->ctx, k->least, r->n_run + 1);
    PTA_TRY_ALLOC(s->ctx, k->rest, r->n_run + 1);
    PTA_TRY_ALLOC(s->ctx, k->chosen, r->n_run);
    PTA_TRY_ALLOC(s->ctx, k->at, r->n_run);
    for (int32_t i = 0; i < r->n_run; i++) {
        PTA_TRY_ALLOC(s->ctx, k->items[i], most);
    }
    return PTA_OK;
}

static pta_status alloc(pta_solver *s, pta_relax *r, const pta_slice *slice)
{
    int32_t n = s->graph->n_nodes;
    r->n_steps = slice->n_steps;
    PTA_TRY_ALLOC(s->ctx, r->from, n + 1);
    PTA_TRY_ALLOC(s->ctx, r->list_of, r->n_steps);
    PTA_TRY_ALLOC(s->ctx, r->list, r->n_steps);
    PTA_TRY_ALLOC(s->ctx, r->least, r->n_steps);
    PTA_TRY_ALLOC(s->ctx, r->before, (int64_t)s->n_classes * (r->n_steps + 1));
    for (int32_t i = 0, step = 0; i <= n; i++) {
        while (step < r->n_steps && slice->steps[step].node < i) {
            step++;
        }
        r->from[i] = step;
    }
    PTA_TRY(fill_lists(s, r, slice));
    return alloc_items(s, r);
}

pta_status pta_relax_create(pta_solver *s, pta_relax **out)
{
    pta_relax *r;
    pta_slice *slice;
    pta_plan *plan;
    PTA_TRY(pta_plan_create(s->ctx, s->graph, &plan)); /* one whole stage */
    memcpy(plan->formats, s->plan->formats,
           (size_t)s->graph->n_nodes * sizeof *plan->formats);
    pta_status status =
        pta_slice_build(s->ctx, s->graph, plan, 0, false, &slice);
    pta_plan_destroy(s->ctx, &plan);
    PTA_TRY(status);
    r = pta_calloc(s->ctx, 1, sizeof *r);
    status = r == NULL ? PTA_ERR_NOMEM : alloc(s, r, slice);
    pta_slice_destroy(s->ctx, &slice);
    if (status != PTA_OK) {
        pta_relax_free(s, r);
        return status;
    }
    *out = r;
    return PTA_OK;
}

void pta_relax_free(pta_solver *s, pta_relax *r)
{
    if (r == NULL) {
        return;
    }
    for (int32_t i = 0; i < r->n_lists; i++) {
        pta_foldings_free(s->ctx, &r->list[i]);
    }
    for (int32_t i = 0; r->items != NULL && i < s->n_classes * r->n_lists;
         i++) {
        pta_free(s->ctx, r->items[i]);
    }
    for (int32_t i = 0; r->room.items != NULL && i < r->n_run; i++) {
        pta_free(s->ctx, r->room.items[i]);
    }
    for (int i = 0; i < N_BANDS; i++) {
        pta_free(s->ctx, r->bands[i].before);
    }
    pta_free(s->ctx, r->items);
    pta_free(s->ctx, r->n_items);
    pta_free(s->ctx, r->room.count);
    pta_free(s->ctx, r->room.items);
    pta_free(s->ctx, r->room.least);
    pta_free(s->ctx, r->room.rest);
    pta_free(s->ctx, r->room.chosen);
    pta_free(s->ctx, r->room.at);
    pta_free(s->ctx, r->from);
    pta_free(s->ctx, r->list_of);
    pta_free(s->ctx, r->list);
    pta_free(s->ctx, r->least);
    pta_free(s->ctx, r->before);
    pta_free(s->ctx, r);
}

/* ---- sums ---- */

/* What a core has beside its shell. */
static void room_of(const pta_solver *s, int32_t class, double has[PTA_N_RES])
{
    const pta_budget *b = &s->budgets[s->classes[class].kind];
    pta_resources r = {b->lut, b->lutram, b->ff, b->dsp, b->bram18};
    double shell[PTA_N_RES];
    pta_resources_vector(&r, has);
    pta_resources_vector(&s->ask->estimator->shell, shell);
    for (int j = 0; j < PTA_N_RES; j++) {
        has[j] -= shell[j];
    }
}

/* The least of some foldings by each weight. */
static void weigh(const pta_item *items, int32_t n, const double has[PTA_N_RES],
                  sums least)
{
    for (int w = 0; w < N_WEIGHTS; w++) {
        least[w] = 1e6; /* so that differences of sums stay numbers */
        for (int32_t k = 0; k < n; k++) {
            double own = 0;
            for (int j = 0; j < PTA_N_RES; j++) {
                own +=
                    weights[w][j] * items[k].r[j] / (has[j] > 1 ? has[j] : 1);
            }
            least[w] = own < least[w] ? own : least[w];
        }
    }
}

/* The foldings within the interval, and the least of them by each weight. */
static void set_list(pta_relax *r, int32_t list, int32_t class, int64_t cycles,
                     const double has[PTA_N_RES])
{
    pta_item *items = r->items[class * r->n_lists + list];
    int32_t *n = &r->n_items[class * r->n_lists + list];
    *n = 0;
    for (int32_t k = 0; k < r->list[list].n; k++) {
        const pta_folding *f = &r->list[list].at[k];
        if (f->interval <= cycles) {
            items[*n] = (pta_item){.folding = f};
            pta_resources_vector(&f->resources, items[(*n)++].r);
        }
    }
    pta_knapsack_thin(items, n);
    weigh(items, *n, has, r->least[list]);
}

static void sum_up(const pta_relax *r, sums *before)
{
    memset(before[0], 0, sizeof before[0]);
    for (int32_t i = 0; i < r->n_steps; i++) {
        for (int w = 0; w < N_WEIGHTS; w++) {
            before[i + 1][w] = before[i][w] + r->least[r->list_of[i]][w];
        }
    }
}

void pta_relax_set(const pta_solver *s, pta_relax *r, double us)
{
    for (int32_t c = 0; c < s->n_classes; c++) {
        double has[PTA_N_RES];
        double clock = s->ask->cluster->kinds[s->classes[c].kind].clock_mhz;
        sums *before = &r->before[(int64_t)c * (r->n_steps + 1)];
        room_of(s, c, has);
        for (int32_t i = 0; i < r->n_lists; i++) {
            set_list(r, i, c, (int64_t)(us * clock * (1 + 1e-12)), has);
        }
        sum_up(r, before);
    }
    r->us = us;
}

/* On a board of one class. */
static pta_verdict search_class(const pta_solver *s, pta_relax *r,
                                int32_t class, int32_t from, int32_t n)
{
    pta_knapsack *k = &r->room;
    double bound;
    k->n = n;
    k->limit = HUGE_VAL;
    room_of(s, class, k->has);
    for (int32_t i = 0; i < n; i++) {
        int32_t at = class * r->n_lists + r->list_of[from + i];
        k->count[i] = r->n_items[at];
        memcpy(k->items[i], r->items[at],
               (size_t)k->count[i] * sizeof **k->items);
    }
    pta_verdict quick = pta_knapsack_quick(k);
    if (quick != PTA_MAYBE) {
        return quick;
    }
    return pta_knapsack_solve(k, true, &bound) ? PTA_YES
           : k->cut                            ? PTA_MAYBE
                                               : PTA_NO;
}

pta_verdict pta_relax_search(const pta_solver *s, pta_relax *r, int32_t first,
                             int32_t last)
{
    int32_t from = r->from[first], n = r->from[last + 1] - from;
    pta_verdict verdict = PTA_NO;
    for (int32_t c = 0; c < s->n_classes && n <= r->n_run; c++) {
        pta_verdict one = search_class(s, r, c, from, n);
        if (one == PTA_YES) {
            return PTA_YES;
        }
        verdict = one == PTA_MAYBE ? one : verdict;
    }
    return n <= r->n_run ? verdict : PTA_MAYBE;
}

static bool weighs_less(const pta_solver *s, const pta_relax *r, sums *table,
                        int32_t first, int32_t last, double slack)
{
    int32_t a = r->from[first], b = r->from[last + 1];
    for (int32_t c = 0; c < s->n_classes; c++) {
        sums *before = &table[(int64_t)c * (r->n_steps + 1)];
        bool fits = true;
        for (int w = 0; w < N_WEIGHTS && fits; w++) {
            double most = 1e-6;
            for (int j = 0; j < PTA_N_RES; j++) {
                most += weights[w][j] * slack;
            }
            fits = before[b][w] - before[a][w] <= most;
        }
        if (fits) {
            return true;
        }
    }
    return false;
}

bool pta_relax_fits(const pta_solver *s, const pta_relax *r, int32_t first,
                    int32_t last)
{
    return weighs_less(s, r, r->before, first, last, 1);
}

double pta_relax_latency(const pta_solver *s, const pta_relax *r, int32_t first,
                         int32_t last)
{
    double fill = (double)s->ask->estimator->shell_latency, span = 0;
    for (int32_t i = r->from[first]; i < r->from[last + 1]; i++) {
        const pta_foldings *list = &r->list[r->list_of[i]];
        double least_fill = HUGE_VAL, least_span = HUGE_VAL;
        for (int32_t k = 0; k < list->n; k++) {
            least_fill = fmin(least_fill, (double)list->at[k].fill);
            least_span = fmin(least_span, (double)list->at[k].span);
        }
        fill += least_fill;
        span = fmax(span, least_span);
    }
    return fill + span;
}

pta_shortage pta_relax_shortage(const pta_solver *s, const pta_relax *r)
{
    static const char *const names[PTA_N_RES] = {"LUT", "LUTRAM", "FF", "DSP",
                                                 "BRAM18"};
    pta_shortage worst = {0};
    for (int j = 0; j < PTA_N_RES; j++) {
        pta_shortage own = {names[j], 0, 1};
        for (int32_t c = 0; c < s->n_classes; c++) {
            double has[PTA_N_RES];
            room_of(s, c, has);
            own.has = fmax(own.has, has[j]);
        }
        for (int32_t i = 0; i < r->n_steps; i++) {
            double least = HUGE_VAL;
            const pta_foldings *list = &r->list[r->list_of[i]];
            for (int32_t k = 0; k < list->n; k++) {
                double one[PTA_N_RES];
                pta_resources_vector(&list->at[k].resources, one);
                least = fmin(least, one[j]);
            }
            own.takes += least < HUGE_VAL ? least : 0;
        }
        if (worst.resource == NULL ||
            own.takes / own.has > worst.takes / worst.has) {
            worst = own;
        }
    }
    return worst;
}

/* ---- bands ---- */

/* A band of some rows takes at least their share of the cycles. */
static void set_band(const pta_solver *s, pta_relax *r, band *b)
{
    for (int32_t c = 0; c < s->n_classes; c++) {
        double has[PTA_N_RES];
        double clock = s->ask->cluster->kinds[s->classes[c].kind].clock_mhz;
        int64_t cycles = (int64_t)(r->us * clock * b->h / b->rows);
        room_of(s, c, has);
        for (int32_t i = 0; i < r->n_lists; i++) {
            pta_item *items = r->room.items[0];
            int32_t n = 0;
            for (int32_t k = 0; k < r->list[i].n; k++) {
                const pta_folding *f = &r->list[i].at[k];
                if (f->interval <= cycles) {
                    pta_resources_vector(&f->resources, items[n++].r);
                }
            }
            weigh(items, n, has, r->least[i]);
        }
        sum_up(r, &b->before[(int64_t)c * (r->n_steps + 1)]);
    }
    b->us = r->us;
}

/* Layers of one height; of others nothing is said. */
static bool same_height(const pta_solver *s, int32_t first, int32_t last)
{
    for (int32_t i = first; i < last; i++) {
        if (s->graph->nodes[i].view.h != s->graph->nodes[last].view.h) {
            return false;
        }
    }
    return true;
}

pta_status pta_relax_fits_band(const pta_solver *s, pta_relax *r,
                               const pta_option *o, bool *fits)
{
    int32_t h = o->units, rows = (h + o->n_parts - 1) / o->n_parts, k = 0;
    *fits = true;
    while (k < N_BANDS && r->bands[k].h != 0 &&
           (r->bands[k].h != h || r->bands[k].rows != rows)) {
        k++;
    }
    if (k == N_BANDS || !same_height(s, o->first, o->last)) {
        return PTA_OK;
    }
    band *b = &r->bands[k];
    if (b->before == NULL) {
        PTA_TRY_ALLOC(s->ctx, b->before,
                      (int64_t)s->n_classes * (r->n_steps + 1));
        b->h = h;
        b->rows = rows;
    }
    if (b->us != r->us) {
        set_band(s, r, b);
    }
    *fits = weighs_less(s, r, b->before, o->first, o->last, BAND_LESS);
    return PTA_OK;
}
