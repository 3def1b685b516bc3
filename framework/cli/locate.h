/*
 * Finds where a run first leaves the reference: layer, board, element.
 *
 * The sample is run again on one process: the reference keeps all its tensors,
 * and every board's slice is executed step by step, with the same device and
 * the inputs that the wires bring, and compared with them.
 */
#ifndef PTA_CLI_LOCATE_H
#define PTA_CLI_LOCATE_H

#include "cli/feed.h"
#include "runtime/device.h"

#define PTA_DIFFERENCE_TEXT 512

typedef struct pta_difference {
    int64_t sample;
    int32_t node;    /* -1: the slices agree; the difference came on the way */
    int32_t board;   /* PTA_BOARD_SINK: found when joining at the sink */
    int64_t element; /* of the node's tensor, flat C-order */
    int64_t expected, got; /* raw */
    bool joined; /* found in the sum of several boards' partial sums, `board`
                    being the first of them */
} pta_difference;

/** Local. `device` as given to run, among the host's and `devices` (NULL: no
 * more). */
pta_status PTA_MUST_CHECK pta_locate(pta_ctx *ctx, const pta_graph *graph,
                                     const pta_plan *plan, pta_weights *weights,
                                     pta_feed *feed,
                                     const pta_device_ops *const *devices,
                                     const char *device, int64_t sample,
                                     pta_difference *out);

/** "sample 3: layer fc1, board 2, element [17]: expected -4, got -5". */
void pta_difference_print(const pta_graph *graph, const pta_difference *d,
                          char text[PTA_DIFFERENCE_TEXT]);

#endif
