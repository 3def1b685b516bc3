/* Between harness.c (draws, writes the top, builds) and drive.c (simulates). */
#ifndef HLS_HARNESS_PRIV_H
#define HLS_HARNESS_PRIV_H

#include "base/rng.h"
#include "harness.h"
#include "model.h"

typedef struct hls_model {
    void *(*open)(int seed, hls_ports *ports);
    void (*eval)(void *model, int clk, int rst);
    void (*close)(void *model);
} hls_model;

/** Cuts the streams in beats. */
void hls_pack(hls_case *c);

/** Runs all cases under all patterns of stalls; returns wrong cases. */
int hls_drive(const hls_model *model, hls_case *cases, int n_cases,
              uint64_t rng, int reset_seed);

#endif
