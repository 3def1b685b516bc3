/*
 * Fills a slice with its raw weights, from a pta_weights or from what rank 0
 * sends. No MPI here.
 */
#ifndef PTA_RUNTIME_SLICE_LOAD_H
#define PTA_RUNTIME_SLICE_LOAD_H

#include "ir/weights.h"
#include "plan/slice.h"

/**
 * Reads, quantises (or converts to float32) and stores the weights and biases
 * of every step and join, in chunks of bounded size (a few MiB), reading
 * nothing but the slice's own part. Afterwards computes the slice's digest:
 * SHA-256 over steps with weights in order (input format's width, integer bits
 * and sign, acc_frac, acc_bits, in the hls4ml profile width, integer bits,
 * rounding and overflow of bias and accumulator, rows, cols, raw weights
 * without padding, biases), then the biases of joins, all as little-endian int64. Float slices
 * have digest "".
 */
pta_status PTA_MUST_CHECK pta_slice_load(pta_ctx *ctx, const pta_graph *graph,
                                         const pta_plan *plan,
                                         pta_weights *weights, pta_slice *slice,
                                         char digest[PTA_SHA256_HEX]);

/** The slice's digest, as above. */
void pta_slice_digest(const pta_slice *slice, char digest[PTA_SHA256_HEX]);

/* To send a loaded slice to a rank that cannot open the model: the receiver
 * allocates what the flags say, then both visit the same memory in the same
 * order (raw, as everything on the wire). The digest tells if it worked. */

/** Which steps and joins have a bias; [n_steps + n_joins]. */
void pta_slice_bias_flags(const pta_slice *slice, uint8_t *flags);
pta_status PTA_MUST_CHECK pta_slice_allocate(pta_ctx *ctx, pta_slice *slice,
                                             const uint8_t *flags);

typedef pta_status (*pta_slice_visitor)(void *state, void *data,
                                        size_t n_bytes);

/** Weights and biases, in order; ends with the first failure of a visit. */
pta_status PTA_MUST_CHECK pta_slice_visit(const pta_slice *slice,
                                          pta_slice_visitor visit, void *state);

/** Finishes partial sums: y = convert(act(sum + bias)), n elements whose
 * channel is e % join->n_channels; `sum` has join->acc elements (F32 in a float
 * slice), y the dtype of `format`. The reference kernel does the work. */
void pta_join_apply(const pta_join *join, pta_format format, bool is_float,
                    const void *sum, int64_t n, void *y);

#endif
