/*
 * Numbers of the hls4ml reference: exact values n * 2^-f and their assignment
 * to a format, by formulas on whole quotients. Written apart from
 * kernels/number.c, whose results it checks.
 */
#ifndef PTA_RUNTIME_HLS4ML_VALUE_PRIV_H
#define PTA_RUNTIME_HLS4ML_VALUE_PRIV_H

#include "ir/format.h"

__extension__ typedef __int128 pta_whole;

typedef struct pta_exact {
    pta_whole n;
    int f;
} pta_exact;

/** The value of a raw integer of a format. */
pta_exact pta_exact_of(int64_t raw, pta_format format);

pta_exact pta_exact_add(pta_exact a, pta_exact b);
pta_exact pta_exact_negate(pta_exact a);
pta_exact pta_exact_multiply(pta_exact a, pta_exact b);

/** -1, 0, 1 as a is below, equal to, above b. */
int pta_exact_compare(pta_exact a, pta_exact b);

/** Raw integer of a value assigned to a format. */
int64_t pta_exact_assign(pta_exact value, pta_format to);

/** Likewise of a double or float; and of a weight, which hls4ml prints with as
 * many decimals as the format has fraction bits. */
int64_t pta_exact_assign_double(double value, pta_format to);
int64_t pta_exact_assign_weight(double value, pta_format to);

#endif
