/* The outputs of `partita build` beside the core: from what the verb knows of a
 * board to what each generator wants. */
#include "cli/build.h"
#include "hls/gen/hls4ml_config.h"
#include "hls/gen/identity.h"
#include "hls/gen/slice_graph.h"
#include "hls/gen/vitis.h"
#include "hls/gen/vivado.h"
#include "model/keras_write.h"
#include "runtime/slice_load.h"

#define KERAS_FILE  "slice.h5"
#define HLS4ML_FILE "hls4ml.h5"

/* Samples beside a slice: so many, or so many bytes. */
#define SAMPLES       1000
#define SAMPLES_BYTES ((size_t)16 << 20)

static int32_t n_samples(const pta_slice *slice)
{
    size_t bytes = pta_slice_in_bytes(slice) + pta_slice_out_bytes(slice);
    size_t n = SAMPLES_BYTES / bytes;
    return n < SAMPLES ? (int32_t)n + 1 : SAMPLES;
}

static const pta_graph *graph_of(const pta_build_board *board)
{
    return pta_model_graph(board->loaded->model);
}

pta_status pta_build_vivado(pta_ctx *ctx, const pta_build_board *board,
                            const char *folder)
{
    return pta_vivado_write(ctx, board->manifest, folder);
}

pta_status pta_build_vitis(pta_ctx *ctx, const pta_build_board *board,
                           const char *folder)
{
    char digest[PTA_SHA256_HEX];
    pta_slice_identity(board->slice, false, digest);
    pta_vitis_params params = {.graph = graph_of(board),
                               .folds =
                                   board->design != NULL ? board->folds : NULL,
                               .generator = "partita " PTA_VERSION,
                               .slice_digest = digest,
                               .clock_hz = 100000000,
                               .n_samples = n_samples(board->slice)};
    return pta_vitis_write(ctx, board->slice, &params, folder);
}

/* Writes a slice as a Keras file; with `config`, tells it the layers. */
static pta_status write_keras(pta_ctx *ctx, const pta_slice_graph *g,
                              const char *folder, const char *name,
                              pta_hls4ml_config *config)
{
    char path[PTA_PATH_BYTES];
    pta_slice_graph *graph = (pta_slice_graph *)(uintptr_t)g;
    PTA_TRY(pta_path(ctx, path, "%s/%s", folder, name));
    return pta_model_write(ctx, g->graph, &graph->weights, path,
                           config == NULL ? NULL : pta_hls4ml_config_layer,
                           config);
}

/* The file's own weights, cut: a float slice has them. */
static pta_status keras_of(pta_ctx *ctx, const pta_build_board *board,
                           pta_slice *real, const char *folder)
{
    char digest[PTA_SHA256_HEX];
    pta_slice_graph *g;
    PTA_TRY(pta_slice_load(ctx, graph_of(board), board->loaded->plan,
                           pta_model_weights(board->loaded->model), real,
                           digest));
    PTA_TRY(pta_slice_graph_make(ctx, graph_of(board), real, &g));
    pta_status status = write_keras(ctx, g, folder, KERAS_FILE, NULL);
    pta_slice_graph_destroy(ctx, &g);
    return status;
}

pta_status pta_build_keras(pta_ctx *ctx, const pta_build_board *board,
                           const char *folder)
{
    pta_slice *real;
    PTA_TRY(pta_slice_build(ctx, graph_of(board), board->loaded->plan,
                            board->slice->board, true, &real));
    pta_status status = keras_of(ctx, board, real, folder);
    pta_slice_destroy(ctx, &real);
    return status;
}

/* Weights as the plan rounds them, in a file of its own. */
static pta_status hls4ml_of(pta_ctx *ctx, const pta_build_board *board,
                            pta_slice_graph *g, const char *folder)
{
    pta_hls4ml_config config;
    g->graph->is_plain = true; /* hls4ml knows relu6, no ReLU with a maximum */
    pta_hls4ml_config_begin(&config, ctx, g,
                            board->design != NULL ? board->folds : NULL);
    pta_status status = write_keras(ctx, g, folder, HLS4ML_FILE, &config);
    if (status != PTA_OK) {
        pta_hls4ml_config_free(&config);
        return status;
    }
    PTA_TRY(pta_hls4ml_config_save(&config, HLS4ML_FILE, folder));
    return pta_hls4ml_samples(ctx, board->slice, n_samples(board->slice),
                              folder);
}

pta_status pta_build_hls4ml(pta_ctx *ctx, const pta_build_board *board,
                            const char *folder)
{
    pta_slice_graph *g;
    PTA_TRY(pta_slice_graph_make(ctx, graph_of(board), board->slice, &g));
    pta_status status = hls4ml_of(ctx, board, g, folder);
    pta_slice_graph_destroy(ctx, &g);
    return status;
}
