/* What verbs that make a plan share (plan_file.h). */
#include "cli/plan_file.h"

#include <string.h>

#include "runtime/slice_load.h"

pta_status pta_copy_text(pta_ctx *ctx, char **field, const char *text)
{
    char *copy = pta_strdup(ctx, text);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, *field);
    *field = copy;
    return PTA_OK;
}

pta_status pta_plan_set_model(pta_ctx *ctx, pta_plan *plan, pta_model *model)
{
    memcpy(plan->model_digest, pta_model_digest(model),
           sizeof plan->model_digest);
    return pta_copy_text(ctx, &plan->model, pta_model_path(model));
}

pta_status pta_plan_set_origin(pta_ctx *ctx, pta_plan *plan,
                               const pta_ranges *ranges)
{
    pta_calibration *c = &plan->calibration;
    PTA_TRY(pta_copy_text(ctx, &c->set, ranges->set));
    PTA_TRY(pta_copy_text(ctx, &c->split, ranges->split));
    c->rows = ranges->rows;
    memcpy(c->digest, ranges->digest, sizeof c->digest);
    return PTA_OK;
}

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

pta_status pta_plan_finish(pta_ctx *ctx, pta_model *model, pta_plan *plan)
{
    pta_progress progress;
    pta_status status = PTA_OK;
    PTA_TRY(pta_plan_validate(ctx, plan, pta_model_graph(model)));
    pta_progress_begin(&progress, "plan", "boards", plan->n_boards);
    for (int32_t b = 0; b < plan->n_boards && status == PTA_OK; b++) {
        status = digest_board(ctx, pta_model_graph(model), plan,
                              pta_model_weights(model), b);
        pta_progress_step(&progress, b + 1);
    }
    pta_progress_end(&progress);
    return status;
}

pta_status pta_plan_write(pta_ctx *ctx, pta_model *model, const pta_plan *plan,
                          const char *output, const char *ending)
{
    char *path = NULL, *text = NULL;
    PTA_TRY(output != NULL ? pta_copy_text(ctx, &path, output)
                           : pta_replace_ending(ctx, pta_model_path(model),
                                                ending, true, &path));
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
