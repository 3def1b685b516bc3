/*
 * What a run is worth: classes, accuracy, digest of the outputs, latency.
 * Definitions: DESIGN section 8.
 */
#ifndef PTA_CLI_SCORE_H
#define PTA_CLI_SCORE_H

#include "base/hash.h"
#include "cli/packing.h"

/** Class of a sample by output 0: the greatest of several elements, ties to the
 * lowest index; of one element, whether the logit is positive (a sigmoid's
 * output is above 1/2 when its logit is). */
int32_t pta_class_of(const pta_graph *graph, const pta_packing *outputs,
                     const void *sample);

/** The same for output 0 of the float reference, `count` float32. */
int32_t pta_class_of_float(const pta_graph *graph, const float *values,
                           int64_t count);

/** Adds n samples to the digest of the outputs: elements in C-order, outputs
 * in the graph's, each a little-endian int64. */
void pta_digest_outputs(pta_sha256 *hash, const pta_packing *outputs,
                        const void *samples, int64_t n);

typedef struct pta_percentiles {
    double p50, p95, p99, max; /* microseconds */
} pta_percentiles;

/** Nearest rank; sorts `ns` in place. All 0 when n is 0. */
pta_percentiles pta_latency_percentiles(uint64_t *ns, int64_t n);

#endif
