/*
 * Simulated cores as shared objects: built by Verilator and g++ from the files
 * of a slice, once per host, and kept in $XDG_CACHE_HOME/partita/sim (or
 * ~/.cache/...), named by SHA-256 over the files and the tools' versions.
 */
#ifndef PTA_HLS_CACHE_H
#define PTA_HLS_CACHE_H

#include "base/ctx.h"
#include "base/hash.h"
#include "hls/driver/files.h"
#include "hls/sim/pins.h"

/** $XDG_CACHE_HOME/partita/WHAT (or ~/.cache/...), made if it is not there. */
pta_status PTA_MUST_CHECK pta_cache_folder(pta_ctx *ctx, const char *what,
                                           char folder[PTA_PATH_BYTES]);

/** A file of a design; `name` is its name in the design. */
typedef struct pta_sim_file {
    const char *name;
    const char *text;
    size_t bytes;
} pta_sim_file;

/** RTL files end in .sv; all others are memories, whose names in quotes stand
 * for themselves in the RTL ($readmemh finds them wherever it runs). */
typedef struct pta_sim_design {
    const char *top; /* module; its pins as in docs/accelerators.md */
    int32_t n_files;
    const pta_sim_file *files;
} pta_sim_design;

/** A loaded simulated core; any number may be open of one design. */
typedef struct pta_sim_model {
    void *handle; /* of dlopen */
    const pta_sim_core_ops *ops;
    bool built; /* by this call; else it was found */
    char path[1024];
} pta_sim_model;

/**
 * Finds or builds the design's shared object and loads it. Ranks of one host
 * may call this at once: one builds, the others wait. PTA_ERR_NOT_FOUND without
 * Verilator or g++; PTA_ERR_UNSUPPORTED if they refuse the design (the detail
 * has their first message); PTA_ERR_MISMATCH if a cached memory is damaged.
 */
pta_status PTA_MUST_CHECK pta_sim_model_open(pta_ctx *ctx,
                                             const pta_sim_design *design,
                                             pta_sim_model *model);
void pta_sim_model_close(pta_sim_model *model);

#endif
