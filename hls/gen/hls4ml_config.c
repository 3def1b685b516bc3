/* hls4ml output of a slice: see hls4ml_config.h. */
#include "hls/gen/hls4ml_config.h"

#include <stdio.h>
#include <string.h>

#include "hls/driver/format.h"
#include "hls/gen/script.h"
#include "ir/format.h"
#include "vitis_priv.h"

#define DSP 198 /* 90 % of a PYNQ-Z2's */

typedef pta_hls4ml_config config;

/* ---- types ---- */

static json_t *type_of(pta_format f)
{
    char text[96];
    snprintf(text, sizeof text, "ap_%sfixed<%d,%d,AP_%s,AP_%s>",
             f.is_signed ? "" : "u", f.width, f.integer,
             pta_rounding_name((pta_rounding)f.rounding),
             pta_overflow_name((pta_overflow)f.overflow));
    return json_string(text);
}

/* Exact integers of `bits` bits with `frac` fraction bits. */
static pta_format exact(int32_t bits, int32_t frac)
{
    return (pta_format){.width = (int16_t)bits,
                        .integer = (int16_t)(bits - frac),
                        .is_signed = true,
                        .rounding = PTA_RND_RND,
                        .overflow = PTA_OVF_SAT};
}

static pta_format accum_of(const pta_step *step)
{
    if (step->hls4ml.used) {
        return step->hls4ml.accum;
    }
    pta_format f =
        exact(step->acc_bits > 1 ? step->acc_bits : 2, step->acc_frac);
    f.rounding = PTA_RND_TRN;
    f.overflow = PTA_OVF_WRAP;
    return f;
}

/* Just as wide as the biases are. */
static pta_format bias_of(const pta_step *step)
{
    const pta_step_weights *w = &step->weights;
    int32_t bits = 2;
    if (step->hls4ml.used) {
        return step->hls4ml.bias;
    }
    for (int32_t i = 0; w->bias != NULL && i < w->rows; i++) {
        int64_t b = w->bias[i] < 0 ? -(w->bias[i] + 1) : w->bias[i];
        int32_t n = 1 + pta_vitis_bits((uint64_t)b);
        bits = n > bits ? n : bits;
    }
    return exact(bits, step->acc_frac);
}

/* ---- layers ---- */

static bool is_crop(const pta_step *step)
{
    return step->op == PTA_STEP_CROP;
}

static bool is_weighted(const pta_step *step)
{
    return step->weighted && step->op != PTA_STEP_RELU;
}

/* Result of a value; a partial sum's is its accumulator. */
static pta_format result_of(const config *c, int32_t node)
{
    int32_t step = c->graph->step[node];
    const pta_step *s = step < 0 ? NULL : &c->graph->slice->steps[step];
    return s != NULL && s->partial
               ? accum_of(s)
               : c->graph->slice->values[c->graph->value[node]].format;
}

static void set_weights(const pta_step *step, json_t *precision)
{
    bool norm = step->op == PTA_STEP_SCALE_SHIFT;
    json_object_set_new(precision, norm ? "scale" : "weight",
                        type_of(step->weights.format));
    json_object_set_new(precision, "bias", type_of(bias_of(step)));
    json_object_set_new(precision, "accum", type_of(accum_of(step)));
}

/* Weights of 0 and 1. */
static void set_crop(const config *c, int32_t node, json_t *precision)
{
    pta_format one = {.width = 2,
                      .integer = 2,
                      .is_signed = true,
                      .rounding = PTA_RND_TRN,
                      .overflow = PTA_OVF_WRAP};
    json_object_set_new(precision, "weight", type_of(one));
    json_object_set_new(precision, "bias", type_of(one));
    json_object_set_new(precision, "accum", type_of(result_of(c, node)));
}

/* Multiplications of one position, over those of one cycle. */
static int32_t reuse_of(const config *c, int32_t step)
{
    const pta_step *s = &c->graph->slice->steps[step];
    const pta_fold *f = c->folds != NULL ? &c->folds[step] : &s->fold;
    if (f->pe < 1 || f->simd < 1 || !is_weighted(s)) {
        return c->reuse;
    }
    int32_t m = s->weights.rows, n = s->weights.cols;
    return ((m + f->pe - 1) / f->pe) * ((n + f->simd - 1) / f->simd);
}

static void set_tables(const pta_step *step, json_t *layer)
{
    static const char *const softmax[] = {"stable", "latency", "argmax"};
    const pta_hls4ml_types *t = &step->hls4ml;
    if (!t->used || t->table.width == 0) {
        return;
    }
    bool is_softmax = step->op == PTA_STEP_SOFTMAX;
    json_object_set_new(layer, is_softmax ? "exp_table_t" : "table_t",
                        type_of(t->table));
    json_object_set_new(layer, "TableSize", json_integer(t->table_size));
    if (is_softmax) {
        json_object_set_new(layer, "inv_table_t", type_of(t->inv_table));
        json_object_set_new(layer, "inv_inp_t", type_of(t->inv_input));
        json_object_set_new(layer, "Implementation",
                            json_string(softmax[t->softmax]));
    }
}

static void set_step(config *c, int32_t node, json_t *layer, json_t *precision)
{
    int32_t index = c->graph->step[node];
    const pta_step *step = &c->graph->slice->steps[index];
    int32_t reuse = reuse_of(c, index);
    if (is_crop(step)) {
        set_crop(c, node, precision);
    } else if (is_weighted(step)) {
        set_weights(step, precision);
    } else if (step->op == PTA_STEP_RELU && step->weights.data != NULL) {
        json_object_set_new(precision, "param", type_of(step->weights.format));
    } else if (step->hls4ml.used && step->hls4ml.accum.width > 0) {
        json_object_set_new(precision, "accum", type_of(step->hls4ml.accum));
    }
    set_tables(step, layer);
    json_object_set_new(layer, "ReuseFactor", json_integer(reuse));
    /* A saturating sum depends on its order, which Resource changes. */
    bool free_order = is_crop(step) || !is_weighted(step) ||
                      accum_of(step).overflow == PTA_OVF_WRAP;
    json_object_set_new(
        layer, "Strategy",
        json_string(reuse > 1 && free_order ? "Resource" : "Latency"));
}

static bool keeps_type(const char *class_name)
{
    static const char *const keep[] = {"Flatten", "Reshape", "Permute",
                                       "ZeroPadding1D", "ZeroPadding2D"};
    bool keeps = false;
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
        keeps = keeps || strcmp(keep[i], class_name) == 0;
    }
    return keeps;
}

static bool has_own_activation(const char *class_name)
{
    return strcmp(class_name, "Dense") == 0 ||
           strstr(class_name, "Conv") != NULL;
}

/* hls4ml makes a layer of a Dense's or convolution's activation, too. */
static void add_activation(config *c, const char *name, int32_t node)
{
    const pta_node *n = &c->graph->graph->nodes[node];
    char text[256];
    snprintf(text, sizeof text, "%s_%s", name,
             n->act == PTA_ACT_RELU ? "relu" : "linear");
    json_object_set_new(c->layers, text,
                        json_pack("{s:{s:o}}", "Precision", "result",
                                  type_of(result_of(c, node))));
}

void pta_hls4ml_config_layer(void *user, const char *name,
                             const char *class_name, int32_t node)
{
    config *c = user;
    bool is_own = strcmp(class_name, "Activation") != 0 ||
                  c->graph->graph->nodes[node].act == PTA_ACT_NONE;
    if (c->status == PTA_OK && strcmp(class_name, "ReLU") == 0) {
        c->status = pta_fail(c->ctx, PTA_ERR_UNSUPPORTED,
                             "layer %s: hls4ml computes a plain ReLU whatever "
                             "its maximum, slope and threshold",
                             name);
    }
    if (c->status != PTA_OK || keeps_type(class_name)) {
        return;
    }
    json_t *layer = json_object(), *precision = json_object();
    json_object_set_new(precision, "result", type_of(result_of(c, node)));
    if (c->graph->step[node] >= 0 && is_own) {
        set_step(c, node, layer, precision);
    }
    json_object_set_new(layer, "Precision", precision);
    if (json_object_set_new(c->layers, name, layer) != 0) {
        c->status = pta_fail(c->ctx, PTA_ERR_NOMEM, "out of memory");
    }
    if (has_own_activation(class_name)) {
        add_activation(c, name, node);
    }
}

/* ---- the whole ---- */

/* So many multipliers as the board has, if nothing was folded. */
static int32_t default_reuse(const pta_slice *slice)
{
    int64_t products = 0;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step_weights *w = &slice->steps[i].weights;
        products +=
            is_weighted(&slice->steps[i]) ? (int64_t)w->rows * w->cols : 0;
    }
    return (int32_t)((products + DSP - 1) / DSP) + (products == 0);
}

void pta_hls4ml_config_begin(config *c, pta_ctx *ctx,
                             const pta_slice_graph *graph,
                             const pta_fold *folds)
{
    *c = (config){.ctx = ctx,
                  .graph = graph,
                  .folds = folds,
                  .reuse = default_reuse(graph->slice),
                  .layers = json_object()};
}

static json_t *tensors(const config *c, const int32_t *which, int32_t n)
{
    json_t *list = json_array();
    const pta_slice *s = c->graph->slice;
    for (int32_t i = 0; i < n; i++) {
        const pta_value *v = &s->values[which[i]];
        int32_t frac = pta_format_frac(v->format);
        for (int32_t k = 0; v->partial && k < s->n_steps; k++) {
            frac = s->steps[k].out == which[i] ? s->steps[k].acc_frac : frac;
        }
        json_array_append_new(
            list, json_pack("{s:i, s:i, s:i, s:b}", "elements",
                            (int)pta_view_count(v->view), "bytes",
                            (int)pta_bus_element_bytes(v), "frac", (int)frac,
                            "signed", v->format.is_signed || v->partial));
    }
    return list;
}

static json_t *describe(config *c, const char *keras)
{
    const pta_slice *s = c->graph->slice;
    pta_format usual = exact(16, 10);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:i, s:{s:{s:{s:o}, s:i, s:s}, s:O}, s:o, "
        "s:o}",
        "KerasModel", keras, "ProjectName", c->graph->graph->name, "Backend",
        "VivadoAccelerator", "Board", "pynq-z2", "IOType", "io_parallel",
        "ClockPeriod", 10, "HLSConfig", "Model", "Precision", "default",
        type_of(usual), "ReuseFactor", (int)c->reuse, "Strategy",
        c->reuse > 1 ? "Resource" : "Latency", "LayerName", c->layers, "Inputs",
        tensors(c, s->inputs, s->n_inputs), "Outputs",
        tensors(c, s->outputs, s->n_outputs));
}

static pta_status save(config *c, const char *keras, const char *folder)
{
    pta_script s;
    PTA_TRY(c->status);
    json_t *json = describe(c, keras);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (text == NULL) {
        return pta_fail(c->ctx, PTA_ERR_NOMEM, "out of memory");
    }
    pta_script_begin(&s, c->ctx);
    pta_script_add(&s, "%s\n", text);
    free(text);
    PTA_TRY(pta_script_save(&s, folder, "hls4ml.json"));
    pta_script_begin(&s, c->ctx);
    pta_script_add_file(&s, "hls4ml/build.py", NULL);
    return pta_script_save(&s, folder, "hls4ml_build.py");
}

pta_status pta_hls4ml_config_save(config *c, const char *keras,
                                  const char *folder)
{
    pta_status status = save(c, keras, folder);
    pta_hls4ml_config_free(c);
    return status;
}

void pta_hls4ml_config_free(config *c)
{
    json_decref(c->layers);
    c->layers = NULL;
}

pta_status pta_hls4ml_samples(pta_ctx *ctx, const pta_slice *slice, int32_t n,
                              const char *folder)
{
    return pta_vitis_samples(ctx, slice, n, folder);
}
