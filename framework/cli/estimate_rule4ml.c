/*
 * Each step is asked about as a network of its own: input, the layer, its ReLU.
 * rule4ml was trained on whole networks of 2 to 20 dense layers of up to 4,096
 * parameters, at reuse factors that hls4ml takes for a layer; of those at most
 * REUSES are asked about, evenly spread by their logarithm.
 */
#include "cli/estimate_rule4ml.h"

#include <math.h>

#include "cli/rule4ml_ask.h"
#include "partition/estimate_hls4ml.h"

#define REUSES 24
#define BOARD  "pynq-z2"

/* What a layer is to rule4ml, and its foldings. */
typedef struct entry {
    struct entry *next;
    int64_t n_in, n_out;
    int32_t bits;
    bool has_relu;
    pta_foldings list; /* owned */
} entry;

typedef struct rule4ml {
    pta_estimator base;
    pta_ctx *ctx;
    pta_rule4ml_set *set; /* owned */
    entry *entries;       /* owned; layers seen */
} rule4ml;

/* Valid reuse factors of a layer, thinned out. */
static int32_t list_reuses(int64_t n_in, int64_t n_out, int64_t out[REUSES])
{
    double most = log((double)(n_in * n_out)), last = -1;
    int32_t n = 0;
    for (int64_t reuse = 1; reuse <= n_in * n_out && n < REUSES; reuse++) {
        double at = most > 0 ? log((double)reuse) / most : 0;
        if (pta_hls4ml_reuse_valid(n_in, n_out, reuse) &&
            at >= last + 1.0 / REUSES) {
            out[n++] = reuse;
            last = at;
        }
    }
    return n;
}

static int64_t count(double value)
{
    return value > 0 ? (int64_t)ceil(value) : 0; /* NAN: 0 */
}

static pta_status ask(rule4ml *r, const entry *e, int64_t reuse,
                      pta_folding *out)
{
    int64_t parameters = (e->n_in + 1) * e->n_out;
    pta_rule4ml_layer layers[] = {
        {"", e->n_in, e->n_in, 0, reuse},
        {"dense", e->n_in, e->n_out, parameters, reuse},
        {"relu", e->n_out, e->n_out, 0, reuse}};
    pta_rule4ml_query query = {.strategy = reuse == 1 ? "latency" : "resource",
                               .board = BOARD,
                               .bits = e->bits,
                               .n_layers = e->has_relu ? 3 : 2,
                               .layers = layers};
    double said[PTA_R4_COUNT];
    PTA_TRY(pta_rule4ml_ask(r->set, r->ctx, &query, said));
    int64_t interval = pta_rule4ml_set_has(r->set, PTA_R4_INTERVAL)
                           ? count(said[PTA_R4_INTERVAL])
                           : reuse;
    int64_t multipliers = (e->n_in * e->n_out + reuse - 1) / reuse;
    int32_t pe = multipliers < INT32_MAX ? (int32_t)multipliers : INT32_MAX;
    *out = (pta_folding){.fold = {.pe = pe, .simd = 1},
                         .interval = interval > 0 ? interval : 1,
                         .fill = count(said[PTA_R4_CYCLES]),
                         .resources = {.lut = count(said[PTA_R4_LUT]),
                                       .ff = count(said[PTA_R4_FF]),
                                       .dsp = count(said[PTA_R4_DSP]),
                                       .bram18 = count(said[PTA_R4_BRAM])}};
    return PTA_OK;
}

static pta_status fill(rule4ml *r, entry *e)
{
    int64_t reuses[REUSES];
    int32_t n = list_reuses(e->n_in, e->n_out, reuses);
    for (int32_t i = 0; i < n; i++) {
        pta_folding folding;
        PTA_TRY(ask(r, e, reuses[i], &folding));
        PTA_TRY(pta_foldings_add(r->ctx, &e->list, &folding));
    }
    pta_foldings_prune(&e->list);
    return PTA_OK;
}

/* The layer's entry; asked about when it is seen first. */
static pta_status find(rule4ml *r, const entry *like, entry **out)
{
    for (entry *e = r->entries; e != NULL; e = e->next) {
        if (e->n_in == like->n_in && e->n_out == like->n_out &&
            e->bits == like->bits && e->has_relu == like->has_relu) {
            *out = e;
            return PTA_OK;
        }
    }
    PTA_TRY_ALLOC(r->ctx, *out, 1);
    **out = *like;
    (*out)->next = r->entries;
    r->entries = *out;
    pta_status status = fill(r, *out);
    if (status != PTA_OK) {
        r->entries = (*out)->next;
        pta_foldings_free(r->ctx, &(*out)->list);
        pta_free(r->ctx, *out);
    }
    return status;
}

static pta_status rule4ml_foldings(pta_estimator *self, pta_ctx *ctx,
                                   const pta_slice *slice, int32_t step,
                                   pta_foldings *out)
{
    const pta_step *s = &slice->steps[step];
    entry *e;
    if (s->op != PTA_STEP_DENSE) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer %s: rule4ml's MLPs know dense networks only",
                        s->name);
    }
    entry like = {.n_in = pta_view_count(slice->values[s->in[0]].view),
                  .n_out = pta_view_count(slice->values[s->out].view),
                  .bits = s->weights.format.width,
                  .has_relu = s->act != PTA_ACT_NONE};
    PTA_TRY(find(self->state, &like, &e));
    for (int32_t i = 0; i < e->list.n; i++) {
        PTA_TRY(pta_foldings_add(ctx, out, &e->list.at[i]));
    }
    return PTA_OK;
}

pta_status pta_estimate_rule4ml_create(pta_ctx *ctx, const char *dir,
                                       pta_estimator **out)
{
    rule4ml *r;
    PTA_TRY_ALLOC(ctx, r, 1);
    r->ctx = ctx;
    pta_status status = pta_rule4ml_set_open(ctx, dir, &r->set);
    if (status != PTA_OK) {
        pta_free(ctx, r);
        return status;
    }
    r->base = (pta_estimator){
        .name = "rule4ml",
        .describes = "hls4ml, as rule4ml's networks predict Vivado's C "
                     "synthesis, each layer alone",
        .error = "its authors report a sMAPE of 10 to 30 % on whole networks "
                 "like those it was trained on (2 to 20 dense layers of up to "
                 "4,096 parameters); beyond them unknown",
        .foldings = rule4ml_foldings,
        .state = r};
    *out = &r->base;
    return PTA_OK;
}

void pta_estimate_rule4ml_destroy(pta_ctx *ctx, pta_estimator **estimator)
{
    if (*estimator != NULL) {
        rule4ml *r = (*estimator)->state;
        for (entry *e = r->entries, *next; e != NULL; e = next) {
            next = e->next;
            pta_foldings_free(ctx, &e->list);
            pta_free(ctx, e);
        }
        pta_rule4ml_set_close(ctx, &r->set);
        pta_free(ctx, r);
        *estimator = NULL;
    }
}
