/*
 * The stream: every rank's loop over micro-batches (run.h).
 *
 * A rank goes through its batches in order and blocks only in MPI_Wait, so a
 * run is deterministic and the same source runs under a simulator of MPI.
 * Rank 0 sends batch m, steps its own boards, and waits for batch m - behind
 * at the sink: the pipe never holds more than behind + 1 batches.
 */
#include <string.h>

#include "runtime/runner_priv.h"

static pta_status step_boards(pta_runner *runner, pta_ctx *ctx, int64_t step)
{
    for (int32_t b = 0; b < runner->n_boards; b++) {
        PTA_TRY(pta_board_step(runner, ctx, &runner->boards[b], step));
    }
    return PTA_OK;
}

/** Every station, source and sink included. */
static pta_status for_stations(pta_runner *runner, pta_ctx *ctx,
                               pta_status (*visit)(pta_runner *, pta_ctx *,
                                                   pta_station *))
{
    for (int32_t b = 0; b < runner->n_boards; b++) {
        PTA_TRY(visit(runner, ctx, &runner->boards[b]));
    }
    if (runner->rank == 0) {
        PTA_TRY(visit(runner, ctx, runner->source));
        PTA_TRY(visit(runner, ctx, runner->sink));
    }
    return PTA_OK;
}

static pta_status loop_worker(pta_runner *runner, pta_ctx *ctx)
{
    if (runner->n_boards == 0) {
        return PTA_OK;
    }
    int64_t n = pta_station_batches(runner, &runner->boards[0]);
    for (int64_t step = 0; step < n + runner->drain; step++) {
        PTA_TRY(step_boards(runner, ctx, step));
    }
    return PTA_OK;
}

static void note_latency(pta_runner *runner, int64_t batch,
                         uint64_t *latency_ns)
{
    if (latency_ns == NULL) {
        return;
    }
    int64_t first = batch * runner->micro_batch;
    int64_t end = first + runner->micro_batch;
    end = end < runner->n_samples ? end : runner->n_samples;
    uint64_t begin = runner->start[batch % runner->source->n_slots];
    uint64_t now = pta_clock_now(), ns = now - begin;
    if (runner->trace.room > 0) {
        pta_trace_add(&runner->trace, PTA_BOARD_SOURCE, PTA_TRACE_BATCH, batch,
                      begin, now);
    }
    for (int64_t i = first; i < end; i++) {
        latency_ns[i] = ns;
    }
}

static pta_status loop_root(pta_runner *runner, pta_ctx *ctx,
                            uint64_t *latency_ns)
{
    int64_t n = runner->n_batches, copies = runner->place.copies;
    int64_t drain = runner->behind;
    if (drain < runner->drain * copies) {
        drain = runner->drain * copies;
    }
    for (int64_t m = 0; m < n + drain; m++) {
        if (m < n) {
            PTA_TRY(pta_source_step(runner, ctx, m));
        }
        if (m % copies == 0) {
            PTA_TRY(step_boards(runner, ctx, m / copies));
        }
        int64_t done = m - runner->behind;
        if (done >= 0 && done < n) {
            PTA_TRY(pta_sink_step(runner, ctx, done));
            note_latency(runner, done, latency_ns);
        }
    }
    return PTA_OK;
}

static pta_status reset(pta_runner *runner, pta_ctx *ctx, pta_station *station)
{
    (void)runner;
    pta_clock_reset(&station->clock);
    if (station->device != NULL && station->ops->reset != NULL) {
        return station->ops->reset(station->device, ctx);
    }
    return PTA_OK;
}

/** Collective. Number of samples and a common start. */
static pta_status prepare(pta_runner *runner, pta_ctx *ctx, int64_t n)
{
    PTA_TRY_MPI(ctx, MPI_Bcast(&n, 1, MPI_INT64_T, 0, runner->comm));
    runner->sequence += (uint64_t)runner->n_batches;
    runner->n_samples = n;
    runner->n_batches = (n + runner->micro_batch - 1) / runner->micro_batch;
    runner->failure = PTA_OK;
    runner->peer_failed = false;
    pta_status local =
        n >= 0 ? for_stations(runner, ctx, reset)
               : pta_fail(ctx, PTA_ERR_USAGE, "%lld samples", (long long)n);
    local = pta_agree(ctx, runner->comm, local);
    if (local != PTA_OK) {
        runner->n_batches = 0; /* on all ranks: sequences stay equal */
        return local;
    }
    PTA_TRY(for_stations(runner, ctx, pta_station_post));
    PTA_TRY_MPI(ctx, MPI_Barrier(runner->comm));
    return PTA_OK;
}

/** This rank's failure, after the loop. */
static pta_status verdict(pta_runner *runner, pta_ctx *ctx, size_t calls)
{
    if (runner->failure != PTA_OK) {
        return runner->failure;
    }
    if (runner->peer_failed) {
        return pta_fail(ctx, PTA_ERR_PEER, "a batch arrived as failed");
    }
    if (runner->options.count_memory != 0 && calls > 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%zu allocations between first and last sample", calls);
    }
    return PTA_OK;
}

/** The loop, timed; PTA_ERR_MPI or PTA_OK. */
static pta_status stream(pta_runner *runner, pta_ctx *ctx, uint64_t *latency_ns,
                         uint64_t *elapsed_ns)
{
    uint64_t begin = pta_clock_now();
    if (runner->rank == 0) {
        PTA_TRY(loop_root(runner, ctx, latency_ns));
    } else {
        PTA_TRY(loop_worker(runner, ctx));
    }
    uint64_t end = pta_clock_now();
    if (elapsed_ns != NULL) {
        *elapsed_ns = end - begin;
    }
    return for_stations(runner, ctx, pta_station_finish);
}

pta_status pta_runner_run(pta_runner *runner, pta_ctx *ctx, const void *in,
                          int64_t n, void *out, uint64_t *latency_ns,
                          uint64_t *elapsed_ns)
{
    pta_status status = prepare(runner, ctx, n);
    if (status == PTA_OK) {
        runner->in = in;
        runner->out = out;
        size_t calls = pta_ctx_memory(ctx).calls;
        status = stream(runner, ctx, latency_ns, elapsed_ns);
        calls = pta_ctx_memory(ctx).calls - calls;
        if (status == PTA_OK) {
            status = pta_agree(ctx, runner->comm, verdict(runner, ctx, calls));
        }
    }
    runner->broken = runner->broken || status == PTA_ERR_MPI;
    return status;
}
