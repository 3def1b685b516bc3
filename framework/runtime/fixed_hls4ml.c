/*
 * Steps of the hls4ml profile as layers of kernels/hls4ml.h, for the `fixed`
 * device. Shapes and formats were checked by the plan; what a slice could still
 * get wrong is checked here.
 */
#include <math.h>
#include <string.h>

#include "ir/format.h"
#include "runtime/fixed_layer_priv.h"

static const pta_value *input(const pta_layer_maker *m)
{
    return &m->slice->values[m->step->in[0]];
}

static const pta_value *output(const pta_layer_maker *m)
{
    return &m->slice->values[m->step->out];
}

static int64_t count_of(const pta_value *v)
{
    return pta_view_count(v->view);
}

static pta_image image(const pta_value *v)
{
    return (pta_image){v->view.h, v->view.w, v->view.c};
}

static pta_status mismatch(const pta_layer_maker *m, const char *what)
{
    return pta_fail(m->ctx, PTA_ERR_MISMATCH, "slice, node %d: %s",
                    (int)m->step->node, what);
}

static pta_cells cells(const pta_window *w)
{
    return (pta_cells){w->kh,         w->kw,         w->stride_h, w->stride_w,
                       w->dilation_h, w->dilation_w, w->pad_t,    w->pad_b,
                       w->pad_l,      w->pad_r};
}

static pta_matrix matrix(const pta_step *step)
{
    const pta_step_weights *w = &step->weights;
    return (pta_matrix){w->data, w->row_bytes, w->rows,
                        w->cols, w->dtype,     w->bias};
}

/* ---- weighted ---- */

static void run_sum(const pta_fixed_layer *layer,
                    const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_sum_ref(&layer->as.hls4ml_sum, batch);
}

static pta_status make_sum(const pta_layer_maker *m, pta_format weight)
{
    const pta_step *step = m->step;
    pta_hls4ml_sum *l = &m->layer->as.hls4ml_sum;
    *l = (pta_hls4ml_sum){.in = image(input(m)),
                          .out = image(output(m)),
                          .window = cells(&step->window),
                          .depthwise = step->op == PTA_STEP_DWCONV,
                          .x = input(m)->dtype,
                          .y = output(m)->dtype,
                          .w = matrix(step),
                          .x_format = input(m)->format,
                          .w_format = weight,
                          .accum = step->hls4ml.accum,
                          .result = output(m)->format,
                          .partial = step->partial};
    if (step->op == PTA_STEP_DENSE) {
        l->in = (pta_image){1, 1, (int32_t)count_of(input(m))};
        l->out = (pta_image){1, 1, (int32_t)count_of(output(m))};
        l->window = (pta_cells){1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    }
    int64_t cols = (int64_t)l->window.kh * l->window.kw;
    cols *= l->depthwise ? 1 : l->in.c;
    if (l->w.data == NULL || l->w.rows != l->out.c || l->w.cols != cols ||
        (l->depthwise && l->out.c % l->in.c != 0)) {
        return mismatch(m, "weights do not match the layer's shapes");
    }
    m->layer->run = run_sum;
    return PTA_OK;
}

static void run_scale(const pta_fixed_layer *layer,
                      const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_scale_ref(&layer->as.hls4ml_scale, batch);
}

static pta_status make_scale(const pta_layer_maker *m, pta_format weight)
{
    m->layer->as.hls4ml_scale =
        (pta_hls4ml_scale){.count = count_of(output(m)),
                           .channels = m->step->weights.rows,
                           .x = input(m)->dtype,
                           .y = output(m)->dtype,
                           .w = matrix(m->step),
                           .x_format = input(m)->format,
                           .w_format = weight,
                           .bias = m->step->hls4ml.bias,
                           .result = output(m)->format};
    if (m->step->weights.data == NULL ||
        m->step->weights.rows != output(m)->view.c) {
        return mismatch(m, "weights do not match a scale's channels");
    }
    m->layer->run = run_scale;
    return PTA_OK;
}

/* ---- element by element ---- */

static void run_relu(const pta_fixed_layer *layer,
                     const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_relu_ref(&layer->as.hls4ml_relu, batch);
}

static pta_status make_relu(const pta_layer_maker *m, pta_format weight)
{
    const pta_step_weights *w = &m->step->weights;
    m->layer->as.hls4ml_relu = (pta_hls4ml_relu){
        .count = count_of(output(m)),
        .x = input(m)->dtype,
        .y = output(m)->dtype,
        .x_format = input(m)->format,
        .alpha_format = weight,
        .result = output(m)->format,
        .alpha = w->data == NULL ? 0 : pta_load(w->data, w->dtype, 0),
        .cap = isfinite(m->step->act_max) ? (int32_t)m->step->act_max : 0};
    m->layer->run = run_relu;
    return PTA_OK;
}

static void run_hard_sigmoid(const pta_fixed_layer *layer,
                             const pta_kernel_table *kernels,
                             const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_hard_sigmoid_ref(&layer->as.hls4ml_hard_sigmoid, batch);
}

static pta_status make_hard_sigmoid(const pta_layer_maker *m)
{
    m->layer->as.hls4ml_hard_sigmoid =
        (pta_hls4ml_hard_sigmoid){.count = count_of(output(m)),
                                  .x = input(m)->dtype,
                                  .y = output(m)->dtype,
                                  .x_format = input(m)->format,
                                  .result = output(m)->format};
    m->layer->run = run_hard_sigmoid;
    return PTA_OK;
}

static void run_lookup(const pta_fixed_layer *layer,
                       const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_lookup_ref(&layer->as.hls4ml_lookup, batch);
}

static pta_status make_lookup(const pta_layer_maker *m)
{
    const pta_hls4ml_types *types = &m->step->hls4ml;
    int64_t *table;
    PTA_TRY_ALLOC(m->ctx, table, types->table_size);
    m->layer->memory = table;
    pta_hls4ml_curve curve =
        m->step->op == PTA_STEP_SIGMOID ? PTA_HLS4ML_SIGMOID : PTA_HLS4ML_TANH;
    pta_hls4ml_curve_fill(curve, types->table_size, types->table, table);
    m->layer->as.hls4ml_lookup =
        (pta_hls4ml_lookup){.count = count_of(output(m)),
                            .x = input(m)->dtype,
                            .y = output(m)->dtype,
                            .curve = curve,
                            .size = types->table_size,
                            .x_format = input(m)->format,
                            .table_format = types->table,
                            .result = output(m)->format,
                            .table = table};
    m->layer->run = run_lookup;
    return PTA_OK;
}

/* ---- pooling, softmax ---- */

static void run_pool(const pta_fixed_layer *layer,
                     const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_pool_ref(&layer->as.hls4ml_pool, batch);
}

static pta_status make_pool(const pta_layer_maker *m)
{
    m->layer->as.hls4ml_pool =
        (pta_hls4ml_pool){.in = image(input(m)),
                          .out = image(output(m)),
                          .window = cells(&m->step->window),
                          .average = m->step->op == PTA_STEP_AVGPOOL,
                          .x = input(m)->dtype,
                          .y = output(m)->dtype,
                          .x_format = input(m)->format,
                          .accum = m->step->hls4ml.accum,
                          .result = output(m)->format};
    if (input(m)->view.c != output(m)->view.c) {
        return mismatch(m, "shapes do not match a pooling window");
    }
    m->layer->run = run_pool;
    return PTA_OK;
}

static void run_softmax(const pta_fixed_layer *layer,
                        const pta_kernel_table *kernels, const pta_batch *batch)
{
    (void)kernels;
    pta_hls4ml_softmax_ref(&layer->as.hls4ml_softmax, batch);
}

static pta_status make_softmax(const pta_layer_maker *m)
{
    static const pta_hls4ml_softmax_kind kinds[] = {
        [PTA_SOFTMAX_STABLE] = PTA_HLS4ML_STABLE,
        [PTA_SOFTMAX_LATENCY] = PTA_HLS4ML_LATENCY,
        [PTA_SOFTMAX_ARGMAX] = PTA_HLS4ML_ARGMAX};
    const pta_hls4ml_types *types = &m->step->hls4ml;
    pta_hls4ml_softmax *l = &m->layer->as.hls4ml_softmax;
    *l = (pta_hls4ml_softmax){.count = count_of(output(m)),
                              .n = output(m)->view.c,
                              .kind = kinds[types->softmax],
                              .x = input(m)->dtype,
                              .y = output(m)->dtype,
                              .x_format = input(m)->format,
                              .exp_format = types->table,
                              .inv_format = types->inv_table,
                              .inv_input = types->inv_input,
                              .accum = types->accum,
                              .result = output(m)->format};
    pta_hls4ml_softmax_sizes(l, types->table_size);
    int64_t *tables;
    PTA_TRY_ALLOC(m->ctx, tables,
                  ((size_t)1 << l->exp_bits) + ((size_t)1 << l->inv_bits));
    m->layer->memory = tables;
    l->exp_table = tables;
    l->inv_table = tables + ((size_t)1 << l->exp_bits);
    pta_hls4ml_softmax_fill(l, tables, tables + ((size_t)1 << l->exp_bits));
    m->layer->work_bytes = 2 * (size_t)l->n * sizeof(int64_t);
    m->layer->run = run_softmax;
    return PTA_OK;
}

/* ---- any ---- */

static bool is_own(pta_step_op op)
{
    return op == PTA_STEP_DENSE || op == PTA_STEP_CONV ||
           op == PTA_STEP_DWCONV || op == PTA_STEP_SCALE_SHIFT ||
           op == PTA_STEP_MAXPOOL || op == PTA_STEP_AVGPOOL ||
           op == PTA_STEP_RELU || op == PTA_STEP_SIGMOID ||
           op == PTA_STEP_TANH || op == PTA_STEP_HARD_SIGMOID ||
           op == PTA_STEP_SOFTMAX;
}

bool pta_hls4ml_step(const pta_step *step)
{
    return step->hls4ml.used && is_own(step->op);
}

pta_status pta_hls4ml_layer_make(const pta_layer_maker *m)
{
    pta_format weight = m->step->weights.format;
    pta_step_op op = m->step->op;
    bool is_sum =
        op == PTA_STEP_DENSE || op == PTA_STEP_CONV || op == PTA_STEP_DWCONV;
    if (!is_sum && op != PTA_STEP_MAXPOOL && op != PTA_STEP_AVGPOOL &&
        count_of(input(m)) != count_of(output(m))) {
        return mismatch(m, "shapes differ");
    }
    return is_sum                        ? make_sum(m, weight)
           : op == PTA_STEP_SCALE_SHIFT  ? make_scale(m, weight)
           : op == PTA_STEP_RELU         ? make_relu(m, weight)
           : op == PTA_STEP_HARD_SIGMOID ? make_hard_sigmoid(m)
           : op == PTA_STEP_SOFTMAX      ? make_softmax(m)
           : op == PTA_STEP_SIGMOID || op == PTA_STEP_TANH ? make_lookup(m)
                                                           : make_pool(m);
}
