/*
 * Chooses foldings: the least interval that the budget allows, then, with what
 * is left of it, the least latency, then the fewest resources.
 *
 * Each layer has a list of foldings with their cycles and cost. For an interval
 * the cheapest of each layer that keep it are taken, at prices that rise for
 * what is short (a Lagrangian); the least interval is found by bisection. Then
 * the design is built, and what it has besides (gearboxes, windows, FIFOs) is
 * taken off the budget and the search repeated. Latency is what the recurrence
 * of timing.c says: foldings and orders are changed one layer at a time.
 */
#include "plan/design_priv.h"

#define N_PRICES 5

typedef struct candidate {
    pta_fold fold;
    int64_t cycles;
    int32_t cost[N_PRICES]; /* of pta_budget's, in its order below */
} candidate;

typedef struct layer {
    int32_t step, n, chosen;
    candidate *list; /* owned */
} layer;

typedef struct chooser {
    pta_ctx *ctx;
    const pta_slice *slice;
    pta_budget budget;
    int64_t room[N_PRICES]; /* of the budget, for layers */
    double price[N_PRICES];
    int32_t n_layers;
    layer *layers;           /* owned */
    pta_fold *folds;         /* [n_steps] */
    int64_t floor;           /* cycles of the bus */
    int64_t fifos[N_PRICES]; /* of the last design that was timed */
} chooser;

static void as_array(const pta_resources *r, int64_t out[N_PRICES])
{
    out[0] = r->dsp;
    out[1] = r->bram18;
    out[2] = r->lut;
    out[3] = r->lutram;
    out[4] = r->ff;
}

static void budget_array(const pta_budget *b, int64_t out[N_PRICES])
{
    out[0] = b->dsp;
    out[1] = b->bram18;
    out[2] = b->lut;
    out[3] = b->lutram;
    out[4] = b->ff;
}

/* ---- foldings of a layer ---- */

static pta_status add_candidate(chooser *c, layer *y, int32_t *room,
                                pta_fold fold)
{
    const pta_step *step = &c->slice->steps[y->step];
    pta_resources r = pta_fold_resources(c->slice, step, &fold);
    int64_t cost[N_PRICES];
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
    candidate *k = &y->list[y->n++];
    *k = (candidate){.fold = fold,
                     .cycles = pta_step_cycles(c->slice, step, &fold)};
    for (int i = 0; i < N_PRICES; i++) {
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
static pta_status add_size(chooser *c, layer *y, int32_t *room, int32_t pe,
                           int32_t simd)
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

static pta_status add_layer(chooser *c, int32_t step)
{
    const pta_step *s = &c->slice->steps[step];
    layer *y = &c->layers[c->n_layers++];
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

static double worth(const chooser *c, const candidate *k)
{
    double sum = 0;
    for (int i = 0; i < N_PRICES; i++) {
        sum += c->price[i] * k->cost[i];
    }
    return sum;
}

/* The cheapest folding of a layer with at most so many cycles; -1: none. */
static int32_t cheapest(const chooser *c, const layer *y, int64_t cycles)
{
    int32_t best = -1;
    double least = 0;
    for (int32_t i = 0; i < y->n; i++) {
        const candidate *k = &y->list[i];
        double cost = k->cycles <= cycles ? worth(c, k) : 0;
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
static bool choose_at_prices(chooser *c, int64_t cycles, int *over)
{
    int64_t used[N_PRICES] = {0};
    *over = -1;
    for (int32_t i = 0; i < c->n_layers; i++) {
        layer *y = &c->layers[i];
        y->chosen = cheapest(c, y, cycles);
        if (y->chosen < 0) {
            return false;
        }
        for (int k = 0; k < N_PRICES; k++) {
            used[k] += y->list[y->chosen].cost[k];
        }
    }
    double most = 1.0;
    for (int k = 0; k < N_PRICES; k++) {
        double share = c->room[k] > 0 ? (double)used[k] / (double)c->room[k]
                                      : (used[k] > 0 ? 1e9 : 0.0);
        if (share > most) {
            most = share;
            *over = k;
        }
    }
    return *over < 0;
}

static bool choose_for(chooser *c, int64_t cycles, int *over)
{
    for (int k = 0; k < N_PRICES; k++) {
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

static int64_t most_cycles(const chooser *c)
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
static bool least_interval(chooser *c, int64_t low, int64_t *interval,
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

static void put_folds(chooser *c)
{
    for (int32_t i = 0; i < c->n_layers; i++) {
        const layer *y = &c->layers[i];
        c->folds[y->step] = y->list[y->chosen].fold;
    }
}

/* ---- the whole design ---- */

static pta_status refuse(chooser *c, int over)
{
    static const char *const names[] = {"DSP", "BRAM", "LUT", "LUTRAM", "FF"};
    int64_t limit[N_PRICES], most = -1;
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
static pta_status measure(chooser *c, bool timed, int64_t used[N_PRICES])
{
    pta_design *design;
    put_folds(c);
    PTA_TRY(pta_design_build_for(c->ctx, c->slice, c->folds, -1, &design));
    as_array(&design->resources, used);
    pta_design_destroy(c->ctx, &design);
    if (timed) {
        int64_t all[N_PRICES];
        PTA_TRY(pta_design_build_for(c->ctx, c->slice, c->folds, 1, &design));
        as_array(&design->resources, all);
        pta_design_destroy(c->ctx, &design);
        for (int k = 0; k < N_PRICES; k++) {
            c->fifos[k] = all[k] - used[k];
        }
    }
    for (int k = 0; k < N_PRICES; k++) {
        used[k] += c->fifos[k];
    }
    return PTA_OK;
}

static bool within(const chooser *c, const int64_t used[N_PRICES])
{
    int64_t limit[N_PRICES];
    budget_array(&c->budget, limit);
    for (int k = 0; k < N_PRICES; k++) {
        if (used[k] > limit[k]) {
            return false;
        }
    }
    return true;
}

/* What a design has besides its layers comes off the budget. */
static void set_room(chooser *c, const int64_t used[N_PRICES])
{
    budget_array(&c->budget, c->room);
    for (int k = 0; k < N_PRICES; k++) {
        c->room[k] -= used[k];
        for (int32_t i = 0; i < c->n_layers; i++) {
            c->room[k] += c->layers[i].list[c->layers[i].chosen].cost[k];
        }
    }
}

#define ROUNDS 12

/* Foldings of the least interval, at least `low`, whose whole design is within
 * the budget. */
static pta_status balance(chooser *c, int64_t low, int64_t *interval)
{
    int over = -1;
    budget_array(&c->budget, c->room);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t used[N_PRICES];
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

/* ---- latency ---- */

#define BEATS_OF_SEARCH  1000000 /* worked through at most */
#define BUILDS_OF_SEARCH 3000

typedef struct score {
    int64_t latency, dsp, lut;
    int64_t beats;
    bool fits;
} score;

static pta_status evaluate(chooser *c, int64_t interval, score *out)
{
    pta_design *design;
    put_folds(c);
    PTA_TRY(pta_design_build_for(c->ctx, c->slice, c->folds, 1, &design));
    *out = (score){
        .latency = design->latency,
        .dsp = design->resources.dsp,
        .lut = design->resources.lut,
        .fits = pta_budget_exceeded(&c->budget, &design->resources) == NULL};
    for (int32_t i = 0; i < design->n_streams; i++) {
        out->beats += pta_stream_beats(&design->streams[i]);
    }
    for (int32_t i = 0; i < design->n_blocks; i++) {
        out->fits = out->fits && design->blocks[i].steps <= interval;
    }
    pta_design_destroy(c->ctx, &design);
    return PTA_OK;
}

static bool better(const score *a, const score *b)
{
    if (!a->fits || a->latency != b->latency) {
        return a->fits && (a->latency < b->latency || !b->fits);
    }
    return a->dsp != b->dsp ? a->dsp < b->dsp : a->lut < b->lut;
}

/* The cheapest folding of a layer like another, `like`: order, chain and, unless
 * 0, its lanes; with at most so many cycles; -1: none. */
static int32_t cheapest_like(const chooser *c, const layer *y, int64_t cycles,
                             pta_fold like)
{
    int32_t best = -1, pe = like.pe, simd = like.simd;
    for (int32_t i = 0; i < y->n; i++) {
        const pta_fold *f = &y->list[i].fold;
        if (y->list[i].cycles <= cycles && f->order == like.order &&
            f->chain == like.chain && (pe == 0 || f->pe == pe) &&
            (simd == 0 || f->simd == simd) &&
            (best < 0 || worth(c, &y->list[i]) < worth(c, &y->list[best]))) {
            best = i;
        }
    }
    return best;
}

/* Other foldings of one layer, or of it and the next. */
typedef struct move {
    int32_t layer, n, to[2];
} move;

#define MOVES  48 /* of a layer at most */
#define SINGLE -2 /* instead of the next layer's folding */

static const double shares[] = {1.0, 0.9, 0.8, 0.65, 0.5};
#define N_SHARES ((int)(sizeof shares / sizeof *shares))

static int64_t share_of(int64_t cycles, int s)
{
    return (int64_t)((double)cycles * shares[s]);
}

static void add_move(move *moves, int32_t *n, int32_t at, int32_t a, int32_t b)
{
    if (a >= 0 && (b >= 0 || b == SINGLE)) {
        moves[(*n)++] = (move){at, b >= 0 ? 2 : 1, {a, b}};
    }
}

/* One layer: other chains; in each order the cheapest for the interval, for
 * shares of the cycles now, and with the lanes of the layers beside it. */
static void single_moves(const chooser *c, int32_t at, int64_t interval,
                         move *moves, int32_t *n)
{
    const layer *y = &c->layers[at];
    int64_t now = y->list[y->chosen].cycles;
    pta_fold other = y->list[y->chosen].fold;
    other.chain = 1 - other.chain;
    add_move(moves, n, at, cheapest_like(c, y, now, other), SINGLE);
    for (int order = 0; order < 2; order++) {
        pta_fold like = {.order = (pta_fold_order)order,
                         .chain = 1 - other.chain};
        add_move(moves, n, at, cheapest_like(c, y, interval, like), SINGLE);
        for (int s = 0; s < N_SHARES; s++) {
            add_move(moves, n, at, cheapest_like(c, y, share_of(now, s), like),
                     SINGLE);
        }
        if (at > 0) {
            const layer *before = &c->layers[at - 1];
            like.simd = before->list[before->chosen].fold.pe;
            add_move(moves, n, at, cheapest_like(c, y, now, like), SINGLE);
        }
        if (at < c->n_layers - 1) {
            const layer *next = &c->layers[at + 1];
            like.simd = 0;
            like.pe = next->list[next->chosen].fold.simd;
            add_move(moves, n, at, cheapest_like(c, y, now, like), SINGLE);
        }
    }
}

/* A layer and the next, which overlap when the one gives results in turn (rows)
 * and the other takes them so (columns): both must be faster to gain. */
static void pair_moves(const chooser *c, int32_t at, move *moves, int32_t *n)
{
    if (at == c->n_layers - 1) {
        return;
    }
    const layer *y = &c->layers[at], *z = &c->layers[at + 1];
    const candidate *a = &y->list[y->chosen], *b = &z->list[z->chosen];
    int64_t now = a->cycles > b->cycles ? a->cycles : b->cycles;
    for (int s = 0; s < N_SHARES; s++) {
        for (int order = 0; order < 2; order++) {
            pta_fold like = {.order = (pta_fold_order)order,
                             .chain = a->fold.chain};
            pta_fold then = {.order = (pta_fold_order)(1 - order),
                             .chain = b->fold.chain};
            int32_t first = cheapest_like(c, y, share_of(now, s), like);
            add_move(moves, n, at, first,
                     cheapest_like(c, z, share_of(now, s), then));
            then.simd = first >= 0 ? y->list[first].fold.pe : 0;
            add_move(moves, n, at, first,
                     cheapest_like(c, z, share_of(now, s), then));
        }
    }
}

/* Makes a move; gives back what undoes it. */
static move make_move(chooser *c, move m)
{
    move undo = m;
    for (int32_t k = 0; k < m.n; k++) {
        undo.to[k] = c->layers[m.layer + k].chosen;
        c->layers[m.layer + k].chosen = m.to[k];
    }
    return undo;
}

/* Latency won for what it costs; what costs nothing comes first. */
static double rate(const chooser *c, const move *m, int64_t won)
{
    double gain = (double)won + 1e-3, cost = 0;
    for (int32_t k = 0; k < m->n; k++) {
        const layer *y = &c->layers[m->layer + k];
        cost += worth(c, &y->list[m->to[k]]) - worth(c, &y->list[y->chosen]);
    }
    return cost <= 1e-6 ? gain * 1e6 : gain / cost;
}

/* Tries all moves; makes the best. */
static pta_status improve(chooser *c, int64_t interval, score *best,
                          int64_t *builds, bool *changed)
{
    move made = {.n = 0};
    double rate_best = 0;
    score score_best = *best;
    for (int32_t i = 0; i < c->n_layers; i++) {
        move moves[MOVES];
        int32_t n = 0;
        single_moves(c, i, interval, moves, &n);
        pair_moves(c, i, moves, &n);
        for (int32_t k = 0; k<n && * builds> 0; k++, --*builds) {
            score s;
            move undo = make_move(c, moves[k]);
            PTA_TRY(evaluate(c, interval, &s));
            make_move(c, undo);
            double r = rate(c, &moves[k], best->latency - s.latency);
            if (better(&s, best) && r > rate_best) {
                rate_best = r;
                score_best = s;
                made = moves[k];
            }
        }
    }
    *changed = made.n > 0;
    make_move(c, made);
    *best = score_best;
    return PTA_OK;
}

/* Starts from alternating orders, each way. */
static void alternate(chooser *c, int64_t interval, int first)
{
    for (int32_t i = 0; i < c->n_layers; i++) {
        layer *y = &c->layers[i];
        int32_t best = y->chosen;
        for (int32_t k = 0; k < y->n; k++) {
            const candidate *a = &y->list[k], *b = &y->list[best];
            bool as_wanted = (int)a->fold.order == (first + i) % 2;
            bool was = (int)b->fold.order == (first + i) % 2;
            if (a->cycles <= interval && as_wanted &&
                (!was || worth(c, a) < worth(c, b))) {
                best = k;
            }
        }
        y->chosen = best;
    }
}

static pta_status shorten(chooser *c, int64_t interval, score *out)
{
    score best;
    int32_t *kept;
    PTA_TRY(evaluate(c, interval, &best));
    *out = best;
    int64_t builds = BEATS_OF_SEARCH / (best.beats + 1);
    builds = builds < BUILDS_OF_SEARCH ? builds : BUILDS_OF_SEARCH;
    if (builds < 20) {
        return PTA_OK;
    }
    PTA_TRY_ALLOC(c->ctx, kept, c->n_layers);
    pta_status status = PTA_OK;
    for (int first = 0; first < 2 && status == PTA_OK; first++) {
        score s;
        for (int32_t i = 0; i < c->n_layers; i++) {
            kept[i] = c->layers[i].chosen;
        }
        alternate(c, interval, first);
        status = evaluate(c, interval, &s);
        if (status == PTA_OK && better(&s, &best)) {
            best = s;
        } else {
            for (int32_t i = 0; i < c->n_layers; i++) {
                c->layers[i].chosen = kept[i];
            }
        }
    }
    pta_free(c->ctx, kept);
    for (bool changed = true; changed && status == PTA_OK && builds > 0;) {
        status = improve(c, interval, &best, &builds, &changed);
    }
    *out = best;
    return status;
}

/* Foldings of several intervals up to `most`; the least latency stays. */
static pta_status least_latency(chooser *c, int64_t least, int64_t most)
{
    int32_t *kept;
    score best = {.fits = false};
    pta_status status = PTA_OK;
    PTA_TRY_ALLOC(c->ctx, kept, c->n_layers);
    for (int64_t at = least; at <= most && status == PTA_OK;
         at = at < most && at + at / 12 + 1 > most ? most : at + at / 12 + 1) {
        score s = {.fits = false};
        int64_t interval;
        status = balance(c, at, &interval);
        if (status == PTA_OK) {
            status = shorten(c, interval, &s);
        }
        for (int32_t i = 0; i < c->n_layers && better(&s, &best); i++) {
            kept[i] = c->layers[i].chosen;
        }
        best = better(&s, &best) ? s : best;
    }
    for (int32_t i = 0; i < c->n_layers && best.fits; i++) {
        c->layers[i].chosen = kept[i];
    }
    pta_free(c->ctx, kept);
    return status;
}

/* ---- the whole ---- */

/* `most` 0: the least interval; else the least latency with at most that. */
static pta_status choose(chooser *c, int64_t most)
{
    int64_t interval;
    score ignored;
    PTA_TRY_ALLOC(c->ctx, c->layers, c->slice->n_steps);
    for (int32_t i = 0; i < c->slice->n_steps; i++) {
        c->folds[i] = c->slice->steps[i].fold;
        if (pta_step_folded(&c->slice->steps[i])) {
            PTA_TRY(add_layer(c, i));
        }
    }
    c->floor = pta_slice_pace(c->slice, NULL);
    PTA_TRY(balance(c, c->floor, &interval));
    if (most == 0) {
        PTA_TRY(shorten(c, interval, &ignored));
    } else if (interval > most) {
        return pta_fail(c->ctx, PTA_ERR_UNSUPPORTED,
                        "an interval of %lld cycles at least within the "
                        "budget, asked for %lld",
                        (long long)interval, (long long)most);
    } else {
        int64_t last = 3 * interval; /* beyond, it only gets longer */
        PTA_TRY(least_latency(c, interval, most < last ? most : last));
    }
    put_folds(c);
    return PTA_OK;
}

static pta_status start(pta_ctx *ctx, const pta_slice *slice,
                        const pta_budget *budget, int64_t most, pta_fold *folds)
{
    if (slice->engine == PTA_ENGINE_REUSED) {
        return pta_engine_choose(ctx, slice, budget, folds);
    }
    chooser c = {.ctx = ctx, .slice = slice, .budget = *budget, .folds = folds};
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
