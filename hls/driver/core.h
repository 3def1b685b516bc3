/*
 * The driver of a core: identity, weights, batches, counters, recovery, over
 * any bus. One batch runs at a time; who queues them is device_hw.c.
 *
 * Every failure has its own message. After PTA_ERR_DEVICE from start, poll or
 * finish the core and its DMA are in an unknown state: pta_core_recover.
 */
#ifndef PTA_HLS_CORE_H
#define PTA_HLS_CORE_H

#include "hls/driver/bus.h"
#include "hls/driver/regs.h"

#define PTA_CORE_DIGEST_BYTES 16

/** A weight memory of a core built with --weights ram. */
typedef struct pta_core_memory {
    const char *name;
    uint32_t n_words, word_lanes; /* memory words; 32-bit lanes of each */
    const uint32_t *data; /* [n_words][word_lanes], low lane first; borrowed */
} pta_core_memory;

/** What the manifest says about a core. */
typedef struct pta_core_info {
    uint8_t slice_digest[PTA_CORE_DIGEST_BYTES];
    uint8_t weight_digest[PTA_CORE_DIGEST_BYTES];
    uint32_t clock_hz;
    uint64_t latency, interval; /* predicted cycles of a sample; 0: unknown */
    size_t in_bytes, out_bytes; /* of one sample on the bus */
    int32_t n_memories;         /* 0: weights are ROM */
    const pta_core_memory *memories; /* borrowed */
    bool no_registers; /* streams alone (vivado_accelerator.h): nothing of the
                          core but its answers can be checked */
} pta_core_info;

/** All zero for a core without registers. */
typedef struct pta_core_counters {
    uint64_t cycles, stalls_in, stalls_out;
    uint64_t first; /* first input beat to last output beat of sample 1 */
    uint64_t span;  /* last output beat of sample 1 to that of sample n */
} pta_core_counters;

/** Borrows bus and info. */
typedef struct pta_core {
    pta_bus *bus;
    const pta_core_info *info;
    size_t in_offset, out_offset; /* of the running batch */
    uint32_t n_samples;           /* of the running batch */
    uint64_t started_ns, timeout_ns;
} pta_core;

/** CRC-32 (IEEE 802.3) of a memory as the core computes it: words in address
 * order, each its lanes low first, each lane little-endian. */
uint32_t pta_core_memory_crc(const pta_core_memory *memory);

/**
 * Resets DMA and core, then checks magic, major version, digests, clock
 * register, and the free counter against the bus's clock (1 %). With ram
 * memories the weight digest is not looked at; load them next.
 */
pta_status PTA_MUST_CHECK pta_core_open(pta_ctx *ctx, pta_bus *bus,
                                        const pta_core_info *info,
                                        pta_core *core);

/** The core's clock in Hz, measured against the bus's over clock_span_ns. */
pta_status PTA_MUST_CHECK pta_core_clock(pta_ctx *ctx, pta_core *core,
                                         double *hz);

/** Writes every memory, then compares every CRC with that of the data. */
pta_status PTA_MUST_CHECK pta_core_load(pta_ctx *ctx, pta_core *core);
pta_status PTA_MUST_CHECK pta_core_check(pta_ctx *ctx, pta_core *core);

/** Most samples of one batch: the DMA's length register has 26 bits. */
uint32_t pta_core_max_samples(const pta_core_info *info);

/** Starts n samples, at offsets in the bus's memory; syncs the input. */
pta_status PTA_MUST_CHECK pta_core_start(pta_ctx *ctx, pta_core *core,
                                         size_t in_offset, size_t out_offset,
                                         uint32_t n);

/** Whether the batch is complete; does not wait. */
pta_status PTA_MUST_CHECK pta_core_poll(pta_ctx *ctx, pta_core *core,
                                        bool *done);

/** Waits for the batch (a timeout is an error), syncs its output and reads its
 * counters. */
pta_status PTA_MUST_CHECK pta_core_finish(pta_ctx *ctx, pta_core *core,
                                          pta_core_counters *counters);

/** After a fault, or to empty the core: resets both DMA channels and the core.
 * After a fault the caller then proves the core with a sample whose answer it
 * knows. */
pta_status PTA_MUST_CHECK pta_core_recover(pta_ctx *ctx, pta_core *core);

#endif
