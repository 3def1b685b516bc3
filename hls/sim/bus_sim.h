/*
 * The simulated bus: shared memory with a CPU image and a device image, an AXI
 * DMA in C, and a core clocked pin by pin.
 *
 * Time is the core's cycles; it advances only inside read, write and wait. The
 * bus is strict: the DMA reading bytes that were changed and not synced,
 * writing bytes that were not handed over, or a register write while received
 * bytes are not yet synced, are PTA_ERR_DEVICE naming the bytes. (The last
 * two would be silent corruption on the chip.)
 */
#ifndef PTA_HLS_BUS_SIM_H
#define PTA_HLS_BUS_SIM_H

#include "hls/driver/bus.h"
#include "hls/sim/pins.h"

/** Faults to inject; zero is none. */
typedef struct pta_sim_faults {
    uint32_t mm2s_error, s2mm_error; /* PTA_DMA_SR_* raised by a transfer */
    uint32_t error_after;            /* beats before that */
    bool dead_dma;                   /* stays in reset */
    bool no_interrupt;               /* wait sleeps through */
    bool forget_to, forget_for, forget_from; /* syncs do nothing */
    bool drop_last;                          /* MM2S forgets TLAST */
    uint64_t slow_clock; /* per mille the bus's clock is ahead */
} pta_sim_faults;

typedef struct pta_bus_sim_params {
    const pta_sim_core_ops *core;
    const void *core_params;
    uint32_t clock_hz; /* cycles become time at this rate */
    /* Random stalls of both streams. */
    uint32_t stall_percent;
    uint64_t seed;
    pta_sim_faults *faults;     /* borrowed, looked at at any time; or NULL */
    uint32_t in_beat, out_beat; /* bytes of a stream, 1 to 8; 0: 8 */
} pta_bus_sim_params;

extern const pta_bus_ops pta_bus_sim;

#endif
