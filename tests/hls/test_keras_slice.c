/*
 * Slices of random graphs, written as Keras files: this project's own reader
 * gives a model that computes, in floats, what the slice computes on the `float`
 * device. With an argument, leaves the files and their inputs and outputs in that
 * folder, for Keras itself (tests/interop/keras_slices.py).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h5/h5.h"
#include "hls/gen/slice_graph.h"
#include "hls/random_slices.h"
#include "model/keras.h"
#include "model/keras_write.h"
#include "runtime/device.h"
#include "runtime/reference.h"
#include "unit/scratch.h"

#define SEED    20261122u
#define SAMPLES 4
#define IO_MAX  40

/* Sums of float32 in another order. */
#define BOUND 1e-4

typedef struct counts {
    int written, refused;
} counts;

static const char *keep; /* folder to leave files in, or NULL */

/* Inputs or outputs of a slice as [SAMPLES][count] floats. */
typedef struct tensors {
    int32_t n;
    float *at[IO_MAX];
    int64_t count[IO_MAX];
} tensors;

static tensors make_tensors(const pta_slice *s, const int32_t *which, int32_t n)
{
    tensors t = {.n = n};
    for (int32_t i = 0; i < n && i < IO_MAX; i++) {
        t.count[i] = pta_view_count(s->values[which[i]].view);
        t.at[i] = calloc((size_t)t.count[i] * SAMPLES, sizeof *t.at[i]);
    }
    return t;
}

static void free_tensors(tensors *t)
{
    for (int32_t i = 0; i < t->n; i++) {
        free(t->at[i]);
    }
}

static void random_inputs(random_slices *r, tensors *t)
{
    for (int32_t i = 0; i < t->n; i++) {
        for (int64_t e = 0; e < t->count[i] * SAMPLES; e++) {
            t->at[i][e] = (float)pta_rng_range(&r->rng, -4000, 4000) / 2000.0F;
        }
    }
}

static void run_device(pta_ctx *ctx, const pta_slice *s, const tensors *x,
                       const tensors *y)
{
    const pta_device_ops *ops = &pta_device_float;
    pta_device_params params = {.max_samples = SAMPLES, .n_slots = 1};
    pta_device *device = NULL;
    pta_cost cost;
    UNIT_OK(ctx, ops->open(ctx, s, &params, &device));
    char *in = ops->in_buffer(device, 0), *out = ops->out_buffer(device, 0);
    for (int32_t i = 0; i < x->n; i++) {
        for (int k = 0; k < SAMPLES; k++) {
            memcpy(in + (size_t)k * pta_slice_in_bytes(s) +
                       pta_slice_in_offset(s, i),
                   x->at[i] + k * x->count[i],
                   (size_t)x->count[i] * sizeof(float));
        }
    }
    UNIT_OK(ctx, ops->submit(device, ctx, 0, SAMPLES));
    UNIT_OK(ctx, ops->collect(device, ctx, 0, &cost));
    for (int32_t i = 0; i < y->n; i++) {
        for (int k = 0; k < SAMPLES; k++) {
            memcpy(y->at[i] + k * y->count[i],
                   out + (size_t)k * pta_slice_out_bytes(s) +
                       pta_slice_out_offset(s, i),
                   (size_t)y->count[i] * sizeof(float));
        }
    }
    ops->close(ctx, &device);
}

static void run_file(pta_ctx *ctx, const char *path, const tensors *x,
                     const tensors *y)
{
    pta_model *model = NULL;
    pta_reference *reference = NULL;
    UNIT_OK(ctx, pta_model_open(ctx, path, &model));
    const pta_graph *graph = pta_model_graph(model);
    CU_ASSERT_EQUAL_FATAL(graph->n_inputs, x->n);
    CU_ASSERT_EQUAL_FATAL(graph->n_outputs, y->n);
    UNIT_OK(ctx, pta_reference_open(ctx, graph, pta_model_weights(model), NULL,
                                    SAMPLES, &reference));
    UNIT_OK(ctx, pta_reference_run(reference, ctx, (const void *const *)x->at,
                                   (void *const *)y->at, SAMPLES, NULL, NULL));
    pta_reference_close(ctx, &reference);
    pta_model_close(ctx, &model);
}

/* Largest difference, over the largest value of each tensor. */
static double difference(const tensors *a, const tensors *b)
{
    double worst = 0.0;
    for (int32_t i = 0; i < a->n; i++) {
        double most = 1e-30, apart = 0.0;
        for (int64_t e = 0; e < a->count[i] * SAMPLES; e++) {
            double va = (double)a->at[i][e], vb = (double)b->at[i][e];
            most = fmax(most, fabs(va));
            apart = isnan(vb) ? HUGE_VAL : fmax(apart, fabs(va - vb));
        }
        worst = fmax(worst, apart / most);
    }
    return worst;
}

static void keep_tensors(pta_ctx *ctx, const char *path, const tensors *x,
                         const tensors *y)
{
    pta_h5 *file = NULL;
    UNIT_OK(ctx, pta_h5_create(ctx, path, &file));
    for (int k = 0; k < 2; k++) {
        const tensors *t = k == 0 ? x : y;
        for (int32_t i = 0; i < t->n; i++) {
            char name[32];
            int64_t dim[] = {SAMPLES, t->count[i]};
            snprintf(name, sizeof name, "%s%d", k == 0 ? "in" : "out", (int)i);
            UNIT_OK(ctx, pta_h5_write_f32(ctx, file, name, 2, dim, t->at[i]));
        }
    }
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
}

/* A file is of Keras 2 or of Keras 3. */
static void one_version(random_slices *r, pta_slice *slice)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        slice->steps[i].keras_major = 2 + r->n_graphs % 2;
    }
}

static bool write_slice(random_slices *r, const pta_slice *slice,
                        const char *path, counts *c)
{
    pta_slice_graph *g = NULL;
    UNIT_OK(r->ctx, pta_slice_graph_make(r->ctx, r->graph.graph, slice, &g));
    pta_status status =
        pta_model_write(r->ctx, g->graph, &g->weights, path, NULL, NULL);
    pta_slice_graph_destroy(r->ctx, &g);
    if (status == PTA_ERR_UNSUPPORTED) {
        const char *said = pta_ctx_error(r->ctx);
        CU_ASSERT_TRUE(strstr(said, "padded on some sides") != NULL);
        CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
        c->refused++;
        return false;
    }
    UNIT_OK(r->ctx, status);
    c->written++;
    return true;
}

static void check_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                        void *user)
{
    char path[SCRATCH_PATH], io[SCRATCH_PATH];
    counts *c = user;
    (void)slice;
    one_version(r, real);
    snprintf(path, sizeof path, "%s/slice%d.h5",
             keep != NULL ? keep : scratch_folder(), c->written);
    if (!write_slice(r, real, path, c)) {
        return;
    }
    tensors x = make_tensors(real, real->inputs, real->n_inputs);
    tensors y = make_tensors(real, real->outputs, real->n_outputs);
    tensors z = make_tensors(real, real->outputs, real->n_outputs);
    random_inputs(r, &x);
    run_device(r->ctx, real, &x, &y);
    run_file(r->ctx, path, &x, &z);
    double apart = difference(&y, &z);
    CU_ASSERT_TRUE(apart < BOUND);
    if (apart >= BOUND) {
        fprintf(stderr, "graph %d, cut %s, board %d: %g apart\n",
                (int)r->n_graphs, r->cut, (int)real->board, apart);
    }
    if (keep != NULL) {
        snprintf(io, sizeof io, "%s/slice%d.io.h5", keep, c->written - 1);
        keep_tensors(r->ctx, io, &x, &y);
    } else {
        unlink(path);
    }
    free_tensors(&x);
    free_tensors(&y);
    free_tensors(&z);
}

static void test_slices(void)
{
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = keep != NULL ? 15 : 5,
                       .nodes = keep != NULL ? 12 : 6,
                       .unwanted = UINT64_C(1) << PTA_STEP_SOFTMAX};
    counts c = {0, 0};
    slices_for_each(&r, check_slice, &c);
    printf("\n  seed %u, %d slices written, %d refused ", SEED, c.written,
           c.refused);
    CU_ASSERT_TRUE(c.refused < c.written / 4);
    CU_ASSERT_EQUAL(pta_ctx_memory(r.ctx).live_blocks, 0);
    pta_ctx_destroy(&r.ctx);
}

/* A part of an input split: bias zero, no activation. */
static void check_partial(random_slices *r, pta_slice *slice, pta_slice *real,
                          void *user)
{
    pta_slice_graph *g = NULL;
    (void)slice;
    UNIT_OK(r->ctx, pta_slice_graph_make(r->ctx, r->graph.graph, real, &g));
    for (int32_t i = 0; i < g->graph->n_nodes; i++) {
        const pta_node *node = &g->graph->nodes[i];
        if (g->step[i] < 0 || !real->steps[g->step[i]].partial) {
            continue;
        }
        double bias[256] = {1.0};
        pta_weight_part all = pta_weight_whole(g->graph, i, PTA_WEIGHT_BIAS);
        CU_ASSERT_TRUE_FATAL(all.out_count <= 256 && node->has_bias);
        CU_ASSERT_EQUAL(node->act, PTA_ACT_NONE);
        UNIT_OK(r->ctx, g->weights.read(&g->weights, r->ctx, i, PTA_WEIGHT_BIAS,
                                        all, bias));
        for (int32_t k = 0; k < all.out_count; k++) {
            CU_ASSERT_EQUAL(bias[k], 0.0);
        }
        ++*(int *)user;
    }
    pta_slice_graph_destroy(r->ctx, &g);
}

static void test_partial(void)
{
    uint64_t all = (UINT64_C(1) << N_FEATURES) - 1;
    int n = 0;
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = 5,
                       .unwanted = all & ~(UINT64_C(1) << FEATURE_PARTIAL_64)};
    slices_for_each(&r, check_partial, &n);
    CU_ASSERT_TRUE(n >= 5);
    pta_ctx_destroy(&r.ctx);
}

/* Every failure leaves no file and no memory behind. */
static void fail_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                       void *user)
{
    char path[SCRATCH_PATH];
    pta_slice_graph *g = NULL;
    (void)slice, (void)user;
    one_version(r, real);
    scratch_path(path, "failed.h5");
    for (uint32_t every = 2; every < 40; every++) {
        pta_status status = PTA_OK;
        pta_ctx_set_faults(r->ctx, every, every / 2);
        status = pta_slice_graph_make(r->ctx, r->graph.graph, real, &g);
        if (status == PTA_OK) {
            status = pta_model_write(r->ctx, g->graph, &g->weights, path, NULL,
                                     NULL);
        }
        pta_ctx_set_faults(r->ctx, 0, 0);
        pta_slice_graph_destroy(r->ctx, &g);
        CU_ASSERT_EQUAL(access(path, F_OK) == 0, status == PTA_OK);
        unlink(path);
    }
    UNIT_OK(r->ctx, pta_slice_graph_make(r->ctx, r->graph.graph, real, &g));
    CU_ASSERT_EQUAL(pta_model_write(r->ctx, g->graph, &g->weights,
                                    "/nowhere/slice.h5", NULL, NULL),
                    PTA_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(r->ctx), "/nowhere/slice.h5"));
    pta_slice_graph_destroy(r->ctx, &g);
}

static void test_failures(void)
{
    uint64_t all = (UINT64_C(1) << N_FEATURES) - 1;
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = 1,
                       .unwanted = all & ~(UINT64_C(1) << PTA_STEP_DENSE)};
    slices_for_each(&r, fail_slice, NULL);
    CU_ASSERT_EQUAL(pta_ctx_memory(r.ctx).live_blocks, 0);
    pta_ctx_destroy(&r.ctx);
}

static const unit_test tests[] = {{"slices", test_slices},
                                  {"partial sums", test_partial},
                                  {"failures", test_failures}};

int main(int argc, char **argv)
{
    keep = argc > 1 ? argv[1] : NULL;
    int code = unit_main("keras_slice", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    return code;
}
