/*
 * Cycles that a slice takes in its accelerator: the one place that decides
 * between what was measured, what the design says and what is assumed.
 */
#ifndef PTA_PLAN_CYCLES_H
#define PTA_PLAN_CYCLES_H

#include "plan/design.h"

typedef enum pta_cycles_source {
    PTA_CYCLES_ASSUMED,  /* no design: the formula below */
    PTA_CYCLES_DESIGN,   /* of pta_design_build */
    PTA_CYCLES_MEASURED, /* counted by a device */
    PTA_CYCLES_HOST      /* time of a host, not of an accelerator */
} pta_cycles_source;

/** "assumed: MACs/128 + 20 cycles a layer", ...: as reports print it. */
const char *pta_cycles_source_text(pta_cycles_source source);

/** Of one slice, in cycles of the accelerator's clock. */
typedef struct pta_cycles {
    int64_t latency;  /* of one sample */
    int64_t interval; /* from sample to sample of a batch */
    pta_cycles_source source;
} pta_cycles;

/** Multiply-accumulates of one sample in this slice. */
int64_t pta_slice_macs(const pta_slice *slice);

/** MACs / 128 (rounded up) + 20 for every step with weights, one sample after
 * the other. An empty slice takes no cycles. */
pta_cycles pta_cycles_assumed(const pta_slice *slice);

/**
 * Cycles of a slice on a board with this budget: its design's; the assumption
 * where `budget` is NULL or no design can be built (too large for the board,
 * hls4ml arithmetic, float).
 */
pta_status PTA_MUST_CHECK pta_slice_cycles(pta_ctx *ctx, const pta_slice *slice,
                                           const pta_budget *budget,
                                           pta_cycles *out);

#endif
