/*
 * What one part of a stage sends another, as pta_wires has it for whole plans.
 */
#include "partition/solve_priv.h"

static bool same_view(const pta_region *a, const pta_region *b)
{
    return a->view.h == b->view.h && a->view.w == b->view.w &&
           a->view.c == b->view.c;
}

static int32_t overlap(int32_t a0, int32_t a1, int32_t b0, int32_t b1)
{
    int32_t n = (a1 < b1 ? a1 : b1) - (a0 > b0 ? a0 : b0);
    return n > 0 ? n : 0;
}

static pta_status shared(pta_ctx *ctx, const pta_region *a, const pta_region *b,
                         int64_t *n)
{
    if (same_view(a, b)) {
        *n = (int64_t)overlap(a->h0, a->h1, b->h0, b->h1) * a->view.w *
             overlap(a->c0, a->c1, b->c0, b->c1);
        return PTA_OK;
    }
    pta_copy copy;
    PTA_TRY(pta_region_copy(ctx, a, b, &copy));
    *n = copy.n_elements;
    pta_copy_free(ctx, &copy);
    return PTA_OK;
}

/* Elements of one need that a board gives, 0 if none; partial sums are given
 * by each board of their stage, as a box of their own view. */
static pta_status given(const pta_solver *s, const pta_part *part,
                        const pta_piece_of *need, int64_t *n, int32_t *bytes,
                        bool *partial)
{
    *n = 0;
    for (int32_t i = 0; i < part->n_gives; i++) {
        const pta_piece_of *give = &part->gives[i];
        if (give->node != need->node) {
            continue;
        }
        pta_region want = need->region;
        if (give->partial) {
            want =
                pta_region_box(&want, s->graph->nodes[need->node].view, NULL);
        }
        *bytes = give->bytes;
        *partial = give->partial;
        return shared(s->ctx, &give->region, &want, n);
    }
    return PTA_OK;
}

pta_status pta_flow_between(const pta_solver *s, const pta_part *from,
                            const pta_part *to, pta_traffic_wire *wire)
{
    for (int32_t i = 0; i < to->n_needs; i++) {
        const pta_piece_of *need = &to->needs[i];
        int64_t n = 0;
        int32_t bytes = 0;
        bool partial = false;
        if (from != NULL) {
            PTA_TRY(given(s, from, need, &n, &bytes, &partial));
        } else if (s->graph->nodes[need->node].op == PTA_OP_INPUT) {
            n = pta_region_count(&need->region);
            bytes = need->bytes;
        }
        wire->bytes += (int64_t)pta_align8((size_t)(n * bytes));
        wire->joined += partial ? n : 0;
    }
    return PTA_OK;
}
