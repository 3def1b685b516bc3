/*
 * Geometry: which elements of a layer's inputs make which elements of its
 * output. The one place that knows how each kind of layer reaches; layouts and
 * slices ask here and know no layer by name.
 */
#ifndef PTA_PLAN_GEOMETRY_PRIV_H
#define PTA_PLAN_GEOMETRY_PRIV_H

#include "plan/region.h"

/** True for layers that work element by element on the flat order, whatever
 * the view: activations, merges of equal shapes, reshape. */
bool pta_node_flat(const pta_node *node);

/** What a step of `node` makes to give `need`: the smallest region it can. A
 * flat layer makes any region; others make boxes over their own view. */
pta_region pta_reach_out(const pta_graph *graph, int32_t node,
                         const pta_region *need);

/** What of input k a step takes to make `out` (of pta_reach_out). A layer that
 * sums over its inputs takes all channels. */
pta_region pta_reach_in(const pta_graph *graph, int32_t node, int32_t k,
                        const pta_region *out);

/** The layer's window for `out`: padding only where the band of rows meets the
 * border of the image. */
pta_window pta_reach_window(const pta_graph *graph, int32_t node,
                            const pta_region *out);

/** What `node` can make of `in`, a region of its input k, with nothing needed
 * from outside it and nothing of it left over; false if there is no such. */
bool pta_reach_forward(const pta_graph *graph, int32_t node, int32_t k,
                       const pta_region *in, pta_region *out);

#endif
