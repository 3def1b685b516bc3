/*
 * What modelled time has to know of a plan (vtime.h): bytes, cycles and joins
 * of every board and the bytes of every wire. Slices are built, asked, dropped.
 */
#include "runtime/vtime.h"

uint64_t pta_vboard_ns(const pta_vboard *board, const pta_vhost *host,
                       int32_t n)
{
    const pta_cycles *c = &board->cycles;
    if (c->source == PTA_CYCLES_HOST) {
        return (uint64_t)(board->host_ns * n + 0.5);
    }
    double cycles = (double)c->latency + (double)c->interval * (n - 1);
    return (uint64_t)(cycles * host->cycle + 0.5);
}

static int64_t count_joins(const pta_slice *slice)
{
    int64_t n = 0;
    for (int32_t j = 0; j < slice->n_joins; j++) {
        int32_t value = slice->inputs[slice->joins[j].input];
        n += pta_region_count(&slice->values[value].region);
    }
    return n;
}

/* W bits each, as block RAM and DDR would hold them. */
static int64_t count_weight_bytes(const pta_slice *slice)
{
    int64_t bits = 0;
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step_weights *w = &slice->steps[i].weights;
        if (slice->steps[i].weighted) {
            bits += (int64_t)w->rows * w->cols * w->format.width;
        }
    }
    return (bits + 7) / 8;
}

/* Partial sums that arrive at `dst`: each is added once. */
static int64_t count_partials(const pta_wires *wires, int32_t dst)
{
    int64_t n = 0;
    for (int32_t w = 0; w < wires->n_wires; w++) {
        const pta_wire *wire = &wires->wires[w];
        for (int32_t p = 0; wire->dst == dst && p < wire->n_pieces; p++) {
            n += wire->pieces[p].partial ? wire->pieces[p].copy.n_elements : 0;
        }
    }
    return n;
}

/* Parts of a stage with as many outputs (inputs, channels) are alike but for
 * their weights, which cycles do not depend on. Bands of an image are not: those
 * at its edges are padded. */
static bool is_like_previous(const pta_plan *plan, int32_t b)
{
    int32_t part;
    const pta_stage *stage = &plan->stages[pta_plan_stage_of(plan, b, &part)];
    return part > 0 && stage->split != PTA_SPLIT_ROWS &&
           stage->sizes[part] == stage->sizes[part - 1];
}

static pta_status measure_board(pta_ctx *ctx, const pta_plan *plan,
                                const pta_slice *slice,
                                const pta_budget *budget, pta_vboard *board)
{
    board->stage = slice->stage;
    board->bytes_in = (int64_t)pta_slice_in_bytes(slice);
    board->bytes_out = (int64_t)pta_slice_out_bytes(slice);
    board->join_values = count_joins(slice);
    if (is_like_previous(plan, slice->board)) {
        board->cycles = board[-1].cycles;
        return PTA_OK;
    }
    return pta_slice_cycles(ctx, slice, budget, &board->cycles);
}

typedef struct parts {
    int32_t n;
    pta_slice **slices; /* owned; boards, then the sink */
    pta_wires wires;    /* owned */
} parts;

static pta_status build_parts(pta_ctx *ctx, const pta_graph *graph,
                              const pta_plan *plan, parts *p)
{
    p->n = plan->n_boards;
    PTA_TRY_ALLOC(ctx, p->slices, p->n + 1);
    for (int32_t b = 0; b <= p->n; b++) {
        PTA_TRY(pta_slice_build(ctx, graph, plan, b < p->n ? b : PTA_BOARD_SINK,
                                false, &p->slices[b]));
    }
    return pta_wires_build(ctx, graph, plan, p->slices, p->slices[p->n],
                           &p->wires);
}

static void free_parts(pta_ctx *ctx, parts *p)
{
    for (int32_t b = 0; p->slices != NULL && b <= p->n; b++) {
        pta_slice_destroy(ctx, &p->slices[b]);
    }
    pta_free(ctx, p->slices);
    pta_wires_free(ctx, &p->wires);
}

static pta_status fill(pta_ctx *ctx, const pta_plan *plan, const parts *p,
                       const pta_budget *budget, pta_vplan *v)
{
    PTA_TRY_ALLOC(ctx, v->boards, v->n_boards);
    PTA_TRY_ALLOC(ctx, v->wires, p->wires.n_wires);
    for (int32_t b = 0; b < v->n_boards; b++) {
        PTA_TRY(measure_board(ctx, plan, p->slices[b], budget, &v->boards[b]));
        v->boards[b].join_values += count_partials(&p->wires, b);
        v->macs += pta_slice_macs(p->slices[b]);
        v->weight_bytes += count_weight_bytes(p->slices[b]);
    }
    v->sink_joins = count_joins(p->slices[p->n]) +
                    count_partials(&p->wires, PTA_BOARD_SINK);
    v->n_wires = p->wires.n_wires;
    for (int32_t w = 0; w < v->n_wires; w++) {
        const pta_wire *wire = &p->wires.wires[w];
        v->wires[w] =
            (pta_vwire){wire->src, wire->dst, (int64_t)wire->sample_bytes};
    }
    return PTA_OK;
}

pta_status pta_vplan_build(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, const pta_budget *budget,
                           bool packed, pta_vplan **out)
{
    parts p = {0};
    pta_vplan *v;
    PTA_TRY_ALLOC(ctx, v, 1);
    v->n_boards = plan->n_boards;
    v->n_stages = plan->n_stages;
    pta_status status = build_parts(ctx, graph, plan, &p);
    if (status == PTA_OK && packed) {
        pta_wires_pack(&p.wires);
    }
    if (status == PTA_OK) {
        status = fill(ctx, plan, &p, budget, v);
    }
    free_parts(ctx, &p);
    if (status != PTA_OK) {
        pta_vplan_destroy(ctx, &v);
        return status;
    }
    *out = v;
    return PTA_OK;
}

void pta_vplan_destroy(pta_ctx *ctx, pta_vplan **plan)
{
    if (*plan != NULL) {
        pta_free(ctx, (*plan)->boards);
        pta_free(ctx, (*plan)->wires);
        pta_free(ctx, *plan);
        *plan = NULL;
    }
}
