/* Ranges of a model's tensors: measured on a data set, or read from a file. */
#ifndef PTA_CLI_CALIBRATE_H
#define PTA_CLI_CALIBRATE_H

#include "datasets/dataset.h"
#include "model/keras.h"
#include "quant/ranges.h"

/** Runs the float reference over the rows of "SET[:split]", training rows by
 * default; warns (log) when they are test rows. */
pta_status PTA_MUST_CHECK pta_calibrate(pta_ctx *ctx, pta_model *model,
                                        const char *set, pta_ranges **out);

/** The same over all rows of a data set. */
pta_status PTA_MUST_CHECK pta_calibrate_rows(pta_ctx *ctx, pta_model *model,
                                             pta_dataset *data,
                                             pta_ranges **out);

/** Reads `path`, or NAME.ranges.json beside the model when NULL; an error says
 * what to do when there is none, or when it belongs to another model file. */
pta_status PTA_MUST_CHECK pta_find_ranges(pta_ctx *ctx, pta_model *model,
                                          const char *path, pta_ranges **out);

#endif
