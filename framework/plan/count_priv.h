/*
 * Parts that the counting of blocks shares: count_parts.c has them, count.c and
 * count_image.c add them up. DSP, block RAM and LUT RAM follow from the RTL; LUT
 * and FF are fitted to Yosys's counts of tests/hls/grid.json.
 */
#ifndef PTA_PLAN_COUNT_PRIV_H
#define PTA_PLAN_COUNT_PRIV_H

#include "plan/design_priv.h"

int64_t pta_ceil_div(int64_t a, int64_t b);
int64_t pta_smaller(int64_t a, int64_t b);
int64_t pta_larger(int64_t a, int64_t b);
int32_t pta_log2_ceil(int64_t n);
int64_t pta_round_up(double x);
int64_t pta_gcd(int64_t a, int64_t b);

void pta_count_add(pta_resources *to, pta_resources more);

/** LUT RAM with what chooses a word of a deep one. */
pta_resources pta_count_lut_ram(int64_t words, int64_t bits);
pta_resources pta_count_ram(bool block, int64_t words, int64_t bits);

/** A RAM that RTL leaves to Yosys. */
pta_resources pta_count_any_ram(int64_t words, int64_t bits);
pta_resources pta_count_memory(const pta_block_memory *memory);

/** A product of two signed numbers: DSPs, or so narrow that it is LUTs. */
int64_t pta_count_dsp(int64_t a, int64_t b);
pta_resources pta_count_product(int64_t a, int64_t b);

pta_resources pta_count_skid(int64_t bits);

/* Blocks of images (count_image.c). */
pta_resources pta_count_window(const pta_block *block);
pta_resources pta_count_maximum(const pta_block *block);
pta_resources pta_count_average(const pta_block *block);
pta_resources pta_count_depthwise(const pta_block *block);

#endif
