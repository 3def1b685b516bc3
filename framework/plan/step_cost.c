/*
 * Costs of single steps; see the formulas in fold.c and count.c.
 */
#include "plan/step_cost.h"

#include "plan/design_priv.h"

/* Of one step the interval shows early. */
#define SAMPLES_TIMED 5

bool pta_step_folds(const pta_slice *slice, const pta_step *step,
                    int32_t *outputs, int32_t *inputs)
{
    pta_work work = pta_step_work(slice, step);
    *outputs = work.m;
    *inputs = work.n;
    return pta_step_folded(step);
}

pta_resources pta_step_quick_cost(const pta_slice *slice, const pta_step *step,
                                  const pta_fold *fold, int64_t *cycles)
{
    *cycles = pta_step_cycles(slice, step, fold);
    return pta_fold_resources(slice, step, fold);
}

static void add(pta_resources *to, const pta_resources *more)
{
    to->lut += more->lut;
    to->lutram += more->lutram;
    to->ff += more->ff;
    to->dsp += more->dsp;
    to->bram18 += more->bram18;
}

pta_status pta_step_full_cost(pta_ctx *ctx, const pta_slice *one,
                              const pta_fold *fold, bool timed,
                              pta_step_cost *out)
{
    pta_step_cost cost = {0};
    pta_design *d;
    PTA_TRY(
        pta_design_build_for(ctx, one, fold, timed ? SAMPLES_TIMED : -1, &d));
    for (int32_t i = 0; i < d->n_blocks; i++) {
        add(&cost.resources, &d->blocks[i].resources);
    }
    for (int32_t i = 0; i < d->n_inputs; i++) {
        cost.words_in += d->inputs[i].words;
    }
    cost.interval = timed ? d->interval : pta_slice_pace(one, fold);
    cost.latency = timed ? d->latency : 0;
    pta_design_destroy(ctx, &d);
    *out = cost;
    return PTA_OK;
}
