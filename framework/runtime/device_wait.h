/*
 * Device `wait`: takes the time that an accelerator would, instead of
 * computing. Its outputs are zeros, or those of another device.
 *
 * Submit sleeps for the DMA of the inputs; the accelerator, one for the device,
 * is then busy for the slice's cycles (plan/cycles.h), batch after batch, while
 * submit has returned; collect sleeps until it is done and for the DMA of the
 * outputs. This is how modelled time (vtime.h) sees a board.
 */
#ifndef PTA_RUNTIME_DEVICE_WAIT_H
#define PTA_RUNTIME_DEVICE_WAIT_H

#include "runtime/device.h"
#include "runtime/vtime.h"

/** Batches that a board's driver and core hold: one computes, one is copied. */
#define PTA_WAIT_OVERLAP 2

extern const pta_device_ops pta_device_wait;

typedef struct pta_wait_params {
    const pta_vhost *host;    /* transfer, copy_per_byte, cycle */
    const pta_budget *budget; /* for pta_slice_cycles; NULL: the assumption */
    bool is_simulated;        /* the clock is a simulator's: sleeps are exact */
    const char *inner;        /* device that computes beside; NULL: zeros */
    bool is_blank; /* no outputs, no buffers at all (pta_blank) */
} pta_wait_params;

#define PTA_WAIT_TEXT 256

/** The device with its options as text, "wait:cycle_ps=10000,...", for
 * pta_run_options.device. PTA_ERR_RANGE if `inner` is too long. */
pta_status PTA_MUST_CHECK pta_wait_print(pta_ctx *ctx,
                                         const pta_wait_params *params,
                                         char text[PTA_WAIT_TEXT]);

#endif
