/* Measurements into a cluster (cluster_fill.h). */
#include "cli/cluster_fill.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/** Mbit/s; a pair that was too fast to tell has the greatest. */
static double rate_of(const pta_net_pair *p)
{
    return p->stream.per_byte > 8e-6 ? 8.0 / p->stream.per_byte : 1e6;
}

/**
 * A message on its own finds cold caches; at work it costs no more than a stream
 * of short ones shows, which the slower of the two ends sets. So the costs of
 * both ends are scaled down to the stream, and what is left of a message's way
 * is latency.
 */
static double warmth(const pta_net_pair *p)
{
    double slower = fmax(p->send.base, p->receive.base);
    return slower > p->stream.message ? p->stream.message / slower : 1.0;
}

static double send_base(const pta_net_pair *p)
{
    return warmth(p) * p->send.base;
}

static double receive_base(const pta_net_pair *p)
{
    return warmth(p) * p->receive.base;
}

static double send_slope(const pta_net_pair *p)
{
    return warmth(p) * p->send.slope;
}

static double receive_slope(const pta_net_pair *p)
{
    return warmth(p) * p->receive.slope;
}

static double burst_of(const pta_net_pair *p)
{
    return p->burst;
}

static double latency_of(const pta_net_pair *p)
{
    return fmax(0.0, p->message.base - send_base(p) - receive_base(p));
}

/* ---- hosts ---- */

static pta_status name_host(pta_ctx *ctx, pta_cluster *cluster, int32_t n,
                            const pta_net_host *hosts, int32_t i)
{
    char name[PTA_NET_NAME + 16];
    int same = 0;
    for (int32_t k = 0; k < n; k++) {
        same += strcmp(hosts[k].name, hosts[i].name) == 0;
    }
    snprintf(name, sizeof name, same > 1 ? "%s#%d" : "%s", hosts[i].name,
             (int)i);
    return pta_cluster_text(ctx, &cluster->hosts[i].name, name);
}

/** Hosts that booted together are one machine, called by its first host. */
static pta_status place_host(pta_ctx *ctx, pta_cluster *cluster,
                             const pta_net_host *hosts, int32_t i)
{
    for (int32_t k = 0; k < i; k++) {
        if (hosts[i].boot[0] != '\0' &&
            strcmp(hosts[k].boot, hosts[i].boot) == 0) {
            cluster->hosts[i].machine = cluster->hosts[k].machine;
            return PTA_OK;
        }
    }
    return pta_cluster_add_machine(ctx, cluster, cluster->hosts[i].name,
                                   hosts[i].cores, &cluster->hosts[i].machine);
}

/* ---- costs ---- */

/** The pairs, and room for one number of each. */
typedef struct measured {
    const pta_net_pair *pairs;
    int32_t n_pairs;
    double *values;
} measured;

/** Median of a number over the pairs from a host, to it, or both. */
static double median_of(const measured *m, int32_t host, bool from, bool to,
                        double (*number)(const pta_net_pair *))
{
    int n = 0;
    for (int32_t i = 0; i < m->n_pairs; i++) {
        const pta_net_pair *p = &m->pairs[i];
        if ((from && p->from == host) || (to && p->to == host)) {
            m->values[n++] = number(p);
        }
    }
    return n > 0 ? pta_fit_median(n, m->values) : 0.0;
}

/** The file has one cost for sending and receiving: their mean. */
static void fill_costs(const measured *m, int32_t host, pta_host_costs *costs)
{
    costs->message_us = 0.5 * (median_of(m, host, true, false, send_base) +
                               median_of(m, host, false, true, receive_base));
    costs->tcp_ns_per_byte =
        500.0 * (median_of(m, host, true, false, send_slope) +
                 median_of(m, host, false, true, receive_slope));
    costs->latency_us = 0.5 * median_of(m, host, true, true, latency_of);
    costs->burst_bytes = median_of(m, host, true, false, burst_of);
    costs->rate_mbit = 0.0;
    for (int32_t i = 0; i < m->n_pairs; i++) {
        const pta_net_pair *p = &m->pairs[i];
        if (p->from == host || p->to == host) {
            costs->rate_mbit = fmax(costs->rate_mbit, rate_of(p));
        }
    }
}

static pta_status fill_pair(pta_ctx *ctx, pta_cluster *cluster,
                            const pta_net_pair *p)
{
    double *worst = &cluster->origin.residual_percent;
    *worst = fmax(*worst, 100.0 * p->message.residual);
    *worst = fmax(*worst, 100.0 * p->stream.residual);
    return pta_cluster_set_pair(
        ctx, cluster, (pta_pair){p->from, p->to, latency_of(p), rate_of(p)});
}

pta_status pta_cluster_fill(pta_ctx *ctx, pta_cluster *cluster, int32_t n,
                            const pta_net_host *hosts,
                            const pta_net_pair *pairs, int32_t n_pairs)
{
    if (cluster->n_hosts != n) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the cluster has %d hosts, %d ranks were measured",
                        (int)cluster->n_hosts, (int)n);
    }
    measured m = {pairs, n_pairs, NULL};
    PTA_TRY_ALLOC(ctx, m.values, n_pairs);
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < n && status == PTA_OK; i++) {
        fill_costs(&m, i, &cluster->hosts[i].costs);
        status = name_host(ctx, cluster, n, hosts, i);
        if (status == PTA_OK) {
            status = place_host(ctx, cluster, hosts, i);
        }
    }
    cluster->origin.residual_percent = 0.0;
    for (int32_t i = 0; i < n_pairs && status == PTA_OK; i++) {
        status = fill_pair(ctx, cluster, &pairs[i]);
    }
    pta_free(ctx, m.values);
    return status;
}
