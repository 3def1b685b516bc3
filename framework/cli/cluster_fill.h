/*
 * What was measured between ranks (runtime/netbench.h), as a cluster file has
 * it (partition/cluster.h). Called by `partita calibrate`.
 */
#ifndef PTA_CLI_CLUSTER_FILL_H
#define PTA_CLI_CLUSTER_FILL_H

#include "partition/cluster.h"
#include "runtime/netbench.h"

/**
 * Overwrites names, machines, message and port costs of `cluster`'s n hosts and
 * all n (n - 1) pairs; boards, DMA and join costs stay. A host's costs are
 * medians over its pairs, its rate the best of them. Ranks on one host are told
 * apart as NAME#RANK. PTA_ERR_MISMATCH if the cluster has another number of
 * hosts.
 */
pta_status PTA_MUST_CHECK pta_cluster_fill(pta_ctx *ctx, pta_cluster *cluster,
                                           int32_t n, const pta_net_host *hosts,
                                           const pta_net_pair *pairs,
                                           int32_t n_pairs);

#endif
