/*
 * The rows of a data set as a model's inputs: as the source's samples, as raw
 * integers for the `blas` reference, as float32 for the `float` one. Rank 0.
 */
#ifndef PTA_CLI_FEED_H
#define PTA_CLI_FEED_H

#include "cli/packing.h"
#include "datasets/dataset.h"

/** Rows worked on at a time by references and encoding. */
#define PTA_FEED_ROWS 64

typedef struct pta_feed {
    const pta_graph *graph; /* borrowed */
    pta_dataset *data;      /* borrowed */
    pta_dataset *owned;     /* the same if the feed opened it, else NULL */
    pta_packing layout;     /* owned; of the source's samples */
    pta_packing raw_layout; /* owned; the same at integer formats */
    int64_t rows;
    int64_t most;  /* elements of the largest input */
    float *values; /* owned; [PTA_FEED_ROWS][most] */
    int64_t *raws; /* owned; likewise */
} pta_feed;

/** Opens a data set for the inputs of `graph` (split, limit: dataset.h). */
pta_status PTA_MUST_CHECK pta_open_dataset(pta_ctx *ctx, const pta_graph *graph,
                                           const char *text, const char *split,
                                           int64_t limit, pta_dataset **out);

/** Opens a feed; `is_float` when the device wants float32 samples. `limit` 0:
 * all rows. */
pta_status PTA_MUST_CHECK pta_feed_open(pta_ctx *ctx, const pta_graph *graph,
                                        const pta_plan *plan, const char *text,
                                        int64_t limit, bool is_float,
                                        pta_feed **out);
/** The same over all rows of `data`, borrowed. */
pta_status PTA_MUST_CHECK pta_feed_open_rows(pta_ctx *ctx,
                                             const pta_graph *graph,
                                             const pta_plan *plan,
                                             pta_dataset *data, pta_feed **out);
void pta_feed_close(pta_ctx *ctx, pta_feed **feed);

/** Rows [first, first + n) as source samples, [n][layout.sample_bytes]. */
pta_status PTA_MUST_CHECK pta_feed_encode(pta_feed *feed, pta_ctx *ctx,
                                          int64_t first, int64_t n,
                                          void *samples);

/** Rows of one input as raw integers or as float32, [n][count],
 * n <= PTA_FEED_ROWS. */
pta_status PTA_MUST_CHECK pta_feed_raw(pta_feed *feed, pta_ctx *ctx,
                                       int32_t input, int64_t first, int32_t n,
                                       int64_t *raw);
pta_status PTA_MUST_CHECK pta_feed_float(pta_feed *feed, pta_ctx *ctx,
                                         int32_t input, int64_t first,
                                         int32_t n, float *values);

#endif
