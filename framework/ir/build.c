/* Builds graphs: see build.h. */
#include "ir/build.h"

#include <math.h>
#include <string.h>

pta_status pta_graph_create(pta_ctx *ctx, const char *name, pta_graph **out)
{
    pta_graph *graph;
    PTA_TRY_ALLOC(ctx, graph, 1);
    graph->name = pta_strdup(ctx, name);
    if (graph->name == NULL) {
        pta_graph_destroy(ctx, &graph);
        return PTA_ERR_NOMEM;
    }
    *out = graph;
    return PTA_OK;
}

pta_node pta_node_make(pta_op op)
{
    return (pta_node){.op = op,
                      .window = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
                      .act = PTA_ACT_NONE,
                      .act_max = HUGE_VAL,
                      .axis = 2,
                      .perm = {0, 1, 2},
                      .weights = -1};
}

static void node_free(pta_ctx *ctx, pta_node *node)
{
    for (int32_t i = 0; i < node->n_merged; i++) {
        pta_free(ctx, node->merged[i]);
    }
    pta_free(ctx, node->merged);
    pta_free(ctx, node->in);
    pta_free(ctx, node->name);
}

void pta_graph_destroy(pta_ctx *ctx, pta_graph **graph)
{
    pta_graph *g = *graph;
    if (g == NULL) {
        return;
    }
    for (int32_t i = 0; i < g->n_nodes; i++) {
        node_free(ctx, &g->nodes[i]);
    }
    pta_free(ctx, g->nodes);
    pta_free(ctx, g->inputs);
    pta_free(ctx, g->outputs);
    pta_free(ctx, g->name);
    pta_free(ctx, g);
    *graph = NULL;
}

/* Appends to a list of indices. */
static pta_status list_add(pta_ctx *ctx, int32_t **list, int32_t *n,
                           int32_t value)
{
    int32_t *grown = pta_realloc(ctx, *list, ((size_t)*n + 1) * sizeof **list);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    grown[(*n)++] = value;
    *list = grown;
    return PTA_OK;
}

static pta_status nodes_grow(pta_ctx *ctx, pta_graph *graph)
{
    /* Powers of two: no capacity to store. */
    size_t n = (size_t)graph->n_nodes;
    if ((n & (n - 1)) != 0) {
        return PTA_OK;
    }
    size_t bytes = (n == 0 ? 1 : 2 * n) * sizeof(pta_node);
    pta_node *grown = pta_realloc(ctx, graph->nodes, bytes);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    graph->nodes = grown;
    return PTA_OK;
}

static pta_status node_copy(pta_ctx *ctx, const pta_node *from, pta_node *to)
{
    *to = *from;
    to->n_merged = 0;
    to->merged = NULL;
    to->in = NULL;
    to->name = pta_strdup(ctx, from->name);
    if (to->name == NULL) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY_ALLOC(ctx, to->in, from->n_in);
    if (from->n_in > 0) {
        memcpy(to->in, from->in, (size_t)from->n_in * sizeof *to->in);
    }
    for (int32_t i = 0; i < from->n_merged; i++) {
        PTA_TRY(pta_node_add_merged(ctx, to, from->merged[i]));
    }
    return PTA_OK;
}

pta_status pta_graph_add(pta_ctx *ctx, pta_graph *graph, const pta_node *node,
                         int32_t *index)
{
    for (int32_t i = 0; i < node->n_in; i++) {
        PTA_ASSERT(node->in[i] >= 0 && node->in[i] < graph->n_nodes);
    }
    PTA_TRY(nodes_grow(ctx, graph));
    pta_node copy;
    pta_status status = node_copy(ctx, node, &copy);
    if (status == PTA_OK && node->op == PTA_OP_INPUT) {
        status =
            list_add(ctx, &graph->inputs, &graph->n_inputs, graph->n_nodes);
    }
    if (status != PTA_OK) {
        node_free(ctx, &copy);
        return status;
    }
    *index = graph->n_nodes;
    graph->nodes[graph->n_nodes++] = copy;
    return PTA_OK;
}

pta_status pta_graph_add_output(pta_ctx *ctx, pta_graph *graph, int32_t node)
{
    PTA_ASSERT(node >= 0 && node < graph->n_nodes);
    return list_add(ctx, &graph->outputs, &graph->n_outputs, node);
}

pta_status pta_node_add_merged(pta_ctx *ctx, pta_node *node, const char *name)
{
    size_t n = (size_t)node->n_merged;
    char **grown = pta_realloc(ctx, node->merged, (n + 1) * sizeof *grown);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    node->merged = grown;
    grown[n] = pta_strdup(ctx, name);
    if (grown[n] == NULL) {
        return PTA_ERR_NOMEM;
    }
    node->n_merged++;
    return PTA_OK;
}

/* ---- removing nodes ---- */

/* New index of every node that stays, -1 for the others. */
static void number_kept(const pta_graph *graph, const int32_t *alias,
                        int32_t *renumbered)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        renumbered[i] = graph->nodes[i].op == PTA_OP_INPUT ? 0 : -1;
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        renumbered[alias[graph->outputs[i]]] = 0;
    }
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const pta_node *node = &graph->nodes[i];
        for (int32_t k = 0; renumbered[i] == 0 && k < node->n_in; k++) {
            renumbered[alias[node->in[k]]] = 0;
        }
    }
    int32_t next = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        renumbered[i] = renumbered[i] == 0 ? next++ : -1;
    }
}

static void move_kept(pta_ctx *ctx, pta_graph *graph, const int32_t *alias,
                      const int32_t *renumbered)
{
    int32_t n_nodes = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        pta_node *node = &graph->nodes[i];
        if (renumbered[i] < 0) {
            node_free(ctx, node);
            continue;
        }
        for (int32_t k = 0; k < node->n_in; k++) {
            node->in[k] = renumbered[alias[node->in[k]]];
        }
        graph->nodes[n_nodes++] = *node;
    }
    graph->n_nodes = n_nodes;
}

pta_status pta_graph_compact(pta_ctx *ctx, pta_graph *graph,
                             const int32_t *alias)
{
    int32_t *renumbered;
    PTA_TRY_ALLOC(ctx, renumbered, graph->n_nodes);
    number_kept(graph, alias, renumbered);
    move_kept(ctx, graph, alias, renumbered);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        graph->inputs[i] = renumbered[graph->inputs[i]];
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        graph->outputs[i] = renumbered[alias[graph->outputs[i]]];
    }
    pta_free(ctx, renumbered);
    return PTA_OK;
}
