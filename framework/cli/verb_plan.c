/*
 * partita plan: formats, cut and digests of a model, as a plan file.
 */
#include <string.h>

#include "cli/calibrate.h"
#include "cli/cli.h"
#include "cli/planner.h"
#include "partition/auto.h"
#include "quant/formats.h"
#include "runtime/slice_load.h"

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

static pta_status copy_text(pta_ctx *ctx, char **field, const char *text)
{
    char *copy = pta_strdup(ctx, text);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, *field);
    *field = copy;
    return PTA_OK;
}

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
    pta_calibration *c = &plan->calibration;
    PTA_TRY(copy_text(ctx, &c->set, ranges->set));
    PTA_TRY(copy_text(ctx, &c->split, ranges->split));
    c->rows = ranges->rows;
    memcpy(c->digest, ranges->digest, sizeof c->digest);
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

/* ---- digests ---- */

static pta_status digest_board(pta_ctx *ctx, const pta_graph *graph,
                               pta_plan *plan, pta_weights *weights,
                               int32_t board)
{
    pta_slice *slice;
    PTA_TRY(pta_slice_build(ctx, graph, plan, board, false, &slice));
    pta_status status = pta_slice_load(ctx, graph, plan, weights, slice,
                                       plan->slice_digests[board]);
    pta_slice_destroy(ctx, &slice);
    return status;
}

static pta_status digest_boards(pta_ctx *ctx, pta_model *model, pta_plan *plan)
{
    pta_progress progress;
    pta_status status = PTA_OK;
    pta_progress_begin(&progress, "plan", "boards", plan->n_boards);
    for (int32_t b = 0; b < plan->n_boards && status == PTA_OK; b++) {
        status = digest_board(ctx, pta_model_graph(model), plan,
                              pta_model_weights(model), b);
        pta_progress_step(&progress, b + 1);
    }
    pta_progress_end(&progress);
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
    PTA_TRY(copy_text(ctx, &plan->model, pta_model_path(model)));
    memcpy(plan->model_digest, pta_model_digest(model),
           sizeof plan->model_digest);
    if (!graph->is_plain) {
        PTA_TRY(is_new ? choose_formats(ctx, options, model, plan)
                       : pta_formats_prove(ctx, graph, pta_model_weights(model),
                                           plan->formats));
    }
    if (pta_planner_wanted(options)) {
        PTA_TRY(pta_planner_run(ctx, options, graph, plan));
    }
    PTA_TRY(pta_plan_validate(ctx, plan, graph));
    return digest_boards(ctx, model, plan);
}

static pta_status write_plan(pta_ctx *ctx, const pta_options *options,
                             pta_model *model, const pta_plan *plan)
{
    const char *output = pta_options_text(options, "output");
    char *path = NULL, *text = NULL;
    PTA_TRY(output != NULL ? copy_text(ctx, &path, output)
                           : pta_replace_ending(ctx, pta_model_path(model),
                                                ".plan.json", true, &path));
    pta_status status =
        pta_plan_print(ctx, plan, pta_model_graph(model), &text);
    if (status == PTA_OK) {
        status = pta_file_write(ctx, path, text, strlen(text));
    }
    if (status == PTA_OK) {
        printf("%s: %d %s in %d %s", path, plan->n_boards,
               plan->n_boards == 1 ? "board" : "boards", plan->n_stages,
               plan->n_stages == 1 ? "stage" : "stages");
        pta_print_calibration(&plan->calibration, stdout);
        printf("\n");
    }
    pta_free(ctx, text);
    pta_free(ctx, path);
    return status;
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
        status = write_plan(ctx, options, model, plan);
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
