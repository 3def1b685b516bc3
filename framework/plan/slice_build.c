/*
 * Builds a slice: from what a board must give, backwards to what it needs.
 *
 * The layout says what the board gives. One sweep from the last node to the
 * first turns that into what each step makes and what arrives from outside; a
 * second sweep, forwards, writes values and steps. Carried nodes need no case
 * of their own: they are nodes that nobody has, so the sweep makes them here.
 */
#include "plan/geometry_priv.h"
#include "plan/layout_priv.h"
#include "plan/slice_priv.h"

typedef struct builder {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_plan *plan;
    pta_layout layout;
    int32_t *value;   /* [n_nodes] value that holds made[node], or -1 */
    bool *needed;     /* [n_nodes] */
    pta_region *made; /* [n_nodes] needed so far, then made or received */
    pta_slice *slice;
} builder;

static bool is_sink(const builder *b)
{
    return b->slice->board == PTA_BOARD_SINK;
}

/* ---- what the board gives ---- */

/* What the board gives of a tensor of its stage; false if nothing. */
static bool gives(const builder *b, int32_t node, pta_region *out)
{
    pta_hold hold = b->layout.hold[node];
    if (is_sink(b) || b->layout.stage[node] != b->slice->stage ||
        !b->layout.leaves[node]) {
        return false;
    }
    *out = pta_region_whole(b->graph->nodes[node].view);
    if (hold == PTA_HOLD_PARTS) {
        *out = *pta_layout_region(&b->layout, node, b->slice->part);
        return pta_region_count(out) > 0;
    }
    return hold == PTA_HOLD_PARTIAL ||
           (hold == PTA_HOLD_WHOLE && b->slice->part == 0);
}

static void need(builder *b, int32_t node, const pta_region *region)
{
    b->made[node] =
        b->needed[node] ? pta_region_join(&b->made[node], region) : *region;
    b->needed[node] = true;
}

static void need_outputs(builder *b)
{
    if (is_sink(b)) {
        for (int32_t i = 0; i < b->graph->n_outputs; i++) {
            int32_t node = pta_graph_integer_output(b->graph, i);
            pta_region whole = pta_region_whole(b->graph->nodes[node].view);
            need(b, node, &whole);
        }
        return;
    }
    for (int32_t i = 0; i < b->graph->n_nodes; i++) {
        pta_region region;
        if (gives(b, i, &region)) {
            need(b, i, &region);
        }
    }
}

/* ---- backwards: what that takes ---- */

static bool made_here(const builder *b, int32_t node)
{
    pta_hold hold = b->layout.hold[node];
    return hold == PTA_HOLD_CARRIED ||
           (hold != PTA_HOLD_SOURCE && !is_sink(b) &&
            b->layout.stage[node] == b->slice->stage);
}

static bool made_partial(const builder *b, int32_t node)
{
    return made_here(b, node) && b->layout.hold[node] == PTA_HOLD_PARTIAL;
}

/* What the step of `node` takes of its input k. */
static pta_region takes(const builder *b, int32_t node, int32_t k)
{
    return made_partial(b, node)
               ? *pta_layout_region(&b->layout, node, b->slice->part)
               : pta_reach_in(b->graph, node, k, &b->made[node]);
}

static void need_backwards(builder *b)
{
    for (int32_t i = b->graph->n_nodes - 1; i >= 0; i--) {
        const pta_node *node = &b->graph->nodes[i];
        if (!b->needed[i]) {
            continue;
        }
        if (made_here(b, i)) {
            b->made[i] = pta_reach_out(b->graph, i, &b->made[i]);
            for (int32_t k = 0; k < node->n_in; k++) {
                pta_region region = takes(b, i, k);
                need(b, node->in[k], &region);
            }
        } else if (b->layout.hold[i] == PTA_HOLD_PARTIAL) {
            /* joined channel by channel: a box over its own view */
            b->made[i] = pta_region_box(&b->made[i], node->view, NULL);
        }
    }
}

/* ---- forwards: values ---- */

static pta_view local_view(const pta_region *r)
{
    return (pta_view){r->h1 - r->h0, r->view.w, r->c1 - r->c0};
}

static int32_t add_value(builder *b, int32_t node, const pta_region *region,
                         int32_t alias_of)
{
    pta_slice *s = b->slice;
    pta_format format = b->plan->formats[node].out;
    if (alias_of >= 0 && s->values[alias_of].alias_of >= 0) {
        alias_of = s->values[alias_of].alias_of; /* the one with the buffer */
    }
    s->values[s->n_values] =
        (pta_value){.node = node,
                    .region = *region,
                    .view = local_view(region),
                    .format = format,
                    .dtype = s->is_float ? PTA_F32 : pta_format_dtype(format),
                    .alias_of = alias_of};
    return s->n_values++;
}

static void add_input(builder *b, int32_t node)
{
    pta_slice *s = b->slice;
    b->value[node] = add_value(b, node, &b->made[node], -1);
    if (b->layout.hold[node] == PTA_HOLD_PARTIAL) {
        s->joins[s->n_joins++] =
            pta_join_make(b->graph, b->plan, node, &b->made[node], s->n_inputs);
    }
    s->inputs[s->n_inputs++] = b->value[node];
}

static bool same_view(pta_view a, pta_view b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

static bool same_box(const pta_region *a, const pta_region *b)
{
    return same_view(a->view, b->view) && a->h0 == b->h0 && a->h1 == b->h1 &&
           a->c0 == b->c0 && a->c1 == b->c1;
}

static pta_status name_step(builder *b, pta_step *step)
{
    step->name = pta_strdup(b->ctx, b->graph->nodes[step->node].name);
    return step->name != NULL ? PTA_OK : PTA_ERR_NOMEM;
}

/* Boxes of one view are cropped as boxes, others run by run. */
static pta_status add_crop(builder *b, int32_t from, int32_t to)
{
    pta_slice *s = b->slice;
    pta_step *step = &s->steps[s->n_steps++];
    const pta_region *have = &s->values[from].region;
    const pta_region *want = &s->values[to].region;
    bool box = same_view(have->view, want->view);
    *step = (pta_step){.op = PTA_STEP_CROP,
                       .node = s->values[to].node,
                       .n_in = 1,
                       .out = to,
                       .crop_h = box ? want->h0 - have->h0 : -1,
                       .crop_c = box ? want->c0 - have->c0 : -1};
    PTA_TRY(name_step(b, step));
    PTA_TRY_ALLOC(b->ctx, step->in, 1);
    step->in[0] = from;
    return box ? PTA_OK : pta_region_copy(b->ctx, have, want, &step->crop_runs);
}

/* The value with just `region` of a tensor, in that region's view: there
 * already, or the same elements under another view, or cropped. */
static pta_status get_value(builder *b, int32_t node, const pta_region *region,
                            int32_t *out)
{
    pta_slice *s = b->slice;
    int32_t same = -1;
    for (int32_t v = 0; v < s->n_values; v++) {
        if (s->values[v].node != node) {
            continue;
        }
        if (same_box(&s->values[v].region, region)) {
            *out = v;
            return PTA_OK;
        }
        if (pta_region_equal(&s->values[v].region, region)) {
            same = v;
        }
    }
    *out = add_value(b, node, region, same);
    return same >= 0 ? PTA_OK : add_crop(b, b->value[node], *out);
}

/* ---- forwards: steps ---- */

static pta_status add_step(builder *b, int32_t id)
{
    pta_slice *s = b->slice;
    const pta_node *node = &b->graph->nodes[id];
    int32_t *in;
    PTA_TRY_ALLOC(b->ctx, in, node->n_in);
    pta_step step = {.node = id, .n_in = node->n_in, .in = in};
    for (int32_t k = 0; k < node->n_in; k++) {
        pta_region region = takes(b, id, k);
        pta_status status = get_value(b, node->in[k], &region, &in[k]);
        if (status != PTA_OK) {
            pta_free(b->ctx, in);
            return status;
        }
    }
    step.partial = made_partial(b, id);
    step.window = pta_reach_window(b->graph, id, &b->made[id]);
    step.out = b->value[id] = add_value(b, id, &b->made[id], -1);
    pta_value *out = &s->values[step.out];
    if (step.partial) {
        out->partial = true;
        out->dtype = s->is_float ? PTA_F32 : b->plan->formats[id].acc;
    }
    pta_step_parameters(b->graph, b->plan, s, &s->values[in[0]].region, &step);
    step.fold = pta_plan_fold(b->plan, id);
    s->steps[s->n_steps] = step;
    return name_step(b, &s->steps[s->n_steps++]);
}

static pta_status add_reshape(builder *b, int32_t id)
{
    int32_t from;
    pta_region region = takes(b, id, 0);
    PTA_TRY(get_value(b, b->graph->nodes[id].in[0], &region, &from));
    b->value[id] = add_value(b, id, &b->made[id], from);
    return PTA_OK;
}

static pta_status build_forwards(builder *b)
{
    for (int32_t i = 0; i < b->graph->n_nodes; i++) {
        if (!b->needed[i]) {
            continue;
        }
        if (!made_here(b, i)) {
            add_input(b, i);
        } else if (b->graph->nodes[i].op == PTA_OP_RESHAPE) {
            PTA_TRY(add_reshape(b, i));
        } else {
            PTA_TRY(add_step(b, i));
        }
    }
    return PTA_OK;
}

static pta_status add_outputs(builder *b)
{
    pta_slice *s = b->slice;
    for (int32_t i = 0; is_sink(b) && i < b->graph->n_outputs; i++) {
        int32_t node = pta_graph_integer_output(b->graph, i);
        pta_region whole = pta_region_whole(b->graph->nodes[node].view);
        PTA_TRY(get_value(b, node, &whole, &s->outputs[s->n_outputs]));
        s->n_outputs++;
    }
    for (int32_t i = 0; i < b->graph->n_nodes; i++) {
        pta_region region;
        if (gives(b, i, &region)) {
            PTA_TRY(get_value(b, i, &region, &s->outputs[s->n_outputs]));
            s->n_outputs++;
        }
    }
    return PTA_OK;
}

/* ---- the whole ---- */

/* Room for the most there can be: each node one value, and one crop or alias
 * for each of its uses. */
static pta_status builder_alloc(builder *b)
{
    pta_slice *s = b->slice;
    int32_t n = b->graph->n_nodes, uses = b->graph->n_outputs + n;
    for (int32_t i = 0; i < n; i++) {
        uses += b->graph->nodes[i].n_in;
    }
    PTA_TRY_ALLOC(b->ctx, b->value, n);
    PTA_TRY_ALLOC(b->ctx, b->needed, n);
    PTA_TRY_ALLOC(b->ctx, b->made, n);
    PTA_TRY_ALLOC(b->ctx, s->values, n + uses);
    PTA_TRY_ALLOC(b->ctx, s->steps, n + uses);
    PTA_TRY_ALLOC(b->ctx, s->inputs, n);
    PTA_TRY_ALLOC(b->ctx, s->joins, n);
    PTA_TRY_ALLOC(b->ctx, s->outputs, n + b->graph->n_outputs);
    for (int32_t i = 0; i < n; i++) {
        b->value[i] = -1;
    }
    return PTA_OK;
}

static pta_status build(builder *b)
{
    PTA_TRY(pta_layout_build(b->ctx, b->graph, b->plan, &b->layout));
    PTA_TRY(builder_alloc(b));
    need_outputs(b);
    need_backwards(b);
    PTA_TRY(build_forwards(b));
    return add_outputs(b);
}

pta_status pta_slice_build(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, int32_t board, bool is_float,
                           pta_slice **out)
{
    if (board != PTA_BOARD_SINK && (board < 0 || board >= plan->n_boards)) {
        return pta_fail(ctx, PTA_ERR_RANGE, "board %d of a plan for %d",
                        (int)board, (int)plan->n_boards);
    }
    builder b = {.ctx = ctx, .graph = graph, .plan = plan};
    PTA_TRY_ALLOC(ctx, b.slice, 1);
    b.slice->board = board;
    b.slice->is_float = is_float;
    b.slice->stage = board == PTA_BOARD_SINK
                         ? plan->n_stages
                         : pta_plan_stage_of(plan, board, &b.slice->part);
    if (board != PTA_BOARD_SINK) {
        b.slice->engine = plan->stages[b.slice->stage].engine;
    }
    pta_status status = build(&b);
    pta_layout_free(ctx, &b.layout);
    pta_free(ctx, b.value);
    pta_free(ctx, b.needed);
    pta_free(ctx, b.made);
    if (status != PTA_OK) {
        pta_slice_destroy(ctx, &b.slice);
        return status;
    }
    *out = b.slice;
    return PTA_OK;
}
