/*
 * Candidates: a stage's own graph, its slices, what they need and give.
 */
#include "partition/candidate_priv.h"

#include <string.h>

#include "ir/build.h"

/* ---- the stage's own graph ---- */

typedef struct stage_graph {
    pta_candidates *all;
    pta_candidate *c;
    int32_t n_outputs; /* of the model, which come first */
    pta_graph *graph;  /* owned */
    pta_plan *plan;    /* owned */
    int32_t *global;   /* owned; [n_nodes of graph] */
    int32_t n;
} stage_graph;

static bool computes(const pta_candidates *all, int32_t node)
{
    return all->graph->nodes[node].op != PTA_OP_INPUT &&
           pta_graph_in_integer(all->graph, node);
}

static pta_status add_node(stage_graph *s, int32_t id, const pta_node *node)
{
    int32_t index;
    PTA_TRY(pta_graph_add(s->all->ctx, s->graph, node, &index));
    s->all->local[id] = index;
    s->global[index] = id;
    s->n = index + 1;
    return PTA_OK;
}

/* Stage k of the graph: those before, then the candidate's own. */
static const pta_candidate *stage_at(const stage_graph *s, int32_t k)
{
    return k < s->c->n_before ? s->c->before[k] : s->c;
}

static bool inside(const stage_graph *s, int32_t node)
{
    for (int32_t k = 0; k <= s->c->n_before; k++) {
        const pta_candidate *c = stage_at(s, k);
        if (node >= c->first && node <= c->last) {
            return computes(s->all, node);
        }
    }
    return false;
}

/* Tensors from outside become inputs, in order. */
static pta_status add_inputs(stage_graph *s, const pta_candidate *c)
{
    const pta_graph *graph = s->all->graph;
    for (int32_t i = c->first; i <= c->last; i++) {
        const pta_node *node = &graph->nodes[i];
        for (int32_t k = 0; computes(s->all, i) && k < node->n_in; k++) {
            int32_t in = node->in[k];
            if (inside(s, in) || s->all->local[in] >= 0) {
                continue;
            }
            pta_node input = pta_node_make(PTA_OP_INPUT);
            input.name = graph->nodes[in].name;
            input.shape = graph->nodes[in].shape;
            input.view = graph->nodes[in].view;
            PTA_TRY(add_node(s, in, &input));
        }
    }
    return PTA_OK;
}

static pta_status add_layers(stage_graph *s, const pta_candidate *c)
{
    for (int32_t i = c->first; i <= c->last; i++) {
        pta_node node = s->all->graph->nodes[i];
        int32_t *in;
        if (!computes(s->all, i)) {
            continue;
        }
        PTA_TRY_ALLOC(s->all->ctx, in, node.n_in);
        for (int32_t k = 0; k < node.n_in; k++) {
            in[k] = s->all->local[node.in[k]];
        }
        node.in = in;
        node.n_merged = 0;
        node.merged = NULL;
        pta_status status = add_node(s, i, &node);
        pta_free(s->all->ctx, in);
        PTA_TRY(status);
    }
    return PTA_OK;
}

static bool leaves(const pta_candidates *all, const pta_candidate *c,
                   int32_t node)
{
    return computes(all, node) &&
           (all->last_use[node] > c->last || all->is_output[node]);
}

/* The model's outputs first, then what else leaves. */
static pta_status add_outputs(stage_graph *s)
{
    for (int turn = 0; turn < 2; turn++) {
        for (int32_t i = s->c->first; i <= s->c->last; i++) {
            if (leaves(s->all, s->c, i) &&
                s->all->is_output[i] == (turn == 0)) {
                PTA_TRY(pta_graph_add_output(s->all->ctx, s->graph,
                                             s->all->local[i]));
                s->n_outputs += turn == 0;
            }
        }
    }
    return PTA_OK;
}

static pta_status make_stages(stage_graph *s, pta_stage *stages)
{
    for (int32_t k = 0; k <= s->c->n_before; k++) {
        const pta_candidate *c = stage_at(s, k);
        int32_t last = c->last;
        while (!computes(s->all, last)) {
            last--;
        }
        stages[k] = (pta_stage){.first = k == 0 ? 0 : stages[k - 1].last + 1,
                                .last = s->all->local[last],
                                .split = c->split,
                                .n_parts = c->n_parts};
        stages[k].sizes = pta_calloc(s->all->ctx, (size_t)c->n_parts,
                                     sizeof *stages[k].sizes);
        if (stages[k].sizes == NULL) {
            return PTA_ERR_NOMEM;
        }
        memcpy(stages[k].sizes, c->sizes,
               (size_t)c->n_parts * sizeof *c->sizes);
    }
    return PTA_OK;
}

static pta_status make_plan(stage_graph *s)
{
    pta_ctx *ctx = s->all->ctx;
    int32_t n = s->c->n_before + 1;
    pta_stage *stages;
    PTA_TRY(pta_plan_create(ctx, s->graph, &s->plan));
    for (int32_t i = 0; i < s->n; i++) {
        s->plan->formats[i] = s->all->plan->formats[s->global[i]];
    }
    PTA_TRY_ALLOC(ctx, stages, n);
    pta_status status = make_stages(s, stages);
    if (status == PTA_OK) {
        status = pta_plan_set_stages(ctx, s->plan, stages, n);
    }
    for (int32_t k = 0; status != PTA_OK && k < n; k++) {
        pta_free(ctx, stages[k].sizes);
    }
    if (status != PTA_OK) {
        pta_free(ctx, stages);
    }
    return status;
}

static pta_status make_graph(stage_graph *s)
{
    const pta_graph *graph = s->all->graph;
    int32_t room = 0, n = s->c->n_before;
    for (int32_t k = 0; k <= n; k++) {
        const pta_candidate *c = stage_at(s, k);
        for (int32_t i = c->first; i <= c->last; i++) {
            room += 1 + graph->nodes[i].n_in;
        }
    }
    PTA_TRY_ALLOC(s->all->ctx, s->global, room);
    PTA_TRY(pta_graph_create(s->all->ctx, "stage", &s->graph));
    for (int32_t k = 0; k <= n; k++) {
        PTA_TRY(add_inputs(s, stage_at(s, k)));
    }
    for (int32_t k = 0; k <= n; k++) {
        PTA_TRY(add_layers(s, stage_at(s, k)));
    }
    return add_outputs(s);
}

/* The scratch is as it was found, for the next. */
static void forget_nodes(stage_graph *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        s->all->local[s->global[i]] = -1;
    }
}

/* ---- what parts need and give ---- */

static pta_piece_of piece_of(const stage_graph *s, const pta_value *value)
{
    return (pta_piece_of){.node = s->global[value->node],
                          .region = value->region,
                          .bytes = (int32_t)pta_dtype_bytes(value->dtype),
                          .partial = value->partial};
}

static pta_status list_values(const stage_graph *s, const pta_slice *slice,
                              const int32_t *values, int32_t n,
                              pta_piece_of **out)
{
    PTA_TRY_ALLOC(s->all->ctx, *out, n);
    for (int32_t i = 0; i < n; i++) {
        (*out)[i] = piece_of(s, &slice->values[values[i]]);
    }
    return PTA_OK;
}

static bool same_view(pta_view a, pta_view b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

/* Steps of the same layer on other elements: hardware is the same. */
static bool same_step(const pta_slice *a, const pta_slice *b, int32_t i)
{
    const pta_step *x = &a->steps[i], *y = &b->steps[i];
    bool same = x->node == y->node && x->op == y->op && x->n_in == y->n_in &&
                x->partial == y->partial && x->crop_h == y->crop_h &&
                x->crop_c == y->crop_c &&
                memcmp(&x->window, &y->window, sizeof x->window) == 0 &&
                same_view(a->values[x->out].view, b->values[y->out].view);
    for (int32_t k = 0; same && k < x->n_in; k++) {
        same = same_view(a->values[x->in[k]].view, b->values[y->in[k]].view);
    }
    return same;
}

static int32_t find_twin(const pta_candidate *c, int32_t p)
{
    const pta_slice *own = c->parts[p].slice;
    for (int32_t q = p - 1; q >= 0 && q >= p - 2; q--) {
        const pta_slice *other = c->parts[q].slice;
        bool same = own->n_steps == other->n_steps &&
                    own->n_inputs == other->n_inputs &&
                    own->n_outputs == other->n_outputs;
        for (int32_t i = 0; same && i < own->n_steps; i++) {
            same = same_step(own, other, i);
        }
        if (same) {
            return c->parts[q].twin;
        }
    }
    return p;
}

static pta_status fill_part(stage_graph *s, int32_t p)
{
    pta_part *part = &s->c->parts[p];
    pta_ctx *ctx = s->all->ctx;
    int32_t board = s->plan->stages[s->c->n_before].first_board + p;
    PTA_TRY(
        pta_slice_build(ctx, s->graph, s->plan, board, false, &part->slice));
    const pta_slice *slice = part->slice;
    PTA_TRY(
        list_values(s, slice, slice->inputs, slice->n_inputs, &part->needs));
    PTA_TRY(
        list_values(s, slice, slice->outputs, slice->n_outputs, &part->gives));
    part->n_needs = slice->n_inputs;
    part->n_gives = slice->n_outputs;
    part->in_bytes = (int64_t)pta_slice_in_bytes(slice);
    part->out_bytes = (int64_t)pta_slice_out_bytes(slice);
    PTA_TRY_ALLOC(ctx, part->cores, s->all->n_kinds);
    PTA_TRY_ALLOC(ctx, part->known, s->all->n_kinds);
    PTA_TRY_ALLOC(ctx, part->floor, s->all->n_kinds);
    PTA_TRY_ALLOC(ctx, part->unsure, s->all->n_kinds);
    part->twin = find_twin(s->c, p);
    return PTA_OK;
}

static bool is_given(const pta_candidate *c, int32_t node)
{
    for (int32_t p = 0; p < c->n_parts; p++) {
        for (int32_t i = 0; i < c->parts[p].n_gives; i++) {
            if (c->parts[p].gives[i].node == node) {
                return true;
            }
        }
    }
    return false;
}

/* What the sink takes for the model's outputs that lie here, to carry layers
 * perhaps: its own slice of the graph with no other outputs says it. */
static pta_status fill_sink(stage_graph *s)
{
    pta_candidate *c = s->c;
    pta_slice *sink;
    int32_t n_outputs = s->graph->n_outputs;
    if (s->n_outputs == 0) {
        return PTA_OK;
    }
    s->graph->n_outputs = s->n_outputs;
    pta_status status = pta_slice_build(s->all->ctx, s->graph, s->plan,
                                        PTA_BOARD_SINK, false, &sink);
    s->graph->n_outputs = n_outputs;
    PTA_TRY(status);
    status = list_values(s, sink, sink->inputs, sink->n_inputs, &c->sink);
    c->n_sink = status == PTA_OK ? sink->n_inputs : 0;
    pta_slice_destroy(s->all->ctx, &sink);
    return status;
}

static pta_status fill_carried(const stage_graph *s)
{
    pta_candidate *c = s->c;
    PTA_TRY_ALLOC(s->all->ctx, c->carried, c->last - c->first + 1);
    for (int32_t i = c->first; i <= c->last; i++) {
        c->carried[i - c->first] = leaves(s->all, c, i) && !is_given(c, i);
    }
    return PTA_OK;
}

static pta_status fill(stage_graph *s)
{
    PTA_TRY(make_graph(s));
    if (s->graph->n_outputs == 0) {
        return pta_fail(s->all->ctx, PTA_ERR_UNSUPPORTED, "nothing computed");
    }
    PTA_TRY(make_plan(s));
    PTA_TRY_ALLOC(s->all->ctx, s->c->parts, s->c->n_parts);
    for (int32_t p = 0; p < s->c->n_parts; p++) {
        PTA_TRY(fill_part(s, p));
    }
    PTA_TRY(fill_sink(s));
    PTA_TRY(fill_carried(s));
    s->c->usable = true;
    return PTA_OK;
}

/* ---- life ---- */

static void part_free(pta_candidates *all, pta_part *part)
{
    for (int32_t k = 0; part->cores != NULL && k < all->n_kinds; k++) {
        pta_core_free(all->ctx, &part->cores[k]);
    }
    pta_slice_destroy(all->ctx, &part->slice);
    pta_free(all->ctx, part->needs);
    pta_free(all->ctx, part->gives);
    pta_free(all->ctx, part->cores);
    pta_free(all->ctx, part->known);
    pta_free(all->ctx, part->floor);
    pta_free(all->ctx, part->unsure);
}

static void candidate_free(pta_candidates *all, pta_candidate *c)
{
    for (int32_t p = 0; c->parts != NULL && p < c->n_parts; p++) {
        part_free(all, &c->parts[p]);
    }
    pta_graph_destroy(all->ctx, &c->graph);
    pta_free(all->ctx, c->parts);
    pta_free(all->ctx, c->sizes);
    pta_free(all->ctx, c->sink);
    pta_free(all->ctx, c->before);
    pta_free(all->ctx, c->carried);
    pta_free(all->ctx, c);
}

/* A split that cannot be is a candidate that is not usable. */
static pta_status make(pta_candidates *all, pta_candidate *c)
{
    stage_graph s = {.all = all, .c = c};
    pta_status status = fill(&s);
    if (status == PTA_ERR_UNSUPPORTED || status == PTA_ERR_RANGE ||
        status == PTA_ERR_MISMATCH) {
        c->usable = false;
        status = PTA_OK;
        pta_ctx_clear_error(all->ctx);
    }
    forget_nodes(&s);
    c->graph = s.graph;
    pta_plan_destroy(all->ctx, &s.plan);
    pta_free(all->ctx, s.global);
    return status;
}

static uint32_t hash_of(const pta_cut_key *key)
{
    int32_t head[4] = {key->first, key->last, (int32_t)key->split,
                       key->n_parts};
    uint32_t h = 2166136261u;
    for (int32_t i = 0; i < 4 + key->n_parts; i++) {
        h = (h ^ (uint32_t)(i < 4 ? head[i] : key->sizes[i - 4])) * 16777619u;
    }
    for (int32_t i = 0; i < key->n_before; i++) {
        h = (h ^ (uint32_t)key->before[i]->first) * 16777619u;
    }
    return h;
}

static bool is_same(const pta_candidate *c, const pta_cut_key *key)
{
    if (c->first != key->first || c->last != key->last ||
        c->split != key->split || c->n_parts != key->n_parts ||
        c->n_before != key->n_before ||
        memcmp(c->sizes, key->sizes, (size_t)key->n_parts * sizeof *c->sizes) !=
            0) {
        return false;
    }
    for (int32_t i = 0; i < c->n_before; i++) {
        if (c->before[i] != key->before[i]) {
            return false;
        }
    }
    return true;
}

static pta_status create(pta_candidates *all, const pta_cut_key *key,
                         pta_candidate *c)
{
    *c = (pta_candidate){.first = key->first,
                         .last = key->last,
                         .split = key->split,
                         .n_parts = key->n_parts,
                         .n_before = key->n_before};
    PTA_TRY_ALLOC(all->ctx, c->sizes, key->n_parts);
    PTA_TRY_ALLOC(all->ctx, c->before, key->n_before);
    memcpy(c->sizes, key->sizes, (size_t)key->n_parts * sizeof *c->sizes);
    for (int32_t i = 0; i < key->n_before; i++) {
        c->before[i] = key->before[i];
    }
    return make(all, c);
}

pta_status pta_candidate_get(pta_candidates *all, const pta_cut_key *key,
                             pta_candidate **out)
{
    pta_candidate **bucket =
        &all->buckets[hash_of(key) % (uint32_t)all->n_buckets];
    for (pta_candidate *c = *bucket; c != NULL; c = c->next) {
        if (is_same(c, key)) {
            *out = c;
            return PTA_OK;
        }
    }
    pta_candidate *made;
    PTA_TRY_ALLOC(all->ctx, made, 1);
    pta_status status = create(all, key, made);
    if (status != PTA_OK) {
        candidate_free(all, made);
        return status;
    }
    made->next = *bucket;
    *bucket = made;
    all->n++;
    *out = made;
    return PTA_OK;
}

pta_status pta_candidate_core(pta_candidates *all, pta_candidate *c,
                              int32_t part, int32_t kind, const pta_core **out)
{
    pta_part *p = &c->parts[c->parts[part].twin];
    if (!p->known[kind]) {
        pta_core core;
        PTA_TRY(pta_core_choose(all->ctx, all->estimator, c->graph, p->slice,
                                &all->budgets[kind], all->aim, &core));
        pta_core_free(all->ctx, &p->cores[kind]);
        p->cores[kind] = core;
        p->known[kind] = true;
    }
    *out = &p->cores[kind];
    return PTA_OK;
}

static pta_status try_within(pta_candidates *all, pta_part *p, int32_t kind,
                             int64_t cycles, pta_verdict *verdict)
{
    pta_core core;
    bool found, cut;
    PTA_TRY(pta_core_within(all->ctx, all->estimator, p->slice,
                            &all->budgets[kind], cycles, &core, &found, &cut));
    *verdict = found ? PTA_YES : cut ? PTA_MAYBE : PTA_NO;
    if (found || !p->cores[kind].fits) { /* else the one there is stays */
        pta_core_free(all->ctx, &p->cores[kind]);
        p->cores[kind] = core;
    } else {
        pta_core_free(all->ctx, &core);
    }
    if (*verdict == PTA_NO) {
        p->floor[kind] = cycles + 1;
    } else if (*verdict == PTA_MAYBE) {
        p->unsure[kind] = cycles;
    }
    return PTA_OK;
}

pta_status pta_candidate_within(pta_candidates *all, pta_candidate *c,
                                int32_t part, int32_t kind, int64_t cycles,
                                pta_verdict *verdict, const pta_core **core)
{
    pta_part *p = &c->parts[c->parts[part].twin];
    pta_core *own = &p->cores[kind];
    *core = own;
    if (own->fits && own->interval <= cycles) {
        *verdict = PTA_YES;
    } else if (cycles < p->floor[kind] ||
               (p->known[kind] && (!own->fits || cycles < own->bound))) {
        *verdict = PTA_NO;
    } else if (p->known[kind] || cycles <= p->unsure[kind]) {
        *verdict = PTA_MAYBE;
    } else {
        return try_within(all, p, kind, cycles, verdict);
    }
    return PTA_OK;
}

pta_status pta_candidates_init(pta_candidates *all)
{
    const pta_graph *graph = all->graph;
    all->n_buckets = 4093;
    PTA_TRY_ALLOC(all->ctx, all->buckets, all->n_buckets);
    PTA_TRY_ALLOC(all->ctx, all->last_use, graph->n_nodes);
    PTA_TRY_ALLOC(all->ctx, all->is_output, graph->n_nodes);
    PTA_TRY_ALLOC(all->ctx, all->local, graph->n_nodes);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        all->local[i] = -1;
        for (int32_t k = 0; computes(all, i) && k < graph->nodes[i].n_in; k++) {
            all->last_use[graph->nodes[i].in[k]] = i;
        }
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        all->is_output[pta_graph_integer_output(graph, i)] = true;
    }
    return PTA_OK;
}

void pta_candidates_free(pta_candidates *all)
{
    for (int32_t i = 0; all->buckets != NULL && i < all->n_buckets; i++) {
        for (pta_candidate *c = all->buckets[i], *next; c != NULL; c = next) {
            next = c->next;
            candidate_free(all, c);
        }
    }
    pta_free(all->ctx, all->buckets);
    pta_free(all->ctx, all->last_use);
    pta_free(all->ctx, all->is_output);
    pta_free(all->ctx, all->local);
}
