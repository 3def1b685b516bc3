/*
 * A device in hardware: pta_device_ops over the driver and a bus. The devices
 * `rtl` and `board` differ only in what they open this with.
 *
 * One batch runs in the core at a time; others wait in line and are started as
 * soon as a submit or collect finds the core free. Each batch's fault is told
 * at its collect; the core has then been reset and proved with a sample whose
 * answer the `fixed` device gave, and the batches behind it go on.
 */
#ifndef PTA_HLS_DEVICE_HW_H
#define PTA_HLS_DEVICE_HW_H

#include "hls/driver/core.h"
#include "runtime/device.h"

/** How samples lie on the bus, if not in the bus format (format.h). */
typedef struct pta_codec pta_codec;
struct pta_codec {
    /** n samples from the host's layout to the bus's, and back. Unpacking is
     * PTA_ERR_DEVICE if the bus holds what no tensor of the slice can. */
    void (*pack)(const pta_codec *codec, const pta_slice *slice, int32_t n,
                 const void *host, void *bus);
    pta_status (*unpack)(const pta_codec *codec, pta_ctx *ctx,
                         const pta_slice *slice, int32_t n, const void *bus,
                         void *host);
};

/** Borrowed by the device until close, with all it points to. */
typedef struct pta_hw_config pta_hw_config;
struct pta_hw_config {
    const pta_core_info *info;
    const pta_bus_ops *bus;
    const void *bus_params;
    const pta_codec *codec; /* NULL: the bus format */
    /** Called last at close, and when open fails; NULL: the caller's. */
    void (*release)(pta_ctx *ctx, const pta_hw_config *config);
};

/**
 * Opens bus and core, loads ram weights, proves the core. `ops` becomes the
 * device's; its other members are the functions below. PTA_ERR_MISMATCH if the
 * manifest's sample sizes are not the slice's; PTA_ERR_UNSUPPORTED if a batch
 * exceeds the DMA's 64 MiB.
 */
pta_status PTA_MUST_CHECK pta_hw_open(pta_ctx *ctx, const pta_slice *slice,
                                      const pta_device_params *params,
                                      const pta_device_ops *ops,
                                      const pta_hw_config *config,
                                      pta_device **out);
void *pta_hw_in_buffer(pta_device *device, int32_t slot);
void *pta_hw_out_buffer(pta_device *device, int32_t slot);
pta_status pta_hw_submit(pta_device *device, pta_ctx *ctx, int32_t slot,
                         int32_t n_samples);
pta_status pta_hw_collect(pta_device *device, pta_ctx *ctx, int32_t slot,
                          pta_cost *cost);
pta_status pta_hw_reset(pta_device *device, pta_ctx *ctx);
void pta_hw_close(pta_ctx *ctx, pta_device **device);

/** These functions, as members of a device's operations. */
#define PTA_HW_OPS                                                             \
    .in_buffer = pta_hw_in_buffer, .out_buffer = pta_hw_out_buffer,            \
    .submit = pta_hw_submit, .collect = pta_hw_collect, .reset = pta_hw_reset, \
    .close = pta_hw_close

/** The core behind the device, to check its weights on request. */
pta_core *pta_hw_core(pta_device *device);

/** Bytes of shared memory a device takes, to size u-dma-buf. */
size_t pta_hw_memory_bytes(const pta_core_info *info,
                           const pta_device_params *params);

#endif
