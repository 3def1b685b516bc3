/*
 * What one step costs with a folding, by the formulas of designs: for planners,
 * which weigh many foldings and build few.
 */
#ifndef PTA_PLAN_STEP_COST_H
#define PTA_PLAN_STEP_COST_H

#include "plan/design.h"

/** True for steps that a folding is chosen for. `outputs` and `inputs` are what
 * pe and simd divide at one position. */
bool pta_step_folds(const pta_slice *slice, const pta_step *step,
                    int32_t *outputs, int32_t *inputs);

/** Multipliers, weights and conversion of a step that folds, without what lies
 * around them; cycles of a sample. No allocation. */
pta_resources pta_step_quick_cost(const pta_slice *slice, const pta_step *step,
                                  const pta_fold *fold, int64_t *cycles);

/** The design of a slice of one step: all its blocks, without the shell. */
typedef struct pta_step_cost {
    pta_resources resources;
    int64_t interval;          /* cycles; untimed: of the step and the bus */
    int64_t latency, words_in; /* cycles, shell included; untimed: 0 */
} pta_step_cost;

pta_status PTA_MUST_CHECK pta_step_full_cost(pta_ctx *ctx, const pta_slice *one,
                                             const pta_fold *fold, bool timed,
                                             pta_step_cost *out);

#endif
