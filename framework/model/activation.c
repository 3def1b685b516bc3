/*
 * Activations: as layers (Activation, ReLU, LeakyReLU, Softmax), as text in
 * another layer ("relu"), and as a layer inside another layer's config.
 */
#include <math.h>
#include <string.h>

#include "model/model_priv.h"

/* What an activation computes; op PTA_OP_COUNT is the identity. */
typedef struct function {
    pta_op op;
    double act_max, alpha, threshold; /* RELU */
    const char *name;                 /* of the node: LAYER/NAME */
} function;

static const function functions[] = {
    {PTA_OP_COUNT, HUGE_VAL, 0, 0, "linear"},
    {PTA_OP_RELU, HUGE_VAL, 0, 0, "relu"},
    {PTA_OP_RELU, 6, 0, 0, "relu6"},
    /* Keras' slope for the function; the layer's own is in its config. */
    {PTA_OP_RELU, HUGE_VAL, 0.2, 0, "leaky_relu"},
    {PTA_OP_SOFTMAX, HUGE_VAL, 0, 0, "softmax"},
    {PTA_OP_SIGMOID, HUGE_VAL, 0, 0, "sigmoid"},
    {PTA_OP_TANH, HUGE_VAL, 0, 0, "tanh"},
    {PTA_OP_HARD_SIGMOID, HUGE_VAL, 0, 0, "hard_sigmoid"},
};

static pta_status by_name(pta_reader *r, const pta_call *call, const char *name,
                          function *out)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            *out = functions[i];
            return PTA_OK;
        }
    }
    return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                         "activation \"%s\" is not supported (linear, relu, "
                         "relu6, leaky_relu, softmax, sigmoid, tanh, "
                         "hard_sigmoid are)",
                         name);
}

static pta_status relu_layer(pta_reader *r, const pta_call *call, function *out)
{
    *out = (function){.op = PTA_OP_RELU, .name = "relu"};
    PTA_TRY(pta_call_number(r, call, "max_value", HUGE_VAL, &out->act_max));
    PTA_TRY(pta_call_number(r, call, "negative_slope", 0, &out->alpha));
    PTA_TRY(pta_call_number(r, call, "threshold", 0, &out->threshold));
    if (r->form == PTA_FORM_PLAIN &&
        (isfinite(out->act_max) || out->alpha != 0 || out->threshold != 0)) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "hls4ml computes a plain ReLU whatever max_value, "
                             "negative_slope and threshold; use relu6 or "
                             "LeakyReLU");
    }
    return PTA_OK;
}

/* Keras 2 calls the slope alpha, Keras 3 negative_slope. */
static pta_status leaky_layer(pta_reader *r, const pta_call *call,
                              function *out)
{
    *out = (function){PTA_OP_RELU, HUGE_VAL, 0, 0, "leaky_relu"};
    PTA_TRY(pta_call_number(r, call, "alpha", 0.3, &out->alpha));
    return pta_call_number(r, call, "negative_slope", out->alpha, &out->alpha);
}

/* Only the last axis; an index counts the batch axis. */
static pta_status softmax_layer(pta_reader *r, const pta_call *call,
                                function *out)
{
    const json_t *axis = json_object_get(call->config, "axis");
    if (json_is_array(axis) && json_array_size(axis) == 1) {
        axis = json_array_get(axis, 0);
    }
    int32_t rank = r->graph->nodes[call->in[0]].shape.rank;
    if (axis != NULL && json_integer_value(axis) != -1 &&
        json_integer_value(axis) != rank) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "softmax over another axis than the last is not "
                             "supported");
    }
    *out = (function){PTA_OP_SOFTMAX, HUGE_VAL, 0, 0, "softmax"};
    return PTA_OK;
}

static pta_status by_text(pta_reader *r, const pta_call *call,
                          const json_t *text, function *out)
{
    if (text == NULL || json_is_null(text)) {
        *out = functions[0];
        return PTA_OK;
    }
    if (json_is_string(text)) {
        return by_name(r, call, json_string_value(text), out);
    }
    return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                         "its activation is not one of Keras' own");
}

static pta_status by_class(pta_reader *r, const pta_call *call, function *out)
{
    if (strcmp(call->class_name, "ReLU") == 0) {
        return relu_layer(r, call, out);
    }
    if (strcmp(call->class_name, "LeakyReLU") == 0) {
        return leaky_layer(r, call, out);
    }
    if (strcmp(call->class_name, "Softmax") == 0) {
        return softmax_layer(r, call, out);
    }
    return by_text(r, call, json_object_get(call->config, "activation"), out);
}

/* config.activation of a layer: text, or {"class_name", "config"} of a layer
 * or, with text as config, of a function. */
static pta_status of_config(pta_reader *r, const pta_call *call, function *out)
{
    const json_t *value = json_object_get(call->config, "activation");
    const json_t *config = json_object_get(value, "config");
    if (!json_is_object(value) || json_is_string(config)) {
        return by_text(r, call, config != NULL ? config : value, out);
    }
    const char *class_name =
        json_string_value(json_object_get(value, "class_name"));
    pta_call inner = *call;
    inner.config = config;
    inner.class_name = class_name == NULL ? "?" : class_name;
    const pta_class *class = pta_class_find(inner.class_name);
    if (class == NULL || class->emit != pta_emit_activation) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "activation %s is not supported",
                             inner.class_name);
    }
    return by_class(r, &inner, out);
}

static pta_status add_function(pta_reader *r, const pta_call *call,
                               const function *f, int32_t in, char *name,
                               int32_t *index)
{
    const pta_node *from = &r->graph->nodes[in];
    pta_node node = pta_node_make(f->op);
    node.name = name;
    node.n_in = 1;
    node.in = &in;
    node.shape = from->shape;
    node.view = from->view;
    node.act_max = f->act_max;
    node.alpha = f->alpha;
    node.threshold = f->threshold;
    node.keras_major = r->structure.keras_major;
    return pta_call_add(r, call, &node, index);
}

pta_status pta_emit_activation(pta_reader *r, const pta_call *call,
                               int32_t *index)
{
    pta_node in;
    function f;
    PTA_TRY(pta_call_input(r, call, 1, PTA_MAX_DIMS, &in));
    PTA_TRY(strcmp(call->class_name, "Activation") == 0
                ? of_config(r, call, &f)
                : by_class(r, call, &f));
    if (f.op == PTA_OP_COUNT) {
        *index = call->in[0];
        return PTA_OK;
    }
    return add_function(r, call, &f, call->in[0], NULL, index);
}

pta_status pta_activation_apply(pta_reader *r, const pta_call *call,
                                int32_t *index)
{
    function f;
    PTA_TRY(of_config(r, call, &f));
    if (f.op == PTA_OP_COUNT) {
        return PTA_OK;
    }
    if (f.op == PTA_OP_RELU && f.alpha == 0 && f.threshold == 0 &&
        r->form == PTA_FORM_CANONICAL) {
        pta_node *node = &r->graph->nodes[*index];
        node->act = isinf(f.act_max) ? PTA_ACT_RELU : PTA_ACT_RELU_MAX;
        node->act_max = f.act_max;
        return PTA_OK;
    }
    char *name = pta_pool_print(r->ctx, &r->pool, "%s/%s", call->name, f.name);
    return name == NULL ? PTA_ERR_NOMEM
                        : add_function(r, call, &f, *index, name, index);
}
