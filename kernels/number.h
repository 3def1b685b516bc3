/*
 * Conversion of exact integers to a tensor's format, and the epilogue of a
 * weighted sum: bias, activation, one conversion.
 *
 * Everything a kernel rounds or saturates passes through the functions here,
 * and so does the join of partial sums (runtime/slice_load.c). The rules are
 * those of ap_fixed; number.c is their definition.
 */
#ifndef PTA_KERNELS_NUMBER_H
#define PTA_KERNELS_NUMBER_H

#include <stddef.h>

#include "partita/number.h"

/** Exact intermediate results; magnitudes stay below 2^124. */
__extension__ typedef __int128 pta_wide;
__extension__ typedef unsigned __int128 pta_uwide;

/** Least and greatest raw integer of a format (SAT_SYM: -max). */
int64_t pta_raw_min(pta_format f);
int64_t pta_raw_max(pta_format f);

/** Fraction bits F = W - I. */
static inline int32_t pta_frac(pta_format f)
{
    return (int32_t)f.width - f.integer;
}

/**
 * Raw integer in format `out` of value * 2^-shift LSBs of `out`: the exact
 * value, rounded, then brought into range. Any shift: a right shift of any
 * size rounds correctly, a left one (negative) saturates or wraps correctly.
 * For a value with f fraction bits, shift is f - pta_frac(out).
 */
int64_t pta_convert_ref(pta_wide value, int32_t shift, pta_format out);

/** Same for the exact quotient num / den, den in 1..2^122, in LSBs of `out`. */
int64_t pta_convert_quotient_ref(pta_wide num, pta_wide den, pta_format out);

/**
 * Same for num / count * 2^-shift, count > 0, any shift, |num| below 2^120.
 * Exact for all but WRAP with count > 1 and a shift to the left (below 0) of
 * |num| above 2^62 or by more than 64.
 */
int64_t pta_convert_scaled_ref(pta_wide num, int32_t count, int32_t shift,
                               pta_format out);

/** What happens to a weighted sum. Made by pta_epilogue_make. */
typedef struct pta_epilogue {
    bool partial; /* the result is the accumulator itself */
    pta_activation act;
    int64_t act_max; /* RELU_MAX, at accumulator scale */
    int32_t shift;   /* accumulator's fraction bits - out's */
    pta_format out;
    int64_t min, max; /* of out */
    bool plain;       /* AP_RND, AP_SAT and shift >= 0: the fast case */
} pta_epilogue;

pta_epilogue pta_epilogue_make(int32_t acc_frac, pta_activation act,
                               int64_t act_max, pta_format out);

/** The epilogue of a partial sum: stores the accumulator. */
pta_epilogue pta_epilogue_partial(void);

/** convert(act(acc + bias)), or acc + bias itself if partial. |acc + bias| is
 * below 2^63 (the plan proves it). */
int64_t pta_epilogue_ref(int64_t acc, int64_t bias, const pta_epilogue *e);

/** Element i of an integer array of any storage type but F32. */
static inline int64_t pta_load(const void *data, pta_dtype type, int64_t i)
{
    switch (type) {
    case PTA_S8:
        return ((const int8_t *)data)[i];
    case PTA_S16:
        return ((const int16_t *)data)[i];
    case PTA_S32:
        return ((const int32_t *)data)[i];
    case PTA_S64:
        return ((const int64_t *)data)[i];
    case PTA_F32:
    default:
        return 0;
    }
}

/** Stores a value that fits the type. */
static inline void pta_store(void *data, pta_dtype type, int64_t i,
                             int64_t value)
{
    switch (type) {
    case PTA_S8:
        ((int8_t *)data)[i] = (int8_t)value;
        break;
    case PTA_S16:
        ((int16_t *)data)[i] = (int16_t)value;
        break;
    case PTA_S32:
        ((int32_t *)data)[i] = (int32_t)value;
        break;
    case PTA_S64:
        ((int64_t *)data)[i] = value;
        break;
    case PTA_F32:
    default:
        break;
    }
}

/** Bytes of one element. */
static inline size_t pta_type_bytes(pta_dtype type)
{
    switch (type) {
    case PTA_S8:
        return 1;
    case PTA_S16:
        return 2;
    case PTA_S64:
        return 8;
    case PTA_S32:
    case PTA_F32:
    default:
        return 4;
    }
}

#endif
