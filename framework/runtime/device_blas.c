/*
 * Device `blas`: a slice's raw integers as doubles through OpenBLAS dgemm,
 * exactly. Also the walker of device `float`.
 *
 * A slice becomes a BLAS program value by value and step by step. Submit does
 * the work: samples are unpacked from the input buffer into the program's
 * batch layout, run, and packed into the output buffer.
 */
#include "runtime/device_blas_priv.h"

#include <string.h>

#include "runtime/blas_program_priv.h"

typedef struct blas_device {
    pta_device base;
    const pta_slice *slice; /* borrowed */
    int32_t n_slots;
    pta_blas_program program;
    pta_buffers buffers;
} blas_device;

/* ---- elements by storage type ---- */

static int64_t load_raw(const void *data, pta_dtype type, int64_t i)
{
    switch (type) {
    case PTA_S8:
        return ((const int8_t *)data)[i];
    case PTA_S16:
        return ((const int16_t *)data)[i];
    case PTA_S32:
        return ((const int32_t *)data)[i];
    case PTA_S64:
        return ((const int64_t *)data)[i];
    case PTA_F32:
        break;
    }
    PTA_ASSERT(type != PTA_F32);
    return 0;
}

static void store_raw(void *data, pta_dtype type, int64_t i, int64_t raw)
{
    switch (type) {
    case PTA_S8:
        ((int8_t *)data)[i] = (int8_t)raw;
        return;
    case PTA_S16:
        ((int16_t *)data)[i] = (int16_t)raw;
        return;
    case PTA_S32:
        ((int32_t *)data)[i] = (int32_t)raw;
        return;
    case PTA_S64:
        ((int64_t *)data)[i] = raw;
        return;
    case PTA_F32:
        break;
    }
    PTA_ASSERT(type != PTA_F32);
}

/* ---- building ---- */

static pta_status take_weights(pta_ctx *ctx, const pta_step *step,
                               pta_blas_op *op)
{
    const pta_step_weights *w = &step->weights;
    bool is_float = w->dtype == PTA_F32;
    op->rows = w->rows;
    op->cols = w->cols;
    op->bias = w->bias;
    op->bias_f32 = w->bias_f32;
    if (step->op == PTA_STEP_RELU) {
        op->alpha = is_float ? (double)*(const float *)w->data : 0.0;
        op->alpha_raw = is_float ? 0 : load_raw(w->data, w->dtype, 0);
        return PTA_OK;
    }
    if (is_float) {
        op->w_f32 = w->data;
        op->w_stride = (int64_t)(w->row_bytes / sizeof(float));
        return PTA_OK;
    }
    PTA_TRY_ALLOC(ctx, op->w_raw, (int64_t)w->rows * w->cols);
    double *to = op->w_raw;
    for (int32_t row = 0; row < w->rows; row++) {
        const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
        for (int32_t col = 0; col < w->cols; col++) {
            *to++ = (double)load_raw(line, w->dtype, col);
        }
    }
    return PTA_OK;
}

static void set_crop(const pta_step *step, pta_blas_op *op)
{
    op->window = (pta_window){0};
    if (step->crop_h < 0) {
        op->runs = &step->crop_runs;
        return;
    }
    op->window.pad_t = -step->crop_h;
    op->crop_c = step->crop_c;
}

static pta_status build_step(pta_ctx *ctx, const pta_step *step,
                             pta_blas_op *op)
{
    *op = (pta_blas_op){.op = step->op == PTA_STEP_CROP
                                  ? PTA_OP_ZEROPAD /* with negative pads */
                                  : pta_step_graph_op(step->op),
                        .name = "of a slice",
                        .n_in = step->n_in,
                        .in = step->in,
                        .out = step->out,
                        .window = step->window,
                        .keras_major = step->keras_major,
                        .axis = step->axis,
                        .perm = {step->perm[0], step->perm[1], step->perm[2]},
                        .act = step->act,
                        .act_max = step->act_max,
                        .act_max_raw = step->act_max_raw,
                        .threshold = step->threshold,
                        .threshold_raw = step->threshold_raw,
                        .acc_frac = step->acc_frac};
    if (step->op == PTA_STEP_CROP) {
        set_crop(step, op);
    }
    return step->weighted ? take_weights(ctx, step, op) : PTA_OK;
}

static void build_values(const pta_slice *slice, pta_blas_program *p)
{
    for (int32_t i = 0; i < slice->n_values; i++) {
        const pta_value *from = &slice->values[i];
        pta_blas_value *to = &p->values[i];
        to->view = from->view;
        to->format = from->format;
        to->partial = from->partial;
        if (from->alias_of >= 0) { /* an earlier value */
            to->root = p->values[from->alias_of].root;
        }
    }
    for (int32_t i = 0; i < slice->n_inputs; i++) {
        p->values[slice->inputs[i]].keep = true;
    }
    for (int32_t i = 0; i < slice->n_outputs; i++) {
        p->values[slice->outputs[i]].keep = true;
    }
}

static pta_status build(pta_ctx *ctx, const pta_slice *slice,
                        int32_t max_samples, pta_blas_program *p)
{
    PTA_TRY(pta_blas_program_create(ctx, slice->is_float, max_samples,
                                    slice->n_values, slice->n_steps, p));
    build_values(slice, p);
    for (int32_t i = 0; i < slice->n_steps; i++) {
        PTA_TRY(build_step(ctx, &slice->steps[i], &p->ops[i]));
    }
    return pta_blas_program_prepare(ctx, p);
}

/* ---- between buffers and batches ---- */

static void unpack(const blas_device *d, int32_t input, const char *samples,
                   int32_t n)
{
    int32_t index = d->slice->inputs[input];
    pta_dtype type = d->slice->values[index].dtype;
    const pta_blas_value *v = &d->program.values[index];
    int64_t count = pta_view_count(v->view);
    size_t stride = pta_slice_in_bytes(d->slice);
    const char *from = samples + pta_slice_in_offset(d->slice, input);
    for (int32_t s = 0; s < n; s++, from += stride) {
        if (d->slice->is_float) {
            memcpy((float *)v->data + s * count, from,
                   (size_t)count * sizeof(float));
            continue;
        }
        double *to = (double *)v->data + s * count;
        for (int64_t i = 0; i < count; i++) {
            to[i] = (double)load_raw(from, type, i);
        }
    }
}

static void pack(const blas_device *d, int32_t output, char *samples, int32_t n)
{
    int32_t index = d->slice->outputs[output];
    pta_dtype type = d->slice->values[index].dtype;
    const pta_blas_value *v = &d->program.values[index];
    int64_t count = pta_view_count(v->view);
    size_t stride = pta_slice_out_bytes(d->slice);
    char *to = samples + pta_slice_out_offset(d->slice, output);
    for (int32_t s = 0; s < n; s++, to += stride) {
        if (d->slice->is_float) {
            memcpy(to, (const float *)v->data + s * count,
                   (size_t)count * sizeof(float));
            continue;
        }
        for (int64_t i = s * count; i < (s + 1) * count; i++) {
            int64_t raw = v->partial ? ((const int64_t *)v->data)[i]
                                     : (int64_t)((const double *)v->data)[i];
            store_raw(to, type, i - s * count, raw);
        }
    }
}

/* ---- the device ---- */

static pta_status open_parts(pta_ctx *ctx, blas_device *d,
                             const pta_device_params *params)
{
    if (params->options != NULL && *params->options != '\0') {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "device %s: option \"%s\": it takes no options",
                        d->base.ops->name, params->options);
    }
    PTA_TRY(pta_buffers_open(ctx, d->slice, params, &d->buffers));
    return build(ctx, d->slice, params->max_samples, &d->program);
}

pta_status pta_blas_open(pta_ctx *ctx, const pta_device_ops *ops,
                         const pta_slice *slice,
                         const pta_device_params *params, pta_device **out)
{
    PTA_ASSERT(slice->is_float == ops->is_float);
    blas_device *d;
    PTA_TRY_ALLOC(ctx, d, 1);
    d->base.ops = ops;
    d->slice = slice;
    d->n_slots = params->n_slots;
    pta_device *device = &d->base;
    pta_status status = open_parts(ctx, d, params);
    if (status != PTA_OK) {
        pta_blas_close(ctx, &device);
        return status;
    }
    *out = device;
    return PTA_OK;
}

void pta_blas_close(pta_ctx *ctx, pta_device **device)
{
    blas_device *d = (blas_device *)*device;
    if (d == NULL) {
        return;
    }
    pta_blas_program_free(ctx, &d->program);
    pta_buffers_close(ctx, &d->buffers);
    pta_free(ctx, d);
    *device = NULL;
}

void *pta_blas_in_buffer(pta_device *device, int32_t slot)
{
    return pta_buffers_in(&((blas_device *)device)->buffers, slot);
}

void *pta_blas_out_buffer(pta_device *device, int32_t slot)
{
    return pta_buffers_out(&((blas_device *)device)->buffers, slot);
}

pta_status pta_blas_submit(pta_device *device, pta_ctx *ctx, int32_t slot,
                           int32_t n_samples)
{
    blas_device *d = (blas_device *)device;
    (void)ctx;
    PTA_ASSERT(slot < d->n_slots && n_samples <= d->program.max_samples);
    for (int32_t i = 0; i < d->slice->n_inputs; i++) {
        unpack(d, i, pta_blas_in_buffer(device, slot), n_samples);
    }
    for (int32_t i = 0; i < d->program.n_ops; i++) {
        pta_blas_op_run(&d->program, &d->program.ops[i], n_samples);
    }
    for (int32_t i = 0; i < d->slice->n_outputs; i++) {
        pack(d, i, pta_blas_out_buffer(device, slot), n_samples);
    }
    return PTA_OK;
}

pta_status pta_blas_collect(pta_device *device, pta_ctx *ctx, int32_t slot,
                            pta_cost *cost)
{
    (void)device;
    (void)ctx;
    (void)slot;
    *cost = PTA_COST_NONE;
    return PTA_OK;
}

static pta_status blas_open(pta_ctx *ctx, const pta_slice *slice,
                            const pta_device_params *params, pta_device **out)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (slice->steps[i].hls4ml.used) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "device blas: computes the exact profile only; run "
                            "a plan of profile hls4ml on device fixed");
        }
    }
    return pta_blas_open(ctx, &pta_device_blas, slice, params, out);
}

const pta_device_ops pta_device_blas = {
    .name = "blas",
    .is_float = false,
    .open = blas_open,
    .in_buffer = pta_blas_in_buffer,
    .out_buffer = pta_blas_out_buffer,
    .submit = pta_blas_submit,
    .collect = pta_blas_collect,
    .close = pta_blas_close,
};
