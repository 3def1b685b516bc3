/* Chosen rows of a data set, as a data set. */
#include "datasets/dataset_priv.h"

#include <string.h>

typedef struct subset {
    pta_dataset *whole; /* borrowed */
    int64_t *rows;      /* owned; [rows of the subset] */
} subset;

static pta_status read_rows(pta_dataset *data, pta_ctx *ctx, int32_t input,
                            int64_t first, int64_t n, float *values)
{
    const subset *s = data->kind;
    for (int64_t i = 0; i < n;) {
        int64_t row = s->rows[first + i], run = 1;
        while (i + run < n && s->rows[first + i + run] == row + run) {
            run++;
        }
        PTA_TRY(pta_dataset_read(s->whole, ctx, input, row, run,
                                 values + i * data->counts[input]));
        i += run;
    }
    return PTA_OK;
}

static void close_subset(pta_ctx *ctx, void *kind)
{
    subset *s = kind;
    if (s != NULL) {
        pta_free(ctx, s->rows);
        pta_free(ctx, s);
    }
}

static pta_status fill(pta_ctx *ctx, pta_dataset *whole, const int64_t *rows,
                       int64_t n, pta_dataset *data)
{
    subset *s;
    data->close = close_subset;
    PTA_TRY_ALLOC(ctx, s, 1);
    data->kind = s;
    s->whole = whole;
    PTA_TRY_ALLOC(ctx, s->rows, n);
    PTA_TRY_ALLOC(ctx, data->counts, whole->n_inputs);
    data->set = pta_strdup(ctx, whole->set);
    data->split = pta_strdup(ctx, whole->split);
    if (data->set == NULL || data->split == NULL) {
        return PTA_ERR_NOMEM;
    }
    data->rows = n;
    data->n_inputs = whole->n_inputs;
    data->read = read_rows;
    memcpy(data->counts, whole->counts,
           (size_t)whole->n_inputs * sizeof *data->counts);
    if (whole->labels != NULL) {
        PTA_TRY_ALLOC(ctx, data->labels, n);
    }
    for (int64_t i = 0; i < n; i++) {
        PTA_ASSERT(rows[i] >= 0 && rows[i] < whole->rows);
        s->rows[i] = rows[i];
        if (whole->labels != NULL) {
            data->labels[i] = whole->labels[rows[i]];
        }
    }
    return PTA_OK;
}

pta_status pta_dataset_subset(pta_ctx *ctx, pta_dataset *whole,
                              const int64_t *rows, int64_t n, pta_dataset **out)
{
    pta_dataset *data;
    PTA_TRY_ALLOC(ctx, data, 1);
    pta_status status = fill(ctx, whole, rows, n, data);
    if (status != PTA_OK) {
        pta_dataset_close(ctx, &data);
        return status;
    }
    *out = data;
    return PTA_OK;
}
