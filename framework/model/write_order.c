/*
 * The order in which Keras lists the layers of a functional model. Loading takes
 * weights by that order, not by name: layers farthest from the outputs first,
 * equally far ones as a walk back from the outputs meets them.
 */
#include <string.h>

#include "model/write_priv.h"

typedef struct walk {
    const json_t *layers;
    int32_t n_met, n_left;
    int32_t *met;   /* [n] when a layer was met first, -1: never */
    int32_t *left;  /* [n] layers, in the order the walk left them */
    int32_t *depth; /* [n] longest way to an output */
} walk;

static int32_t find(const walk *w, const char *name)
{
    size_t i;
    json_t *layer;
    json_array_foreach((json_t *)(uintptr_t)w->layers, i, layer)
    {
        if (strcmp(json_string_value(json_object_get(layer, "name")), name) ==
            0) {
            return (int32_t)i;
        }
    }
    PTA_ASSERT(false);
}

/* Inputs of the one call of a layer. */
static const json_t *inputs_of(const walk *w, int32_t layer)
{
    const json_t *item = json_array_get(w->layers, (size_t)layer);
    return json_array_get(json_object_get(item, "inbound_nodes"), 0);
}

static int32_t input(const walk *w, const json_t *inputs, size_t k)
{
    return find(
        w, json_string_value(json_array_get(json_array_get(inputs, k), 0)));
}

static void visit(walk *w, int32_t layer)
{
    const json_t *inputs = inputs_of(w, layer);
    if (w->met[layer] >= 0) {
        return;
    }
    w->met[layer] = w->n_met++;
    for (size_t k = 0; k < json_array_size(inputs); k++) {
        visit(w, input(w, inputs, k));
    }
    w->left[w->n_left++] = layer;
}

static void measure(walk *w)
{
    for (int32_t i = w->n_left - 1; i >= 0; i--) {
        const json_t *inputs = inputs_of(w, w->left[i]);
        int32_t depth = w->depth[w->left[i]] + 1;
        for (size_t k = 0; k < json_array_size(inputs); k++) {
            int32_t from = input(w, inputs, k);
            w->depth[from] = depth > w->depth[from] ? depth : w->depth[from];
        }
    }
}

static bool before(const walk *w, int32_t a, int32_t b)
{
    return w->depth[a] != w->depth[b] ? w->depth[a] > w->depth[b]
                                      : w->met[a] < w->met[b];
}

static void sort(const walk *w, int32_t n, int32_t *order)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        for (; at > 0 && before(w, i, order[at - 1]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

pta_status pta_write_order(pta_ctx *ctx, const json_t *layers,
                           const json_t *outputs, int32_t *order)
{
    int32_t n = (int32_t)json_array_size(layers), *room;
    PTA_TRY_ALLOC(ctx, room, 3 * n);
    walk w = {
        .layers = layers, .met = room, .left = room + n, .depth = room + 2 * n};
    for (int32_t i = 0; i < n; i++) {
        w.met[i] = -1;
    }
    for (size_t k = 0; k < json_array_size(outputs); k++) {
        visit(&w, input(&w, outputs, k));
    }
    measure(&w);
    sort(&w, n, order);
    pta_free(ctx, room);
    return PTA_OK;
}
