/*
 * sigmoid, tanh and hard_sigmoid of raw integers, without libm.
 *
 * With t = e^-u, u > 0: sigmoid(-x) = t / (1 + t) for u = x, and tanh(x) =
 * (1 - t) / (1 + t) for u = 2x. t is a product of e^-(2^j) over the bits of u,
 * in fixed point with 124 fraction bits; each factor comes from its Taylor
 * series, or by squaring for j > 0. The relative error stays below 2^-112,
 * and every step rounds down. Away from x = 0, where both values are exact, no
 * value is a tie of the output's rounding (they are transcendental), and with
 * at most 32 input fraction bits the nearest, x - tanh(x) > 2^-99, is far
 * outside the error: the results are correctly rounded.
 */
#include "kernels/act.h"

#define ONE_BITS 124
#define FRAC_MIN (-32)
#define FRAC_MAX 60

static const pta_uwide one = (pta_uwide)1 << ONE_BITS;

/* a * b / 2^124, rounded down to within 3 LSBs; a, b <= 2^124. */
static pta_uwide multiply(pta_uwide a, pta_uwide b)
{
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a;
    uint64_t b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    pta_uwide middle = (pta_uwide)a1 * b0;
    pta_uwide other = (pta_uwide)a0 * b1;
    pta_uwide carry = (uint64_t)middle + (pta_uwide)(uint64_t)other +
                      (((pta_uwide)a0 * b0) >> 64);
    pta_uwide high =
        (pta_uwide)a1 * b1 + (middle >> 64) + (other >> 64) + (carry >> 64);
    return (high << (128 - ONE_BITS)) | ((uint64_t)carry >> (ONE_BITS - 64));
}

/* e^-(2^j). */
static pta_uwide exp_power(int32_t j)
{
    if (j > 6) {
        return 1; /* below 2^-184, and never 0 */
    }
    if (j < -ONE_BITS) {
        return one - 1;
    }
    pta_uwide u = one >> (j > 0 ? 0 : -j), term = one, sum = one;
    for (uint32_t k = 1; term > 0; k++) {
        term = multiply(term, u) / k;
        sum = k % 2 == 1 ? sum - term : sum + term;
    }
    for (; j > 0; j--) {
        sum = multiply(sum, sum);
    }
    return sum;
}

/* e^-(2^(k - frac)) for the bits k of u. */
typedef struct powers {
    pta_uwide at[33];
} powers;

static void make_powers(powers *p, int32_t frac)
{
    for (int32_t k = 0; k < 33; k++) {
        p->at[k] = exp_power(k - frac);
    }
}

/* e^-(u * 2^-frac), in [2^-124, 1). */
static pta_uwide exp_minus(const powers *p, uint64_t u)
{
    pta_uwide t = one;
    for (int32_t k = 0; u >> k != 0; k++) {
        if ((u >> k & 1) != 0) {
            t = multiply(t, p->at[k]);
        }
    }
    return t > 0 ? t : 1;
}

/* floor(num / den * 2^bits) and a last bit for what is below; num < den. */
static int64_t divide_odd(pta_uwide num, pta_uwide den, int32_t bits)
{
    int64_t q = 0;
    for (int32_t i = 0; i < bits; i++) {
        num <<= 1;
        q <<= 1;
        if (num >= den) {
            num -= den;
            q |= 1;
        }
    }
    return q << 1 | 1;
}

/* sigmoid or tanh: a sign, and a magnitude in (0, 1) that is no tie. */
static int64_t smooth_at(pta_curve curve, int64_t x, pta_uwide t, pta_format to)
{
    int32_t bits = pta_frac(to) > 0 ? pta_frac(to) + 1 : 1;
    int64_t value; /* with bits + 1 fraction bits */
    if (curve == PTA_CURVE_TANH) {
        value = divide_odd(one - t, one + t, bits);
        value = x < 0 ? -value : value;
    } else {
        value = divide_odd(t, one + t, bits);
        value = x < 0 ? value : (INT64_C(2) << bits) - value;
    }
    return pta_convert_ref(value, bits + 1 - pta_frac(to), to);
}

static int64_t smooth_zero(pta_curve curve, pta_format to)
{
    return pta_convert_ref(curve == PTA_CURVE_TANH ? 0 : 1, 1 - pta_frac(to),
                           to);
}

/* clip(x / d + 1/2, 0, 1), d = 5 or 6: (2x + d) / 2d with x = raw * 2^-f. */
static int64_t hard_at(int64_t raw, int32_t d, pta_format from, pta_format to)
{
    int32_t f = pta_frac(from);
    pta_wide unit = (pta_wide)1 << (f > 0 ? f : 0);
    pta_wide x = (pta_wide)raw * ((pta_wide)1 << (f < 0 ? -f : 0));
    pta_wide num = 2 * x + d * unit, den = 2 * d * unit;
    num = num < 0 ? 0 : num > den ? den : num;
    int32_t out = pta_frac(to);
    if (out >= 0) {
        return pta_convert_quotient_ref(num * ((pta_wide)1 << out), den, to);
    }
    return pta_convert_quotient_ref(num, den * ((pta_wide)1 << -out), to);
}

static bool is_smooth(pta_curve curve)
{
    return curve == PTA_CURVE_SIGMOID || curve == PTA_CURVE_TANH;
}

bool pta_curve_supported(pta_curve curve, pta_format x, pta_format y)
{
    int32_t in = pta_frac(x), out = pta_frac(y);
    if (in < FRAC_MIN || out < FRAC_MIN || in > FRAC_MAX || out > FRAC_MAX) {
        return false;
    }
    return !is_smooth(curve) || (x.width <= 16 && in <= 32);
}

/* tanh takes u = 2x: one fraction bit less. */
static void curve_powers(powers *p, pta_curve curve, pta_format from)
{
    if (is_smooth(curve)) {
        make_powers(p, pta_frac(from) - (curve == PTA_CURVE_TANH ? 1 : 0));
    }
}

static int64_t curve_at(const powers *p, pta_curve curve, int64_t x,
                        pta_format from, pta_format to)
{
    if (!is_smooth(curve)) {
        return hard_at(x, curve == PTA_CURVE_HARD_SIGMOID_2 ? 5 : 6, from, to);
    }
    if (x == 0) {
        return smooth_zero(curve, to);
    }
    uint64_t u = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    return smooth_at(curve, x, exp_minus(p, u), to);
}

int64_t pta_curve_at(pta_curve curve, int64_t x, pta_format from, pta_format to)
{
    powers p;
    curve_powers(&p, curve, from);
    return curve_at(&p, curve, x, from, to);
}

void pta_curve_fill(pta_curve curve, pta_format from, pta_format to,
                    pta_dtype type, void *table)
{
    powers p;
    curve_powers(&p, curve, from);
    int64_t min = pta_raw_min(from), max = pta_raw_max(from);
    for (int64_t x = min; x <= max; x++) {
        pta_store(table, type, x - min, curve_at(&p, curve, x, from, to));
    }
}
