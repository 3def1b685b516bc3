/* Foldings and design of a slice, with weights as asked for: generate.h. */
#include "hls/gen/generate.h"

static void set_memory(const pta_slice *slice, pta_weight_kind weights,
                       pta_fold *folds)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (!slice->steps[i].weighted) {
            continue;
        }
        if (weights == PTA_WEIGHTS_RAM) {
            folds[i].memory = PTA_MEMORY_RAM;
        } else if (weights == PTA_WEIGHTS_ROM &&
                   folds[i].memory == PTA_MEMORY_RAM) {
            folds[i].memory = PTA_MEMORY_BLOCK;
        }
    }
}

pta_status pta_generate_design(pta_ctx *ctx, const pta_slice *slice,
                               const pta_budget *budget,
                               pta_weight_kind weights, pta_fold *folds,
                               pta_design **out)
{
    PTA_TRY(pta_fold_choose(ctx, slice, budget, folds));
    set_memory(slice, weights, folds);
    return pta_design_build(ctx, slice, folds, out);
}
