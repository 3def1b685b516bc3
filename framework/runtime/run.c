/*
 * Opening and closing a runner, and its clocks (run.h). The stream itself is
 * pipeline.c.
 *
 * Opening is a row of phases: local work, then agreement, so that all ranks
 * return the same code and none is left waiting.
 */
#include <string.h>

#include "runtime/runner_priv.h"

/** What has to be equal on all ranks before they talk to each other. */
typedef struct terms {
    uint64_t plan_tag, in_bytes, out_bytes;
    int32_t version, mode, micro_batch, depth, packed;
    char device[64];
} terms;

/** Collective. Every rank compares its terms with rank 0's. */
static pta_status compare_terms(const pta_runner *runner, pta_ctx *ctx)
{
    terms mine;
    memset(&mine, 0, sizeof mine);
    mine.plan_tag = runner->plan_tag;
    mine.in_bytes = runner->in_bytes;
    mine.out_bytes = runner->out_bytes;
    mine.version = PTA_HEADER_VERSION;
    mine.mode = (int32_t)runner->options.mode;
    mine.micro_batch = runner->micro_batch;
    mine.depth = runner->depth;
    mine.packed = runner->options.packed;
    strncpy(mine.device, runner->options.device, sizeof mine.device - 1);
    terms first = mine;
    PTA_TRY(pta_broadcast_bytes(ctx, runner->comm, &first, sizeof first));
    pta_status local = PTA_OK;
    if (mine.plan_tag != first.plan_tag) {
        local = pta_fail(ctx, PTA_ERR_MISMATCH,
                         "plan %016llx here, %016llx on rank 0",
                         (unsigned long long)mine.plan_tag,
                         (unsigned long long)first.plan_tag);
    } else if (memcmp(&mine, &first, sizeof mine) != 0) {
        local =
            pta_fail(ctx, PTA_ERR_MISMATCH,
                     "version or run options differ from rank 0's "
                     "(message version %d and %d, device %s and %s)",
                     mine.version, first.version, mine.device, first.device);
    }
    return pta_agree(ctx, runner->comm, local);
}

/** Slices of other ranks' boards are not needed once the links are laid. */
static void drop_foreign_slices(pta_runner *runner, pta_ctx *ctx)
{
    if (runner->options.blank != NULL) {
        return;
    }
    int32_t n = runner->plan->n_boards;
    for (int32_t b = 0; b <= n; b++) {
        if (!pta_runner_owns(runner, b < n ? b : PTA_BOARD_SINK)) {
            pta_slice_destroy(ctx, &runner->slices[b]);
        }
    }
}

/** Collective. Everything after the communicator is ours. */
static pta_status open_runner(pta_runner *runner, pta_ctx *ctx,
                              pta_weights *weights)
{
    runner->place =
        pta_place(runner->plan->n_boards, runner->size, runner->rank);
    pta_status local = pta_runner_build(runner, ctx);
    PTA_TRY(pta_agree(ctx, runner->comm, local));
    PTA_TRY(compare_terms(runner, ctx));
    if (runner->options.blank == NULL) {
        PTA_TRY(pta_runner_load(runner, ctx, weights));
    }
    local = pta_runner_connect(runner, ctx);
    if (local == PTA_OK && runner->options.trace_events > 0) {
        local = pta_trace_open(ctx, runner->options.trace_events,
                               &runner->trace);
    }
    PTA_TRY(pta_agree(ctx, runner->comm, local));
    drop_foreign_slices(runner, ctx);
    return PTA_OK;
}

pta_status pta_runner_open(pta_ctx *ctx, MPI_Comm comm, const pta_graph *graph,
                           const pta_plan *plan, pta_weights *weights,
                           const pta_run_options *options, pta_runner **out)
{
    pta_runner *runner = pta_calloc(ctx, 1, sizeof *runner);
    pta_status status =
        pta_agree(ctx, comm, runner != NULL ? PTA_OK : PTA_ERR_NOMEM);
    if (status != PTA_OK) {
        pta_free(ctx, runner);
        return status;
    }
    runner->comm = MPI_COMM_NULL;
    runner->graph = graph;
    runner->plan = plan;
    runner->options = *options;
    status =
        pta_mpi_check(ctx, MPI_Comm_dup(comm, &runner->comm), "MPI_Comm_dup");
    if (status == PTA_OK) {
        MPI_Comm_set_errhandler(runner->comm, MPI_ERRORS_RETURN);
        MPI_Comm_rank(runner->comm, &runner->rank);
        MPI_Comm_size(runner->comm, &runner->size);
        status = open_runner(runner, ctx, weights);
    }
    if (status != PTA_OK) {
        runner->broken = status == PTA_ERR_MPI;
        pta_runner_close(ctx, &runner);
        return status;
    }
    *out = runner;
    return PTA_OK;
}

static void close_root(pta_ctx *ctx, pta_station **station)
{
    pta_station_close(ctx, *station);
    pta_free(ctx, *station);
    *station = NULL;
}

static void free_slices(pta_runner *runner, pta_ctx *ctx)
{
    pta_wires_free(ctx, &runner->wires);
    for (int32_t b = 0; runner->slices != NULL && b <= runner->plan->n_boards;
         b++) {
        pta_slice_destroy(ctx, &runner->slices[b]);
    }
    pta_free(ctx, runner->slices);
}

void pta_runner_close(pta_ctx *ctx, pta_runner **out)
{
    pta_runner *runner = *out;
    if (runner == NULL) {
        return;
    }
    for (int32_t b = 0; b < runner->n_boards; b++) {
        pta_station_close(ctx, &runner->boards[b]);
    }
    pta_free(ctx, runner->boards);
    close_root(ctx, &runner->source);
    close_root(ctx, &runner->sink);
    pta_free(ctx, runner->start);
    pta_free(ctx, runner->source_at);
    if (runner->options.blank == NULL) {
        free_slices(runner, ctx);
    }
    pta_trace_close(ctx, &runner->trace);
    if (runner->comm != MPI_COMM_NULL && !runner->broken) {
        MPI_Comm_free(&runner->comm);
    }
    pta_free(ctx, runner);
    *out = NULL;
}

pta_status pta_runner_trace(pta_runner *runner, pta_ctx *ctx, pta_trace *out)
{
    if (runner->trace.room == 0) {
        return PTA_OK;
    }
    return pta_trace_gather(ctx, runner->comm, &runner->trace, out);
}

size_t pta_runner_in_bytes(const pta_runner *runner)
{
    return runner->in_bytes;
}

size_t pta_runner_out_bytes(const pta_runner *runner)
{
    return runner->out_bytes;
}

pta_placement pta_runner_placement(const pta_runner *runner)
{
    return runner->place;
}

int32_t pta_runner_micro_batch(const pta_runner *runner)
{
    return runner->micro_batch;
}

int32_t pta_runner_depth(const pta_runner *runner)
{
    return runner->depth;
}

static pta_stage_clock read_clock(const pta_runner *runner,
                                  const pta_station *station)
{
    const pta_clock *clock = &station->clock;
    return (pta_stage_clock){.rank = runner->rank,
                             .board = station->board,
                             .n_samples = clock->n_samples,
                             .wait_ns = clock->wait_ns,
                             .compute_ns = clock->compute_ns,
                             .send_ns = clock->send_ns,
                             .median_compute_ns = pta_clock_median(clock),
                             .bytes_in = clock->bytes_in,
                             .bytes_out = clock->bytes_out,
                             .cycles = clock->cycles,
                             .latency = clock->latency,
                             .interval = clock->interval};
}

/** Rank 0: its own boards' clocks, then the others' as they were sent. */
static pta_status gather_clocks(const pta_runner *runner, pta_ctx *ctx,
                                pta_stage_clock *clocks)
{
    for (int32_t b = 0; b < runner->plan->n_boards; b++) {
        if (pta_runner_owns(runner, b)) {
            clocks[b] =
                read_clock(runner, &runner->boards[b - runner->place.first]);
            continue;
        }
        int peer = pta_place_rank(runner->plan->n_boards, runner->size, 0, b);
        PTA_TRY_MPI(ctx,
                    MPI_Recv(&clocks[b], (int)sizeof clocks[b], MPI_BYTE, peer,
                             PTA_TAG_CLOCK, runner->comm, MPI_STATUS_IGNORE));
    }
    return PTA_OK;
}

pta_status pta_runner_clocks(pta_runner *runner, pta_ctx *ctx,
                             pta_stage_clock *clocks)
{
    if (runner->rank == 0) {
        return gather_clocks(runner, ctx, clocks);
    }
    for (int32_t b = 0; b < runner->n_boards && runner->place.copy == 0; b++) {
        pta_stage_clock clock = read_clock(runner, &runner->boards[b]);
        PTA_TRY_MPI(ctx, MPI_Send(&clock, (int)sizeof clock, MPI_BYTE, 0,
                                  PTA_TAG_CLOCK, runner->comm));
    }
    return PTA_OK;
}
