/*
 * A core as hls4ml's VivadoAccelerator backend wraps it, in C: takes one value a
 * beat, computes a sample with the `fixed` device once it has it all, gives one
 * value a beat. TLAST comes with a sample's last value if one of its inputs had
 * it. No registers: it never answers one.
 */
#ifndef PTA_TESTS_FAKE_VIVADO_H
#define PTA_TESTS_FAKE_VIVADO_H

#include "base/ctx.h"
#include "hls/sim/pins.h"
#include "plan/slice.h"

/** What a beat holds: 'f' float, 'd' double, 'i' raw integers times 2^shift. */
typedef struct fake_wire {
    char kind;
    uint32_t bytes;
    int shift;
    int frac; /* of the slice's tensor */
} fake_wire;

typedef struct fake_vivado_params {
    pta_ctx *ctx;
    const pta_slice *slice;
    fake_wire in, out;
    /* what is wrong with it, from sample `after` on: */
    uint32_t after;
    bool silent;     /* takes input, gives nothing */
    bool no_last;    /* TLAST never */
    bool early_last; /* one value too early, and then a value is missing */
    bool half;       /* the first value lies between two raw integers */
    bool wrong;      /* one LSB too much */
    uint32_t held;   /* values it holds already: somebody was stopped */
} fake_vivado_params;

extern const pta_sim_core_ops fake_vivado; /* params borrowed */

#endif
