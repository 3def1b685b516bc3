/*
 * The model reader: structure of the goldens, weights and parts of weights,
 * files and structures that must be refused with the culprit's name.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/rng.h"
#include "h5/h5.h"
#include "ir/build.h"
#include "model/keras.h"
#include "unit/scratch.h"
#include "unit/unit.h"

#define SEED   20261122
#define GOLDEN PTA_SOURCE_DIR "/tests/golden/keras/"

static pta_ctx *ctx;

static pta_model *open_golden(const char *name)
{
    char path[512];
    pta_model *model;
    snprintf(path, sizeof path, GOLDEN "%s.h5", name);
    UNIT_OK(ctx, pta_model_open(ctx, path, &model));
    return model;
}

/* One line per node: name op inputs shape +merged. */
static void describe(const pta_graph *g, char *text, size_t n_bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < g->n_nodes; i++) {
        const pta_node *node = &g->nodes[i];
        char shape[PTA_SHAPE_TEXT];
        pta_shape_print(&node->shape, shape);
        used += (size_t)snprintf(text + used, n_bytes - used, "%s %s",
                                 node->name, pta_op_name(node->op));
        for (int32_t k = 0; k < node->n_in; k++) {
            used += (size_t)snprintf(text + used, n_bytes - used, " %d",
                                     node->in[k]);
        }
        used += (size_t)snprintf(text + used, n_bytes - used, " %s", shape);
        static const char *const act[] = {"", " relu", " relu_max"};
        used +=
            (size_t)snprintf(text + used, n_bytes - used, "%s", act[node->act]);
        for (int32_t k = 0; k < node->n_merged; k++) {
            used += (size_t)snprintf(text + used, n_bytes - used, " +%s",
                                     node->merged[k]);
        }
        used += (size_t)snprintf(text + used, n_bytes - used, "\n");
    }
}

static void check_graph(const char *golden, const char *expected)
{
    char text[8192];
    pta_model *model = open_golden(golden);
    describe(pta_model_graph(model), text, sizeof text);
    if (strcmp(text, expected) != 0) {
        printf("\n%s:\n%s", golden, text);
    }
    CU_ASSERT_STRING_EQUAL(text, expected);
    pta_model_close(ctx, &model);
}

static void test_sequential(void)
{
    static const char expected[] = "in input [12]\n"
                                   "fc1 dense 0 [9] relu\n"
                                   "fc2 dense 1 [8] relu_max\n"
                                   "fc3 dense 2 [7]\n"
                                   "fc3/tanh tanh 3 [7]\n"
                                   "fc4 dense 4 [6]\n"
                                   "fc4/sigmoid sigmoid 5 [6]\n"
                                   "fc5 dense 6 [5]\n"
                                   "fc5/hard_sigmoid hard_sigmoid 7 [5]\n"
                                   "fc6 dense 8 [4]\n"
                                   "output dense 9 [3]\n"
                                   "output/softmax softmax 10 [3]\n";
    check_graph("seq_dense.k2", expected);
    check_graph("seq_dense.k3", expected);
    check_graph("seq_nested.k3",
                "in input [6, 6, 2]\n"
                "block/conv conv 0 [4, 4, 3] relu +block/bn +block/relu\n"
                "pool avgpool 1 [2, 2, 3]\n"
                "head/flat reshape 2 [12]\n"
                "head/fc dense 3 [4] relu\n"
                "output dense 4 [3]\n");
}

static void test_functional(void)
{
    check_graph("dense_ranks.k2", "a input [5]\n"
                                  "b input [4, 3]\n"
                                  "c input [3, 2, 4]\n"
                                  "fa dense 0 [3] relu\n"
                                  "fb conv 1 [4, 5] relu\n"
                                  "fc conv 2 [3, 2, 2]\n"
                                  "fc/tanh tanh 5 [3, 2, 2]\n");
    check_graph("separable.k3", "x input [8, 7, 3]\n"
                                "folded/depthwise dwconv 0 [6, 5, 3]\n"
                                "folded conv 1 [6, 5, 4] relu_max +norm +relu\n"
                                "valid/depthwise dwconv 0 [6, 5, 3]\n"
                                "valid conv 3 [6, 5, 4]\n"
                                "same/depthwise dwconv 0 [8, 7, 3]\n"
                                "same conv 5 [8, 7, 4] relu\n"
                                "stride/depthwise dwconv 0 [4, 4, 6]\n"
                                "stride conv 7 [4, 4, 2]\n"
                                "dilated/depthwise dwconv 0 [8, 7, 3]\n"
                                "dilated conv 9 [8, 7, 2]\n"
                                "dilated/tanh tanh 10 [8, 7, 2]\n");
}

/* Input order is the model's; a second call shares the weights. */
static void test_shared(void)
{
    static const char *const files[] = {"shared.k2", "shared.k3"};
    for (int i = 0; i < 2; i++) {
        pta_model *model = open_golden(files[i]);
        const pta_graph *g = pta_model_graph(model);
        int32_t conv = pta_graph_find(g, "conv");
        int32_t again = pta_graph_find(g, "conv:1");
        CU_ASSERT_FATAL(conv >= 0 && again >= 0);
        CU_ASSERT_STRING_EQUAL(g->nodes[g->inputs[0]].name, "b");
        CU_ASSERT_STRING_EQUAL(g->nodes[g->nodes[conv].in[0]].name, "a");
        CU_ASSERT_STRING_EQUAL(g->nodes[g->nodes[again].in[0]].name, "b");
        CU_ASSERT_EQUAL(g->nodes[conv].weights, g->nodes[again].weights);
        CU_ASSERT_EQUAL(pta_graph_find(g, "bn:1"), again);
        CU_ASSERT_EQUAL(pta_graph_find(g, "relu"), conv);
        CU_ASSERT(pta_graph_params(g) < pta_model_file_params(model));
        pta_model_close(ctx, &model);
    }
}

static void test_nested(void)
{
    static const char *const files[] = {"nested.k2", "nested.k3"};
    for (int i = 0; i < 2; i++) {
        pta_model *model = open_golden(files[i]);
        const pta_graph *g = pta_model_graph(model);
        int32_t one = pta_graph_find(g, "pair/deep/fc");
        int32_t two = pta_graph_find(g, "pair:1/deep/fc");
        CU_ASSERT_FATAL(one >= 0 && two >= 0);
        CU_ASSERT_EQUAL(g->nodes[one].weights, g->nodes[two].weights);
        CU_ASSERT_EQUAL(pta_graph_find(g, "pair:1/deep/bn"), two);
        int32_t tower = pta_graph_find(g, "tower/fc");
        CU_ASSERT_NOT_EQUAL(g->nodes[one].weights, g->nodes[tower].weights);
        /* pair's second output is not used by the second call */
        CU_ASSERT(pta_graph_find(g, "pair/two") >= 0);
        CU_ASSERT_EQUAL(pta_graph_find(g, "pair:1/two"), -1);
        pta_model_close(ctx, &model);
    }
}

static const struct fold_case {
    const char *node, *norm;
    bool folded;
} folds[] = {
    {"conv", "fold", true},
    {"nobias", "fold_nobias", true},
    {"conv_relu", "fold_relu", true},
    {"conv_drop", "fold_drop", true},
    {"has_relu", "after_relu", false},
    {"twice", "not_only", false},
    {"chain", "chain1", true},
    {"chain", "chain2", false},
    {"c1", "noscale", true},
    {"c2", "nocenter", true},
    {"c3", "neither", true},
    {"dense", "dense_bn", true},
    {"conv1", "conv1_bn", true},
};

static void test_folds(void)
{
    static const char *const files[] = {"norm.k2", "norm.k3"};
    for (int f = 0; f < 2; f++) {
        pta_model *model = open_golden(files[f]);
        const pta_graph *g = pta_model_graph(model);
        for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
            int32_t node = pta_graph_find(g, folds[i].node);
            int32_t norm = pta_graph_find(g, folds[i].norm);
            CU_ASSERT_EQUAL(node == norm, folds[i].folded);
            CU_ASSERT(g->nodes[node].has_bias);
            CU_ASSERT_EQUAL(g->nodes[norm].op == PTA_OP_SCALE_SHIFT,
                            !folds[i].folded);
        }
        CU_ASSERT_EQUAL(g->nodes[pta_graph_find(g, "relu_bn")].act,
                        PTA_ACT_RELU);
        pta_model_close(ctx, &model);
    }
}

/* ---- weights ---- */

static double *read_all(pta_model *model, int32_t node, pta_weight_role role)
{
    const pta_graph *g = pta_model_graph(model);
    pta_weights *w = pta_model_weights(model);
    pta_weight_part whole = pta_weight_whole(g, node, role);
    int64_t n = pta_weight_count(g, node, role, whole);
    double *values = pta_calloc(ctx, (size_t)n, sizeof *values);
    UNIT_OK(ctx, w->read(w, ctx, node, role, whole, values));
    return values;
}

static void read_raw(const char *golden, const char *dataset, double *values,
                     int64_t expected)
{
    char path[512];
    pta_h5 *file;
    pta_h5_info info;
    snprintf(path, sizeof path, GOLDEN "%s.h5", golden);
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, dataset, &info));
    pta_h5_slab all = pta_h5_slab_all(&info);
    CU_ASSERT_EQUAL_FATAL(pta_h5_slab_count(&all), expected);
    UNIT_OK(ctx, pta_h5_read_f64(ctx, file, dataset, &all, values));
    pta_h5_close(ctx, &file);
}

/* The formula of weights.h, from the file's numbers, exactly. */
static void test_folded_values(void)
{
    double kernel[54], bias[2], gamma[2], beta[2], mean[2], variance[2];
    read_raw("norm.k3", "model_weights/conv/conv/kernel", kernel, 54);
    read_raw("norm.k3", "model_weights/conv/conv/bias", bias, 2);
    read_raw("norm.k3", "model_weights/fold/fold/gamma", gamma, 2);
    read_raw("norm.k3", "model_weights/fold/fold/beta", beta, 2);
    read_raw("norm.k3", "model_weights/fold/fold/moving_mean", mean, 2);
    read_raw("norm.k3", "model_weights/fold/fold/moving_variance", variance, 2);
    pta_model *model = open_golden("norm.k3");
    int32_t node = pta_graph_find(pta_model_graph(model), "conv");
    double *w = read_all(model, node, PTA_WEIGHT_KERNEL);
    double *b = read_all(model, node, PTA_WEIGHT_BIAS);
    for (int i = 0; i < 54; i++) {
        double s = gamma[i % 2] / sqrt(variance[i % 2] + 0.001);
        CU_ASSERT_EQUAL(w[i], kernel[i] * s);
    }
    for (int i = 0; i < 2; i++) {
        double s = gamma[i] / sqrt(variance[i] + 0.001);
        CU_ASSERT_EQUAL(b[i], (bias[i] - mean[i]) * s + beta[i]);
    }
    pta_free(ctx, w);
    pta_free(ctx, b);
    read_raw("norm.k3", "model_weights/not_only/not_only/gamma", gamma, 2);
    read_raw("norm.k3", "model_weights/not_only/not_only/moving_variance",
             variance, 2);
    node = pta_graph_find(pta_model_graph(model), "not_only");
    double *scale = read_all(model, node, PTA_WEIGHT_SCALE);
    CU_ASSERT_EQUAL(scale[1], gamma[1] / sqrt(variance[1] + 0.001));
    pta_free(ctx, scale);
    pta_model_close(ctx, &model);
}

/* A random part of a kernel against the whole one. */
static void check_part(pta_model *model, int32_t node, uint64_t *state)
{
    const pta_graph *g = pta_model_graph(model);
    pta_weights *w = pta_model_weights(model);
    pta_weight_part all = pta_weight_whole(g, node, PTA_WEIGHT_KERNEL), p;
    p.in_start = (int32_t)pta_rng_range(state, 0, all.in_block - 1);
    p.in_block = (int32_t)pta_rng_range(state, 1, all.in_block - p.in_start);
    p.in_stride = (int32_t)pta_rng_range(state, p.in_block, all.in_block);
    p.in_count = 1 + (all.in_block - p.in_start - p.in_block) / p.in_stride;
    p.out_start = (int32_t)pta_rng_range(state, 0, all.out_count - 1);
    p.out_count = (int32_t)pta_rng_range(state, 1, all.out_count - p.out_start);
    int64_t n = pta_weight_count(g, node, PTA_WEIGHT_KERNEL, p);
    double *part = pta_calloc(ctx, (size_t)n, sizeof *part);
    double *whole = read_all(model, node, PTA_WEIGHT_KERNEL);
    uint64_t before = pta_model_bytes_read(model);
    UNIT_OK(ctx, w->read(w, ctx, node, PTA_WEIGHT_KERNEL, p, part));
    /* The part itself, and four vectors of a fold at most. */
    CU_ASSERT(pta_model_bytes_read(model) - before <=
              (uint64_t)(n + 4 * g->nodes[node].view.c) * 4);
    int32_t rows = p.in_block * p.in_count, wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t out = i % p.out_count, row = i / p.out_count % rows;
        int64_t cell = i / p.out_count / rows;
        int64_t in =
            p.in_start + row / p.in_block * p.in_stride + row % p.in_block;
        int64_t at =
            (cell * all.in_block + in) * all.out_count + p.out_start + out;
        wrong += part[i] != whole[at];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pta_free(ctx, part);
    pta_free(ctx, whole);
}

static void test_weight_parts(void)
{
    static const char *const files[] = {"depthwise.k2", "separable.k3",
                                        "norm.k2",      "conv1d.k3",
                                        "seq_dense.k3", "dense_ranks.k2"};
    uint64_t state = SEED;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        pta_model *model = open_golden(files[f]);
        const pta_graph *g = pta_model_graph(model);
        for (int32_t i = 0; i < g->n_nodes; i++) {
            for (int k = 0; pta_node_splittable(&g->nodes[i]) && k < 8; k++) {
                check_part(model, i, &state);
            }
        }
        pta_model_close(ctx, &model);
    }
}

static void test_vector_parts(void)
{
    pta_model *model = open_golden("depthwise.k2");
    pta_weights *w = pta_model_weights(model);
    int32_t node = pta_graph_find(pta_model_graph(model), "folded");
    double *whole = read_all(model, node, PTA_WEIGHT_BIAS), part[3];
    pta_weight_part p = {.in_count = 1, .out_start = 2, .out_count = 3};
    UNIT_OK(ctx, w->read(w, ctx, node, PTA_WEIGHT_BIAS, p, part));
    CU_ASSERT(memcmp(part, whole + 2, sizeof part) == 0);
    pta_free(ctx, whole);
    node = pta_graph_find(pta_model_graph(model), "stride"); /* no bias */
    UNIT_OK(ctx, w->read(w, ctx, node, PTA_WEIGHT_BIAS,
                         (pta_weight_part){.out_count = 3}, part));
    CU_ASSERT(part[0] == 0 && part[2] == 0);
    p.out_start = 100;
    node = pta_graph_find(pta_model_graph(model), "valid");
    CU_ASSERT_EQUAL(w->read(w, ctx, node, PTA_WEIGHT_BIAS, p, part),
                    PTA_ERR_RANGE);
    pta_model_close(ctx, &model);
}

/* The same graph from the text alone; the digest knows names and shapes. */
static void test_structure(void)
{
    char one[8192], two[8192];
    pta_graph *g;
    pta_model *model = open_golden("nested.k3");
    pta_model *other = open_golden("nested.k2");
    UNIT_OK(ctx, pta_model_graph_parse(ctx, pta_model_structure(model), &g));
    describe(pta_model_graph(model), one, sizeof one);
    describe(g, two, sizeof two);
    CU_ASSERT_STRING_EQUAL(one, two);
    CU_ASSERT_EQUAL(strlen(pta_model_digest(model)), 64);
    CU_ASSERT_STRING_NOT_EQUAL(pta_model_digest(model),
                               pta_model_digest(other));
    CU_ASSERT_EQUAL(pta_model_bytes_read(model), 0);
    CU_ASSERT_EQUAL(strncmp(pta_model_keras_version(model), "3.", 2), 0);
    CU_ASSERT_EQUAL(strncmp(pta_model_keras_version(other), "2.", 2), 0);
    pta_graph_destroy(ctx, &g);
    pta_model_close(ctx, &model);
    pta_model_close(ctx, &other);
}

/* ---- ../shared/models ---- */

static void check_shared_model(const char *name, int64_t file_params,
                               int32_t n_nodes, int64_t folded_params)
{
    char path[512];
    pta_model *model;
    snprintf(path, sizeof path, "%s/../shared/models/%s", PTA_SOURCE_DIR, name);
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there ", path);
        return;
    }
    UNIT_OK(ctx, pta_model_open(ctx, path, &model));
    CU_ASSERT_EQUAL(pta_model_file_params(model), file_params);
    CU_ASSERT_EQUAL(pta_model_graph(model)->n_nodes, n_nodes);
    CU_ASSERT_EQUAL(pta_graph_params(pta_model_graph(model)), folded_params);
    pta_model_close(ctx, &model);
}

static void test_shared_models(void)
{
    /* Folding a BatchNormalization over c channels takes 4 c values away. */
    check_shared_model("resnet8_cifar10.h5", 78666, 17, 78666 - 4 * 240);
    check_shared_model("autoencoder_toycar.h5", 269992, 11, 269992 - 4 * 1032);
}

/* ---- refusals by structure ---- */

/* Replaces the first `from` after `after`; the caller frees. */
static char *edited(const char *text, const char *after, const char *from,
                    const char *to)
{
    const char *start = strstr(text, after);
    const char *at = start == NULL ? NULL : strstr(start, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    size_t head = (size_t)(at - text), n = strlen(text) + strlen(to) + 1;
    char *copy = pta_calloc(ctx, n, 1);
    snprintf(copy, n, "%.*s%s%s", (int)head, text, to, at + strlen(from));
    return copy;
}

/* The structure text holds model_config as a string: its quotes are \". */
#define Q "\\\""

static const struct refusal {
    const char *golden, *after, *from, *to;
    pta_status status;
    const char *message; /* must occur, and names the layer */
} refusals[] = {
    {"conv2d.k2", Q "stride23" Q, "channels_last", "channels_first",
     PTA_ERR_UNSUPPORTED, "layer \"stride23\": data_format channels_first"},
    {"conv2d.k3", Q "stride23" Q, Q "groups" Q ": 1", Q "groups" Q ": 2",
     PTA_ERR_UNSUPPORTED, "layer \"stride23\": groups = 2"},
    {"conv2d.k3", "keras_version", Q "class_name" Q ": " Q "Conv2D" Q,
     Q "class_name" Q ": " Q "Conv2DTranspose" Q, PTA_ERR_UNSUPPORTED,
     "Conv2DTranspose is not supported"},
    {"seq_dense.k2", "keras_version", Q "Dropout" Q, Q "Masking" Q,
     PTA_ERR_UNSUPPORTED, "Masking is not supported (nor are masks)"},
    {"seq_dense.k2", Q "fc3" Q, Q "tanh" Q, Q "swish" Q, PTA_ERR_UNSUPPORTED,
     "layer \"fc3\": activation \"swish\""},
    {"norm.k3", Q "alone" Q, Q "axis" Q ": -1", Q "axis" Q ": 1",
     PTA_ERR_UNSUPPORTED, "layer \"alone\": only normalization over the last"},
    {"norm.k3", Q "alone" Q, Q "mask" Q ": null", Q "mask" Q ": 5",
     PTA_ERR_UNSUPPORTED, "layer \"alone\": it is called with a mask"},
    {"norm.k2", Q "alone" Q, ", 0, 0, {}", ", 0, 0, {" Q "training" Q ": true}",
     PTA_ERR_UNSUPPORTED, "it is called with the argument \"training\""},
    {"conv2d.k2", Q "dilated" Q, Q "float32" Q, Q "float16" Q,
     PTA_ERR_UNSUPPORTED, "layer \"dilated\": dtype float16"},
    {"seq_dense.k3", Q "fc2" Q, Q "units" Q ": 8", Q "units" Q ": 9",
     PTA_ERR_FORMAT, "layer \"fc2\": dataset model_weights/fc2/"},
    {"seq_dense.k3", "fc4/kernel\"", "float32", "float64", PTA_ERR_UNSUPPORTED,
     "layer \"fc4\": dataset model_weights/fc4/"},
    {"seq_dense.k3", "\"weights\"", "[8,7]", "[7,8]", PTA_ERR_FORMAT,
     "has shape [7, 8], expected [8, 7]"},
    {"seq_dense.k3", "\"weights\"", "fc3/kernel\"", "fc3/gamma\"",
     PTA_ERR_FORMAT, "layer \"fc3\": expected its kernel"},
    {"seq_dense.k3", "\"weights\"", "\"layer\":\"fc3\"", "\"layer\":\"fc9\"",
     PTA_ERR_FORMAT, "layer \"fc3\": expected"},
    {"merges.k2", "batch_input_shape", "null, 4, 3, 2", "null, 1, 1, 2",
     PTA_ERR_UNSUPPORTED, "broadcasting is not supported"},
    {"merges.k2", "batch_input_shape", "null, 4, 3, 2", "null, null, 3, 2",
     PTA_ERR_UNSUPPORTED, "layer \"a\": dimension 1 is not fixed"},
    {"merges.k2", "batch_input_shape", "null, 4, 3, 2", "null, 65536, 65536, 2",
     PTA_ERR_UNSUPPORTED, "layer \"a\": its output has shape"},
    {"pool2d.k2", Q "max_same" Q, Q "same" Q, Q "reflect" Q,
     PTA_ERR_UNSUPPORTED, "layer \"max_same\": padding \"reflect\""},
    {"pool2d.k2", Q "avg" Q, "[2, 3]", "[20, 3]", PTA_ERR_FORMAT,
     "layer \"avg\": its window is larger"},
    {"pool2d.k2", Q "avg" Q, "[2, 3]", "[0, 3]", PTA_ERR_FORMAT,
     "layer \"avg\": pool_size"},
    {"shapes.k2", Q "two" Q, "[3, 5]", "[3, 6]", PTA_ERR_FORMAT,
     "layer \"two\": "},
    {"shapes.k2", Q "turn" Q, "[2, 1]", "[2, 2]", PTA_ERR_FORMAT,
     "layer \"turn\": dims"},
    {"residual.k2", "keras_version", "[[[" Q "image" Q, "[[[" Q "nobody" Q,
     PTA_ERR_FORMAT, "layer \"pad\": it reads a layer that is not there"},
    {"residual.k2", "keras_version", "[[[" Q "image" Q, "[[[" Q "stem" Q,
     PTA_ERR_FORMAT, "form a loop"},
    {"nested.k2", "keras_version", "2.18", "1.18", PTA_ERR_UNSUPPORTED,
     "Keras \"1.18"},
    {"nested.k2", "model_config", "", "", PTA_OK, ""},
    {"nested.k2", "keras_version", "{" Q "class_name" Q, "{" Q "class",
     PTA_ERR_FORMAT, "model_config"},
};

static void check_refusal(const struct refusal *r)
{
    pta_model *model = open_golden(r->golden);
    char *text = edited(pta_model_structure(model), r->after, r->from, r->to);
    pta_graph *g = NULL;
    pta_ctx_clear_error(ctx);
    pta_status status = pta_model_graph_parse(ctx, text, &g);
    const char *error = pta_ctx_error(ctx);
    if (status != r->status || strstr(error, r->message) == NULL) {
        printf("\n  %s: %s instead of \"%s\"", r->golden, error, r->message);
    }
    CU_ASSERT_EQUAL(status, r->status);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, r->message));
    pta_graph_destroy(ctx, &g);
    pta_free(ctx, text);
    pta_model_close(ctx, &model);
}

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        check_refusal(&refusals[i]);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

/* ---- refusals by file ---- */

static char *slurp(const char *golden, size_t *n)
{
    char path[512];
    snprintf(path, sizeof path, GOLDEN "%s.h5", golden);
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char *bytes = pta_calloc(ctx, 1 << 20, 1);
    *n = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* Opens and, if that succeeds, reads every weight. */
static pta_status open_and_read(const char *path)
{
    pta_model *model = NULL;
    pta_status status = pta_model_open(ctx, path, &model);
    if (status != PTA_OK) {
        CU_ASSERT_PTR_NULL(model);
        return status;
    }
    const pta_graph *g = pta_model_graph(model);
    pta_weights *w = pta_model_weights(model);
    for (int32_t i = 0; i < g->n_nodes && status == PTA_OK; i++) {
        bool norm = g->nodes[i].op == PTA_OP_SCALE_SHIFT;
        pta_weight_role role = norm ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL;
        if (!pta_node_weighted(&g->nodes[i])) {
            continue;
        }
        for (int k = 0; k < 2 && status == PTA_OK; k++, role++) {
            pta_weight_part part = pta_weight_whole(g, i, role);
            int64_t n = pta_weight_count(g, i, role, part);
            double *values = pta_calloc(ctx, (size_t)n, sizeof *values);
            status = values == NULL ? PTA_ERR_NOMEM
                                    : w->read(w, ctx, i, role, part, values);
            pta_free(ctx, values);
        }
    }
    pta_model_close(ctx, &model);
    return status;
}

static void test_foreign(void)
{
    char path[SCRATCH_PATH];
    pta_h5 *file;
    const int64_t n = 1;
    const float x = 1;
    UNIT_OK(ctx, pta_h5_create(ctx, scratch_path(path, "other.h5"), &file));
    UNIT_OK(ctx, pta_h5_write_f32(ctx, file, "x", 1, &n, &x));
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    CU_ASSERT_EQUAL(open_and_read(path), PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(pta_ctx_error(ctx), "other.h5: no model_config attribute"));
    UNIT_OK(ctx, pta_h5_create(ctx, path, &file));
    UNIT_OK(ctx, pta_h5_write_attr_string(ctx, file, "/", "model_config", "{"));
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    CU_ASSERT_EQUAL(open_and_read(path), PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "no group"));
    CU_ASSERT_EQUAL(open_and_read("/nowhere/m.h5"), PTA_ERR_IO);
}

/* The four bytes of a float32 of the file, replaced. */
static void test_nan(void)
{
    static const float bad[] = {(float)NAN, (float)INFINITY};
    static const char *const words[] = {"NaN", "infinity"};
    char path[SCRATCH_PATH];
    size_t n_bytes, at = 0;
    double w[108];
    read_raw("seq_dense.k2", "model_weights/fc1/fc1/kernel:0", w, 108);
    char *bytes = slurp("seq_dense.k2", &n_bytes);
    float row[3] = {(float)w[50], (float)w[51], (float)w[52]};
    while (at + sizeof row < n_bytes &&
           memcmp(bytes + at, row, sizeof row) != 0) {
        at++;
    }
    CU_ASSERT_FATAL(at + sizeof row < n_bytes);
    for (int i = 0; i < 2; i++) {
        memcpy(bytes + at, &bad[i], sizeof bad[i]);
        scratch_write(path, "nan.h5", bytes, n_bytes);
        CU_ASSERT_EQUAL(open_and_read(path), PTA_ERR_FORMAT);
        const char *error = pta_ctx_error(ctx);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, "nan.h5: layer \"fc1\""));
        CU_ASSERT_PTR_NOT_NULL(strstr(error, "model_weights/fc1/fc1/kernel:0"));
        CU_ASSERT_PTR_NOT_NULL(strstr(error, words[i]));
    }
    pta_free(ctx, bytes);
}

static void test_truncated(void)
{
    char path[SCRATCH_PATH];
    size_t n_bytes;
    char *bytes = slurp("seq_late.k2", &n_bytes);
    for (size_t keep = 0; keep < n_bytes; keep += n_bytes / 37) {
        scratch_write(path, "cut.h5", bytes, keep);
        CU_ASSERT_EQUAL(open_and_read(path), PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "cut.h5: "));
    }
    pta_free(ctx, bytes);
}

/* Flips a byte at a time; false if a refusal does not name the file, memory
 * leaks, or next to nothing is refused. */
static bool flips_pass(uint64_t state, int n_flips)
{
    char path[SCRATCH_PATH];
    size_t n_bytes;
    int refused = 0;
    bool named = true;
    char *bytes = slurp("seq_late.k3", &n_bytes);
    for (int i = 0; i < n_flips; i++) {
        size_t at = (size_t)pta_rng_range(&state, 0, (int64_t)n_bytes - 1);
        char old = bytes[at];
        bytes[at] = (char)(old ^ (char)pta_rng_range(&state, 1, 127));
        scratch_write(path, "flip.h5", bytes, n_bytes);
        if (open_and_read(path) != PTA_OK) {
            refused++;
            named = named && strstr(pta_ctx_error(ctx), "flip.h5: ") != NULL;
        }
        bytes[at] = old;
    }
    pta_free(ctx, bytes);
    return named && refused > n_flips / 20 &&
           pta_ctx_memory(ctx).live_blocks == 0;
}

/* Flipped bytes are refused with the file's name or harmless (unused space, a
 * weight's value); never a crash. In a process of its own: HDF5 itself leaks
 * on damaged files. */
static void test_flipped(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        _exit(flips_pass(SEED, 200) ? 0 : 1);
    }
    int result = -1;
    CU_ASSERT_EQUAL(waitpid(child, &result, 0), child);
    CU_ASSERT_EQUAL(result, 0);
}

/* Every single allocation and file access fails once; nothing leaks. */
static void test_faults(void)
{
    uint32_t every = 1, failures = 0;
    pta_status status = PTA_ERR_NOMEM;
    while (status != PTA_OK && every < 5000) {
        /* The first failure comes at the operation `every`, if there is one. */
        pta_ctx_set_faults(ctx, every, every - 1);
        status = open_and_read(GOLDEN "seq_nested.k2.h5");
        pta_ctx_set_faults(ctx, 0, 0);
        failures += status != PTA_OK;
        CU_ASSERT_EQUAL_FATAL(pta_ctx_memory(ctx).live_blocks, 0);
        every += every < 50 ? 1 : 7;
    }
    printf("%u failures ", failures);
    CU_ASSERT(status == PTA_OK && failures > 30);
}

static const unit_test tests[] = {
    {"sequential", test_sequential},
    {"functional", test_functional},
    {"shared layers", test_shared},
    {"nested models", test_nested},
    {"folds", test_folds},
    {"folded values", test_folded_values},
    {"parts of kernels", test_weight_parts},
    {"parts of vectors", test_vector_parts},
    {"structure text", test_structure},
    {"../shared/models", test_shared_models},
    {"refused structures", test_refusals},
    {"foreign files", test_foreign},
    {"NaN and infinity", test_nan},
    {"truncated files", test_truncated},
    {"flipped bytes", test_flipped},
    {"faults", test_faults},
};

int main(void)
{
    ctx = pta_ctx_create();
    printf("seed %d\n", SEED);
    int failed = unit_main("keras", tests, sizeof tests / sizeof *tests);
    failed = failed || pta_ctx_memory(ctx).live_blocks != 0;
    pta_ctx_destroy(&ctx);
    scratch_remove();
    return failed;
}
