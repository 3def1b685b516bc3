/*
 * A region: which elements of one tensor a board holds or needs.
 *
 * A region is a box over a view of the tensor: rows [h0, h1), all of the
 * width, channels [c0, c1). Because Flatten and Reshape keep the flat C-order,
 * a region may be a box over an *ancestor's* view: the flattened channels
 * 16..31 of a [5, 5, 64] image are the box c 16..32 over [5, 5, 64], not a range of
 * the vector of 1,600. As a set of flat indices it is always the strided
 * pattern of pta_runs. A board stores the elements of a region in ascending
 * flat order, without gaps.
 */
#ifndef PTA_PLAN_REGION_H
#define PTA_PLAN_REGION_H

#include "ir/graph.h"

typedef struct pta_region {
    pta_view view; /* of this tensor or of an ancestor with the same flat order */
    int32_t h0, h1;
    int32_t c0, c1;
} pta_region;

/** `count` runs of `length` elements, the first at `start`, `stride` apart. */
typedef struct pta_runs {
    int64_t start, length, stride, count;
} pta_runs;

pta_region pta_region_whole(pta_view view);
int64_t pta_region_count(const pta_region *region);
bool pta_region_is_whole(const pta_region *region);
bool pta_region_equal(const pta_region *a, const pta_region *b); /* same flat set */
pta_runs pta_region_runs(const pta_region *region);

/** Smallest box over `view` (same element count) that contains the region;
 * `exact` (may be NULL) says whether it is the same set. */
pta_region pta_region_box(const pta_region *region, pta_view view, bool *exact);

/** Smallest box over a's view that contains both. */
pta_region pta_region_join(const pta_region *a, const pta_region *b);

/**
 * A copy between two local buffers: elements that a sender's region and a
 * receiver's region share, as runs in each one's local order.
 */
typedef struct pta_copy_run {
    int32_t src, dst, length; /* elements */
} pta_copy_run;

typedef struct pta_copy {
    int32_t n_runs;
    pta_copy_run *runs; /* owned */
    int64_t n_elements;
} pta_copy;

/**
 * The one routine that works out who sends what to whom: what of `src` (as
 * stored by its holder) goes where in `dst` (as stored by its holder). Empty
 * when they share nothing. Runs are as long as can be.
 */
pta_status PTA_MUST_CHECK pta_region_copy(pta_ctx *ctx, const pta_region *src,
                                          const pta_region *dst, pta_copy *out);
void pta_copy_free(pta_ctx *ctx, pta_copy *copy);

#endif
