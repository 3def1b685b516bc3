/*
 * Predictions to a file: CSV or HDF5, chosen by the name's ending.
 *
 *   CSV    sample,class,<output>[0],<output>[1],...   one line a sample
 *   HDF5   class [N] int32; raw/<output> [N,...] int64, or
 *          float/<output> [N,...] float32
 *
 * Rows are written as they come; the file has its name when all rows are on the
 * disk (temporary.h). Rank 0 only; local.
 */
#ifndef PTA_CLI_RESULTS_H
#define PTA_CLI_RESULTS_H

#include "base/ctx.h"

typedef struct pta_results_output {
    const char *name;
    int32_t rank; /* of a sample, without the batch axis */
    const int32_t *dim;
} pta_results_output;

typedef enum pta_results_kind {
    PTA_RESULTS_RAW,  /* int64_t raw integers */
    PTA_RESULTS_FLOAT /* float */
} pta_results_kind;

typedef struct pta_results pta_results;

/**
 * Opens for `rows` samples. PTA_ERR_USAGE: an ending other than .csv, .h5,
 * .hdf5; PTA_ERR_IO: the folder cannot be written to. What `outputs` points to
 * is borrowed until the end.
 */
pta_status PTA_MUST_CHECK pta_results_open(pta_ctx *ctx, const char *path,
                                           int64_t rows, int32_t n_outputs,
                                           const pta_results_output *outputs,
                                           pta_results_kind kind,
                                           pta_results **out);

/** The next n samples: classes [n] (negative: none), values[i] of output i,
 * [n][count], int64_t or float. */
pta_status PTA_MUST_CHECK pta_results_add(pta_results *results, pta_ctx *ctx,
                                          int64_t n, const int32_t *classes,
                                          const void *const *values);

/**
 * Ends and frees in any case, sets NULL. The file takes its name only if all
 * `rows` were added and written (PTA_ERR_MISMATCH, PTA_ERR_IO otherwise).
 */
pta_status PTA_MUST_CHECK pta_results_commit(pta_ctx *ctx,
                                             pta_results **results);

/** Leaves nothing behind; sets NULL, accepts NULL. */
void pta_results_abandon(pta_ctx *ctx, pta_results **results);

#endif
