/*
 * Formats: range, storage, text, and conversion between values and raw
 * integers, as reference values of ap_fixed define them.
 */
#include "ir/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const rounding_names[] = {
    "TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"};
static const char *const overflow_names[] = {"WRAP", "SAT", "SAT_SYM",
                                             "SAT_ZERO"};

#define N_NAMES(names) ((int)(sizeof(names) / sizeof *(names)))

const char *pta_rounding_name(pta_rounding r)
{
    return (int)r < N_NAMES(rounding_names) ? rounding_names[r] : "?";
}

const char *pta_overflow_name(pta_overflow o)
{
    return (int)o < N_NAMES(overflow_names) ? overflow_names[o] : "?";
}

int64_t pta_format_max(pta_format f)
{
    return (INT64_C(1) << (f.is_signed ? f.width - 1 : f.width)) - 1;
}

int64_t pta_format_min(pta_format f)
{
    if (!f.is_signed) {
        return 0;
    }
    return f.overflow == PTA_OVF_SAT_SYM ? -pta_format_max(f)
                                         : -pta_format_max(f) - 1;
}

pta_dtype pta_format_dtype(pta_format f)
{
    int bits = f.is_signed ? f.width : f.width + 1;
    return bits <= 8    ? PTA_S8
           : bits <= 16 ? PTA_S16
           : bits <= 32 ? PTA_S32
                        : PTA_S64;
}

size_t pta_dtype_bytes(pta_dtype type)
{
    static const unsigned char bytes[] = {1, 2, 4, 8, 4};
    return bytes[type];
}

size_t pta_align8(size_t bytes)
{
    return (bytes + 7U) & ~(size_t)7U;
}

pta_format pta_format_tensor(int width, int integer, bool is_signed)
{
    return (pta_format){.width = (int16_t)width,
                        .integer = (int16_t)integer,
                        .is_signed = is_signed,
                        .rounding = PTA_RND_RND,
                        .overflow = PTA_OVF_SAT};
}

pta_format pta_format_weight(int width, int integer)
{
    pta_format f = pta_format_tensor(width, integer, true);
    f.overflow = PTA_OVF_SAT_SYM;
    return f;
}

/* Rounds x (in LSBs, |x| < 2^62) to an integer-valued double. Every step is
 * exact: floor, and the difference to it, of a double are doubles. */
static double round_lsb(double x, pta_rounding rounding)
{
    double low = floor(x);
    double rest = x - low;
    bool up = false;
    switch (rounding) {
    case PTA_RND_TRN:
        break;
    case PTA_RND_TRN_ZERO:
        up = x < 0.0 && rest > 0.0;
        break;
    case PTA_RND_RND:
        up = rest >= 0.5;
        break;
    case PTA_RND_RND_ZERO:
        up = rest > 0.5 || (rest == 0.5 && x < 0.0);
        break;
    case PTA_RND_RND_INF:
        up = rest > 0.5 || (rest == 0.5 && x > 0.0);
        break;
    case PTA_RND_RND_MIN_INF:
        up = rest > 0.5;
        break;
    case PTA_RND_RND_CONV:
        up = rest > 0.5 || (rest == 0.5 && fmod(low, 2.0) != 0.0);
        break;
    }
    return up ? low + 1.0 : low;
}

/* Keeps the low W bits of an integer-valued double. */
static int64_t wrap(pta_format f, double whole)
{
    double modulus = ldexp(1.0, f.width);
    double low = fmod(whole, modulus);
    if (low < 0.0) {
        low += modulus;
    }
    if (f.is_signed && low >= modulus / 2.0) {
        low -= modulus;
    }
    return (int64_t)low;
}

int64_t pta_format_quantise(pta_format f, double value)
{
    int64_t lo = pta_format_min(f), hi = pta_format_max(f);
    if (isnan(value)) {
        return 0;
    }
    double x = ldexp(value, pta_format_frac(f));
    double whole = isinf(x) ? x : round_lsb(x, (pta_rounding)f.rounding);
    if (whole >= (double)lo && whole <= (double)hi) {
        return (int64_t)whole;
    }
    switch ((pta_overflow)f.overflow) {
    case PTA_OVF_WRAP:
        return isinf(whole) ? 0 : wrap(f, whole);
    case PTA_OVF_SAT:
    case PTA_OVF_SAT_SYM:
        return whole < 0.0 ? lo : hi;
    case PTA_OVF_SAT_ZERO:
        break;
    }
    return 0;
}

double pta_format_value(pta_format f, int64_t raw)
{
    return ldexp((double)raw, -pta_format_frac(f));
}

int pta_format_fit_integer(int width, bool is_signed, bool symmetric, double lo,
                           double hi)
{
    if (lo == 0.0 && hi == 0.0) {
        return 1;
    }
    pta_format f = symmetric ? pta_format_weight(width, 0)
                             : pta_format_tensor(width, 0, is_signed);
    double least = (double)pta_format_min(f), most = (double)pta_format_max(f);
    double magnitude = fmax(fabs(lo), fabs(hi));
    int exponent;
    (void)frexp(magnitude, &exponent);
    /* |value| < 2^exponent: I = exponent + 2 always fits; go down from there. */
    int integer = exponent + 2;
    for (int next = integer - 1; next >= integer - 5; next--) {
        double bottom = round_lsb(ldexp(lo, width - next), PTA_RND_RND);
        double top = round_lsb(ldexp(hi, width - next), PTA_RND_RND);
        if ((bottom < least && is_signed) || top > most) {
            return next + 1;
        }
    }
    return integer - 5;
}

/* ---- text ---- */

void pta_format_print(pta_format f, char text[PTA_FORMAT_TEXT])
{
    int n = snprintf(text, PTA_FORMAT_TEXT, "%s<%d,%d",
                     f.is_signed ? "fixed" : "ufixed", f.width, f.integer);
    bool usual = f.rounding == PTA_RND_RND && f.overflow == PTA_OVF_SAT;
    if (usual) {
        snprintf(text + n, PTA_FORMAT_TEXT - (size_t)n, ">");
    } else {
        snprintf(text + n, PTA_FORMAT_TEXT - (size_t)n, ",%s,%s>",
                 pta_rounding_name((pta_rounding)f.rounding),
                 pta_overflow_name((pta_overflow)f.overflow));
    }
}

static int find_name(const char *const *names, int n_names, const char *name)
{
    for (int i = 0; i < n_names; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

pta_status pta_format_parse(pta_ctx *ctx, const char *text, pta_format *out)
{
    return pta_format_parse_to(ctx, text, PTA_WIDTH_MAX, out);
}

pta_status pta_format_parse_to(pta_ctx *ctx, const char *text, int widest,
                               pta_format *out)
{
    char kind[8], rounding[16] = "RND", overflow[16] = "SAT", end = '\0';
    int width, integer, used = 0;
    bool is_short = sscanf(text, "%7[a-z]<%d,%d%c%n", kind, &width, &integer,
                           &end, &used) == 4 &&
                    end == '>';
    bool is_long =
        !is_short && end == ',' &&
        sscanf(text, "%7[a-z]<%d,%d,%15[A-Z_],%15[A-Z_]%c%n", kind, &width,
               &integer, rounding, overflow, &end, &used) == 6 &&
        end == '>';
    if ((!is_short && !is_long) || text[used] != '\0' ||
        (strcmp(kind, "fixed") != 0 && strcmp(kind, "ufixed") != 0)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "\"%s\" is no number format; expected fixed<W,I>, "
                        "ufixed<W,I> or fixed<W,I,ROUNDING,OVERFLOW>",
                        text);
    }
    if (width < PTA_WIDTH_MIN || width > widest || integer < -1000 ||
        integer > 1000) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "\"%s\": width %d is outside %d..%d, or integer bits "
                        "%d outside -1000..1000",
                        text, width, PTA_WIDTH_MIN, widest, integer);
    }
    int r = find_name(rounding_names, N_NAMES(rounding_names), rounding);
    int o = find_name(overflow_names, N_NAMES(overflow_names), overflow);
    if (r < 0 || o < 0) {
        return pta_fail(
            ctx, PTA_ERR_FORMAT,
            "\"%s\": rounding is one of TRN, TRN_ZERO, RND, "
            "RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV; overflow one "
            "of WRAP, SAT, SAT_SYM, SAT_ZERO",
            text);
    }
    pta_format f = pta_format_tensor(width, integer, kind[0] == 'f');
    f.rounding = (uint8_t)r;
    f.overflow = (uint8_t)o;
    *out = f;
    return PTA_OK;
}
