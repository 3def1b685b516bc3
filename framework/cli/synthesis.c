/* What Yosys counts of a plan's boards. */
#include "cli/synthesis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/build.h"
#include "hls/gen/report.h"
#include "runtime/slice_load.h"

/* Yosys reads files, so the core lies in a folder while it runs. */
static pta_status count_files(pta_ctx *ctx, const pta_generated *g,
                              pta_resources *counted)
{
    pta_synthesis s;
    char folder[PTA_PATH_BYTES];
    const char *base = getenv("TMPDIR");
    PTA_TRY(pta_path(ctx, folder, "%s/partita-XXXXXX",
                     base != NULL && base[0] != '\0' ? base : "/tmp"));
    if (mkdtemp(folder) == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", folder, strerror(errno));
    }
    pta_status status = pta_generated_write(ctx, g, folder);
    if (status == PTA_OK) {
        status = pta_synthesise(ctx, &g->manifest, folder, &s);
    }
    if (status == PTA_OK) {
        *counted = s.resources;
        return pta_folder_remove(ctx, folder);
    }
    char said[256];
    snprintf(said, sizeof said, "%s", pta_ctx_error(ctx));
    (void)!pta_folder_remove(ctx, folder);
    return pta_fail(ctx, status, "%s", said);
}

static pta_status count_slice(pta_ctx *ctx, const pta_graph *graph,
                              const pta_slice *slice, const pta_budget *budget,
                              pta_fold *folds, pta_resources *said,
                              pta_resources *counted)
{
    pta_generate_options options = {.graph = graph,
                                    .generator = "partita " PTA_VERSION};
    pta_design *design;
    pta_generated *g = NULL;
    PTA_TRY(pta_generate_design(ctx, slice, budget, PTA_WEIGHTS_PLANNED, folds,
                                &design));
    *said = design->resources;
    pta_status status = pta_generate(ctx, slice, folds, design, &options, &g);
    if (status == PTA_OK) {
        status = count_files(ctx, g, counted);
    }
    pta_generated_destroy(ctx, &g);
    pta_design_destroy(ctx, &design);
    return status;
}

static pta_status load_and_count(pta_ctx *ctx, const pta_graph *graph,
                                 const pta_plan *plan, pta_weights *weights,
                                 pta_slice *slice, const pta_budget *budget,
                                 pta_resources *said, pta_resources *counted)
{
    char digest[PTA_SHA256_HEX];
    pta_fold *folds;
    PTA_TRY(pta_slice_load(ctx, graph, plan, weights, slice, digest));
    PTA_TRY_ALLOC(ctx, folds, slice->n_steps);
    pta_status status =
        count_slice(ctx, graph, slice, budget, folds, said, counted);
    pta_free(ctx, folds);
    return status;
}

pta_status pta_count_board(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, pta_weights *weights,
                           int32_t board, const pta_budget *budget,
                           pta_resources *said, pta_resources *counted)
{
    pta_slice *slice;
    PTA_TRY(pta_slice_build(ctx, graph, plan, board, false, &slice));
    pta_status status =
        load_and_count(ctx, graph, plan, weights, slice, budget, said, counted);
    pta_slice_destroy(ctx, &slice);
    return status == PTA_OK ? status
                            : pta_fail_in(ctx, status, "board %d", (int)board);
}

/* ---- a plan ---- */

/* What the formulas fell short of, and a little more. */
static int32_t taken_down(int32_t share, int64_t said, int64_t counted)
{
    return counted > said && said > 0
               ? (int32_t)(0.98 * share * (double)said / (double)counted)
               : share;
}

static void tighten(pta_shares *s, const pta_resources *said,
                    const pta_resources *counted)
{
    s->lut = taken_down(s->lut, said->lut, counted->lut);
    s->lutram = taken_down(s->lutram, said->lutram, counted->lutram);
    s->ff = taken_down(s->ff, said->ff, counted->ff);
    s->dsp = taken_down(s->dsp, said->dsp, counted->dsp);
    s->bram = taken_down(s->bram, said->bram18, counted->bram18);
}

static void tell_board(pta_table_text *table, int32_t board,
                       const pta_resources *said, const pta_resources *counted,
                       const char *over)
{
    const int64_t cells[] = {counted->lut,    said->lut,    counted->ff,
                             said->ff,        counted->dsp, said->dsp,
                             counted->bram18, said->bram18};
    pta_table_cell(table, "%d", (int)board);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        char text[PTA_COUNT_TEXT];
        pta_table_cell(table, "%s", pta_print_count(cells[i], text));
    }
    pta_table_cell(table, "%s%s", over == NULL ? "yes" : "too much ",
                   over == NULL ? "" : over);
}

static pta_status count_boards(pta_ctx *ctx, const pta_graph *graph,
                               const pta_plan *plan, pta_weights *weights,
                               pta_cluster *cluster, const int32_t *hosts,
                               const pta_budget *budgets,
                               pta_resources *counted, pta_table_text *table,
                               bool *fit)
{
    *fit = true;
    for (int32_t b = 0; b < plan->n_boards; b++) {
        pta_resources said;
        int32_t kind = cluster->hosts[hosts[b]].kind;
        pta_budget budget = pta_board_budget(&cluster->kinds[kind]);
        PTA_TRY(pta_count_board(ctx, graph, plan, weights, b, &budget, &said,
                                &counted[b]));
        const char *over = pta_budget_exceeded(&budgets[kind], &counted[b]);
        if (over != NULL) {
            *fit = false;
            tighten(&cluster->kinds[kind].shares, &said, &counted[b]);
        }
        tell_board(table, b, &said, &counted[b], over);
    }
    return PTA_OK;
}

pta_status pta_count_plan(pta_ctx *ctx, const pta_graph *graph,
                          const pta_plan *plan, pta_weights *weights,
                          pta_cluster *cluster, const int32_t *hosts,
                          const pta_budget *budgets, pta_resources *counted,
                          bool *fit)
{
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    ">board|>LUT|>by formula|>FF|>by formula|>DSP|>by "
                    "formula|>BRAM18|>by formula|fits");
    pta_status status = count_boards(ctx, graph, plan, weights, cluster, hosts,
                                     budgets, counted, &table, fit);
    if (status != PTA_OK) {
        pta_table_free(&table);
        return status;
    }
    printf("counted by Yosys:\n");
    return pta_table_end(&table, stdout);
}
