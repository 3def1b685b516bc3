/*
 * A step alone is a slice of one step, whose design says what it takes; the
 * shell is counted once for a board. Of all foldings only those are built that
 * no other beats in cycles, DSPs, BRAMs and (roughly) LUTs by formula; one of
 * them is timed, and the others differ from it by their steps.
 */
#include "partition/analytic.h"

#include <string.h>

#include "plan/step_cost.h"

#define LANES_MAX     512 /* products a cycle: two for each DSP of a xc7z020 */
#define LUT_WORDS_MAX 512 /* beyond, weights in LUTs are never the better */

/* What the cost of a step depends on; zero where it does not apply. */
typedef struct key {
    int64_t of[48];
} key;

typedef struct entry {
    struct entry *next;
    key key;
    pta_status status;
    pta_foldings list;
    char error[160];
} entry;

#define N_BUCKETS 1021

typedef struct analytic {
    pta_estimator base;
    pta_ctx *ctx;
    entry *buckets[N_BUCKETS];
} analytic;

/* ---- keys ---- */

static void put(key *k, int32_t *n, int64_t value)
{
    PTA_ASSERT(*n < (int32_t)(sizeof k->of / sizeof *k->of));
    k->of[(*n)++] = value;
}

static void put_value(key *k, int32_t *n, const pta_value *v)
{
    put(k, n, v->view.h);
    put(k, n, v->view.w);
    put(k, n, v->view.c);
    put(k, n, v->format.width);
    put(k, n, v->format.integer);
    put(k, n, v->format.is_signed + 2 * v->partial);
    put(k, n, v->dtype);
}

static key key_of(const pta_slice *slice, const pta_step *s)
{
    key k;
    int32_t n = 0;
    memset(&k, 0, sizeof k);
    put(&k, &n, s->op);
    put(&k, &n, s->partial);
    put(&k, &n, s->act);
    put(&k, &n, s->act_max_raw);
    put(&k, &n, s->acc_bits);
    put(&k, &n, s->acc_frac);
    put(&k, &n, s->weighted ? s->weights.format.width : 0);
    put(&k, &n, s->weighted ? s->weights.format.integer : 0);
    put(&k, &n, s->n_in);
    put(&k, &n, s->axis + 4 * s->perm[0] + 16 * s->perm[1]);
    put(&k, &n, s->op == PTA_STEP_CROP ? s->crop_h * 65536LL + s->crop_c : 0);
    put_value(&k, &n, &slice->values[s->out]);
    for (int32_t i = 0; i < s->n_in && i < 2; i++) {
        put_value(&k, &n, &slice->values[s->in[i]]);
    }
    const pta_window *w = &s->window;
    const int32_t window[10] = {
        w->kh,         w->kw,    w->stride_h, w->stride_w, w->dilation_h,
        w->dilation_w, w->pad_t, w->pad_b,    w->pad_l,    w->pad_r};
    for (int32_t i = 0; i < 10; i++) {
        put(&k, &n, window[i]);
    }
    return k;
}

/* ---- foldings ---- */

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

/* By formula alone; `fill` is a count of LUTs, the last thing to save. */
static pta_status quick(const analytic *a, const pta_slice *one, pta_fold fold,
                        pta_foldings *list)
{
    pta_folding f = {.fold = fold};
    pta_resources r =
        pta_step_quick_cost(one, &one->steps[0], &fold, &f.interval);
    f.resources.dsp = r.dsp;
    f.resources.bram18 = r.bram18;
    f.resources.lut = r.lut / 1024; /* little differences do not matter */
    return pta_foldings_add(a->ctx, list, &f);
}

/* Least pe for each number of groups of outputs, likewise simd. Few words fit
 * LUTs; of more, block RAM takes less. */
static pta_status all_foldings(const analytic *a, const pta_slice *one,
                               int32_t outputs, int32_t inputs,
                               pta_foldings *list)
{
    const pta_step *s = &one->steps[0];
    bool matrix = s->op == PTA_STEP_DENSE || s->op == PTA_STEP_CONV;
    for (int32_t pe = 1; pe <= outputs && pe <= LANES_MAX; pe++) {
        int32_t groups = ceil_div(outputs, pe);
        for (int32_t simd = 1;
             simd <= (matrix ? inputs : 1) && pe * simd <= LANES_MAX &&
             ceil_div(outputs, groups) == pe;
             simd++) {
            int32_t columns = ceil_div(inputs, simd);
            if (matrix && ceil_div(inputs, columns) != simd) {
                continue;
            }
            pta_fold fold = {.pe = pe, .simd = simd};
            if ((int64_t)groups * columns <= LUT_WORDS_MAX) {
                PTA_TRY(quick(a, one, fold, list));
            }
            fold.memory = PTA_MEMORY_BLOCK;
            PTA_TRY(quick(a, one, fold, list));
        }
    }
    pta_foldings_prune(list);
    return PTA_OK;
}

/* What a step adds to a sample's way: a dense layer its steps after the last
 * input; an image the time until the first position can be made, while the
 * cycles it takes in all are a span that neighbours share. */
static void set_times(const analytic *a, const pta_step *s,
                      const pta_step_cost *timed, int64_t timed_cycles,
                      pta_folding *f)
{
    bool image = s->op == PTA_STEP_CONV || s->op == PTA_STEP_DWCONV ||
                 s->op == PTA_STEP_MAXPOOL || s->op == PTA_STEP_AVGPOOL;
    int64_t span = image ? timed->interval : timed->words_in;
    int64_t fill = timed->latency - span - a->base.shell_latency;
    if (!image) {
        fill += f->interval - timed_cycles;
    }
    f->fill = fill > 1 ? fill : 1;
    f->span = image ? f->interval : timed->words_in;
}

static pta_status count_all(const analytic *a, const pta_slice *one,
                            pta_foldings *list)
{
    pta_step_cost timed, cost;
    int32_t quickest = 0; /* timing it takes the least */
    for (int32_t i = 1; i < list->n; i++) {
        if (list->at[i].interval < list->at[quickest].interval) {
            quickest = i;
        }
    }
    PTA_TRY(pta_step_full_cost(a->ctx, one, &list->at[quickest].fold, true,
                               &timed));
    for (int32_t i = 0; i < list->n; i++) {
        pta_folding *f = &list->at[i];
        PTA_TRY(pta_step_full_cost(a->ctx, one, &f->fold, false, &cost));
        f->interval = i == quickest ? timed.interval : cost.interval;
        f->resources = i == quickest ? timed.resources : cost.resources;
        set_times(a, &one->steps[0], &timed, timed.interval, f);
    }
    return PTA_OK;
}

static pta_status fill_list(const analytic *a, const pta_slice *one,
                            pta_foldings *list)
{
    int32_t outputs, inputs;
    if (pta_step_folds(one, &one->steps[0], &outputs, &inputs)) {
        PTA_TRY(all_foldings(a, one, outputs, inputs, list));
    } else {
        pta_folding f = {.fold = {.pe = 1, .simd = 1}};
        PTA_TRY(pta_foldings_add(a->ctx, list, &f));
    }
    PTA_TRY(count_all(a, one, list));
    pta_foldings_prune(list);
    return PTA_OK;
}

/* The step as a slice of its own; values stay the whole slice's, but no alias
 * leads out of it. */
static pta_status count_step(const analytic *a, const pta_slice *slice,
                             int32_t step, pta_foldings *list)
{
    pta_slice one = *slice;
    pta_step alone = slice->steps[step];
    pta_value *values;
    int32_t out = alone.out;
    PTA_TRY_ALLOC(a->ctx, values, slice->n_values);
    memcpy(values, slice->values, (size_t)slice->n_values * sizeof *values);
    for (int32_t i = 0; i < slice->n_values; i++) {
        values[i].alias_of = -1;
    }
    one.values = values;
    one.n_steps = 1;
    one.steps = &alone;
    one.inputs = alone.in;
    one.n_inputs = alone.n_in;
    if (alone.n_in == 2 && alone.in[0] == alone.in[1]) {
        one.n_inputs = 1;
    }
    one.outputs = &out;
    one.n_outputs = 1;
    one.n_joins = 0;
    one.engine = PTA_ENGINE_STREAMING;
    pta_status status = fill_list(a, &one, list);
    pta_free(a->ctx, values);
    return status;
}

/* ---- kept lists ---- */

static uint32_t bucket_of(const key *k)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof k->of / sizeof *k->of; i++) {
        h = (h ^ (uint64_t)k->of[i]) * UINT64_C(1099511628211);
    }
    return (uint32_t)((h ^ (h >> 32)) % N_BUCKETS);
}

static pta_status make_entry(analytic *a, const pta_slice *slice, int32_t step,
                             const key *k, entry **out)
{
    entry *e;
    PTA_TRY_ALLOC(a->ctx, e, 1);
    e->key = *k;
    e->status = count_step(a, slice, step, &e->list);
    if (e->status != PTA_OK) {
        strncpy(e->error, pta_ctx_error(a->ctx), sizeof e->error - 1);
        pta_foldings_free(a->ctx, &e->list);
    }
    uint32_t b = bucket_of(k);
    e->next = a->buckets[b];
    a->buckets[b] = e;
    *out = e;
    return PTA_OK;
}

static pta_status analytic_foldings(pta_estimator *self, pta_ctx *ctx,
                                    const pta_slice *slice, int32_t step,
                                    pta_foldings *out)
{
    analytic *a = self->state;
    key k = key_of(slice, &slice->steps[step]);
    entry *e = a->buckets[bucket_of(&k)];
    while (e != NULL && memcmp(&e->key, &k, sizeof k) != 0) {
        e = e->next;
    }
    if (e == NULL) {
        PTA_TRY(make_entry(a, slice, step, &k, &e));
    }
    if (e->status != PTA_OK) {
        return pta_fail(ctx, e->status, "%s", e->error);
    }
    for (int32_t i = 0; i < e->list.n; i++) {
        PTA_TRY(pta_foldings_add(ctx, out, &e->list.at[i]));
    }
    return PTA_OK;
}

pta_status pta_analytic_create(pta_ctx *ctx, pta_estimator **out)
{
    analytic *a;
    PTA_TRY_ALLOC(ctx, a, 1);
    a->ctx = ctx;
    a->base = (pta_estimator){
        .name = "analytic",
        .describes = "our own blocks, after synthesis by Yosys",
        .error = "DSP and BRAM by formula; LUT and FF fitted (docs/blocks.md)",
        /* pta_shell_in, pta_shell_out, pta_regs (plan/count.c) */
        .shell = {.lut = 804, .ff = 1040},
        .shell_latency = 6,
        .products_per_dsp = 2,
        .bits_per_bram18 = 18432,
        .bits_per_lut = 64,
        .foldings = analytic_foldings,
        .state = a};
    *out = &a->base;
    return PTA_OK;
}

void pta_analytic_destroy(pta_ctx *ctx, pta_estimator **estimator)
{
    if (*estimator == NULL) {
        return;
    }
    analytic *a = (*estimator)->state;
    for (int32_t i = 0; i < N_BUCKETS; i++) {
        for (entry *e = a->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            pta_foldings_free(ctx, &e->list);
            pta_free(ctx, e);
        }
    }
    pta_free(ctx, a);
    *estimator = NULL;
}
