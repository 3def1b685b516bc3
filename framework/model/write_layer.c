/*
 * One node of a graph as Keras layers. A tensor has its node's shape between
 * nodes; within one, layers work at a rank of 1, 2 or 3 that fits them, and the
 * view of the graph says what the axes are.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/write_priv.h"

/* A tensor on its way through the layers of one node. */
typedef struct tensor {
    char name[PTA_LAYER_NAME];
    pta_shape shape;
} tensor;

typedef struct emitter {
    pta_writer *w;
    const pta_node *node;
    int32_t index;
} emitter;

static const pta_node *source(const emitter *e, int32_t k)
{
    return &e->w->graph->nodes[e->node->in[k]];
}

static pta_status refuse(const emitter *e, const char *why)
{
    return pta_fail(e->w->ctx, PTA_ERR_UNSUPPORTED,
                    "layer %s: no Keras layer does it: %s", e->node->name, why);
}

/* Appends a layer over `t`, whose result has `shape`. */
static pta_status add(const emitter *e, const char *class_name,
                      const char *suffix, json_t *config,
                      const pta_shape *shape, tensor *t)
{
    char base[2 * PTA_LAYER_NAME], in[1][PTA_LAYER_NAME];
    snprintf(base, sizeof base, "%s%s", e->node->name, suffix);
    memcpy(in[0], t->name, sizeof in[0]);
    t->shape = *shape;
    return pta_write_layer(e->w, class_name, base, 1, in, config, t->name);
}

/* ---- shapes ---- */

static pta_shape shape_of(pta_view v, int32_t rank)
{
    if (rank == 1) {
        return (pta_shape){1, {(int32_t)pta_view_count(v)}};
    }
    return rank == 2 ? (pta_shape){2, {v.h, v.c}}
                     : (pta_shape){3, {v.h, v.w, v.c}};
}

static json_t *dims(const pta_shape *shape)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < shape->rank; i++) {
        json_array_append_new(list, json_integer(shape->dim[i]));
    }
    return list;
}

static pta_status reshape(const emitter *e, const pta_shape *shape, tensor *t)
{
    if (pta_shape_equal(&t->shape, shape)) {
        return PTA_OK;
    }
    if (shape->rank == 1) {
        return add(e, "Flatten", "_flat", json_object(), shape, t);
    }
    return add(e, "Reshape", "_shape",
               json_pack("{s:o}", "target_shape", dims(shape)), shape, t);
}

/* Input k at a rank. */
static pta_status enter(const emitter *e, int32_t k, int32_t rank, tensor *t)
{
    pta_shape shape = shape_of(source(e, k)->view, rank);
    memcpy(t->name, e->w->names[e->node->in[k]], sizeof t->name);
    t->shape = source(e, k)->shape;
    return reshape(e, &shape, t);
}

/* 2 if all tensors of the node are [steps, channels], else 3. */
static int32_t window_rank(const emitter *e)
{
    bool flat = e->node->shape.rank == 2 && e->node->view.w == 1;
    for (int32_t k = 0; k < e->node->n_in; k++) {
        flat =
            flat && source(e, k)->shape.rank == 2 && source(e, k)->view.w == 1;
    }
    return flat ? 2 : 3;
}

/* ---- windows ---- */

static json_t *pair(int32_t rank, int32_t h, int32_t w)
{
    return rank == 2 ? json_pack("[i]", h) : json_pack("[i, i]", h, w);
}

static bool no_pads(const pta_window *w)
{
    return w->pad_t == 0 && w->pad_b == 0 && w->pad_l == 0 && w->pad_r == 0;
}

static bool same_pads(const pta_window *w, pta_view in)
{
    pta_window same = *w;
    pta_window_same(&same, in.h, in.w);
    return same.pad_t == w->pad_t && same.pad_b == w->pad_b &&
           same.pad_l == w->pad_l && same.pad_r == w->pad_r;
}

static pta_status zero_pad(const emitter *e, int32_t rank, const char *suffix,
                           tensor *t)
{
    const pta_window *w = &e->node->window;
    pta_shape shape = t->shape;
    shape.dim[0] += w->pad_t + w->pad_b;
    if (rank == 2) {
        return add(e, "ZeroPadding1D", suffix,
                   json_pack("{s:[i, i]}", "padding", w->pad_t, w->pad_b),
                   &shape, t);
    }
    shape.dim[1] += w->pad_l + w->pad_r;
    return add(e, "ZeroPadding2D", suffix,
               json_pack("{s:[[i, i], [i, i]]}", "padding", w->pad_t, w->pad_b,
                         w->pad_l, w->pad_r),
               &shape, t);
}

/* The shape that Keras will compute must be the node's. */
static pta_status check_window(const emitter *e)
{
    const pta_window *w = &e->node->window;
    pta_view in = source(e, 0)->view, out = e->node->view;
    bool fits = pta_window_out(in.h, w->kh, w->stride_h, w->dilation_h,
                               w->pad_t + w->pad_b) == out.h &&
                pta_window_out(in.w, w->kw, w->stride_w, w->dilation_w,
                               w->pad_l + w->pad_r) == out.w;
    return fits ? PTA_OK : refuse(e, "the window leaves cells out");
}

static const char *activation_of(const pta_node *node)
{
    return node->act == PTA_ACT_RELU ? "relu" : "linear";
}

static pta_status write_conv(const emitter *e, tensor *t)
{
    const pta_window *w = &e->node->window;
    bool depthwise = e->node->op == PTA_OP_DWCONV;
    int32_t rank = depthwise ? 3 : window_rank(e);
    pta_shape shape = shape_of(e->node->view, rank);
    PTA_TRY(check_window(e));
    PTA_TRY(enter(e, 0, rank, t));
    bool same = !no_pads(w) && same_pads(w, source(e, 0)->view);
    if (!no_pads(w) && !same) {
        PTA_TRY(zero_pad(e, rank, "_pad", t));
    }
    json_t *config = json_pack(
        "{s:o, s:o, s:o, s:s, s:s, s:b, s:s}", "kernel_size",
        pair(rank, w->kh, w->kw), "strides",
        pair(rank, w->stride_h, w->stride_w), "dilation_rate",
        pair(rank, w->dilation_h, w->dilation_w), "padding",
        same ? "same" : "valid", "data_format", "channels_last", "use_bias",
        e->node->has_bias, "activation", activation_of(e->node));
    if (depthwise) {
        json_object_set_new(
            config, "depth_multiplier",
            json_integer(e->node->view.c / source(e, 0)->view.c));
    } else {
        json_object_set_new(config, "filters", json_integer(e->node->view.c));
    }
    PTA_TRY(add(e,
                depthwise   ? "DepthwiseConv2D"
                : rank == 2 ? "Conv1D"
                            : "Conv2D",
                "", config, &shape, t));
    memcpy(e->w->weighted[e->index], t->name, sizeof t->name);
    return PTA_OK;
}

static pta_status write_dense(const emitter *e, tensor *t)
{
    pta_shape shape = shape_of(e->node->view, 1);
    PTA_TRY(enter(e, 0, 1, t));
    PTA_TRY(
        add(e, "Dense", "",
            json_pack("{s:i, s:b, s:s}", "units", shape.dim[0], "use_bias",
                      e->node->has_bias, "activation", activation_of(e->node)),
            &shape, t));
    memcpy(e->w->weighted[e->index], t->name, sizeof t->name);
    return PTA_OK;
}

static pta_status write_pool(const emitter *e, tensor *t)
{
    const pta_window *w = &e->node->window;
    pta_view in = source(e, 0)->view;
    bool is_max = e->node->op == PTA_OP_MAXPOOL;
    bool whole = w->kh == in.h && w->kw == in.w && no_pads(w) &&
                 e->node->shape.rank == 1;
    int32_t rank = window_rank(e);
    char class_name[40];
    PTA_TRY(check_window(e));
    if (!no_pads(w) && !same_pads(w, in)) {
        return refuse(e, "pooling padded on some sides only (a band of rows); "
                         "cut elsewhere");
    }
    PTA_TRY(enter(e, 0, rank, t));
    if (whole) {
        pta_shape flat = shape_of(e->node->view, 1);
        snprintf(class_name, sizeof class_name, "Global%sPooling2D",
                 is_max ? "Max" : "Average");
        return add(e, class_name, "", json_object(), &flat, t);
    }
    pta_shape shape = shape_of(e->node->view, rank);
    snprintf(class_name, sizeof class_name, "%sPooling%dD",
             is_max ? "Max" : "Average", (int)rank - 1);
    return add(e, class_name, "",
               json_pack("{s:o, s:o, s:s, s:s}", "pool_size",
                         pair(rank, w->kh, w->kw), "strides",
                         pair(rank, w->stride_h, w->stride_w), "padding",
                         no_pads(w) ? "valid" : "same", "data_format",
                         "channels_last"),
               &shape, t);
}

/* ---- element by element ---- */

/* gamma and beta alone: mean 0, and variance + epsilon exactly 1. */
static pta_status write_norm(const emitter *e, tensor *t)
{
    int32_t rank = source(e, 0)->shape.rank;
    PTA_TRY(enter(e, 0, rank > 3 ? 3 : rank, t));
    pta_shape shape = t->shape;
    PTA_TRY(add(e, "BatchNormalization", "",
                json_pack("{s:[i], s:f, s:b, s:b}", "axis", (int)shape.rank,
                          "epsilon", 0x1p-10, "center", 1, "scale", 1),
                &shape, t));
    memcpy(e->w->weighted[e->index], t->name, sizeof t->name);
    return PTA_OK;
}

static pta_status write_activation(const emitter *e, const char *function,
                                   const char *suffix, tensor *t)
{
    pta_shape shape = t->shape;
    return add(e, "Activation", suffix,
               json_pack("{s:s}", "activation", function), &shape, t);
}

static pta_status write_relu(const emitter *e, double max, double alpha,
                             double threshold, const char *suffix, tensor *t)
{
    pta_shape shape = t->shape;
    if (threshold == 0 && alpha == 0 && isinf(max)) {
        return write_activation(e, "relu", suffix, t);
    }
    if (e->w->graph->is_plain && threshold == 0 && alpha == 0 && max == 6) {
        return write_activation(e, "relu6", suffix, t);
    }
    if (threshold == 0 && isinf(max)) {
        return add(e, "LeakyReLU", suffix, json_pack("{s:f}", "alpha", alpha),
                   &shape, t);
    }
    json_t *config = json_pack("{s:o, s:f, s:f}", "max_value",
                               isinf(max) ? json_null() : json_real(max),
                               "negative_slope", alpha, "threshold", threshold);
    return add(e, "ReLU", suffix, config, &shape, t);
}

static pta_status write_unary(const emitter *e, tensor *t)
{
    const pta_node *node = e->node;
    memcpy(t->name, e->w->names[node->in[0]], sizeof t->name);
    t->shape = source(e, 0)->shape;
    if (node->op == PTA_OP_RELU) {
        return write_relu(e, node->act_max, node->alpha, node->threshold, "",
                          t);
    }
    return write_activation(e,
                            node->op == PTA_OP_SIGMOID   ? "sigmoid"
                            : node->op == PTA_OP_TANH    ? "tanh"
                            : node->op == PTA_OP_SOFTMAX ? "softmax"
                                                         : "hard_sigmoid",
                            "", t);
}

/* ---- moving elements ---- */

static pta_status write_permute(const emitter *e, tensor *t)
{
    const int32_t *p = e->node->perm;
    pta_shape shape = shape_of(e->node->view, 3);
    PTA_TRY(enter(e, 0, 3, t));
    return add(e, "Permute", "",
               json_pack("{s:[i, i, i]}", "dims", p[0] + 1, p[1] + 1, p[2] + 1),
               &shape, t);
}

static pta_status write_zeropad(const emitter *e, tensor *t)
{
    int32_t rank = window_rank(e);
    PTA_TRY(enter(e, 0, rank, t));
    return zero_pad(e, rank, "", t);
}

/* ---- several inputs ---- */

static int32_t common_rank(const emitter *e)
{
    int32_t rank = source(e, 0)->shape.rank;
    bool equal = rank <= 3;
    for (int32_t k = 0; k < e->node->n_in; k++) {
        pta_shape own = shape_of(source(e, k)->view, rank);
        equal = equal && pta_shape_equal(&source(e, k)->shape, &own);
    }
    return equal ? rank : 3;
}

static pta_status write_merge(const emitter *e, tensor *t)
{
    static const char *const classes[] = {"Add",     "Subtract", "Multiply",
                                          "Average", "Maximum",  "Concatenate"};
    bool is_concat = e->node->op == PTA_OP_CONCAT;
    int32_t rank = common_rank(e), axis = e->node->axis;
    if (is_concat && rank < 3 && (axis == 1 || (rank == 1 && axis == 0))) {
        rank = 3;
    }
    char(*in)[PTA_LAYER_NAME];
    PTA_TRY_ALLOC(e->w->ctx, in, e->node->n_in);
    pta_status status = PTA_OK;
    for (int32_t k = 0; k < e->node->n_in && status == PTA_OK; k++) {
        status = enter(e, k, rank, t);
        memcpy(in[k], t->name, sizeof in[k]);
    }
    axis = rank == 3 ? axis + 1 : axis == 2 ? rank : 1;
    t->shape = shape_of(e->node->view, rank);
    json_t *config =
        is_concat ? json_pack("{s:i}", "axis", (int)axis) : json_object();
    if (status == PTA_OK) {
        status =
            pta_write_layer(e->w, classes[e->node->op - PTA_OP_ADD],
                            e->node->name, e->node->n_in, in, config, t->name);
    } else {
        json_decref(config);
    }
    pta_free(e->w->ctx, in);
    return status;
}

/* ---- a node ---- */

static pta_status write_input(const emitter *e, tensor *t)
{
    json_t *shape = dims(&e->node->shape);
    json_array_insert_new(shape, 0, json_null());
    t->shape = e->node->shape;
    return pta_write_layer(e->w, "InputLayer", e->node->name, 0, NULL,
                           json_pack("{s:o, s:b, s:b}", "batch_input_shape",
                                     shape, "sparse", 0, "ragged", 0),
                           t->name);
}

static pta_status write_op(const emitter *e, tensor *t)
{
    switch (e->node->op) {
    case PTA_OP_INPUT:
        return write_input(e, t);
    case PTA_OP_DENSE:
        return write_dense(e, t);
    case PTA_OP_CONV:
    case PTA_OP_DWCONV:
        return write_conv(e, t);
    case PTA_OP_SCALE_SHIFT:
        return write_norm(e, t);
    case PTA_OP_MAXPOOL:
    case PTA_OP_AVGPOOL:
        return write_pool(e, t);
    case PTA_OP_RELU:
    case PTA_OP_SIGMOID:
    case PTA_OP_TANH:
    case PTA_OP_HARD_SIGMOID:
    case PTA_OP_SOFTMAX:
        return write_unary(e, t);
    case PTA_OP_RESHAPE: /* the change of shape behind every node does it */
        memcpy(t->name, e->w->names[e->node->in[0]], sizeof t->name);
        t->shape = source(e, 0)->shape;
        return PTA_OK;
    case PTA_OP_PERMUTE:
        return write_permute(e, t);
    case PTA_OP_ZEROPAD:
        return write_zeropad(e, t);
    case PTA_OP_ADD:
    case PTA_OP_SUB:
    case PTA_OP_MUL:
    case PTA_OP_AVERAGE:
    case PTA_OP_MAXIMUM:
    case PTA_OP_CONCAT:
        return write_merge(e, t);
    case PTA_OP_COUNT:
    default:
        return refuse(e, pta_op_name(e->node->op));
    }
}

/* What the layer itself does not say of the node's activation. */
static pta_status write_rest(const emitter *e, tensor *t)
{
    bool said = e->node->act == PTA_ACT_RELU &&
                (e->node->op == PTA_OP_DENSE || e->node->op == PTA_OP_CONV ||
                 e->node->op == PTA_OP_DWCONV);
    if (e->node->act == PTA_ACT_NONE || said) {
        return PTA_OK;
    }
    return write_relu(
        e, e->node->act == PTA_ACT_RELU ? HUGE_VAL : e->node->act_max, 0, 0,
        "_relu", t);
}

pta_status pta_write_node(pta_writer *w, int32_t node)
{
    emitter e = {.w = w, .node = &w->graph->nodes[node], .index = node};
    tensor t = {.name = ""};
    w->node = node;
    PTA_TRY(write_op(&e, &t));
    PTA_TRY(write_rest(&e, &t));
    PTA_TRY(reshape(&e, &e.node->shape, &t));
    memcpy(w->names[node], t.name, sizeof t.name);
    return PTA_OK;
}
