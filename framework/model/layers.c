/*
 * The table of layers, what holds for all of them, and the emitters of
 * BatchNormalization, reshaping and merging layers.
 */
#include <string.h>

#include "model/model_priv.h"

/* variant: the op of merging layers. */
static const pta_class classes[] = {
    {"Dense", pta_emit_dense, {"kernel", "bias"}, 0},
    {"Conv1D", pta_emit_conv, {"kernel", "bias"}, 0},
    {"Conv2D", pta_emit_conv, {"kernel", "bias"}, 0},
    {"DepthwiseConv2D", pta_emit_depthwise, {"depthwise_kernel", "bias"}, 0},
    {"SeparableConv2D",
     pta_emit_separable,
     {"depthwise_kernel", "pointwise_kernel", "bias"},
     0},
    {"BatchNormalization",
     pta_emit_norm,
     {"gamma", "beta", "moving_mean", "moving_variance"},
     0},
    {"MaxPooling1D", pta_emit_pool, {0}, 0},
    {"MaxPooling2D", pta_emit_pool, {0}, 0},
    {"AveragePooling1D", pta_emit_pool, {0}, 0},
    {"AveragePooling2D", pta_emit_pool, {0}, 0},
    {"GlobalMaxPooling1D", pta_emit_global_pool, {0}, 0},
    {"GlobalMaxPooling2D", pta_emit_global_pool, {0}, 0},
    {"GlobalAveragePooling1D", pta_emit_global_pool, {0}, 0},
    {"GlobalAveragePooling2D", pta_emit_global_pool, {0}, 0},
    {"Activation", pta_emit_activation, {0}, 0},
    {"ReLU", pta_emit_activation, {0}, 0},
    {"LeakyReLU", pta_emit_activation, {0}, 0},
    {"Softmax", pta_emit_activation, {0}, 0},
    {"Flatten", pta_emit_flatten, {0}, 0},
    {"Reshape", pta_emit_reshape, {0}, 0},
    {"Permute", pta_emit_permute, {0}, 0},
    {"ZeroPadding1D", pta_emit_zeropad, {0}, 0},
    {"ZeroPadding2D", pta_emit_zeropad, {0}, 0},
    {"Add", pta_emit_merge, {0}, PTA_OP_ADD},
    {"Subtract", pta_emit_merge, {0}, PTA_OP_SUB},
    {"Multiply", pta_emit_merge, {0}, PTA_OP_MUL},
    {"Average", pta_emit_merge, {0}, PTA_OP_AVERAGE},
    {"Maximum", pta_emit_merge, {0}, PTA_OP_MAXIMUM},
    {"Concatenate", pta_emit_concat, {0}, 0},
    {"InputLayer", pta_emit_nothing, {0}, 0},
    {"Dropout", pta_emit_nothing, {0}, 0},
    {"SpatialDropout1D", pta_emit_nothing, {0}, 0},
    {"SpatialDropout2D", pta_emit_nothing, {0}, 0},
    {"AlphaDropout", pta_emit_nothing, {0}, 0},
    {"GaussianNoise", pta_emit_nothing, {0}, 0},
    {"GaussianDropout", pta_emit_nothing, {0}, 0},
    {"ActivityRegularization", pta_emit_nothing, {0}, 0},
};

const pta_class *pta_class_find(const char *class_name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].name, class_name) == 0) {
            return &classes[i];
        }
    }
    return NULL;
}

pta_status pta_class_refuse(pta_ctx *ctx, const char *layer,
                            const char *class_name)
{
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "layer \"%s\": %s is not supported%s", layer, class_name,
                    strcmp(class_name, "Masking") == 0 ? " (nor are masks)"
                                                       : "");
}

pta_status pta_dtype_check(pta_ctx *ctx, const char *layer,
                           const json_t *config)
{
    const json_t *dtype = json_object_get(config, "dtype");
    if (json_is_object(dtype)) { /* a policy: {"config": {"name": ...}} */
        dtype = json_object_get(json_object_get(dtype, "config"), "name");
    }
    if (dtype != NULL && !json_is_null(dtype) &&
        (!json_is_string(dtype) ||
         strcmp(json_string_value(dtype), "float32") != 0)) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer \"%s\": dtype %s is not supported, only float32",
                        layer,
                        json_is_string(dtype) ? json_string_value(dtype)
                                              : "of another kind");
    }
    return PTA_OK;
}

pta_status pta_call_emit(pta_reader *r, const pta_call *call, int32_t *node)
{
    const pta_class *class = pta_class_find(call->class_name);
    if (class == NULL) {
        return pta_class_refuse(r->ctx, call->name, call->class_name);
    }
    const char *order =
        json_string_value(json_object_get(call->config, "data_format"));
    if (order != NULL && strcmp(order, "channels_first") == 0) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "data_format channels_first is not supported");
    }
    PTA_TRY(pta_dtype_check(r->ctx, call->name, call->config));
    return class->emit(r, call, node);
}

pta_status pta_input_emit(pta_reader *r, const char *name,
                          const json_t *batch_shape, int32_t *index)
{
    pta_call call = {.class_name = "InputLayer", .name = name, .layer = name};
    pta_node node = pta_node_make(PTA_OP_INPUT);
    int32_t dim[PTA_MAX_DIMS];
    size_t n = json_array_size(batch_shape);
    if (n < 2 || n > PTA_MAX_DIMS + 1) {
        return pta_call_fail(r, &call, PTA_ERR_UNSUPPORTED,
                             "its shape is missing or has not 1 to %d axes "
                             "beside the batch (was the model built?)",
                             PTA_MAX_DIMS);
    }
    for (size_t i = 1; i < n; i++) {
        json_int_t value = json_integer_value(json_array_get(batch_shape, i));
        if (value < 1 || value > INT32_MAX) {
            return pta_call_fail(r, &call, PTA_ERR_UNSUPPORTED,
                                 "dimension %zu is not fixed; only the batch "
                                 "may vary",
                                 i);
        }
        dim[i - 1] = (int32_t)value;
    }
    PTA_TRY(pta_call_shape(r, &call, (int32_t)n - 1, dim, &node));
    return pta_call_add(r, &call, &node, index);
}

/* Dropout and the like: at inference they do nothing. */
pta_status pta_emit_nothing(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in;
    PTA_TRY(pta_call_input(r, call, 1, PTA_MAX_DIMS, &in));
    *index = call->in[0];
    return PTA_OK;
}

/* ---- BatchNormalization ---- */

static pta_status norm_axis(pta_reader *r, const pta_call *call, int32_t rank)
{
    const json_t *axis = json_object_get(call->config, "axis");
    if (json_is_array(axis) && json_array_size(axis) == 1) {
        axis = json_array_get(axis, 0);
    }
    if (axis != NULL &&
        (!json_is_integer(axis) || (json_integer_value(axis) != -1 &&
                                    json_integer_value(axis) != rank))) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "only normalization over the last axis is "
                             "supported");
    }
    return PTA_OK;
}

pta_status pta_emit_norm(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in, node = pta_node_make(PTA_OP_SCALE_SHIFT);
    PTA_TRY(pta_call_input(r, call, 1, 3, &in));
    PTA_TRY(norm_axis(r, call, in.shape.rank));
    node.shape = in.shape;
    node.view = in.view;
    pta_source source = {.layer = call->layer, .norm = call->layer};
    PTA_TRY(pta_call_number(r, call, "epsilon", 1e-3, &source.epsilon));
    const int32_t *c = &in.view.c;
    if (pta_call_bool(call, "scale", true)) {
        PTA_TRY(pta_call_weight(r, call, "gamma", 1, c, &source.gamma));
    }
    if (pta_call_bool(call, "center", true)) {
        PTA_TRY(pta_call_weight(r, call, "beta", 1, c, &source.beta));
    }
    PTA_TRY(pta_call_weight(r, call, "moving_mean", 1, c, &source.mean));
    PTA_TRY(
        pta_call_weight(r, call, "moving_variance", 1, c, &source.variance));
    PTA_TRY(pta_source_key(r, &source, &node.weights));
    return pta_call_add(r, call, &node, index);
}
