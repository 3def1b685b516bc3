/*
 * One simulated rank: the program that smpirun starts for every board, built
 * from the same sources as partita but against SimGrid's MPI. Called by
 * partita simulate with the path of a job file (JSON).
 *
 * Ranks are threads of control in one process, one at a time. Rank 0 opens
 * model, plan and cluster once and hands the others a pointer: Partita has no
 * mutable globals, so nothing has to be private (smpirun -no-privatize).
 */
#include <mpi.h>
#include <string.h>

#include "cli/feed.h"
#include "cli/modelled.h"
#include "cli/score.h"
#include "cli/timeline.h"
#include "runtime/device_wait.h"
#include "runtime/run.h"

/* Events of one rank in a trace. */
#define TRACE_EVENTS 2048

typedef struct job {
    json_t *file; /* owned */
    pta_loaded loaded;
    const pta_graph *graph;
    pta_fabric fabric;
    pta_blank blank;
    pta_feed *feed; /* owned; with numerics */
    char device[PTA_WAIT_TEXT];
    pta_run_options options;
    int64_t samples;
    uint8_t *in, *out;    /* owned */
    uint64_t *latency_ns; /* owned */
    uint64_t elapsed_ns;
    pta_stage_clock *clocks; /* owned */
    pta_trace trace;         /* owned */
} job;

static const pta_device_ops *const devices[] = {&pta_device_wait, NULL};

static int64_t number(const job *j, const char *key)
{
    return json_integer_value(json_object_get(j->file, key));
}

static const char *text(const job *j, const char *key)
{
    return json_string_value(json_object_get(j->file, key));
}

/* ---- rank 0 ---- */

static pta_status open_numerics(pta_ctx *ctx, job *j, bool numerics)
{
    if (!numerics) {
        j->options.blank = &j->blank;
        return pta_blank_build(ctx, j->graph, j->loaded.plan,
                               j->options.micro_batch, j->options.packed,
                               &j->blank);
    }
    PTA_TRY(pta_feed_open(ctx, j->graph, j->loaded.plan, text(j, "data"),
                          j->samples, false, &j->feed));
    j->samples = j->feed->rows;
    return PTA_OK;
}

static pta_status open_buffers(pta_ctx *ctx, job *j)
{
    PTA_TRY_ALLOC(ctx, j->latency_ns, j->samples);
    PTA_TRY_ALLOC(ctx, j->clocks, j->loaded.plan->n_boards);
    if (j->feed == NULL) {
        return PTA_OK;
    }
    PTA_TRY_ALLOC(ctx, j->in,
                  (size_t)j->samples * j->feed->layout.sample_bytes);
    return pta_feed_encode(j->feed, ctx, 0, j->samples, j->in);
}

static pta_status open_job(pta_ctx *ctx, const char *path, int size, job *j)
{
    char *json;
    PTA_TRY(pta_file_read(ctx, path, &json, NULL));
    pta_status status = pta_json_parse(ctx, json, path, &j->file);
    pta_free(ctx, json);
    PTA_TRY(status);
    PTA_TRY(pta_load(ctx, text(j, "plan"), &j->loaded));
    j->graph = pta_model_graph(j->loaded.model);
    PTA_TRY(pta_fabric_open(ctx, text(j, "cluster"), size, &j->fabric));
    bool numerics = number(j, "numerics") != 0;
    pta_wait_params wait = {.host = j->fabric.hosts,
                            .budget = &j->fabric.budget,
                            .is_simulated = true,
                            .inner = numerics ? "fixed" : NULL,
                            .is_blank = !numerics};
    PTA_TRY(pta_wait_print(ctx, &wait, j->device));
    j->samples = number(j, "samples");
    j->options = (pta_run_options){
        .device = j->device,
        .devices = devices,
        .mode =
            number(j, "latency") != 0 ? PTA_MODE_LATENCY : PTA_MODE_THROUGHPUT,
        .micro_batch = (int32_t)number(j, "micro_batch"),
        .depth = (int32_t)number(j, "depth"),
        .packed = number(j, "packed") != 0,
        .costs = j->fabric.hosts,
        .trace_events = text(j, "trace") != NULL ? TRACE_EVENTS : 0};
    PTA_TRY(open_numerics(ctx, j, numerics));
    return open_buffers(ctx, j);
}

static void close_job(pta_ctx *ctx, job *j)
{
    pta_blank_free(ctx, &j->blank);
    pta_feed_close(ctx, &j->feed);
    pta_fabric_close(ctx, &j->fabric);
    pta_trace_close(ctx, &j->trace);
    pta_loaded_free(ctx, &j->loaded);
    pta_free(ctx, j->in);
    pta_free(ctx, j->out);
    pta_free(ctx, j->latency_ns);
    pta_free(ctx, j->clocks);
    json_decref(j->file);
}

/* ---- results ---- */

static pta_status print_digest(pta_ctx *ctx, const job *j, json_t **digest)
{
    *digest = json_null();
    if (j->feed == NULL) {
        return PTA_OK;
    }
    pta_packing outputs;
    PTA_TRY(
        pta_packing_outputs(ctx, j->graph, j->loaded.plan, false, &outputs));
    pta_sha256 hash;
    uint8_t bytes[PTA_SHA256_BYTES];
    char hex[PTA_SHA256_HEX];
    pta_sha256_init(&hash);
    pta_digest_outputs(&hash, &outputs, j->out, j->samples);
    pta_sha256_final(&hash, bytes);
    pta_sha256_hex(bytes, hex);
    pta_packing_free(ctx, &outputs);
    *digest = json_string(hex);
    return PTA_OK;
}

static json_t *stages_json(const job *j)
{
    json_t *stages = json_array();
    for (int32_t b = 0; b < j->loaded.plan->n_boards; b++) {
        const pta_stage_clock *c = &j->clocks[b];
        double n = c->n_samples == 0 ? 1.0 : 1e3 * (double)c->n_samples;
        json_array_append_new(
            stages,
            json_pack("{s:i,s:f,s:f,s:f,s:I,s:I}", "board", (int)b,
                      "compute_us", (double)c->compute_ns / n, "wait_us",
                      (double)c->wait_ns / n, "send_us", (double)c->send_ns / n,
                      "total_bytes_in", (json_int_t)c->bytes_in,
                      "total_bytes_out", (json_int_t)c->bytes_out));
    }
    return stages;
}

static pta_status write_results(pta_ctx *ctx, job *j, const pta_runner *runner)
{
    json_t *digest;
    pta_placement place = pta_runner_placement(runner);
    PTA_TRY(print_digest(ctx, j, &digest));
    pta_percentiles p = pta_latency_percentiles(j->latency_ns, j->samples);
    json_t *result = json_pack(
        "{s:{s:f,s:f,s:f,s:f},s:f,s:f,s:i,s:i,s:i,s:i,s:I,s:o,s:o}",
        "latency_us", "p50", p.p50, "p95", p.p95, "p99", p.p99, "max", p.max,
        "throughput_per_s", 1e9 * (double)j->samples / (double)j->elapsed_ns,
        "elapsed_us", 1e-3 * (double)j->elapsed_ns, "copies", (int)place.copies,
        "idle_ranks", (int)place.idle_ranks, "micro_batch",
        (int)pta_runner_micro_batch(runner), "depth",
        (int)pta_runner_depth(runner), "samples", (json_int_t)j->samples,
        "digest", digest, "stages", stages_json(j));
    PTA_TRY(pta_write_json(ctx, text(j, "results"), result));
    if (text(j, "trace") == NULL) {
        return PTA_OK;
    }
    pta_timeline none = {0};
    return pta_write_json(
        ctx, text(j, "trace"),
        pta_timeline_json(&j->trace, "simulated time", &none));
}

/* ---- every rank ---- */

static pta_status stream(pta_ctx *ctx, int rank, job *j, pta_runner *runner)
{
    bool root = rank == 0;
    PTA_TRY(pta_runner_run(runner, ctx, root ? j->in : NULL, j->samples,
                           root ? j->out : NULL, root ? j->latency_ns : NULL,
                           root ? &j->elapsed_ns : NULL));
    PTA_TRY(pta_runner_clocks(runner, ctx, root ? j->clocks : NULL));
    pta_trace *trace = root ? &j->trace : NULL;
    PTA_TRY(pta_runner_trace(runner, ctx, trace));
    return pta_agree(ctx, MPI_COMM_WORLD,
                     root ? write_results(ctx, j, runner) : PTA_OK);
}

static pta_status run(pta_ctx *ctx, int rank, job *j)
{
    pta_runner *runner = NULL;
    pta_weights *weights =
        j->options.blank == NULL ? pta_model_weights(j->loaded.model) : NULL;
    PTA_TRY(pta_runner_open(ctx, MPI_COMM_WORLD, j->graph, j->loaded.plan,
                            weights, &j->options, &runner));
    pta_status status = PTA_OK;
    if (rank == 0 && j->feed != NULL) {
        j->out =
            pta_calloc(ctx, (size_t)j->samples, pta_runner_out_bytes(runner));
        status = j->out != NULL ? PTA_OK : PTA_ERR_NOMEM;
    }
    status = pta_agree(ctx, MPI_COMM_WORLD, status);
    if (status == PTA_OK) {
        status = stream(ctx, rank, j, runner);
    }
    pta_runner_close(ctx, &runner);
    return status;
}

/* Collective. Rank 0's job for all. */
static pta_status share(pta_ctx *ctx, int rank, int size, const char *path,
                        job *own, job **shared)
{
    pta_status status = rank == 0 ? open_job(ctx, path, size, own) : PTA_OK;
    PTA_TRY(pta_agree(ctx, MPI_COMM_WORLD, status));
    *shared = own;
    if (MPI_Bcast(shared, (int)sizeof *shared, MPI_BYTE, 0, MPI_COMM_WORLD) !=
        MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Bcast failed");
    }
    return PTA_OK;
}

int main(int argc, char **argv)
{
    int rank = 0, size = 1;
    pta_ctx *ctx = pta_ctx_create();
    if (ctx == NULL || argc != 2 || MPI_Init(&argc, &argv) != MPI_SUCCESS) {
        return PTA_EXIT_FAILED;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    pta_ctx_set_rank(ctx, rank, size);
    job own = {0}, *shared = NULL;
    pta_status status = share(ctx, rank, size, argv[1], &own, &shared);
    if (status == PTA_OK) {
        status = run(ctx, rank, shared);
    }
    if (rank == 0) {
        pta_report_failure(ctx, status);
    }
    MPI_Barrier(MPI_COMM_WORLD); /* nobody needs rank 0's job any more */
    close_job(ctx, &own);
    pta_ctx_destroy(&ctx);
    MPI_Finalize();
    return pta_exit_code(status);
}
