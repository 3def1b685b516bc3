/* Translates steps of a slice into layers of kernels/ (fixed_layer_priv.h). */
#include "runtime/fixed_layer_priv.h"

#include "ir/format.h"

typedef pta_layer_maker maker;

static const pta_value *input(const maker *m, int32_t i)
{
    return &m->slice->values[m->step->in[i]];
}

static const pta_value *output(const maker *m)
{
    return &m->slice->values[m->step->out];
}

static pta_image image(const pta_value *v)
{
    return (pta_image){v->view.h, v->view.w, v->view.c};
}

static pta_cells cells(const pta_window *w)
{
    return (pta_cells){.kh = w->kh,
                       .kw = w->kw,
                       .stride_h = w->stride_h,
                       .stride_w = w->stride_w,
                       .dilation_h = w->dilation_h,
                       .dilation_w = w->dilation_w,
                       .pad_t = w->pad_t,
                       .pad_b = w->pad_b,
                       .pad_l = w->pad_l,
                       .pad_r = w->pad_r};
}

static pta_matrix matrix(const pta_step *step)
{
    const pta_step_weights *w = &step->weights;
    return (pta_matrix){.data = w->data,
                        .row_bytes = w->row_bytes,
                        .rows = w->rows,
                        .cols = w->cols,
                        .type = w->dtype,
                        .bias = w->bias};
}

static pta_epilogue epilogue(const maker *m)
{
    if (m->step->partial) {
        return pta_epilogue_partial();
    }
    return pta_epilogue_make(m->step->acc_frac, m->step->act,
                             m->step->act_max_raw, output(m)->format);
}

static pta_status mismatch(const maker *m, const char *what)
{
    return pta_fail(m->ctx, PTA_ERR_MISMATCH, "slice, node %d: %s",
                    (int)m->step->node, what);
}

static pta_status too_far(const maker *m, const char *what)
{
    return pta_fail(m->ctx, PTA_ERR_RANGE, "slice, node %d: %s",
                    (int)m->step->node, what);
}

static bool same_type(const maker *m)
{
    return input(m, 0)->dtype == output(m)->dtype;
}

static int64_t count_of(const pta_value *v)
{
    return pta_view_count(v->view);
}

/* ---- weighted sums ---- */

static void run_dense(const pta_fixed_layer *layer,
                      const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->dense(&layer->as.dense, batch);
}

static void run_conv(const pta_fixed_layer *layer,
                     const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->conv(&layer->as.conv, batch);
}

static void run_dwconv(const pta_fixed_layer *layer,
                       const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->dwconv(&layer->as.conv, batch);
}

static pta_status make_dense(const maker *m)
{
    pta_dense *d = &m->layer->as.dense;
    *d = (pta_dense){.x = input(m, 0)->dtype,
                     .y = output(m)->dtype,
                     .w = matrix(m->step),
                     .epilogue = epilogue(m)};
    if (d->w.data == NULL || count_of(input(m, 0)) != d->w.cols ||
        count_of(output(m)) != d->w.rows) {
        return mismatch(m, "weights do not match a dense layer's shapes");
    }
    m->layer->run = run_dense;
    size_t bytes = pta_dense_prepared_bytes(d, m->kernels->ops);
    if (bytes > 0) {
        m->layer->memory = pta_calloc(m->ctx, 1, bytes);
        if (m->layer->memory == NULL) {
            return PTA_ERR_NOMEM;
        }
        pta_dense_prepare(d, m->kernels->ops, m->layer->memory);
    }
    m->layer->work_bytes = pta_dense_work_bytes(d, m->max_samples);
    return PTA_OK;
}

/* The window stays within the padded image for every output. */
static bool window_fits(pta_image in, pta_image out, const pta_cells *k)
{
    int64_t h = (int64_t)(out.h - 1) * k->stride_h +
                (int64_t)(k->kh - 1) * k->dilation_h + 1;
    int64_t w = (int64_t)(out.w - 1) * k->stride_w +
                (int64_t)(k->kw - 1) * k->dilation_w + 1;
    return k->kh > 0 && k->kw > 0 && k->dilation_h > 0 && k->dilation_w > 0 &&
           h <= (int64_t)in.h + k->pad_t + k->pad_b &&
           w <= (int64_t)in.w + k->pad_l + k->pad_r;
}

static pta_status make_conv(const maker *m)
{
    pta_conv *c = &m->layer->as.conv;
    bool depthwise = m->step->op == PTA_STEP_DWCONV;
    *c = (pta_conv){.in = image(input(m, 0)),
                    .out = image(output(m)),
                    .window = cells(&m->step->window),
                    .x = input(m, 0)->dtype,
                    .y = output(m)->dtype,
                    .w = matrix(m->step),
                    .epilogue = epilogue(m)};
    int64_t cols = (int64_t)c->window.kh * c->window.kw;
    cols *= depthwise ? 1 : c->in.c;
    if (c->w.data == NULL || c->w.rows != c->out.c || c->w.cols != cols ||
        (depthwise && c->out.c % c->in.c != 0) ||
        !window_fits(c->in, c->out, &c->window)) {
        return mismatch(m, "weights do not match a convolution's shapes");
    }
    m->layer->run = depthwise ? run_dwconv : run_conv;
    size_t bytes = depthwise ? 0 : pta_conv_prepared_bytes(c, m->kernels->ops);
    if (bytes > 0) {
        m->layer->memory = pta_calloc(m->ctx, 1, bytes);
        if (m->layer->memory == NULL) {
            return PTA_ERR_NOMEM;
        }
        pta_conv_prepare(c, m->kernels->ops, m->layer->memory);
    }
    m->layer->work_bytes = pta_conv_work_bytes(c);
    return PTA_OK;
}

static void run_scale(const pta_fixed_layer *layer,
                      const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->scale(&layer->as.scale, batch);
}

static pta_status make_scale(const maker *m)
{
    m->layer->as.scale = (pta_scale){.count = count_of(output(m)),
                                     .channels = m->step->weights.rows,
                                     .x = input(m, 0)->dtype,
                                     .y = output(m)->dtype,
                                     .w = matrix(m->step),
                                     .epilogue = epilogue(m)};
    if (m->step->weights.data == NULL ||
        m->step->weights.rows != output(m)->view.c ||
        count_of(input(m, 0)) != count_of(output(m))) {
        return mismatch(m, "weights do not match a scale's channels");
    }
    m->layer->run = run_scale;
    return PTA_OK;
}

/* ---- pooling ---- */

static void run_maxpool(const pta_fixed_layer *layer,
                        const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->maxpool(&layer->as.pool, batch);
}

static void run_avgpool(const pta_fixed_layer *layer,
                        const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->avgpool(&layer->as.pool, batch);
}

static pta_status make_pool(const maker *m)
{
    bool is_max = m->step->op == PTA_STEP_MAXPOOL;
    pta_pool *p = &m->layer->as.pool;
    *p = (pta_pool){.in = image(input(m, 0)),
                    .out = image(output(m)),
                    .window = cells(&m->step->window),
                    .x = input(m, 0)->dtype,
                    .y = output(m)->dtype,
                    .x_frac = pta_format_frac(input(m, 0)->format),
                    .y_format = output(m)->format};
    if (p->in.c != p->out.c || (is_max && !same_type(m)) ||
        !window_fits(p->in, p->out, &p->window)) {
        return mismatch(m, "shapes do not match a pooling window");
    }
    m->layer->run = is_max ? run_maxpool : run_avgpool;
    return PTA_OK;
}

/* ---- one input, element by element ---- */

static void run_relu(const pta_fixed_layer *layer,
                     const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->relu(&layer->as.relu, batch);
}

static pta_status make_relu(const maker *m)
{
    static const int8_t zero[64] = {0};
    int32_t x_frac = pta_format_frac(input(m, 0)->format);
    pta_relu *r = &m->layer->as.relu;
    *r = (pta_relu){.count = count_of(output(m)),
                    .x = input(m, 0)->dtype,
                    .y = output(m)->dtype,
                    .x_frac = x_frac,
                    .alpha_frac = m->step->acc_frac - x_frac,
                    .threshold = m->step->threshold_raw,
                    .max = m->step->act_max_raw,
                    .alpha = matrix(m->step),
                    .y_format = output(m)->format};
    if (r->alpha.data == NULL) { /* no slope below the threshold */
        r->alpha = (pta_matrix){.data = zero,
                                .row_bytes = 64,
                                .rows = 1,
                                .cols = 1,
                                .type = PTA_S8};
    }
    if (count_of(input(m, 0)) != r->count) {
        return mismatch(m, "shapes differ");
    }
    if (r->alpha_frac > PTA_RELU_ALPHA_FRAC_MAX ||
        r->alpha_frac < -PTA_RELU_ALPHA_FRAC_MAX) {
        return too_far(m, "alpha has too many fraction bits");
    }
    m->layer->run = run_relu;
    return PTA_OK;
}

static void run_lookup(const pta_fixed_layer *layer,
                       const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->lookup(&layer->as.lookup, batch);
}

static pta_curve curve_of(const pta_step *step)
{
    if (step->op == PTA_STEP_SIGMOID) {
        return PTA_CURVE_SIGMOID;
    }
    if (step->op == PTA_STEP_TANH) {
        return PTA_CURVE_TANH;
    }
    return step->keras_major >= 3 ? PTA_CURVE_HARD_SIGMOID_3
                                  : PTA_CURVE_HARD_SIGMOID_2;
}

static pta_status make_lookup(const maker *m)
{
    pta_lookup *l = &m->layer->as.lookup;
    *l = (pta_lookup){.count = count_of(output(m)),
                      .x = input(m, 0)->dtype,
                      .y = output(m)->dtype,
                      .x_min = pta_raw_min(input(m, 0)->format),
                      .curve = curve_of(m->step),
                      .x_format = input(m, 0)->format,
                      .y_format = output(m)->format};
    if (count_of(input(m, 0)) != l->count) {
        return mismatch(m, "shapes differ");
    }
    if (!pta_curve_supported(l->curve, l->x_format, l->y_format)) {
        return too_far(m, "activation cannot be tabulated in these formats");
    }
    if (l->x_format.width <= 16) {
        m->layer->memory = pta_calloc(m->ctx, (size_t)1 << l->x_format.width,
                                      pta_type_bytes(l->y));
        if (m->layer->memory == NULL) {
            return PTA_ERR_NOMEM;
        }
        pta_curve_fill(l->curve, l->x_format, l->y_format, l->y,
                       m->layer->memory);
        l->table = m->layer->memory;
    }
    m->layer->run = run_lookup;
    return PTA_OK;
}

/* ---- several inputs ---- */

static void run_merge(const pta_fixed_layer *layer,
                      const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->merge(&layer->as.merge, batch);
}

static void run_concat(const pta_fixed_layer *layer,
                       const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->concat(&layer->as.concat, batch);
}

static pta_operand *make_operands(const maker *m)
{
    pta_operand *in = pta_calloc(m->ctx, (size_t)m->step->n_in, sizeof *in);
    for (int32_t i = 0; in != NULL && i < m->step->n_in; i++) {
        in[i] = (pta_operand){.type = input(m, i)->dtype,
                              .frac = pta_format_frac(input(m, i)->format),
                              .width = input(m, i)->format.width};
    }
    m->layer->memory = in;
    return in;
}

static pta_status make_merge(const maker *m, pta_merge_op op)
{
    pta_operand *in = make_operands(m);
    if (in == NULL) {
        return PTA_ERR_NOMEM;
    }
    m->layer->as.merge = (pta_merge){.op = op,
                                     .count = count_of(output(m)),
                                     .n_in = m->step->n_in,
                                     .in = in,
                                     .y = output(m)->dtype,
                                     .y_format = output(m)->format,
                                     .act = m->step->act,
                                     .act_max = m->step->act_max_raw,
                                     .act_frac = m->step->acc_frac};
    for (int32_t i = 0; i < m->step->n_in; i++) {
        if (count_of(input(m, i)) != count_of(output(m))) {
            return mismatch(m, "shapes differ");
        }
    }
    if (!pta_merge_init(&m->layer->as.merge)) {
        return too_far(m, "formats of the inputs are too far apart");
    }
    m->layer->run = run_merge;
    return PTA_OK;
}

static pta_status make_concat(const maker *m)
{
    pta_operand *in = make_operands(m);
    pta_image *views = pta_calloc(m->ctx, (size_t)m->step->n_in, sizeof *views);
    m->layer->views = views;
    if (in == NULL || views == NULL) {
        return PTA_ERR_NOMEM;
    }
    int64_t count = 0;
    for (int32_t i = 0; i < m->step->n_in; i++) {
        views[i] = image(input(m, i));
        count += pta_image_count(views[i]);
    }
    m->layer->as.concat = (pta_concat){.axis = m->step->axis,
                                       .n_in = m->step->n_in,
                                       .in = in,
                                       .in_view = views,
                                       .out = image(output(m)),
                                       .y = output(m)->dtype,
                                       .y_format = output(m)->format};
    if (count != count_of(output(m)) || m->step->axis < 0 ||
        m->step->axis > 2) {
        return mismatch(m, "parts do not make the whole");
    }
    m->layer->run = run_concat;
    return PTA_OK;
}

/* ---- moving elements ---- */

static void run_permute(const pta_fixed_layer *layer,
                        const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->permute(&layer->as.permute, batch);
}

static void run_pad(const pta_fixed_layer *layer,
                    const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->pad(&layer->as.pad, batch);
}

static void run_crop(const pta_fixed_layer *layer,
                     const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->crop(&layer->as.crop, batch);
}

static void run_gather(const pta_fixed_layer *layer,
                       const pta_kernel_table *kernels, const pta_batch *batch)
{
    kernels->gather(&layer->as.gather, batch);
}

static pta_status make_permute(const maker *m)
{
    const int32_t *perm = m->step->perm;
    m->layer->as.permute = (pta_permute){.in = image(input(m, 0)),
                                         .perm = {perm[0], perm[1], perm[2]},
                                         .type = output(m)->dtype};
    if (!same_type(m) || count_of(input(m, 0)) != count_of(output(m))) {
        return mismatch(m, "shapes do not match a permutation");
    }
    m->layer->run = run_permute;
    return PTA_OK;
}

static pta_status make_pad(const maker *m)
{
    const pta_window *w = &m->step->window;
    pta_image in = image(input(m, 0)), out = image(output(m));
    if (!same_type(m) || in.c != out.c || out.h != in.h + w->pad_t + w->pad_b ||
        out.w != in.w + w->pad_l + w->pad_r) {
        return mismatch(m, "shapes do not match a padding");
    }
    m->layer->as.pad = (pta_pad){.in = in,
                                 .out = out,
                                 .top = w->pad_t,
                                 .left = w->pad_l,
                                 .type = output(m)->dtype};
    m->layer->run = run_pad;
    return PTA_OK;
}

static pta_status make_gather(const maker *m)
{
    const pta_copy *copy = &m->step->crop_runs;
    pta_run *runs = pta_calloc(m->ctx, (size_t)copy->n_runs, sizeof *runs);
    m->layer->memory = runs;
    if (runs == NULL) {
        return PTA_ERR_NOMEM;
    }
    for (int32_t i = 0; i < copy->n_runs; i++) {
        pta_copy_run r = copy->runs[i];
        if (r.src < 0 || r.dst < 0 || r.length < 0 ||
            (int64_t)r.src + r.length > count_of(input(m, 0)) ||
            (int64_t)r.dst + r.length > count_of(output(m))) {
            return mismatch(m, "a crop leaves its tensor");
        }
        runs[i] = (pta_run){r.src, r.dst, r.length};
    }
    m->layer->as.gather = (pta_gather){
        .runs = runs, .n_runs = copy->n_runs, .type = output(m)->dtype};
    m->layer->run = run_gather;
    return PTA_OK;
}

static pta_status make_crop(const maker *m)
{
    if (!same_type(m)) {
        return mismatch(m, "a crop cannot convert");
    }
    if (m->step->crop_h < 0 || m->step->crop_c < 0) {
        return make_gather(m);
    }
    pta_crop *c = &m->layer->as.crop;
    *c = (pta_crop){.in = image(input(m, 0)),
                    .out = image(output(m)),
                    .first_h = m->step->crop_h,
                    .first_c = m->step->crop_c,
                    .type = output(m)->dtype};
    if (c->first_h + c->out.h > c->in.h || c->first_c + c->out.c > c->in.c ||
        c->in.w != c->out.w) {
        return mismatch(m, "a crop leaves its tensor");
    }
    m->layer->run = run_crop;
    return PTA_OK;
}

static pta_status make(const maker *m)
{
    if (pta_hls4ml_step(m->step)) {
        return pta_hls4ml_layer_make(m);
    }
    switch (m->step->op) {
    case PTA_STEP_DENSE:
        return make_dense(m);
    case PTA_STEP_CONV:
    case PTA_STEP_DWCONV:
        return make_conv(m);
    case PTA_STEP_SCALE_SHIFT:
        return make_scale(m);
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
        return make_pool(m);
    case PTA_STEP_RELU:
        return make_relu(m);
    case PTA_STEP_SIGMOID:
    case PTA_STEP_TANH:
    case PTA_STEP_HARD_SIGMOID:
        return make_lookup(m);
    case PTA_STEP_PERMUTE:
        return make_permute(m);
    case PTA_STEP_ZEROPAD:
        return make_pad(m);
    case PTA_STEP_ADD:
        return make_merge(m, PTA_MERGE_ADD);
    case PTA_STEP_SUB:
        return make_merge(m, PTA_MERGE_SUB);
    case PTA_STEP_MUL:
        return make_merge(m, PTA_MERGE_MUL);
    case PTA_STEP_AVERAGE:
        return make_merge(m, PTA_MERGE_AVERAGE);
    case PTA_STEP_MAXIMUM:
        return make_merge(m, PTA_MERGE_MAXIMUM);
    case PTA_STEP_CONCAT:
        return make_concat(m);
    case PTA_STEP_CROP:
        return make_crop(m);
    case PTA_STEP_SOFTMAX: /* of the hls4ml profile alone */
    default:
        return mismatch(m, "unknown operation");
    }
}

pta_status pta_fixed_layer_init(pta_ctx *ctx, const pta_slice *slice,
                                const pta_step *step,
                                const pta_kernel_table *kernels,
                                int32_t max_samples, pta_fixed_layer *layer)
{
    maker m = {.ctx = ctx,
               .slice = slice,
               .step = step,
               .kernels = kernels,
               .max_samples = max_samples,
               .layer = layer};
    *layer = (pta_fixed_layer){.run = NULL};
    pta_status status = make(&m);
    if (status != PTA_OK) {
        pta_fixed_layer_free(ctx, layer);
    }
    return status;
}

void pta_fixed_layer_free(pta_ctx *ctx, pta_fixed_layer *layer)
{
    pta_free(ctx, layer->memory);
    pta_free(ctx, layer->views);
    *layer = (pta_fixed_layer){.run = NULL};
}
