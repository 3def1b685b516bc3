/* Emits layers that move or combine tensors: Flatten, Reshape, Permute,
 * ZeroPadding, and the merging layers. */
#include <string.h>

#include "model/model_priv.h"

/* A RESHAPE to `shape`, or nothing when that is the input's shape already. */
static pta_status reshape_to(pta_reader *r, const pta_call *call,
                             const pta_shape *shape, int32_t *index)
{
    pta_node node = pta_node_make(PTA_OP_RESHAPE);
    const pta_shape *in = &r->graph->nodes[call->in[0]].shape;
    PTA_TRY(pta_call_shape(r, call, shape->rank, shape->dim, &node));
    if (pta_shape_count(in) != pta_shape_count(&node.shape)) {
        char from[PTA_SHAPE_TEXT], to[PTA_SHAPE_TEXT];
        pta_shape_print(in, from);
        pta_shape_print(&node.shape, to);
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "%s cannot be reshaped to %s", from, to);
    }
    if (pta_shape_equal(in, &node.shape)) {
        *index = call->in[0];
        return PTA_OK;
    }
    return pta_call_add(r, call, &node, index);
}

pta_status pta_emit_flatten(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in;
    PTA_TRY(pta_call_input(r, call, 1, PTA_MAX_DIMS, &in));
    pta_shape flat = {.rank = 1, .dim = {(int32_t)pta_shape_count(&in.shape)}};
    return reshape_to(r, call, &flat, index);
}

pta_status pta_emit_reshape(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in;
    json_t *target = json_object_get(call->config, "target_shape");
    size_t n = json_array_size(target);
    PTA_TRY(pta_call_input(r, call, 1, PTA_MAX_DIMS, &in));
    if (n < 1 || n > PTA_MAX_DIMS) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "target_shape must have 1 to %d axes",
                             PTA_MAX_DIMS);
    }
    pta_shape shape = {.rank = (int32_t)n};
    int64_t known = 1, count = pta_shape_count(&in.shape);
    int32_t open = -1;
    for (int32_t i = 0; i < shape.rank; i++) {
        json_int_t dim = json_integer_value(json_array_get(target, (size_t)i));
        if (dim == -1 && open < 0) {
            open = i;
        } else if (dim < 1 || dim > count) {
            return pta_call_fail(r, call, PTA_ERR_FORMAT,
                                 "target_shape does not fit its input");
        } else if (known <= count) { /* beyond, it cannot fit any more */
            known *= dim;
        }
        shape.dim[i] = (int32_t)dim;
    }
    if (open >= 0) {
        shape.dim[open] = (int32_t)(count / known);
    }
    return reshape_to(r, call, &shape, index);
}

/* dims counts from 1; the view of [steps, c] has its axes at 0 and 2. */
pta_status pta_emit_permute(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in, node = pta_node_make(PTA_OP_PERMUTE);
    const json_t *dims = json_object_get(call->config, "dims");
    PTA_TRY(pta_call_input(r, call, 1, 3, &in));
    int32_t rank = in.shape.rank, dim[3], seen = 0;
    static const int32_t view_axis[4][3] = {{0}, {2}, {0, 2}, {0, 1, 2}};
    bool moves = false;
    for (int32_t i = 0; i < rank; i++) {
        json_int_t from = json_integer_value(json_array_get(dims, (size_t)i));
        if (json_array_size(dims) != (size_t)rank || from < 1 || from > rank ||
            (seen & 1 << from) != 0) {
            return pta_call_fail(r, call, PTA_ERR_FORMAT,
                                 "dims must be a permutation of 1 to %d", rank);
        }
        seen |= 1 << from;
        moves = moves || from != i + 1;
        dim[i] = in.shape.dim[from - 1];
        node.perm[view_axis[rank][i]] = view_axis[rank][from - 1];
    }
    if (!moves) {
        *index = call->in[0];
        return PTA_OK;
    }
    PTA_TRY(pta_call_shape(r, call, rank, dim, &node));
    return pta_call_add(r, call, &node, index);
}

/* One axis of padding: n, or [before, after]. */
static pta_status pad_pair(pta_reader *r, const pta_call *call,
                           const json_t *value, int32_t *before, int32_t *after)
{
    const json_t *first = value, *second = value;
    if (json_array_size(value) == 2) {
        first = json_array_get(value, 0);
        second = json_array_get(value, 1);
    }
    json_int_t a = json_integer_value(first), b = json_integer_value(second);
    if (!json_is_integer(first) || !json_is_integer(second) || a < 0 || b < 0 ||
        a > 32767 || b > 32767) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "padding must be integers from 0 to 32767");
    }
    *before = (int32_t)a;
    *after = (int32_t)b;
    return PTA_OK;
}

/* In 1-D padding is n or [left, right]; in 2-D n or a pair, one per axis, each
 * again n or a pair. */
pta_status pta_emit_zeropad(pta_reader *r, const pta_call *call, int32_t *index)
{
    pta_node in, node = pta_node_make(PTA_OP_ZEROPAD);
    const json_t *padding = json_object_get(call->config, "padding");
    pta_window *w = &node.window;
    bool flat = strcmp(call->class_name, "ZeroPadding1D") == 0;
    PTA_TRY(pta_call_input(r, call, flat ? 2 : 3, flat ? 2 : 3, &in));
    const json_t *rows = padding, *columns = padding;
    if (!flat && json_array_size(padding) == 2) {
        rows = json_array_get(padding, 0);
        columns = json_array_get(padding, 1);
    }
    PTA_TRY(pad_pair(r, call, rows, &w->pad_t, &w->pad_b));
    if (!flat) {
        PTA_TRY(pad_pair(r, call, columns, &w->pad_l, &w->pad_r));
    }
    pta_shape shape = in.shape;
    int64_t h = (int64_t)shape.dim[0] + w->pad_t + w->pad_b;
    int64_t width = flat ? 1 : (int64_t)shape.dim[1] + w->pad_l + w->pad_r;
    if (h > INT32_MAX || width > INT32_MAX) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED, "too large");
    }
    shape.dim[0] = (int32_t)h;
    if (!flat) {
        shape.dim[1] = (int32_t)width;
    }
    PTA_TRY(pta_call_shape(r, call, shape.rank, shape.dim, &node));
    return pta_call_add(r, call, &node, index);
}

/* ---- merging ---- */

/* All inputs equal in shape, but for axis `free` (-1: none). */
static pta_status same_shapes(pta_reader *r, const pta_call *call, int32_t free)
{
    if (call->n_in < 2) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT,
                             "it takes two or more inputs");
    }
    const pta_shape *first = &r->graph->nodes[call->in[0]].shape;
    for (int32_t i = 1; i < call->n_in; i++) {
        const pta_shape *other = &r->graph->nodes[call->in[i]].shape;
        pta_shape masked = *other;
        if (free >= 0 && masked.rank == first->rank) {
            masked.dim[free] = first->dim[free];
        }
        if (!pta_shape_equal(first, &masked)) {
            char a[PTA_SHAPE_TEXT], b[PTA_SHAPE_TEXT];
            pta_shape_print(first, a);
            pta_shape_print(other, b);
            return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                                 "its inputs have shapes %s and %s; "
                                 "broadcasting is not supported",
                                 a, b);
        }
    }
    return PTA_OK;
}

pta_status pta_emit_merge(pta_reader *r, const pta_call *call, int32_t *index)
{
    PTA_TRY(same_shapes(r, call, -1));
    pta_op op = (pta_op)pta_class_find(call->class_name)->variant;
    if (op == PTA_OP_SUB && call->n_in != 2) {
        return pta_call_fail(r, call, PTA_ERR_FORMAT, "it takes two inputs");
    }
    pta_node node = pta_node_make(op);
    node.shape = r->graph->nodes[call->in[0]].shape;
    node.view = r->graph->nodes[call->in[0]].view;
    return pta_call_add(r, call, &node, index);
}

pta_status pta_emit_concat(pta_reader *r, const pta_call *call, int32_t *index)
{
    static const int32_t view_axis[4][3] = {{0}, {2}, {0, 2}, {0, 1, 2}};
    pta_node node = pta_node_make(PTA_OP_CONCAT);
    const json_t *json = json_object_get(call->config, "axis");
    json_int_t axis = json_is_integer(json) ? json_integer_value(json) : -1;
    if (call->n_in < 1) {
        return same_shapes(r, call, -1);
    }
    pta_shape shape = r->graph->nodes[call->in[0]].shape;
    axis = axis < 0 ? axis + shape.rank + 1 : axis; /* counts the batch */
    if (shape.rank > 3 || axis < 1 || axis > shape.rank) {
        return pta_call_fail(r, call, PTA_ERR_UNSUPPORTED,
                             "concatenation over this axis is not supported");
    }
    int32_t at = (int32_t)axis - 1;
    PTA_TRY(same_shapes(r, call, at));
    int64_t sum = 0;
    for (int32_t i = 0; i < call->n_in; i++) {
        sum += r->graph->nodes[call->in[i]].shape.dim[at];
    }
    shape.dim[at] = sum > INT32_MAX ? 0 : (int32_t)sum;
    node.axis = view_axis[shape.rank][at];
    PTA_TRY(pta_call_shape(r, call, shape.rank, shape.dim, &node));
    return pta_call_add(r, call, &node, index);
}
