/*
 * Trials: how many rows of a data set one-board plans with given formats answer
 * right, on the `fixed` device. For `tune`, which asks many times.
 *
 * Rows are kept in the order in which the float network is sure of them, the
 * least sure first, so that bad formats are found out after few.
 */
#ifndef PTA_CLI_TRIAL_H
#define PTA_CLI_TRIAL_H

#include "cli/packing.h"
#include "datasets/dataset.h"
#include "model/keras.h"

typedef struct pta_trial pta_trial;

/** Rows of a set against the float network's answers. */
typedef struct pta_score {
    int64_t rows;    /* looked at: all unless the trial was given up */
    int64_t right;   /* of these */
    int64_t lost;    /* float right, fixed wrong */
    int64_t gained;  /* float wrong, fixed right */
    int64_t changed; /* answers that are not float's */
    double noise;    /* power of what output 0 differs from float's by, over
                        the power of float's about each row's mean */
} pta_score;

/** When a trial is given up: more rows wrong, or more noise, than this. */
typedef struct pta_trial_limits {
    int64_t wrong;
    double noise;
} pta_trial_limits;

/** Whether a trial that was run within these limits kept them. */
bool pta_score_within(const pta_score *score, const pta_trial_limits *limits);

/** Runs the float network over all rows of `data` (borrowed, as the model is).
 * Without labels its answers are the right ones. */
pta_status PTA_MUST_CHECK pta_trial_open(pta_ctx *ctx, pta_model *model,
                                         pta_dataset *data, pta_trial **out);
void pta_trial_close(pta_ctx *ctx, pta_trial **trial);

int64_t pta_trial_rows(const pta_trial *trial);
int64_t pta_trial_float_right(const pta_trial *trial);

/** Runs the rows with these formats [n_nodes], as long as the limits (NULL: none)
 * are kept. */
pta_status PTA_MUST_CHECK pta_trial_run(pta_trial *trial, pta_ctx *ctx,
                                        const pta_node_format *formats,
                                        const pta_trial_limits *limits,
                                        pta_score *out);

#endif
