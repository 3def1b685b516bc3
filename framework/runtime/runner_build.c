/*
 * The part of opening a runner that needs neither MPI nor weights: slices,
 * wires, and how many micro-batches of what size are under way.
 */
#include "runtime/runner_priv.h"

enum {
    LATENCY_BATCH = 1,
    LATENCY_DEPTH = 2, /* slots; one sample in flight */
    THROUGHPUT_BATCH = 64,
    THROUGHPUT_DEPTH = 16,         /* bench/NOTES.md */
    LEAST_DEPTH = 8,               /* before micro-batches shrink */
    BUFFER_BYTES = 8 * 1024 * 1024 /* of one board, when sizes are ours */
};

bool pta_runner_owns(const pta_runner *runner, int32_t board)
{
    if (board == PTA_BOARD_SINK) {
        return runner->rank == 0;
    }
    return board >= runner->place.first &&
           board < runner->place.first + runner->place.n;
}

/** The sink adds up and converts on the host, whatever the boards are. */
static const pta_device_ops *choose_sink_ops(const pta_device_ops *ops)
{
    bool host = ops == &pta_device_float || ops == &pta_device_blas;
    return host ? ops : &pta_device_fixed;
}

static pta_status check_options(const pta_runner *runner, pta_ctx *ctx)
{
    const pta_run_options *options = &runner->options;
    if (options->micro_batch < 0 || options->depth < 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "micro-batch %d, depth %d: expected 0 (automatic) or "
                        "more",
                        options->micro_batch, options->depth);
    }
    if (options->exact_ranks && runner->size != runner->plan->n_boards) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%d ranks for %d boards, and exactly one rank per "
                        "board is asked for",
                        runner->size, runner->plan->n_boards);
    }
    return PTA_OK;
}

/** Offsets of the model's inputs in a sample of the source. */
static pta_status place_source(pta_runner *runner, pta_ctx *ctx)
{
    const pta_graph *graph = runner->graph;
    PTA_TRY_ALLOC(ctx, runner->source_at, graph->n_inputs);
    size_t at = 0;
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t node = graph->inputs[i];
        pta_dtype dtype =
            runner->ops->is_float
                ? PTA_F32
                : pta_format_dtype(runner->plan->formats[node].out);
        runner->source_at[i] = at;
        at += pta_align8((size_t)pta_view_count(graph->nodes[node].view) *
                         pta_dtype_bytes(dtype));
    }
    runner->in_bytes = at;
    return PTA_OK;
}

static pta_status build_slices(pta_runner *runner, pta_ctx *ctx)
{
    const pta_blank *blank = runner->options.blank;
    if (blank != NULL) {
        runner->slices = blank->slices;
        runner->wires = blank->wires;
        runner->out_bytes = pta_slice_out_bytes(blank->slices[blank->n_boards]);
        return PTA_OK;
    }
    int32_t n = runner->plan->n_boards;
    PTA_TRY_ALLOC(ctx, runner->slices, n + 1);
    for (int32_t b = 0; b <= n; b++) {
        PTA_TRY(pta_slice_build(ctx, runner->graph, runner->plan,
                                b < n ? b : PTA_BOARD_SINK,
                                runner->ops->is_float, &runner->slices[b]));
    }
    runner->out_bytes = pta_slice_out_bytes(runner->slices[n]);
    PTA_TRY(pta_wires_build(ctx, runner->graph, runner->plan, runner->slices,
                            runner->slices[n], &runner->wires));
    if (runner->options.packed) {
        pta_wires_pack(&runner->wires);
    }
    return PTA_OK;
}

/** The largest sum of a board's input and output samples, twice where inputs
 * are gathered from several messages. */
static size_t widest_station(const pta_runner *runner)
{
    size_t widest = runner->in_bytes + runner->out_bytes;
    for (int32_t b = 0; b < runner->plan->n_boards; b++) {
        size_t bytes = 2 * pta_slice_in_bytes(runner->slices[b]) +
                       pta_slice_out_bytes(runner->slices[b]);
        widest = bytes > widest ? bytes : widest;
    }
    return widest;
}

/** Largest message payload of a sample. */
static size_t widest_wire(const pta_runner *runner)
{
    size_t widest = 0;
    for (int32_t w = 0; w < runner->wires.n_wires; w++) {
        size_t bytes = runner->wires.wires[w].sample_bytes;
        widest = bytes > widest ? bytes : widest;
    }
    return widest;
}

/** Makes depth (if it is ours to choose) and micro-batch small enough. */
static void fit_buffers(pta_runner *runner, bool any_depth)
{
    size_t sample = widest_station(runner);
    while (sample * (size_t)runner->depth * (size_t)runner->micro_batch >
           BUFFER_BYTES) {
        if (any_depth && runner->depth > LEAST_DEPTH) {
            runner->depth /= 2;
        } else if (runner->micro_batch > 1) {
            runner->micro_batch /= 2;
        } else {
            return;
        }
    }
}

/** Micro-batch and depth, and how far the sink stays behind the source. */
static pta_status choose_flow(pta_runner *runner, pta_ctx *ctx)
{
    const pta_run_options *options = &runner->options;
    bool latency = options->mode == PTA_MODE_LATENCY;
    bool alone = runner->size - runner->place.idle_ranks == 1;
    bool one = latency || alone; /* one batch in flight */
    int32_t depth = latency ? LATENCY_DEPTH : THROUGHPUT_DEPTH;
    runner->depth = options->depth > 0 ? options->depth : depth;
    runner->depth = one ? LATENCY_DEPTH : runner->depth;
    runner->micro_batch = options->micro_batch;
    if (runner->micro_batch == 0) {
        runner->micro_batch = latency ? LATENCY_BATCH : THROUGHPUT_BATCH;
        fit_buffers(runner, options->depth == 0 && !one);
    }
    runner->behind = one ? 0 : runner->depth * runner->place.copies - 1;
    size_t limit = (size_t)(INT32_MAX - PTA_HEADER_ROOM);
    if (widest_wire(runner) > limit / (size_t)runner->micro_batch) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "micro-batch %d: a message of %d samples of %zu bytes "
                        "is longer than MPI can count",
                        runner->micro_batch, runner->micro_batch,
                        widest_wire(runner));
    }
    return PTA_OK;
}

pta_status pta_runner_build(pta_runner *runner, pta_ctx *ctx)
{
    PTA_TRY(check_options(runner, ctx));
    PTA_TRY(pta_device_find_in(ctx, runner->options.devices,
                               runner->options.device, &runner->ops,
                               &runner->device_options));
    runner->sink_ops = choose_sink_ops(runner->ops);
    char digest[PTA_SHA256_HEX] = "";
    if (runner->options.blank == NULL) {
        PTA_TRY(pta_plan_digest(ctx, runner->plan, runner->graph, digest));
    }
    runner->plan_tag = pta_header_plan_tag(digest);
    PTA_TRY(place_source(runner, ctx));
    PTA_TRY(build_slices(runner, ctx));
    return choose_flow(runner, ctx);
}
