/*
 * What keras_write.c (layers), write_layer.c (one node as layers) and
 * write_weights.c (datasets) share.
 */
#ifndef PTA_MODEL_WRITE_PRIV_H
#define PTA_MODEL_WRITE_PRIV_H

#include "h5/h5.h"
#include "ir/build.h"
#include "model/keras_write.h"
#include "json/json.h"

#define PTA_LAYER_NAME 160

typedef struct pta_writer {
    pta_ctx *ctx;
    const pta_graph *graph;
    pta_weights *weights;
    json_t *layers;             /* owned */
    pta_keras_layer_seen *seen; /* or NULL */
    void *user;
    int32_t node; /* whose layers are being written */
    /* Layer whose tensor is node i's, of node i's shape. */
    char (*names)[PTA_LAYER_NAME]; /* owned; [n_nodes] */
    /* Layer that has node i's weights. */
    char (*weighted)[PTA_LAYER_NAME]; /* owned; [n_nodes] */
} pta_writer;

/** Appends the layers of one node and sets names[node]. */
pta_status PTA_MUST_CHECK pta_write_node(pta_writer *writer, int32_t node);

/** Appends a layer over `n_in` named layers; gives it `config` (released) and a
 * name made of `base` that no other layer has. */
pta_status PTA_MUST_CHECK pta_write_layer(
    pta_writer *writer, const char *class_name, const char *base, int32_t n_in,
    char (*in)[PTA_LAYER_NAME], json_t *config, char name[PTA_LAYER_NAME]);

/** Keras' order of the layers: order[i] is the layer in place i. `outputs` is the
 * list of output_layers. */
pta_status PTA_MUST_CHECK pta_write_order(pta_ctx *ctx, const json_t *layers,
                                          const json_t *outputs,
                                          int32_t *order);

/** Groups and datasets of all layers. */
pta_status PTA_MUST_CHECK pta_write_weights(const pta_writer *writer,
                                            const json_t *outputs,
                                            pta_h5 *file);

#endif
