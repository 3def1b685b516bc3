/*
 * Proves that no accumulator reaches 2^63, from the actual weights and the
 * input formats' ranges. All sums here are exact in 128 bits, or at the cap.
 */
#include "quant/formats.h"

#include <math.h>

#include "ir/raw.h"
#include "quant/kernel_walk_priv.h"

__extension__ typedef __int128 wide;

/* Far above 2^63, and still safe to add and to multiply by a small count. */
#define WIDE_CAP ((wide)1 << 100)

static wide capped(wide x)
{
    return x < WIDE_CAP ? x : WIDE_CAP;
}

static wide shifted(wide x, int shift)
{
    if (x == 0 || shift <= 0) {
        return shift < -126 ? 0 : x >> -shift;
    }
    return shift >= 100 || x > (WIDE_CAP >> shift) ? WIDE_CAP : x << shift;
}

static wide times(wide a, wide b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    return a > WIDE_CAP / b ? WIDE_CAP : a * b;
}

/* Greatest |raw| of a format. */
static int64_t magnitude(pta_format f)
{
    int64_t lo = -pta_format_min(f), hi = pta_format_max(f);
    return lo > hi ? lo : hi;
}

/* ---- weighted layers ---- */

typedef struct row_sums {
    pta_format weight;
    int64_t *sum; /* [outputs], sum of |raw weight| */
} row_sums;

/* At most 2^31 weights of at most 2^31 each. */
static void add_row(void *user, int32_t output, const double *values, int32_t n)
{
    row_sums *rows = user;
    for (int32_t i = 0; i < n; i++) {
        int64_t raw = pta_format_quantise(rows->weight, values[i]);
        rows->sum[output + i] += raw < 0 ? -raw : raw;
    }
}

/* Largest bound of all outputs; `bias` is as read, value by value. */
static wide largest_row(const int64_t *sum, const double *bias, int64_t n,
                        int64_t input, int acc_frac)
{
    wide bound = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t raw;
        wide row = (wide)sum[i] * input;
        if (!pta_raw_round(bias[i], acc_frac, &raw)) {
            return WIDE_CAP;
        }
        row += raw < 0 ? -(wide)raw : raw;
        bound = row > bound ? row : bound;
    }
    return bound;
}

static pta_status weighted_bound(pta_ctx *ctx, const pta_graph *graph,
                                 pta_weights *weights, int32_t node,
                                 pta_format x, pta_format w, wide *bound)
{
    bool is_scale = graph->nodes[node].op == PTA_OP_SCALE_SHIFT;
    pta_weight_role role = is_scale ? PTA_WEIGHT_SHIFT : PTA_WEIGHT_BIAS;
    pta_weight_part part = pta_weight_whole(graph, node, role);
    int64_t n = pta_weight_count(graph, node, role, part);
    row_sums rows = {.weight = w,
                     .sum = pta_calloc(ctx, (size_t)n, sizeof(int64_t))};
    double *bias = pta_calloc(ctx, (size_t)n, sizeof *bias);
    pta_status status =
        rows.sum == NULL || bias == NULL ? PTA_ERR_NOMEM : PTA_OK;
    if (status == PTA_OK) {
        status = weights->read(weights, ctx, node, role, part, bias);
    }
    if (status == PTA_OK) {
        status = pta_kernel_walk(ctx, graph, weights, node, add_row, &rows);
    }
    if (status == PTA_OK) {
        *bound = largest_row(rows.sum, bias, n, magnitude(x),
                             pta_format_frac(x) + pta_format_frac(w));
    }
    pta_free(ctx, bias);
    pta_free(ctx, rows.sum);
    return status;
}

/* ---- layers without a kernel ---- */

static wide relu_bound(const pta_node *n, pta_format x, pta_format alpha)
{
    int64_t threshold = 0;
    if (!pta_raw_round(n->threshold, pta_format_frac(x), &threshold)) {
        return WIDE_CAP;
    }
    wide below = (wide)magnitude(x) + (threshold < 0 ? -threshold : threshold);
    wide slope = pta_format_quantise(alpha, n->alpha);
    wide above = shifted(magnitude(x), pta_format_frac(alpha));
    below = times(below, slope < 0 ? -slope : slope);
    return below > above ? below : above;
}

static wide hard_sigmoid_bound(const pta_node *n, pta_format x)
{
    wide slope = n->keras_major < 3 ? 2 : 1;
    wide half = n->keras_major < 3 ? 5 : 3;
    return capped(slope * magnitude(x) + shifted(half, pta_format_frac(x)));
}

static int32_t merge_frac(const pta_node *n, const pta_node_format *formats)
{
    int32_t sum = 0, most = INT32_MIN;
    for (int32_t i = 0; i < n->n_in; i++) {
        int32_t frac = pta_format_frac(formats[n->in[i]].out);
        most = frac > most ? frac : most;
        sum += frac;
    }
    return n->op == PTA_OP_MUL ? sum : most;
}

static wide merge_bound(const pta_node *n, const pta_node_format *formats,
                        int32_t acc_frac)
{
    wide sum = 0, most = 0, product = 1;
    for (int32_t i = 0; i < n->n_in; i++) {
        pta_format f = formats[n->in[i]].out;
        wide aligned = shifted(magnitude(f), acc_frac - pta_format_frac(f));
        sum = capped(sum + aligned);
        most = aligned > most ? aligned : most;
        product = times(product, magnitude(f));
    }
    bool is_extreme = n->op == PTA_OP_MAXIMUM || n->op == PTA_OP_CONCAT;
    return n->op == PTA_OP_MUL ? product : is_extreme ? most : sum;
}

/* ---- any layer ---- */

static bool is_merge(pta_op op)
{
    return op == PTA_OP_ADD || op == PTA_OP_SUB || op == PTA_OP_MUL ||
           op == PTA_OP_AVERAGE || op == PTA_OP_MAXIMUM || op == PTA_OP_CONCAT;
}

static pta_status node_bound(pta_ctx *ctx, const pta_graph *graph,
                             pta_weights *weights, int32_t node,
                             const pta_node_format *formats, int32_t *acc_frac,
                             wide *bound)
{
    const pta_node *n = &graph->nodes[node];
    const pta_node_format *f = &formats[node];
    if (n->op == PTA_OP_INPUT) {
        *acc_frac = pta_format_frac(f->out);
        *bound = magnitude(f->out);
        return PTA_OK;
    }
    pta_format x = formats[n->in[0]].out;
    *acc_frac = pta_format_frac(x);
    *bound = magnitude(x);
    if (pta_node_weighted(n)) {
        *acc_frac += pta_format_frac(f->weight);
        return weighted_bound(ctx, graph, weights, node, x, f->weight, bound);
    }
    if (n->op == PTA_OP_RELU) {
        *acc_frac += pta_format_frac(f->weight);
        *bound = relu_bound(n, x, f->weight);
    } else if (n->op == PTA_OP_HARD_SIGMOID) {
        *bound = hard_sigmoid_bound(n, x);
    } else if (n->op == PTA_OP_AVGPOOL) {
        *bound = (wide)n->window.kh * n->window.kw * magnitude(x);
    } else if (is_merge(n->op)) {
        *acc_frac = merge_frac(n, formats);
        *bound = merge_bound(n, formats, *acc_frac);
    }
    return PTA_OK;
}

/* The same format at `width` bits at most, with the same range. */
static pta_format narrowed(pta_format f, int32_t width)
{
    f.width = (int16_t)(f.width > width ? width : f.width);
    return f;
}

/* Widest width of inputs and weights at which the node fits; 0: none. */
static pta_status widest_width(pta_ctx *ctx, const pta_graph *graph,
                               pta_weights *weights, int32_t node,
                               const pta_node_format *formats, int32_t *width)
{
    pta_node_format *trial;
    PTA_TRY_ALLOC(ctx, trial, graph->n_nodes);
    pta_status status = PTA_OK;
    int32_t w = PTA_WIDTH_MAX - 1;
    for (; w >= PTA_WIDTH_MIN; w--) {
        wide bound;
        int32_t acc_frac;
        for (int32_t i = 0; i <= node; i++) {
            trial[i] = formats[i];
            trial[i].out = narrowed(formats[i].out, w);
            trial[i].weight = narrowed(formats[i].weight, w);
        }
        status =
            node_bound(ctx, graph, weights, node, trial, &acc_frac, &bound);
        if (status != PTA_OK || bound < ((wide)1 << 63)) {
            break;
        }
    }
    pta_free(ctx, trial);
    *width = w >= PTA_WIDTH_MIN ? w : 0;
    return status;
}

static pta_status refuse(pta_ctx *ctx, const pta_graph *graph,
                         pta_weights *weights, int32_t node,
                         const pta_node_format *formats)
{
    int32_t width;
    const char *name = graph->nodes[node].name;
    PTA_TRY(widest_width(ctx, graph, weights, node, formats, &width));
    if (width == 0) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer %s: its accumulator could reach 2^63 at every "
                        "width; its weights, bias and input differ too much "
                        "in size",
                        name);
    }
    return pta_fail(ctx, PTA_ERR_RANGE,
                    "layer %s: its accumulator could reach 2^63; the widest "
                    "width of inputs and weights that fits is %d bits",
                    name, width);
}

/* Signed width that holds [-bound, bound]. */
static int32_t signed_bits(wide bound)
{
    int32_t bits = 1;
    while (bound > 0) {
        bound >>= 1;
        bits++;
    }
    return bits;
}

static pta_status prove_node(pta_ctx *ctx, const pta_graph *graph,
                             pta_weights *weights, int32_t node,
                             pta_node_format *formats)
{
    wide bound;
    int32_t acc_frac;
    const pta_node *n = &graph->nodes[node];
    pta_node_format *f = &formats[node];
    if (n->op == PTA_OP_RELU && pta_format_frac(f->weight) < 0) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer %s: a slope of %g in a format of width %d and "
                        "%d integer bits: expected integer bits up to the "
                        "width",
                        n->name, n->alpha, f->weight.width, f->weight.integer);
    }
    PTA_TRY(node_bound(ctx, graph, weights, node, formats, &acc_frac, &bound));
    if (bound >= ((wide)1 << 63)) {
        return refuse(ctx, graph, weights, node, formats);
    }
    f->acc_frac = acc_frac;
    f->acc_bits = signed_bits(bound);
    f->acc = f->acc_bits <= 32 ? PTA_S32 : PTA_S64;
    return PTA_OK;
}

pta_status pta_formats_prove(pta_ctx *ctx, const pta_graph *graph,
                             pta_weights *weights, pta_node_format *formats)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (pta_graph_in_integer(graph, i)) {
            PTA_TRY(prove_node(ctx, graph, weights, i, formats));
        }
    }
    return PTA_OK;
}
