/*
 * Measures the network between ranks: who shares a machine, how long a message
 * takes, how fast a stream is, what a message costs the CPU. Called by
 * `partita calibrate`, which writes the result into a cluster file.
 *
 * One pair talks at a time and the other ranks sleep, so that hosts that share
 * cores do not disturb each other.
 */
#ifndef PTA_RUNTIME_NETBENCH_H
#define PTA_RUNTIME_NETBENCH_H

#include <mpi.h>

#include "base/ctx.h"
#include "runtime/netfit.h"

#define PTA_NET_NAME 64

/** Where a rank runs. Hosts whose kernel booted once share its cores. */
typedef struct pta_net_host {
    char name[PTA_NET_NAME];
    char boot[PTA_NET_NAME]; /* "" where the system does not say */
    int32_t cores;           /* that this rank may use */
} pta_net_host;

/** From rank `from` to rank `to`; times in microseconds, sizes in bytes. */
typedef struct pta_net_pair {
    int32_t from, to;
    pta_line message; /* one way, half of a ping-pong */
    pta_gap stream;   /* from one message to the next */
    double burst;     /* bytes that pass before the rate holds; 0: none */
    pta_line send;    /* CPU time of the sender for one message */
    pta_line receive; /* ... of the receiver, for one that has arrived */
} pta_net_pair;

/** Collective on `comm`. hosts [size], the same on all ranks. */
pta_status PTA_MUST_CHECK pta_netbench_hosts(pta_ctx *ctx, MPI_Comm comm,
                                             pta_net_host *hosts);

/**
 * Collective on `comm`. Every time is the median of `rounds` (1 to 1000) and
 * more measurements. *pair is the same on all ranks.
 */
pta_status PTA_MUST_CHECK pta_netbench_pair(pta_ctx *ctx, MPI_Comm comm,
                                            int from, int to, int rounds,
                                            pta_net_pair *pair);

#endif
