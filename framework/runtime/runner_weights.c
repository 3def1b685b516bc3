/*
 * Weights of a rank's slices: read from the model, or, on a rank that cannot
 * open it, sent by rank 0 one board at a time.
 *
 * Rank 0 serves the others first and loads its own boards last, so that it
 * never holds more than one slice and its packed bytes beside nothing else.
 */
#include <stdint.h>
#include <string.h>

#include "runtime/runner_priv.h"

/** The slice as loaded against what the plan was made with. */
static pta_status check_digest(const pta_runner *runner, pta_ctx *ctx,
                               int32_t board, const char *digest)
{
    if (runner->ops->is_float || board < 0) {
        return PTA_OK;
    }
    const char *expected = runner->plan->slice_digests[board];
    if (expected[0] == '\0' || strcmp(expected, digest) == 0) {
        return PTA_OK;
    }
    int32_t part = 0;
    int32_t stage = pta_plan_stage_of(runner->plan, board, &part);
    const pta_stage *s = &runner->plan->stages[stage];
    return pta_fail(ctx, PTA_ERR_MISMATCH,
                    "%s: board %d (layers %s to %s): weights differ from those "
                    "the plan was made with",
                    runner->plan->model, board,
                    runner->graph->nodes[s->first].name,
                    runner->graph->nodes[s->last].name);
}

static pta_slice *slice_of(const pta_runner *runner, int32_t board)
{
    int32_t n = runner->plan->n_boards;
    return runner->slices[board == PTA_BOARD_SINK ? n : board];
}

static pta_status load(const pta_runner *runner, pta_ctx *ctx,
                       pta_weights *weights, int32_t board)
{
    char digest[PTA_SHA256_HEX] = "";
    PTA_TRY(pta_slice_load(ctx, runner->graph, runner->plan, weights,
                           slice_of(runner, board), digest));
    return check_digest(runner, ctx, board, digest);
}

/** Rank 0. A board's weights as one block; the slice itself is given up. */
static pta_status pack(const pta_runner *runner, pta_ctx *ctx,
                       pta_weights *weights, int32_t board, uint8_t **bytes,
                       size_t *n_bytes)
{
    pta_slice *slice = NULL;
    PTA_TRY(pta_slice_build(ctx, runner->graph, runner->plan, board,
                            runner->ops->is_float, &slice));
    char digest[PTA_SHA256_HEX] = "";
    pta_status status = pta_slice_load(ctx, runner->graph, runner->plan,
                                       weights, slice, digest);
    if (status == PTA_OK) {
        status = check_digest(runner, ctx, board, digest);
    }
    if (status == PTA_OK) {
        *n_bytes = pta_slice_packed_bytes(slice);
        *bytes = pta_calloc(ctx, *n_bytes, 1);
        status = *bytes != NULL ? PTA_OK : PTA_ERR_NOMEM;
    }
    if (status == PTA_OK) {
        pta_slice_pack(slice, *bytes);
    }
    pta_slice_destroy(ctx, &slice);
    return status;
}

/** A block between rank 0 and `peer` in bounded chunks. */
static pta_status exchange(const pta_runner *runner, pta_ctx *ctx, int peer,
                           uint8_t *bytes, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += PTA_MPI_CHUNK) {
        size_t left = n_bytes - at;
        int n = left < PTA_MPI_CHUNK ? (int)left : PTA_MPI_CHUNK;
        if (runner->rank == 0) {
            PTA_TRY_MPI(ctx, MPI_Send(bytes + at, n, MPI_BYTE, peer,
                                      PTA_TAG_SLICE, runner->comm));
        } else {
            PTA_TRY_MPI(ctx, MPI_Recv(bytes + at, n, MPI_BYTE, 0, PTA_TAG_SLICE,
                                      runner->comm, MPI_STATUS_IGNORE));
        }
    }
    return PTA_OK;
}

/** Collective. Rank 0 gives `board` to every rank that runs it and has no
 * model. Both ends hold the block before a byte moves. */
static pta_status serve_board(pta_runner *runner, pta_ctx *ctx,
                              pta_weights *weights, int32_t board,
                              const int *needy)
{
    int32_t n_boards = runner->plan->n_boards;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    pta_status status = PTA_OK;
    bool takes = runner->rank != 0 && needy[runner->rank] &&
                 pta_runner_owns(runner, board);
    if (runner->rank == 0) {
        status = pack(runner, ctx, weights, board, &bytes, &n_bytes);
    }
    status = pta_agree(ctx, runner->comm, status);
    uint64_t length = n_bytes;
    if (status == PTA_OK) {
        status = pta_broadcast_bytes(ctx, runner->comm, &length, sizeof length);
    }
    if (status == PTA_OK) {
        n_bytes = (size_t)length;
        if (takes) {
            bytes = pta_calloc(ctx, n_bytes, 1);
        }
        status = pta_agree(ctx, runner->comm,
                           takes && bytes == NULL ? PTA_ERR_NOMEM : PTA_OK);
    }
    for (int32_t copy = 0; copy < runner->place.copies && status == PTA_OK;
         copy++) {
        int peer = pta_place_rank(n_boards, runner->size, copy, board);
        if (needy[peer] && (runner->rank == 0 || runner->rank == peer)) {
            status = exchange(runner, ctx, peer, bytes, n_bytes);
        }
    }
    if (status == PTA_OK) {
        char digest[PTA_SHA256_HEX] = "";
        pta_status local = PTA_OK;
        if (takes) {
            local = pta_slice_unpack(ctx, bytes, n_bytes,
                                     slice_of(runner, board), digest);
        }
        if (takes && local == PTA_OK) {
            local = check_digest(runner, ctx, board, digest);
        }
        status = pta_agree(ctx, runner->comm, local);
    }
    pta_free(ctx, bytes);
    return status;
}

/** Collective. True in needy[r] for ranks without the model. */
static pta_status ask_needy(const pta_runner *runner, pta_ctx *ctx,
                            const pta_weights *weights, int *needy)
{
    int mine = weights == NULL;
    PTA_TRY_MPI(
        ctx, MPI_Allgather(&mine, 1, MPI_INT, needy, 1, MPI_INT, runner->comm));
    if (needy[0]) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "rank 0 cannot open the model, and only rank 0 can "
                        "send it to others");
    }
    return PTA_OK;
}

static pta_status serve(pta_runner *runner, pta_ctx *ctx, pta_weights *weights,
                        const int *needy)
{
    int32_t n_boards = runner->plan->n_boards;
    for (int32_t b = 0; b < n_boards; b++) {
        bool wanted = false;
        for (int32_t copy = 0; copy < runner->place.copies; copy++) {
            wanted = wanted ||
                     needy[pta_place_rank(n_boards, runner->size, copy, b)];
        }
        if (wanted) {
            PTA_TRY(serve_board(runner, ctx, weights, b, needy));
        }
    }
    return PTA_OK;
}

static pta_status load_own(const pta_runner *runner, pta_ctx *ctx,
                           pta_weights *weights)
{
    if (weights == NULL) {
        return PTA_OK;
    }
    for (int32_t i = 0; i < runner->place.n; i++) {
        PTA_TRY(load(runner, ctx, weights, runner->place.first + i));
    }
    return runner->rank == 0 ? load(runner, ctx, weights, PTA_BOARD_SINK)
                             : PTA_OK;
}

pta_status pta_runner_load(pta_runner *runner, pta_ctx *ctx,
                           pta_weights *weights)
{
    int *needy = pta_calloc(ctx, (size_t)runner->size, sizeof *needy);
    pta_status status =
        pta_agree(ctx, runner->comm, needy != NULL ? PTA_OK : PTA_ERR_NOMEM);
    if (status == PTA_OK) {
        status = ask_needy(runner, ctx, weights, needy);
    }
    if (status == PTA_OK) {
        status = serve(runner, ctx, weights, needy);
    }
    pta_free(ctx, needy);
    PTA_TRY(status);
    return pta_agree(ctx, runner->comm, load_own(runner, ctx, weights));
}
