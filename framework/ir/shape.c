/* Shapes, views and windows: the arithmetic of shape inference (build.h). */
#include <stdio.h>
#include <string.h>

#include "ir/build.h"

void pta_shape_print(const pta_shape *shape, char text[PTA_SHAPE_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < shape->rank && used < PTA_SHAPE_TEXT; i++) {
        int n = snprintf(text + used, PTA_SHAPE_TEXT - used, "%s%d",
                         i == 0 ? "[" : ", ", shape->dim[i]);
        used += (size_t)n;
    }
    if (used + 1 < PTA_SHAPE_TEXT) {
        strcpy(text + used, shape->rank == 0 ? "[]" : "]");
    }
}

bool pta_shape_equal(const pta_shape *a, const pta_shape *b)
{
    bool equal = a->rank == b->rank;
    for (int32_t i = 0; equal && i < a->rank; i++) {
        equal = a->dim[i] == b->dim[i];
    }
    return equal;
}

int64_t pta_shape_count(const pta_shape *shape)
{
    int64_t count = 1;
    for (int32_t i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 1 || count > INT32_MAX / shape->dim[i]) {
            return -1;
        }
        count *= shape->dim[i];
    }
    return count;
}

pta_view pta_shape_view(const pta_shape *shape)
{
    const int32_t *dim = shape->dim;
    int32_t rank = shape->rank;
    if (rank <= 1) {
        return (pta_view){1, 1, rank == 1 ? dim[0] : 1};
    }
    if (rank == 2) {
        return (pta_view){dim[0], 1, dim[1]};
    }
    pta_view view = {1, dim[rank - 2], dim[rank - 1]};
    for (int32_t i = 0; i < rank - 2; i++) {
        view.h *= dim[i];
    }
    return view;
}

int64_t pta_window_out(int32_t n, int32_t kernel, int32_t stride,
                       int32_t dilation, int32_t pads)
{
    int64_t reach = (int64_t)(kernel - 1) * dilation + 1;
    int64_t room = (int64_t)n + pads - reach;
    return room < 0 ? 0 : room / stride + 1;
}

/* TensorFlow's rule: as many outputs as strides fit, odd excess at the end. */
static void same_pads(int32_t n, int32_t kernel, int32_t stride,
                      int32_t dilation, int32_t *before, int32_t *after)
{
    int64_t out = ((int64_t)n + stride - 1) / stride;
    int64_t reach = (int64_t)(kernel - 1) * dilation + 1;
    int64_t total = (out - 1) * stride + reach - n;
    total = total < 0 ? 0 : total;
    *before = (int32_t)(total / 2);
    *after = (int32_t)(total - total / 2);
}

void pta_window_same(pta_window *w, int32_t height, int32_t width)
{
    same_pads(height, w->kh, w->stride_h, w->dilation_h, &w->pad_t, &w->pad_b);
    same_pads(width, w->kw, w->stride_w, w->dilation_w, &w->pad_l, &w->pad_r);
}
