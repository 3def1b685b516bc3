/*
 * The cost model over traffic: throughput as the greatest load, latency by
 * following one sample.
 */
#include "partition/price.h"

#include <string.h>

#define HEADER_BYTES 48 /* of a message (docs/wire-format.md) */

const char *pta_limit_name(pta_limit limit)
{
    static const char *const names[] = {"core", "HP port", "ARM", "Ethernet in",
                                        "Ethernet out"};
    return limit < PTA_LIMIT_COUNT ? names[limit] : "?";
}

double pta_busy_worst(const pta_busy *load, pta_limit *which)
{
    double worst = -1;
    for (int i = 0; i < PTA_LIMIT_COUNT; i++) {
        if (load->us[i] > worst) {
            worst = load->us[i];
            *which = (pta_limit)i;
        }
    }
    return worst;
}

/* ---- room ---- */

pta_status pta_price_room_create(pta_ctx *ctx, const pta_cluster *cluster,
                                 int32_t boards, int32_t wires,
                                 pta_price_room *out)
{
    pta_price_room room = {.boards = boards, .wires = wires};
    room.arrive = pta_calloc(ctx, (size_t)wires, sizeof *room.arrive);
    room.finish = pta_calloc(ctx, (size_t)boards, sizeof *room.finish);
    room.order = pta_calloc(ctx, (size_t)wires, sizeof *room.order);
    room.loads = pta_calloc(ctx, (size_t)boards, sizeof *room.loads);
    room.shared =
        pta_calloc(ctx, (size_t)cluster->n_hosts, sizeof *room.shared);
    if (room.arrive == NULL || room.finish == NULL || room.order == NULL ||
        room.loads == NULL || room.shared == NULL) {
        pta_price_room_free(ctx, &room);
        return PTA_ERR_NOMEM;
    }
    *out = room;
    return PTA_OK;
}

void pta_price_room_free(pta_ctx *ctx, pta_price_room *room)
{
    pta_free(ctx, room->arrive);
    pta_free(ctx, room->finish);
    pta_free(ctx, room->order);
    pta_free(ctx, room->loads);
    pta_free(ctx, room->shared);
    *room = (pta_price_room){0};
}

/* ---- throughput ---- */

typedef struct pricing {
    const pta_traffic *t;
    const pta_cluster *cluster;
    double batch;
    pta_price_room *room;
} pricing;

static int32_t host_of(const pricing *p, int32_t board, int32_t copy)
{
    const pta_traffic_board *b = &p->t->boards[board < 0 ? 0 : board];
    return b->hosts[board < 0 ? 0 : copy];
}

static double message_cpu(const pta_host_costs *c, double bytes, double batch)
{
    return c->message_us / batch +
           (bytes + HEADER_BYTES / batch) * c->tcp_ns_per_byte * 1e-3;
}

static double on_wire(double bytes, double batch, double rate_mbit)
{
    return (bytes + HEADER_BYTES / batch) * 8 / rate_mbit;
}

/* What one copy's sample on a wire costs both ends. Loads are kept by host. */
static void load_wire(const pricing *p, const pta_traffic_wire *w, int32_t copy)
{
    int32_t from = host_of(p, w->src, copy), to = host_of(p, w->dst, copy);
    const pta_host_costs *a = &p->cluster->hosts[from].costs;
    const pta_host_costs *b = &p->cluster->hosts[to].costs;
    pta_busy *out = &p->room->shared[from], *in = &p->room->shared[to];
    double bytes = (double)w->bytes;
    in->us[PTA_LIMIT_ARM] += (double)w->joined * b->join_ns_per_value * 1e-3;
    if (from == to) {
        out->us[PTA_LIMIT_ARM] += bytes * a->copy_ns_per_byte * 1e-3;
        return;
    }
    double rate = pta_cluster_pair(p->cluster, from, to).rate_mbit;
    double wire = on_wire(bytes, p->batch, rate);
    out->us[PTA_LIMIT_ARM] += message_cpu(a, bytes, p->batch);
    in->us[PTA_LIMIT_ARM] += message_cpu(b, bytes, p->batch);
    out->us[PTA_LIMIT_OUT] += wire;
    in->us[PTA_LIMIT_IN] += wire;
}

static void load_board(const pricing *p, int32_t board, int32_t copy)
{
    const pta_traffic_board *b = &p->t->boards[board];
    int32_t host = b->hosts[copy];
    const pta_host_costs *c = &p->cluster->hosts[host].costs;
    const pta_board_kind *kind =
        &p->cluster->kinds[p->cluster->hosts[host].kind];
    pta_busy *load = &p->room->shared[host];
    double in = (double)b->in_bytes, out = (double)b->out_bytes;
    load->us[PTA_LIMIT_CORE] += b->interval / kind->clock_mhz;
    load->us[PTA_LIMIT_PORT] +=
        (in > out ? in : out) / kind->port_bytes / kind->clock_mhz;
    load->us[PTA_LIMIT_ARM] +=
        2 * c->transfer_us / p->batch + (in + out) * c->copy_ns_per_byte * 1e-3;
}

/* Hosts of one machine share its cores. */
static double arm_us(const pricing *p, int32_t host)
{
    const pta_cluster *c = p->cluster;
    int32_t machine = c->hosts[host].machine;
    double sum = p->room->shared[host].us[PTA_LIMIT_ARM];
    if (c->n_machines < c->n_hosts) {
        sum = 0;
        for (int32_t h = 0; h < c->n_hosts; h++) {
            sum += c->hosts[h].machine == machine
                       ? p->room->shared[h].us[PTA_LIMIT_ARM]
                       : 0;
        }
    }
    return sum / c->machines[machine].cores;
}

static void add_loads(const pricing *p)
{
    const pta_traffic *t = p->t;
    memset(p->room->shared, 0,
           (size_t)p->cluster->n_hosts * sizeof *p->room->shared);
    for (int32_t copy = 0; copy < t->copies; copy++) {
        for (int32_t b = 0; b < t->n_boards; b++) {
            load_board(p, b, copy);
        }
        for (int32_t w = 0; w < t->n_wires; w++) {
            load_wire(p, &t->wires[w], copy);
        }
    }
}

static void find_worst(const pricing *p, pta_price *out)
{
    const pta_traffic *t = p->t;
    double worst = 0;
    memset(p->room->loads, 0, (size_t)t->n_boards * sizeof *p->room->loads);
    for (int32_t b = 0; b < t->n_boards; b++) {
        pta_busy *load = &p->room->loads[b];
        for (int32_t copy = 0; copy < t->copies; copy++) {
            int32_t host = t->boards[b].hosts[copy];
            pta_busy one = p->room->shared[host];
            pta_limit which = PTA_LIMIT_CORE;
            one.us[PTA_LIMIT_ARM] = arm_us(p, host);
            for (int i = 0; i < PTA_LIMIT_COUNT; i++) {
                load->us[i] = one.us[i] > load->us[i] ? one.us[i] : load->us[i];
            }
            double us = pta_busy_worst(&one, &which);
            if (us > worst) {
                worst = us;
                out->board = b;
                out->limit = which;
            }
        }
    }
    out->interval_us = worst / t->copies;
}

/* ---- latency ---- */

/* A host sends its wires one after the other; its port carries what the ARM
 * has given it, in order. */
static void send_all(const pricing *p, int32_t src, double time)
{
    const pta_traffic *t = p->t;
    int32_t from = host_of(p, src, 0);
    const pta_host_costs *c = &p->cluster->hosts[from].costs;
    double port = time;
    for (int32_t w = 0; w < t->n_wires; w++) {
        const pta_traffic_wire *wire = &t->wires[w];
        if (wire->src != src) {
            continue;
        }
        int32_t to = host_of(p, wire->dst, 0);
        double bytes = (double)wire->bytes;
        if (from == to) {
            time += bytes * c->copy_ns_per_byte * 1e-3;
            p->room->arrive[w] = time;
            continue;
        }
        pta_pair pair = pta_cluster_pair(p->cluster, from, to);
        time += message_cpu(c, bytes, 1);
        port = (port > time ? port : time) + on_wire(bytes, 1, pair.rate_mbit);
        p->room->arrive[w] = port + pair.latency_us;
    }
}

/* Wires of `dst` in order of arrival; returns how many. */
static int32_t sort_arrivals(const pricing *p, int32_t dst)
{
    int32_t n = 0, *order = p->room->order;
    const double *arrive = p->room->arrive;
    for (int32_t w = 0; w < p->t->n_wires; w++) {
        if (p->t->wires[w].dst != dst) {
            continue;
        }
        int32_t at = n++;
        for (; at > 0 && arrive[order[at - 1]] > arrive[w]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = w;
    }
    return n;
}

/* When all that `dst` waits for has come, been received and joined. */
static double receive_all(const pricing *p, int32_t dst)
{
    int32_t n = sort_arrivals(p, dst), to = host_of(p, dst, 0);
    const pta_host_costs *c = &p->cluster->hosts[to].costs;
    double time = 0, port = 0, joined = 0;
    for (int32_t i = 0; i < n; i++) {
        const pta_traffic_wire *w = &p->t->wires[p->room->order[i]];
        double arrive = p->room->arrive[p->room->order[i]];
        int32_t from = host_of(p, w->src, 0);
        joined += (double)w->joined;
        if (from == to) {
            time = arrive > time ? arrive : time;
            continue;
        }
        double rate = pta_cluster_pair(p->cluster, from, to).rate_mbit;
        double own = on_wire((double)w->bytes, 1, rate);
        port = port + own > arrive ? port + own : arrive;
        time =
            (port > time ? port : time) + message_cpu(c, (double)w->bytes, 1);
    }
    return time + joined * c->join_ns_per_value * 1e-3;
}

static double compute(const pricing *p, int32_t board, double time)
{
    const pta_traffic_board *b = &p->t->boards[board];
    const pta_host *host = &p->cluster->hosts[b->hosts[0]];
    double bytes = (double)(b->in_bytes + b->out_bytes);
    return time + 2 * host->costs.transfer_us +
           bytes * host->costs.copy_ns_per_byte * 1e-3 +
           b->latency / p->cluster->kinds[host->kind].clock_mhz;
}

static double follow(const pricing *p)
{
    double end = 0;
    send_all(p, PTA_BOARD_SOURCE, 0);
    for (int32_t b = 0; b < p->t->n_boards; b++) {
        double start = receive_all(p, b), finish = compute(p, b, start);
        p->room->loads[b].start_us = start;
        p->room->loads[b].finish_us = finish;
        p->room->finish[b] = finish;
        end = finish > end ? finish : end;
        send_all(p, b, finish);
    }
    double sink = receive_all(p, PTA_BOARD_SINK);
    return sink > end ? sink : end;
}

pta_price pta_price_traffic(const pta_traffic *traffic,
                            const pta_cluster *cluster, int32_t batch,
                            pta_price_room *room)
{
    pricing p = {traffic, cluster, batch, room};
    pta_price price = {0};
    if (traffic->n_boards == 0) {
        return price;
    }
    PTA_ASSERT(traffic->n_boards <= room->boards &&
               traffic->n_wires <= room->wires);
    add_loads(&p);
    find_worst(&p, &price);
    price.latency_us = follow(&p);
    return price;
}
