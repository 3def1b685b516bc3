/*
 * Numbers of the exact reference: rounding, overflow, quantisation and the
 * finish of an accumulator, on 128-bit integers. See exact_blas.h.
 *
 * Every rounding is one decision: the floor of the quotient, plus one or not,
 * from how the remainder compares with half the divisor.
 */
#include "kernels/exact_blas.h"

#include <math.h>

int64_t pta_exact_max(pta_format f)
{
    return (INT64_C(1) << (f.is_signed ? f.width - 1 : f.width)) - 1;
}

int64_t pta_exact_min(pta_format f)
{
    int64_t max = pta_exact_max(f);
    if (!f.is_signed) {
        return 0;
    }
    return f.overflow == PTA_OVF_SAT_SYM ? -max : -max - 1;
}

/* Rounds floor + fraction, 0 < fraction < 1; `half` is the sign of
 * fraction - 1/2. */
static inline pta_exact_wide round_up(pta_exact_wide floor, int half,
                                      pta_rounding rounding)
{
    bool tie = false;
    switch (rounding) {
    case PTA_RND_TRN:
        return floor;
    case PTA_RND_TRN_ZERO:
        return floor < 0 ? floor + 1 : floor;
    case PTA_RND_RND:
        tie = true;
        break;
    case PTA_RND_RND_ZERO:
        tie = floor < 0;
        break;
    case PTA_RND_RND_INF:
        tie = floor >= 0;
        break;
    case PTA_RND_RND_MIN_INF:
        tie = false;
        break;
    case PTA_RND_RND_CONV:
        tie = (floor & 1) != 0;
        break;
    }
    return half > 0 || (half == 0 && tie) ? floor + 1 : floor;
}

pta_exact_wide pta_exact_divide(pta_exact_wide num, pta_exact_wide den,
                                pta_rounding rounding)
{
    pta_exact_wide q = num / den, r = num % den;
    if (r == 0) {
        return q;
    }
    if (r < 0) { /* C divides towards zero */
        q -= 1;
        r += den;
    }
    return round_up(q, (r > den - r) - (r < den - r), rounding);
}

/* num / 2^bits, the same decision without a division. */
static inline pta_exact_wide drop_bits(pta_exact_wide num, int bits,
                                       pta_rounding rounding)
{
    if (bits > 100) { /* |num| < 2^98: less than half a unit all the same */
        bits = 100;
    }
    pta_exact_wide one = (pta_exact_wide)1 << bits;
    pta_exact_wide q = num >> bits, r = num & (one - 1);
    if (r == 0) {
        return q;
    }
    return round_up(q, (r > one / 2) - (r < one / 2), rounding);
}

/* Any shift above 45 leaves no bit within 32 and a magnitude above any range,
 * so it has the same result as 45 under every overflow rule. */
static inline pta_exact_wide add_bits(pta_exact_wide num, int bits)
{
    return num * ((pta_exact_wide)1 << (bits > 45 ? 45 : bits));
}

static int64_t wrap(pta_exact_wide v, pta_format f)
{
    uint64_t low = (uint64_t)v & ((UINT64_C(1) << f.width) - 1);
    if (f.is_signed && low >> (f.width - 1) != 0) {
        return (int64_t)low - (INT64_C(1) << f.width);
    }
    return (int64_t)low;
}

static inline int64_t bring_in(pta_exact_wide v, pta_format f)
{
    int64_t min = pta_exact_min(f), max = pta_exact_max(f);
    if (v >= min && v <= max) {
        return (int64_t)v;
    }
    if (f.overflow == PTA_OVF_WRAP) {
        return wrap(v, f);
    }
    if (f.overflow == PTA_OVF_SAT_ZERO) {
        return 0;
    }
    return v < min ? min : max;
}

static inline int64_t convert(pta_exact_wide v, int drop, pta_format out)
{
    v = drop > 0 ? drop_bits(v, drop, (pta_rounding)out.rounding)
                 : add_bits(v, -drop);
    return bring_in(v, out);
}

int64_t pta_exact_convert(pta_exact_wide v, int frac, pta_format out)
{
    return convert(v, frac - (out.width - out.integer), out);
}

int64_t pta_exact_convert_ratio(pta_exact_wide num, pta_exact_wide den,
                                int frac, pta_format out)
{
    int drop = frac - (out.width - out.integer);
    num *= (pta_exact_wide)1 << (drop < 0 ? -drop : 0);
    den *= (pta_exact_wide)1 << (drop > 0 ? drop : 0);
    return bring_in(pta_exact_divide(num, den, (pta_rounding)out.rounding),
                    out);
}

/* value = *mantissa * 2^-frac exactly: a long double has 64 bits. */
static int to_integer(long double value, pta_exact_wide *mantissa)
{
    int exponent = 0;
    *mantissa = (pta_exact_wide)ldexpl(frexpl(value, &exponent), 64);
    return 64 - exponent;
}

int64_t pta_exact_quantise(long double value, pta_format out)
{
    pta_exact_wide mantissa;
    int frac = to_integer(value, &mantissa);
    return pta_exact_convert(mantissa, frac, out);
}

int64_t pta_exact_quantise_at(double value, int frac)
{
    pta_exact_wide v;
    int drop = to_integer((long double)value, &v) - frac;
    v = drop > 0 ? drop_bits(v, drop, PTA_RND_RND) : add_bits(v, -drop);
    if (v > INT64_MAX) {
        return INT64_MAX;
    }
    return v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

void pta_exact_finish_run(double *y, const int64_t *acc, int64_t n,
                          const pta_exact_finish *f)
{
    int drop = f->acc_frac - (f->out.width - f->out.integer);
    for (int64_t i = 0; i < n; i += f->channels) {
        for (int32_t c = 0; c < f->channels; c++) {
            pta_exact_wide v = acc[i + c];
            v += f->bias == NULL ? 0 : f->bias[c];
            if (f->act != PTA_ACT_NONE && v < 0) {
                v = 0;
            }
            if (f->act == PTA_ACT_RELU_MAX && v > f->act_max) {
                v = f->act_max;
            }
            y[i + c] = (double)convert(v, drop, f->out);
        }
    }
}
