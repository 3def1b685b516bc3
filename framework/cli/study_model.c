/* Points of a scaling study, modelled (study.h). */
#include <string.h>

#include "cli/study.h"
#include "runtime/mapping.h"

enum { LINE_SPANS = 4096 };

/* ---- stages ---- */

/* Layers of a stage; owned by the caller. */
static pta_status layer_names(pta_ctx *ctx, const pta_graph *graph,
                              const pta_stage *stage, char **names)
{
    size_t size = 1;
    for (int32_t i = stage->first; i <= stage->last; i++) {
        size += strlen(graph->nodes[i].name) + 1;
    }
    char *text;
    PTA_TRY_ALLOC(ctx, text, size);
    for (int32_t i = stage->first; i <= stage->last; i++) {
        if (graph->nodes[i].op != PTA_OP_INPUT) {
            strcat(text, text[0] != '\0' ? " " : "");
            strcat(text, graph->nodes[i].name);
        }
    }
    *names = text;
    return PTA_OK;
}

static pta_status name_stages(pta_ctx *ctx, const pta_loaded *loaded,
                              pta_point *p)
{
    PTA_TRY_ALLOC(ctx, p->shares, p->stages);
    for (int32_t i = 0; i < p->stages; i++) {
        PTA_TRY(layer_names(ctx, pta_model_graph(loaded->model),
                            &loaded->plan->stages[i], &p->shares[i].layers));
    }
    return PTA_OK;
}

/* ---- floors ---- */

static pta_status one_sample(pta_ctx *ctx, const pta_vcluster *cluster,
                             const pta_vplan *plan, double *us)
{
    pta_vflow flow = pta_modelled_flow(plan, 1, true, 1, 0, 1);
    pta_vresult result;
    PTA_TRY(pta_vtime_run(ctx, cluster, plan, &flow, NULL, NULL, &result));
    *us = 1e-3 * result.p50;
    pta_vresult_free(ctx, &result);
    return PTA_OK;
}

/* Latency were messages free, and were boards. */
static pta_status find_floors(pta_ctx *ctx, const pta_fabric *fabric,
                              const pta_vplan *plan, pta_point *p)
{
    int32_t n = plan->n_boards;
    pta_vhost *hosts;
    PTA_TRY_ALLOC(ctx, hosts, n);
    pta_vcluster cluster = fabric->cluster;
    cluster.n_hosts = n;
    cluster.hosts = hosts;
    for (int32_t h = 0; h < n; h++) {
        const pta_vhost *real = &fabric->hosts[h];
        hosts[h] = (pta_vhost){.transfer = real->transfer,
                               .copy_per_byte = real->copy_per_byte,
                               .cycle = real->cycle,
                               .machine = real->machine};
    }
    cluster.n_pairs = 0;
    pta_status status = one_sample(ctx, &cluster, plan, &p->floor_boards);
    for (int32_t h = 0; h < n; h++) {
        hosts[h] = fabric->hosts[h];
        hosts[h].transfer = hosts[h].copy_per_byte = hosts[h].cycle = 0.0;
    }
    cluster.n_pairs = fabric->cluster.n_pairs;
    if (status == PTA_OK) {
        status = one_sample(ctx, &cluster, plan, &p->floor_network);
    }
    pta_free(ctx, hosts);
    return status;
}

/* ---- the point ---- */

pta_status pta_study_model(pta_ctx *ctx, const pta_fabric *fabric,
                           const pta_loaded *loaded, const pta_vplan *plan,
                           int32_t micro_batch, int32_t depth, pta_point *p)
{
    int32_t copies = pta_place(plan->n_boards, p->boards, 0).copies;
    p->used = copies * plan->n_boards;
    p->stages = plan->n_stages;
    p->macs = plan->macs;
    p->weight_bytes = plan->weight_bytes;
    pta_vflow one = pta_modelled_flow(plan, copies, true, 1, 0, 64);
    PTA_TRY(pta_modelled_run(ctx, fabric, plan, &one, NULL, NULL, &p->latency));
    PTA_TRY(find_floors(ctx, fabric, plan, p));
    pta_vflow full =
        pta_modelled_flow(plan, copies, false, micro_batch, depth, 1);
    full.n_samples = 8LL * full.depth * copies * full.micro_batch;
    PTA_TRY(pta_timeline_open(ctx, LINE_SPANS, &p->line));
    PTA_TRY(pta_modelled_run(ctx, fabric, plan, &full, pta_timeline_observe,
                             &p->line, &p->stream));
    return name_stages(ctx, loaded, p);
}
