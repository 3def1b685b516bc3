/* The definition of rounding, overflow and the epilogue (see number.h). */
#include "kernels/number.h"

int64_t pta_raw_max(pta_format f)
{
    return (INT64_C(1) << (f.width - (f.is_signed ? 1 : 0))) - 1;
}

int64_t pta_raw_min(pta_format f)
{
    if (!f.is_signed) {
        return 0;
    }
    return f.overflow == PTA_OVF_SAT_SYM ? -pta_raw_max(f)
                                         : -pta_raw_max(f) - 1;
}

/*
 * Whether to go up from the floor. `half` compares the dropped part with one
 * half (-1, 0, 1); `exact` says that nothing was dropped.
 */
static bool rounds_up(uint8_t rounding, bool negative, int half, bool exact,
                      bool odd)
{
    if (exact) {
        return false;
    }
    switch ((pta_rounding)rounding) {
    case PTA_RND_TRN:
        return false;
    case PTA_RND_TRN_ZERO:
        return negative;
    case PTA_RND_RND:
        return half >= 0;
    case PTA_RND_RND_ZERO:
        return half > 0 || (half == 0 && negative);
    case PTA_RND_RND_INF:
        return half > 0 || (half == 0 && !negative);
    case PTA_RND_RND_MIN_INF:
        return half > 0;
    case PTA_RND_RND_CONV:
    default:
        return half > 0 || (half == 0 && odd);
    }
}

/* Low W bits as a number of the format. */
static int64_t wrap(pta_uwide value, pta_format f)
{
    uint64_t low = (uint64_t)value & (UINT64_MAX >> (64 - f.width));
    uint64_t sign = UINT64_C(1) << (f.width - 1);
    if (f.is_signed && (low & sign) != 0) {
        return (int64_t)low - (int64_t)(sign << 1);
    }
    return (int64_t)low;
}

static int64_t overflow(pta_wide value, pta_format f)
{
    if (f.overflow == PTA_OVF_WRAP) {
        return wrap((pta_uwide)value, f);
    }
    int64_t min = pta_raw_min(f), max = pta_raw_max(f);
    if (value >= min && value <= max) {
        return (int64_t)value;
    }
    if (f.overflow == PTA_OVF_SAT_ZERO) {
        return 0;
    }
    return value < min ? min : max;
}

static int64_t convert_left(pta_wide value, int32_t shift, pta_format out)
{
    pta_wide limit = (pta_wide)1 << 90;
    if (shift <= 34 && value < limit && value > -limit) {
        return overflow(value * ((pta_wide)1 << shift), out);
    }
    if (out.overflow == PTA_OVF_WRAP) { /* W <= 32: these bits are gone */
        return shift >= 64 ? 0 : wrap((pta_uwide)value << shift, out);
    }
    /* Not 0, so at least 2^35: out of range whatever the format. */
    return value == 0 ? 0 : overflow(value < 0 ? -limit : limit, out);
}

/* floor + rest / den, rounded; 0 <= rest < den. */
static int64_t round_rest(pta_wide floor, pta_wide rest, pta_wide den,
                          bool negative, pta_format out)
{
    /* compares rest with den / 2 without doubling it */
    pta_wide above = rest - (den - rest);
    int half = (above > 0) - (above < 0);
    bool up = rounds_up(out.rounding, negative, half, rest == 0,
                        ((pta_uwide)floor & 1) != 0);
    return overflow(floor + (up ? 1 : 0), out);
}

int64_t pta_convert_ref(pta_wide value, int32_t shift, pta_format out)
{
    if (shift <= 0) {
        return convert_left(value, -shift, out);
    }
    if (shift > 126) { /* below a quarter LSB: only the sign matters */
        value = (value > 0) - (value < 0);
        shift = 2;
    }
    pta_wide den = (pta_wide)1 << shift;
    return round_rest(value >> shift, value & (den - 1), den, value < 0, out);
}

int64_t pta_convert_quotient_ref(pta_wide num, pta_wide den, pta_format out)
{
    pta_wide floor = num / den, rest = num % den;
    if (rest < 0) {
        floor--;
        rest += den;
    }
    return round_rest(floor, rest, den, num < 0, out);
}

int64_t pta_convert_scaled_ref(pta_wide num, int32_t count, int32_t shift,
                               pta_format out)
{
    if (count == 1) {
        return pta_convert_ref(num, shift, out);
    }
    /* Round to odd: no comparison with an even number changes. */
    for (; shift > 90; shift--) {
        num = (num >> 1) | (num & 1);
    }
    if (shift < 0) { /* what these limits change is out of range anyway */
        pta_wide limit = (pta_wide)1 << 62;
        num = num > limit ? limit : num < -limit ? -limit : num;
        num *= (pta_wide)1 << (shift < -64 ? 64 : -shift);
        shift = 0;
    }
    return pta_convert_quotient_ref(num, (pta_wide)count << shift, out);
}

pta_epilogue pta_epilogue_make(int32_t acc_frac, pta_activation act,
                               int64_t act_max, pta_format out)
{
    pta_epilogue e = {.partial = false,
                      .act = act,
                      .act_max = act_max,
                      .shift = acc_frac - pta_frac(out),
                      .out = out,
                      .min = pta_raw_min(out),
                      .max = pta_raw_max(out)};
    e.plain = out.rounding == PTA_RND_RND && out.overflow == PTA_OVF_SAT &&
              e.shift >= 0;
    return e;
}

pta_epilogue pta_epilogue_partial(void)
{
    pta_epilogue e = {.partial = true, .act = PTA_ACT_NONE};
    return e;
}

int64_t pta_epilogue_ref(int64_t acc, int64_t bias, const pta_epilogue *e)
{
    int64_t sum = acc + bias;
    if (e->partial) {
        return sum;
    }
    if (e->act != PTA_ACT_NONE && sum < 0) {
        sum = 0;
    }
    if (e->act == PTA_ACT_RELU_MAX && sum > e->act_max) {
        sum = e->act_max;
    }
    return pta_convert_ref(sum, e->shift, e->out);
}
