/*
 * A run of a plan, for verb_run.c: what the phases of `partita run` and
 * `partita check` share, and the phases. Used by cli only.
 */
#ifndef PTA_CLI_JOB_PRIV_H
#define PTA_CLI_JOB_PRIV_H

#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/modelled.h"
#include "cli/packing.h"
#include "cli/report.h"
#include "cli/results.h"
#include "cli/timeline.h"
#include "cli/verify.h"
#include "runtime/run.h"

#define PTA_JOB_EVENTS 8192 /* of one rank in a trace */

typedef struct pta_job {
    const pta_verb *verb;
    pta_options *options; /* owned */
    MPI_Comm comm;        /* owned */
    int rank, size;
    bool is_float; /* the device's */
    bool waits;    /* --compute wait */
    char *device;  /* owned; what the runner opens */
    pta_loaded loaded;
    pta_graph *own_graph; /* owned; ranks without the model's graph */
    const pta_graph *graph;
    pta_weights *weights; /* NULL: the slice is sent */
    pta_runner *runner;   /* owned */
    /* rank 0: */
    pta_packing outputs;           /* owned */
    pta_feed *feed;                /* owned */
    pta_verifier *verifier;        /* owned, or NULL */
    pta_results *results;          /* owned, or NULL */
    pta_results_output *described; /* owned; of the results' outputs */
    pta_stage_clock *clocks;       /* owned; one segment's */
    pta_fabric fabric;             /* owned; --cluster */
    pta_trace trace;               /* owned; --trace */
    pta_timeline timeline;         /* owned; --trace, modelled time */
    const int32_t *labels;
    char *in, *out;       /* owned; one segment */
    int32_t *classes;     /* owned; one segment */
    int64_t **values;     /* owned; [n_outputs], one segment: for results */
    uint64_t *latency_ns; /* owned; all rows */
    uint64_t elapsed_ns;
    int64_t cpu_ns;        /* this rank's, in the stream */
    int64_t rows, segment; /* the same on all ranks */
    pta_sha256 hash;
    pta_report report;
} pta_job;

/* ---- job_open.c ---- */

/** Rank 0: model, plan, data, memory for the stream, results. Local. */
pta_status PTA_MUST_CHECK pta_job_open(pta_ctx *ctx, pta_job *j);

/** The other ranks get plan and structure as text, and open a model file of
 * their own if they have it. Collective on j->comm. */
pta_status PTA_MUST_CHECK pta_job_share(pta_ctx *ctx, pta_job *j);

/* ---- job_device.c ---- */

/** The device of all ranks, as rank 0 says. Collective on j->comm. */
pta_status PTA_MUST_CHECK pta_job_choose_device(pta_ctx *ctx, pta_job *j);

/** --device board: each rank's FPGA holds its slice from here on. Collective on
 * j->comm. */
pta_status PTA_MUST_CHECK pta_job_prepare_boards(pta_ctx *ctx, pta_job *j);

/** Micro-batch and depth that the user left open, from --cluster: rank 0
 * chooses for all. Collective on j->comm. */
pta_status PTA_MUST_CHECK pta_job_share_flow(pta_ctx *ctx, const pta_job *j,
                                             pta_run_options *run);

/** Warns if ranks that wait hold the cores of those that work. Collective on
 * j->comm. */
pta_status PTA_MUST_CHECK pta_job_warn_of_busy_waiting(pta_ctx *ctx,
                                                       const pta_job *j);

/** --wire packed */
bool pta_job_is_packed(const pta_job *j);

/* ---- job_stream.c ---- */

/** All samples, segment by segment, with what rank 0 keeps of them. Collective
 * on j->comm. */
pta_status PTA_MUST_CHECK pta_job_stream(pta_ctx *ctx, pta_job *j);

/* ---- job_tell.c ---- */

/** Rank 0: report, results, JSON, trace. Local. */
pta_status PTA_MUST_CHECK pta_job_tell(pta_ctx *ctx, pta_job *j);

#endif
