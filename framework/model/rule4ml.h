/*
 * Reads the trained estimators of rule4ml (MLP sets v1 and v2) from the user's
 * own installation: TARGET.config.json and TARGET.weights.h5. They predict what
 * hls4ml's designs take by Vivado's C synthesis, from features of a whole network.
 *
 * An estimator becomes a graph with three inputs (what is embedded for strategy
 * and for board, numeric features), to be run by the `float` reference. Nothing
 * of rule4ml is part of this project.
 */
#ifndef PTA_MODEL_RULE4ML_H
#define PTA_MODEL_RULE4ML_H

#include "ir/weights.h"

/** A layer of the network that is asked about; activations are layers. */
typedef struct pta_rule4ml_layer {
    const char *kind; /* "dense", "relu", "softmax", "conv2d", ...; "" for the
                         input, of which only the reuse factor counts */
    int64_t inputs, outputs, parameters, reuse;
} pta_rule4ml_layer;

typedef struct pta_rule4ml_query {
    const char *strategy, *board; /* "latency", "pynq-z2" */
    int32_t bits;                 /* of every value */
    int32_t n_layers;
    const pta_rule4ml_layer *layers;
} pta_rule4ml_query;

typedef struct pta_rule4ml pta_rule4ml;

/** Folder of the estimators in `dir`: that folder itself, or an installation of
 * the package, of which the set v2 is taken. Owned by the caller. */
pta_status PTA_MUST_CHECK pta_rule4ml_folder(pta_ctx *ctx, const char *dir,
                                             char **out);

/** Opens the estimator of a target ("BRAM", "DSP", "FF", "LUT", "CYCLES",
 * "INTERVAL"). PTA_ERR_NOT_FOUND if the set has none. */
pta_status PTA_MUST_CHECK pta_rule4ml_open(pta_ctx *ctx, const char *folder,
                                           const char *target,
                                           pta_rule4ml **out);
void pta_rule4ml_close(pta_ctx *ctx, pta_rule4ml **estimator);

const pta_graph *pta_rule4ml_graph(const pta_rule4ml *estimator);
pta_weights *pta_rule4ml_weights(pta_rule4ml *estimator);

/** Fills the graph's inputs for a query, and the factor that makes its output a
 * count (sets in per cent of a board). PTA_ERR_UNSUPPORTED for a strategy or
 * board that the estimator was not trained on. */
pta_status PTA_MUST_CHECK pta_rule4ml_encode(const pta_rule4ml *estimator,
                                             pta_ctx *ctx,
                                             const pta_rule4ml_query *query,
                                             float *const inputs[3],
                                             double *factor);

#endif
