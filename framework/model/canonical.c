/*
 * From raw nodes to the canonical graph: folds BatchNormalizations, merges
 * ReLUs, drops nodes that no output needs. The rules are in ir/graph.h.
 */
#include <math.h>
#include <string.h>

#include "model/model_priv.h"

typedef struct pass {
    pta_reader *r;
    pta_node *nodes;
    int32_t *alias;     /* node that stands for node i */
    int32_t *consumers; /* readers of node i, model outputs included */
} pass;

static void count_consumers(const pta_graph *graph, int32_t *consumers)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        for (int32_t k = 0; k < graph->nodes[i].n_in; k++) {
            consumers[graph->nodes[i].in[k]]++;
        }
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        consumers[graph->outputs[i]]++;
    }
}

/* Node i disappears into node `into`, its only input. */
static pta_status merge(pass *p, int32_t i, int32_t into)
{
    p->alias[i] = into;
    p->consumers[into] = p->consumers[i];
    return pta_node_add_merged(p->r->ctx, &p->nodes[into], p->nodes[i].name);
}

/* "A Dense or convolution without activation whose only consumer it is"; one
 * that has been folded already is none any more. */
static bool foldable(const pass *p, int32_t i, int32_t into)
{
    const pta_node *conv = &p->nodes[into];
    return p->nodes[i].op == PTA_OP_SCALE_SHIFT && pta_node_splittable(conv) &&
           conv->act == PTA_ACT_NONE && p->consumers[into] == 1 &&
           p->r->sources[conv->weights].norm == NULL;
}

static pta_status fold(pass *p, int32_t i, int32_t into)
{
    pta_node *conv = &p->nodes[into];
    const pta_source *norm = &p->r->sources[p->nodes[i].weights];
    pta_source folded = *norm;
    folded.layer = p->r->sources[conv->weights].layer;
    folded.kernel = p->r->sources[conv->weights].kernel;
    folded.bias = p->r->sources[conv->weights].bias;
    PTA_TRY(pta_source_key(p->r, &folded, &conv->weights));
    conv->has_bias = true;
    return merge(p, i, into);
}

static bool carries_relu(pta_op op)
{
    return op == PTA_OP_DENSE || op == PTA_OP_CONV || op == PTA_OP_DWCONV ||
           op == PTA_OP_SCALE_SHIFT || op == PTA_OP_ADD || op == PTA_OP_SUB ||
           op == PTA_OP_MUL || op == PTA_OP_AVERAGE || op == PTA_OP_MAXIMUM;
}

static bool mergeable(const pass *p, int32_t i, int32_t into)
{
    const pta_node *relu = &p->nodes[i], *node = &p->nodes[into];
    return relu->op == PTA_OP_RELU && relu->alpha == 0 &&
           relu->threshold == 0 && carries_relu(node->op) &&
           node->act == PTA_ACT_NONE && p->consumers[into] == 1;
}

static pta_status merge_relu(pass *p, int32_t i, int32_t into)
{
    pta_node *node = &p->nodes[into];
    node->act_max = p->nodes[i].act_max;
    node->act = isinf(node->act_max) ? PTA_ACT_RELU : PTA_ACT_RELU_MAX;
    return merge(p, i, into);
}

/* Nodes come after their inputs, so one pass sees every chain in order. */
static pta_status merge_all(pass *p, int32_t n_nodes)
{
    for (int32_t i = 0; i < n_nodes; i++) {
        p->alias[i] = i;
        if (p->nodes[i].n_in != 1 || p->r->form == PTA_FORM_PLAIN) {
            continue;
        }
        int32_t into = p->alias[p->nodes[i].in[0]];
        if (foldable(p, i, into)) {
            PTA_TRY(fold(p, i, into));
        } else if (mergeable(p, i, into)) {
            PTA_TRY(merge_relu(p, i, into));
        }
    }
    return PTA_OK;
}

static pta_status check_names(pta_reader *r)
{
    for (int32_t i = 0; i < r->graph->n_nodes; i++) {
        for (int32_t k = 0; k < i; k++) {
            const char *name = r->graph->nodes[i].name;
            if (strcmp(name, r->graph->nodes[k].name) == 0) {
                return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                                "layer \"%s\": two layers have this name once "
                                "nested models are flattened",
                                name);
            }
        }
    }
    return PTA_OK;
}

pta_status pta_canonical(pta_reader *r)
{
    pta_graph *graph = r->graph;
    pass p = {.r = r, .nodes = graph->nodes};
    PTA_TRY_POOL(r->ctx, &r->pool, p.alias, graph->n_nodes);
    PTA_TRY_POOL(r->ctx, &r->pool, p.consumers, graph->n_nodes);
    count_consumers(graph, p.consumers);
    PTA_TRY(merge_all(&p, graph->n_nodes));
    PTA_TRY(pta_graph_compact(r->ctx, graph, p.alias));
    return check_names(r);
}
