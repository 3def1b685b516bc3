/*
 * Stages: what a split divides, and what a stage must hold for it.
 */
#include <stdio.h>

#include "plan/geometry_priv.h"
#include "plan/layout_priv.h"

const char *pta_split_name(pta_split split)
{
    static const char *const names[] = {
        "whole", "neuron", "channel", "input", "inchannel", "rows", "paired"};
    return split <= PTA_SPLIT_PAIRED ? names[split] : "?";
}

int32_t pta_stage_weighted(const pta_graph *graph, const pta_stage *stage,
                           int32_t from)
{
    for (int32_t i = from; i <= stage->last; i++) {
        if (pta_node_splittable(&graph->nodes[i])) {
            return i;
        }
    }
    return -1;
}

/* A first stage begins with the model's inputs and perhaps a Flatten; it goes
 * by its first weighted layer. Others go by the layer the user cut at. */
int32_t pta_stage_named(const pta_graph *graph, const pta_stage *stage)
{
    int32_t weighted = pta_stage_weighted(graph, stage, stage->first);
    if (stage->first == 0 && weighted >= 0) {
        return weighted;
    }
    int32_t i = stage->first;
    while (i < stage->last && graph->nodes[i].op == PTA_OP_INPUT) {
        i++;
    }
    return i;
}

int32_t pta_stage_image(const pta_graph *graph, const pta_stage *stage,
                        int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    while (pta_node_flat(node) && node->view.h == 1 &&
           node->in[0] >= stage->first &&
           graph->nodes[node->in[0]].op != PTA_OP_INPUT) {
        id = node->in[0];
        node = &graph->nodes[id];
    }
    return id;
}

pta_status pta_stage_fail(pta_ctx *ctx, const pta_graph *graph,
                          const pta_plan *plan, int32_t stage,
                          pta_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const pta_stage *s = &plan->stages[stage];
    return pta_fail(ctx, status, "stage %d ('%s', %s): %s", (int)stage,
                    graph->nodes[pta_stage_named(graph, s)].name,
                    pta_split_name(s->split), text);
}

/* ---- what is divided ---- */

/* The one kind of layer that a split takes, as a text; NULL when it fits. */
static const char *wants(pta_split split, pta_op op)
{
    switch (split) {
    case PTA_SPLIT_NEURON:
        return op == PTA_OP_DENSE ? NULL : "a dense layer (use channel)";
    case PTA_SPLIT_CHANNEL:
        return op != PTA_OP_DENSE ? NULL : "a convolution (use neuron)";
    case PTA_SPLIT_INPUT:
        return op == PTA_OP_DENSE ? NULL : "a dense layer (use inchannel)";
    case PTA_SPLIT_INCHANNEL:
        return op == PTA_OP_CONV    ? NULL
               : op == PTA_OP_DENSE ? "a convolution (use input)"
                                    : "a full convolution (use channel)";
    case PTA_SPLIT_WHOLE:
    case PTA_SPLIT_ROWS:
    case PTA_SPLIT_PAIRED:
        break;
    }
    return NULL;
}

static pta_divided divided_outputs(const pta_graph *graph, int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    pta_divided d = {id, node->view.c, 1, "outputs"};
    if (node->op == PTA_OP_DWCONV) {
        d.step = node->view.c / graph->nodes[node->in[0]].view.c;
    }
    return d;
}

static pta_divided divided_inputs(const pta_graph *graph, int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    pta_view in = graph->nodes[node->in[0]].view;
    int32_t total =
        node->op == PTA_OP_DENSE ? (int32_t)pta_view_count(in) : in.c;
    return (pta_divided){
        id, total, 1, node->op == PTA_OP_DENSE ? "inputs" : "input channels"};
}

/* The last layer that computes; final Softmax and inputs do not count. */
static int32_t last_computed(const pta_graph *graph, const pta_stage *stage)
{
    for (int32_t i = stage->last; i >= stage->first; i--) {
        if (graph->nodes[i].op != PTA_OP_INPUT &&
            pta_graph_in_integer(graph, i)) {
            return i;
        }
    }
    return -1;
}

/* Layers without a notion of rows, or that reach over all of them. */
static bool breaks_rows(const pta_node *node)
{
    return node->op == PTA_OP_DENSE || node->op == PTA_OP_PERMUTE ||
           (node->op == PTA_OP_CONCAT && node->axis == 0);
}

static pta_status divided_rows(pta_ctx *ctx, const pta_graph *graph,
                               const pta_plan *plan, int32_t stage,
                               int32_t last, pta_divided *out)
{
    const pta_stage *s = &plan->stages[stage];
    for (int32_t i = s->first; i <= s->last; i++) {
        const pta_node *node = &graph->nodes[i];
        if (breaks_rows(node)) {
            return pta_stage_fail(
                ctx, graph, plan, stage, PTA_ERR_UNSUPPORTED,
                "'%s' is %s, expected convolutions, poolings and layers that "
                "go element by element: begin a stage there",
                node->name, pta_op_name(node->op));
        }
    }
    int32_t image = pta_stage_image(graph, s, last);
    *out = (pta_divided){image, graph->nodes[image].view.h, 1, "rows"};
    return PTA_OK;
}

static pta_status divided_weighted(pta_ctx *ctx, const pta_graph *graph,
                                   const pta_plan *plan, int32_t stage,
                                   pta_divided *out)
{
    const pta_stage *s = &plan->stages[stage];
    int32_t first = pta_stage_weighted(graph, s, s->first);
    int32_t second = first < 0 ? -1 : pta_stage_weighted(graph, s, first + 1);
    int32_t third = second < 0 ? -1 : pta_stage_weighted(graph, s, second + 1);
    bool paired = s->split == PTA_SPLIT_PAIRED;
    int32_t extra = paired ? third : second;
    if (first < 0 || (paired && second < 0)) {
        return pta_stage_fail(ctx, graph, plan, stage, PTA_ERR_UNSUPPORTED,
                              "expected %s, found %s",
                              paired ? "two weighted layers"
                                     : "a weighted layer",
                              first < 0 ? "none before the next stage"
                                        : graph->nodes[first].name);
    }
    if (extra >= 0) {
        return pta_stage_fail(
            ctx, graph, plan, stage, PTA_ERR_UNSUPPORTED,
            "holds %s weighted layer%s, '%s' is one more: begin a stage there "
            "or before it",
            paired ? "two" : "one", paired ? "s" : "",
            graph->nodes[extra].name);
    }
    const char *want = wants(s->split, graph->nodes[first].op);
    if (want != NULL) {
        return pta_stage_fail(ctx, graph, plan, stage, PTA_ERR_UNSUPPORTED,
                              "'%s' is %s, expected %s",
                              graph->nodes[first].name,
                              pta_op_name(graph->nodes[first].op), want);
    }
    bool inputs =
        s->split == PTA_SPLIT_INPUT || s->split == PTA_SPLIT_INCHANNEL;
    *out =
        inputs ? divided_inputs(graph, first) : divided_outputs(graph, first);
    return PTA_OK;
}

pta_status pta_stage_divided(pta_ctx *ctx, const pta_graph *graph,
                             const pta_plan *plan, int32_t stage,
                             pta_divided *out)
{
    const pta_stage *s = &plan->stages[stage];
    int32_t last = last_computed(graph, s);
    if (last < 0) {
        return pta_stage_fail(ctx, graph, plan, stage, PTA_ERR_UNSUPPORTED,
                              "expected a layer that computes, found none");
    }
    if (s->split == PTA_SPLIT_WHOLE) {
        *out = (pta_divided){last, 1, 1, "parts"};
        return PTA_OK;
    }
    if (s->split == PTA_SPLIT_ROWS) {
        return divided_rows(ctx, graph, plan, stage, last, out);
    }
    return divided_weighted(ctx, graph, plan, stage, out);
}
