/*
 * What Yosys makes of a core: `partita build --report`. Counts after
 * synth_xilinx, and the cell delay its `sta` sees between registers, carry
 * chains included: an indication, for wires count nothing in it, and no timing
 * closure.
 *
 * A core takes a minute or so; results are kept in
 * $XDG_CACHE_HOME/partita/report (or ~/.cache/...), by the digests of the core's
 * files and Yosys's version.
 */
#ifndef PTA_HLS_REPORT_H
#define PTA_HLS_REPORT_H

#include "hls/gen/manifest.h"

typedef struct pta_synthesis {
    char yosys[32]; /* "Yosys 0.23" */
    pta_resources resources;
    int64_t cell_delay_ps;
    bool cached; /* found, not made */
} pta_synthesis;

/** Share of a PYNQ-Z2 that a core takes with the allowance for DMA,
 * interconnect and reset (an assumption), against the budget. */
typedef struct pta_share {
    double lut, lutram, ff, dsp, bram; /* per cent of the board */
    const char *over; /* first resource over its budget, or NULL */
} pta_share;

/** Synthesises the core in a folder. PTA_ERR_NOT_FOUND without Yosys,
 * PTA_ERR_UNSUPPORTED with its first complaint: an error, or a signal implicitly
 * declared or without a driver. */
pta_status PTA_MUST_CHECK pta_synthesise(pta_ctx *ctx,
                                         const pta_manifest *manifest,
                                         const char *folder,
                                         pta_synthesis *out);

pta_share pta_share_of(const pta_resources *resources);

#endif
