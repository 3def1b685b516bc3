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

#include "bench.h"
#include "runtime/clock.h"
#include "runtime/slice_load.h"

enum { BATCH = 64, SAMPLES = 64 * 400, MAX_BLOCKS = 99 };

typedef struct serial {
    network net;
    pta_slice *slice;
    pta_device *device;
    size_t in_bytes, out_bytes;
    uint8_t *out;
} serial;

static void serial_open(bench *b, const int32_t *widths, int32_t bits,
                        serial *s)
{
    bench_must(b, net_dense(b->ctx, widths, 6, bits, 7, &s->net), "net");
    bench_must(
        b,
        pta_slice_build(b->ctx, s->net.graph, s->net.plan, 0, false, &s->slice),
        "slice");
    char digest[PTA_SHA256_HEX];
    bench_must(b,
               pta_slice_load(b->ctx, s->net.graph, s->net.plan,
                              &s->net.weights, s->slice, digest),
               "weights");
    pta_device_params params = {.max_samples = BATCH, .n_slots = 2};
    bench_must(b, pta_device_fixed.open(b->ctx, s->slice, &params, &s->device),
               "device");
    s->in_bytes = pta_slice_in_bytes(s->slice);
    s->out_bytes = pta_slice_out_bytes(s->slice);
    s->out = calloc(SAMPLES, s->out_bytes);
}

/** Samples a second of the serial loop. */
static double serial_run(bench *b, serial *s, const uint8_t *in)
{
    uint64_t begin = pta_clock_now();
    for (int64_t i = 0; i < SAMPLES; i += BATCH) {
        pta_cost cost;
        memcpy(pta_device_fixed.in_buffer(s->device, 0),
               in + (size_t)i * s->in_bytes, BATCH * s->in_bytes);
        bench_must(b, pta_device_fixed.submit(s->device, b->ctx, 0, BATCH),
                   "submit");
        bench_must(b, pta_device_fixed.collect(s->device, b->ctx, 0, &cost),
                   "collect");
        memcpy(s->out + (size_t)i * s->out_bytes,
               pta_device_fixed.out_buffer(s->device, 0), BATCH * s->out_bytes);
    }
    return SAMPLES / ((double)(pta_clock_now() - begin) * 1e-9);
}

static void serial_close(bench *b, serial *s)
{
    pta_device_fixed.close(b->ctx, &s->device);
    pta_slice_destroy(b->ctx, &s->slice);
    net_destroy(b->ctx, &s->net);
    free(s->out);
}

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
    serial s = {0};
    double loop[MAX_BLOCKS], pipe[MAX_BLOCKS], ratio[MAX_BLOCKS];
    if (b->rank == 0) {
        serial_open(b, widths, bits, &s);
    }
    for (int i = 0; i < n_blocks; i++) {
        if (b->rank == 0) {
            loop[i] = serial_run(b, &s, run.in);
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
