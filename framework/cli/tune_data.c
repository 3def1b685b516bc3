/* The two parts of `tune`'s data. */
#include "cli/tune_data.h"

#include <string.h>

#include "base/rng.h"
#include "cli/feed.h"

#define SEARCHED 5 /* one row in so many */
#define SAMPLE   512

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The first fifth of all rows in random order, and the others. */
static void draw(int64_t *rows, int64_t n, int64_t n_search, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        rows[i] = i;
    }
    for (int64_t i = 0; i < n_search; i++) {
        int64_t other = pta_rng_range(&seed, i, n - 1), row = rows[i];
        rows[i] = rows[other];
        rows[other] = row;
    }
    qsort(rows, (size_t)n_search, sizeof *rows, ascending);
    qsort(rows + n_search, (size_t)(n - n_search), sizeof *rows, ascending);
}

static pta_status share_out(pta_ctx *ctx, uint64_t seed, pta_tune_data *d)
{
    int64_t *rows, n = pta_dataset_rows(d->searched), n_search = n / SEARCHED;
    if (n_search == 0 ||
        (d->reported != NULL && pta_dataset_rows(d->reported) == 0)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: %lld rows: expected %d at least",
                        pta_dataset_set(d->searched), (long long)n, SEARCHED);
    }
    PTA_TRY_ALLOC(ctx, rows, n);
    draw(rows, n, n_search, seed);
    pta_status status =
        pta_dataset_subset(ctx, d->searched, rows, n_search, &d->search);
    if (status == PTA_OK && d->reported == NULL) {
        status = pta_dataset_subset(ctx, d->searched, rows + n_search,
                                    n - n_search, &d->rest);
    }
    pta_free(ctx, rows);
    return status;
}

/* `n` rows of a set, evenly spread. */
static pta_status spread(pta_ctx *ctx, pta_dataset *whole, int64_t n,
                         pta_dataset **out)
{
    int64_t *rows, of = pta_dataset_rows(whole);
    n = n < of ? n : of;
    PTA_TRY_ALLOC(ctx, rows, n);
    for (int64_t i = 0; i < n; i++) {
        rows[i] = i * of / n;
    }
    pta_status status = pta_dataset_subset(ctx, whole, rows, n, out);
    pta_free(ctx, rows);
    return status;
}

/* Training rows that are not there are no reason to stop. */
static pta_status open_sets(pta_ctx *ctx, const pta_graph *graph,
                            const char *text, pta_tune_data *d)
{
    if (strncmp(text, "random:", 7) == 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--data %s: random inputs have no right answers; "
                        "expected mnist, nsl-kdd, unsw-nb15 or FILE.h5",
                        text);
    }
    if (strchr(text, ':') != NULL) {
        return pta_open_dataset(ctx, graph, text, NULL, 0, &d->searched);
    }
    pta_status status =
        pta_open_dataset(ctx, graph, text, "train", 0, &d->searched);
    if (status == PTA_ERR_NOT_FOUND) {
        pta_ctx_clear_error(ctx);
        return pta_open_dataset(ctx, graph, text, "test", 0, &d->searched);
    }
    PTA_TRY(status);
    bool has_splits = strcmp(pta_dataset_split(d->searched), "train") == 0;
    return has_splits
               ? pta_open_dataset(ctx, graph, text, "test", 0, &d->reported)
               : PTA_OK;
}

pta_status pta_tune_data_open(pta_ctx *ctx, const pta_graph *graph,
                              const char *text, uint64_t seed,
                              pta_tune_data *out)
{
    pta_tune_data d = {0};
    pta_status status = open_sets(ctx, graph, text, &d);
    if (status == PTA_OK) {
        status = share_out(ctx, seed, &d);
    }
    if (status == PTA_OK) {
        status = spread(ctx, d.search, SAMPLE, &d.sample);
    }
    if (status == PTA_OK && d.reported != NULL) {
        status = spread(ctx, d.reported, INT64_MAX, &d.rest);
    }
    if (status != PTA_OK) {
        pta_tune_data_close(ctx, &d);
        return status;
    }
    *out = d;
    return PTA_OK;
}

void pta_tune_data_close(pta_ctx *ctx, pta_tune_data *data)
{
    pta_dataset_close(ctx, &data->sample); /* before what it is drawn from */
    pta_dataset_close(ctx, &data->search);
    pta_dataset_close(ctx, &data->rest);
    pta_dataset_close(ctx, &data->searched);
    pta_dataset_close(ctx, &data->reported);
}
