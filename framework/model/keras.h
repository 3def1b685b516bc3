/*
 * Reads Keras HDF5 files (model.save("x.h5"), Keras 2 and Keras 3) into a
 * graph, and serves their weights.
 */
#ifndef PTA_MODEL_KERAS_H
#define PTA_MODEL_KERAS_H

#include "base/hash.h"
#include "ir/weights.h"

typedef struct pta_model pta_model;

/** Opens a file: structure and weight shapes are checked, no weight is read. */
pta_status PTA_MUST_CHECK pta_model_open(pta_ctx *ctx, const char *path,
                                         pta_model **out);

/** Which graph: the canonical or the plain form of ir/graph.h. Weights of the
 * plain form are what hls4ml sees: a BatchNormalization's scale and shift are
 * computed in float32. */
typedef enum pta_form { PTA_FORM_CANONICAL, PTA_FORM_PLAIN } pta_form;

pta_status PTA_MUST_CHECK pta_model_open_as(pta_ctx *ctx, const char *path,
                                            pta_form form, pta_model **out);
void pta_model_close(pta_ctx *ctx, pta_model **model);

const char *pta_model_path(const pta_model *model);
const char *pta_model_keras_version(const pta_model *model);
const pta_graph *pta_model_graph(const pta_model *model); /* borrowed */
pta_weights *pta_model_weights(pta_model *model);         /* borrowed */

/** SHA-256 of the structure: keras_version's major number, model_config text,
 * and the weights' names and shapes. Does not read weights. */
const char *pta_model_digest(const pta_model *model);

/**
 * The structure as text, enough for pta_model_graph_parse to make the same
 * graph on a rank that has no file. Borrowed from the model.
 */
const char *pta_model_structure(const pta_model *model);
pta_status PTA_MUST_CHECK pta_model_graph_parse(pta_ctx *ctx, const char *text,
                                                pta_graph **out);

pta_status PTA_MUST_CHECK pta_model_graph_parse_as(pta_ctx *ctx,
                                                   const char *text,
                                                   pta_form form,
                                                   pta_graph **out);

/** Values in the file's weights, before folding (Keras' "Total params"). */
int64_t pta_model_file_params(const pta_model *model);

/** Bytes of weights read from the file so far (for bench and tests). */
uint64_t pta_model_bytes_read(const pta_model *model);

#endif
