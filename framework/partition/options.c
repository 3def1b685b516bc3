/*
 * Options of a stage at each layer, what each costs at least by itself, and
 * what is left after a layer costs at least.
 */
#include <math.h>
#include <string.h>

#include "partition/solve_priv.h"

int32_t pta_first_computed(const pta_graph *graph, int32_t first)
{
    while (first < graph->n_nodes && (graph->nodes[first].op == PTA_OP_INPUT ||
                                      !pta_graph_in_integer(graph, first))) {
        first++;
    }
    return first;
}

/* ---- what a stage costs at least ---- */

/* The cheapest of all hosts: what a neighbour not yet known may cost. */
typedef struct cheapest {
    double message_us, latency_us, rate_mbit;
} cheapest;

static cheapest cheapest_of(const pta_cluster *c)
{
    cheapest m = {HUGE_VAL, HUGE_VAL, 0};
    double latency = HUGE_VAL;
    for (int32_t h = 0; h < c->n_hosts; h++) {
        const pta_host_costs *costs = &c->hosts[h].costs;
        m.message_us = fmin(m.message_us, costs->message_us);
        latency = fmin(latency, costs->latency_us);
        m.rate_mbit = fmax(m.rate_mbit, costs->rate_mbit);
    }
    m.latency_us = 2 * latency;
    for (int32_t i = 0; i < c->n_pairs; i++) {
        m.latency_us = fmin(m.latency_us, c->pairs[i].latency_us);
        m.rate_mbit = fmax(m.rate_mbit, c->pairs[i].rate_mbit);
    }
    return m;
}

/* Bytes that surely come: of a tensor that may be carried, and then be made of
 * fewer bytes, none. */
static double bytes_of(const pta_solver *s, const pta_piece_of *pieces,
                       int32_t n)
{
    double bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        if (s->shrinks[pieces[i].node]) {
            continue;
        }
        bytes += (double)pta_region_count(&pieces[i].region) * pieces[i].bytes;
    }
    return bytes;
}

/* Bytes that surely leave the host: of tensors whose every element somebody
 * takes. The first board may have the sink beside it. */
static double leaving(const pta_solver *s, const pta_candidate *c, int32_t p)
{
    const pta_part *part = &c->parts[p];
    double bytes = 0;
    for (int32_t i = 0; i < part->n_gives; i++) {
        int32_t node = part->gives[i].node;
        bool beside = c->first == 0 && p == 0 && s->all.is_output[node];
        bytes += s->taken_whole[node] && !beside
                     ? bytes_of(s, &part->gives[i], 1)
                     : 0;
    }
    return bytes;
}

static double least_interval(const pta_solver *s, const pta_candidate *c,
                             int32_t p, const pta_core *core,
                             const pta_host *host)
{
    const pta_cluster *cluster = s->ask->cluster;
    const pta_board_kind *kind = &cluster->kinds[host->kind];
    const pta_host_costs *costs = &host->costs;
    const pta_part *part = &c->parts[p];
    double batch = s->ask->batch, rate = cheapest_of(cluster).rate_mbit;
    double taken = bytes_of(s, part->needs, part->n_needs);
    double in = c->first == 0 && p == 0 ? 0 : taken;
    double out = leaving(s, c, p);
    double dma = taken + (double)part->out_bytes;
    double messages = (in > 0) + (out > 0);
    double arm = 2 * costs->transfer_us / batch +
                 dma * costs->copy_ns_per_byte * 1e-3 +
                 messages * costs->message_us / batch +
                 (in + out) * costs->tcp_ns_per_byte * 1e-3;
    double most = fmax(taken, (double)part->out_bytes);
    double low = (double)core->bound / kind->clock_mhz;
    low = fmax(low, most / kind->port_bytes / kind->clock_mhz);
    low = fmax(low, arm / cluster->machines[host->machine].cores);
    low = fmax(low, in * 8 / rate);
    return fmax(low, out * 8 / rate);
}

/* From the time what it waits for is ready at its maker. With several inputs
 * some may have come long before. */
static double least_latency(const pta_solver *s, const pta_candidate *c,
                            int32_t p, const pta_core *core,
                            const pta_host *host)
{
    const pta_part *part = &c->parts[p];
    const pta_host_costs *costs = &host->costs;
    cheapest m = cheapest_of(s->ask->cluster);
    double dma =
        bytes_of(s, part->needs, part->n_needs) + (double)part->out_bytes;
    double us =
        2 * costs->transfer_us + dma * costs->copy_ns_per_byte * 1e-3 +
        (double)core->bound / s->ask->cluster->kinds[host->kind].clock_mhz;
    if (c->first > 0 || p > 0) {
        double bytes =
            part->n_needs == 1 ? bytes_of(s, part->needs, part->n_needs) : 0;
        us += m.message_us + m.latency_us + costs->message_us +
              fmax(bytes * 8 / m.rate_mbit,
                   bytes * costs->tcp_ns_per_byte * 1e-3);
    }
    return us;
}

/* Of a part on the best host for it; HUGE_VAL if it fits on none. */
static pta_status part_low(pta_solver *s, pta_candidate *c, int32_t p,
                           double *low)
{
    *low = HUGE_VAL;
    for (int32_t k = 0; k < s->n_classes; k++) {
        const pta_core *core;
        const pta_host *host = &s->ask->cluster->hosts[s->classes[k].hosts[0]];
        PTA_TRY(pta_candidate_core(&s->all, c, p, host->kind, &core));
        if (core->fits) {
            *low = fmin(*low, pta_by_latency(s)
                                  ? least_latency(s, c, p, core, host)
                                  : least_interval(s, c, p, core, host));
        }
    }
    return PTA_OK;
}

/* Throughput: the worst part. Latency: a way through the least of them. */
static pta_status option_low(pta_solver *s, pta_candidate *c, double *low)
{
    for (int32_t p = 0; p < c->n_parts; p++) {
        double one;
        PTA_TRY(part_low(s, c, p, &one));
        if (one == HUGE_VAL) {
            *low = HUGE_VAL;
            return PTA_OK;
        }
        *low = p == 0              ? one
               : pta_by_latency(s) ? fmin(*low, one)
                                   : fmax(*low, one);
    }
    if (pta_by_latency(s) && c->first > 0 &&
        c->last == s->graph->n_nodes - 1) { /* to the sink, elsewhere */
        cheapest m = cheapest_of(s->ask->cluster);
        *low += 2 * m.message_us + m.latency_us;
    }
    return PTA_OK;
}

/* ---- options ---- */

static pta_status add_option(pta_solver *s, int32_t first, int32_t last,
                             pta_split split, int32_t n, const int32_t *sizes)
{
    pta_options_of *list = &s->options[first];
    pta_candidate *c;
    double low = HUGE_VAL;
    pta_cut_key key = {first, last, split, n, sizes, 0, NULL};
    PTA_TRY(pta_candidate_get(&s->all, &key, &c));
    if (!c->usable) {
        return PTA_OK;
    }
    PTA_TRY(option_low(s, c, &low));
    if (low == HUGE_VAL) {
        return PTA_OK;
    }
    if ((list->n & (list->n - 1)) == 0) {
        size_t room = list->n == 0 ? 1 : 2 * (size_t)list->n;
        pta_option *at = pta_realloc(s->ctx, list->at, room * sizeof *at);
        if (at == NULL) {
            return PTA_ERR_NOMEM;
        }
        list->at = at;
    }
    list->at[list->n++] = (pta_option){c, low};
    return PTA_OK;
}

/* Ways to divide `units` in n parts, or some number above `most`. */
static int64_t count_divisions(int32_t units, int32_t n, int32_t most)
{
    int64_t count = 1;
    for (int32_t i = 1; i < n && count <= most; i++) {
        count = count * (units - i) / i;
    }
    return count;
}

typedef struct division {
    pta_solver *s;
    int32_t first, last, n, step;
    pta_split split;
    int32_t *sizes;
} division;

static pta_status all_divisions(const division *d, int32_t p, int32_t left)
{
    if (p == d->n - 1) {
        d->sizes[p] = left * d->step;
        return add_option(d->s, d->first, d->last, d->split, d->n, d->sizes);
    }
    for (int32_t units = 1; units <= left - (d->n - 1 - p); units++) {
        d->sizes[p] = units * d->step;
        PTA_TRY(all_divisions(d, p + 1, left - units));
    }
    return PTA_OK;
}

/* Parts in proportion to the DSPs of kinds a and b, the first `of_a` on a. */
static pta_status proportional(const division *d, int32_t units, int32_t of_a,
                               int32_t a, int32_t b)
{
    double weight_a = (double)d->s->budgets[a].dsp + 1;
    double weight_b = (double)d->s->budgets[b].dsp + 1;
    double total = of_a * weight_a + (d->n - of_a) * weight_b, at = 0;
    int32_t before = 0;
    for (int32_t p = 0; p < d->n; p++) {
        at += p < of_a ? weight_a : weight_b;
        int32_t end =
            p == d->n - 1 ? units : (int32_t)(units * at / total + 0.5);
        d->sizes[p] = (end - before) * d->step;
        before = end;
        if (d->sizes[p] < 1) {
            return PTA_OK;
        }
    }
    return add_option(d->s, d->first, d->last, d->split, d->n, d->sizes);
}

/* Too many to try all: equal, with what is over in front or behind, and by
 * kinds of board. */
static pta_status some_divisions(const division *d, int32_t units)
{
    int32_t over = units % d->n;
    for (int32_t turn = 0; turn < (over > 0 ? 2 : 1); turn++) {
        for (int32_t p = 0; p < d->n; p++) {
            bool more = turn == 0 ? p < over : p >= d->n - over;
            d->sizes[p] = (units / d->n + more) * d->step;
        }
        PTA_TRY(add_option(d->s, d->first, d->last, d->split, d->n, d->sizes));
    }
    for (int32_t a = 0; a < d->s->all.n_kinds; a++) {
        for (int32_t b = 0; b < d->s->all.n_kinds; b++) {
            for (int32_t of_a = 1; a != b && of_a < d->n; of_a++) {
                PTA_TRY(proportional(d, units, of_a, a, b));
            }
        }
    }
    return PTA_OK;
}

static pta_status add_split(pta_solver *s, int32_t first, int32_t last,
                            pta_split split)
{
    int32_t units, step;
    pta_candidate_units(s->graph, first, last, split, &units, &step);
    units /= step;
    int32_t most = units < s->boards ? units : s->boards;
    int32_t many = s->ask->divisions > 0 ? s->ask->divisions : PTA_DIVISIONS;
    for (int32_t n = 2; n <= most; n++) {
        division d = {s, first, last, n, step, split, NULL};
        PTA_TRY_ALLOC(s->ctx, d.sizes, n);
        pta_status status = count_divisions(units, n, many) <= many
                                ? all_divisions(&d, 0, units)
                                : some_divisions(&d, units);
        pta_free(s->ctx, d.sizes);
        PTA_TRY(status);
    }
    return PTA_OK;
}

static int by_low(const void *a, const void *b)
{
    const pta_option *x = a, *y = b;
    if (x->low != y->low) {
        return x->low < y->low ? -1 : 1;
    }
    return x->c->n_parts - y->c->n_parts; /* of equals the fewer boards */
}

static pta_status options_from(pta_solver *s, int32_t first)
{
    static const int32_t one = 1;
    bool whole = true;
    for (int32_t last = first; last < s->graph->n_nodes; last++) {
        int32_t before = s->options[first].n;
        if (whole) {
            pta_cut_key key = {first, last, PTA_SPLIT_WHOLE, 1, &one, 0, NULL};
            pta_candidate *c;
            PTA_TRY(add_option(s, first, last, PTA_SPLIT_WHOLE, 1, &one));
            PTA_TRY(pta_candidate_get(&s->all, &key, &c));
            /* more layers take no less */
            whole = !c->usable || s->options[first].n > before;
        }
        s->hurried = s->hurried ||
                     (s->deadline > 0 && pta_solver_seconds() > s->deadline);
        for (int i = PTA_SPLIT_NEURON; i <= PTA_SPLIT_PAIRED && !s->hurried;
             i++) {
            PTA_TRY(add_split(s, first, last, (pta_split)i));
        }
    }
    pta_options_of *list = &s->options[first];
    if (list->n > 0) {
        qsort(list->at, (size_t)list->n, sizeof *list->at, by_low);
    }
    return PTA_OK;
}

/* A stage may begin at any layer, model inputs going with the one before. */
pta_status pta_solver_options(pta_solver *s)
{
    for (int32_t i = 0; i < s->graph->n_nodes; i++) {
        if (i == 0 || s->graph->nodes[i].op != PTA_OP_INPUT) {
            PTA_TRY(options_from(s, i));
        }
    }
    return PTA_OK;
}

/* ---- what is left ---- */

/* Whether whatever follows layer `last` waits for the stage [first, last]. */
static bool waits(const pta_solver *s, int32_t first, int32_t last)
{
    int32_t next = pta_first_computed(s->graph, last + 1);
    const pta_node *node = &s->graph->nodes[next];
    for (int32_t k = 0; next < s->graph->n_nodes && k < node->n_in; k++) {
        if (node->in[k] >= first && node->in[k] <= last &&
            s->graph->nodes[node->in[k]].op != PTA_OP_INPUT) {
            return true;
        }
    }
    return false;
}

static double after(const pta_solver *s, const pta_option *o, int32_t left)
{
    double rest = *pta_low(s, o->c->last + 1, left - o->c->n_parts);
    if (rest == HUGE_VAL) {
        return HUGE_VAL;
    }
    return pta_by_latency(s) && waits(s, o->c->first, o->c->last)
               ? o->low + rest
               : fmax(o->low, rest);
}

void pta_solver_bounds(pta_solver *s)
{
    int32_t n = s->graph->n_nodes;
    for (int32_t left = 0; left <= s->boards; left++) {
        *pta_low(s, n, left) = 0;
    }
    for (int32_t i = n - 1; i >= 0; i--) {
        for (int32_t left = 0; left <= s->boards; left++) {
            double *low = pta_low(s, i, left);
            *low = HUGE_VAL;
            for (int32_t k = 0; k < s->options[i].n; k++) {
                const pta_option *o = &s->options[i].at[k];
                if (o->c->n_parts <= left) {
                    *low = fmin(*low, after(s, o, left));
                }
            }
        }
    }
}
