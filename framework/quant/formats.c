/*
 * Chooses the formats of the exact profile from ranges and weights, then has
 * them proved (prove.c), as formats that a person wrote are.
 */
#include "quant/formats.h"

#include <math.h>

#include "quant/kernel_walk_priv.h"

static void widen(void *user, int32_t output, const double *values, int32_t n)
{
    pta_range *range = user;
    (void)output;
    for (int32_t i = 0; i < n; i++) {
        range->lo = values[i] < range->lo ? values[i] : range->lo;
        range->hi = values[i] > range->hi ? values[i] : range->hi;
    }
}

/* One format for the whole uncut kernel (or scale, or alpha). */
static pta_status choose_weight(pta_ctx *ctx, const pta_graph *graph,
                                pta_weights *weights, int32_t node,
                                int32_t bits, int32_t clip, pta_format *out)
{
    const pta_node *n = &graph->nodes[node];
    pta_range range = {HUGE_VAL, -HUGE_VAL};
    if (n->op == PTA_OP_RELU) {
        range = (pta_range){n->alpha, n->alpha};
    } else {
        PTA_TRY(pta_kernel_walk(ctx, graph, weights, node, widen, &range));
    }
    if (!isfinite(range.lo) || !isfinite(range.hi)) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "layer %s: weights are not finite",
                        n->name);
    }
    int integer = pta_format_fit_integer(bits, true, true, range.lo, range.hi);
    *out = pta_format_weight(bits, integer - clip);
    return PTA_OK;
}

static pta_status choose_tensor(pta_ctx *ctx, const pta_node *n,
                                pta_range range, int32_t bits, int32_t clip,
                                pta_format *out)
{
    if (!(range.lo <= range.hi) || !isfinite(range.lo) || !isfinite(range.hi)) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer %s: calibration gives no finite range", n->name);
    }
    int integer = pta_format_fit_integer(bits, true, false, range.lo, range.hi);
    *out = pta_format_tensor(bits, integer - clip, true);
    return PTA_OK;
}

static pta_status check_width(pta_ctx *ctx, int32_t bits)
{
    return bits >= PTA_WIDTH_MIN && bits <= PTA_WIDTH_MAX
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_USAGE, "%d bits: expected %d to %d",
                          bits, PTA_WIDTH_MIN, PTA_WIDTH_MAX);
}

static pta_status choose_node(pta_ctx *ctx, const pta_graph *graph,
                              pta_weights *weights, const pta_ranges *ranges,
                              pta_widths widths, int32_t node,
                              pta_node_format *formats)
{
    const pta_node *n = &graph->nodes[node];
    pta_node_format *f = &formats[node];
    *f = (pta_node_format){.acc = PTA_S32};
    if (pta_node_keeps_format(n)) {
        f->out = formats[n->in[0]].out;
    } else {
        PTA_TRY(check_width(ctx, widths.out));
        PTA_TRY(choose_tensor(ctx, n, ranges->node[node], widths.out,
                              widths.out_clip, &f->out));
    }
    if (pta_node_weighted(n) || n->op == PTA_OP_RELU) {
        PTA_TRY(check_width(ctx, widths.weight));
        PTA_TRY(choose_weight(ctx, graph, weights, node, widths.weight,
                              widths.weight_clip, &f->weight));
    }
    bool is_table = n->op == PTA_OP_SIGMOID || n->op == PTA_OP_TANH;
    if (is_table && formats[n->in[0]].out.width > PTA_TABLE_WIDTH_MAX) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer %s: %s takes inputs of at most %d bits, not %d",
                        n->name, pta_op_name(n->op), PTA_TABLE_WIDTH_MAX,
                        formats[n->in[0]].out.width);
    }
    return PTA_OK;
}

void pta_widths_uniform(const pta_graph *graph, int32_t bits,
                        pta_widths *widths)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *n = &graph->nodes[i];
        widths[i] = (pta_widths){0};
        if (!pta_graph_in_integer(graph, i)) {
            continue;
        }
        widths[i].out = pta_node_keeps_format(n) ? 0 : bits;
        if (pta_node_weighted(n) || n->op == PTA_OP_RELU) {
            widths[i].weight = bits;
        }
    }
}

pta_status pta_formats_choose_widths(pta_ctx *ctx, const pta_graph *graph,
                                     pta_weights *weights,
                                     const pta_ranges *ranges,
                                     const pta_widths *widths,
                                     pta_node_format *formats)
{
    PTA_TRY(pta_graph_check_integer(ctx, graph));
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        formats[i] = (pta_node_format){.acc = PTA_S32};
        if (pta_graph_in_integer(graph, i)) {
            PTA_TRY(choose_node(ctx, graph, weights, ranges, widths[i], i,
                                formats));
        }
    }
    return pta_formats_prove(ctx, graph, weights, formats);
}

pta_status pta_formats_choose(pta_ctx *ctx, const pta_graph *graph,
                              pta_weights *weights, const pta_ranges *ranges,
                              int32_t bits, pta_node_format *formats)
{
    pta_widths *widths;
    PTA_TRY_ALLOC(ctx, widths, graph->n_nodes);
    pta_widths_uniform(graph, bits, widths);
    pta_status status =
        pta_formats_choose_widths(ctx, graph, weights, ranges, widths, formats);
    pta_free(ctx, widths);
    return status;
}
