/* The floor of a cut network's latency: a bare MPI program (floor.h). */
#include "floor.h"

#include <string.h>

#include "plan/wire.h"
#include "runtime/clock.h"
#include "runtime/header.h"

enum { TAG = 1, TOKEN_TAG = 2, RING_BYTES = 1024 };

void floor_open(bench *b, const network *net, bool packed, floor_plan *f)
{
    int32_t n = net->plan->n_boards;
    pta_slice **slices = calloc((size_t)n + 1, sizeof *slices);
    for (int32_t i = 0; i <= n; i++) {
        bench_must(b,
                   pta_slice_build(b->ctx, net->graph, net->plan,
                                   i < n ? i : PTA_BOARD_SINK, false,
                                   &slices[i]),
                   "slices");
    }
    pta_wires wires;
    bench_must(b,
               pta_wires_build(b->ctx, net->graph, net->plan, slices, slices[n],
                               &wires),
               "wires");
    if (packed) {
        pta_wires_pack(&wires);
    }
    *f = (floor_plan){.n_boards = n};
    f->messages = calloc((size_t)wires.n_wires, sizeof *f->messages);
    for (int32_t w = 0; w < wires.n_wires; w++) {
        const pta_wire *wire = &wires.wires[w];
        floor_message m = {.from = pta_place_rank(n, b->size, 0, wire->src),
                           .to = pta_place_rank(n, b->size, 0, wire->dst),
                           .bytes = PTA_HEADER_BYTES + (int)wire->sample_bytes,
                           .src = wire->src,
                           .dst = wire->dst};
        if (m.from != m.to) {
            m.buffer = calloc((size_t)m.bytes, 1);
            f->messages[f->n_messages++] = m;
        }
    }
    f->in = calloc((size_t)f->n_messages, sizeof(MPI_Request));
    f->out = calloc((size_t)f->n_messages, sizeof(MPI_Request));
    pta_wires_free(b->ctx, &wires);
    for (int32_t i = 0; i <= n; i++) {
        pta_slice_destroy(b->ctx, &slices[i]);
    }
    free(slices);
}

void floor_close(floor_plan *f)
{
    for (int32_t i = 0; i < f->n_messages; i++) {
        free(f->messages[i].buffer);
    }
    free(f->messages);
    free(f->in);
    free(f->out);
}

/** Starts every message of this rank that one board sends or receives. */
static int start(const bench *b, const floor_plan *f, int32_t board, bool send,
                 MPI_Request *requests)
{
    int n = 0;
    for (int32_t i = 0; i < f->n_messages; i++) {
        const floor_message *m = &f->messages[i];
        if (send && m->src == board && m->from == b->rank) {
            MPI_Isend(m->buffer, m->bytes, MPI_BYTE, m->to, TAG, MPI_COMM_WORLD,
                      &requests[n++]);
        } else if (!send && m->dst == board && m->to == b->rank) {
            MPI_Irecv(m->buffer, m->bytes, MPI_BYTE, m->from, TAG,
                      MPI_COMM_WORLD, &requests[n++]);
        }
    }
    return n;
}

static void busy_wait(uint64_t ns)
{
    uint64_t end = pta_clock_now() + ns;
    while (pta_clock_now() < end) {
    }
}

/** Rank 0: one sample out, own board, result in. */
static void floor_root(const bench *b, const floor_plan *f, uint64_t compute_ns,
                       double *us)
{
    int n_in = start(b, f, PTA_BOARD_SINK, false, f->in);
    uint64_t begin = pta_clock_now();
    int n_out = start(b, f, PTA_BOARD_SOURCE, true, f->out);
    busy_wait(compute_ns);
    n_out += start(b, f, 0, true, f->out + n_out);
    MPI_Waitall(n_in, f->in, MPI_STATUSES_IGNORE);
    *us = (double)(pta_clock_now() - begin) * 1e-3;
    MPI_Waitall(n_out, f->out, MPI_STATUSES_IGNORE);
}

/** n samples; us[i] on rank 0. One board per rank. */
void floor_run(const bench *b, const floor_plan *f, uint64_t compute_ns,
               int64_t n, double *us)
{
    int n_in = b->rank == 0 ? 0 : start(b, f, b->rank, false, f->in);
    MPI_Barrier(MPI_COMM_WORLD);
    for (int64_t i = 0; i < n; i++) {
        if (b->rank == 0) {
            floor_root(b, f, compute_ns, &us[i]);
            continue;
        }
        MPI_Waitall(n_in, f->in, MPI_STATUSES_IGNORE);
        busy_wait(compute_ns);
        int n_out = start(b, f, b->rank, true, f->out);
        if (i + 1 < n) {
            start(b, f, b->rank, false, f->in);
        }
        MPI_Waitall(n_out, f->out, MPI_STATUSES_IGNORE);
    }
}

/** A token once round all ranks. */
void ring_run(const bench *b, int64_t n, double *us)
{
    uint8_t buffer[RING_BYTES] = {0};
    int next = (b->rank + 1) % b->size;
    int before = (b->rank + b->size - 1) % b->size;
    MPI_Barrier(MPI_COMM_WORLD);
    for (int64_t i = 0; i < n; i++) {
        uint64_t begin = pta_clock_now();
        if (b->rank == 0) {
            MPI_Send(buffer, RING_BYTES, MPI_BYTE, next, TOKEN_TAG,
                     MPI_COMM_WORLD);
        }
        MPI_Recv(buffer, RING_BYTES, MPI_BYTE, before, TOKEN_TAG,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (b->rank != 0) {
            MPI_Send(buffer, RING_BYTES, MPI_BYTE, next, TOKEN_TAG,
                     MPI_COMM_WORLD);
        } else {
            us[i] = (double)(pta_clock_now() - begin) * 1e-3;
        }
    }
}

uint64_t floor_compute(const bench *b, const bench_run *run)
{
    int32_t n = run->net.plan->n_boards;
    uint64_t *all = calloc((size_t)n, sizeof *all);
    for (int32_t i = 0; b->rank == 0 && i < n; i++) {
        all[i] = run->clocks[i].median_compute_ns;
    }
    MPI_Bcast(all, n, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    uint64_t mine = b->rank < n ? all[b->rank] : 0;
    free(all);
    return mine;
}
