/* What `run` and `check` tell. */
#include "cli/report.h"

/* ---- JSON ---- */

static json_t *fraction(bool known, int64_t part, int64_t whole)
{
    return known && whole > 0 ? json_real((double)part / (double)whole)
                              : json_null();
}

static json_t *count(bool known, int64_t n)
{
    return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *layers_json(const pta_graph *graph, const pta_stage *stage)
{
    json_t *layers = json_array();
    for (int32_t i = stage->first; i <= stage->last; i++) {
        if (graph->nodes[i].op != PTA_OP_INPUT) {
            json_array_append_new(layers, json_string(graph->nodes[i].name));
        }
    }
    return layers;
}

/* A sum over the run, per sample that copy 0 computed. */
static double per_sample(const pta_stage_clock *c, uint64_t sum)
{
    return c->n_samples == 0 ? 0.0 : (double)sum / (double)c->n_samples;
}

static double us_per_sample(const pta_stage_clock *c, uint64_t ns)
{
    return 1e-3 * per_sample(c, ns);
}

static json_t *cycles_json(uint64_t cycles)
{
    return count(cycles != PTA_COST_ABSENT, (int64_t)cycles);
}

static json_t *stages_json(const pta_report *r)
{
    json_t *stages = json_array();
    for (int32_t b = 0; b < r->plan->n_boards; b++) {
        const pta_stage_clock *c = &r->clocks[b];
        int32_t part;
        const pta_stage *stage =
            &r->plan->stages[pta_plan_stage_of(r->plan, c->board, &part)];
        json_array_append_new(
            stages,
            json_pack("{s:i,s:i,s:o,s:s,s:i,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:"
                      "I,s:o,s:o,s:o,s:o}",
                      "rank", c->rank, "board", (int)c->board, "layers",
                      layers_json(r->graph, stage), "split",
                      pta_split_name(stage->split), "part", (int)part,
                      "samples", (json_int_t)c->n_samples, "compute_us",
                      us_per_sample(c, c->compute_ns), "wait_us",
                      us_per_sample(c, c->wait_ns), "send_us",
                      us_per_sample(c, c->send_ns), "median_batch_compute_us",
                      1e-3 * (double)c->median_compute_ns, "bytes_in",
                      per_sample(c, c->bytes_in), "bytes_out",
                      per_sample(c, c->bytes_out), "total_bytes_in",
                      (json_int_t)c->bytes_in, "total_bytes_out",
                      (json_int_t)c->bytes_out, "cycles",
                      cycles_json(c->cycles), "latency_cycles",
                      cycles_json(c->latency), "interval_cycles",
                      cycles_json(c->interval), "modelled",
                      pta_modelled_stage_json(&r->modelled, b)));
    }
    return stages;
}

/* Of every rank, idle ones too. CPU time per sample counts what a rank burns while
 * it waits. */
static json_t *usage_json(const pta_report *r)
{
    json_t *ranks = json_array();
    for (int i = 0; i < r->ranks; i++) {
        const pta_usage *u = &r->usage[i];
        json_array_append_new(
            ranks,
            json_pack("{s:i,s:I,s:I,s:f}", "rank", i, "peak_rss_bytes",
                      (json_int_t)u->peak_rss_bytes, "model_bytes_read",
                      (json_int_t)u->model_bytes_read, "cpu_us_per_sample",
                      1e-3 * (double)u->stream_cpu_ns / (double)r->samples));
    }
    return ranks;
}

static json_t *difference_json(const pta_report *r)
{
    const pta_difference *d = &r->difference;
    char text[PTA_DIFFERENCE_TEXT];
    if (!r->has_difference) {
        return json_null();
    }
    pta_difference_print(r->graph, d, text);
    bool known = d->node >= 0;
    json_t *layer =
        known ? json_string(r->graph->nodes[d->node].name) : json_null();
    return json_pack(
        "{s:I,s:o,s:o,s:o,s:o,s:o,s:s}", "sample", (json_int_t)d->sample,
        "layer", layer, "board", count(known && d->board >= 0, d->board),
        "element", count(known, d->element), "expected",
        count(known, d->expected), "got", count(known, d->got), "text", text);
}

json_t *pta_report_json(const pta_report *r)
{
    json_t *latency =
        json_pack("{s:f,s:f,s:f,s:f}", "p50", r->latency.p50, "p95",
                  r->latency.p95, "p99", r->latency.p99, "max", r->latency.max);
    json_t *modelled = pta_modelled_json(&r->modelled);
    json_t *digest = r->has_digest ? json_string(r->digest) : json_null();
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,"
        "s:o,s:f,s:o,s:o,s:o,s:o,s:o}",
        "model", r->plan->model, "plan", r->plan_path, "data", r->data,
        "device", r->device, "mode", r->mode, "bits", (int)r->plan->bits,
        "micro_batch", (int)r->micro_batch, "depth", (int)r->depth, "ranks",
        r->ranks, "copies", (int)r->place.copies, "idle_ranks",
        (int)r->place.idle_ranks, "samples", (json_int_t)r->samples, "accuracy",
        fraction(r->has_labels, r->right, r->samples), "float_accuracy",
        fraction(r->has_labels && r->has_float, r->float_right, r->samples),
        "argmax_differs", count(r->has_float, r->argmax_differs), "bit_exact",
        count(r->has_bits, r->bit_exact), "digest", digest, "latency_us",
        latency, "throughput_per_s", r->throughput, "modelled", modelled,
        "first_difference", difference_json(r), "layers",
        r->activity == NULL ? json_null() : pta_activity_json(r->activity),
        "stages", stages_json(r), "usage", usage_json(r));
}

/* ---- text ---- */

static void print_accuracy(const pta_report *r, FILE *file)
{
    char n[PTA_COUNT_TEXT], all[PTA_COUNT_TEXT];
    double whole = (double)r->samples / 100.0;
    if (r->has_labels) {
        fprintf(file, "accuracy    %.2f %%", (double)r->right / whole);
        if (r->has_float) {
            fprintf(file, " (float on one CPU: %.2f %%)",
                    (double)r->float_right / whole);
        }
        fputc('\n', file);
    }
    if (r->has_float) {
        fprintf(file,
                "argmax      %s of %s samples classed differently by "
                "float\n",
                pta_print_count(r->argmax_differs, n),
                pta_print_count(r->samples, all));
    }
    if (r->has_bits) {
        fprintf(file, "bit exact   %s of %s samples\n",
                pta_print_count(r->bit_exact, n),
                pta_print_count(r->samples, all));
    }
    if (r->has_difference) {
        char text[PTA_DIFFERENCE_TEXT];
        pta_difference_print(r->graph, &r->difference, text);
        fprintf(file, "first difference: %s\n", text);
    }
    if (r->has_digest) {
        fprintf(file, "digest      %s\n", r->digest);
    }
}

static bool counts_cycles(const pta_report *r)
{
    for (int32_t b = 0; b < r->plan->n_boards; b++) {
        if (r->clocks[b].latency != PTA_COST_ABSENT) {
            return true;
        }
    }
    return false;
}

static void cycles_cell(pta_table_text *table, uint64_t cycles)
{
    if (cycles == PTA_COST_ABSENT) {
        pta_table_cell(table, "-");
    } else {
        pta_table_cell(table, "%llu", (unsigned long long)cycles);
    }
}

static pta_status print_stages(pta_ctx *ctx, const pta_report *r, FILE *file)
{
    pta_table_text table;
    bool with_cycles = counts_cycles(r);
    pta_table_begin(&table, ctx,
                    with_cycles
                        ? ">board|>rank|layers|split|>compute us|>wait us|"
                          ">send us|>bytes in|>bytes out|>latency cycles|"
                          ">interval cycles"
                        : ">board|>rank|layers|split|>compute us|>wait us|"
                          ">send us|>bytes in|>bytes out");
    for (int32_t b = 0; b < r->plan->n_boards; b++) {
        const pta_stage_clock *c = &r->clocks[b];
        int32_t part;
        const pta_stage *stage =
            &r->plan->stages[pta_plan_stage_of(r->plan, c->board, &part)];
        int32_t first = stage->first;
        while (first < stage->last &&
               r->graph->nodes[first].op == PTA_OP_INPUT) {
            first++;
        }
        const char *last = r->graph->nodes[stage->last].name;
        pta_table_cell(&table, "%d", c->board);
        pta_table_cell(&table, "%d", c->rank);
        if (first == stage->last) {
            pta_table_cell(&table, "%s", last);
        } else {
            pta_table_cell(&table, "%s..%s", r->graph->nodes[first].name, last);
        }
        pta_table_cell(&table, "%s %d/%d", pta_split_name(stage->split),
                       part + 1, stage->n_parts);
        pta_table_cell(&table, "%.2f", us_per_sample(c, c->compute_ns));
        pta_table_cell(&table, "%.2f", us_per_sample(c, c->wait_ns));
        pta_table_cell(&table, "%.2f", us_per_sample(c, c->send_ns));
        pta_table_cell(&table, "%.1f", per_sample(c, c->bytes_in));
        pta_table_cell(&table, "%.1f", per_sample(c, c->bytes_out));
        if (with_cycles) {
            cycles_cell(&table, c->latency);
            cycles_cell(&table, c->interval);
        }
    }
    fprintf(file, "\nper sample%s, host time:\n",
            r->place.copies > 1 ? " of copy 0" : "");
    return pta_table_end(&table, file);
}

pta_status pta_report_print(pta_ctx *ctx, const pta_report *r, FILE *file)
{
    char n[PTA_COUNT_TEXT];
    fprintf(file, "%s on %s: %d board%s on %d rank%s, device %s, %d %s",
            r->plan_path, r->data, r->plan->n_boards,
            r->plan->n_boards == 1 ? "" : "s", r->ranks,
            r->ranks == 1 ? "" : "s", r->device, r->place.copies,
            r->place.copies == 1 ? "copy" : "copies");
    if (r->place.idle_ranks > 0) {
        fprintf(file, ", %d idle", r->place.idle_ranks);
    }
    fprintf(file, "\n\nsamples     %s\n", pta_print_count(r->samples, n));
    print_accuracy(r, file);
    fprintf(file,
            "latency     p50 %.1f us, p95 %.1f us, p99 %.1f us, max %.1f us "
            "(%s mode)\n",
            r->latency.p50, r->latency.p95, r->latency.p99, r->latency.max,
            r->mode);
    fprintf(file, "throughput  %s samples/s\n",
            pta_print_count((int64_t)(r->throughput + 0.5), n));
    pta_modelled_print(&r->modelled, file);
    if (r->activity != NULL) {
        PTA_TRY(pta_activity_print(ctx, r->activity, file));
    }
    return print_stages(ctx, r, file);
}
