/*
 * Weights of a Keras file: model_weights/LAYER/LAYER/ROLE:0, float32, with the
 * lists of names by which Keras finds them.
 */
#include <stdio.h>
#include <string.h>

#include "model/write_priv.h"

#define ROOT      "model_weights"
#define ROLES_MAX 4

/* The datasets of one layer so far. */
typedef struct group {
    const pta_writer *w;
    pta_h5 *file;
    const char *layer;
    int32_t n;
    char names[ROLES_MAX][PTA_LAYER_NAME + 32];
} group;

static pta_status add_floats(group *g, const char *role, int32_t rank,
                             const int64_t *dim, const float *values)
{
    char path[2 * PTA_LAYER_NAME + 64];
    char *name = g->names[g->n++];
    snprintf(name, sizeof g->names[0], "%s/%s:0", g->layer, role);
    snprintf(path, sizeof path, ROOT "/%s/%s", g->layer, name);
    return pta_h5_write_f32(g->w->ctx, g->file, path, rank, dim, values);
}

static pta_status add_part(group *g, int32_t node, pta_weight_role role,
                           const char *name, int32_t rank, const int64_t *dim)
{
    pta_ctx *ctx = g->w->ctx;
    pta_weight_part part = pta_weight_whole(g->w->graph, node, role);
    int64_t n = pta_weight_count(g->w->graph, node, role, part);
    double *values;
    float *floats;
    PTA_TRY_ALLOC(ctx, values, n);
    floats = pta_calloc(ctx, (size_t)n, sizeof *floats);
    pta_status status =
        floats == NULL
            ? PTA_ERR_NOMEM
            : g->w->weights->read(g->w->weights, ctx, node, role, part, values);
    for (int64_t i = 0; i < n && status == PTA_OK; i++) {
        floats[i] = (float)values[i];
    }
    if (status == PTA_OK) {
        status = add_floats(g, name, rank, dim, floats);
    }
    pta_free(ctx, values);
    pta_free(ctx, floats);
    return status;
}

/* Of a convolution the axes that its class has. */
static pta_status add_kernel(group *g, int32_t index)
{
    const pta_node *node = &g->w->graph->nodes[index];
    const pta_node *in = &g->w->graph->nodes[node->in[0]];
    int64_t kh = node->window.kh, kw = node->window.kw;
    if (node->op == PTA_OP_DENSE) {
        int64_t dim[] = {pta_view_count(in->view), node->view.c};
        return add_part(g, index, PTA_WEIGHT_KERNEL, "kernel", 2, dim);
    }
    if (node->op == PTA_OP_DWCONV) {
        int64_t dim[] = {kh, kw, in->view.c, node->view.c / in->view.c};
        return add_part(g, index, PTA_WEIGHT_KERNEL, "depthwise_kernel", 4,
                        dim);
    }
    bool one = node->shape.rank == 2 && in->shape.rank == 2 &&
               node->view.w == 1 && in->view.w == 1;
    int64_t two[] = {kh, kw, in->view.c, node->view.c};
    int64_t flat[] = {kh, in->view.c, node->view.c};
    return add_part(g, index, PTA_WEIGHT_KERNEL, "kernel", one ? 3 : 4,
                    one ? flat : two);
}

static pta_status add_norm(group *g, int32_t node)
{
    int64_t c = g->w->graph->nodes[node].view.c;
    PTA_TRY(add_part(g, node, PTA_WEIGHT_SCALE, "gamma", 1, &c));
    PTA_TRY(add_part(g, node, PTA_WEIGHT_SHIFT, "beta", 1, &c));
    float *values;
    PTA_TRY_ALLOC(g->w->ctx, values, c);
    pta_status status = add_floats(g, "moving_mean", 1, &c, values);
    for (int64_t i = 0; i < c; i++) {
        values[i] = 1.0F - 0x1p-10F; /* with epsilon exactly 1 */
    }
    if (status == PTA_OK) {
        status = add_floats(g, "moving_variance", 1, &c, values);
    }
    pta_free(g->w->ctx, values);
    return status;
}

static pta_status add_datasets(group *g, int32_t node)
{
    const pta_node *n = &g->w->graph->nodes[node];
    if (n->op == PTA_OP_SCALE_SHIFT) {
        return add_norm(g, node);
    }
    PTA_TRY(add_kernel(g, node));
    int64_t c = n->view.c;
    return n->has_bias ? add_part(g, node, PTA_WEIGHT_BIAS, "bias", 1, &c)
                       : PTA_OK;
}

/* The node whose weights a layer has, or -1. */
static int32_t node_of(const pta_writer *w, const char *layer)
{
    for (int32_t i = 0; i < w->graph->n_nodes; i++) {
        if (strcmp(w->weighted[i], layer) == 0) {
            return i;
        }
    }
    return -1;
}

static pta_status write_group(const pta_writer *w, pta_h5 *file,
                              const char *layer)
{
    char path[PTA_LAYER_NAME + 32];
    const char *names[ROLES_MAX];
    group g = {.w = w, .file = file, .layer = layer};
    int32_t node = node_of(w, layer);
    snprintf(path, sizeof path, ROOT "/%s", layer);
    PTA_TRY(pta_h5_create_group(w->ctx, file, path));
    if (node >= 0) {
        PTA_TRY(add_datasets(&g, node));
    }
    for (int32_t i = 0; i < g.n; i++) {
        names[i] = g.names[i];
    }
    return pta_h5_write_attr_strings(w->ctx, file, path, "weight_names", g.n,
                                     names);
}

static pta_status write_groups(const pta_writer *w, pta_h5 *file, int32_t n,
                               const int32_t *order)
{
    const char **names;
    PTA_TRY_ALLOC(w->ctx, names, n);
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < n && status == PTA_OK; i++) {
        const json_t *layer = json_array_get(w->layers, (size_t)order[i]);
        names[i] = json_string_value(json_object_get(layer, "name"));
        status = write_group(w, file, names[i]);
    }
    if (status == PTA_OK) {
        status = pta_h5_write_attr_strings(w->ctx, file, ROOT, "layer_names", n,
                                           names);
    }
    pta_free(w->ctx, (void *)names);
    return status;
}

pta_status pta_write_weights(const pta_writer *w, const json_t *outputs,
                             pta_h5 *file)
{
    int32_t n = (int32_t)json_array_size(w->layers), *order;
    PTA_TRY(pta_h5_create_group(w->ctx, file, ROOT));
    PTA_TRY_ALLOC(w->ctx, order, n);
    pta_status status = pta_write_order(w->ctx, w->layers, outputs, order);
    if (status == PTA_OK) {
        status = write_groups(w, file, n, order);
    }
    pta_free(w->ctx, order);
    return status;
}
