/*
 * hls4ml output of a slice: `partita build --hls4ml`.
 *
 * hls4ml.json holds hls4ml's configuration for the slice's Keras file (types,
 * reuse factor and strategy of every layer) and what lies on the board's wires;
 * hls4ml_build.py builds the project. The part of an input split has result_t =
 * accum_t, so that partial sums leave as they are.
 *
 * The Keras file must have been written from an integer slice: its weights are
 * then numbers of the plan's formats, which hls4ml's own rounding keeps.
 */
#ifndef PTA_HLS_HLS4ML_CONFIG_H
#define PTA_HLS_HLS4ML_CONFIG_H

#include "hls/gen/slice_graph.h"
#include "json/json.h"

typedef struct pta_hls4ml_config {
    pta_ctx *ctx;                 /* borrowed */
    const pta_slice_graph *graph; /* borrowed */
    const pta_fold *folds;        /* borrowed; [n_steps] or NULL */
    int32_t reuse;                /* where no folding says it */
    json_t *layers;               /* owned */
    pta_status status;
} pta_hls4ml_config;

void pta_hls4ml_config_begin(pta_hls4ml_config *config, pta_ctx *ctx,
                             const pta_slice_graph *graph,
                             const pta_fold *folds);

/** One layer of the Keras file; `config` is a pta_hls4ml_config. The writer of
 * the file calls this (model/keras_write.h, pta_keras_layer_seen). */
void pta_hls4ml_config_layer(void *config, const char *name,
                             const char *class_name, int32_t node);

/** Writes hls4ml.json and hls4ml_build.py, or gives the first error
 * (PTA_ERR_UNSUPPORTED names a layer that hls4ml computes otherwise); releases
 * in any case. `keras` is the Keras file's name in the folder. */
pta_status PTA_MUST_CHECK pta_hls4ml_config_save(pta_hls4ml_config *config,
                                                 const char *keras,
                                                 const char *folder);

/** Releases without writing. */
void pta_hls4ml_config_free(pta_hls4ml_config *config);

/** samples.bin, as of the Vitis output (vitis.h), for hls4ml_build.py --check. */
pta_status PTA_MUST_CHECK pta_hls4ml_samples(pta_ctx *ctx,
                                             const pta_slice *slice, int32_t n,
                                             const char *folder);

#endif
