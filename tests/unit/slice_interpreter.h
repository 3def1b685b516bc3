/*
 * A tiny interpreter of slices over int64, for tests of cuts: no kernels, no
 * number formats. Layers compute any fixed function that a wrong element, a
 * wrong weight or a lost padding would change; sums of products are exact, so
 * the law of splitting holds as for the real thing. Weights are a hash of
 * (layer, cell, input, output).
 */
#ifndef PTA_TESTS_SLICE_INTERPRETER_H
#define PTA_TESTS_SLICE_INTERPRETER_H

#include <stdio.h>

#include "base/rng.h"
#include "plan/wire.h"

typedef struct machine {
    const pta_graph *graph;
    const pta_slice *slice;
    int64_t **data; /* [n_values]; aliases point to the same */
} machine;

static inline int64_t sim_wrap(int64_t x)
{
    int64_t r = x % 2003;
    return r > 1001 ? r - 2003 : r < -1001 ? r + 2003 : r;
}

/* Weight or, with cell -1, bias; -9..9. */
static inline int64_t sim_weight(const pta_graph *graph, int32_t node,
                                 int64_t cell, int64_t in, int64_t out)
{
    uint64_t state = (uint64_t)graph->nodes[node].weights * 1000003u;
    state += (uint64_t)(cell + 1) * 7919u + (uint64_t)in * 104729u +
             (uint64_t)out * 15485863u;
    return pta_rng_range(&state, -9, 9);
}

static inline int64_t sim_finish(const pta_node *node, int64_t sum)
{
    if (node->act != PTA_ACT_NONE && sum < 0) {
        return 0;
    }
    return sim_wrap(sum);
}

static inline int64_t sim_count(const pta_value *v)
{
    return pta_region_count(&v->region);
}

static inline const pta_value *sim_in(const machine *m, const pta_step *s,
                                      int32_t k)
{
    return &m->slice->values[s->in[k]];
}

static inline int64_t sim_bias(const machine *m, const pta_step *s, int64_t row)
{
    return s->partial ? 0
                      : sim_weight(m->graph, s->node, -1, 0,
                                   s->weights.out_start + row);
}

static inline int64_t sim_sum(const machine *m, const pta_step *s, int64_t sum,
                              int64_t row)
{
    sum += sim_bias(m, s, row);
    return s->partial ? sum : sim_finish(&m->graph->nodes[s->node], sum);
}

static inline void sim_dense(const machine *m, const pta_step *s,
                             const int64_t *x, int64_t *y)
{
    const pta_weight_part *k = &s->weights.kernel;
    for (int32_t r = 0; r < s->weights.rows; r++) {
        int64_t sum = 0;
        for (int32_t c = 0; c < s->weights.cols; c++) {
            int64_t in = k->in_start +
                         (int64_t)(c / k->in_block) * k->in_stride +
                         c % k->in_block;
            sum +=
                x[c] * sim_weight(m->graph, s->node, 0, in, k->out_start + r);
        }
        y[r] = sim_sum(m, s, sum, r);
    }
}

/* One output element of a layer with a window. */
static inline int64_t sim_cell(const machine *m, const pta_step *s,
                               const int64_t *x, pta_view v, int32_t oh,
                               int32_t ow, int32_t oc)
{
    const pta_window *w = &s->window;
    const pta_weight_part *k = &s->weights.kernel;
    int32_t mult = s->op == PTA_STEP_DWCONV ? k->out_count : 1;
    int64_t sum = 0, most = INT64_MIN, n = 0;
    for (int32_t cell = 0; cell < w->kh * w->kw; cell++) {
        int32_t h = oh * w->stride_h - w->pad_t + cell / w->kw * w->dilation_h;
        int32_t q = ow * w->stride_w - w->pad_l + cell % w->kw * w->dilation_w;
        if (h < 0 || h >= v.h || q < 0 || q >= v.w) {
            continue;
        }
        const int64_t *at = x + ((int64_t)h * v.w + q) * v.c;
        if (s->op == PTA_STEP_CONV) {
            for (int32_t c = 0; c < v.c; c++) {
                sum += at[c] * sim_weight(m->graph, s->node, cell,
                                          k->in_start + c, k->out_start + oc);
            }
        } else if (s->op == PTA_STEP_DWCONV) {
            sum +=
                at[oc / mult] * sim_weight(m->graph, s->node, cell,
                                           k->in_start + oc / mult, oc % mult);
        } else {
            sum += at[oc];
            most = at[oc] > most ? at[oc] : most;
            n++;
        }
    }
    return s->op == PTA_STEP_MAXPOOL   ? most
           : s->op == PTA_STEP_AVGPOOL ? sim_wrap(sum * 5 + n)
                                       : sim_sum(m, s, sum, oc);
}

static inline void sim_windows(const machine *m, const pta_step *s,
                               const int64_t *x, int64_t *y)
{
    pta_view v = sim_in(m, s, 0)->view, o = m->slice->values[s->out].view;
    for (int32_t h = 0; h < o.h; h++) {
        for (int32_t w = 0; w < o.w; w++) {
            for (int32_t c = 0; c < o.c; c++) {
                *y++ = sim_cell(m, s, x, v, h, w, c);
            }
        }
    }
}

static inline void sim_pad(const machine *m, const pta_step *s,
                           const int64_t *x, int64_t *y)
{
    pta_view v = sim_in(m, s, 0)->view, o = m->slice->values[s->out].view;
    for (int32_t h = 0; h < o.h; h++) {
        for (int32_t w = 0; w < o.w; w++) {
            int32_t ih = h - s->window.pad_t, iw = w - s->window.pad_l;
            bool inside = ih >= 0 && ih < v.h && iw >= 0 && iw < v.w;
            for (int32_t c = 0; c < o.c; c++) {
                *y++ = inside ? x[((int64_t)ih * v.w + iw) * v.c + c] : 0;
            }
        }
    }
}

static inline void sim_permute(const machine *m, const pta_step *s,
                               const int64_t *x, int64_t *y)
{
    pta_view v = sim_in(m, s, 0)->view, o = m->slice->values[s->out].view;
    for (int32_t h = 0; h < o.h; h++) {
        for (int32_t w = 0; w < o.w; w++) {
            for (int32_t c = 0; c < o.c; c++) {
                int32_t at[3];
                at[s->perm[0]] = h;
                at[s->perm[1]] = w;
                at[s->perm[2]] = c;
                *y++ = x[((int64_t)at[0] * v.w + at[1]) * v.c + at[2]];
            }
        }
    }
}

static inline void sim_concat(const machine *m, const pta_step *s, int64_t *y)
{
    pta_view o = m->slice->values[s->out].view;
    int32_t at[3] = {0, 0, 0};
    for (int32_t k = 0; k < s->n_in; k++) {
        pta_view v = sim_in(m, s, k)->view;
        const int64_t *x = m->data[s->in[k]];
        for (int32_t h = 0; h < v.h; h++) {
            for (int32_t w = 0; w < v.w; w++) {
                for (int32_t c = 0; c < v.c; c++) {
                    y[((int64_t)(h + at[0]) * o.w + w + at[1]) * o.c + c +
                      at[2]] = *x++;
                }
            }
        }
        at[s->axis] += s->axis == 0 ? v.h : s->axis == 1 ? v.w : v.c;
    }
}

static inline void sim_crop(const machine *m, const pta_step *s,
                            const int64_t *x, int64_t *y)
{
    pta_view v = sim_in(m, s, 0)->view, o = m->slice->values[s->out].view;
    for (int32_t r = 0; s->crop_h < 0 && r < s->crop_runs.n_runs; r++) {
        const pta_copy_run *run = &s->crop_runs.runs[r];
        for (int32_t i = 0; i < run->length; i++) {
            y[run->dst + i] = x[run->src + i];
        }
    }
    for (int32_t h = 0; s->crop_h >= 0 && h < o.h; h++) {
        for (int32_t w = 0; w < o.w; w++) {
            for (int32_t c = 0; c < o.c; c++) {
                *y++ = x[((int64_t)(h + s->crop_h) * v.w + w) * v.c + c +
                         s->crop_c];
            }
        }
    }
}

/* Layers that go element by element, and SCALE_SHIFT. */
static inline int64_t sim_element(const machine *m, const pta_step *s,
                                  int64_t e)
{
    const pta_node *node = &m->graph->nodes[s->node];
    int64_t a = m->data[s->in[0]][e];
    int64_t b = s->n_in > 1 ? m->data[s->in[1]][e] : 0;
    int64_t row = e % m->slice->values[s->out].view.c;
    switch (s->op) {
    case PTA_STEP_RELU:
        return a >= 3 ? a : sim_wrap(a * 3);
    case PTA_STEP_SIGMOID:
        return sim_wrap(a * a + 1);
    case PTA_STEP_TANH:
        return sim_wrap(7 - 2 * a);
    case PTA_STEP_HARD_SIGMOID:
        return a < -200 ? -200 : a > 200 ? 200 : a;
    case PTA_STEP_ADD:
        return sim_finish(node, a + b);
    case PTA_STEP_SUB:
        return sim_finish(node, a - b);
    case PTA_STEP_MUL:
        return sim_finish(node, a * b);
    case PTA_STEP_AVERAGE:
        return sim_finish(node, (a + b) * 3);
    case PTA_STEP_MAXIMUM:
        return sim_finish(node, a > b ? a : b);
    case PTA_STEP_SOFTMAX: /* of plain graphs, none here */
    case PTA_STEP_SCALE_SHIFT:
    case PTA_STEP_DENSE:
    case PTA_STEP_CONV:
    case PTA_STEP_DWCONV:
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
    case PTA_STEP_ZEROPAD:
    case PTA_STEP_PERMUTE:
    case PTA_STEP_CONCAT:
    case PTA_STEP_CROP:
        break;
    }
    return sim_sum(
        m, s,
        a * sim_weight(m->graph, s->node, 0, 0, s->weights.out_start + row),
        row);
}

static inline void sim_step(const machine *m, const pta_step *s)
{
    const int64_t *x = m->data[s->in[0]];
    int64_t *y = m->data[s->out];
    switch (s->op) {
    case PTA_STEP_DENSE:
        sim_dense(m, s, x, y);
        break;
    case PTA_STEP_CONV:
    case PTA_STEP_DWCONV:
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
        sim_windows(m, s, x, y);
        break;
    case PTA_STEP_ZEROPAD:
        sim_pad(m, s, x, y);
        break;
    case PTA_STEP_PERMUTE:
        sim_permute(m, s, x, y);
        break;
    case PTA_STEP_CONCAT:
        sim_concat(m, s, y);
        break;
    case PTA_STEP_CROP:
        sim_crop(m, s, x, y);
        break;
    case PTA_STEP_SOFTMAX:
    case PTA_STEP_SCALE_SHIFT:
    case PTA_STEP_RELU:
    case PTA_STEP_SIGMOID:
    case PTA_STEP_TANH:
    case PTA_STEP_HARD_SIGMOID:
    case PTA_STEP_ADD:
    case PTA_STEP_SUB:
    case PTA_STEP_MUL:
    case PTA_STEP_AVERAGE:
    case PTA_STEP_MAXIMUM:
        for (int64_t e = 0; e < sim_count(&m->slice->values[s->out]); e++) {
            y[e] = sim_element(m, s, e);
        }
    }
}

/* ---- a slice ---- */

static inline void machine_open(machine *m, const pta_graph *graph,
                                const pta_slice *slice)
{
    *m = (machine){graph, slice,
                   calloc((size_t)slice->n_values + 1, sizeof(int64_t *))};
    for (int32_t v = 0; v < slice->n_values; v++) {
        const pta_value *value = &slice->values[v];
        m->data[v] = value->alias_of >= 0
                         ? m->data[value->alias_of]
                         : calloc((size_t)sim_count(value) + 1, 8);
    }
}

static inline void machine_close(machine *m)
{
    for (int32_t v = 0; v < m->slice->n_values; v++) {
        if (m->slice->values[v].alias_of < 0) {
            free(m->data[v]);
        }
    }
    free(m->data);
}

/* Joins what came as partial sums, then runs the steps. */
static inline void machine_run(const machine *m)
{
    for (int32_t j = 0; j < m->slice->n_joins; j++) {
        const pta_join *join = &m->slice->joins[j];
        int32_t v = m->slice->inputs[join->input];
        for (int64_t e = 0; e < sim_count(&m->slice->values[v]); e++) {
            int64_t bias = sim_weight(m->graph, join->node, -1, 0,
                                      join->out_start + e % join->n_channels);
            m->data[v][e] =
                sim_finish(&m->graph->nodes[join->node], m->data[v][e] + bias);
        }
    }
    for (int32_t i = 0; i < m->slice->n_steps; i++) {
        sim_step(m, &m->slice->steps[i]);
    }
}

/* ---- a plan ---- */

typedef struct cluster {
    const pta_graph *graph;
    const pta_plan *plan;
    pta_slice **slices; /* [n_boards] */
    pta_slice *sink;
    pta_wires wires;
} cluster;

static inline pta_status cluster_open(pta_ctx *ctx, const pta_graph *graph,
                                      const pta_plan *plan, cluster *c)
{
    *c = (cluster){.graph = graph, .plan = plan};
    PTA_TRY_ALLOC(ctx, c->slices, plan->n_boards);
    for (int32_t b = 0; b < plan->n_boards; b++) {
        PTA_TRY(pta_slice_build(ctx, graph, plan, b, false, &c->slices[b]));
    }
    PTA_TRY(pta_slice_build(ctx, graph, plan, PTA_BOARD_SINK, false, &c->sink));
    return pta_wires_build(ctx, graph, plan, c->slices, c->sink, &c->wires);
}

static inline void cluster_close(pta_ctx *ctx, cluster *c)
{
    pta_wires_free(ctx, &c->wires);
    for (int32_t b = 0; c->slices != NULL && b < c->plan->n_boards; b++) {
        pta_slice_destroy(ctx, &c->slices[b]);
    }
    pta_slice_destroy(ctx, &c->sink);
    pta_free(ctx, c->slices);
}

/* Input values of the model: a hash of (seed, input, element). */
static inline int64_t sim_input(uint64_t seed, int32_t input, int64_t e)
{
    uint64_t state = seed + (uint64_t)input * 999983u + (uint64_t)e * 613u;
    return pta_rng_range(&state, -500, 500);
}

static inline void cluster_send(const cluster *c, machine *machines,
                                const pta_wire *wire, uint64_t seed)
{
    int32_t n = c->plan->n_boards;
    const machine *dst = &machines[wire->dst == PTA_BOARD_SINK ? n : wire->dst];
    for (int32_t i = 0; i < wire->n_pieces; i++) {
        const pta_piece *p = &wire->pieces[i];
        int64_t *to = dst->data[dst->slice->inputs[p->dst_input]];
        for (int32_t r = 0; r < p->copy.n_runs; r++) {
            for (int32_t e = 0; e < p->copy.runs[r].length; e++) {
                int32_t from = p->copy.runs[r].src + e;
                int64_t value;
                if (wire->src == PTA_BOARD_SOURCE) {
                    value = sim_input(seed, p->src_output, from);
                } else {
                    const machine *src = &machines[wire->src];
                    value = src->data[src->slice->outputs[p->src_output]][from];
                }
                int64_t *at = &to[p->copy.runs[r].dst + e];
                *at = p->partial ? *at + value : value;
            }
        }
    }
}

/* Runs one sample; gives the sink's outputs one after the other (malloc). */
static inline int64_t *cluster_run(const cluster *c, uint64_t seed,
                                   int64_t *n_out)
{
    int32_t n = c->plan->n_boards;
    machine *machines = calloc((size_t)n + 1, sizeof *machines);
    for (int32_t b = 0; b <= n; b++) {
        machine_open(&machines[b], c->graph, b < n ? c->slices[b] : c->sink);
    }
    for (int32_t b = PTA_BOARD_SOURCE; b <= n; b++) {
        if (b >= 0) {
            machine_run(&machines[b]);
        }
        for (int32_t w = 0; w < c->wires.n_wires; w++) {
            if (c->wires.wires[w].src == b) {
                cluster_send(c, machines, &c->wires.wires[w], seed);
            }
        }
    }
    int64_t total = 0, *out = NULL;
    for (int32_t i = 0; i < c->sink->n_outputs; i++) {
        int32_t v = c->sink->outputs[i];
        int64_t count = sim_count(&c->sink->values[v]);
        out = realloc(out, (size_t)(total + count) * 8);
        for (int64_t e = 0; e < count; e++) {
            out[total++] = machines[n].data[v][e];
        }
    }
    for (int32_t b = 0; b <= n; b++) {
        machine_close(&machines[b]);
    }
    free(machines);
    *n_out = total;
    return out;
}

/* Fraction bits of sums when every tensor has 10 and every weight 6. */
static inline int32_t sim_acc_frac(const pta_node *node)
{
    bool weights = pta_node_weighted(node) || node->op == PTA_OP_RELU;
    return weights ? 16 : node->op == PTA_OP_MUL ? 10 * node->n_in : 10;
}

/* A one-board plan with some formats. */
static inline pta_plan *sim_plan(pta_ctx *ctx, const pta_graph *graph)
{
    pta_plan *plan = NULL;
    if (pta_plan_create(ctx, graph, &plan) != PTA_OK) {
        return NULL;
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        pta_node_format *f = &plan->formats[i];
        f->out = pta_format_tensor(16, 6, true);
        f->weight = pta_format_weight(8, 2);
        f->acc_frac = sim_acc_frac(&graph->nodes[i]);
        f->acc_bits = 40;
        f->acc = PTA_S64;
    }
    return plan;
}

/* Builds a plan's slices and wires and runs one sample; NULL if that fails. */
static inline int64_t *sim_run(pta_ctx *ctx, const pta_graph *graph,
                               const pta_plan *plan, uint64_t seed, int64_t *n)
{
    cluster c;
    int64_t *out = NULL;
    pta_status status = cluster_open(ctx, graph, plan, &c);
    if (status == PTA_OK) {
        out = cluster_run(&c, seed, n);
    } else {
        fprintf(stderr, "\n%s\n", pta_ctx_error(ctx));
    }
    cluster_close(ctx, &c);
    return out;
}

#endif
