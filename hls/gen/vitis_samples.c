/*
 * Samples for a test bench: random inputs, and what the `fixed` device makes of
 * them, in the bus format. Every eighth sample uses the whole range of its
 * formats, the next one half of it, and so on, so that not all of them saturate.
 */
#include <string.h>

#include "base/rng.h"
#include "hls/driver/files.h"
#include "hls/driver/format.h"
#include "ir/format.h"
#include "kernels/number.h"
#include "runtime/device.h"
#include "vitis_priv.h"

#define SEED      1
#define N_SCALES  8
#define MAX_BATCH 64

static void random_sample(const pta_slice *slice, int32_t index, uint64_t *rng,
                          char *sample)
{
    int64_t scale = INT64_C(1) << index % N_SCALES;
    for (int32_t i = 0; i < slice->n_inputs; i++) {
        const pta_value *v = &slice->values[slice->inputs[i]];
        int64_t min = pta_format_min(v->format) / scale;
        int64_t max = pta_format_max(v->format) / scale;
        char *to = sample + pta_slice_in_offset(slice, i);
        for (int64_t e = 0; e < pta_view_count(v->view); e++) {
            pta_store(to, v->dtype, e, pta_rng_range(rng, min, max));
        }
    }
}

static char *put(char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        *to++ = (char)(value >> (8 * i) & 0xff);
    }
    return to;
}

/* A tensor from the host's layout to the bus's; its padding is there, as 0. */
static char *put_tensor(char *to, const pta_value *v, const char *from)
{
    size_t bytes = pta_bus_element_bytes(v);
    int64_t count = pta_view_count(v->view);
    char *end = to + pta_align8((size_t)count * bytes);
    for (int64_t e = 0; e < count; e++) {
        to = put(to, (uint64_t)pta_load(from, v->dtype, e), bytes);
    }
    return end;
}

static char *put_sample(char *to, const pta_slice *slice, const char *x,
                        const char *y)
{
    for (int32_t i = 0; i < slice->n_inputs; i++) {
        to = put_tensor(to, &slice->values[slice->inputs[i]],
                        x + pta_slice_in_offset(slice, i));
    }
    for (int32_t i = 0; i < slice->n_outputs; i++) {
        to = put_tensor(to, &slice->values[slice->outputs[i]],
                        y + pta_slice_out_offset(slice, i));
    }
    return to;
}

static pta_status run_all(pta_ctx *ctx, const pta_slice *slice,
                          pta_device *device, int32_t n, char *to)
{
    const pta_device_ops *ops = device->ops;
    size_t in = pta_slice_in_bytes(slice), out = pta_slice_out_bytes(slice);
    char *x = ops->in_buffer(device, 0);
    const char *y = ops->out_buffer(device, 0);
    uint64_t rng = SEED;
    pta_cost cost;
    for (int32_t first = 0; first < n; first += MAX_BATCH) {
        int32_t batch = n - first < MAX_BATCH ? n - first : MAX_BATCH;
        for (int32_t s = 0; s < batch; s++) {
            random_sample(slice, first + s, &rng, x + in * (size_t)s);
        }
        PTA_TRY(ops->submit(device, ctx, 0, batch));
        PTA_TRY(ops->collect(device, ctx, 0, &cost));
        for (int32_t s = 0; s < batch; s++) {
            to = put_sample(to, slice, x + in * (size_t)s, y + out * (size_t)s);
        }
    }
    return PTA_OK;
}

static pta_status make_samples(pta_ctx *ctx, const pta_slice *slice, int32_t n,
                               char *bytes)
{
    pta_device_params params = {.max_samples = MAX_BATCH, .n_slots = 1};
    pta_device *device = NULL;
    size_t in = pta_bus_in_bytes(slice), out = pta_bus_out_bytes(slice);
    memcpy(bytes, "PTAS", 4);
    char *to = put(bytes + 4, 1, 4);
    to = put(to, (uint64_t)n, 4);
    to = put(to, in, 4);
    to = put(to, out, 4);
    PTA_TRY(pta_device_fixed.open(ctx, slice, &params, &device));
    pta_status status = run_all(ctx, slice, device, n, to);
    pta_device_fixed.close(ctx, &device);
    return status;
}

pta_status pta_vitis_samples(pta_ctx *ctx, const pta_slice *slice, int32_t n,
                             const char *folder)
{
    char path[PTA_PATH_BYTES], *bytes;
    size_t sample = pta_bus_in_bytes(slice) + pta_bus_out_bytes(slice);
    size_t size = 20 + (size_t)n * sample;
    PTA_TRY(pta_path(ctx, path, "%s/samples.bin", folder));
    PTA_TRY_ALLOC(ctx, bytes, size);
    pta_status status = make_samples(ctx, slice, n, bytes);
    if (status == PTA_OK) {
        status = pta_bytes_write(ctx, path, true, bytes, size);
    }
    pta_free(ctx, bytes);
    return status;
}
