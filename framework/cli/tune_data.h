/*
 * The two parts of `tune`'s data: rows to calibrate and search on, and rows that
 * are only looked at for the final report.
 *
 * Where a set has training rows, a fifth of them, drawn by the seed, is searched
 * on and all test rows are reported on. Else (no such rows at hand, a split
 * that the user named, a file) a fifth of what there is, and the rest.
 */
#ifndef PTA_CLI_TUNE_DATA_H
#define PTA_CLI_TUNE_DATA_H

#include "datasets/dataset.h"
#include "ir/graph.h"

typedef struct pta_tune_data {
    pta_dataset *searched;      /* owned; what `search` was drawn from */
    pta_dataset *reported;      /* owned; likewise, or NULL: the same */
    pta_dataset *search, *rest; /* owned */
    pta_dataset *sample; /* owned; a few rows of `search`, evenly spread */
} pta_tune_data;

pta_status PTA_MUST_CHECK pta_tune_data_open(pta_ctx *ctx,
                                             const pta_graph *graph,
                                             const char *text, uint64_t seed,
                                             pta_tune_data *out);
void pta_tune_data_close(pta_ctx *ctx, pta_tune_data *data);

#endif
