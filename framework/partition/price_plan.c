/*
 * Pricing a complete plan: its slices and wires as traffic.
 */
#include <string.h>

#include "partition/price.h"

typedef struct parts {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_plan *plan;
    pta_slice **slices; /* owned; boards, then the sink */
    pta_wires wires;
    pta_traffic_board *boards; /* owned */
    pta_traffic_wire *traffic; /* owned */
} parts;

static pta_status build(parts *p)
{
    int32_t n = p->plan->n_boards;
    PTA_TRY_ALLOC(p->ctx, p->slices, n + 1);
    for (int32_t b = 0; b <= n; b++) {
        PTA_TRY(pta_slice_build(p->ctx, p->graph, p->plan,
                                b < n ? b : PTA_BOARD_SINK, false,
                                &p->slices[b]));
    }
    return pta_wires_build(p->ctx, p->graph, p->plan, p->slices, p->slices[n],
                           &p->wires);
}

static void release(parts *p)
{
    for (int32_t b = 0; p->slices != NULL && b <= p->plan->n_boards; b++) {
        pta_slice_destroy(p->ctx, &p->slices[b]);
    }
    pta_free(p->ctx, p->slices);
    pta_wires_free(p->ctx, &p->wires);
    pta_free(p->ctx, p->boards);
    pta_free(p->ctx, p->traffic);
}

static pta_status fill(parts *p, const pta_core *cores, const int32_t *hosts,
                       int32_t copies, int32_t **by_board)
{
    int32_t n = p->plan->n_boards;
    PTA_TRY_ALLOC(p->ctx, p->boards, n);
    PTA_TRY_ALLOC(p->ctx, p->traffic, p->wires.n_wires);
    PTA_TRY_ALLOC(p->ctx, *by_board, (int64_t)n * copies);
    for (int32_t b = 0; b < n; b++) {
        for (int32_t c = 0; c < copies; c++) {
            (*by_board)[b * copies + c] = hosts[c * n + b];
        }
        p->boards[b] = (pta_traffic_board){
            .interval = (double)cores[b].interval,
            .latency = (double)cores[b].latency,
            .in_bytes = (int64_t)pta_slice_in_bytes(p->slices[b]),
            .out_bytes = (int64_t)pta_slice_out_bytes(p->slices[b]),
            .hosts = *by_board + (size_t)b * (size_t)copies};
    }
    for (int32_t w = 0; w < p->wires.n_wires; w++) {
        const pta_wire *wire = &p->wires.wires[w];
        pta_traffic_wire *t = &p->traffic[w];
        *t = (pta_traffic_wire){wire->src, wire->dst,
                                (int64_t)wire->sample_bytes, 0};
        for (int32_t i = 0; i < wire->n_pieces; i++) {
            t->joined +=
                wire->pieces[i].partial ? wire->pieces[i].copy.n_elements : 0;
        }
    }
    return PTA_OK;
}

static pta_status price(parts *p, const pta_core *cores, const int32_t *hosts,
                        int32_t copies, const pta_cluster *cluster,
                        int32_t batch, pta_price *out, pta_busy *loads)
{
    int32_t n = p->plan->n_boards, *by_board = NULL;
    pta_price_room room;
    PTA_TRY(build(p));
    pta_status status = fill(p, cores, hosts, copies, &by_board);
    if (status == PTA_OK) {
        status =
            pta_price_room_create(p->ctx, cluster, n, p->wires.n_wires, &room);
    }
    if (status == PTA_OK) {
        pta_traffic t = {n, p->wires.n_wires, copies, p->boards, p->traffic};
        *out = pta_price_traffic(&t, cluster, batch, &room);
        if (loads != NULL) {
            memcpy(loads, room.loads, (size_t)n * sizeof *loads);
        }
        pta_price_room_free(p->ctx, &room);
    }
    pta_free(p->ctx, by_board);
    return status;
}

pta_status pta_price_plan(pta_ctx *ctx, const pta_graph *graph,
                          const pta_plan *plan, const pta_core *cores,
                          const int32_t *hosts, int32_t copies,
                          const pta_cluster *cluster, int32_t batch,
                          pta_price *out, pta_busy *loads)
{
    parts p = {.ctx = ctx, .graph = graph, .plan = plan};
    if ((int64_t)plan->n_boards * copies > cluster->n_hosts) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "%d copies of %d boards: the cluster has %d hosts",
                        (int)copies, (int)plan->n_boards,
                        (int)cluster->n_hosts);
    }
    pta_status status =
        price(&p, cores, hosts, copies, cluster, batch, out, loads);
    release(&p);
    return status;
}
