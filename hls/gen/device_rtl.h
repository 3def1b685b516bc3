/*
 * The `rtl` device: the generated core of a slice, simulated cycle by cycle
 * behind the driver that would talk to a board.
 *
 * Options: stall=PERCENT (random stalls of both streams), seed=N (of the stalls),
 * weights=rom|ram (as `partita build --weights`). The simulated core is built by
 * Verilator and g++ at the first open on a host and kept (hls/sim/cache.h).
 */
#ifndef PTA_HLS_DEVICE_RTL_H
#define PTA_HLS_DEVICE_RTL_H

#include "runtime/device.h"

extern const pta_device_ops pta_device_rtl;

#endif
