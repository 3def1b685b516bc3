/*
 * Writes predictions so that a file under its final name is always whole.
 */
#include "cli/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/temporary.h"
#include "h5/h5.h"

enum { RESULTS_NAME = 256 };

struct pta_results {
    char *path;         /* owned */
    pta_temporary file; /* owned */
    FILE *csv;          /* one of these two, on it */
    pta_h5 *h5;
    int64_t rows, done;
    int32_t n_outputs;
    const pta_results_output *outputs; /* borrowed */
    int64_t *counts;                   /* owned; [n_outputs] */
    pta_results_kind kind;
};

static pta_status results_io(pta_ctx *ctx, const pta_results *results)
{
    return pta_fail(ctx, PTA_ERR_IO, "%s: cannot write: %s", results->path,
                    strerror(errno != 0 ? errno : EIO));
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n > n_end && strcmp(text + n - n_end, end) == 0;
}

/* ---- CSV ---- */

static pta_status csv_header(pta_ctx *ctx, pta_results *results)
{
    (void)fputs("sample,class", results->csv);
    for (int32_t i = 0; i < results->n_outputs; i++) {
        for (int64_t e = 0; e < results->counts[i]; e++) {
            (void)fprintf(results->csv, ",%s[%" PRId64 "]",
                          results->outputs[i].name, e);
        }
    }
    (void)fputc('\n', results->csv);
    return ferror(results->csv) ? results_io(ctx, results) : PTA_OK;
}

/* Nine digits give a float32 back exactly. */
static void csv_value(const pta_results *results, const void *values,
                      int64_t at)
{
    if (results->kind == PTA_RESULTS_RAW) {
        (void)fprintf(results->csv, ",%" PRId64, ((const int64_t *)values)[at]);
    } else {
        (void)fprintf(results->csv, ",%.9g",
                      (double)((const float *)values)[at]);
    }
}

static pta_status csv_add(pta_results *results, pta_ctx *ctx, int64_t n,
                          const int32_t *classes, const void *const *values)
{
    for (int64_t r = 0; r < n; r++) {
        (void)fprintf(results->csv, "%" PRId64 ",", results->done + r);
        if (classes[r] >= 0) {
            (void)fprintf(results->csv, "%" PRId32, classes[r]);
        }
        for (int32_t i = 0; i < results->n_outputs; i++) {
            int64_t count = results->counts[i];
            for (int64_t e = 0; e < count; e++) {
                csv_value(results, values[i], r * count + e);
            }
        }
        (void)fputc('\n', results->csv);
    }
    return ferror(results->csv) ? results_io(ctx, results) : PTA_OK;
}

/* ---- HDF5 ---- */

static pta_h5_type h5_type(const pta_results *results)
{
    return results->kind == PTA_RESULTS_RAW ? PTA_H5_I64 : PTA_H5_F32;
}

static pta_status h5_name(pta_ctx *ctx, const pta_results *results,
                          int32_t output, char name[RESULTS_NAME])
{
    const char *text = results->outputs[output].name;
    int n = snprintf(name, RESULTS_NAME, "%s/%s",
                     results->kind == PTA_RESULTS_RAW ? "raw" : "float", text);
    if (n < 0 || n >= RESULTS_NAME) {
        return pta_fail(ctx, PTA_ERR_RANGE, "%s: output name '%s' is too long",
                        results->path, text);
    }
    return PTA_OK;
}

static pta_status h5_begin(pta_ctx *ctx, pta_results *results)
{
    PTA_TRY(pta_h5_create(ctx, results->file.name, &results->h5));
    PTA_TRY(pta_h5_create_dataset(ctx, results->h5, "class", PTA_H5_I32, 1,
                                  &results->rows));
    for (int32_t i = 0; i < results->n_outputs; i++) {
        const pta_results_output *output = &results->outputs[i];
        char name[RESULTS_NAME];
        int64_t dim[PTA_H5_MAX_DIMS] = {results->rows};
        PTA_TRY(h5_name(ctx, results, i, name));
        /* Shapes of a sample have at most 4 axes (graph.h). */
        PTA_ASSERT(output->rank < PTA_H5_MAX_DIMS);
        for (int32_t k = 0; k < output->rank; k++) {
            dim[k + 1] = output->dim[k];
        }
        PTA_TRY(pta_h5_create_dataset(ctx, results->h5, name, h5_type(results),
                                      output->rank + 1, dim));
    }
    return PTA_OK;
}

static pta_status h5_add(pta_results *results, pta_ctx *ctx, int64_t n,
                         const int32_t *classes, const void *const *values)
{
    PTA_TRY(pta_h5_write_rows(ctx, results->h5, "class", PTA_H5_I32,
                              results->done, n, classes));
    for (int32_t i = 0; i < results->n_outputs; i++) {
        char name[RESULTS_NAME];
        PTA_TRY(h5_name(ctx, results, i, name));
        PTA_TRY(pta_h5_write_rows(ctx, results->h5, name, h5_type(results),
                                  results->done, n, values[i]));
    }
    return PTA_OK;
}

/* ---- open, add, end ---- */

static pta_status results_begin(pta_ctx *ctx, pta_results *results)
{
    PTA_TRY_ALLOC(ctx, results->counts, results->n_outputs);
    for (int32_t i = 0; i < results->n_outputs; i++) {
        results->counts[i] = 1;
        for (int32_t k = 0; k < results->outputs[i].rank; k++) {
            results->counts[i] *= results->outputs[i].dim[k];
        }
    }
    PTA_TRY(pta_temporary_open(ctx, results->path, &results->file));
    if (!ends_in(results->path, ".csv")) {
        return h5_begin(ctx, results);
    }
    results->csv = fopen(results->file.name, "w");
    if (results->csv == NULL) {
        return results_io(ctx, results);
    }
    return csv_header(ctx, results);
}

pta_status pta_results_open(pta_ctx *ctx, const char *path, int64_t rows,
                            int32_t n_outputs,
                            const pta_results_output *outputs,
                            pta_results_kind kind, pta_results **out)
{
    if (!ends_in(path, ".csv") && !ends_in(path, ".h5") &&
        !ends_in(path, ".hdf5")) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s: predictions go to files ending in .csv, .h5 or "
                        ".hdf5",
                        path);
    }
    pta_results *results = NULL;
    PTA_TRY_ALLOC(ctx, results, 1);
    results->rows = rows;
    results->n_outputs = n_outputs;
    results->outputs = outputs;
    results->kind = kind;
    results->path = pta_strdup(ctx, path);
    pta_status status =
        results->path == NULL ? PTA_ERR_NOMEM : results_begin(ctx, results);
    if (status != PTA_OK) {
        pta_results_abandon(ctx, &results);
        return status;
    }
    *out = results;
    return PTA_OK;
}

pta_status pta_results_add(pta_results *results, pta_ctx *ctx, int64_t n,
                           const int32_t *classes, const void *const *values)
{
    PTA_ASSERT(n >= 0 && n <= results->rows - results->done);
    errno = 0;
    pta_status status = results->csv != NULL
                            ? csv_add(results, ctx, n, classes, values)
                            : h5_add(results, ctx, n, classes, values);
    if (status == PTA_OK) {
        results->done += n;
    }
    return status;
}

/* Everything that can fail, in order; the name comes last. */
static pta_status results_end(pta_ctx *ctx, pta_results *results)
{
    if (results->done != results->rows) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: not written: only %" PRId64 " of %" PRId64
                        " samples have results",
                        results->path, results->done, results->rows);
    }
    errno = 0;
    if (results->csv != NULL) {
        FILE *csv = results->csv;
        results->csv = NULL;
        bool bad = ferror(csv) != 0;
        if (fclose(csv) != 0 || bad) {
            return results_io(ctx, results);
        }
    }
    PTA_TRY(pta_h5_finish(ctx, &results->h5));
    return pta_temporary_commit(ctx, &results->file, results->path);
}

pta_status pta_results_commit(pta_ctx *ctx, pta_results **results)
{
    pta_status status = results_end(ctx, *results);
    pta_results_abandon(ctx, results);
    return status;
}

void pta_results_abandon(pta_ctx *ctx, pta_results **results)
{
    pta_results *r = *results;
    if (r == NULL) {
        return;
    }
    if (r->csv != NULL) {
        (void)fclose(r->csv);
    }
    pta_h5_close(ctx, &r->h5);
    pta_temporary_close(ctx, &r->file);
    pta_free(ctx, r->counts);
    pta_free(ctx, r->path);
    pta_free(ctx, r);
    *results = NULL;
}
