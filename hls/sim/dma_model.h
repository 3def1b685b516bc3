/*
 * AXI DMA in simple mode (PG021), as far as software and the streams can tell.
 * Part of the simulated bus; one call per cycle before and after the core's.
 */
#ifndef PTA_HLS_DMA_MODEL_H
#define PTA_HLS_DMA_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "hls/driver/regs.h"
#include "hls/sim/bus_sim.h"

typedef struct pta_dma_channel {
    uint32_t control, status, length;
    uint64_t address;
    uint32_t done; /* bytes */
    bool active, offering;
} pta_dma_channel;

/* Who may touch 8 bytes of the device image. */
typedef enum pta_owner {
    PTA_OWNER_CPU,
    PTA_OWNER_DEVICE, /* handed over, to be written */
    PTA_OWNER_STALE   /* written, not yet synced */
} pta_owner;

/** The shared memory's two images; offsets are addresses minus base. */
typedef struct pta_sim_memory {
    uint8_t *cpu, *device; /* owned by the bus */
    uint8_t *owner;        /* pta_owner of each 8 bytes */
    uint64_t base;
    size_t bytes;
    size_t n_stale;
    /* First broken rule, for the next access to report: */
    const char *broken;
    size_t broken_at;
} pta_sim_memory;

typedef struct pta_dma_model {
    pta_dma_channel mm2s, s2mm;
    pta_sim_memory *memory;
    const pta_sim_faults *faults; /* borrowed; never NULL */
    uint32_t stall_percent;
    uint64_t random;
    uint32_t in_beat, out_beat; /* bytes of a stream, 1 to 8; 0: 8 */
} pta_dma_model;

uint32_t pta_dma_model_read(pta_dma_model *dma, uint32_t offset);
void pta_dma_model_write(pta_dma_model *dma, uint32_t offset, uint32_t value);
bool pta_dma_model_interrupt(const pta_dma_model *dma);

/** Drives in_* and out_ready; then takes note of what moved. */
void pta_dma_model_drive(pta_dma_model *dma, pta_pins *pins);
void pta_dma_model_clock(pta_dma_model *dma, const pta_pins *pins);

#endif
