/* A set of rule4ml's estimators, run by this project's `float` reference. */
#ifndef PTA_CLI_RULE4ML_ASK_H
#define PTA_CLI_RULE4ML_ASK_H

#include "model/rule4ml.h"

typedef enum pta_rule4ml_target {
    PTA_R4_BRAM, /* of 18 kbit */
    PTA_R4_DSP,
    PTA_R4_FF,
    PTA_R4_LUT,
    PTA_R4_CYCLES,   /* latency */
    PTA_R4_INTERVAL, /* not in v1 */
    PTA_R4_COUNT
} pta_rule4ml_target;

const char *pta_rule4ml_target_name(pta_rule4ml_target target); /* "BRAM" */

typedef struct pta_rule4ml_set pta_rule4ml_set;

/** All estimators in `dir` (see pta_rule4ml_folder); INTERVAL may be missing. */
pta_status PTA_MUST_CHECK pta_rule4ml_set_open(pta_ctx *ctx, const char *dir,
                                               pta_rule4ml_set **out);
void pta_rule4ml_set_close(pta_ctx *ctx, pta_rule4ml_set **set);

bool pta_rule4ml_set_has(const pta_rule4ml_set *set, pta_rule4ml_target target);

/** Counts and cycles of a network; NAN for what the set does not have. */
pta_status PTA_MUST_CHECK pta_rule4ml_ask(pta_rule4ml_set *set, pta_ctx *ctx,
                                          const pta_rule4ml_query *query,
                                          double out[PTA_R4_COUNT]);

#endif
