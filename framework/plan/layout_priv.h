/*
 * The layout of a plan: how each tensor lies over the boards, worked out once
 * from graph and stages. Slices take their outputs from it and refusals of
 * impossible cuts come from it.
 */
#ifndef PTA_PLAN_LAYOUT_PRIV_H
#define PTA_PLAN_LAYOUT_PRIV_H

#include "plan/plan.h"
#include "plan/region.h"

typedef enum pta_hold {
    PTA_HOLD_SOURCE,  /* a model input: the source has it whole */
    PTA_HOLD_WHOLE,   /* every board of the stage that needs it makes what it
                         needs; part 0 gives it to others */
    PTA_HOLD_PARTS,   /* part p has region(node, p); together all of it, once */
    PTA_HOLD_PARTIAL, /* every part has partial sums of all of it, made from
                         region(node, p) of its input */
    PTA_HOLD_CARRIED  /* nobody: whoever needs it makes it from its inputs */
} pta_hold;

typedef struct pta_layout {
    int32_t n_nodes, max_parts;
    int32_t *stage;     /* owned; [n_nodes] */
    pta_hold *hold;     /* owned; [n_nodes] */
    bool *leaves;       /* owned; [n_nodes]: needed outside its stage */
    pta_region *region; /* owned; [n_nodes][max_parts] */
} pta_layout;

/** Refuses, naming stage and layer, whatever cannot be cut as the plan says.
 * The stages themselves are in order (pta_plan_validate). */
pta_status PTA_MUST_CHECK pta_layout_build(pta_ctx *ctx, const pta_graph *graph,
                                           const pta_plan *plan,
                                           pta_layout *out);
void pta_layout_free(pta_ctx *ctx, pta_layout *layout);

static inline pta_region *pta_layout_region(const pta_layout *layout,
                                            int32_t node, int32_t part)
{
    return &layout->region[(int64_t)node * layout->max_parts + part];
}

/**
 * What the stage's sizes divide: `total` units, of which each part takes a
 * positive multiple of `step` (the multiplier of a depthwise layer, else 1).
 * `node` is the layer they are counted on, `noun` what they are ("outputs").
 * Refuses stages that do not hold the layers that their split asks for.
 */
typedef struct pta_divided {
    int32_t node, total, step;
    const char *noun;
} pta_divided;

pta_status PTA_MUST_CHECK pta_stage_divided(pta_ctx *ctx,
                                            const pta_graph *graph,
                                            const pta_plan *plan, int32_t stage,
                                            pta_divided *out);

/** The layer that names a stage in plan files and messages. */
int32_t pta_stage_named(const pta_graph *graph, const pta_stage *stage);

/** First layer in [from, last] that can be split in parts (dense or
 * convolution); -1 if there is none. */
int32_t pta_stage_weighted(const pta_graph *graph, const pta_stage *stage,
                           int32_t from);

/** The node whose view counts the rows of tensor `node` in a stage of rows: a
 * flattened image goes by the rows of the image. */
int32_t pta_stage_image(const pta_graph *graph, const pta_stage *stage,
                        int32_t node);

/** pta_fail with "stage 2 ('conv1', rows): " in front. */
pta_status pta_stage_fail(pta_ctx *ctx, const pta_graph *graph,
                          const pta_plan *plan, int32_t stage,
                          pta_status status, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
