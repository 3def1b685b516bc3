/*
 * What `run` and `check` tell: a text for people, JSON for programs. Fields and
 * their meaning: DESIGN section 8 and partita(1).
 */
#ifndef PTA_CLI_REPORT_H
#define PTA_CLI_REPORT_H

#include "cli/activity.h"
#include "cli/cli.h"
#include "cli/locate.h"
#include "cli/modelled.h"
#include "cli/score.h"
#include "cli/usage.h"
#include "runtime/run.h"

typedef struct pta_report {
    const char *plan_path, *data, *device;
    const char *mode;
    const pta_graph *graph;
    const pta_plan *plan;
    int ranks;
    pta_placement place;
    int32_t micro_batch, depth;
    int64_t samples;
    bool has_labels, has_bits, has_float, has_digest;
    int64_t right, float_right, argmax_differs, bit_exact;
    char digest[PTA_SHA256_HEX];
    pta_percentiles latency;
    double throughput;            /* samples per second */
    pta_stage_clock *clocks;      /* owned by the caller; [n_boards] */
    pta_usage *usage;             /* owned by the caller; [ranks] */
    pta_modelled modelled;        /* owned by the caller */
    const pta_activity *activity; /* borrowed; NULL: no reference was run */
    bool has_difference;
    pta_difference difference;
} pta_report;

json_t *pta_report_json(const pta_report *report);
pta_status PTA_MUST_CHECK pta_report_print(pta_ctx *ctx,
                                           const pta_report *report,
                                           FILE *file);

#endif
