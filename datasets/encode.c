/*
 * Encodes rows by a table. Arithmetic is in double and each value is rounded
 * to float32 once, at the end: datasets/train/data.py does the same, and
 * GOLDEN.json proves it.
 */
#include "datasets/encode.h"

#include <math.h>
#include <string.h>

static pta_status encode_number(pta_ctx *ctx, const pta_table_column *column,
                                const pta_csv *row, float *x)
{
    double v = 0;
    PTA_TRY(pta_csv_number(row, ctx, column->index, &v));
    if (column->log1p) {
        v = log1p(v);
    }
    if (column->max > column->min) {
        v = (v - column->min) / (column->max - column->min);
    } else {
        v = 0;
    }
    if (!isfinite((float)v)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: line %lld, column %d (%s): %s is out of range",
                        row->path, (long long)row->line, (int)column->index + 1,
                        column->name, row->field[column->index]);
    }
    *x = (float)v;
    return PTA_OK;
}

static void encode_word(const pta_table_nominal *column, const pta_csv *row,
                        float *x)
{
    const char *word = row->field[column->index];
    memset(x, 0, (size_t)column->n_words * sizeof *x);
    for (int32_t i = 0; i < column->n_words; i++) {
        if (strcmp(word, column->words[i]) == 0) {
            x[i] = 1;
            return;
        }
    }
    if (column->has_other) {
        x[column->n_words - 1] = 1;
    }
}

static int label_order(const void *key, const void *entry)
{
    return strcmp(key, ((const pta_table_label *)entry)->label);
}

static pta_status encode_label(pta_ctx *ctx, const pta_table *table,
                               const pta_csv *row, int32_t *y)
{
    const char *text = row->field[table->label];
    const pta_table_label *found =
        bsearch(text, table->labels, (size_t)table->n_labels,
                sizeof *table->labels, label_order);
    if (found == NULL) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: line %lld, column %d: unknown label '%.40s'",
                        row->path, (long long)row->line, (int)table->label + 1,
                        text);
    }
    *y = found->index;
    return PTA_OK;
}

pta_status pta_encode_row(pta_ctx *ctx, const pta_table *table,
                          const pta_csv *row, float *x, int32_t *y)
{
    for (int32_t i = 0; i < table->n_columns; i++) {
        PTA_TRY(encode_number(ctx, &table->columns[i], row, x++));
    }
    for (int32_t i = 0; i < table->n_nominal; i++) {
        encode_word(&table->nominal[i], row, x);
        x += table->nominal[i].n_words;
    }
    return encode_label(ctx, table, row, y);
}

/* ---- whole files ---- */

static pta_status encode_read(pta_dataset *data, pta_ctx *ctx, int32_t input,
                              int64_t first, int64_t n, float *values)
{
    (void)ctx;
    (void)input;
    int64_t count = data->counts[0];
    memcpy(values, (const float *)data->kind + first * count,
           (size_t)(n * count) * sizeof *values);
    return PTA_OK;
}

static int64_t count_lines(const char *text, size_t n_bytes)
{
    int64_t lines = 1;
    for (const char *at = text, *end = text + n_bytes;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        lines++;
    }
    return lines;
}

/* Rows beyond the limit are encoded too, into `spare`: their errors count. */
static pta_status encode_rows(pta_ctx *ctx, const pta_table *table,
                              pta_csv *csv, pta_encode_keep keep, int64_t room,
                              float *spare, pta_dataset *data)
{
    float *x = data->kind;
    bool more = true;
    if (table->has_header) {
        PTA_TRY(pta_csv_next(csv, ctx, table->n_fields, &more));
    }
    while (more) {
        PTA_TRY(pta_csv_next(csv, ctx, table->n_fields, &more));
        if (!more) {
            break;
        }
        bool stored =
            data->rows < room && (keep == NULL || keep(csv, data->split));
        int32_t y = 0;
        PTA_TRY(pta_encode_row(
            ctx, table, csv, stored ? x + data->rows * table->n_values : spare,
            &y));
        if (stored) {
            data->labels[data->rows++] = y;
        }
    }
    return data->rows > 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_FORMAT, "%s: no rows", csv->path);
}

pta_status pta_encode(pta_ctx *ctx, const pta_table *table, const char *path,
                      char *text, size_t n_bytes, pta_encode_keep keep,
                      int64_t limit, pta_dataset *data)
{
    PTA_ASSERT(data->counts[0] == table->n_values);
    int64_t room = count_lines(text, n_bytes);
    room = room < limit ? room : limit;
    float *x = NULL;
    PTA_TRY_ALLOC(ctx, x, (room + 1) * table->n_values);
    data->kind = x;
    data->read = encode_read;
    PTA_TRY_ALLOC(ctx, data->labels, room);
    pta_csv csv;
    pta_csv_begin(&csv, path, text, n_bytes);
    return encode_rows(ctx, table, &csv, keep, room, x + room * table->n_values,
                       data);
}
