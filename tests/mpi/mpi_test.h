/*
 * What every MPI test shares: checks that name the rank, one verdict for all
 * ranks, and runs over generated networks (bench/net.h).
 */
#ifndef PTA_TESTS_MPI_TEST_H
#define PTA_TESTS_MPI_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/net.h"
#include "runtime/run.h"

typedef struct mpi_test {
    pta_ctx *ctx;
    int rank, size;
    int n_checks, n_failed;
} mpi_test;

/** Counts a failure and prints one line, however many ranks print. */
void check_failed(mpi_test *t, const char *file, int line, const char *cond,
                  const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#define CHECK(t, cond, ...)                                                    \
    do {                                                                       \
        (t)->n_checks++;                                                       \
        if (!(cond)) {                                                         \
            check_failed((t), __FILE__, __LINE__, #cond, __VA_ARGS__);         \
        }                                                                      \
    } while (0)

#define CHECK_OK(t, call)                                                      \
    do {                                                                       \
        pta_status check_status = (call);                                      \
        CHECK(t, check_status == PTA_OK, "%s: %s",                             \
              pta_status_name(check_status), pta_ctx_error((t)->ctx));         \
    } while (0)

/** Samples of one run and what came of them; arrays on rank 0 only. */
typedef struct stream {
    int64_t n;
    uint8_t *in, *out; /* owned */
    uint64_t *latency; /* owned */
} stream;

/** n seeded samples and room for results. */
void stream_open(mpi_test *t, const network *net, size_t out_bytes, int64_t n,
                 uint64_t seed, stream *s);
void stream_close(mpi_test *t, stream *s);

/** The uncut network on OpenBLAS: results of `s` in the sink's layout, owned by
 * the caller; NULL on ranks other than 0. */
uint8_t *expected_results(mpi_test *t, network *net, const stream *s,
                          size_t out_bytes);

/** True on all ranks if `status` is the same on all. */
bool same_everywhere(pta_status status);

/** Runs `body` between MPI_Init and MPI_Finalize; the exit code of main. */
int mpi_test_main(int argc, char **argv, void (*body)(mpi_test *t));

#endif
