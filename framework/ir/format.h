/*
 * Formats: range, storage, text, and conversion between values and raw
 * integers. The types are in partita/number.h.
 */
#ifndef PTA_IR_FORMAT_H
#define PTA_IR_FORMAT_H

#include "base/ctx.h"
#include "partita/number.h"

#define PTA_WIDTH_MIN 2
#define PTA_WIDTH_MAX 32

/** Widest input of sigmoid and tanh in the exact profile: tables over all. */
#define PTA_TABLE_WIDTH_MAX 16

/** Fraction bits F = W - I; may be negative. */
static inline int pta_format_frac(pta_format f)
{
    return f.width - f.integer;
}

/** Least and greatest raw integer (SAT_SYM excludes -2^(W-1)). */
int64_t pta_format_min(pta_format f);
int64_t pta_format_max(pta_format f);

/** Storage type: see partita/number.h. */
pta_dtype pta_format_dtype(pta_format f);

/** Bytes of one element: 1, 2, 4, 8; F32 takes 4. */
size_t pta_dtype_bytes(pta_dtype type);

/** Rounds up to 8 bytes, where each tensor of each sample starts. */
size_t pta_align8(size_t bytes);

/** Formats of the exact profile: AP_RND; AP_SAT, or AP_SAT_SYM for weights. */
pta_format pta_format_tensor(int width, int integer, bool is_signed);
pta_format pta_format_weight(int width, int integer);

/**
 * Raw integer of `value`: the exact binary value scaled by 2^F, rounded and
 * brought into range by the format's rules. NaN gives 0, infinities saturate
 * (0 under WRAP).
 */
int64_t pta_format_quantise(pta_format f, double value);

/** Exact value of a raw integer (W <= 32, so a double holds it). */
double pta_format_value(pta_format f, int64_t raw);

/**
 * Smallest I for which no value of [lo, hi] saturates after rounding at width
 * W; 1 when both are 0. With `symmetric` the range is that of weights.
 */
int pta_format_fit_integer(int width, bool is_signed, bool symmetric, double lo,
                           double hi);

/** "fixed<16,6>", with ",RND,SAT" only where it is not the exact profile's
 * (RND,SAT). `text` holds at least 48 bytes. */
#define PTA_FORMAT_TEXT 48
void pta_format_print(pta_format f, char text[PTA_FORMAT_TEXT]);

/** Reads what pta_format_print writes; PTA_ERR_FORMAT names what is wrong. */
pta_status PTA_MUST_CHECK pta_format_parse(pta_ctx *ctx, const char *text,
                                           pta_format *out);

/** The same up to another width than PTA_WIDTH_MAX. */
pta_status PTA_MUST_CHECK pta_format_parse_to(pta_ctx *ctx, const char *text,
                                              int widest, pta_format *out);

const char *pta_rounding_name(pta_rounding r); /* "TRN", "RND_CONV", ... */
const char *pta_overflow_name(pta_overflow o); /* "WRAP", "SAT", ... */

#endif
