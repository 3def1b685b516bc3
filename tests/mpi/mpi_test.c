/* What every MPI test shares (mpi_test.h). */
#include "mpi_test.h"

#include <stdarg.h>

#include "runtime/reference.h"

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

void stream_open(mpi_test *t, const net *net, size_t out_bytes, int64_t n,
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

static int64_t load(const uint8_t *at, size_t element)
{
    int64_t value = 0;
    if (element == 1) {
        value = (int8_t)*at;
    } else if (element == 2) {
        int16_t v;
        memcpy(&v, at, sizeof v);
        value = v;
    } else {
        int32_t v;
        memcpy(&v, at, sizeof v);
        value = v;
    }
    return value;
}

/** The samples as the reference wants them: [n][count] int64. */
static int64_t *widen(const net *net, const stream *s, int64_t count)
{
    int32_t node = net->graph->inputs[0];
    size_t element =
        pta_dtype_bytes(pta_format_dtype(net->plan->formats[node].out));
    int64_t *wide = calloc((size_t)(s->n * count) + 1, sizeof *wide);
    for (int64_t i = 0; i < s->n; i++) {
        const uint8_t *sample = s->in + (size_t)i * net_sample_bytes(net);
        for (int64_t e = 0; e < count; e++) {
            wide[i * count + e] = load(sample + (size_t)e * element, element);
        }
    }
    return wide;
}

uint8_t *expected_results(mpi_test *t, const net *net, const stream *s,
                          size_t out_bytes)
{
    if (t->rank != 0) {
        return NULL;
    }
    const pta_graph *g = net->graph;
    int32_t last = pta_graph_integer_output(g, 0);
    int64_t n_in = pta_view_count(g->nodes[g->inputs[0]].view);
    int64_t n_out = pta_view_count(g->nodes[last].view);
    int64_t *in = widen(net, s, n_in);
    int64_t *out = calloc((size_t)(s->n * n_out) + 1, sizeof *out);
    pta_weights weights = net->weights;
    pta_reference *reference = NULL;
    CHECK_OK(t, pta_reference_open(t->ctx, g, &weights, net->plan->formats,
                                   (int32_t)s->n, &reference));
    const void *inputs[] = {in};
    void *outputs[] = {out};
    if (reference != NULL) {
        CHECK_OK(t, pta_reference_run(reference, t->ctx, inputs, outputs,
                                      (int32_t)s->n, NULL, NULL));
    }
    pta_reference_close(t->ctx, &reference);
    size_t element =
        pta_dtype_bytes(pta_format_dtype(net->plan->formats[last].out));
    uint8_t *bytes = calloc((size_t)s->n + 1, out_bytes);
    for (int64_t i = 0; i < s->n; i++) {
        for (int64_t e = 0; e < n_out; e++) {
            memcpy(bytes + (size_t)i * out_bytes + (size_t)e * element,
                   &out[i * n_out + e], element);
        }
    }
    free(in);
    free(out);
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
