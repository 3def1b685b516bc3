/*
 * Wires: for each receiver's input, who holds what of it.
 */
#include "plan/wire.h"

#include <string.h>

#include "plan/layout_priv.h"

typedef struct mesh {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_plan *plan;
    pta_slice *const *slices;
    const pta_slice *sink;
    int32_t room; /* for wires */
} mesh;

static const pta_slice *slice_of(const mesh *m, int32_t board)
{
    return board == PTA_BOARD_SINK ? m->sink : m->slices[board];
}

static const pta_value *input_value(const pta_slice *slice, int32_t i)
{
    return &slice->values[slice->inputs[i]];
}

/* Output of `src` that holds (part of) `node`, or -1. */
static int32_t find_output(const mesh *m, int32_t src, int32_t node)
{
    if (src == PTA_BOARD_SOURCE) {
        for (int32_t i = 0; i < m->graph->n_inputs; i++) {
            if (m->graph->inputs[i] == node) {
                return i;
            }
        }
        return -1;
    }
    const pta_slice *slice = slice_of(m, src);
    for (int32_t i = 0; i < slice->n_outputs; i++) {
        if (slice->values[slice->outputs[i]].node == node) {
            return i;
        }
    }
    return -1;
}

/* ---- one wire ---- */

static pta_status make_piece(const mesh *m, int32_t src, int32_t output,
                             const pta_value *to, pta_piece *piece)
{
    pta_region held = pta_region_whole(m->graph->nodes[to->node].view);
    piece->src_output = output;
    piece->dtype = to->dtype;
    piece->format = to->format;
    if (src != PTA_BOARD_SOURCE) {
        const pta_slice *slice = slice_of(m, src);
        const pta_value *from = &slice->values[slice->outputs[output]];
        held = from->region;
        piece->dtype = from->dtype;
        piece->partial = from->partial;
    }
    return pta_region_copy(m->ctx, &held, &to->region, &piece->copy);
}

static pta_status fill_wire(const mesh *m, pta_wire *wire)
{
    const pta_slice *dst = slice_of(m, wire->dst);
    PTA_TRY_ALLOC(m->ctx, wire->pieces, dst->n_inputs);
    for (int32_t i = 0; i < dst->n_inputs; i++) {
        const pta_value *to = input_value(dst, i);
        pta_piece *piece = &wire->pieces[wire->n_pieces];
        int32_t output = find_output(m, wire->src, to->node);
        if (output < 0) {
            continue;
        }
        PTA_TRY(make_piece(m, wire->src, output, to, piece));
        if (piece->copy.n_elements == 0) {
            pta_copy_free(m->ctx, &piece->copy);
            *piece = (pta_piece){0};
            continue;
        }
        piece->dst_input = i;
        piece->offset = wire->sample_bytes;
        wire->sample_bytes += pta_align8((size_t)piece->copy.n_elements *
                                         pta_dtype_bytes(piece->dtype));
        wire->n_pieces++;
    }
    return PTA_OK;
}

/* ---- direct: the message is the sample ---- */

static int32_t n_outputs(const mesh *m, int32_t src)
{
    return src == PTA_BOARD_SOURCE ? m->graph->n_inputs
                                   : slice_of(m, src)->n_outputs;
}

static int64_t output_count(const mesh *m, int32_t src, int32_t output)
{
    if (src == PTA_BOARD_SOURCE) {
        int32_t node = m->graph->inputs[output];
        return pta_view_count(m->graph->nodes[node].view);
    }
    const pta_slice *slice = slice_of(m, src);
    return pta_region_count(&slice->values[slice->outputs[output]].region);
}

/* Samples and messages are in ascending flat order, so that a piece with all
 * elements of a tensor has them in the tensor's own. */
static bool direct_from(const mesh *m, const pta_wire *wire)
{
    bool direct = wire->n_pieces == n_outputs(m, wire->src);
    for (int32_t i = 0; direct && i < wire->n_pieces; i++) {
        const pta_piece *piece = &wire->pieces[i];
        direct = piece->src_output == i &&
                 piece->copy.n_elements == output_count(m, wire->src, i);
    }
    return direct;
}

/* With all elements of all inputs in it, it is the receiver's only wire. */
static bool direct_to(const mesh *m, const pta_wire *wire)
{
    const pta_slice *dst = slice_of(m, wire->dst);
    bool direct = wire->n_pieces == dst->n_inputs;
    for (int32_t i = 0; direct && i < wire->n_pieces; i++) {
        const pta_piece *piece = &wire->pieces[i];
        direct = !piece->partial &&
                 piece->copy.n_elements ==
                     pta_region_count(&input_value(dst, i)->region);
    }
    return direct;
}

/* ---- all wires ---- */

static pta_status add_wire(const mesh *m, int32_t src, int32_t dst,
                           pta_wires *wires)
{
    pta_wire *wire = &wires->wires[wires->n_wires];
    *wire = (pta_wire){.src = src, .dst = dst};
    wires->n_wires++; /* whatever follows, the caller frees it */
    PTA_TRY(fill_wire(m, wire));
    if (wire->n_pieces == 0) {
        pta_free(m->ctx, wire->pieces);
        wires->n_wires--;
        return PTA_OK;
    }
    wire->src_direct = direct_from(m, wire);
    wire->src_whole = wire->src_direct;
    wire->dst_direct = direct_to(m, wire);
    return PTA_OK;
}

static pta_status reserve(mesh *m, int32_t room, pta_wires *wires)
{
    if (room <= m->room) {
        return PTA_OK;
    }
    pta_wire *grown = pta_realloc(m->ctx, wires->wires,
                                  2 * (size_t)room * sizeof *wires->wires);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    wires->wires = grown;
    m->room = 2 * room;
    return PTA_OK;
}

/* Sinks after all boards, so that wires are in order of (src, dst). Only later
 * stages receive. */
static pta_status add_wires_from(mesh *m, int32_t src, pta_wires *wires)
{
    int32_t first = 0;
    if (src != PTA_BOARD_SOURCE) {
        const pta_stage *s =
            &m->plan->stages[pta_plan_stage_of(m->plan, src, NULL)];
        first = s->first_board + s->n_parts;
    }
    PTA_TRY(reserve(m, wires->n_wires + m->plan->n_boards - first + 1, wires));
    for (int32_t dst = first; dst < m->plan->n_boards; dst++) {
        PTA_TRY(add_wire(m, src, dst, wires));
    }
    return add_wire(m, src, PTA_BOARD_SINK, wires);
}

/* ---- the check ---- */

/* Marks what the piece brings; false where something came before. */
static bool mark(const pta_copy *copy, uint8_t *seen)
{
    for (int32_t r = 0; r < copy->n_runs; r++) {
        const pta_copy_run *run = &copy->runs[r];
        for (int32_t e = 0; e < run->length; e++) {
            if (seen[run->dst + e]++ != 0) {
                return false;
            }
        }
    }
    return true;
}

static int32_t parts_behind(const mesh *m, int32_t node)
{
    for (int32_t s = 0; s < m->plan->n_stages; s++) {
        if (node <= m->plan->stages[s].last) {
            return m->plan->stages[s].n_parts;
        }
    }
    return 0;
}

/* An input is covered once by whole values, or by each of its senders whole
 * by partial sums. */
static bool input_covered(const mesh *m, const pta_wires *wires, int32_t dst,
                          int32_t input, uint8_t *seen)
{
    const pta_value *to = input_value(slice_of(m, dst), input);
    int64_t n = pta_region_count(&to->region), found = 0;
    int32_t n_partial = 0;
    memset(seen, 0, (size_t)n);
    for (int32_t w = 0; w < wires->n_wires; w++) {
        const pta_wire *wire = &wires->wires[w];
        for (int32_t i = 0; wire->dst == dst && i < wire->n_pieces; i++) {
            const pta_piece *piece = &wire->pieces[i];
            if (piece->dst_input != input) {
                continue;
            }
            found += piece->copy.n_elements;
            n_partial += piece->partial;
            if (piece->partial ? piece->copy.n_elements != n
                               : !mark(&piece->copy, seen)) {
                return false;
            }
        }
    }
    return n_partial == 0 ? found == n
                          : n_partial == parts_behind(m, to->node) &&
                                found == n * n_partial;
}

static pta_status check_receiver(const mesh *m, const pta_wires *wires,
                                 int32_t dst)
{
    const pta_slice *slice = slice_of(m, dst);
    for (int32_t i = 0; i < slice->n_inputs; i++) {
        const pta_value *to = input_value(slice, i);
        uint8_t *seen;
        PTA_TRY_ALLOC(m->ctx, seen, pta_region_count(&to->region));
        bool covered = input_covered(m, wires, dst, i, seen);
        pta_free(m->ctx, seen);
        if (!covered) {
            return pta_fail(m->ctx, PTA_ERR_MISMATCH,
                            "%s %d does not receive each element of '%s' once",
                            dst == PTA_BOARD_SINK ? "the sink," : "board",
                            (int)dst, m->graph->nodes[to->node].name);
        }
    }
    return PTA_OK;
}

static pta_status build_wires(mesh *m, pta_wires *wires)
{
    PTA_TRY(add_wires_from(m, PTA_BOARD_SOURCE, wires));
    for (int32_t src = 0; src < m->plan->n_boards; src++) {
        PTA_TRY(add_wires_from(m, src, wires));
    }
    for (int32_t dst = 0; dst < m->plan->n_boards; dst++) {
        PTA_TRY(check_receiver(m, wires, dst));
    }
    return check_receiver(m, wires, PTA_BOARD_SINK);
}

pta_status pta_wires_build(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, pta_slice *const *slices,
                           const pta_slice *sink, pta_wires *out)
{
    mesh m = {ctx, graph, plan, slices, sink, 0};
    pta_wires wires = {0};
    pta_status status = build_wires(&m, &wires);
    if (status != PTA_OK) {
        pta_wires_free(ctx, &wires);
        return status;
    }
    *out = wires;
    return PTA_OK;
}

static bool can_pack(const pta_piece *piece)
{
    return !piece->partial && piece->dtype != PTA_F32 &&
           (size_t)piece->format.width < 8 * pta_dtype_bytes(piece->dtype);
}

static size_t piece_bytes(const pta_piece *piece, bool packed)
{
    size_t n = (size_t)piece->copy.n_elements;
    return packed ? (n * (size_t)piece->format.width + 7) / 8
                  : n * pta_dtype_bytes(piece->dtype);
}

void pta_wires_pack(pta_wires *wires)
{
    for (int32_t w = 0; w < wires->n_wires; w++) {
        pta_wire *wire = &wires->wires[w];
        size_t bytes = 0;
        bool any = false;
        for (int32_t i = 0; i < wire->n_pieces; i++) {
            const pta_piece *piece = &wire->pieces[i];
            any = any || can_pack(piece);
            bytes += piece_bytes(piece, can_pack(piece));
        }
        if (!any || bytes > wire->sample_bytes / 8 * 7) {
            continue;
        }
        wire->sample_bytes = 0;
        for (int32_t i = 0; i < wire->n_pieces; i++) {
            pta_piece *piece = &wire->pieces[i];
            piece->packed = can_pack(piece);
            piece->offset = wire->sample_bytes;
            wire->sample_bytes += piece_bytes(piece, piece->packed);
        }
        wire->src_direct = wire->dst_direct = false;
        wire->packed = true;
    }
}

void pta_wires_free(pta_ctx *ctx, pta_wires *wires)
{
    for (int32_t w = 0; w < wires->n_wires; w++) {
        pta_wire *wire = &wires->wires[w];
        for (int32_t i = 0; i < wire->n_pieces; i++) {
            pta_copy_free(ctx, &wire->pieces[i].copy);
        }
        pta_free(ctx, wire->pieces);
    }
    pta_free(ctx, wires->wires);
    *wires = (pta_wires){0};
}
