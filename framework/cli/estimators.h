/* The estimator that --estimator names, wherever it lives. */
#ifndef PTA_CLI_ESTIMATORS_H
#define PTA_CLI_ESTIMATORS_H

#include "partition/estimate.h"

typedef struct pta_chosen {
    pta_estimator *estimator; /* owned */
    bool own_blocks;          /* describes what `build` makes */
    bool counts; /* Yosys decides whether what the formulas find fits */
    void (*destroy)(pta_ctx *ctx, pta_estimator **estimator);
} pta_chosen;

/** `text` is analytic, synthesis, hls4ml or rule4ml=DIR. */
pta_status PTA_MUST_CHECK pta_chosen_open(pta_ctx *ctx, const char *text,
                                          pta_chosen *out);
void pta_chosen_close(pta_ctx *ctx, pta_chosen *chosen);

#endif
