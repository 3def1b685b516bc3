/*
 * partita build: every slice of a plan as an accelerator, a folder per board.
 */
#include <stdio.h>
#include <string.h>

#include "cli/build.h"
#include "hls/driver/files.h"
#include "runtime/slice_load.h"

#define FLAG(option, text, function, core)                                     \
    {.name = option, .kind = PTA_OPTION_FLAG, .group = "Outputs", .help = text},

static const pta_option build_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "DIR",
     .help = "write DIR/board0, ...; default: PLAN with .build for .plan.json"},
    {.name = "weights",
     .kind = PTA_OPTION_CHOICE,
     .group = "Output",
     .choices = "rom|ram",
     .help = "in ROM, or in memories that the driver writes; default: as the "
             "plan's foldings say"},
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    PTA_BUILD_OUTPUTS(FLAG){.name = NULL}};

static const struct {
    const char *option;
    pta_build_output *write;
    bool needs_core;
} outputs[] = {
#define ROW(option, text, function, core) {option, function, core},
    PTA_BUILD_OUTPUTS(ROW)
#undef ROW
};

typedef struct job {
    const pta_options *options;
    pta_loaded loaded;
    pta_weight_kind weights;
    pta_build_folders folders;
    pta_table_text boards, layers; /* of the report */
    int32_t n_cores;
    json_t *json; /* owned; array of boards */
} job;

/* ---- the report ---- */

static pta_status add_json(pta_ctx *ctx, const pta_manifest *manifest,
                           json_t *board)
{
    char *text;
    json_t *parsed;
    PTA_TRY(pta_manifest_print(ctx, manifest, &text));
    pta_status status = pta_json_parse(ctx, text, "manifest", &parsed);
    pta_free(ctx, text);
    if (status == PTA_OK) {
        json_object_set_new(board, "manifest", parsed);
    }
    return status;
}

static void resource_cells(pta_table_text *table, const pta_resources *r)
{
    char text[PTA_COUNT_TEXT];
    pta_table_cell(table, "%s", pta_print_count(r->lut, text));
    pta_table_cell(table, "%s", pta_print_count(r->ff, text));
    pta_table_cell(table, "%lld", (long long)r->dsp);
    pta_table_cell(table, "%.1f", 0.5 * (double)r->bram18);
}

static void tell_board(job *j, const pta_manifest *m)
{
    char text[PTA_COUNT_TEXT];
    pta_table_text *t = &j->boards;
    pta_table_cell(t, "%d", (int)m->board);
    if (m->n_layers == 0) {
        pta_table_cell(t, "-");
    } else if (m->n_layers == 1) {
        pta_table_cell(t, "%s", m->layers[0].name);
    } else {
        pta_table_cell(t, "%s..%s", m->layers[0].name,
                       m->layers[m->n_layers - 1].name);
    }
    pta_table_cell(t, m->engine == PTA_ENGINE_REUSED ? "reused" : "streaming");
    pta_table_cell(t, m->ram ? "ram" : "rom");
    resource_cells(t, &m->resources);
    pta_table_cell(t, "%s", pta_print_count(m->latency, text));
    pta_table_cell(t, "%s", pta_print_count(m->interval, text));
    pta_table_cell(t, "%.12s", m->slice_digest);
}

static void tell_layer(job *j, int32_t board, const pta_manifest_layer *l)
{
    static const char *const orders[] = {"rows", "columns"};
    static const char *const memories[] = {"lut", "block", "ram"};
    char text[PTA_COUNT_TEXT];
    pta_table_text *t = &j->layers;
    pta_table_cell(t, "%d", (int)board);
    pta_table_cell(t, "%s", l->name);
    pta_table_cell(t, "%s", l->op);
    if (l->inputs == 0) {
        for (int i = 0; i < 8; i++) {
            pta_table_cell(t, "-");
        }
    } else {
        pta_table_cell(t, "%lld", (long long)l->inputs);
        pta_table_cell(t, "%lld", (long long)l->outputs);
        pta_table_cell(t, "%lld", (long long)l->positions);
        pta_table_cell(t, "%d", (int)l->fold.pe);
        pta_table_cell(t, "%d", (int)l->fold.simd);
        pta_table_cell(t, "%s", orders[l->fold.order]);
        pta_table_cell(t, "%s", memories[l->fold.memory]);
        pta_table_cell(t, "%s", pta_print_count(l->reuse, text));
    }
    pta_table_cell(t, "%s", pta_print_count(l->steps, text));
    resource_cells(t, &l->resources);
}

static pta_status tell(pta_ctx *ctx, job *j, const char *dir)
{
    const char *path = pta_options_text(j->options, "json");
    if (path != NULL) {
        PTA_TRY(pta_write_json(ctx, path,
                               json_pack("{s:s,s:s,s:O}", "plan",
                                         pta_options_operand(j->options),
                                         "folder", dir, "boards", j->json)));
    }
    if (path != NULL && strcmp(path, "-") == 0) {
        return PTA_OK;
    }
    if (j->n_cores > 0) {
        printf("cores, by the formulas of their blocks:\n");
        PTA_TRY(pta_table_end(&j->boards, stdout));
        printf("\nlayers:\n");
        PTA_TRY(pta_table_end(&j->layers, stdout));
        printf("\n");
    }
    PTA_TRY(pta_build_report_print(ctx, j->json));
    printf("written to %s\n", dir);
    return PTA_OK;
}

/* ---- one board ---- */

static pta_status check_digest(pta_ctx *ctx, const job *j, int32_t board,
                               const char *digest)
{
    const char *expected = j->loaded.plan->slice_digests[board];
    if (expected[0] == '\0' || strcmp(expected, digest) == 0) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_MISMATCH,
                    "%s: weights differ from those the plan was made with",
                    j->loaded.model_path);
}

static pta_status check_budget(pta_ctx *ctx, const pta_budget *budget,
                               const pta_resources *r)
{
    const char *over = pta_budget_exceeded(budget, r);
    if (over == NULL) {
        return PTA_OK;
    }
    return pta_fail(
        ctx, PTA_ERR_UNSUPPORTED,
        "the core takes %lld LUT (%lld as memory), %lld FF, %lld DSP, %.1f "
        "BRAM36; the budget is %lld (%lld), %lld, %lld, %.1f: too much %s",
        (long long)r->lut, (long long)r->lutram, (long long)r->ff,
        (long long)r->dsp, 0.5 * (double)r->bram18, (long long)budget->lut,
        (long long)budget->lutram, (long long)budget->ff,
        (long long)budget->dsp, 0.5 * (double)budget->bram18, over);
}

static pta_status write_outputs(pta_ctx *ctx, job *j,
                                const pta_build_board *board,
                                const char *folder)
{
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        if (pta_options_flag(j->options, outputs[i].option)) {
            pta_status status = outputs[i].write(ctx, board, folder);
            if (status != PTA_OK) {
                return pta_fail_in(ctx, status, "--%s", outputs[i].option);
            }
        }
    }
    return PTA_OK;
}

static pta_status write_board(pta_ctx *ctx, job *j, const pta_slice *slice,
                              const pta_fold *folds, const pta_design *design,
                              const pta_generated *g)
{
    char folder[PTA_PATH_BYTES], name[32];
    const pta_manifest *m = &g->manifest;
    snprintf(name, sizeof name, "board%d", (int)m->board);
    json_t *json = json_pack("{s:s}", "folder", name);
    json_array_append_new(j->json, json);
    PTA_TRY(pta_build_folder(ctx, &j->folders, m->board, folder));
    PTA_TRY(pta_folder_make(ctx, folder));
    PTA_TRY(pta_generated_write(ctx, g, folder));
    PTA_TRY(add_json(ctx, m, json));
    pta_build_board board = {.loaded = &j->loaded,
                             .slice = slice,
                             .folds = folds,
                             .design = design,
                             .manifest = m,
                             .json = json};
    PTA_TRY(write_outputs(ctx, j, &board, folder));
    j->n_cores++;
    tell_board(j, m);
    for (int32_t i = 0; i < m->n_layers; i++) {
        tell_layer(j, m->board, &m->layers[i]);
    }
    return PTA_OK;
}

/* Whether something was asked for that cannot be had without the core; the core
 * itself, if nothing was. */
static bool needs_core(const job *j)
{
    bool any = false, core = false;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        if (pta_options_flag(j->options, outputs[i].option)) {
            any = true;
            core = core || outputs[i].needs_core;
        }
    }
    return core || !any;
}

/* The other outputs of a slice that cannot be a core. */
static pta_status write_coreless(pta_ctx *ctx, job *j, const pta_slice *slice)
{
    char folder[PTA_PATH_BYTES], name[32];
    pta_log(ctx, PTA_LOG_WARN, "board %d has no core: %s", (int)slice->board,
            pta_ctx_error(ctx));
    snprintf(name, sizeof name, "board%d", (int)slice->board);
    json_t *json = json_pack("{s:s, s:n}", "folder", name, "manifest");
    json_array_append_new(j->json, json);
    PTA_TRY(pta_build_folder(ctx, &j->folders, slice->board, folder));
    PTA_TRY(pta_folder_make(ctx, folder));
    pta_build_board board = {
        .loaded = &j->loaded, .slice = slice, .json = json};
    return write_outputs(ctx, j, &board, folder);
}

static pta_status generate_board(pta_ctx *ctx, job *j, const pta_slice *slice,
                                 pta_fold *folds)
{
    pta_generate_options options = {.graph = pta_model_graph(j->loaded.model),
                                    .generator = "partita " PTA_VERSION};
    pta_budget budget = pta_budget_pynq();
    pta_design *design;
    pta_generated *g = NULL;
    PTA_TRY(
        pta_generate_design(ctx, slice, &budget, j->weights, folds, &design));
    pta_status status = check_budget(ctx, &budget, &design->resources);
    if (status == PTA_OK) {
        status = pta_generate(ctx, slice, folds, design, &options, &g);
    }
    if (status == PTA_OK) {
        status = write_board(ctx, j, slice, folds, design, g);
    }
    pta_generated_destroy(ctx, &g);
    pta_design_destroy(ctx, &design);
    return status;
}

static pta_status load_board(pta_ctx *ctx, job *j, int32_t board,
                             pta_slice *slice)
{
    const pta_graph *graph = pta_model_graph(j->loaded.model);
    char digest[PTA_SHA256_HEX];
    pta_fold *folds;
    PTA_TRY(pta_slice_load(ctx, graph, j->loaded.plan,
                           pta_model_weights(j->loaded.model), slice, digest));
    PTA_TRY(check_digest(ctx, j, board, digest));
    PTA_TRY_ALLOC(ctx, folds, slice->n_steps);
    size_t boards = json_array_size(j->json);
    pta_status status = generate_board(ctx, j, slice, folds);
    bool is_refused = status == PTA_ERR_UNSUPPORTED && !needs_core(j);
    if (is_refused && json_array_size(j->json) == boards) {
        status = write_coreless(ctx, j, slice);
    }
    pta_free(ctx, folds);
    return status;
}

static pta_status build_board(pta_ctx *ctx, job *j, int32_t board)
{
    pta_slice *slice;
    PTA_TRY(pta_slice_build(ctx, pta_model_graph(j->loaded.model),
                            j->loaded.plan, board, false, &slice));
    pta_status status = load_board(ctx, j, board, slice);
    pta_slice_destroy(ctx, &slice);
    return status == PTA_OK || status == PTA_ERR_NOMEM
               ? status
               : pta_fail_in(ctx, status, "board %d", (int)board);
}

/* ---- the whole ---- */

static pta_status refuse_hls4ml(pta_ctx *ctx, const job *j)
{
    if (!pta_plan_is_hls4ml(j->loaded.plan) || !needs_core(j)) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "%s: profile \"hls4ml\" rounds every product, which our "
                    "blocks do not; plan with --profile exact, run it on "
                    "--device fixed, or build it with --hls4ml",
                    pta_options_operand(j->options));
}

static pta_status build_boards(pta_ctx *ctx, job *j)
{
    for (int32_t b = 0; b < j->loaded.plan->n_boards; b++) {
        PTA_TRY(build_board(ctx, j, b));
    }
    return pta_build_commit(ctx, &j->folders);
}

static pta_status build_in(pta_ctx *ctx, job *j, const char *dir)
{
    PTA_TRY(pta_build_begin(ctx, dir, j->loaded.plan->n_boards, &j->folders));
    pta_status status = build_boards(ctx, j);
    if (status != PTA_OK) {
        char why[1024];
        snprintf(why, sizeof why, "%s", pta_ctx_error(ctx));
        pta_build_abandon(ctx, &j->folders);
        return pta_fail(ctx, status, "%s", why);
    }
    return tell(ctx, j, dir);
}

/* NAME.plan.json -> NAME.build, in the current folder. */
static pta_status default_folder(pta_ctx *ctx, const char *plan, char **dir)
{
    const char *base = pta_base_name(plan);
    const char *end = strstr(base, ".plan.json");
    end = end != NULL ? end : strstr(base, ".json");
    size_t n = end != NULL ? (size_t)(end - base) : strlen(base);
    PTA_TRY_ALLOC(ctx, *dir, n + sizeof ".build");
    memcpy(*dir, base, n);
    memcpy(*dir + n, ".build", sizeof ".build");
    return PTA_OK;
}

static pta_status build_all(pta_ctx *ctx, job *j)
{
    const char *dir = pta_options_text(j->options, "output");
    const char *weights = pta_options_text(j->options, "weights");
    char *own = NULL;
    if (weights != NULL) {
        j->weights =
            strcmp(weights, "ram") == 0 ? PTA_WEIGHTS_RAM : PTA_WEIGHTS_ROM;
    }
    PTA_TRY(refuse_hls4ml(ctx, j));
    PTA_TRY(pta_check_proof(ctx, pta_options_operand(j->options), &j->loaded));
    if (dir == NULL) {
        PTA_TRY(default_folder(ctx, pta_options_operand(j->options), &own));
    }
    pta_status status = build_in(ctx, j, dir != NULL ? dir : own);
    pta_free(ctx, own);
    return status;
}

static pta_status body(pta_ctx *ctx, const pta_options *options)
{
    job j = {.options = options};
    PTA_TRY(pta_load(ctx, pta_options_operand(options), &j.loaded));
    j.json = json_array();
    pta_table_begin(&j.boards, ctx,
                    ">board|layers|engine|weights|>LUT|>FF|>DSP|>BRAM36|"
                    ">latency|>interval|slice");
    pta_table_begin(&j.layers, ctx,
                    ">board|layer|op|>inputs|>outputs|>positions|>pe|>simd|"
                    "order|memory|>reuse|>cycles|>LUT|>FF|>DSP|>BRAM36");
    pta_status status = build_all(ctx, &j);
    pta_table_free(&j.boards);
    pta_table_free(&j.layers);
    json_decref(j.json);
    pta_loaded_free(ctx, &j.loaded);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_build, argc, argv, body);
}

const pta_verb pta_verb_build = {
    "build", "PLAN", "Writes an accelerator for every slice of a plan.",
    build_options, run};
