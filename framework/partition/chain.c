/*
 * The least interval for which a chain of stages takes few enough boards, by
 * bisection over the interval: for each, the fewest boards from every layer on,
 * last layer first. Stages are taken to do it until somebody looks; those of
 * the chain found are looked at, and it is found anew if one cannot.
 */
#include <math.h>
#include <string.h>

#include "partition/solve_priv.h"

#define GAP 1e-3 /* bisection ends here; then exact values are tried */

typedef struct walk {
    pta_solver *s;
    int32_t boards;
    int32_t *need;     /* owned; [n_nodes + 1] boards from a layer on */
    pta_option **pick; /* owned; [n_nodes] */
} walk;

static void fewest_from(const walk *w, int32_t i, double us)
{
    const pta_options_of *list = &w->s->options[i];
    w->need[i] = INT32_MAX / 2;
    w->pick[i] = NULL;
    for (int32_t k = 0; k < list->n; k++) {
        pta_option *o = &list->at[k];
        if (o->low > us) {
            continue;
        }
        int32_t need = o->n_parts + w->need[o->last + 1];
        if (need < w->need[i]) {
            w->need[i] = need;
            w->pick[i] = o;
        }
    }
}

/* Looks at the chain's stages. *sure: all can. False: some cannot. */
static pta_status look(const walk *w, double us, bool *can, bool *sure)
{
    int32_t n = w->s->graph->n_nodes;
    *can = *sure = true;
    for (int32_t i = 0; i < n; i = w->pick[i]->last + 1) {
        pta_verdict verdict;
        PTA_TRY(pta_option_within(w->s, w->pick[i], us, &verdict));
        *can = *can && verdict != PTA_NO;
        *sure = *sure && verdict == PTA_YES;
    }
    return PTA_OK;
}

static void keep(const walk *w, pta_chain *chain)
{
    int32_t n = w->s->graph->n_nodes;
    chain->found = true;
    chain->n = 0;
    chain->us = 0;
    for (int32_t i = 0; i < n; i = w->pick[i]->last + 1) {
        chain->at[chain->n++] = w->pick[i];
        chain->us = fmax(chain->us, w->pick[i]->high);
    }
}

/* Whether a chain does in `us`; keeps it. MAYBE also when time is up. */
static pta_status try_interval(const walk *w, double us, pta_chain *chain,
                               pta_verdict *verdict)
{
    int32_t n = w->s->graph->n_nodes;
    for (;;) {
        bool can, sure;
        w->need[n] = 0;
        for (int32_t i = n - 1; i >= 0; i--) {
            fewest_from(w, i, us);
        }
        if (w->need[0] > w->boards) {
            *verdict = PTA_NO;
            return PTA_OK;
        }
        PTA_TRY(look(w, us, &can, &sure));
        if (can && sure) {
            keep(w, chain);
            *verdict = PTA_YES;
            return PTA_OK;
        }
        if (can || pta_solver_late(w->s)) {
            *verdict = PTA_MAYBE;
            return PTA_OK;
        }
    }
}

/* Some interval that can be reached, doubling; *low cannot. */
static pta_status find_any(const walk *w, double limit, pta_chain *chain,
                           double *low, bool *maybe)
{
    double us = 1e-3;
    *low = 0;
    *maybe = false;
    for (; !chain->found; us *= 2) {
        pta_verdict verdict;
        bool last = us >= limit || us > 1e9;
        us = fmin(us, limit);
        PTA_TRY(try_interval(w, us, chain, &verdict));
        *maybe = *maybe || verdict == PTA_MAYBE;
        *low = verdict == PTA_NO && !*maybe ? us : *low;
        if (last) {
            break;
        }
    }
    return PTA_OK;
}

/* From [low, chain->us] to one value. */
static pta_status close_in(const walk *w, pta_chain *chain, double *low)
{
    bool maybe = false;
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
            maybe = maybe || verdict == PTA_MAYBE;
            from = us;
            *low = maybe ? *low : us;
        }
    }
    if (!maybe && !w->s->out_of_time && *low >= chain->us * (1 - 2e-9)) {
        *low = chain->us;
    }
    return PTA_OK;
}

static pta_status search(const walk *w, double limit, pta_chain *chain,
                         double *low)
{
    bool maybe;
    PTA_TRY(find_any(w, limit, chain, low, &maybe));
    if (!chain->found) {
        *low = *low >= fmin(limit, 1e9) ? limit : *low;
        return PTA_OK;
    }
    return close_in(w, chain, low);
}

pta_status pta_chain_throughput(pta_solver *s, int32_t boards, double limit,
                                pta_chain *chain, double *low)
{
    walk w = {.s = s, .boards = boards};
    pta_status status = PTA_ERR_NOMEM;
    w.need = pta_calloc(s->ctx, (size_t)s->graph->n_nodes + 1, sizeof *w.need);
    w.pick = pta_calloc(s->ctx, (size_t)s->graph->n_nodes + 1, sizeof *w.pick);
    if (w.need != NULL && w.pick != NULL) {
        status = search(&w, limit, chain, low);
    }
    pta_free(s->ctx, w.need);
    pta_free(s->ctx, w.pick);
    return status;
}
