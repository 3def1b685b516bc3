/* What every MPI test shares (mpi_test.h). */
#include "mpi_test.h"

#include <stdarg.h>

void check_failed(mpi_test *t, const char *file, int line, const char *cond,
                  const char *format, ...)
{
    char detail[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    t->n_failed++;
    fprintf(stderr, "%s:%d: rank %d of %d: %s: %s\n", file, line, t->rank,
            t->size, cond, detail);
}

void stream_open(mpi_test *t, const network *net, size_t out_bytes, int64_t n,
                 uint64_t seed, stream *s)
{
    *s = (stream){.n = n};
    if (t->rank != 0) {
        return;
    }
    size_t count = (size_t)n;
    s->in = calloc(count + 1, net_sample_bytes(net));
    s->out = calloc(count + 1, out_bytes);
    s->latency = calloc(count + 1, sizeof *s->latency);
    net_samples(net, seed, n, s->in);
}

void stream_close(mpi_test *t, stream *s)
{
    (void)t;
    free(s->in);
    free(s->out);
    free(s->latency);
    *s = (stream){0};
}

uint8_t *expected_results(mpi_test *t, network *net, const stream *s,
                          size_t out_bytes)
{
    if (t->rank != 0) {
        return NULL;
    }
    uint8_t *bytes = calloc((size_t)s->n + 1, out_bytes);
    CHECK_OK(
        t, net_reference(t->ctx, net, s->in, (int32_t)s->n, out_bytes, bytes));
    return bytes;
}

bool same_everywhere(pta_status status)
{
    int mine[2] = {(int)status, -(int)status}, most[2];
    MPI_Allreduce(mine, most, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return most[0] == -most[1];
}

int mpi_test_main(int argc, char **argv, void (*body)(mpi_test *t))
{
    MPI_Init(&argc, &argv);
    mpi_test t = {.ctx = pta_ctx_create()};
    MPI_Comm_rank(MPI_COMM_WORLD, &t.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &t.size);
    pta_ctx_set_rank(t.ctx, t.rank, t.size);
    body(&t);
    CHECK(&t, pta_ctx_memory(t.ctx).live_blocks == 0, "%zu blocks leaked",
          pta_ctx_memory(t.ctx).live_blocks);
    int failed = t.n_failed, total = 0;
    MPI_Allreduce(&failed, &total, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (t.rank == 0) {
        printf("%d checks on rank 0, %d failed on all ranks\n", t.n_checks,
               total);
    }
    pta_ctx_destroy(&t.ctx);
    MPI_Finalize();
    return total == 0 ? 0 : 1;
}
