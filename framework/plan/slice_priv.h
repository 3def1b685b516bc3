/*
 * Between slice_build.c, which finds steps and values, and slice_step.c, which
 * fills in what a step computes with.
 */
#ifndef PTA_PLAN_SLICE_PRIV_H
#define PTA_PLAN_SLICE_PRIV_H

#include "plan/slice.h"

/** Everything of a step but its place: op, activation, accumulator, weights.
 * `in` is the region of input 0 that the step takes; node, out, partial are
 * set, values in the slice. */
void pta_step_parameters(const pta_graph *graph, const pta_plan *plan,
                         const pta_slice *slice, const pta_region *in,
                         pta_step *step);

/** How input `input` with `region` of `node` is finished from partial sums. */
pta_join pta_join_make(const pta_graph *graph, const pta_plan *plan,
                       int32_t node, const pta_region *region, int32_t input);

#endif
