/*
 * Chooses foldings: the least interval that the budget allows, then, with what
 * is left of it, the least latency, then the fewest resources.
 *
 * Each layer has a list of foldings with their cycles and cost. For an interval
 * the cheapest of each layer that keep it are taken, at prices that rise for
 * what is short (a Lagrangian); the least interval is found by bisection. Then
 * the design is built, and what it has besides (gearboxes, windows, FIFOs) is
 * taken off the budget and the search repeated. Latency: fold_shorten.c.
 */
#include "plan/fold_choose_priv.h"

static void as_array(const pta_resources *r, int64_t out[PTA_N_PRICES])
{
    out[0] = r->dsp;
    out[1] = r->bram18;
    out[2] = r->lut;
    out[3] = r->lutram;
    out[4] = r->ff;
}

static void budget_array(const pta_budget *b, int64_t out[PTA_N_PRICES])
{
    out[0] = b->dsp;
    out[1] = b->bram18;
    out[2] = b->lut;
    out[3] = b->lutram;
    out[4] = b->ff;
}

/* ---- foldings of a layer ---- */

static pta_status add_candidate(pta_fold_chooser *c, pta_fold_layer *y,
                                int32_t *room, pta_fold fold)
{
    const pta_step *step = &c->slice->steps[y->step];
    pta_resources r = pta_fold_resources(c->slice, step, &fold);
    int64_t cost[PTA_N_PRICES];
    as_array(&r, cost);
    if (y->n == *room) {
        int32_t more = 2 * *room + 64;
        void *grown =
            pta_realloc(c->ctx, y->list, (size_t)more * sizeof *y->list);
        if (grown == NULL) {
            return PTA_ERR_NOMEM;
        }
        y->list = grown;
        *room = more;
    }
    pta_fold_candidate *k = &y->list[y->n++];
    *k = (pta_fold_candidate){.fold = fold,
                              .cycles = pta_step_cycles(c->slice, step, &fold)};
    for (int i = 0; i < PTA_N_PRICES; i++) {
        k->cost[i] = (int32_t)cost[i];
    }
    return PTA_OK;
}

/* The least divisor with so many groups; 0 when there is none. */
static int32_t for_groups(int32_t n, int32_t groups)
{
    int32_t size = (n + groups - 1) / groups;
    return (n + size - 1) / size == groups ? size : 0;
}

/* Orders and memories of one size. ROM in LUTs pays for few words only. */
static pta_status add_size(pta_fold_chooser *c, pta_fold_layer *y,
                           int32_t *room, int32_t pe, int32_t simd)
{
    const pta_step *step = &c->slice->steps[y->step];
    pta_work work = pta_step_work(c->slice, step);
    bool matrix = step->op == PTA_STEP_DENSE || step->op == PTA_STEP_CONV;
    int64_t words =
        (int64_t)((work.n + simd - 1) / simd) * ((work.m + pe - 1) / pe);
    for (int order = 0; order <= (matrix && pe < work.m); order++) {
        pta_fold fold = {pe, simd,
                         order != 0 ? PTA_FOLD_COLUMNS : PTA_FOLD_ROWS,
                         PTA_MEMORY_LUT, 0};
        if (words <= 256) {
            PTA_TRY(add_candidate(c, y, room, fold));
        }
        fold.memory = PTA_MEMORY_BLOCK;
        if (words > 16) {
            PTA_TRY(add_candidate(c, y, room, fold));
        }
        if (step->op == PTA_STEP_DENSE && simd > 1) {
            fold.chain = 1;
            fold.memory = words <= 64 ? PTA_MEMORY_LUT : PTA_MEMORY_BLOCK;
            PTA_TRY(add_candidate(c, y, room, fold));
        }
    }
    return PTA_OK;
}

static pta_status add_layer(pta_fold_chooser *c, int32_t step)
{
    const pta_step *s = &c->slice->steps[step];
    pta_fold_layer *y = &c->layers[c->n_layers++];
    int32_t room = 0;
    y->step = step;
    if (s->fold.pe > 0) {
        return add_candidate(c, y, &room, pta_fold_cut(c->slice, s, s->fold));
    }
    pta_work work = pta_step_work(c->slice, s);
    bool matrix = s->op == PTA_STEP_DENSE || s->op == PTA_STEP_CONV;
    int64_t most = 2 * c->budget.dsp > 0 ? 2 * c->budget.dsp : 1;
    for (int32_t rows = 1; rows <= work.m; rows++) {
        int32_t pe = for_groups(work.m, rows);
        for (int32_t cols = 1; pe > 0 && cols <= (matrix ? work.n : 1);
             cols++) {
            int32_t simd = matrix ? for_groups(work.n, cols) : 1;
            if (simd > 0 && (int64_t)pe * simd <= most) {
                PTA_TRY(add_size(c, y, &room, pe, simd));
            }
        }
    }
    return PTA_OK;
}

/* ---- an interval ---- */

double pta_fold_worth(const pta_fold_chooser *c, const pta_fold_candidate *k)
{
    double sum = 0;
    for (int i = 0; i < PTA_N_PRICES; i++) {
        sum += c->price[i] * k->cost[i];
    }
    return sum;
}

/* The cheapest folding of a layer with at most so many cycles; -1: none. */
static int32_t cheapest(const pta_fold_chooser *c, const pta_fold_layer *y,
                        int64_t cycles)
{
    int32_t best = -1;
    double least = 0;
    for (int32_t i = 0; i < y->n; i++) {
        const pta_fold_candidate *k = &y->list[i];
        double cost = k->cycles <= cycles ? pta_fold_worth(c, k) : 0;
        if (k->cycles <= cycles &&
            (best < 0 || cost < least ||
             (cost <= least && k->cycles < y->list[best].cycles))) {
            best = i;
            least = cost;
        }
    }
    return best;
}

/* Chooses for an interval; false, with `over` the resource most exceeded (-1:
 * too few cycles), if it cannot be had at these prices. */
static bool choose_at_prices(pta_fold_chooser *c, int64_t cycles, int *over)
{
    int64_t used[PTA_N_PRICES] = {0};
    *over = -1;
    for (int32_t i = 0; i < c->n_layers; i++) {
        pta_fold_layer *y = &c->layers[i];
        y->chosen = cheapest(c, y, cycles);
        if (y->chosen < 0) {
            return false;
        }
        for (int k = 0; k < PTA_N_PRICES; k++) {
            used[k] += y->list[y->chosen].cost[k];
        }
    }
    double most = 1.0;
    for (int k = 0; k < PTA_N_PRICES; k++) {
        double share = c->room[k] > 0 ? (double)used[k] / (double)c->room[k]
                                      : (used[k] > 0 ? 1e9 : 0.0);
        if (share > most) {
            most = share;
            *over = k;
        }
    }
    return *over < 0;
}

static bool choose_for(pta_fold_chooser *c, int64_t cycles, int *over)
{
    for (int k = 0; k < PTA_N_PRICES; k++) {
        double room = c->room[k] > 0 ? (double)c->room[k] : 1.0;
        c->price[k] = (k == 0 ? 1.0 : 0.3) / room;
    }
    for (int round = 0; round < 16; round++) {
        if (choose_at_prices(c, cycles, over)) {
            return true;
        }
        if (*over < 0) {
            return false;
        }
        c->price[*over] *= 1.5;
    }
    return false;
}

static int64_t most_cycles(const pta_fold_chooser *c)
{
    int64_t most = c->floor;
    for (int32_t i = 0; i < c->n_layers; i++) {
        for (int32_t k = 0; k < c->layers[i].n; k++) {
            int64_t cycles = c->layers[i].list[k].cycles;
            most = cycles > most ? cycles : most;
        }
    }
    return most;
}

/* Bisection: as good as all intervals are tried, as cost falls with it. */
static bool least_interval(pta_fold_chooser *c, int64_t low, int64_t *interval,
                           int *over)
{
    int64_t high = most_cycles(c);
    low = low > c->floor ? low : c->floor;
    if (low > high) {
        high = low;
    }
    if (!choose_for(c, high, over)) {
        return false;
    }
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int ignored;
        if (choose_for(c, middle, &ignored)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *interval = high;
    return choose_for(c, high, over);
}

void pta_fold_put(pta_fold_chooser *c)
{
    for (int32_t i = 0; i < c->n_layers; i++) {
        const pta_fold_layer *y = &c->layers[i];
        c->folds[y->step] = y->list[y->chosen].fold;
    }
}

/* ---- the whole design ---- */

static pta_status refuse(pta_fold_chooser *c, int over)
{
    static const char *const names[] = {"DSP", "BRAM", "LUT", "LUTRAM", "FF"};
    int64_t limit[PTA_N_PRICES], most = -1;
    int32_t at = 0;
    over = over < 0 ? 0 : over;
    budget_array(&c->budget, limit);
    for (int32_t i = 0; i < c->n_layers; i++) {
        int64_t least = INT64_MAX;
        for (int32_t k = 0; k < c->layers[i].n; k++) {
            int32_t cost = c->layers[i].list[k].cost[over];
            least = cost < least ? cost : least;
        }
        if (least > most) {
            most = least;
            at = i;
        }
    }
    if (c->n_layers == 0) {
        return pta_fail(c->ctx, PTA_ERR_UNSUPPORTED,
                        "over the budget of %lld %s%s", (long long)limit[over],
                        names[over], over == 1 ? " (halves)" : "");
    }
    return pta_fail(c->ctx, PTA_ERR_UNSUPPORTED,
                    "over the budget of %lld %s%s even with the smallest "
                    "foldings; layer '%s' takes most of it, %lld",
                    (long long)limit[over], names[over],
                    over == 1 ? " (halves)" : "",
                    c->slice->steps[c->layers[at].step].name, (long long)most);
}

/* Resources of the design with these foldings. Untimed, its FIFOs count as in
 * the last timed one. */
static pta_status measure(pta_fold_chooser *c, bool timed,
                          int64_t used[PTA_N_PRICES])
{
    pta_design *design;
    pta_fold_put(c);
    PTA_TRY(pta_design_build_for(c->ctx, c->slice, c->folds, -1, &design));
    as_array(&design->resources, used);
    pta_design_destroy(c->ctx, &design);
    if (timed) {
        int64_t all[PTA_N_PRICES];
        PTA_TRY(pta_design_build_for(c->ctx, c->slice, c->folds, 1, &design));
        as_array(&design->resources, all);
        pta_design_destroy(c->ctx, &design);
        for (int k = 0; k < PTA_N_PRICES; k++) {
            c->fifos[k] = all[k] - used[k];
        }
    }
    for (int k = 0; k < PTA_N_PRICES; k++) {
        used[k] += c->fifos[k];
    }
    return PTA_OK;
}

static bool within(const pta_fold_chooser *c, const int64_t used[PTA_N_PRICES])
{
    int64_t limit[PTA_N_PRICES];
    budget_array(&c->budget, limit);
    for (int k = 0; k < PTA_N_PRICES; k++) {
        if (used[k] > limit[k]) {
            return false;
        }
    }
    return true;
}

/* What a design has besides its layers comes off the budget. */
static void set_room(pta_fold_chooser *c, const int64_t used[PTA_N_PRICES])
{
    budget_array(&c->budget, c->room);
    for (int k = 0; k < PTA_N_PRICES; k++) {
        c->room[k] -= used[k];
        for (int32_t i = 0; i < c->n_layers; i++) {
            c->room[k] += c->layers[i].list[c->layers[i].chosen].cost[k];
        }
    }
}

#define ROUNDS 12

pta_status pta_fold_balance(pta_fold_chooser *c, int64_t low, int64_t *interval)
{
    int over = -1;
    budget_array(&c->budget, c->room);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t used[PTA_N_PRICES];
        if (!least_interval(c, low, interval, &over)) {
            return refuse(c, over);
        }
        PTA_TRY(measure(c, false, used));
        if (within(c, used)) {
            PTA_TRY(measure(c, true, used));
            if (within(c, used)) {
                return PTA_OK;
            }
        }
        set_room(c, used);
        low = *interval + (round > 2 ? *interval / 50 : 0);
    }
    return refuse(c, over);
}

/* ---- the whole ---- */

/* `most` 0: the least interval; else the least latency with at most that. */
static pta_status choose(pta_fold_chooser *c, int64_t most)
{
    int64_t interval;
    PTA_TRY_ALLOC(c->ctx, c->layers, c->slice->n_steps);
    for (int32_t i = 0; i < c->slice->n_steps; i++) {
        c->folds[i] = c->slice->steps[i].fold;
        if (pta_step_folded(&c->slice->steps[i])) {
            PTA_TRY(add_layer(c, i));
        }
    }
    c->floor = pta_slice_pace(c->slice, NULL);
    PTA_TRY(pta_fold_balance(c, c->floor, &interval));
    if (most == 0) {
        PTA_TRY(pta_fold_shorten(c, interval));
    } else if (interval > most) {
        return pta_fail(c->ctx, PTA_ERR_UNSUPPORTED,
                        "an interval of %lld cycles at least within the "
                        "budget, asked for %lld",
                        (long long)interval, (long long)most);
    } else {
        int64_t last = 3 * interval; /* beyond, it only gets longer */
        PTA_TRY(pta_fold_least_latency(c, interval, most < last ? most : last));
    }
    pta_fold_put(c);
    return PTA_OK;
}

static pta_status start(pta_ctx *ctx, const pta_slice *slice,
                        const pta_budget *budget, int64_t most, pta_fold *folds)
{
    if (slice->engine == PTA_ENGINE_REUSED) {
        return pta_engine_choose(ctx, slice, budget, folds);
    }
    pta_fold_chooser c = {
        .ctx = ctx, .slice = slice, .budget = *budget, .folds = folds};
    PTA_TRY(pta_slice_check_hardware(ctx, slice));
    pta_status status = choose(&c, most);
    for (int32_t i = 0; i < c.n_layers; i++) {
        pta_free(ctx, c.layers[i].list);
    }
    pta_free(ctx, c.layers);
    return status;
}

pta_status pta_fold_choose(pta_ctx *ctx, const pta_slice *slice,
                           const pta_budget *budget, pta_fold *folds)
{
    return start(ctx, slice, budget, 0, folds);
}

pta_status pta_fold_choose_latency(pta_ctx *ctx, const pta_slice *slice,
                                   const pta_budget *budget, int64_t interval,
                                   pta_fold *folds)
{
    return start(ctx, slice, budget, interval > 0 ? interval : INT64_MAX,
                 folds);
}
