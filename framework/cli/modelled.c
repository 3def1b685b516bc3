/* Modelled time for the verbs (modelled.h). */
#include "cli/modelled.h"

#include <string.h>

#include "runtime/device_wait.h"

enum { LATENCY_DEPTH = 2, DEPTH = 16, BATCH = 64, BUFFER = 8 * 1024 * 1024 };

/* ---- the cluster ---- */

pta_status pta_cluster_open(pta_ctx *ctx, const char *path, int32_t n_hosts,
                            pta_cluster **out)
{
    char *text;
    if (strcmp(path, "pynq") == 0) {
        PTA_TRY(pta_cluster_create(ctx, n_hosts, out));
        return pta_cluster_text(ctx, &(*out)->name, "pynq");
    }
    PTA_TRY(pta_file_read(ctx, path, &text, NULL));
    pta_status status = pta_cluster_parse(ctx, text, path, out);
    pta_free(ctx, text);
    return status;
}

static pta_vhost host_of(const pta_cluster *cluster, const pta_host *host)
{
    const pta_host_costs *c = &host->costs;
    return (pta_vhost){.transfer = 1e3 * c->transfer_us,
                       .copy_per_byte = c->copy_ns_per_byte,
                       .message = 1e3 * c->message_us,
                       .tcp_per_byte = c->tcp_ns_per_byte,
                       .join_per_value = c->join_ns_per_value,
                       .port_per_byte = 8e3 / c->rate_mbit,
                       .latency = 1e3 * c->latency_us,
                       .burst = c->burst_bytes,
                       .cycle = 1e3 / cluster->kinds[host->kind].clock_mhz,
                       .machine = host->machine};
}

static pta_status convert(pta_ctx *ctx, const pta_cluster *cluster,
                          pta_fabric *f)
{
    f->name = pta_strdup(ctx, cluster->name);
    PTA_TRY_ALLOC(ctx, f->hosts, cluster->n_hosts);
    PTA_TRY_ALLOC(ctx, f->cores, cluster->n_machines);
    PTA_TRY_ALLOC(ctx, f->pairs, cluster->n_pairs);
    for (int32_t h = 0; h < cluster->n_hosts; h++) {
        f->hosts[h] = host_of(cluster, &cluster->hosts[h]);
    }
    for (int32_t m = 0; m < cluster->n_machines; m++) {
        f->cores[m] = cluster->machines[m].cores;
    }
    for (int32_t p = 0; p < cluster->n_pairs; p++) {
        const pta_pair *pair = &cluster->pairs[p];
        f->pairs[p] = (pta_vpair){pair->from, pair->to, 1e3 * pair->latency_us,
                                  8e3 / pair->rate_mbit};
    }
    f->budget = pta_board_budget(&cluster->kinds[cluster->hosts[0].kind]);
    f->cluster =
        (pta_vcluster){cluster->n_hosts, f->hosts,         cluster->n_machines,
                       f->cores,         cluster->n_pairs, f->pairs};
    return f->name != NULL ? PTA_OK : PTA_ERR_NOMEM;
}

pta_status pta_fabric_open(pta_ctx *ctx, const char *path, int32_t n_hosts,
                           pta_fabric *out)
{
    pta_cluster *cluster;
    pta_fabric f = {0};
    PTA_TRY(pta_cluster_open(ctx, path, n_hosts, &cluster));
    pta_status status = PTA_OK;
    if (cluster->n_hosts < n_hosts) {
        status = pta_fail(ctx, PTA_ERR_USAGE,
                          "--cluster %s: %d hosts, %d boards need one each",
                          path, cluster->n_hosts, n_hosts);
    }
    if (status == PTA_OK) {
        status = convert(ctx, cluster, &f);
    }
    pta_cluster_destroy(ctx, &cluster);
    if (status != PTA_OK) {
        pta_fabric_close(ctx, &f);
        return status;
    }
    *out = f;
    return PTA_OK;
}

void pta_fabric_close(pta_ctx *ctx, pta_fabric *fabric)
{
    pta_free(ctx, fabric->name);
    pta_free(ctx, fabric->hosts);
    pta_free(ctx, fabric->cores);
    pta_free(ctx, fabric->pairs);
    *fabric = (pta_fabric){0};
}

/* ---- the run ---- */

/* Of a board, as fit_buffers of runner_build.c counts them. */
static int64_t widest_station(const pta_vplan *plan)
{
    int64_t widest = 1;
    for (int32_t b = 0; b < plan->n_boards; b++) {
        int64_t bytes =
            2 * plan->boards[b].bytes_in + plan->boards[b].bytes_out;
        widest = bytes > widest ? bytes : widest;
    }
    return widest;
}

pta_vflow pta_modelled_flow(const pta_vplan *plan, int32_t copies, bool latency,
                            int32_t micro_batch, int32_t depth,
                            int64_t n_samples)
{
    int32_t chosen = micro_batch > 0 ? micro_batch : latency ? 1 : BATCH;
    int64_t widest = widest_station(plan);
    pta_vflow flow = {.copies = copies,
                      .latency = latency,
                      .overlap = PTA_WAIT_OVERLAP,
                      .depth = latency     ? LATENCY_DEPTH
                               : depth > 0 ? depth
                                           : DEPTH,
                      .n_samples = n_samples};
    while (micro_batch == 0 && chosen > 1 &&
           widest * flow.depth * chosen > BUFFER) {
        if (depth == 0 && !latency && flow.depth > DEPTH / 2) {
            flow.depth /= 2;
        } else {
            chosen /= 2;
        }
    }
    flow.micro_batch = chosen;
    return flow;
}

pta_status pta_modelled_run(pta_ctx *ctx, const pta_fabric *fabric,
                            const pta_vplan *plan, const pta_vflow *flow,
                            pta_vobserve observe, void *state,
                            pta_modelled *out)
{
    pta_vresult result;
    PTA_TRY(pta_vtime_run(ctx, &fabric->cluster, plan, flow, observe, state,
                          &result));
    *out = (pta_modelled){.known = true,
                          .cluster = fabric->name,
                          .flow = *flow,
                          .n_boards = plan->n_boards,
                          .source = plan->boards[0].cycles.source,
                          .p50 = 1e-3 * result.p50,
                          .p95 = 1e-3 * result.p95,
                          .p99 = 1e-3 * result.p99,
                          .max = 1e-3 * result.max,
                          .throughput = result.throughput,
                          .stages = result.stages,
                          .elapsed = result.elapsed};
    result.stages = NULL;
    for (int32_t b = 1; b < plan->n_boards; b++) { /* the weakest counts */
        pta_cycles_source source = plan->boards[b].cycles.source;
        out->source = source < out->source ? source : out->source;
    }
    pta_vresult_free(ctx, &result);
    return PTA_OK;
}

void pta_modelled_free(pta_ctx *ctx, pta_modelled *modelled)
{
    pta_free(ctx, modelled->stages);
    *modelled = (pta_modelled){0};
}

/* ---- what is told ---- */

json_t *pta_modelled_json(const pta_modelled *m)
{
    if (!m->known) {
        return json_pack("{s:n,s:n}", "latency_us", "throughput_per_s");
    }
    return json_pack(
        "{s:f,s:f,s:{s:f,s:f,s:f,s:f},s:s,s:s,s:i,s:i,s:i,s:i,s:I}",
        "latency_us", m->p50, "throughput_per_s", m->throughput,
        "percentiles_us", "p50", m->p50, "p95", m->p95, "p99", m->p99, "max",
        m->max, "cluster", m->cluster, "compute",
        pta_cycles_source_text(m->source), "boards", (int)m->n_boards, "copies",
        (int)m->flow.copies, "micro_batch", (int)m->flow.micro_batch, "depth",
        (int)m->flow.depth, "samples", (json_int_t)m->flow.n_samples);
}

/* Sums of copy 0, which sees one of `copies` samples. */
static double us_per_sample(const pta_modelled *m, int32_t board,
                            pta_vkind kind)
{
    double samples = (double)m->flow.n_samples / m->flow.copies;
    return 1e-3 * (double)m->stages[board].ns[kind] / samples;
}

json_t *pta_modelled_stage_json(const pta_modelled *m, int32_t board)
{
    if (!m->known) {
        return json_null();
    }
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "compute_us",
                     us_per_sample(m, board, PTA_V_COMPUTE), "bus_us",
                     us_per_sample(m, board, PTA_V_BUS), "wire_us",
                     us_per_sample(m, board, PTA_V_WIRE), "wait_us",
                     us_per_sample(m, board, PTA_V_WAIT), "port_us",
                     us_per_sample(m, board, PTA_V_PORT));
}

void pta_modelled_print(const pta_modelled *m, FILE *file)
{
    char n[PTA_COUNT_TEXT];
    if (!m->known) {
        return;
    }
    fprintf(file,
            "modelled    %d board%s of \"%s\", not this machine: latency p50 "
            "%.1f us, p95 %.1f us,\n            p99 %.1f us; %s samples/s; "
            "cycles %s\n",
            m->n_boards * m->flow.copies,
            m->n_boards * m->flow.copies == 1 ? "" : "s", m->cluster, m->p50,
            m->p95, m->p99, pta_print_count((int64_t)(m->throughput + 0.5), n),
            pta_cycles_source_text(m->source));
}
