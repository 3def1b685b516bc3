/*
 * Fills a slice with its raw weights, from a pta_weights or from bytes that
 * rank 0 sent. No MPI here.
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

/** The loaded weights as one block of bytes (to send to a rank that cannot
 * open the model), and back. Same shapes on both sides by construction; the
 * digest tells. */
size_t pta_slice_packed_bytes(const pta_slice *slice);
void pta_slice_pack(const pta_slice *slice, void *bytes);
pta_status PTA_MUST_CHECK pta_slice_unpack(pta_ctx *ctx, const void *bytes,
                                           size_t n_bytes, pta_slice *slice,
                                           char digest[PTA_SHA256_HEX]);

/** Finishes partial sums: y = convert(act(sum + bias)), n elements whose
 * channel is e % join->n_channels; `sum` has join->acc elements (F32 in a float
 * slice), y the dtype of `format`. The reference kernel does the work. */
void pta_join_apply(const pta_join *join, pta_format format, bool is_float,
                    const void *sum, int64_t n, void *y);

#endif
