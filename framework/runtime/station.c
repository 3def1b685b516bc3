/*
 * One step of a station: receive, compute, send (runner_priv.h).
 *
 * A batch that failed somewhere keeps flowing as bare headers that carry its
 * status, so that every rank sees every batch and nobody waits for ever. The
 * first failure of a rank is kept (pta_fail would overwrite its text), and the
 * ranks agree on it at the end of the run.
 */
#include <limits.h>
#include <string.h>

#include "runtime/runner_priv.h"

int64_t pta_station_batches(const pta_runner *runner,
                            const pta_station *station)
{
    if (station->board < 0) {
        return runner->n_batches;
    }
    int32_t copies = runner->place.copies, copy = runner->place.copy;
    return (runner->n_batches - copy + copies - 1) / copies;
}

/** Index in the whole run of a station's batch u. */
static int64_t batch_of(const pta_runner *runner, const pta_station *station,
                        int64_t u)
{
    return station->board < 0 ? u
                              : u * runner->place.copies + runner->place.copy;
}

static int32_t samples_of(const pta_runner *runner, int64_t batch)
{
    int64_t left = runner->n_samples - batch * runner->micro_batch;
    return left < runner->micro_batch ? (int32_t)left : runner->micro_batch;
}

static int32_t slot_of(const pta_station *station, int64_t u)
{
    return (int32_t)(u % station->n_slots);
}

static int32_t ring_of(const pta_station *station, int64_t u)
{
    return slot_of(station, u) / station->fan;
}

static pta_link *links_of(const pta_station *station, pta_link *links,
                          int32_t n, int64_t u)
{
    return links + (u % station->fan) * n;
}

/** Notes a failure of this rank; its text is already in the context. */
static uint32_t note(pta_runner *runner, pta_status status)
{
    if (runner->failure == PTA_OK) {
        runner->failure = status;
    }
    return (uint32_t)status;
}

static uint16_t flags_of(const pta_link *link)
{
    return link->wire->packed ? PTA_HEADER_PACKED : 0;
}

/* ---- receiving ---- */

static pta_status post(pta_runner *runner, pta_ctx *ctx, pta_station *station,
                       int64_t u)
{
    if (u >= pta_station_batches(runner, station)) {
        return PTA_OK;
    }
    pta_link *links = links_of(station, station->in, station->n_in, u);
    MPI_Request *requests =
        station->in_request + (ptrdiff_t)slot_of(station, u) * station->n_in;
    for (int32_t i = 0; i < station->n_in; i++) {
        const pta_link *link = &links[i];
        if (link->local == NULL) {
            int bytes = PTA_HEADER_BYTES + (int)(link->transfer.message_bytes *
                                                 (size_t)runner->micro_batch);
            PTA_TRY_MPI(ctx, MPI_Irecv(link->message[ring_of(station, u)],
                                       bytes, MPI_BYTE, link->peer, link->tag,
                                       runner->comm, &requests[i]));
        }
    }
    return PTA_OK;
}

pta_status pta_station_post(pta_runner *runner, pta_ctx *ctx,
                            pta_station *station)
{
    for (int64_t u = 0; u < station->n_slots; u++) {
        PTA_TRY(post(runner, ctx, station, u));
    }
    return PTA_OK;
}

static pta_status check_message(pta_ctx *ctx, const pta_link *link,
                                const uint8_t *message, size_t n_bytes,
                                const pta_header *expected, pta_header *header)
{
    pta_status status =
        pta_ctx_fault(ctx)
            ? pta_fail(ctx, PTA_ERR_FORMAT, "damaged (injected fault)")
            : pta_header_check(ctx, message, n_bytes, expected, header);
    if (status == PTA_OK) {
        return PTA_OK;
    }
    return pta_fail_in(ctx, status, "message %llu from %d (rank %d) to %d",
                       (unsigned long long)(expected->sequence),
                       link->wire->src, link->peer, link->wire->dst);
}

/** A message has arrived: checks it and puts its samples in their place. */
static pta_status take_message(pta_runner *runner, pta_ctx *ctx,
                               pta_station *station, const pta_link *link,
                               int64_t u, const MPI_Status *arrived)
{
    int n_bytes = 0;
    PTA_TRY_MPI(ctx, MPI_Get_count(arrived, MPI_BYTE, &n_bytes));
    if (arrived->MPI_SOURCE != link->peer || arrived->MPI_TAG != link->tag ||
        n_bytes < 0) {
        return pta_fail(ctx, PTA_ERR_MPI,
                        "MPI_Wait: message of rank %d, tag %d where rank %d, "
                        "tag %d was due",
                        arrived->MPI_SOURCE, arrived->MPI_TAG, link->peer,
                        link->tag);
    }
    station->clock.bytes_in += (uint64_t)n_bytes;
    if (runner->failure != PTA_OK || runner->options.blank != NULL) {
        return PTA_OK; /* the batch is lost already; keep the first text */
    }
    int32_t slot = slot_of(station, u);
    int64_t batch = batch_of(runner, station, u);
    int32_t n = samples_of(runner, batch);
    pta_header expected = {
        .plan_tag = runner->plan_tag,
        .sequence = runner->sequence + (uint64_t)batch,
        .n_samples = (uint32_t)n,
        .flags = flags_of(link),
        .payload_bytes = (uint32_t)(link->transfer.message_bytes * (size_t)n)};
    const uint8_t *message = link->message[ring_of(station, u)];
    pta_header header;
    pta_status status =
        check_message(ctx, link, message, (size_t)n_bytes, &expected, &header);
    if (status != PTA_OK) {
        station->status[slot] = note(runner, status);
        return PTA_OK;
    }
    if (header.status != PTA_OK) {
        station->status[slot] = header.status;
        runner->peer_failed = true;
        return PTA_OK;
    }
    if (header.time_ns > station->time_ns[slot]) {
        station->time_ns[slot] = header.time_ns;
    }
    if (!link->in_place) {
        pta_transfer_unpack(&link->transfer, message + PTA_HEADER_BYTES, n,
                            station->in_buffer[slot], station->sums);
    }
    return PTA_OK;
}

/** The other end is on this rank and has finished its batch: copies it. */
static void take_local(pta_runner *runner, pta_station *station,
                       const pta_link *link, int64_t u)
{
    const pta_station *from = link->local;
    int32_t slot = slot_of(station, u);
    int64_t batch = batch_of(runner, station, u);
    const void *src;
    if (from->board == PTA_BOARD_SOURCE) {
        src = runner->in +
              (size_t)batch * (size_t)runner->micro_batch * runner->in_bytes;
    } else {
        int32_t theirs = slot_of(from, batch / runner->place.copies);
        if (from->status[theirs] != PTA_OK) {
            station->status[slot] = from->status[theirs];
            return;
        }
        if (from->time_ns[theirs] > station->time_ns[slot]) {
            station->time_ns[slot] = from->time_ns[theirs];
        }
        src = from->out_buffer[theirs];
    }
    int32_t n = samples_of(runner, batch);
    if (runner->options.blank == NULL) {
        pta_transfer_copy(&link->transfer, src, n, station->in_buffer[slot],
                          station->sums);
    }
    station->clock.bytes_in +=
        (uint64_t)link->transfer.message_bytes * (uint64_t)n;
}

/** Waits for all inputs of batch u, then takes them in the order of the wires. */
static pta_status receive(pta_runner *runner, pta_ctx *ctx,
                          pta_station *station, int64_t u)
{
    int32_t slot = slot_of(station, u);
    int32_t n = samples_of(runner, batch_of(runner, station, u));
    pta_link *links = links_of(station, station->in, station->n_in, u);
    MPI_Request *requests =
        station->in_request + (ptrdiff_t)slot * station->n_in;
    station->status[slot] = (uint32_t)runner->failure;
    station->time_ns[slot] = 0;
    int32_t n_joins =
        runner->options.blank == NULL ? station->slice->n_joins : 0;
    for (int32_t j = 0; j < n_joins; j++) {
        memset(station->sums[j], 0, (size_t)n * station->sum_bytes[j]);
    }
    if (runner->options.costs != NULL) {
        PTA_TRY(pta_spend_receive(runner, ctx, station, requests, n));
    } else {
        PTA_TRY_MPI(ctx,
                    MPI_Waitall(station->n_in, requests, station->arrived));
    }
    for (int32_t i = 0; i < station->n_in; i++) {
        if (links[i].local != NULL) {
            take_local(runner, station, &links[i], u);
        } else {
            PTA_TRY(take_message(runner, ctx, station, &links[i], u,
                                 &station->arrived[i]));
        }
    }
    return PTA_OK;
}

/* ---- computing ---- */

/** Bias, activation and conversion of inputs that came as partial sums. */
static void finish_joins(pta_station *station, int32_t slot, int32_t n)
{
    const pta_slice *slice = station->slice;
    for (int32_t j = 0; j < slice->n_joins; j++) {
        const pta_join *join = &slice->joins[j];
        const pta_value *value = &slice->values[slice->inputs[join->input]];
        int64_t count = pta_region_count(&value->region);
        uint8_t *y =
            station->in_buffer[slot] + pta_slice_in_offset(slice, join->input);
        const uint8_t *sum = station->sums[j];
        for (int32_t i = 0; i < n; i++) {
            pta_join_apply(join, value->format, slice->is_float, sum, count, y);
            sum += station->sum_bytes[j];
            y += station->in_bytes;
        }
    }
}

static void submit(pta_runner *runner, pta_ctx *ctx, pta_station *station,
                   int64_t u)
{
    int32_t slot = slot_of(station, u);
    if (station->status[slot] != PTA_OK) {
        return;
    }
    int32_t n = samples_of(runner, batch_of(runner, station, u));
    if (runner->options.blank == NULL) {
        finish_joins(station, slot, n);
    }
    if (station->device == NULL) {
        return; /* the sink of a run without numerics */
    }
    pta_status status = station->ops->submit(station->device, ctx, slot, n);
    if (status != PTA_OK) {
        station->status[slot] =
            note(runner, pta_fail_in(ctx, status, "board %d", station->board));
    }
}

/** Returns the time at which the batch was complete. */
static uint64_t collect(pta_runner *runner, pta_ctx *ctx, pta_station *station,
                        int64_t u)
{
    int32_t slot = slot_of(station, u);
    if (station->status[slot] != PTA_OK || station->device == NULL) {
        return pta_clock_now();
    }
    pta_cost cost = PTA_COST_NONE;
    pta_status status =
        station->ops->collect(station->device, ctx, slot, &cost);
    uint64_t now = pta_clock_now();
    if (status != PTA_OK) {
        station->status[slot] =
            note(runner, pta_fail_in(ctx, status, "board %d", station->board));
        return now;
    }
    uint64_t ns = now - station->start[slot];
    if (station->lag > 0 && cost.host_ns != PTA_COST_ABSENT) {
        ns = cost.host_ns;
    }
    int64_t batch = batch_of(runner, station, u);
    pta_clock_batch(&station->clock, samples_of(runner, batch), ns, &cost);
    if (runner->trace.room > 0) {
        pta_trace_add(&runner->trace, station->board, PTA_TRACE_COMPUTE, batch,
                      station->start[slot], now);
    }
    return now;
}

/* ---- sending ---- */

/** Waits until nothing reads the messages of u's slot any more. */
static pta_status reclaim(pta_ctx *ctx, pta_station *station, int64_t u)
{
    if (station->n_out == 0) {
        return PTA_OK;
    }
    MPI_Request *requests =
        station->out_request + (ptrdiff_t)slot_of(station, u) * station->n_out;
    return pta_mpi_check(
        ctx, MPI_Waitall(station->n_out, requests, MPI_STATUSES_IGNORE),
        "MPI_Waitall");
}

/** Header, and payload where it is not in place already. */
static void fill_message(const pta_runner *runner, const pta_station *station,
                         const pta_link *link, int64_t batch, int32_t slot,
                         const void *src, uint8_t *message)
{
    int32_t n = samples_of(runner, batch);
    pta_header header = {.plan_tag = runner->plan_tag,
                         .sequence = runner->sequence + (uint64_t)batch,
                         .n_samples = (uint32_t)n,
                         .status = station->status[slot],
                         .flags = flags_of(link),
                         .time_ns = station->time_ns[slot]};
    if (header.status == PTA_OK) {
        header.payload_bytes =
            (uint32_t)(link->transfer.message_bytes * (size_t)n);
        if (!link->in_place) {
            pta_transfer_pack(&link->transfer, src, n,
                              message + PTA_HEADER_BYTES);
        }
        header.crc =
            pta_crc32c(0, message + PTA_HEADER_BYTES, header.payload_bytes);
    }
    pta_header_write(&header, message);
}

static pta_status send(pta_runner *runner, pta_ctx *ctx, pta_station *station,
                       int64_t u, const void *src)
{
    int32_t slot = slot_of(station, u);
    int64_t batch = batch_of(runner, station, u);
    pta_link *links = links_of(station, station->out, station->n_out, u);
    MPI_Request *requests =
        station->out_request + (ptrdiff_t)slot * station->n_out;
    for (int32_t i = 0; i < station->n_out; i++) {
        pta_link *link = &links[i];
        int n_bytes = 0;
        if (station->status[slot] == PTA_OK) {
            n_bytes = (int)(link->transfer.message_bytes *
                            (size_t)samples_of(runner, batch));
        }
        station->clock.bytes_out += (uint64_t)n_bytes;
        if (link->local != NULL) {
            continue;
        }
        uint8_t *message = link->message[ring_of(station, u)];
        if (runner->options.costs != NULL) {
            pta_spend_message(runner, PTA_HEADER_BYTES + n_bytes);
        }
        if (link->writes && runner->options.blank == NULL) {
            fill_message(runner, station, link, batch, slot, src, message);
        }
        station->clock.bytes_out += PTA_HEADER_BYTES;
        PTA_TRY_MPI(ctx, MPI_Isend(message, PTA_HEADER_BYTES + n_bytes,
                                   MPI_BYTE, link->peer, link->tag,
                                   runner->comm, &requests[i]));
    }
    return PTA_OK;
}

/* ---- steps ---- */

pta_status pta_source_step(pta_runner *runner, pta_ctx *ctx, int64_t u)
{
    pta_station *source = runner->source;
    int32_t slot = slot_of(source, u);
    PTA_TRY(reclaim(ctx, source, u));
    runner->start[slot] = pta_clock_now();
    source->status[slot] = (uint32_t)runner->failure;
    return send(runner, ctx, source, u,
                runner->in +
                    (size_t)u * (size_t)runner->micro_batch * runner->in_bytes);
}

/** Receives and submits batch u. */
static pta_status take_in(pta_runner *runner, pta_ctx *ctx,
                          pta_station *station, int64_t u)
{
    PTA_TRY(reclaim(ctx, station, u));
    uint64_t begin = pta_clock_now();
    PTA_TRY(receive(runner, ctx, station, u));
    uint64_t now = pta_clock_now();
    station->clock.wait_ns += now - begin;
    if (runner->trace.room > 0) {
        pta_trace_add(&runner->trace, station->board, PTA_TRACE_WAIT,
                      batch_of(runner, station, u), begin, now);
    }
    station->start[slot_of(station, u)] = now;
    submit(runner, ctx, station, u);
    return PTA_OK;
}

/** Collects and sends batch u, then posts the slot's next receive. */
static pta_status give_out(pta_runner *runner, pta_ctx *ctx,
                           pta_station *station, int64_t u)
{
    uint64_t begin = collect(runner, ctx, station, u);
    PTA_TRY(send(runner, ctx, station, u,
                 station->out_buffer[slot_of(station, u)]));
    PTA_TRY(post(runner, ctx, station, u + station->n_slots));
    uint64_t end = pta_clock_now();
    station->clock.send_ns += end - begin;
    if (runner->trace.room > 0) {
        pta_trace_add(&runner->trace, station->board, PTA_TRACE_SEND,
                      batch_of(runner, station, u), begin, end);
    }
    return PTA_OK;
}

pta_status pta_board_step(pta_runner *runner, pta_ctx *ctx,
                          pta_station *station, int64_t step)
{
    int64_t n = pta_station_batches(runner, station);
    int64_t u = step - station->offset;
    if (u >= 0 && u < n) {
        PTA_TRY(take_in(runner, ctx, station, u));
    }
    u -= station->lag;
    if (u >= 0 && u < n) {
        PTA_TRY(give_out(runner, ctx, station, u));
    }
    return PTA_OK;
}

pta_status pta_sink_step(pta_runner *runner, pta_ctx *ctx, int64_t u)
{
    pta_station *sink = runner->sink;
    int32_t slot = slot_of(sink, u);
    PTA_TRY(take_in(runner, ctx, sink, u));
    (void)collect(runner, ctx, sink, u);
    if (sink->status[slot] == PTA_OK && runner->options.blank == NULL) {
        size_t first = (size_t)u * (size_t)runner->micro_batch;
        memcpy(runner->out + first * runner->out_bytes, sink->out_buffer[slot],
               (size_t)samples_of(runner, u) * runner->out_bytes);
    }
    return post(runner, ctx, sink, u + sink->n_slots);
}

pta_status pta_station_finish(pta_runner *runner, pta_ctx *ctx,
                              pta_station *station)
{
    int64_t n = pta_station_batches(runner, station);
    int64_t first = n > station->n_slots ? n - station->n_slots : 0;
    for (int64_t u = first; u < n; u++) {
        PTA_TRY(reclaim(ctx, station, u));
    }
    return PTA_OK;
}
