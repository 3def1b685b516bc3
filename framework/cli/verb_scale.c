/*
 * partita scale: how latency and throughput change with the number of boards.
 * Modelled time for every point; with --host also real runs on this machine.
 */
#include <string.h>

#include "cli/child.h"
#include "cli/study.h"
#include "runtime/mapping.h"

enum { MAX_POINTS = 64, LINE_SPANS = 4096 };

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
    int32_t n_boards, n_batches;
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
    snprintf(number, sizeof number, "%d", boards);
    snprintf(bits, sizeof bits, "%d", (int)pta_options_int(s->options, "bits"));
    snprintf(name, sizeof name, "%d.plan.json", boards);
    PTA_TRY(pta_own_path(ctx, &own));
    pta_status status = pta_path_in(ctx, s->folder, name, path);
    if (status == PTA_OK) {
        const char *argv[] = {own,      "plan", file, "--boards", number,
                              "--bits", bits,   "-o", *path,      NULL};
        status = pta_run_child(ctx, argv, s->log);
    }
    pta_free(ctx, own);
    return status;
}

/* ---- real runs ---- */

static pta_status read_host(scale *s, const char *path, bool latency,
                            pta_host_figures *h)
{
    char *text;
    json_t *j;
    PTA_TRY(pta_file_read(s->ctx, path, &text, NULL));
    pta_status status = pta_json_parse(s->ctx, text, path, &j);
    pta_free(s->ctx, text);
    PTA_TRY(status);
    const json_t *l = json_object_get(j, "latency_us");
    if (latency) {
        h->p50 = json_number_value(json_object_get(l, "p50"));
        h->p95 = json_number_value(json_object_get(l, "p95"));
        h->p99 = json_number_value(json_object_get(l, "p99"));
    } else {
        h->throughput =
            json_number_value(json_object_get(j, "throughput_per_s"));
    }
    json_decref(j);
    return PTA_OK;
}

static pta_status run_host(scale *s, const char *plan, const pta_point *p,
                           bool latency, pta_host_figures *h)
{
    char np[16], data[32], batch[16], *run = NULL, *own = NULL, *json = NULL;
    snprintf(np, sizeof np, "%d", p->boards);
    snprintf(data, sizeof data, "random:%d:1",
             (int)pta_options_int(s->options, "limit"));
    snprintf(batch, sizeof batch, "%d",
             latency ? 1 : p->stream.flow.micro_batch);
    pta_status status = pta_find_beside(s->ctx, "partita-run", &run);
    if (status == PTA_OK) {
        status = pta_own_path(s->ctx, &own);
    }
    if (status == PTA_OK) {
        status = pta_path_in(s->ctx, s->folder, "host.json", &json);
    }
    if (status == PTA_OK) {
        const char *argv[] = {
            run,      "-np",    np,
            own,      "run",    plan,
            "--data", data,     "--micro-batch",
            batch,    "--mode", latency ? "latency" : "throughput",
            "--json", json,     NULL};
        status = pta_run_child(s->ctx, argv, s->log);
    }
    if (status == PTA_OK) {
        status = read_host(s, json, latency, h);
    }
    pta_free(s->ctx, run);
    pta_free(s->ctx, own);
    pta_free(s->ctx, json);
    return status;
}

/* ---- one point ---- */

static pta_status model_point(scale *s, const pta_fabric *fabric,
                              const pta_vplan *plan, int32_t batch,
                              pta_point *p)
{
    int32_t copies = pta_place(plan->n_boards, p->boards, 0).copies;
    p->used = copies * plan->n_boards;
    p->stages = plan->n_stages;
    p->macs = plan->macs;
    pta_vflow one = pta_modelled_flow(plan, copies, true, 1, 0, 64);
    PTA_TRY(
        pta_modelled_run(s->ctx, fabric, plan, &one, NULL, NULL, &p->latency));
    pta_vflow full =
        pta_modelled_flow(plan, copies, false, batch,
                          (int32_t)pta_options_int(s->options, "depth"), 1);
    full.n_samples = 8LL * full.depth * copies * full.micro_batch;
    PTA_TRY(pta_timeline_open(s->ctx, LINE_SPANS, &p->line));
    return pta_modelled_run(s->ctx, fabric, plan, &full, pta_timeline_observe,
                            &p->line, &p->stream);
}

static pta_status measure(scale *s, const pta_fabric *fabric, const char *path,
                          const pta_loaded *loaded, int32_t boards)
{
    pta_vplan *plan;
    if (loaded->plan->n_boards > boards) {
        return pta_fail(s->ctx, PTA_ERR_USAGE,
                        "--boards %d: %s needs %d boards, and modelled time a "
                        "host for each",
                        boards, path, loaded->plan->n_boards);
    }
    PTA_TRY(pta_vplan_build(s->ctx, pta_model_graph(loaded->model),
                            loaded->plan, &fabric->budget, false, &plan));
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < s->n_batches && status == PTA_OK; i++) {
        pta_point *p = &s->study.points[s->study.n++];
        p->boards = boards;
        status = model_point(s, fabric, plan, s->batches[i], p);
        if (status == PTA_OK && pta_options_flag(s->options, "host")) {
            status = run_host(s, path, p, true, &p->host);
        }
        if (status == PTA_OK && pta_options_flag(s->options, "host")) {
            status = run_host(s, path, p, false, &p->host);
        }
    }
    pta_vplan_destroy(s->ctx, &plan);
    return status;
}

static pta_status add_boards(scale *s, const pta_fabric *fabric, int32_t boards)
{
    char *path = NULL;
    pta_loaded loaded = {0};
    pta_status status = plan_path(s, boards, &path);
    if (status == PTA_OK) {
        status = pta_load(s->ctx, path, &loaded);
    }
    if (status == PTA_OK) {
        status = measure(s, fabric, path, &loaded, boards);
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

static pta_status scale_all(scale *s)
{
    const pta_options *o = s->options;
    const char *cluster = pta_options_text(o, "cluster");
    pta_fabric fabric = {0};
    PTA_TRY(read_list(s->ctx, "boards", pta_options_text(o, "boards"), 1,
                      s->boards, &s->n_boards));
    PTA_TRY(read_list(s->ctx, "micro-batch", pta_options_text(o, "micro-batch"),
                      0, s->batches, &s->n_batches));
    s->study.file = pta_options_operand(o);
    s->study.n_batches = s->n_batches;
    s->study.is_model = pta_is_model_path(s->study.file);
    PTA_TRY(pta_make_folder(s->ctx, &s->folder));
    PTA_TRY(pta_path_in(s->ctx, s->folder, "log", &s->log));
    PTA_TRY_ALLOC(s->ctx, s->study.points, s->n_boards * s->n_batches);
    PTA_TRY(read_board(s, cluster));
    PTA_TRY(
        pta_fabric_open(s->ctx, cluster, s->boards[s->n_boards - 1], &fabric));
    s->study.cluster = fabric.name;
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < s->n_boards && status == PTA_OK; i++) {
        status = add_boards(s, &fabric, s->boards[i]);
    }
    if (status == PTA_OK) {
        pta_study_finish(&s->study);
        status = tell(s);
    }
    pta_fabric_close(s->ctx, &fabric);
    return status;
}

static pta_status scale_verb(pta_ctx *ctx, const pta_options *options)
{
    scale s = {.ctx = ctx, .options = options};
    pta_status status = scale_all(&s);
    for (int32_t i = 0; i < s.study.n; i++) {
        pta_modelled_free(ctx, &s.study.points[i].latency);
        pta_modelled_free(ctx, &s.study.points[i].stream);
        pta_timeline_close(ctx, &s.study.points[i].line);
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
