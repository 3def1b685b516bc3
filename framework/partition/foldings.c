/*
 * Lists of foldings.
 */
#include "partition/estimate.h"

#include <stdlib.h>

void pta_foldings_free(pta_ctx *ctx, pta_foldings *list)
{
    pta_free(ctx, list->at);
    *list = (pta_foldings){0};
}

pta_status pta_foldings_add(pta_ctx *ctx, pta_foldings *list,
                            const pta_folding *folding)
{
    if ((list->n & (list->n - 1)) == 0) { /* full at powers of 2 */
        size_t room = list->n == 0 ? 1 : 2 * (size_t)list->n;
        pta_folding *at = pta_realloc(ctx, list->at, room * sizeof *list->at);
        if (at == NULL) {
            return PTA_ERR_NOMEM;
        }
        list->at = at;
    }
    list->at[list->n++] = *folding;
    return PTA_OK;
}

static bool beats(const pta_folding *a, const pta_folding *b)
{
    const pta_resources *x = &a->resources, *y = &b->resources;
    return a->interval <= b->interval && a->fill <= b->fill &&
           a->span <= b->span && x->lut <= y->lut && x->lutram <= y->lutram &&
           x->ff <= y->ff && x->dsp <= y->dsp && x->bram18 <= y->bram18;
}

static int by_interval(const void *a, const void *b)
{
    const pta_folding *x = a, *y = b;
    int64_t d = x->interval != y->interval ? x->interval - y->interval
                : x->resources.dsp != y->resources.dsp
                    ? x->resources.dsp - y->resources.dsp
                : x->resources.lut != y->resources.lut
                    ? x->resources.lut - y->resources.lut
                    : x->fold.pe - y->fold.pe;
    return d < 0 ? -1 : d > 0;
}

/* In rising order of interval only one before it beats a folding, or one after
 * it with the same interval. */
void pta_foldings_prune(pta_foldings *list)
{
    int32_t kept = 0;
    if (list->n > 0) {
        qsort(list->at, (size_t)list->n, sizeof *list->at, by_interval);
    }
    for (int32_t i = 0; i < list->n; i++) {
        const pta_folding own = list->at[i];
        bool beaten = false;
        for (int32_t k = kept - 1; k >= 0 && !beaten; k--) {
            beaten = beats(&list->at[k], &own);
        }
        if (beaten) {
            continue;
        }
        int32_t from = kept;
        while (from > 0 && list->at[from - 1].interval == own.interval) {
            from--;
        }
        int32_t left = from;
        for (int32_t k = from; k < kept; k++) {
            if (!beats(&own, &list->at[k])) {
                list->at[left++] = list->at[k];
            }
        }
        list->at[left] = own;
        kept = left + 1;
    }
    list->n = kept;
}
