/*
 * Float reference against Keras: every network of tests/golden/keras (all
 * layers and options, Keras 2 and Keras 3) and the two of ../shared/models.
 *
 * Bound: per sample and output max|a - b| <= 1e-5 max|b|. Both sides sum in
 * float32, in another order; sums here have at most a few thousand terms of
 * like size, so the difference stays near sqrt(terms) * 2^-24, some 1e-6.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "h5/h5.h"
#include "model/keras.h"
#include "runtime/reference.h"
#include "unit/unit.h"

#define GOLDEN PTA_SOURCE_DIR "/tests/golden/"
#define MODELS PTA_SOURCE_DIR "/../shared/models/"
#define BOUND  1e-5

/* A [rows, columns] dataset, freed by pta_free. */
static float *read_matrix(pta_ctx *ctx, pta_h5 *file, const char *dataset,
                          int64_t *rows, int64_t *columns)
{
    pta_h5_info info;
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, dataset, &info));
    CU_ASSERT_EQUAL_FATAL(info.rank, 2);
    float *values =
        pta_calloc(ctx, (size_t)(info.dim[0] * info.dim[1]), sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    pta_h5_slab all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_f32(ctx, file, dataset, &all, values));
    *rows = info.dim[0];
    *columns = info.dim[1];
    return values;
}

static int64_t count_of(const pta_graph *graph, int32_t node)
{
    return pta_view_count(graph->nodes[node].view);
}

/* Copies one tensor between its own array and the flat rows of all tensors. */
static void move_rows(float *flat, int64_t row, int64_t offset, float *own,
                      int64_t count, int64_t n, bool to_own)
{
    for (int64_t s = 0; s < n; s++) {
        float *a = flat + s * row + offset, *b = own + s * count;
        memcpy(to_own ? b : a, to_own ? a : b, (size_t)count * sizeof *a);
    }
}

/* Buffers of all inputs or outputs: [n_nodes][n][count]. */
static float **tensors_new(pta_ctx *ctx, const pta_graph *graph,
                           const int32_t *nodes, int32_t n_nodes, int64_t n)
{
    float **list = pta_calloc(ctx, (size_t)n_nodes, sizeof *list);
    for (int32_t i = 0; i < n_nodes; i++) {
        list[i] = pta_calloc(ctx, (size_t)(n * count_of(graph, nodes[i])),
                             sizeof **list);
        CU_ASSERT_PTR_NOT_NULL_FATAL(list[i]);
    }
    return list;
}

static void tensors_free(pta_ctx *ctx, float **list, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        pta_free(ctx, list[i]);
    }
    pta_free(ctx, list);
}

static void run(pta_ctx *ctx, pta_model *model, int64_t n, float **in,
                float **out)
{
    pta_reference *reference;
    UNIT_OK(ctx, pta_reference_open(ctx, pta_model_graph(model),
                                    pta_model_weights(model), NULL, (int32_t)n,
                                    &reference));
    UNIT_OK(ctx, pta_reference_run(reference, ctx, (const void *const *)in,
                                   (void *const *)out, (int32_t)n, NULL, NULL));
    pta_reference_close(ctx, &reference);
}

/* Greatest max|a - b| / max|b| over the samples; equal zeros give 0. */
static double worst_sample(const float *a, const float *b, int64_t n,
                           int64_t count, int64_t row)
{
    double worst = 0;
    for (int64_t s = 0; s < n; s++) {
        double difference = 0, size = 0;
        for (int64_t i = 0; i < count; i++) {
            double x = (double)a[s * count + i], y = (double)b[s * row + i];
            if (isnan(x) || isnan(y)) {
                return HUGE_VAL;
            }
            difference = fmax(difference, fabs(x - y));
            size = fmax(size, fabs(y));
        }
        double ratio = difference == 0 ? 0 : difference / size;
        worst = fmax(worst, ratio);
    }
    return worst;
}

/* Runs the model on x [n, all inputs] and compares with y [n, all outputs];
 * returns the worst ratio. */
static double compare(pta_ctx *ctx, const char *path, int64_t n, float *x,
                      int64_t x_row, const float *y, int64_t y_row)
{
    pta_model *model;
    UNIT_OK(ctx, pta_model_open(ctx, path, &model));
    const pta_graph *g = pta_model_graph(model);
    float **in = tensors_new(ctx, g, g->inputs, g->n_inputs, n);
    float **out = tensors_new(ctx, g, g->outputs, g->n_outputs, n);
    int64_t offset = 0;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        int64_t count = count_of(g, g->inputs[i]);
        move_rows(x, x_row, offset, in[i], count, n, true);
        offset += count;
    }
    CU_ASSERT_EQUAL_FATAL(offset, x_row);
    run(ctx, model, n, in, out);
    double worst = 0;
    offset = 0;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        int64_t count = count_of(g, g->outputs[i]);
        double ratio = worst_sample(out[i], y + offset, n, count, y_row);
        if (!(ratio <= BOUND)) {
            printf("\n  %s: output %d, layer %s: %g", path, i,
                   g->nodes[g->outputs[i]].name, ratio);
        }
        worst = fmax(worst, ratio);
        offset += count;
    }
    CU_ASSERT_EQUAL(offset, y_row);
    tensors_free(ctx, in, g->n_inputs);
    tensors_free(ctx, out, g->n_outputs);
    pta_model_close(ctx, &model);
    return worst;
}

static void test_keras(const char *version, int32_t expected)
{
    char path[512], group[128];
    pta_h5 *io;
    pta_h5_names names;
    pta_ctx *ctx = pta_ctx_create();
    snprintf(path, sizeof path, GOLDEN "keras/io.%s.h5", version);
    UNIT_OK(ctx, pta_h5_open(ctx, path, &io));
    UNIT_OK(ctx, pta_h5_list(ctx, io, "/", &names));
    CU_ASSERT_EQUAL(names.n, expected);
    for (int32_t i = 0; i < names.n; i++) {
        int64_t n, x_row, y_row;
        snprintf(group, sizeof group, "%s/x", names.name[i]);
        float *x = read_matrix(ctx, io, group, &n, &x_row);
        snprintf(group, sizeof group, "%s/y", names.name[i]);
        float *y = read_matrix(ctx, io, group, &n, &y_row);
        snprintf(path, sizeof path, GOLDEN "keras/%s.%s.h5", names.name[i],
                 version);
        double worst = compare(ctx, path, n, x, x_row, y, y_row);
        printf("\n    %-12s %s %.2g", names.name[i], version, worst);
        CU_ASSERT(worst <= BOUND);
        pta_free(ctx, x);
        pta_free(ctx, y);
    }
    pta_h5_names_free(ctx, &names);
    pta_h5_close(ctx, &io);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_keras2(void)
{
    test_keras("k2", 17);
}

static void test_keras3(void)
{
    test_keras("k3", 18);
}

/* Inputs as make_keras.py draws them: splitmix64 from 1, uniform in [0, high].
 */
static void test_shared(const char *name, double high)
{
    char path[512];
    snprintf(path, sizeof path, MODELS "%s.h5", name);
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there ", path);
        return;
    }
    char golden[512];
    int64_t n, y_row;
    pta_h5 *file;
    pta_model *model;
    pta_ctx *ctx = pta_ctx_create();
    snprintf(golden, sizeof golden, GOLDEN "shared/%s.h5", name);
    UNIT_OK(ctx, pta_h5_open(ctx, golden, &file));
    float *y = read_matrix(ctx, file, "y", &n, &y_row);
    pta_h5_close(ctx, &file);
    CU_ASSERT_EQUAL(n, 100);
    UNIT_OK(ctx, pta_model_open(ctx, path, &model));
    int64_t x_row = count_of(pta_model_graph(model), 0);
    pta_model_close(ctx, &model);
    float *x = pta_calloc(ctx, (size_t)(n * x_row), sizeof *x);
    uint64_t state = 1;
    for (int64_t i = 0; i < n * x_row; i++) {
        uint64_t u = pta_rng_next(&state) >> 40;
        x[i] = (float)(high * (double)u / 16777216.0);
    }
    double worst = compare(ctx, path, n, x, x_row, y, y_row);
    printf(" %.2g ", worst);
    CU_ASSERT(worst <= BOUND);
    pta_free(ctx, x);
    pta_free(ctx, y);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_resnet8(void)
{
    test_shared("resnet8_cifar10", 255);
}

static void test_autoencoder(void)
{
    test_shared("autoencoder_toycar", 1);
}

static const unit_test tests[] = {
    {"Keras 2 networks", test_keras2},
    {"Keras 3 networks", test_keras3},
    {"resnet8_cifar10", test_resnet8},
    {"autoencoder_toycar", test_autoencoder},
};

UNIT_MAIN("golden", tests)
