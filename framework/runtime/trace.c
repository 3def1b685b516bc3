/* Traces: keeping, and gathering with clocks brought together (trace.h). */
#include "runtime/trace.h"

#include <string.h>

#include "runtime/clock.h"
#include "runtime/mpi_check.h"
#include "runtime/run.h"

enum { ROUNDS = 16, CHUNK = 32768 };

const char *pta_trace_name(pta_trace_kind kind)
{
    static const char *const names[] = {"wait", "compute", "send", "batch"};
    return names[kind];
}

pta_status pta_trace_open(pta_ctx *ctx, int64_t room, pta_trace *out)
{
    pta_trace t = {.room = room};
    PTA_TRY_ALLOC(ctx, t.events, room);
    *out = t;
    return PTA_OK;
}

void pta_trace_close(pta_ctx *ctx, pta_trace *trace)
{
    pta_free(ctx, trace->events);
    *trace = (pta_trace){0};
}

void pta_trace_add(pta_trace *trace, int32_t board, pta_trace_kind kind,
                   int64_t batch, uint64_t begin, uint64_t end)
{
    if (trace->n == trace->room) {
        trace->dropped++;
        return;
    }
    trace->events[trace->n++] = (pta_trace_event){.board = board,
                                                  .kind = (int32_t)kind,
                                                  .batch = batch,
                                                  .begin = begin,
                                                  .end = end};
}

/* ---- clocks ---- */

/** Rank 0's part: what to add to the peer's clock. */
static pta_status compare_clock(pta_ctx *ctx, MPI_Comm comm, int peer,
                                int64_t *offset)
{
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t theirs = 0, begin = pta_clock_now();
        PTA_TRY_MPI(
            ctx, MPI_Send(&begin, 1, MPI_UINT64_T, peer, PTA_TAG_TRACE, comm));
        PTA_TRY_MPI(ctx, MPI_Recv(&theirs, 1, MPI_UINT64_T, peer, PTA_TAG_TRACE,
                                  comm, MPI_STATUS_IGNORE));
        uint64_t end = pta_clock_now();
        if (end - begin < shortest) {
            shortest = end - begin;
            bool agrees = theirs >= begin && theirs <= end;
            *offset =
                agrees ? 0
                       : (int64_t)(begin + (end - begin) / 2) - (int64_t)theirs;
        }
    }
    return PTA_OK;
}

static pta_status answer_clock(pta_ctx *ctx, MPI_Comm comm)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t asked = 0;
        PTA_TRY_MPI(ctx, MPI_Recv(&asked, 1, MPI_UINT64_T, 0, PTA_TAG_TRACE,
                                  comm, MPI_STATUS_IGNORE));
        uint64_t now = pta_clock_now();
        PTA_TRY_MPI(ctx,
                    MPI_Send(&now, 1, MPI_UINT64_T, 0, PTA_TAG_TRACE, comm));
    }
    return PTA_OK;
}

/* ---- events ---- */

static pta_status receive_events(pta_ctx *ctx, MPI_Comm comm, int peer,
                                 int64_t n, pta_trace *out)
{
    int64_t offset = 0, first = out->n;
    PTA_TRY(compare_clock(ctx, comm, peer, &offset));
    for (int64_t at = 0; at < n; at += CHUNK) {
        int64_t left = n - at < CHUNK ? n - at : CHUNK;
        PTA_TRY_MPI(ctx, MPI_Recv(&out->events[first + at],
                                  (int)(left * (int64_t)sizeof *out->events),
                                  MPI_BYTE, peer, PTA_TAG_TRACE, comm,
                                  MPI_STATUS_IGNORE));
    }
    for (int64_t i = first; i < first + n; i++) {
        pta_trace_event *e = &out->events[i];
        e->rank = peer;
        e->begin = (uint64_t)((int64_t)e->begin + offset);
        e->end = (uint64_t)((int64_t)e->end + offset);
    }
    out->n += n;
    return PTA_OK;
}

static pta_status send_events(pta_ctx *ctx, MPI_Comm comm,
                              const pta_trace *mine)
{
    PTA_TRY(answer_clock(ctx, comm));
    for (int64_t at = 0; at < mine->n; at += CHUNK) {
        int64_t left = mine->n - at < CHUNK ? mine->n - at : CHUNK;
        PTA_TRY_MPI(ctx, MPI_Send(&mine->events[at],
                                  (int)(left * (int64_t)sizeof *mine->events),
                                  MPI_BYTE, 0, PTA_TAG_TRACE, comm));
    }
    return PTA_OK;
}

/** Rank 0. `counts` [size][2]: kept and dropped. */
static pta_status receive_all(pta_ctx *ctx, MPI_Comm comm, int size,
                              const int64_t *counts, const pta_trace *mine,
                              pta_trace *all)
{
    memcpy(all->events, mine->events, (size_t)mine->n * sizeof *mine->events);
    all->n = mine->n;
    all->dropped = mine->dropped;
    for (int r = 1; r < size; r++) {
        PTA_TRY(receive_events(ctx, comm, r, counts[2 * r], all));
        all->dropped += counts[2 * r + 1];
    }
    return PTA_OK;
}

pta_status pta_trace_gather(pta_ctx *ctx, MPI_Comm comm, const pta_trace *mine,
                            pta_trace *out)
{
    int rank = 0, size = 1;
    PTA_TRY_MPI(ctx, MPI_Comm_rank(comm, &rank));
    PTA_TRY_MPI(ctx, MPI_Comm_size(comm, &size));
    int64_t own[2] = {mine->n, mine->dropped}, total = 0;
    int64_t *counts =
        rank == 0 ? pta_calloc(ctx, 2 * (size_t)size, sizeof *counts) : NULL;
    PTA_TRY(pta_agree(ctx, comm,
                      rank != 0 || counts != NULL ? PTA_OK : PTA_ERR_NOMEM));
    pta_status status = pta_mpi_check(
        ctx, MPI_Gather(own, 2, MPI_INT64_T, counts, 2, MPI_INT64_T, 0, comm),
        "MPI_Gather");
    for (int r = 0; status == PTA_OK && rank == 0 && r < size; r++) {
        total += counts[2 * r];
    }
    pta_trace all = {0};
    if (status == PTA_OK) {
        status = pta_agree(
            ctx, comm, rank == 0 ? pta_trace_open(ctx, total, &all) : PTA_OK);
    }
    if (status == PTA_OK) {
        status = rank == 0 ? receive_all(ctx, comm, size, counts, mine, &all)
                           : send_events(ctx, comm, mine);
    }
    pta_free(ctx, counts);
    if (rank == 0 && status == PTA_OK) {
        *out = all;
    } else {
        pta_trace_close(ctx, &all);
    }
    return status;
}
