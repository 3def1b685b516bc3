/*
 * Features as rule4ml 0.2 computes them (its get_global_inputs): a mean is over
 * the layers of a kind, an index counts all layers from 1, and what a kind does
 * not have is 0, as are filters, kernel sizes and strides always.
 */
#include <string.h>

#include "model/rule4ml_priv.h"

typedef enum stat { MEAN, MIN_AT, MAX_AT, MIN, MAX, COUNT } stat;

/* As labels end; longer ones first where one ends another. */
static const char *const endings[] = {
    [MEAN] = "_mean", [MIN_AT] = "_min_idx", [MAX_AT] = "_max_idx",
    [MIN] = "_min",   [MAX] = "_max",        [COUNT] = "_count"};

/* A label in parts: "dense", "inputs", MEAN. */
typedef struct label {
    char kind[32], quantity[32]; /* COUNT: no quantity */
    stat stat;
} label;

static bool split_label(const char *text, label *out)
{
    size_t length = strlen(text), kind = strcspn(text, "_");
    *out = (label){.stat = MEAN};
    if (kind >= sizeof out->kind) {
        return false;
    }
    memcpy(out->kind, text, kind);
    for (int i = MEAN; i <= COUNT; i++) {
        size_t n = strlen(endings[i]);
        if (length < kind + n || strcmp(text + length - n, endings[i]) != 0) {
            continue;
        }
        size_t middle = length - kind - n; /* "_inputs" */
        out->stat = (stat)i;
        if (middle > 1 && middle <= sizeof out->quantity) {
            memcpy(out->quantity, text + kind + 1, middle - 1);
        }
        return (out->quantity[0] == '\0') == (i == COUNT);
    }
    return false;
}

/* 0 for a quantity that is never filled. */
static double quantity_of(const pta_rule4ml_layer *layer, const char *name)
{
    static const char *const names[] = {"inputs", "outputs", "parameters",
                                        "reuse"};
    const int64_t values[] = {layer->inputs, layer->outputs, layer->parameters,
                              layer->reuse};
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (double)values[i];
        }
    }
    return 0;
}

static double mean_reuse(const pta_rule4ml_query *query)
{
    double sum = 0;
    for (int32_t i = 0; i < query->n_layers; i++) {
        sum += (double)query->layers[i].reuse;
    }
    return query->n_layers > 0 ? sum / query->n_layers : 0;
}

static double value_of(const pta_rule4ml_query *query, const label *l)
{
    double sum = 0, least = 0, most = 0;
    int32_t n = 0, at_least = 0, at_most = 0;
    for (int32_t i = 0; i < query->n_layers; i++) {
        const pta_rule4ml_layer *layer = &query->layers[i];
        if (strcmp(layer->kind, l->kind) != 0) {
            continue;
        }
        double value = quantity_of(layer, l->quantity);
        if (n == 0 || value < least) {
            least = value;
            at_least = i + 1;
        }
        if (n == 0 || value > most) {
            most = value;
            at_most = i + 1;
        }
        sum += value;
        n++;
    }
    switch (l->stat) {
    case MEAN:
        return n > 0 ? sum / n : 0;
    case MIN_AT:
        return at_least;
    case MAX_AT:
        return at_most;
    case MIN:
        return least;
    case MAX:
        return most;
    case COUNT:
        return n;
    }
    return 0;
}

pta_status pta_rule4ml_feature(pta_ctx *ctx, const char *text,
                               const pta_rule4ml_query *query, double *value)
{
    label l;
    if (strcmp(text, "bit_width") == 0) {
        *value = query->bits;
        return PTA_OK;
    }
    if (strcmp(text, "reuse_mean") == 0) {
        *value = mean_reuse(query);
        return PTA_OK;
    }
    if (!split_label(text, &l)) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "rule4ml: feature \"%s\" is not known", text);
    }
    *value = value_of(query, &l);
    return PTA_OK;
}
