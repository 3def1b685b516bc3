/*
 * Device `float`: a float slice with OpenBLAS sgemm, as a CPU would run the
 * Keras model. The walker is device_blas.c's.
 */
#include "runtime/device_blas_priv.h"

static pta_status float_open(pta_ctx *ctx, const pta_slice *slice,
                             const pta_device_params *params, pta_device **out)
{
    return pta_blas_open(ctx, &pta_device_float, slice, params, out);
}

const pta_device_ops pta_device_float = {
    .name = "float",
    .is_float = true,
    .open = float_open,
    .in_buffer = pta_blas_in_buffer,
    .out_buffer = pta_blas_out_buffer,
    .submit = pta_blas_submit,
    .collect = pta_blas_collect,
    .close = pta_blas_close,
};
