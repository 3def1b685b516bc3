/* A core of hls4ml's VivadoAccelerator backend: see vivado_accelerator.h. */
#include "hls/driver/vivado_accelerator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/number.h"

#define CLOCK_HZ   100000000u /* FCLK0 of hls4ml's block design */
#define TYPE_TEXT  64
#define WIDTH_MOST 64

/* ---- types ---- */

static pta_status bad_type(pta_ctx *ctx, const char *text)
{
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "hls4ml=%s: expected float, double, fixed<W,I> or "
                    "ufixed<W,I>, for input and output or as INPUT/OUTPUT",
                    text);
}

static pta_status parse_fixed(pta_ctx *ctx, const char *text,
                              pta_vivado_side *side)
{
    pta_format f;
    if (pta_format_parse_to(ctx, text, WIDTH_MOST, &f) != PTA_OK) {
        return bad_type(ctx, text);
    }
    f.width = (int16_t)((f.width + 7) / 8 * 8);
    if ((f.width & (f.width - 1)) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "hls4ml=%s: travels in %d bits, and AXI DMA has "
                        "streams of 8, 16, 32 and 64",
                        text, f.width);
    }
    side->kind = PTA_VIVADO_FIXED;
    side->bus = f;
    side->bytes = (size_t)f.width / 8;
    return PTA_OK;
}

static pta_status parse_type(pta_ctx *ctx, const char *text,
                             pta_vivado_side *side)
{
    if (strcmp(text, "float") == 0) {
        side->kind = PTA_VIVADO_FLOAT;
        side->bytes = sizeof(float);
        return PTA_OK;
    }
    if (strcmp(text, "double") == 0) {
        side->kind = PTA_VIVADO_DOUBLE;
        side->bytes = sizeof(double);
        return PTA_OK;
    }
    return parse_fixed(ctx, text, side);
}

static pta_status parse_types(pta_ctx *ctx, const char *types,
                              pta_vivado_accelerator *v)
{
    char in[TYPE_TEXT], out[TYPE_TEXT];
    const char *slash = strchr(types, '/');
    int n = (int)(slash != NULL ? (size_t)(slash - types) : strlen(types));
    if (n >= TYPE_TEXT || (slash != NULL && strlen(slash) > TYPE_TEXT)) {
        return bad_type(ctx, types);
    }
    snprintf(in, sizeof in, "%.*s", n, types);
    snprintf(out, sizeof out, "%s", slash != NULL ? slash + 1 : in);
    PTA_TRY(parse_type(ctx, in, &v->in));
    return parse_type(ctx, out, &v->out);
}

/* ---- what the slice has on that side ---- */

/* The step that makes a partial sum says in which format it wraps. */
static pta_format format_of(const pta_slice *slice, int32_t value)
{
    const pta_value *v = &slice->values[value];
    for (int32_t i = 0; v->partial && i < slice->n_steps; i++) {
        if (slice->steps[i].out == value && slice->steps[i].hls4ml.used) {
            return slice->steps[i].hls4ml.accum;
        }
    }
    return v->format;
}

static int frac_of(pta_format f)
{
    return f.width - f.integer;
}

/* Bits beside the sign. */
static int magnitude(pta_format f)
{
    return f.width - f.is_signed;
}

static bool carries(const pta_vivado_side *side)
{
    pta_format t = side->tensor, b = side->bus;
    switch (side->kind) {
    case PTA_VIVADO_FLOAT:
        return magnitude(t) <= 24 && frac_of(t) <= 120 && t.integer <= 120;
    case PTA_VIVADO_DOUBLE:
        return magnitude(t) <= 53;
    case PTA_VIVADO_FIXED:
        break;
    }
    int shift = frac_of(b) - frac_of(t);
    return (b.is_signed || !t.is_signed) && shift >= 0 &&
           shift + magnitude(t) <= magnitude(b) && shift + magnitude(t) < 63;
}

static pta_status meet(pta_ctx *ctx, const pta_slice *slice, int32_t value,
                       const char *what, pta_vivado_side *side)
{
    static const char *const names[] = {"float", "double"};
    char tensor[PTA_FORMAT_TEXT], bus[PTA_FORMAT_TEXT];
    const pta_value *v = &slice->values[value];
    side->tensor = format_of(slice, value);
    side->dtype = v->dtype;
    side->count = pta_region_count(&v->region);
    if (carries(side)) {
        return PTA_OK;
    }
    pta_format_print(side->tensor, tensor);
    if (side->kind == PTA_VIVADO_FIXED) {
        pta_format_print(side->bus, bus);
    } else {
        snprintf(bus, sizeof bus, "%s", names[side->kind]);
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "the slice's %s is %s, which a bus of %s does not carry "
                    "exactly",
                    what, tensor, bus);
}

/* ---- values ---- */

static void put_value(const pta_vivado_side *side, int64_t raw, char *to)
{
    double value = ldexp((double)raw, -frac_of(side->tensor));
    float single = (float)value;
    int64_t wide;
    switch (side->kind) {
    case PTA_VIVADO_FLOAT:
        memcpy(to, &single, sizeof single);
        break;
    case PTA_VIVADO_DOUBLE:
        memcpy(to, &value, sizeof value);
        break;
    case PTA_VIVADO_FIXED:
        wide =
            raw * ((int64_t)1 << (frac_of(side->bus) - frac_of(side->tensor)));
        memcpy(to, &wide, side->bytes); /* little-endian */
        break;
    }
}

/* A raw integer of the bus, extended by its sign bit. */
static int64_t get_wide(const pta_vivado_side *side, const char *from)
{
    uint64_t bits = 0, sign = (uint64_t)1 << (side->bus.width - 1);
    memcpy(&bits, from, side->bytes);
    bool low = side->bus.is_signed && (bits & sign) != 0;
    return (int64_t)(low ? bits | ~(2 * sign - 1) : bits);
}

/* The value as a raw integer of the tensor; false if it is none. */
static bool get_value(const pta_vivado_side *side, const char *from,
                      int64_t *raw, double *value)
{
    int shift = frac_of(side->bus) - frac_of(side->tensor);
    float single;
    if (side->kind == PTA_VIVADO_FIXED) {
        int64_t wide = get_wide(side, from), unit = (int64_t)1 << shift;
        *raw = wide / unit;
        *value = ldexp((double)wide, -frac_of(side->bus));
        return wide % unit == 0 && *raw >= pta_format_min(side->tensor) &&
               *raw <= pta_format_max(side->tensor);
    }
    if (side->kind == PTA_VIVADO_FLOAT) {
        memcpy(&single, from, sizeof single);
        *value = (double)single;
    } else {
        memcpy(value, from, sizeof *value);
    }
    double scaled = ldexp(*value, frac_of(side->tensor));
    if (!(scaled >= (double)pta_format_min(side->tensor) &&
          scaled <= (double)pta_format_max(side->tensor)) ||
        scaled != floor(scaled)) {
        return false;
    }
    *raw = (int64_t)scaled;
    return true;
}

static void pack(const pta_codec *codec, const pta_slice *slice, int32_t n,
                 const void *host, void *bus)
{
    const pta_vivado_side *side = &((const pta_vivado_accelerator *)codec)->in;
    const char *from = host;
    char *to = bus;
    for (int32_t s = 0; s < n; s++) {
        for (int64_t e = 0; e < side->count; e++) {
            put_value(side, pta_load(from, side->dtype, e), to);
            to += side->bytes;
        }
        from += pta_slice_in_bytes(slice);
    }
}

static pta_status unpack(const pta_codec *codec, pta_ctx *ctx,
                         const pta_slice *slice, int32_t n, const void *bus,
                         void *host)
{
    const pta_vivado_side *side = &((const pta_vivado_accelerator *)codec)->out;
    const char *from = bus;
    char *to = host, text[PTA_FORMAT_TEXT];
    for (int32_t s = 0; s < n; s++) {
        for (int64_t e = 0; e < side->count; e++) {
            int64_t raw = 0;
            double value;
            if (!get_value(side, from, &raw, &value)) {
                pta_format_print(side->tensor, text);
                return pta_fail(ctx, PTA_ERR_DEVICE,
                                "sample %d, value %lld: the core gave %.9g, "
                                "which is no %s",
                                (int)s, (long long)e, value, text);
            }
            pta_store(to, side->dtype, e, raw);
            from += side->bytes;
        }
        to += pta_slice_out_bytes(slice);
    }
    return PTA_OK;
}

pta_status pta_vivado_accelerator_make(pta_ctx *ctx, const pta_slice *slice,
                                       const char *types,
                                       pta_vivado_accelerator *out)
{
    pta_vivado_accelerator v = {.codec = {pack, unpack}};
    if (slice->n_inputs != 1 || slice->n_outputs != 1) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "the slice has %d inputs and %d outputs; a "
                        "VivadoAccelerator design has one of each",
                        (int)slice->n_inputs, (int)slice->n_outputs);
    }
    PTA_TRY(parse_types(ctx, types != NULL ? types : "float", &v));
    PTA_TRY(meet(ctx, slice, slice->inputs[0], "input", &v.in));
    PTA_TRY(meet(ctx, slice, slice->outputs[0], "output", &v.out));
    v.info = (pta_core_info){.clock_hz = CLOCK_HZ,
                             .in_bytes = v.in.bytes * (size_t)v.in.count,
                             .out_bytes = v.out.bytes * (size_t)v.out.count,
                             .no_registers = true};
    *out = v;
    return PTA_OK;
}
