/*
 * The estimator `analytic`: our own blocks, by the formulas that generator and
 * manifest use (plan/design.h), one step at a time.
 */
#ifndef PTA_PARTITION_ANALYTIC_H
#define PTA_PARTITION_ANALYTIC_H

#include "partition/estimate.h"

/** Lists are kept by what a step is (shapes, formats, window), so that a layer
 * is counted once however many stages are tried. */
pta_status PTA_MUST_CHECK pta_analytic_create(pta_ctx *ctx,
                                              pta_estimator **out);
void pta_analytic_destroy(pta_ctx *ctx, pta_estimator **estimator);

#endif
