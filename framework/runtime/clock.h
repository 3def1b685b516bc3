/*
 * Clocks of a board: time spent waiting, computing and sending, and the median
 * of its computing time over the last batches. Allocates nothing.
 */
#ifndef PTA_RUNTIME_CLOCK_H
#define PTA_RUNTIME_CLOCK_H

#include <stdint.h>

#include "runtime/device.h"

#define PTA_CLOCK_RECENT 1024 /* batches the median looks back */

typedef struct pta_clock {
    uint64_t wait_ns, compute_ns, send_ns;
    uint64_t bytes_in, bytes_out;
    /* PTA_COST_ABSENT until a device reports some: */
    uint64_t cycles;            /* sum */
    uint64_t latency, interval; /* least of any batch: without the stalls of a
                                   busy host */
    uint64_t n_batches, n_samples;
    uint32_t recent[PTA_CLOCK_RECENT]; /* compute_ns, a ring */
} pta_clock;

/** Monotonic host time. */
uint64_t pta_clock_now(void);

/** Sleeps until host time `deadline`. The last `margin_ns` are slept by halves,
 * because a sleep ends late by some microseconds; 0 if sleeps are exact. */
void pta_clock_sleep_until(uint64_t deadline, uint64_t margin_ns);

void pta_clock_reset(pta_clock *clock);

/** A batch of n samples computed in `ns`, and what the device says of it. */
void pta_clock_batch(pta_clock *clock, int32_t n, uint64_t ns,
                     const pta_cost *cost);

/** Median computing time of the recent batches; sorts a copy on the stack. */
uint64_t pta_clock_median(const pta_clock *clock);

#endif
