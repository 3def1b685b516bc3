/*
 * The floor of a cut network's latency: a bare MPI program with the same
 * senders, receivers and bytes (headers included), MPI_Isend and receives
 * posted ahead (blocking MPI_Send made a floor up to twice as slow:
 * bench/NOTES.md), in which each rank busy-waits for its computing time. One board
 * a rank. And the plain ring over all ranks.
 */
#ifndef PTA_BENCH_FLOOR_H
#define PTA_BENCH_FLOOR_H

#include "bench.h"

/** One message of the floor. */
typedef struct floor_message {
    int from, to, bytes;
    int32_t src, dst; /* boards */
    uint8_t *buffer;  /* owned */
} floor_message;

typedef struct floor_plan {
    int32_t n_messages, n_boards;
    floor_message *messages; /* that cross ranks; owned */
    MPI_Request *in, *out;   /* owned; [n_messages] */
} floor_plan;

/** `packed`: messages as pta_run_options.packed makes them. */
void floor_open(bench *b, const network *net, bool packed, floor_plan *f);
void floor_close(floor_plan *f);

/** This rank's median computing time in the runner's last stream, ns. */
uint64_t floor_compute(const bench *b, const bench_run *run);

/** n samples, one in flight; us[i] on rank 0: from before the first send to
 * after the last receive. */
void floor_run(const bench *b, const floor_plan *f, uint64_t compute_ns,
               int64_t n, double *us);

/** A token of 1 KiB once round all ranks, n times; us[i] on rank 0. */
void ring_run(const bench *b, int64_t n, double *us);

#endif
