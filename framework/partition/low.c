/*
 * What a stage costs at least, whatever its neighbours; and by it what is left
 * after a layer.
 */
#include <math.h>
#include <string.h>

#include "partition/solve_priv.h"

/* ---- a part on a host ---- */

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

double pta_part_interval(const pta_solver *s, const pta_candidate *c, int32_t p,
                         double cycles, const pta_host *host)
{
    const pta_cluster *cluster = s->ask->cluster;
    const pta_board_kind *kind = &cluster->kinds[host->kind];
    const pta_host_costs *costs = &host->costs;
    const pta_part *part = &c->parts[p];
    double batch = s->ask->batch, rate = s->best_rate_mbit;
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
    double low = cycles / kind->clock_mhz;
    low = fmax(low, most / kind->port_bytes / kind->clock_mhz);
    low = fmax(low, arm / cluster->machines[host->machine].cores);
    low = fmax(low, in * 8 / rate);
    return fmax(low, out * 8 / rate);
}

double pta_part_taking(const pta_solver *s, const pta_candidate *c, int32_t p,
                       const pta_host *host)
{
    const pta_host_costs *costs = &host->costs;
    const pta_part *part = &c->parts[p];
    double batch = s->ask->batch;
    double taken = bytes_of(s, part->needs, part->n_needs);
    double in = c->first == 0 && p == 0 ? 0 : taken;
    double us =
        2 * costs->transfer_us / batch +
        (taken + (double)part->out_bytes) * costs->copy_ns_per_byte * 1e-3 +
        (in > 0) * costs->message_us / batch +
        in * costs->tcp_ns_per_byte * 1e-3;
    return us / s->ask->cluster->machines[host->machine].cores;
}

/* From the time what it waits for is ready at its maker. With several inputs
 * some may have come long before. */
double pta_part_latency(const pta_solver *s, const pta_candidate *c, int32_t p,
                        double cycles, const pta_host *host)
{
    const pta_part *part = &c->parts[p];
    const pta_host_costs *costs = &host->costs;
    double dma =
        bytes_of(s, part->needs, part->n_needs) + (double)part->out_bytes;
    double us = 2 * costs->transfer_us + dma * costs->copy_ns_per_byte * 1e-3 +
                cycles / s->ask->cluster->kinds[host->kind].clock_mhz;
    if (c->first > 0 || p > 0) {
        double bytes =
            part->n_needs == 1 ? bytes_of(s, part->needs, part->n_needs) : 0;
        us += s->hop_us + fmax(bytes * 8 / s->best_rate_mbit,
                               bytes * costs->tcp_ns_per_byte * 1e-3);
    }
    return us;
}

/* ---- a stage ---- */

pta_status pta_option_cut(pta_solver *s, pta_option *o)
{
    int32_t *sizes;
    if (o->cut) {
        return PTA_OK;
    }
    PTA_TRY_ALLOC(s->ctx, sizes, o->n_parts);
    pta_option_sizes(o, sizes);
    pta_cut_key key = {o->first, o->last, o->split, o->n_parts, sizes, 0, NULL};
    pta_status status = pta_candidate_get(&s->all, &key, &o->c);
    pta_free(s->ctx, sizes);
    PTA_TRY(status);
    o->cut = true;
    if (!o->c->usable) {
        o->low = o->all = HUGE_VAL;
        o->exact = true;
    }
    return PTA_OK;
}

/* Least of part p over all hosts; without its core if `chosen` is false. */
static pta_status part_low(pta_solver *s, pta_candidate *c, int32_t p,
                           bool chosen, double *low)
{
    *low = HUGE_VAL;
    for (int32_t k = 0; k < s->n_classes; k++) {
        const pta_host *host = &s->ask->cluster->hosts[s->classes[k].hosts[0]];
        double cycles = 0;
        if (chosen) {
            const pta_core *core;
            PTA_TRY(pta_candidate_core(&s->all, c, p, host->kind, &core));
            cycles = core->fits ? (double)core->bound : HUGE_VAL;
        }
        double own = pta_by_latency(s)
                         ? pta_part_latency(s, c, p, cycles, host)
                         : pta_part_interval(s, c, p, cycles, host);
        *low = fmin(*low, own);
    }
    return PTA_OK;
}

/* Throughput: the worst part. Latency: a way through the least of them. */
static pta_status stage_low(pta_solver *s, pta_candidate *c, bool chosen,
                            double *low, double *all)
{
    *low = pta_by_latency(s) ? HUGE_VAL : 0;
    *all = 0;
    for (int32_t p = 0; p < c->n_parts; p++) {
        double one;
        PTA_TRY(part_low(s, c, p, chosen, &one));
        if (one == HUGE_VAL) {
            *low = *all = HUGE_VAL;
            return PTA_OK;
        }
        if (pta_by_latency(s) && (c->first > 0 || p > 0) &&
            c->last == s->graph->n_nodes - 1) { /* to the sink, elsewhere */
            one += s->hop_us;
        }
        *low = pta_by_latency(s) ? fmin(*low, one) : fmax(*low, one);
        *all = fmax(*all, one);
    }
    return PTA_OK;
}

/* Whether part p can do in `us` on some host. */
static pta_status part_within(pta_solver *s, pta_candidate *c, int32_t p,
                              double us, pta_verdict *verdict, double *high)
{
    *verdict = PTA_NO;
    *high = HUGE_VAL;
    for (int32_t k = 0; k < s->n_classes; k++) {
        const pta_host *host = &s->ask->cluster->hosts[s->classes[k].hosts[0]];
        double clock = s->ask->cluster->kinds[host->kind].clock_mhz;
        const pta_core *core;
        pta_verdict one;
        if (pta_part_interval(s, c, p, 0, host) > us) {
            continue;
        }
        int64_t cycles = (int64_t)(us * clock * (1 + 1e-12));
        PTA_TRY(pta_candidate_within(&s->all, c, p, host->kind, cycles, &one,
                                     &core));
        if (one == PTA_YES) {
            *high =
                fmin(*high,
                     pta_part_interval(s, c, p, (double)core->interval, host));
        }
        *verdict = one == PTA_YES || *verdict == PTA_YES ? PTA_YES
                   : one == PTA_MAYBE                    ? PTA_MAYBE
                                                         : *verdict;
    }
    return PTA_OK;
}

pta_status pta_option_within(pta_solver *s, pta_option *o, double us,
                             pta_verdict *verdict)
{
    double high = 0;
    *verdict = PTA_NO;
    if (o->low > us) {
        return PTA_OK;
    }
    PTA_TRY(pta_option_cut(s, o));
    if (o->low > us) {
        return PTA_OK;
    }
    *verdict = PTA_YES;
    for (int32_t p = 0; p < o->n_parts && o->high > us; p++) {
        pta_verdict one;
        double own;
        PTA_TRY(part_within(s, o->c, p, us, &one, &own));
        if (one == PTA_NO) {
            o->low = nextafter(us, HUGE_VAL);
            *verdict = PTA_NO;
            return PTA_OK;
        }
        *verdict = one == PTA_MAYBE ? one : *verdict;
        high = fmax(high, own);
        if (p == o->n_parts - 1 && *verdict == PTA_YES) {
            o->high = high;
        }
    }
    return PTA_OK;
}

pta_status pta_option_refine(pta_solver *s, pta_option *o, double limit)
{
    double low, all;
    bool before = o->cut;
    PTA_TRY(pta_option_cut(s, o));
    if (!before && !o->exact) {
        PTA_TRY(stage_low(s, o->c, false, &low, &all));
        o->low = fmax(o->low, low);
        o->all = fmax(o->all, all);
    }
    if (o->exact || (pta_by_latency(s) ? o->all : o->low) >= limit) {
        return PTA_OK;
    }
    if (!pta_by_latency(s) && limit < HUGE_VAL) {
        pta_verdict verdict;
        PTA_TRY(pta_option_within(s, o, nextafter(limit, 0), &verdict));
        if (verdict == PTA_NO) {
            return PTA_OK;
        }
    }
    PTA_TRY(stage_low(s, o->c, true, &low, &all));
    o->low = fmax(o->low, low);
    o->all = fmax(o->all, all);
    o->exact = true;
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

/* Who takes all waits for all parts of the stage before it. */
double pta_option_after(const pta_solver *s, const pta_option *o, int32_t left)
{
    int64_t at = pta_low_at(s, o->last + 1, left - o->n_parts);
    double some = s->low_some[at], all = s->low_all[at];
    if (!pta_by_latency(s)) {
        return fmax(o->low, fmin(some, all));
    }
    if (!waits(s, o->first, o->last)) {
        return o->all;
    }
    return fmax(o->all, fmin(o->low + some, o->all + all));
}

static void bound_one(const pta_solver *s, int32_t i, int32_t left)
{
    double some = HUGE_VAL, all = HUGE_VAL;
    for (int32_t k = 0; k < s->options[i].n; k++) {
        const pta_option *o = &s->options[i].at[k];
        double *low = o->takes_all ? &all : &some;
        if (o->n_parts <= left) {
            double rest = pta_low(s, o->last + 1, left - o->n_parts);
            double own = pta_option_after(s, o, left);
            *low = fmin(*low, fmax(own, rest));
        }
    }
    s->low_some[pta_low_at(s, i, left)] = some;
    s->low_all[pta_low_at(s, i, left)] = all;
}

void pta_solver_bounds(pta_solver *s)
{
    int32_t n = s->graph->n_nodes;
    for (int32_t left = 0; left <= s->boards; left++) {
        s->low_some[pta_low_at(s, n, left)] = HUGE_VAL;
        s->low_all[pta_low_at(s, n, left)] = 0;
    }
    for (int32_t i = n - 1; i >= 0; i--) {
        for (int32_t left = 0; left <= s->boards; left++) {
            bound_one(s, i, left);
        }
    }
}
