/*
 * Rows of a CSV file to rows of inputs, as a generated table (table.h) says:
 * the numeric columns scaled by training constants, then one-hot words.
 */
#ifndef PTA_DATASETS_ENCODE_H
#define PTA_DATASETS_ENCODE_H

#include "datasets/csv.h"
#include "datasets/dataset_priv.h"
#include "datasets/table.h"

typedef struct pta_table {
    int32_t n_fields; /* of a row of the file */
    int32_t n_values; /* of an encoded row */
    int32_t n_columns, n_nominal, n_labels;
    const pta_table_column *columns;
    const pta_table_nominal *nominal;
    const pta_table_label *labels; /* sorted by bytes */
    int32_t label;                 /* index of its field */
    bool has_header;
} pta_table;

/** x [n_values] and class of the current row. An unlisted word is encoded as
 * the table says; an unknown label or bad number is PTA_ERR_FORMAT with file,
 * line and column. */
pta_status PTA_MUST_CHECK pta_encode_row(pta_ctx *ctx, const pta_table *table,
                                         const pta_csv *row, float *x,
                                         int32_t *y);

/** Whether a row belongs to the split. */
typedef bool (*pta_encode_keep)(const pta_csv *row, const char *split);

/**
 * Encodes the rows that `keep` (NULL: all) chooses for data->split into `data`,
 * the first `limit` of them, and checks all. The text is cut up (pta_csv). A
 * file without rows is PTA_ERR_FORMAT.
 */
pta_status PTA_MUST_CHECK pta_encode(pta_ctx *ctx, const pta_table *table,
                                     const char *path, char *text,
                                     size_t n_bytes, pta_encode_keep keep,
                                     int64_t limit, pta_dataset *data);

#endif
