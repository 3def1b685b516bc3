/*
 * A scaling study: figures of one network on several numbers of boards, and how
 * they are written: a table, CSV, JSON, a page.
 */
#ifndef PTA_CLI_STUDY_H
#define PTA_CLI_STUDY_H

#include "cli/timeline.h"

/** Figures of a real run on this machine; p50 0: not run. */
typedef struct pta_host_figures {
    double p50, p95, p99; /* us, latency mode */
    double throughput;    /* per second, throughput mode */
} pta_host_figures;

/** One number of boards and one micro-batch. */
typedef struct pta_point {
    int32_t boards; /* asked for */
    int32_t used;   /* boards of all copies */
    int32_t stages; /* of the plan */
    int64_t macs;
    pta_modelled latency; /* owned; one sample in flight */
    pta_modelled stream;  /* owned; the pipe kept full */
    pta_timeline line;    /* owned; of stream */
    pta_host_figures host;
    double efficiency; /* stream throughput per board, of the fewest boards' */
    /* Samples a second that each resource alone would allow: */
    double floor_compute, floor_arm, floor_port;
    /* Bytes of weights above which the boards beat one that streams them from
     * its DDR for every sample: */
    double ddr_latency_bytes, ddr_stream_bytes;
} pta_point;

typedef struct pta_study {
    const char *file, *cluster;
    bool is_model;        /* planned anew for each number of boards */
    double ddr_rate;      /* bytes per second of a board's HP port */
    double chip_bytes;    /* block RAM that a board's designs may take */
    int32_t n, n_batches; /* points; micro-batches of each number of boards */
    pta_point *points;    /* owned; by boards, then micro-batch */
} pta_study;

/** Efficiency, floors and bytes, once the runs are in. */
void pta_study_finish(pta_study *study);

pta_status PTA_MUST_CHECK pta_study_print(pta_ctx *ctx, const pta_study *study,
                                          FILE *file);
json_t *pta_study_json(const pta_study *study);
pta_status PTA_MUST_CHECK pta_study_csv(pta_ctx *ctx, const pta_study *study,
                                        const char *path);

/** One self-contained page with plots as SVG (study_page.c). */
pta_status PTA_MUST_CHECK pta_study_page(pta_ctx *ctx, const pta_study *study,
                                         const char *path);

#endif
