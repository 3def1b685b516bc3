/* Cycles of a slice (cycles.h). */
#include "plan/cycles.h"

enum { MACS_PER_CYCLE = 128, CYCLES_PER_LAYER = 20 };

const char *pta_cycles_source_text(pta_cycles_source source)
{
    switch (source) {
    case PTA_CYCLES_DESIGN:
        return "of the accelerators' designs";
    case PTA_CYCLES_MEASURED:
        return "counted by the devices";
    case PTA_CYCLES_HOST:
        return "as measured on these hosts";
    case PTA_CYCLES_ASSUMED:
    default:
        return "assumed: MACs/128 + 20 cycles a layer";
    }
}

/* Each weight row works once per output element of its part. */
static int64_t step_macs(const pta_slice *slice, const pta_step *step)
{
    if (!step->weighted || step->op == PTA_STEP_RELU) {
        return 0;
    }
    return pta_view_count(slice->values[step->out].view) * step->weights.cols;
}

int64_t pta_slice_macs(const pta_slice *slice)
{
    int64_t macs = 0;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        macs += step_macs(slice, &slice->steps[s]);
    }
    return macs;
}

pta_cycles pta_cycles_assumed(const pta_slice *slice)
{
    int64_t cycles = 0;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        const pta_step *step = &slice->steps[s];
        if (step->weighted) {
            cycles +=
                (step_macs(slice, step) + MACS_PER_CYCLE - 1) / MACS_PER_CYCLE +
                CYCLES_PER_LAYER;
        }
    }
    return (pta_cycles){cycles, cycles, PTA_CYCLES_ASSUMED};
}

/* The design that the generator would make, without weights. */
static pta_status design_cycles(pta_ctx *ctx, const pta_slice *slice,
                                const pta_budget *budget, pta_fold *folds,
                                pta_cycles *out)
{
    pta_design *design;
    PTA_TRY(pta_fold_choose(ctx, slice, budget, folds));
    PTA_TRY(pta_design_build(ctx, slice, folds, &design));
    *out = (pta_cycles){design->latency, design->interval, PTA_CYCLES_DESIGN};
    pta_design_destroy(ctx, &design);
    return PTA_OK;
}

pta_status pta_slice_cycles(pta_ctx *ctx, const pta_slice *slice,
                            const pta_budget *budget, pta_cycles *out)
{
    pta_status status = PTA_ERR_UNSUPPORTED;
    if (budget != NULL) {
        pta_fold *folds;
        PTA_TRY_ALLOC(ctx, folds, slice->n_steps);
        status = design_cycles(ctx, slice, budget, folds, out);
        pta_free(ctx, folds);
    }
    if (status == PTA_ERR_UNSUPPORTED) {
        *out = pta_cycles_assumed(slice);
        return PTA_OK;
    }
    return status;
}
