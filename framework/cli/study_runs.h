/*
 * Points of a study that are not modelled: the same plan run on this machine, or
 * on simulated boards, by calling this command again.
 */
#ifndef PTA_CLI_STUDY_RUNS_H
#define PTA_CLI_STUDY_RUNS_H

#include "cli/study.h"

/** What all runs of a study share; borrowed. */
typedef struct pta_study_runs {
    pta_ctx *ctx;
    const char *folder, *log; /* for temporary files */
    const char *plan, *cluster, *wire;
    int64_t limit; /* samples of a run on this machine */
} pta_study_runs;

/** Latency, then throughput mode, through partita-run with a rank per board. */
pta_status PTA_MUST_CHECK pta_study_host(const pta_study_runs *runs,
                                         pta_point *point);

/** The same through partita simulate. */
pta_status PTA_MUST_CHECK pta_study_simulate(const pta_study_runs *runs,
                                             pta_point *point);

#endif
