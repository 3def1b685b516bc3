/*
 * Parts of blocks: memories, multipliers, register slices, conversions,
 * gearboxes. Coefficients are least-squares fits to Yosys 0.23's counts
 * (tests/hls/grid.json); LUT1 and INV count.
 */
#include "plan/count_priv.h"

int64_t pta_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t pta_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t pta_larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int32_t pta_log2_ceil(int64_t n)
{
    int32_t bits = 0;
    while ((int64_t)1 << bits < n) {
        bits++;
    }
    return bits;
}

int64_t pta_round_up(double x)
{
    return (int64_t)(x + 0.999);
}

int64_t pta_gcd(int64_t a, int64_t b)
{
    return b == 0 ? a : pta_gcd(b, a % b);
}

void pta_count_add(pta_resources *to, pta_resources more)
{
    to->lut += more.lut;
    to->lutram += more.lutram;
    to->ff += more.ff;
    to->dsp += more.dsp;
    to->bram18 += more.bram18;
}

/* ---- memories ---- */

static int64_t bram18_blocks(int64_t words, int64_t bits, bool rom)
{
    static const struct {
        int64_t words, bits;
    } shapes[] = {{512, 36}, {1024, 18}, {2048, 9},
                  {4096, 4}, {8192, 2},  {16384, 1}};
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int64_t banks = pta_ceil_div(words, shapes[i].words);
        int64_t blocks = rom ? pta_ceil_div(banks * bits, shapes[i].bits)
                             : pta_ceil_div(bits, shapes[i].bits) * banks;
        least = pta_smaller(least, blocks);
    }
    return least;
}

int64_t pta_bram18_count(int64_t words, int64_t bits)
{
    return bram18_blocks(words, bits, false);
}

/* RAM32M: 32 words of 6 bits, RAM64M: 64 of 3; 4 LUT each. Of several, a tree of
 * 4:1 multiplexers in a LUT takes a bit's word. */
pta_resources pta_count_lut_ram(int64_t words, int64_t bits)
{
    pta_resources r = {0};
    int64_t banks = pta_ceil_div(words, 64);
    r.lutram = words <= 32 ? pta_ceil_div(bits, 6) * 4
                           : pta_ceil_div(bits, 3) * 4 * banks;
    r.lut = r.lutram + bits * pta_ceil_div(banks - 1, 3);
    return r;
}

pta_resources pta_count_ram(bool block, int64_t words, int64_t bits)
{
    return block ? (pta_resources){.bram18 = pta_bram18_count(words, bits)}
                 : pta_count_lut_ram(words, bits);
}

/* The cheaper by Yosys's own costs (memory_libmap.cc; lutrams and brams of its
 * xilinx folder): 8 for 4 LUT, 129 for half a block RAM, half of one for each bit
 * of a multiplexer between banks and for each bank's enable. */
pta_resources pta_count_any_ram(int64_t words, int64_t bits)
{
    pta_resources r = pta_count_lut_ram(words, bits);
    int64_t bram18 = pta_bram18_count(words, bits);
    int64_t banks = pta_ceil_div(words, 64);
    int64_t between = banks > 1 ? (banks - 1) * bits + banks : 0;
    return 4 * r.lutram + between <= 258 * bram18
               ? r
               : (pta_resources){.bram18 = bram18};
}

/* One word is wires; of few words, bits that are alike are one, and of four a
 * register with set and reset does most. */
static pta_resources rom(int64_t words, int64_t bits)
{
    int64_t kinds = words <= 8 ? pta_smaller(bits, (int64_t)1 << words) : bits;
    pta_resources r = {.ff = words > 1 ? kinds : 0};
    r.lut = words <= 1   ? 0
            : words <= 4 ? kinds / 4
                         : kinds * pta_ceil_div(words, 64);
    return r;
}

pta_resources pta_count_memory(const pta_block_memory *m)
{
    int64_t words = m->words, bits = m->word_bits;
    bool small = m->role == PTA_ROLE_BIAS && m->memory == PTA_MEMORY_RAM;
    if (m->memory == PTA_MEMORY_LUT) {
        return rom(words, bits);
    }
    if (words == 1 || small) {
        pta_resources r = pta_count_lut_ram(words, bits);
        r.ff = bits;
        return r;
    }
    /* What is only read may have bits of several banks in one block. */
    return (pta_resources){
        .bram18 = bram18_blocks(words, bits, m->memory == PTA_MEMORY_BLOCK)};
}

/* ---- multipliers ---- */

int64_t pta_count_dsp(int64_t a, int64_t b)
{
    int64_t wide = pta_larger(a, b), narrow = pta_smaller(a, b);
    if (wide + narrow < 9) {
        return 0;
    }
    return wide <= 25 && narrow <= 18
               ? 1
               : pta_ceil_div(wide - 1, 24) * pta_ceil_div(narrow - 1, 17);
}

/* In LUTs 4 x 4 bits are 36; both operands and the product have registers. */
pta_resources pta_count_product(int64_t a, int64_t b)
{
    int64_t dsp = pta_count_dsp(a, b);
    return dsp > 0
               ? (pta_resources){.dsp = dsp}
               : (pta_resources){.lut = pta_round_up(2.25 * (double)(a * b)),
                                 .ff = 2 * (a + b)};
}

/* ---- parts that are blocks ---- */

pta_resources pta_count_skid(int64_t bits)
{
    return (pta_resources){.lut = bits + 3, .ff = 2 * bits + 2};
}
