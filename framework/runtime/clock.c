/* Clocks of a board (clock.h). */
#include "runtime/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/device.h"

uint64_t pta_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void pta_clock_sleep_until(uint64_t deadline, uint64_t margin_ns)
{
    for (;;) {
        uint64_t now = pta_clock_now();
        if (now >= deadline) {
            return;
        }
        uint64_t left = deadline - now;
        left = left > margin_ns ? left - margin_ns : left / 2 + 1;
        struct timespec nap = {.tv_sec = (time_t)(left / 1000000000),
                               .tv_nsec = (long)(left % 1000000000)};
        (void)nanosleep(&nap, NULL);
    }
}

void pta_clock_reset(pta_clock *clock)
{
    memset(clock, 0, sizeof *clock);
    clock->cycles = clock->latency = clock->interval = PTA_COST_ABSENT;
}

void pta_clock_batch(pta_clock *clock, int32_t n, uint64_t ns,
                     const pta_cost *cost)
{
    clock->compute_ns += ns;
    clock->recent[clock->n_batches % PTA_CLOCK_RECENT] =
        ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
    clock->n_batches++;
    clock->n_samples += (uint64_t)n;
    if (cost->cycles != PTA_COST_ABSENT) {
        clock->cycles = cost->cycles +
                        (clock->cycles == PTA_COST_ABSENT ? 0 : clock->cycles);
    }
    clock->latency = pta_cost_least(clock->latency, cost->latency);
    clock->interval = pta_cost_least(clock->interval, cost->interval);
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

uint64_t pta_clock_median(const pta_clock *clock)
{
    size_t n = clock->n_batches < PTA_CLOCK_RECENT ? (size_t)clock->n_batches
                                                   : PTA_CLOCK_RECENT;
    if (n == 0) {
        return 0;
    }
    uint32_t sorted[PTA_CLOCK_RECENT];
    memcpy(sorted, clock->recent, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return sorted[n / 2];
}
