/*
 * Shape of a reused engine: every array of PE x SIMD multipliers that the budget
 * holds, by the exact timing of the design it makes. Arrays with the fewest steps
 * come first, and one whose steps alone take longer than the best is not built.
 */
#include <stdlib.h>

#include "plan/design_priv.h"

/* Longer rows cost more adders than they save. */
#define SIMD_MAX 128

typedef struct shape {
    int32_t pe, simd, chain;
    int64_t steps, dsp;
} shape;

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static int by_steps(const void *a, const void *b)
{
    const shape *x = a, *y = b;
    int64_t d = x->steps != y->steps ? x->steps - y->steps
                : x->dsp != y->dsp   ? x->dsp - y->dsp
                                     : x->simd - y->simd;
    return d < 0 ? -1 : d > 0;
}

static int64_t steps_of(const pta_slice *slice, int32_t pe, int32_t simd)
{
    int64_t steps = 0;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        pta_work w = pta_step_work(slice, &slice->steps[i]);
        steps += (int64_t)ceil_div(w.n, simd) * ceil_div(w.m, pe);
    }
    return steps;
}

/* Elements that the bus brings in a cycle. */
static int32_t bus_lanes(const pta_slice *slice)
{
    int32_t width = pta_value_width(slice, slice->inputs[0]);
    return width <= 8 ? 8 : width <= 16 ? 4 : 2;
}

static bool is_packed(const pta_slice *slice)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (pta_step_unpacked(slice, &slice->steps[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* Arrays within the DSPs, sorted; at most [SIMD_MAX * SIMD_MAX]. */
static int32_t list_shapes(const pta_slice *slice, int64_t dsp, shape *shapes)
{
    int32_t n = 0;
    bool packed = is_packed(slice);
    for (int32_t pe = 1; pe <= SIMD_MAX; pe++) {
        int32_t simd = pe > bus_lanes(slice) ? pe : bus_lanes(slice);
        for (; simd <= SIMD_MAX; simd++) {
            int64_t rows = packed && pe > 1 ? ceil_div(pe, 2) : pe;
            if (rows * simd <= dsp) {
                shapes[n++] = (shape){pe, simd, 0, steps_of(slice, pe, simd),
                                      rows * simd};
            }
        }
    }
    qsort(shapes, (size_t)n, sizeof *shapes, by_steps);
    return n;
}

static void set_shape(const pta_slice *slice, const shape *s,
                      pta_fold_memory memory, pta_fold *folds)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        folds[i].pe = s->pe;
        folds[i].simd = s->simd;
        folds[i].chain = s->chain;
        folds[i].memory = memory;
    }
}

/* Latency of the design with these foldings; INT64_MAX if the budget does not
 * hold it. */
static pta_status weigh(pta_ctx *ctx, const pta_slice *slice,
                        const pta_budget *budget, const pta_fold *folds,
                        int64_t *latency)
{
    pta_design *d;
    PTA_TRY(pta_design_build_for(ctx, slice, folds, 1, &d));
    bool fits =
        budget == NULL || pta_budget_exceeded(budget, &d->resources) == NULL;
    *latency = fits ? d->latency : INT64_MAX;
    pta_design_destroy(ctx, &d);
    return PTA_OK;
}

/* Columns first, so that the input is used as it comes, then in turns, so that
 * each pair of layers overlaps; after that, whatever else is better. */
static pta_status choose_orders(pta_ctx *ctx, const pta_slice *slice,
                                const pta_budget *budget, pta_fold *folds)
{
    int64_t best, latency;
    PTA_TRY(weigh(ctx, slice, budget, folds, &best));
    for (int32_t i = 0; i < slice->n_steps; i++) {
        pta_fold_order was = folds[i].order;
        folds[i].order =
            was == PTA_FOLD_ROWS ? PTA_FOLD_COLUMNS : PTA_FOLD_ROWS;
        PTA_TRY(weigh(ctx, slice, budget, folds, &latency));
        if (latency < best) {
            best = latency;
        } else {
            folds[i].order = was;
        }
    }
    return PTA_OK;
}

static pta_status choose_shape(pta_ctx *ctx, const pta_slice *slice,
                               const pta_budget *budget, pta_fold_memory memory,
                               const shape *shapes, int32_t n, pta_fold *folds)
{
    int64_t best = INT64_MAX, latency;
    const shape *found = NULL;
    for (int32_t i = 0; i < n && shapes[i].steps < best; i++) {
        set_shape(slice, &shapes[i], memory, folds);
        PTA_TRY(weigh(ctx, slice, budget, folds, &latency));
        if (latency < best) {
            best = latency;
            found = &shapes[i];
        }
    }
    if (found == NULL) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "engine: reused: no array of multipliers fits the "
                        "budget of %lld DSP, %lld BRAM18, %lld LUT",
                        (long long)budget->dsp, (long long)budget->bram18,
                        (long long)budget->lut);
    }
    set_shape(slice, found, memory, folds);
    return PTA_OK;
}

pta_status pta_engine_choose(pta_ctx *ctx, const pta_slice *slice,
                             const pta_budget *budget, pta_fold *folds)
{
    pta_fold_memory memory = PTA_MEMORY_BLOCK;
    shape planned = {.pe = 0}, *shapes;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_fold *f = &slice->steps[i].fold;
        folds[i] =
            (pta_fold){.order = i % 2 == 0 ? PTA_FOLD_COLUMNS : PTA_FOLD_ROWS};
        if (f->pe > 0) {
            planned = (shape){f->pe, f->simd, f->chain, 0, 0};
            memory = f->memory;
        }
    }
    if (slice->n_steps == 0 || slice->n_inputs == 0 || planned.pe > 0) {
        set_shape(slice, &planned, memory, folds);
        return planned.pe > 0 ? choose_orders(ctx, slice, NULL, folds) : PTA_OK;
    }
    PTA_TRY_ALLOC(ctx, shapes, SIMD_MAX * SIMD_MAX);
    int32_t n = list_shapes(slice, budget->dsp, shapes);
    pta_status status =
        choose_shape(ctx, slice, budget, memory, shapes, n, folds);
    pta_free(ctx, shapes);
    return status == PTA_OK ? choose_orders(ctx, slice, budget, folds) : status;
}
