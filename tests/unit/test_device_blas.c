/*
 * The devices `blas` and `float`: random graphs as one slice against the
 * 128-bit oracle of random_graph.h, and every kind of cut of a small network,
 * board after board over the plan's wires, partial sums added and joined.
 *
 * Float results are compared with the float reference; sums in another order
 * differ by some 1e-6 of the largest value, so the bound is 1e-5.
 */
#include "runtime/device.h"

#include "plan/wire.h"
#include "random_graph.h"
#include "runtime/reference.h"
#include "runtime/slice_load.h"
#include "unit.h"

#define SEED        UINT64_C(20261122)
#define FLOAT_BOUND 1e-5
#define MAX_BOARDS  16

/* ---- elements ---- */

static void put(void *at, pta_dtype type, int64_t raw)
{
    switch (type) {
    case PTA_S8:
        *(int8_t *)at = (int8_t)raw;
        break;
    case PTA_S16:
        *(int16_t *)at = (int16_t)raw;
        break;
    case PTA_S32:
        *(int32_t *)at = (int32_t)raw;
        break;
    case PTA_S64:
        *(int64_t *)at = raw;
        break;
    case PTA_F32: /* floats of a float run: thousandths */
        *(float *)at = (float)(raw % 4000) / 1000.0f;
        break;
    }
}

static double get(const void *at, pta_dtype type)
{
    switch (type) {
    case PTA_S8:
        return *(const int8_t *)at;
    case PTA_S16:
        return *(const int16_t *)at;
    case PTA_S32:
        return *(const int32_t *)at;
    case PTA_S64:
        return (double)*(const int64_t *)at;
    case PTA_F32:
        break;
    }
    return (double)*(const float *)at;
}

static void add(void *to, const void *from, pta_dtype type)
{
    if (type == PTA_F32) {
        *(float *)to += *(const float *)from;
    } else if (type == PTA_S32) {
        *(int32_t *)to += *(const int32_t *)from;
    } else {
        *(int64_t *)to += *(const int64_t *)from;
    }
}

/* ---- a cluster: slices, devices, wires ---- */

typedef struct cluster {
    pta_ctx *ctx;
    const random_graph *r;
    const pta_plan *plan;
    const pta_device_ops *ops;
    int32_t n; /* boards, and the sink after them */
    pta_slice *slices[MAX_BOARDS + 1];
    pta_device *devices[MAX_BOARDS + 1];
    pta_wires wires;
    int32_t slot;
    int32_t n_partial; /* steps that gave partial sums */
} cluster;

static void open_cluster(cluster *c, random_graph *r, const pta_plan *plan)
{
    c->r = r;
    c->plan = plan;
    c->n = plan->n_boards;
    CU_ASSERT_FATAL(c->n <= MAX_BOARDS);
    for (int32_t b = 0; b <= c->n; b++) {
        char digest[PTA_SHA256_HEX];
        pta_device_params params = {RG_SAMPLES, 2, NULL};
        UNIT_OK(c->ctx, pta_slice_build(c->ctx, r->graph, plan,
                                        b == c->n ? PTA_BOARD_SINK : b,
                                        c->ops->is_float, &c->slices[b]));
        UNIT_OK(c->ctx, pta_slice_load(c->ctx, r->graph, plan, &r->weights,
                                       c->slices[b], digest));
        UNIT_OK(c->ctx,
                c->ops->open(c->ctx, c->slices[b], &params, &c->devices[b]));
        for (int32_t s = 0; s < c->slices[b]->n_steps; s++) {
            c->n_partial += c->slices[b]->steps[s].partial;
        }
    }
    UNIT_OK(c->ctx, pta_wires_build(c->ctx, r->graph, plan, c->slices,
                                    c->slices[c->n], &c->wires));
}

static void close_cluster(cluster *c)
{
    pta_wires_free(c->ctx, &c->wires);
    for (int32_t b = 0; b <= c->n; b++) {
        c->ops->close(c->ctx, &c->devices[b]);
        CU_ASSERT_PTR_NULL(c->devices[b]);
        pta_slice_destroy(c->ctx, &c->slices[b]);
    }
}

static const pta_join *join_of(const pta_slice *slice, int32_t input)
{
    for (int32_t j = 0; j < slice->n_joins; j++) {
        if (slice->joins[j].input == input) {
            return &slice->joins[j];
        }
    }
    return NULL;
}

/* One sample of one piece into `to`, the receiver's tensor: stored or added. */
static void move_piece(const cluster *c, const pta_wire *wire,
                       const pta_piece *piece, int32_t sample, char *to)
{
    size_t bytes = pta_dtype_bytes(piece->dtype);
    const char *from = NULL;
    if (wire->src != PTA_BOARD_SOURCE) {
        const pta_slice *s = c->slices[wire->src];
        from = (char *)c->ops->out_buffer(c->devices[wire->src], c->slot) +
               (size_t)sample * pta_slice_out_bytes(s) +
               pta_slice_out_offset(s, piece->src_output);
    }
    for (int32_t i = 0; i < piece->copy.n_runs; i++) {
        pta_copy_run run = piece->copy.runs[i];
        for (int32_t e = 0; e < run.length; e++) {
            char *at = to + (size_t)(run.dst + e) * bytes;
            if (from == NULL) {
                int32_t node = c->r->graph->inputs[piece->src_output];
                int64_t count = pta_view_count(c->r->graph->nodes[node].view);
                put(at, piece->dtype,
                    c->r->raw[node][sample * count + run.src + e]);
            } else if (piece->partial) {
                add(at, from + (size_t)(run.src + e) * bytes, piece->dtype);
            } else {
                memcpy(at, from + (size_t)(run.src + e) * bytes, bytes);
            }
        }
    }
}

/* Input `i` of board b for one sample, from all who send a part of it. */
static void receive(const cluster *c, int32_t b, int32_t i, int32_t sample)
{
    const pta_slice *s = c->slices[b];
    const pta_value *value = &s->values[s->inputs[i]];
    const pta_join *join = join_of(s, i);
    int64_t count = pta_view_count(value->view);
    char *in = (char *)c->ops->in_buffer(c->devices[b], c->slot) +
               (size_t)sample * pta_slice_in_bytes(s) +
               pta_slice_in_offset(s, i);
    char *sums = calloc((size_t)count, sizeof(int64_t));
    for (int32_t w = 0; w < c->wires.n_wires; w++) {
        const pta_wire *wire = &c->wires.wires[w];
        int32_t dst = wire->dst == PTA_BOARD_SINK ? c->n : wire->dst;
        for (int32_t k = 0; dst == b && k < wire->n_pieces; k++) {
            if (wire->pieces[k].dst_input == i) {
                move_piece(c, wire, &wire->pieces[k], sample,
                           join != NULL ? sums : in);
            }
        }
    }
    if (join != NULL) {
        pta_join_apply(join, value->format, s->is_float, sums, count, in);
    }
    free(sums);
}

static void run_cluster(cluster *c)
{
    for (int32_t b = 0; b <= c->n; b++) {
        pta_cost cost;
        pta_device *device = c->devices[b];
        for (int32_t i = 0; i < c->slices[b]->n_inputs; i++) {
            for (int32_t s = 0; s < RG_SAMPLES; s++) {
                receive(c, b, i, s);
            }
        }
        pta_memory before = pta_ctx_memory(c->ctx);
        UNIT_OK(c->ctx, c->ops->submit(device, c->ctx, c->slot, RG_SAMPLES));
        UNIT_OK(c->ctx, c->ops->collect(device, c->ctx, c->slot, &cost));
        CU_ASSERT_EQUAL(pta_ctx_memory(c->ctx).calls, before.calls);
        CU_ASSERT_EQUAL(cost.cycles, PTA_COST_ABSENT);
        CU_ASSERT_EQUAL(cost.host_ns, PTA_COST_ABSENT);
    }
}

/* Output i of the sink, element e of all samples. */
static double cluster_output(const cluster *c, int32_t i, int64_t e)
{
    const pta_slice *s = c->slices[c->n];
    const pta_value *value = &s->values[s->outputs[i]];
    int64_t count = pta_view_count(value->view);
    const char *out = (char *)c->ops->out_buffer(c->devices[c->n], c->slot) +
                      (size_t)(e / count) * pta_slice_out_bytes(s) +
                      pta_slice_out_offset(s, i);
    return get(out + (size_t)(e % count) * pta_dtype_bytes(value->dtype),
               value->dtype);
}

/* ---- what it must give ---- */

static int64_t words_of_output(const random_graph *r, int32_t i)
{
    pta_view view = r->graph->nodes[r->graph->outputs[i]].view;
    return pta_view_count(view) * RG_SAMPLES;
}

static void check_exact(const cluster *c)
{
    int64_t n_wrong = 0;
    for (int32_t i = 0; i < c->r->graph->n_outputs; i++) {
        const int64_t *raw = c->r->raw[c->r->graph->outputs[i]];
        for (int64_t e = 0; e < words_of_output(c->r, i); e++) {
            n_wrong += cluster_output(c, i, e) != (double)raw[e];
        }
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
}

/* The float reference on the inputs that put() makes. */
static void check_float(const cluster *c, random_graph *r)
{
    pta_reference *reference;
    float *in[2] = {NULL, NULL}, *out[2] = {NULL, NULL};
    for (int32_t i = 0; i < r->graph->n_inputs; i++) {
        int32_t node = r->graph->inputs[i];
        int64_t n = pta_view_count(r->graph->nodes[node].view) * RG_SAMPLES;
        in[i] = calloc((size_t)n, sizeof(float));
        for (int64_t e = 0; e < n; e++) {
            put(&in[i][e], PTA_F32, r->raw[node][e]);
        }
    }
    for (int32_t i = 0; i < r->graph->n_outputs; i++) {
        out[i] = calloc((size_t)words_of_output(r, i), sizeof(float));
    }
    UNIT_OK(c->ctx, pta_reference_open(c->ctx, r->graph, &r->weights, NULL,
                                       RG_SAMPLES, &reference));
    UNIT_OK(c->ctx, pta_reference_run(reference, c->ctx,
                                      (const void *const[]){in[0], in[1]},
                                      (void *const[]){out[0], out[1]},
                                      RG_SAMPLES, NULL, NULL));
    for (int32_t i = 0; i < r->graph->n_outputs; i++) {
        double most = 0.0, worst = 0.0;
        for (int64_t e = 0; e < words_of_output(r, i); e++) {
            double expected = (double)out[i][e];
            most = fmax(most, fabs(expected));
            worst = fmax(worst, fabs(cluster_output(c, i, e) - expected));
        }
        CU_ASSERT_TRUE(worst <= FLOAT_BOUND * most);
    }
    pta_reference_close(c->ctx, &reference);
    for (int i = 0; i < 2; i++) {
        free(in[i]);
        free(out[i]);
    }
}

/* Both slots, so that they cannot share memory unnoticed. */
static void check_plan(cluster *c, random_graph *r, const pta_plan *plan)
{
    open_cluster(c, r, plan);
    for (c->slot = 0; c->slot < 2; c->slot++) {
        run_cluster(c);
    }
    for (c->slot = 0; c->slot < 2; c->slot++) {
        if (c->ops->is_float) {
            check_float(c, r);
        } else {
            check_exact(c);
        }
    }
    close_cluster(c);
}

static pta_plan one_board(random_graph *r, pta_stage *stage)
{
    *stage = (pta_stage){.last = r->graph->n_nodes - 1, .n_parts = 1};
    return (pta_plan){.n_nodes = r->graph->n_nodes,
                      .formats = r->formats,
                      .n_stages = 1,
                      .stages = stage,
                      .n_boards = 1};
}

static void test_random_graphs(void)
{
    uint64_t rng = SEED;
    printf("\n  seed %llu ", (unsigned long long)SEED);
    for (int round = 0; round < 310; round++) {
        pta_ctx *ctx = pta_ctx_create();
        random_graph r = {.rng = &rng, .bits = 2 + round % 31};
        pta_stage stage;
        rg_make(ctx, &r, 8);
        pta_plan plan = one_board(&r, &stage);
        cluster exact = {.ctx = ctx, .ops = &pta_device_blas};
        check_plan(&exact, &r, &plan);
        rg_free(ctx, &r);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
        pta_ctx_destroy(&ctx);
    }
}

/* ---- cuts ---- */

static int32_t add_flatten(pta_ctx *ctx, random_graph *r, int32_t from)
{
    pta_node n = pta_node_make(PTA_OP_RESHAPE);
    int32_t i, count = (int32_t)pta_view_count(r->graph->nodes[from].view);
    n.n_in = 1;
    n.in = &from;
    rg_add(ctx, r, &n, (pta_view){1, 1, count}, &i);
    rg_finish(r, i, rg_frac(r->formats[from].out));
    rg_evaluate(r, i);
    return i;
}

/* n1 conv, n2 max pooling, n3 conv, n4 flatten, n5 and n6 dense; false when
 * the random shapes leave too little to cut. */
static bool make_network(pta_ctx *ctx, random_graph *r)
{
    if (pta_graph_create(ctx, "network", &r->graph) != PTA_OK) {
        abort();
    }
    r->weights = (pta_weights){rg_read, r};
    rg_add_input(ctx, r, (pta_view){14, 9, 4});
    rg_add_node(ctx, r, PTA_OP_CONV, 0);
    rg_add_node(ctx, r, PTA_OP_MAXPOOL, 1);
    rg_add_node(ctx, r, PTA_OP_CONV, 2);
    int32_t flat = add_flatten(ctx, r, 3);
    rg_add_node(ctx, r, PTA_OP_DENSE, flat);
    rg_add_node(ctx, r, PTA_OP_DENSE, flat + 1);
    if (pta_graph_add_output(ctx, r->graph, r->graph->n_nodes - 1) != PTA_OK) {
        abort();
    }
    const pta_node *n = r->graph->nodes;
    return n[1].view.c > 1 && n[2].view.h > 1 && n[3].view.c > 1 &&
           n[3].view.h > 1 && n[5].view.c > 1 && n[6].view.c > 1;
}

static pta_plan *plan_of(pta_ctx *ctx, const random_graph *r)
{
    pta_plan *plan = pta_calloc(ctx, 1, sizeof *plan);
    size_t n = (size_t)r->graph->n_nodes;
    plan->model = pta_strdup(ctx, "random");
    plan->profile = pta_strdup(ctx, "exact");
    plan->n_nodes = r->graph->n_nodes;
    plan->formats = pta_calloc(ctx, n, sizeof *plan->formats);
    memcpy(plan->formats, r->formats, n * sizeof *plan->formats);
    return plan;
}

static void test_cuts(void)
{
    static const char *const cuts[] = {
        "n1,n3,n5",
        "n1,n3,n5=input:3,n6",
        "n1,n3,n5=neuron:2,n6=input:2",
        "n1=channel:2,n3=channel:2,n5",
        "n1,n3=inchannel:2,n5=neuron:2,n6",
        "n1=rows:2,n3,n5",
        "n1,n3=rows:2,n5=input:2,n6",
        "n1,n3,n5=paired:2",
        "n1=inchannel:4,n3=channel:2,n5=input:2,n6=neuron:2",
        "n1=inchannel:2,n3=inchannel:2,n5=input:2,n6=input:2"};
    uint64_t rng = SEED;
    int n_cut = 0, n_partial = 0;
    for (int round = 0; round < 20; round++) {
        pta_ctx *ctx = pta_ctx_create();
        random_graph r = {.rng = &rng, .bits = 4 + round % 20};
        while (!make_network(ctx, &r)) {
            rg_free(ctx, &r);
        }
        for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
            pta_plan *plan = plan_of(ctx, &r);
            if (pta_cut_apply(ctx, cuts[k], r.graph, plan) == PTA_OK) {
                cluster exact = {.ctx = ctx, .ops = &pta_device_blas};
                cluster real = {.ctx = ctx, .ops = &pta_device_float};
                check_plan(&exact, &r, plan);
                check_plan(&real, &r, plan);
                n_cut++;
                n_partial += exact.n_partial;
            } /* else the random shapes allow no such cut */
            pta_plan_destroy(ctx, &plan);
        }
        rg_free(ctx, &r);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
        pta_ctx_destroy(&ctx);
    }
    printf("\n  %d of 200 cuts, %d partial steps ", n_cut, n_partial);
    CU_ASSERT_TRUE(n_cut > 150 && n_partial > 200);
}

/* ---- errors ---- */

static void test_errors(void)
{
    uint64_t rng = SEED;
    pta_ctx *ctx = pta_ctx_create();
    random_graph r = {.rng = &rng, .bits = 8};
    pta_stage stage;
    (void)make_network(ctx, &r);
    pta_plan plan = one_board(&r, &stage);
    cluster c = {.ctx = ctx, .ops = &pta_device_blas};
    open_cluster(&c, &r, &plan);
    pta_device *device = NULL;
    pta_device_params params = {RG_SAMPLES, 2, "stall=40"};
    CU_ASSERT_EQUAL(c.ops->open(ctx, c.slices[0], &params, &device),
                    PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "stall=40"));
    params.options = NULL;
    size_t blocks = pta_ctx_memory(ctx).live_blocks;
    for (uint32_t every = 1; every < 30; every++) { /* memory runs out */
        pta_ctx_set_faults(ctx, every, every);
        pta_status status = c.ops->open(ctx, c.slices[0], &params, &device);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_TRUE(status == PTA_ERR_NOMEM || status == PTA_OK);
        if (status == PTA_OK) {
            c.ops->close(ctx, &device);
        }
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, blocks);
    }
    close_cluster(&c);
    rg_free(ctx, &r);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"random graphs equal 128-bit loops", test_random_graphs},
    {"cuts, partial sums included", test_cuts},
    {"errors", test_errors},
};
UNIT_MAIN("device_blas", tests)
