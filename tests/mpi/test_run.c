/*
 * The law of splitting over MPI: every kind of cut, mode, micro-batch and
 * device gives what the uncut network gives on OpenBLAS, at any rank count.
 * Run at 1, 2, 3, 4, 5 and 7 ranks.
 *
 * It also proves that nothing is allocated between the first and the last
 * sample: the linker wraps the allocator of our own objects (tests/
 * CMakeLists.txt), and MPI_Barrier and MPI_Allreduce, which the runner calls
 * right before and right after the stream, switch the count on and off.
 */
#include "mpi_test.h"

#include "base/rng.h"
#include "guard.h"

enum { DENSE, IMAGE };

typedef struct run_case {
    int kind, bits;
    const char *cut; /* NULL: one board */
} run_case;

static const run_case cases[] = {
    {DENSE, 16, NULL},
    {DENSE, 16, "fc1,fc2,fc3,fc4,output"},
    {DENSE, 16, "fc1=neuron:4,fc2"},
    {DENSE, 8, "fc1=neuron:3,fc2=input:2,fc3"},
    {DENSE, 16, "fc1=input:3,fc2"},
    {DENSE, 12, "fc1=input:4,fc2=input:3,fc3=neuron:2,fc4"},
    {DENSE, 16, "fc1=paired:5,fc3"},
    {DENSE, 8, "fc1=paired:2,fc3=paired:3,output"},
    {DENSE, 16, "fc1,output=input:3"},
    {IMAGE, 16, "conv1,conv2,conv3,fc1,output"},
    {IMAGE, 16, "conv1=channel:3,conv2,fc1"},
    {IMAGE, 8, "conv1=rows:4,fc1=neuron:3,output"},
    {IMAGE, 16, "conv1,conv2=inchannel:3,conv3=channel:2,fc1"},
    {IMAGE, 8, "conv1,conv2=inchannel:2,conv3=rows:3,fc1=input:2,output"},
    {DENSE, 10, "fc1=neuron:4,fc2,fc3=paired:2,output"},
    {IMAGE, 10, "conv1=rows:3,conv2=channel:2,conv3=inchannel:2,fc1"},
    {IMAGE, 16, "conv1=rows:1/3,conv3=inchannel:2,fc1=paired:2"},
};

typedef struct run_mode {
    pta_mode mode;
    int32_t micro_batch, depth;
    int64_t n;
    const char *device;
    bool packed;
} run_mode;

static const run_mode modes[] = {
    {PTA_MODE_LATENCY, 0, 0, 41, "fixed", false},
    {PTA_MODE_LATENCY, 5, 0, 23, "fixed", true},
    {PTA_MODE_THROUGHPUT, 0, 0, 1000, "fixed", false},
    {PTA_MODE_THROUGHPUT, 7, 3, 200, "fixed", false},
    {PTA_MODE_THROUGHPUT, 7, 3, 200, "fixed", true},
    {PTA_MODE_THROUGHPUT, 1, 1, 50, "fixed", false},
    {PTA_MODE_THROUGHPUT, 16, 4, 300, "blas", true},
};

static pta_status make_net(mpi_test *t, const run_case *c, network *net)
{
    static const int32_t widths[] = {57, 33, 19, 24, 15, 10};
    PTA_TRY(c->kind == DENSE ? net_dense(t->ctx, widths, 6, c->bits, 11, net)
                             : net_image(t->ctx, 8, c->bits, 12, net));
    return c->cut != NULL ? net_cut(t->ctx, net, c->cut) : PTA_OK;
}

static void compare(mpi_test *t, network *net, const run_case *c,
                    const run_mode *m, const stream *s, size_t out_bytes)
{
    uint8_t *expected = expected_results(t, net, s, out_bytes);
    if (t->rank != 0) {
        return;
    }
    int64_t wrong = 0;
    for (int64_t i = 0; i < s->n; i++) {
        size_t at = (size_t)i * out_bytes;
        wrong += memcmp(expected + at, s->out + at, out_bytes) != 0;
        CHECK(t, s->latency[i] > 0, "sample %lld has no latency", (long long)i);
    }
    CHECK(t, wrong == 0,
          "cut %s, %d bits, %s, micro-batch %d, depth %d%s: %lld of %lld "
          "samples differ",
          c->cut ? c->cut : "none", c->bits, m->device, m->micro_batch,
          m->depth, m->packed ? ", packed" : "", (long long)wrong, (long long)s->n);
    free(expected);
}

/** Two runs over one runner: the second finds rings and sequence moved on. */
static void run_twice(mpi_test *t, network *net, const run_case *c,
                      const run_mode *m, pta_runner *runner)
{
    size_t out_bytes = pta_runner_out_bytes(runner);
    CHECK(t, pta_runner_in_bytes(runner) == net_sample_bytes(net), "%zu",
          pta_runner_in_bytes(runner));
    for (int round = 0; round < 2; round++) {
        stream s;
        int64_t n = round == 0 ? m->n : m->n / 3;
        stream_open(t, net, out_bytes, n, 100 + (uint64_t)round, &s);
        uint64_t elapsed = 0;
        guard_reset();
        CHECK_OK(t, pta_runner_run(runner, t->ctx, s.in, n, s.out, s.latency,
                                   &elapsed));
        CHECK(t, guard_count() == 0, "%zu allocations in the stream (cut %s)",
              guard_count(), c->cut ? c->cut : "none");
        CHECK(t, guard_windows() == 1, "%zu", guard_windows());
        CHECK(t, t->rank != 0 || elapsed > 0, "no elapsed time");
        compare(t, net, c, m, &s, out_bytes);
        stream_close(t, &s);
    }
}

static void check_clocks(mpi_test *t, const network *net, const run_mode *m,
                         pta_runner *runner)
{
    int32_t n = net->plan->n_boards;
    pta_stage_clock *clocks =
        t->rank == 0 ? calloc((size_t)n, sizeof *clocks) : NULL;
    CHECK_OK(t, pta_runner_clocks(runner, t->ctx, clocks));
    for (int32_t b = 0; b < n && t->rank == 0; b++) {
        CHECK(t, clocks[b].board == b, "board %d", clocks[b].board);
        CHECK(t, clocks[b].rank == pta_place_rank(n, t->size, 0, b), "rank %d",
              clocks[b].rank);
        CHECK(t, clocks[b].compute_ns > 0 && clocks[b].median_compute_ns > 0,
              "board %d computed nothing", b);
        CHECK(t, clocks[b].bytes_in > 0 && clocks[b].bytes_out > 0,
              "board %d moved nothing (%s)", b, m->device);
    }
    free(clocks);
}

static void run_case_mode(mpi_test *t, const run_case *c, const run_mode *m)
{
    network net;
    pta_status made = make_net(t, c, &net);
    CHECK(t, made == PTA_OK, "cut %s: %s", c->cut, pta_ctx_error(t->ctx));
    if (made != PTA_OK) {
        net_destroy(t->ctx, &net);
        return;
    }
    pta_run_options options = {.device = m->device,
                               .mode = m->mode,
                               .micro_batch = m->micro_batch,
                               .depth = m->depth,
                               .packed = m->packed,
                               .count_memory = 1};
    pta_runner *runner = NULL;
    CHECK_OK(t, pta_runner_open(t->ctx, MPI_COMM_WORLD, net.graph, net.plan,
                                &net.weights, &options, &runner));
    if (runner != NULL) {
        pta_placement place = pta_runner_placement(runner);
        int32_t n = net.plan->n_boards;
        CHECK(t, place.copies == (t->size < n ? 1 : t->size / n), "%d",
              place.copies);
        CHECK(t, place.idle_ranks == (t->size < n ? 0 : t->size % n), "%d",
              place.idle_ranks);
        run_twice(t, &net, c, m, runner);
        check_clocks(t, &net, m, runner);
        pta_runner_close(t->ctx, &runner);
    }
    net_destroy(t->ctx, &net);
}

/** No sample, and a number of them that is none. */
static void run_nothing(mpi_test *t)
{
    network net;
    CHECK_OK(t, make_net(t, &cases[1], &net));
    pta_run_options options = {.device = "fixed", .mode = PTA_MODE_THROUGHPUT};
    pta_runner *runner = NULL;
    CHECK_OK(t, pta_runner_open(t->ctx, MPI_COMM_WORLD, net.graph, net.plan,
                                &net.weights, &options, &runner));
    if (runner != NULL) {
        CHECK_OK(t, pta_runner_run(runner, t->ctx, NULL, 0, NULL, NULL, NULL));
        pta_status status =
            pta_runner_run(runner, t->ctx, NULL, -1, NULL, NULL, NULL);
        CHECK(t, status == PTA_ERR_USAGE, "%s", pta_status_name(status));
    }
    pta_runner_close(t->ctx, &runner);
    net_destroy(t->ctx, &net);
}

/** A guard that counts nothing would pass every test. */
static void guard_works(mpi_test *t)
{
    guard_reset();
    PMPI_Barrier(MPI_COMM_WORLD);
    guard_open();
    void *block = pta_calloc(t->ctx, 1, 8);
    pta_free(t->ctx, block);
    guard_close();
    CHECK(t, guard_count() > 0, "the guard does not see pta_calloc");
    guard_reset();
}

static void body(mpi_test *t)
{
    guard_works(t);
    run_nothing(t);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            run_case_mode(t, &cases[c], &modes[m]);
        }
    }
}

int main(int argc, char **argv)
{
    return mpi_test_main(argc, argv, body);
}
