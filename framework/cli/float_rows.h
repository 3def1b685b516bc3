/* All rows of a data set through the `float` reference: for ranges, and for the
 * answers of the network as it was trained. */
#ifndef PTA_CLI_FLOAT_ROWS_H
#define PTA_CLI_FLOAT_ROWS_H

#include "datasets/dataset.h"
#include "model/keras.h"
#include "runtime/reference.h"

typedef struct pta_float_visit {
    pta_reference_tap tap; /* each node's values; NULL: not wanted */
    /** What an integer run gives as output 0 (no final Softmax) of rows [first, first + n), [n][count]; may be NULL. */
    void (*answers)(void *user, int64_t first, int64_t n, const float *values,
                    int64_t count);
    void *user; /* of both */
} pta_float_visit;

pta_status PTA_MUST_CHECK pta_float_rows(pta_ctx *ctx, pta_model *model,
                                         pta_dataset *data, const char *doing,
                                         const pta_float_visit *visit);

#endif
