/*
 * Plans: life, boards, digest.
 */
#include "plan/plan.h"

#include <string.h>

#include "plan/plan_priv.h"

void pta_stages_free(pta_ctx *ctx, pta_stage *stages, int32_t n_stages)
{
    for (int32_t i = 0; stages != NULL && i < n_stages; i++) {
        pta_free(ctx, stages[i].sizes);
    }
    pta_free(ctx, stages);
}

void pta_plan_destroy(pta_ctx *ctx, pta_plan **plan)
{
    pta_plan *p = *plan;
    if (p == NULL) {
        return;
    }
    pta_free(ctx, p->model);
    pta_free(ctx, p->profile);
    pta_free(ctx, p->calibration.set);
    pta_free(ctx, p->calibration.split);
    pta_free(ctx, p->formats);
    pta_free(ctx, p->folds);
    pta_stages_free(ctx, p->stages, p->n_stages);
    pta_free(ctx, p->slice_digests);
    pta_free(ctx, p);
    *plan = NULL;
}

pta_status pta_plan_set_stages(pta_ctx *ctx, pta_plan *plan, pta_stage *stages,
                               int32_t n_stages)
{
    int32_t n_boards = 0;
    for (int32_t i = 0; i < n_stages; i++) {
        stages[i].first_board = n_boards;
        n_boards += stages[i].n_parts;
    }
    char(*digests)[PTA_SHA256_HEX];
    PTA_TRY_ALLOC(ctx, digests, n_boards);
    pta_stages_free(ctx, plan->stages, plan->n_stages);
    pta_free(ctx, plan->slice_digests);
    plan->slice_digests = digests;
    plan->stages = stages;
    plan->n_stages = n_stages;
    plan->n_boards = n_boards;
    return PTA_OK;
}

static pta_status plan_init(pta_ctx *ctx, const pta_graph *graph,
                            pta_plan *plan)
{
    plan->n_nodes = graph->n_nodes;
    plan->profile = pta_strdup(ctx, "exact");
    plan->model = pta_strdup(ctx, "");
    if (plan->profile == NULL || plan->model == NULL) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY_ALLOC(ctx, plan->formats, graph->n_nodes);
    PTA_TRY_ALLOC(ctx, plan->folds, graph->n_nodes);
    PTA_TRY_ALLOC(ctx, plan->stages, 1);
    plan->n_stages = 1;
    plan->stages[0] = (pta_stage){
        .last = graph->n_nodes - 1, .split = PTA_SPLIT_WHOLE, .n_parts = 1};
    PTA_TRY_ALLOC(ctx, plan->stages[0].sizes, 1);
    plan->stages[0].sizes[0] = 1;
    plan->n_boards = 1;
    PTA_TRY_ALLOC(ctx, plan->slice_digests, 1);
    return PTA_OK;
}

pta_status pta_plan_create(pta_ctx *ctx, const pta_graph *graph, pta_plan **out)
{
    pta_plan *plan;
    PTA_TRY_ALLOC(ctx, plan, 1);
    pta_status status = plan_init(ctx, graph, plan);
    if (status != PTA_OK) {
        pta_plan_destroy(ctx, &plan);
        return status;
    }
    *out = plan;
    return PTA_OK;
}

int32_t pta_plan_stage_of(const pta_plan *plan, int32_t board, int32_t *part)
{
    int32_t s = plan->n_stages - 1;
    while (s > 0 && plan->stages[s].first_board > board) {
        s--;
    }
    if (part != NULL) {
        *part = board - plan->stages[s].first_board;
    }
    return s;
}

pta_status pta_plan_digest(pta_ctx *ctx, const pta_plan *plan,
                           const pta_graph *graph, char hex[PTA_SHA256_HEX])
{
    char *text;
    PTA_TRY(pta_plan_print(ctx, plan, graph, &text));
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, text, strlen(text));
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
    pta_free(ctx, text);
    return PTA_OK;
}
