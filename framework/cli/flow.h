/*
 * Micro-batch and depth from a cluster file: the smallest that the model of
 * runtime/vtime.h says carry as much as any, and twice that in flight. Called by
 * `partita run` on rank 0.
 */
#ifndef PTA_CLI_FLOW_H
#define PTA_CLI_FLOW_H

#include "cli/modelled.h"

/** What the user fixed and asks for. */
typedef struct pta_flow_wish {
    int32_t copies;
    int32_t micro_batch, depth; /* 0: to be chosen */
    double at_most_us;          /* p95 of latency, queueing included; 0: any */
    bool on_hosts; /* the CPUs of the hosts compute, not accelerators */
} pta_flow_wish;

typedef struct pta_flow {
    int32_t micro_batch, depth;
    double throughput, p95_us; /* as modelled */
} pta_flow;

/**
 * Throughput mode. PTA_ERR_RANGE if no choice stays within at_most_us: the
 * message says what the least is. Compute time of hosts is not known before a
 * run and taken as MACs / 2 in nanoseconds.
 */
pta_status PTA_MUST_CHECK pta_flow_choose(pta_ctx *ctx,
                                          const pta_fabric *fabric,
                                          const pta_vplan *plan,
                                          const pta_flow_wish *wish,
                                          pta_flow *out);

#endif
