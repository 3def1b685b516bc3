/*
 * Least latency of a slice, by trying: foldings, chains and orders are changed
 * one layer, or two neighbours, at a time, and the design is built and timed.
 */
#include "plan/fold_choose_priv.h"

#define BEATS_OF_SEARCH  1000000 /* worked through at most */
#define BUILDS_OF_SEARCH 3000

typedef struct score {
    int64_t latency, dsp, lut;
    int64_t beats;
    bool fits;
} score;

static pta_status evaluate(pta_fold_chooser *c, int64_t interval, score *out)
{
    pta_design *design;
    pta_fold_put(c);
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
static int32_t cheapest_like(const pta_fold_chooser *c, const pta_fold_layer *y,
                             int64_t cycles, pta_fold like)
{
    int32_t best = -1, pe = like.pe, simd = like.simd;
    for (int32_t i = 0; i < y->n; i++) {
        const pta_fold *f = &y->list[i].fold;
        if (y->list[i].cycles <= cycles && f->order == like.order &&
            f->chain == like.chain && (pe == 0 || f->pe == pe) &&
            (simd == 0 || f->simd == simd) &&
            (best < 0 || pta_fold_worth(c, &y->list[i]) <
                             pta_fold_worth(c, &y->list[best]))) {
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
static void single_moves(const pta_fold_chooser *c, int32_t at,
                         int64_t interval, move *moves, int32_t *n)
{
    const pta_fold_layer *y = &c->layers[at];
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
            const pta_fold_layer *before = &c->layers[at - 1];
            like.simd = before->list[before->chosen].fold.pe;
            add_move(moves, n, at, cheapest_like(c, y, now, like), SINGLE);
        }
        if (at < c->n_layers - 1) {
            const pta_fold_layer *next = &c->layers[at + 1];
            like.simd = 0;
            like.pe = next->list[next->chosen].fold.simd;
            add_move(moves, n, at, cheapest_like(c, y, now, like), SINGLE);
        }
    }
}

/* A layer and the next, which overlap when the one gives results in turn (rows)
 * and the other takes them so (columns): both must be faster to gain. */
static void pair_moves(const pta_fold_chooser *c, int32_t at, move *moves,
                       int32_t *n)
{
    if (at == c->n_layers - 1) {
        return;
    }
    const pta_fold_layer *y = &c->layers[at], *z = &c->layers[at + 1];
    const pta_fold_candidate *a = &y->list[y->chosen], *b = &z->list[z->chosen];
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
static move make_move(pta_fold_chooser *c, move m)
{
    move undo = m;
    for (int32_t k = 0; k < m.n; k++) {
        undo.to[k] = c->layers[m.layer + k].chosen;
        c->layers[m.layer + k].chosen = m.to[k];
    }
    return undo;
}

/* Latency won for what it costs; what costs nothing comes first. */
static double rate(const pta_fold_chooser *c, const move *m, int64_t won)
{
    double gain = (double)won + 1e-3, cost = 0;
    for (int32_t k = 0; k < m->n; k++) {
        const pta_fold_layer *y = &c->layers[m->layer + k];
        cost += pta_fold_worth(c, &y->list[m->to[k]]) -
                pta_fold_worth(c, &y->list[y->chosen]);
    }
    return cost <= 1e-6 ? gain * 1e6 : gain / cost;
}

/* Tries all moves; makes the best. */
static pta_status improve(pta_fold_chooser *c, int64_t interval, score *best,
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
static void alternate(pta_fold_chooser *c, int64_t interval, int first)
{
    for (int32_t i = 0; i < c->n_layers; i++) {
        pta_fold_layer *y = &c->layers[i];
        int32_t best = y->chosen;
        for (int32_t k = 0; k < y->n; k++) {
            const pta_fold_candidate *a = &y->list[k], *b = &y->list[best];
            bool as_wanted = (int)a->fold.order == (first + i) % 2;
            bool was = (int)b->fold.order == (first + i) % 2;
            if (a->cycles <= interval && as_wanted &&
                (!was || pta_fold_worth(c, a) < pta_fold_worth(c, b))) {
                best = k;
            }
        }
        y->chosen = best;
    }
}

static pta_status shorten(pta_fold_chooser *c, int64_t interval, score *out)
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

pta_status pta_fold_shorten(pta_fold_chooser *c, int64_t interval)
{
    score ignored;
    return shorten(c, interval, &ignored);
}

pta_status pta_fold_least_latency(pta_fold_chooser *c, int64_t least,
                                  int64_t most)
{
    int32_t *kept;
    score best = {.fits = false};
    pta_status status = PTA_OK;
    PTA_TRY_ALLOC(c->ctx, kept, c->n_layers);
    for (int64_t at = least; at <= most && status == PTA_OK;
         at = at < most && at + at / 12 + 1 > most ? most : at + at / 12 + 1) {
        score s = {.fits = false};
        int64_t interval;
        status = pta_fold_balance(c, at, &interval);
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
