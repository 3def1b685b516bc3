/*
 * Choosing foldings: what the parts of it share.
 */
#ifndef PTA_PLAN_FOLD_CHOOSE_PRIV_H
#define PTA_PLAN_FOLD_CHOOSE_PRIV_H

#include "plan/design_priv.h"

#define PTA_N_PRICES 5

typedef struct pta_fold_candidate {
    pta_fold fold;
    int64_t cycles;
    int32_t cost[PTA_N_PRICES]; /* DSP, BRAM18, LUT, LUTRAM, FF */
} pta_fold_candidate;

typedef struct pta_fold_layer {
    int32_t step, n, chosen;
    pta_fold_candidate *list; /* owned */
} pta_fold_layer;

typedef struct pta_fold_chooser {
    pta_ctx *ctx;
    const pta_slice *slice;
    pta_budget budget;
    int64_t room[PTA_N_PRICES]; /* of the budget, for layers */
    double price[PTA_N_PRICES];
    int32_t n_layers;
    pta_fold_layer *layers;      /* owned */
    pta_fold *folds;             /* [n_steps] */
    int64_t floor;               /* cycles of the bus */
    int64_t fifos[PTA_N_PRICES]; /* of the last design that was timed */
} pta_fold_chooser;

/** Cost of a folding at the prices now. */
double pta_fold_worth(const pta_fold_chooser *c, const pta_fold_candidate *k);

/** Writes the chosen foldings to `folds`. */
void pta_fold_put(pta_fold_chooser *c);

/** Foldings of the least interval, at least `low`, whose whole design is within
 * the budget. */
pta_status PTA_MUST_CHECK pta_fold_balance(pta_fold_chooser *c, int64_t low,
                                           int64_t *interval);

/* ---- fold_shorten.c ---- */

/** Least latency at that interval, beginning with the chosen foldings. */
pta_status PTA_MUST_CHECK pta_fold_shorten(pta_fold_chooser *c,
                                           int64_t interval);

/** Foldings of several intervals up to `most`; the least latency stays. */
pta_status PTA_MUST_CHECK pta_fold_least_latency(pta_fold_chooser *c,
                                                 int64_t least, int64_t most);

#endif
