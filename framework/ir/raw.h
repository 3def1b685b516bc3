/*
 * Raw integers at any number of fraction bits, up to 63 bits wide: biases and
 * activation bounds at the accumulator's scale.
 */
#ifndef PTA_IR_RAW_H
#define PTA_IR_RAW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * AP_RND of value * 2^frac, exact: a double's floor, and its distance to it,
 * are doubles. False, and nothing stored, when the result has no int64 or
 * `value` is no number.
 */
static inline bool pta_raw_round(double value, int frac, int64_t *raw)
{
    double scaled = ldexp(value, frac);
    double low = floor(scaled);
    double whole = scaled - low >= 0.5 ? low + 1.0 : low;
    if (!(whole >= -0x1p63 && whole < 0x1p63)) {
        return false;
    }
    *raw = (int64_t)whole;
    return true;
}

#endif
