/*
 * Validation: everything about a plan that needs no weights, so that a plan
 * that can be made can be run.
 */
#include <string.h>

#include "plan/hls4ml_priv.h"
#include "plan/layout_priv.h"
#include "plan/plan_fold_priv.h"
#include "plan/plan_priv.h"

/* ---- formats ---- */

bool pta_node_states_format(const pta_graph *graph, int32_t node)
{
    return pta_graph_in_integer(graph, node) &&
           !pta_node_keeps_format(&graph->nodes[node]);
}

bool pta_node_has_weight_format(const pta_node *node)
{
    return pta_node_weighted(node) || node->op == PTA_OP_RELU;
}

static bool is_merge(pta_op op)
{
    return op == PTA_OP_ADD || op == PTA_OP_SUB || op == PTA_OP_AVERAGE ||
           op == PTA_OP_MAXIMUM || op == PTA_OP_CONCAT;
}

int32_t pta_acc_frac(const pta_graph *graph, const pta_node_format *formats,
                     int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    if (formats[id].hls4ml.used && formats[id].hls4ml.accum.width > 0) {
        return pta_format_frac(formats[id].hls4ml.accum);
    }
    if (node->n_in == 0) {
        return pta_format_frac(formats[id].out);
    }
    int32_t frac = pta_format_frac(formats[node->in[0]].out);
    for (int32_t k = 1; k < node->n_in; k++) {
        int32_t f = pta_format_frac(formats[node->in[k]].out);
        if (node->op == PTA_OP_MUL) {
            frac += f;
        } else if (is_merge(node->op) && f > frac) {
            frac = f;
        }
    }
    return pta_node_has_weight_format(node)
               ? frac + pta_format_frac(formats[id].weight)
               : frac;
}

static bool same_format(pta_format a, pta_format b)
{
    return a.width == b.width && a.integer == b.integer &&
           a.is_signed == b.is_signed && a.rounding == b.rounding &&
           a.overflow == b.overflow;
}

static pta_status check_width(pta_ctx *ctx, const pta_node *node,
                              const char *what, pta_format f)
{
    if (f.width >= PTA_WIDTH_MIN && f.width <= PTA_WIDTH_MAX) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_RANGE,
                    "layer '%s': %s has %d bits, expected %d to %d", node->name,
                    what, (int)f.width, PTA_WIDTH_MIN, PTA_WIDTH_MAX);
}

static pta_status check_table(pta_ctx *ctx, const pta_plan *plan,
                              const pta_graph *graph, int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    bool is_table = node->op == PTA_OP_SIGMOID || node->op == PTA_OP_TANH;
    if (!is_table || plan->formats[id].hls4ml.used) {
        return PTA_OK;
    }
    int width = plan->formats[node->in[0]].out.width;
    return width <= PTA_TABLE_WIDTH_MAX
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                          "layer '%s': %s takes inputs of at most %d bits, "
                          "'%s' gives %d",
                          node->name, pta_op_name(node->op),
                          PTA_TABLE_WIDTH_MAX, graph->nodes[node->in[0]].name,
                          width);
}

static pta_status check_format(pta_ctx *ctx, const pta_plan *plan,
                               const pta_graph *graph, int32_t id)
{
    const pta_node *node = &graph->nodes[id];
    const pta_node_format *f = &plan->formats[id];
    PTA_TRY(check_width(ctx, node, "\"out\"", f->out));
    if (pta_node_has_weight_format(node)) {
        PTA_TRY(check_width(ctx, node, "\"weight\"", f->weight));
    }
    if (pta_node_keeps_format(node) &&
        !same_format(f->out, plan->formats[node->in[0]].out)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "layer '%s': keeps the format of its input '%s' and "
                        "cannot have another",
                        node->name, graph->nodes[node->in[0]].name);
    }
    PTA_TRY(check_table(ctx, plan, graph, id));
    int32_t frac = pta_acc_frac(graph, plan->formats, id);
    if (f->acc_frac != frac) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "layer '%s': accumulator with %d fraction bits, its "
                        "formats make %d",
                        node->name, (int)f->acc_frac, (int)frac);
    }
    if (f->acc_bits < 0 || f->acc_bits > 64 ||
        (f->acc != PTA_S64 && (f->acc != PTA_S32 || f->acc_bits > 32))) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer '%s': no accumulator of %d bits", node->name,
                        (int)f->acc_bits);
    }
    return PTA_OK;
}

static bool formats_chosen(const pta_plan *plan)
{
    for (int32_t i = 0; i < plan->n_nodes; i++) {
        if (plan->formats[i].out.width != 0) {
            return true;
        }
    }
    return false;
}

static pta_status check_formats(pta_ctx *ctx, const pta_plan *plan,
                                const pta_graph *graph)
{
    PTA_TRY(pta_graph_check_integer(ctx, graph));
    if (pta_plan_is_hls4ml(plan) && formats_chosen(plan)) {
        PTA_TRY(pta_hls4ml_check(ctx, graph, plan));
    }
    for (int32_t i = 0; formats_chosen(plan) && i < graph->n_nodes; i++) {
        if (pta_graph_in_integer(graph, i)) {
            PTA_TRY(check_format(ctx, plan, graph, i));
            pta_fold fold = pta_plan_fold(plan, i);
            PTA_TRY(pta_fold_check(ctx, &graph->nodes[i], &fold));
        }
    }
    return PTA_OK;
}

/* ---- stages ---- */

static pta_status check_stages(pta_ctx *ctx, const pta_plan *plan,
                               const pta_graph *graph)
{
    int32_t next = 0, board = 0;
    for (int32_t s = 0; s < plan->n_stages; s++) {
        const pta_stage *stage = &plan->stages[s];
        if (stage->first != next || stage->last < stage->first ||
            stage->last >= graph->n_nodes || stage->first_board != board ||
            stage->n_parts < 1) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "stage %d: nodes %d to %d, boards from %d: stages "
                            "must follow each other",
                            (int)s, (int)stage->first, (int)stage->last,
                            (int)stage->first_board);
        }
        if (stage->split == PTA_SPLIT_WHOLE && stage->n_parts != 1) {
            return pta_stage_fail(ctx, graph, plan, s, PTA_ERR_RANGE,
                                  "%d parts, expected 1", (int)stage->n_parts);
        }
        next = stage->last + 1;
        board += stage->n_parts;
    }
    if (next != graph->n_nodes || board != plan->n_boards) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "stages end at node %d and board %d, expected %d and "
                        "%d",
                        (int)next, (int)board, (int)graph->n_nodes,
                        (int)plan->n_boards);
    }
    return PTA_OK;
}

/* The profile, and the form of the graph that goes with it. */
static pta_status check_profile(pta_ctx *ctx, const pta_plan *plan,
                                const pta_graph *graph)
{
    bool is_hls4ml = pta_plan_is_hls4ml(plan);
    if (!is_hls4ml && strcmp(plan->profile, PTA_PROFILE_EXACT) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "profile \"%s\", expected \"exact\" or \"hls4ml\"",
                        plan->profile);
    }
    if (is_hls4ml != graph->is_plain) {
        return pta_fail(
            ctx, PTA_ERR_MISMATCH,
            "profile \"%s\", but the model was read for \"%s\"", plan->profile,
            graph->is_plain ? PTA_PROFILE_HLS4ML : PTA_PROFILE_EXACT);
    }
    return PTA_OK;
}

pta_status pta_plan_validate(pta_ctx *ctx, const pta_plan *plan,
                             const pta_graph *graph)
{
    PTA_TRY(check_profile(ctx, plan, graph));
    if (plan->n_nodes != graph->n_nodes) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "plan for %d layers, the model has %d",
                        (int)plan->n_nodes, (int)graph->n_nodes);
    }
    PTA_TRY(check_stages(ctx, plan, graph));
    PTA_TRY(check_formats(ctx, plan, graph));
    if (pta_plan_is_hls4ml(plan)) {
        PTA_TRY(pta_hls4ml_check_stages(ctx, graph, plan));
    }
    pta_layout layout;
    PTA_TRY(pta_layout_build(ctx, graph, plan, &layout));
    pta_layout_free(ctx, &layout);
    return PTA_OK;
}
