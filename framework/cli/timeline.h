/*
 * A time line in the Chrome trace format, for Perfetto (ui.perfetto.dev) or
 * chrome://tracing: what each rank did in host time, and each board in modelled
 * time, as processes of their own.
 */
#ifndef PTA_CLI_TIMELINE_H
#define PTA_CLI_TIMELINE_H

#include "cli/modelled.h"
#include "runtime/trace.h"

/** Spans of modelled time, collected; observe with pta_timeline_observe. */
typedef struct pta_timeline {
    int64_t n, room, dropped;
    pta_vspan *spans; /* owned */
} pta_timeline;

pta_status PTA_MUST_CHECK pta_timeline_open(pta_ctx *ctx, int64_t room,
                                            pta_timeline *out);
void pta_timeline_close(pta_ctx *ctx, pta_timeline *timeline);

/** A pta_vobserve; state is the pta_timeline. */
void pta_timeline_observe(void *state, const pta_vspan *span);

/** The trace file; either may be empty. Both begin at 0. `clock` says what the
 * first one is, as "host time". */
json_t *pta_timeline_json(const pta_trace *trace, const char *clock,
                          const pta_timeline *modelled);

#endif
