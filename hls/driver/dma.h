/*
 * AXI DMA in simple mode (PG021) over a bus: one channel into the core, one out
 * of it. Used by core.c only.
 */
#ifndef PTA_HLS_DMA_H
#define PTA_HLS_DMA_H

#include "hls/driver/bus.h"
#include "hls/driver/regs.h"

/** Resets both channels and starts them, interrupts on. Refuses an engine built
 * with scatter-gather, and one that stays in reset. */
pta_status PTA_MUST_CHECK pta_dma_reset(pta_ctx *ctx, pta_bus *bus);

/** Starts a transfer of a channel (PTA_DMA_MM2S, PTA_DMA_S2MM); `bytes` in
 * 1..PTA_DMA_LENGTH_MAX, offset in the bus's memory. */
pta_status PTA_MUST_CHECK pta_dma_start(pta_ctx *ctx, pta_bus *bus,
                                        uint32_t channel, size_t offset,
                                        size_t bytes);

/** Whether the channel's transfer is complete; PTA_ERR_DEVICE names the
 * channel and the error its status register shows. */
pta_status PTA_MUST_CHECK pta_dma_poll(pta_ctx *ctx, pta_bus *bus,
                                       uint32_t channel, bool *done);

/** Bytes that arrived by S2MM, and acknowledges both channels' interrupts. */
pta_status PTA_MUST_CHECK pta_dma_received(pta_ctx *ctx, pta_bus *bus,
                                           size_t *bytes);
pta_status PTA_MUST_CHECK pta_dma_acknowledge(pta_ctx *ctx, pta_bus *bus);

#endif
