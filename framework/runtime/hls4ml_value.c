/* Numbers of the hls4ml reference; see the header. */
#include "runtime/hls4ml_value_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static pta_whole power(int exponent)
{
    return (pta_whole)1 << exponent;
}

pta_exact pta_exact_of(int64_t raw, pta_format format)
{
    return (pta_exact){raw, format.width - format.integer};
}

static pta_exact at(pta_exact a, int f)
{
    return (pta_exact){a.n * power(f - a.f), f};
}

pta_exact pta_exact_add(pta_exact a, pta_exact b)
{
    int f = a.f > b.f ? a.f : b.f;
    return (pta_exact){at(a, f).n + at(b, f).n, f};
}

pta_exact pta_exact_negate(pta_exact a)
{
    return (pta_exact){-a.n, a.f};
}

pta_exact pta_exact_multiply(pta_exact a, pta_exact b)
{
    return (pta_exact){a.n * b.n, a.f + b.f};
}

int pta_exact_compare(pta_exact a, pta_exact b)
{
    pta_whole difference = pta_exact_add(a, pta_exact_negate(b)).n;
    return (difference > 0) - (difference < 0);
}

static pta_whole floor_of(pta_whole a, pta_whole b)
{
    pta_whole q = a / b;
    return q * b > a ? q - 1 : q;
}

/* Nearest to n / d, ties up or down. */
static pta_whole nearest_up(pta_whole n, pta_whole d)
{
    return floor_of(2 * n + d, 2 * d);
}

static pta_whole nearest_down(pta_whole n, pta_whole d)
{
    return -nearest_up(-n, d);
}

static pta_whole rounded(pta_whole n, pta_whole d, pta_rounding rounding)
{
    pta_whole up = nearest_up(n, d), down = nearest_down(n, d);
    switch (rounding) {
    case PTA_RND_TRN:
        return floor_of(n, d);
    case PTA_RND_TRN_ZERO:
        return n / d;
    case PTA_RND_RND:
        return up;
    case PTA_RND_RND_MIN_INF:
        return down;
    case PTA_RND_RND_ZERO:
        return n > 0 ? down : up;
    case PTA_RND_RND_INF:
        return n > 0 ? up : down;
    case PTA_RND_RND_CONV:
    default:
        return up % 2 == 0 ? up : down;
    }
}

static int64_t limited(pta_whole q, pta_format to)
{
    pta_whole size = power(to.width);
    pta_whole high = to.is_signed ? size / 2 - 1 : size - 1;
    pta_whole low = to.is_signed ? -size / 2 : 0;
    if (to.overflow == PTA_OVF_WRAP) {
        return (int64_t)(q - floor_of(q - low, size) * size);
    }
    if (q >= low && q <= high) {
        bool excluded = to.is_signed && to.overflow == PTA_OVF_SAT_SYM;
        return (int64_t)(excluded && q == low ? -high : q);
    }
    if (to.overflow == PTA_OVF_SAT_ZERO) {
        return 0;
    }
    low = to.is_signed && to.overflow == PTA_OVF_SAT_SYM ? -high : low;
    return (int64_t)(q < low ? low : high);
}

int64_t pta_exact_assign(pta_exact value, pta_format to)
{
    int finer = value.f - (to.width - to.integer);
    if (finer > 0) {
        return limited(
            rounded(value.n, power(finer), (pta_rounding)to.rounding), to);
    }
    pta_whole bound = power(64);
    if (to.overflow == PTA_OVF_WRAP) { /* higher bits fall away in any case */
        return finer < -62 ? 0 : limited(value.n % bound * power(-finer), to);
    }
    pta_whole n = value.n > bound ? bound : value.n < -bound ? -bound : value.n;
    return limited(n * power(finer < -62 ? 62 : -finer), to);
}

int64_t pta_exact_assign_double(double value, pta_format to)
{
    if (!isfinite(value)) {
        bool clamps =
            to.overflow == PTA_OVF_SAT || to.overflow == PTA_OVF_SAT_SYM;
        pta_exact huge = {value > 0 ? power(100) : -power(100), 0};
        return isnan(value) || !clamps ? 0 : pta_exact_assign(huge, to);
    }
    int f = 0;
    while (f < 96 && value != floor(value)) {
        value *= 2;
        f++;
    }
    /* What is left below 2^-96 only says that there is something. */
    pta_whole n = 2 * (pta_whole)floor(value) + (value != floor(value));
    return pta_exact_assign((pta_exact){n, f + 1}, to);
}

int64_t pta_exact_assign_weight(double value, pta_format to)
{
    char text[512];
    int decimals = to.width - to.integer;
    snprintf(text, sizeof text, "%.*f", decimals < 0 ? 0 : decimals, value);
    return pta_exact_assign_double(strtod(text, NULL), to);
}
