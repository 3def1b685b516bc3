/* Networks for benchmarks and tests (net.h). */
#include "net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "ir/build.h"
#include "quant/formats.h"
#include "runtime/reference.h"

/* ---- weights ---- */

static double value_at(uint64_t seed, int32_t node, int role, int64_t place,
                       double scale)
{
    uint64_t state = seed ^ ((uint64_t)node << 48) ^ ((uint64_t)role << 44);
    state += (uint64_t)place * UINT64_C(0x9e3779b97f4a7c15);
    double unit = (double)(pta_rng_next(&state) >> 11) * 0x1p-53;
    return (2.0 * unit - 1.0) * scale;
}

static pta_status read_weights(pta_weights *self, pta_ctx *ctx, int32_t node,
                               pta_weight_role role, pta_weight_part part,
                               double *values)
{
    (void)ctx;
    const network *n = self->state;
    pta_weight_part whole = pta_weight_whole(n->graph, node, role);
    int64_t fan = pta_node_fan_in(n->graph, node);
    double scale = role == PTA_WEIGHT_KERNEL ? sqrt(3.0 / (double)fan) : 0.25;
    bool kernel = role == PTA_WEIGHT_KERNEL;
    int64_t rows = 1, inputs = whole.in_block * (int64_t)whole.in_count;
    if (kernel) {
        rows = pta_weight_count(n->graph, node, role, whole) /
               (inputs * whole.out_count);
    }
    for (int64_t cell = 0; cell < rows; cell++) {
        for (int32_t b = 0; b < (kernel ? part.in_count : 1); b++) {
            for (int32_t i = 0; i < (kernel ? part.in_block : 1); i++) {
                int64_t in =
                    kernel ? part.in_start + (int64_t)b * part.in_stride + i
                           : 0;
                int64_t at = (cell * inputs + in) * whole.out_count;
                for (int32_t o = 0; o < part.out_count; o++) {
                    *values++ = value_at(n->seed, node, (int)role,
                                         at + part.out_start + o, scale);
                }
            }
        }
    }
    return PTA_OK;
}

/* ---- graphs ---- */

static pta_status add_node(pta_ctx *ctx, network *n, pta_node *node, char *name,
                           pta_shape shape)
{
    node->name = name;
    node->shape = shape;
    node->view = pta_shape_view(&shape);
    if (node->op == PTA_OP_DENSE || node->op == PTA_OP_CONV) {
        node->weights = n->graph->n_nodes;
        node->has_bias = true;
    }
    int32_t index;
    return pta_graph_add(ctx, n->graph, node, &index);
}

static pta_shape vector(int32_t n)
{
    return (pta_shape){.rank = 1, .dim = {n}};
}

static pta_shape image(int32_t h, int32_t c)
{
    return (pta_shape){.rank = 3, .dim = {h, h, c}};
}

static pta_status add_dense(pta_ctx *ctx, network *n, char *name, int32_t in,
                            int32_t outputs, pta_activation act)
{
    pta_node node = pta_node_make(PTA_OP_DENSE);
    node.n_in = 1;
    node.in = &in;
    node.act = act;
    return add_node(ctx, n, &node, name, vector(outputs));
}

static pta_status add_conv(pta_ctx *ctx, network *n, char *name, int32_t in,
                           int32_t h, int32_t channels, pta_activation act)
{
    pta_node node = pta_node_make(PTA_OP_CONV);
    node.n_in = 1;
    node.in = &in;
    node.act = act;
    node.window.kh = node.window.kw = 3;
    pta_window_same(&node.window, h, h);
    return add_node(ctx, n, &node, name, image(h, channels));
}

static pta_status build_image(pta_ctx *ctx, network *n, int32_t h)
{
    char name[8][8] = {"input", "conv1", "conv2",   "add",
                       "pool",  "conv3", "flatten", "fc1"};
    char last[] = "output";
    pta_node node = pta_node_make(PTA_OP_INPUT);
    PTA_TRY(add_node(ctx, n, &node, name[0], image(h, 2)));
    PTA_TRY(add_conv(ctx, n, name[1], 0, h, 8, PTA_ACT_RELU));
    PTA_TRY(add_conv(ctx, n, name[2], 1, h, 8, PTA_ACT_NONE));
    node = pta_node_make(PTA_OP_ADD);
    node.n_in = 2;
    node.in = (int32_t[]){1, 2};
    node.act = PTA_ACT_RELU;
    PTA_TRY(add_node(ctx, n, &node, name[3], image(h, 8)));
    node = pta_node_make(PTA_OP_MAXPOOL);
    node.n_in = 1;
    node.in = (int32_t[]){3};
    node.window.kh = node.window.kw = 2;
    node.window.stride_h = node.window.stride_w = 2;
    PTA_TRY(add_node(ctx, n, &node, name[4], image(h / 2, 8)));
    PTA_TRY(add_conv(ctx, n, name[5], 4, h / 2, 12, PTA_ACT_RELU));
    node = pta_node_make(PTA_OP_RESHAPE);
    node.n_in = 1;
    node.in = (int32_t[]){5};
    PTA_TRY(add_node(ctx, n, &node, name[6], vector(h / 2 * (h / 2) * 12)));
    PTA_TRY(add_dense(ctx, n, name[7], 6, 20, PTA_ACT_RELU));
    return add_dense(ctx, n, last, 7, 10, PTA_ACT_NONE);
}

static pta_status build_dense(pta_ctx *ctx, network *n, const int32_t *widths,
                              int32_t n_widths)
{
    char input[] = "input";
    pta_node node = pta_node_make(PTA_OP_INPUT);
    PTA_TRY(add_node(ctx, n, &node, input, vector(widths[0])));
    for (int32_t i = 1; i < n_widths; i++) {
        char name[16];
        bool last = i == n_widths - 1;
        snprintf(name, sizeof name, last ? "output" : "fc%d", (int)i);
        PTA_TRY(add_dense(ctx, n, name, i - 1, widths[i],
                          last ? PTA_ACT_NONE : PTA_ACT_RELU));
    }
    return PTA_OK;
}

/** Values stay near [-1, 1]: three integer bits leave room, and a rare
 * saturation is as exact as everything else. */
static pta_status finish(pta_ctx *ctx, network *n, int32_t bits)
{
    PTA_TRY(pta_graph_add_output(ctx, n->graph, n->graph->n_nodes - 1));
    PTA_TRY(pta_plan_create(ctx, n->graph, &n->plan));
    n->plan->bits = bits;
    for (int32_t i = 0; i < n->graph->n_nodes; i++) {
        const pta_node *node = &n->graph->nodes[i];
        n->plan->formats[i].out =
            pta_node_keeps_format(node)
                ? n->plan->formats[node->in[0]].out
                : pta_format_tensor(bits, node->n_in == 0 ? 1 : 3, true);
        if (pta_node_weighted(node)) {
            n->plan->formats[i].weight = pta_format_weight(bits, 1);
        }
    }
    return pta_formats_prove(ctx, n->graph, &n->weights, n->plan->formats);
}

static pta_status begin(pta_ctx *ctx, uint64_t seed, network *n)
{
    *n = (network){.seed = seed};
    n->weights = (pta_weights){.read = read_weights, .state = n};
    return pta_graph_create(ctx, "generated", &n->graph);
}

static pta_status close_on_failure(pta_ctx *ctx, pta_status status, network *n)
{
    if (status != PTA_OK) {
        net_destroy(ctx, n);
    }
    return status;
}

pta_status net_dense(pta_ctx *ctx, const int32_t *widths, int32_t n,
                     int32_t bits, uint64_t seed, network *out)
{
    pta_status status = begin(ctx, seed, out);
    status = status == PTA_OK ? build_dense(ctx, out, widths, n) : status;
    status = status == PTA_OK ? finish(ctx, out, bits) : status;
    return close_on_failure(ctx, status, out);
}

pta_status net_image(pta_ctx *ctx, int32_t h, int32_t bits, uint64_t seed,
                     network *out)
{
    pta_status status = begin(ctx, seed, out);
    status = status == PTA_OK ? build_image(ctx, out, h) : status;
    status = status == PTA_OK ? finish(ctx, out, bits) : status;
    return close_on_failure(ctx, status, out);
}

/** Borrows the model's graph: net_destroy must not free it. */
static pta_status open_file(pta_ctx *ctx, const char *h5, const char *json,
                            int32_t bits, network *n)
{
    PTA_TRY(pta_model_open(ctx, h5, &n->model));
    n->graph = (pta_graph *)(uintptr_t)pta_model_graph(n->model);
    n->weights = *pta_model_weights(n->model);
    PTA_TRY(pta_plan_create(ctx, n->graph, &n->plan));
    n->plan->bits = bits;
    pta_ranges *ranges = NULL;
    PTA_TRY(pta_ranges_read(ctx, json, n->graph, &ranges));
    pta_status status =
        pta_formats_choose(ctx, n->graph, pta_model_weights(n->model), ranges,
                           bits, n->plan->formats);
    pta_ranges_destroy(ctx, &ranges);
    return status;
}

pta_status net_file(pta_ctx *ctx, const char *folder, const char *name,
                    int32_t bits, network *out)
{
    *out = (network){0};
    char h5[512], json[512];
    snprintf(h5, sizeof h5, "%s/%s.h5", folder, name);
    snprintf(json, sizeof json, "%s/%s.ranges.json", folder, name);
    return close_on_failure(ctx, open_file(ctx, h5, json, bits, out), out);
}

pta_status net_cut(pta_ctx *ctx, network *net, const char *cut)
{
    return pta_cut_apply(ctx, cut, net->graph, net->plan);
}

void net_destroy(pta_ctx *ctx, network *n)
{
    pta_plan_destroy(ctx, &n->plan);
    if (n->model != NULL) {
        n->graph = NULL;
        pta_model_close(ctx, &n->model);
    }
    pta_graph_destroy(ctx, &n->graph);
}

/* ---- samples ---- */

static pta_dtype input_dtype(const network *n)
{
    return pta_format_dtype(n->plan->formats[n->graph->inputs[0]].out);
}

static int64_t input_count(const network *n)
{
    return pta_view_count(n->graph->nodes[n->graph->inputs[0]].view);
}

size_t net_sample_bytes(const network *n)
{
    return pta_align8((size_t)input_count(n) * pta_dtype_bytes(input_dtype(n)));
}

void net_samples(const network *n, uint64_t seed, int64_t count, void *samples)
{
    pta_format format = n->plan->formats[n->graph->inputs[0]].out;
    size_t element = pta_dtype_bytes(input_dtype(n));
    uint64_t state = seed;
    for (int64_t s = 0; s < count; s++) {
        uint8_t *at = (uint8_t *)samples + (size_t)s * net_sample_bytes(n);
        for (int64_t e = 0; e < input_count(n); e++) {
            int64_t raw = pta_rng_range(&state, pta_format_min(format),
                                        pta_format_max(format));
            /* Little-endian hosts only, as everywhere in storage. */
            memcpy(at + (size_t)e * element, &raw, element);
        }
    }
}

/* ---- reference ---- */

static int64_t load_raw(const uint8_t *at, size_t element)
{
    int64_t raw = 0;
    memcpy(&raw, at, element);
    int shift = 64 - 8 * (int)element; /* extends the sign */
    return (int64_t)((uint64_t)raw << shift) >> shift;
}

static pta_status run_reference(pta_ctx *ctx, network *net, const int64_t *in,
                                int32_t n, int64_t *out)
{
    pta_reference *reference = NULL;
    PTA_TRY(pta_reference_open(ctx, net->graph, &net->weights,
                               net->plan->formats, n, &reference));
    pta_status status =
        pta_reference_run(reference, ctx, (const void *const[]){in},
                          (void *const[]){out}, n, NULL, NULL);
    pta_reference_close(ctx, &reference);
    return status;
}

pta_status net_reference(pta_ctx *ctx, network *net, const void *samples,
                         int32_t n, size_t out_bytes, void *results)
{
    int32_t last = pta_graph_integer_output(net->graph, 0);
    int64_t n_in = input_count(net);
    int64_t n_out = pta_view_count(net->graph->nodes[last].view);
    size_t in_element = pta_dtype_bytes(input_dtype(net));
    size_t out_element =
        pta_dtype_bytes(pta_format_dtype(net->plan->formats[last].out));
    int64_t *in, *out;
    PTA_TRY_ALLOC(ctx, in, (size_t)n * (size_t)n_in);
    PTA_TRY_ALLOC(ctx, out, (size_t)n * (size_t)n_out);
    for (int64_t i = 0; i < n * n_in; i++) {
        in[i] = load_raw((const uint8_t *)samples +
                             (size_t)(i / n_in) * net_sample_bytes(net) +
                             (size_t)(i % n_in) * in_element,
                         in_element);
    }
    pta_status status = run_reference(ctx, net, in, n, out);
    for (int64_t i = 0; i < n * n_out && status == PTA_OK; i++) {
        memcpy((uint8_t *)results + (size_t)(i / n_out) * out_bytes +
                   (size_t)(i % n_out) * out_element,
               &out[i], out_element);
    }
    pta_free(ctx, in);
    pta_free(ctx, out);
    return status;
}
