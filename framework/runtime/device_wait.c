/* Device `wait` (device_wait.h). */
#include "runtime/device_wait.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "runtime/clock.h"

/* Sleeping is late by some microseconds: the last of a wait is cut in pieces. */
#define MARGIN_NS 40000

typedef struct settings {
    int64_t cycle_ps, transfer_ns, copy_ps, margin_ns;
    int64_t lut, lutram, ff, dsp, bram18; /* budget; all 0: none */
    int64_t blank;
    const char *on; /* inner device; borrowed; NULL: none */
} settings;

typedef struct entry {
    const char *key;
    size_t offset;
} entry;

static const entry entries[] = {
    {"cycle_ps", offsetof(settings, cycle_ps)},
    {"transfer_ns", offsetof(settings, transfer_ns)},
    {"copy_ps", offsetof(settings, copy_ps)},
    {"margin_ns", offsetof(settings, margin_ns)},
    {"lut", offsetof(settings, lut)},
    {"lutram", offsetof(settings, lutram)},
    {"ff", offsetof(settings, ff)},
    {"dsp", offsetof(settings, dsp)},
    {"bram18", offsetof(settings, bram18)},
    {"blank", offsetof(settings, blank)},
};

#define N_ENTRIES (sizeof entries / sizeof *entries)

typedef struct wait_device {
    pta_device base;
    const pta_slice *slice; /* borrowed */
    pta_buffers buffers;    /* owned, unless there is an inner device */
    const pta_device_ops *inner_ops;
    pta_device *inner; /* owned, or NULL */
    settings set;
    pta_vboard board;
    pta_vhost host;
    int32_t n_slots;
    uint64_t busy;  /* the accelerator, until then */
    uint64_t *done; /* owned; [n_slots] */
    int32_t *count; /* owned; [n_slots] samples */
} wait_device;

/* ---- options ---- */

pta_status pta_wait_print(pta_ctx *ctx, const pta_wait_params *params,
                          char text[PTA_WAIT_TEXT])
{
    const pta_vhost *h = params->host;
    pta_budget none = {0};
    const pta_budget *b = params->budget != NULL ? params->budget : &none;
    int n = snprintf(
        text, PTA_WAIT_TEXT,
        "wait:cycle_ps=%.0f,transfer_ns=%.0f,copy_ps=%.0f,"
        "margin_ns=%d,lut=%" PRId64 ",lutram=%" PRId64 ",ff=%" PRId64
        ",dsp=%" PRId64 ",bram18=%" PRId64 ",blank=%d%s%s",
        1e3 * h->cycle, h->transfer, 1e3 * h->copy_per_byte,
        params->is_simulated ? 0 : MARGIN_NS, b->lut, b->lutram, b->ff, b->dsp,
        b->bram18, params->is_blank, params->inner != NULL ? ",on=" : "",
        params->inner != NULL ? params->inner : "");
    if (n >= PTA_WAIT_TEXT) {
        return pta_fail(ctx, PTA_ERR_RANGE, "device %s: options too long",
                        params->inner);
    }
    return PTA_OK;
}

static pta_status read_entry(pta_ctx *ctx, const char *text, size_t length,
                             settings *set)
{
    for (size_t i = 0; i < N_ENTRIES; i++) {
        size_t n = strlen(entries[i].key);
        if (length > n + 1 && strncmp(text, entries[i].key, n) == 0 &&
            text[n] == '=') {
            char *end;
            long long value = strtoll(text + n + 1, &end, 10);
            if (end == text + length && value >= 0) {
                int64_t stored = value;
                memcpy((char *)set + entries[i].offset, &stored, sizeof stored);
                return PTA_OK;
            }
        }
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "device wait: \"%.*s\": expected KEY=N with KEY one of "
                    "cycle_ps, transfer_ns, copy_ps, margin_ns, lut, lutram, "
                    "ff, dsp, bram18, blank, or on=DEVICE at the end",
                    (int)length, text);
}

static pta_status read_settings(pta_ctx *ctx, const char *text, settings *set)
{
    *set = (settings){.cycle_ps = 10000, .margin_ns = MARGIN_NS};
    while (text != NULL && *text != '\0') {
        if (strncmp(text, "on=", 3) == 0) {
            set->on = text + 3;
            return PTA_OK;
        }
        size_t length = strcspn(text, ",");
        PTA_TRY(read_entry(ctx, text, length, set));
        text += length + (text[length] == ',');
    }
    return PTA_OK;
}

/* ---- opening ---- */

static pta_status open_buffers(pta_ctx *ctx, wait_device *d,
                               const pta_device_params *params)
{
    pta_device_params mine = *params;
    if (d->set.on != NULL) {
        PTA_TRY(pta_device_find(ctx, d->set.on, &d->inner_ops, &mine.options));
        return d->inner_ops->open(ctx, d->slice, &mine, &d->inner);
    }
    if (d->set.blank != 0) {
        return PTA_OK;
    }
    return pta_buffers_open(ctx, d->slice, &mine, &d->buffers);
}

static pta_status open_parts(pta_ctx *ctx, wait_device *d,
                             const pta_device_params *params)
{
    PTA_TRY(read_settings(ctx, params->options, &d->set));
    const settings *set = &d->set;
    pta_budget budget = {set->lut, set->lutram, set->ff, set->dsp, set->bram18};
    PTA_TRY(pta_slice_cycles(ctx, d->slice, set->lut > 0 ? &budget : NULL,
                             &d->board.cycles));
    d->board.bytes_in = (int64_t)pta_slice_in_bytes(d->slice);
    d->board.bytes_out = (int64_t)pta_slice_out_bytes(d->slice);
    d->host = (pta_vhost){.cycle = 1e-3 * (double)set->cycle_ps,
                          .transfer = (double)set->transfer_ns,
                          .copy_per_byte = 1e-3 * (double)set->copy_ps};
    if (set->margin_ns > 0) { /* or every sleep ends 50 us late */
        (void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
    }
    PTA_TRY_ALLOC(ctx, d->done, params->n_slots);
    PTA_TRY_ALLOC(ctx, d->count, params->n_slots);
    return open_buffers(ctx, d, params);
}

static void wait_close(pta_ctx *ctx, pta_device **device)
{
    wait_device *d = (wait_device *)*device;
    if (d->inner != NULL) {
        d->inner_ops->close(ctx, &d->inner);
    }
    pta_buffers_close(ctx, &d->buffers);
    pta_free(ctx, d->done);
    pta_free(ctx, d->count);
    pta_free(ctx, d);
    *device = NULL;
}

static pta_status wait_open(pta_ctx *ctx, const pta_slice *slice,
                            const pta_device_params *params, pta_device **out)
{
    wait_device *d;
    PTA_TRY_ALLOC(ctx, d, 1);
    d->base.ops = &pta_device_wait;
    d->slice = slice;
    d->n_slots = params->n_slots;
    pta_device *device = &d->base;
    pta_status status = open_parts(ctx, d, params);
    if (status != PTA_OK) {
        wait_close(ctx, &device);
        return status;
    }
    *out = device;
    return PTA_OK;
}

/* ---- batches ---- */

static void *wait_in_buffer(pta_device *device, int32_t slot)
{
    wait_device *d = (wait_device *)device;
    return d->inner != NULL ? d->inner_ops->in_buffer(d->inner, slot)
                            : pta_buffers_in(&d->buffers, slot);
}

static void *wait_out_buffer(pta_device *device, int32_t slot)
{
    wait_device *d = (wait_device *)device;
    return d->inner != NULL ? d->inner_ops->out_buffer(d->inner, slot)
                            : pta_buffers_out(&d->buffers, slot);
}

/* CPU time of a DMA transfer. */
static void transfer(const wait_device *d, int64_t sample_bytes, int32_t n)
{
    double ns =
        d->host.transfer + d->host.copy_per_byte * (double)sample_bytes * n;
    pta_clock_sleep_until(pta_clock_now() + (uint64_t)(ns + 0.5),
                          (uint64_t)d->set.margin_ns);
}

static pta_status wait_submit(pta_device *device, pta_ctx *ctx, int32_t slot,
                              int32_t n)
{
    wait_device *d = (wait_device *)device;
    if (d->inner != NULL) {
        PTA_TRY(d->inner_ops->submit(d->inner, ctx, slot, n));
    }
    transfer(d, d->board.bytes_in, n);
    uint64_t now = pta_clock_now();
    d->busy = now > d->busy ? now : d->busy;
    d->busy += pta_vboard_ns(&d->board, &d->host, n);
    d->done[slot] = d->busy;
    d->count[slot] = n;
    return PTA_OK;
}

static pta_status wait_collect(pta_device *device, pta_ctx *ctx, int32_t slot,
                               pta_cost *cost)
{
    wait_device *d = (wait_device *)device;
    pta_cost inner = PTA_COST_NONE;
    if (d->inner != NULL) {
        PTA_TRY(d->inner_ops->collect(d->inner, ctx, slot, &inner));
    }
    pta_clock_sleep_until(d->done[slot], (uint64_t)d->set.margin_ns);
    transfer(d, d->board.bytes_out, d->count[slot]);
    const pta_cycles *c = &d->board.cycles;
    *cost = PTA_COST_NONE;
    cost->cycles = (uint64_t)(c->latency + c->interval * (d->count[slot] - 1));
    cost->interval = (uint64_t)c->interval;
    return PTA_OK;
}

static pta_status wait_reset(pta_device *device, pta_ctx *ctx)
{
    wait_device *d = (wait_device *)device;
    d->busy = 0;
    return d->inner != NULL && d->inner_ops->reset != NULL
               ? d->inner_ops->reset(d->inner, ctx)
               : PTA_OK;
}

const pta_device_ops pta_device_wait = {
    .name = "wait",
    .open = wait_open,
    .in_buffer = wait_in_buffer,
    .out_buffer = wait_out_buffer,
    .submit = wait_submit,
    .collect = wait_collect,
    .reset = wait_reset,
    .close = wait_close,
    .overlap = PTA_WAIT_OVERLAP,
};
