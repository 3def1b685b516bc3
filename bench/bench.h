/*
 * What the MPI benchmarks share: percentiles, a quiet barrier, and a runner
 * over a cut network with verified results.
 */
#ifndef PTA_BENCH_BENCH_H
#define PTA_BENCH_BENCH_H

#include "net.h"
#include "runtime/run.h"

typedef struct bench {
    pta_ctx *ctx;
    int rank, size;
} bench;

/** MPI_Init, context, rank. Prints nothing. */
void bench_begin(bench *b, int *argc, char ***argv);
int bench_end(bench *b, bool good);

/** Ends the whole run with the stored error unless `status` is PTA_OK. */
void bench_must(bench *b, pta_status status, const char *what);

/** All ranks; waiting ranks sleep instead of spinning, so that a serial part
 * of rank 0 has its core to itself. */
void bench_quiet_barrier(void);

/** p-quantile (0..1); sorts `values`. */
double bench_quantile(double *values, int64_t n, double p);

typedef struct bench_run {
    network net;
    pta_runner *runner;
    int64_t n;         /* samples */
    uint8_t *in, *out; /* rank 0 */
    uint64_t *latency_ns, elapsed_ns;
    double *us;              /* rank 0; scratch [n] */
    pta_stage_clock *clocks; /* rank 0; [n_boards] */
    uint64_t digest;         /* first 8 bytes of the results' SHA-256 */
} bench_run;

/** Opens a runner on `run->net` and n seeded samples, streams them once and
 * compares all results with OpenBLAS. Ends the run if one differs. */
void bench_open(bench *b, bench_run *run, const pta_run_options *options,
                int64_t n);
/** Streams all samples and gathers the clocks. */
void bench_stream(bench *b, bench_run *run);
void bench_close(bench *b, bench_run *run);

#endif
