/*
 * Weights of a rank's slices: read from the model, or, on a rank that cannot
 * open it, sent by rank 0 one board at a time.
 *
 * Rank 0 serves the others first and loads its own boards last, so that it
 * never holds more than one slice; bytes go from slice to slice, with no copy
 * between.
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

/** Rank 0. Another board's slice, loaded, and which biases it has. */
static pta_status load_other(const pta_runner *runner, pta_ctx *ctx,
                             pta_weights *weights, int32_t board,
                             pta_slice **slice, uint8_t *flags)
{
    PTA_TRY(pta_slice_build(ctx, runner->graph, runner->plan, board,
                            runner->ops->is_float, slice));
    char digest[PTA_SHA256_HEX] = "";
    PTA_TRY(pta_slice_load(ctx, runner->graph, runner->plan, weights, *slice,
                           digest));
    PTA_TRY(check_digest(runner, ctx, board, digest));
    pta_slice_bias_flags(*slice, flags);
    return PTA_OK;
}

typedef struct exchange {
    const pta_runner *runner;
    pta_ctx *ctx;
    int peer; /* of rank 0 */
} exchange;

/** A span of memory between rank 0 and its peer, in bounded chunks. */
static pta_status exchange_span(void *state, void *data, size_t n_bytes)
{
    const exchange *e = state;
    uint8_t *bytes = data;
    for (size_t at = 0; at < n_bytes; at += PTA_MPI_CHUNK) {
        size_t left = n_bytes - at;
        int n = left < PTA_MPI_CHUNK ? (int)left : PTA_MPI_CHUNK;
        if (e->runner->rank == 0) {
            PTA_TRY_MPI(e->ctx, MPI_Send(bytes + at, n, MPI_BYTE, e->peer,
                                         PTA_TAG_SLICE, e->runner->comm));
        } else {
            PTA_TRY_MPI(e->ctx,
                        MPI_Recv(bytes + at, n, MPI_BYTE, 0, PTA_TAG_SLICE,
                                 e->runner->comm, MPI_STATUS_IGNORE));
        }
    }
    return PTA_OK;
}

/** Rank 0 gives the slice to each rank that needs it. Both ends hold all its
 * memory before a byte moves. */
static pta_status give(const pta_runner *runner, pta_ctx *ctx,
                       const pta_slice *slice, int32_t board, const int *needy)
{
    for (int32_t copy = 0; copy < runner->place.copies; copy++) {
        int peer =
            pta_place_rank(runner->plan->n_boards, runner->size, copy, board);
        if (needy[peer] && (runner->rank == 0 || runner->rank == peer)) {
            exchange e = {runner, ctx, peer};
            PTA_TRY(pta_slice_visit(slice, exchange_span, &e));
        }
    }
    return PTA_OK;
}

static pta_status check_received(const pta_runner *runner, pta_ctx *ctx,
                                 const pta_slice *slice, int32_t board)
{
    char digest[PTA_SHA256_HEX] = "";
    pta_slice_digest(slice, digest);
    return check_digest(runner, ctx, board, digest);
}

/** Collective. Rank 0 gives `board` to every rank that runs it and has no
 * model; `flags` has room for the board's. */
static pta_status serve_board(pta_runner *runner, pta_ctx *ctx,
                              pta_weights *weights, int32_t board,
                              const int *needy, uint8_t *flags)
{
    pta_slice *slice = slice_of(runner, board), *own = NULL;
    size_t n_flags = (size_t)slice->n_steps + (size_t)slice->n_joins;
    bool takes = runner->rank != 0 && needy[runner->rank] &&
                 pta_runner_owns(runner, board);
    pta_status status = PTA_OK;
    if (runner->rank == 0) {
        status = load_other(runner, ctx, weights, board, &own, flags);
        slice = own;
    }
    status = pta_agree(ctx, runner->comm, status);
    if (status == PTA_OK) {
        status = pta_broadcast_bytes(ctx, runner->comm, flags, n_flags);
    }
    if (status == PTA_OK) {
        status =
            pta_agree(ctx, runner->comm,
                      takes ? pta_slice_allocate(ctx, slice, flags) : PTA_OK);
    }
    if (status == PTA_OK) {
        status = give(runner, ctx, slice, board, needy);
    }
    if (status == PTA_OK) {
        status = pta_agree(ctx, runner->comm,
                           takes ? check_received(runner, ctx, slice, board)
                                 : PTA_OK);
    }
    pta_slice_destroy(ctx, &own);
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

static bool is_wanted(const pta_runner *runner, int32_t board, const int *needy)
{
    for (int32_t copy = 0; copy < runner->place.copies; copy++) {
        if (needy[pta_place_rank(runner->plan->n_boards, runner->size, copy,
                                 board)]) {
            return true;
        }
    }
    return false;
}

/** Collective. The same on all ranks, so all meet in serve_board. */
static pta_status serve(pta_runner *runner, pta_ctx *ctx, pta_weights *weights,
                        const int *needy)
{
    size_t most = 1;
    for (int32_t b = 0; b < runner->plan->n_boards; b++) {
        const pta_slice *slice = slice_of(runner, b);
        size_t n = (size_t)slice->n_steps + (size_t)slice->n_joins;
        most = n > most ? n : most;
    }
    uint8_t *flags = pta_calloc(ctx, most, 1);
    pta_status status =
        pta_agree(ctx, runner->comm, flags != NULL ? PTA_OK : PTA_ERR_NOMEM);
    for (int32_t b = 0; b < runner->plan->n_boards && status == PTA_OK; b++) {
        if (is_wanted(runner, b, needy)) {
            status = serve_board(runner, ctx, weights, b, needy, flags);
        }
    }
    pta_free(ctx, flags);
    return status;
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
