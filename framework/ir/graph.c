/* What a finished graph can be asked: graph.h and weights.h. */
#include "ir/graph.h"

#include <string.h>

#include "ir/weights.h"

const char *pta_op_name(pta_op op)
{
    static const char *const names[PTA_OP_COUNT] = {
        [PTA_OP_INPUT] = "input",
        [PTA_OP_DENSE] = "dense",
        [PTA_OP_CONV] = "conv",
        [PTA_OP_DWCONV] = "dwconv",
        [PTA_OP_SCALE_SHIFT] = "scale_shift",
        [PTA_OP_MAXPOOL] = "maxpool",
        [PTA_OP_AVGPOOL] = "avgpool",
        [PTA_OP_RELU] = "relu",
        [PTA_OP_SIGMOID] = "sigmoid",
        [PTA_OP_TANH] = "tanh",
        [PTA_OP_HARD_SIGMOID] = "hard_sigmoid",
        [PTA_OP_SOFTMAX] = "softmax",
        [PTA_OP_RESHAPE] = "reshape",
        [PTA_OP_PERMUTE] = "permute",
        [PTA_OP_ZEROPAD] = "zeropad",
        [PTA_OP_ADD] = "add",
        [PTA_OP_SUB] = "sub",
        [PTA_OP_MUL] = "mul",
        [PTA_OP_AVERAGE] = "average",
        [PTA_OP_MAXIMUM] = "maximum",
        [PTA_OP_CONCAT] = "concat",
    };
    unsigned i = (unsigned)op;
    return i < PTA_OP_COUNT ? names[i] : "?";
}

int32_t pta_graph_find(const pta_graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i].name, name) == 0) {
            return i;
        }
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        for (int32_t k = 0; k < node->n_merged; k++) {
            if (strcmp(node->merged[k], name) == 0) {
                return i;
            }
        }
    }
    return -1;
}

bool pta_node_splittable(const pta_node *node)
{
    return node->op == PTA_OP_DENSE || node->op == PTA_OP_CONV ||
           node->op == PTA_OP_DWCONV;
}

bool pta_node_weighted(const pta_node *node)
{
    return pta_node_splittable(node) || node->op == PTA_OP_SCALE_SHIFT;
}

bool pta_node_keeps_format(const pta_node *node)
{
    return node->op == PTA_OP_MAXPOOL || node->op == PTA_OP_RESHAPE ||
           node->op == PTA_OP_PERMUTE || node->op == PTA_OP_ZEROPAD;
}

/* ---- size of the weights ---- */

/* Window cells of a kernel. */
static int64_t cells(const pta_node *node)
{
    return node->op == PTA_OP_DENSE
               ? 1
               : (int64_t)node->window.kh * node->window.kw;
}

/* Inputs and outputs of a kernel, as weights.h sees it. */
static void kernel_extent(const pta_graph *graph, const pta_node *node,
                          int32_t *inputs, int32_t *outputs)
{
    pta_view in = graph->nodes[node->in[0]].view;
    *inputs = node->op == PTA_OP_DENSE ? (int32_t)pta_view_count(in) : in.c;
    *outputs = node->op == PTA_OP_DWCONV ? node->view.c / in.c : node->view.c;
}

int64_t pta_node_fan_in(const pta_graph *graph, int32_t index)
{
    const pta_node *node = &graph->nodes[index];
    if (!pta_node_splittable(node)) {
        return pta_node_weighted(node) ? 1 : 0;
    }
    int32_t inputs, outputs;
    kernel_extent(graph, node, &inputs, &outputs);
    return node->op == PTA_OP_DWCONV ? cells(node) : cells(node) * inputs;
}

int64_t pta_node_params(const pta_graph *graph, int32_t index)
{
    const pta_node *node = &graph->nodes[index];
    if (node->op == PTA_OP_SCALE_SHIFT) {
        return 2 * (int64_t)node->view.c;
    }
    if (!pta_node_splittable(node)) {
        return 0;
    }
    int64_t bias = node->has_bias ? node->view.c : 0;
    return pta_node_fan_in(graph, index) * node->view.c + bias;
}

int64_t pta_node_macs(const pta_graph *graph, int32_t index)
{
    return pta_node_fan_in(graph, index) *
           pta_view_count(graph->nodes[index].view);
}

int64_t pta_graph_params(const pta_graph *graph)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        bool counted = graph->nodes[i].weights < 0;
        for (int32_t k = 0; k < i && !counted; k++) {
            counted = graph->nodes[k].weights == graph->nodes[i].weights;
        }
        sum += counted ? 0 : pta_node_params(graph, i);
    }
    return sum;
}

pta_weight_part pta_weight_whole(const pta_graph *graph, int32_t index,
                                 pta_weight_role role)
{
    const pta_node *node = &graph->nodes[index];
    pta_weight_part part = {.in_count = 1, .out_count = node->view.c};
    if (role == PTA_WEIGHT_KERNEL) {
        kernel_extent(graph, node, &part.in_block, &part.out_count);
        part.in_stride = part.in_block;
    }
    return part;
}

int64_t pta_weight_count(const pta_graph *graph, int32_t index,
                         pta_weight_role role, pta_weight_part part)
{
    if (role != PTA_WEIGHT_KERNEL) {
        return part.out_count;
    }
    return cells(&graph->nodes[index]) * part.in_count * part.in_block *
           part.out_count;
}

/* ---- the integer graph ---- */

static bool is_consumed(const pta_graph *graph, int32_t index)
{
    for (int32_t i = index + 1; i < graph->n_nodes; i++) {
        for (int32_t k = 0; k < graph->nodes[i].n_in; k++) {
            if (graph->nodes[i].in[k] == index) {
                return true;
            }
        }
    }
    return false;
}

static bool is_final_softmax(const pta_graph *graph, int32_t index)
{
    return graph->nodes[index].op == PTA_OP_SOFTMAX && !graph->is_plain &&
           !is_consumed(graph, index);
}

int32_t pta_graph_integer_output(const pta_graph *graph, int32_t i)
{
    int32_t node = graph->outputs[i];
    return is_final_softmax(graph, node) ? graph->nodes[node].in[0] : node;
}

bool pta_graph_in_integer(const pta_graph *graph, int32_t node)
{
    return !is_final_softmax(graph, node);
}

pta_status pta_graph_check_integer(pta_ctx *ctx, const pta_graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes && !graph->is_plain; i++) {
        if (graph->nodes[i].op == PTA_OP_SOFTMAX &&
            !is_final_softmax(graph, i)) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer \"%s\": softmax has an integer form only "
                            "as the last layer of a network",
                            graph->nodes[i].name);
        }
    }
    return PTA_OK;
}
