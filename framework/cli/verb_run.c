/*
 * partita run and partita check: inference under mpirun.
 *
 * Every phase is local work, then one agreement that all ranks reach, so that
 * a failure anywhere ends the program everywhere with one message. The phases
 * are in job_*.c.
 */
#include <mpi.h>
#include <string.h>

#include "cli/bitstreams.h"
#include "cli/devices.h"
#include "cli/job_priv.h"
#include "runtime/device_wait.h"
#include "runtime/mpi_check.h"

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

static pta_status execute(pta_ctx *ctx, pta_job *j, pta_status parsed)
{
    PTA_TRY(pta_agree(ctx, j->comm, parsed));
    j->waits = j->verb == &pta_verb_run &&
               strcmp(pta_options_text(j->options, "compute"), "wait") == 0;
    PTA_TRY(pta_job_warn_of_busy_waiting(ctx, j));
    PTA_TRY(
        pta_agree(ctx, j->comm, j->rank == 0 ? pta_job_open(ctx, j) : PTA_OK));
    PTA_TRY(pta_job_share(ctx, j));
    PTA_TRY(pta_job_choose_device(ctx, j));
    PTA_TRY(pta_job_prepare_boards(ctx, j));
    const pta_options *o = j->options;
    const char *mode = pta_options_text(o, "mode");
    pta_run_options run = {
        .device = j->device,
        .trace_events =
            pta_options_text(o, "trace") != NULL ? PTA_JOB_EVENTS : 0,
        .devices = j->waits ? waiting : pta_devices,
        .mode = strcmp(mode, "latency") == 0 ? PTA_MODE_LATENCY
                                             : PTA_MODE_THROUGHPUT,
        .micro_batch = (int32_t)pta_options_int(o, "micro-batch"),
        .depth = (int32_t)pta_options_int(o, "depth"),
        .packed = pta_job_is_packed(j),
        .exact_ranks =
            pta_options_flag(o, "exact-ranks") || pta_is_board(j->device)};
    PTA_TRY(pta_job_share_flow(ctx, j, &run));
    PTA_TRY(pta_runner_open(ctx, j->comm, j->graph, j->loaded.plan, j->weights,
                            &run, &j->runner));
    PTA_TRY(pta_job_stream(ctx, j));
    PTA_TRY(pta_runner_trace(j->runner, ctx, &j->trace));
    const pta_model *own = j->loaded.model;
    PTA_TRY(pta_usage_gather(ctx, j->comm,
                             own == NULL ? 0 : pta_model_bytes_read(own),
                             j->cpu_ns, j->report.usage));
    return pta_agree(ctx, j->comm,
                     j->rank == 0 ? pta_job_tell(ctx, j) : PTA_OK);
}

static void release(pta_ctx *ctx, pta_job *j)
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
static int finish(pta_ctx *ctx, pta_job *j, pta_status status)
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
    pta_job j = {.verb = verb};
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
