/*
 * Vivado output of a core: `partita build --vivado`.
 *
 * vivado.tcl makes a project for a PYNQ-Z2 (xc7z020clg400-1): processing system,
 * AXI DMA, the core, interconnects, resets, interrupts, with the addresses of
 * hls/driver/regs.h; it synthesises, implements, and writes TOP.bit unless a
 * path is too slow. board.v is the core as Verilog, because Vivado takes no
 * SystemVerilog module into a block design.
 */
#ifndef PTA_HLS_VIVADO_H
#define PTA_HLS_VIVADO_H

#include "hls/gen/manifest.h"

/** Writes vivado.tcl and board.v into the folder of the core's files, whose
 * names are the manifest's. PTA_ERR_MISMATCH if none of them is TOP.sv. */
pta_status PTA_MUST_CHECK pta_vivado_write(pta_ctx *ctx,
                                           const pta_manifest *manifest,
                                           const char *folder);

#endif
