/* Finds where a run first leaves the reference. */
#include "cli/locate.h"

#include <stdio.h>
#include <string.h>

#include "plan/wire.h"
#include "runtime/device.h"
#include "runtime/reference.h"
#include "runtime/slice_load.h"

typedef struct locator {
    const pta_graph *graph;
    const pta_plan *plan;
    pta_weights *weights;
    const pta_device_ops *ops;
    const char *device_options;
    pta_reference *reference; /* owned */
    int32_t n_slices;
    pta_slice **slices; /* owned; boards, then the sink */
    pta_wires wires;    /* owned */
    void *source;       /* owned; the encoded sample */
    const pta_packing *inputs;
    void **in, **out; /* owned; [n_slices], one sample each */
    pta_difference *found;
    bool done;
} locator;

/* ---- comparing ---- */

static int64_t load(const void *data, pta_dtype type, int64_t e)
{
    switch (type) {
    case PTA_S8:
        return ((const int8_t *)data)[e];
    case PTA_S16:
        return ((const int16_t *)data)[e];
    case PTA_S32:
        return ((const int32_t *)data)[e];
    case PTA_S64:
        return ((const int64_t *)data)[e];
    case PTA_F32:
        break;
    }
    return 0;
}

/* Compares a value with what the reference has for its elements. */
static void compare(locator *l, const pta_value *value, const void *data,
                    int32_t board, bool joined)
{
    const double *expected = pta_reference_values(l->reference, value->node);
    pta_runs runs = pta_region_runs(&value->region);
    int64_t local = 0;
    for (int64_t r = 0; r < runs.count && expected != NULL; r++) {
        int64_t at = runs.start + r * runs.stride;
        for (int64_t e = at; e < at + runs.length; e++, local++) {
            int64_t got = load(data, value->dtype, local);
            if (got != (int64_t)expected[e]) {
                *l->found = (pta_difference){.sample = l->found->sample,
                                             .node = value->node,
                                             .board = board,
                                             .element = e,
                                             .expected = (int64_t)expected[e],
                                             .got = got,
                                             .joined = joined};
                l->done = true;
                return;
            }
        }
    }
}

/* ---- one board ---- */

static int32_t index_of(const locator *l, int32_t board)
{
    return board == PTA_BOARD_SINK ? l->n_slices - 1 : board;
}

static pta_slice *slice_of(const locator *l, int32_t board)
{
    return l->slices[index_of(l, board)];
}

static const pta_join *join_of(const pta_slice *slice, int32_t input)
{
    for (int32_t i = 0; i < slice->n_joins; i++) {
        if (slice->joins[i].input == input) {
            return &slice->joins[i];
        }
    }
    return NULL;
}

static void copy_piece(const pta_piece *piece, const char *src, char *dst)
{
    size_t bytes = pta_dtype_bytes(piece->dtype);
    for (int32_t r = 0; r < piece->copy.n_runs; r++) {
        pta_copy_run run = piece->copy.runs[r];
        memcpy(dst + (size_t)run.dst * bytes, src + (size_t)run.src * bytes,
               (size_t)run.length * bytes);
    }
}

static void add_piece(const pta_piece *piece, const void *src, void *sum)
{
    for (int32_t r = 0; r < piece->copy.n_runs; r++) {
        pta_copy_run run = piece->copy.runs[r];
        for (int32_t e = 0; e < run.length; e++) {
            int64_t term = load(src, piece->dtype, run.src + e);
            if (piece->dtype == PTA_S32) {
                ((int32_t *)sum)[run.dst + e] += (int32_t)term;
            } else {
                ((int64_t *)sum)[run.dst + e] += term;
            }
        }
    }
}

/* Brings what all wires carry to one input; `sum` has room for its join. */
static void gather_input(const locator *l, const pta_slice *slice,
                         int32_t input, char *in, void *sum)
{
    char *dst = in + pta_slice_in_offset(slice, input);
    for (int32_t w = 0; w < l->wires.n_wires; w++) {
        const pta_wire *wire = &l->wires.wires[w];
        for (int32_t p = 0; p < wire->n_pieces && wire->dst == slice->board;
             p++) {
            const pta_piece *piece = &wire->pieces[p];
            bool from_source = wire->src == PTA_BOARD_SOURCE;
            const char *src =
                from_source ? l->source : l->out[index_of(l, wire->src)];
            src += from_source ? l->inputs->tensor[piece->src_output].offset
                               : pta_slice_out_offset(slice_of(l, wire->src),
                                                      piece->src_output);
            if (piece->dst_input != input) {
                continue;
            }
            if (piece->partial) {
                add_piece(piece, src, sum);
            } else {
                copy_piece(piece, src, dst);
            }
        }
    }
}

static pta_status gather_inputs(pta_ctx *ctx, locator *l,
                                const pta_slice *slice, char *in)
{
    for (int32_t i = 0; i < slice->n_inputs && !l->done; i++) {
        const pta_value *value = &slice->values[slice->inputs[i]];
        const pta_join *join = join_of(slice, i);
        int64_t n = pta_view_count(value->view);
        int64_t *sum;
        PTA_TRY_ALLOC(ctx, sum, n);
        gather_input(l, slice, i, in, sum);
        if (join != NULL) {
            int32_t board = slice->board;
            void *at = in + pta_slice_in_offset(slice, i);
            pta_join_apply(join, value->format, false, sum, n, at);
            for (int32_t s = 0; s < l->plan->n_stages; s++) {
                const pta_stage *stage = &l->plan->stages[s];
                if (join->node >= stage->first && join->node <= stage->last) {
                    board = stage->first_board;
                }
            }
            compare(l, value, at, board, true);
        }
        pta_free(ctx, sum);
    }
    return PTA_OK;
}

/* Runs `slice` on one sample. */
static pta_status execute(pta_ctx *ctx, const locator *l,
                          const pta_slice *slice, const void *in, void *out)
{
    pta_device_params params = {
        .max_samples = 1, .n_slots = 2, .options = l->device_options};
    pta_device *device = NULL;
    pta_cost cost;
    PTA_TRY(l->ops->open(ctx, slice, &params, &device));
    memcpy(l->ops->in_buffer(device, 0), in, pta_slice_in_bytes(slice));
    pta_status status = l->ops->submit(device, ctx, 0, 1);
    if (status == PTA_OK) {
        status = l->ops->collect(device, ctx, 0, &cost);
    }
    if (status == PTA_OK) {
        memcpy(out, l->ops->out_buffer(device, 0), pta_slice_out_bytes(slice));
    }
    l->ops->close(ctx, &device);
    return status;
}

/* The slice up to each step in turn is a slice too: its output is the step's,
 * which is compared. */
static pta_status walk_steps(pta_ctx *ctx, locator *l, const pta_slice *slice,
                             const void *in)
{
    for (int32_t s = 0; s < slice->n_steps && !l->done; s++) {
        int32_t value = slice->steps[s].out;
        if (slice->values[value].partial) {
            continue;
        }
        pta_slice head = *slice;
        head.n_steps = s + 1;
        head.n_outputs = 1;
        head.outputs = &value;
        char *out;
        PTA_TRY_ALLOC(ctx, out, pta_slice_out_bytes(&head));
        pta_status status = execute(ctx, l, &head, in, out);
        if (status == PTA_OK) {
            compare(l, &slice->values[value], out, slice->board, false);
        }
        pta_free(ctx, out);
        PTA_TRY(status);
    }
    return PTA_OK;
}

/* ---- all boards ---- */

static pta_status build(pta_ctx *ctx, locator *l)
{
    char digest[PTA_SHA256_HEX];
    int32_t n_boards = l->plan->n_boards;
    l->n_slices = n_boards + 1;
    PTA_TRY_ALLOC(ctx, l->slices, l->n_slices);
    PTA_TRY_ALLOC(ctx, l->in, l->n_slices);
    PTA_TRY_ALLOC(ctx, l->out, l->n_slices);
    for (int32_t i = 0; i < l->n_slices; i++) {
        int32_t board = i < n_boards ? i : PTA_BOARD_SINK;
        PTA_TRY(pta_slice_build(ctx, l->graph, l->plan, board, false,
                                &l->slices[i]));
        PTA_TRY(pta_slice_load(ctx, l->graph, l->plan, l->weights, l->slices[i],
                               digest));
        l->in[i] = pta_calloc(ctx, pta_slice_in_bytes(l->slices[i]), 1);
        l->out[i] = pta_calloc(ctx, pta_slice_out_bytes(l->slices[i]), 1);
        if (l->in[i] == NULL || l->out[i] == NULL) {
            return PTA_ERR_NOMEM;
        }
    }
    return pta_wires_build(ctx, l->graph, l->plan, l->slices,
                           l->slices[n_boards], &l->wires);
}

/* The reference's tensors of the sample. */
static pta_status run_reference(pta_ctx *ctx, locator *l, pta_feed *feed,
                                int64_t sample)
{
    int32_t n_in = l->graph->n_inputs, n_out = l->graph->n_outputs;
    int64_t **blocks; /* inputs, then outputs */
    PTA_TRY_ALLOC(ctx, blocks, n_in + n_out);
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < n_in + n_out && status == PTA_OK; i++) {
        int32_t node =
            i < n_in ? l->graph->inputs[i] : l->graph->outputs[i - n_in];
        int64_t count = pta_view_count(l->graph->nodes[node].view);
        blocks[i] = pta_calloc(ctx, (size_t)count, sizeof **blocks);
        status = blocks[i] == NULL ? PTA_ERR_NOMEM : PTA_OK;
        if (status == PTA_OK && i < n_in) {
            status = pta_feed_raw(feed, ctx, i, sample, 1, blocks[i]);
        }
    }
    if (status == PTA_OK) {
        status = pta_reference_open(ctx, l->graph, l->weights, l->plan->formats,
                                    1, &l->reference);
    }
    if (status == PTA_OK) {
        pta_reference_keep_all(l->reference, true);
        status =
            pta_reference_run(l->reference, ctx, (const void *const *)blocks,
                              (void *const *)(blocks + n_in), 1, NULL, NULL);
    }
    for (int32_t i = 0; i < n_in + n_out; i++) {
        pta_free(ctx, blocks[i]);
    }
    pta_free(ctx, blocks);
    return status;
}

static pta_status locate(pta_ctx *ctx, locator *l, pta_feed *feed,
                         int64_t sample)
{
    PTA_TRY(run_reference(ctx, l, feed, sample));
    PTA_TRY(build(ctx, l));
    l->source = pta_calloc(ctx, feed->layout.sample_bytes, 1);
    if (l->source == NULL) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY(pta_feed_encode(feed, ctx, sample, 1, l->source));
    for (int32_t i = 0; i < l->n_slices && !l->done; i++) {
        PTA_TRY(gather_inputs(ctx, l, l->slices[i], l->in[i]));
        PTA_TRY(walk_steps(ctx, l, l->slices[i], l->in[i]));
        if (!l->done) {
            PTA_TRY(execute(ctx, l, l->slices[i], l->in[i], l->out[i]));
        }
    }
    return PTA_OK;
}

static void release(pta_ctx *ctx, locator *l)
{
    for (int32_t i = 0; i < l->n_slices; i++) {
        if (l->slices != NULL) {
            pta_slice_destroy(ctx, &l->slices[i]);
        }
        pta_free(ctx, l->in != NULL ? l->in[i] : NULL);
        pta_free(ctx, l->out != NULL ? l->out[i] : NULL);
    }
    pta_free(ctx, l->slices);
    pta_free(ctx, l->in);
    pta_free(ctx, l->out);
    pta_free(ctx, l->source);
    pta_wires_free(ctx, &l->wires);
    pta_reference_close(ctx, &l->reference);
}

pta_status pta_locate(pta_ctx *ctx, const pta_graph *graph,
                      const pta_plan *plan, pta_weights *weights,
                      pta_feed *feed, const pta_device_ops *const *devices,
                      const char *device, int64_t sample, pta_difference *out)
{
    pta_difference found = {.sample = sample, .node = -1};
    locator l = {.graph = graph,
                 .plan = plan,
                 .weights = weights,
                 .inputs = &feed->layout,
                 .found = &found};
    PTA_TRY(
        pta_device_find_in(ctx, devices, device, &l.ops, &l.device_options));
    pta_status status = locate(ctx, &l, feed, sample);
    release(ctx, &l);
    if (status == PTA_OK) {
        *out = found;
    }
    return status;
}

/* ---- text ---- */

static void print_index(const pta_shape *shape, int64_t element, char *text,
                        size_t size)
{
    int64_t index[PTA_MAX_DIMS];
    for (int32_t i = shape->rank - 1; i >= 0; i--) {
        index[i] = element % shape->dim[i];
        element /= shape->dim[i];
    }
    int used = snprintf(text, size, "[");
    for (int32_t i = 0; i < shape->rank; i++) {
        used += snprintf(text + used, size - (size_t)used, "%s%lld",
                         i > 0 ? "," : "", (long long)index[i]);
    }
    snprintf(text + used, size - (size_t)used, "]");
}

void pta_difference_print(const pta_graph *graph, const pta_difference *d,
                          char text[PTA_DIFFERENCE_TEXT])
{
    char index[160], board[64] = "the sink";
    if (d->node < 0) {
        snprintf(text, PTA_DIFFERENCE_TEXT,
                 "sample %lld: the slices, run on one rank, agree with the "
                 "reference; the difference came on the way between boards",
                 (long long)d->sample);
        return;
    }
    print_index(&graph->nodes[d->node].shape, d->element, index, sizeof index);
    if (d->board >= 0) {
        snprintf(board, sizeof board,
                 d->joined ? "boards from %d on (sum)" : "board %d", d->board);
    }
    snprintf(text, PTA_DIFFERENCE_TEXT,
             "sample %lld: layer %s, %s, element %s: expected %lld, got %lld",
             (long long)d->sample, graph->nodes[d->node].name, board, index,
             (long long)d->expected, (long long)d->got);
}
