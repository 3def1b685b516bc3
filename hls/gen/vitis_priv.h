/*
 * What the files of the Vitis output share: vitis.c (top level, streams),
 * vitis_layer.c (steps), vitis_merge.c (steps with several inputs),
 * vitis_samples.c.
 */
#ifndef PTA_HLS_VITIS_PRIV_H
#define PTA_HLS_VITIS_PRIV_H

#include "hls/gen/script.h"
#include "hls/gen/vitis.h"

#define PTA_VITIS_NAME 48

typedef struct pta_vitis {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_vitis_params *params;
    pta_script layers;  /* structs and functions of steps */
    pta_script weights; /* weights.h */
    pta_script calls;   /* the dataflow region */
    int32_t *uses;      /* owned; [n_values] readers of a value's stream */
    int32_t *taken;     /* owned; [n_values] of these, named so far */
} pta_vitis;

/** "s2_fc1", unique within the slice. */
void pta_vitis_name(const pta_vitis *v, int32_t step,
                    char name[PTA_VITIS_NAME]);

/** "int8_t" ... "int64_t". */
const char *pta_vitis_type(pta_dtype dtype);

/** The type in which a number below 2^bits is shifted right by `shift` and
 * rounded exactly. */
const char *pta_vitis_wide(int32_t bits, int32_t shift);

/** "pta::format<8, 3, true, pta::RND, pta::SAT>" into the script. */
void pta_vitis_add_format(pta_script *script, pta_format format);

/** Bits of a magnitude: below 2^bits. */
int32_t pta_vitis_bits(uint64_t magnitude);

/** Value that holds a value's elements: itself, or what it is an alias of. */
int32_t pta_vitis_root(const pta_slice *slice, int32_t value);

/** Name of the stream that the next reader of a value takes. */
void pta_vitis_take(pta_vitis *v, int32_t value, char name[PTA_VITIS_NAME]);

/** Struct, arrays and call of one step with one input. */
void pta_vitis_layer(pta_vitis *v, int32_t step);

/** Function and call of ADD .. CONCAT. */
void pta_vitis_merge(pta_vitis *v, int32_t step);

/** samples.bin; opens the `fixed` device, which checks the slice. */
pta_status PTA_MUST_CHECK pta_vitis_samples(pta_ctx *ctx,
                                            const pta_slice *slice, int32_t n,
                                            const char *folder);

#endif
