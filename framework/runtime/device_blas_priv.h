/*
 * What device_blas.c and device_float.c share: one device struct, a slice as a
 * BLAS program, in float or exact as the slice says.
 */
#ifndef PTA_RUNTIME_DEVICE_BLAS_PRIV_H
#define PTA_RUNTIME_DEVICE_BLAS_PRIV_H

#include "runtime/device.h"

/** `ops` is the device's own; its name stands in messages. */
pta_status PTA_MUST_CHECK pta_blas_open(pta_ctx *ctx, const pta_device_ops *ops,
                                        const pta_slice *slice,
                                        const pta_device_params *params,
                                        pta_device **out);
void *pta_blas_in_buffer(pta_device *device, int32_t slot);
void *pta_blas_out_buffer(pta_device *device, int32_t slot);
pta_status PTA_MUST_CHECK pta_blas_submit(pta_device *device, pta_ctx *ctx,
                                          int32_t slot, int32_t n_samples);
pta_status PTA_MUST_CHECK pta_blas_collect(pta_device *device, pta_ctx *ctx,
                                           int32_t slot, pta_cost *cost);
void pta_blas_close(pta_ctx *ctx, pta_device **device);

#endif
