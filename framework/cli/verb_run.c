/*
 * partita run and partita check: inference under mpirun.
 *
 * Every phase is local work, then one agreement that all ranks reach, so that
 * a failure anywhere ends the program everywhere with one message.
 */
#include <mpi.h>
#include <string.h>
#include <unistd.h>

#include "cli/bitstreams.h"
#include "cli/devices.h"
#include "cli/flow.h"
#include "cli/report.h"
#include "cli/results.h"
#include "cli/timeline.h"
#include "cli/verify.h"
#include "runtime/device_wait.h"
#include "runtime/mpi_check.h"

/* Bytes of one segment of encoded samples on rank 0. */
#define SEGMENT_BYTES ((size_t)64 << 20)

/* Events of one rank in a trace. */
#define TRACE_EVENTS 8192

#define RUN_OPTIONS                                                            \
    {.name = "data",                                                           \
     .kind = PTA_OPTION_TEXT,                                                  \
     .group = "Data",                                                          \
     .placeholder = "SET",                                                     \
     .help = "mnist, nsl-kdd, unsw-nb15 (:train, :test), random:N:SEED, "      \
             "FILE.h5",                                                        \
     .no_env = true},                                                          \
        {.name = "limit",                                                      \
         .kind = PTA_OPTION_INT,                                               \
         .fallback = "0",                                                      \
         .group = "Data",                                                      \
         .placeholder = "N",                                                   \
         .lo = 0,                                                              \
         .hi = INT64_MAX,                                                      \
         .help = "use the first N rows; 0: all"},                              \
        {.name = "device",                                                     \
         .kind = PTA_OPTION_TEXT,                                              \
         .fallback = "fixed",                                                  \
         .group = "Run",                                                       \
         .placeholder = "NAME",                                                \
         .help = "float, blas, fixed, rtl or board; options after a colon"},   \
        {.name = "mode",                                                       \
         .kind = PTA_OPTION_CHOICE,                                            \
         .fallback = "throughput",                                             \
         .group = "Run",                                                       \
         .choices = "latency|throughput",                                      \
         .help = "one sample in flight, or the pipe kept full"},               \
        {.name = "micro-batch",                                                \
         .kind = PTA_OPTION_INT,                                               \
         .fallback = "0",                                                      \
         .group = "Run",                                                       \
         .placeholder = "N",                                                   \
         .lo = 0,                                                              \
         .hi = 65536,                                                          \
         .help = "samples per message; 0: by --cluster, else by mode"},        \
        {.name = "depth",                                                      \
         .kind = PTA_OPTION_INT,                                               \
         .fallback = "0",                                                      \
         .group = "Run",                                                       \
         .placeholder = "N",                                                   \
         .lo = 0,                                                              \
         .hi = 1024,                                                           \
         .help = "micro-batches in flight; 0: by --cluster, else by mode"},    \
        {.name = "at-most",                                                    \
         .kind = PTA_OPTION_INT,                                               \
         .fallback = "0",                                                      \
         .group = "Modelled time",                                             \
         .placeholder = "US",                                                  \
         .lo = 0,                                                              \
         .hi = INT64_MAX,                                                      \
         .help = "choose micro-batch and depth for a modelled p95 latency of " \
                 "US at most; 0: any"},                                        \
        {.name = "wire",                                                       \
         .kind = PTA_OPTION_CHOICE,                                            \
         .fallback = "plain",                                                  \
         .group = "Run",                                                       \
         .choices = "plain|packed",                                            \
         .help = "values in messages: in storage types, or W bits each"},      \
        {.name = "exact-ranks",                                                \
         .kind = PTA_OPTION_FLAG,                                              \
         .group = "Run",                                                       \
         .help = "refuse unless there is one rank per board"},                 \
        {.name = "bitstreams",                                                 \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Run",                                                       \
         .placeholder = "DIR",                                                 \
         .help = "of partita build, with a .bit in each folder, for the "      \
                 "device board"},                                              \
        {.name = "cluster",                                                    \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Modelled time",                                             \
         .placeholder = "FILE",                                                \
         .help = "also say what boards would take: a cluster file, or pynq "   \
                 "for the defaults"},                                          \
        {.name = "model",                                                      \
         .kind = PTA_OPTION_CHOICE,                                            \
         .fallback = "boards",                                                 \
         .group = "Modelled time",                                             \
         .choices = "boards|hosts",                                            \
         .help = "compute times in it: of the boards' accelerators, or as "    \
                 "measured on these hosts"},                                   \
        {.name = "json",                                                       \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Output",                                                    \
         .placeholder = "FILE",                                                \
         .help = "write the numbers as JSON (- for standard output)"},         \
        {.name = "trace",                                                      \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Output",                                                    \
         .placeholder = "FILE",                                                \
         .help = "write a time line of the first batches for Perfetto"},       \
    {                                                                          \
        .name = "output", .letter = 'o', .kind = PTA_OPTION_TEXT,              \
        .group = "Output", .placeholder = "FILE",                              \
        .help = "write predictions to FILE.h5 or FILE.csv"                     \
    }

static const pta_option run_options[] = {
    RUN_OPTIONS,
    {.name = "compute",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "real",
     .group = "Modelled time",
     .choices = "real|wait",
     .help = "wait: stages sleep for their modelled time, nothing is computed"},
    {.name = "check",
     .kind = PTA_OPTION_FLAG,
     .group = "Output",
     .help = "compare every output with the blas reference; exit 1 if one "
             "differs"},
    {.name = NULL}};

static const pta_option check_options[] = {RUN_OPTIONS, {.name = NULL}};

/* --compute wait */
static const pta_device_ops *const waiting[] = {&pta_device_wait, NULL};

typedef struct job {
    const pta_verb *verb;
    pta_options *options; /* owned */
    MPI_Comm comm;        /* owned */
    int rank, size;
    bool is_float; /* the device's */
    bool waits;    /* --compute wait */
    char *device;  /* owned; what the runner opens */
    pta_loaded loaded;
    pta_graph *own_graph; /* owned; ranks without the model's graph */
    const pta_graph *graph;
    pta_weights *weights; /* NULL: the slice is sent */
    pta_runner *runner;   /* owned */
    /* rank 0: */
    pta_packing outputs;           /* owned */
    pta_feed *feed;                /* owned */
    pta_verifier *verifier;        /* owned, or NULL */
    pta_results *results;          /* owned, or NULL */
    pta_results_output *described; /* owned; of the results' outputs */
    pta_stage_clock *clocks;       /* owned; one segment's */
    pta_fabric fabric;             /* owned; --cluster */
    pta_trace trace;               /* owned; --trace */
    pta_timeline timeline;         /* owned; --trace, modelled time */
    const int32_t *labels;
    char *in, *out;       /* owned; one segment */
    int32_t *classes;     /* owned; one segment */
    int64_t **values;     /* owned; [n_outputs], one segment: for results */
    uint64_t *latency_ns; /* owned; all rows */
    uint64_t elapsed_ns;
    int64_t cpu_ns;        /* this rank's, in the stream */
    int64_t rows, segment; /* the same on all ranks */
    pta_sha256 hash;
    pta_report report;
} job;

/* ---- phase 1, rank 0: files ---- */

static pta_status open_device_kind(pta_ctx *ctx, job *j)
{
    const pta_device_ops *ops;
    const char *rest;
    PTA_TRY(pta_device_find_in(
        ctx, pta_devices, pta_options_text(j->options, "device"), &ops, &rest));
    j->is_float = ops->is_float;
    return PTA_OK;
}

static pta_status need_data(pta_ctx *ctx, const job *j)
{
    if (pta_options_text(j->options, "data") == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--data is missing; expected mnist, nsl-kdd, "
                        "unsw-nb15, random:N:SEED or FILE.h5");
    }
    return PTA_OK;
}

/* ---- modelled time ---- */

static const char *cluster_path(const job *j)
{
    const char *path = pta_options_text(j->options, "cluster");
    return path == NULL && j->waits ? "pynq" : path;
}

/* Boards of all copies, a host each. */
static int32_t n_hosts(const job *j)
{
    int32_t n = j->loaded.plan->n_boards;
    return n * pta_place(n, j->size, 0).copies;
}

static pta_status open_fabric(pta_ctx *ctx, job *j)
{
    const char *path = cluster_path(j);
    if (path == NULL) {
        return PTA_OK;
    }
    return pta_fabric_open(ctx, path, n_hosts(j), &j->fabric);
}

/* The device of all ranks, as rank 0 says. */
static pta_status choose_device(pta_ctx *ctx, job *j)
{
    char text[PTA_WAIT_TEXT];
    const char *device = pta_options_text(j->options, "device");
    pta_status local = PTA_OK;
    if (j->rank == 0 && j->waits) {
        pta_wait_params params = {.host = j->fabric.hosts,
                                  .budget = &j->fabric.budget};
        local = pta_wait_print(ctx, &params, text);
        device = text;
    }
    if (j->rank == 0 && local == PTA_OK) {
        j->device = pta_strdup(ctx, device);
        local = j->device == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    PTA_TRY(pta_agree(ctx, j->comm, local));
    return pta_broadcast_text(ctx, j->comm, &j->device);
}

/* --device board: each rank's FPGA holds its slice from here on. Collective. */
static pta_status prepare_boards(pta_ctx *ctx, job *j)
{
    char *text = NULL;
    if (j->waits || !pta_is_board(j->device)) {
        return PTA_OK;
    }
    pta_status status = pta_board_device(
        ctx, j->device, pta_options_text(j->options, "bitstreams"), &text);
    status = pta_agree(ctx, j->comm, status);
    if (status != PTA_OK) {
        pta_free(ctx, text);
        return status;
    }
    pta_free(ctx, j->device);
    j->device = text;
    return pta_bitstreams_prepare(ctx, j->comm, j->graph, j->loaded.plan,
                                  j->weights, j->device);
}

static pta_status check_wait(pta_ctx *ctx, const job *j)
{
    if (!j->waits || (!pta_options_flag(j->options, "check") && !j->is_float &&
                      pta_options_text(j->options, "output") == NULL)) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "--compute wait computes nothing: leave out --check, "
                    "--output and --device float");
}

static pta_status open_files(pta_ctx *ctx, job *j)
{
    const pta_options *o = j->options;
    PTA_TRY(need_data(ctx, j));
    PTA_TRY(open_device_kind(ctx, j));
    PTA_TRY(check_wait(ctx, j));
    PTA_TRY(pta_load(ctx, pta_options_operand(o), &j->loaded));
    j->graph = pta_model_graph(j->loaded.model);
    j->weights = pta_model_weights(j->loaded.model);
    PTA_TRY(pta_check_proof(ctx, pta_options_operand(o), &j->loaded));
    PTA_TRY(open_fabric(ctx, j));
    PTA_TRY(pta_feed_open(ctx, j->graph, j->loaded.plan,
                          pta_options_text(o, "data"),
                          pta_options_int(o, "limit"), j->is_float, &j->feed));
    j->rows = j->feed->rows;
    j->labels = pta_dataset_labels(j->feed->data);
    return pta_packing_outputs(ctx, j->graph, j->loaded.plan, j->is_float,
                               &j->outputs);
}

static pta_status allocate(pta_ctx *ctx, job *j)
{
    size_t row = j->feed->layout.sample_bytes + j->outputs.sample_bytes;
    j->segment = (int64_t)(SEGMENT_BYTES / row);
    j->segment = j->segment < 1 ? 1 : j->segment;
    j->segment = j->segment > j->rows ? j->rows : j->segment;
    PTA_TRY_ALLOC(ctx, j->in,
                  (size_t)j->segment * j->feed->layout.sample_bytes);
    PTA_TRY_ALLOC(ctx, j->out, (size_t)j->segment * j->outputs.sample_bytes);
    PTA_TRY_ALLOC(ctx, j->classes, j->segment);
    PTA_TRY_ALLOC(ctx, j->latency_ns, j->rows);
    PTA_TRY_ALLOC(ctx, j->clocks, j->loaded.plan->n_boards);
    PTA_TRY_ALLOC(ctx, j->report.clocks, j->loaded.plan->n_boards);
    PTA_TRY_ALLOC(ctx, j->report.usage, j->size);
    return PTA_OK;
}

static pta_status open_results(pta_ctx *ctx, job *j, const char *path)
{
    int32_t n = j->outputs.n;
    PTA_TRY_ALLOC(ctx, j->values, n);
    PTA_TRY_ALLOC(ctx, j->described, n);
    for (int32_t i = 0; i < n; i++) {
        const pta_tensor_place *t = &j->outputs.tensor[i];
        const pta_node *node = &j->graph->nodes[t->node];
        j->described[i] =
            (pta_results_output){node->name, node->shape.rank, node->shape.dim};
        PTA_TRY_ALLOC(ctx, j->values[i], PTA_FEED_ROWS * t->count);
    }
    return pta_results_open(ctx, path, j->rows, n, j->described,
                            j->is_float ? PTA_RESULTS_FLOAT : PTA_RESULTS_RAW,
                            &j->results);
}

static pta_status open_source(pta_ctx *ctx, job *j)
{
    const char *output = pta_options_text(j->options, "output");
    bool is_check = j->verb == &pta_verb_check;
    bool with_blas =
        !j->is_float && (is_check || pta_options_flag(j->options, "check"));
    PTA_TRY(open_files(ctx, j));
    PTA_TRY(allocate(ctx, j));
    with_blas = with_blas && !j->is_float;
    if (with_blas || is_check) {
        PTA_TRY(pta_verifier_open(ctx, j->graph, j->loaded.plan, j->weights,
                                  j->feed, &j->outputs, with_blas, is_check,
                                  &j->verifier));
    }
    return output == NULL ? PTA_OK : open_results(ctx, j, output);
}

/* ---- phase 2, the other ranks: the plan as text, their own model file ---- */

static pta_status open_copy(pta_ctx *ctx, job *j, const char *structure)
{
    PTA_TRY(open_device_kind(ctx, j));
    const char *plan_path = pta_options_operand(j->options);
    pta_form form;
    PTA_TRY(pta_plan_form(ctx, j->loaded.plan_text, plan_path, &form));
    PTA_TRY(pta_model_graph_parse_as(ctx, structure, form, &j->own_graph));
    j->graph = j->own_graph;
    PTA_TRY(pta_plan_parse(ctx, j->loaded.plan_text, plan_path, j->graph,
                           &j->loaded.plan));
    if (access(j->loaded.model_path, R_OK) != 0) {
        return PTA_OK; /* this rank's slice is sent */
    }
    PTA_TRY(
        pta_model_open_as(ctx, j->loaded.model_path, form, &j->loaded.model));
    j->weights = pta_model_weights(j->loaded.model);
    return pta_check_model(ctx, j->loaded.plan_text, plan_path,
                           j->loaded.model);
}

static pta_status share(pta_ctx *ctx, job *j)
{
    char *structure = NULL;
    if (j->rank == 0) {
        structure = pta_strdup(ctx, pta_model_structure(j->loaded.model));
    }
    PTA_TRY(
        pta_agree(ctx, j->comm,
                  j->rank == 0 && structure == NULL ? PTA_ERR_NOMEM : PTA_OK));
    pta_status status = pta_broadcast_text(ctx, j->comm, &structure);
    if (status == PTA_OK) {
        status = pta_broadcast_text(ctx, j->comm, &j->loaded.plan_text);
    }
    if (status == PTA_OK) {
        status = pta_broadcast_text(ctx, j->comm, &j->loaded.model_path);
    }
    if (status == PTA_OK) {
        pta_status local = j->rank == 0 ? PTA_OK : open_copy(ctx, j, structure);
        status = pta_agree(ctx, j->comm, local);
    }
    pta_free(ctx, structure);
    return status;
}

/* ---- phase 3: the stream ---- */

static void collect_values(const job *j, const char *samples, int32_t n)
{
    for (int32_t i = 0; i < j->outputs.n; i++) {
        int64_t count = j->outputs.tensor[i].count;
        for (int32_t s = 0; s < n; s++) {
            const char *sample = samples + (size_t)s * j->outputs.sample_bytes;
            for (int64_t e = 0; e < count; e++) {
                int64_t at = s * count + e;
                if (j->is_float) {
                    ((float *)(void *)j->values[i])[at] =
                        (float)pta_packing_value(&j->outputs, sample, i, e);
                } else {
                    j->values[i][at] =
                        pta_packing_raw(&j->outputs, sample, i, e);
                }
            }
        }
    }
}

static pta_status write_results(pta_ctx *ctx, job *j, int64_t n)
{
    for (int64_t done = 0; done < n; done += PTA_FEED_ROWS) {
        int32_t rows =
            n - done < PTA_FEED_ROWS ? (int32_t)(n - done) : PTA_FEED_ROWS;
        collect_values(j, j->out + (size_t)done * j->outputs.sample_bytes,
                       rows);
        PTA_TRY(pta_results_add(j->results, ctx, rows, j->classes + done,
                                (const void *const *)j->values));
    }
    return PTA_OK;
}

static pta_status take_results(pta_ctx *ctx, job *j, int64_t first, int64_t n)
{
    for (int64_t s = 0; s < n; s++) {
        const char *sample = j->out + (size_t)s * j->outputs.sample_bytes;
        j->classes[s] = pta_class_of(j->graph, &j->outputs, sample);
        j->report.right +=
            j->labels != NULL && j->labels[first + s] == j->classes[s];
    }
    if (!j->is_float) {
        pta_digest_outputs(&j->hash, &j->outputs, j->out, n);
    }
    if (j->verifier != NULL) {
        PTA_TRY(
            pta_verifier_add(j->verifier, ctx, first, n, j->out, j->labels));
    }
    return j->results == NULL ? PTA_OK : write_results(ctx, j, n);
}

/* The runner's clocks are of its last run, one segment; the median stays that
 * of the last. Collective. */
static pta_status add_clocks(pta_ctx *ctx, job *j)
{
    PTA_TRY(pta_runner_clocks(j->runner, ctx, j->clocks));
    for (int32_t b = 0; j->rank == 0 && b < j->loaded.plan->n_boards; b++) {
        const pta_stage_clock *before = &j->report.clocks[b];
        pta_stage_clock *c = &j->clocks[b];
        c->n_samples += before->n_samples;
        c->wait_ns += before->wait_ns;
        c->compute_ns += before->compute_ns;
        c->send_ns += before->send_ns;
        c->bytes_in += before->bytes_in;
        c->bytes_out += before->bytes_out;
        if (c->cycles != PTA_COST_ABSENT && before->n_samples > 0) {
            c->cycles += before->cycles;
        }
        if (before->n_samples > 0) {
            c->latency = pta_cost_least(c->latency, before->latency);
            c->interval = pta_cost_least(c->interval, before->interval);
        }
        j->report.clocks[b] = *c;
    }
    return PTA_OK;
}

static pta_status run_segment(pta_ctx *ctx, job *j, int64_t first, int64_t n)
{
    uint64_t elapsed = 0;
    bool is_root = j->rank == 0;
    pta_status local =
        is_root ? pta_feed_encode(j->feed, ctx, first, n, j->in) : PTA_OK;
    PTA_TRY(pta_agree(ctx, j->comm, local));
    int64_t cpu_before = pta_usage_cpu_ns();
    PTA_TRY(pta_runner_run(j->runner, ctx, is_root ? j->in : NULL, n,
                           is_root ? j->out : NULL,
                           is_root ? j->latency_ns + first : NULL, &elapsed));
    j->cpu_ns += pta_usage_cpu_ns() - cpu_before;
    j->elapsed_ns += elapsed;
    PTA_TRY(add_clocks(ctx, j));
    local = is_root ? take_results(ctx, j, first, n) : PTA_OK;
    return pta_agree(ctx, j->comm, local);
}

static pta_status stream(pta_ctx *ctx, job *j)
{
    int64_t shape[2] = {j->rows, j->segment};
    if (MPI_Bcast(shape, 2, MPI_INT64_T, 0, j->comm) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Bcast failed");
    }
    j->rows = shape[0];
    j->segment = shape[1];
    pta_progress progress;
    pta_progress_begin(&progress, j->verb->name, "samples", j->rows);
    progress.active = progress.active && j->rank == 0;
    pta_status status = PTA_OK;
    for (int64_t at = 0; at < j->rows && status == PTA_OK; at += j->segment) {
        int64_t left = j->rows - at;
        status = run_segment(ctx, j, at, left < j->segment ? left : j->segment);
        pta_progress_step(&progress, at + j->segment);
    }
    pta_progress_end(&progress);
    return status;
}

/* ---- phase 4, rank 0: what to tell ---- */

/* Cycles that the device counted, or the hosts' own time, instead of those of
 * the designs. */
static void take_measured(const job *j, pta_vplan *plan)
{
    bool hosts = strcmp(pta_options_text(j->options, "model"), "hosts") == 0;
    for (int32_t b = 0; b < plan->n_boards; b++) {
        const pta_stage_clock *c = &j->report.clocks[b];
        pta_vboard *board = &plan->boards[b];
        if (hosts) {
            board->cycles.source = PTA_CYCLES_HOST;
            board->host_ns = c->n_samples == 0
                                 ? 0.0
                                 : (double)c->compute_ns / (double)c->n_samples;
        } else if (c->latency != PTA_COST_ABSENT && !j->waits) {
            board->cycles =
                (pta_cycles){(int64_t)c->latency,
                             (int64_t)pta_cost_least(c->interval, c->latency),
                             PTA_CYCLES_MEASURED};
        }
    }
}

static bool is_packed(const job *j)
{
    return strcmp(pta_options_text(j->options, "wire"), "packed") == 0;
}

/* The same stream on the boards of --cluster, one for each of all copies. */
static pta_status model_run(pta_ctx *ctx, job *j)
{
    pta_report *r = &j->report;
    if (j->fabric.hosts == NULL) {
        return PTA_OK;
    }
    pta_vplan *plan;
    PTA_TRY(pta_vplan_build(ctx, j->graph, j->loaded.plan, &j->fabric.budget,
                            is_packed(j), &plan));
    take_measured(j, plan);
    bool latency = strcmp(r->mode, "latency") == 0;
    int32_t depth = (int32_t)pta_options_int(j->options, "depth");
    pta_vflow flow = pta_modelled_flow(plan, r->place.copies, latency,
                                       r->micro_batch, depth, r->samples);
    if (j->size - r->place.idle_ranks > 1) {
        flow.depth = r->depth;
    }
    bool traces = pta_options_text(j->options, "trace") != NULL;
    pta_status status =
        traces ? pta_timeline_open(
                     ctx, (int64_t)TRACE_EVENTS * j->fabric.cluster.n_hosts,
                     &j->timeline)
               : PTA_OK;
    if (status == PTA_OK) {
        status = pta_modelled_run(ctx, &j->fabric, plan, &flow,
                                  traces ? pta_timeline_observe : NULL,
                                  &j->timeline, &r->modelled);
    }
    pta_vplan_destroy(ctx, &plan);
    return status;
}

static pta_status fill_report(pta_ctx *ctx, job *j)
{
    pta_report *r = &j->report;
    const pta_verifier *v = j->verifier;
    uint8_t digest[PTA_SHA256_BYTES];
    const char *device =
        j->waits ? "wait" : pta_options_text(j->options, "device");
    r->plan_path = pta_options_operand(j->options);
    r->data = pta_options_text(j->options, "data");
    r->device = device;
    r->mode = pta_options_text(j->options, "mode");
    r->graph = j->graph;
    r->plan = j->loaded.plan;
    r->ranks = j->size;
    r->place = pta_place(r->plan->n_boards, j->size, 0);
    r->micro_batch = pta_runner_micro_batch(j->runner);
    r->depth = pta_runner_depth(j->runner);
    r->samples = j->rows;
    r->has_labels = j->labels != NULL && !j->waits;
    r->has_digest = !j->is_float && !j->waits;
    pta_sha256_final(&j->hash, digest);
    pta_sha256_hex(digest, r->digest);
    r->latency = pta_latency_percentiles(j->latency_ns, j->rows);
    r->throughput = j->elapsed_ns == 0
                        ? 0.0
                        : 1e9 * (double)j->rows / (double)j->elapsed_ns;
    PTA_TRY(model_run(ctx, j));
    if (v == NULL) {
        return PTA_OK;
    }
    r->has_bits = v->blas != NULL;
    r->has_float = v->reference != NULL;
    r->activity = v->blas != NULL ? &v->activity : NULL;
    r->bit_exact = v->bit_exact;
    r->float_right = v->float_right;
    r->argmax_differs = v->argmax_differs;
    r->has_difference = v->first_bad >= 0 && j->verb == &pta_verb_check;
    return r->has_difference
               ? pta_locate(ctx, j->graph, r->plan, j->weights, j->feed,
                            pta_devices, device, v->first_bad, &r->difference)
               : PTA_OK;
}

static pta_status tell(pta_ctx *ctx, job *j)
{
    const char *json = pta_options_text(j->options, "json");
    PTA_TRY(fill_report(ctx, j));
    if (j->results != NULL) {
        PTA_TRY(pta_results_commit(ctx, &j->results));
    }
    if (json != NULL) {
        PTA_TRY(pta_write_json(ctx, json, pta_report_json(&j->report)));
    }
    const char *trace = pta_options_text(j->options, "trace");
    if (trace != NULL) {
        PTA_TRY(pta_write_json(
            ctx, trace,
            pta_timeline_json(&j->trace, "host time", &j->timeline)));
    }
    if (json == NULL || strcmp(json, "-") != 0) {
        PTA_TRY(pta_report_print(ctx, &j->report, stdout));
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return pta_fail(ctx, PTA_ERR_IO, "standard output cannot be written");
    }
    return PTA_OK;
}

/* ---- the whole ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && strcmp(value, "0") != 0 && value[0] != '\0';
}

/* Without yielding, ranks that wait hold the cores of those that work. */
static pta_status warn_of_busy_waiting(pta_ctx *ctx, const job *j)
{
    MPI_Comm host;
    int local = 1;
    if (MPI_Comm_split_type(j->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                            &host) != MPI_SUCCESS ||
        MPI_Comm_size(host, &local) != MPI_SUCCESS ||
        MPI_Comm_free(&host) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Comm_split_type failed");
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *yield = getenv("OMPI_MCA_mpi_yield_when_idle");
    bool yields = yield != NULL ? is_set("OMPI_MCA_mpi_yield_when_idle")
                                : is_set("OMPI_MCA_mpi_oversubscribe");
    if (j->rank == 0 && local > cores && !yields) {
        fprintf(stderr,
                "partita: warning: %d ranks on %ld cores without --mca "
                "mpi_yield_when_idle 1: every message may take milliseconds\n",
                local, cores);
    }
    return PTA_OK;
}

static bool computes_on_hosts(const job *j)
{
    return !j->waits && strncmp(j->device, "rtl", 3) != 0 &&
           !pta_is_board(j->device);
}

/* What the user left open, from --cluster. */
static pta_status choose_flow(pta_ctx *ctx, const job *j, pta_run_options *run)
{
    const pta_plan *plan = j->loaded.plan;
    pta_placement place = pta_place(plan->n_boards, j->size, 0);
    pta_flow_wish wish = {.copies = place.copies,
                          .micro_batch = run->micro_batch,
                          .depth = run->depth,
                          .at_most_us =
                              (double)pta_options_int(j->options, "at-most"),
                          .on_hosts = computes_on_hosts(j)};
    bool known = j->fabric.hosts != NULL;
    if (wish.at_most_us > 0 && (!known || run->mode == PTA_MODE_LATENCY)) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--at-most needs --cluster and --mode throughput");
    }
    bool open = run->micro_batch == 0 || run->depth == 0;
    if (!known || !open || run->mode == PTA_MODE_LATENCY ||
        j->size - place.idle_ranks == 1) {
        return PTA_OK;
    }
    pta_vplan *vplan;
    pta_flow flow;
    PTA_TRY(pta_vplan_build(ctx, j->graph, plan, &j->fabric.budget, run->packed,
                            &vplan));
    pta_status status = pta_flow_choose(ctx, &j->fabric, vplan, &wish, &flow);
    pta_vplan_destroy(ctx, &vplan);
    PTA_TRY(status);
    run->micro_batch = flow.micro_batch;
    run->depth = flow.depth;
    return PTA_OK;
}

/* Collective: rank 0 chooses for all. */
static pta_status share_flow(pta_ctx *ctx, const job *j, pta_run_options *run)
{
    pta_status local = j->rank == 0 ? choose_flow(ctx, j, run) : PTA_OK;
    PTA_TRY(pta_agree(ctx, j->comm, local));
    int32_t flow[2] = {run->micro_batch, run->depth};
    if (MPI_Bcast(flow, 2, MPI_INT32_T, 0, j->comm) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Bcast failed");
    }
    run->micro_batch = flow[0];
    run->depth = flow[1];
    return PTA_OK;
}

static pta_status execute(pta_ctx *ctx, job *j, pta_status parsed)
{
    PTA_TRY(pta_agree(ctx, j->comm, parsed));
    j->waits = j->verb == &pta_verb_run &&
               strcmp(pta_options_text(j->options, "compute"), "wait") == 0;
    PTA_TRY(warn_of_busy_waiting(ctx, j));
    PTA_TRY(
        pta_agree(ctx, j->comm, j->rank == 0 ? open_source(ctx, j) : PTA_OK));
    PTA_TRY(share(ctx, j));
    PTA_TRY(choose_device(ctx, j));
    PTA_TRY(prepare_boards(ctx, j));
    const pta_options *o = j->options;
    const char *mode = pta_options_text(o, "mode");
    pta_run_options run = {
        .device = j->device,
        .trace_events = pta_options_text(o, "trace") != NULL ? TRACE_EVENTS : 0,
        .devices = j->waits ? waiting : pta_devices,
        .mode = strcmp(mode, "latency") == 0 ? PTA_MODE_LATENCY
                                             : PTA_MODE_THROUGHPUT,
        .micro_batch = (int32_t)pta_options_int(o, "micro-batch"),
        .depth = (int32_t)pta_options_int(o, "depth"),
        .packed = is_packed(j),
        .exact_ranks =
            pta_options_flag(o, "exact-ranks") || pta_is_board(j->device)};
    PTA_TRY(share_flow(ctx, j, &run));
    PTA_TRY(pta_runner_open(ctx, j->comm, j->graph, j->loaded.plan, j->weights,
                            &run, &j->runner));
    PTA_TRY(stream(ctx, j));
    PTA_TRY(pta_runner_trace(j->runner, ctx, &j->trace));
    const pta_model *own = j->loaded.model;
    PTA_TRY(pta_usage_gather(ctx, j->comm,
                             own == NULL ? 0 : pta_model_bytes_read(own),
                             j->cpu_ns, j->report.usage));
    return pta_agree(ctx, j->comm, j->rank == 0 ? tell(ctx, j) : PTA_OK);
}

static void release(pta_ctx *ctx, job *j)
{
    pta_verifier_close(ctx, &j->verifier);
    for (int32_t i = 0; j->values != NULL && i < j->outputs.n; i++) {
        pta_free(ctx, j->values[i]);
    }
    pta_free(ctx, j->values);
    pta_free(ctx, j->described);
    pta_free(ctx, j->device);
    pta_fabric_close(ctx, &j->fabric);
    pta_trace_close(ctx, &j->trace);
    pta_timeline_close(ctx, &j->timeline);
    pta_modelled_free(ctx, &j->report.modelled);
    pta_free(ctx, j->report.clocks);
    pta_free(ctx, j->clocks);
    pta_free(ctx, j->report.usage);
    pta_free(ctx, j->latency_ns);
    pta_free(ctx, j->classes);
    pta_free(ctx, j->out);
    pta_free(ctx, j->in);
    pta_packing_free(ctx, &j->outputs);
    pta_feed_close(ctx, &j->feed);
    pta_loaded_free(ctx, &j->loaded);
    pta_graph_destroy(ctx, &j->own_graph);
    pta_options_destroy(ctx, &j->options);
}

/* Whether all samples agree is rank 0's to know, and every rank's to return. */
static int finish(pta_ctx *ctx, job *j, pta_status status)
{
    int code = pta_exit_code(status);
    if (status == PTA_ERR_MPI) {
        pta_results_abandon(ctx, &j->results);
        pta_report_failure(ctx, status);
        (void)MPI_Abort(MPI_COMM_WORLD, PTA_EXIT_FAILED);
        return PTA_EXIT_FAILED;
    }
    if (j->rank == 0) {
        pta_report_failure(ctx, status);
        bool differs = status == PTA_OK && j->report.has_bits &&
                       j->report.bit_exact < j->report.samples;
        code = differs ? PTA_EXIT_DIFFERS : code;
    }
    /* Before a rank can end: mpirun kills the others when one has failed. */
    pta_results_abandon(ctx, &j->results);
    pta_runner_close(ctx, &j->runner);
    if (MPI_Bcast(&code, 1, MPI_INT, 0, j->comm) != MPI_SUCCESS ||
        MPI_Comm_free(&j->comm) != MPI_SUCCESS ||
        MPI_Finalize() != MPI_SUCCESS) {
        code = PTA_EXIT_FAILED;
    }
    return code;
}

static int run_job(pta_ctx *ctx, const pta_verb *verb, int argc, char **argv)
{
    job j = {.verb = verb};
    pta_options_action action = PTA_OPTIONS_RUN;
    pta_sha256_init(&j.hash);
    pta_status status =
        pta_options_parse(ctx, verb, argc, argv, &j.options, &action);
    if (status == PTA_OK && action == PTA_OPTIONS_DONE) {
        pta_options_destroy(ctx, &j.options);
        return PTA_EXIT_OK;
    }
    pta_status started = pta_mpi_start(ctx, &j.comm, &j.rank, &j.size);
    status = started != PTA_OK ? started : execute(ctx, &j, status);
    int code = finish(ctx, &j, status);
    release(ctx, &j);
    return code;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return run_job(ctx, &pta_verb_run, argc, argv);
}

static int check(pta_ctx *ctx, int argc, char **argv)
{
    return run_job(ctx, &pta_verb_check, argc, argv);
}

const pta_verb pta_verb_run = {"run", "PLAN",
                               "Runs a plan on a data set, under mpirun.",
                               run_options, run};

const pta_verb pta_verb_check = {
    "check", "PLAN",
    "Runs a plan and compares it with the references on one CPU.",
    check_options, check};
