/*
 * Bitstreams to the boards: see bitstreams.h. Phases of local work, each with
 * one agreement, as everywhere in run.
 */
#include "cli/bitstreams.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hls/driver/bitstream.h"
#include "hls/driver/board_status.h"
#include "hls/driver/device_board.h"
#include "hls/driver/load.h"
#include "runtime/mpi_check.h"
#include "runtime/run.h"
#include "runtime/slice_load.h"

#define NAME "board"

/* What this rank has of its board, or sends. */
typedef struct files {
    char *manifest; /* owned */
    char *bit;      /* owned */
    size_t bit_bytes;
} files;

typedef struct sender {
    MPI_Comm comm;
    int rank, size;
    pta_board_options options;
    pta_core_names *names; /* owned; [boards], of all */
    pta_bitstream mine;    /* of this rank's board */
    int *lacks;            /* owned; [ranks] */
} sender;

/* ---- the device's text ---- */

static const char *options_of(const char *device)
{
    size_t length = strlen(NAME);
    return device[length] == ':' ? device + length + 1 : NULL;
}

bool pta_is_board(const char *device)
{
    size_t length = strlen(NAME);
    return strncmp(device, NAME, length) == 0 &&
           (device[length] == '\0' || device[length] == ':');
}

pta_status pta_board_device(pta_ctx *ctx, const char *device, const char *dir,
                            char **out)
{
    pta_board_options given;
    const char *rest = options_of(device);
    PTA_TRY(pta_board_options_parse(ctx, rest, &given));
    bool add = dir != NULL && given.bitstreams == NULL && !given.hls4ml;
    pta_board_options_free(ctx, &given);
    if (add && strpbrk(dir, ",<>") != NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--bitstreams: \"%s\" is not valid; expected a folder "
                        "without \",\", \"<\" and \">\" in its name",
                        dir);
    }
    size_t room = strlen(device) + (add ? strlen(dir) : 0) + 32;
    PTA_TRY_ALLOC(ctx, *out, room);
    if (add) {
        snprintf(*out, room, NAME ":bitstreams=%s%s%s", dir,
                 rest != NULL ? "," : "", rest != NULL ? rest : "");
    } else {
        snprintf(*out, room, "%s", device);
    }
    return PTA_OK;
}

/* ---- names of the cores ---- */

static pta_status name_board(pta_ctx *ctx, const pta_graph *graph,
                             const pta_plan *plan, pta_weights *weights,
                             int32_t board, pta_core_names *names)
{
    char digest[PTA_SHA256_HEX];
    pta_slice *slice;
    PTA_TRY(pta_slice_build(ctx, graph, plan, board, false, &slice));
    pta_status status =
        pta_slice_load(ctx, graph, plan, weights, slice, digest);
    if (status == PTA_OK) {
        pta_core_names_of(slice, names);
    }
    pta_slice_destroy(ctx, &slice);
    return status;
}

static pta_status name_all(pta_ctx *ctx, sender *s, const pta_graph *graph,
                           const pta_plan *plan, pta_weights *weights)
{
    for (int32_t b = 0; s->rank == 0 && b < plan->n_boards; b++) {
        PTA_TRY(name_board(ctx, graph, plan, weights, b, &s->names[b]));
    }
    return PTA_OK;
}

/* ---- who lacks what ---- */

/* In the user's folder, or among those that were sent before. */
static pta_status find(pta_ctx *ctx, const sender *s, int board,
                       pta_bitstream *out)
{
    char cache[PTA_PATH_BYTES];
    const pta_core_names *names = &s->names[board];
    const char *folder = s->options.bitstreams;
    pta_status status = pta_bitstream_find(ctx, folder, names, out);
    if (status == PTA_ERR_NOT_FOUND &&
        pta_bitstream_cache(ctx, cache) == PTA_OK) {
        status = pta_bitstream_find(ctx, cache, names, out);
    }
    /* Again, to say what is missing where the user looks. */
    return status != PTA_ERR_NOT_FOUND
               ? status
               : pta_bitstream_find(ctx, folder, names, out);
}

static bool is_loaded(pta_ctx *ctx, const sender *s)
{
    pta_board_state state;
    pta_board_state_read(ctx, s->options.root, &state);
    return strncmp(state.slice, s->mine.manifest->slice_digest,
                   PTA_RECORD_DIGITS) == 0 &&
           strcmp(state.fpga, "operating") == 0;
}

static pta_status look(pta_ctx *ctx, sender *s, bool *lacks)
{
    pta_status status = find(ctx, s, s->rank, &s->mine);
    *lacks = status == PTA_ERR_NOT_FOUND ||
             (status == PTA_OK && access(s->mine.bit_path, R_OK) != 0 &&
              !is_loaded(ctx, s));
    if (*lacks && s->rank != 0) {
        pta_bitstream_free(ctx, &s->mine); /* it will be sent */
        return PTA_OK;
    }
    return status;
}

/* ---- sending ---- */

static void free_files(pta_ctx *ctx, files *f)
{
    pta_free(ctx, f->manifest);
    pta_free(ctx, f->bit);
}

static pta_status read_files(pta_ctx *ctx, const sender *s, int board, files *f)
{
    pta_bitstream b;
    size_t n;
    PTA_TRY(find(ctx, s, board, &b));
    pta_status status = pta_bytes_read(ctx, b.manifest_path, &f->manifest, &n);
    if (status == PTA_OK) {
        status = pta_bytes_read(ctx, b.bit_path, &f->bit, &f->bit_bytes);
    }
    pta_bitstream_free(ctx, &b);
    return status;
}

static pta_status move_bytes(pta_ctx *ctx, const sender *s, int peer,
                             char *bytes, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += PTA_MPI_CHUNK) {
        size_t left = n_bytes - at;
        int n = left < PTA_MPI_CHUNK ? (int)left : PTA_MPI_CHUNK;
        if (s->rank == 0) {
            PTA_TRY_MPI(ctx, MPI_Send(bytes + at, n, MPI_BYTE, peer,
                                      PTA_TAG_BITSTREAM, s->comm));
        } else {
            PTA_TRY_MPI(ctx,
                        MPI_Recv(bytes + at, n, MPI_BYTE, 0, PTA_TAG_BITSTREAM,
                                 s->comm, MPI_STATUS_IGNORE));
        }
    }
    return PTA_OK;
}

/* Rank 0 and `peer` have agreed that both hold the room. */
static pta_status move_files(pta_ctx *ctx, const sender *s, int peer, files *f,
                             const uint64_t bytes[2])
{
    PTA_TRY(move_bytes(ctx, s, peer, f->manifest, (size_t)bytes[0]));
    PTA_TRY(move_bytes(ctx, s, peer, f->bit, (size_t)bytes[1]));
    return s->rank == 0
               ? PTA_OK
               : pta_bitstream_keep(ctx, f->manifest, f->bit, (size_t)bytes[1]);
}

static pta_status make_room(pta_ctx *ctx, const uint64_t bytes[2], files *f)
{
    PTA_TRY_ALLOC(ctx, f->manifest, bytes[0] + 1);
    PTA_TRY_ALLOC(ctx, f->bit, bytes[1]);
    return PTA_OK;
}

static pta_status serve_files(pta_ctx *ctx, const sender *s, int peer, files *f)
{
    uint64_t bytes[2] = {0, 0};
    pta_status local = PTA_OK;
    bool takes = s->rank == peer, gives = s->rank == 0;
    if (gives) {
        local = read_files(ctx, s, peer, f);
    }
    PTA_TRY(pta_agree(ctx, s->comm, local));
    if (gives) {
        bytes[0] = strlen(f->manifest);
        bytes[1] = f->bit_bytes;
    }
    PTA_TRY(pta_broadcast_bytes(ctx, s->comm, bytes, sizeof bytes));
    local = takes ? make_room(ctx, bytes, f) : PTA_OK;
    PTA_TRY(pta_agree(ctx, s->comm, local));
    if (takes || gives) {
        local = move_files(ctx, s, peer, f, bytes);
    }
    return pta_agree(ctx, s->comm, local);
}

static pta_status serve_all(pta_ctx *ctx, sender *s)
{
    for (int peer = 1; peer < s->size; peer++) {
        files f = {NULL, NULL, 0};
        pta_status status =
            s->lacks[peer] != 0 ? serve_files(ctx, s, peer, &f) : PTA_OK;
        free_files(ctx, &f);
        PTA_TRY(status);
    }
    return PTA_OK;
}

/* ---- into the FPGA ---- */

static pta_status load(pta_ctx *ctx, sender *s)
{
    if (s->mine.manifest == NULL) {
        PTA_TRY(find(ctx, s, s->rank, &s->mine)); /* it has come */
    }
    if (is_loaded(ctx, s)) {
        return PTA_OK;
    }
    pta_load_params params = {.root = s->options.root,
                              .bit_path = s->mine.bit_path,
                              .slice_digest = s->mine.manifest->slice_digest};
    pta_status status = pta_board_load(ctx, &params);
    return status == PTA_OK
               ? PTA_OK
               : pta_fail_in(ctx, status,
                             "the FPGA does not hold slice %.32s; as root, run "
                             "partita board load %s",
                             s->mine.manifest->slice_digest, s->mine.bit_path);
}

/* ---- the whole ---- */

static pta_status check(pta_ctx *ctx, const sender *s, int32_t n_boards)
{
    if (s->size != n_boards) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%d ranks for %d boards: --device board takes one rank "
                        "per board",
                        s->size, (int)n_boards);
    }
    if (s->options.bitstreams == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--device board: --bitstreams DIR is missing");
    }
    return PTA_OK;
}

static pta_status open_local(pta_ctx *ctx, sender *s, int32_t n_boards)
{
    PTA_TRY(check(ctx, s, n_boards));
    PTA_TRY_ALLOC(ctx, s->names, n_boards);
    PTA_TRY_ALLOC(ctx, s->lacks, s->size);
    return PTA_OK;
}

static pta_status prepare(pta_ctx *ctx, sender *s, const pta_graph *graph,
                          const pta_plan *plan, pta_weights *weights)
{
    PTA_TRY(pta_agree(ctx, s->comm, open_local(ctx, s, plan->n_boards)));
    PTA_TRY(pta_agree(ctx, s->comm, name_all(ctx, s, graph, plan, weights)));
    PTA_TRY(pta_broadcast_bytes(ctx, s->comm, s->names,
                                (size_t)plan->n_boards * sizeof *s->names));
    bool lacks = false;
    PTA_TRY(pta_agree(ctx, s->comm, look(ctx, s, &lacks)));
    int mine = lacks;
    PTA_TRY_MPI(
        ctx, MPI_Allgather(&mine, 1, MPI_INT, s->lacks, 1, MPI_INT, s->comm));
    PTA_TRY(serve_all(ctx, s));
    return pta_agree(ctx, s->comm, load(ctx, s));
}

pta_status pta_bitstreams_prepare(pta_ctx *ctx, MPI_Comm comm,
                                  const pta_graph *graph, const pta_plan *plan,
                                  pta_weights *weights, const char *device)
{
    sender s = {.comm = comm};
    PTA_TRY_MPI(ctx, MPI_Comm_rank(comm, &s.rank));
    PTA_TRY_MPI(ctx, MPI_Comm_size(comm, &s.size));
    pta_status status =
        pta_board_options_parse(ctx, options_of(device), &s.options);
    status = pta_agree(ctx, comm, status);
    if (status == PTA_OK && !s.options.hls4ml) {
        status = prepare(ctx, &s, graph, plan, weights);
    }
    pta_board_options_free(ctx, &s.options);
    pta_bitstream_free(ctx, &s.mine);
    pta_free(ctx, s.names);
    pta_free(ctx, s.lacks);
    return status;
}
