/* What the MPI benchmarks share (bench.h). */
#include "bench.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void bench_begin(bench *b, int *argc, char ***argv)
{
    MPI_Init(argc, argv);
    *b = (bench){.ctx = pta_ctx_create()};
    MPI_Comm_rank(MPI_COMM_WORLD, &b->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b->size);
    pta_ctx_set_rank(b->ctx, b->rank, b->size);
}

int bench_end(bench *b, bool good)
{
    pta_ctx_destroy(&b->ctx);
    MPI_Finalize();
    return good ? 0 : 1;
}

void bench_must(bench *b, pta_status status, const char *what)
{
    if (status != PTA_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, pta_status_name(status),
                pta_ctx_error(b->ctx));
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

void bench_quiet_barrier(void)
{
    MPI_Request request;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    while (!done) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

double bench_quantile(double *values, int64_t n, double p)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    int64_t at = (int64_t)(p * (double)n);
    return values[at < n ? at : n - 1];
}

static void verify(bench *b, bench_run *run)
{
    size_t bytes = pta_runner_out_bytes(run->runner);
    uint8_t *expected = calloc((size_t)run->n, bytes);
    bench_must(b,
               net_reference(b->ctx, &run->net, run->in, (int32_t)run->n, bytes,
                             expected),
               "reference");
    if (memcmp(expected, run->out, (size_t)run->n * bytes) != 0) {
        fprintf(stderr, "results differ from the reference\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, expected, (size_t)run->n * bytes);
    pta_sha256_final(&hash, digest);
    memcpy(&run->digest, digest, sizeof run->digest);
    free(expected);
}

void bench_open(bench *b, bench_run *run, const pta_run_options *options,
                int64_t n)
{
    bench_must(b,
               pta_runner_open(b->ctx, MPI_COMM_WORLD, run->net.graph,
                               run->net.plan, &run->net.weights, options,
                               &run->runner),
               "open");
    run->n = n;
    size_t count = (size_t)n;
    if (b->rank == 0) {
        run->in = calloc(count, net_sample_bytes(&run->net));
        run->out = calloc(count, pta_runner_out_bytes(run->runner));
        run->latency_ns = calloc(count, sizeof *run->latency_ns);
        run->us = calloc(count, sizeof *run->us);
        run->clocks =
            calloc((size_t)run->net.plan->n_boards, sizeof *run->clocks);
        net_samples(&run->net, 1, n, run->in);
    }
    bench_stream(b, run);
    if (b->rank == 0) {
        verify(b, run);
    }
}

void bench_stream(bench *b, bench_run *run)
{
    bench_must(b,
               pta_runner_run(run->runner, b->ctx, run->in, run->n, run->out,
                              run->latency_ns, &run->elapsed_ns),
               "run");
    bench_must(b, pta_runner_clocks(run->runner, b->ctx, run->clocks),
               "clocks");
    for (int64_t i = 0; b->rank == 0 && i < run->n; i++) {
        run->us[i] = (double)run->latency_ns[i] * 1e-3;
    }
}

void bench_close(bench *b, bench_run *run)
{
    pta_runner_close(b->ctx, &run->runner);
    free(run->in);
    free(run->out);
    free(run->latency_ns);
    free(run->us);
    free(run->clocks);
    net_destroy(b->ctx, &run->net);
}
