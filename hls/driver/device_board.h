/*
 * The device `board`: a slice in the FPGA of this machine.
 *
 * Options: bitstreams=DIR (searched for the manifest of the slice's core before
 * what rank 0 sent), poll (no interrupts), patience=MS (for an answer beyond the
 * expected time), hls4ml[=BUS] (a VivadoAccelerator design: no manifest, no
 * registers; vivado_accelerator.h), root=DIR (tests: before /sys, /dev, /run).
 */
#ifndef PTA_HLS_DEVICE_BOARD_H
#define PTA_HLS_DEVICE_BOARD_H

#include "hls/driver/bus_chip.h"
#include "hls/driver/device_hw.h"

extern const pta_device_ops pta_device_board;

/** What the option text says; texts are owned by `text`. */
typedef struct pta_board_options {
    char *text;             /* owned, cut into pieces */
    const char *root;       /* "" */
    const char *bitstreams; /* NULL: not given */
    const char *bus;        /* hls4ml's types; NULL: its default */
    bool poll, hls4ml;
    uint64_t patience_ns; /* 0: the bus's */
} pta_board_options;

/** PTA_ERR_USAGE names the option and the valid ones. `text` may be NULL. */
pta_status PTA_MUST_CHECK pta_board_options_parse(pta_ctx *ctx,
                                                  const char *text,
                                                  pta_board_options *out);
void pta_board_options_free(pta_ctx *ctx, pta_board_options *options);

/** Open of pta_device_board over another bus than the chip's, whose params are
 * pta_bus_chip_params too (tests). */
pta_status PTA_MUST_CHECK pta_board_open(pta_ctx *ctx, const pta_slice *slice,
                                         const pta_device_params *params,
                                         const pta_device_ops *ops,
                                         const pta_bus_ops *bus,
                                         pta_device **out);

#endif
