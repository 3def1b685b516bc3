/*
 * Emits Dense, convolutions and poolings: layers with a window or a kernel.
 * A 1-D layer is a 2-D layer of width 1.
 */
#include <string.h>

#include "model/model_priv.h"

/* Axes of the window, from the class name's end: "Conv1D", "Conv2D". */
static int32_t window_axes(const pta_call *call)
{
    return strstr(call->class_name, "1D") != NULL ? 1 : 2;
}

/* Pads for "valid", "same" or "causal". */
static pta_status set_pads(pta_reader *r, const pta_call *call, pta_view in,
                           pta_window *w)
{
    const char *padding =
        json_string_value(json_object_get(call->config, "padding"));
    padding = padding == NULL ? "valid" : padding;
    if (strcmp(padding, "same") == 0) {
        pta_window_same(w, in.h, in.w);
    } else if (strcmp(padding, "causal") == 0 &&
               strcmp(call->class_name, "Conv1D") == 0) {
        w->pad_t = (w->kh - 1) * w->dilation_h;
    } else if (strcmp(padding, "valid") != 0) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "padding \"%s\" is not supported", padding);
    }
    return PTA_OK;
}

/* Shape of what a window makes of `in`, with c channels. */
static pta_status set_shape(pta_reader *r, const pta_call *call, pta_view in,
                            int32_t c, pta_node *node)
{
    const pta_window *w = &node->window;
    int64_t h = pta_window_out(in.h, w->kh, w->stride_h, w->dilation_h,
                               w->pad_t + w->pad_b);
    int64_t width = pta_window_out(in.w, w->kw, w->stride_w, w->dilation_w,
                                   w->pad_l + w->pad_r);
    if (h < 1 || width < 1) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "its window is larger than its input");
    }
    int32_t two[] = {(int32_t)h, c}, three[] = {(int32_t)h, (int32_t)width, c};
    return window_axes(call) == 1 ? pta_call_shape(r, call, 2, two, node)
                                  : pta_call_shape(r, call, 3, three, node);
}

/* Kernel size, strides, dilation, padding of a convolution. */
static pta_status conv_window(pta_reader *r, const pta_call *call, pta_view in,
                              pta_window *w)
{
    static const int32_t ones[2] = {1, 1};
    int32_t axes = window_axes(call), size[2], stride[2], dilation[2];
    if (!json_is_integer(json_object_get(call->config, "kernel_size")) &&
        !json_is_array(json_object_get(call->config, "kernel_size"))) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT, "kernel_size is missing");
    }
    PTA_TRY(pta_call_pair(r, call, "kernel_size", axes, ones, size));
    PTA_TRY(pta_call_pair(r, call, "strides", axes, ones, stride));
    PTA_TRY(pta_call_pair(r, call, "dilation_rate", axes, ones, dilation));
    *w = (pta_window){size[0],     size[1], stride[0], stride[1], dilation[0],
                      dilation[1], 0,       0,         0,         0};
    const json_t *groups = json_object_get(call->config, "groups");
    if (json_is_integer(groups) && json_integer_value(groups) != 1) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "groups = %d is not supported",
                             (int)json_integer_value(groups));
    }
    return set_pads(r, call, in, w);
}

/* Adds a weighted node with its bias (unless `bare`). */
static pta_status add_weighted(pta_reader *r, const pta_call *call,
                               const pta_stored *kernel, bool bare,
                               pta_node *node, int32_t *index)
{
    pta_source source = {.layer = call->layer, .kernel = kernel};
    node->has_bias = !bare && pta_call_bool(call, "use_bias", true);
    if (node->has_bias) {
        PTA_TRY(
            pta_call_weight(r, call, "bias", 1, &node->view.c, &source.bias));
    }
    PTA_TRY(pta_source_key(r, &source, &node->weights));
    return pta_call_add(r, call, node, index);
}

pta_status pta_emit_dense(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in;
    int32_t units;
    const pta_stored *kernel;
    PTA_TRY(pta_call_input(r, call, 1, 3, &in));
    PTA_TRY(pta_call_int(r, call, "units", 1, INT32_MAX, &units));
    bool vector = in.shape.rank == 1;
    pta_node node = pta_node_make(vector ? PTA_OP_DENSE : PTA_OP_CONV);
    pta_shape shape = in.shape;
    shape.dim[shape.rank - 1] = units;
    PTA_TRY(pta_call_shape(r, call, shape.rank, shape.dim, &node));
    int32_t dim[] = {in.view.c, units};
    PTA_TRY(pta_call_weight(r, call, "kernel", 2, dim, &kernel));
    PTA_TRY(add_weighted(r, call, kernel, false, &node, index));
    return pta_activation_apply(r, call, index);
}

pta_status pta_emit_conv(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in, node = pta_node_make(PTA_OP_CONV);
    int32_t filters, axes = window_axes(call);
    const pta_stored *kernel;
    PTA_TRY(pta_call_input(r, call, axes + 1, axes + 1, &in));
    PTA_TRY(pta_call_int(r, call, "filters", 1, INT32_MAX, &filters));
    PTA_TRY(conv_window(r, call, in.view, &node.window));
    PTA_TRY(set_shape(r, call, in.view, filters, &node));
    int32_t one[] = {node.window.kh, in.view.c, filters};
    int32_t two[] = {node.window.kh, node.window.kw, in.view.c, filters};
    PTA_TRY(pta_call_weight(r, call, "kernel", axes + 2, axes == 1 ? one : two,
                            &kernel));
    PTA_TRY(add_weighted(r, call, kernel, false, &node, index));
    return pta_activation_apply(r, call, index);
}

/* The depthwise part, alone or of a SeparableConv2D. */
static pta_status depthwise(pta_reader *r, const pta_call *call, bool bare,
                            char *name, int32_t *index)
{
    pta_node in, node = pta_node_make(PTA_OP_DWCONV);
    int32_t multiplier;
    const pta_stored *kernel;
    PTA_TRY(pta_call_input(r, call, 3, 3, &in));
    PTA_TRY(pta_call_int(r, call, "depth_multiplier", 1, INT32_MAX / in.view.c,
                         &multiplier));
    PTA_TRY(conv_window(r, call, in.view, &node.window));
    PTA_TRY(set_shape(r, call, in.view, in.view.c * multiplier, &node));
    int32_t dim[] = {node.window.kh, node.window.kw, in.view.c, multiplier};
    PTA_TRY(pta_call_weight(r, call, "depthwise_kernel", 4, dim, &kernel));
    node.name = name;
    return add_weighted(r, call, kernel, bare, &node, index);
}

pta_status pta_emit_depthwise(pta_reader *r, const pta_call *call,
                              int32_t *index)
{
    PTA_TRY(depthwise(r, call, false, NULL, index));
    return pta_activation_apply(r, call, index);
}

pta_status pta_emit_separable(pta_reader *r, const pta_call *call,
                              int32_t *index)
{
    int32_t first, filters;
    const pta_stored *kernel;
    char *name = pta_pool_print(r->ctx, &r->pool, "%s/depthwise", call->name);
    if (name == NULL) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY(depthwise(r, call, true, name, &first));
    PTA_TRY(pta_call_int(r, call, "filters", 1, INT32_MAX, &filters));
    pta_node node = pta_node_make(PTA_OP_CONV);
    pta_shape shape = r->graph->nodes[first].shape;
    int32_t dim[] = {1, 1, shape.dim[2], filters};
    shape.dim[2] = filters;
    PTA_TRY(pta_call_shape(r, call, 3, shape.dim, &node));
    PTA_TRY(pta_call_weight(r, call, "pointwise_kernel", 4, dim, &kernel));
    node.n_in = 1;
    node.in = &first;
    PTA_TRY(add_weighted(r, call, kernel, false, &node, index));
    return pta_activation_apply(r, call, index);
}

/* MaxPooling or AveragePooling, by the class name. */
static pta_op pool_op(const pta_call *call)
{
    return strstr(call->class_name, "Max") != NULL ? PTA_OP_MAXPOOL
                                                   : PTA_OP_AVGPOOL;
}

pta_status pta_emit_pool(pta_reader *r, const pta_call *call, int32_t *index)
{
    static const int32_t two[2] = {2, 2}, two_one[2] = {2, 1};
    pta_node in, node = pta_node_make(pool_op(call));
    int32_t axes = window_axes(call), size[2], stride[2];
    PTA_TRY(pta_call_input(r, call, axes + 1, axes + 1, &in));
    PTA_TRY(pta_call_pair(r, call, "pool_size", axes, axes == 1 ? two_one : two,
                          size));
    PTA_TRY(pta_call_pair(r, call, "strides", axes, size, stride));
    node.window =
        (pta_window){size[0], size[1], stride[0], stride[1], 1, 1, 0, 0, 0, 0};
    PTA_TRY(set_pads(r, call, in.view, &node.window));
    PTA_TRY(set_shape(r, call, in.view, in.view.c, &node));
    return pta_call_add(r, call, &node, index);
}

pta_status pta_emit_global_pool(pta_reader *r, const pta_call *call,
                                int32_t *index)
{
    pta_node in, node = pta_node_make(pool_op(call));
    int32_t axes = window_axes(call);
    PTA_TRY(pta_call_input(r, call, axes + 1, axes + 1, &in));
    node.window.kh = in.view.h;
    node.window.kw = in.view.w;
    int32_t dim[] = {1, 1, in.view.c};
    int32_t rank = pta_call_bool(call, "keepdims", false) ? axes + 1 : 1;
    PTA_TRY(pta_call_shape(r, call, rank, dim + 3 - rank, &node));
    return pta_call_add(r, call, &node, index);
}
