/* A device in hardware: see device_hw.h. */
#include "hls/driver/device_hw.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "hls/driver/format.h"

#define ALIGN      64 /* above the cache line of any host */
#define FAULT_TEXT 512

typedef enum slot_state {
    SLOT_FREE,
    SLOT_WAITING,
    SLOT_RUNNING,
    SLOT_DONE
} slot_state;

typedef struct slot {
    slot_state state;
    uint32_t n;
    pta_status status;
    char fault[FAULT_TEXT]; /* if status is no PTA_OK */
    uint64_t submitted_ns, completed_ns;
    pta_core_counters counters;
} slot;

typedef struct hw {
    pta_device base;
    const pta_slice *slice;      /* borrowed */
    const pta_hw_config *config; /* borrowed */
    const pta_core_info *info;
    const pta_codec *codec; /* borrowed, or NULL */
    pta_device_params params;
    pta_bus *bus; /* owned */
    pta_core core;
    bool in_same, out_same;
    pta_buffers host;            /* where samples are not the bus's */
    size_t in_bytes, out_bytes;  /* of a slot in shared memory, with header */
    size_t probe_in, probe_out;  /* offsets in shared memory */
    char *probe_sent;            /* owned; probe on the bus */
    char *probe_answer, *answer; /* owned; host layout, expected and found */
    slot *slots;                 /* owned; [n_slots] */
    int32_t *queue;              /* owned; [n_slots], a ring of slots */
    int32_t head, n_queued;      /* queue[head] runs, if any */
    bool dead;                   /* did not recover */
} hw;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- memory ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t area_bytes(size_t sample_bytes, int32_t max_samples)
{
    return PTA_HEADER_ROOM + aligned(sample_bytes * (size_t)max_samples);
}

size_t pta_hw_memory_bytes(const pta_core_info *info,
                           const pta_device_params *params)
{
    size_t in = info->in_bytes, out = info->out_bytes;
    return (size_t)params->n_slots * (area_bytes(in, params->max_samples) +
                                      area_bytes(out, params->max_samples)) +
           aligned(in) + aligned(out);
}

static size_t in_offset(const hw *d, int32_t s)
{
    return d->in_bytes * (size_t)s + PTA_HEADER_ROOM;
}

static size_t out_offset(const hw *d, int32_t s)
{
    return d->in_bytes * (size_t)d->params.n_slots + d->out_bytes * (size_t)s +
           PTA_HEADER_ROOM;
}

static void *shared(const hw *d, size_t offset)
{
    return (char *)d->bus->memory + offset;
}

void *pta_hw_in_buffer(pta_device *device, int32_t s)
{
    const hw *d = (const hw *)device;
    return d->in_same ? shared(d, in_offset(d, s))
                      : pta_buffers_in(&d->host, s);
}

void *pta_hw_out_buffer(pta_device *device, int32_t s)
{
    const hw *d = (const hw *)device;
    return d->out_same ? shared(d, out_offset(d, s))
                       : pta_buffers_out(&d->host, s);
}

/* ---- samples between host and bus ---- */

static void pack(const hw *d, int32_t n, const void *host, void *bus)
{
    if (d->codec != NULL) {
        d->codec->pack(d->codec, d->slice, n, host, bus);
    } else {
        pta_bus_pack(d->slice, n, host, bus);
    }
}

static pta_status unpack(pta_ctx *ctx, const hw *d, int32_t n, const void *bus,
                         void *host)
{
    if (d->codec != NULL) {
        return d->codec->unpack(d->codec, ctx, d->slice, n, bus, host);
    }
    pta_bus_unpack(d->slice, n, bus, host);
    return PTA_OK;
}

/* ---- the known-answer sample ---- */

static void write_element(char *to, size_t bytes, int64_t raw)
{
    memcpy(to, &raw, bytes); /* little-endian, two's complement */
}

static void fill_sample(const pta_slice *slice, char *sample)
{
    uint64_t random = 0x9a3d; /* any fixed sample will do */
    for (int32_t i = 0; i < slice->n_inputs; i++) {
        const pta_value *v = &slice->values[slice->inputs[i]];
        size_t bytes = pta_dtype_bytes(v->dtype);
        char *to = sample + pta_slice_in_offset(slice, i);
        for (int64_t e = 0; e < pta_view_count(v->view); e++) {
            write_element(to, bytes,
                          pta_rng_range(&random, pta_format_min(v->format),
                                        pta_format_max(v->format)));
            to += bytes;
        }
    }
}

static pta_status ask_fixed(pta_ctx *ctx, hw *d, pta_device *fixed)
{
    pta_cost cost;
    void *in = fixed->ops->in_buffer(fixed, 0);
    fill_sample(d->slice, in);
    pack(d, 1, in, d->probe_sent);
    PTA_TRY(fixed->ops->submit(fixed, ctx, 0, 1));
    PTA_TRY(fixed->ops->collect(fixed, ctx, 0, &cost));
    memcpy(d->probe_answer, fixed->ops->out_buffer(fixed, 0),
           pta_slice_out_bytes(d->slice));
    return PTA_OK;
}

static pta_status make_probe(pta_ctx *ctx, hw *d)
{
    pta_device_params params = {.max_samples = 1, .n_slots = 1};
    pta_device *fixed;
    PTA_TRY_ALLOC(ctx, d->probe_sent, d->info->in_bytes);
    PTA_TRY_ALLOC(ctx, d->probe_answer, pta_slice_out_bytes(d->slice));
    PTA_TRY_ALLOC(ctx, d->answer, pta_slice_out_bytes(d->slice));
    PTA_TRY(pta_device_fixed.open(ctx, d->slice, &params, &fixed));
    pta_status status = ask_fixed(ctx, d, fixed);
    pta_device_fixed.close(ctx, &fixed);
    return status;
}

/* The reset leaves the core idle: done is said with the last word out, while
 * rows that a pooling drops may still be under way and delay the next batch. */
static pta_status prove(pta_ctx *ctx, hw *d)
{
    pta_core_counters counters;
    size_t bytes = pta_slice_out_bytes(d->slice);
    memcpy(shared(d, d->probe_in), d->probe_sent, d->info->in_bytes);
    PTA_TRY(pta_core_start(ctx, &d->core, d->probe_in, d->probe_out, 1));
    PTA_TRY(pta_core_finish(ctx, &d->core, &counters));
    memset(d->answer, 0, bytes);
    PTA_TRY(unpack(ctx, d, 1, shared(d, d->probe_out), d->answer));
    if (memcmp(d->answer, d->probe_answer, bytes) != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "the core's answer to the known sample is wrong");
    }
    return pta_core_recover(ctx, &d->core);
}

/* ---- open and close ---- */

void pta_hw_close(pta_ctx *ctx, pta_device **device)
{
    hw *d = (hw *)*device;
    if (d == NULL) {
        return;
    }
    if (d->bus != NULL) {
        d->bus->ops->close(ctx, &d->bus);
    }
    pta_buffers_close(ctx, &d->host);
    pta_free(ctx, d->probe_sent);
    pta_free(ctx, d->probe_answer);
    pta_free(ctx, d->answer);
    pta_free(ctx, d->slots);
    pta_free(ctx, d->queue);
    if (d->config->release != NULL) {
        d->config->release(ctx, d->config);
    }
    pta_free(ctx, d);
    *device = NULL;
}

static pta_status check_sizes(pta_ctx *ctx, const hw *d)
{
    bool ours = d->codec == NULL;
    size_t in = ours ? pta_bus_in_bytes(d->slice) : d->info->in_bytes;
    size_t out = ours ? pta_bus_out_bytes(d->slice) : d->info->out_bytes;
    if (in != d->info->in_bytes || out != d->info->out_bytes || in == 0 ||
        out == 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the slice's samples have %zu bytes in and %zu out, "
                        "the core's %zu and %zu",
                        in, out, d->info->in_bytes, d->info->out_bytes);
    }
    if ((uint32_t)d->params.max_samples > pta_core_max_samples(d->info)) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "a batch of %d samples of %zu bytes in and %zu out "
                        "exceeds the DMA's %u bytes: at most %u samples",
                        (int)d->params.max_samples, in, out, PTA_DMA_LENGTH_MAX,
                        (unsigned)pta_core_max_samples(d->info));
    }
    return PTA_OK;
}

static pta_status open_memory(pta_ctx *ctx, hw *d)
{
    size_t in = d->info->in_bytes, out = d->info->out_bytes;
    d->in_same = d->codec == NULL && pta_bus_in_same(d->slice);
    d->out_same = d->codec == NULL && pta_bus_out_same(d->slice);
    d->in_bytes = area_bytes(in, d->params.max_samples);
    d->out_bytes = area_bytes(out, d->params.max_samples);
    d->probe_in = (d->in_bytes + d->out_bytes) * (size_t)d->params.n_slots;
    d->probe_out = d->probe_in + aligned(in);
    PTA_TRY_ALLOC(ctx, d->slots, d->params.n_slots);
    PTA_TRY_ALLOC(ctx, d->queue, d->params.n_slots);
    if (!d->in_same || !d->out_same) {
        PTA_TRY(pta_buffers_open(ctx, d->slice, &d->params, &d->host));
    }
    return make_probe(ctx, d);
}

static pta_status open_core(pta_ctx *ctx, hw *d, const pta_hw_config *config)
{
    PTA_TRY(config->bus->open(ctx, config->bus_params,
                              pta_hw_memory_bytes(d->info, &d->params),
                              &d->bus));
    PTA_TRY(pta_core_open(ctx, d->bus, d->info, &d->core));
    PTA_TRY(pta_core_load(ctx, &d->core));
    return prove(ctx, d);
}

pta_status pta_hw_open(pta_ctx *ctx, const pta_slice *slice,
                       const pta_device_params *params,
                       const pta_device_ops *ops, const pta_hw_config *config,
                       pta_device **out)
{
    hw *d = pta_calloc(ctx, 1, sizeof *d);
    if (d == NULL) {
        if (config->release != NULL) {
            config->release(ctx, config);
        }
        return PTA_ERR_NOMEM;
    }
    pta_device *device = &d->base;
    d->config = config;
    d->base.ops = ops;
    d->slice = slice;
    d->info = config->info;
    d->codec = config->codec;
    d->params = *params;
    pta_status status = check_sizes(ctx, d);
    if (status == PTA_OK) {
        status = open_memory(ctx, d);
    }
    if (status == PTA_OK) {
        status = open_core(ctx, d, config);
    }
    if (status != PTA_OK) {
        pta_hw_close(ctx, &device);
        return pta_fail_in(ctx, status, "device %s", ops->name);
    }
    *out = device;
    return PTA_OK;
}

/* ---- the queue ---- */

/* Ends the running batch; a fault is kept for its collect and the core brought
 * back. */
static void end_running(pta_ctx *ctx, hw *d, pta_status status)
{
    slot *s = &d->slots[d->queue[d->head]];
    s->state = SLOT_DONE;
    s->status = status;
    s->completed_ns = now_ns();
    d->head = (d->head + 1) % d->params.n_slots;
    d->n_queued--;
    if (status != PTA_OK) {
        snprintf(s->fault, sizeof s->fault, "%s", pta_ctx_error(ctx));
        pta_status again = pta_core_recover(ctx, &d->core);
        again = again == PTA_OK ? prove(ctx, d) : again;
        if (again != PTA_OK) {
            size_t used = strlen(s->fault);
            snprintf(s->fault + used, sizeof s->fault - used,
                     "; and did not recover: %s", pta_ctx_error(ctx));
            d->dead = true;
        }
    }
}

static pta_status start_next(pta_ctx *ctx, hw *d)
{
    int32_t index = d->queue[d->head];
    slot *s = &d->slots[index];
    s->state = SLOT_RUNNING;
    if (d->dead) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "the core did not recover from an earlier fault");
    }
    return pta_core_start(ctx, &d->core, in_offset(d, index),
                          out_offset(d, index), s->n);
}

/* Starts the first of the line if nothing runs; those that cannot start are
 * done. */
static void start_line(pta_ctx *ctx, hw *d)
{
    while (d->n_queued > 0 &&
           d->slots[d->queue[d->head]].state == SLOT_WAITING) {
        pta_status status = start_next(ctx, d);
        if (status != PTA_OK) {
            end_running(ctx, d, status);
        }
    }
}

static void finish_running(pta_ctx *ctx, hw *d)
{
    slot *s = &d->slots[d->queue[d->head]];
    end_running(ctx, d, pta_core_finish(ctx, &d->core, &s->counters));
    start_line(ctx, d);
}

/* Finishes what is complete without waiting for it. */
static void pump(pta_ctx *ctx, hw *d)
{
    bool done = false;
    if (d->n_queued == 0) {
        return;
    }
    pta_status status = pta_core_poll(ctx, &d->core, &done);
    if (status != PTA_OK) {
        end_running(ctx, d, status);
        start_line(ctx, d);
    } else if (done) {
        finish_running(ctx, d);
    }
}

static pta_status check_submit(pta_ctx *ctx, const hw *d, int32_t index,
                               int32_t n)
{
    if (index < 0 || index >= d->params.n_slots || n < 0 ||
        n > d->params.max_samples) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "device %s: %d samples in slot %d: at most %d in %d "
                        "slots",
                        d->base.ops->name, (int)n, (int)index,
                        (int)d->params.max_samples, (int)d->params.n_slots);
    }
    if (d->slots[index].state != SLOT_FREE) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "device %s: slot %d is submitted before it was "
                        "collected",
                        d->base.ops->name, (int)index);
    }
    return PTA_OK;
}

pta_status pta_hw_submit(pta_device *device, pta_ctx *ctx, int32_t index,
                         int32_t n_samples)
{
    hw *d = (hw *)device;
    PTA_TRY(check_submit(ctx, d, index, n_samples));
    slot *s = &d->slots[index];
    *s = (slot){.state = SLOT_WAITING,
                .n = (uint32_t)n_samples,
                .submitted_ns = now_ns()};
    if (n_samples == 0) {
        s->state = SLOT_DONE;
        s->completed_ns = s->submitted_ns;
        return PTA_OK;
    }
    if (!d->in_same) {
        pack(d, n_samples, pta_buffers_in(&d->host, index),
             shared(d, in_offset(d, index)));
    }
    pump(ctx, d);
    d->queue[(d->head + d->n_queued++) % d->params.n_slots] = index;
    start_line(ctx, d);
    return PTA_OK;
}

static pta_cost cost_of(const hw *d, const slot *s)
{
    const pta_core_counters *c = &s->counters;
    pta_cost cost = {.cycles = c->cycles,
                     .latency = c->first,
                     .interval = PTA_COST_ABSENT,
                     .stalls_in = c->stalls_in,
                     .stalls_out = c->stalls_out,
                     .host_ns = s->completed_ns - s->submitted_ns};
    if (d->info->no_registers) {
        cost.cycles = cost.latency = PTA_COST_ABSENT;
        cost.stalls_in = cost.stalls_out = PTA_COST_ABSENT;
    } else if (s->n > 1) {
        cost.interval = (c->span + (s->n - 1) / 2) / (s->n - 1);
    }
    return cost;
}

pta_status pta_hw_collect(pta_device *device, pta_ctx *ctx, int32_t index,
                          pta_cost *cost)
{
    hw *d = (hw *)device;
    if (index < 0 || index >= d->params.n_slots ||
        d->slots[index].state == SLOT_FREE) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "device %s: slot %d is collected but was not submitted",
                        d->base.ops->name, (int)index);
    }
    slot *s = &d->slots[index];
    while (s->state != SLOT_DONE) {
        finish_running(ctx, d);
    }
    s->state = SLOT_FREE;
    if (s->status != PTA_OK) {
        return pta_fail(ctx, s->status, "device %s: %s", d->base.ops->name,
                        s->fault);
    }
    if (!d->out_same && s->n > 0) {
        PTA_TRY(unpack(ctx, d, (int32_t)s->n, shared(d, out_offset(d, index)),
                       pta_buffers_out(&d->host, index)));
    }
    *cost = cost_of(d, s);
    return PTA_OK;
}

pta_status pta_hw_reset(pta_device *device, pta_ctx *ctx)
{
    hw *d = (hw *)device;
    for (int32_t i = 0; i < d->params.n_slots; i++) {
        d->slots[i].state = SLOT_FREE;
    }
    d->n_queued = 0;
    d->dead = false;
    PTA_TRY(pta_core_recover(ctx, &d->core));
    return prove(ctx, d);
}

pta_core *pta_hw_core(pta_device *device)
{
    return &((hw *)device)->core;
}
