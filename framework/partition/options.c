/*
 * Options of a stage at each layer, and a guess from below of what each costs:
 * from its multiplications, its weights and the tensor it takes, before
 * anything is cut.
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

/* ---- guesses ---- */

/* Products so narrow that LUTs do them are not counted. */
static double products_of(const pta_solver *s, int32_t i)
{
    const pta_node *node = &s->graph->nodes[i];
    if (!pta_node_splittable(node)) {
        return 0;
    }
    int32_t width = s->plan->formats[node->in[0]].out.width;
    bool narrow = width + s->plan->formats[i].weight.width < 11;
    return narrow ? 0 : (double)pta_node_macs(s->graph, i);
}

static double bits_of(const pta_solver *s, int32_t i)
{
    const pta_node *node = &s->graph->nodes[i];
    if (!pta_node_splittable(node)) {
        return 0;
    }
    pta_view in = s->graph->nodes[node->in[0]].view;
    double cells = (double)node->window.kh * node->window.kw;
    double n = node->op == PTA_OP_DENSE  ? (double)pta_view_count(in)
               : node->op == PTA_OP_CONV ? cells * in.c
                                         : cells;
    return n * node->view.c * s->plan->formats[i].weight.width;
}

static pta_status sum_up(pta_solver *s)
{
    pta_guess *g = &s->guess;
    int32_t n = s->graph->n_nodes;
    PTA_TRY_ALLOC(s->ctx, g->products, n + 1);
    PTA_TRY_ALLOC(s->ctx, g->bits, n + 1);
    for (int32_t i = 0; i < n; i++) {
        bool in = pta_graph_in_integer(s->graph, i);
        g->products[i + 1] = g->products[i] + (in ? products_of(s, i) : 0);
        g->bits[i + 1] = g->bits[i] + (in ? bits_of(s, i) : 0);
    }
    return PTA_OK;
}

/* Least share of the products that the largest of n parts has. A band has at
 * least as many rows of each layer as of the last. */
static double products_share(const pta_solver *s, const pta_option *o,
                             int32_t largest)
{
    double sum = 0;
    if (o->split != PTA_SPLIT_ROWS) {
        return (s->guess.products[o->last + 1] - s->guess.products[o->first]) *
               largest * o->step / o->units;
    }
    for (int32_t i = o->first; i <= o->last; i++) {
        double own = s->guess.products[i + 1] - s->guess.products[i];
        int32_t h = s->graph->nodes[i].view.h;
        sum += own * (largest < h ? (double)largest / h : 1);
    }
    return sum;
}

/* Windows that leave out rows at the end do not take all. */
static bool takes_all(const pta_node *node)
{
    return node->op == PTA_OP_DENSE ||
           (node->op == PTA_OP_CONV && node->window.stride_h == 1);
}

/* Whether every part needs all of what its first layer takes. */
static bool needs_all(const pta_solver *s, const pta_option *o)
{
    int32_t first = pta_first_computed(s->graph, o->first);
    if (first > o->last) {
        return false;
    }
    const pta_node *node = &s->graph->nodes[first];
    bool broadcast = o->split == PTA_SPLIT_NEURON ||
                     o->split == PTA_SPLIT_CHANNEL ||
                     o->split == PTA_SPLIT_PAIRED;
    return takes_all(node) && (o->split == PTA_SPLIT_WHOLE ||
                               (broadcast && pta_node_splittable(node)));
}

/* Bytes that each board of the stage surely takes. */
static double taken_by_all(const pta_solver *s, const pta_option *o)
{
    int32_t first = pta_first_computed(s->graph, o->first);
    if (!o->takes_all) {
        return 0;
    }
    int32_t in = s->graph->nodes[first].in[0];
    if (s->shrinks[in] || in >= o->first) {
        return 0;
    }
    pta_dtype type = pta_format_dtype(s->plan->formats[in].out);
    return (double)pta_view_count(s->graph->nodes[in].view) *
           (double)pta_dtype_bytes(type);
}

static double wire_guess(const pta_solver *s, double bytes,
                         const pta_host *host)
{
    const pta_cluster *c = s->ask->cluster;
    const pta_host_costs *costs = &host->costs;
    double tcp = bytes > 0 ? costs->tcp_ns_per_byte : 0;
    double one = (costs->copy_ns_per_byte + tcp) * 1e-3 * bytes;
    return pta_by_latency(s) ? one + 2 * costs->transfer_us
                             : (one + 2 * costs->transfer_us / s->ask->batch) /
                                   c->machines[host->machine].cores;
}

/* On the best host; HUGE_VAL if its weights alone are too many for each. */
static double guess(const pta_solver *s, const pta_option *o, int32_t largest)
{
    const pta_estimator *e = s->ask->estimator;
    double low = HUGE_VAL, products = products_share(s, o, largest);
    double bits = s->guess.bits[o->last + 1] - s->guess.bits[o->first];
    double bytes = o->first == 0 ? 0 : taken_by_all(s, o);
    bits *=
        o->split == PTA_SPLIT_ROWS ? 1 : (double)largest * o->step / o->units;
    for (int32_t k = 0; k < s->n_classes; k++) {
        const pta_host *host = &s->ask->cluster->hosts[s->classes[k].hosts[0]];
        const pta_budget *b = &s->budgets[host->kind];
        double holds = (double)b->bram18 * e->bits_per_bram18 +
                       (double)b->lut * e->bits_per_lut;
        if (e->bits_per_bram18 > 0 && bits > holds) {
            continue;
        }
        double lanes = (double)b->dsp * e->products_per_dsp;
        double clock = s->ask->cluster->kinds[host->kind].clock_mhz;
        double us = e->products_per_dsp <= 0 || products <= 0 ? 0
                    : lanes <= 0                              ? HUGE_VAL
                                 : products / lanes / clock;
        double wire = wire_guess(s, bytes, host);
        if (s->relax != NULL && pta_by_latency(s) &&
            o->split == PTA_SPLIT_WHOLE) {
            us = fmax(us, pta_relax_latency(s, s->relax, o->first, o->last) /
                              clock);
        }
        low = fmin(low, pta_by_latency(s) ? us + wire : fmax(us, wire));
    }
    return low;
}

/* ---- options ---- */

void pta_option_sizes(const pta_option *o, int32_t *sizes)
{
    if (o->sizes != NULL) {
        memcpy(sizes, o->sizes, (size_t)o->n_parts * sizeof *sizes);
        return;
    }
    int32_t n = o->n_parts, units = o->units / o->step, over = units % n;
    for (int32_t p = 0; p < n; p++) {
        bool more = o->behind ? p >= n - over : p < over;
        sizes[p] = (units / n + more) * o->step;
    }
}

static pta_status append(pta_solver *s, const pta_option *o)
{
    pta_options_of *list = &s->options[o->first];
    if ((list->n & (list->n - 1)) == 0) {
        size_t room = list->n == 0 ? 1 : 2 * (size_t)list->n;
        pta_option *at = pta_realloc(s->ctx, list->at, room * sizeof *at);
        if (at == NULL) {
            return PTA_ERR_NOMEM;
        }
        list->at = at;
    }
    list->at[list->n++] = *o;
    s->n_options++;
    return PTA_OK;
}

/* Least over all hosts of an ARM's time for what comes and goes over TCP. */
static double arm_us(const pta_solver *s, double bytes, double messages)
{
    const pta_cluster *c = s->ask->cluster;
    double least = HUGE_VAL;
    for (int32_t k = 0; k < s->n_classes; k++) {
        const pta_host *host = &c->hosts[s->classes[k].hosts[0]];
        const pta_host_costs *costs = &host->costs;
        double us = (bytes * costs->tcp_ns_per_byte * 1e-3 +
                     messages * costs->message_us / s->ask->batch) /
                    c->machines[host->machine].cores;
        least = fmin(least, us);
    }
    return least;
}

/* How often what the stage takes is sent. Bands share rows at their borders. */
static int32_t guess_fan(const pta_solver *s, const pta_option *o)
{
    int32_t first = pta_first_computed(s->graph, o->first);
    const pta_node *node = &s->graph->nodes[first];
    if (o->takes_all) {
        return o->n_parts;
    }
    if (first > o->last || node->n_in == 0 || !s->taken_whole[node->in[0]] ||
        s->shrinks[node->in[0]]) {
        return 0;
    }
    if (o->split == PTA_SPLIT_ROWS && takes_all(node) &&
        node->view.h == o->units) {
        int32_t halo = (node->window.kh - 1) * node->window.dilation_h;
        return (o->units + halo * (o->n_parts - 1)) / o->units;
    }
    return 0;
}

/* What each board of the next stage that takes all adds: boards that hold
 * partial sums of a layer each send all of them. */
static void guess_wires(const pta_solver *s, pta_option *o, int32_t largest)
{
    int32_t next = pta_first_computed(s->graph, o->last + 1);
    if (next >= s->graph->n_nodes || s->graph->nodes[next].n_in == 0) {
        return;
    }
    int32_t in = s->graph->nodes[next].in[0];
    if (in < o->first || in > o->last || s->shrinks[in] ||
        s->graph->nodes[in].op == PTA_OP_INPUT) {
        return;
    }
    bool partial =
        (o->split == PTA_SPLIT_INPUT || o->split == PTA_SPLIT_INCHANNEL ||
         o->split == PTA_SPLIT_PAIRED) &&
        pta_node_splittable(&s->graph->nodes[in]);
    const pta_node_format *f = &s->plan->formats[in];
    double count = (double)pta_view_count(s->graph->nodes[in].view);
    double bytes = count * (double)pta_dtype_bytes(
                               partial ? f->acc : pta_format_dtype(f->out));
    pta_view view = s->graph->nodes[in].view;
    int32_t along = o->split == PTA_SPLIT_ROWS ? view.h : view.c;
    bool even = o->n_parts > 1 && along == o->units;
    double own = partial ? bytes
                 : even  ? bytes * largest * o->step / o->units
                         : bytes / o->n_parts;
    double taken = o->first > 0 ? taken_by_all(s, o) : 0;
    o->arm_us = arm_us(s, taken, taken > 0);
    o->arm_each_us = arm_us(s, own, 1);
    o->port_each_us = own * 8 / s->best_rate_mbit;
    if (partial) {
        o->next_us = fmax(arm_us(s, bytes * o->n_parts, o->n_parts),
                          bytes * o->n_parts * 8 / s->best_rate_mbit);
    }
}

/* Latency: the first part may be beside the source, and the sink. */
static void add_hops(const pta_solver *s, pta_option *o)
{
    bool ends = o->last == s->graph->n_nodes - 1, many = o->n_parts > 1;
    o->all = o->low;
    if (pta_by_latency(s)) {
        o->all += o->first > 0 || many ? s->hop_us * (1 + ends) : 0;
        o->low += o->first > 0 ? s->hop_us * (1 + ends) : 0;
    }
}

/* With its sizes, or equal parts if they are NULL. */
static pta_status add_option(pta_solver *s, pta_option o, const int32_t *sizes)
{
    int32_t units = o.units / o.step;
    int32_t largest = (units + o.n_parts - 1) / o.n_parts;
    size_t bytes = (size_t)o.n_parts * sizeof *sizes;
    for (int32_t p = 0; sizes != NULL && p < o.n_parts; p++) {
        int32_t own = sizes[p] / o.step;
        largest = own > largest ? own : largest;
    }
    o.high = HUGE_VAL;
    o.takes_all = needs_all(s, &o);
    o.low = guess(s, &o, largest);
    if (o.low == HUGE_VAL) {
        return PTA_OK;
    }
    add_hops(s, &o);
    guess_wires(s, &o, largest);
    o.fan = guess_fan(s, &o);
    if (sizes != NULL) {
        o.sizes = pta_calloc(s->ctx, 1, bytes);
        if (o.sizes == NULL) {
            return PTA_ERR_NOMEM;
        }
        memcpy(o.sizes, sizes, bytes);
    }
    pta_status status = append(s, &o);
    if (status != PTA_OK) {
        pta_free(s->ctx, o.sizes);
    }
    return status;
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

static pta_status all_divisions(pta_solver *s, const pta_option *o,
                                int32_t *sizes, int32_t p, int32_t left)
{
    if (p == o->n_parts - 1) {
        sizes[p] = left * o->step;
        return add_option(s, *o, sizes);
    }
    for (int32_t n = 1; n <= left - (o->n_parts - 1 - p); n++) {
        sizes[p] = n * o->step;
        PTA_TRY(all_divisions(s, o, sizes, p + 1, left - n));
    }
    return PTA_OK;
}

/* Parts in proportion to the DSPs of kinds a and b, the first `of_a` on a. */
static pta_status proportional(pta_solver *s, const pta_option *o,
                               int32_t *sizes, int32_t of_a, int32_t a,
                               int32_t b)
{
    int32_t n = o->n_parts, units = o->units / o->step, before = 0;
    double weight_a = (double)s->budgets[a].dsp + 1;
    double weight_b = (double)s->budgets[b].dsp + 1;
    double total = of_a * weight_a + (n - of_a) * weight_b, at = 0;
    for (int32_t p = 0; p < n; p++) {
        at += p < of_a ? weight_a : weight_b;
        int32_t end = p == n - 1 ? units : (int32_t)(units * at / total + 0.5);
        sizes[p] = (end - before) * o->step;
        before = end;
        if (sizes[p] < 1) {
            return PTA_OK;
        }
    }
    return add_option(s, *o, sizes);
}

/* Too many to try all: equal, with what is over in front or behind, and by
 * kinds of board. */
static pta_status some_divisions(pta_solver *s, const pta_option *o,
                                 int32_t *sizes)
{
    pta_option equal = *o;
    PTA_TRY(add_option(s, equal, NULL));
    if (o->units / o->step % o->n_parts != 0 && !pta_solver_large(s)) {
        equal.behind = true;
        PTA_TRY(add_option(s, equal, NULL));
    }
    for (int32_t a = 0; a < s->all.n_kinds && !pta_solver_large(s); a++) {
        for (int32_t b = 0; b < s->all.n_kinds; b++) {
            for (int32_t of_a = 1; a != b && of_a < o->n_parts; of_a++) {
                PTA_TRY(proportional(s, o, sizes, of_a, a, b));
            }
        }
    }
    return PTA_OK;
}

/* More parts that are no smaller pay only where boards must be all used. */
static bool is_smaller(int32_t units, int32_t n)
{
    return n == 2 || (units + n - 1) / n < (units + n - 2) / (n - 1);
}

static pta_status add_split(pta_solver *s, int32_t first, int32_t last,
                            pta_split split)
{
    pta_option o = {.first = first, .last = last, .split = split};
    pta_candidate_units(s->graph, first, last, split, &o.units, &o.step);
    int32_t units = o.units / o.step, boards = s->ask->boards;
    int32_t most = units < boards ? units : boards, *sizes;
    int32_t many = pta_solver_large(s)     ? 0
                   : s->ask->divisions > 0 ? s->ask->divisions
                                           : PTA_DIVISIONS;
    pta_status status = PTA_OK;
    PTA_TRY_ALLOC(s->ctx, sizes, most + 1);
    for (int32_t n = 2; n <= most && status == PTA_OK; n++) {
        o.n_parts = n;
        if (count_divisions(units, n, many) <= many) {
            status = all_divisions(s, &o, sizes, 0, units);
        } else if (is_smaller(units, n) || !pta_solver_large(s)) {
            status = some_divisions(s, &o, sizes);
        }
    }
    pta_free(s->ctx, sizes);
    return status;
}

static int by_low(const void *a, const void *b)
{
    const pta_option *x = a, *y = b;
    if (x->all != y->all) {
        return x->all < y->all ? -1 : 1;
    }
    return x->n_parts != y->n_parts /* of equals the fewer boards */
               ? x->n_parts - y->n_parts
               : x->last != y->last ? x->last - y->last
                                    : (int)x->split - (int)y->split;
}

static pta_status options_from(pta_solver *s, int32_t first)
{
    pta_options_of *list = &s->options[first];
    bool whole = true;
    for (int32_t last = first; last < s->graph->n_nodes; last++) {
        int32_t before = list->n;
        pta_option o = {.first = first,
                        .last = last,
                        .split = PTA_SPLIT_WHOLE,
                        .n_parts = 1,
                        .units = 1,
                        .step = 1};
        bool may = s->relax == NULL || pta_relax_fits(s, s->relax, first, last);
        whole = whole && may;
        if (whole) {
            PTA_TRY(add_option(s, o, NULL));
            whole = list->n > before; /* more layers take no less */
        }
        for (int i = PTA_SPLIT_NEURON; i <= PTA_SPLIT_PAIRED; i++) {
            if (i == PTA_SPLIT_ROWS && !may) {
                continue; /* a band has all weights */
            }
            PTA_TRY(add_split(s, first, last, (pta_split)i));
        }
        if (list->n == before && last > first && !whole) {
            break; /* nothing that begins here goes so far */
        }
    }
    if (list->n > 0 && !pta_solver_large(s)) { /* those: as they were made */
        qsort(list->at, (size_t)list->n, sizeof *list->at, by_low);
    }
    return PTA_OK;
}

/* A stage may begin at any layer, model inputs going with the one before. */
pta_status pta_solver_options(pta_solver *s)
{
    PTA_TRY(sum_up(s));
    if (pta_solver_large(s)) { /* to see how far a board goes */
        PTA_TRY(pta_relax_create(s, &s->relax));
        pta_relax_set(s, s->relax, 1e9);
    }
    for (int32_t i = 0; i < s->graph->n_nodes; i++) {
        if (i == 0 || s->graph->nodes[i].op != PTA_OP_INPUT) {
            PTA_TRY(options_from(s, i));
        }
    }
    return PTA_OK;
}

void pta_solver_options_free(pta_solver *s)
{
    for (int32_t i = 0; s->options != NULL && i < s->graph->n_nodes; i++) {
        for (int32_t k = 0; k < s->options[i].n; k++) {
            pta_free(s->ctx, s->options[i].at[k].sizes);
        }
        pta_free(s->ctx, s->options[i].at);
    }
    pta_free(s->ctx, s->options);
    pta_free(s->ctx, s->guess.products);
    pta_free(s->ctx, s->guess.bits);
}
