/*
 * What each rank used of its machine: memory, reads of the model file, CPU time.
 */
#ifndef PTA_CLI_USAGE_H
#define PTA_CLI_USAGE_H

#include <mpi.h>

#include "base/ctx.h"

typedef struct pta_usage {
    int64_t peak_rss_bytes;   /* of the process so far (getrusage) */
    int64_t model_bytes_read; /* weights read from the model file */
    int64_t stream_cpu_ns;    /* user and system time between first and last
                                 sample, waiting included where it spins */
} pta_usage;

/** CPU time of this process so far. Local. */
int64_t pta_usage_cpu_ns(void);

/** Collective on `comm`. On rank 0 `all` [size] receives every rank's figures;
 * NULL elsewhere. */
pta_status PTA_MUST_CHECK pta_usage_gather(pta_ctx *ctx, MPI_Comm comm,
                                           uint64_t model_bytes_read,
                                           int64_t stream_cpu_ns,
                                           pta_usage *all);

#endif
