/*
 * Phase 4 of a run, rank 0: the modelled time of boards, and what to tell. See
 * job_priv.h.
 */
#include <string.h>

#include "cli/devices.h"
#include "cli/job_priv.h"

/* Cycles that the device counted, or the hosts' own time, instead of those of
 * the designs. */
static void take_measured(const pta_job *j, pta_vplan *plan)
{
    bool hosts = strcmp(pta_options_text(j->options, "model"), "hosts") == 0;
    for (int32_t b = 0; b < plan->n_boards; b++) {
        const pta_stage_clock *c = &j->report.clocks[b];
        pta_vboard *board = &plan->boards[b];
        if (hosts) {
            board->cycles.source = PTA_CYCLES_HOST;
            board->host_ns = c->n_samples == 0
                                 ? 0.0
                                 : (double)c->compute_ns / (double)c->n_samples;
        } else if (c->latency != PTA_COST_ABSENT && !j->waits) {
            board->cycles =
                (pta_cycles){(int64_t)c->latency,
                             (int64_t)pta_cost_least(c->interval, c->latency),
                             PTA_CYCLES_MEASURED};
        }
    }
}

/* The same stream on the boards of --cluster, one for each of all copies. */
static pta_status model_run(pta_ctx *ctx, pta_job *j)
{
    pta_report *r = &j->report;
    if (j->fabric.hosts == NULL) {
        return PTA_OK;
    }
    pta_vplan *plan;
    PTA_TRY(pta_vplan_build(ctx, j->graph, j->loaded.plan, &j->fabric.budget,
                            pta_job_is_packed(j), &plan));
    take_measured(j, plan);
    bool latency = strcmp(r->mode, "latency") == 0;
    int32_t depth = (int32_t)pta_options_int(j->options, "depth");
    pta_vflow flow = pta_modelled_flow(plan, r->place.copies, latency,
                                       r->micro_batch, depth, r->samples);
    if (j->size - r->place.idle_ranks > 1) {
        flow.depth = r->depth;
    }
    bool traces = pta_options_text(j->options, "trace") != NULL;
    pta_status status =
        traces ? pta_timeline_open(
                     ctx, (int64_t)PTA_JOB_EVENTS * j->fabric.cluster.n_hosts,
                     &j->timeline)
               : PTA_OK;
    if (status == PTA_OK) {
        status = pta_modelled_run(ctx, &j->fabric, plan, &flow,
                                  traces ? pta_timeline_observe : NULL,
                                  &j->timeline, &r->modelled);
    }
    pta_vplan_destroy(ctx, &plan);
    return status;
}

static pta_status fill_report(pta_ctx *ctx, pta_job *j)
{
    pta_report *r = &j->report;
    const pta_verifier *v = j->verifier;
    uint8_t digest[PTA_SHA256_BYTES];
    const char *device =
        j->waits ? "wait" : pta_options_text(j->options, "device");
    r->plan_path = pta_options_operand(j->options);
    r->data = pta_options_text(j->options, "data");
    r->device = device;
    r->mode = pta_options_text(j->options, "mode");
    r->graph = j->graph;
    r->plan = j->loaded.plan;
    r->ranks = j->size;
    r->place = pta_place(r->plan->n_boards, j->size, 0);
    r->micro_batch = pta_runner_micro_batch(j->runner);
    r->depth = pta_runner_depth(j->runner);
    r->samples = j->rows;
    r->has_labels = j->labels != NULL && !j->waits;
    r->has_digest = !j->is_float && !j->waits;
    pta_sha256_final(&j->hash, digest);
    pta_sha256_hex(digest, r->digest);
    r->latency = pta_latency_percentiles(j->latency_ns, j->rows);
    r->throughput = j->elapsed_ns == 0
                        ? 0.0
                        : 1e9 * (double)j->rows / (double)j->elapsed_ns;
    PTA_TRY(model_run(ctx, j));
    if (v == NULL) {
        return PTA_OK;
    }
    r->has_bits = v->blas != NULL;
    r->has_float = v->reference != NULL;
    r->activity = v->blas != NULL ? &v->activity : NULL;
    r->bit_exact = v->bit_exact;
    r->float_right = v->float_right;
    r->argmax_differs = v->argmax_differs;
    r->has_difference = v->first_bad >= 0 && j->verb == &pta_verb_check;
    return r->has_difference
               ? pta_locate(ctx, j->graph, r->plan, j->weights, j->feed,
                            pta_devices, device, v->first_bad, &r->difference)
               : PTA_OK;
}

pta_status pta_job_tell(pta_ctx *ctx, pta_job *j)
{
    const char *json = pta_options_text(j->options, "json");
    PTA_TRY(fill_report(ctx, j));
    if (j->results != NULL) {
        PTA_TRY(pta_results_commit(ctx, &j->results));
    }
    if (json != NULL) {
        PTA_TRY(pta_write_json(ctx, json, pta_report_json(&j->report)));
    }
    const char *trace = pta_options_text(j->options, "trace");
    if (trace != NULL) {
        PTA_TRY(pta_write_json(
            ctx, trace,
            pta_timeline_json(&j->trace, "host time", &j->timeline)));
    }
    if (json == NULL || strcmp(json, "-") != 0) {
        PTA_TRY(pta_report_print(ctx, &j->report, stdout));
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return pta_fail(ctx, PTA_ERR_IO, "standard output cannot be written");
    }
    return PTA_OK;
}
