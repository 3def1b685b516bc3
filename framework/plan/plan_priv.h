/* Shared by the files that make and check plans. */
#ifndef PTA_PLAN_PLAN_PRIV_H
#define PTA_PLAN_PLAN_PRIV_H

#include "plan/plan.h"

void pta_stages_free(pta_ctx *ctx, pta_stage *stages, int32_t n_stages);

/** Stage `s` of `plan` from a text "neuron" and its sizes or, with sizes NULL,
 * a number of parts to balance. Stage borders are set. */
pta_status PTA_MUST_CHECK pta_stage_split(pta_ctx *ctx, const pta_graph *graph,
                                          pta_plan *plan, int32_t s,
                                          pta_split split, int32_t n_parts,
                                          const int32_t *sizes);

/** The split of a name; false if there is none of that name. */
bool pta_split_find(const char *name, size_t length, pta_split *out);

/** Node at which a stage may begin: refuses unknown layers and names that are
 * merged into another. `where` begins the message. */
pta_status PTA_MUST_CHECK pta_stage_start(pta_ctx *ctx, const pta_graph *graph,
                                          const char *where, const char *name,
                                          int32_t *node);

/** Fraction bits of a node's accumulator, which follow from the formats. */
int32_t pta_acc_frac(const pta_graph *graph, const pta_node_format *formats,
                     int32_t node);

/** True for a format that a plan states: layers that keep their input's, and a
 * final Softmax, have no entry. */
bool pta_node_states_format(const pta_graph *graph, int32_t node);

/** True for nodes with a weight format: weighted layers, RELU's alpha. */
bool pta_node_has_weight_format(const pta_node *node);

#endif
