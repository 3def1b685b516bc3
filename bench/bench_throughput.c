/*
 * Throughput of a pipeline of five equal stages against the serial loop.
 *
 *     mpi_launch/run -np 5 build/bench/bench_throughput [WIDTH] [BITS] [BLOCKS]
 *         [DEPTH]
 *
 * A generated dense net of five WIDTH x WIDTH layers, one board per layer, one
 * copy, micro-batches of 64, device `fixed`. The serial loop is the whole net
 * as one slice on the same device with the same micro-batch on rank 0, while
 * the other ranks sleep. Timed: from the first sample in to the last out, both.
 * Blocks alternate. Results are checked against OpenBLAS first.
 */
#include <stdio.h>
#include <string.h>

#include "serial.h"

enum { BATCH = 64, SAMPLES = 64 * 400, MAX_BLOCKS = 99 };

static void print_row(const char *name, const char *variant, int ranks,
                      double *values, int n, uint64_t digest)
{
    double median = bench_quantile(values, n, 0.5);
    printf("%s,%s,%d,%.4g,%.4g,%.4g,%016llx\n", name, variant, ranks, median,
           values[0], values[n - 1], (unsigned long long)digest);
}

static void print_stages(const bench_run *run)
{
    fprintf(stderr, "stages, compute us a sample:");
    for (int32_t i = 0; i < run->net.plan->n_boards; i++) {
        fprintf(stderr, " %.2f",
                (double)run->clocks[i].median_compute_ns * 1e-3 / BATCH);
    }
    fprintf(stderr, "\n");
}

static bool measure(bench *b, int32_t width, int32_t bits, int n_blocks,
                    int32_t depth)
{
    int32_t widths[6] = {width, width, width, width, width, width};
    bench_run run = {0};
    bench_must(b, net_dense(b->ctx, widths, 6, bits, 7, &run.net), "net");
    bench_must(b, net_cut(b->ctx, &run.net, "fc1,fc2,fc3,fc4,output"), "cut");
    pta_run_options options = {.device = "fixed",
                               .mode = PTA_MODE_THROUGHPUT,
                               .micro_batch = BATCH,
                               .depth = depth};
    bench_open(b, &run, &options, SAMPLES);
    network whole;
    serial s = {0};
    double loop[MAX_BLOCKS], pipe[MAX_BLOCKS], ratio[MAX_BLOCKS];
    if (b->rank == 0) {
        bench_must(b, net_dense(b->ctx, widths, 6, bits, 7, &whole), "net");
        serial_open(b, &whole, &pta_device_fixed, BATCH, run.in, SAMPLES, &s);
    }
    for (int i = 0; i < n_blocks; i++) {
        if (b->rank == 0) {
            loop[i] = SAMPLES / ((double)serial_run(b, &s, NULL) * 1e-9);
            if (memcmp(s.out, run.out, SAMPLES * s.out_bytes) != 0) {
                fprintf(stderr, "the serial loop differs\n");
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
        }
        bench_quiet_barrier();
        bench_stream(b, &run);
        pipe[i] = b->rank == 0 ? SAMPLES / ((double)run.elapsed_ns * 1e-9) : 0;
        ratio[i] = b->rank == 0 ? pipe[i] / loop[i] : 0;
    }
    bool good = true;
    if (b->rank == 0) {
        char name[64];
        snprintf(name, sizeof name, "dense 5x%dx%d %d bits", (int)width,
                 (int)width, (int)bits);
        print_row(name, "serial_loop_per_s", 1, loop, n_blocks, run.digest);
        print_row(name, "pipeline_per_s", b->size, pipe, n_blocks, run.digest);
        print_row(name, "ratio_to_loop", b->size, ratio, n_blocks, 0);
        print_stages(&run);
        good = bench_quantile(ratio, n_blocks, 0.5) >= 1.2;
        serial_close(b, &s);
        net_destroy(b->ctx, &whole);
    }
    bench_close(b, &run);
    return good;
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, &argc, &argv);
    int32_t width = argc > 1 ? atoi(argv[1]) : 384;
    int32_t bits = argc > 2 ? atoi(argv[2]) : 16;
    int n_blocks = argc > 3 ? atoi(argv[3]) : 9;
    int32_t depth = argc > 4 ? atoi(argv[4]) : 0;
    if (b.size != 5 || n_blocks < 1 || n_blocks > MAX_BLOCKS) {
        fprintf(stderr, "bench_throughput: expected 5 ranks, [WIDTH] [BITS] "
                        "[BLOCKS] [DEPTH]\n");
        bench_end(&b, false);
        return 2;
    }
    if (b.rank == 0) {
        printf("network,variant,ranks,median,least,greatest,digest\n");
    }
    bool good = measure(&b, width, bits, n_blocks, depth);
    return bench_end(&b, good);
}
