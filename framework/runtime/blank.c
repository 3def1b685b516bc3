/*
 * What ranks without numerics share (run.h): built once, borrowed by all.
 */
#include "runtime/header.h"
#include "runtime/run.h"

static pta_status build(pta_ctx *ctx, const pta_graph *graph,
                        const pta_plan *plan, int32_t samples, bool packed,
                        pta_blank *blank)
{
    size_t widest = 0;
    int32_t n = plan->n_boards;
    blank->n_boards = n;
    PTA_TRY_ALLOC(ctx, blank->slices, n + 1);
    for (int32_t b = 0; b <= n; b++) {
        PTA_TRY(pta_slice_build(ctx, graph, plan, b < n ? b : PTA_BOARD_SINK,
                                false, &blank->slices[b]));
    }
    PTA_TRY(pta_wires_build(ctx, graph, plan, blank->slices, blank->slices[n],
                            &blank->wires));
    if (packed) {
        pta_wires_pack(&blank->wires);
    }
    for (int32_t w = 0; w < blank->wires.n_wires; w++) {
        size_t bytes = blank->wires.wires[w].sample_bytes;
        widest = bytes > widest ? bytes : widest;
    }
    PTA_TRY_ALLOC(ctx, blank->scratch,
                  PTA_HEADER_BYTES + widest * (size_t)samples);
    return PTA_OK;
}

pta_status pta_blank_build(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, int32_t samples, bool packed,
                           pta_blank *out)
{
    pta_blank blank = {0};
    pta_status status = build(ctx, graph, plan, samples, packed, &blank);
    if (status != PTA_OK) {
        pta_blank_free(ctx, &blank);
        return status;
    }
    *out = blank;
    return PTA_OK;
}

void pta_blank_free(pta_ctx *ctx, pta_blank *blank)
{
    for (int32_t b = 0; blank->slices != NULL && b <= blank->n_boards; b++) {
        pta_slice_destroy(ctx, &blank->slices[b]);
    }
    pta_free(ctx, blank->slices);
    pta_wires_free(ctx, &blank->wires);
    pta_free(ctx, blank->scratch);
    *blank = (pta_blank){0};
}
