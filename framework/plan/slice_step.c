/*
 * Steps: what one computes with, beside the values it joins. Constants are
 * brought to raw integers here, so that no device knows a double.
 */
#include "plan/slice_priv.h"

#include <math.h>

#include "ir/raw.h"

static pta_step_op step_op(pta_op op)
{
    switch (op) {
    case PTA_OP_DENSE:
        return PTA_STEP_DENSE;
    case PTA_OP_CONV:
        return PTA_STEP_CONV;
    case PTA_OP_DWCONV:
        return PTA_STEP_DWCONV;
    case PTA_OP_SCALE_SHIFT:
        return PTA_STEP_SCALE_SHIFT;
    case PTA_OP_MAXPOOL:
        return PTA_STEP_MAXPOOL;
    case PTA_OP_AVGPOOL:
        return PTA_STEP_AVGPOOL;
    case PTA_OP_RELU:
        return PTA_STEP_RELU;
    case PTA_OP_SIGMOID:
        return PTA_STEP_SIGMOID;
    case PTA_OP_TANH:
        return PTA_STEP_TANH;
    case PTA_OP_HARD_SIGMOID:
        return PTA_STEP_HARD_SIGMOID;
    case PTA_OP_PERMUTE:
        return PTA_STEP_PERMUTE;
    case PTA_OP_ZEROPAD:
        return PTA_STEP_ZEROPAD;
    case PTA_OP_ADD:
        return PTA_STEP_ADD;
    case PTA_OP_SUB:
        return PTA_STEP_SUB;
    case PTA_OP_MUL:
        return PTA_STEP_MUL;
    case PTA_OP_AVERAGE:
        return PTA_STEP_AVERAGE;
    case PTA_OP_MAXIMUM:
        return PTA_STEP_MAXIMUM;
    case PTA_OP_CONCAT:
        return PTA_STEP_CONCAT;
    case PTA_OP_SOFTMAX:
        return PTA_STEP_SOFTMAX;
    case PTA_OP_INPUT:
    case PTA_OP_RESHAPE:
    case PTA_OP_COUNT:
        break;
    }
    PTA_ASSERT(false); /* never asked for: made by nobody, or an alias */
}

/* AP_RND at `frac` fraction bits; a bound beyond all int64 bounds nothing. */
static int64_t raw_or(double value, int frac, int64_t otherwise)
{
    int64_t raw;
    return pta_raw_round(value, frac, &raw) ? raw : otherwise;
}

static pta_weight_part kernel_part(const pta_graph *graph, const pta_node *node,
                                   const pta_region *in, const pta_region *out)
{
    pta_weight_part part = {0, 1, 1, 1, out->c0, out->c1 - out->c0};
    if (node->op == PTA_OP_DENSE) {
        pta_runs runs = pta_region_runs(in);
        part.in_start = (int32_t)runs.start;
        part.in_block = (int32_t)runs.length;
        part.in_stride = (int32_t)runs.stride;
        part.in_count = (int32_t)runs.count;
    } else if (node->op == PTA_OP_CONV || node->op == PTA_OP_DWCONV) {
        part.in_start = in->c0;
        part.in_block = part.in_stride = in->c1 - in->c0;
    }
    if (node->op == PTA_OP_DWCONV) { /* all the outputs of some inputs */
        part.out_start = 0;
        part.out_count = node->view.c / graph->nodes[node->in[0]].view.c;
    }
    return part;
}

static pta_step_weights step_weights(const pta_graph *graph,
                                     const pta_plan *plan, bool is_float,
                                     int32_t id, const pta_region *in,
                                     const pta_region *out)
{
    const pta_node *node = &graph->nodes[id];
    pta_format format = plan->formats[id].weight;
    pta_step_weights w = {.rows = out->c1 - out->c0, .cols = 1};
    w.format = format;
    w.dtype = is_float ? PTA_F32 : pta_format_dtype(format);
    w.out_start = out->c0;
    w.kernel = kernel_part(graph, node, in, out);
    int32_t cells = node->window.kh * node->window.kw;
    if (node->op == PTA_OP_DENSE) {
        w.cols = (int32_t)pta_region_count(in);
    } else if (node->op == PTA_OP_CONV) {
        w.cols = cells * (in->c1 - in->c0);
    } else if (node->op == PTA_OP_DWCONV) {
        w.cols = cells;
    } else if (node->op == PTA_OP_RELU) { /* alpha alone */
        w.rows = 1;
        w.out_start = 0;
        w.kernel = (pta_weight_part){0, 1, 1, 1, 0, 1};
    }
    w.row_bytes = (size_t)w.cols * pta_dtype_bytes(w.dtype);
    if (w.cols > 1) {
        w.row_bytes = (w.row_bytes + 63) / 64 * 64;
    }
    return w;
}

void pta_step_parameters(const pta_graph *graph, const pta_plan *plan,
                         const pta_slice *slice, const pta_region *in,
                         pta_step *step)
{
    const pta_node *node = &graph->nodes[step->node];
    const pta_node_format *f = &plan->formats[step->node];
    step->op = step_op(node->op);
    step->act = step->partial ? PTA_ACT_NONE : node->act;
    step->acc_frac = f->acc_frac;
    step->acc_bits = f->acc_bits;
    step->hls4ml = f->hls4ml;
    step->acc = slice->is_float ? PTA_F32 : f->acc;
    step->act_max = node->act_max;
    step->act_max_raw = raw_or(node->act_max, f->acc_frac, INT64_MAX);
    step->threshold = node->threshold;
    step->threshold_raw =
        raw_or(node->threshold, pta_format_frac(plan->formats[node->in[0]].out),
               INT64_MIN);
    step->keras_major = node->keras_major;
    step->axis = node->axis;
    for (int i = 0; i < 3; i++) {
        step->perm[i] = node->perm[i];
    }
    step->crop_h = step->crop_c = -1;
    step->weighted = pta_node_weighted(node) || node->op == PTA_OP_RELU;
    if (step->weighted) {
        step->weights = step_weights(graph, plan, slice->is_float, step->node,
                                     in, &slice->values[step->out].region);
    }
}

pta_join pta_join_make(const pta_graph *graph, const pta_plan *plan, int32_t id,
                       const pta_region *region, int32_t input)
{
    const pta_node *node = &graph->nodes[id];
    const pta_node_format *f = &plan->formats[id];
    return (pta_join){.input = input,
                      .node = id,
                      .acc = f->acc,
                      .acc_frac = f->acc_frac,
                      .accum = f->hls4ml.accum,
                      .n_channels = region->c1 - region->c0,
                      .out_start = region->c0,
                      .act = node->act,
                      .act_max = node->act_max,
                      .act_max_raw =
                          raw_or(node->act_max, f->acc_frac, INT64_MAX)};
}
