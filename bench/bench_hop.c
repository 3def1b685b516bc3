/*
 * The first hop of a stream: the runner against a bare MPI program with the same
 * senders, receivers, bytes and depth, which computes nothing.
 *
 *     mpi_launch/run -np 3 build/bench/bench_hop [SAMPLES] [BLOCKS] [MBIT]
 *
 * mnist_fcnn in 8 bits cut fc1=neuron:2,output: rank 1 gets 784 bytes a sample in
 * messages of 1, 8, 16 and 64 samples, 16 of them under way. Printed: bits a
 * second on that hop, headers included, over MBIT (default 1000), the runner's
 * and the bare program's, in turns. Timed: from the first sample in to the last
 * one out. Results are checked against OpenBLAS first.
 */
#include <stdio.h>

#include "floor.h"
#include "runtime/clock.h"
#include "runtime/header.h"

enum { DEPTH = 16, MAX_BLOCKS = 99, TAG = 1 };

/** One message of the floor, in all its slots. */
typedef struct lane {
    int peer, bytes;
    bool sends, from_source;
    uint8_t *block;
    MPI_Request request[DEPTH];
} lane;

typedef struct bare {
    int n;
    lane *lanes;
} bare;

static int message_bytes(const floor_message *m, int batch)
{
    return PTA_HEADER_BYTES + (m->bytes - PTA_HEADER_BYTES) * batch;
}

static bare bare_open(const bench *b, const floor_plan *f, int batch)
{
    bare p = {0, calloc((size_t)f->n_messages, sizeof *p.lanes)};
    for (int32_t i = 0; i < f->n_messages; i++) {
        const floor_message *m = &f->messages[i];
        if (m->from != b->rank && m->to != b->rank) {
            continue;
        }
        lane *l = &p.lanes[p.n++];
        *l = (lane){.peer = m->from == b->rank ? m->to : m->from,
                    .bytes = message_bytes(m, batch),
                    .sends = m->from == b->rank,
                    .from_source = m->src == PTA_BOARD_SOURCE};
        l->block = calloc(DEPTH, (size_t)l->bytes);
        for (int k = 0; k < DEPTH; k++) {
            l->request[k] = MPI_REQUEST_NULL;
        }
    }
    return p;
}

static void bare_close(bare *p)
{
    for (int i = 0; i < p->n; i++) {
        free(p->lanes[i].block);
    }
    free(p->lanes);
}

static void post(lane *l, int k)
{
    uint8_t *at = l->block + (size_t)k * (size_t)l->bytes;
    if (l->sends) {
        MPI_Isend(at, l->bytes, MPI_BYTE, l->peer, TAG, MPI_COMM_WORLD,
                  &l->request[k]);
    } else {
        MPI_Irecv(at, l->bytes, MPI_BYTE, l->peer, TAG, MPI_COMM_WORLD,
                  &l->request[k]);
    }
}

/** Batch m: waits for what it needs, sends what follows from it. */
static void step(const bare *p, int64_t m, int64_t n, bool source)
{
    int k = (int)(m % DEPTH);
    for (int i = 0; i < p->n; i++) {
        if (!p->lanes[i].sends && !source) {
            MPI_Wait(&p->lanes[i].request[k], MPI_STATUS_IGNORE);
        }
    }
    for (int i = 0; i < p->n; i++) {
        lane *l = &p->lanes[i];
        if (l->sends) {
            MPI_Wait(&l->request[k], MPI_STATUS_IGNORE);
            post(l, k);
        } else if (!source && m + DEPTH < n) {
            post(l, k);
        }
    }
}

/** Rank 0 sends batch m and takes the results of m - DEPTH + 1. */
static uint64_t bare_run(const bench *b, bare *p, int64_t n)
{
    for (int i = 0; i < p->n; i++) {
        for (int k = 0; k < DEPTH && k < n && !p->lanes[i].sends; k++) {
            post(&p->lanes[i], k);
        }
    }
    MPI_Barrier(MPI_COMM_WORLD);
    uint64_t begin = pta_clock_now();
    for (int64_t m = 0; m < n + DEPTH - 1; m++) {
        if (b->rank != 0) {
            if (m < n) {
                step(p, m, n, false);
            }
            continue;
        }
        if (m < n) {
            step(p, m, n, true);
        }
        int64_t done = m - DEPTH + 1;
        for (int i = 0; i < p->n && done >= 0; i++) {
            lane *l = &p->lanes[i];
            if (!l->sends) {
                MPI_Wait(&l->request[done % DEPTH], MPI_STATUS_IGNORE);
                if (done + DEPTH < n) {
                    post(l, (int)(done % DEPTH));
                }
            }
        }
    }
    uint64_t elapsed = pta_clock_now() - begin;
    for (int i = 0; i < p->n; i++) {
        MPI_Waitall(DEPTH, p->lanes[i].request, MPI_STATUSES_IGNORE);
    }
    return elapsed;
}

/** Bytes of the hop from rank 0 to 1 in a message. */
static int hop_bytes(const floor_plan *f, int batch)
{
    int bytes = 0;
    for (int32_t i = 0; i < f->n_messages; i++) {
        if (f->messages[i].from == 0 && f->messages[i].to == 1) {
            bytes += message_bytes(&f->messages[i], batch);
        }
    }
    return bytes;
}

static void measure(bench *b, int batch, int64_t n, int n_blocks, double mbit)
{
    bench_run run = {0};
    bench_must(
        b,
        net_file(b->ctx, PTA_SOURCE_DIR "/datasets", "mnist_fcnn", 8, &run.net),
        "mnist_fcnn");
    bench_must(b, net_cut(b->ctx, &run.net, "fc1=neuron:2,output"), "cut");
    pta_run_options options = {.device = "fixed",
                               .mode = PTA_MODE_THROUGHPUT,
                               .micro_batch = batch,
                               .depth = DEPTH};
    int64_t n_batches = n / batch;
    bench_open(b, &run, &options, n_batches * batch);
    floor_plan f;
    floor_open(b, &run.net, options.packed, &f);
    bare p = bare_open(b, &f, batch);
    double scale = 8e3 * hop_bytes(&f, batch) * (double)n_batches / mbit;
    double runner[MAX_BLOCKS], floor[MAX_BLOCKS], ratio[MAX_BLOCKS];
    for (int i = 0; i < n_blocks; i++) {
        bench_stream(b, &run);
        uint64_t ns = bare_run(b, &p, n_batches);
        runner[i] = b->rank == 0 ? scale / (double)run.elapsed_ns : 0;
        floor[i] = scale / (double)ns;
        ratio[i] = runner[i] / floor[i];
    }
    if (b->rank == 0) {
        printf("%d,%d,%.3f,%.3f,%.3f,%016llx\n", batch, b->size,
               bench_quantile(runner, n_blocks, 0.5),
               bench_quantile(floor, n_blocks, 0.5),
               bench_quantile(ratio, n_blocks, 0.5),
               (unsigned long long)run.digest);
        fflush(stdout);
    }
    bare_close(&p);
    floor_close(&f);
    bench_close(b, &run);
}

int main(int argc, char **argv)
{
    static const int batches[] = {1, 8, 16, 64};
    bench b;
    bench_begin(&b, &argc, &argv);
    int64_t n = argc > 1 ? atoll(argv[1]) : 12800;
    int n_blocks = argc > 2 ? atoi(argv[2]) : 9;
    double mbit = argc > 3 ? atof(argv[3]) : 1000.0;
    if (b.size != 3 || n < 1024 || n_blocks < 1 || n_blocks > MAX_BLOCKS ||
        !(mbit > 0)) {
        fprintf(stderr, "bench_hop: expected 3 ranks, [SAMPLES >= 1024] "
                        "[BLOCKS] [MBIT]\n");
        bench_end(&b, false);
        return 2;
    }
    if (b.rank == 0) {
        printf("samples_per_message,ranks,runner,bare,ratio,digest\n");
    }
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        measure(&b, batches[i], n, n_blocks, mbit);
    }
    return bench_end(&b, true);
}
