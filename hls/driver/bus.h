/*
 * The bus: what stands between the driver and an accelerator.
 *
 * Six functions reach the registers of the DMA and of the core and one block of
 * memory that both sides can address. Two buses exist: the simulation
 * (hls/sim/bus_sim.h) and the memory of the chip (bus_chip.h); the driver is
 * written once against this header.
 *
 * The memory is not coherent. What the CPU wrote is seen by the DMA only after
 * a sync TO_DEVICE; a range that the DMA is about to write is handed over with
 * FOR_DEVICE (so that no dirty cache line falls on top of it later); what the
 * DMA wrote is seen by the CPU only after FROM_DEVICE.
 */
#ifndef PTA_HLS_BUS_H
#define PTA_HLS_BUS_H

#include "base/ctx.h"

typedef enum pta_bus_window { PTA_BUS_DMA, PTA_BUS_CORE } pta_bus_window;

typedef enum pta_sync {
    PTA_SYNC_TO_DEVICE,
    PTA_SYNC_FOR_DEVICE,
    PTA_SYNC_FROM_DEVICE
} pta_sync;

typedef struct pta_bus pta_bus;

typedef struct pta_bus_ops {
    const char *name; /* for messages */
    /** `params` is the bus's own struct. Acquires `memory_bytes` of shared
     * memory, 64-byte aligned and zeroed on both sides. */
    pta_status (*open)(pta_ctx *ctx, const void *params, size_t memory_bytes,
                       pta_bus **out);
    void (*close)(pta_ctx *ctx, pta_bus **bus);
    pta_status (*read)(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                       uint32_t offset, uint32_t *value);
    pta_status (*write)(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                        uint32_t offset, uint32_t value);
    /** Offset and size in the shared memory. */
    pta_status (*sync)(pta_bus *bus, pta_ctx *ctx, pta_sync direction,
                       size_t offset, size_t bytes);
    /** Returns at the DMA's next interrupt or after max_ns, perhaps earlier;
     * the caller looks at the registers either way. *now_ns is the bus's
     * clock afterwards: CLOCK_MONOTONIC, or simulated time. 0: only the clock. */
    pta_status (*wait)(pta_bus *bus, pta_ctx *ctx, uint64_t max_ns,
                       uint64_t *now_ns);
} pta_bus_ops;

/** First member of every bus's own struct. */
struct pta_bus {
    const pta_bus_ops *ops;
    void *memory;            /* the CPU's side */
    uint64_t device_address; /* of the same bytes, for the DMA */
    size_t memory_bytes;
    /* Registers are looked at this often at least, in case an interrupt is
     * lost; an answer may take this long beyond the expected time; and the
     * core's clock is compared with the bus's over this span. */
    uint64_t poll_ns, patience_ns, clock_span_ns;
};

#endif
