/*
 * partita scale: how latency and throughput change with the number of boards.
 * Modelled time for every point; also simulated (--simulate), and run on this
 * machine (--host).
 */
#include <string.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/study_runs.h"

enum { MAX_POINTS = 64, MAX_RATES = 8 };

#define PAYLOAD 0.941 /* of Ethernet's rate: TCP at 1,500 bytes */

static const pta_option scale_options[] = {
    {.name = "boards",
     .letter = 'b',
     .kind = PTA_OPTION_TEXT,
     .fallback = "1,2,3,4,5",
     .group = "Study",
     .placeholder = "LIST",
     .help = "numbers of boards, ascending; a MODEL is planned for each, a "
             "PLAN keeps its cut and runs more copies"},
    {.name = "cluster",
     .kind = PTA_OPTION_TEXT,
     .fallback = "pynq",
     .group = "Study",
     .placeholder = "FILE",
     .help = "cluster file, or pynq for the defaults"},
    {.name = "rates",
     .kind = PTA_OPTION_TEXT,
     .group = "Study",
     .placeholder = "LIST",
     .help = "link rates, as 100mbit,1gbit, each in place of the cluster "
             "file's; payload is 94.1 % of it"},
    {.name = "micro-batch",
     .kind = PTA_OPTION_TEXT,
     .fallback = "0",
     .group = "Study",
     .placeholder = "LIST",
     .help = "samples per message in throughput mode; 0: as run chooses"},
    {.name = "depth",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Study",
     .placeholder = "N",
     .lo = 0,
     .hi = 1024,
     .help = "micro-batches in flight per copy; 0: by mode"},
    {.name = "bits",
     .kind = PTA_OPTION_INT,
     .fallback = "16",
     .group = "Study",
     .placeholder = "W",
     .lo = 2,
     .hi = 32,
     .help = "of a MODEL's plans"},
    {.name = "calibrate",
     .kind = PTA_OPTION_TEXT,
     .group = "Study",
     .placeholder = "SET",
     .help = "of a MODEL's plans, as in plan; needed where no ranges file is "
             "beside the model"},
    {.name = "plan-boards",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Study",
     .placeholder = "N",
     .lo = 0,
     .hi = 4096,
     .help = "a MODEL is planned for at most N boards, more run copies of that "
             "plan; 0: no bound"},
    {.name = "wire",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "plain",
     .group = "Study",
     .choices = "plain|packed",
     .help = "values in messages: in storage types, or W bits each"},
    {.name = "simulate",
     .kind = PTA_OPTION_FLAG,
     .group = "Study",
     .help = "also simulate each point (partita simulate)"},
    {.name = "host",
     .kind = PTA_OPTION_FLAG,
     .group = "Study",
     .help = "also run each point on this machine (partita-run)"},
    {.name = "limit",
     .kind = PTA_OPTION_INT,
     .fallback = "2000",
     .group = "Study",
     .placeholder = "N",
     .lo = 1,
     .hi = 1000000,
     .help = "random samples of each of these runs"},
    {.name = "measured",
     .kind = PTA_OPTION_TEXT,
     .group = "Study",
     .placeholder = "FILE",
     .help = "CSV of bench/lab/predict.py: the page shows what was predicted "
             "against what was measured"},
    {.name = "html",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "one page with plots and a time line"},
    {.name = "csv",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "a row for each point"},
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    {.name = NULL}};

typedef struct scale {
    pta_ctx *ctx;
    const pta_options *options;
    char *folder, *log; /* owned */
    int32_t boards[MAX_POINTS], batches[MAX_POINTS];
    int32_t n_boards, n_batches, n_rates;
    double rates[MAX_RATES];   /* of links, Mbit/s; 0: as the cluster file */
    char *clusters[MAX_RATES]; /* owned; cluster file of each, or "pynq" */
    pta_fabric fabrics[MAX_RATES]; /* owned */
    pta_study study;
} scale;

/* "1,2,5" */
static pta_status read_list(pta_ctx *ctx, const char *option, const char *text,
                            int32_t lo, int32_t *out, int32_t *n)
{
    *n = 0;
    for (const char *at = text; *at != '\0'; (*n)++) {
        char *end;
        long value = strtol(at, &end, 10);
        bool rises = *n == 0 || value > out[*n - 1];
        if (end == at || (*end != ',' && *end != '\0') || value < lo ||
            value > 65536 || !rises || *n == MAX_POINTS) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "--%s: \"%s\": expected at most %d ascending "
                            "numbers from %d on, as 1,2,5",
                            option, text, MAX_POINTS, lo);
        }
        out[*n] = (int32_t)value;
        at = *end == ',' ? end + 1 : end;
    }
    return *n > 0 ? PTA_OK
                  : pta_fail(ctx, PTA_ERR_USAGE, "--%s: empty", option);
}

/* "100mbit,1gbit" */
static pta_status read_rates(scale *s)
{
    const char *text = pta_options_text(s->options, "rates");
    s->n_rates = text == NULL;
    for (const char *at = text; at != NULL && *at != '\0'; s->n_rates++) {
        char *unit;
        double rate = strtod(at, &unit);
        bool giga = strncmp(unit, "gbit", 4) == 0;
        const char *end = unit + 4;
        if ((!giga && strncmp(unit, "mbit", 4) != 0) || !(rate > 0) ||
            rate > 1e6 || (*end != ',' && *end != '\0') ||
            s->n_rates == MAX_RATES) {
            return pta_fail(s->ctx, PTA_ERR_USAGE,
                            "--rates: \"%s\": expected at most %d rates, as "
                            "100mbit,1gbit",
                            text, MAX_RATES);
        }
        s->rates[s->n_rates] = giga ? 1e3 * rate : rate;
        at = end + (*end == ',');
    }
    return s->n_rates > 0 ? PTA_OK
                          : pta_fail(s->ctx, PTA_ERR_USAGE, "--rates: empty");
}

/* ---- plans ---- */

/* The plan of so many boards; *path is owned by the caller. */
static pta_status plan_path(scale *s, int32_t boards, char **path)
{
    const char *file = pta_options_operand(s->options);
    pta_ctx *ctx = s->ctx;
    if (!s->study.is_model) {
        *path = pta_strdup(ctx, file);
        return *path != NULL ? PTA_OK : PTA_ERR_NOMEM;
    }
    char number[16], bits[16], name[32], *own;
    int64_t most = pta_options_int(s->options, "plan-boards");
    boards = most > 0 && most < boards ? (int32_t)most : boards;
    const char *calibrate = pta_options_text(s->options, "calibrate");
    snprintf(number, sizeof number, "%d", boards);
    snprintf(bits, sizeof bits, "%d", (int)pta_options_int(s->options, "bits"));
    snprintf(name, sizeof name, "%d.plan.json", boards);
    PTA_TRY(pta_own_path(ctx, &own));
    pta_status status = pta_path_in(ctx, s->folder, name, path);
    if (status == PTA_OK && access(*path, R_OK) != 0) { /* not yet planned */
        const char *argv[] = {
            own,       "plan",
            file,      "--boards",
            number,    "--bits",
            bits,      "-o",
            *path,     calibrate != NULL ? "--calibrate" : NULL,
            calibrate, NULL};
        status = pta_run_child(ctx, argv, s->log);
    }
    pta_free(ctx, own);
    return status;
}

/* ---- one point ---- */

/* What of a point is run, after it is modelled. */
static pta_status run_point(scale *s, int32_t rate, const char *plan,
                            pta_point *p)
{
    const pta_options *o = s->options;
    pta_study_runs runs = {.ctx = s->ctx,
                           .folder = s->folder,
                           .log = s->log,
                           .plan = plan,
                           .cluster = s->clusters[rate],
                           .wire = pta_options_text(o, "wire"),
                           .limit = pta_options_int(o, "limit")};
    if (pta_options_flag(o, "simulate")) {
        PTA_TRY(pta_study_simulate(&runs, p));
    }
    return pta_options_flag(o, "host") ? pta_study_host(&runs, p) : PTA_OK;
}

static pta_status measure(scale *s, const char *path, const pta_loaded *loaded,
                          int32_t boards)
{
    pta_vplan *plan;
    if (loaded->plan->n_boards > boards) {
        return pta_fail(s->ctx, PTA_ERR_USAGE,
                        "--boards %d: %s needs %d boards, and modelled time a "
                        "host for each",
                        boards, path, loaded->plan->n_boards);
    }
    bool packed = strcmp(pta_options_text(s->options, "wire"), "packed") == 0;
    PTA_TRY(pta_vplan_build(s->ctx, pta_model_graph(loaded->model),
                            loaded->plan, &s->fabrics[0].budget, packed,
                            &plan));
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < s->study.n_kinds && status == PTA_OK; i++) {
        int32_t rate = i / s->n_batches;
        pta_point *p = &s->study.points[s->study.n++];
        p->boards = boards;
        p->rate = s->rates[rate];
        status =
            pta_study_model(s->ctx, &s->fabrics[rate], loaded, plan,
                            s->batches[i % s->n_batches],
                            (int32_t)pta_options_int(s->options, "depth"), p);
        if (status == PTA_OK) {
            status = run_point(s, rate, path, p);
        }
    }
    pta_vplan_destroy(s->ctx, &plan);
    return status;
}

static pta_status add_boards(scale *s, int32_t boards)
{
    char *path = NULL;
    pta_loaded loaded = {0};
    pta_status status = plan_path(s, boards, &path);
    if (status == PTA_OK) {
        status = pta_load(s->ctx, path, &loaded);
    }
    if (status == PTA_OK) {
        status = measure(s, path, &loaded, boards);
    }
    pta_loaded_free(s->ctx, &loaded);
    pta_free(s->ctx, path);
    return status;
}

/* ---- the study ---- */

/* What a board could do without others: its HP port and its block RAM. */
static pta_status read_board(scale *s, const char *path)
{
    pta_cluster *cluster;
    PTA_TRY(pta_cluster_open(s->ctx, path, 1, &cluster));
    const pta_board_kind *kind = &cluster->kinds[cluster->hosts[0].kind];
    s->study.ddr_rate = 1e6 * kind->clock_mhz * kind->port_bytes;
    s->study.chip_bytes = 18432.0 / 8 * (double)pta_board_budget(kind).bram18;
    pta_cluster_destroy(s->ctx, &cluster);
    return PTA_OK;
}

/* The cluster with another rate on every link, as a file of its own. */
static pta_status write_cluster(scale *s, const char *path, int32_t n_hosts,
                                int32_t rate)
{
    pta_cluster *cluster;
    char name[32], *text = NULL;
    snprintf(name, sizeof name, "cluster%d.json", rate);
    PTA_TRY(pta_path_in(s->ctx, s->folder, name, &s->clusters[rate]));
    PTA_TRY(pta_cluster_open(s->ctx, path, n_hosts, &cluster));
    for (int32_t h = 0; h < cluster->n_hosts; h++) {
        cluster->hosts[h].costs.rate_mbit = PAYLOAD * s->rates[rate];
        cluster->hosts[h].costs.burst_bytes = 0;
    }
    for (int32_t p = 0; p < cluster->n_pairs; p++) {
        cluster->pairs[p].rate_mbit = PAYLOAD * s->rates[rate];
    }
    pta_status status = pta_cluster_print(s->ctx, cluster, &text);
    if (status == PTA_OK) {
        status = pta_file_write(s->ctx, s->clusters[rate], text, strlen(text));
    }
    pta_free(s->ctx, text);
    pta_cluster_destroy(s->ctx, &cluster);
    return status;
}

/* A fabric for each rate. */
static pta_status open_fabrics(scale *s, const char *path)
{
    int32_t n_hosts = s->boards[s->n_boards - 1];
    for (int32_t r = 0; r < s->n_rates; r++) {
        if (s->rates[r] > 0) {
            PTA_TRY(write_cluster(s, path, n_hosts, r));
        } else {
            s->clusters[r] = pta_strdup(s->ctx, path);
            PTA_TRY(s->clusters[r] != NULL ? PTA_OK : PTA_ERR_NOMEM);
        }
        PTA_TRY(
            pta_fabric_open(s->ctx, s->clusters[r], n_hosts, &s->fabrics[r]));
    }
    s->study.cluster = s->fabrics[0].name;
    return PTA_OK;
}

static pta_status tell(const scale *s)
{
    const pta_options *o = s->options;
    const char *json = pta_options_text(o, "json");
    const char *html = pta_options_text(o, "html");
    const char *csv = pta_options_text(o, "csv");
    if (html != NULL) {
        PTA_TRY(pta_study_page(s->ctx, &s->study, html));
    }
    if (csv != NULL) {
        PTA_TRY(pta_study_csv(s->ctx, &s->study, csv));
    }
    if (json == NULL || strcmp(json, "-") != 0) {
        PTA_TRY(pta_study_print(s->ctx, &s->study, stdout));
    }
    return json == NULL
               ? PTA_OK
               : pta_write_json(s->ctx, json, pta_study_json(&s->study));
}

static pta_status read_lists(scale *s)
{
    const pta_options *o = s->options;
    PTA_TRY(read_list(s->ctx, "boards", pta_options_text(o, "boards"), 1,
                      s->boards, &s->n_boards));
    PTA_TRY(read_list(s->ctx, "micro-batch", pta_options_text(o, "micro-batch"),
                      0, s->batches, &s->n_batches));
    return read_rates(s);
}

static pta_status scale_all(scale *s)
{
    const pta_options *o = s->options;
    const char *cluster = pta_options_text(o, "cluster");
    PTA_TRY(read_lists(s));
    s->study.file = pta_options_operand(o);
    s->study.n_kinds = s->n_rates * s->n_batches;
    s->study.is_model = pta_is_model_path(s->study.file);
    s->study.most = (int32_t)pta_options_int(o, "plan-boards");
    if (pta_options_text(o, "measured") != NULL) {
        PTA_TRY(pta_study_predictions(s->ctx, pta_options_text(o, "measured"),
                                      &s->study));
    }
    PTA_TRY(pta_make_folder(s->ctx, &s->folder));
    PTA_TRY(pta_path_in(s->ctx, s->folder, "log", &s->log));
    PTA_TRY_ALLOC(s->ctx, s->study.points, s->n_boards * s->study.n_kinds);
    PTA_TRY(read_board(s, cluster));
    PTA_TRY(open_fabrics(s, cluster));
    for (int32_t i = 0; i < s->n_boards; i++) {
        PTA_TRY(add_boards(s, s->boards[i]));
    }
    pta_study_finish(&s->study);
    return tell(s);
}

static void close_point(pta_ctx *ctx, pta_point *p)
{
    for (int32_t i = 0; p->shares != NULL && i < p->stages; i++) {
        pta_free(ctx, p->shares[i].layers);
    }
    pta_free(ctx, p->shares);
    pta_modelled_free(ctx, &p->latency);
    pta_modelled_free(ctx, &p->stream);
    pta_timeline_close(ctx, &p->line);
}

static pta_status scale_verb(pta_ctx *ctx, const pta_options *options)
{
    scale s = {.ctx = ctx, .options = options};
    pta_status status = scale_all(&s);
    for (int32_t i = 0; i < s.study.n; i++) {
        close_point(ctx, &s.study.points[i]);
    }
    for (int32_t r = 0; r < s.n_rates; r++) {
        pta_fabric_close(ctx, &s.fabrics[r]);
        pta_free(ctx, s.clusters[r]);
    }
    pta_free(ctx, s.study.points);
    pta_free(ctx, s.log);
    pta_remove_folder(ctx, &s.folder);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_scale, argc, argv, scale_verb);
}

const pta_verb pta_verb_scale = {
    "scale", "MODEL|PLAN",
    "How latency and throughput change with the number of boards.",
    scale_options, run};
