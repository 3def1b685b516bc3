/*
 * Vitis HLS output of a slice: `partita build --vitis`.
 *
 * slice.cpp is the slice as C++ for Vitis HLS: one streaming function per step
 * over the library hls/vitis/pta_hls.h, in a dataflow region; weights.h and
 * slice.h are its constants; tb.cpp checks it against samples.bin, which holds
 * random samples and what the `fixed` device made of them; vitis.tcl runs it
 * all. Same bus format as our own core; of the register map page 0's words, at
 * another place (docs/outputs.md). Exact profile only.
 */
#ifndef PTA_HLS_VITIS_H
#define PTA_HLS_VITIS_H

#include "plan/slice.h"

typedef struct pta_vitis_params {
    const pta_graph *graph;   /* names */
    const pta_fold *folds;    /* [n_steps], of which pe counts; NULL: the
                                 steps' own */
    const char *generator;    /* "partita 0.1.0" */
    const char *slice_digest; /* hexadecimal (identity.h) */
    uint32_t clock_hz;
    int32_t n_samples; /* of samples.bin */
} pta_vitis_params;

/**
 * Writes slice.cpp, slice.h, weights.h, the library, tb.cpp, vitis.tcl and
 * samples.bin. The slice must be loaded. PTA_ERR_UNSUPPORTED for a float slice
 * or one of the hls4ml profile; what the `fixed` device refuses is refused.
 */
pta_status PTA_MUST_CHECK pta_vitis_write(pta_ctx *ctx, const pta_slice *slice,
                                          const pta_vitis_params *params,
                                          const char *folder);

#endif
