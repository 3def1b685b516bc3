/*
 * Networks for benchmarks and MPI tests: generated from a seed, without a file,
 * or read from one.
 *
 * A generated weight is a hash of (seed, layer,
 * place), so every rank can read just its part and all agree.
 */
#ifndef PTA_BENCH_NET_H
#define PTA_BENCH_NET_H

#include "ir/weights.h"
#include "model/keras.h"
#include "plan/plan.h"

typedef struct network {
    pta_graph *graph;
    pta_plan *plan;
    pta_weights weights;
    uint64_t seed;
    pta_model *model; /* owned; NULL if generated */
} network;

/** Dense layers fc1, fc2, ..., output over n >= 2 widths (the first is the
 * input's); ReLU after each but the last. One whole stage. */
pta_status PTA_MUST_CHECK net_dense(pta_ctx *ctx, const int32_t *widths,
                                    int32_t n, int32_t bits, uint64_t seed,
                                    network *out);

/** An image network with a residual block: conv1, conv2, add (with conv1),
 * pool, conv3, flatten, fc1, output over an h x h x 2 input. */
pta_status PTA_MUST_CHECK net_image(pta_ctx *ctx, int32_t h, int32_t bits,
                                    uint64_t seed, network *out);

/** The network of FOLDER/NAME.h5 with the ranges beside it. */
pta_status PTA_MUST_CHECK net_file(pta_ctx *ctx, const char *folder,
                                   const char *name, int32_t bits,
                                   network *out);

/** Cuts the plan (pta_cut_apply). */
pta_status PTA_MUST_CHECK net_cut(pta_ctx *ctx, network *net, const char *cut);

/** Bytes of a source sample, and n seeded samples: raw integers uniform over
 * the input's format (one input). */
size_t net_sample_bytes(const network *net);
void net_samples(const network *net, uint64_t seed, int64_t n, void *samples);

/**
 * The uncut network on OpenBLAS (runtime/reference.h): results of n samples in
 * the sink's layout, out_bytes each.
 */
pta_status PTA_MUST_CHECK net_reference(pta_ctx *ctx, network *net,
                                        const void *samples, int32_t n,
                                        size_t out_bytes, void *results);

void net_destroy(pta_ctx *ctx, network *net);

#endif
