/*
 * partita calibrate: measures the network between the ranks it runs on and
 * writes it into a cluster file (docs/cluster-file.md).
 */
#include <errno.h>
#include <mpi.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cluster_fill.h"
#include "runtime/mpi_check.h"
#include "runtime/run.h"

static const pta_option calibrate_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .fallback = "cluster.json",
     .group = "Output",
     .placeholder = "FILE",
     .help = "the cluster file"},
    {.name = "name",
     .kind = PTA_OPTION_TEXT,
     .fallback = "measured",
     .group = "Output",
     .placeholder = "TEXT",
     .help = "what the file calls the cluster"},
    {.name = "like",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "take boards and what is not measured from this cluster file"},
    {.name = "rounds",
     .kind = PTA_OPTION_INT,
     .fallback = "3",
     .group = "Measurement",
     .placeholder = "N",
     .lo = 1,
     .hi = 1000,
     .help = "every number is a median of N measurements"},
    {.name = NULL}};

typedef struct job {
    pta_options *options; /* owned */
    MPI_Comm comm;        /* owned */
    int rank, size;
    pta_cluster *cluster; /* owned; rank 0 */
    pta_net_host *hosts;  /* owned; [size] */
    pta_net_pair *pairs;  /* owned; [n_pairs] */
    int32_t n_pairs;
} job;

static pta_status open_cluster(pta_ctx *ctx, job *j)
{
    const char *like = pta_options_text(j->options, "like");
    char *text;
    size_t n;
    if (like == NULL) {
        PTA_TRY(pta_cluster_create(ctx, j->size, &j->cluster));
    } else {
        PTA_TRY(pta_file_read(ctx, like, &text, &n));
        pta_status status = pta_cluster_parse(ctx, text, like, &j->cluster);
        pta_free(ctx, text);
        PTA_TRY(status);
    }
    if (j->cluster->n_hosts != j->size) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: %d hosts, expected one for each of %d ranks", like,
                        (int)j->cluster->n_hosts, j->size);
    }
    return pta_cluster_text(ctx, &j->cluster->name,
                            pta_options_text(j->options, "name"));
}

/* Before the work, not after it. */
static pta_status check_folder(pta_ctx *ctx, const char *path)
{
    char *folder = pta_strdup(ctx, path);
    if (folder == NULL) {
        return PTA_ERR_NOMEM;
    }
    char *slash = strrchr(folder, '/');
    *(slash != NULL ? slash + 1 : folder) = '\0';
    bool good = access(folder[0] != '\0' ? folder : ".", W_OK) == 0;
    pta_free(ctx, folder);
    return good ? PTA_OK
                : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written there: %s",
                           path, strerror(errno));
}

static pta_status prepare(pta_ctx *ctx, job *j)
{
    if (j->size < 2) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "calibrate: 1 rank: expected one on each host, as in "
                        "partita-run -np 5 partita calibrate");
    }
    j->n_pairs = j->size * (j->size - 1);
    PTA_TRY_ALLOC(ctx, j->hosts, j->size);
    PTA_TRY_ALLOC(ctx, j->pairs, j->n_pairs);
    if (j->rank != 0) {
        return PTA_OK;
    }
    PTA_TRY(check_folder(ctx, pta_options_text(j->options, "output")));
    return open_cluster(ctx, j);
}

/** Every ordered pair of ranks, one after the other. Collective. */
static pta_status measure(pta_ctx *ctx, job *j)
{
    int rounds = (int)pta_options_int(j->options, "rounds");
    pta_progress progress;
    pta_progress_begin(&progress, "calibrate", "pairs", j->n_pairs);
    progress.active = progress.active && j->rank == 0;
    pta_status status = pta_netbench_hosts(ctx, j->comm, j->hosts);
    for (int i = 0; i < j->n_pairs && status == PTA_OK; i++) {
        int from = i / (j->size - 1), to = i % (j->size - 1);
        to += to >= from;
        status =
            pta_netbench_pair(ctx, j->comm, from, to, rounds, &j->pairs[i]);
        pta_progress_step(&progress, i + 1);
    }
    pta_progress_end(&progress);
    return status;
}

static pta_status stamp(pta_ctx *ctx, pta_cluster *cluster)
{
    char date[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL) {
        strftime(date, sizeof date, "%Y-%m-%d", &utc);
    }
    PTA_TRY(pta_cluster_text(ctx, &cluster->origin.by,
                             "partita calibrate " PTA_VERSION));
    return pta_cluster_text(ctx, &cluster->origin.date, date);
}

static pta_status print_hosts(pta_ctx *ctx, const pta_cluster *c)
{
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    "host|machine|>cores|>message us|>ns/byte|>port Mbit/s|"
                    ">burst bytes");
    for (int32_t i = 0; i < c->n_hosts; i++) {
        const pta_host *host = &c->hosts[i];
        const pta_machine *machine = &c->machines[host->machine];
        pta_table_cell(&table, "%s", host->name);
        pta_table_cell(&table, "%s", machine->name);
        pta_table_cell(&table, "%d", (int)machine->cores);
        pta_table_cell(&table, "%.2f", host->costs.message_us);
        pta_table_cell(&table, "%.3f", host->costs.tcp_ns_per_byte);
        pta_table_cell(&table, "%.1f", host->costs.rate_mbit);
        pta_table_cell(&table, "%.0f", host->costs.burst_bytes);
    }
    return pta_table_end(&table, stdout);
}

static pta_status print_pairs(pta_ctx *ctx, const job *j)
{
    const pta_cluster *c = j->cluster;
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    "from|to|>one way us|>ns/byte|>off %|>latency us|"
                    ">gap us|>Mbit/s|>off %");
    for (int32_t i = 0; i < j->n_pairs; i++) {
        const pta_net_pair *p = &j->pairs[i];
        pta_pair pair = pta_cluster_pair(c, p->from, p->to);
        pta_table_cell(&table, "%s", c->hosts[p->from].name);
        pta_table_cell(&table, "%s", c->hosts[p->to].name);
        pta_table_cell(&table, "%.1f", p->message.base);
        pta_table_cell(&table, "%.3f", 1e3 * p->message.slope);
        pta_table_cell(&table, "%.1f", 100.0 * p->message.residual);
        pta_table_cell(&table, "%.1f", pair.latency_us);
        pta_table_cell(&table, "%.2f", p->stream.message);
        pta_table_cell(&table, "%.1f", pair.rate_mbit);
        pta_table_cell(&table, "%.1f", 100.0 * p->stream.residual);
    }
    return pta_table_end(&table, stdout);
}

static pta_status tell(pta_ctx *ctx, job *j)
{
    const char *path = pta_options_text(j->options, "output");
    char *text;
    PTA_TRY(pta_cluster_fill(ctx, j->cluster, j->size, j->hosts, j->pairs,
                             j->n_pairs));
    PTA_TRY(stamp(ctx, j->cluster));
    PTA_TRY(pta_cluster_validate(ctx, j->cluster, path));
    PTA_TRY(pta_cluster_print(ctx, j->cluster, &text));
    pta_status status = pta_file_write(ctx, path, text, strlen(text));
    pta_free(ctx, text);
    PTA_TRY(status);
    PTA_TRY(print_hosts(ctx, j->cluster));
    printf("\n");
    PTA_TRY(print_pairs(ctx, j));
    printf("\n%s: %d hosts, worst residual %.1f %%\n", path, j->size,
           j->cluster->origin.residual_percent);
    return PTA_OK;
}

static pta_status execute(pta_ctx *ctx, job *j, pta_status parsed)
{
    PTA_TRY(pta_mpi_start(ctx, &j->comm, &j->rank, &j->size));
    PTA_TRY(pta_agree(ctx, j->comm, parsed));
    PTA_TRY(pta_agree(ctx, j->comm, prepare(ctx, j)));
    PTA_TRY(measure(ctx, j));
    return pta_agree(ctx, j->comm, j->rank == 0 ? tell(ctx, j) : PTA_OK);
}

static int finish(pta_ctx *ctx, job *j, pta_status status)
{
    if (j->rank == 0 || status == PTA_ERR_MPI) {
        pta_report_failure(ctx, status);
    }
    if (status == PTA_ERR_MPI) {
        (void)MPI_Abort(MPI_COMM_WORLD, PTA_EXIT_FAILED);
    }
    pta_cluster_destroy(ctx, &j->cluster);
    pta_free(ctx, j->hosts);
    pta_free(ctx, j->pairs);
    pta_options_destroy(ctx, &j->options);
    bool ended =
        MPI_Comm_free(&j->comm) == MPI_SUCCESS && MPI_Finalize() == MPI_SUCCESS;
    return ended ? pta_exit_code(status) : PTA_EXIT_FAILED;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    job j = {.comm = MPI_COMM_NULL};
    pta_options_action action = PTA_OPTIONS_RUN;
    pta_status status = pta_options_parse(ctx, &pta_verb_calibrate, argc, argv,
                                          &j.options, &action);
    if (status == PTA_OK && action == PTA_OPTIONS_DONE) {
        pta_options_destroy(ctx, &j.options);
        return PTA_EXIT_OK;
    }
    return finish(ctx, &j, execute(ctx, &j, status));
}

const pta_verb pta_verb_calibrate = {
    "calibrate", NULL,
    "Measures this cluster's network, one rank on each host.",
    calibrate_options, run};
