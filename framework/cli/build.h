/*
 * What `partita build` writes: a folder per board with the generated core, and
 * the outputs asked for by options. An output is a row of PTA_BUILD_OUTPUTS:
 * the verb makes a flag of it and calls its function for every board, in the
 * order of the rows.
 */
#ifndef PTA_CLI_BUILD_H
#define PTA_CLI_BUILD_H

#include "cli/cli.h"
#include "hls/driver/files.h"
#include "hls/gen/generate.h"

/** A board being built. The folder holds the core's files and manifest; it gets
 * its final name when all boards are done, and is removed if one fails. */
typedef struct pta_build_board {
    const pta_loaded *loaded; /* model, graph, plan */
    const pta_slice *slice;   /* with weights */
    const pta_fold *folds;
    const pta_design *design;     /* NULL: the board has no core */
    const pta_manifest *manifest; /* NULL likewise */
    json_t *json; /* the board's object in --json; outputs may add to it */
} pta_build_board;

typedef pta_status pta_build_output(pta_ctx *ctx, const pta_build_board *board,
                                    const char *folder);

/* X(option, help, function, whether it needs the core) */
#define PTA_BUILD_OUTPUTS(X)                                                   \
    X("report", "what Yosys counts, against the board's budget",               \
      pta_build_report, true)                                                  \
    X("vivado", "a Vivado project: vivado.tcl", pta_build_vivado, true)        \
    X("vitis", "Vitis HLS C++ with its test bench: slice.cpp",                 \
      pta_build_vitis, false)                                                  \
    X("keras", "the slice as a Keras file: slice.h5", pta_build_keras, false)  \
    X("hls4ml", "hls4ml configuration and Keras file: hls4ml.json",            \
      pta_build_hls4ml, false)

#define PTA_BUILD_DECLARE(option, help, function, core)                        \
    pta_build_output function;
PTA_BUILD_OUTPUTS(PTA_BUILD_DECLARE)
#undef PTA_BUILD_DECLARE

/** Prints what the boards of a build have as "report"; nothing if none has. */
pta_status PTA_MUST_CHECK pta_build_report_print(pta_ctx *ctx,
                                                 const json_t *boards);

/** Removes a folder and what is in it. */
pta_status PTA_MUST_CHECK pta_folder_remove(pta_ctx *ctx, const char *path);

/** Folders of a build under way, and their end (build_folders.c): board N is
 * written to DIR/boardN.tmp-PID. `commit` gives all of them their names and
 * removes what an earlier build left; `abandon` removes them, and DIR if it
 * was made for this. PTA_ERR_IO for a DIR/boardN that is no build's. */
typedef struct pta_build_folders {
    const char *dir; /* borrowed */
    int32_t n_boards;
    bool made; /* DIR */
} pta_build_folders;

pta_status PTA_MUST_CHECK pta_build_begin(pta_ctx *ctx, const char *dir,
                                          int32_t n_boards,
                                          pta_build_folders *folders);
pta_status PTA_MUST_CHECK pta_build_folder(pta_ctx *ctx,
                                           const pta_build_folders *folders,
                                           int32_t board,
                                           char path[PTA_PATH_BYTES]);
pta_status PTA_MUST_CHECK pta_build_commit(pta_ctx *ctx,
                                           const pta_build_folders *folders);
void pta_build_abandon(pta_ctx *ctx, const pta_build_folders *folders);

#endif
