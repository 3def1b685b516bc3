/*
 * Candidates: single stages, seen apart from the plan they may become part of.
 *
 * The layers of a stage are copied into a graph of their own, with the tensors
 * that come from outside as inputs, and cut by the plan's own routines; so a
 * candidate needs and gives just what the stage of a whole plan does. Kept by
 * their place and cut, with their cores by kind of board.
 *
 * Layers that a cut stage carries are made by whoever takes them, and so belong
 * to later candidates: those name the carrying stages `before` them.
 */
#ifndef PTA_PARTITION_CANDIDATE_PRIV_H
#define PTA_PARTITION_CANDIDATE_PRIV_H

#include "partition/estimate.h"
#include "plan/plan.h"
#include "plan/region.h"

/** Part of a tensor (node of the whole graph) that a board takes or gives. */
typedef struct pta_piece_of {
    int32_t node;
    pta_region region;
    int32_t bytes; /* of an element */
    bool partial;  /* given as partial sums */
} pta_piece_of;

typedef struct pta_part {
    int32_t n_needs, n_gives;
    pta_piece_of *needs, *gives; /* owned */
    int64_t in_bytes, out_bytes; /* of DMA */
    pta_slice *slice;            /* owned; of the stage's own graph */
    int32_t twin; /* first part with the same steps, or itself: has the cores */
    pta_core *cores; /* owned; [n_kinds] */
    bool *known;     /* owned; [n_kinds] the core is the best there is */
    int64_t *floor;  /* owned; [n_kinds] cycles below which there is none */
    int64_t *unsure; /* owned; [n_kinds] the search was given up here */
} pta_part;

typedef struct pta_candidate pta_candidate;
struct pta_candidate {
    int32_t first, last, n_parts;
    pta_split split;
    int32_t *sizes; /* owned; [n_parts] */
    bool usable;    /* the split is possible */
    int32_t n_before;
    pta_candidate *
        *before;   /* owned; stages whose carried layers are made here */
    bool *carried; /* owned; [last - first + 1] leaves, and is given by none */
    pta_part *parts; /* owned; [n_parts] */
    int32_t n_sink;
    pta_piece_of *sink; /* owned; what the sink takes that begins here */
    pta_graph *graph;   /* owned; of the stage */
    pta_candidate *next;
};

/** Everything candidates are made from, and those there are. */
typedef struct pta_candidates {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_plan *plan; /* formats only */
    pta_estimator *estimator;
    int32_t n_kinds;
    const pta_budget *budgets; /* [n_kinds] */
    pta_aim aim;
    int32_t *last_use; /* owned; [n_nodes] last node that takes it */
    bool *is_output;   /* owned; [n_nodes] of the integer graph */
    int32_t *local;    /* owned; [n_nodes] scratch: index in a stage's graph */
    int32_t n_buckets, n;
    pta_candidate **buckets; /* owned */
} pta_candidates;

pta_status PTA_MUST_CHECK pta_candidates_init(pta_candidates *all);
void pta_candidates_free(pta_candidates *all);

/** A cut of a stage, with the carrying stages it depends on, in order. */
typedef struct pta_cut_key {
    int32_t first, last;
    pta_split split;
    int32_t n_parts;
    const int32_t *sizes;
    int32_t n_before;
    pta_candidate *const *before;
} pta_cut_key;

/** The candidate with this cut; made when asked for first. */
pta_status PTA_MUST_CHECK pta_candidate_get(pta_candidates *all,
                                            const pta_cut_key *key,
                                            pta_candidate **out);

/** A part as hardware on a kind of board. Borrowed. */
pta_status PTA_MUST_CHECK pta_candidate_core(pta_candidates *all,
                                             pta_candidate *c, int32_t part,
                                             int32_t kind,
                                             const pta_core **out);

/** Whether the part has a core with an interval of at most `cycles`: *core,
 * borrowed, when YES. MAYBE: the search was given up. */
pta_status PTA_MUST_CHECK pta_candidate_within(pta_candidates *all,
                                               pta_candidate *c, int32_t part,
                                               int32_t kind, int64_t cycles,
                                               pta_verdict *verdict,
                                               const pta_core **core);

/** How many units (outputs, rows, ...) the split divides, and of what multiple;
 * 0 units when the stage cannot be cut so. */
void pta_candidate_units(const pta_graph *graph, int32_t first, int32_t last,
                         pta_split split, int32_t *units, int32_t *step);

#endif
