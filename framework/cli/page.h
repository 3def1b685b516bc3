/*
 * show --html: a plan as one page that needs nothing else.
 */
#ifndef PTA_CLI_PAGE_H
#define PTA_CLI_PAGE_H

#include "cli/planner.h"

/** Writes the page: cuts, load of each board, the way of a few samples, and
 * the best plans on fewer boards. All figures modelled. */
pta_status PTA_MUST_CHECK pta_page_write(pta_ctx *ctx, const char *path,
                                         const pta_graph *graph, pta_plan *plan,
                                         pta_cluster *cluster);

#endif
