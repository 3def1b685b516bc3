/*
 * What `run --device board` does before the runner opens: every board has its
 * bitstream, and holds it in its FPGA.
 */
#ifndef PTA_CLI_BITSTREAMS_H
#define PTA_CLI_BITSTREAMS_H

#include <mpi.h>

#include "ir/weights.h"
#include "plan/plan.h"

/** True for "board" and "board:...". */
bool pta_is_board(const char *device);

/** Device text with the option bitstreams=DIR unless it has one (or dir is
 * NULL, or the design is hls4ml's). Owned by the caller. */
pta_status PTA_MUST_CHECK pta_board_device(pta_ctx *ctx, const char *device,
                                           const char *dir, char **out);

/**
 * Collective on `comm`, with the same graph, plan and device (pta_board_device)
 * on all ranks; `weights` are looked at on rank 0 only. There is one rank per
 * board, or PTA_ERR_USAGE. A rank whose host lacks its core's files is sent
 * them by rank 0 and keeps them (hls/driver/bitstream.h); one whose FPGA holds
 * another slice loads the bitstream, if it may: else the message says how.
 */
pta_status PTA_MUST_CHECK pta_bitstreams_prepare(pta_ctx *ctx, MPI_Comm comm,
                                                 const pta_graph *graph,
                                                 const pta_plan *plan,
                                                 pta_weights *weights,
                                                 const char *device);

#endif
