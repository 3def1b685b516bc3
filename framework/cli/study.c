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

void pta_study_finish(pta_study *study)
{
    for (int32_t i = 0; i < study->n; i++) {
        pta_point *p = &study->points[i];
        const pta_point *first = &study->points[i % study->n_batches];
        double per_board = p->stream.throughput / p->boards;
        p->efficiency = per_board * first->boards / first->stream.throughput;
        p->floor_compute = ceiling(&p->stream, PTA_V_COMPUTE, PTA_V_COMPUTE);
        p->floor_arm = ceiling(&p->stream, PTA_V_WIRE, PTA_V_BUS);
        p->floor_port = ceiling(&p->stream, PTA_V_PORT, PTA_V_PORT);
        p->ddr_latency_bytes = 1e-6 * p->latency.p50 * study->ddr_rate;
        p->ddr_stream_bytes = study->ddr_rate / p->stream.throughput;
    }
}

/* ---- text ---- */

pta_status pta_study_print(pta_ctx *ctx, const pta_study *study, FILE *file)
{
    pta_table_text table;
    fprintf(file, "%s on \"%s\": %s\nmodelled, cycles %s\n\n", study->file,
            study->cluster,
            study->is_model ? "planned anew for each number of boards"
                            : "one plan; more boards are more copies",
            pta_cycles_source_text(study->points[0].stream.source));
    pta_table_begin(&table, ctx,
                    ">boards|>used|>stages|>batch|>latency us|>stream p50 "
                    "us|>p99 us|>samples/s|>efficiency|>accelerator/s|>ARM/s|"
                    ">port/s|>host p50 us|>host samples/s");
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        pta_table_cell(&table, "%d", p->boards);
        pta_table_cell(&table, "%d", p->used);
        pta_table_cell(&table, "%d", p->stages);
        pta_table_cell(&table, "%d", p->stream.flow.micro_batch);
        pta_table_cell(&table, "%.1f", p->latency.p50);
        pta_table_cell(&table, "%.1f", p->stream.p50);
        pta_table_cell(&table, "%.1f", p->stream.p99);
        pta_table_cell(&table, "%.0f", p->stream.throughput);
        pta_table_cell(&table, "%.2f", p->efficiency);
        pta_table_cell(&table, "%.0f", p->floor_compute);
        pta_table_cell(&table, "%.0f", p->floor_arm);
        pta_table_cell(&table, "%.0f", p->floor_port);
        if (p->host.p50 > 0) {
            pta_table_cell(&table, "%.1f", p->host.p50);
            pta_table_cell(&table, "%.0f", p->host.throughput);
        } else {
            pta_table_cell(&table, "%s", "");
            pta_table_cell(&table, "%s", "");
        }
    }
    PTA_TRY(pta_table_end(&table, file));
    fprintf(file,
            "\none board that streams its weights from DDR at %.0f MB/s "
            "(a board's block RAM: %.0f KiB)\nis slower than\n",
            1e-6 * study->ddr_rate, study->chip_bytes / 1024);
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        fprintf(file,
                "  %d boards from %.0f KiB of weights on in latency, %.0f KiB "
                "in throughput\n",
                p->boards, p->ddr_latency_bytes / 1024,
                p->ddr_stream_bytes / 1024);
    }
    return PTA_OK;
}

/* ---- CSV and JSON ---- */

pta_status pta_study_csv(pta_ctx *ctx, const pta_study *study, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
    }
    fprintf(file, "boards,used,stages,copies,micro_batch,depth,latency_p50_us,"
                  "stream_p50_us,stream_p95_us,stream_p99_us,throughput_per_s,"
                  "efficiency,ceiling_accelerator,ceiling_arm,ceiling_port,"
                  "host_p50_us,host_p95_us,host_p99_us,host_throughput_per_s,"
                  "ddr_latency_bytes,ddr_stream_bytes\n");
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        fprintf(file,
                "%d,%d,%d,%d,%d,%d,%.3f,%.3f,%.3f,%.3f,%.3f,%.4f,%.1f,%.1f,"
                "%.1f,%.3f,%.3f,%.3f,%.3f,%.0f,%.0f\n",
                p->boards, p->used, p->stages, p->stream.flow.copies,
                p->stream.flow.micro_batch, p->stream.flow.depth,
                p->latency.p50, p->stream.p50, p->stream.p95, p->stream.p99,
                p->stream.throughput, p->efficiency, p->floor_compute,
                p->floor_arm, p->floor_port, p->host.p50, p->host.p95,
                p->host.p99, p->host.throughput, p->ddr_latency_bytes,
                p->ddr_stream_bytes);
    }
    bool good = ferror(file) == 0;
    good = fclose(file) == 0 && good;
    return good ? PTA_OK
                : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
}

static json_t *host_json(const pta_host_figures *h)
{
    return h->p50 > 0 ? json_pack("{s:{s:f,s:f,s:f},s:f}", "latency_us", "p50",
                                  h->p50, "p95", h->p95, "p99", h->p99,
                                  "throughput_per_s", h->throughput)
                      : json_null();
}

json_t *pta_study_json(const pta_study *study)
{
    json_t *points = json_array();
    for (int32_t i = 0; i < study->n; i++) {
        const pta_point *p = &study->points[i];
        json_t *stages = json_array();
        for (int32_t b = 0; b < p->stream.n_boards; b++) {
            json_array_append_new(stages,
                                  pta_modelled_stage_json(&p->stream, b));
        }
        json_array_append_new(
            points,
            json_pack("{s:i,s:i,s:i,s:o,s:o,s:f,s:{s:f,s:f,s:f},s:f,s:f,s:o,"
                      "s:o}",
                      "boards", (int)p->boards, "used", (int)p->used, "stages",
                      (int)p->stages, "latency", pta_modelled_json(&p->latency),
                      "throughput", pta_modelled_json(&p->stream), "efficiency",
                      p->efficiency, "ceilings_per_s", "accelerator",
                      p->floor_compute, "arm", p->floor_arm, "port",
                      p->floor_port, "ddr_latency_bytes", p->ddr_latency_bytes,
                      "ddr_stream_bytes", p->ddr_stream_bytes, "host",
                      host_json(&p->host), "boards_of_copy_0", stages));
    }
    return json_pack("{s:s,s:s,s:b,s:f,s:f,s:o}", "file", study->file,
                     "cluster", study->cluster, "planned_anew",
                     (int)study->is_model, "ddr_bytes_per_s", study->ddr_rate,
                     "chip_bytes", study->chip_bytes, "points", points);
}
