/*
 * Runs a plan over a communicator: source, boards, sink.
 *
 * Rank 0 is source, sink and first board. Boards map to ranks as DESIGN 3
 * says. Every rank runs one deterministic loop over micro-batches: receive,
 * submit, collect, send; receives are posted ahead, sends complete behind.
 */
#ifndef PTA_RUNTIME_RUN_H
#define PTA_RUNTIME_RUN_H

#include <mpi.h>

#include "ir/weights.h"
#include "plan/plan.h"
#include "plan/wire.h"
#include "runtime/device.h"
#include "runtime/mapping.h"
#include "runtime/trace.h"
#include "runtime/vtime.h"

typedef enum pta_mode { PTA_MODE_LATENCY, PTA_MODE_THROUGHPUT } pta_mode;

/**
 * A run without numerics, for ranks that are one process under a simulator:
 * all share slices and wires; nothing is loaded, no message is filled or read.
 */
typedef struct pta_blank {
    pta_slice **slices; /* owned; of all boards, then the sink's */
    pta_wires wires;    /* owned */
    int32_t n_boards;
    uint8_t *scratch; /* owned; all messages of all ranks lie in it */
} pta_blank;

/** Local. `samples`: most of a message; `packed` as in pta_run_options. */
pta_status PTA_MUST_CHECK pta_blank_build(pta_ctx *ctx, const pta_graph *graph,
                                          const pta_plan *plan, int32_t samples,
                                          bool packed, pta_blank *out);
void pta_blank_free(pta_ctx *ctx, pta_blank *blank);

typedef struct pta_run_options {
    const char *device;      /* "fixed", "blas", "float", "rtl:stall=40" */
    /* Devices beyond the host's, for `device`; ends with NULL. NULL: none. */
    const pta_device_ops *const *devices;
    pta_mode mode;
    int32_t micro_batch;     /* samples per message; 0: by mode (1 or 64) */
    int32_t depth;           /* micro-batches in flight per copy; 0: by mode
                                (1 in flight, or 16) */
    bool packed;             /* messages with W bits per value where it pays */
    bool exact_ranks;        /* insist on ranks == boards */
    int64_t trace_events;    /* kept by each rank; 0: no trace */
    /* Under a simulator of MPI only (docs/simulate.md): */
    const pta_vhost *costs;  /* [ranks] CPU time of messages, slept; or NULL */
    const struct pta_blank *blank; /* a run without numerics; NULL: with */
    uint64_t count_memory;   /* tests: fail on allocation in the loop if not 0 */
} pta_run_options;

/** Per board of copy 0, sums over the last pta_runner_run; times in nanoseconds. */
typedef struct pta_stage_clock {
    int32_t rank, board;
    uint64_t n_samples; /* that copy 0 computed */
    uint64_t wait_ns, compute_ns, send_ns;
    uint64_t median_compute_ns; /* of one micro-batch */
    uint64_t bytes_in, bytes_out;
    uint64_t cycles;            /* or PTA_COST_ABSENT, like these: */
    uint64_t latency, interval; /* in cycles, least of any batch (clock.h) */
} pta_stage_clock;

typedef struct pta_runner pta_runner;

/**
 * Collective on `comm` (duplicated). Places the boards, builds and loads the
 * slices (from `weights`, or sent by rank 0 where `weights` is NULL), checks
 * digests, opens devices, posts receives. The same graph and plan on all ranks.
 */
pta_status PTA_MUST_CHECK pta_runner_open(pta_ctx *ctx, MPI_Comm comm,
                                          const pta_graph *graph,
                                          const pta_plan *plan,
                                          pta_weights *weights,
                                          const pta_run_options *options,
                                          pta_runner **out);

/**
 * Collective. Streams `n` samples, encoded on rank 0: `in` holds them as the
 * source's samples (model inputs in order, each 8-byte aligned, storage dtype),
 * `out` receives the integer outputs likewise; latency_ns [n] per sample. All
 * three are NULL on other ranks; n is rank 0's (broadcast). All ranks return
 * the same status.
 */
pta_status PTA_MUST_CHECK pta_runner_run(pta_runner *runner, pta_ctx *ctx,
                                         const void *in, int64_t n, void *out,
                                         uint64_t *latency_ns,
                                         uint64_t *elapsed_ns);

/** Bytes of one sample at the source and the sink. Local. */
size_t pta_runner_in_bytes(const pta_runner *runner);
size_t pta_runner_out_bytes(const pta_runner *runner);

/** Copies and idle ranks of this run, micro-batch and depth as chosen. Local. */
pta_placement pta_runner_placement(const pta_runner *runner);
int32_t pta_runner_micro_batch(const pta_runner *runner);
int32_t pta_runner_depth(const pta_runner *runner);

/** Collective. Clocks of all boards of copy 0 on rank 0: [n_boards], else NULL. */
pta_status PTA_MUST_CHECK pta_runner_clocks(pta_runner *runner, pta_ctx *ctx,
                                            pta_stage_clock *clocks);

/** Collective. Events of all ranks on rank 0 (pta_trace_gather), from all runs so
 * far; nothing unless options.trace_events. */
pta_status PTA_MUST_CHECK pta_runner_trace(pta_runner *runner, pta_ctx *ctx,
                                           pta_trace *out);

/** Collective. Closes even after a failure. */
void pta_runner_close(pta_ctx *ctx, pta_runner **runner);

/** Collective agreement: every rank returns the same code; the detail of the
 * lowest failing rank ("rank 3: ...") is stored on all (agree.c). */
pta_status PTA_MUST_CHECK pta_agree(pta_ctx *ctx, MPI_Comm comm,
                                    pta_status local);

/** Collective. Broadcasts text (NUL-terminated) from rank 0; on other ranks
 * *text is allocated (pta_free). */
pta_status PTA_MUST_CHECK pta_broadcast_text(pta_ctx *ctx, MPI_Comm comm,
                                             char **text);

#endif
