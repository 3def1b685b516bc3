/*
 * A trace: what every board did when, in host time, for a time line. Kept in
 * memory that is acquired before the first sample; when it is full, later
 * events are counted and dropped. Off, it costs a comparison a batch.
 */
#ifndef PTA_RUNTIME_TRACE_H
#define PTA_RUNTIME_TRACE_H

#include <mpi.h>

#include "base/ctx.h"

typedef enum pta_trace_kind {
    PTA_TRACE_WAIT,    /* for input */
    PTA_TRACE_COMPUTE, /* submit to completion */
    PTA_TRACE_SEND,
    PTA_TRACE_BATCH /* source to sink, one batch */
} pta_trace_kind;

const char *pta_trace_name(pta_trace_kind kind);

typedef struct pta_trace_event {
    int32_t rank, board; /* or source or sink */
    int32_t kind;        /* pta_trace_kind */
    int32_t reserved;    /* 0 */
    int64_t batch;
    uint64_t begin, end; /* ns of this rank's clock; rank 0's once gathered */
} pta_trace_event;

typedef struct pta_trace {
    int64_t n, room, dropped;
    pta_trace_event *events; /* owned */
} pta_trace;

pta_status PTA_MUST_CHECK pta_trace_open(pta_ctx *ctx, int64_t room,
                                         pta_trace *out);
void pta_trace_close(pta_ctx *ctx, pta_trace *trace);

/** Allocates nothing. */
void pta_trace_add(pta_trace *trace, int32_t board, pta_trace_kind kind,
                   int64_t batch, uint64_t begin, uint64_t end);

/**
 * Collective on `comm`. On rank 0 *out (pta_trace_close) receives the events of
 * all ranks, rank by rank, at rank 0's clock: another clock is told from its
 * own by the middle of the shortest of 16 round trips, unless both agree
 * within it. Untouched elsewhere.
 */
pta_status PTA_MUST_CHECK pta_trace_gather(pta_ctx *ctx, MPI_Comm comm,
                                           const pta_trace *mine,
                                           pta_trace *out);

#endif
