/*
 * Layouts: how the tensors of each stage lie over its boards.
 *
 * A split stage has one layer that is cut (two if paired). What depends on its
 * parts is done part by part where the layer's reach allows, and carried to
 * whoever needs it where not; what depends on partial sums is always carried.
 * Layers of the stage that do not depend on the cut layer at all (a padding in
 * front of it, another branch) are done by each part that needs them.
 */
#include "plan/layout_priv.h"

#include "plan/geometry_priv.h"

typedef struct work {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_plan *plan;
    int32_t stage;
    const pta_stage *s;
    pta_layout *layout;
} work;

static bool in_stage(const work *w, int32_t node)
{
    return node >= w->s->first && node <= w->s->last;
}

/* ---- outputs in parts: neuron, channel, first layer of a pair ---- */

/* Cuts `node`'s channels by the stage's sizes. */
static void hold_channels(const work *w, int32_t node)
{
    int32_t at = 0;
    for (int32_t p = 0; p < w->s->n_parts; p++) {
        pta_region r = pta_region_whole(w->graph->nodes[node].view);
        r.c0 = at;
        r.c1 = at += w->s->sizes[p];
        *pta_layout_region(w->layout, node, p) = r;
    }
    w->layout->hold[node] = PTA_HOLD_PARTS;
}

/* Region of part p made from the parts of the inputs; false if they disagree
 * or the layer reaches across parts. */
static bool part_forward(const work *w, int32_t id, int32_t p, pta_region *out)
{
    const pta_node *node = &w->graph->nodes[id];
    bool found = false;
    for (int32_t k = 0; k < node->n_in; k++) {
        int32_t in = node->in[k];
        pta_region r;
        if (!in_stage(w, in) || w->layout->hold[in] != PTA_HOLD_PARTS) {
            continue;
        }
        if (!pta_reach_forward(w->graph, id, k,
                               pta_layout_region(w->layout, in, p), &r) ||
            (found && !pta_region_equal(&r, out))) {
            return false;
        }
        *out = r;
        found = true;
    }
    return found;
}

/* Every part can, and together they make all of it: a padding below the last
 * band of rows, say, would be nobody's. */
static bool all_forward(const work *w, int32_t id)
{
    int64_t count = 0;
    for (int32_t p = 0; p < w->s->n_parts; p++) {
        pta_region *region = pta_layout_region(w->layout, id, p);
        if (!part_forward(w, id, p, region)) {
            return false;
        }
        count += pta_region_count(region);
    }
    return count == pta_view_count(w->graph->nodes[id].view);
}

/* How a layer after the cut one lies, from how its inputs lie. */
static pta_hold hold_after(const work *w, int32_t id)
{
    const pta_node *node = &w->graph->nodes[id];
    bool parts = false;
    for (int32_t k = 0; k < node->n_in; k++) {
        if (!in_stage(w, node->in[k])) {
            continue;
        }
        pta_hold hold = w->layout->hold[node->in[k]];
        if (hold == PTA_HOLD_PARTIAL || hold == PTA_HOLD_CARRIED) {
            return PTA_HOLD_CARRIED;
        }
        parts = parts || hold == PTA_HOLD_PARTS;
    }
    if (!parts) {
        return PTA_HOLD_WHOLE;
    }
    return all_forward(w, id) ? PTA_HOLD_PARTS : PTA_HOLD_CARRIED;
}

static void hold_between(const work *w, int32_t first, int32_t last)
{
    for (int32_t i = first; i <= last; i++) {
        if (w->graph->nodes[i].op != PTA_OP_INPUT) {
            w->layout->hold[i] = hold_after(w, i);
        }
    }
}

/* ---- inputs in parts: input, inchannel, second layer of a pair ---- */

static void hold_inputs(const work *w, int32_t id)
{
    const pta_node *node = &w->graph->nodes[id];
    pta_view view = w->graph->nodes[node->in[0]].view;
    if (node->op == PTA_OP_DENSE) { /* a range of the flat vector */
        view = (pta_view){1, 1, (int32_t)pta_view_count(view)};
    }
    int32_t at = 0;
    for (int32_t p = 0; p < w->s->n_parts; p++) {
        pta_region r = pta_region_whole(view);
        r.c0 = at;
        r.c1 = at += w->s->sizes[p];
        *pta_layout_region(w->layout, id, p) = r;
    }
    w->layout->hold[id] = PTA_HOLD_PARTIAL;
}

/* The second layer of a pair takes what the parts of the first have become. */
static pta_status hold_pair(const work *w, int32_t first, int32_t second)
{
    const pta_node *node = &w->graph->nodes[second];
    int32_t in = node->in[0];
    bool fits = in_stage(w, in) && w->layout->hold[in] == PTA_HOLD_PARTS &&
                node->op != PTA_OP_DWCONV;
    for (int32_t p = 0; fits && p < w->s->n_parts; p++) {
        pta_region r = *pta_layout_region(w->layout, in, p);
        if (node->op == PTA_OP_CONV) { /* all rows, some channels */
            r = pta_region_box(&r, w->graph->nodes[in].view, &fits);
            fits = fits && r.h0 == 0 && r.h1 == r.view.h;
        }
        *pta_layout_region(w->layout, second, p) = r;
    }
    w->layout->hold[second] = PTA_HOLD_PARTIAL;
    if (!fits) {
        return pta_stage_fail(
            w->ctx, w->graph, w->plan, w->stage, PTA_ERR_UNSUPPORTED,
            "'%s' cannot take the outputs of '%s' part by "
            "part: '%s' lies between or it is another kind",
            node->name, w->graph->nodes[first].name, w->graph->nodes[in].name);
    }
    return PTA_OK;
}

/* ---- rows ---- */

/* Every tensor that leaves is cut where the last one is, in proportion. */
static void hold_rows(const work *w, int32_t id, int32_t total)
{
    if (w->graph->nodes[id].op == PTA_OP_INPUT) {
        return;
    }
    int32_t image = pta_stage_image(w->graph, w->s, id);
    pta_region r = pta_region_whole(w->graph->nodes[image].view);
    int64_t at = 0;
    r.h1 = 0;
    for (int32_t p = 0; p < w->s->n_parts; p++) {
        at += w->s->sizes[p];
        r.h0 = r.h1;
        r.h1 = (int32_t)((at * r.view.h + total / 2) / total);
        *pta_layout_region(w->layout, id, p) = r;
    }
    w->layout->hold[id] = PTA_HOLD_PARTS;
}

/* ---- all stages ---- */

static pta_status check_sizes(const work *w, const pta_divided *d)
{
    int64_t sum = 0;
    const char *name = w->graph->nodes[d->node].name;
    for (int32_t p = 0; p < w->s->n_parts; p++) {
        if (w->s->sizes[p] < 1 || w->s->sizes[p] % d->step != 0) {
            return pta_stage_fail(w->ctx, w->graph, w->plan, w->stage,
                                  PTA_ERR_RANGE,
                                  "part %d has %d %s of '%s', expected a "
                                  "multiple of %d; at most %d parts",
                                  (int)p, (int)w->s->sizes[p], d->noun, name,
                                  (int)d->step, (int)(d->total / d->step));
        }
        sum += w->s->sizes[p];
    }
    if (sum != d->total) {
        return pta_stage_fail(w->ctx, w->graph, w->plan, w->stage,
                              PTA_ERR_RANGE,
                              "parts add up to %lld, '%s' has %d %s",
                              (long long)sum, name, (int)d->total, d->noun);
    }
    return PTA_OK;
}

static pta_status layout_stage(const work *w)
{
    const pta_stage *s = w->s;
    pta_divided d;
    PTA_TRY(pta_stage_divided(w->ctx, w->graph, w->plan, w->stage, &d));
    if (s->split == PTA_SPLIT_WHOLE) {
        hold_between(w, s->first, s->last);
        return PTA_OK;
    }
    PTA_TRY(check_sizes(w, &d));
    if (s->split == PTA_SPLIT_ROWS) {
        for (int32_t i = s->first; i <= s->last; i++) {
            hold_rows(w, i, d.total);
        }
        return PTA_OK;
    }
    int32_t second = pta_stage_weighted(w->graph, s, d.node + 1);
    hold_between(w, s->first, d.node - 1);
    if (s->split == PTA_SPLIT_INPUT || s->split == PTA_SPLIT_INCHANNEL) {
        hold_inputs(w, d.node);
    } else {
        hold_channels(w, d.node);
    }
    if (s->split == PTA_SPLIT_PAIRED) {
        hold_between(w, d.node + 1, second - 1);
        PTA_TRY(hold_pair(w, d.node, second));
        hold_between(w, second + 1, s->last);
    } else {
        hold_between(w, d.node + 1, s->last);
    }
    return PTA_OK;
}

/* A tensor leaves its stage when another stage, a carried layer or the sink
 * takes it. */
static void mark_leaves(const pta_graph *graph, pta_layout *layout)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        for (int32_t k = 0; k < node->n_in; k++) {
            int32_t in = node->in[k];
            bool out = layout->stage[in] != layout->stage[i] ||
                       layout->hold[i] == PTA_HOLD_CARRIED;
            if (out && pta_graph_in_integer(graph, i)) {
                layout->leaves[in] = true;
            }
        }
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        layout->leaves[pta_graph_integer_output(graph, i)] = true;
    }
}

static pta_status layout_alloc(pta_ctx *ctx, const pta_graph *graph,
                               const pta_plan *plan, pta_layout *layout)
{
    layout->n_nodes = graph->n_nodes;
    layout->max_parts = 1;
    for (int32_t s = 0; s < plan->n_stages; s++) {
        if (plan->stages[s].n_parts > layout->max_parts) {
            layout->max_parts = plan->stages[s].n_parts;
        }
    }
    PTA_TRY_ALLOC(ctx, layout->stage, graph->n_nodes);
    PTA_TRY_ALLOC(ctx, layout->hold, graph->n_nodes);
    PTA_TRY_ALLOC(ctx, layout->leaves, graph->n_nodes);
    PTA_TRY_ALLOC(ctx, layout->region,
                  (int64_t)graph->n_nodes * layout->max_parts);
    return PTA_OK;
}

static pta_status layout_fill(pta_ctx *ctx, const pta_graph *graph,
                              const pta_plan *plan, pta_layout *layout)
{
    PTA_TRY(layout_alloc(ctx, graph, plan, layout));
    for (int32_t s = 0; s < plan->n_stages; s++) {
        const pta_stage *stage = &plan->stages[s];
        work w = {ctx, graph, plan, s, stage, layout};
        for (int32_t i = stage->first; i <= stage->last; i++) {
            layout->stage[i] = s;
        }
        PTA_TRY(layout_stage(&w));
    }
    mark_leaves(graph, layout);
    return PTA_OK;
}

pta_status pta_layout_build(pta_ctx *ctx, const pta_graph *graph,
                            const pta_plan *plan, pta_layout *out)
{
    pta_layout layout = {0};
    pta_status status = layout_fill(ctx, graph, plan, &layout);
    if (status != PTA_OK) {
        pta_layout_free(ctx, &layout);
        return status;
    }
    *out = layout;
    return PTA_OK;
}

void pta_layout_free(pta_ctx *ctx, pta_layout *layout)
{
    pta_free(ctx, layout->stage);
    pta_free(ctx, layout->hold);
    pta_free(ctx, layout->leaves);
    pta_free(ctx, layout->region);
    *layout = (pta_layout){0};
}
