/*
 * The generator: a slice and its design become a core's files, in memory: the
 * top level pta_top.sv (without parameters), the blocks it is made of, the hex
 * files of its memories, and the manifest. `partita build` writes them; the
 * device `rtl` simulates them. Same slice, same foldings: same bytes.
 */
#ifndef PTA_HLS_GENERATE_H
#define PTA_HLS_GENERATE_H

#include "hls/gen/manifest.h"
#include "hls/sim/cache.h"

#define PTA_TOP_NAME "pta_top" /* module of every generated core */

typedef enum pta_weight_kind {
    PTA_WEIGHTS_PLANNED, /* as the plan's foldings say, ROM by default */
    PTA_WEIGHTS_ROM,
    PTA_WEIGHTS_RAM
} pta_weight_kind;

/** Chooses what foldings the plan leaves open, within `budget`, puts the
 * weights where `weights` says, and builds the design. `folds` [n_steps]. */
pta_status PTA_MUST_CHECK pta_generate_design(
    pta_ctx *ctx, const pta_slice *slice, const pta_budget *budget,
    pta_weight_kind weights, pta_fold *folds, pta_design **out);

typedef struct pta_generate_options {
    const pta_graph *graph; /* names of tensors in the manifest, or NULL */
    const char *generator;  /* "partita 0.1.0"; NULL: "partita" */
    uint32_t clock_hz;      /* 0: 100 MHz */
    bool blank; /* writable memories hold nothing: the same core whatever the
                   weights; there is no known answer */
} pta_generate_options;

typedef struct pta_generated {
    pta_manifest manifest; /* owned; names every file */
    int32_t n_files;
    pta_sim_file *files; /* owned, with texts; names are the manifest's */
    int32_t n_memories;
    pta_core_memory *memories; /* owned, with data; the writable ones, by the
                                  number that selects them */
} pta_generated;

/**
 * Generates the core of a loaded slice. `design` was built from `folds`.
 * PTA_ERR_UNSUPPORTED naming the layer for weights a block cannot take.
 */
pta_status PTA_MUST_CHECK pta_generate(pta_ctx *ctx, const pta_slice *slice,
                                       const pta_fold *folds,
                                       const pta_design *design,
                                       const pta_generate_options *options,
                                       pta_generated **out);
void pta_generated_destroy(pta_ctx *ctx, pta_generated **generated);

/** Writes all files and the manifest into a folder that exists. */
pta_status PTA_MUST_CHECK pta_generated_write(pta_ctx *ctx,
                                              const pta_generated *generated,
                                              const char *folder);

/** For the simulator; borrows the files. */
pta_sim_design pta_generated_sim(const pta_generated *generated);

#endif
