/*
 * The way of least latency through stages, by what each costs alone; those on
 * it are looked at, and it is found anew, until all are known.
 */
#include <math.h>

#include "partition/solve_priv.h"

/* The first option that the bound of a layer comes from. */
static pta_option *find_next(const pta_solver *s, int32_t first, int32_t left,
                             double low)
{
    pta_options_of *list = &s->options[first];
    pta_option *best = NULL;
    double least = HUGE_VAL;
    for (int32_t k = 0; k < list->n; k++) {
        pta_option *o = &list->at[k];
        if (o->n_parts > left) {
            continue;
        }
        double rest = pta_low(s, o->last + 1, left - o->n_parts);
        double own = fmax(pta_option_after(s, o, left), rest);
        if (own < least) {
            least = own;
            best = o;
        }
        if (least <= low) {
            break;
        }
    }
    return best;
}

static void find_way(const pta_solver *s, pta_chain *chain)
{
    int32_t left = s->boards;
    chain->found = true;
    chain->n = 0;
    for (int32_t i = 0; i < s->graph->n_nodes;) {
        pta_option *o = find_next(s, i, left, pta_low(s, i, left));
        if (o == NULL) {
            chain->found = false;
            return;
        }
        chain->at[chain->n++] = o;
        left -= o->n_parts;
        i = o->last + 1;
    }
}

/* What is known of a twin is known of the option. */
static pta_status learn(pta_solver *s, pta_option *o)
{
    if (o->twin == NULL) {
        PTA_TRY(pta_twins_find(s, s->twins, o));
    }
    PTA_TRY(pta_option_refine(s, o->twin, HUGE_VAL));
    o->low = o->twin->low;
    o->all = o->twin->all;
    o->exact = true;
    return PTA_OK;
}

static pta_status look(pta_solver *s, const pta_chain *chain, bool *known)
{
    *known = true;
    for (int32_t i = 0; i < chain->n && !pta_solver_late(s); i++) {
        if (!chain->at[i]->exact) {
            *known = false;
            PTA_TRY(learn(s, chain->at[i]));
        }
    }
    return PTA_OK;
}

pta_status pta_chain_latency(pta_solver *s, pta_chain *chain, double *low)
{
    bool known = false;
    if (s->twins == NULL) {
        PTA_TRY(pta_twins_create(s, &s->twins));
    }
    while (!known) {
        pta_solver_bounds(s);
        *low = pta_low(s, 0, s->boards);
        find_way(s, chain);
        if (!chain->found || s->out_of_time) {
            break;
        }
        PTA_TRY(look(s, chain, &known));
    }
    for (int32_t i = 0; i < chain->n && chain->found; i++) {
        PTA_TRY(learn(s, chain->at[i])); /* what time left out */
        chain->found = chain->at[i]->all < HUGE_VAL;
    }
    return PTA_OK;
}
