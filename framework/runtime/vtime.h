/*
 * Modelled time: what a run would take on boards, worked out from the plan and
 * a model of the cluster instead of a clock. Free of MPI and of host time: the
 * same input gives the same figures to the last digit.
 *
 * The model replays the program of station.c and pipeline.c with one board per
 * host, whatever the ranks of the run at hand. A host is one thread of CPU time
 * (receive, DMA, send), one accelerator and one port, which carries both ways
 * at once. All three serve in order of arrival:
 *
 *   receive  message + tcp_per_byte each, join_per_value for partial sums
 *   submit   transfer + copy_per_byte; the accelerator then works alone
 *   collect  the same, after the accelerator
 *   send     message + tcp_per_byte; then the message leaves through the
 *            sender's port, travels `latency`, and enters through the
 *            receiver's, as soon as its first byte is there (cut-through)
 *
 * Hosts of one machine share its cores: each piece of CPU time takes one core
 * from begin to end. Source and sink are part of host 0.
 */
#ifndef PTA_RUNTIME_VTIME_H
#define PTA_RUNTIME_VTIME_H

#include "plan/cycles.h"
#include "plan/wire.h"

/** One host; all times in nanoseconds. */
typedef struct pta_vhost {
    double transfer, copy_per_byte; /* a DMA transfer */
    double message, tcp_per_byte;   /* CPU time of a message, each end */
    double join_per_value;
    double port_per_byte, latency; /* port; latency of a pair: both */
    double burst; /* bytes that a rested port passes at once, either way */
    double cycle; /* of the accelerator's clock */
    int32_t machine;
} pta_vhost;

/** Measured between two hosts; sorted by (from, to). */
typedef struct pta_vpair {
    int32_t from, to;
    double latency, per_byte;
} pta_vpair;

/** What the cluster is. All arrays are borrowed. */
typedef struct pta_vcluster {
    int32_t n_hosts;
    const pta_vhost *hosts;
    int32_t n_machines;
    const int32_t *cores; /* [n_machines] */
    int32_t n_pairs;
    const pta_vpair *pairs;
} pta_vcluster;

/** What a board does with one sample. */
typedef struct pta_vboard {
    int64_t bytes_in, bytes_out; /* of the slice: DMA */
    int64_t join_values;         /* partial sums received and finished */
    pta_cycles cycles;
    double host_ns; /* of one sample on the CPU, if cycles.source is HOST */
    int32_t stage;
} pta_vboard;

typedef struct pta_vwire {
    int32_t src, dst; /* boards, PTA_BOARD_SOURCE, PTA_BOARD_SINK */
    int64_t bytes;    /* of one sample */
} pta_vwire;

/** What is to be run. */
typedef struct pta_vplan {
    int32_t n_boards, n_stages;
    pta_vboard *boards; /* owned; [n_boards] */
    int64_t sink_joins; /* partial sums that the sink finishes */
    int32_t n_wires;
    pta_vwire *wires;     /* owned; in order of pta_wires */
    int64_t macs;         /* of one sample */
    int64_t weight_bytes; /* of all boards, W bits each, without biases */
} pta_vplan;

/** From slices and wires; no weights are needed. `packed`: messages with W bits
 * per value where it pays, as pta_run_options.packed. The CPU time of packing
 * itself is not modelled. */
pta_status PTA_MUST_CHECK pta_vplan_build(pta_ctx *ctx, const pta_graph *graph,
                                          const pta_plan *plan,
                                          const pta_budget *budget, bool packed,
                                          pta_vplan **out);
void pta_vplan_destroy(pta_ctx *ctx, pta_vplan **plan);

/** How it is run: as pta_runner chooses (runner_build.c). */
typedef struct pta_vflow {
    int32_t copies;
    int32_t micro_batch, depth; /* of a copy */
    bool latency;               /* one batch in flight */
    int32_t overlap; /* batches a device holds; see pta_device_ops.overlap */
    int64_t n_samples;
} pta_vflow;

typedef enum pta_vkind {
    PTA_V_COMPUTE, /* accelerator, or the CPU in its place */
    PTA_V_BUS,     /* CPU time of DMA and copies */
    PTA_V_WIRE,    /* CPU time of messages and joins */
    PTA_V_WAIT,    /* nothing to do */
    PTA_V_PORT,    /* the port, sending */
    PTA_V_KINDS
} pta_vkind;

const char *pta_vkind_name(pta_vkind kind);

/** One span of the schedule, for a time line. */
typedef struct pta_vspan {
    int32_t host, board; /* board: or source or sink */
    pta_vkind kind;
    int64_t batch;
    uint64_t begin, end;
} pta_vspan;

typedef void (*pta_vobserve)(void *state, const pta_vspan *span);

/** Sums over a host's time, from first-in to last-out. */
typedef struct pta_vstage {
    uint64_t ns[PTA_V_KINDS];
    uint64_t port_in, port_out; /* bytes */
    int32_t stage;              /* of the host's board */
} pta_vstage;

typedef struct pta_vresult {
    uint64_t elapsed;  /* first sample in to last one out */
    uint64_t *latency; /* owned; [n_batches] */
    int64_t n_batches;
    pta_vstage *stages;        /* owned; [copies * n_boards], hosts */
    double p50, p95, p99, max; /* ns, by samples */
    double throughput;         /* samples per second */
} pta_vresult;

/** The schedule. PTA_ERR_USAGE if the cluster has fewer hosts than boards of all
 * copies. `observe` may be NULL. */
pta_status PTA_MUST_CHECK pta_vtime_run(
    pta_ctx *ctx, const pta_vcluster *cluster, const pta_vplan *plan,
    const pta_vflow *flow, pta_vobserve observe, void *state, pta_vresult *out);
void pta_vresult_free(pta_ctx *ctx, pta_vresult *result);

/** Accelerator time of n samples, in nanoseconds. */
uint64_t pta_vboard_ns(const pta_vboard *board, const pta_vhost *host,
                       int32_t n);

#endif
