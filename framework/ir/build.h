/*
 * Builds graphs: nodes are copied in, one after the other, each after its
 * inputs. The model reader and tests use it; everybody else gets a finished
 * graph.
 */
#ifndef PTA_IR_BUILD_H
#define PTA_IR_BUILD_H

#include "ir/graph.h"

/** An empty graph called `name`. */
pta_status PTA_MUST_CHECK pta_graph_create(pta_ctx *ctx, const char *name,
                                           pta_graph **out);

/** A node of `op` with neutral values: no inputs, a 1x1 window, no activation,
 * no weights (-1), act_max infinite. */
pta_node pta_node_make(pta_op op);

/**
 * Appends a copy of `node` (name, in, merged are duplicated; shape and view
 * must be set) and gives its index. A node of op INPUT also becomes the next
 * model input.
 */
pta_status PTA_MUST_CHECK pta_graph_add(pta_ctx *ctx, pta_graph *graph,
                                        const pta_node *node, int32_t *index);

/** Makes `node` the next model output. */
pta_status PTA_MUST_CHECK pta_graph_add_output(pta_ctx *ctx, pta_graph *graph,
                                               int32_t node);

/** Adds `name` to the names merged into a node. */
pta_status PTA_MUST_CHECK pta_node_add_merged(pta_ctx *ctx, pta_node *node,
                                              const char *name);

/**
 * Removes nodes: alias[i] == i keeps node i (if an output needs it, or it is an
 * input); otherwise its consumers now read alias[i], which is below i and kept.
 * Indices are renumbered.
 */
pta_status PTA_MUST_CHECK pta_graph_compact(pta_ctx *ctx, pta_graph *graph,
                                            const int32_t *alias);

/* ---- shapes ---- */

#define PTA_SHAPE_TEXT 96
/** "[32, 32, 3]". */
void pta_shape_print(const pta_shape *shape, char text[PTA_SHAPE_TEXT]);

bool pta_shape_equal(const pta_shape *a, const pta_shape *b);

/** Elements; -1 if a dimension is below 1 or the product passes 2^31 - 1. */
int64_t pta_shape_count(const pta_shape *shape);

/** The view of a shape: [1, 1, n], [steps, 1, c], [h, w, c]; of more axes
 * [all but two, last but one, last]. The count must have been checked. */
pta_view pta_shape_view(const pta_shape *shape);

/** Sets the pads of "same" padding for an input of h x w cells. */
void pta_window_same(pta_window *window, int32_t h, int32_t w);

/** Output cells along an axis of n input cells; 0 or less: none fits. */
int64_t pta_window_out(int32_t n, int32_t kernel, int32_t stride,
                       int32_t dilation, int32_t pads);

#endif
