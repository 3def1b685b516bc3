/*
 * rule4ml's format, on a small set of made-up weights whose answers are sums done
 * here: features, embeddings, the linear chain, the ReLU stack, per cent of a
 * board; and what is refused. tests/interop/rule4ml_parity.py compares with the
 * real ones.
 */
#include "cli/rule4ml_ask.h"

#include <math.h>

#include "h5/h5.h"
#include "model/rule4ml_priv.h"
#include "scratch.h"
#include "unit.h"

static const char config[] =
    "{\"global_numerical_labels\": [\"bit_width\", \"dense_inputs_mean\","
    " \"relu_count\"],"
    " \"global_categorical_maps\": {\"strategy\": {\"latency\": 1,"
    " \"resource\": 2}, \"board\": {\"pynq-z2\": 1}},"
    " \"output_labels\": [\"%s\"], \"model_class\": \"%s\","
    " \"model_config\": {\"settings\": {\"embedding_layers\": [2, 1],"
    " \"numerical_dense_layers\": [2], \"dense_layers\": [2]}},"
    " \"scaler_class\": \"BoardPercentScaler\", \"scaler_config\":"
    " {\"available_resources\": {\"pynq-z2\": {\"lut\": 53200}}}}";

static const char *const targets[] = {"BRAM", "DSP", "FF", "LUT", "CYCLES"};
static const char *const outputs[] = {"bram", "dsp", "ff", "lut", "cycles"};

static const pta_rule4ml_layer layers[] = {{"", 10, 10, 0, 4},
                                           {"dense", 10, 6, 66, 2},
                                           {"relu", 6, 6, 0, 4},
                                           {"dense", 6, 3, 21, 4},
                                           {"softmax", 3, 3, 0, 4}};
static const pta_rule4ml_query query = {.strategy = "resource",
                                        .board = "pynq-z2",
                                        .bits = 8,
                                        .n_layers = 5,
                                        .layers = layers};

static pta_ctx *ctx;

static void write2(pta_h5 *file, const char *name, int64_t rows,
                   int64_t columns, const float *values)
{
    const int64_t dim[] = {rows, columns};
    UNIT_OK(ctx, pta_h5_write_f32(ctx, file, name, columns > 0 ? 2 : 1, dim,
                                  values));
}

static void write_weights(const char *target, int64_t chain)
{
    static const float strategy[] = {9, 9, 1, 2, 3, 4}, board[] = {9, 5},
                       first[] = {1, 0, 0, 1, 2, -1}, second_bias[] = {1, -9},
                       last[] = {2, 7}, last_bias[] = {0.5F};
    static const float second[] = {1, 0, 0, 1, 1, 1, 1, 0, 0, 1};
    char name[32], path[SCRATCH_PATH];
    pta_h5 *file;
    snprintf(name, sizeof name, "%s.weights.h5", target);
    UNIT_OK(ctx, pta_h5_create(ctx, scratch_path(path, name), &file));
    write2(file, "/layers/embedding/vars/0", 3, 2, strategy);
    write2(file, "/layers/embedding_1/vars/0", 2, 1, board);
    write2(file, "/layers/dense/vars/0", chain, 2, first);
    write2(file, "/layers/dense_1/vars/0", 5, 2, second);
    write2(file, "/layers/dense_1/vars/1", 2, 0, second_bias);
    write2(file, "/layers/dense_2/vars/0", 2, 1, last);
    write2(file, "/layers/dense_2/vars/1", 1, 0, last_bias);
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
}

static void write_config(int t, const char *class)
{
    char name[32], path[SCRATCH_PATH], text[1024];
    snprintf(name, sizeof name, "%s.config.json", targets[t]);
    int n = snprintf(text, sizeof text, config, outputs[t], class);
    scratch_write(path, name, text, (size_t)n);
}

static void write_set(void)
{
    for (int t = 0; t < 5; t++) {
        write_config(t, "KerasMLP");
        write_weights(targets[t], 3);
    }
}

/* Features 8, (10 + 6) / 2 and 1; the chain makes 8 + 2 and 8 - 1 of them; with
 * (3, 4) of the strategy and 5 of the board: 3 + 5 + 10 + 1 and 4 + 5 + 7 - 9. */
static void test_answers(void)
{
    double said[PTA_R4_COUNT], wanted = 2 * 19 + 7 * 7 + 0.5;
    pta_rule4ml_set *set;
    write_set();
    UNIT_OK(ctx, pta_rule4ml_set_open(ctx, scratch_folder(), &set));
    UNIT_OK(ctx, pta_rule4ml_ask(set, ctx, &query, said));
    CU_ASSERT_DOUBLE_EQUAL(said[PTA_R4_DSP], wanted, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(said[PTA_R4_LUT], wanted * 532, 1e-2);
    CU_ASSERT(isnan(said[PTA_R4_INTERVAL]));
    CU_ASSERT(!pta_rule4ml_set_has(set, PTA_R4_INTERVAL));
    pta_rule4ml_query other = query;
    other.board = "alveo-u200";
    CU_ASSERT_EQUAL(pta_rule4ml_ask(set, ctx, &other, said),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "alveo-u200"));
    pta_rule4ml_set_close(ctx, &set);
}

static double feature(const char *label)
{
    double value = -1;
    UNIT_OK(ctx, pta_rule4ml_feature(ctx, label, &query, &value));
    return value;
}

static void test_features(void)
{
    double value;
    CU_ASSERT_EQUAL(feature("bit_width"), 8);
    CU_ASSERT_DOUBLE_EQUAL(feature("reuse_mean"), 18 / 5.0, 1e-12);
    CU_ASSERT_EQUAL(feature("dense_count"), 2);
    CU_ASSERT_EQUAL(feature("dense_reuse_mean"), 3);
    CU_ASSERT_EQUAL(feature("dense_parameters_min"), 21);
    CU_ASSERT_EQUAL(feature("dense_parameters_min_idx"), 4);
    CU_ASSERT_EQUAL(feature("dense_parameters_max"), 66);
    CU_ASSERT_EQUAL(feature("dense_parameters_max_idx"), 2);
    CU_ASSERT_EQUAL(feature("softmax_outputs_mean"), 3);
    CU_ASSERT_EQUAL(feature("conv2d_kernel_size_mean"), 0);
    CU_ASSERT_EQUAL(feature("tanh_count"), 0);
    for (int i = 0; i < 3; i++) {
        static const char *const none[] = {"bits", "dense_mean",
                                           "dense_inputs_median"};
        CU_ASSERT_EQUAL(pta_rule4ml_feature(ctx, none[i], &query, &value),
                        PTA_ERR_UNSUPPORTED);
    }
}

static void refused(pta_status status, const char *says)
{
    pta_rule4ml_set *set = NULL;
    CU_ASSERT_EQUAL(pta_rule4ml_set_open(ctx, scratch_folder(), &set), status);
    CU_ASSERT_PTR_NULL(set);
    if (strstr(pta_ctx_error(ctx), says) == NULL) {
        printf("\n'%s' does not say '%s'\n", pta_ctx_error(ctx), says);
        CU_FAIL("wrong message");
    }
}

static void test_refused(void)
{
    char path[SCRATCH_PATH], *folder;
    write_set();
    write_weights("LUT", 2);
    refused(PTA_ERR_MISMATCH, "/layers/dense/vars/0: expected 3 x 2");
    write_set();
    write_config(2, "TorchGNN");
    refused(PTA_ERR_UNSUPPORTED, "TorchGNN");
    write_set();
    scratch_write(path, "DSP.config.json", "{", 1);
    refused(PTA_ERR_FORMAT, "DSP.config.json");
    CU_ASSERT_EQUAL(pta_rule4ml_folder(ctx, "/nonexistent", &folder),
                    PTA_ERR_NOT_FOUND);
    write_set();
    for (uint64_t seed = 0; seed < 24; seed++) {
        pta_rule4ml_set *set = NULL;
        pta_ctx_set_faults(ctx, 24, seed);
        pta_status status = pta_rule4ml_set_open(ctx, scratch_folder(), &set);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT(status != PTA_OK && set == NULL);
    }
}

static void test_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {
        {"answers", test_answers},
        {"features", test_features},
        {"refused", test_refused},
        {"memory balance", test_balance},
    };
    ctx = pta_ctx_create();
    int code = unit_main("rule4ml", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    scratch_remove();
    return code;
}
