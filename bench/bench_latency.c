/*
 * Latency of one sample against its floor.
 *
 *     mpi_launch/run -np 5 build/bench/bench_latency [SAMPLES] [BLOCKS]
 *
 * The floor is a bare MPI program in this same binary: the same senders,
 * receivers and bytes (headers included), MPI_Isend and receives posted ahead
 * (blocking MPI_Send made a floor up to twice as slow: bench/NOTES.md), and in
 * place of computing each rank busy-waits for the median computing time it had
 * in the block before. Blocks of both alternate; beside them a plain ring
 * over all ranks. The timed window of the runner is its latency_ns: from before
 * the sample is packed to raw results at the sink; of the floor: from before
 * the first send to after the last receive.
 *
 * Results are checked against OpenBLAS before anything is timed.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "plan/wire.h"
#include "runtime/clock.h"
#include "runtime/header.h"

enum { MAX_BLOCKS = 99, TAG = 1, TOKEN_TAG = 2, RING_BYTES = 1024 };

/** One message of the floor. */
typedef struct message {
    int from, to, bytes;
    int32_t src, dst; /* boards */
    uint8_t *buffer;  /* owned */
} message;

typedef struct floor_plan {
    int32_t n_messages, n_boards;
    message *messages;     /* that cross ranks; owned */
    MPI_Request *in, *out; /* owned; [n_messages] */
} floor_plan;

static void floor_open(bench *b, const network *net, floor_plan *f)
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
    *f = (floor_plan){.n_boards = n};
    f->messages = calloc((size_t)wires.n_wires, sizeof *f->messages);
    for (int32_t w = 0; w < wires.n_wires; w++) {
        const pta_wire *wire = &wires.wires[w];
        message m = {.from = pta_place_rank(n, b->size, 0, wire->src),
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

static void floor_close(floor_plan *f)
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
        const message *m = &f->messages[i];
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
static void floor_run(const bench *b, const floor_plan *f, uint64_t compute_ns,
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
static void ring_run(const bench *b, int64_t n, double *us)
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

typedef struct medians {
    double run[MAX_BLOCKS], bare[MAX_BLOCKS], ring[MAX_BLOCKS],
        ratio[MAX_BLOCKS];
} medians;

/** This rank's median computing time in the last stream. */
static uint64_t own_compute(const bench *b, const bench_run *run)
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

static void print_row(const char *name, const char *variant, int ranks,
                      double *values, int n, uint64_t digest)
{
    double median = bench_quantile(values, n, 0.5);
    printf("%s,%s,%d,%.2f,%.2f,%.2f,%016llx\n", name, variant, ranks, median,
           values[0], values[n - 1], (unsigned long long)digest);
}

/** One network; true if the median ratio is at most 1.25. */
static bool measure(bench *b, const char *name, network net, int64_t n,
                    int n_blocks)
{
    bench_run run = {.net = net};
    if (net.model == NULL) {
        run.net.weights.state = &run.net;
    }
    pta_run_options options = {.device = "fixed", .mode = PTA_MODE_LATENCY};
    bench_open(b, &run, &options, n);
    floor_plan bare;
    floor_open(b, &run.net, &bare);
    static medians blocks;
    for (int i = 0; i < n_blocks; i++) {
        bench_stream(b, &run);
        blocks.run[i] = b->rank == 0 ? bench_quantile(run.us, n, 0.5) : 0;
        floor_run(b, &bare, own_compute(b, &run), n, run.us);
        blocks.bare[i] = b->rank == 0 ? bench_quantile(run.us, n, 0.5) : 0;
        ring_run(b, n, run.us);
        blocks.ring[i] = b->rank == 0 ? bench_quantile(run.us, n, 0.5) : 0;
        blocks.ratio[i] = b->rank == 0 ? blocks.run[i] / blocks.bare[i] : 0;
    }
    bool good = true;
    if (b->rank == 0) {
        print_row(name, "runner_p50_us", b->size, blocks.run, n_blocks,
                  run.digest);
        print_row(name, "floor_p50_us", b->size, blocks.bare, n_blocks, 0);
        print_row(name, "ring_1KiB_p50_us", b->size, blocks.ring, n_blocks, 0);
        print_row(name, "ratio_to_floor", b->size, blocks.ratio, n_blocks, 0);
        good = bench_quantile(blocks.ratio, n_blocks, 0.5) <= 1.25;
        fprintf(stderr, "%s: compute medians (ns)", name);
        for (int32_t i = 0; i < run.net.plan->n_boards; i++) {
            fprintf(stderr, " %llu",
                    (unsigned long long)run.clocks[i].median_compute_ns);
        }
        fprintf(stderr, "\n");
    }
    floor_close(&bare);
    bench_close(b, &run);
    return good;
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, &argc, &argv);
    int64_t n = argc > 1 ? atoll(argv[1]) : 5000;
    int n_blocks = argc > 2 ? atoi(argv[2]) : 9;
    if (b.size != 5 || n < 1 || n_blocks < 1 || n_blocks > MAX_BLOCKS) {
        fprintf(stderr,
                "bench_latency: expected 5 ranks, [SAMPLES] [BLOCKS]\n");
        bench_end(&b, false);
        return 2;
    }
    if (b.rank == 0) {
        printf("network,variant,ranks,median,least,greatest,digest\n");
    }
    network net;
    bench_must(
        &b, net_file(b.ctx, PTA_SOURCE_DIR "/datasets", "mnist_fcnn", 16, &net),
        "mnist_fcnn");
    bench_must(&b, net_cut(b.ctx, &net, "fc1=neuron:4,output"), "cut");
    bool good = measure(&b, "mnist_fcnn fc1=neuron:4;output", net, n, n_blocks);
    static const int32_t widths[] = {128, 128, 128, 128, 128, 128};
    bench_must(&b, net_dense(b.ctx, widths, 6, 16, 7, &net), "dense");
    bench_must(&b, net_cut(b.ctx, &net, "fc1,fc2,fc3,fc4,output"), "cut");
    good = measure(&b, "dense 5x128x128 sequential", net, n, n_blocks) && good;
    return bench_end(&b, good || b.rank != 0);
}
