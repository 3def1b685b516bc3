/*
 * partita tune: the narrowest formats that lose no more right answers than
 * allowed, as a plan for one board; `plan --like` cuts it.
 */
#include <math.h>
#include <string.h>

#include "cli/calibrate.h"
#include "cli/plan_file.h"
#include "cli/trial.h"
#include "cli/tune_data.h"
#include "cli/tune_price.h"
#include "quant/tune.h"

static const pta_option tune_options[] = {
    {.name = "data",
     .kind = PTA_OPTION_TEXT,
     .group = "Data",
     .placeholder = "SET",
     .help = "mnist, nsl-kdd, unsw-nb15 or FILE.h5: searches on a fifth of the "
             "training rows and reports on the test rows; without training "
             "rows, or with SET:SPLIT, on a fifth and the rest",
     .no_env = true},
    {.name = "seed",
     .kind = PTA_OPTION_INT,
     .fallback = "1",
     .group = "Data",
     .placeholder = "N",
     .lo = 0,
     .hi = INT64_MAX,
     .help = "draws the rows that are searched on"},
    {.name = "loss",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Search",
     .placeholder = "N",
     .lo = 0,
     .hi = INT64_MAX,
     .help = "right answers that may be lost in total on the rows searched "
             "on, against the float network"},
    {.name = "snr",
     .kind = PTA_OPTION_INT,
     .fallback = "33",
     .group = "Search",
     .placeholder = "DB",
     .lo = 0,
     .hi = 200,
     .help = "signal-to-noise ratio that the outputs keep: noise changes "
             "answers by chance, and what is gained here may be lost "
             "elsewhere"},
    {.name = "bits",
     .kind = PTA_OPTION_INT,
     .fallback = "16",
     .group = "Search",
     .placeholder = "W",
     .lo = PTA_WIDTH_MIN,
     .hi = PTA_WIDTH_MAX,
     .help = "widest width tried, and the formats that are compared with"},
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "the plan; default NAME.tuned.plan.json in the current folder"},
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    {.name = NULL}};

/* Formats and what is told of them. */
typedef struct outcome {
    const char *name;
    pta_mean_bits bits;
    pta_score search, rest;
    pta_resources resources;
    bool priced;
} outcome;

typedef struct job {
    pta_ctx *ctx;
    const pta_options *options;
    pta_model *model;                  /* owned */
    const pta_graph *graph;            /* the model's */
    pta_tune_data data;                /* owned */
    pta_ranges *ranges;                /* owned */
    pta_trial *search, *sample, *rest; /* owned */
    pta_tune_price price;              /* owned */
    pta_widths *widths;                /* owned; [n_nodes] */
    pta_node_format *formats;          /* owned; [n_nodes] */
    pta_trial_limits limits;           /* on the rows searched on */
    pta_tune_work work;
    outcome before, after;
    double seconds;
} job;

/* ---- judging and pricing ---- */

static pta_status choose(job *j, const pta_widths *widths)
{
    return pta_formats_choose_widths(j->ctx, j->graph,
                                     pta_model_weights(j->model), j->ranges,
                                     widths, j->formats);
}

static pta_status judge(void *user, pta_ctx *ctx, const pta_widths *widths,
                        bool *good)
{
    job *j = user;
    pta_score score;
    PTA_TRY(choose(j, widths));
    PTA_TRY(pta_trial_run(j->search, ctx, j->formats, &j->limits, &score));
    *good = pta_score_within(&score, &j->limits);
    return PTA_OK;
}

static pta_status noise(void *user, pta_ctx *ctx, const pta_widths *widths,
                        double *out)
{
    job *j = user;
    pta_score score;
    PTA_TRY(choose(j, widths));
    PTA_TRY(pta_trial_run(j->sample, ctx, j->formats, NULL, &score));
    *out = score.noise;
    return PTA_OK;
}

static pta_status price(void *user, pta_ctx *ctx, const pta_widths *widths,
                        double *out)
{
    job *j = user;
    pta_resources resources;
    bool known;
    PTA_TRY(choose(j, widths));
    PTA_TRY(pta_tune_price_of(&j->price, ctx, j->formats, &resources, &known));
    *out = known ? pta_tune_price_sum(&resources) : HUGE_VAL;
    return PTA_OK;
}

static pta_status measure(job *j, const char *name, outcome *out)
{
    *out =
        (outcome){.name = name, .bits = pta_widths_mean(j->graph, j->widths)};
    PTA_TRY(choose(j, j->widths));
    PTA_TRY(pta_trial_run(j->search, j->ctx, j->formats, NULL, &out->search));
    PTA_TRY(pta_trial_run(j->rest, j->ctx, j->formats, NULL, &out->rest));
    return pta_tune_price_of(&j->price, j->ctx, j->formats, &out->resources,
                             &out->priced);
}

/* ---- the work ---- */

static pta_status prepare(job *j)
{
    const char *data = pta_options_text(j->options, "data");
    uint64_t seed = (uint64_t)pta_options_int(j->options, "seed");
    if (data == NULL) {
        return pta_fail(j->ctx, PTA_ERR_USAGE,
                        "--data SET is missing: the rows that answers are "
                        "counted on");
    }
    PTA_TRY(pta_model_open(j->ctx, pta_options_operand(j->options), &j->model));
    j->graph = pta_model_graph(j->model);
    PTA_TRY(pta_graph_check_integer(j->ctx, j->graph));
    PTA_TRY_ALLOC(j->ctx, j->widths, j->graph->n_nodes);
    PTA_TRY_ALLOC(j->ctx, j->formats, j->graph->n_nodes);
    PTA_TRY(pta_tune_data_open(j->ctx, j->graph, data, seed, &j->data));
    PTA_TRY(pta_calibrate_rows(j->ctx, j->model, j->data.search, &j->ranges));
    PTA_TRY(pta_trial_open(j->ctx, j->model, j->data.search, &j->search));
    PTA_TRY(pta_trial_open(j->ctx, j->model, j->data.sample, &j->sample));
    return pta_trial_open(j->ctx, j->model, j->data.rest, &j->rest);
}

static pta_status tune(job *j)
{
    int32_t most = (int32_t)pta_options_int(j->options, "bits");
    pta_tune tuning = {.graph = j->graph,
                       .most = most,
                       .judge = judge,
                       .measure = noise,
                       .price = price,
                       .user = j};
    int64_t rows = pta_trial_rows(j->search);
    j->limits.wrong = rows - pta_trial_float_right(j->search) +
                      pta_options_int(j->options, "loss");
    j->limits.noise =
        pow(10, -0.1 * (double)pta_options_int(j->options, "snr"));
    tuning.noise = j->limits.noise;
    pta_widths_uniform(j->graph, most, j->widths);
    PTA_TRY(choose(j, j->widths));
    PTA_TRY(pta_tune_price_open(j->ctx, j->graph, j->formats, &j->price));
    PTA_TRY(measure(j, "before", &j->before));
    PTA_TRY(pta_tune_run(j->ctx, &tuning, j->widths, &j->work));
    return measure(j, "tuned", &j->after);
}

static pta_status write_plan(job *j)
{
    pta_plan *plan;
    PTA_TRY(pta_plan_create(j->ctx, j->graph, &plan));
    memcpy(plan->formats, j->formats,
           (size_t)j->graph->n_nodes * sizeof *plan->formats);
    pta_status status = pta_plan_set_model(j->ctx, plan, j->model);
    if (status == PTA_OK) {
        status = pta_plan_set_origin(j->ctx, plan, j->ranges);
    }
    if (status == PTA_OK) {
        status = pta_plan_finish(j->ctx, j->model, plan);
    }
    if (status == PTA_OK) {
        status = pta_plan_write(j->ctx, j->model, plan,
                                pta_options_text(j->options, "output"),
                                ".tuned.plan.json");
    }
    pta_plan_destroy(j->ctx, &plan);
    return status;
}

/* ---- what is told ---- */

static void tell_rows(const char *what, const pta_dataset *rows)
{
    char n[PTA_COUNT_TEXT];
    const char *split = pta_dataset_split(rows);
    printf("%s %s rows of %s%s%s", what,
           pta_print_count(pta_dataset_rows(rows), n), pta_dataset_set(rows),
           split[0] != '\0' ? ":" : "", split);
}

static void tell_score(pta_table_text *table, int64_t right, int64_t rows)
{
    char n[PTA_COUNT_TEXT];
    pta_table_cell(table, "%s", pta_print_count(right, n));
    pta_table_cell(table, "%.2f", 100.0 * (double)right / (double)rows);
}

static void tell_outcome(pta_table_text *table, const outcome *o)
{
    const pta_resources *r = &o->resources;
    char n[PTA_COUNT_TEXT];
    pta_table_cell(table, "%s", o->name);
    tell_score(table, o->search.right, o->search.rows);
    tell_score(table, o->rest.right, o->rest.rows);
    pta_table_cell(table, "%.2f", o->bits.weights);
    pta_table_cell(table, "%.2f", o->bits.activations);
    const int64_t counts[] = {r->dsp, r->lut, r->ff};
    for (int i = 0; i < 3; i++) {
        pta_table_cell(table, "%s",
                       o->priced ? pta_print_count(counts[i], n) : "-");
    }
    if (o->priced) {
        pta_table_cell(table, "%.1f", 0.5 * (double)r->bram18);
    } else {
        pta_table_cell(table, "-");
    }
}

static void tell_float(pta_table_text *table, const job *j)
{
    pta_table_cell(table, "float");
    tell_score(table, pta_trial_float_right(j->search),
               pta_trial_rows(j->search));
    tell_score(table, pta_trial_float_right(j->rest), pta_trial_rows(j->rest));
    for (int i = 0; i < 6; i++) {
        pta_table_cell(table, "%s", "");
    }
}

static pta_status tell(const job *j)
{
    char most[32];
    pta_table_text table;
    tell_rows("searched on", j->data.search);
    printf(" (seed %lld), reported on",
           (long long)pta_options_int(j->options, "seed"));
    tell_rows("", j->data.rest);
    printf("\n%lld formats tried in %.1f s\n\n", (long long)j->work.judged,
           j->seconds);
    pta_table_begin(&table, j->ctx,
                    "formats|>right|>% searched|>right|>% untouched|"
                    ">weight bits|>activation bits|>DSP|>LUT|>FF|>BRAM36");
    snprintf(most, sizeof most, "%lld bits",
             (long long)pta_options_int(j->options, "bits"));
    outcome before = j->before;
    before.name = most;
    tell_float(&table, j);
    tell_outcome(&table, &before);
    tell_outcome(&table, &j->after);
    PTA_TRY(pta_table_end(&table, stdout));
    if (j->price.folds != NULL) {
        printf("\nhardware by formula, foldings as for %s on %d PYNQ-Z2\n",
               most, (int)j->price.boards);
    }
    return PTA_OK;
}

static json_t *outcome_json(const outcome *o)
{
    const pta_resources *r = &o->resources;
    json_t *hardware =
        o->priced ? json_pack("{s:I,s:I,s:I,s:I}", "dsp", (json_int_t)r->dsp,
                              "bram18", (json_int_t)r->bram18, "lut",
                              (json_int_t)r->lut, "ff", (json_int_t)r->ff)
                  : json_null();
    return json_pack(
        "{s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:o}", "search_noise",
        o->search.noise, "untouched_noise", o->rest.noise, "search_right",
        (json_int_t)o->search.right, "search_lost", (json_int_t)o->search.lost,
        "search_gained", (json_int_t)o->search.gained, "untouched_right",
        (json_int_t)o->rest.right, "untouched_lost", (json_int_t)o->rest.lost,
        "untouched_gained", (json_int_t)o->rest.gained, "weight_bits",
        o->bits.weights, "activation_bits", o->bits.activations, "hardware",
        hardware);
}

static json_t *job_json(const job *j)
{
    return json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:I,s:o,s:o}", "model",
        pta_model_path(j->model), "data", pta_dataset_set(j->data.search),
        "seed", (json_int_t)pta_options_int(j->options, "seed"), "search_rows",
        (json_int_t)pta_trial_rows(j->search), "untouched_rows",
        (json_int_t)pta_trial_rows(j->rest), "search_float_right",
        (json_int_t)pta_trial_float_right(j->search), "untouched_float_right",
        (json_int_t)pta_trial_float_right(j->rest), "tried",
        (json_int_t)j->work.judged, "seconds", j->seconds, "loss",
        (json_int_t)pta_options_int(j->options, "loss"), "before",
        outcome_json(&j->before), "after", outcome_json(&j->after));
}

/* ---- the verb ---- */

static pta_status tune_model(pta_ctx *ctx, const pta_options *options)
{
    job j = {.ctx = ctx, .options = options};
    double begun = pta_seconds();
    pta_status status = prepare(&j);
    if (status == PTA_OK) {
        status = tune(&j);
    }
    j.seconds = pta_seconds() - begun;
    if (status == PTA_OK) {
        status = write_plan(&j);
    }
    if (status == PTA_OK) {
        status = tell(&j);
    }
    if (status == PTA_OK) {
        status = pta_write_json(ctx, pta_options_text(options, "json"),
                                job_json(&j));
    }
    pta_tune_price_close(ctx, &j.price);
    pta_trial_close(ctx, &j.rest);
    pta_trial_close(ctx, &j.sample);
    pta_trial_close(ctx, &j.search);
    pta_ranges_destroy(ctx, &j.ranges);
    pta_tune_data_close(ctx, &j.data);
    pta_free(ctx, j.formats);
    pta_free(ctx, j.widths);
    pta_model_close(ctx, &j.model);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_tune, argc, argv, tune_model);
}

const pta_verb pta_verb_tune = {
    "tune", "MODEL",
    "Looks for the narrowest formats that lose no right answers.", tune_options,
    run};
