/*
 * Stations and links: devices opened, messages laid out, rings allocated. All
 * memory of the stream is acquired here.
 *
 * A message that is byte for byte a device's buffer lies in the header room
 * before it (device.h); the same bytes for several receivers are one message.
 */
#include "runtime/runner_priv.h"

static pta_status open_device(pta_runner *runner, pta_ctx *ctx,
                              pta_station *station, int32_t index)
{
    station->slice = runner->slices[index];
    station->in_bytes = pta_slice_in_bytes(station->slice);
    station->out_bytes = pta_slice_out_bytes(station->slice);
    bool board = station->board >= 0;
    station->ops = board ? runner->ops : runner->sink_ops;
    pta_device_params params = {.max_samples = runner->micro_batch,
                                .n_slots = station->n_slots,
                                .options =
                                    board ? runner->device_options : NULL};
    PTA_TRY_ALLOC(ctx, station->in_buffer, station->n_slots);
    PTA_TRY_ALLOC(ctx, station->out_buffer, station->n_slots);
    if (runner->options.blank != NULL && !board) {
        return PTA_OK;
    }
    PTA_TRY(station->ops->open(ctx, station->slice, &params, &station->device));
    if (runner->options.blank != NULL) {
        return PTA_OK;
    }
    for (int32_t s = 0; s < station->n_slots; s++) {
        station->in_buffer[s] = station->ops->in_buffer(station->device, s);
        station->out_buffer[s] = station->ops->out_buffer(station->device, s);
    }
    return PTA_OK;
}

/** Partial sums of one sample, each added and each result finished. */
static int64_t count_join_values(const pta_runner *runner,
                                 const pta_station *station)
{
    const pta_slice *slice = station->slice;
    int64_t n = 0;
    for (int32_t j = 0; j < slice->n_joins; j++) {
        int32_t value = slice->inputs[slice->joins[j].input];
        n += pta_region_count(&slice->values[value].region);
    }
    for (int32_t w = 0; w < runner->wires.n_wires; w++) {
        const pta_wire *wire = &runner->wires.wires[w];
        for (int32_t i = 0; wire->dst == station->board && i < wire->n_pieces;
             i++) {
            const pta_piece *piece = &wire->pieces[i];
            n += piece->partial ? piece->copy.n_elements : 0;
        }
    }
    return n;
}

static pta_status open_sums(pta_runner *runner, pta_ctx *ctx,
                            pta_station *station)
{
    const pta_slice *slice = station->slice;
    station->join_values = count_join_values(runner, station);
    PTA_TRY_ALLOC(ctx, station->sums, slice->n_joins);
    if (runner->options.blank != NULL) {
        return PTA_OK;
    }
    PTA_TRY_ALLOC(ctx, station->sum_bytes, slice->n_joins);
    for (int32_t j = 0; j < slice->n_joins; j++) {
        const pta_join *join = &slice->joins[j];
        const pta_value *value = &slice->values[slice->inputs[join->input]];
        station->sum_bytes[j] = (size_t)pta_region_count(&value->region) *
                                pta_dtype_bytes(join->acc);
        station->sums[j] =
            pta_calloc(ctx, (size_t)runner->micro_batch, station->sum_bytes[j]);
        if (station->sums[j] == NULL) {
            return PTA_ERR_NOMEM;
        }
    }
    return PTA_OK;
}

/** The station of this rank that is `board` of `copy`; NULL: elsewhere. */
static pta_station *find_local(const pta_runner *runner, int32_t board,
                               int32_t copy)
{
    if (board == PTA_BOARD_SOURCE) {
        return runner->source;
    }
    if (board == PTA_BOARD_SINK) {
        return runner->sink;
    }
    if (copy != runner->place.copy || !pta_runner_owns(runner, board)) {
        return NULL;
    }
    return &runner->boards[board - runner->place.first];
}

static pta_status own_messages(const pta_runner *runner, pta_ctx *ctx,
                               pta_link *link)
{
    size_t bytes = PTA_HEADER_ROOM + pta_align8(link->transfer.message_bytes *
                                                (size_t)runner->micro_batch);
    bytes = (bytes + 63) / 64 * 64;
    link->block = pta_calloc(ctx, (size_t)runner->depth, bytes);
    if (link->block == NULL) {
        return PTA_ERR_NOMEM;
    }
    for (int32_t k = 0; k < runner->depth; k++) {
        link->message[k] = link->block + (size_t)k * bytes + PTA_HEADER_ROOM -
                           PTA_HEADER_BYTES;
    }
    return PTA_OK;
}

/** Messages of a copy's link in the device buffers of its slots. */
static void device_messages(const pta_runner *runner, pta_station *station,
                            uint8_t *const *buffer, int32_t copy,
                            pta_link *link)
{
    for (int32_t k = 0; k < runner->depth; k++) {
        link->message[k] = buffer[k * station->fan + copy] - PTA_HEADER_BYTES;
    }
    link->in_place = true;
}

static pta_status open_link(pta_runner *runner, pta_ctx *ctx,
                            const pta_station *station, int32_t wire,
                            int32_t copy, bool outgoing, pta_link *link)
{
    const pta_wire *w = &runner->wires.wires[wire];
    int32_t n_boards = runner->plan->n_boards;
    int32_t far = outgoing ? w->dst : w->src;
    int32_t real_copy = station->fan > 1 ? copy : runner->place.copy;
    link->wire = w;
    link->local = find_local(runner, far, real_copy);
    link->peer = pta_place_rank(n_boards, runner->size, real_copy, far);
    link->tag = PTA_TAG_WIRE + wire;
    const pta_slice *dst = runner->slices[w->dst < 0 ? n_boards : w->dst];
    const pta_slice *src =
        w->src == PTA_BOARD_SOURCE ? NULL : runner->slices[w->src];
    PTA_TRY(pta_transfer_open(ctx, w, src, runner->source_at, runner->in_bytes,
                              dst, &link->transfer));
    PTA_TRY_ALLOC(ctx, link->message, runner->depth);
    return PTA_OK;
}

/** A link that sends the same bytes as an earlier one to the same copy. */
static const pta_link *find_twin(const pta_link *links, const pta_link *link)
{
    if (!link->wire->src_whole) {
        return NULL;
    }
    for (const pta_link *l = links; l < link; l++) {
        if (l->local == NULL && l->writes && l->wire->src_whole) {
            return l;
        }
    }
    return NULL;
}

static pta_status lay_out_link(pta_runner *runner, pta_ctx *ctx,
                               pta_station *station, const pta_link *links,
                               int32_t copy, bool outgoing, pta_link *link)
{
    if (link->local != NULL) {
        return PTA_OK;
    }
    if (runner->options.blank != NULL) {
        for (int32_t k = 0; k < runner->depth; k++) {
            link->message[k] = runner->options.blank->scratch;
        }
        return PTA_OK;
    }
    if (!outgoing) {
        if (link->wire->dst_direct) {
            device_messages(runner, station, station->in_buffer, copy, link);
            return PTA_OK;
        }
        return own_messages(runner, ctx, link);
    }
    const pta_link *twin = find_twin(links, link);
    link->writes = twin == NULL;
    if (twin != NULL) {
        for (int32_t k = 0; k < runner->depth; k++) {
            link->message[k] = twin->message[k];
        }
        return PTA_OK;
    }
    if (station->slice != NULL && link->wire->src_direct) {
        device_messages(runner, station, station->out_buffer, copy, link);
        return PTA_OK;
    }
    return own_messages(runner, ctx, link);
}

static int32_t count_wires(const pta_runner *runner, int32_t board,
                           bool outgoing)
{
    int32_t n = 0;
    for (int32_t w = 0; w < runner->wires.n_wires; w++) {
        const pta_wire *wire = &runner->wires.wires[w];
        n += (outgoing ? wire->src : wire->dst) == board;
    }
    return n;
}

static pta_status open_links(pta_runner *runner, pta_ctx *ctx,
                             pta_station *station, bool outgoing)
{
    int32_t n = count_wires(runner, station->board, outgoing);
    pta_link *links;
    MPI_Request *requests;
    PTA_TRY_ALLOC(ctx, links, (size_t)n * (size_t)station->fan);
    if (outgoing) {
        station->out = links;
        station->n_out = n;
    } else {
        station->in = links;
        station->n_in = n;
        PTA_TRY_ALLOC(ctx, station->arrived, n);
    }
    PTA_TRY_ALLOC(ctx, requests, (size_t)n * (size_t)station->n_slots);
    for (int64_t i = 0; i < (int64_t)n * station->n_slots; i++) {
        requests[i] = MPI_REQUEST_NULL;
    }
    if (outgoing) {
        station->out_request = requests;
    } else {
        station->in_request = requests;
    }
    for (int32_t copy = 0; copy < station->fan; copy++) {
        pta_link *first = links + (ptrdiff_t)copy * n, *link = first;
        for (int32_t w = 0; w < runner->wires.n_wires; w++) {
            const pta_wire *wire = &runner->wires.wires[w];
            if ((outgoing ? wire->src : wire->dst) != station->board) {
                continue;
            }
            PTA_TRY(open_link(runner, ctx, station, w, copy, outgoing, link));
            PTA_TRY(lay_out_link(runner, ctx, station, first, copy, outgoing,
                                 link));
            link++;
        }
    }
    return PTA_OK;
}

static pta_status open_station(pta_runner *runner, pta_ctx *ctx, int32_t board,
                               pta_station *station)
{
    station->board = board;
    station->fan = board < 0 ? runner->place.copies : 1;
    station->n_slots = runner->depth * station->fan;
    pta_clock_reset(&station->clock);
    PTA_TRY_ALLOC(ctx, station->status, station->n_slots);
    PTA_TRY_ALLOC(ctx, station->time_ns, station->n_slots);
    PTA_TRY_ALLOC(ctx, station->start, station->n_slots);
    if (board == PTA_BOARD_SOURCE) {
        station->out_bytes = runner->in_bytes;
        return PTA_OK;
    }
    int32_t index = board == PTA_BOARD_SINK ? runner->plan->n_boards : board;
    PTA_TRY(open_device(runner, ctx, station, index));
    return open_sums(runner, ctx, station);
}

/**
 * How many batches a device that overlaps may hold back. Every stage on a path
 * may do so, and together they must leave the pipe something to carry, or the
 * source would wait for a batch that waits for the source.
 */
static void choose_lags(pta_runner *runner)
{
    int32_t room = runner->behind == 0 ? 0 : runner->depth - 1;
    int32_t lag = runner->ops->overlap > 1 ? runner->ops->overlap - 1 : 0;
    if (lag > room / runner->plan->n_stages) {
        lag = room / runner->plan->n_stages;
    }
    for (int32_t b = 0; b < runner->n_boards; b++) {
        pta_station *station = &runner->boards[b];
        station->lag = lag;
        for (int32_t i = 0; i < station->n_in; i++) {
            const pta_station *from = station->in[i].local;
            if (from != NULL && from->board >= 0 &&
                from->offset + from->lag > station->offset) {
                station->offset = from->offset + from->lag;
            }
        }
        if (station->offset + lag > runner->drain) {
            runner->drain = station->offset + lag;
        }
    }
}

pta_status pta_runner_connect(pta_runner *runner, pta_ctx *ctx)
{
    bool root = runner->rank == 0;
    PTA_TRY_ALLOC(ctx, runner->boards, runner->place.n);
    runner->n_boards = runner->place.n;
    if (root) {
        PTA_TRY_ALLOC(ctx, runner->source, 1);
        PTA_TRY_ALLOC(ctx, runner->sink, 1);
        PTA_TRY_ALLOC(ctx, runner->start, runner->depth * runner->place.copies);
        PTA_TRY(open_station(runner, ctx, PTA_BOARD_SOURCE, runner->source));
        PTA_TRY(open_station(runner, ctx, PTA_BOARD_SINK, runner->sink));
    }
    for (int32_t b = 0; b < runner->n_boards; b++) {
        PTA_TRY(open_station(runner, ctx, runner->place.first + b,
                             &runner->boards[b]));
    }
    for (int32_t b = 0; b < runner->n_boards; b++) {
        PTA_TRY(open_links(runner, ctx, &runner->boards[b], false));
        PTA_TRY(open_links(runner, ctx, &runner->boards[b], true));
    }
    if (root) {
        PTA_TRY(open_links(runner, ctx, runner->source, true));
        PTA_TRY(open_links(runner, ctx, runner->sink, false));
    }
    choose_lags(runner);
    return PTA_OK;
}

static void close_links(pta_ctx *ctx, pta_link *links, int32_t n)
{
    for (int32_t i = 0; links != NULL && i < n; i++) {
        pta_transfer_close(ctx, &links[i].transfer);
        pta_free(ctx, links[i].block);
        pta_free(ctx, links[i].message);
    }
    pta_free(ctx, links);
}

void pta_station_close(pta_ctx *ctx, pta_station *station)
{
    if (station == NULL) {
        return;
    }
    close_links(ctx, station->in, station->n_in * station->fan);
    close_links(ctx, station->out, station->n_out * station->fan);
    pta_free(ctx, station->in_request);
    pta_free(ctx, station->arrived);
    pta_free(ctx, station->out_request);
    int32_t n_joins = station->slice != NULL ? station->slice->n_joins : 0;
    for (int32_t j = 0; station->sums != NULL && j < n_joins; j++) {
        pta_free(ctx, station->sums[j]);
    }
    pta_free(ctx, station->sums);
    pta_free(ctx, station->sum_bytes);
    pta_free(ctx, station->in_buffer);
    pta_free(ctx, station->out_buffer);
    pta_free(ctx, station->status);
    pta_free(ctx, station->time_ns);
    pta_free(ctx, station->start);
    if (station->device != NULL) {
        station->ops->close(ctx, &station->device);
    }
}
