/* Foldings and engines in plans, for the files that read, write, check them. */
#ifndef PTA_PLAN_PLAN_FOLD_PRIV_H
#define PTA_PLAN_PLAN_FOLD_PRIV_H

#include "plan/plan.h"
#include "json/json.h"

/** Key "fold" of a layer; nothing is stored when it is left out. */
pta_status PTA_MUST_CHECK pta_fold_read(pta_ctx *ctx, const json_t *layer,
                                        const char *where, const pta_node *node,
                                        pta_fold *out);

#define PTA_FOLD_TEXT 128
void pta_fold_print(const pta_fold *fold, char text[PTA_FOLD_TEXT]);

/** Key "engine" of a stage; streaming when it is left out. */
pta_status PTA_MUST_CHECK pta_engine_read(pta_ctx *ctx, const json_t *stage,
                                          const char *where, pta_engine *out);

/** Refuses a folding that the layer cannot have. */
pta_status PTA_MUST_CHECK pta_fold_check(pta_ctx *ctx, const pta_node *node,
                                         const pta_fold *fold);

#endif
