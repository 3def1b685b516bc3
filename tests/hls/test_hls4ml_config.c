/*
 * The hls4ml output: configuration of slices, layer by layer; whether hls4ml then
 * computes the same is for tests/interop/hls4ml_slices.py.
 */
#include <stdio.h>
#include <string.h>

#include "hls/gen/hls4ml_config.h"
#include "hls/random_slices.h"
#include "model/keras_write.h"
#include "unit/scratch.h"
#include "json/json.h"

#define SEED 20261122u

typedef struct counts {
    int layers, partial, refused, odd;
} counts;

static const char *precision(const json_t *config, const char *layer,
                             const char *what)
{
    const json_t *names =
        json_object_get(json_object_get(config, "HLSConfig"), "LayerName");
    return json_string_value(json_object_get(
        json_object_get(json_object_get(names, layer), "Precision"), what));
}

/* Layer of a node, as the test's random graphs name it. */
static void check_node(const pta_slice_graph *g, int32_t node,
                       const json_t *config, counts *c)
{
    char linear[64];
    const char *name = g->graph->nodes[node].name;
    const pta_step *step =
        g->step[node] < 0 ? NULL : &g->slice->steps[g->step[node]];
    const pta_value *v = &g->slice->values[g->value[node]];
    if (step == NULL || step->op == PTA_STEP_CROP) {
        return;
    }
    const char *result = precision(config, name, "result");
    const char *accum = precision(config, name, "accum");
    char format[64];
    snprintf(format, sizeof format, "ap_%sfixed<%d,%d,",
             v->format.is_signed ? "" : "u", v->format.width,
             v->format.integer);
    c->layers++;
    if (step->partial) {
        snprintf(linear, sizeof linear, "%s_linear", name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(result);
        CU_ASSERT_STRING_EQUAL(result, accum);
        CU_ASSERT_STRING_EQUAL(precision(config, linear, "result"), accum);
        CU_ASSERT_PTR_NOT_NULL(strstr(accum, "AP_TRN,AP_WRAP>"));
        c->partial++;
    } else if (result != NULL) {
        CU_ASSERT_PTR_EQUAL(strstr(result, format), result);
    } else {
        c->odd += step->op != PTA_STEP_PERMUTE && step->op != PTA_STEP_ZEROPAD;
    }
}

static void check_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                        void *user)
{
    char keras[SCRATCH_PATH], path[SCRATCH_PATH], *text;
    counts *c = user;
    pta_slice_graph *g = NULL;
    pta_hls4ml_config config;
    json_t *json = NULL;
    (void)real;
    scratch_path(keras, "hls4ml.h5");
    UNIT_OK(r->ctx, pta_slice_graph_make(r->ctx, r->graph.graph, slice, &g));
    pta_hls4ml_config_begin(&config, r->ctx, g, NULL);
    pta_status status = pta_model_write(r->ctx, g->graph, &g->weights, keras,
                                        pta_hls4ml_config_layer, &config);
    if (status != PTA_OK) {
        pta_hls4ml_config_free(&config);
    } else {
        status = pta_hls4ml_config_save(&config, "hls4ml.h5", scratch_folder());
    }
    if (status != PTA_OK) {
        CU_ASSERT_EQUAL(status, PTA_ERR_UNSUPPORTED);
        c->refused++;
    } else {
        scratch_path(path, "hls4ml.json");
        UNIT_OK(r->ctx, pta_file_read(r->ctx, path, &text, NULL));
        UNIT_OK(r->ctx, pta_json_parse(r->ctx, text, path, &json));
        for (int32_t i = 0; i < g->graph->n_nodes; i++) {
            check_node(g, i, json, c);
        }
        CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "Outputs")),
                        (size_t)slice->n_outputs);
        json_decref(json);
        pta_free(r->ctx, text);
        CU_ASSERT_EQUAL(access(scratch_path(path, "hls4ml_build.py"), F_OK), 0);
    }
    pta_slice_graph_destroy(r->ctx, &g);
}

static void test_slices(void)
{
    uint64_t rare = UINT64_C(1) << PTA_STEP_SOFTMAX | UINT64_C(1)
                                                          << FEATURE_MANY;
    random_slices r = {
        .ctx = pta_ctx_create(), .rng = SEED, .times = 6, .unwanted = rare};
    counts c = {0, 0, 0, 0};
    slices_for_each(&r, check_slice, &c);
    printf("\n  seed %u, %d layers, %d partial, %d slices refused ", SEED,
           c.layers, c.partial, c.refused);
    CU_ASSERT_TRUE(c.layers >= 60 && c.partial >= 6);
    CU_ASSERT_EQUAL(c.odd, 0);
    CU_ASSERT_EQUAL(pta_ctx_memory(r.ctx).live_blocks, 0);
    pta_ctx_destroy(&r.ctx);
}

static const unit_test tests[] = {{"slices", test_slices}};

int main(void)
{
    int code = unit_main("hls4ml_config", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    return code;
}
