/* `partita board status`: what this board holds and what the driver finds. */
#ifndef PTA_HLS_BOARD_STATUS_H
#define PTA_HLS_BOARD_STATUS_H

#include "base/ctx.h"

#define PTA_STATUS_TEXT 80

/** Texts are "" and numbers 0 where something is missing or not readable. */
typedef struct pta_board_state {
    char slice[PTA_STATUS_TEXT]; /* digest of what was loaded */
    char fpga[PTA_STATUS_TEXT];  /* "operating", "unknown", ... */
    uint64_t dma_bytes;          /* of u-dma-buf */
    uint64_t dma_address;
    bool uio_core, uio_dma, uio_irq; /* UIO devices of the overlay */
    double fclk_hz;                  /* root only */
} pta_board_state;

/** Touches nothing of the PL. */
void pta_board_state_read(pta_ctx *ctx, const char *root,
                          pta_board_state *state);

#endif
