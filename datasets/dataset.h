/*
 * Data sets: rows of float32 inputs with optional labels, by name.
 *
 *   mnist, nsl-kdd, unsw-nb15      SET, SET:train, SET:test
 *   random:N:SEED                  raw integers, uniform over the input format
 *   FILE.h5                        x or x/<input>, optional y
 *
 * The C readers and datasets/train/data.py agree bit for bit
 * (datasets/GOLDEN.json). Files are searched in $PARTITA_DATA, the fetch
 * folder, ../shared/datasets, and the repository's or installed datasets/
 * (files.h), and must be the published ones, byte for byte.
 */
#ifndef PTA_DATASETS_DATASET_H
#define PTA_DATASETS_DATASET_H

#include "base/ctx.h"
#include "base/hash.h"

typedef struct pta_dataset_want {
    const char *input;   /* name of the model input */
    int32_t rank;        /* its shape without the batch axis */
    const int32_t *dim;
} pta_dataset_want;

typedef struct pta_dataset pta_dataset;

/**
 * Opens "SET[:split]", "random:N:SEED" or a path ending in .h5/.hdf5 for a
 * model with `n_inputs` inputs. The split is the text's, else `split`, else
 * "test"; unsw-nb15 also has "validation" (without the published pair).
 * `limit` 0: all rows. Named sets serve models with one input of a shape that
 * fits (anything else: PTA_ERR_MISMATCH naming set and shape). Missing files:
 * PTA_ERR_NOT_FOUND saying what to do. Bad rows: PTA_ERR_FORMAT with file, line
 * and column; a file that is not the published one: PTA_ERR_FORMAT.
 */
pta_status PTA_MUST_CHECK pta_dataset_open(pta_ctx *ctx, const char *text,
                                           const char *split,
                                           const pta_dataset_want *inputs,
                                           int32_t n_inputs, int64_t limit,
                                           pta_dataset **out);

const char *pta_dataset_set(const pta_dataset *data);   /* "mnist" */
const char *pta_dataset_split(const pta_dataset *data); /* "test", "" */
int64_t pta_dataset_rows(const pta_dataset *data);
bool pta_dataset_is_random(const pta_dataset *data);

/** Classes, [rows], or NULL without labels. */
const int32_t *pta_dataset_labels(const pta_dataset *data);

/** Rows [first, first + n) of input i as float32, C-order. Not for random.
 * Values of a user's file that are not finite: PTA_ERR_FORMAT with the row. */
pta_status PTA_MUST_CHECK pta_dataset_read(pta_dataset *data, pta_ctx *ctx,
                                           int32_t input, int64_t first,
                                           int64_t n, float *values);

/** Rows of a random set as raw integers in [lo, hi]: sample r, input i,
 * element e is drawn from splitmix64 in that order, one stream per sample
 * seeded SEED + r (so that any row can be made alone). */
pta_status PTA_MUST_CHECK pta_dataset_read_random(pta_dataset *data,
                                                  pta_ctx *ctx, int32_t input,
                                                  int64_t lo, int64_t hi,
                                                  int64_t first, int64_t n,
                                                  int64_t *raw);

/** SHA-256 of all rows of input 0 as little-endian float32. Not for random. */
pta_status PTA_MUST_CHECK pta_dataset_digest(pta_dataset *data, pta_ctx *ctx,
                                             char hex[PTA_SHA256_HEX]);

/** Rows rows[0], rows[1], ... of `whole` with their labels, as a set of the same
 * name and split. `whole` is borrowed and outlives it. Not for random. */
pta_status PTA_MUST_CHECK pta_dataset_subset(pta_ctx *ctx, pta_dataset *whole,
                                             const int64_t *rows, int64_t n,
                                             pta_dataset **out);

void pta_dataset_close(pta_ctx *ctx, pta_dataset **data);

#endif
