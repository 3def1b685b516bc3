/* In and out buffers of host devices: one block, all slots' inputs first. */
#include "runtime/device.h"

#define ALIGN 64

/* Header room, then the samples; the next slot starts aligned. */
static size_t slot_bytes(size_t sample_bytes, int32_t n_samples)
{
    size_t bytes = sample_bytes * (size_t)n_samples;
    return PTA_HEADER_ROOM + (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

pta_status pta_buffers_open(pta_ctx *ctx, const pta_slice *slice,
                            const pta_device_params *params,
                            pta_buffers *buffers)
{
    size_t in = slot_bytes(pta_slice_in_bytes(slice), params->max_samples);
    size_t out = slot_bytes(pta_slice_out_bytes(slice), params->max_samples);
    void *block = pta_calloc(ctx, (size_t)params->n_slots, in + out);
    if (block == NULL) {
        return PTA_ERR_NOMEM;
    }
    *buffers = (pta_buffers){.block = block,
                             .in_slot_bytes = in,
                             .out_slot_bytes = out,
                             .out_offset = in * (size_t)params->n_slots};
    return PTA_OK;
}

void *pta_buffers_in(const pta_buffers *buffers, int32_t slot)
{
    return (char *)buffers->block + buffers->in_slot_bytes * (size_t)slot +
           PTA_HEADER_ROOM;
}

void *pta_buffers_out(const pta_buffers *buffers, int32_t slot)
{
    return (char *)buffers->block + buffers->out_offset +
           buffers->out_slot_bytes * (size_t)slot + PTA_HEADER_ROOM;
}

void pta_buffers_close(pta_ctx *ctx, pta_buffers *buffers)
{
    pta_free(ctx, buffers->block);
    *buffers = (pta_buffers){.block = NULL};
}
