/*
 * Bad luck over MPI: whatever fails on whichever rank, all ranks return the
 * same code within seconds, the message names the culprit, no memory is lost
 * and the next run works. Run at 1, 2, 3, 5 and 7 ranks.
 *
 * MPI_Isend is replaced through MPI's profiling interface to damage a chosen
 * byte of a chosen message on its way.
 */
#include "mpi_test.h"

#include "base/rng.h"
#include "runtime/header.h"
#include "runtime/slice_load.h"

static const int32_t widths[] = {57, 33, 19, 24, 15, 10};

typedef struct fault_case {
    const char *name, *cut;
} fault_case;

static const fault_case cuts[] = {
    {"sequential", "fc1,fc2,fc3,fc4,output"},
    {"neuron", "fc1=neuron:4,fc2"},
    {"input", "fc1=input:2,fc2=input:2,fc3"},
};

static void open_net(mpi_test *t, const char *cut, network *net)
{
    pta_status made = net_dense(t->ctx, widths, 6, 16, 5, net);
    made = made == PTA_OK ? net_cut(t->ctx, net, cut) : made;
    CHECK(t, made == PTA_OK, "%s: %s", cut, pta_ctx_error(t->ctx));
}

/** Opens a runner and streams n samples; the first failure of the two. */
static pta_status open_and_run(mpi_test *t, network *net, pta_weights *weights,
                               int64_t n, stream *s)
{
    pta_run_options options = {
        .device = "fixed", .mode = PTA_MODE_THROUGHPUT, .micro_batch = 8};
    pta_runner *runner = NULL;
    pta_status status = pta_runner_open(t->ctx, MPI_COMM_WORLD, net->graph,
                                        net->plan, weights, &options, &runner);
    CHECK(t, (status == PTA_OK) == (runner != NULL), "%s",
          pta_status_name(status));
    if (status == PTA_OK) {
        status = pta_runner_run(runner, t->ctx, s->in, n, s->out, NULL, NULL);
    }
    pta_runner_close(t->ctx, &runner);
    return status;
}

/* ---- injected faults ---- */

/** Every possible failure in turn, on all ranks or on one. */
static void inject(mpi_test *t, const fault_case *c, int only)
{
    network net;
    stream s;
    open_net(t, c->cut, &net);
    stream_open(t, &net, 64, 200, 3, &s);
    size_t blocks = pta_ctx_memory(t->ctx).live_blocks;
    int failures = 0;
    for (uint32_t every = 1; every < 900; every += 1 + every / 9) {
        if (only < 0 || only == t->rank) {
            pta_ctx_set_faults(t->ctx, every, every * 7 + (uint64_t)t->rank);
        }
        pta_status status = open_and_run(t, &net, &net.weights, 200, &s);
        pta_ctx_set_faults(t->ctx, 0, 0);
        failures += status != PTA_OK;
        CHECK(t, same_everywhere(status), "%s, every %u, rank %d: %s", c->name,
              every, only, pta_status_name(status));
        size_t now = pta_ctx_memory(t->ctx).live_blocks;
        CHECK(t, now == blocks, "%s, every %u: %zu blocks, %zu before (%s)",
              c->name, every, now, blocks, pta_ctx_error(t->ctx));
        CHECK(t,
              status == PTA_OK || t->size == 1 ||
                  strncmp(pta_ctx_error(t->ctx), "rank ", 5) == 0,
              "no rank named: %s", pta_ctx_error(t->ctx));
    }
    CHECK(t, failures > 3, "only %d faults happened", failures);
    pta_ctx_clear_error(t->ctx);
    CHECK_OK(t, open_and_run(t, &net, &net.weights, 200, &s));
    stream_close(t, &s);
    net_destroy(t->ctx, &net);
}

/* ---- a device that fails in the middle ---- */

/** A message damaged on the way: which, and where. */
static struct {
    long nth; /* 0: none */
    int byte;
} damage;

int MPI_Isend(const void *data, int n, MPI_Datatype type, int peer, int tag,
              MPI_Comm comm, MPI_Request *request)
{
    if (damage.nth > 0 && --damage.nth == 0 && n > damage.byte) {
        union {
            const void *in;
            uint8_t *out;
        } bytes = {.in = data}; /* our own buffer, lent as const */
        bytes.out[damage.byte] ^= 0x10;
    }
    return PMPI_Isend(data, n, type, peer, tag, comm, request);
}

/** One damaged byte per field, on the `nth` message of rank 0. */
static void damage_message(mpi_test *t)
{
    static const struct {
        int byte;
        const char *names;
    } fields[] = {{0, "magic"},
                  {4, "version"},
                  {6, "flags"},
                  {8, "plan tag"},
                  {16, "sequence"},
                  {24, "sample count"},
                  {28, "status"},
                  {32, "payload size"},
                  {36, "CRC-32C"},
                  {PTA_HEADER_BYTES, "CRC-32C"},
                  {PTA_HEADER_BYTES + 9, "CRC-32C"}};
    network net;
    stream s;
    open_net(t, cuts[1].cut, &net);
    stream_open(t, &net, 64, 200, 3, &s);
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        damage.nth = t->rank == 0 ? 4 : 0;
        damage.byte = fields[f].byte;
        pta_status status = open_and_run(t, &net, &net.weights, 200, &s);
        damage.nth = 0;
        CHECK(t, same_everywhere(status), "%s", pta_status_name(status));
        CHECK(t, status == PTA_ERR_FORMAT, "%s damaged: %s", fields[f].names,
              pta_status_name(status));
        CHECK(t,
              strstr(pta_ctx_error(t->ctx), fields[f].names) != NULL &&
                  strstr(pta_ctx_error(t->ctx), "message ") != NULL,
              "%s damaged: %s", fields[f].names, pta_ctx_error(t->ctx));
    }
    pta_ctx_clear_error(t->ctx);
    CHECK_OK(t, open_and_run(t, &net, &net.weights, 200, &s));
    stream_close(t, &s);
    net_destroy(t->ctx, &net);
}

/** A failed run leaves the runner usable: rings and sequence are in step. */
static void run_after_damage(mpi_test *t)
{
    network net;
    stream s;
    open_net(t, cuts[0].cut, &net);
    pta_run_options options = {.device = "fixed", .mode = PTA_MODE_LATENCY};
    pta_runner *runner = NULL;
    CHECK_OK(t, pta_runner_open(t->ctx, MPI_COMM_WORLD, net.graph, net.plan,
                                &net.weights, &options, &runner));
    size_t out_bytes = pta_runner_out_bytes(runner);
    stream_open(t, &net, out_bytes, 60, 3, &s);
    uint8_t *expected = expected_results(t, &net, &s, out_bytes);
    damage.nth = t->rank == 0 ? 9 : 0;
    damage.byte = PTA_HEADER_BYTES + 2;
    pta_status status =
        pta_runner_run(runner, t->ctx, s.in, 60, s.out, NULL, NULL);
    CHECK(t, status == PTA_ERR_FORMAT, "%s", pta_status_name(status));
    damage.nth = 0;
    CHECK_OK(t, pta_runner_run(runner, t->ctx, s.in, 60, s.out, NULL, NULL));
    CHECK(t, t->rank != 0 || memcmp(expected, s.out, 60 * out_bytes) == 0,
          "results differ after a failed run");
    free(expected);
    stream_close(t, &s);
    pta_runner_close(t->ctx, &runner);
    net_destroy(t->ctx, &net);
}

/* ---- loading ---- */

typedef struct bad_weights {
    pta_weights weights;
    pta_weights *inner;
    int mode; /* 0: fails to read; 1: one flipped weight */
} bad_weights;

static pta_status read_bad(pta_weights *self, pta_ctx *ctx, int32_t node,
                           pta_weight_role role, pta_weight_part part,
                           double *values)
{
    bad_weights *bad = self->state;
    if (bad->mode == 0) {
        return pta_fail(ctx, PTA_ERR_IO, "layer %d: disk on fire", node);
    }
    PTA_TRY(bad->inner->read(bad->inner, ctx, node, role, part, values));
    if (role == PTA_WEIGHT_KERNEL) {
        values[0] = -values[0];
    }
    return PTA_OK;
}

/** Digests of all slices, as `plan` would compute them. */
static void set_digests(mpi_test *t, network *net)
{
    for (int32_t b = 0; b < net->plan->n_boards; b++) {
        pta_slice *slice = NULL;
        CHECK_OK(t, pta_slice_build(t->ctx, net->graph, net->plan, b, false,
                                    &slice));
        char digest[PTA_SHA256_HEX] = "";
        CHECK_OK(t, pta_slice_load(t->ctx, net->graph, net->plan, &net->weights,
                                   slice, digest));
        pta_slice_destroy(t->ctx, &slice);
        memcpy(net->plan->slice_digests[b], digest, PTA_SHA256_HEX);
    }
}

static void fail_loading(mpi_test *t, int culprit, int mode)
{
    network net;
    stream s;
    open_net(t, cuts[0].cut, &net);
    set_digests(t, &net);
    stream_open(t, &net, 64, 100, 3, &s);
    bad_weights bad = {.inner = &net.weights, .mode = mode};
    bad.weights = (pta_weights){.read = read_bad, .state = &bad};
    pta_weights *weights = t->rank == culprit ? &bad.weights : &net.weights;
    pta_status status = open_and_run(t, &net, weights, 100, &s);
    int32_t n = net.plan->n_boards;
    bool idle = pta_place(n, t->size, culprit).n == 0;
    pta_status expected = mode == 0 ? PTA_ERR_IO : PTA_ERR_MISMATCH;
    CHECK(t, status == (idle ? PTA_OK : expected), "culprit %d: %s: %s",
          culprit, pta_status_name(status), pta_ctx_error(t->ctx));
    const char *text =
        mode == 0 ? "disk on fire" : "weights differ from those the plan";
    char who[32];
    snprintf(who, sizeof who, "rank %d: ", culprit);
    CHECK(t, idle || strstr(pta_ctx_error(t->ctx), text) != NULL, "%s",
          pta_ctx_error(t->ctx));
    CHECK(t,
          idle || t->size == 1 ||
              strncmp(pta_ctx_error(t->ctx), who, strlen(who)) == 0,
          "%s", pta_ctx_error(t->ctx));
    stream_close(t, &s);
    net_destroy(t->ctx, &net);
}

/** Only rank 0, or every other rank, can open the model. */
static void without_model(mpi_test *t, int every)
{
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        network net;
        stream s;
        open_net(t, cuts[c].cut, &net);
        set_digests(t, &net);
        stream_open(t, &net, 64, 100, 3, &s);
        bool has = t->rank % every == 0;
        pta_runner *runner = NULL;
        pta_run_options options = {.device = "fixed",
                                   .mode = PTA_MODE_THROUGHPUT};
        CHECK_OK(t,
                 pta_runner_open(t->ctx, MPI_COMM_WORLD, net.graph, net.plan,
                                 has ? &net.weights : NULL, &options, &runner));
        if (runner != NULL) {
            size_t out_bytes = pta_runner_out_bytes(runner);
            uint8_t *expected = expected_results(t, &net, &s, out_bytes);
            CHECK_OK(t, pta_runner_run(runner, t->ctx, s.in, s.n, s.out, NULL,
                                       NULL));
            CHECK(t,
                  t->rank != 0 || memcmp(expected, s.out, 100 * out_bytes) == 0,
                  "%s: results differ", cuts[c].name);
            free(expected);
            pta_runner_close(t->ctx, &runner);
        }
        stream_close(t, &s);
        net_destroy(t->ctx, &net);
    }
}

/* ---- disagreement ---- */

static void open_fails(mpi_test *t, const network *net, pta_weights *weights,
                       const pta_run_options *options, pta_status expected,
                       const char *text)
{
    pta_runner *runner = NULL;
    pta_status status = pta_runner_open(t->ctx, MPI_COMM_WORLD, net->graph,
                                        net->plan, weights, options, &runner);
    CHECK(t, status == expected, "%s: %s", pta_status_name(status),
          pta_ctx_error(t->ctx));
    CHECK(t, strstr(pta_ctx_error(t->ctx), text) != NULL, "%s",
          pta_ctx_error(t->ctx));
    CHECK(t, runner == NULL, "a runner came of it");
    pta_runner_close(t->ctx, &runner);
}

static void refuse(mpi_test *t)
{
    network net;
    open_net(t, cuts[0].cut, &net);
    pta_run_options good = {.device = "fixed", .mode = PTA_MODE_LATENCY};
    pta_run_options options = good;
    options.exact_ranks = true;
    if (t->size != 5) {
        open_fails(t, &net, &net.weights, &options, PTA_ERR_USAGE, "5 boards");
    }
    options = good;
    options.device = "abacus";
    open_fails(t, &net, &net.weights, &options, PTA_ERR_USAGE, "abacus");
    options = good;
    options.micro_batch = -3;
    open_fails(t, &net, &net.weights, &options, PTA_ERR_USAGE, "-3");
    options = good;
    options.micro_batch = INT32_MAX;
    open_fails(t, &net, &net.weights, &options, PTA_ERR_RANGE, "micro-batch");
    open_fails(t, &net, t->rank == 0 ? NULL : &net.weights, &good, PTA_ERR_IO,
               "rank 0 cannot open the model");
    if (t->size > 1) {
        options = good;
        options.micro_batch = t->rank == 1 ? 2 : 1;
        open_fails(t, &net, &net.weights, &options, PTA_ERR_MISMATCH,
                   "rank 1: ");
        if (t->rank == 1) {
            CHECK_OK(t, net_cut(t->ctx, &net, "fc1,fc2,output"));
        }
        open_fails(t, &net, &net.weights, &good, PTA_ERR_MISMATCH, "rank 1: ");
    }
    net_destroy(t->ctx, &net);
}

/** pta_agree itself: the lowest rank that failed speaks, and those that only
 * heard of a failure stay behind those that had one. */
static void agree(mpi_test *t)
{
    CHECK_OK(t, pta_agree(t->ctx, MPI_COMM_WORLD, PTA_OK));
    for (int first = 0; first < t->size; first++) {
        pta_status local = PTA_OK;
        if (t->rank >= first) {
            local = pta_fail(t->ctx, PTA_ERR_RANGE, "I am %d", t->rank);
        } else {
            local = pta_fail(t->ctx, PTA_ERR_PEER, "heard");
        }
        pta_status status = pta_agree(t->ctx, MPI_COMM_WORLD, local);
        char text[64];
        snprintf(text, sizeof text, t->size > 1 ? "rank %d: I am %d" : "I am 0",
                 first, first);
        CHECK(t, status == PTA_ERR_RANGE, "%s", pta_status_name(status));
        CHECK(t, strcmp(pta_ctx_error(t->ctx), text) == 0, "%s",
              pta_ctx_error(t->ctx));
    }
    char *text = t->rank == 0 ? pta_strdup(t->ctx, "a plan") : NULL;
    CHECK_OK(t, pta_broadcast_text(t->ctx, MPI_COMM_WORLD, &text));
    CHECK(t, text != NULL && strcmp(text, "a plan") == 0, "text lost");
    pta_free(t->ctx, text);
}

static void body(mpi_test *t)
{
    agree(t);
    refuse(t);
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        inject(t, &cuts[c], -1);
        inject(t, &cuts[c], t->size - 1);
    }
    if (t->size > 1) {
        damage_message(t);
        run_after_damage(t);
    }
    for (int culprit = 0; culprit < t->size; culprit++) {
        fail_loading(t, culprit, 0);
        fail_loading(t, culprit, 1);
    }
    without_model(t, 100);
    without_model(t, 2);
}

int main(int argc, char **argv)
{
    return mpi_test_main(argc, argv, body);
}
