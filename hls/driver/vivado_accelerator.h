/*
 * A core made by hls4ml's VivadoAccelerator backend (interface axi_stream):
 * one value a beat, ap_ctrl_none, no register page, TLAST with the last value
 * of a transfer when the input's last value had it. One input, one output.
 *
 * The bus carries float, double, or an ap_fixed whose width hls4ml rounds up to
 * whole bytes while its integer bits stay: fixed<6,3> travels as fixed<8,3>,
 * raw integers shifted left by two. Values follow each other without padding,
 * samples too.
 *
 * Without registers only answers can be checked: the device proves itself with
 * a sample whose answer the `fixed` device knows, at open and after a fault.
 */
#ifndef PTA_HLS_VIVADO_ACCELERATOR_H
#define PTA_HLS_VIVADO_ACCELERATOR_H

#include "hls/driver/device_hw.h"

typedef enum pta_vivado_kind {
    PTA_VIVADO_FLOAT,
    PTA_VIVADO_DOUBLE,
    PTA_VIVADO_FIXED
} pta_vivado_kind;

/** One side: what the bus carries, and the tensor it stands for. */
typedef struct pta_vivado_side {
    pta_vivado_kind kind;
    pta_format bus;    /* FIXED: of whole bytes */
    pta_format tensor; /* of the slice's raw integers */
    size_t bytes;      /* of a value on the bus */
    pta_dtype dtype;   /* of the slice's tensor */
    int64_t count;     /* values of a sample */
} pta_vivado_side;

typedef struct pta_vivado_accelerator {
    pta_codec codec; /* first: the codec's functions find the rest */
    pta_vivado_side in, out;
    pta_core_info info; /* for pta_hw_config */
} pta_vivado_accelerator;

/**
 * `types` is "BUS" for both sides or "INPUT/OUTPUT", each float, double,
 * fixed<W,I> or ufixed<W,I>; NULL: float, hls4ml's default. PTA_ERR_USAGE for
 * another text; PTA_ERR_UNSUPPORTED if the slice has several inputs or outputs,
 * or a bus cannot carry every raw integer of its tensor exactly.
 */
pta_status PTA_MUST_CHECK
pta_vivado_accelerator_make(pta_ctx *ctx, const pta_slice *slice,
                            const char *types, pta_vivado_accelerator *out);

#endif
