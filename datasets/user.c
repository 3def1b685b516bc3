/*
 * The user's own rows: an HDF5 file with x (or x/<input> for each input of the
 * model) and, if there are labels, y. Rows are read when asked for, so a file
 * may be larger than memory.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "datasets/dataset_priv.h"
#include "h5/h5.h"

enum { USER_SHAPE = 128, USER_LABELS = 1 << 16 };

typedef struct user_input {
    char *name; /* owned; "x" or "x/<input>" */
    pta_h5_info info;
} user_input;

typedef struct user_file {
    pta_h5 *file;
    int32_t n_inputs;
    user_input *input; /* owned */
} user_file;

static void user_close(pta_ctx *ctx, void *kind)
{
    user_file *user = kind;
    if (user == NULL) {
        return;
    }
    for (int32_t i = 0; user->input != NULL && i < user->n_inputs; i++) {
        pta_free(ctx, user->input[i].name);
    }
    pta_free(ctx, user->input);
    pta_h5_close(ctx, &user->file);
    pta_free(ctx, user);
}

/* A network takes no NaN and no infinity: the row is named, counted from 0. */
static pta_status user_read(pta_dataset *data, pta_ctx *ctx, int32_t input,
                            int64_t first, int64_t n, float *values)
{
    user_file *user = data->kind;
    const user_input *in = &user->input[input];
    pta_h5_slab slab = pta_h5_slab_rows(&in->info, first, n);
    PTA_TRY(pta_h5_read_f32(ctx, user->file, in->name, &slab, values));
    int64_t count = data->counts[input];
    for (int64_t i = 0; i < n * count; i++) {
        if (!isfinite(values[i])) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: dataset %s: row %lld, element %lld is %s, not "
                            "a finite float32",
                            pta_h5_path(user->file), in->name,
                            (long long)(first + i / count),
                            (long long)(i % count),
                            isnan(values[i]) ? "NaN" : "infinite");
        }
    }
    return PTA_OK;
}

/* ---- shapes ---- */

/* Next axis that is not 1, or 0 at the end. */
static int64_t next_axis(const int64_t *dim, int32_t rank, int32_t *at)
{
    while (*at < rank && dim[*at] == 1) {
        (*at)++;
    }
    return *at < rank ? dim[(*at)++] : 0;
}

/* Rows of the input's shape, axes of size 1 aside, or flat rows. */
static bool shape_fits(const pta_h5_info *info, const pta_dataset_want *want,
                       int64_t count)
{
    if (info->rank == 2 && info->dim[1] == count) {
        return true;
    }
    int64_t wanted[PTA_H5_MAX_DIMS];
    if (want->rank > PTA_H5_MAX_DIMS) {
        return false;
    }
    for (int32_t i = 0; i < want->rank; i++) {
        wanted[i] = want->dim[i];
    }
    int32_t a = 1, b = 0; /* a: past the axis of rows */
    for (;;) {
        int64_t x = next_axis(info->dim, info->rank, &a);
        int64_t y = next_axis(wanted, want->rank, &b);
        if (x != y) {
            return false;
        }
        if (x == 0) {
            return true;
        }
    }
}

static void h5_shape_text(const pta_h5_info *info, char text[USER_SHAPE])
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < info->rank && used < USER_SHAPE; i++) {
        int n = snprintf(text + used, USER_SHAPE - used, "%s%lld",
                         i == 0 ? "" : "x", (long long)info->dim[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static pta_status check_input(pta_ctx *ctx, const char *path,
                              const user_input *in,
                              const pta_dataset_want *want, int64_t count)
{
    const pta_h5_info *info = &in->info;
    if (info->kind == PTA_H5_OTHER) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: dataset %s does not hold numbers", path, in->name);
    }
    if (info->rank < 1 || !shape_fits(info, want, count)) {
        char found[USER_SHAPE], wanted[USER_SHAPE];
        h5_shape_text(info, found);
        pta_shape_text(want->rank, want->dim, wanted, sizeof wanted);
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: dataset %s has shape %s, model input '%s' takes "
                        "rows of %s",
                        path, in->name, found, want->input, wanted);
    }
    if (info->dim[0] < 1) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: dataset %s has no rows", path,
                        in->name);
    }
    return PTA_OK;
}

/* ---- opening ---- */

static pta_status input_name(pta_ctx *ctx, const user_file *user,
                             const pta_dataset_want *want, char **name)
{
    const char *path = pta_h5_path(user->file);
    if (!pta_h5_exists(user->file, "x")) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: has no dataset or group x",
                        path);
    }
    if (!pta_h5_is_group(user->file, "x")) {
        if (user->n_inputs > 1) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: x is one dataset, the model has %d inputs; "
                            "x/%s and so on are expected",
                            path, (int)user->n_inputs, want->input);
        }
        *name = pta_strdup(ctx, "x");
        return *name == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    size_t bytes = strlen(want->input) + sizeof "x/";
    *name = pta_calloc(ctx, bytes, 1);
    if (*name == NULL) {
        return PTA_ERR_NOMEM;
    }
    (void)snprintf(*name, bytes, "x/%s", want->input);
    if (!pta_h5_exists(user->file, *name)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: has no dataset %s for model input '%s'", path,
                        *name, want->input);
    }
    return PTA_OK;
}

static pta_status open_inputs(pta_ctx *ctx, user_file *user,
                              const pta_dataset_want *inputs,
                              const pta_dataset *data, int64_t *rows)
{
    const char *path = pta_h5_path(user->file);
    PTA_TRY_ALLOC(ctx, user->input, user->n_inputs);
    for (int32_t i = 0; i < user->n_inputs; i++) {
        user_input *in = &user->input[i];
        PTA_TRY(input_name(ctx, user, &inputs[i], &in->name));
        PTA_TRY(pta_h5_dataset_info(ctx, user->file, in->name, &in->info));
        PTA_TRY(check_input(ctx, path, in, &inputs[i], data->counts[i]));
        if (i > 0 && in->info.dim[0] != *rows) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: %s has %lld rows, %s has %lld", path, in->name,
                            (long long)in->info.dim[0], user->input[0].name,
                            (long long)*rows);
        }
        *rows = in->info.dim[0];
    }
    return PTA_OK;
}

/* Class numbers [first, first + n); float ones (h5py's default) must be
 * whole. */
static pta_status read_labels(pta_ctx *ctx, pta_h5 *file,
                              const pta_h5_info *info, int64_t first, int64_t n,
                              double *values, int32_t *labels)
{
    pta_h5_slab slab = pta_h5_slab_rows(info, first, n);
    PTA_TRY(pta_h5_read_f64(ctx, file, "y", &slab, values));
    for (int64_t i = 0; i < n; i++) {
        double v = values[i];
        if (!(v >= 0 && v <= INT32_MAX) || v < floor(v) || v > floor(v)) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: dataset y: row %lld: %g is not a class number",
                            pta_h5_path(file), (long long)(first + i), v);
        }
        labels[i] = (int32_t)v;
    }
    return PTA_OK;
}

static pta_status open_labels(pta_ctx *ctx, pta_h5 *file, int64_t rows,
                              pta_dataset *data)
{
    if (!pta_h5_exists(file, "y")) {
        return PTA_OK;
    }
    pta_h5_info info;
    PTA_TRY(pta_h5_dataset_info(ctx, file, "y", &info));
    bool column = info.rank == 1 || (info.rank == 2 && info.dim[1] == 1);
    if (!column || info.dim[0] != rows || info.kind == PTA_H5_OTHER) {
        char found[USER_SHAPE];
        h5_shape_text(&info, found);
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: dataset y has shape %s; expected one class number "
                        "for each of %lld rows",
                        pta_h5_path(file), found, (long long)rows);
    }
    PTA_TRY_ALLOC(ctx, data->labels, data->rows);
    double *values = NULL;
    PTA_TRY_ALLOC(ctx, values, USER_LABELS);
    pta_status status = PTA_OK;
    for (int64_t at = 0; at < data->rows && status == PTA_OK;
         at += USER_LABELS) {
        int64_t left = data->rows - at;
        status = read_labels(ctx, file, &info, at,
                             left < USER_LABELS ? left : USER_LABELS, values,
                             data->labels + at);
    }
    pta_free(ctx, values);
    return status;
}

pta_status pta_user_open(pta_ctx *ctx, const char *path,
                         const pta_dataset_want *inputs, int64_t limit,
                         pta_dataset *data)
{
    user_file *user = NULL;
    PTA_TRY_ALLOC(ctx, user, 1);
    data->kind = user; /* released with the handle, whatever follows */
    data->close = user_close;
    data->read = user_read;
    user->n_inputs = data->n_inputs;
    data->split = pta_strdup(ctx, "");
    if (data->split == NULL) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY(pta_h5_open(ctx, path, &user->file));
    int64_t rows = 0;
    PTA_TRY(open_inputs(ctx, user, inputs, data, &rows));
    data->rows = rows < limit ? rows : limit;
    return open_labels(ctx, user->file, rows, data);
}
