/*
 * The `fixed` device: a slice on the project's integer kernels.
 *
 * Inputs are read in place from the in buffer and outputs written in place
 * into the out buffer; values between them lie in one arena, two of them in the
 * same bytes where their lives do not overlap. A micro-batch is worked through
 * step by step, in parts small enough for their values to stay in the cache.
 * The work is done inside submit.
 *
 * Option: variant=ref|avx2|vnni forces kernels (kernels/table.h).
 */
#include <string.h>

#include "ir/format.h"
#include "runtime/device.h"
#include "runtime/fixed_layer_priv.h"

#define CACHE_BYTES ((size_t)512 << 10) /* arena of one part of a batch */
#define PART_MIN    16
#define ALIGN       64

typedef enum home { HOME_NONE, HOME_IN, HOME_OUT, HOME_ARENA } home;

/* Where a value lies: `offset` in its home, samples `stride` apart. */
typedef struct place {
    home home;
    size_t offset, stride;
    int32_t born, dies; /* steps; arena only */
    size_t bytes;       /* of one part of a batch; arena only */
} place;

/* An output that could not be written in place. */
typedef struct echo {
    int32_t value;
    size_t offset, bytes;
} echo;

typedef struct fixed {
    pta_device base;
    const pta_slice *slice; /* borrowed */
    pta_kernel_table kernels;
    pta_buffers buffers;
    int32_t max_samples, n_slots, part;
    size_t in_bytes, out_bytes;
    place *places;           /* owned; [n_values] */
    pta_fixed_layer *layers; /* owned; [n_steps] */
    const void **x;          /* owned; inputs of the widest step */
    size_t *x_stride;        /* owned */
    echo *echoes;            /* owned; [n_outputs] */
    int32_t n_echoes;
    char *arena; /* owned */
    void *work;  /* owned */
} fixed;

/* ---- options ---- */

static pta_status parse_option(pta_ctx *ctx, const char *text, size_t length,
                               pta_kernel_table *kernels)
{
    static const char key[] = "variant=";
    char name[16] = "";
    size_t prefix = sizeof key - 1;
    if (length < prefix || strncmp(text, key, prefix) != 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "device fixed: unknown option \"%.*s\": expected "
                        "variant=NAME with NAME one of " PTA_KERNEL_VARIANTS,
                        (int)length, text);
    }
    if (length - prefix < sizeof name) {
        memcpy(name, text + prefix, length - prefix);
    }
    if (name[0] == '\0' || !pta_kernel_table_fill(kernels, name)) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "device fixed: variant \"%.*s\" is unknown or not for "
                        "this machine: expected one of " PTA_KERNEL_VARIANTS,
                        (int)(length - prefix), text + prefix);
    }
    return PTA_OK;
}

static pta_status parse_options(pta_ctx *ctx, const char *options,
                                pta_kernel_table *kernels)
{
    bool found = pta_kernel_table_fill(kernels, NULL);
    PTA_ASSERT(found);
    while (options != NULL && *options != '\0') {
        size_t length = strcspn(options, ",");
        PTA_TRY(parse_option(ctx, options, length, kernels));
        options += length + (options[length] == ',' ? 1 : 0);
    }
    return PTA_OK;
}

/* ---- memory ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static int32_t root_of(const pta_slice *slice, int32_t value)
{
    while (slice->values[value].alias_of >= 0) {
        value = slice->values[value].alias_of;
    }
    return value;
}

static size_t value_bytes(const pta_value *v)
{
    return (size_t)pta_view_count(v->view) * pta_type_bytes(v->dtype);
}

static void place_inputs(fixed *d)
{
    for (int32_t i = 0; i < d->slice->n_inputs; i++) {
        place *p = &d->places[root_of(d->slice, d->slice->inputs[i])];
        p->home = HOME_IN;
        p->offset = pta_slice_in_offset(d->slice, i);
        p->stride = d->in_bytes;
    }
}

static void place_outputs(fixed *d)
{
    for (int32_t i = 0; i < d->slice->n_outputs; i++) {
        int32_t value = d->slice->outputs[i];
        size_t offset = pta_slice_out_offset(d->slice, i);
        place *p = &d->places[root_of(d->slice, value)];
        if (p->home == HOME_NONE) {
            p->home = HOME_OUT;
            p->offset = offset;
            p->stride = d->out_bytes;
        } else {
            d->echoes[d->n_echoes++] =
                (echo){.value = root_of(d->slice, value),
                       .offset = offset,
                       .bytes = value_bytes(&d->slice->values[value])};
        }
    }
}

/* Lives of the values between, and how many samples make a part. */
static void measure_between(fixed *d)
{
    const pta_slice *slice = d->slice;
    size_t sample = 0;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        const pta_step *step = &slice->steps[s];
        int32_t root = root_of(slice, step->out);
        place *p = &d->places[root];
        if (p->home == HOME_NONE) {
            p->home = HOME_ARENA;
            p->born = s;
            p->stride = aligned(value_bytes(&slice->values[root]));
            sample += p->stride;
        }
        p->dies = s;
        for (int32_t i = 0; i < step->n_in; i++) {
            d->places[root_of(slice, step->in[i])].dies = s;
        }
    }
    size_t part = sample == 0 ? (size_t)d->max_samples : CACHE_BYTES / sample;
    part = part < PART_MIN ? PART_MIN : part;
    d->part = part < (size_t)d->max_samples ? (int32_t)part : d->max_samples;
}

static bool clash(const place *a, const place *b)
{
    return a->born <= b->dies && b->born <= a->dies &&
           a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* First fit among the values already placed; returns the arena's size. */
static size_t place_between(fixed *d)
{
    size_t arena = 0;
    for (int32_t v = 0; v < d->slice->n_values; v++) {
        place *p = &d->places[v];
        if (p->home != HOME_ARENA) {
            continue;
        }
        p->bytes = p->stride * (size_t)d->part;
        for (int32_t u = 0; u < v; u++) {
            const place *other = &d->places[u];
            if (other->home == HOME_ARENA && clash(p, other)) {
                p->offset = other->offset + other->bytes;
                u = -1; /* moved: look at all of them again */
            }
        }
        size_t end = p->offset + p->bytes;
        arena = end > arena ? end : arena;
    }
    return arena;
}

static pta_status check_values(pta_ctx *ctx, const fixed *d)
{
    for (int32_t s = 0; s < d->slice->n_steps; s++) {
        const pta_step *step = &d->slice->steps[s];
        for (int32_t i = 0; i < step->n_in; i++) {
            if (d->places[root_of(d->slice, step->in[i])].home == HOME_NONE) {
                return pta_fail(ctx, PTA_ERR_MISMATCH,
                                "slice, node %d: input %d is never made",
                                (int)step->node, (int)i);
            }
        }
    }
    return PTA_OK;
}

/* ---- open and close ---- */

static void fixed_close(pta_ctx *ctx, pta_device **device)
{
    fixed *d = (fixed *)*device;
    if (d == NULL) {
        return;
    }
    for (int32_t s = 0; d->layers != NULL && s < d->slice->n_steps; s++) {
        pta_fixed_layer_free(ctx, &d->layers[s]);
    }
    pta_buffers_close(ctx, &d->buffers);
    pta_free(ctx, d->places);
    pta_free(ctx, d->layers);
    pta_free(ctx, (void *)d->x);
    pta_free(ctx, d->x_stride);
    pta_free(ctx, d->echoes);
    pta_free(ctx, d->arena);
    pta_free(ctx, d->work);
    pta_free(ctx, d);
    *device = NULL;
}

static int32_t widest_step(const pta_slice *slice)
{
    int32_t widest = 1;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        widest = slice->steps[s].n_in > widest ? slice->steps[s].n_in : widest;
    }
    return widest;
}

static pta_status open_memory(pta_ctx *ctx, fixed *d,
                              const pta_device_params *params)
{
    const pta_slice *slice = d->slice;
    PTA_TRY_ALLOC(ctx, d->places, slice->n_values);
    PTA_TRY_ALLOC(ctx, d->layers, slice->n_steps);
    PTA_TRY_ALLOC(ctx, d->x, widest_step(slice));
    PTA_TRY_ALLOC(ctx, d->x_stride, widest_step(slice));
    PTA_TRY_ALLOC(ctx, d->echoes, slice->n_outputs);
    PTA_TRY(pta_buffers_open(ctx, slice, params, &d->buffers));
    place_inputs(d);
    place_outputs(d);
    measure_between(d);
    PTA_TRY_ALLOC(ctx, d->arena, place_between(d));
    return check_values(ctx, d);
}

static pta_status open_layers(pta_ctx *ctx, fixed *d)
{
    size_t work = 0;
    for (int32_t s = 0; s < d->slice->n_steps; s++) {
        pta_fixed_layer *layer = &d->layers[s];
        PTA_TRY(pta_fixed_layer_init(ctx, d->slice, &d->slice->steps[s],
                                     &d->kernels, d->part, layer));
        work = layer->work_bytes > work ? layer->work_bytes : work;
    }
    d->work = pta_calloc(ctx, 1, work);
    return d->work == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

static pta_status fixed_open(pta_ctx *ctx, const pta_slice *slice,
                             const pta_device_params *params, pta_device **out)
{
    fixed *d;
    pta_kernel_table kernels;
    PTA_TRY(parse_options(ctx, params->options, &kernels));
    if (slice->is_float) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "device fixed: the slice is made of floats");
    }
    PTA_TRY_ALLOC(ctx, d, 1);
    d->base.ops = &pta_device_fixed;
    d->slice = slice;
    d->kernels = kernels;
    d->max_samples = params->max_samples;
    d->n_slots = params->n_slots;
    d->in_bytes = pta_slice_in_bytes(slice);
    d->out_bytes = pta_slice_out_bytes(slice);
    pta_device *device = &d->base;
    pta_status status = open_memory(ctx, d, params);
    if (status == PTA_OK) {
        status = open_layers(ctx, d);
    }
    if (status != PTA_OK) {
        fixed_close(ctx, &device);
        return status;
    }
    *out = device;
    return PTA_OK;
}

/* ---- run ---- */

static void *fixed_in(pta_device *device, int32_t slot)
{
    return pta_buffers_in(&((fixed *)device)->buffers, slot);
}

static void *fixed_out(pta_device *device, int32_t slot)
{
    return pta_buffers_out(&((fixed *)device)->buffers, slot);
}

/* A part of a batch: its slot's buffers from its first sample. */
typedef struct part {
    char *in, *out;
    int32_t n;
} part;

static char *locate(const fixed *d, const part *p, int32_t value,
                    size_t *stride)
{
    const place *at = &d->places[root_of(d->slice, value)];
    *stride = at->stride;
    char *from = at->home == HOME_IN    ? p->in
                 : at->home == HOME_OUT ? p->out
                                        : d->arena;
    return from + at->offset;
}

static void run_step(fixed *d, const part *p, int32_t s)
{
    const pta_step *step = &d->slice->steps[s];
    for (int32_t i = 0; i < step->n_in; i++) {
        d->x[i] = locate(d, p, step->in[i], &d->x_stride[i]);
    }
    pta_batch batch = {
        .n = p->n, .x = d->x, .x_stride = d->x_stride, .work = d->work};
    batch.y = locate(d, p, step->out, &batch.y_stride);
    d->layers[s].run(&d->layers[s], &d->kernels, &batch);
}

static void run_part(fixed *d, const part *p)
{
    for (int32_t s = 0; s < d->slice->n_steps; s++) {
        run_step(d, p, s);
    }
    for (int32_t i = 0; i < d->n_echoes; i++) {
        const echo *e = &d->echoes[i];
        size_t stride;
        const char *from = locate(d, p, e->value, &stride);
        for (int32_t n = 0; n < p->n; n++) {
            memcpy(p->out + e->offset + d->out_bytes * (size_t)n,
                   from + stride * (size_t)n, e->bytes);
        }
    }
}

static pta_status fixed_submit(pta_device *device, pta_ctx *ctx, int32_t slot,
                               int32_t n_samples)
{
    fixed *d = (fixed *)device;
    if (n_samples < 0 || n_samples > d->max_samples || slot < 0 ||
        slot >= d->n_slots) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "device fixed: %d samples in slot %d: at most %d in "
                        "%d slots",
                        (int)n_samples, (int)slot, (int)d->max_samples,
                        (int)d->n_slots);
    }
    for (int32_t first = 0; first < n_samples; first += d->part) {
        int32_t left = n_samples - first;
        part p = {
            .in = (char *)fixed_in(device, slot) + d->in_bytes * (size_t)first,
            .out =
                (char *)fixed_out(device, slot) + d->out_bytes * (size_t)first,
            .n = left < d->part ? left : d->part};
        run_part(d, &p);
    }
    return PTA_OK;
}

static pta_status fixed_collect(pta_device *device, pta_ctx *ctx, int32_t slot,
                                pta_cost *cost)
{
    (void)device;
    (void)ctx;
    (void)slot;
    *cost = PTA_COST_NONE;
    return PTA_OK;
}

const pta_device_ops pta_device_fixed = {.name = "fixed",
                                         .is_float = false,
                                         .workspace_bytes = NULL,
                                         .open = fixed_open,
                                         .in_buffer = fixed_in,
                                         .out_buffer = fixed_out,
                                         .submit = fixed_submit,
                                         .collect = fixed_collect,
                                         .reset = NULL,
                                         .close = fixed_close,
                                         .overlap = 0};
