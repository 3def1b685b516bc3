/*
 * MPI return codes become statuses here; tags live here too.
 *
 * A failed MPI call is PTA_ERR_MPI and leaves MPI undefined: no agreement
 * follows, cli/ calls MPI_Abort.
 */
#ifndef PTA_RUNTIME_MPI_CHECK_H
#define PTA_RUNTIME_MPI_CHECK_H

#include <mpi.h>

#include "base/ctx.h"

/** Every tag of the runtime. Between two ranks a wire has its own tag. */
enum {
    PTA_TAG_SLICE = 1,     /* weights for a rank that cannot open the model */
    PTA_TAG_CLOCK = 2,     /* a board's clocks, to rank 0 */
    PTA_TAG_NET = 3,       /* netbench.c */
    PTA_TAG_BITSTREAM = 4, /* for a rank whose host lacks its core */
    PTA_TAG_TRACE = 5,     /* a rank's time line, to rank 0 */
    PTA_TAG_WIRE = 16      /* + index of the wire */
};

/** Longest single transfer outside the stream. */
#define PTA_MPI_CHUNK (4 * 1024 * 1024)

/** PTA_ERR_MPI with "CALL: text" unless `code` is MPI_SUCCESS; `call` may go on
 * with its arguments (agree.c). */
pta_status PTA_MUST_CHECK pta_mpi_check(pta_ctx *ctx, int code,
                                        const char *call);

#define PTA_TRY_MPI(ctx, call) PTA_TRY(pta_mpi_check((ctx), (call), #call))

/** Starts MPI with a communicator of our own whose errors come back as codes,
 * and names the rank in the context's messages (agree.c). */
pta_status PTA_MUST_CHECK pta_mpi_start(pta_ctx *ctx, MPI_Comm *comm, int *rank,
                                        int *size);

/** Collective. Broadcasts bytes of rank 0 in chunks (agree.c). */
pta_status PTA_MUST_CHECK pta_broadcast_bytes(pta_ctx *ctx, MPI_Comm comm,
                                              void *bytes, size_t n_bytes);

#endif
