/*
 * A multiple-choice knapsack over five resources: one of each list, least sum of
 * costs, within what there is.
 */
#ifndef PTA_PARTITION_KNAPSACK_PRIV_H
#define PTA_PARTITION_KNAPSACK_PRIV_H

#include "partition/estimate.h"

enum {
    PTA_RES_LUT,
    PTA_RES_LUTRAM,
    PTA_RES_FF,
    PTA_RES_DSP,
    PTA_RES_BRAM,
    PTA_N_RES
};

typedef struct pta_item {
    double cost, r[PTA_N_RES], priced;
    const pta_folding *folding;
} pta_item;

typedef struct pta_knapsack {
    pta_ctx *ctx;
    int32_t n;
    int32_t *count;   /* [n] */
    pta_item **items; /* [n][count]; those allowed, in order of price */
    double (
        *least)[PTA_N_RES]; /* [n + 1] least of each resource from step s on */
    double *rest;           /* [n + 1] priced bound from step s on */
    double has[PTA_N_RES], price[PTA_N_RES];
    double best;
    double limit;             /* choices that cost as much are of no use */
    bool found, cut;          /* cut: nodes_max was reached */
    int32_t nodes, nodes_max; /* of one search; 0: 10,000 */
    int32_t *chosen, *at;     /* [n] */
} pta_knapsack;

void pta_resources_vector(const pta_resources *r, double out[PTA_N_RES]);

/** Leaves out what another beats or equals in cost and resources. */
void pta_knapsack_thin(pta_item *items, int32_t *count);

/** Whether some of each list fit, whatever they cost: chosen when YES. MAYBE:
 * that takes pta_knapsack_solve. */
pta_verdict pta_knapsack_quick(pta_knapsack *s);

/** Least sum of costs, which are integers; *bound is below every choice. With
 * `any` the first that fits will do. False if none was found: then `cut` says
 * whether there may be one. */
bool pta_knapsack_solve(pta_knapsack *s, bool any, double *bound);

#endif
