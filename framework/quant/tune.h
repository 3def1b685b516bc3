/*
 * Tuning: narrow widths that are still judged good, tensor by tensor.
 *
 * Starts a little above the least width at which all tensors alike are good.
 * Each step takes one bit off one tensor, at the low end or (clipping) at the
 * high end: where it saves most hardware for the noise it adds, until the noise
 * that is allowed is used up. Of the widths passed on this way the narrowest that
 * are good are taken, and other steps tried from there. Who judges, measures and prices is the caller's business:
 * this file knows widths only.
 */
#ifndef PTA_QUANT_TUNE_H
#define PTA_QUANT_TUNE_H

#include "quant/formats.h"

typedef struct pta_tune {
    const pta_graph *graph; /* borrowed */
    int32_t most;           /* widest width tried */
    double noise;           /* most that is allowed, as `measure` gives it */
    /** Whether these widths [n_nodes] lose no more than is allowed. */
    pta_status (*judge)(void *user, pta_ctx *ctx, const pta_widths *widths,
                        bool *good);
    /** Noise of the outputs; quick. */
    pta_status (*measure)(void *user, pta_ctx *ctx, const pta_widths *widths,
                          double *noise);
    /** What the hardware costs; infinite for what cannot be built. */
    pta_status (*price)(void *user, pta_ctx *ctx, const pta_widths *widths,
                        double *price);
    void *user;
} pta_tune;

typedef struct pta_tune_work {
    int64_t judged, measured;
} pta_tune_work;

/** Receives the widths, [n_nodes], and what it took. PTA_ERR_RANGE if no common
 * width up to `most` is good. */
pta_status PTA_MUST_CHECK pta_tune_run(pta_ctx *ctx, const pta_tune *tune,
                                       pta_widths *widths, pta_tune_work *work);

/** Bits of all weights over their number, and of all tensors that have a format
 * of their own over their values. Biases, of accumulator width, do not count. */
typedef struct pta_mean_bits {
    double weights, activations;
} pta_mean_bits;

pta_mean_bits pta_widths_mean(const pta_graph *graph, const pta_widths *widths);

#endif
