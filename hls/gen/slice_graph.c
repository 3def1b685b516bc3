/* A slice as a graph: see slice_graph.h. */
#include "hls/gen/slice_graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/build.h"
#include "ir/format.h"
#include "kernels/number.h"

typedef struct maker {
    pta_ctx *ctx;
    const pta_graph *names;
    const pta_slice *slice;
    pta_slice_graph *out;
    int32_t *node; /* [n_values] node with a value, or -1 */
} maker;

/* What a weight stands for. */
static double weight_at(const pta_step *step, int32_t row, int64_t col)
{
    const pta_step_weights *w = &step->weights;
    const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
    if (w->dtype == PTA_F32) {
        return (double)((const float *)(const void *)line)[col];
    }
    return ldexp((double)pta_load(line, w->dtype, col),
                 -pta_format_frac(w->format));
}

/* ---- nodes ---- */

/* As the layer has it in the model where the value fills that rank. */
static pta_shape shape_of(const maker *m, const pta_value *v)
{
    int32_t rank = m->names->nodes[v->node].shape.rank;
    if (rank == 1 && v->view.h == 1 && v->view.w == 1) {
        return (pta_shape){1, {v->view.c}};
    }
    if (rank == 2 && v->view.w == 1) {
        return (pta_shape){2, {v->view.h, v->view.c}};
    }
    return (pta_shape){3, {v->view.h, v->view.w, v->view.c}};
}

static pta_status add_node(maker *m, pta_node *node, int32_t value,
                           int32_t step)
{
    const pta_value *v = &m->slice->values[value];
    char name[256];
    const char *what = node->op == PTA_OP_RESHAPE ? "/reshape"
                       : step >= 0 && m->slice->steps[step].op == PTA_STEP_CROP
                           ? "/crop"
                           : "";
    snprintf(name, sizeof name, "%s%s", m->names->nodes[v->node].name, what);
    node->name = name;
    node->view = v->view;
    node->shape = shape_of(m, v);
    int32_t index = -1;
    PTA_TRY(pta_graph_add(m->ctx, m->out->graph, node, &index));
    m->out->step[index] = step;
    m->out->value[index] = value;
    m->node[value] = index;
    return PTA_OK;
}

static bool same_view(pta_view a, pta_view b)
{
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

/* Node with a value; an alias is made when it is first asked for. */
static pta_status node_of(maker *m, int32_t value, int32_t *node)
{
    const pta_value *v = &m->slice->values[value];
    if (m->node[value] < 0) {
        PTA_ASSERT(v->alias_of >= 0);
        int32_t from;
        PTA_TRY(node_of(m, v->alias_of, &from));
        pta_shape shape = shape_of(m, v);
        if (same_view(m->out->graph->nodes[from].view, v->view) &&
            pta_shape_equal(&m->out->graph->nodes[from].shape, &shape)) {
            m->node[value] = from;
        } else {
            pta_node reshape = pta_node_make(PTA_OP_RESHAPE);
            reshape.n_in = 1;
            reshape.in = &from;
            PTA_TRY(add_node(m, &reshape, value, -1));
        }
    }
    *node = m->node[value];
    return PTA_OK;
}

static bool is_box(const pta_step *step)
{
    return step->crop_h >= 0 && step->crop_c >= 0;
}

/* A crop of rows and channels is a convolution over the rows it leaves out. */
static void make_crop(const maker *m, const pta_step *step, pta_node *node)
{
    const pta_value *x = &m->slice->values[step->in[0]];
    const pta_value *y = &m->slice->values[step->out];
    node->has_bias = false;
    node->act = PTA_ACT_NONE;
    node->window = pta_node_make(PTA_OP_CONV).window;
    node->window.kh = x->view.h - y->view.h + 1;
    if (!is_box(step)) {
        node->op = PTA_OP_DENSE;
        node->window.kh = 1;
    }
}

static void make_node(const maker *m, int32_t index, pta_node *node)
{
    const pta_step *step = &m->slice->steps[index];
    /* a crop copies: a convolution of one-hot weights */
    *node = pta_node_make(
        step->op == PTA_STEP_CROP ? PTA_OP_CONV : pta_step_graph_op(step->op));
    node->window = step->window;
    node->act = step->partial ? PTA_ACT_NONE : step->act;
    node->act_max = step->op == PTA_STEP_RELU && isinf(step->act_max)
                        ? HUGE_VAL
                        : step->act_max;
    node->threshold = step->threshold;
    node->keras_major = step->keras_major;
    node->axis = step->axis;
    memcpy(node->perm, step->perm, sizeof node->perm);
    node->has_bias = pta_node_weighted(node);
    if (step->op == PTA_STEP_CROP) {
        make_crop(m, step, node);
    }
    if (step->op == PTA_STEP_RELU && step->weights.data != NULL) {
        node->alpha = weight_at(step, 0, 0);
    }
    if (pta_node_weighted(node)) {
        node->weights = index;
    }
}

/* A Dense node gives a vector; the value behind a crop may be none. */
static pta_status add_gather(maker *m, int32_t index, pta_node *node)
{
    const pta_step *step = &m->slice->steps[index];
    const pta_value *y = &m->slice->values[step->out];
    char name[256];
    int32_t flat = -1;
    snprintf(name, sizeof name, "%s/crop", m->names->nodes[y->node].name);
    node->name = name;
    node->view = (pta_view){1, 1, (int32_t)pta_view_count(y->view)};
    node->shape = (pta_shape){1, {node->view.c}};
    PTA_TRY(pta_graph_add(m->ctx, m->out->graph, node, &flat));
    m->out->step[flat] = index;
    m->out->value[flat] = step->out;
    pta_node shape = pta_node_make(PTA_OP_RESHAPE);
    shape.n_in = 1;
    shape.in = &flat;
    return add_node(m, &shape, step->out, -1);
}

static pta_status add_step(maker *m, int32_t index)
{
    const pta_step *step = &m->slice->steps[index];
    int32_t *in;
    PTA_TRY_ALLOC(m->ctx, in, step->n_in);
    pta_status status = PTA_OK;
    for (int32_t k = 0; k < step->n_in && status == PTA_OK; k++) {
        status = node_of(m, step->in[k], &in[k]);
    }
    if (status == PTA_OK) {
        pta_node node;
        make_node(m, index, &node);
        node.n_in = step->n_in;
        node.in = in;
        status = step->op == PTA_STEP_CROP && !is_box(step)
                     ? add_gather(m, index, &node)
                     : add_node(m, &node, step->out, index);
    }
    pta_free(m->ctx, in);
    return status;
}

static pta_status add_all(maker *m)
{
    const pta_slice *s = m->slice;
    for (int32_t i = 0; i < s->n_inputs; i++) {
        pta_node node = pta_node_make(PTA_OP_INPUT);
        PTA_TRY(add_node(m, &node, s->inputs[i], -1));
    }
    for (int32_t i = 0; i < s->n_steps; i++) {
        PTA_TRY(add_step(m, i));
    }
    for (int32_t i = 0; i < s->n_outputs; i++) {
        int32_t node;
        PTA_TRY(node_of(m, s->outputs[i], &node));
        PTA_TRY(pta_graph_add_output(m->ctx, m->out->graph, node));
    }
    return PTA_OK;
}

/* ---- weights ---- */

static double bias_at(const pta_step *step, int32_t row)
{
    const pta_step_weights *w = &step->weights;
    if (w->bias_f32 != NULL) {
        return (double)w->bias_f32[row];
    }
    bool own = step->hls4ml.used && step->op == PTA_STEP_SCALE_SHIFT;
    int frac = own ? pta_format_frac(step->hls4ml.bias) : step->acc_frac;
    return w->bias == NULL ? 0.0 : ldexp((double)w->bias[row], -frac);
}

/* [cells][inputs][outputs] from rows of cells and inputs. */
static void read_kernel(const pta_step *step, double *values)
{
    int32_t rows = step->weights.rows, cols = step->weights.cols;
    if (step->op == PTA_STEP_DWCONV) { /* row c * mult + m, column cell */
        for (int32_t cell = 0; cell < cols; cell++) {
            for (int32_t row = 0; row < rows; row++) {
                *values++ = weight_at(step, row, cell);
            }
        }
        return;
    }
    for (int32_t col = 0; col < cols; col++) {
        for (int32_t row = 0; row < rows; row++) {
            *values++ = weight_at(step, row, col);
        }
    }
}

/* 1 where the output takes the input's element. */
static void read_crop(const pta_slice *s, const pta_step *step, double *values)
{
    pta_view x = s->values[step->in[0]].view, y = s->values[step->out].view;
    if (is_box(step)) {
        memset(values, 0,
               (size_t)(x.h - y.h + 1) * (size_t)x.c * (size_t)y.c *
                   sizeof *values);
        for (int32_t c = 0; c < y.c; c++) {
            int64_t in = (int64_t)step->crop_h * x.c + step->crop_c + c;
            values[in * y.c + c] = 1.0;
        }
        return;
    }
    int64_t n = pta_view_count(y);
    memset(values, 0, (size_t)pta_view_count(x) * (size_t)n * sizeof *values);
    for (int32_t i = 0; i < step->crop_runs.n_runs; i++) {
        pta_copy_run run = step->crop_runs.runs[i];
        for (int64_t k = 0; k < (int64_t)run.length; k++) {
            values[((int64_t)run.src + k) * n + (int64_t)run.dst + k] = 1.0;
        }
    }
}

static pta_status read_weights(pta_weights *self, pta_ctx *ctx, int32_t node,
                               pta_weight_role role, pta_weight_part part,
                               double *values)
{
    const pta_slice_graph *g = self->state;
    const pta_step *step = &g->slice->steps[g->step[node]];
    pta_weight_part whole = pta_weight_whole(g->graph, node, role);
    (void)ctx;
    PTA_ASSERT(part.out_count == whole.out_count &&
               part.in_count * part.in_block ==
                   whole.in_count * whole.in_block);
    if (step->op == PTA_STEP_CROP) {
        read_crop(g->slice, step, values);
    } else if (role == PTA_WEIGHT_KERNEL) {
        read_kernel(step, values);
    } else {
        for (int32_t i = 0; i < step->weights.rows; i++) {
            values[i] = role == PTA_WEIGHT_SCALE ? weight_at(step, i, 0)
                                                 : bias_at(step, i);
        }
    }
    return PTA_OK;
}

/* ---- the whole ---- */

static pta_status make(maker *m)
{
    pta_slice_graph *out = m->out;
    size_t room = (size_t)m->slice->n_values + (size_t)m->slice->n_steps;
    char name[32];
    snprintf(name, sizeof name, "board%d", (int)m->slice->board);
    PTA_TRY_ALLOC(m->ctx, out->step, room);
    PTA_TRY_ALLOC(m->ctx, out->value, room);
    PTA_TRY_ALLOC(m->ctx, m->node, m->slice->n_values);
    for (int32_t i = 0; i < m->slice->n_values; i++) {
        m->node[i] = -1;
    }
    PTA_TRY(pta_graph_create(m->ctx, name, &out->graph));
    out->graph->is_plain = m->names->is_plain;
    out->slice = m->slice;
    out->weights = (pta_weights){read_weights, out};
    return add_all(m);
}

pta_status pta_slice_graph_make(pta_ctx *ctx, const pta_graph *graph,
                                const pta_slice *slice, pta_slice_graph **out)
{
    maker m = {.ctx = ctx, .names = graph, .slice = slice};
    PTA_TRY_ALLOC(ctx, m.out, 1);
    pta_status status = make(&m);
    pta_free(ctx, m.node);
    if (status != PTA_OK) {
        pta_slice_graph_destroy(ctx, &m.out);
        return status;
    }
    *out = m.out;
    return PTA_OK;
}

void pta_slice_graph_destroy(pta_ctx *ctx, pta_slice_graph **graph)
{
    if (*graph == NULL) {
        return;
    }
    pta_graph_destroy(ctx, &(*graph)->graph);
    pta_free(ctx, (*graph)->step);
    pta_free(ctx, (*graph)->value);
    pta_free(ctx, *graph);
    *graph = NULL;
}
