/*
 * Modelled time for the verbs: a cluster file as hosts of runtime/vtime.h, a
 * run on them, and what is told of it, always beside host time and never mixed
 * with it.
 */
#ifndef PTA_CLI_MODELLED_H
#define PTA_CLI_MODELLED_H

#include "cli/cli.h"
#include "partition/cluster.h"
#include "runtime/vtime.h"

/** A cluster as modelled time sees it. */
typedef struct pta_fabric {
    char *name;           /* owned; of the cluster */
    pta_vcluster cluster; /* of the arrays below */
    pta_vhost *hosts;     /* owned */
    int32_t *cores;       /* owned */
    pta_vpair *pairs;     /* owned */
    pta_budget budget;    /* of the first host's board */
} pta_fabric;

/** Reads the cluster file `path`; "pynq" means `n_hosts` PYNQ-Z2 with the
 * defaults. PTA_ERR_USAGE if the file has fewer than n_hosts hosts. */
pta_status PTA_MUST_CHECK pta_fabric_open(pta_ctx *ctx, const char *path,
                                          int32_t n_hosts, pta_fabric *out);
void pta_fabric_close(pta_ctx *ctx, pta_fabric *fabric);

/** Reads `path`, or makes `n_hosts` PYNQ-Z2 for "pynq". */
pta_status PTA_MUST_CHECK pta_cluster_open(pta_ctx *ctx, const char *path,
                                           int32_t n_hosts, pta_cluster **out);

/** Micro-batch and depth as the runner would choose them (runner_build.c) with a
 * rank for each board; both 0: by mode. */
pta_vflow pta_modelled_flow(const pta_vplan *plan, int32_t copies, bool latency,
                            int32_t micro_batch, int32_t depth,
                            int64_t n_samples);

/** What is told of a modelled run. */
typedef struct pta_modelled {
    bool known; /* false: null everywhere */
    const char *cluster;
    pta_vflow flow;
    int32_t n_boards;
    pta_cycles_source source;
    double p50, p95, p99, max; /* us */
    double throughput;
    pta_vstage *stages; /* owned; [n_boards], of copy 0 */
    uint64_t elapsed;
} pta_modelled;

pta_status PTA_MUST_CHECK pta_modelled_run(pta_ctx *ctx,
                                           const pta_fabric *fabric,
                                           const pta_vplan *plan,
                                           const pta_vflow *flow,
                                           pta_vobserve observe, void *state,
                                           pta_modelled *out);
void pta_modelled_free(pta_ctx *ctx, pta_modelled *modelled);

/** {latency_us, throughput_per_s, ...}; both null if not known. */
json_t *pta_modelled_json(const pta_modelled *modelled);

/** Of board b: {compute_us, bus_us, wire_us, wait_us} a sample, or null. */
json_t *pta_modelled_stage_json(const pta_modelled *modelled, int32_t board);

/** Two lines of text; nothing if not known. */
void pta_modelled_print(const pta_modelled *modelled, FILE *file);

#endif
