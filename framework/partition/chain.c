/*
 * The least interval for which a chain of stages takes few enough boards, by
 * bisection over the interval: for each, the fewest boards from every layer on,
 * last layer first. Stages are taken to do it until somebody looks; those of
 * the chain found are looked at, and it is found anew if one cannot.
 */
#include <math.h>
#include <string.h>

#include "partition/solve_priv.h"

#define CAREFUL 0.99 /* of an interval for wires; messages take the rest */
#define TAKERS  128  /* more boards that take all are taken for so many */
#define GAP     1e-3 /* bisection ends here; then exact values are tried */

typedef struct walk {
    pta_solver *s;
    int32_t boards;
    pta_relax *relax;
    pta_twins *twins; /* of large problems, else NULL */
    bool strict;      /* stages that nobody is sure of are left out */
    bool careful;     /* wires cost at least what they will, else at most */
    int32_t need;     /* boards of the last chain, strict ones apart */
    int32_t n_takers; /* boards of a stage that each take all, at most */
    /* Stages from a layer on with the fewest boards: where at most so many take
     * all of the stage before, and where none needs to. Owned;
     * [n_nodes][n_takers + 1], [n_nodes]. */
    pta_option **all, **some;
    int32_t *most; /* owned; [n_nodes] last layer that may fit with it */
} walk;

/* Whether the layers may do it by their lists; else the option cannot. */
static pta_status may_do(walk *w, pta_option *o, double us, bool *may)
{
    *may = true;
    if (o->split == PTA_SPLIT_WHOLE) {
        *may = o->last <= w->most[o->first];
        if (*may && !pta_relax_fits(w->s, w->relax, o->first, o->last)) {
            *may = false;
            w->most[o->first] = o->last - 1;
        }
    } else if (o->split == PTA_SPLIT_ROWS && w->twins != NULL) {
        PTA_TRY(pta_relax_fits_band(w->s, w->relax, o, may));
    }
    if (!*may) {
        o->low = nextafter(us, HUGE_VAL);
    }
    return PTA_OK;
}

static pta_option **with_takers(const walk *w, int32_t layer, int32_t n)
{
    n = n < w->n_takers ? n : w->n_takers;
    return &w->all[(int64_t)layer * (w->n_takers + 1) + n];
}

static pta_option *fewer(pta_option *a, pta_option *b)
{
    return b == NULL || (a != NULL && a->need <= b->need) ? a : b;
}

/* Boards of the next stage that may take all of what `o` gives. */
static int32_t takers(const walk *w, const pta_option *o, double us)
{
    double by_arm = HUGE_VAL, by_port = HUGE_VAL;
    us *= w->careful ? CAREFUL : 1;
    if (o->next_us > us) {
        return 0;
    }
    if (o->arm_each_us > 0) {
        by_arm = (us - o->arm_us) / o->arm_each_us * (1 + 1e-9);
    }
    if (o->port_each_us > 0) {
        by_port = us / o->port_each_us * (1 + 1e-9);
    }
    double n = fmin(by_arm, by_port);
    if (w->careful && o->next_us > 0) { /* partial sums: to one board only */
        n = fmin(n, 1);
    }
    return n < 1 ? 0 : n < w->n_takers ? (int32_t)n : w->n_takers;
}

/* The best that follows `o`; false if nothing can. */
static bool choose_next(const walk *w, pta_option *o, double us)
{
    int32_t next = o->last + 1;
    o->next = NULL;
    o->need = o->n_parts;
    if (next == w->s->graph->n_nodes) {
        return true;
    }
    o->next = *with_takers(w, next, takers(w, o, us));
    if (!w->careful) {
        o->next = fewer(w->some[next], o->next);
    }
    o->need += o->next != NULL ? o->next->need : 0;
    return o->next != NULL;
}

/* Where the option stands: bands take a little more than fan says. */
static pta_option **place_of(const walk *w, const pta_option *o)
{
    int32_t fan = o->fan + (w->careful && !o->takes_all);
    return fan > 0 ? with_takers(w, o->first, fan) : &w->some[o->first];
}

/* Of options that take all, also on one that fewer boards take it for. */
static bool improves(const walk *w, const pta_option *o)
{
    const pta_option *same = *place_of(w, o),
                     *one = *with_takers(w, o->first, 1);
    return (same == NULL || o->need < same->need) &&
           (o->fan == 0 || one == NULL || o->need < one->need || one == same);
}

static void offer(const walk *w, pta_option *o)
{
    pta_option **at = place_of(w, o);
    *at = fewer(*at, o);
}

static pta_status fewest_from(walk *w, int32_t i, double us)
{
    const pta_options_of *list = &w->s->options[i];
    w->some[i] = NULL;
    for (int32_t n = 0; n <= w->n_takers; n++) {
        *with_takers(w, i, n) = NULL;
    }
    for (int32_t k = 0; k < list->n; k++) {
        pta_option *o = &list->at[k];
        bool may;
        if (o->low > us || (w->strict && us <= o->unsure && us < o->high) ||
            !choose_next(w, o, us) || o->need > w->boards || !improves(w, o)) {
            continue;
        }
        PTA_TRY(may_do(w, o, us, &may));
        if (may) {
            offer(w, o);
        }
    }
    for (int32_t n = 1; n <= w->n_takers; n++) {
        *with_takers(w, i, n) =
            fewer(*with_takers(w, i, n - 1), *with_takers(w, i, n));
    }
    return PTA_OK;
}

/* What is known of a stage's twin is known of it. */
static pta_status look_at(walk *w, pta_option *o, double us,
                          pta_verdict *verdict)
{
    if (w->twins == NULL) {
        return pta_option_within(w->s, o, us, verdict);
    }
    if (o->twin == NULL) {
        PTA_TRY(pta_twins_find(w->s, w->twins, o));
    }
    PTA_TRY(pta_option_within(w->s, o->twin, us, verdict));
    o->low = fmax(o->low, o->twin->low);
    o->high = fmin(o->high, o->twin->high);
    return PTA_OK;
}

/* Larger parts are no quicker: of equal parts of one cut, which lie in order of
 * their number, finds by bisection the first that can. */
static pta_status look_at_family(walk *w, pta_option *o, double us)
{
    const pta_options_of *list = &w->s->options[o->first];
    int32_t lo = (int32_t)(o - list->at), hi = lo + 1, end = lo + 1;
    while (end < list->n && list->at[end].last == o->last &&
           list->at[end].split == o->split && list->at[end].sizes == NULL) {
        end++;
    }
    while (hi < end && lo + 1 < end) { /* lo cannot */
        pta_verdict verdict;
        int32_t at = hi;
        if (at >= end) {
            break;
        }
        PTA_TRY(look_at(w, &list->at[at], us, &verdict));
        if (verdict != PTA_NO) {
            break;
        }
        lo = at;
        hi = at + (at - (int32_t)(o - list->at)) + 1;
        hi = hi < end ? hi : (lo < end - 1 ? end - 1 : end);
    }
    for (int32_t k = (int32_t)(o - list->at); k <= lo; k++) {
        list->at[k].low = fmax(list->at[k].low, nextafter(us, HUGE_VAL));
    }
    while (hi < end && lo + 1 < hi) { /* hi can */
        int32_t middle = lo + (hi - lo) / 2;
        pta_verdict verdict;
        PTA_TRY(look_at(w, &list->at[middle], us, &verdict));
        if (verdict != PTA_NO) {
            hi = middle;
            continue;
        }
        for (int32_t k = lo + 1; k <= middle; k++) {
            list->at[k].low = fmax(list->at[k].low, nextafter(us, HUGE_VAL));
        }
        lo = middle;
    }
    return PTA_OK;
}

/* Layers on one board, searched by their lists: what does not fit does not
 * with more layers either. */
static void look_at_whole(walk *w, pta_option *o, double us, bool *can)
{
    int32_t first = o->first, last = o->last;
    if (us >= o->high ||
        pta_relax_search(w->s, w->relax, first, last) != PTA_NO) {
        return;
    }
    *can = false;
    o->low = nextafter(us, HUGE_VAL);
    while (first < last &&
           pta_relax_search(w->s, w->relax, first + 1, last) == PTA_NO) {
        first++; /* fewer that do not fit either */
    }
    for (; first >= 0 && w->most[first] >= last; first--) {
        w->most[first] = last - 1;
    }
}

/* Now that the stage is cut: whether it can also serve the next. */
static bool can_send(const walk *w, pta_option *o, double us)
{
    const pta_solver *s = w->s;
    const pta_candidate *c = o->twin != NULL ? o->twin->c : o->c;
    for (int32_t p = 0; c != NULL && p < o->n_parts; p++) {
        double least = HUGE_VAL;
        for (int32_t k = 0; k < s->n_classes; k++) {
            const pta_host *host =
                &s->ask->cluster->hosts[s->classes[k].hosts[0]];
            least = fmin(least, pta_part_taking(s, c, p, host));
        }
        o->arm_us = fmax(o->arm_us, least);
    }
    return o->next == NULL || o->next->fan <= takers(w, o, us) ||
           o->next->fan > w->n_takers;
}

/* Looks at the chain's stages. *can: none cannot; *sure: all can. First at
 * their layers, which is quickly done. */
static pta_status look(walk *w, pta_option *first, double us, bool *can,
                       bool *sure)
{
    *can = *sure = true;
    for (pta_option *o = first; o != NULL; o = o->next) {
        if (o->split == PTA_SPLIT_WHOLE) {
            look_at_whole(w, o, us, can);
        }
    }
    for (pta_option *o = first; o != NULL && *can; o = o->next) {
        pta_verdict verdict;
        PTA_TRY(look_at(w, o, us, &verdict));
        if (verdict == PTA_NO && w->twins != NULL && o->n_parts > 1) {
            PTA_TRY(look_at_family(w, o, us));
        }
        if (verdict == PTA_MAYBE) {
            o->unsure = fmax(o->unsure, us);
        }
        *can = *can && verdict != PTA_NO && can_send(w, o, us);
        *sure = *sure && verdict == PTA_YES;
    }
    return PTA_OK;
}

static void keep(pta_option *first, pta_chain *chain)
{
    chain->found = true;
    chain->n = 0;
    chain->us = 0;
    for (pta_option *o = first; o != NULL; o = o->next) {
        chain->at[chain->n++] = o;
        chain->us = fmax(chain->us, o->high);
    }
}

/* Whether a chain does in `us`; keeps it. MAYBE: only with stages that nobody is
 * sure of, or time is up. */
static pta_status try_interval(walk *w, double us, pta_chain *chain,
                               pta_verdict *verdict)
{
    int32_t n = w->s->graph->n_nodes;
    pta_relax_set(w->s, w->relax, us);
    w->strict = false;
    for (int32_t i = 0; i < n; i++) {
        w->most[i] = n;
    }
    for (;;) {
        bool can, sure;
        for (int32_t i = n - 1; i >= 0; i--) {
            PTA_TRY(fewest_from(w, i, us));
        }
        pta_option *first = fewer(w->some[0], *with_takers(w, 0, w->n_takers));
        if (first == NULL || pta_solver_late(w->s)) {
            *verdict = w->strict || w->s->out_of_time ? PTA_MAYBE : PTA_NO;
            return PTA_OK;
        }
        w->need = w->strict ? w->need : first->need;
        PTA_TRY(look(w, first, us, &can, &sure));
        if (can && sure) {
            keep(first, chain);
            *verdict = PTA_YES;
            return PTA_OK;
        }
        w->strict = w->strict || can;
    }
}

/* Some interval that can be reached, doubling; *low cannot. */
static pta_status find_any(walk *w, pta_chain *chain, double *low, bool *maybe)
{
    for (double us = 1e-2; us < 1e9 && !chain->found && !w->s->out_of_time;
         us *= 2) {
        pta_verdict verdict;
        PTA_TRY(try_interval(w, us, chain, &verdict));
        *maybe = *maybe || verdict == PTA_MAYBE;
        *low = verdict == PTA_NO ? us : *low;
    }
    return PTA_OK;
}

/* Where nobody is sure of `us`: a greater interval that surely cannot be. */
static pta_status raise_low(walk *w, double us, pta_chain *chain, double *low)
{
    while (*low < us * (1 - GAP) && us > 1e-2 && !w->s->out_of_time) {
        double middle = *low > 0 ? sqrt(*low * us) : us / 2;
        pta_verdict verdict;
        PTA_TRY(try_interval(w, middle, chain, &verdict));
        if (verdict == PTA_NO) {
            *low = middle;
        } else {
            us = middle;
        }
    }
    return PTA_OK;
}

/* From [low, chain->us] to one value. */
static pta_status close_in(walk *w, pta_chain *chain, double *low)
{
    double unsure = 0;
    double from = *low; /* what cannot be reached, or is not known to be */
    while (!w->s->out_of_time) {
        double us = chain->us * (1 - 1e-9);
        pta_verdict verdict;
        if (from < chain->us * (1 - GAP)) {
            us = from > 0 ? sqrt(from * chain->us) : chain->us / 2;
        } else if (from >= us) {
            break;
        }
        PTA_TRY(try_interval(w, us, chain, &verdict));
        if (verdict != PTA_YES) {
            from = us;
        }
        if (verdict == PTA_NO) {
            *low = fmax(*low, us);
        } else if (verdict == PTA_MAYBE && unsure == 0) {
            unsure = us;
        }
    }
    if (unsure > *low) {
        PTA_TRY(raise_low(w, unsure, chain, low));
    }
    if (*low >= chain->us * (1 - 2e-9)) {
        *low = chain->us;
    }
    return PTA_OK;
}

/* Below a limit mostly nothing is to be found. */
static pta_status search(walk *w, double limit, pta_chain *chain, double *low)
{
    bool maybe = false;
    *low = w->careful ? *low : 0;
    if (limit < HUGE_VAL) {
        pta_verdict verdict;
        PTA_TRY(try_interval(w, limit * (1 - 1e-9), chain, &verdict));
        if (verdict == PTA_NO) {
            *low = limit;
        }
    } else {
        PTA_TRY(find_any(w, chain, low, &maybe));
        if (!chain->found && !maybe) {
            *low = HUGE_VAL;
        }
    }
    return chain->found ? close_in(w, chain, low) : PTA_OK;
}

static pta_status open_walk(walk *w)
{
    int32_t n = w->s->graph->n_nodes;
    w->n_takers = w->boards < TAKERS ? w->boards : TAKERS;
    PTA_TRY_ALLOC(w->s->ctx, w->all, (int64_t)n * (w->n_takers + 1));
    PTA_TRY_ALLOC(w->s->ctx, w->some, n);
    PTA_TRY_ALLOC(w->s->ctx, w->most, w->s->graph->n_nodes + 1);
    if (w->s->relax == NULL) {
        PTA_TRY(pta_relax_create(w->s, &w->s->relax));
    }
    if (w->s->twins == NULL && pta_solver_large(w->s)) {
        PTA_TRY(pta_twins_create(w->s, &w->s->twins));
    }
    w->relax = w->s->relax;
    w->twins = w->s->twins;
    return PTA_OK;
}

static void close_walk(walk *w)
{
    pta_free(w->s->ctx, w->all);
    pta_free(w->s->ctx, w->some);
    pta_free(w->s->ctx, w->most);
}

pta_status pta_chain_throughput(pta_solver *s, int32_t boards, bool careful,
                                double limit, pta_chain *chain, double *low)
{
    walk w = {.s = s, .boards = boards, .careful = careful};
    pta_status status = open_walk(&w);
    if (status == PTA_OK) {
        status = search(&w, limit, chain, low);
    }
    close_walk(&w);
    return status;
}

pta_status pta_chain_fewest(pta_solver *s, double us, pta_chain *chain,
                            int32_t *n, pta_verdict *verdict)
{
    walk w = {.s = s, .boards = s->ask->boards, .need = 1};
    pta_status status = open_walk(&w);
    if (status == PTA_OK) {
        status = try_interval(&w, us, chain, verdict);
    }
    close_walk(&w);
    *n = status == PTA_OK && *verdict == PTA_NO ? s->ask->boards + 1 : w.need;
    return status;
}
