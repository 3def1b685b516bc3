/*
 * Helpers of the emitters: reading a layer's config, checking its inputs and
 * weights, adding its nodes. Every failure names the layer.
 */
#include <stdio.h>
#include <string.h>

#include "model/model_priv.h"

pta_status pta_call_fail(pta_reader *r, const pta_call *call, pta_status status,
                         const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return pta_fail(r->ctx, status, "layer \"%s\": %s", call->name, text);
}

/* ---- config ---- */

pta_status pta_call_int(pta_reader *r, const pta_call *call, const char *key,
                        int32_t lo, int32_t hi, int32_t *out)
{
    const json_t *value = json_object_get(call->config, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < lo || number > hi) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "%s must be an integer from %d to %d", key, lo,
                             hi);
    }
    *out = (int32_t)number;
    return PTA_OK;
}

bool pta_call_bool(const pta_call *call, const char *key, bool absent)
{
    const json_t *value = json_object_get(call->config, key);
    return json_is_boolean(value) ? json_is_true(value) : absent;
}

pta_status pta_call_number(pta_reader *r, const pta_call *call, const char *key,
                           double absent, double *out)
{
    const json_t *value = json_object_get(call->config, key);
    if (value == NULL || json_is_null(value)) {
        *out = absent;
        return PTA_OK;
    }
    if (!json_is_number(value)) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT, "%s must be a number",
                             key);
    }
    *out = json_number_value(value);
    return PTA_OK;
}

pta_status pta_call_pair(pta_reader *r, const pta_call *call, const char *key,
                         int32_t axes, const int32_t absent[2], int32_t out[2])
{
    const json_t *value = json_object_get(call->config, key);
    if (value == NULL || json_is_null(value)) {
        memcpy(out, absent, 2 * sizeof *out);
        return PTA_OK;
    }
    out[1] = 1;
    for (int32_t i = 0; i < axes; i++) {
        const json_t *item =
            json_is_array(value) ? json_array_get(value, (size_t)i) : value;
        json_int_t number = json_integer_value(item);
        bool counted =
            !json_is_array(value) || json_array_size(value) == (size_t)axes;
        if (!counted || !json_is_integer(item) || number < 1 ||
            number > 32767) {
            return pta_call_fail(r, call, PTA_ERR_FORMAT,
                                 "%s must be %d integers from 1 to 32767", key,
                                 axes);
        }
        out[i] = (int32_t)number;
    }
    return PTA_OK;
}

/* ---- inputs, weights, nodes ---- */

pta_status pta_call_input(pta_reader *r, const pta_call *call, int32_t lo,
                          int32_t hi, pta_node *out)
{
    char text[PTA_SHAPE_TEXT];
    if (call->n_in != 1) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "it takes one input, but is called with %d",
                             call->n_in);
    }
    const pta_node *in = &r->graph->nodes[call->in[0]];
    if (in->shape.rank < lo || in->shape.rank > hi) {
        pta_shape_print(&in->shape, text);
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "its input has shape %s; %d to %d axes are "
                             "supported",
                             text, lo, hi);
    }
    *out = *in;
    return PTA_OK;
}

pta_status pta_call_weight(pta_reader *r, const pta_call *call,
                           const char *role, int32_t rank, const int32_t *dim,
                           const pta_stored **out)
{
    const pta_slot *slot = pta_slot_find(r, call->layer, role);
    if (slot == NULL) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT, "it has no %s", role);
    }
    const pta_stored *stored = slot->stored;
    if (strcmp(stored->dtype, "float32") != 0) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "dataset %s holds %s; only float32 is supported",
                             stored->dataset, stored->dtype);
    }
    pta_shape expected = {.rank = rank};
    memcpy(expected.dim, dim, (size_t)rank * sizeof *dim);
    if (!pta_shape_equal(&expected, &stored->shape)) {
        char found[PTA_SHAPE_TEXT], wanted[PTA_SHAPE_TEXT];
        pta_shape_print(&stored->shape, found);
        pta_shape_print(&expected, wanted);
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "dataset %s has shape %s, expected %s",
                             stored->dataset, found, wanted);
    }
    *out = stored;
    return PTA_OK;
}

pta_status pta_call_shape(pta_reader *r, const pta_call *call, int32_t rank,
                          const int32_t *dim, pta_node *node)
{
    PTA_ASSERT(rank <= PTA_MAX_DIMS);
    node->shape = (pta_shape){.rank = rank};
    memcpy(node->shape.dim, dim, (size_t)rank * sizeof *dim);
    if (pta_shape_count(&node->shape) < 0) {
        char text[PTA_SHAPE_TEXT];
        pta_shape_print(&node->shape, text);
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "its output has shape %s; every dimension must be "
                             "1 or more and the product below 2^31",
                             text);
    }
    node->view = pta_shape_view(&node->shape);
    return PTA_OK;
}

pta_status pta_call_add(pta_reader *r, const pta_call *call, pta_node *node,
                        int32_t *index)
{
    pta_node named = *node;
    int32_t *copy = NULL;
    if (named.name == NULL) {
        named.name = (char *)(uintptr_t)call->name; /* copied by graph_add */
    }
    if (named.in == NULL && call->n_in > 0) {
        PTA_TRY_POOL(r->ctx, &r->pool, copy, call->n_in);
        memcpy(copy, call->in, (size_t)call->n_in * sizeof *copy);
        named.in = copy;
        named.n_in = call->n_in;
    }
    return pta_graph_add(r->ctx, r->graph, &named, index);
}
