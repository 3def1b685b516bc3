/*
 * A scaling study: figures of one network on several numbers of boards, and how
 * they are written: a table, CSV, JSON, a page.
 */
#ifndef PTA_CLI_STUDY_H
#define PTA_CLI_STUDY_H

#include "cli/timeline.h"

/** Figures that are not modelled; p50 0: there are none. */
typedef struct pta_figures {
    double p50, p95, p99; /* us, latency mode */
    double throughput;    /* per second, throughput mode */
} pta_figures;

/** A stage of the plan, in throughput mode: of its busiest board, the part of
 * the run that each kind takes. */
typedef struct pta_stage_shares {
    char *layers; /* owned; names */
    int32_t boards, busiest;
    double share[PTA_V_KINDS];
} pta_stage_shares;

/** One number of boards, one link rate, one micro-batch. */
typedef struct pta_point {
    int32_t boards; /* asked for */
    int32_t used;   /* boards of all copies */
    int32_t stages; /* of the plan */
    double rate;    /* of the links, Mbit/s; 0: as the cluster file says */
    int64_t macs, weight_bytes;
    pta_modelled latency;     /* owned; one sample in flight */
    pta_modelled stream;      /* owned; the pipe kept full */
    pta_timeline line;        /* owned; of stream */
    pta_stage_shares *shares; /* owned; [stages] */
    pta_figures host;         /* of a real run on this machine */
    pta_figures simulated;
    double efficiency; /* stream throughput per board, of the fewest boards' */
    /* Latency in us were messages free; were computing and DMA free: */
    double floor_boards, floor_network;
    /* Samples a second that each resource alone would allow: */
    double ceiling_compute, ceiling_arm, ceiling_port;
    /* Bytes of weights above which the boards beat one that streams them from
     * its DDR for every sample: */
    double ddr_latency_bytes, ddr_stream_bytes;
} pta_point;

/** A figure of a real run beside what modelled time had said of it. */
typedef struct pta_prediction {
    bool is_latency; /* us; else samples a second */
    bool waits;      /* stages slept (run --compute wait) */
    double measured, predicted;
} pta_prediction;

#define PTA_PREDICTIONS 64

typedef struct pta_study {
    const char *file, *cluster;
    bool is_model;      /* planned anew for each number of boards */
    int32_t most;       /* ... up to so many; more run copies; 0: no bound */
    double ddr_rate;    /* bytes per second of a board's HP port */
    double chip_bytes;  /* block RAM that a board's designs may take */
    int32_t n, n_kinds; /* points; rates x micro-batches of each number */
    pta_point *points;  /* owned; by boards, then rate, then micro-batch */
    int32_t n_predictions;
    pta_prediction predictions[PTA_PREDICTIONS];
} pta_study;

/** Latency, its floors, the stream, its time line and the stages of a point whose
 * `boards` and `rate` are set; copies of the plan on all boards. Micro-batch and
 * depth 0: as a run chooses (study_model.c). */
pta_status PTA_MUST_CHECK pta_study_model(pta_ctx *ctx,
                                          const pta_fabric *fabric,
                                          const pta_loaded *loaded,
                                          const pta_vplan *plan,
                                          int32_t micro_batch, int32_t depth,
                                          pta_point *point);

/** Rows of bench/lab/predict.py that are not unsteady (study_runs.c). */
pta_status PTA_MUST_CHECK pta_study_predictions(pta_ctx *ctx, const char *path,
                                                pta_study *study);

/** Efficiency, ceilings, shares and bytes, once the runs are in. */
void pta_study_finish(pta_study *study);

/** The resource that limits a point's throughput. */
const char *pta_point_limit(const pta_point *point);

/** Room for "1000 Mbit/s, micro-batch 64": what tells a point from others of as
 * many boards; only what varies in the study, "" if nothing does. */
#define PTA_POINT_TEXT 64
const char *pta_point_kind(const pta_study *study, const pta_point *point,
                           char text[PTA_POINT_TEXT]);

pta_status PTA_MUST_CHECK pta_study_print(pta_ctx *ctx, const pta_study *study,
                                          FILE *file);
json_t *pta_study_json(const pta_study *study);
pta_status PTA_MUST_CHECK pta_study_csv(pta_ctx *ctx, const pta_study *study,
                                        const char *path);

/** One self-contained page with plots as SVG (study_page.c). */
pta_status PTA_MUST_CHECK pta_study_page(pta_ctx *ctx, const pta_study *study,
                                         const char *path);

#endif
