/*
 * Compares a run's outputs with the references, on rank 0: `blas` bit for bit,
 * `float` class for class.
 */
#ifndef PTA_CLI_VERIFY_H
#define PTA_CLI_VERIFY_H

#include "cli/activity.h"
#include "cli/feed.h"
#include "runtime/reference.h"

typedef struct pta_verifier {
    const pta_graph *graph;     /* borrowed */
    const pta_packing *outputs; /* borrowed */
    pta_feed *feed;             /* borrowed */
    pta_reference *blas;        /* owned; NULL: not asked for */
    pta_reference *reference;   /* owned; float, likewise */
    pta_activity activity;      /* owned; of blas */
    void **in;                  /* owned; [n_inputs], int64 or float32 */
    void **out;                 /* owned; [n_outputs], likewise */
    int64_t samples;
    int64_t bit_exact;   /* samples whose every output word is the blas one */
    int64_t first_bad;   /* sample that is not; -1: none */
    int64_t float_right; /* samples that float classes as labelled */
    int64_t argmax_differs; /* samples that float classes differently */
} pta_verifier;

pta_status PTA_MUST_CHECK pta_verifier_open(
    pta_ctx *ctx, const pta_graph *graph, const pta_plan *plan,
    pta_weights *weights, pta_feed *feed, const pta_packing *outputs,
    bool with_blas, bool with_float, pta_verifier **out);

/** Samples [first, first + n) of the feed gave `samples`; `labels` (of all
 * rows) may be NULL. */
pta_status PTA_MUST_CHECK pta_verifier_add(pta_verifier *v, pta_ctx *ctx,
                                           int64_t first, int64_t n,
                                           const void *samples,
                                           const int32_t *labels);
void pta_verifier_close(pta_ctx *ctx, pta_verifier **v);

#endif
