/* Ranges of a model's tensors: measured on a data set, or read from a file. */
#include "cli/calibrate.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/feed.h"
#include "cli/float_rows.h"

static void widen(void *user, int32_t node, const void *values,
                  int32_t n_samples, int64_t count)
{
    pta_ranges_add(user, node, values, n_samples * count);
}

static pta_status set_origin(pta_ctx *ctx, pta_model *model, pta_dataset *data,
                             pta_ranges *ranges)
{
    char digest[PTA_SHA256_HEX];
    PTA_TRY(pta_dataset_digest(data, ctx, digest));
    PTA_TRY(pta_file_sha256(ctx, pta_model_path(model), ranges->model_sha256));
    PTA_TRY(pta_ranges_set_model(ctx, ranges,
                                 pta_base_name(pta_model_path(model))));
    return pta_ranges_set_origin(ctx, ranges, pta_dataset_set(data),
                                 pta_dataset_split(data),
                                 pta_dataset_rows(data), digest);
}

static pta_status open_rows(pta_ctx *ctx, const pta_graph *graph,
                            const char *set, pta_dataset **out)
{
    bool has_split = strchr(set, ':') != NULL;
    if (strncmp(set, "random:", 7) == 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--calibrate: random inputs have no range of their "
                        "own; expected mnist, nsl-kdd, unsw-nb15 or FILE.h5");
    }
    PTA_TRY(
        pta_open_dataset(ctx, graph, set, has_split ? NULL : "train", 0, out));
    if (strcmp(pta_dataset_split(*out), "test") == 0) {
        pta_log(ctx, PTA_LOG_WARN,
                "warning: calibrating on the test rows of %s; accuracy on "
                "them is then no longer a fair measure",
                pta_dataset_set(*out));
    }
    return PTA_OK;
}

pta_status pta_calibrate_rows(pta_ctx *ctx, pta_model *model, pta_dataset *data,
                              pta_ranges **out)
{
    pta_ranges *ranges;
    PTA_TRY(pta_ranges_create(ctx, pta_model_graph(model), &ranges));
    pta_float_visit visit = {.tap = widen, .user = ranges};
    pta_status status = pta_float_rows(ctx, model, data, "calibrate", &visit);
    if (status == PTA_OK) {
        status = set_origin(ctx, model, data, ranges);
    }
    if (status != PTA_OK) {
        pta_ranges_destroy(ctx, &ranges);
        return status;
    }
    *out = ranges;
    return PTA_OK;
}

pta_status pta_calibrate(pta_ctx *ctx, pta_model *model, const char *set,
                         pta_ranges **out)
{
    pta_dataset *data;
    PTA_TRY(open_rows(ctx, pta_model_graph(model), set, &data));
    pta_status status = pta_calibrate_rows(ctx, model, data, out);
    pta_dataset_close(ctx, &data);
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
