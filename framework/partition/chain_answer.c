/*
 * A chain of stages as an answer: stages, hosts, cores, priced as a plan.
 */
#include "partition/solve_priv.h"

static pta_status fill_stages(pta_solver *s, const pta_chain *chain,
                              pta_answer *a)
{
    PTA_TRY_ALLOC(s->ctx, a->stages, chain->n);
    a->n_stages = chain->n;
    for (int32_t i = 0; i < chain->n; i++) {
        const pta_option *o = chain->at[i];
        pta_stage *stage = &a->stages[i];
        *stage = (pta_stage){.first = o->first,
                             .last = o->last,
                             .split = o->split,
                             .n_parts = o->n_parts,
                             .first_board = a->n_boards};
        PTA_TRY_ALLOC(s->ctx, stage->sizes, o->n_parts);
        pta_option_sizes(o, stage->sizes);
        a->n_boards += o->n_parts;
    }
    return PTA_OK;
}

/* The core that was looked at; a slice with layers that its neighbour carries
 * has more steps, and is chosen anew. */
static pta_status fill_core(pta_solver *s, const pta_candidate *c, int32_t p,
                            int32_t board, pta_core *out)
{
    const pta_part *part = &c->parts[c->parts[p].twin];
    int32_t kind = s->classes[0].kind;
    pta_slice *slice;
    PTA_TRY(pta_slice_build(s->ctx, s->graph, s->plan, board, false, &slice));
    pta_status status =
        slice->n_steps == part->slice->n_steps
            ? pta_core_copy(s->ctx, &part->cores[kind], out)
            : pta_core_choose(s->ctx, s->ask->estimator, s->graph, slice,
                              &s->budgets[kind], s->all.aim, out);
    pta_slice_destroy(s->ctx, &slice);
    return status;
}

static pta_status fill_boards(pta_solver *s, const pta_chain *chain,
                              int32_t copies, pta_answer *a)
{
    int32_t n = a->n_boards, board = 0;
    a->copies = copies;
    PTA_TRY_ALLOC(s->ctx, a->hosts, (int64_t)n * copies);
    PTA_TRY_ALLOC(s->ctx, a->loads, n);
    PTA_TRY_ALLOC(s->ctx, a->cores, n);
    for (int32_t i = 0; i < n * copies; i++) {
        a->hosts[i] = s->classes[0].hosts[i];
    }
    for (int32_t i = 0; i < chain->n; i++) {
        const pta_option *o = chain->at[i];
        const pta_candidate *c = o->twin != NULL ? o->twin->c : o->c;
        for (int32_t p = 0; p < o->n_parts; p++, board++) {
            PTA_TRY(fill_core(s, c, p, board, &a->cores[board]));
        }
    }
    return PTA_OK;
}

static bool all_fit(const pta_answer *a)
{
    for (int32_t b = 0; b < a->n_boards; b++) {
        if (!a->cores[b].fits) {
            return false;
        }
    }
    return true;
}

static pta_status price(pta_solver *s, const pta_chain *chain, int32_t copies,
                        pta_answer *a)
{
    PTA_TRY(fill_stages(s, chain, a));
    PTA_TRY(pta_answer_apply(s->ctx, a, s->graph, s->plan));
    PTA_TRY(fill_boards(s, chain, copies, a));
    if (!all_fit(a)) {
        return PTA_OK;
    }
    PTA_TRY(pta_price_plan(s->ctx, s->graph, s->plan, a->cores, a->hosts,
                           copies, s->ask->cluster, s->ask->batch, &a->price,
                           a->loads));
    a->value = pta_by_latency(s) ? a->price.latency_us : a->price.interval_us;
    a->found = true;
    return PTA_OK;
}

pta_status pta_chain_answer(pta_solver *s, const pta_chain *chain,
                            int32_t copies, pta_answer *out)
{
    pta_answer a = {0};
    pta_status status = price(s, chain, copies, &a);
    if (status == PTA_ERR_UNSUPPORTED || status == PTA_ERR_RANGE ||
        status == PTA_ERR_MISMATCH) {
        pta_ctx_clear_error(s->ctx);
        status = PTA_OK;
    }
    if (status != PTA_OK || !a.found) {
        pta_answer_free(s->ctx, &a);
        return status;
    }
    *out = a;
    return PTA_OK;
}
