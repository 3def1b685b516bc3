/*
 * Builds the design of a slice: ports, then one step after the other, then what
 * it costs. A value that several read is forked where it is made; elements are
 * re-chunked by a gearbox where reader and writer want other lanes.
 */
#include "plan/design_priv.h"

static int32_t bus_bytes(const pta_slice *slice, int32_t value)
{
    int32_t width = pta_value_width(slice, value);
    return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}

static pta_design_port port_of(const pta_slice *slice, int32_t value)
{
    int32_t bytes = bus_bytes(slice, value);
    bytes = slice->values[value].partial && bytes < 4 ? 4 : bytes;
    int64_t count = pta_view_count(slice->values[value].view);
    return (pta_design_port){.bytes = bytes, .words = (count * bytes + 7) / 8};
}

/* A tensor on the bus is one vector. */
static pta_stream port_stream(const pta_slice *slice, int32_t value,
                              const pta_design_port *port)
{
    pta_stream s = pta_value_stream(slice, value, 8 / port->bytes);
    s.c = (int32_t)pta_view_count(slice->values[value].view);
    s.vectors = 1;
    return s;
}

static pta_status lower_inputs(pta_lowering *l)
{
    const pta_slice *s = l->slice;
    for (int32_t i = 0; i < s->n_inputs; i++) {
        pta_design_port *port = &l->design->inputs[i];
        *port = port_of(s, s->inputs[i]);
        l->design->n_inputs++;
        PTA_TRY(pta_lower_stream(l, port_stream(s, s->inputs[i], port),
                                 &port->stream));
        int32_t stream = port->stream;
        if (i < s->n_inputs - 1) { /* the next one waits for all of it */
            PTA_TRY(pta_lower_fifo(l, stream, &stream));
        }
        PTA_TRY(pta_lower_give(l, s->inputs[i], stream));
    }
    return PTA_OK;
}

static pta_status lower_outputs(pta_lowering *l)
{
    const pta_slice *s = l->slice;
    for (int32_t i = 0; i < s->n_outputs; i++) {
        pta_design_port *port = &l->design->outputs[i];
        *port = port_of(s, s->outputs[i]);
        pta_stream want = port_stream(s, s->outputs[i], port);
        PTA_TRY(pta_lower_take(l, s->outputs[i], want.c, want.lanes,
                               &port->stream));
        if (i > 0) { /* it waits for all of those before it */
            PTA_TRY(pta_lower_fifo(l, port->stream, &port->stream));
        }
        l->design->n_outputs++;
    }
    return PTA_OK;
}

static pta_status lower_step(pta_lowering *l, int32_t step)
{
    switch (l->slice->steps[step].op) {
    case PTA_STEP_DENSE:
    case PTA_STEP_CONV:
        return pta_lower_matrix(l, step);
    case PTA_STEP_DWCONV:
        return pta_lower_depthwise(l, step);
    case PTA_STEP_SCALE_SHIFT:
        return pta_lower_scale_shift(l, step);
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
        return pta_lower_pool(l, step);
    case PTA_STEP_RELU:
        return pta_lower_relu(l, step);
    case PTA_STEP_SIGMOID:
    case PTA_STEP_TANH:
    case PTA_STEP_HARD_SIGMOID:
        return pta_lower_table(l, step);
    case PTA_STEP_PERMUTE:
        return pta_lower_permute(l, step);
    case PTA_STEP_ZEROPAD:
        return pta_lower_pad(l, step);
    case PTA_STEP_CROP:
        return pta_lower_crop(l, step);
    case PTA_STEP_ADD:
    case PTA_STEP_SUB:
    case PTA_STEP_MUL:
    case PTA_STEP_AVERAGE:
    case PTA_STEP_MAXIMUM:
        return pta_lower_join(l, step);
    case PTA_STEP_CONCAT:
        return pta_lower_concat(l, step);
    case PTA_STEP_SOFTMAX:
        break;
    }
    return pta_lower_refuse(l, step, "softmax has no block in hardware");
}

/* How many read each buffer. */
static void count_uses(pta_lowering *l)
{
    const pta_slice *s = l->slice;
    for (int32_t i = 0; i < s->n_steps; i++) {
        for (int32_t k = 0; k < s->steps[i].n_in; k++) {
            int32_t v = s->steps[i].in[k], root = s->values[v].alias_of;
            l->uses[root >= 0 ? root : v]++;
        }
    }
    for (int32_t i = 0; i < s->n_outputs; i++) {
        int32_t v = s->outputs[i], root = s->values[v].alias_of;
        l->uses[root >= 0 ? root : v]++;
    }
}

static int64_t port_words(const pta_slice *slice, const int32_t *values,
                          int32_t n)
{
    int64_t words = 0;
    for (int32_t i = 0; i < n; i++) {
        words += port_of(slice, values[i]).words;
    }
    return words;
}

int64_t pta_slice_pace(const pta_slice *slice, const pta_fold *folds)
{
    int64_t in = port_words(slice, slice->inputs, slice->n_inputs);
    int64_t out = port_words(slice, slice->outputs, slice->n_outputs);
    int64_t pace = in > out ? in : out;
    for (int32_t i = 0; folds != NULL && i < slice->n_steps; i++) {
        int64_t steps = pta_step_cycles(slice, &slice->steps[i], &folds[i]);
        pace = steps > pace ? steps : pace;
    }
    return pace;
}

pta_status pta_slice_check_hardware(pta_ctx *ctx, const pta_slice *slice)
{
    if (slice->is_float) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "no accelerator for a slice in float32");
    }
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (slice->steps[i].hls4ml.used) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s': accelerators have the exact profile; "
                            "plans of profile \"hls4ml\" run on --device fixed",
                            slice->steps[i].name);
        }
    }
    if (slice->n_steps == 0 && slice->n_outputs == 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "board %d has nothing to compute", (int)slice->board);
    }
    return PTA_OK;
}

static pta_status build(pta_lowering *l, int32_t samples)
{
    const pta_slice *s = l->slice;
    PTA_TRY_ALLOC(l->ctx, l->uses, s->n_values);
    PTA_TRY_ALLOC(l->ctx, l->next, s->n_values);
    PTA_TRY_ALLOC(l->ctx, l->design->inputs, s->n_inputs);
    PTA_TRY_ALLOC(l->ctx, l->design->outputs, s->n_outputs);
    count_uses(l);
    l->pace = pta_slice_pace(s, l->folds);
    PTA_TRY(lower_inputs(l));
    if (s->engine == PTA_ENGINE_REUSED) {
        PTA_TRY(pta_lower_engine(l));
    }
    for (int32_t i = 0; s->engine != PTA_ENGINE_REUSED && i < s->n_steps; i++) {
        PTA_TRY(lower_step(l, i));
    }
    PTA_TRY(lower_outputs(l));
    if (samples >= 0) {
        PTA_TRY(pta_design_time(l->ctx, l->design, samples));
    }
    pta_design_count(l->design);
    return PTA_OK;
}

pta_status pta_design_build_for(pta_ctx *ctx, const pta_slice *slice,
                                const pta_fold *folds, int32_t samples,
                                pta_design **out)
{
    PTA_TRY(pta_slice_check_hardware(ctx, slice));
    pta_lowering l = {.ctx = ctx, .slice = slice, .folds = folds};
    PTA_TRY_ALLOC(ctx, l.design, 1);
    l.design->engine = slice->engine;
    pta_status status = build(&l, samples);
    pta_free(ctx, l.uses);
    pta_free(ctx, l.next);
    if (status != PTA_OK) {
        pta_design_destroy(ctx, &l.design);
        return status;
    }
    *out = l.design;
    return PTA_OK;
}

pta_status pta_design_build(pta_ctx *ctx, const pta_slice *slice,
                            const pta_fold *folds, pta_design **out)
{
    return pta_design_build_for(ctx, slice, folds, 0, out);
}
