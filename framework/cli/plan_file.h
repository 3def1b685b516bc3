/* What verbs that make a plan share: where its formats came from, its digests,
 * the file. */
#ifndef PTA_CLI_PLAN_FILE_H
#define PTA_CLI_PLAN_FILE_H

#include "cli/cli.h"
#include "quant/ranges.h"

/** Replaces an owned text by a copy of `text`. */
pta_status PTA_MUST_CHECK pta_copy_text(pta_ctx *ctx, char **field,
                                        const char *text);

/** Names the model in the plan, with its digest. */
pta_status PTA_MUST_CHECK pta_plan_set_model(pta_ctx *ctx, pta_plan *plan,
                                             pta_model *model);

/** Notes in the plan where the ranges of its formats came from. */
pta_status PTA_MUST_CHECK pta_plan_set_origin(pta_ctx *ctx, pta_plan *plan,
                                              const pta_ranges *ranges);

/** Validates a plan with formats and stages, and computes the digests of all its
 * slices. */
pta_status PTA_MUST_CHECK pta_plan_finish(pta_ctx *ctx, pta_model *model,
                                          pta_plan *plan);

/** Writes the plan to `path`, or, if NULL, into the current folder under the
 * model's name with another `ending`; says so in a line. */
pta_status PTA_MUST_CHECK pta_plan_write(pta_ctx *ctx, pta_model *model,
                                         const pta_plan *plan, const char *path,
                                         const char *ending);

#endif
