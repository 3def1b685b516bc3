/*
 * The cost model: what a plan with its cores costs on a cluster, per sample.
 *
 * Throughput is set by the busiest of every board's core, HP port, ARM and
 * Ethernet port (each way); latency is one sample through an empty pipeline.
 * Source and sink are on the host of board 0 and serve all copies; what stays
 * on one host is copied, not sent. docs/planner.md has the formulas.
 */
#ifndef PTA_PARTITION_PRICE_H
#define PTA_PARTITION_PRICE_H

#include "partition/cluster.h"
#include "partition/estimate.h"
#include "plan/wire.h"

/** What one board does with one sample. */
typedef struct pta_traffic_board {
    double interval, latency;    /* of the core, cycles */
    int64_t in_bytes, out_bytes; /* of DMA */
    const int32_t *hosts;        /* [copies]; borrowed */
} pta_traffic_board;

typedef struct pta_traffic_wire {
    int32_t src, dst; /* boards, PTA_BOARD_SOURCE, PTA_BOARD_SINK */
    int64_t bytes;    /* of one sample, as pta_wire */
    int64_t joined;   /* partial sums among them */
} pta_traffic_wire;

/** A plan, or the first stages of one, as the cost model sees it. Wires are in
 * order of (src, dst), the source first, a sink last of each src; a receiver
 * comes after all that send to it. */
typedef struct pta_traffic {
    int32_t n_boards, n_wires, copies;
    const pta_traffic_board *boards;
    const pta_traffic_wire *wires;
} pta_traffic;

typedef enum pta_limit {
    PTA_LIMIT_CORE,
    PTA_LIMIT_PORT, /* HP port */
    PTA_LIMIT_ARM,
    PTA_LIMIT_IN, /* Ethernet port */
    PTA_LIMIT_OUT,
    PTA_LIMIT_COUNT
} pta_limit;

const char *pta_limit_name(pta_limit limit);

/** Microseconds that each part of a board (all copies: of the worst) is busy
 * for one sample of its copy; source and sink included on board 0. */
typedef struct pta_busy {
    double us[PTA_LIMIT_COUNT];
    double start_us, finish_us; /* of one sample on its way, copy 0 */
} pta_busy;

double pta_busy_worst(const pta_busy *load, pta_limit *which);

typedef struct pta_price {
    double interval_us; /* between samples, of all copies together */
    double latency_us;  /* of one sample */
    int32_t board;      /* with the greatest load, and what of it */
    pta_limit limit;
} pta_price;

/** Room that pta_price_traffic works in. */
typedef struct pta_price_room {
    int32_t boards, wires;
    double *arrive;   /* owned; [wires] */
    double *finish;   /* owned; [boards] */
    int32_t *order;   /* owned; [wires] */
    pta_busy *loads;  /* owned; [boards] */
    pta_busy *shared; /* owned; [hosts] */
} pta_price_room;

pta_status PTA_MUST_CHECK pta_price_room_create(pta_ctx *ctx,
                                                const pta_cluster *cluster,
                                                int32_t boards, int32_t wires,
                                                pta_price_room *out);
void pta_price_room_free(pta_ctx *ctx, pta_price_room *room);

/** Prices a plan or the beginning of one, which costs at most what the whole
 * does. `batch` samples go in a message (latency: always one). `loads` of the
 * room receives the boards'. */
pta_price pta_price_traffic(const pta_traffic *traffic,
                            const pta_cluster *cluster, int32_t batch,
                            pta_price_room *room);

/**
 * Prices a complete plan. `cores` [n_boards] are the boards' slices as
 * hardware, `hosts` [copies * n_boards] where each board of each copy is.
 * `loads` [n_boards] may be NULL.
 */
pta_status PTA_MUST_CHECK pta_price_plan(
    pta_ctx *ctx, const pta_graph *graph, const pta_plan *plan,
    const pta_core *cores, const int32_t *hosts, int32_t copies,
    const pta_cluster *cluster, int32_t batch, pta_price *out, pta_busy *loads);

#endif
