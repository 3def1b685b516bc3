/*
 * Chunks are ranges of inputs, or of outputs where one input has too many.
 */
#include "quant/kernel_walk_priv.h"

/* Doubles of one chunk: 2 MiB. */
#define CHUNK_VALUES (256 * 1024)

static int32_t at_least_one(int64_t n)
{
    return n < 1 ? 1 : n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

/* DWCONV: the outputs of input channel i begin at i * multiplier. */
static void visit_part(const pta_node *n, pta_weight_part part, int64_t cells,
                       const double *values, pta_kernel_visit visit, void *user)
{
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int32_t i = 0; i < part.in_block; i++) {
            int32_t first = n->op == PTA_OP_DWCONV
                                ? (part.in_start + i) * part.out_count
                                : part.out_start;
            visit(user, first, values, part.out_count);
            values += part.out_count;
        }
    }
}

static pta_status walk_parts(pta_ctx *ctx, const pta_graph *graph,
                             pta_weights *weights, int32_t node,
                             pta_weight_part whole, double *values,
                             pta_kernel_visit visit, void *user)
{
    const pta_node *n = &graph->nodes[node];
    int64_t cells =
        n->op == PTA_OP_DENSE ? 1 : (int64_t)n->window.kh * n->window.kw;
    bool is_depthwise = n->op == PTA_OP_DWCONV;
    int32_t n_out = at_least_one(CHUNK_VALUES / cells);
    n_out = is_depthwise || n_out > whole.out_count ? whole.out_count : n_out;
    int32_t n_in = at_least_one(CHUNK_VALUES / cells / n_out);
    int32_t total = whole.in_block * whole.in_count;
    for (int32_t o = 0; o < whole.out_count; o += n_out) {
        for (int32_t i = 0; i < total; i += n_in) {
            int32_t ins = total - i < n_in ? total - i : n_in;
            int32_t outs =
                whole.out_count - o < n_out ? whole.out_count - o : n_out;
            pta_weight_part part = {i, ins, ins, 1, o, outs};
            PTA_TRY(weights->read(weights, ctx, node, PTA_WEIGHT_KERNEL, part,
                                  values));
            visit_part(n, part, cells, values, visit, user);
        }
    }
    return PTA_OK;
}

pta_status pta_kernel_walk(pta_ctx *ctx, const pta_graph *graph,
                           pta_weights *weights, int32_t node,
                           pta_kernel_visit visit, void *user)
{
    const pta_node *n = &graph->nodes[node];
    bool is_scale = n->op == PTA_OP_SCALE_SHIFT;
    pta_weight_role role = is_scale ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL;
    pta_weight_part whole = pta_weight_whole(graph, node, role);
    int64_t count = pta_weight_count(graph, node, role, whole);
    /* The least chunk: all cells of one input, or the whole scale. */
    int64_t room = count < CHUNK_VALUES || is_scale ? count : CHUNK_VALUES;
    int64_t least = is_scale
                        ? 0
                        : (int64_t)n->window.kh * n->window.kw *
                              (n->op == PTA_OP_DWCONV ? whole.out_count : 1);
    double *values =
        pta_calloc(ctx, (size_t)(room > least ? room : least), sizeof *values);
    if (values == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_status status = PTA_OK;
    if (is_scale) {
        status = weights->read(weights, ctx, node, role, whole, values);
        if (status == PTA_OK) {
            visit(user, 0, values, (int32_t)count);
        }
    } else {
        status =
            walk_parts(ctx, graph, weights, node, whole, values, visit, user);
    }
    pta_free(ctx, values);
    return status;
}
