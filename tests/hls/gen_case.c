/* A slice for tests of the generator: see gen_case.h. */
#include "gen_case.h"

#include "hls/driver/device_hw.h"
#include "hls/gen/device_rtl.h"
#include "kernels/number.h"
#include "plan/timing_priv.h"
#include "quant/formats.h"
#include "runtime/slice_load.h"

void gen_begin(gen_case *c, pta_ctx *ctx, uint64_t seed, int bits)
{
    *c = (gen_case){.ctx = ctx, .rng = seed};
    c->graph.rng = &c->rng;
    c->graph.bits = bits;
    if (pta_graph_create(ctx, "random", &c->graph.graph) != PTA_OK) {
        abort();
    }
    c->graph.weights = (pta_weights){rg_read, &c->graph};
}

static void choose_folds(gen_case *c)
{
    for (int32_t i = 0; i < c->slice->n_steps; i++) {
        pta_step *step = &c->slice->steps[i];
        if (step->weighted) {
            int32_t m = step->weights.rows, n = step->weights.cols;
            step->fold = (pta_fold){
                .pe = (int32_t)pta_rng_range(&c->rng, 1, m < 6 ? m : 6),
                .simd = (int32_t)pta_rng_range(&c->rng, 1, n < 9 ? n : 9),
                .order = (pta_fold_order)pta_rng_range(&c->rng, 0, 1),
                .memory = (pta_fold_memory)pta_rng_range(&c->rng, 0, 1)};
        }
    }
}

static pta_status make_slice(gen_case *c)
{
    char digest[PTA_SHA256_HEX];
    const pta_graph *graph = c->graph.graph;
    PTA_TRY(pta_plan_create(c->ctx, graph, &c->plan));
    memcpy(c->plan->formats, c->graph.formats,
           (size_t)graph->n_nodes * sizeof *c->plan->formats);
    PTA_TRY(
        pta_formats_prove(c->ctx, graph, &c->graph.weights, c->plan->formats));
    PTA_TRY(pta_slice_build(c->ctx, graph, c->plan, 0, false, &c->slice));
    PTA_TRY(pta_slice_load(c->ctx, graph, c->plan, &c->graph.weights, c->slice,
                           digest));
    choose_folds(c);
    return PTA_OK;
}

pta_status gen_finish(gen_case *c)
{
    PTA_TRY(pta_graph_add_output(c->ctx, c->graph.graph,
                                 c->graph.graph->n_nodes - 1));
    return make_slice(c);
}

void gen_end(gen_case *c)
{
    pta_slice_destroy(c->ctx, &c->slice);
    pta_plan_destroy(c->ctx, &c->plan);
    rg_free(c->ctx, &c->graph);
}

/* ---- run ---- */

static int64_t count_of(const pta_value *v)
{
    return pta_view_count(v->view);
}

static void put_samples(const gen_case *c, char *in)
{
    const pta_slice *s = c->slice;
    for (int n = 0; n < GEN_SAMPLES; n++) {
        for (int32_t i = 0; i < s->n_inputs; i++) {
            const pta_value *v = &s->values[s->inputs[i]];
            const int64_t *raw =
                c->graph.raw[v->node] + n % RG_SAMPLES * count_of(v);
            for (int64_t e = 0; e < count_of(v); e++) {
                pta_store(in + pta_slice_in_offset(s, i), v->dtype, e, raw[e]);
            }
        }
        in += pta_slice_in_bytes(s);
    }
}

static int64_t count_wrong(const gen_case *c, const char *out)
{
    const pta_slice *s = c->slice;
    int64_t wrong = 0;
    for (int n = 0; n < GEN_SAMPLES; n++) {
        for (int32_t i = 0; i < s->n_outputs; i++) {
            const pta_value *v = &s->values[s->outputs[i]];
            const int64_t *raw =
                c->graph.raw[v->node] + n % RG_SAMPLES * count_of(v);
            for (int64_t e = 0; e < count_of(v); e++) {
                wrong += pta_load(out + pta_slice_out_offset(s, i), v->dtype,
                                  e) != raw[e];
            }
        }
        out += pta_slice_out_bytes(s);
    }
    return wrong;
}

/* Outputs of a device, and what it says of the last batch. */
static pta_status run_on(const gen_case *c, const pta_device_ops *ops,
                         const char *options, int64_t *wrong,
                         pta_device **device)
{
    pta_device_params params = {
        .max_samples = GEN_SAMPLES, .n_slots = 1, .options = options};
    pta_cost cost;
    PTA_TRY(ops->open(c->ctx, c->slice, &params, device));
    put_samples(c, ops->in_buffer(*device, 0));
    PTA_TRY(ops->submit(*device, c->ctx, 0, GEN_SAMPLES));
    PTA_TRY(ops->collect(*device, c->ctx, 0, &cost));
    *wrong += count_wrong(c, ops->out_buffer(*device, 0));
    return PTA_OK;
}

static pta_status read_counter(const gen_case *c, pta_device *device,
                               uint32_t offset, int64_t *value)
{
    pta_bus *bus = pta_hw_core(device)->bus;
    uint32_t low;
    PTA_TRY(bus->ops->read(bus, c->ctx, PTA_BUS_CORE, offset, &low));
    *value = low;
    return PTA_OK;
}

/* From the end of the first sample to that of the last. */
static pta_status span_of(pta_ctx *ctx, const pta_design *design, int64_t *span)
{
    pta_net net;
    PTA_TRY(pta_net_make(ctx, design, GEN_SAMPLES, &net));
    bool flows = pta_net_run(&net);
    const int32_t *end = net.parts[net.n_parts - 1].as.shell.sample_end;
    *span = flows ? end[GEN_SAMPLES - 1] - end[0] : -1;
    pta_net_free(&net);
    return PTA_OK;
}

static pta_status figures(const gen_case *c, gen_result *r)
{
    pta_fold folds[RG_NODES * 4];
    pta_budget budget = pta_budget_pynq();
    pta_design *design;
    PTA_TRY(pta_generate_design(c->ctx, c->slice, &budget, PTA_WEIGHTS_PLANNED,
                                folds, &design));
    r->latency = design->latency;
    r->interval = design->interval;
    pta_status status = span_of(c->ctx, design, &r->span_said);
    pta_design_destroy(c->ctx, &design);
    return status;
}

gen_result gen_run_on(gen_case *c, const pta_device_ops *ops,
                      const char *options)
{
    gen_result r = {.wrong = 0};
    pta_device *device = NULL;
    r.status = run_on(c, ops, options, &r.wrong, &device);
    if (r.status == PTA_OK) {
        r.status = read_counter(c, device, PTA_REG_FIRST, &r.first);
    }
    if (r.status == PTA_OK) {
        r.status = read_counter(c, device, PTA_REG_SPAN, &r.span);
    }
    if (device != NULL) {
        ops->close(c->ctx, &device);
    }
    return r;
}

gen_result gen_run(gen_case *c, const char *options)
{
    gen_result r = gen_run_on(c, &pta_device_rtl, options);
    pta_device *fixed = NULL;
    if (r.status == PTA_OK) {
        r.status = figures(c, &r);
    }
    if (r.status == PTA_OK) {
        r.status = run_on(c, &pta_device_fixed, NULL, &r.wrong, &fixed);
    }
    pta_device_fixed.close(c->ctx, &fixed);
    return r;
}
