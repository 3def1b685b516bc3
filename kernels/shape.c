/* Layers that move elements. Variants: ref only, they are copies. */
#include "kernels/shape.h"

#include <string.h>

void pta_permute_ref(const pta_permute *p, const pta_batch *batch)
{
    int64_t size[3] = {p->in.h, p->in.w, p->in.c};
    int64_t step[3] = {size[1] * size[2], size[2], 1};
    int64_t a = step[p->perm[0]], b = step[p->perm[1]], c = step[p->perm[2]];
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        int64_t at = 0;
        for (int64_t i = 0; i < size[p->perm[0]]; i++) {
            for (int64_t j = 0; j < size[p->perm[1]]; j++) {
                for (int64_t k = 0; k < size[p->perm[2]]; k++) {
                    int64_t v = pta_load(x, p->type, i * a + j * b + k * c);
                    pta_store(y, p->type, at++, v);
                }
            }
        }
    }
}

/* Copies a box of `rows` rows of `row_bytes` each. */
static void copy_rows(char *to, size_t to_stride, const char *from,
                      size_t from_stride, size_t row_bytes, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        memcpy(to, from, row_bytes);
        to += to_stride;
        from += from_stride;
    }
}

void pta_pad_ref(const pta_pad *p, const pta_batch *batch)
{
    size_t cell = pta_type_bytes(p->type) * (size_t)p->in.c;
    size_t in_row = cell * (size_t)p->in.w, out_row = cell * (size_t)p->out.w;
    size_t first = (size_t)p->top * out_row + (size_t)p->left * cell;
    for (int32_t s = 0; s < batch->n; s++) {
        char *y = pta_batch_y(batch, s);
        memset(y, 0, out_row * (size_t)p->out.h);
        copy_rows(y + first, out_row, pta_batch_x(batch, 0, s), in_row, in_row,
                  p->in.h);
    }
}

void pta_crop_ref(const pta_crop *c, const pta_batch *batch)
{
    size_t bytes = pta_type_bytes(c->type);
    size_t in_cell = bytes * (size_t)c->in.c,
           out_cell = bytes * (size_t)c->out.c;
    size_t first = in_cell * (size_t)c->first_h * (size_t)c->in.w +
                   bytes * (size_t)c->first_c;
    for (int32_t s = 0; s < batch->n; s++) {
        const char *x = pta_batch_x(batch, 0, s);
        copy_rows(pta_batch_y(batch, s), out_cell, x + first, in_cell, out_cell,
                  (int64_t)c->out.h * c->out.w);
    }
}

void pta_gather_ref(const pta_gather *g, const pta_batch *batch)
{
    size_t bytes = pta_type_bytes(g->type);
    for (int32_t s = 0; s < batch->n; s++) {
        const char *x = pta_batch_x(batch, 0, s);
        char *y = pta_batch_y(batch, s);
        for (int32_t i = 0; i < g->n_runs; i++) {
            pta_run run = g->runs[i];
            memcpy(y + bytes * (size_t)run.dst, x + bytes * (size_t)run.src,
                   bytes * (size_t)run.length);
        }
    }
}

void pta_convert_tensor_ref(const pta_convert *c, const pta_batch *batch)
{
    int32_t shift = c->x_frac - pta_frac(c->y_format);
    for (int32_t s = 0; s < batch->n; s++) {
        const void *x = pta_batch_x(batch, 0, s);
        void *y = pta_batch_y(batch, s);
        for (int64_t i = 0; i < c->count; i++) {
            int64_t v = pta_load(x, c->x, i);
            pta_store(y, c->y, i, pta_convert_ref(v, shift, c->y_format));
        }
    }
}
