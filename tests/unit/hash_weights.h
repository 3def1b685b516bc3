/*
 * Weights that are a function of their place, so that a test knows any of them
 * without a file: a hash of (node, role, cell, input, output) in [-1, 1), times
 * the node's scale.
 */
#ifndef PTA_TESTS_HASH_WEIGHTS_H
#define PTA_TESTS_HASH_WEIGHTS_H

#include <stdio.h>

#include "base/rng.h"
#include "ir/build.h"
#include "ir/weights.h"

#define HASH_NODES 16

typedef struct hash_weights {
    pta_weights weights;
    const pta_graph *graph;
    double scale[HASH_NODES];      /* of kernels and scales */
    double bias_scale[HASH_NODES]; /* of biases and shifts */
    int64_t n_read;                /* elements read so far */
    int64_t most_read;             /* of one call */
    int32_t flip_node;             /* one weight of this node is negated */
    int32_t fail_after;            /* calls until one fails; negative: never */
} hash_weights;

static inline double hash_value(const hash_weights *h, int32_t node,
                                pta_weight_role role, int64_t cell, int64_t in,
                                int64_t out)
{
    uint64_t state = (uint64_t)node * 7919 + (uint64_t)role;
    state = pta_rng_next(&state) + (uint64_t)cell;
    state = pta_rng_next(&state) + (uint64_t)in;
    state = pta_rng_next(&state) + (uint64_t)out;
    double unit = (double)(pta_rng_next(&state) >> 40) / 8388608.0 - 1.0;
    bool is_bias = role == PTA_WEIGHT_BIAS || role == PTA_WEIGHT_SHIFT;
    bool is_flipped =
        node == h->flip_node && !is_bias && cell == 0 && in == 0 && out == 0;
    unit *= is_bias ? h->bias_scale[node] : h->scale[node];
    return is_flipped ? -unit : unit;
}

static inline pta_status hash_read(pta_weights *self, pta_ctx *ctx,
                                   int32_t node, pta_weight_role role,
                                   pta_weight_part part, double *values)
{
    hash_weights *h = self->state;
    const pta_node *n = &h->graph->nodes[node];
    int64_t at = 0, cells = 1;
    if (h->fail_after >= 0 && h->fail_after-- == 0) {
        return pta_fail(ctx, PTA_ERR_IO, "the disk is gone");
    }
    if (role != PTA_WEIGHT_KERNEL) {
        part.in_start = part.in_stride = 0;
        part.in_block = part.in_count = 1;
    } else if (n->op != PTA_OP_DENSE) {
        cells = (int64_t)n->window.kh * n->window.kw;
    }
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int32_t b = 0; b < part.in_count; b++) {
            for (int32_t i = 0; i < part.in_block; i++) {
                int64_t in = part.in_start + (int64_t)b * part.in_stride + i;
                for (int32_t o = 0; o < part.out_count; o++) {
                    values[at++] =
                        hash_value(h, node, role, cell, in, part.out_start + o);
                }
            }
        }
    }
    h->n_read += at;
    h->most_read = at > h->most_read ? at : h->most_read;
    return PTA_OK;
}

static inline void hash_weights_init(hash_weights *h, const pta_graph *graph)
{
    *h = (hash_weights){.graph = graph, .flip_node = -1, .fail_after = -1};
    h->weights = (pta_weights){hash_read, h};
    for (int i = 0; i < HASH_NODES; i++) {
        h->scale[i] = h->bias_scale[i] = 1.0;
    }
}

/* Appends a node over one input (-1: none); rank-3 shape of the view. */
static inline int32_t hash_graph_add(pta_ctx *ctx, pta_graph *graph,
                                     const char *name, pta_node node,
                                     int32_t in, pta_view view)
{
    int32_t index = -1;
    char copy[64];
    snprintf(copy, sizeof copy, "%s", name);
    node.name = copy;
    node.view = view;
    node.shape = (pta_shape){3, {view.h, view.w, view.c}};
    if (in >= 0) {
        node.n_in = 1;
        node.in = &in;
    }
    if (pta_node_weighted(&node)) {
        node.weights = graph->n_nodes;
        node.has_bias = true;
    }
    if (pta_graph_add(ctx, graph, &node, &index) != PTA_OK) {
        fprintf(stderr, "%s: %s\n", name, pta_ctx_error(ctx));
    }
    return index;
}

#endif
