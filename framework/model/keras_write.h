/*
 * Writes a graph as a Keras HDF5 file: the way back from ir/graph.h. Layers are
 * those of Keras 2 in its functional form, which Keras 3 reads as well.
 *
 * Nodes keep their names, '/' as '_'; "input", which hls4ml keeps for itself,
 * becomes "input_2". Where Keras wants another shape or explicit
 * padding, a Reshape, Flatten or ZeroPadding stands in between.
 */
#ifndef PTA_MODEL_KERAS_WRITE_H
#define PTA_MODEL_KERAS_WRITE_H

#include "ir/weights.h"

/** Told of every layer in the file: its name and class there, and the node it
 * is of (an activation, padding or reshape of a node is a layer of its own). */
typedef void pta_keras_layer_seen(void *user, const char *name,
                                  const char *class_name, int32_t node);

/**
 * Writes graph and weights (as float32) to `path`; leaves no file behind on
 * failure. PTA_ERR_UNSUPPORTED names the layer that Keras has no way to say:
 * pooling whose padding is neither none nor "same". `seen` may be NULL.
 */
pta_status PTA_MUST_CHECK pta_model_write(pta_ctx *ctx, const pta_graph *graph,
                                          pta_weights *weights,
                                          const char *path,
                                          pta_keras_layer_seen *seen,
                                          void *user);

#endif
