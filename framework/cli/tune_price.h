/*
 * What formats cost as hardware, for `tune`: the uncut network with foldings
 * that do not change, so that two answers differ by the formats alone.
 */
#ifndef PTA_CLI_TUNE_PRICE_H
#define PTA_CLI_TUNE_PRICE_H

#include "plan/design.h"

typedef struct pta_tune_price {
    const pta_graph *graph; /* borrowed */
    pta_plan *plan;         /* owned; one board */
    int32_t n_steps;
    pta_fold *folds; /* owned; NULL: no board is large enough, no price */
    int32_t boards;  /* of the budget that the foldings were chosen for */
} pta_tune_price;

/** Chooses the foldings that `partita build` would for these formats, on one
 * PYNQ-Z2 or, if it is too small, one 2, 4, ... times as large. */
pta_status PTA_MUST_CHECK pta_tune_price_open(pta_ctx *ctx,
                                              const pta_graph *graph,
                                              const pta_node_format *formats,
                                              pta_tune_price *out);
void pta_tune_price_close(pta_ctx *ctx, pta_tune_price *price);

/** False in *known when it cannot be built. */
pta_status PTA_MUST_CHECK pta_tune_price_of(const pta_tune_price *price,
                                            pta_ctx *ctx,
                                            const pta_node_format *formats,
                                            pta_resources *out, bool *known);

/** Resources as one number: shares of a PYNQ-Z2, added. */
double pta_tune_price_sum(const pta_resources *resources);

#endif
