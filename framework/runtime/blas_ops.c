/*
 * Runs the ops of a BLAS program: picks the primitive and hands it geometry
 * and memory. See blas_program_priv.h.
 */
#include <string.h>

#include "kernels/float_blas.h"
#include "runtime/blas_program_priv.h"

static int64_t count_of(const pta_blas_program *p, int32_t value)
{
    return pta_view_count(p->values[value].view);
}

static size_t element_bytes(const pta_blas_program *p)
{
    return p->is_float ? sizeof(float) : sizeof(double);
}

/* ---- moving ---- */

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* ZEROPAD: the input at (pad_t, pad_l) of a field of zeros; negative pads and
 * crop_c take a box out of the input instead. */
static void pad(const pta_blas_program *p, const pta_blas_op *op, const char *x,
                char *y)
{
    pta_view in = p->values[op->in[0]].view, out = p->values[op->out].view;
    int32_t t = op->window.pad_t, l = op->window.pad_l;
    int32_t to_h = t > 0 ? t : 0, from_h = t < 0 ? -t : 0;
    int32_t to_w = l > 0 ? l : 0, from_w = l < 0 ? -l : 0;
    int32_t dim[3] = {least(out.h - to_h, in.h - from_h),
                      least(out.w - to_w, in.w - from_w),
                      least(out.c, in.c - op->crop_c)};
    int64_t to[3] = {(int64_t)out.w * out.c, out.c, 1};
    int64_t from[3] = {(int64_t)in.w * in.c, in.c, 1};
    int64_t to_first = to_h * to[0] + to_w * to[1];
    int64_t from_first = from_h * from[0] + from_w * from[1] + op->crop_c;
    int64_t bytes = (int64_t)element_bytes(p);
    memset(y, 0, (size_t)(pta_view_count(out) * bytes));
    pta_blas_box(y + to_first * bytes, to, x + from_first * bytes, from, dim,
                 (size_t)bytes);
}

static void permute(const pta_blas_program *p, const pta_blas_op *op,
                    const char *x, char *y)
{
    pta_view in = p->values[op->in[0]].view, out = p->values[op->out].view;
    int64_t stride[3] = {(int64_t)in.w * in.c, in.c, 1};
    int64_t from[3] = {stride[op->perm[0]], stride[op->perm[1]],
                       stride[op->perm[2]]};
    int64_t to[3] = {(int64_t)out.w * out.c, out.c, 1};
    int32_t dim[3] = {out.h, out.w, out.c};
    pta_blas_box(y, to, x, from, dim, element_bytes(p));
}

static void copy_runs(const pta_blas_program *p, const pta_copy *copy,
                      const char *x, char *y)
{
    size_t bytes = element_bytes(p);
    for (int32_t i = 0; i < copy->n_runs; i++) {
        const pta_copy_run *run = &copy->runs[i];
        memcpy(y + (size_t)run->dst * bytes, x + (size_t)run->src * bytes,
               (size_t)run->length * bytes);
    }
}

static void move(const pta_blas_program *p, const pta_blas_op *op, int32_t n)
{
    size_t in = (size_t)count_of(p, op->in[0]) * element_bytes(p);
    size_t out = (size_t)count_of(p, op->out) * element_bytes(p);
    const char *x = p->values[op->in[0]].data;
    char *y = p->values[op->out].data;
    for (int32_t i = 0; i < n; i++, x += in, y += out) {
        if (op->runs != NULL) {
            copy_runs(p, op->runs, x, y);
        } else if (op->op == PTA_OP_PERMUTE) {
            permute(p, op, x, y);
        } else {
            pad(p, op, x, y);
        }
    }
}

static void concat_sample(const pta_blas_program *p, const pta_blas_op *op,
                          int32_t sample)
{
    const pta_blas_value *y = &p->values[op->out];
    int64_t to[3] = {(int64_t)y->view.w * y->view.c, y->view.c, 1};
    size_t bytes = element_bytes(p);
    int64_t offset = sample * pta_view_count(y->view);
    for (int32_t k = 0; k < op->n_in; k++) {
        const pta_blas_value *x = &p->values[op->in[k]];
        int64_t count = pta_view_count(x->view);
        int64_t from[3] = {(int64_t)x->view.w * x->view.c, x->view.c, 1};
        int32_t dim[3] = {x->view.h, x->view.w, x->view.c};
        const void *part =
            (const char *)x->data + (size_t)(sample * count) * bytes;
        if (!p->is_float) {
            pta_exact_convert_run(p->converted, part, count, x->format,
                                  y->format);
            part = p->converted;
        }
        pta_blas_box((char *)y->data + (size_t)offset * bytes, to, part, from,
                     dim, bytes);
        offset += dim[op->axis] * to[op->axis];
    }
}

static void concat(const pta_blas_program *p, const pta_blas_op *op, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        concat_sample(p, op, i);
    }
}

/* ---- float ---- */

static void float_weighted(const pta_blas_program *p, const pta_blas_op *op,
                           int32_t n)
{
    pta_blas_window g = pta_blas_op_window(p, op);
    const float *x = p->values[op->in[0]].data;
    float *y = p->values[op->out].data;
    int64_t total = n * count_of(p, op->out) / op->rows, m;
    bool is_direct = pta_blas_op_direct(p, op);
    pta_float_finish finish = {op->bias_f32, op->rows, op->act,
                               (float)op->act_max};
    if (op->op == PTA_OP_DWCONV) {
        pta_float_depthwise(y, x, n, &g, op->w_f32, op->w_stride,
                            op->rows / g.c);
    } else if (op->op == PTA_OP_SCALE_SHIFT) {
        pta_float_scale(y, x, total * op->rows, op->w_f32, op->w_stride,
                        op->rows);
    }
    for (int64_t i = 0; i < total; i += m) {
        m = total - i < op->block_rows ? total - i : op->block_rows;
        float *part = y + i * op->rows;
        if (op->op == PTA_OP_DENSE || (op->op == PTA_OP_CONV && is_direct)) {
            pta_float_dense(part, x + i * op->cols, m, op->w_f32, op->w_stride,
                            op->rows, op->cols);
        } else if (op->op == PTA_OP_CONV) {
            pta_float_conv(part, x, &g, i, m, op->w_f32, op->w_stride, op->rows,
                           p->cols);
        }
        if (!p->values[op->out].partial) {
            pta_float_finish_run(part, m * op->rows, &finish);
        }
    }
}

static pta_float_merge merge_kind(pta_op op)
{
    return op == PTA_OP_SUB       ? PTA_FLOAT_SUB
           : op == PTA_OP_MUL     ? PTA_FLOAT_MUL
           : op == PTA_OP_MAXIMUM ? PTA_FLOAT_MAXIMUM
                                  : PTA_FLOAT_ADD;
}

static void float_merge(const pta_blas_program *p, const pta_blas_op *op,
                        int32_t n)
{
    int64_t total = n * count_of(p, op->out);
    float *y = p->values[op->out].data;
    pta_float_finish finish = {NULL, 1, op->act, (float)op->act_max};
    memcpy(y, p->values[op->in[0]].data, (size_t)total * sizeof *y);
    for (int32_t k = 1; k < op->n_in; k++) {
        pta_float_merge_run(y, p->values[op->in[k]].data, total,
                            merge_kind(op->op));
    }
    if (op->op == PTA_OP_AVERAGE) {
        pta_float_divide(y, total, (float)op->n_in);
    }
    pta_float_finish_run(y, total, &finish);
}

static void float_pool(const pta_blas_program *p, const pta_blas_op *op,
                       int32_t n)
{
    pta_blas_window g = pta_blas_op_window(p, op);
    (op->op == PTA_OP_MAXPOOL ? pta_float_maxpool : pta_float_avgpool)(
        p->values[op->out].data, p->values[op->in[0]].data, n, &g);
}

/* Activations that are layers of their own. */
static void float_activation(const pta_blas_program *p, const pta_blas_op *op,
                             int32_t n)
{
    const float *x = p->values[op->in[0]].data;
    float *y = p->values[op->out].data;
    int64_t total = n * count_of(p, op->out);
    int32_t channels = p->values[op->out].view.c;
    if (op->op == PTA_OP_RELU) {
        pta_float_relu(y, x, total, (float)op->alpha, (float)op->threshold,
                       (float)op->act_max);
    } else if (op->op == PTA_OP_SIGMOID) {
        pta_float_sigmoid(y, x, total);
    } else if (op->op == PTA_OP_TANH) {
        pta_float_tanh(y, x, total);
    } else if (op->op == PTA_OP_HARD_SIGMOID) {
        pta_float_hard_sigmoid(y, x, total, op->keras_major);
    } else {
        pta_float_softmax(y, x, total / channels, channels);
    }
}

/* ---- exact ---- */

/* Accumulators of output pixels [first, first + m). */
static void exact_sums(const pta_blas_program *p, const pta_blas_op *op,
                       const double *x, int64_t first, int64_t m, int64_t *acc)
{
    pta_blas_window g = pta_blas_op_window(p, op);
    if (op->op == PTA_OP_DWCONV) {
        pta_exact_depthwise(acc, x, &g, first, m, op->w_raw, op->rows / g.c);
    } else if (op->op == PTA_OP_SCALE_SHIFT) {
        pta_exact_scale(acc, x + first * op->rows, m * op->rows, op->w_raw,
                        op->rows);
    } else if (pta_blas_op_direct(p, op)) {
        pta_exact_dense(acc, x + first * op->cols, m, &op->matrix, p->product);
    } else {
        pta_exact_conv(acc, x, &g, first, m, &op->matrix, p->cols, p->product);
    }
}

static void exact_weighted(const pta_blas_program *p, const pta_blas_op *op,
                           int32_t n)
{
    const pta_blas_value *out = &p->values[op->out];
    int64_t total = n * pta_view_count(out->view) / op->rows, m;
    pta_exact_finish finish = {op->bias, op->rows,        op->acc_frac,
                               op->act,  op->act_max_raw, out->format};
    for (int64_t i = 0; i < total; i += m) {
        m = total - i < op->block_rows ? total - i : op->block_rows;
        int64_t at = i * op->rows;
        const double *x = p->values[op->in[0]].data;
        if (out->partial) {
            exact_sums(p, op, x, i, m, (int64_t *)out->data + at);
        } else {
            exact_sums(p, op, x, i, m, p->acc);
            pta_exact_finish_run((double *)out->data + at, p->acc, m * op->rows,
                                 &finish);
        }
    }
}

static pta_exact_merge_op exact_merge_op(pta_op op)
{
    return op == PTA_OP_SUB       ? PTA_EXACT_SUB
           : op == PTA_OP_MUL     ? PTA_EXACT_MUL
           : op == PTA_OP_AVERAGE ? PTA_EXACT_AVERAGE
           : op == PTA_OP_MAXIMUM ? PTA_EXACT_MAXIMUM
                                  : PTA_EXACT_ADD;
}

static void exact_merge(const pta_blas_program *p, const pta_blas_op *op,
                        int32_t n)
{
    pta_exact_merge merge = {.op = exact_merge_op(op->op),
                             .n_in = op->n_in,
                             .act = op->act,
                             .act_max = op->act_max_raw,
                             .act_frac = op->acc_frac,
                             .out = p->values[op->out].format};
    for (int32_t k = 0; k < op->n_in; k++) {
        merge.x[k] = p->values[op->in[k]].data;
        merge.in[k] = p->values[op->in[k]].format;
    }
    pta_exact_merge_run(p->values[op->out].data, n * count_of(p, op->out),
                        &merge);
}

static void exact_pool(const pta_blas_program *p, const pta_blas_op *op,
                       int32_t n)
{
    const pta_blas_value *x = &p->values[op->in[0]];
    const pta_blas_value *y = &p->values[op->out];
    pta_blas_window g = pta_blas_op_window(p, op);
    if (op->op == PTA_OP_MAXPOOL) {
        pta_exact_maxpool(y->data, x->data, n, &g);
    } else {
        pta_exact_avgpool(y->data, x->data, n, &g, x->format, y->format);
    }
}

static void exact_activation(const pta_blas_program *p, const pta_blas_op *op,
                             int32_t n)
{
    const pta_blas_value *x = &p->values[op->in[0]];
    const pta_blas_value *y = &p->values[op->out];
    int64_t total = n * pta_view_count(y->view);
    if (op->op == PTA_OP_RELU) {
        pta_exact_relu relu = {op->alpha_raw,   op->threshold_raw,
                               op->act_max_raw, op->acc_frac,
                               x->format,       y->format};
        pta_exact_relu_run(y->data, x->data, total, &relu);
    } else if (op->op == PTA_OP_HARD_SIGMOID) {
        pta_exact_hard_sigmoid(y->data, x->data, total, op->keras_major,
                               x->format, y->format);
    } else {
        pta_exact_lookup(y->data, x->data, total, op->table, x->format);
    }
}

/* ---- which is which ---- */

typedef void op_run(const pta_blas_program *p, const pta_blas_op *op,
                    int32_t n);

/* [op][is_float]; NULL: nothing to do */
static op_run *const op_table[PTA_OP_COUNT][2] = {
    [PTA_OP_DENSE] = {exact_weighted, float_weighted},
    [PTA_OP_CONV] = {exact_weighted, float_weighted},
    [PTA_OP_DWCONV] = {exact_weighted, float_weighted},
    [PTA_OP_SCALE_SHIFT] = {exact_weighted, float_weighted},
    [PTA_OP_MAXPOOL] = {exact_pool, float_pool},
    [PTA_OP_AVGPOOL] = {exact_pool, float_pool},
    [PTA_OP_RELU] = {exact_activation, float_activation},
    [PTA_OP_SIGMOID] = {exact_activation, float_activation},
    [PTA_OP_TANH] = {exact_activation, float_activation},
    [PTA_OP_HARD_SIGMOID] = {exact_activation, float_activation},
    [PTA_OP_SOFTMAX] = {NULL, float_activation},
    [PTA_OP_PERMUTE] = {move, move},
    [PTA_OP_ZEROPAD] = {move, move},
    [PTA_OP_ADD] = {exact_merge, float_merge},
    [PTA_OP_SUB] = {exact_merge, float_merge},
    [PTA_OP_MUL] = {exact_merge, float_merge},
    [PTA_OP_AVERAGE] = {exact_merge, float_merge},
    [PTA_OP_MAXIMUM] = {exact_merge, float_merge},
    [PTA_OP_CONCAT] = {concat, concat},
};

void pta_blas_op_run(const pta_blas_program *p, const pta_blas_op *op,
                     int32_t n)
{
    op_run *run = op_table[op->op][p->is_float];
    if (run != NULL) {
        run(p, op, n);
    }
}
