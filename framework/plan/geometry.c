/*
 * Geometry of the layers: reach of windows, permutations, concatenations.
 */
#include "plan/geometry_priv.h"

typedef struct span {
    int32_t lo, hi;
} span;

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

bool pta_node_flat(const pta_node *node)
{
    switch (node->op) {
    case PTA_OP_RELU:
    case PTA_OP_SIGMOID:
    case PTA_OP_TANH:
    case PTA_OP_HARD_SIGMOID:
    case PTA_OP_RESHAPE:
    case PTA_OP_ADD:
    case PTA_OP_SUB:
    case PTA_OP_MUL:
    case PTA_OP_AVERAGE:
    case PTA_OP_MAXIMUM:
        return true;
    case PTA_OP_INPUT:
    case PTA_OP_DENSE:
    case PTA_OP_CONV:
    case PTA_OP_DWCONV:
    case PTA_OP_SCALE_SHIFT:
    case PTA_OP_MAXPOOL:
    case PTA_OP_AVGPOOL:
    case PTA_OP_SOFTMAX:
    case PTA_OP_PERMUTE:
    case PTA_OP_ZEROPAD:
    case PTA_OP_CONCAT:
    case PTA_OP_COUNT:
        break;
    }
    return false;
}

static bool has_window(const pta_node *node)
{
    return node->op == PTA_OP_CONV || node->op == PTA_OP_DWCONV ||
           node->op == PTA_OP_MAXPOOL || node->op == PTA_OP_AVGPOOL;
}

static pta_view in_view(const pta_graph *graph, const pta_node *node, int32_t k)
{
    return graph->nodes[node->in[k]].view;
}

/* ---- rows ---- */

/* Input rows under the windows of output rows `out`, padding included. */
static span window_rows(const pta_node *node, span out)
{
    const pta_window *w = &node->window;
    if (node->op == PTA_OP_ZEROPAD) {
        return (span){out.lo - w->pad_t, out.hi - w->pad_t};
    }
    int32_t reach = (w->kh - 1) * w->dilation_h + 1;
    return (span){out.lo * w->stride_h - w->pad_t,
                  (out.hi - 1) * w->stride_h - w->pad_t + reach};
}

/* A band whose windows see nothing but padding is widened until one sees a
 * row: kernels and wires know no empty images. */
static span rows_with_input(const pta_node *node, int32_t in_h, span out)
{
    int32_t h = node->view.h;
    while (window_rows(node, out).hi <= 0 && out.hi < h) {
        out.hi++;
    }
    while (window_rows(node, out).lo >= in_h && out.lo > 0) {
        out.lo--;
    }
    return out;
}

static span rows_in(const pta_graph *graph, const pta_node *node, span out)
{
    int32_t in_h = in_view(graph, node, 0).h;
    if (out.lo == 0 && out.hi == node->view.h) {
        return (span){0, in_h}; /* also rows that no stride reaches */
    }
    span rows = window_rows(node, out);
    return (span){max32(rows.lo, 0), min32(rows.hi, in_h)};
}

pta_window pta_reach_window(const pta_graph *graph, int32_t id,
                            const pta_region *out)
{
    const pta_node *node = &graph->nodes[id];
    pta_window w = node->window;
    bool whole = out->h0 == 0 && out->h1 == node->view.h;
    if (!whole && (has_window(node) || node->op == PTA_OP_ZEROPAD)) {
        span rows = window_rows(node, (span){out->h0, out->h1});
        w.pad_t = max32(0, -rows.lo);
        w.pad_b = max32(0, rows.hi - in_view(graph, node, 0).h);
    }
    return w;
}

/* ---- permutation ---- */

/* Box of the input for a box of the output. Both restrict only axes 0 (h) and
 * 2 (c); where an output axis comes from axis 1 (w), `out` is taken whole. */
static pta_region permute_in(pta_view view, const int32_t *perm,
                             const pta_region *out)
{
    const span restricted[3] = {
        {out->h0, out->h1}, {0, out->view.w}, {out->c0, out->c1}};
    pta_region in = pta_region_whole(view);
    for (int i = 0; i < 3; i++) {
        if (perm[i] == 0) {
            in.h0 = restricted[i].lo;
            in.h1 = restricted[i].hi;
        } else if (perm[i] == 2) {
            in.c0 = restricted[i].lo;
            in.c1 = restricted[i].hi;
        }
    }
    return in;
}

static void permute_widen(const int32_t *perm, pta_region *out)
{
    if (perm[0] == 1) {
        out->h0 = 0;
        out->h1 = out->view.h;
    }
    if (perm[2] == 1) {
        out->c0 = 0;
        out->c1 = out->view.c;
    }
}

static pta_region permute_forward(const pta_node *node, const pta_region *in)
{
    int32_t inverse[3];
    for (int32_t i = 0; i < 3; i++) {
        inverse[node->perm[i]] = i;
    }
    return permute_in(node->view, inverse, in);
}

/* ---- the three questions ---- */

pta_region pta_reach_out(const pta_graph *graph, int32_t id,
                         const pta_region *need)
{
    const pta_node *node = &graph->nodes[id];
    if (pta_node_flat(node) || node->op == PTA_OP_INPUT) {
        return *need;
    }
    pta_region out = pta_region_box(need, node->view, NULL);
    if (has_window(node) || node->op == PTA_OP_ZEROPAD) {
        span rows = rows_with_input(node, in_view(graph, node, 0).h,
                                    (span){out.h0, out.h1});
        out.h0 = rows.lo;
        out.h1 = rows.hi;
    }
    if (node->op == PTA_OP_DWCONV) {
        int32_t mult = node->view.c / in_view(graph, node, 0).c;
        out.c0 = out.c0 / mult * mult;
        out.c1 = (out.c1 + mult - 1) / mult * mult;
    } else if (node->op == PTA_OP_PERMUTE) {
        permute_widen(node->perm, &out);
    } else if (node->op == PTA_OP_CONCAT && node->axis == 0) {
        out.h0 = 0;
        out.h1 = node->view.h;
    } else if (node->op == PTA_OP_SOFTMAX ||
               (node->op == PTA_OP_CONCAT && node->axis == 2)) {
        out.c0 = 0;
        out.c1 = node->view.c;
    }
    return out;
}

static pta_region concat_in(const pta_node *node, pta_view view,
                            const pta_region *out)
{
    pta_region in = pta_region_whole(view);
    if (node->axis != 0) {
        in.h0 = out->h0;
        in.h1 = out->h1;
    }
    if (node->axis != 2) {
        in.c0 = out->c0;
        in.c1 = out->c1;
    }
    return in;
}

pta_region pta_reach_in(const pta_graph *graph, int32_t id, int32_t k,
                        const pta_region *out)
{
    const pta_node *node = &graph->nodes[id];
    if (pta_node_flat(node)) {
        return *out;
    }
    pta_view view = in_view(graph, node, k);
    pta_region in = pta_region_whole(view);
    if (node->op == PTA_OP_PERMUTE) {
        return permute_in(view, node->perm, out);
    }
    if (node->op == PTA_OP_CONCAT) {
        return concat_in(node, view, out);
    }
    if (node->op == PTA_OP_DENSE) {
        return in;
    }
    if (node->op == PTA_OP_SCALE_SHIFT || node->op == PTA_OP_SOFTMAX) {
        return *out;
    }
    span rows = rows_in(graph, node, (span){out->h0, out->h1});
    in.h0 = rows.lo;
    in.h1 = rows.hi;
    if (node->op != PTA_OP_CONV) { /* channel by channel */
        int32_t mult = node->view.c / view.c;
        in.c0 = out->c0 / mult;
        in.c1 = out->c1 / mult;
    }
    return in;
}

bool pta_reach_forward(const pta_graph *graph, int32_t id, int32_t k,
                       const pta_region *in, pta_region *out)
{
    const pta_node *node = &graph->nodes[id];
    bool exact = true;
    pta_region box = pta_region_box(in, in_view(graph, node, k), &exact);
    pta_region guess = pta_region_whole(node->view);
    if (pta_node_flat(node)) {
        guess = *in;
    } else if (!exact || pta_node_splittable(node)) {
        return false;
    } else if (node->op == PTA_OP_PERMUTE) {
        guess = permute_forward(node, &box);
    } else {
        if (box.h0 > 0 || box.h1 < box.view.h) {
            guess.h0 = box.h0;
            guess.h1 = min32(box.h1, guess.view.h);
        }
        if (box.c0 > 0 || box.c1 < box.view.c) {
            guess.c0 = box.c0;
            guess.c1 = box.c1;
        }
    }
    if (guess.h0 >= guess.h1) {
        return false;
    }
    pta_region made = pta_reach_out(graph, id, &guess);
    pta_region taken = pta_reach_in(graph, id, k, &made);
    *out = guess;
    return pta_region_equal(&made, &guess) && pta_region_equal(&taken, in);
}
