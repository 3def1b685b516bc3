/*
 * The keys of a plan that hardware alone looks at: foldings of layers, engines
 * of stages. All may be left out, and then are not written either.
 */
#include <stdio.h>
#include <string.h>

#include "plan/plan_fold_priv.h"

static const char *const orders[] = {"rows", "columns"};
static const char *const memories[] = {"lut", "block", "ram"};
static const char *const engines[] = {"streaming", "reused"};

#define COUNT(names) ((int)(sizeof(names) / sizeof *(names)))

bool pta_node_folds(const pta_node *node)
{
    return pta_node_weighted(node);
}

/* Dense layers and convolutions have inputs to take several of. */
static bool has_simd(const pta_node *node)
{
    return node->op == PTA_OP_DENSE || node->op == PTA_OP_CONV;
}

/* A member that is one of some names; `value` stays when it is left out. */
static pta_status read_name(pta_ctx *ctx, const json_t *object,
                            const char *where, const char *key,
                            const char *const *names, int n, int *value)
{
    const char *name;
    char expected[64] = "";
    if (json_object_get(object, key) == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_string(ctx, object, where, key, &name));
    for (int i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            *value = i;
            return PTA_OK;
        }
        strcat(expected, i > 0 ? " or " : "");
        strcat(expected, names[i]);
    }
    return pta_fail(ctx, PTA_ERR_FORMAT,
                    "%s: key \"%s\" is \"%s\"; expected %s", where, key, name,
                    expected);
}

pta_status pta_fold_read(pta_ctx *ctx, const json_t *layer, const char *where,
                         const pta_node *node, pta_fold *out)
{
    static const char *const keys[] = {"pe",     "simd",  "order",
                                       "memory", "chain", NULL};
    json_t *object;
    int64_t pe, simd = 1, chain = 0;
    int order = PTA_FOLD_ROWS, memory = PTA_MEMORY_BLOCK;
    char place[400];
    if (json_object_get(layer, "fold") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_object(ctx, layer, where, "fold", &object));
    snprintf(place, sizeof place, "%.380s.fold", where);
    if (!pta_node_folds(node)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: %s has no multipliers to fold", place,
                        pta_op_name(node->op));
    }
    PTA_TRY(pta_json_only(ctx, object, place, keys));
    PTA_TRY(pta_json_int(ctx, object, place, "pe", 1, INT32_MAX, &pe));
    if (has_simd(node) || json_object_get(object, "simd") != NULL) {
        PTA_TRY(pta_json_int(ctx, object, place, "simd", 1,
                             has_simd(node) ? INT32_MAX : 1, &simd));
    }
    PTA_TRY(
        read_name(ctx, object, place, "order", orders, COUNT(orders), &order));
    PTA_TRY(read_name(ctx, object, place, "memory", memories, COUNT(memories),
                      &memory));
    if (json_object_get(object, "chain") != NULL) {
        PTA_TRY(pta_json_int(ctx, object, place, "chain", 1, 4, &chain));
    }
    *out = (pta_fold){(int32_t)pe, (int32_t)simd, (pta_fold_order)order,
                      (pta_fold_memory)memory, (int32_t)chain};
    return PTA_OK;
}

void pta_fold_print(const pta_fold *fold, char text[PTA_FOLD_TEXT])
{
    int n = snprintf(text, PTA_FOLD_TEXT,
                     "{\"pe\": %d, \"simd\": %d, \"order\": \"%s\", "
                     "\"memory\": \"%s\"",
                     (int)fold->pe, (int)fold->simd, orders[fold->order],
                     memories[fold->memory]);
    if (fold->chain > 0) {
        n += snprintf(text + n, PTA_FOLD_TEXT - (size_t)n, ", \"chain\": %d",
                      (int)fold->chain);
    }
    snprintf(text + n, PTA_FOLD_TEXT - (size_t)n, "}");
}

pta_status pta_engine_read(pta_ctx *ctx, const json_t *stage, const char *where,
                           pta_engine *out)
{
    int engine = PTA_ENGINE_STREAMING;
    PTA_TRY(read_name(ctx, stage, where, "engine", engines, COUNT(engines),
                      &engine));
    *out = (pta_engine)engine;
    return PTA_OK;
}

const char *pta_engine_name(pta_engine engine)
{
    return engines[engine];
}

pta_status pta_fold_check(pta_ctx *ctx, const pta_node *node,
                          const pta_fold *fold)
{
    if (fold->pe == 0 && fold->simd == 0) {
        return PTA_OK;
    }
    if (!pta_node_folds(node)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "layer '%s': %s has no multipliers to fold", node->name,
                        pta_op_name(node->op));
    }
    bool simd = fold->simd >= 1 && (has_simd(node) || fold->simd == 1);
    return fold->pe >= 1 && simd
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_RANGE,
                          "layer '%s': fold with pe %d, simd %d; expected 1 "
                          "and more%s",
                          node->name, (int)fold->pe, (int)fold->simd,
                          has_simd(node) ? "" : ", simd 1");
}
