/*
 * `partita board smoke`: is the core there, does it answer right, and where does
 * the time of a batch go? Over any bus; needs no plan, only a core's info.
 */
#ifndef PTA_HLS_SMOKE_H
#define PTA_HLS_SMOKE_H

#include "hls/driver/core.h"

#define PTA_SMOKE_ROWS 4 /* batches of 1, 8, 64, 512 samples, if they fit */

typedef struct pta_smoke_params {
    const pta_core_info *info;
    const pta_bus_ops *bus;
    const void *bus_params;
    size_t memory_bytes; /* that may be used; decides on the rows */
    const void *sample;  /* one sample as it lies on the bus */
    const void *answer;  /* its answer; NULL: only that all answers are equal */
    int32_t repeats;     /* of each row; 0: 21 */
    void *got;           /* [out_bytes], takes the answer; NULL: not wanted */
} pta_smoke_params;

/** Medians in microseconds, on the clock of the bus. */
typedef struct pta_smoke_row {
    uint32_t n_samples;
    double sync_us;  /* input to, output from the device */
    double core_us;  /* cycles of the core at its clock; 0: no counter */
    double total_us; /* start to finish */
} pta_smoke_row;

typedef struct pta_smoke_result {
    double clock_hz;            /* measured */
    double read_us, write_us;   /* of one register */
    uint64_t latency, interval; /* cycles of a sample; 0: no counter, or no row
                                   of more than one sample */
    int32_t n_rows;
    pta_smoke_row rows[PTA_SMOKE_ROWS];
} pta_smoke_result;

/** What the driver takes of a batch: neither core nor sync. */
double pta_smoke_overhead_us(const pta_smoke_row *row);

/** Opens bus and core (its identity and clock are checked), loads ram weights,
 * runs. PTA_ERR_DEVICE for an answer that is wrong, naming the byte;
 * PTA_ERR_RANGE if one sample does not fit the memory. */
pta_status PTA_MUST_CHECK pta_smoke_run(pta_ctx *ctx,
                                        const pta_smoke_params *params,
                                        pta_smoke_result *result);

#endif
