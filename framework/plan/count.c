/*
 * What blocks take of a board. DSP and block RAM are exact formulas of the RTL
 * (docs/blocks.md); LUT and FF are estimates: structure times coefficients that
 * Yosys 0.23 gave for each block (`RATES`), LUT1 and INV included.
 */
#include "plan/design_priv.h"

/* LUT or FF for each bit of what a block is made of. */
static const struct {
    double requant; /* LUT a bit of width left and out */
    double adder, mux, compare;
    double
        gear[5]; /* gearbox, LUT a bit held, by units of a beat in: 1 .. 5+ */
} RATES = {.requant = 1.2,
           .adder = 1.0,
           .mux = 1.0,
           .compare = 2.0,
           .gear = {1.1, 2.2, 3.8, 4.6, 5.3}};

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int32_t log2_ceil(int64_t n)
{
    int32_t bits = 0;
    while ((int64_t)1 << bits < n) {
        bits++;
    }
    return bits;
}

static int64_t round_up(double x)
{
    return (int64_t)(x + 0.999);
}

static void add(pta_resources *to, pta_resources more)
{
    to->lut += more.lut;
    to->lutram += more.lutram;
    to->ff += more.ff;
    to->dsp += more.dsp;
    to->bram18 += more.bram18;
}

/* ---- memories and multipliers ---- */

int64_t pta_bram18_count(int64_t words, int64_t bits)
{
    static const struct {
        int64_t words, bits;
    } shapes[] = {{512, 36}, {1024, 18}, {2048, 9},
                  {4096, 4}, {8192, 2},  {16384, 1}};
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        least = smaller(least, ceil_div(bits, shapes[i].bits) *
                                   ceil_div(words, shapes[i].words));
    }
    return least;
}

/* RAM32M: 32 words of 6 bits, RAM64M: 64 of 3; 4 LUT each. Deeper ones have a
 * word's multiplexer too. */
static pta_resources lut_ram(int64_t words, int64_t bits)
{
    pta_resources r = {0};
    if (words <= 32) {
        r.lutram = ceil_div(bits, 6) * 4;
    } else {
        r.lutram = ceil_div(bits, 3) * 4 * ceil_div(words, 64);
    }
    r.lut = r.lutram + (words > 64 ? bits * ceil_div(words, 256) : 0);
    return r;
}

static pta_resources ram(bool block, int64_t words, int64_t bits)
{
    return block ? (pta_resources){.bram18 = pta_bram18_count(words, bits)}
                 : lut_ram(words, bits);
}

/* A RAM that RTL leaves to Yosys: the cheaper by its own costs (lutrams and
 * brams of its xilinx folder): 8 for 4 LUT, 129 for half a block RAM. */
static pta_resources any_ram(int64_t words, int64_t bits)
{
    pta_resources r = lut_ram(words, bits);
    int64_t bram18 = pta_bram18_count(words, bits);
    return 2 * r.lutram <= 129 * bram18 ? r : (pta_resources){.bram18 = bram18};
}

/* One word is wires; of few words, bits that are alike are one. */
static pta_resources rom(int64_t words, int64_t bits)
{
    int64_t kinds = words <= 8 ? smaller(bits, (int64_t)1 << words) : bits;
    pta_resources r = {.ff = words > 1 ? kinds : 0};
    r.lut = words <= 1 ? 0 : kinds * ceil_div(words, 64);
    return r;
}

static pta_resources memory(const pta_block_memory *m)
{
    int64_t words = m->words, bits = m->word_bits;
    bool small = m->role == PTA_ROLE_BIAS && m->memory == PTA_MEMORY_RAM;
    if (m->memory == PTA_MEMORY_LUT) {
        return rom(words, bits);
    }
    if (words == 1 || small) {
        pta_resources r = lut_ram(words, bits);
        r.ff = bits;
        return r;
    }
    return (pta_resources){.bram18 = pta_bram18_count(words, bits)};
}

/* Of a product of two signed numbers. */
static int64_t dsp_count(int64_t a, int64_t b)
{
    int64_t wide = larger(a, b), narrow = smaller(a, b);
    if (wide + narrow < 9) {
        return 0;
    }
    return wide <= 25 && narrow <= 18
               ? 1
               : ceil_div(wide - 1, 24) * ceil_div(narrow - 1, 17);
}

/* ---- parts of blocks ---- */

static int64_t param(const pta_block *block, const char *name)
{
    return pta_block_param(block, name);
}

pta_resources pta_requant_count(int64_t p, int64_t win, int64_t wout,
                                int64_t shift)
{
    int64_t left = larger(win - larger(shift, 0), 1);
    return (pta_resources){
        .lut = round_up((double)(p * (left + wout)) * RATES.requant) + 4,
        .ff = p * (left + 2 * wout + 1) + 3};
}

static int64_t gcd(int64_t a, int64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

pta_resources pta_gearbox_count(int64_t w, int64_t c_in, int64_t p_in,
                                int64_t c_out, int64_t p_out)
{
    int64_t g = gcd(gcd(c_in, p_in), gcd(c_out, p_out));
    int64_t i = p_in / g, o = p_out / g;
    int64_t bits = (i + o + larger(i, o) - 1) * g * w;
    double rate = RATES.gear[i < 5 ? i - 1 : 4];
    return (pta_resources){.lut = round_up((double)bits * rate) + 8,
                           .ff = bits + 6};
}

static pta_resources skid(int64_t bits)
{
    return (pta_resources){.lut = bits + 3, .ff = 2 * bits + 2};
}

static pta_resources cells(const pta_block *b)
{
    int64_t cb = ceil_div(param(b, "C"), param(b, "P"));
    int64_t w = param(b, "P") * param(b, "W"), cols = param(b, "COLS");
    int64_t row = cols * cb;
    int64_t span = (param(b, "KH") - 1) * param(b, "DH") * row +
                   ((param(b, "KW") - 1) * param(b, "DW") + 1) * cb;
    int64_t words = (int64_t)1
                    << log2_ceil(larger(larger(param(b, "DEPTH"), span), 2));
    pta_resources r = {.lut = 100, .ff = 60};
    int64_t count = 6 * log2_ceil(param(b, "ROWS") * row + 1);
    bool plane = cols > 1;
    r.lut += count + (plane ? 20 : 0);
    r.ff += count + (plane ? 20 : 0) + w;
    add(&r, skid(w + 1));
    add(&r, ram(param(b, "BLOCK") != 0, words, w));
    return r;
}

static bool whole_image(const pta_block *b)
{
    return param(b, "KH") == param(b, "ROWS") &&
           param(b, "KW") == param(b, "COLS") && param(b, "DH") == 1 &&
           param(b, "DW") == 1 &&
           param(b, "PT") + param(b, "PB") + param(b, "PL") + param(b, "PR") ==
               0;
}

/* ---- blocks ---- */

static pta_resources count_mvu(const pta_block *b)
{
    bool packed = b->kind == PTA_BLOCK_MVU_PACKED;
    bool columns = param(b, "ORDER") != 0;
    int64_t pe = param(b, "PE"), simd = param(b, "SIMD");
    int64_t wx = param(b, "WX"), ww = param(b, "WW"), acc = param(b, "WACC");
    int64_t xb = wx + (param(b, "X_SIGNED") == 0);
    int64_t ng = ceil_div(param(b, "N"), simd),
            mg = ceil_div(param(b, "M"), pe);
    int64_t len = smaller(param(b, "LC"), simd), chains = ceil_div(simd, len);
    int64_t after = (len == 1 ? 2 : 2 + len) + (packed ? 2 : 0);
    int32_t tree = log2_ceil(chains);
    int64_t sum = packed ? 18 : xb + ww + log2_ceil(len);
    int64_t pairs = packed ? ceil_div(pe, 2) : pe;
    bool in_dsp = !packed && simd == 1 && (!columns || mg == 1);
    pta_resources r = {.lut = 60, .ff = 60};
    int64_t each = packed ? 1 : dsp_count(xb, ww);
    r.dsp = pairs * simd * each;
    if (each == 0) { /* rtl-facts: 4 x 4 bits 64 LUT, 3 x 3 35 */
        r.lut += pairs * simd * xb * ww * 4;
        r.ff += pairs * simd * (xb + ww);
    }
    /* Lanes wait for their place in the chain; what the registers of a DSP do
     * not cover is registers or shift registers. */
    int64_t lane = wx + pe * ww;
    if (len > (packed ? 1 : 3)) {
        r.ff += chains * lane;
    }
    if (packed && len > 3) {
        r.lutram += larger(simd - 3 * chains, 0) * lane;
        r.lut += larger(simd - 3 * chains, 0) * lane;
    }
    bool hold = !columns && mg > 1;
    add(&r, any_ram(hold ? (int64_t)2 << log2_ceil(ng) : 2, simd * wx));
    r.ff += simd * wx;
    if (packed) {
        r.lut += chains * pairs * 18;
        r.ff += chains * pairs * 36;
    }
    r.lut += round_up((double)((chains - 1) * pe * (sum + 1)) * RATES.adder);
    r.ff += (chains - 1) * pe * (sum + 1);
    if (!in_dsp) {
        r.lut += pe * acc * (mg > 1 ? 2 : 1); /* the bias is no constant */
        r.ff += columns && mg > 1 ? 0 : ng > 1 ? pe * acc : 0;
    }
    if (columns && mg > 1 && ng > 1) {
        add(&r, lut_ram(mg, pe * acc));
    }
    add(&r, lut_ram((int64_t)1 << log2_ceil(after + tree + 6), pe * acc));
    return r;
}

static pta_resources count_depthwise(const pta_block *b)
{
    int64_t l = param(b, "P") * param(b, "MULT"), acc = param(b, "WACC");
    int64_t cb = ceil_div(param(b, "C"), param(b, "P"));
    int64_t xb = param(b, "W") + (param(b, "IN_SIGNED") == 0);
    pta_resources r = cells(b);
    r.dsp = l * dsp_count(xb, param(b, "WW"));
    r.lut += l * acc + 20;
    r.ff += 30 + param(b, "P") * param(b, "W") + (cb == 1 ? l * acc : 0);
    if (cb > 1) {
        add(&r, lut_ram(cb, l * acc));
    }
    add(&r, lut_ram(8, l * acc));
    add(&r, pta_requant_count(l, acc, param(b, "WOUT"), param(b, "SHIFT")));
    return r;
}

/* Also the result: t has W + count + shift bits (pta_pool_avg.sv). */
static pta_resources count_average(const pta_block *b)
{
    int64_t p = param(b, "P"), count = param(b, "KH") * param(b, "KW");
    int64_t cb = ceil_div(param(b, "C"), p), kb = log2_ceil(count + 1);
    int64_t sum = param(b, "W") + 1 + kb, shift = param(b, "SHIFT");
    int64_t right = smaller(larger(shift, 0), sum + 2);
    int64_t left = smaller(larger(-shift, 0), param(b, "WOUT") + kb);
    int64_t t = larger(sum + left, kb + right) + 2, n = t - right - 1;
    int64_t a = larger(n - 1, 1);
    pta_resources r =
        whole_image(b) ? (pta_resources){.lut = 30, .ff = 30} : cells(b);
    bool padded =
        param(b, "PT") + param(b, "PB") + param(b, "PL") + param(b, "PR") > 0;
    bool power = !padded && (count & (count - 1)) == 0;
    r.dsp = power ? 0 : p * dsp_count(a + 1, a + kb + 2);
    r.lut += p * (sum + t);
    r.ff += p * (sum + n);
    if (cb > 1) {
        add(&r, lut_ram(cb, p * sum));
    }
    add(&r, pta_requant_count(p, n, param(b, "WOUT"), 0));
    return r;
}

static pta_resources count_maximum(const pta_block *b)
{
    int64_t w = param(b, "P") * param(b, "W");
    pta_resources r =
        whole_image(b) ? (pta_resources){.lut = 20, .ff = 20} : cells(b);
    r.lut += round_up((double)w * RATES.compare);
    if (param(b, "C") > param(b, "P")) {
        add(&r, lut_ram(ceil_div(param(b, "C"), param(b, "P")), w));
    }
    r.ff += param(b, "C") > param(b, "P") ? 0 : w;
    add(&r, skid(w));
    return r;
}

static pta_resources count_scaled(const pta_block *b, int64_t win, int64_t ww)
{
    int64_t p = param(b, "P"), xb = param(b, "WX") + 1;
    pta_resources r = {.lut = 20, .ff = 10 + p * (param(b, "WX") + 2 * ww)};
    r.dsp = p * dsp_count(xb - (param(b, "X_SIGNED") != 0), ww);
    add(&r, pta_requant_count(p, win, param(b, "WOUT"), param(b, "SHIFT")));
    return r;
}

static pta_resources count_relu(const pta_block *b)
{
    int64_t up = param(b, "UP"), wx = param(b, "WX"), wa = param(b, "WA");
    int64_t win = larger(wx + 1 + up, wx + 2 + wa + param(b, "DOWN"));
    pta_resources r = count_scaled(b, win, wa);
    r.dsp = param(b, "P") * dsp_count(wx + 2, wa);
    r.lut += param(b, "P") * (wx + win / 2);
    return r;
}

static pta_resources count_table(const pta_block *b)
{
    int64_t p = param(b, "P"), words = param(b, "DEPTH");
    int64_t wout = param(b, "WOUT"), wx = param(b, "WX");
    pta_resources r = {.lut = p * wx * 2, .ff = p * 2 * wx};
    if (param(b, "BLOCK") != 0) {
        r.bram18 = p * pta_bram18_count(words, wout);
    } else {
        r.lut += p * wout * ceil_div(words, 64);
        r.ff += p * wout;
    }
    add(&r, skid(p * wout));
    return r;
}

static pta_resources count_fifo(const pta_block *b, int64_t depth, bool block)
{
    int64_t w = param(b, "W");
    pta_resources r = block ? ram(true, depth, w) : any_ram(depth, w);
    int64_t bits = log2_ceil(depth + 1);
    r.lut += 6 + 4 * bits;
    r.ff += 1 + 3 * bits;
    if (block) {
        add(&r, skid(w));
        r.ff += 2;
    }
    return r;
}

static pta_resources count_fork(const pta_block *b)
{
    static const char *const depth[] = {"DEPTH0", "DEPTH1", "DEPTH2", "DEPTH3"};
    static const char *const block[] = {"BLOCK0", "BLOCK1", "BLOCK2", "BLOCK3"};
    pta_resources r = {.lut = 2};
    for (int32_t k = 0; k < b->n_out; k++) {
        add(&r, count_fifo(b, param(b, depth[k]), param(b, block[k]) != 0));
    }
    return r;
}

static pta_resources count_join(const pta_block *b)
{
    int64_t p = param(b, "P"), w0 = param(b, "W0"), w1 = param(b, "W1");
    int64_t f0 = param(b, "FRAC0"), f1 = param(b, "FRAC1");
    bool product = param(b, "OP") == 2;
    int64_t frac = product ? f0 + f1 : larger(f0, f1);
    int64_t a = w0 + 1 + (product ? 0 : frac - f0);
    int64_t c = w1 + 1 + (product ? 0 : frac - f1);
    int64_t width = product ? w0 + w1 : larger(a, c);
    pta_resources r = {.lut = p * (product ? 0 : width) + 10,
                       .ff = product ? 2 : p * (w0 + w1 + width)};
    r.dsp = product ? p * dsp_count(w0 + 1, w1 + 1) : 0;
    add(&r, skid(p * w0));
    add(&r, skid(p * w1));
    add(&r,
        pta_requant_count(p, width, param(b, "WOUT"),
                          frac + (param(b, "OP") == 3) - param(b, "FRAC_OUT")));
    return r;
}

static pta_resources count_concat(const pta_block *b)
{
    int64_t p = param(b, "P"), wout = param(b, "WOUT");
    pta_resources r =
        pta_requant_count(p, param(b, "W0"), wout, param(b, "SHIFT0"));
    add(&r, pta_requant_count(p, param(b, "W1"), wout, param(b, "SHIFT1")));
    add(&r, skid(p * wout));
    r.lut += p * wout + 20;
    r.ff += 20;
    return r;
}

/* Crops and pads: counters and a skid. */
static pta_resources count_box(const pta_block *b)
{
    pta_resources r = {.lut = 35, .ff = 15};
    int64_t p = param(b, "P"), w = param(b, "W");
    int64_t g = b->kind == PTA_BLOCK_CROP ? gcd(p, param(b, "FIRST_C")) : p;
    if (g < p) {
        int64_t c = param(b, "C"), out = param(b, "OUT_C");
        add(&r, pta_gearbox_count(w, c, p, c, g));
        add(&r, pta_gearbox_count(w, out, g, out, p));
    }
    add(&r, skid(g * w));
    return r;
}

static pta_resources count_permute(const pta_block *b)
{
    int64_t p = param(b, "P"), w = p * param(b, "W");
    int64_t s =
        param(b, "ROWS") * param(b, "COLS") * ceil_div(param(b, "C"), p);
    int64_t bits = log2_ceil(s);
    pta_resources r = {.lut = 40 + 8 * bits, .ff = 10 + 7 * bits + w};
    add(&r, ram(param(b, "BLOCK") != 0, (int64_t)2 << bits, w));
    add(&r, skid(w));
    return r;
}

static pta_resources count_window(const pta_block *b)
{
    pta_resources r = cells(b);
    int64_t p = param(b, "P"), out = param(b, "P_OUT"), c = param(b, "C");
    if (p != out || c % p != 0) {
        add(&r, pta_gearbox_count(param(b, "W"), c, p,
                                  param(b, "KH") * param(b, "KW") * c, out));
    }
    return r;
}

static pta_resources count_kind(const pta_block *b)
{
    switch (b->kind) {
    case PTA_BLOCK_FIFO:
        return count_fifo(b, param(b, "DEPTH"), param(b, "BLOCK") != 0);
    case PTA_BLOCK_GEARBOX:
        return pta_gearbox_count(param(b, "W"), param(b, "C_IN"),
                                 param(b, "P_IN"), param(b, "C_OUT"),
                                 param(b, "P_OUT"));
    case PTA_BLOCK_MVU:
    case PTA_BLOCK_MVU_PACKED:
        return count_mvu(b);
    case PTA_BLOCK_REQUANT:
        return pta_requant_count(param(b, "P"), param(b, "WIN"),
                                 param(b, "WOUT"), param(b, "SHIFT"));
    case PTA_BLOCK_SCALE_SHIFT:
        return count_scaled(b, param(b, "WACC"), param(b, "WW"));
    case PTA_BLOCK_RELU:
        return count_relu(b);
    case PTA_BLOCK_TABLE:
        return count_table(b);
    case PTA_BLOCK_WINDOW:
        return count_window(b);
    case PTA_BLOCK_POOL_MAX:
        return count_maximum(b);
    case PTA_BLOCK_POOL_AVG:
        return count_average(b);
    case PTA_BLOCK_DEPTHWISE:
        return count_depthwise(b);
    case PTA_BLOCK_PAD:
    case PTA_BLOCK_CROP:
        return count_box(b);
    case PTA_BLOCK_PERMUTE:
        return count_permute(b);
    case PTA_BLOCK_FORK:
        return count_fork(b);
    case PTA_BLOCK_JOIN_BINARY:
        return count_join(b);
    case PTA_BLOCK_CONCAT:
        return count_concat(b);
    case PTA_BLOCK_ENGINE:
        return pta_engine_resources(b);
    case PTA_BLOCK_COUNT:
        break;
    }
    return (pta_resources){0};
}

void pta_block_count(pta_block *block)
{
    block->resources = count_kind(block);
    for (int32_t i = 0; i < block->n_memories; i++) {
        if (block->memories[i].role != PTA_ROLE_TABLE) { /* one a lane */
            add(&block->resources, memory(&block->memories[i]));
        }
    }
}

/* Shell and register file: pta_shell_in, pta_shell_out, pta_regs. */
static pta_resources shell(const pta_design *design)
{
    return (pta_resources){.lut = 740 + 32 * design->n_outputs,
                           .ff =
                               1030 + 3 * design->n_inputs + design->n_outputs};
}

void pta_design_count(pta_design *design)
{
    design->resources = shell(design);
    for (int32_t i = 0; i < design->n_blocks; i++) {
        pta_block_count(&design->blocks[i]);
        add(&design->resources, design->blocks[i].resources);
    }
}
