/*
 * A cluster as a SimGrid platform: a host for every rank, a link each way for
 * its port, switches as a tree.
 *
 * A switch has `ports` ports; those above the first level give one of them, the
 * last, to the switch above. Latency and rate of a host's link are those of its
 * port in the cluster file. A measured pair of hosts on one switch has its own
 * latency, and its own rate if that is below the ports'; pairs that span switches
 * are not used (pta_platform_spanning counts them).
 */
#ifndef PTA_CLI_PLATFORM_H
#define PTA_CLI_PLATFORM_H

#include <stdio.h>

#include "cli/modelled.h"

typedef struct pta_tree {
    int32_t ports;          /* of a switch; 3 or more */
    double uplink_per_byte; /* ns, between switches */
    double hop;             /* ns, of each switch but the first */
} pta_tree;

/** Switches of the lowest level for so many hosts. */
int32_t pta_tree_leaves(const pta_tree *tree, int32_t n_hosts);

/** Levels of switches; 1: one switch. */
int32_t pta_tree_levels(const pta_tree *tree, int32_t n_hosts);

/** Measured pairs among the first `n_hosts` whose hosts are on two switches. */
int32_t pta_platform_spanning(const pta_vcluster *cluster, int32_t n_hosts,
                              const pta_tree *tree);

/** Bytes of a whole run, headers included, over that link between switches which
 * carries most; 0 for one switch. */
pta_status PTA_MUST_CHECK pta_uplink_bytes(pta_ctx *ctx, const pta_tree *tree,
                                           int32_t n_hosts,
                                           const pta_vplan *plan,
                                           const pta_vflow *flow,
                                           double *bytes);

/** The platform's XML, hosts named h0, h1, ... */
void pta_platform_print(const pta_vcluster *cluster, int32_t n_hosts,
                        const pta_tree *tree, FILE *file);

#endif
