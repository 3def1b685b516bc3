/*
 * The planner as `plan` uses it: cluster, estimator, solver, and what is said
 * about the answer.
 */
#ifndef PTA_CLI_PLANNER_H
#define PTA_CLI_PLANNER_H

#include "cli/options.h"
#include "ir/weights.h"
#include "partition/solve.h"

/** Options that `plan` adds for it; see planner.c. */
#define PTA_PLANNER_OPTIONS                                                    \
    {.name = "objective",                                                      \
     .kind = PTA_OPTION_CHOICE,                                                \
     .group = "Planner",                                                       \
     .choices = "latency|throughput|boards",                                   \
     .help = "search for the best plan: one sample's latency, throughput, or " \
             "fewest boards and then throughput"},                             \
        {.name = "cluster",                                                    \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Planner",                                                   \
         .placeholder = "FILE",                                                \
         .help = "boards and network (docs/cluster-file.md); default PYNQ-Z2 " \
                 "on one switch, as many as --boards"},                        \
        {.name = "budget",                                                     \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Planner",                                                   \
         .placeholder = "SHARES",                                              \
         .help = "per cent of a board that designs may take, as "              \
                 "lut=70,dsp=90; also ff, bram, lutram"},                      \
        {.name = "estimator",                                                  \
         .kind = PTA_OPTION_TEXT,                                              \
         .fallback = "analytic",                                               \
         .group = "Planner",                                                   \
         .placeholder = "NAME",                                                \
         .help = "what hardware costs: analytic (our own blocks by formula), " \
                 "synthesis (the same, the answer counted by Yosys), hls4ml "  \
                 "(its resource strategy by reuse factor), rule4ml=DIR (its "  \
                 "networks, from your installation)"},                         \
        {.name = "plan-batch",                                                 \
         .kind = PTA_OPTION_INT,                                               \
         .fallback = "64",                                                     \
         .group = "Planner",                                                   \
         .placeholder = "N",                                                   \
         .lo = 1,                                                              \
         .hi = 65536,                                                          \
         .help = "samples in a message when throughput counts"},               \
        {.name = "at-least",                                                   \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Planner",                                                   \
         .placeholder = "RATE",                                                \
         .help = "objective boards: samples a second that must be reached"},   \
        {.name = "at-most",                                                    \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Planner",                                                   \
         .placeholder = "US",                                                  \
         .help = "objective boards: latency in us that must be reached"},      \
        {.name = "time-limit",                                                 \
         .kind = PTA_OPTION_TEXT,                                              \
         .group = "Planner",                                                   \
         .placeholder = "SECONDS",                                             \
         .help = "stop the search then and say what is proven"},               \
    {                                                                          \
        .name = "score", .kind = PTA_OPTION_FLAG, .group = "Planner",          \
        .help = "price the plan with the planner's model; with --objective, "  \
                "say how far a --cut is from the best"                         \
    }

/** A plan with its cores, and what they cost on a cluster. */
typedef struct pta_priced {
    int32_t n;
    pta_core *cores; /* owned; [n] */
    pta_busy *loads; /* owned; [n] */
    pta_price price;
} pta_priced;

/** Prices a plan as `build` folds it, boards on the hosts in order. */
pta_status PTA_MUST_CHECK pta_priced_built(pta_ctx *ctx, const pta_graph *graph,
                                           pta_plan *plan, pta_cluster *cluster,
                                           int32_t batch, pta_priced *out);
void pta_priced_free(pta_ctx *ctx, pta_priced *priced);

/** True when --objective or --score asks for it. */
bool pta_planner_wanted(const pta_options *options);

/** Gives the plan, whose formats are chosen, the best stages (without --cut),
 * and prints price, proof and advice. PTA_ERR_RANGE with what is lacking if
 * nothing fits. */
pta_status PTA_MUST_CHECK pta_planner_run(pta_ctx *ctx,
                                          const pta_options *options,
                                          const pta_graph *graph,
                                          pta_weights *weights, pta_plan *plan);

#endif
