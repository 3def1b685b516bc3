/*
 * Depth first with bounds from Lagrange multipliers: with prices on resources
 * each list chooses alone, which bounds the rest from below whatever the
 * prices.
 */
#include "partition/knapsack_priv.h"

#include <string.h>

#define NODES_MAX 10000 /* of one search, after which it is not proven */
#define ROUNDS    60    /* of adjusting prices */

void pta_resources_vector(const pta_resources *r, double out[PTA_N_RES])
{
    out[PTA_RES_LUT] = (double)r->lut;
    out[PTA_RES_LUTRAM] = (double)r->lutram;
    out[PTA_RES_FF] = (double)r->ff;
    out[PTA_RES_DSP] = (double)r->dsp;
    out[PTA_RES_BRAM] = (double)r->bram18;
}

/* ---- what others beat ---- */

static bool no_worse(const pta_item *a, const pta_item *b)
{
    bool is = a->cost <= b->cost;
    for (int j = 0; j < PTA_N_RES; j++) {
        is = is && a->r[j] <= b->r[j];
    }
    return is;
}

void pta_knapsack_thin(pta_item *items, int32_t *count)
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
        pta_item own = items[i];
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

/* ---- prices ---- */

/* Each step's least priced item; the sums are a bound, its use a direction. */
static double priced_bound(const pta_knapsack *s, const double price[PTA_N_RES],
                           double use[PTA_N_RES])
{
    double sum = 0;
    memset(use, 0, PTA_N_RES * sizeof *use);
    for (int32_t i = 0; i < s->n; i++) {
        const pta_item *best = NULL;
        double least = 0;
        for (int32_t k = 0; k < s->count[i]; k++) {
            const pta_item *it = &s->items[i][k];
            double value = it->cost;
            for (int j = 0; j < PTA_N_RES; j++) {
                value += price[j] * it->r[j];
            }
            if (best == NULL || value < least) {
                best = it;
                least = value;
            }
        }
        sum += least;
        for (int j = 0; best != NULL && j < PTA_N_RES; j++) {
            use[j] += best->r[j];
        }
    }
    for (int j = 0; j < PTA_N_RES; j++) {
        sum -= price[j] * s->has[j];
    }
    return sum;
}

/* Subgradient ascent. Resources count in shares of what there is, so that one
 * step size serves all. Returns the best bound; its prices stay in s->price. */
static double find_prices(pta_knapsack *s)
{
    double price[PTA_N_RES] = {0}, use[PTA_N_RES], best = -1, scale = 0;
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
        for (int j = 0; j < PTA_N_RES; j++) {
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
    double x = ((const pta_item *)a)->priced, y = ((const pta_item *)b)->priced;
    return x < y ? -1 : x > y;
}

/* Prices, order of items and bounds of what is left at each depth. */
static double prepare(pta_knapsack *s)
{
    double bound = find_prices(s);
    memset(s->least[s->n], 0, sizeof s->least[s->n]);
    s->rest[s->n] = 0;
    for (int32_t i = s->n - 1; i >= 0; i--) {
        double least[PTA_N_RES] = {0};
        for (int32_t k = 0; k < s->count[i]; k++) {
            pta_item *it = &s->items[i][k];
            double share = 0;
            it->priced = it->cost;
            for (int j = 0; j < PTA_N_RES; j++) {
                it->priced += s->price[j] * it->r[j];
                share += it->r[j] / (s->has[j] > 1 ? s->has[j] : 1);
                least[j] = k == 0 || it->r[j] < least[j] ? it->r[j] : least[j];
            }
            it->priced += 1e-9 * share; /* of equals the smaller first */
        }
        qsort(s->items[i], (size_t)s->count[i], sizeof(pta_item), by_price);
        for (int j = 0; j < PTA_N_RES; j++) {
            s->least[i][j] = s->least[i + 1][j] + least[j];
        }
        s->rest[i] = s->rest[i + 1];
        if (s->count[i] > 0) {
            const pta_item *first = &s->items[i][0];
            s->rest[i] += first->priced - 1e-6; /* less the 1e-9 above */
        }
    }
    return bound;
}

/* ---- depth first ---- */

static void descend(pta_knapsack *s, int32_t i, double cost,
                    const double used[PTA_N_RES])
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
    for (int j = 0; j < PTA_N_RES; j++) {
        if (used[j] + s->least[i][j] > s->has[j]) {
            return;
        }
        value -= s->price[j] * (s->has[j] - used[j]);
    }
    double most = s->found && s->best < s->limit ? s->best : s->limit;
    if (value > most - 0.5) { /* costs are integers */
        return;
    }
    for (int32_t k = 0; k < s->count[i]; k++) {
        const pta_item *it = &s->items[i][k];
        double next[PTA_N_RES];
        bool fits = true;
        for (int j = 0; j < PTA_N_RES; j++) {
            next[j] = used[j] + it->r[j];
            fits = fits && next[j] <= s->has[j];
        }
        if (!fits) {
            continue;
        }
        if (s->nodes++ > (s->nodes_max > 0 ? s->nodes_max : NODES_MAX)) {
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

/* ---- at a glance ---- */

/* Weights of the resources, in shares of what there is. */
static const double glances[][PTA_N_RES] = {
    {1, 0, 1, 1, 1}, {1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 1, 0, 0},
    {0, 0, 0, 1, 0}, {0, 0, 0, 0, 1}, {1, 0, 0, 1, 0}, {0, 0, 0, 1, 1},
    {1, 0, 0, 0, 1}, {2, 0, 0, 1, 1}, {1, 0, 0, 2, 1}, {1, 0, 0, 1, 2}};

/* Each list's least by some weights: if they fit, all is well; if even they
 * weigh more than all there is, nothing fits. */
static pta_verdict glance(pta_knapsack *s, const double weights[PTA_N_RES])
{
    double used[PTA_N_RES] = {0}, price[PTA_N_RES], sum = 0, has = 0;
    for (int j = 0; j < PTA_N_RES; j++) {
        price[j] = weights[j] / (s->has[j] > 1 ? s->has[j] : 1);
        has += price[j] * s->has[j];
    }
    for (int32_t i = 0; i < s->n; i++) {
        double least = 0;
        for (int32_t k = 0; k < s->count[i]; k++) {
            double own = 0;
            for (int j = 0; j < PTA_N_RES; j++) {
                own += price[j] * s->items[i][k].r[j];
            }
            if (k == 0 || own < least) {
                least = own;
                s->chosen[i] = k;
            }
        }
        sum += least;
        for (int j = 0; j < PTA_N_RES; j++) {
            used[j] += s->items[i][s->chosen[i]].r[j];
        }
    }
    if (sum > has * (1 + 1e-9) + 1e-9) {
        return PTA_NO;
    }
    for (int j = 0; j < PTA_N_RES; j++) {
        if (used[j] > s->has[j]) {
            return PTA_MAYBE;
        }
    }
    return PTA_YES;
}

pta_verdict pta_knapsack_quick(pta_knapsack *s)
{
    s->found = s->cut = false;
    for (int32_t i = 0; i < s->n; i++) {
        if (s->count[i] == 0) {
            return PTA_NO;
        }
    }
    for (size_t i = 0; i < sizeof glances / sizeof *glances; i++) {
        pta_verdict verdict = glance(s, glances[i]);
        if (verdict != PTA_MAYBE) {
            s->found = verdict == PTA_YES;
            s->best = 0;
            return verdict;
        }
    }
    return PTA_MAYBE;
}

bool pta_knapsack_solve(pta_knapsack *s, bool any, double *bound)
{
    double zero[PTA_N_RES] = {0};
    s->found = s->cut = false;
    s->nodes = 0;
    *bound = 0;
    for (int32_t i = 0; i < s->n; i++) {
        if (s->count[i] == 0) {
            return false;
        }
    }
    *bound = prepare(s);
    if (any && *bound > 1e-6) {
        return false; /* any choice costs 0 */
    }
    if (*bound >= s->limit) {
        return false;
    }
    descend(s, 0, 0, zero);
    return s->found;
}
