/*
 * What a stage can be divided by.
 */
#include "partition/candidate_priv.h"

static int32_t weighted_from(const pta_graph *graph, int32_t from, int32_t last)
{
    while (from <= last && !pta_node_splittable(&graph->nodes[from])) {
        from++;
    }
    return from <= last ? from : -1;
}

/* The layer that rows are counted on: the last, or the image it flattens. */
static int32_t rows_node(const pta_graph *graph, int32_t first, int32_t last)
{
    while (last > first && !pta_graph_in_integer(graph, last)) {
        last--;
    }
    for (const pta_node *node = &graph->nodes[last];
         node->view.h == 1 && node->n_in > 0 && node->in[0] >= first &&
         graph->nodes[node->in[0]].op != PTA_OP_INPUT && node->window.kh == 1;
         node = &graph->nodes[last]) {
        last = node->in[0];
    }
    return last;
}

void pta_candidate_units(const pta_graph *graph, int32_t first, int32_t last,
                         pta_split split, int32_t *units, int32_t *step)
{
    int32_t one = weighted_from(graph, first, last);
    int32_t two = one < 0 ? -1 : weighted_from(graph, one + 1, last);
    int32_t three = two < 0 ? -1 : weighted_from(graph, two + 1, last);
    *units = 0;
    *step = 1;
    if (split == PTA_SPLIT_WHOLE) {
        *units = 1;
    } else if (split == PTA_SPLIT_ROWS) {
        *units = graph->nodes[rows_node(graph, first, last)].view.h;
    } else if (one >= 0 && (split == PTA_SPLIT_PAIRED) == (two >= 0) &&
               three < 0) {
        const pta_node *node = &graph->nodes[one];
        const pta_view in = graph->nodes[node->in[0]].view;
        bool dense = node->op == PTA_OP_DENSE;
        bool by_in = split == PTA_SPLIT_INPUT || split == PTA_SPLIT_INCHANNEL;
        bool fits =
            split == PTA_SPLIT_PAIRED ||
            dense == (split == PTA_SPLIT_NEURON || split == PTA_SPLIT_INPUT);
        *step = node->op == PTA_OP_DWCONV && !by_in ? node->view.c / in.c : 1;
        *units = !fits    ? 0
                 : !by_in ? node->view.c
                 : dense  ? (int32_t)pta_view_count(in)
                          : in.c;
    }
}
