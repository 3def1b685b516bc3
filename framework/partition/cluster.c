/*
 * Clusters: defaults, life, pairs of hosts, budgets. Every default states where
 * it comes from; docs/cluster-file.md says how much depends on each.
 */
#include "partition/cluster.h"

#include <stdio.h>
#include <string.h>

#define ENTRY(key) #key, offsetof(pta_host_costs, key)

/* clang-format off */
static const pta_cost_entry entries[PTA_COST_ENTRIES] = {
    {ENTRY(transfer_us), 15, 0, 1e6, "us",
     "assumption: two register writes, one interrupt and one sync of 8 us each "
     "on a 650 MHz Cortex-A9; Python takes 60 us (PYNQ_IA)"},
    {ENTRY(copy_ns_per_byte), 4, 0, 1e6, "ns/byte",
     "assumption: one copy at 400 MB/s and cache lines of 32 bytes in 50 ns"},
    {ENTRY(message_us), 40, 0, 1e6, "us",
     "assumption: 11 us of a Zen 5 core for a hop, both ends together, times 8 "
     "for a Cortex-A9, halved"},
    {ENTRY(tcp_ns_per_byte), 12, 0, 1e6, "ns/byte",
     "assumption: one Cortex-A9 core carries about 650 Mbit/s of TCP"},
    {ENTRY(join_ns_per_value), 15, 0, 1e6, "ns",
     "assumption: 10 cycles of a 650 MHz core"},
    {ENTRY(rate_mbit), 941, 0.001, 1e6, "Mbit/s",
     "gigabit Ethernet less frames and headers of TCP at 1500 bytes"},
    {ENTRY(latency_us), 15, 0, 1e6, "us",
     "assumption: driver, interrupt and half a store-and-forward switch"},
    {ENTRY(burst_bytes), 0, 0, 1e9, "bytes",
     "Ethernet has none; the token bucket of a lab's links has"},
};
/* clang-format on */

const pta_cost_entry *pta_cost_entries(void)
{
    return entries;
}

pta_host_costs pta_host_costs_default(void)
{
    pta_host_costs costs;
    for (int i = 0; i < PTA_COST_ENTRIES; i++) {
        memcpy((char *)&costs + entries[i].offset, &entries[i].fallback,
               sizeof(double));
    }
    return costs;
}

/* ---- boards ---- */

static int64_t left(int64_t has, int32_t share, int64_t reserved)
{
    int64_t n = has * share / 100 - reserved;
    return n > 0 ? n : 0;
}

pta_budget pta_board_budget(const pta_board_kind *kind)
{
    const pta_resources *has = &kind->has, *not = &kind->reserved;
    const pta_shares *s = &kind->shares;
    /* BRAM36 are counted out whole, as the chip has them. */
    return (pta_budget){
        .lut = left(has->lut, s->lut, not ->lut),
        .lutram = left(has->lutram, s->lutram, not ->lutram),
        .ff = left(has->ff, s->ff, not ->ff),
        .dsp = left(has->dsp, s->dsp, not ->dsp),
        .bram18 = 2 * left(has->bram18 / 2, s->bram, not ->bram18 / 2)};
}

static pta_status pynq(pta_ctx *ctx, pta_board_kind *out)
{
    *out = (pta_board_kind){
        .has = {.lut = 53200,
                .lutram = 17400,
                .ff = 106400,
                .dsp = 220,
                .bram18 = 280},
        .reserved = {.lut = 6000, .ff = 8000, .bram18 = 8},
        .shares = {.lut = 70, .ff = 50, .bram = 80, .dsp = 90, .lutram = 70},
        .clock_mhz = 100,
        .port_bytes = 8};
    return pta_cluster_text(ctx, &out->name, "pynq-z2");
}

/* ---- life ---- */

pta_status pta_cluster_text(pta_ctx *ctx, char **field, const char *text)
{
    char *copy = pta_strdup(ctx, text);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, *field);
    *field = copy;
    return PTA_OK;
}

static pta_status add_host(pta_ctx *ctx, pta_cluster *cluster, int32_t i)
{
    char name[32];
    int32_t machine;
    snprintf(name, sizeof name, "board%d", (int)i);
    PTA_TRY(pta_cluster_add_machine(ctx, cluster, name, 2, &machine));
    cluster->hosts[i] =
        (pta_host){.machine = machine, .costs = pta_host_costs_default()};
    return pta_cluster_text(ctx, &cluster->hosts[i].name, name);
}

static pta_status fill(pta_ctx *ctx, pta_cluster *cluster, int32_t n_hosts)
{
    PTA_TRY(pta_cluster_text(ctx, &cluster->name, "PYNQ-Z2 on one switch"));
    PTA_TRY(pta_cluster_text(ctx, &cluster->origin.by, ""));
    PTA_TRY(pta_cluster_text(ctx, &cluster->origin.date, ""));
    PTA_TRY_ALLOC(ctx, cluster->kinds, 1);
    cluster->n_kinds = 1;
    PTA_TRY(pynq(ctx, &cluster->kinds[0]));
    PTA_TRY_ALLOC(ctx, cluster->hosts, n_hosts);
    cluster->n_hosts = n_hosts;
    for (int32_t i = 0; i < n_hosts; i++) {
        PTA_TRY(add_host(ctx, cluster, i));
    }
    return PTA_OK;
}

pta_status pta_cluster_create(pta_ctx *ctx, int32_t n_hosts, pta_cluster **out)
{
    pta_cluster *cluster;
    if (n_hosts < 1 || n_hosts > PTA_CLUSTER_HOST_MAX) {
        return pta_fail(ctx, PTA_ERR_RANGE, "%d boards: expected 1 to %d",
                        (int)n_hosts, PTA_CLUSTER_HOST_MAX);
    }
    PTA_TRY_ALLOC(ctx, cluster, 1);
    pta_status status = fill(ctx, cluster, n_hosts);
    if (status != PTA_OK) {
        pta_cluster_destroy(ctx, &cluster);
        return status;
    }
    *out = cluster;
    return PTA_OK;
}

void pta_cluster_destroy(pta_ctx *ctx, pta_cluster **cluster)
{
    pta_cluster *c = *cluster;
    if (c == NULL) {
        return;
    }
    for (int32_t i = 0; i < c->n_kinds; i++) {
        pta_free(ctx, c->kinds[i].name);
    }
    for (int32_t i = 0; i < c->n_machines; i++) {
        pta_free(ctx, c->machines[i].name);
    }
    for (int32_t i = 0; i < c->n_hosts; i++) {
        pta_free(ctx, c->hosts[i].name);
    }
    pta_free(ctx, c->kinds);
    pta_free(ctx, c->machines);
    pta_free(ctx, c->hosts);
    pta_free(ctx, c->pairs);
    pta_free(ctx, c->origin.by);
    pta_free(ctx, c->origin.date);
    pta_free(ctx, c->name);
    pta_free(ctx, c);
    *cluster = NULL;
}

pta_status pta_cluster_add_machine(pta_ctx *ctx, pta_cluster *cluster,
                                   const char *name, int32_t cores,
                                   int32_t *index)
{
    int32_t n = cluster->n_machines;
    pta_machine *machines =
        pta_realloc(ctx, cluster->machines, (size_t)(n + 1) * sizeof *machines);
    if (machines == NULL) {
        return PTA_ERR_NOMEM;
    }
    cluster->machines = machines;
    machines[n] = (pta_machine){.cores = cores};
    PTA_TRY(pta_cluster_text(ctx, &machines[n].name, name));
    *index = cluster->n_machines++;
    return PTA_OK;
}

/* ---- pairs ---- */

/* First pair not before (from, to). */
static int32_t find_pair(const pta_cluster *cluster, int32_t from, int32_t to)
{
    int32_t lo = 0, hi = cluster->n_pairs;
    while (lo < hi) {
        int32_t middle = lo + (hi - lo) / 2;
        const pta_pair *p = &cluster->pairs[middle];
        if (p->from < from || (p->from == from && p->to < to)) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo;
}

static bool is_pair(const pta_cluster *cluster, int32_t i, int32_t from,
                    int32_t to)
{
    return i < cluster->n_pairs && cluster->pairs[i].from == from &&
           cluster->pairs[i].to == to;
}

pta_status pta_cluster_set_pair(pta_ctx *ctx, pta_cluster *cluster,
                                pta_pair pair)
{
    int32_t n = cluster->n_pairs;
    int32_t i = find_pair(cluster, pair.from, pair.to);
    if (!is_pair(cluster, i, pair.from, pair.to)) {
        pta_pair *pairs =
            pta_realloc(ctx, cluster->pairs, (size_t)(n + 1) * sizeof *pairs);
        if (pairs == NULL) {
            return PTA_ERR_NOMEM;
        }
        memmove(pairs + i + 1, pairs + i, (size_t)(n - i) * sizeof *pairs);
        cluster->pairs = pairs;
        cluster->n_pairs = n + 1;
    }
    cluster->pairs[i] = pair;
    return PTA_OK;
}

pta_pair pta_cluster_pair(const pta_cluster *cluster, int32_t from, int32_t to)
{
    int32_t i = find_pair(cluster, from, to);
    if (is_pair(cluster, i, from, to)) {
        return cluster->pairs[i];
    }
    const pta_host_costs *a = &cluster->hosts[from].costs;
    const pta_host_costs *b = &cluster->hosts[to].costs;
    return (pta_pair){from, to, a->latency_us + b->latency_us,
                      a->rate_mbit < b->rate_mbit ? a->rate_mbit
                                                  : b->rate_mbit};
}
