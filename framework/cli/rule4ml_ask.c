/* A set of rule4ml's estimators, run by the `float` reference. */
#include "cli/rule4ml_ask.h"

#include <math.h>

#include "runtime/reference.h"

typedef struct member {
    pta_rule4ml *estimator;   /* owned; NULL: not in the set */
    pta_reference *reference; /* owned */
    float *inputs[3];         /* owned */
} member;

struct pta_rule4ml_set {
    member of[PTA_R4_COUNT];
};

const char *pta_rule4ml_target_name(pta_rule4ml_target target)
{
    static const char *const names[PTA_R4_COUNT] = {
        "BRAM", "DSP", "FF", "LUT", "CYCLES", "INTERVAL"};
    return names[target];
}

static pta_status open_member(pta_ctx *ctx, const char *folder,
                              pta_rule4ml_target target, member *m)
{
    pta_status status = pta_rule4ml_open(
        ctx, folder, pta_rule4ml_target_name(target), &m->estimator);
    if (status == PTA_ERR_NOT_FOUND && target == PTA_R4_INTERVAL) {
        pta_ctx_clear_error(ctx);
        return PTA_OK;
    }
    PTA_TRY(status);
    const pta_graph *graph = pta_rule4ml_graph(m->estimator);
    for (int32_t i = 0; i < 3; i++) {
        PTA_TRY_ALLOC(ctx, m->inputs[i], graph->nodes[graph->inputs[i]].view.c);
    }
    return pta_reference_open(ctx, graph, pta_rule4ml_weights(m->estimator),
                              NULL, 1, &m->reference);
}

static pta_status open_members(pta_ctx *ctx, const char *dir,
                               pta_rule4ml_set *set)
{
    char *folder;
    PTA_TRY(pta_rule4ml_folder(ctx, dir, &folder));
    pta_status status = PTA_OK;
    for (int t = 0; t < PTA_R4_COUNT && status == PTA_OK; t++) {
        status = open_member(ctx, folder, (pta_rule4ml_target)t, &set->of[t]);
    }
    pta_free(ctx, folder);
    return status;
}

pta_status pta_rule4ml_set_open(pta_ctx *ctx, const char *dir,
                                pta_rule4ml_set **out)
{
    pta_rule4ml_set *set;
    PTA_TRY_ALLOC(ctx, set, 1);
    pta_status status = open_members(ctx, dir, set);
    if (status != PTA_OK) {
        pta_rule4ml_set_close(ctx, &set);
        return status;
    }
    *out = set;
    return PTA_OK;
}

void pta_rule4ml_set_close(pta_ctx *ctx, pta_rule4ml_set **set)
{
    if (*set == NULL) {
        return;
    }
    for (int t = 0; t < PTA_R4_COUNT; t++) {
        member *m = &(*set)->of[t];
        pta_reference_close(ctx, &m->reference);
        for (int i = 0; i < 3; i++) {
            pta_free(ctx, m->inputs[i]);
        }
        pta_rule4ml_close(ctx, &m->estimator);
    }
    pta_free(ctx, *set);
    *set = NULL;
}

bool pta_rule4ml_set_has(const pta_rule4ml_set *set, pta_rule4ml_target target)
{
    return set->of[target].estimator != NULL;
}

pta_status pta_rule4ml_ask(pta_rule4ml_set *set, pta_ctx *ctx,
                           const pta_rule4ml_query *query,
                           double out[PTA_R4_COUNT])
{
    for (int t = 0; t < PTA_R4_COUNT; t++) {
        member *m = &set->of[t];
        double factor;
        float value = 0;
        void *outputs[1] = {&value};
        out[t] = (double)NAN;
        if (m->estimator == NULL) {
            continue;
        }
        PTA_TRY(
            pta_rule4ml_encode(m->estimator, ctx, query, m->inputs, &factor));
        PTA_TRY(pta_reference_run(m->reference, ctx,
                                  (const void *const *)m->inputs, outputs, 1,
                                  NULL, NULL));
        out[t] = factor * (double)value;
    }
    return PTA_OK;
}
