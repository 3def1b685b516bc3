/*
 * Slices: life, and where tensors lie in a sample.
 */
#include "plan/slice.h"

static void step_free(pta_ctx *ctx, pta_step *step)
{
    pta_free(ctx, step->name);
    pta_free(ctx, step->in);
    pta_copy_free(ctx, &step->crop_runs);
    pta_free(ctx, step->weights.data);
    pta_free(ctx, step->weights.bias);
    pta_free(ctx, step->weights.bias_f32);
}

pta_op pta_step_graph_op(pta_step_op op)
{
    static const pta_op ops[] = {
        [PTA_STEP_DENSE] = PTA_OP_DENSE,
        [PTA_STEP_CONV] = PTA_OP_CONV,
        [PTA_STEP_DWCONV] = PTA_OP_DWCONV,
        [PTA_STEP_SCALE_SHIFT] = PTA_OP_SCALE_SHIFT,
        [PTA_STEP_MAXPOOL] = PTA_OP_MAXPOOL,
        [PTA_STEP_AVGPOOL] = PTA_OP_AVGPOOL,
        [PTA_STEP_RELU] = PTA_OP_RELU,
        [PTA_STEP_SIGMOID] = PTA_OP_SIGMOID,
        [PTA_STEP_TANH] = PTA_OP_TANH,
        [PTA_STEP_HARD_SIGMOID] = PTA_OP_HARD_SIGMOID,
        [PTA_STEP_SOFTMAX] = PTA_OP_SOFTMAX,
        [PTA_STEP_PERMUTE] = PTA_OP_PERMUTE,
        [PTA_STEP_ZEROPAD] = PTA_OP_ZEROPAD,
        [PTA_STEP_ADD] = PTA_OP_ADD,
        [PTA_STEP_SUB] = PTA_OP_SUB,
        [PTA_STEP_MUL] = PTA_OP_MUL,
        [PTA_STEP_AVERAGE] = PTA_OP_AVERAGE,
        [PTA_STEP_MAXIMUM] = PTA_OP_MAXIMUM,
        [PTA_STEP_CONCAT] = PTA_OP_CONCAT,
        [PTA_STEP_CROP] = PTA_OP_COUNT,
    };
    return ops[op];
}

void pta_slice_destroy(pta_ctx *ctx, pta_slice **slice)
{
    pta_slice *s = *slice;
    if (s == NULL) {
        return;
    }
    for (int32_t i = 0; i < s->n_steps; i++) {
        step_free(ctx, &s->steps[i]);
    }
    for (int32_t i = 0; i < s->n_joins; i++) {
        pta_free(ctx, s->joins[i].bias);
        pta_free(ctx, s->joins[i].bias_f32);
    }
    pta_free(ctx, s->values);
    pta_free(ctx, s->inputs);
    pta_free(ctx, s->outputs);
    pta_free(ctx, s->steps);
    pta_free(ctx, s->joins);
    pta_free(ctx, s);
    *slice = NULL;
}

/* Bytes of the first n of a list of values, each from an 8-byte boundary. */
static size_t sample_bytes(const pta_slice *slice, const int32_t *list,
                           int32_t n)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        const pta_value *value = &slice->values[list[i]];
        bytes += pta_align8((size_t)pta_region_count(&value->region) *
                            pta_dtype_bytes(value->dtype));
    }
    return bytes;
}

size_t pta_slice_in_bytes(const pta_slice *slice)
{
    return sample_bytes(slice, slice->inputs, slice->n_inputs);
}

size_t pta_slice_out_bytes(const pta_slice *slice)
{
    return sample_bytes(slice, slice->outputs, slice->n_outputs);
}

size_t pta_slice_in_offset(const pta_slice *slice, int32_t i)
{
    return sample_bytes(slice, slice->inputs, i);
}

size_t pta_slice_out_offset(const pta_slice *slice, int32_t i)
{
    return sample_bytes(slice, slice->outputs, i);
}

size_t pta_slice_weight_bytes(const pta_slice *slice)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step *step = &slice->steps[i];
        const pta_step_weights *w = &step->weights;
        if (step->weighted) {
            bytes +=
                (size_t)w->rows * (size_t)w->cols * pta_dtype_bytes(w->dtype);
            bytes += step->partial || step->op == PTA_STEP_RELU
                         ? 0
                         : (size_t)w->rows * sizeof(int64_t);
        }
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        bytes += (size_t)slice->joins[i].n_channels * sizeof(int64_t);
    }
    return bytes;
}
