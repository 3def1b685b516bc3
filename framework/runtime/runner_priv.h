/*
 * Inside the runner: stations, links and their rings.
 *
 * A station is what takes part in the stream on a rank: the source, a board or
 * the sink. A link is one end of a wire at a station, towards one copy of the
 * pipeline. Batches of a station are counted u = 0, 1, ...: a board sees those
 * of its copy, source and sink see all (`fan` copies take turns), so batch u
 * belongs to copy u % fan and lies in slot u % (depth * fan).
 *
 * At most depth * copies batches are between source and sink, so when the
 * source sends into a slot, the slot's last batch has left the pipeline: no
 * send of it can still be under way for long and every receive is posted. This
 * is why the blocking waits of pipeline.c cannot deadlock.
 */
#ifndef PTA_RUNTIME_RUNNER_PRIV_H
#define PTA_RUNTIME_RUNNER_PRIV_H

#include "runtime/clock.h"
#include "runtime/header.h"
#include "runtime/mpi_check.h"
#include "runtime/run.h"
#include "runtime/slice_load.h"
#include "runtime/transfer.h"

typedef struct pta_station pta_station;

typedef struct pta_link {
    const pta_wire *wire; /* borrowed from the runner */
    pta_transfer transfer;
    pta_station *local; /* the station at the other end, if on this rank */
    int peer, tag;      /* else its rank */
    bool in_place;      /* messages lie in the device's buffers */
    bool writes;        /* out: fills in header (and payload); others that
                             send the same bytes leave it alone */
    uint8_t *block;     /* owned; own messages, or NULL */
    uint8_t **message;  /* owned; [depth], header first */
} pta_link;

struct pta_station {
    int32_t board;    /* or PTA_BOARD_SOURCE, PTA_BOARD_SINK */
    int32_t fan;      /* copies it serves: 1 for a board */
    int32_t n_slots;  /* depth * fan */
    pta_slice *slice; /* borrowed from the runner; NULL: the source */
    const pta_device_ops *ops;
    pta_device *device;         /* owned */
    size_t in_bytes, out_bytes; /* of one sample */
    int32_t lag;                /* batches submitted before one is collected */
    int32_t offset; /* steps behind the rank's first board (lag of others) */
    int32_t n_in, n_out;                   /* links per copy */
    pta_link *in, *out;                    /* owned; [fan][n] */
    MPI_Request *in_request, *out_request; /* owned; [n_slots][n] */
    MPI_Status *arrived; /* owned; [n_in], of the batch just received */
    uint8_t **in_buffer, **out_buffer; /* owned arrays; [n_slots], borrowed */
    void **sums;       /* owned; [n_joins], partial sums of one batch */
    size_t *sum_bytes; /* owned; [n_joins], of one sample */
    int64_t join_values; /* partial sums of one sample, added and finished */
    uint32_t *status;  /* owned; [n_slots], failure of the batch */
    uint64_t *time_ns; /* owned; [n_slots], virtual time stamp */
    uint64_t *start;   /* owned; [n_slots], host time of submit */
    pta_clock clock;
};

struct pta_runner {
    MPI_Comm comm; /* owned */
    int rank, size;
    bool broken;            /* an MPI call failed */
    const pta_graph *graph; /* borrowed */
    const pta_plan *plan;   /* borrowed */
    pta_run_options options;
    const pta_device_ops *ops, *sink_ops;
    const char *device_options;
    pta_placement place;
    int32_t depth, micro_batch, behind; /* sink: batches behind the source */
    pta_slice **slices; /* owned; of all boards, then the sink's; once open only
                           those of this rank are left, others NULL */
    pta_wires wires;    /* owned */
    uint64_t plan_tag;
    size_t *source_at;          /* owned; [n_inputs] */
    size_t in_bytes, out_bytes; /* of one sample at source and sink */
    int32_t n_boards;
    pta_station *boards;        /* owned */
    pta_station *source, *sink; /* owned; rank 0 only */
    int32_t drain;              /* steps after the last batch went in */
    pta_trace trace;    /* owned; room 0: none */
    /* of the current run */
    const uint8_t *in;
    uint8_t *out;
    int64_t n_samples, n_batches;
    uint64_t sequence;  /* of batch 0 */
    uint64_t *start;    /* owned; rank 0, [depth * copies] */
    pta_status failure; /* first failure of this rank */
    bool peer_failed;
};

/** Local. Slices of all boards and the sink, wires, depth and micro-batch
 * (runner_build.c). */
pta_status PTA_MUST_CHECK pta_runner_build(pta_runner *runner, pta_ctx *ctx);

/** Collective. Weights of the slices of this rank (runner_weights.c). */
pta_status PTA_MUST_CHECK pta_runner_load(pta_runner *runner, pta_ctx *ctx,
                                          pta_weights *weights);

/** Local. Stations with devices, links and buffers (runner_links.c). */
pta_status PTA_MUST_CHECK pta_runner_connect(pta_runner *runner, pta_ctx *ctx);
void pta_station_close(pta_ctx *ctx, pta_station *station);

/** True if this rank runs `board` or, on rank 0, the sink. */
bool pta_runner_owns(const pta_runner *runner, int32_t board);

/* The stream (station.c). Only PTA_ERR_MPI is returned; other failures are
 * noted in the runner and travel with the batch. */

/** Posts the receives of the first batches. */
pta_status PTA_MUST_CHECK pta_station_post(pta_runner *runner, pta_ctx *ctx,
                                           pta_station *station);
/** Source: sends batch u. */
pta_status PTA_MUST_CHECK pta_source_step(pta_runner *runner, pta_ctx *ctx,
                                          int64_t u);
/** Board: takes in batch `step - offset` and sends the one `lag` before it. */
pta_status PTA_MUST_CHECK pta_board_step(pta_runner *runner, pta_ctx *ctx,
                                         pta_station *station, int64_t step);
/** Sink: waits for batch u and stores its results. */
pta_status PTA_MUST_CHECK pta_sink_step(pta_runner *runner, pta_ctx *ctx,
                                        int64_t u);
/* CPU time of messages, slept (spend.c); options.costs is not NULL. */

/** Of one message of so many bytes, sent or received by this rank. */
void pta_spend_message(const pta_runner *runner, int64_t bytes);

/** Waits for the messages of a batch of n samples and takes each in as it
 * arrives, then adds and finishes its partial sums. */
pta_status PTA_MUST_CHECK pta_spend_receive(const pta_runner *runner,
                                            pta_ctx *ctx, pta_station *station,
                                            MPI_Request *requests, int32_t n);

/** Waits for every send. */
pta_status PTA_MUST_CHECK pta_station_finish(pta_runner *runner, pta_ctx *ctx,
                                             pta_station *station);

/** Batches that a station sees in this run. */
int64_t pta_station_batches(const pta_runner *runner,
                            const pta_station *station);

#endif
