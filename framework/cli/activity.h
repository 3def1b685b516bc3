/*
 * How much of its format each layer uses in a run: values that are not zero, and
 * values at an end of the format, where saturation puts what does not fit.
 * Counted in what the blas reference computes; rank 0 only.
 */
#ifndef PTA_CLI_ACTIVITY_H
#define PTA_CLI_ACTIVITY_H

#include "cli/cli.h"

/** Of one layer's output, over all samples. */
typedef struct pta_activity_count {
    int64_t values, nonzero, saturated;
} pta_activity_count;

typedef struct pta_activity {
    const pta_graph *graph;    /* borrowed */
    const pta_plan *plan;      /* borrowed; its formats */
    pta_activity_count *count; /* owned; [n_nodes]; no values: not computed */
} pta_activity;

pta_status PTA_MUST_CHECK pta_activity_open(pta_ctx *ctx,
                                            const pta_graph *graph,
                                            const pta_plan *plan,
                                            pta_activity *activity);
void pta_activity_free(pta_ctx *ctx, pta_activity *activity);

/** A pta_reference_tap of the blas reference; `user` is a pta_activity. */
void pta_activity_tap(void *user, int32_t node, const void *values,
                      int32_t n_samples, int64_t count);

/** Array of {layer, format, nonzero, saturated} (fractions). */
json_t *pta_activity_json(const pta_activity *activity);

/** The same as a table, in per cent. */
pta_status PTA_MUST_CHECK pta_activity_print(pta_ctx *ctx,
                                             const pta_activity *activity,
                                             FILE *file);

#endif
