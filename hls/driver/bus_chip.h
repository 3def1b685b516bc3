/*
 * The bus of the chip: registers through UIO (or /dev/mem), buffers in
 * u-dma-buf, interrupts through UIO (or by polling). Zynq-7000, user space.
 *
 * Nothing of the PL is touched unless `partita board load` recorded under /run
 * that it holds the slice asked for and the FPGA manager says it operates: an
 * access to an unconfigured PL hangs the ARM.
 *
 * UIO devices are found by name: pta_core, pta_dma (registers, at the addresses
 * of regs.h) and pta_irq (the S2MM interrupt). docs/board.md sets them up.
 */
#ifndef PTA_HLS_BUS_CHIP_H
#define PTA_HLS_BUS_CHIP_H

#include "hls/driver/bus.h"

typedef struct pta_bus_chip_params {
    const char *root;         /* put before /sys, /dev, /run; "" on a board */
    const char *slice_digest; /* hexadecimal; the first 32 digits count */
    bool poll;                /* do not wait for interrupts */
    bool no_core;             /* no registers of the core: only the DMA's */
    uint64_t patience_ns, clock_span_ns; /* 0: 1 s, 20 ms */
} pta_bus_chip_params;

extern const pta_bus_ops pta_bus_chip;

#define PTA_RECORD_DIGITS 32

/** Path of the record of what the PL holds. */
#define PTA_RECORD_FOLDER "/run/partita"
#define PTA_RECORD_PATH   PTA_RECORD_FOLDER "/slice"
#define PTA_FPGA_MANAGER  "/sys/class/fpga_manager/fpga0"

#endif
