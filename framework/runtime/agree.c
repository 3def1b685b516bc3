/*
 * Agreement between ranks (STYLE 4): after a local phase every rank learns
 * whether all succeeded, and if not, what went wrong where.
 */
#include <limits.h>
#include <string.h>

#include "runtime/mpi_check.h"
#include "runtime/run.h"

enum { ERROR_BYTES = 1024 };

typedef struct verdict {
    int32_t status;
    char detail[ERROR_BYTES];
} verdict;

pta_status pta_mpi_start(pta_ctx *ctx, MPI_Comm *comm, int *rank, int *size)
{
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS ||
        MPI_Comm_dup(MPI_COMM_WORLD, comm) != MPI_SUCCESS ||
        MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN) != MPI_SUCCESS ||
        MPI_Comm_rank(*comm, rank) != MPI_SUCCESS ||
        MPI_Comm_size(*comm, size) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI cannot be started");
    }
    pta_ctx_set_rank(ctx, *rank, *size);
    return PTA_OK;
}

pta_status pta_mpi_check(pta_ctx *ctx, int code, const char *call)
{
    if (code == MPI_SUCCESS) {
        return PTA_OK;
    }
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
        length = 0;
    }
    return pta_fail(ctx, PTA_ERR_MPI, "%.*s: %.*s", (int)strcspn(call, "("),
                    call, length, text);
}

/** Ranks that only heard of a failure speak after those that had one. */
static int speaker_key(pta_status local, int rank, int size)
{
    if (local == PTA_OK) {
        return INT_MAX;
    }
    return local == PTA_ERR_PEER ? size + rank : rank;
}

pta_status pta_agree(pta_ctx *ctx, MPI_Comm comm, pta_status local)
{
    if (local == PTA_ERR_MPI) {
        return local; /* MPI is undefined from here on: the caller aborts */
    }
    int rank = 0, size = 1;
    PTA_TRY_MPI(ctx, MPI_Comm_rank(comm, &rank));
    PTA_TRY_MPI(ctx, MPI_Comm_size(comm, &size));
    int key = speaker_key(local, rank, size), first = INT_MAX;
    PTA_TRY_MPI(ctx, MPI_Allreduce(&key, &first, 1, MPI_INT, MPI_MIN, comm));
    if (first == INT_MAX) {
        return PTA_OK;
    }
    int speaker = first % size;
    verdict said = {.status = (int32_t)local};
    if (rank == speaker) {
        strncpy(said.detail, pta_ctx_error(ctx), ERROR_BYTES - 1);
    }
    PTA_TRY_MPI(ctx,
                MPI_Bcast(&said, (int)sizeof said, MPI_BYTE, speaker, comm));
    if (said.status <= PTA_OK || said.status >= PTA_STATUS_COUNT) {
        said.status = PTA_ERR_PEER;
    }
    said.detail[ERROR_BYTES - 1] = '\0';
    if (size == 1) {
        return (pta_status)said.status;
    }
    return pta_fail(ctx, (pta_status)said.status, "rank %d: %s", speaker,
                    said.detail);
}

pta_status pta_broadcast_bytes(pta_ctx *ctx, MPI_Comm comm, void *bytes,
                               size_t n_bytes)
{
    char *at = bytes;
    while (n_bytes > 0) {
        int chunk = n_bytes < PTA_MPI_CHUNK ? (int)n_bytes : PTA_MPI_CHUNK;
        PTA_TRY_MPI(ctx, MPI_Bcast(at, chunk, MPI_BYTE, 0, comm));
        at += chunk;
        n_bytes -= (size_t)chunk;
    }
    return PTA_OK;
}

pta_status pta_broadcast_text(pta_ctx *ctx, MPI_Comm comm, char **text)
{
    int rank = 0;
    PTA_TRY_MPI(ctx, MPI_Comm_rank(comm, &rank));
    uint64_t n_bytes = rank == 0 ? strlen(*text) + 1 : 0;
    PTA_TRY_MPI(ctx, MPI_Bcast(&n_bytes, 1, MPI_UINT64_T, 0, comm));
    char *mine = rank == 0 ? *text : pta_calloc(ctx, (size_t)n_bytes, 1);
    pta_status status = pta_agree(ctx, comm, mine ? PTA_OK : PTA_ERR_NOMEM);
    if (status == PTA_OK) {
        status = pta_broadcast_bytes(ctx, comm, mine, (size_t)n_bytes);
    }
    if (rank == 0) {
        return status;
    }
    if (status != PTA_OK) {
        pta_free(ctx, mine);
        return status;
    }
    mine[n_bytes - 1] = '\0';
    *text = mine;
    return PTA_OK;
}
