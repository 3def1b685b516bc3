/*
 * A slice for tests of the generator: a random graph with its oracle
 * (tests/unit/random_graph.h) as one board, run on the `rtl` device and
 * compared with the oracle, the `fixed` device and the design's figures.
 */
#ifndef PTA_TESTS_GEN_CASE_H
#define PTA_TESTS_GEN_CASE_H

#include "hls/gen/generate.h"
#include "runtime/device.h"
#include "unit/random_graph.h"

#define GEN_SAMPLES 61 /* of a run: 60 intervals are whole bursts of 1 to 6 */

typedef struct gen_case {
    pta_ctx *ctx;
    random_graph graph; /* owned */
    uint64_t rng;
    pta_plan *plan;   /* owned */
    pta_slice *slice; /* owned; loaded */
} gen_case;

/** What a run found. */
typedef struct gen_result {
    pta_status status; /* of opening and running */
    int64_t wrong;     /* words that differ from the oracle or `fixed` */
    int64_t latency, interval; /* the design's */
    int64_t span_said;         /* by the recurrence, for as many samples */
    int64_t first, span;       /* counted: first sample, GEN_SAMPLES - 1 more */
} gen_result;

/** An empty graph for values of up to `bits` bits; add nodes, then finish. */
void gen_begin(gen_case *c, pta_ctx *ctx, uint64_t seed, int bits);

/** Marks the last node as output, makes plan and slice, gives every weighted
 * step a random folding. */
pta_status PTA_MUST_CHECK gen_finish(gen_case *c);
void gen_end(gen_case *c);

/** The graph's samples, repeated, through a device in hardware, against the
 * oracle: status, wrong, first and span. */
gen_result gen_run_on(gen_case *c, const pta_device_ops *ops,
                      const char *options);

/** All of it, of device `rtl` and `fixed`. */
gen_result gen_run(gen_case *c, const char *options);

#endif
