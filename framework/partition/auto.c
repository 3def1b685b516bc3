/*
 * The automatic cut: makes a --cut text, so that it can do nothing a person
 * could not and says itself what it did.
 */
#include "partition/auto.h"

#include <stdio.h>
#include <string.h>

typedef struct piece {
    int32_t node; /* weighted layer */
    int64_t macs;
    int32_t limit; /* parts that its outputs allow */
    int32_t parts; /* 0: belongs to the stage before */
} piece;

static int32_t outputs_limit(const pta_graph *graph, const pta_node *node)
{
    return node->op == PTA_OP_DWCONV ? graph->nodes[node->in[0]].view.c
                                     : node->view.c;
}

/* Weighted layers in order. `pieces` holds n_nodes. */
static int32_t find_pieces(const pta_graph *graph, piece *pieces)
{
    int32_t n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        if (pta_node_splittable(node)) {
            pieces[n++] = (piece){i, pta_node_macs(graph, i),
                                  outputs_limit(graph, node), 0};
        }
    }
    return n;
}

/* Fewest stages of at most `most` each; marks where they begin. */
static int32_t stages_within(piece *pieces, int32_t n, int64_t most)
{
    int32_t n_stages = 0;
    int64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        bool begins = i == 0 || sum + pieces[i].macs > most;
        pieces[i].parts = begins;
        n_stages += begins;
        sum = begins ? pieces[i].macs : sum + pieces[i].macs;
    }
    return n_stages;
}

/* Gives single layers stages of their own until there are enough: that never
 * raises the greatest. */
static void add_stages(piece *pieces, int32_t n, int32_t missing)
{
    for (int32_t i = 0; i < n && missing > 0; i++) {
        if (pieces[i].parts == 0) {
            pieces[i].parts = 1;
            missing--;
        }
    }
}

/* Contiguous stages with the least greatest sum, by bisection of that sum. */
static void balance(piece *pieces, int32_t n, int32_t n_boards)
{
    int64_t lo = 0, hi = 0;
    for (int32_t i = 0; i < n; i++) {
        lo = pieces[i].macs > lo ? pieces[i].macs : lo;
        hi += pieces[i].macs;
    }
    while (lo < hi) {
        int64_t middle = lo + (hi - lo) / 2;
        if (stages_within(pieces, n, middle) <= n_boards) {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    add_stages(pieces, n, n_boards - stages_within(pieces, n, lo));
}

/* Each board that is left goes where most is done per board. */
static pta_status spread(pta_ctx *ctx, piece *pieces, int32_t n,
                         int32_t n_boards)
{
    for (int32_t i = 0; i < n; i++) {
        pieces[i].parts = 1;
    }
    for (int32_t left = n_boards - n; left > 0; left--) {
        piece *most = NULL;
        for (int32_t i = 0; i < n; i++) {
            piece *p = &pieces[i];
            if (p->parts < p->limit &&
                (most == NULL ||
                 p->macs / p->parts > most->macs / most->parts)) {
                most = p;
            }
        }
        if (most == NULL) {
            return pta_fail(ctx, PTA_ERR_RANGE,
                            "%d boards: the layers of the model can be split "
                            "over %d at most",
                            (int)n_boards, n > 0 ? (int)(n_boards - left) : 1);
        }
        most->parts++;
    }
    return PTA_OK;
}

static pta_status write_cut(pta_ctx *ctx, const pta_graph *graph,
                            const piece *pieces, int32_t n, char **out)
{
    size_t size = 1;
    for (int32_t i = 0; i < n; i++) {
        size += strlen(graph->nodes[pieces[i].node].name) + 24;
    }
    char *text, *at;
    PTA_TRY_ALLOC(ctx, text, size);
    at = text;
    for (int32_t i = 0; i < n; i++) {
        const pta_node *node = &graph->nodes[pieces[i].node];
        if (pieces[i].parts == 0) {
            continue;
        }
        at += sprintf(at, "%s%s", i > 0 ? "," : "", node->name);
        if (pieces[i].parts > 1) {
            at += sprintf(at, "=%s:%d",
                          node->op == PTA_OP_DENSE ? "neuron" : "channel",
                          (int)pieces[i].parts);
        }
    }
    *out = text;
    return PTA_OK;
}

static pta_status cut_pieces(pta_ctx *ctx, const pta_graph *graph,
                             piece *pieces, int32_t n, int32_t n_boards,
                             pta_plan *plan)
{
    char *text;
    if (n_boards <= n) {
        balance(pieces, n, n_boards);
    } else {
        PTA_TRY(spread(ctx, pieces, n, n_boards));
    }
    PTA_TRY(write_cut(ctx, graph, pieces, n, &text));
    pta_status status = pta_cut_apply(ctx, text, graph, plan);
    pta_free(ctx, text);
    return status;
}

pta_status pta_partition_auto(pta_ctx *ctx, const pta_graph *graph,
                              int32_t n_boards, pta_plan *plan)
{
    piece *pieces;
    if (n_boards < 1) {
        return pta_fail(ctx, PTA_ERR_USAGE, "%d boards: expected 1 or more",
                        (int)n_boards);
    }
    PTA_TRY_ALLOC(ctx, pieces, graph->n_nodes);
    int32_t n = find_pieces(graph, pieces);
    pta_status status;
    if (n == 0 && n_boards == 1) { /* the one whole stage needs no layer */
        const char *last = graph->nodes[graph->n_nodes - 1].name;
        status = pta_cut_apply(ctx, last, graph, plan);
    } else {
        status = cut_pieces(ctx, graph, pieces, n, n_boards, plan);
    }
    pta_free(ctx, pieces);
    return status;
}
