/* Writes Keras files: see keras_write.h. Here the model as a whole. */
#include "model/keras_write.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/write_priv.h"

/* ---- layers ---- */

/* hls4ml keeps "input" for itself. */
static bool is_taken(const pta_writer *w, const char *name)
{
    size_t i;
    json_t *layer;
    if (strcmp(name, "input") == 0) {
        return true;
    }
    json_array_foreach(w->layers, i, layer)
    {
        if (strcmp(json_string_value(json_object_get(layer, "name")), name) ==
            0) {
            return true;
        }
    }
    return false;
}

static void unique_name(const pta_writer *w, const char *base,
                        char name[PTA_LAYER_NAME])
{
    char clean[PTA_LAYER_NAME - 16];
    snprintf(clean, sizeof clean, "%s", base);
    for (char *c = clean; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    snprintf(name, PTA_LAYER_NAME, "%s", clean);
    for (int n = 2; is_taken(w, name); n++) {
        snprintf(name, PTA_LAYER_NAME, "%s_%d", clean, n);
    }
}

static json_t *inbound(int32_t n_in, char (*in)[PTA_LAYER_NAME])
{
    json_t *call = json_array();
    for (int32_t i = 0; i < n_in; i++) {
        json_array_append_new(call, json_pack("[s, i, i, {}]", in[i], 0, 0));
    }
    return n_in > 0 ? json_pack("[o]", call) : call;
}

pta_status pta_write_layer(pta_writer *w, const char *class_name,
                           const char *base, int32_t n_in,
                           char (*in)[PTA_LAYER_NAME], json_t *config,
                           char name[PTA_LAYER_NAME])
{
    unique_name(w, base, name);
    json_t *named = json_pack("{s:s, s:s}", "name", name, "dtype", "float32");
    if (named == NULL || config == NULL ||
        json_object_update(named, config) != 0) {
        json_decref(named);
        json_decref(config);
        return pta_fail(w->ctx, PTA_ERR_NOMEM, "layer %s: out of memory", base);
    }
    json_decref(config);
    if (w->seen != NULL) {
        w->seen(w->user, name, class_name, w->node);
    }
    json_t *layer =
        json_pack("{s:s, s:o, s:s, s:o}", "class_name", class_name, "config",
                  named, "name", name, "inbound_nodes", inbound(n_in, in));
    return json_array_append_new(w->layers, layer) == 0
               ? PTA_OK
               : pta_fail(w->ctx, PTA_ERR_NOMEM, "layer %s: out of memory",
                          base);
}

/* An output that is an input, or given before, is a layer of its own: Keras
 * wants outputs to differ. */
static pta_status output_layer(pta_writer *w, int32_t i, json_t *outputs)
{
    int32_t node = w->graph->outputs[i];
    char name[PTA_LAYER_NAME], base[PTA_LAYER_NAME + 8];
    bool copy = w->graph->nodes[node].op == PTA_OP_INPUT;
    for (int32_t k = 0; k < i; k++) {
        copy = copy || w->graph->outputs[k] == node;
    }
    snprintf(name, sizeof name, "%s", w->names[node]);
    w->node = node;
    if (copy) {
        snprintf(base, sizeof base, "%s_out", w->names[node]);
        PTA_TRY(pta_write_layer(w, "Activation", base, 1, &w->names[node],
                                json_pack("{s:s}", "activation", "linear"),
                                name));
    }
    json_array_append_new(outputs, json_pack("[s, i, i]", name, 0, 0));
    return PTA_OK;
}

static pta_status model_config(pta_writer *w, json_t **out)
{
    for (int32_t i = 0; i < w->graph->n_nodes; i++) {
        PTA_TRY(pta_write_node(w, i));
    }
    json_t *inputs = json_array(), *outputs = json_array();
    for (int32_t i = 0; i < w->graph->n_inputs; i++) {
        json_array_append_new(
            inputs,
            json_pack("[s, i, i]", w->names[w->graph->inputs[i]], 0, 0));
    }
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < w->graph->n_outputs && status == PTA_OK; i++) {
        status = output_layer(w, i, outputs);
    }
    *out = json_pack("{s:s, s:{s:s, s:b, s:O, s:o, s:o}}", "class_name",
                     "Functional", "config", "name",
                     w->graph->name == NULL ? "model" : w->graph->name,
                     "trainable", 1, "layers", w->layers, "input_layers",
                     inputs, "output_layers", outputs);
    return status == PTA_OK && *out == NULL ? PTA_ERR_NOMEM : status;
}

/* ---- the file ---- */

/* hard_sigmoid means another thing in Keras 3. */
static const char *version_of(const pta_graph *graph)
{
    bool is_three = false;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        is_three = is_three || (graph->nodes[i].op == PTA_OP_HARD_SIGMOID &&
                                graph->nodes[i].keras_major >= 3);
    }
    return is_three ? "3.0.0" : "2.15.0";
}

static pta_status write_attrs(const pta_writer *w, pta_h5 *file,
                              const json_t *config)
{
    static const char *const places[] = {"/", "model_weights"};
    char *text = json_dumps(config, JSON_COMPACT);
    if (text == NULL) {
        return pta_fail(w->ctx, PTA_ERR_NOMEM, "out of memory");
    }
    pta_status status =
        pta_h5_write_attr_string(w->ctx, file, "/", "model_config", text);
    for (int i = 0; i < 2 && status == PTA_OK; i++) {
        status = pta_h5_write_attr_string(
            w->ctx, file, places[i], "keras_version", version_of(w->graph));
        if (status == PTA_OK) {
            status = pta_h5_write_attr_string(w->ctx, file, places[i],
                                              "backend", "tensorflow");
        }
    }
    free(text);
    return status;
}

static pta_status write_file(const pta_writer *w, const json_t *config,
                             const char *path)
{
    pta_h5 *file = NULL;
    PTA_TRY(pta_h5_create(w->ctx, path, &file));
    const json_t *network = json_object_get(config, "config");
    pta_status status =
        pta_write_weights(w, json_object_get(network, "output_layers"), file);
    if (status == PTA_OK) {
        status = write_attrs(w, file, config);
    }
    if (status == PTA_OK) {
        status = pta_h5_finish(w->ctx, &file);
    }
    pta_h5_close(w->ctx, &file);
    if (status != PTA_OK) {
        unlink(path);
    }
    return status;
}

static pta_status write_model(pta_writer *w, const char *path)
{
    json_t *config = NULL;
    PTA_TRY_ALLOC(w->ctx, w->names, w->graph->n_nodes);
    PTA_TRY_ALLOC(w->ctx, w->weighted, w->graph->n_nodes);
    pta_status status = model_config(w, &config);
    if (status == PTA_OK) {
        status = write_file(w, config, path);
    }
    json_decref(config);
    return status;
}

pta_status pta_model_write(pta_ctx *ctx, const pta_graph *graph,
                           pta_weights *weights, const char *path,
                           pta_keras_layer_seen *seen, void *user)
{
    pta_writer w = {.ctx = ctx,
                    .graph = graph,
                    .weights = weights,
                    .layers = json_array(),
                    .seen = seen,
                    .user = user};
    pta_status status = write_model(&w, path);
    json_decref(w.layers);
    pta_free(ctx, w.names);
    pta_free(ctx, w.weighted);
    return status;
}
