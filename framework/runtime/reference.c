/*
 * The references of runtime/reference.h: the uncut graph as a BLAS program,
 * node i making value i.
 *
 * Weights are read whole and turned into raw integers here, by the rules of
 * the exact profile and with the code of kernels/exact_blas.h: AP_RND and
 * AP_SAT_SYM for kernels, scales and slopes, AP_RND at the accumulator's scale
 * for biases and bounds. Nothing is taken from ir/format.c or from a slice.
 */
#include "runtime/reference.h"

#include <math.h>
#include <string.h>

#include "runtime/blas_program_priv.h"
#include "runtime/reference_hls4ml_priv.h"

struct pta_reference {
    const pta_graph *graph;       /* borrowed */
    pta_hls4ml_reference *hls4ml; /* owned; then the rest is unused */
    pta_blas_program program;
    bool keep_all; /* as asked for */
    bool kept_all; /* as the arena is laid out */
};

typedef struct builder {
    const pta_graph *graph;
    pta_weights *weights;
    const pta_node_format *formats; /* NULL: float */
    pta_blas_program *program;
} builder;

static int frac_of(pta_format f)
{
    return f.width - f.integer;
}

/* ---- weights ---- */

static pta_status read_whole(pta_ctx *ctx, const builder *b, int32_t node,
                             pta_weight_role role, double **values,
                             int64_t *count)
{
    pta_weight_part part = pta_weight_whole(b->graph, node, role);
    *count = pta_weight_count(b->graph, node, role, part);
    PTA_TRY_ALLOC(ctx, *values, *count);
    pta_status status =
        b->weights->read(b->weights, ctx, node, role, part, *values);
    if (status != PTA_OK) {
        pta_free(ctx, *values);
        *values = NULL;
    }
    return status;
}

/* Values [cols][rows], as a file has them, become float32 [rows][cols]. */
static pta_status store_float(pta_ctx *ctx, pta_blas_op *op,
                              const double *values)
{
    float *w;
    PTA_TRY_ALLOC(ctx, w, (int64_t)op->rows * op->cols);
    op->owned[0] = w;
    for (int64_t row = 0; row < op->rows; row++) {
        for (int64_t col = 0; col < op->cols; col++) {
            *w++ = (float)values[col * op->rows + row];
        }
    }
    op->w_f32 = op->owned[0];
    op->w_stride = op->cols;
    return PTA_OK;
}

/* ... or raw integers. */
static pta_status store_raw(pta_ctx *ctx, pta_blas_op *op, pta_format format,
                            const double *values)
{
    PTA_TRY_ALLOC(ctx, op->w_raw, (int64_t)op->rows * op->cols);
    double *w = op->w_raw;
    for (int64_t row = 0; row < op->rows; row++) {
        for (int64_t col = 0; col < op->cols; col++) {
            double value = values[col * op->rows + row];
            *w++ = (double)pta_exact_quantise((long double)value, format);
        }
    }
    return PTA_OK;
}

static pta_status load_kernel(pta_ctx *ctx, const builder *b, int32_t node,
                              pta_blas_op *op)
{
    bool is_scale = op->op == PTA_OP_SCALE_SHIFT;
    int64_t count;
    double *values = NULL;
    PTA_TRY(read_whole(ctx, b, node,
                       is_scale ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL, &values,
                       &count));
    /* all but DENSE and SCALE_SHIFT have their outputs on the channel axis */
    const pta_node *n = &b->graph->nodes[node];
    op->rows = is_scale ? (int32_t)count : n->view.c;
    op->cols = (int32_t)(count / op->rows);
    pta_status status =
        b->formats == NULL
            ? store_float(ctx, op, values)
            : store_raw(ctx, op, b->formats[node].weight, values);
    pta_free(ctx, values);
    return status;
}

static pta_status load_bias(pta_ctx *ctx, const builder *b, int32_t node,
                            pta_blas_op *op)
{
    pta_weight_role role =
        op->op == PTA_OP_SCALE_SHIFT ? PTA_WEIGHT_SHIFT : PTA_WEIGHT_BIAS;
    if (role == PTA_WEIGHT_BIAS && !b->graph->nodes[node].has_bias) {
        return PTA_OK;
    }
    int64_t count;
    double *values = NULL;
    PTA_TRY(read_whole(ctx, b, node, role, &values, &count));
    op->owned[1] = pta_calloc(ctx, (size_t)count, sizeof(int64_t));
    for (int64_t i = 0; op->owned[1] != NULL && i < count; i++) {
        if (b->formats == NULL) {
            ((float *)op->owned[1])[i] = (float)values[i];
        } else {
            ((int64_t *)op->owned[1])[i] =
                pta_exact_quantise_at(values[i], op->acc_frac);
        }
    }
    op->bias_f32 = op->owned[1];
    op->bias = op->owned[1];
    pta_free(ctx, values);
    return op->owned[1] == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

/* ---- nodes ---- */

/* Fraction bits of the exact result before the one conversion. */
static int32_t exact_frac(const builder *b, int32_t node)
{
    const pta_node *n = &b->graph->nodes[node];
    int32_t most = frac_of(b->program->values[n->in[0]].format), sum = most;
    for (int32_t k = 1; k < n->n_in; k++) {
        int32_t frac = frac_of(b->program->values[n->in[k]].format);
        most = frac > most ? frac : most;
        sum += frac;
    }
    if (b->formats[node].weight.width > 0) {
        return sum + frac_of(b->formats[node].weight);
    }
    return n->op == PTA_OP_MUL ? sum : most;
}

static void set_raw_parameters(const builder *b, int32_t node, pta_blas_op *op)
{
    const pta_node *n = &b->graph->nodes[node];
    pta_format weight = b->formats[node].weight;
    op->acc_frac = exact_frac(b, node);
    op->act_max_raw = isfinite(n->act_max)
                          ? pta_exact_quantise_at(n->act_max, op->acc_frac)
                          : INT64_MAX;
    if (n->op == PTA_OP_RELU && weight.width > 0) {
        op->alpha_raw = pta_exact_quantise((long double)n->alpha, weight);
    }
    if (n->op == PTA_OP_RELU) {
        op->threshold_raw = pta_exact_quantise_at(
            n->threshold, frac_of(b->program->values[n->in[0]].format));
    }
}

static pta_status build_node(pta_ctx *ctx, const builder *b, int32_t node)
{
    const pta_node *n = &b->graph->nodes[node];
    pta_blas_value *value = &b->program->values[node];
    pta_blas_op *op = &b->program->ops[node];
    *op = (pta_blas_op){.op = n->op,
                        .name = n->name,
                        .n_in = n->n_in,
                        .in = n->in,
                        .out = node,
                        .window = n->window,
                        .keras_major = n->keras_major,
                        .axis = n->axis,
                        .perm = {n->perm[0], n->perm[1], n->perm[2]},
                        .act = n->act,
                        .act_max = n->act_max,
                        .alpha = n->alpha,
                        .threshold = n->threshold};
    value->view = n->view;
    value->keep = n->op == PTA_OP_INPUT;
    if (n->op == PTA_OP_RESHAPE) {
        value->root = b->program->values[n->in[0]].root;
    }
    if (b->formats != NULL) {
        value->format = pta_node_keeps_format(n)
                            ? b->program->values[n->in[0]].format
                            : b->formats[node].out;
    }
    if (b->formats != NULL && n->op != PTA_OP_INPUT &&
        pta_graph_in_integer(b->graph, node)) {
        set_raw_parameters(b, node, op);
    }
    if (pta_node_weighted(n)) {
        PTA_TRY(load_kernel(ctx, b, node, op));
        PTA_TRY(load_bias(ctx, b, node, op));
    }
    return PTA_OK;
}

static int32_t output_node(const pta_reference *r, int32_t i)
{
    return r->program.is_float ? r->graph->outputs[i]
                               : pta_graph_integer_output(r->graph, i);
}

static pta_status build(pta_ctx *ctx, pta_reference *r, pta_weights *weights,
                        const pta_node_format *formats, int32_t max_samples)
{
    int32_t n = r->graph->n_nodes;
    builder b = {r->graph, weights, formats, &r->program};
    PTA_TRY(pta_blas_program_create(ctx, formats == NULL, max_samples, n, n,
                                    &r->program));
    for (int32_t i = 0; i < n; i++) {
        PTA_TRY(build_node(ctx, &b, i));
    }
    for (int32_t i = 0; i < r->graph->n_outputs; i++) {
        int32_t node = output_node(r, i);
        r->program.values[r->program.values[node].root].keep = true;
    }
    return pta_blas_program_prepare(ctx, &r->program);
}

pta_status pta_reference_open(pta_ctx *ctx, const pta_graph *graph,
                              pta_weights *weights,
                              const pta_node_format *formats,
                              int32_t max_samples, pta_reference **out)
{
    if (formats != NULL) {
        PTA_TRY(pta_graph_check_integer(ctx, graph));
    }
    pta_reference *r;
    PTA_TRY_ALLOC(ctx, r, 1);
    r->graph = graph;
    bool is_hls4ml = formats != NULL && formats[0].hls4ml.used;
    pta_status status =
        is_hls4ml ? pta_hls4ml_reference_open(ctx, graph, weights, formats,
                                              max_samples, &r->hls4ml)
                  : build(ctx, r, weights, formats, max_samples);
    if (status != PTA_OK) {
        pta_reference_close(ctx, &r);
        return status;
    }
    *out = r;
    return PTA_OK;
}

void pta_reference_close(pta_ctx *ctx, pta_reference **reference)
{
    if (*reference == NULL) {
        return;
    }
    pta_hls4ml_reference_close(ctx, &(*reference)->hls4ml);
    pta_blas_program_free(ctx, &(*reference)->program);
    pta_free(ctx, *reference);
    *reference = NULL;
}

/* ---- running ---- */

static void take_input(pta_reference *r, int32_t i, const void *input,
                       int32_t n_samples)
{
    const pta_blas_value *v = &r->program.values[r->graph->inputs[i]];
    int64_t n = n_samples * pta_view_count(v->view);
    if (r->program.is_float) {
        memcpy(v->data, input, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        ((double *)v->data)[k] = (double)((const int64_t *)input)[k];
    }
}

static void give_output(const pta_reference *r, int32_t i, void *output,
                        int32_t n_samples)
{
    const pta_blas_value *v = &r->program.values[output_node(r, i)];
    int64_t n = n_samples * pta_view_count(v->view);
    if (r->program.is_float) {
        memcpy(output, v->data, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        ((int64_t *)output)[k] = (int64_t)((const double *)v->data)[k];
    }
}

pta_status pta_reference_run(pta_reference *r, pta_ctx *ctx,
                             const void *const *inputs, void *const *outputs,
                             int32_t n_samples, pta_reference_tap tap,
                             void *user)
{
    if (r->hls4ml != NULL) {
        pta_hls4ml_reference_run(r->hls4ml, inputs, outputs, n_samples, tap,
                                 user);
        return PTA_OK;
    }
    PTA_ASSERT(n_samples <= r->program.max_samples);
    if (r->keep_all != r->kept_all) {
        PTA_TRY(pta_blas_program_place(ctx, &r->program, r->keep_all));
        r->kept_all = r->keep_all;
    }
    for (int32_t i = 0; i < r->graph->n_inputs; i++) {
        take_input(r, i, inputs[i], n_samples);
    }
    for (int32_t i = 0; i < r->program.n_ops; i++) {
        const pta_blas_value *v = &r->program.values[i];
        pta_blas_op_run(&r->program, &r->program.ops[i], n_samples);
        if (tap != NULL &&
            (r->program.is_float || pta_graph_in_integer(r->graph, i))) {
            tap(user, i, v->data, n_samples, pta_view_count(v->view));
        }
    }
    for (int32_t i = 0; i < r->graph->n_outputs; i++) {
        give_output(r, i, outputs[i], n_samples);
    }
    return PTA_OK;
}

void pta_reference_keep_all(pta_reference *reference, bool keep)
{
    reference->keep_all = keep;
}

const void *pta_reference_values(const pta_reference *r, int32_t node)
{
    if (r->hls4ml != NULL) {
        return pta_hls4ml_reference_values(r->hls4ml, node);
    }
    const pta_blas_value *v = &r->program.values[node];
    bool exists = r->program.is_float || pta_graph_in_integer(r->graph, node);
    bool is_kept = r->kept_all || r->program.values[v->root].keep;
    return exists && is_kept ? v->data : NULL;
}
