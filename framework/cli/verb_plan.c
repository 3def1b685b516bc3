/*
 * partita plan: formats, cut and digests of a model, as a plan file.
 */
#include <string.h>

#include "cli/calibrate.h"
#include "cli/plan_file.h"
#include "cli/planner.h"
#include "partition/auto.h"
#include "quant/formats.h"

static const pta_option plan_options[] = {
    {.name = "boards",
     .letter = 'b',
     .kind = PTA_OPTION_INT,
     .group = "Cut",
     .placeholder = "N",
     .lo = 1,
     .hi = 4096,
     .help = "cut for N boards, balanced; 1 when there is no --cut"},
    {.name = "cut",
     .letter = 'c',
     .kind = PTA_OPTION_TEXT,
     .group = "Cut",
     .placeholder = "ITEMS",
     .help = "stages by hand: LAYER[=KIND:PARTS],... KIND one of neuron, "
             "input, channel, inchannel, rows, paired; PARTS a number or "
             "sizes 5/5/6"},
    PTA_PLANNER_OPTIONS,
    {.name = "profile",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "exact",
     .group = "Formats",
     .choices = "exact|hls4ml",
     .help = "arithmetic: this project's, or that of hls4ml's C simulation; "
             "with --like, PLAN's"},
    {.name = "precision",
     .kind = PTA_OPTION_TEXT,
     .fallback = "fixed<16,6,TRN,WRAP>",
     .group = "Formats",
     .placeholder = "FORMAT",
     .help =
         "profile hls4ml: its default precision, for every type but tables"},
    {.name = "bits",
     .kind = PTA_OPTION_INT,
     .fallback = "16",
     .group = "Formats",
     .placeholder = "W",
     .lo = PTA_WIDTH_MIN,
     .hi = PTA_WIDTH_MAX,
     .help = "width of every tensor and weight"},
    {.name = "calibrate",
     .kind = PTA_OPTION_TEXT,
     .group = "Formats",
     .placeholder = "SET",
     .help = "measure ranges on SET's training rows (SET:test: its test "
             "rows)"},
    {.name = "ranges",
     .kind = PTA_OPTION_TEXT,
     .group = "Formats",
     .placeholder = "FILE",
     .help = "read ranges from FILE; default NAME.ranges.json beside MODEL"},
    {.name = "save-ranges",
     .kind = PTA_OPTION_TEXT,
     .group = "Formats",
     .placeholder = "FILE",
     .help = "write the measured ranges to FILE"},
    {.name = "like",
     .kind = PTA_OPTION_TEXT,
     .group = "Formats",
     .placeholder = "PLAN",
     .help = "take the formats, edited by hand perhaps, and without --cut or "
             "--boards the stages, from PLAN; proves and digests anew"},
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "the plan; default NAME.plan.json in the current folder"},
    {.name = NULL}};

/* ---- stages ---- */

static pta_status choose_stages(pta_ctx *ctx, const pta_options *options,
                                const pta_graph *graph, pta_plan *plan)
{
    const char *cut = pta_options_text(options, "cut");
    int32_t boards = (int32_t)pta_options_int(options, "boards");
    if (cut == NULL) {
        bool searched = pta_options_text(options, "objective") != NULL;
        return boards == 0 || searched
                   ? PTA_OK
                   : pta_partition_auto(ctx, graph, boards, plan);
    }
    PTA_TRY(pta_cut_apply(ctx, cut, graph, plan));
    bool priced = pta_planner_wanted(options); /* then boards are at most */
    if (boards != 0 && !priced && plan->n_boards != boards) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--cut %s makes %d boards, --boards asks for %d; "
                        "leave one of them out",
                        cut, plan->n_boards, boards);
    }
    return PTA_OK;
}

/* ---- formats ---- */

static pta_status take_ranges(pta_ctx *ctx, const pta_options *options,
                              pta_model *model, const pta_ranges *ranges,
                              pta_plan *plan)
{
    const char *save = pta_options_text(options, "save-ranges");
    PTA_TRY(pta_plan_set_origin(ctx, plan, ranges));
    plan->bits = (int32_t)pta_options_int(options, "bits");
    if (save != NULL) {
        PTA_TRY(pta_ranges_write(ctx, save, pta_model_graph(model), ranges));
    }
    return pta_formats_choose(ctx, pta_model_graph(model),
                              pta_model_weights(model), ranges, plan->bits,
                              plan->formats);
}

static bool is_hls4ml(const pta_options *options)
{
    return strcmp(pta_options_text(options, "profile"), PTA_PROFILE_HLS4ML) ==
           0;
}

/* hls4ml's types depend on no weight and no data. */
static pta_status choose_hls4ml(pta_ctx *ctx, const pta_options *options,
                                const pta_graph *graph, pta_plan *plan)
{
    static const char *const measured[] = {"calibrate", "ranges",
                                           "save-ranges"};
    const char *text = pta_options_text(options, "precision");
    pta_format format;
    for (int i = 0; i < 3; i++) {
        if (pta_options_text(options, measured[i]) != NULL) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "--%s: profile hls4ml has one precision, not one "
                            "for each range; leave it out",
                            measured[i]);
        }
    }
    if (pta_format_parse(ctx, text, &format) != PTA_OK) {
        return pta_fail_in(ctx, PTA_ERR_USAGE, "--precision %s", text);
    }
    return pta_plan_set_hls4ml(ctx, graph, format, plan);
}

static pta_status choose_formats(pta_ctx *ctx, const pta_options *options,
                                 pta_model *model, pta_plan *plan)
{
    const char *set = pta_options_text(options, "calibrate");
    const char *path = pta_options_text(options, "ranges");
    pta_ranges *ranges;
    if (set != NULL && path != NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--calibrate and --ranges: give only one of them");
    }
    PTA_TRY(set != NULL ? pta_calibrate(ctx, model, set, &ranges)
                        : pta_find_ranges(ctx, model, path, &ranges));
    pta_status status = take_ranges(ctx, options, model, ranges, plan);
    pta_ranges_destroy(ctx, &ranges);
    return status;
}

/* ---- the plan ---- */

/* A new plan, or that of --like. */
static pta_status begin_plan(pta_ctx *ctx, const pta_options *options,
                             pta_model *model, pta_plan **plan)
{
    const char *like = pta_options_text(options, "like");
    const pta_graph *graph = pta_model_graph(model);
    char *text;
    if (like == NULL) {
        return pta_plan_create(ctx, graph, plan);
    }
    PTA_TRY(pta_file_read(ctx, like, &text, NULL));
    pta_status status = pta_plan_parse(ctx, text, like, graph, plan);
    pta_free(ctx, text);
    return status;
}

/* Wider sums than these weights need stay: they are those of a core whose
 * weights can be written, and that was built for others. */
static pta_status prove_like(pta_ctx *ctx, pta_model *model, pta_plan *plan)
{
    const pta_graph *graph = pta_model_graph(model);
    pta_node_format *like;
    PTA_TRY_ALLOC(ctx, like, graph->n_nodes);
    memcpy(like, plan->formats, (size_t)graph->n_nodes * sizeof *like);
    pta_status status =
        pta_formats_prove(ctx, graph, pta_model_weights(model), plan->formats);
    for (int32_t i = 0; status == PTA_OK && i < graph->n_nodes; i++) {
        pta_node_format *f = &plan->formats[i];
        if (like[i].acc_bits > f->acc_bits) {
            f->acc_bits = like[i].acc_bits;
            f->acc = f->acc_bits <= 32 ? PTA_S32 : PTA_S64;
        }
    }
    pta_free(ctx, like);
    return status;
}

static pta_status fill_plan(pta_ctx *ctx, const pta_options *options,
                            pta_model *model, pta_plan *plan)
{
    const pta_graph *graph = pta_model_graph(model);
    bool is_new = pta_options_text(options, "like") == NULL;
    PTA_TRY(pta_graph_check_integer(ctx, graph));
    if (graph->is_plain && is_new) {
        PTA_TRY(choose_hls4ml(ctx, options, graph, plan));
    }
    PTA_TRY(choose_stages(ctx, options, graph, plan)); /* before slow work */
    PTA_TRY(pta_plan_set_model(ctx, plan, model));
    if (!graph->is_plain) {
        PTA_TRY(is_new ? choose_formats(ctx, options, model, plan)
                       : prove_like(ctx, model, plan));
    }
    if (pta_planner_wanted(options)) {
        PTA_TRY(pta_planner_run(ctx, options, graph, pta_model_weights(model),
                                plan));
    }
    return pta_plan_finish(ctx, model, plan);
}

/* The form of the graph for the profile: of --like, or as asked for. */
static pta_status choose_form(pta_ctx *ctx, const pta_options *options,
                              pta_form *form)
{
    const char *like = pta_options_text(options, "like");
    char *text;
    if (like == NULL) {
        *form = is_hls4ml(options) ? PTA_FORM_PLAIN : PTA_FORM_CANONICAL;
        return PTA_OK;
    }
    PTA_TRY(pta_file_read(ctx, like, &text, NULL));
    pta_status status = pta_plan_form(ctx, text, like, form);
    pta_free(ctx, text);
    return status;
}

static pta_status plan_model(pta_ctx *ctx, const pta_options *options)
{
    pta_model *model = NULL;
    pta_plan *plan = NULL;
    pta_form form;
    PTA_TRY(choose_form(ctx, options, &form));
    PTA_TRY(pta_model_open_as(ctx, pta_options_operand(options), form, &model));
    pta_status status = begin_plan(ctx, options, model, &plan);
    if (status == PTA_OK) {
        status = fill_plan(ctx, options, model, plan);
    }
    if (status == PTA_OK) {
        status =
            pta_plan_write(ctx, model, plan,
                           pta_options_text(options, "output"), ".plan.json");
    }
    pta_plan_destroy(ctx, &plan);
    pta_model_close(ctx, &model);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_plan, argc, argv, plan_model);
}

const pta_verb pta_verb_plan = {
    "plan", "MODEL", "Chooses number formats and cuts a model over boards.",
    plan_options, run};
