/*
 * The plan: which board runs which slice of which layer, and in what formats.
 *
 * A plan is a JSON text a person can read and write (docs/plan-file.md). It
 * names layers; this header is the same thing resolved against its graph.
 * Stages are runs of nodes in topological order; boards are logical and
 * numbered stage by stage, part by part.
 */
#ifndef PTA_PLAN_PLAN_H
#define PTA_PLAN_PLAN_H

#include "base/hash.h"
#include "ir/format.h"
#include "ir/graph.h"
#include "ir/node_format.h"
#include "ir/weights.h"
#include "plan/fold.h"

#define PTA_PLAN_VERSION   1
#define PTA_PROFILE_EXACT  "exact"
#define PTA_PROFILE_HLS4ML "hls4ml"

typedef enum pta_split {
    PTA_SPLIT_WHOLE,
    PTA_SPLIT_NEURON,   /* DENSE: outputs */
    PTA_SPLIT_CHANNEL,  /* CONV, DWCONV: output channels */
    PTA_SPLIT_INPUT,    /* DENSE: inputs; partial sums leave */
    PTA_SPLIT_INCHANNEL, /* CONV: input channels; partial sums leave */
    PTA_SPLIT_ROWS,     /* convolutions and poolings: bands of rows */
    PTA_SPLIT_PAIRED    /* outputs of the first weighted layer, inputs of the
                           second, on the same boards */
} pta_split;

const char *pta_split_name(pta_split split); /* "whole", "neuron", ... */

typedef struct pta_stage {
    int32_t first, last; /* nodes [first, last], topological order */
    pta_split split;
    int32_t n_parts;
    int32_t *sizes;      /* owned; [n_parts], outputs, inputs, channels or rows;
                            a whole stage has one part of size 1 */
    int32_t first_board;
    pta_engine engine; /* for hardware; streaming unless the plan says else */
} pta_stage;

/** Where the ranges of the formats came from. */
typedef struct pta_calibration {
    char *set, *split; /* owned; "mnist", "train"; or the ranges file's */
    int64_t rows;
    char digest[PTA_SHA256_HEX]; /* of the rows; "" if unknown */
} pta_calibration;

typedef struct pta_plan {
    char *model;            /* owned; path as the user gave it */
    char model_digest[PTA_SHA256_HEX]; /* pta_model_digest: structure */
    char *profile;          /* owned; "exact" or "hls4ml" */
    int32_t bits;           /* as asked for; 0 when per layer */
    pta_calibration calibration;
    int32_t n_nodes;
    pta_node_format *formats; /* owned; [n_nodes] */
    pta_fold *folds; /* owned; [n_nodes], for hardware; pe 0: not chosen; NULL:
                        none is */
    int32_t n_stages;
    pta_stage *stages;      /* owned */
    int32_t n_boards;
    char (*slice_digests)[PTA_SHA256_HEX]; /* owned; [n_boards], "" if unset */
} pta_plan;

/** A plan of one whole stage, formats and names still to be filled in (a format
 * of width 0 is not chosen yet; pta_plan_validate passes it over). */
pta_status PTA_MUST_CHECK pta_plan_create(pta_ctx *ctx, const pta_graph *graph,
                                          pta_plan **out);
void pta_plan_destroy(pta_ctx *ctx, pta_plan **plan);

/** Reads plan text and resolves it against `graph`; `path` only names it in
 * messages, which give the line of a syntax error and the key otherwise. */
pta_status PTA_MUST_CHECK pta_plan_parse(pta_ctx *ctx, const char *text,
                                         const char *path,
                                         const pta_graph *graph,
                                         pta_plan **out);

/** True for the profile "hls4ml"; its graph must be in plain form (ir/graph.h)
 * and its formats[].hls4ml are used. */
bool pta_plan_is_hls4ml(const pta_plan *plan);

/** Gives the plan that profile with hls4ml's own defaults (granularity "model"):
 * `model` for every tensor, weight and accumulator, fixed<18,8> tables of 1024
 * entries. */
pta_status PTA_MUST_CHECK pta_plan_set_hls4ml(pta_ctx *ctx,
                                              const pta_graph *graph,
                                              pta_format model, pta_plan *plan);

/** Whether a plan text has the profile "hls4ml", so that the model can be opened
 * in the right form. */
pta_status PTA_MUST_CHECK pta_plan_parse_is_hls4ml(pta_ctx *ctx,
                                                   const char *text,
                                                   const char *path,
                                                   bool *is_hls4ml);

/** True for layers with multipliers, which can have a folding. */
bool pta_node_folds(const pta_node *node);

const char *pta_engine_name(pta_engine engine); /* "streaming", "reused" */

/** Only the "model" key of a plan text, so that the model can be opened. */
pta_status PTA_MUST_CHECK pta_plan_parse_model(pta_ctx *ctx, const char *text,
                                               const char *path, char **model);

/** The plan as text; the same plan gives the same bytes. */
pta_status PTA_MUST_CHECK pta_plan_print(pta_ctx *ctx, const pta_plan *plan,
                                         const pta_graph *graph, char **text);

/** SHA-256 of pta_plan_print's text. */
pta_status PTA_MUST_CHECK pta_plan_digest(pta_ctx *ctx, const pta_plan *plan,
                                          const pta_graph *graph,
                                          char hex[PTA_SHA256_HEX]);

/** Checks stages, cuts and formats against the graph; names stage and layer.
 * Called by pta_plan_parse and after pta_cut_apply. */
pta_status PTA_MUST_CHECK pta_plan_validate(pta_ctx *ctx, const pta_plan *plan,
                                            const pta_graph *graph);

/** Stage of a board, and its part within the stage. */
int32_t pta_plan_stage_of(const pta_plan *plan, int32_t board, int32_t *part);

/** Gives the plan other stages (taken over on success, with their sizes):
 * numbers boards, clears the slice digests. Validate afterwards. */
pta_status PTA_MUST_CHECK pta_plan_set_stages(pta_ctx *ctx, pta_plan *plan,
                                              pta_stage *stages,
                                              int32_t n_stages);

/** Folding that the plan gives a node; pe 0: none chosen. */
static inline pta_fold pta_plan_fold(const pta_plan *plan, int32_t node)
{
    return plan->folds != NULL ? plan->folds[node] : (pta_fold){0};
}

/** Replaces the plan's stages by those of a --cut text such as
 * "fc1=neuron:4,output" or "conv1=rows:3/4/4,fc1" and validates; on failure the
 * plan is as before. Slice digests are cleared. See docs/plan-file.md. */
pta_status PTA_MUST_CHECK pta_cut_apply(pta_ctx *ctx, const char *cut,
                                        const pta_graph *graph, pta_plan *plan);

#endif
