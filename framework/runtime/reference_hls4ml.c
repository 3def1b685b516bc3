/*
 * The reference of the hls4ml profile: the uncut plain graph, one element after
 * the other, straight from the rules (docs/hls4ml.md). It shares nothing with
 * kernels/; tables are not built, each entry is computed when it is looked up.
 */
#include "runtime/reference_hls4ml_priv.h"

#include <math.h>

#include "runtime/hls4ml_value_priv.h"

typedef struct layer {
    int64_t *w;    /* owned; raw, as the file orders them */
    int64_t *bias; /* owned; raw in the bias format, or NULL */
    double *y;     /* owned; [max_samples][count], raw integers */
    int64_t count;
} layer;

struct pta_hls4ml_reference {
    const pta_graph *graph;         /* borrowed */
    const pta_node_format *formats; /* borrowed */
    layer *layers;                  /* owned; [n_nodes] */
};

/* One sample under way. */
typedef struct place {
    const pta_hls4ml_reference *r;
    const pta_node *node;
    const pta_node_format *f;
    const layer *layer;
    int32_t sample;
} place;

/* ---- access ---- */

static pta_format in_format(const place *p, int32_t k)
{
    return p->r->formats[p->node->in[k]].out;
}

static pta_view in_view(const place *p, int32_t k)
{
    return p->r->graph->nodes[p->node->in[k]].view;
}

static int64_t raw_in(const place *p, int32_t k, int64_t e)
{
    const layer *from = &p->r->layers[p->node->in[k]];
    return (int64_t)from->y[p->sample * from->count + e];
}

static pta_exact in(const place *p, int32_t k, int64_t e)
{
    return pta_exact_of(raw_in(p, k, e), in_format(p, k));
}

static int64_t give(const place *p, pta_exact value)
{
    return pta_exact_assign(value, p->f->out);
}

static double value_of(int64_t raw, pta_format f)
{
    return ldexp((double)raw, f.integer - f.width);
}

/* Input cell under window cell i of output cell (h, w); -1: padding. */
static int64_t cell_under(const place *p, int32_t i, int32_t h, int32_t w)
{
    const pta_window *k = &p->node->window;
    pta_view v = in_view(p, 0);
    int32_t y = h * k->stride_h - k->pad_t + i / k->kw * k->dilation_h;
    int32_t x = w * k->stride_w - k->pad_l + i % k->kw * k->dilation_w;
    bool inside = y >= 0 && x >= 0 && y < v.h && x < v.w;
    return inside ? (int64_t)y * v.w + x : -1;
}

/* ---- weighted sums ---- */

static int64_t accumulate(const place *p, int64_t acc, int64_t x_at,
                          int64_t w_at)
{
    pta_format accum = p->f->hls4ml.accum;
    pta_exact w = pta_exact_of(p->layer->w[w_at], p->f->weight);
    pta_exact product = pta_exact_multiply(in(p, 0, x_at), w);
    product = pta_exact_of(pta_exact_assign(product, accum), accum);
    return pta_exact_assign(pta_exact_add(pta_exact_of(acc, accum), product),
                            accum);
}

static int64_t weighted(const place *p, int64_t e)
{
    pta_view out = p->node->view, from = in_view(p, 0);
    const pta_hls4ml_types *t = &p->f->hls4ml;
    int32_t o = (int32_t)(e % out.c), cell = (int32_t)(e / out.c);
    int64_t acc = 0;
    if (p->layer->bias != NULL) {
        acc = pta_exact_assign(pta_exact_of(p->layer->bias[o], t->bias),
                               t->accum);
    }
    if (p->node->op == PTA_OP_DENSE) {
        for (int64_t i = 0; i < pta_view_count(from); i++) {
            acc = accumulate(p, acc, i, i * out.c + o);
        }
        return give(p, pta_exact_of(acc, t->accum));
    }
    int32_t cells = p->node->window.kh * p->node->window.kw;
    bool depthwise = p->node->op == PTA_OP_DWCONV;
    for (int32_t i = 0; i < cells; i++) {
        int64_t at = cell_under(p, i, cell / out.w, cell % out.w);
        if (at >= 0 && depthwise) {
            int64_t c = o / (out.c / from.c);
            acc = accumulate(p, acc, at * from.c + c, (int64_t)i * out.c + o);
        }
        for (int32_t c = 0; at >= 0 && !depthwise && c < from.c; c++) {
            acc = accumulate(p, acc, at * from.c + c,
                             ((int64_t)i * from.c + c) * out.c + o);
        }
    }
    return give(p, pta_exact_of(acc, t->accum));
}

static int64_t scaled(const place *p, int64_t e)
{
    int64_t c = e % p->node->view.c;
    pta_exact scale = pta_exact_of(p->layer->w[c], p->f->weight);
    pta_exact shift = pta_exact_of(p->layer->bias[c], p->f->hls4ml.bias);
    return give(p,
                pta_exact_add(pta_exact_multiply(in(p, 0, e), scale), shift));
}

/* ---- activations ---- */

static int64_t relu(const place *p, int64_t e)
{
    pta_exact x = in(p, 0, e), cap = {6, 0};
    if (x.n <= 0) {
        int64_t alpha = pta_exact_assign_weight(p->node->alpha, p->f->weight);
        return give(p,
                    pta_exact_multiply(x, pta_exact_of(alpha, p->f->weight)));
    }
    bool is_relu6 = isfinite(p->node->act_max);
    return give(p, is_relu6 && pta_exact_compare(x, cap) > 0 ? cap : x);
}

static int64_t hard_sigmoid(const place *p, int64_t e)
{
    pta_exact slope = {(pta_whole)floor(0.2 * 65536), 16}, half = {1, 1};
    pta_exact zero = {0, 0}, one = {1, 0};
    pta_exact y = pta_exact_add(pta_exact_multiply(slope, in(p, 0, e)), half);
    return give(p, pta_exact_compare(y, one) > 0    ? one
                   : pta_exact_compare(y, zero) < 0 ? zero
                                                    : y);
}

static int64_t curve(const place *p, int64_t e)
{
    bool is_tanh = p->node->op == PTA_OP_TANH;
    double span = is_tanh ? 8 : 16, size = p->f->hls4ml.table_size;
    double x = value_of(raw_in(p, 0, e), in_format(p, 0));
    double index = trunc(x * size / span) + size / 2;
    index = fmin(fmax(index, 0), size - 1);
    float at = (float)(span * (index - size / 2) / size);
    float y = is_tanh ? tanhf(at) : (float)(1 / (double)(1 + expf(-at)));
    pta_format table = p->f->hls4ml.table;
    return give(p,
                pta_exact_of(pta_exact_assign_double((double)y, table), table));
}

/* ---- pooling ---- */

static int64_t pooled(const place *p, int64_t e)
{
    pta_view out = p->node->view, from = in_view(p, 0);
    pta_format x = in_format(p, 0), accum = p->f->hls4ml.accum;
    bool average = p->node->op == PTA_OP_AVGPOOL;
    int32_t cells = p->node->window.kh * p->node->window.kw, cell;
    int64_t c = e % out.c, sum = 0, n = 0, most = 0;
    int64_t padding = (int64_t)1 << (x.width - 1);
    cell = (int32_t)(e / out.c);
    for (int32_t i = 0; i < cells; i++) {
        int64_t at = cell_under(p, i, cell / out.w, cell % out.w);
        int64_t raw = at >= 0       ? raw_in(p, 0, at * from.c + c)
                      : x.is_signed ? -padding
                                    : padding;
        most = i == 0 || raw > most ? raw : most;
        if (average && at >= 0) {
            sum = pta_exact_assign(
                pta_exact_add(pta_exact_of(sum, accum), pta_exact_of(raw, x)),
                accum);
            n++;
        }
    }
    if (!average) {
        return most;
    }
    return give(p, pta_exact_of(n == 0 ? 0 : sum / n, accum));
}

/* ---- merges and moves ---- */

static int64_t merged(const place *p, int64_t e)
{
    pta_exact a = in(p, 0, e), b = in(p, 1, e);
    switch ((int)p->node->op) {
    case PTA_OP_ADD:
        return give(p, pta_exact_add(a, b));
    case PTA_OP_SUB:
        return give(p, pta_exact_add(a, pta_exact_negate(b)));
    case PTA_OP_MUL:
        return give(p, pta_exact_multiply(a, b));
    case PTA_OP_AVERAGE:
        return give(p,
                    pta_exact_multiply(pta_exact_add(a, b), (pta_exact){1, 1}));
    default:
        return give(p, pta_exact_compare(a, b) > 0 ? a : b);
    }
}

/* Coordinates of element e of a view, and the element at coordinates. */
static void split(pta_view v, int64_t e, int32_t at[3])
{
    at[2] = (int32_t)(e % v.c);
    at[1] = (int32_t)(e / v.c % v.w);
    at[0] = (int32_t)(e / v.c / v.w);
}

static int64_t join(pta_view v, const int32_t at[3])
{
    return ((int64_t)at[0] * v.w + at[1]) * v.c + at[2];
}

static int64_t concatenated(const place *p, int64_t e)
{
    int32_t at[3], k = 0, axis = p->node->axis;
    split(p->node->view, e, at);
    for (;; k++) {
        pta_view v = in_view(p, k);
        int32_t size = axis == 0 ? v.h : axis == 1 ? v.w : v.c;
        if (at[axis] < size) {
            return give(p, in(p, k, join(v, at)));
        }
        at[axis] -= size;
    }
}

static int64_t permuted(const place *p, int64_t e)
{
    int32_t at[3], from[3];
    split(p->node->view, e, at);
    for (int i = 0; i < 3; i++) {
        from[p->node->perm[i]] = at[i];
    }
    return raw_in(p, 0, join(in_view(p, 0), from));
}

static int64_t padded(const place *p, int64_t e)
{
    int32_t at[3];
    pta_view v = in_view(p, 0);
    split(p->node->view, e, at);
    at[0] -= p->node->window.pad_t;
    at[1] -= p->node->window.pad_l;
    bool inside = at[0] >= 0 && at[1] >= 0 && at[0] < v.h && at[1] < v.w;
    return inside ? raw_in(p, 0, join(v, at)) : 0;
}

/* ---- softmax ---- */

static int32_t table_bits(const place *p, bool exponentials)
{
    pta_format x = in_format(p, 0);
    int32_t bits = (int32_t)log2(p->f->hls4ml.table_size);
    int32_t width = p->f->hls4ml.inv_table.width;
    bits = x.width < bits ? x.width : bits;
    bits = width < bits ? width : bits;
    bool unsign = exponentials && x.is_signed &&
                  p->f->hls4ml.softmax == PTA_SOFTMAX_STABLE;
    return unsign && x.width - 1 < bits ? x.width - 1 : bits;
}

/* Lower edge of the bucket of `value`; 2^bits buckets span 2^integer. */
static float lower_edge(double value, int integer, int32_t bits)
{
    double width = ldexp(1.0, integer - bits);
    return (float)(floor(value / width) * width);
}

static double greatest(const place *p, int64_t row, int32_t *index)
{
    int32_t n = p->node->view.c;
    double most = -HUGE_VAL;
    for (int32_t i = 0; i < n; i++) {
        double v = value_of(raw_in(p, 0, row * n + i), in_format(p, 0));
        if (v > most) {
            most = v;
            *index = i;
        }
    }
    return most;
}

/* exp of element i, in accum. */
static int64_t exponential(const place *p, int64_t row, int32_t i)
{
    int32_t n = p->node->view.c, first;
    const pta_hls4ml_types *t = &p->f->hls4ml;
    pta_format x = in_format(p, 0);
    double v = value_of(raw_in(p, 0, row * n + i), x);
    float at;
    if (t->softmax == PTA_SOFTMAX_STABLE) {
        int integer = x.integer - (x.is_signed ? 1 : 0);
        double span = ldexp(1.0, integer);
        double d = greatest(p, row, &first) - v;
        at = -lower_edge(d - floor(d / span) * span, integer,
                         table_bits(p, true));
    } else {
        at = lower_edge(v, x.integer, table_bits(p, true));
    }
    int64_t entry = pta_exact_assign_double((double)expf(at), t->table);
    return pta_exact_assign(pta_exact_of(entry, t->table), t->accum);
}

/* Sum of [from, from + n): the left part is the greatest power of 2 below n. */
static int64_t tree(const place *p, int64_t row, int32_t from, int32_t n)
{
    pta_format accum = p->f->hls4ml.accum;
    int32_t left = 1;
    if (n == 1) {
        return exponential(p, row, from);
    }
    while (left * 2 < n) {
        left *= 2;
    }
    pta_exact a = pta_exact_of(tree(p, row, from, left), accum);
    pta_exact b = pta_exact_of(tree(p, row, from + left, n - left), accum);
    return pta_exact_assign(pta_exact_add(a, b), accum);
}

static int64_t softmax(const place *p, int64_t e)
{
    const pta_hls4ml_types *t = &p->f->hls4ml;
    int32_t n = p->node->view.c, i = (int32_t)(e % n), first = 0;
    int64_t row = e / n;
    if (t->softmax == PTA_SOFTMAX_ARGMAX) {
        greatest(p, row, &first);
        return give(p, (pta_exact){i == first, 0});
    }
    int64_t sum = pta_exact_assign(pta_exact_of(tree(p, row, 0, n), t->accum),
                                   t->inv_input);
    float at = lower_edge(value_of(sum, t->inv_input), t->inv_input.integer,
                          table_bits(p, false));
    int64_t inverse = pta_exact_assign_double((double)(1 / at), t->inv_table);
    pta_exact exp_i = pta_exact_of(exponential(p, row, i), t->accum);
    return give(p,
                pta_exact_multiply(exp_i, pta_exact_of(inverse, t->inv_table)));
}

/* ---- any layer ---- */

static int64_t element(const place *p, int64_t e)
{
    switch (p->node->op) {
    case PTA_OP_DENSE:
    case PTA_OP_CONV:
    case PTA_OP_DWCONV:
        return weighted(p, e);
    case PTA_OP_SCALE_SHIFT:
        return scaled(p, e);
    case PTA_OP_MAXPOOL:
    case PTA_OP_AVGPOOL:
        return pooled(p, e);
    case PTA_OP_RELU:
        return relu(p, e);
    case PTA_OP_SIGMOID:
    case PTA_OP_TANH:
        return curve(p, e);
    case PTA_OP_HARD_SIGMOID:
        return hard_sigmoid(p, e);
    case PTA_OP_SOFTMAX:
        return softmax(p, e);
    case PTA_OP_PERMUTE:
        return permuted(p, e);
    case PTA_OP_ZEROPAD:
        return padded(p, e);
    case PTA_OP_CONCAT:
        return concatenated(p, e);
    case PTA_OP_ADD:
    case PTA_OP_SUB:
    case PTA_OP_MUL:
    case PTA_OP_AVERAGE:
    case PTA_OP_MAXIMUM:
        return merged(p, e);
    case PTA_OP_RESHAPE:
    case PTA_OP_INPUT:
    case PTA_OP_COUNT:
        break;
    }
    return raw_in(p, 0, e);
}

static void run_node(const pta_hls4ml_reference *r, int32_t id, int32_t n)
{
    place p = {.r = r,
               .node = &r->graph->nodes[id],
               .f = &r->formats[id],
               .layer = &r->layers[id]};
    for (p.sample = 0; p.sample < n; p.sample++) {
        double *y = p.layer->y + p.sample * p.layer->count;
        for (int64_t e = 0; e < p.layer->count; e++) {
            y[e] = (double)element(&p, e);
        }
    }
}

/* ---- life ---- */

static pta_status read_raw(pta_ctx *ctx, const pta_graph *graph,
                           pta_weights *weights, int32_t id,
                           pta_weight_role role, pta_format format,
                           int64_t **out)
{
    pta_weight_part part = pta_weight_whole(graph, id, role);
    int64_t n = pta_weight_count(graph, id, role, part);
    double *values;
    PTA_TRY_ALLOC(ctx, *out, n);
    PTA_TRY_ALLOC(ctx, values, n);
    pta_status status = weights->read(weights, ctx, id, role, part, values);
    for (int64_t i = 0; status == PTA_OK && i < n; i++) {
        (*out)[i] = pta_exact_assign_weight(values[i], format);
    }
    pta_free(ctx, values);
    return status;
}

static pta_status read_layer(pta_ctx *ctx, pta_hls4ml_reference *r,
                             pta_weights *weights, int32_t id,
                             int32_t max_samples)
{
    const pta_node *node = &r->graph->nodes[id];
    const pta_node_format *f = &r->formats[id];
    layer *l = &r->layers[id];
    bool is_scale = node->op == PTA_OP_SCALE_SHIFT;
    l->count = pta_view_count(node->view);
    PTA_TRY_ALLOC(ctx, l->y, max_samples * l->count);
    if (!pta_node_weighted(node)) {
        return PTA_OK;
    }
    PTA_TRY(read_raw(ctx, r->graph, weights, id,
                     is_scale ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL, f->weight,
                     &l->w));
    if (!is_scale && !node->has_bias) {
        return PTA_OK;
    }
    return read_raw(ctx, r->graph, weights, id,
                    is_scale ? PTA_WEIGHT_SHIFT : PTA_WEIGHT_BIAS,
                    f->hls4ml.bias, &l->bias);
}

pta_status pta_hls4ml_reference_open(pta_ctx *ctx, const pta_graph *graph,
                                     pta_weights *weights,
                                     const pta_node_format *formats,
                                     int32_t max_samples,
                                     pta_hls4ml_reference **out)
{
    pta_hls4ml_reference *r;
    PTA_TRY_ALLOC(ctx, r, 1);
    r->graph = graph;
    r->formats = formats;
    r->layers = pta_calloc(ctx, (size_t)graph->n_nodes, sizeof *r->layers);
    pta_status status = r->layers == NULL ? PTA_ERR_NOMEM : PTA_OK;
    for (int32_t i = 0; i < graph->n_nodes && status == PTA_OK; i++) {
        status = read_layer(ctx, r, weights, i, max_samples);
    }
    if (status != PTA_OK) {
        pta_hls4ml_reference_close(ctx, &r);
        return status;
    }
    *out = r;
    return PTA_OK;
}

void pta_hls4ml_reference_close(pta_ctx *ctx, pta_hls4ml_reference **reference)
{
    pta_hls4ml_reference *r = *reference;
    if (r == NULL) {
        return;
    }
    for (int32_t i = 0; r->layers != NULL && i < r->graph->n_nodes; i++) {
        pta_free(ctx, r->layers[i].w);
        pta_free(ctx, r->layers[i].bias);
        pta_free(ctx, r->layers[i].y);
    }
    pta_free(ctx, r->layers);
    pta_free(ctx, r);
    *reference = NULL;
}

void pta_hls4ml_reference_run(pta_hls4ml_reference *r,
                              const void *const *inputs, void *const *outputs,
                              int32_t n_samples, pta_reference_tap tap,
                              void *user)
{
    for (int32_t i = 0; i < r->graph->n_inputs; i++) {
        const layer *l = &r->layers[r->graph->inputs[i]];
        for (int64_t e = 0; e < n_samples * l->count; e++) {
            l->y[e] = (double)((const int64_t *)inputs[i])[e];
        }
    }
    for (int32_t i = 0; i < r->graph->n_nodes; i++) {
        if (r->graph->nodes[i].op != PTA_OP_INPUT) {
            run_node(r, i, n_samples);
        }
        if (tap != NULL) {
            tap(user, i, r->layers[i].y, n_samples, r->layers[i].count);
        }
    }
    for (int32_t i = 0; i < r->graph->n_outputs; i++) {
        const layer *l = &r->layers[r->graph->outputs[i]];
        for (int64_t e = 0; e < n_samples * l->count; e++) {
            ((int64_t *)outputs[i])[e] = (int64_t)l->y[e];
        }
    }
}

const double *pta_hls4ml_reference_values(const pta_hls4ml_reference *r,
                                          int32_t node)
{
    return r->layers[node].y;
}
