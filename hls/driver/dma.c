/* AXI DMA in simple mode: see dma.h. */
#include "hls/driver/dma.h"

#define RESET_NS 1000000u /* PG021: a few hundred cycles at most */

static const char *channel_name(uint32_t channel)
{
    return channel == PTA_DMA_MM2S ? "MM2S (to the core)"
                                   : "S2MM (from the core)";
}

static pta_status read_reg(pta_ctx *ctx, pta_bus *bus, uint32_t offset,
                           uint32_t *value)
{
    return bus->ops->read(bus, ctx, PTA_BUS_DMA, offset, value);
}

static pta_status write_reg(pta_ctx *ctx, pta_bus *bus, uint32_t offset,
                            uint32_t value)
{
    return bus->ops->write(bus, ctx, PTA_BUS_DMA, offset, value);
}

static pta_status reset_channel(pta_ctx *ctx, pta_bus *bus, uint32_t channel)
{
    uint64_t start, now;
    uint32_t control;
    PTA_TRY(write_reg(ctx, bus, channel + PTA_DMA_CR, PTA_DMA_CR_RESET));
    PTA_TRY(bus->ops->wait(bus, ctx, 0, &start));
    do {
        PTA_TRY(read_reg(ctx, bus, channel + PTA_DMA_CR, &control));
        PTA_TRY(bus->ops->wait(bus, ctx, 0, &now));
    } while ((control & PTA_DMA_CR_RESET) != 0 && now - start < RESET_NS);
    if ((control & PTA_DMA_CR_RESET) != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "DMA %s stays in reset (control 0x%08x): is there a "
                        "clock?",
                        channel_name(channel), (unsigned)control);
    }
    return PTA_OK;
}

static pta_status run_channel(pta_ctx *ctx, pta_bus *bus, uint32_t channel)
{
    uint32_t status;
    PTA_TRY(
        write_reg(ctx, bus, channel + PTA_DMA_CR,
                  PTA_DMA_CR_RUN | PTA_DMA_CR_IOC_IRQ | PTA_DMA_CR_ERR_IRQ));
    PTA_TRY(read_reg(ctx, bus, channel + PTA_DMA_SR, &status));
    if ((status & PTA_DMA_SR_HALTED) != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "DMA %s does not start (status 0x%08x)",
                        channel_name(channel), (unsigned)status);
    }
    if ((status & PTA_DMA_SR_SG) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "DMA %s was built with scatter-gather; the driver "
                        "needs simple mode",
                        channel_name(channel));
    }
    return PTA_OK;
}

pta_status pta_dma_reset(pta_ctx *ctx, pta_bus *bus)
{
    /* Either bit resets the whole engine; both are written so that no order of
     * events leaves one channel as it was. */
    PTA_TRY(reset_channel(ctx, bus, PTA_DMA_MM2S));
    PTA_TRY(reset_channel(ctx, bus, PTA_DMA_S2MM));
    PTA_TRY(run_channel(ctx, bus, PTA_DMA_MM2S));
    return run_channel(ctx, bus, PTA_DMA_S2MM);
}

pta_status pta_dma_start(pta_ctx *ctx, pta_bus *bus, uint32_t channel,
                         size_t offset, size_t bytes)
{
    PTA_ASSERT(bytes > 0 && bytes <= PTA_DMA_LENGTH_MAX);
    uint64_t address = bus->device_address + offset;
    PTA_TRY(write_reg(ctx, bus, channel + PTA_DMA_ADDR, (uint32_t)address));
    if (address >> 32 != 0) { /* the register exists in 64-bit engines only */
        PTA_TRY(write_reg(ctx, bus, channel + PTA_DMA_ADDR_HI,
                          (uint32_t)(address >> 32)));
    }
    return write_reg(ctx, bus, channel + PTA_DMA_LENGTH, (uint32_t)bytes);
}

pta_status pta_dma_poll(pta_ctx *ctx, pta_bus *bus, uint32_t channel,
                        bool *done)
{
    uint32_t status;
    PTA_TRY(read_reg(ctx, bus, channel + PTA_DMA_SR, &status));
    const char *what = NULL;
    if ((status & PTA_DMA_SR_INTERNAL) != 0) {
        what = "internal error: a length of 0, or more bytes than asked for";
    } else if ((status & PTA_DMA_SR_SLAVE) != 0) {
        what = "slave error: the memory port refused an access";
    } else if ((status & PTA_DMA_SR_DECODE) != 0) {
        what = "decode error: no memory at that address";
    } else if ((status & PTA_DMA_SR_HALTED) != 0) {
        what = "halted";
    }
    if (what != NULL) {
        return pta_fail(ctx, PTA_ERR_DEVICE, "DMA %s: %s (status 0x%08x)",
                        channel_name(channel), what, (unsigned)status);
    }
    *done = (status & PTA_DMA_SR_IOC) != 0;
    return PTA_OK;
}

pta_status pta_dma_received(pta_ctx *ctx, pta_bus *bus, size_t *bytes)
{
    uint32_t length;
    PTA_TRY(read_reg(ctx, bus, PTA_DMA_S2MM + PTA_DMA_LENGTH, &length));
    *bytes = length & PTA_DMA_LENGTH_MAX;
    return PTA_OK;
}

pta_status pta_dma_acknowledge(pta_ctx *ctx, pta_bus *bus)
{
    PTA_TRY(write_reg(ctx, bus, PTA_DMA_MM2S + PTA_DMA_SR, PTA_DMA_SR_IOC));
    return write_reg(ctx, bus, PTA_DMA_S2MM + PTA_DMA_SR, PTA_DMA_SR_IOC);
}
