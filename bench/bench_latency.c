/*
 * Latency of one sample against its floor.
 *
 *     mpi_launch/run -np 5 build/bench/bench_latency [SAMPLES] [BLOCKS] [packed]
 *
 * The floor (floor.h) busy-waits on each rank for the median computing time it
 * had in the piece before. A block is SAMPLES of both, in pieces that alternate
 * (how the kernel lays five ranks over two cores changes every few milliseconds
 * and moves either by half); beside them a plain ring over all ranks. The timed
 * window of the runner is its latency_ns: from before the sample is packed to
 * raw results at the sink.
 *
 * Results are checked against OpenBLAS before anything is timed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "floor.h"

enum { MAX_BLOCKS = 99, PIECE = 500 };

typedef struct medians {
    double run[MAX_BLOCKS], bare[MAX_BLOCKS], ring[MAX_BLOCKS],
        ratio[MAX_BLOCKS];
} medians;

static void print_row(const char *name, const char *variant, int ranks,
                      double *values, int n, uint64_t digest)
{
    double median = bench_quantile(values, n, 0.5);
    printf("%s,%s,%d,%.2f,%.2f,%.2f,%016llx\n", name, variant, ranks, median,
           values[0], values[n - 1], (unsigned long long)digest);
}

/** One block: samples of runner, floor and ring, in turn. */
static void measure_block(bench *b, bench_run *run, floor_plan *bare,
                          int64_t n_pieces, double *us[3])
{
    for (int64_t p = 0; p < n_pieces; p++) {
        bench_stream(b, run);
        if (b->rank == 0) {
            memcpy(us[0] + p * PIECE, run->us, PIECE * sizeof *run->us);
        }
        floor_run(b, bare, floor_compute(b, run), PIECE, us[1] + p * PIECE);
        ring_run(b, PIECE, us[2] + p * PIECE);
    }
}

/** One network; true if the median ratio is at most 1.25. */
static bool measure(bench *b, const char *name, network net, bool packed,
                    int64_t n_pieces, int n_blocks)
{
    bench_run run = {.net = net};
    if (net.model == NULL) {
        run.net.weights.state = &run.net;
    }
    pta_run_options options = {
        .device = "fixed", .mode = PTA_MODE_LATENCY, .packed = packed};
    bench_open(b, &run, &options, PIECE);
    floor_plan bare;
    floor_open(b, &run.net, packed, &bare);
    static medians blocks;
    int64_t n = n_pieces * PIECE;
    double *us[3];
    for (int k = 0; k < 3; k++) {
        us[k] = calloc((size_t)n, sizeof **us);
    }
    for (int i = 0; i < n_blocks; i++) {
        measure_block(b, &run, &bare, n_pieces, us);
        blocks.run[i] = bench_quantile(us[0], n, 0.5);
        blocks.bare[i] = bench_quantile(us[1], n, 0.5);
        blocks.ring[i] = bench_quantile(us[2], n, 0.5);
        blocks.ratio[i] = b->rank == 0 ? blocks.run[i] / blocks.bare[i] : 0;
    }
    for (int k = 0; k < 3; k++) {
        free(us[k]);
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
    bool packed = argc > 3 && strcmp(argv[3], "packed") == 0;
    if (b.size != 5 || n < PIECE || n_blocks < 1 || n_blocks > MAX_BLOCKS ||
        (argc > 3 && !packed)) {
        fprintf(stderr,
                "bench_latency: expected 5 ranks, [SAMPLES >= %d] "
                "[BLOCKS] [packed]\n",
                PIECE);
        bench_end(&b, false);
        return 2;
    }
    if (b.rank == 0) {
        printf("network,variant,ranks,median,least,greatest,digest\n");
    }
    network net;
    int bits = packed ? 10 : 16; /* nothing of 16 bits can be packed */
    const char *folder = PTA_SOURCE_DIR "/datasets";
    bench_must(&b, net_file(b.ctx, folder, "mnist_fcnn", bits, &net),
               "mnist_fcnn");
    bench_must(&b, net_cut(b.ctx, &net, "fc1=neuron:4,output"), "cut");
    bool good = measure(&b, "mnist_fcnn fc1=neuron:4;output", net, packed,
                        n / PIECE, n_blocks);
    static const int32_t widths[] = {128, 128, 128, 128, 128, 128};
    bench_must(&b, net_dense(b.ctx, widths, 6, bits, 7, &net), "dense");
    bench_must(&b, net_cut(b.ctx, &net, "fc1,fc2,fc3,fc4,output"), "cut");
    good = measure(&b, "dense 5x128x128 sequential", net, packed, n / PIECE,
                   n_blocks) &&
           good;
    return bench_end(&b, good || b.rank != 0);
}
