/* What formats cost as hardware, with foldings that do not change. */
#include "cli/tune_price.h"

#include <string.h>

#define BOARDS_MAX 1024

static pta_status slice_of(const pta_tune_price *p, pta_ctx *ctx,
                           const pta_node_format *formats, pta_slice **out)
{
    memcpy(p->plan->formats, formats,
           (size_t)p->graph->n_nodes * sizeof *formats);
    return pta_slice_build(ctx, p->graph, p->plan, 0, false, out);
}

static pta_budget times(pta_budget b, int32_t boards)
{
    return (pta_budget){b.lut * boards, b.lutram * boards, b.ff * boards,
                        b.dsp * boards, b.bram18 * boards};
}

static pta_status choose_folds(pta_ctx *ctx, pta_tune_price *p,
                               const pta_slice *slice)
{
    p->n_steps = slice->n_steps;
    PTA_TRY_ALLOC(ctx, p->folds, slice->n_steps);
    pta_status status = PTA_ERR_UNSUPPORTED;
    for (p->boards = 1; p->boards <= BOARDS_MAX; p->boards *= 2) {
        pta_budget budget = times(pta_budget_pynq(), p->boards);
        status = pta_fold_choose(ctx, slice, &budget, p->folds);
        if (status != PTA_ERR_UNSUPPORTED) {
            return status;
        }
    }
    pta_ctx_clear_error(ctx);
    pta_free(ctx, p->folds);
    p->folds = NULL;
    return PTA_OK;
}

pta_status pta_tune_price_open(pta_ctx *ctx, const pta_graph *graph,
                               const pta_node_format *formats,
                               pta_tune_price *out)
{
    pta_tune_price p = {.graph = graph};
    pta_slice *slice;
    PTA_TRY(pta_plan_create(ctx, graph, &p.plan));
    pta_status status = slice_of(&p, ctx, formats, &slice);
    if (status == PTA_OK) {
        status = choose_folds(ctx, &p, slice);
        pta_slice_destroy(ctx, &slice);
    }
    if (status != PTA_OK) {
        pta_tune_price_close(ctx, &p);
        return status;
    }
    *out = p;
    return PTA_OK;
}

void pta_tune_price_close(pta_ctx *ctx, pta_tune_price *price)
{
    pta_free(ctx, price->folds);
    pta_plan_destroy(ctx, &price->plan);
    *price = (pta_tune_price){0};
}

pta_status pta_tune_price_of(const pta_tune_price *price, pta_ctx *ctx,
                             const pta_node_format *formats, pta_resources *out,
                             bool *known)
{
    pta_slice *slice;
    pta_design *design;
    *known = false;
    if (price->folds == NULL) {
        return PTA_OK;
    }
    PTA_TRY(slice_of(price, ctx, formats, &slice));
    PTA_ASSERT(slice->n_steps == price->n_steps);
    pta_status status = pta_design_build(ctx, slice, price->folds, &design);
    if (status == PTA_OK) {
        *out = design->resources;
        *known = true;
        pta_design_destroy(ctx, &design);
    } else if (status == PTA_ERR_UNSUPPORTED) {
        pta_ctx_clear_error(ctx);
        status = PTA_OK;
    }
    pta_slice_destroy(ctx, &slice);
    return status;
}

double pta_tune_price_sum(const pta_resources *r)
{
    return (double)r->dsp / 220 + (double)r->bram18 / 280 +
           (double)r->lut / 53200 + (double)r->ff / 106400;
}
