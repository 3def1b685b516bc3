/* Ranges of a model's tensors: measured on a data set, or read from a file. */
#include "cli/calibrate.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/feed.h"
#include "runtime/reference.h"

typedef struct calibration {
    const pta_graph *graph;
    pta_dataset *data;        /* owned */
    pta_reference *reference; /* owned */
    float **in, **out;        /* owned; [n_inputs], [n_outputs] */
    pta_ranges *ranges;       /* owned until given away */
} calibration;

static void widen(void *user, int32_t node, const void *values,
                  int32_t n_samples, int64_t count)
{
    pta_ranges_add(user, node, values, n_samples * count);
}

static pta_status allocate(pta_ctx *ctx, const pta_graph *graph, int32_t n,
                           const int32_t *nodes, float ***blocks)
{
    PTA_TRY_ALLOC(ctx, *blocks, n);
    for (int32_t i = 0; i < n; i++) {
        int64_t count = pta_view_count(graph->nodes[nodes[i]].view);
        PTA_TRY_ALLOC(ctx, (*blocks)[i], PTA_FEED_ROWS * count);
    }
    return PTA_OK;
}

static pta_status run_batch(pta_ctx *ctx, calibration *c, int64_t first,
                            int32_t n)
{
    for (int32_t i = 0; i < c->graph->n_inputs; i++) {
        PTA_TRY(pta_dataset_read(c->data, ctx, i, first, n, c->in[i]));
    }
    return pta_reference_run(c->reference, ctx, (const void *const *)c->in,
                             (void *const *)c->out, n, widen, c->ranges);
}

static pta_status run_rows(pta_ctx *ctx, calibration *c)
{
    int64_t rows = pta_dataset_rows(c->data);
    pta_status status = PTA_OK;
    pta_progress progress;
    pta_progress_begin(&progress, "calibrate", "rows", rows);
    for (int64_t at = 0; at < rows && status == PTA_OK; at += PTA_FEED_ROWS) {
        int64_t left = rows - at;
        status = run_batch(
            ctx, c, at, left < PTA_FEED_ROWS ? (int32_t)left : PTA_FEED_ROWS);
        pta_progress_step(&progress, at);
    }
    pta_progress_end(&progress);
    return status;
}

static pta_status set_origin(pta_ctx *ctx, calibration *c, pta_model *model)
{
    char digest[PTA_SHA256_HEX];
    PTA_TRY(pta_dataset_digest(c->data, ctx, digest));
    PTA_TRY(
        pta_file_sha256(ctx, pta_model_path(model), c->ranges->model_sha256));
    PTA_TRY(pta_ranges_set_model(ctx, c->ranges,
                                 pta_base_name(pta_model_path(model))));
    return pta_ranges_set_origin(ctx, c->ranges, pta_dataset_set(c->data),
                                 pta_dataset_split(c->data),
                                 pta_dataset_rows(c->data), digest);
}

static pta_status calibrate(pta_ctx *ctx, calibration *c, pta_model *model,
                            const char *set)
{
    bool has_split = strchr(set, ':') != NULL;
    if (strncmp(set, "random:", 7) == 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--calibrate: random inputs have no range of their "
                        "own; expected mnist, nsl-kdd, unsw-nb15 or FILE.h5");
    }
    PTA_TRY(pta_open_dataset(ctx, c->graph, set, has_split ? NULL : "train", 0,
                             &c->data));
    if (pta_dataset_rows(c->data) == 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH, "%s: there are no rows", set);
    }
    if (strcmp(pta_dataset_split(c->data), "test") == 0) {
        pta_log(ctx, PTA_LOG_WARN,
                "warning: calibrating on the test rows of %s; accuracy on "
                "them is then no longer a fair measure",
                pta_dataset_set(c->data));
    }
    PTA_TRY(
        allocate(ctx, c->graph, c->graph->n_inputs, c->graph->inputs, &c->in));
    PTA_TRY(allocate(ctx, c->graph, c->graph->n_outputs, c->graph->outputs,
                     &c->out));
    PTA_TRY(pta_ranges_create(ctx, c->graph, &c->ranges));
    PTA_TRY(pta_reference_open(ctx, c->graph, pta_model_weights(model), NULL,
                               PTA_FEED_ROWS, &c->reference));
    PTA_TRY(run_rows(ctx, c));
    return set_origin(ctx, c, model);
}

static void free_blocks(pta_ctx *ctx, float **blocks, int32_t n)
{
    for (int32_t i = 0; blocks != NULL && i < n; i++) {
        pta_free(ctx, blocks[i]);
    }
    pta_free(ctx, blocks);
}

pta_status pta_calibrate(pta_ctx *ctx, pta_model *model, const char *set,
                         pta_ranges **out)
{
    calibration c = {.graph = pta_model_graph(model)};
    pta_status status = calibrate(ctx, &c, model, set);
    pta_reference_close(ctx, &c.reference);
    free_blocks(ctx, c.in, c.graph->n_inputs);
    free_blocks(ctx, c.out, c.graph->n_outputs);
    pta_dataset_close(ctx, &c.data);
    if (status == PTA_OK) {
        *out = c.ranges;
    } else {
        pta_ranges_destroy(ctx, &c.ranges);
    }
    return status;
}

/* ---- files ---- */

static pta_status check_owner(pta_ctx *ctx, pta_model *model, const char *path,
                              const pta_ranges *ranges)
{
    char sha[PTA_SHA256_HEX];
    if (ranges->model_sha256[0] == '\0') {
        return PTA_OK;
    }
    PTA_TRY(pta_file_sha256(ctx, pta_model_path(model), sha));
    if (strcmp(sha, ranges->model_sha256) != 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: made for another file than %s (SHA-256 %.12s..., "
                        "expected %.12s...); calibrate again with --calibrate "
                        "SET",
                        path, pta_model_path(model), sha, ranges->model_sha256);
    }
    return PTA_OK;
}

static pta_status read_ranges(pta_ctx *ctx, pta_model *model, const char *path,
                              pta_ranges **out)
{
    pta_ranges *ranges;
    PTA_TRY(pta_ranges_read(ctx, path, pta_model_graph(model), &ranges));
    pta_status status = check_owner(ctx, model, path, ranges);
    if (status != PTA_OK) {
        pta_ranges_destroy(ctx, &ranges);
        return status;
    }
    *out = ranges;
    return PTA_OK;
}

pta_status pta_find_ranges(pta_ctx *ctx, pta_model *model, const char *path,
                           pta_ranges **out)
{
    if (path != NULL) {
        return read_ranges(ctx, model, path, out);
    }
    char *beside;
    PTA_TRY(pta_replace_ending(ctx, pta_model_path(model), ".ranges.json",
                               false, &beside));
    pta_status status =
        access(beside, F_OK) == 0
            ? read_ranges(ctx, model, beside, out)
            : pta_fail(ctx, PTA_ERR_NOT_FOUND,
                       "%s: number formats need the range of every tensor: "
                       "give --calibrate SET (its training rows are used), "
                       "or --ranges FILE, or put %s beside the model",
                       pta_model_path(model), pta_base_name(beside));
    pta_free(ctx, beside);
    return status;
}
