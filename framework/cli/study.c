/* Figures of a scaling study: derived ones, table, CSV, JSON (study.h). */
#include "cli/study.h"

/* ---- derived figures ---- */

/* Samples a second if the busiest board's share of the stream were all of it. */
static double ceiling(const pta_modelled *m, pta_vkind a, pta_vkind b)
{
    uint64_t most = 0;
    for (int32_t i = 0; i < m->n_boards; i++) {
        const uint64_t *ns = m->stages[i].ns;
        uint64_t sum = a == b ? ns[a] : ns[a] + ns[b];
        most = sum > most ? sum : most;
    }
    return most == 0 ? 0.0 : 1e9 * (double)m->flow.n_samples / (double)most;
}

static uint64_t busy(const pta_vstage *stage)
{
    return stage->ns[PTA_V_COMPUTE] + stage->ns[PTA_V_BUS] +
           stage->ns[PTA_V_WIRE];
}

static void find_shares(pta_point *p)
{
    const pta_modelled *m = &p->stream;
    for (int32_t b = 0; b < m->n_boards; b++) {
        pta_stage_shares *s = &p->shares[m->stages[b].stage];
        if (s->boards++ == 0 ||
            busy(&m->stages[b]) > busy(&m->stages[s->busiest])) {
            s->busiest = b;
        }
    }
    for (int32_t i = 0; i < p->stages; i++) {
        pta_stage_shares *s = &p->shares[i];
        for (int k = 0; k < PTA_V_KINDS; k++) {
            s->share[k] =
                (double)m->stages[s->busiest].ns[k] / (double)m->elapsed;
        }
        /* the schedule ends when the board's last batch leaves it */
        s->share[PTA_V_WAIT] = 1.0 - s->share[PTA_V_BUS] - s->share[PTA_V_WIRE];
    }
}

void pta_study_finish(pta_study *study)
{
    for (int32_t i = 0; i < study->n; i++) {
        pta_point *p = &study->points[i];
        const pta_point *first = &study->points[i % study->n_kinds];
        double per_board = p->stream.throughput / p->boards;
        p->efficiency = per_board * first->boards / first->stream.throughput;
        p->ceiling_compute = ceiling(&p->stream, PTA_V_COMPUTE, PTA_V_COMPUTE);
        p->ceiling_arm = ceiling(&p->stream, PTA_V_WIRE, PTA_V_BUS);
        p->ceiling_port = ceiling(&p->stream, PTA_V_PORT, PTA_V_PORT);
        p->ddr_latency_bytes = 1e-6 * p->latency.p50 * study->ddr_rate;
        p->ddr_stream_bytes = study->ddr_rate / p->stream.throughput;
        find_shares(p);
    }
}

const char *pta_point_limit(const pta_point *p)
{
    double arm = p->ceiling_arm, port = p->ceiling_port;
    double core = p->ceiling_compute;
    if (core > 0 && core <= arm && (port == 0 || core <= port)) {
        return "accelerator";
    }
    return port > 0 && port < arm ? "port" : "ARM";
}

/* Whether points of as many boards differ in rate, in micro-batch. */
static void what_varies(const pta_study *study, bool *rate, bool *batch)
{
    const pta_point *first = study->points;
    *rate = *batch = false;
    for (const pta_point *p = first; p < first + study->n_kinds; p++) {
        *rate = *rate || p->rate != first->rate;
        *batch = *batch ||
                 p->stream.flow.micro_batch != first->stream.flow.micro_batch;
    }
}

const char *pta_point_kind(const pta_study *study, const pta_point *p,
                           char text[PTA_POINT_TEXT])
{
    bool rate, batch;
    what_varies(study, &rate, &batch);
    int n = 0;
    text[0] = '\0';
    if (rate && p->rate > 0) {
        n = snprintf(text, PTA_POINT_TEXT, "%g Mbit/s", p->rate);
    } else if (rate) {
        n = snprintf(text, PTA_POINT_TEXT, "as the cluster file");
    }
    if (batch) {
        snprintf(text + n, PTA_POINT_TEXT - (size_t)n, "%smicro-batch %d",
                 n > 0 ? ", " : "", p->stream.flow.micro_batch);
    }
    return text;
}

/* ---- text ---- */

static void rate_cell(pta_table_text *table, double rate)
{
    if (rate > 0) {
        pta_table_cell(table, "%g", rate);
    } else {
        pta_table_cell(table, "%s", "-");
    }
}

static void figures_cells(pta_table_text *table, const pta_figures *f)
{
    if (f->p50 > 0) {
        pta_table_cell(table, "%.1f", f->p50);
        pta_table_cell(table, "%.0f", f->throughput);
    } else {
        pta_table_cell(table, "%s", "");
        pta_table_cell(table, "%s", "");
    }
}

static pta_status print_points(pta_ctx *ctx, const pta_study *study, FILE *file)
{
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    ">boards|>used|>stages|>Mbit/s|>batch|>latency us|>boards "
                    "alone|>network alone|>stream p50|>p95|>p99|>samples/s|"
                    ">efficiency|>accelerator/s|>ARM/s|>port/s|limit|"
                    ">simulated p50|>samples/s|>host p50|>samples/s");
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        pta_table_cell(&table, "%d", p->boards);
        pta_table_cell(&table, "%d", p->used);
        pta_table_cell(&table, "%d", p->stages);
        rate_cell(&table, p->rate);
        pta_table_cell(&table, "%d", p->stream.flow.micro_batch);
        pta_table_cell(&table, "%.1f", p->latency.p50);
        pta_table_cell(&table, "%.1f", p->floor_boards);
        pta_table_cell(&table, "%.1f", p->floor_network);
        pta_table_cell(&table, "%.1f", p->stream.p50);
        pta_table_cell(&table, "%.1f", p->stream.p95);
        pta_table_cell(&table, "%.1f", p->stream.p99);
        pta_table_cell(&table, "%.0f", p->stream.throughput);
        pta_table_cell(&table, "%.2f", p->efficiency);
        pta_table_cell(&table, "%.0f", p->ceiling_compute);
        pta_table_cell(&table, "%.0f", p->ceiling_arm);
        pta_table_cell(&table, "%.0f", p->ceiling_port);
        pta_table_cell(&table, "%s", pta_point_limit(p));
        figures_cells(&table, &p->simulated);
        figures_cells(&table, &p->host);
    }
    return pta_table_end(&table, file);
}

static pta_status print_stages(pta_ctx *ctx, const pta_study *study, FILE *file)
{
    pta_table_text table;
    fprintf(file,
            "\nbusiest board of each stage in throughput mode, %% of the "
            "run; the port works beside the ARM, the accelerator too\n\n");
    pta_table_begin(&table, ctx,
                    ">boards|>Mbit/s|>batch|>stage|layers|>of boards|>compute|"
                    ">bus|>wire|>wait|>port");
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        for (int32_t s = 0; s < p->stages; s++) {
            const pta_stage_shares *shares = &p->shares[s];
            pta_table_cell(&table, "%d", p->boards);
            rate_cell(&table, p->rate);
            pta_table_cell(&table, "%d", p->stream.flow.micro_batch);
            pta_table_cell(&table, "%d", s);
            pta_table_cell(&table, "%s", shares->layers);
            pta_table_cell(&table, "%d", shares->boards);
            for (int k = 0; k < PTA_V_KINDS; k++) {
                pta_table_cell(&table, "%.1f", 100 * shares->share[k]);
            }
        }
    }
    return pta_table_end(&table, file);
}

pta_status pta_study_print(pta_ctx *ctx, const pta_study *study, FILE *file)
{
    fprintf(file, "%s on \"%s\": %s\nmodelled, cycles %s\n\n", study->file,
            study->cluster,
            study->is_model ? "planned anew for each number of boards"
                            : "one plan; more boards are more copies",
            pta_cycles_source_text(study->points[0].stream.source));
    PTA_TRY(print_points(ctx, study, file));
    PTA_TRY(print_stages(ctx, study, file));
    fprintf(file,
            "\nweights %.0f KiB, block RAM of a board %.0f KiB; one board that "
            "streams its weights from DDR\nat %.0f MB/s is slower than\n",
            (double)study->points[0].weight_bytes / 1024,
            study->chip_bytes / 1024, 1e-6 * study->ddr_rate);
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        char kind[PTA_POINT_TEXT];
        pta_point_kind(study, p, kind);
        fprintf(file,
                "  %d boards%s%s from %.0f KiB of weights on in latency, %.0f "
                "KiB in throughput\n",
                p->boards, kind[0] != '\0' ? ", " : "", kind,
                p->ddr_latency_bytes / 1024, p->ddr_stream_bytes / 1024);
    }
    return PTA_OK;
}

/* ---- CSV and JSON ---- */

/* Columns of the CSV file that are numbers with digits behind the point. */
static const struct {
    const char *name;
    size_t offset;
} columns[] = {
    {"latency_p50_us", offsetof(pta_point, latency.p50)},
    {"latency_p95_us", offsetof(pta_point, latency.p95)},
    {"latency_p99_us", offsetof(pta_point, latency.p99)},
    {"floor_boards_us", offsetof(pta_point, floor_boards)},
    {"floor_network_us", offsetof(pta_point, floor_network)},
    {"stream_p50_us", offsetof(pta_point, stream.p50)},
    {"stream_p95_us", offsetof(pta_point, stream.p95)},
    {"stream_p99_us", offsetof(pta_point, stream.p99)},
    {"throughput_per_s", offsetof(pta_point, stream.throughput)},
    {"efficiency", offsetof(pta_point, efficiency)},
    {"ceiling_accelerator", offsetof(pta_point, ceiling_compute)},
    {"ceiling_arm", offsetof(pta_point, ceiling_arm)},
    {"ceiling_port", offsetof(pta_point, ceiling_port)},
    {"simulated_p50_us", offsetof(pta_point, simulated.p50)},
    {"simulated_throughput_per_s", offsetof(pta_point, simulated.throughput)},
    {"host_p50_us", offsetof(pta_point, host.p50)},
    {"host_p95_us", offsetof(pta_point, host.p95)},
    {"host_p99_us", offsetof(pta_point, host.p99)},
    {"host_throughput_per_s", offsetof(pta_point, host.throughput)},
    {"ddr_latency_bytes", offsetof(pta_point, ddr_latency_bytes)},
    {"ddr_stream_bytes", offsetof(pta_point, ddr_stream_bytes)},
};

enum { N_COLUMNS = sizeof columns / sizeof *columns };

static double column(const pta_point *p, int c)
{
    return *(const double *)(const void *)((const char *)p + columns[c].offset);
}

pta_status pta_study_csv(pta_ctx *ctx, const pta_study *study, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
    }
    fprintf(file,
            "boards,used,stages,rate_mbit,copies,micro_batch,depth,limit");
    for (int c = 0; c < N_COLUMNS; c++) {
        fprintf(file, ",%s", columns[c].name);
    }
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        fprintf(file, "\n%d,%d,%d,%g,%d,%d,%d,%s", p->boards, p->used,
                p->stages, p->rate, p->stream.flow.copies,
                p->stream.flow.micro_batch, p->stream.flow.depth,
                pta_point_limit(p));
        for (int c = 0; c < N_COLUMNS; c++) {
            fprintf(file, ",%.4f", column(p, c));
        }
    }
    fprintf(file, "\n");
    bool good = ferror(file) == 0;
    good = fclose(file) == 0 && good;
    return good ? PTA_OK
                : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
}

static json_t *figures_json(const pta_figures *f)
{
    return f->p50 > 0 ? json_pack("{s:{s:f,s:f,s:f},s:f}", "latency_us", "p50",
                                  f->p50, "p95", f->p95, "p99", f->p99,
                                  "throughput_per_s", f->throughput)
                      : json_null();
}

static json_t *stage_json(const pta_point *p, int32_t s)
{
    const pta_stage_shares *shares = &p->shares[s];
    json_t *j = json_pack("{s:s,s:i,s:i}", "layers", shares->layers, "boards",
                          (int)shares->boards, "busiest", (int)shares->busiest);
    for (int k = 0; k < PTA_V_KINDS; k++) {
        json_object_set_new(j, pta_vkind_name((pta_vkind)k),
                            json_real(shares->share[k]));
    }
    return j;
}

static json_t *point_json(const pta_point *p)
{
    json_t *boards = json_array(), *stages = json_array();
    for (int32_t b = 0; b < p->stream.n_boards; b++) {
        json_array_append_new(boards, pta_modelled_stage_json(&p->stream, b));
    }
    for (int32_t s = 0; s < p->stages; s++) {
        json_array_append_new(stages, stage_json(p, s));
    }
    return json_pack(
        "{s:i,s:i,s:i,s:o,s:I,s:o,s:o,s:f,s:{s:f,s:f},s:{s:f,s:f,s:f},s:s,s:f,"
        "s:f,s:o,s:o,s:o,s:o}",
        "boards", (int)p->boards, "used", (int)p->used, "stages",
        (int)p->stages, "rate_mbit",
        p->rate > 0 ? json_real(p->rate) : json_null(), "weight_bytes",
        (json_int_t)p->weight_bytes, "latency", pta_modelled_json(&p->latency),
        "throughput", pta_modelled_json(&p->stream), "efficiency",
        p->efficiency, "floors_us", "boards", p->floor_boards, "network",
        p->floor_network, "ceilings_per_s", "accelerator", p->ceiling_compute,
        "arm", p->ceiling_arm, "port", p->ceiling_port, "limit",
        pta_point_limit(p), "ddr_latency_bytes", p->ddr_latency_bytes,
        "ddr_stream_bytes", p->ddr_stream_bytes, "host", figures_json(&p->host),
        "simulated", figures_json(&p->simulated), "shares_of_stages", stages,
        "boards_of_copy_0", boards);
}

json_t *pta_study_json(const pta_study *study)
{
    json_t *points = json_array();
    for (int32_t i = 0; i < study->n; i++) {
        json_array_append_new(points, point_json(&study->points[i]));
    }
    return json_pack("{s:s,s:s,s:b,s:f,s:f,s:o}", "file", study->file,
                     "cluster", study->cluster, "planned_anew",
                     (int)study->is_model, "ddr_bytes_per_s", study->ddr_rate,
                     "chip_bytes", study->chip_bytes, "points", points);
}
