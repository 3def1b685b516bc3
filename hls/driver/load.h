/*
 * `partita board load`: a bitstream into the PL, once, as root. After it nobody
 * needs root: the slice's digest is recorded under /run, where bus_chip.h finds
 * it.
 */
#ifndef PTA_HLS_LOAD_H
#define PTA_HLS_LOAD_H

#include "base/ctx.h"

typedef struct pta_load_params {
    const char *root;         /* put before /sys, /dev, /run; "" on a board */
    const char *bit_path;     /* a .bit of Vivado */
    const char *slice_digest; /* hexadecimal, of the slice it was built from */
    uint32_t timeout_ms;      /* until the FPGA operates; 0: 5000 */
} pta_load_params;

/**
 * Strips the .bit's header and swaps its bytes into /lib/firmware, lets the
 * FPGA manager load it, waits for `operating`, sets FCLK0 to 100 MHz and the
 * HP ports to 64 bits, and writes the record. The old record goes first, so a
 * failure leaves a board that nobody touches.
 */
pta_status PTA_MUST_CHECK pta_board_load(pta_ctx *ctx,
                                         const pta_load_params *params);

/** FCLK0 in Hz as the registers of the processing system say; reading them
 * takes root. */
pta_status PTA_MUST_CHECK pta_board_fclk(pta_ctx *ctx, const char *root,
                                         double *hz);

/** Configuration data of a .bit for the FPGA manager; *bin is the caller's
 * (pta_free). PTA_ERR_FORMAT, or PTA_ERR_MISMATCH for another part. */
pta_status PTA_MUST_CHECK pta_bit_to_bin(pta_ctx *ctx, const char *path,
                                         const char *bit, size_t n_bytes,
                                         char **bin, size_t *bin_bytes);

#endif
