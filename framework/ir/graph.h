/*
 * The graph: layers in topological order, tensor shapes without the batch
 * axis, weights left in their file.
 *
 * Node i makes tensor i. Every tensor has, beside its Keras shape, a view
 * [h, w, c] with the same C-order: a vector of n is [1, 1, n], a sequence
 * [steps, channels] is [steps, 1, channels] (so 1-D layers are 2-D layers of
 * width 1 and a band of rows is a band of steps). Shapes of more than three
 * axes are refused except where only their flat order matters.
 *
 * The reader (model/) makes the graph in canonical form:
 *   - Dropout and noise layers, linear activations, Flatten and Reshape to the
 *     shape that is there already, and nodes that no output needs, are gone;
 *   - a layer of a nested model is named OUTER/INNER; a layer called twice
 *     makes nodes NAME and NAME:1 with the same `weights`;
 *   - a BatchNormalization whose input is a Dense or convolution without
 *     activation, whose only consumer it is, is folded into it (DESIGN 2);
 *   - a ReLU or ReLU(max_value) layer whose input has no activation and whose
 *     only consumer it is becomes that node's activation (PTA_OP_DENSE, CONV,
 *     DWCONV, SCALE_SHIFT, ADD, SUB, MUL, AVERAGE, MAXIMUM can carry one);
 *     a merged node keeps its own name and knows the names merged into it;
 *   - other activations inside a layer are nodes of their own, named
 *     LAYER/ACTIVATION (as "fc1/sigmoid");
 *   - SeparableConv2D is a DWCONV "NAME/depthwise" and a CONV "NAME";
 *   - Dense on a tensor of rank 2 or 3 is a 1x1 CONV;
 *   - global pooling is pooling with a window of the whole image, and
 *     Flatten/Reshape are PTA_OP_RESHAPE;
 *   - a Softmax that makes a model output is kept as the last node with
 *     op PTA_OP_SOFTMAX (only `float` runs it; integer outputs are its input).
 *
 * The hls4ml profile wants the plain form instead (`is_plain`): one node for
 * each layer, as hls4ml has it. Nothing is folded, no ReLU is merged (one inside
 * a layer is the node LAYER/relu), and a Softmax belongs to the integer graph
 * wherever it stands.
 */
#ifndef PTA_IR_GRAPH_H
#define PTA_IR_GRAPH_H

#include "base/ctx.h"
#include "partita/number.h"

#define PTA_MAX_DIMS 6

typedef enum pta_op {
    PTA_OP_INPUT,
    PTA_OP_DENSE,       /* kernel [in][out] */
    PTA_OP_CONV,        /* kernel [kh][kw][cin][cout] */
    PTA_OP_DWCONV,      /* kernel [kh][kw][cin][mult]; output channel
                           ci * mult + m */
    PTA_OP_SCALE_SHIFT, /* unfolded BatchNormalization: y = x * scale + shift,
                           per channel (last axis) */
    PTA_OP_MAXPOOL,
    PTA_OP_AVGPOOL,
    PTA_OP_RELU,         /* general: x >= threshold ? min(x, act_max)
                            : alpha * (x - threshold); also LeakyReLU */
    PTA_OP_SIGMOID,
    PTA_OP_TANH,
    PTA_OP_HARD_SIGMOID, /* Keras 2: clip(0.2 x + 0.5, 0, 1);
                            Keras 3: clip(x / 6 + 0.5, 0, 1) */
    PTA_OP_SOFTMAX,
    PTA_OP_RESHAPE,
    PTA_OP_PERMUTE,
    PTA_OP_ZEROPAD,
    PTA_OP_ADD,
    PTA_OP_SUB,
    PTA_OP_MUL,
    PTA_OP_AVERAGE,
    PTA_OP_MAXIMUM,
    PTA_OP_CONCAT,
    PTA_OP_COUNT
} pta_op;

/** "dense", "conv", ...; never NULL. */
const char *pta_op_name(pta_op op);

typedef struct pta_shape {
    int32_t rank; /* without the batch axis */
    int32_t dim[PTA_MAX_DIMS];
} pta_shape;

/** Height (or steps), width, channels of a tensor's view. */
typedef struct pta_view {
    int32_t h, w, c;
} pta_view;

static inline int64_t pta_view_count(pta_view v)
{
    return (int64_t)v.h * v.w * v.c;
}

/** Window of a convolution or pooling, padding made explicit in cells:
 * top, bottom, left, right ("same" puts odd excess at bottom and right). For
 * ZEROPAD only the pads are used. */
typedef struct pta_window {
    int32_t kh, kw;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_t, pad_b, pad_l, pad_r;
} pta_window;

typedef struct pta_node {
    char *name; /* owned; the Keras layer's, or see above */
    pta_op op;
    int32_t n_in;
    int32_t *in; /* owned; node indices, each below this node's own */
    pta_shape shape;
    pta_view view;
    pta_window window;      /* CONV, DWCONV, pools, ZEROPAD */
    pta_activation act;     /* on the accumulator */
    double act_max;         /* PTA_ACT_RELU_MAX; and RELU (INFINITY if none) */
    double alpha;           /* RELU: slope below the threshold */
    double threshold;       /* RELU */
    int32_t keras_major;    /* HARD_SIGMOID: 2 or 3 */
    int32_t axis;           /* CONCAT, axis of the view: 0 h, 1 w, 2 c */
    int32_t perm[3];        /* PERMUTE of the view: out axis i is in axis perm[i] */
    bool has_bias;          /* DENSE, CONV, DWCONV; true after a fold */
    int32_t weights;        /* key for pta_weights, shared by a layer called
                               twice; -1 without weights */
    int32_t n_merged;
    char **merged;          /* owned; names of Keras layers merged into this */
} pta_node;

typedef struct pta_graph {
    char *name;      /* owned; model name */
    int32_t n_nodes;
    pta_node *nodes; /* owned */
    int32_t n_inputs;
    int32_t *inputs;  /* owned; nodes of op INPUT, in the model's order */
    int32_t n_outputs;
    int32_t *outputs; /* owned; nodes, in the model's order, Softmax included */
    bool is_plain;    /* of the hls4ml profile; see above */
} pta_graph;

void pta_graph_destroy(pta_ctx *ctx, pta_graph **graph);

/** Index of the node called `name`, or into which a layer of that name was
 * merged; -1 if there is none. */
int32_t pta_graph_find(const pta_graph *graph, const char *name);

/** True for DENSE, CONV, DWCONV and SCALE_SHIFT: nodes with weights. */
bool pta_node_weighted(const pta_node *node);

/** True for DENSE, CONV, DWCONV: the layers that can be split in parts. */
bool pta_node_splittable(const pta_node *node);

/** True when the output has the format of input 0: MAXPOOL, RESHAPE, PERMUTE,
 * ZEROPAD. (INPUT has its own.) */
bool pta_node_keeps_format(const pta_node *node);

/** Inputs per output of the weighted sum: dense in; conv kh*kw*cin;
 * depthwise kh*kw; 1 for SCALE_SHIFT; 0 without weights. */
int64_t pta_node_fan_in(const pta_graph *graph, int32_t node);

/** Weights and biases (as in the file after folding) and multiply-accumulates
 * of one sample; 0 without weights. */
int64_t pta_node_params(const pta_graph *graph, int32_t node);
int64_t pta_node_macs(const pta_graph *graph, int32_t node);

/** pta_node_params of the whole graph; shared weights count once. */
int64_t pta_graph_params(const pta_graph *graph);

/** The tensor an integer run gives for model output i: the output node, or its
 * input if it is a final Softmax. */
int32_t pta_graph_integer_output(const pta_graph *graph, int32_t i);

/** True if the node exists in the integer graph (all but a final Softmax; all
 * of a plain graph). Softmax anywhere else is refused by pta_graph_check_integer. */
bool pta_graph_in_integer(const pta_graph *graph, int32_t node);

/** PTA_ERR_UNSUPPORTED naming the layer that the exact profile cannot do. */
pta_status PTA_MUST_CHECK pta_graph_check_integer(pta_ctx *ctx,
                                                  const pta_graph *graph);

#endif
