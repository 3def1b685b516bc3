/* How one sample lies in memory at the source and at the sink. */
#include "cli/packing.h"

static pta_status make(pta_ctx *ctx, const pta_graph *graph,
                       const pta_plan *plan, bool is_float, int32_t n,
                       bool is_input, pta_packing *out)
{
    pta_packing layout = {.n = n};
    PTA_TRY_ALLOC(ctx, layout.tensor, n);
    for (int32_t i = 0; i < n; i++) {
        pta_tensor_place *t = &layout.tensor[i];
        t->node =
            is_input ? graph->inputs[i] : pta_graph_integer_output(graph, i);
        t->format = plan->formats[t->node].out;
        t->dtype = is_float ? PTA_F32 : pta_format_dtype(t->format);
        t->count = pta_view_count(graph->nodes[t->node].view);
        t->offset = layout.sample_bytes;
        layout.sample_bytes +=
            pta_align8((size_t)t->count * pta_dtype_bytes(t->dtype));
    }
    *out = layout;
    return PTA_OK;
}

pta_status pta_packing_inputs(pta_ctx *ctx, const pta_graph *graph,
                              const pta_plan *plan, bool is_float,
                              pta_packing *out)
{
    return make(ctx, graph, plan, is_float, graph->n_inputs, true, out);
}

pta_status pta_packing_outputs(pta_ctx *ctx, const pta_graph *graph,
                               const pta_plan *plan, bool is_float,
                               pta_packing *out)
{
    return make(ctx, graph, plan, is_float, graph->n_outputs, false, out);
}

void pta_packing_free(pta_ctx *ctx, pta_packing *layout)
{
    pta_free(ctx, layout->tensor);
    *layout = (pta_packing){0};
}

int64_t pta_packing_raw(const pta_packing *layout, const void *sample,
                        int32_t i, int64_t e)
{
    const pta_tensor_place *t = &layout->tensor[i];
    const void *at = (const char *)sample + t->offset;
    switch (t->dtype) {
    case PTA_S8:
        return ((const int8_t *)at)[e];
    case PTA_S16:
        return ((const int16_t *)at)[e];
    case PTA_S32:
        return ((const int32_t *)at)[e];
    case PTA_S64:
        return ((const int64_t *)at)[e];
    case PTA_F32:
        break;
    }
    return 0;
}

double pta_packing_value(const pta_packing *layout, const void *sample,
                         int32_t i, int64_t e)
{
    const pta_tensor_place *t = &layout->tensor[i];
    if (t->dtype == PTA_F32) {
        const char *at = (const char *)sample + t->offset;
        return (double)((const float *)(const void *)at)[e];
    }
    return pta_format_value(t->format, pta_packing_raw(layout, sample, i, e));
}
