/*
 * What blocks take of a board. DSP and block RAM are exact formulas of the RTL
 * (docs/blocks.md); LUT and FF are estimates: structure times coefficients that
 * Yosys 0.23 gave for the foldings of tests/hls/grid.json (unit/count).
 */
#include <math.h>

#include "plan/count_priv.h"

/* ---- parts of blocks ---- */

static int64_t param(const pta_block *block, const char *name)
{
    return pta_block_param(block, name);
}

/* A bit's choice between value, least and greatest depends on the `above` bits
 * that would have to be its sign: by their number Yosys shares what they say, or
 * puts all of it into every bit again, 2 or 4 LUTs. */
pta_resources pta_requant_count(int64_t p, int64_t win, int64_t wout,
                                int64_t shift, bool act)
{
    static const int64_t each[] = {1, 1, 1, 1, 2, 4, 1, 1, 1,
                                   2, 4, 4, 4, 1, 1, 1, 1, 2};
    int64_t left = pta_larger(win - pta_larger(shift, 0), 1);
    int64_t above = pta_larger(left + 1 + (shift > 0) + act - wout, 0);
    int64_t bit = each[pta_smaller(above, 17)];
    return (pta_resources){.lut = p * (bit * (wout - 1) + 1 + above / 3) + 5,
                           .ff = p * (left + 2 * wout + 1) + 3};
}

/* LUTs a bit held, of i units in and o units out: each place looks for its unit,
 * or of many all are shifted. */
static double gearbox_rate(int64_t i, int64_t o)
{
    switch (i) {
    case 1:
        return o == 1 ? 1.0 : o < 4 ? 0.9 : 1.2;
    case 2:
        return o < 5 ? 1.4 : 1.9;
    case 3:
        return o == 1 ? 1.4 : 2.6;
    case 4:
        return 2.1;
    default:
        return i <= 6 ? 2.8 : 0.9 * log2((double)i);
    }
}

pta_resources pta_gearbox_count(int64_t w, int64_t c_in, int64_t p_in,
                                int64_t c_out, int64_t p_out)
{
    int64_t g = pta_gcd(pta_gcd(c_in, p_in), pta_gcd(c_out, p_out));
    int64_t i = p_in / g, o = p_out / g;
    int64_t bits = (i + o + pta_larger(i, o) - 1) * g * w;
    bool short_last = c_out > p_out && c_out % p_out != 0; /* a third way out */
    double rate = gearbox_rate(i, o) + short_last;
    return (pta_resources){.lut = pta_round_up((double)bits * rate) +
                                  (i == o ? 4 : 14),
                           .ff = bits + 4};
}

/* ---- blocks ---- */

/* Lanes of a chain, operands of SIMD and all PE, wait for their place in
 * registers, the later the longer; DSPs have two of their own, of which a ROM in
 * LUTs takes one. Of two products in a DSP much of it is shift registers. */
static pta_resources wait_for_place(const pta_block *b, int64_t len)
{
    static const double in_block[] = {0, 0, 0, 1, 2.2};
    int64_t pe = param(b, "PE"), simd = param(b, "SIMD"), ww = param(b, "WW");
    int64_t chains = pta_ceil_div(simd, len), lane = param(b, "WX") + pe * ww;
    bool rom = param(b, "BLOCK") == 0;
    double each = b->kind == PTA_BLOCK_MVU_PACKED ? 0.85 : 1.0;
    double lanes = rom ? each * (double)(len - 1) : in_block[len];
    int64_t taken = rom ? pe * simd * ww : 0;
    return (pta_resources){.ff = pta_round_up(lanes * (double)(chains * lane)) -
                                 taken};
}

/* Without a DSP each has registers, but for those of a ROM. */
static pta_resources narrow_products(const pta_block *b, int64_t n)
{
    int64_t ww = param(b, "WW"), rom = param(b, "BLOCK") == 0 ? ww : 0;
    pta_resources each =
        pta_count_product(param(b, "WX") + (param(b, "X_SIGNED") == 0), ww);
    return (pta_resources){.lut = n * each.lut, .ff = n * (each.ff + 2 - rom)};
}

/* Of an odd PE, the last row has a product of its own. */
static pta_resources products(const pta_block *b, int64_t len)
{
    bool packed = b->kind == PTA_BLOCK_MVU_PACKED;
    int64_t pe = param(b, "PE"), simd = param(b, "SIMD");
    int64_t alone = (packed ? pe % 2 : pe) * simd;
    int64_t each = pta_count_dsp(param(b, "WX") + (param(b, "X_SIGNED") == 0),
                                 param(b, "WW"));
    pta_resources r = {.dsp = alone * each + (packed ? pe / 2 * simd : 0)};
    if (each == 0) {
        pta_count_add(&r, narrow_products(b, alone));
    }
    if (r.dsp > 0) {
        pta_count_add(&r, wait_for_place(b, len));
    }
    return r;
}

/* Adders of the chains' sums and of accumulators; those of one product a row
 * are in its DSP. */
static pta_resources sums(const pta_block *b, int64_t len)
{
    bool packed = b->kind == PTA_BLOCK_MVU_PACKED;
    bool columns = param(b, "ORDER") != 0;
    int64_t pe = param(b, "PE"), simd = param(b, "SIMD");
    int64_t acc = param(b, "WACC"), chains = pta_ceil_div(simd, len);
    int64_t ng = pta_ceil_div(param(b, "N"), simd);
    int64_t mg = pta_ceil_div(param(b, "M"), pe);
    int64_t sum = packed ? 18
                         : param(b, "WX") + (param(b, "X_SIGNED") == 0) +
                               param(b, "WW") + pta_log2_ceil(len);
    pta_resources r = {.lut = (chains - 1) * pe * (sum + 1),
                       .ff = (chains - 1) * pe * (sum + 1)};
    bool many = columns && mg > 1, one = !packed && simd == 1;
    if (!one || many) { /* the bias is no constant */
        r.lut += pe * acc * (mg > 1 && !one ? 2 : 1);
        r.ff += many || ng == 1 ? 0 : pe * acc;
    }
    if (many && ng > 1) {
        pta_count_add(&r, pta_count_lut_ram(mg, pe * acc));
    }
    return r;
}

static pta_resources count_mvu(const pta_block *b)
{
    bool packed = b->kind == PTA_BLOCK_MVU_PACKED;
    int64_t simd = param(b, "SIMD"), x = simd * param(b, "WX");
    int64_t len = pta_smaller(param(b, "LC"), simd);
    int64_t chains = pta_ceil_div(simd, len);
    int64_t ng = pta_ceil_div(param(b, "N"), simd);
    bool hold = param(b, "ORDER") == 0 && param(b, "M") > param(b, "PE");
    int64_t after = (len == 1 ? 2 : 2 + len) + (packed ? 2 : 0);
    int64_t room = after + pta_log2_ceil(chains) + 6;
    pta_resources r = {.lut = packed ? 65 : 95, .ff = 60 + x};
    if (packed) { /* two sums come apart */
        int64_t pairs = pta_ceil_div(param(b, "PE"), 2);
        r.lut += chains * pairs * 14;
        r.ff += chains * pairs * 36;
    }
    pta_count_add(&r, products(b, len));
    pta_count_add(&r, sums(b, len));
    pta_count_add(
        &r, pta_count_any_ram(hold ? (int64_t)2 << pta_log2_ceil(ng) : 2, x));
    pta_count_add(&r, pta_count_lut_ram((int64_t)1 << pta_log2_ceil(room),
                                        param(b, "PE") * param(b, "WACC")));
    return r;
}

/* The shift of a block RAM waits in registers; without a DSP, all do. */
static pta_resources count_scaled(const pta_block *b, int64_t win, int64_t ww,
                                  bool act, bool block)
{
    int64_t p = param(b, "P");
    int64_t xb = param(b, "WX") + (param(b, "X_SIGNED") == 0);
    pta_resources each = pta_count_product(xb, ww);
    int64_t waits = block + (each.dsp == 0 ? 1 + block : 0);
    pta_resources r = {.lut = 4 + p * each.lut,
                       .ff = 10 + p * (each.ff + waits * win),
                       .dsp = p * each.dsp};
    pta_count_add(&r, pta_requant_count(p, win, param(b, "WOUT"),
                                        param(b, "SHIFT"), act));
    return r;
}

static pta_resources count_relu(const pta_block *b)
{
    int64_t up = param(b, "UP"), wx = param(b, "WX"), wa = param(b, "WA");
    int64_t win = pta_larger(wx + 1 + up, wx + 2 + wa + param(b, "DOWN"));
    pta_resources r = count_scaled(b, win, wa, false, false);
    r.dsp = param(b, "P") * pta_count_dsp(wx + 2, wa);
    r.lut += param(b, "P") * (wx + win / 2);
    r.ff += param(b, "P") * (wx + 2 * wa);
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
        r.lut += p * wout * pta_ceil_div(words, 64);
        r.ff += p * wout;
    }
    pta_count_add(&r, pta_count_skid(p * wout));
    return r;
}

static pta_resources count_fifo(const pta_block *b, int64_t depth, bool block)
{
    int64_t w = param(b, "W");
    pta_resources r =
        block ? pta_count_ram(true, depth, w) : pta_count_any_ram(depth, w);
    int64_t bits = pta_log2_ceil(depth + 1);
    r.lut += 6 + 4 * bits;
    r.ff += 1 + 3 * bits;
    if (block) {
        pta_count_add(&r, pta_count_skid(w));
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
        pta_count_add(
            &r, count_fifo(b, param(b, depth[k]), param(b, block[k]) != 0));
    }
    return r;
}

static pta_resources count_join(const pta_block *b)
{
    int64_t p = param(b, "P"), w0 = param(b, "W0"), w1 = param(b, "W1");
    int64_t f0 = param(b, "FRAC0"), f1 = param(b, "FRAC1");
    bool product = param(b, "OP") == 2;
    int64_t frac = product ? f0 + f1 : pta_larger(f0, f1);
    int64_t a = w0 + 1 + (product ? 0 : frac - f0);
    int64_t c = w1 + 1 + (product ? 0 : frac - f1);
    int64_t width = product ? w0 + w1 : pta_larger(a, c);
    pta_resources r = {.lut = p * (product ? 0 : width),
                       .ff = product ? 2 : p * (w0 + w1 + width)};
    if (product) {
        pta_resources each = pta_count_product(w0 + (param(b, "SIGNED0") == 0),
                                               w1 + (param(b, "SIGNED1") == 0));
        r.dsp = p * each.dsp;
        r.lut = p * each.lut;
        r.ff += p * each.ff;
    }
    pta_count_add(&r, pta_count_skid(p * w0));
    pta_count_add(&r, pta_count_skid(p * w1));
    pta_count_add(&r, pta_requant_count(p, width, param(b, "WOUT"),
                                        frac + (param(b, "OP") == 3) -
                                            param(b, "FRAC_OUT"),
                                        param(b, "ACT") != 0));
    return r;
}

static pta_resources count_concat(const pta_block *b)
{
    int64_t p = param(b, "P"), wout = param(b, "WOUT");
    pta_resources r =
        pta_requant_count(p, param(b, "W0"), wout, param(b, "SHIFT0"), false);
    pta_count_add(&r, pta_requant_count(p, param(b, "W1"), wout,
                                        param(b, "SHIFT1"), false));
    pta_count_add(&r, pta_count_skid(p * wout));
    r.lut += p * wout + 20;
    r.ff += 20;
    return r;
}

/* Crops and pads: counters and a skid. */
static pta_resources count_box(const pta_block *b)
{
    pta_resources r = {.lut = 35, .ff = 15};
    int64_t p = param(b, "P"), w = param(b, "W");
    int64_t g = b->kind == PTA_BLOCK_CROP ? pta_gcd(p, param(b, "FIRST_C")) : p;
    if (g < p) {
        int64_t c = param(b, "C"), out = param(b, "OUT_C");
        pta_count_add(&r, pta_gearbox_count(w, c, p, c, g));
        pta_count_add(&r, pta_gearbox_count(w, out, g, out, p));
    }
    pta_count_add(&r, pta_count_skid(g * w));
    return r;
}

static pta_resources count_permute(const pta_block *b)
{
    int64_t p = param(b, "P"), w = p * param(b, "W");
    int64_t s =
        param(b, "ROWS") * param(b, "COLS") * pta_ceil_div(param(b, "C"), p);
    int64_t bits = pta_log2_ceil(s);
    pta_resources r = {.lut = 40 + 8 * bits, .ff = 10 + 7 * bits + w};
    pta_count_add(&r,
                  pta_count_ram(param(b, "BLOCK") != 0, (int64_t)2 << bits, w));
    pta_count_add(&r, pta_count_skid(w));
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
                                 param(b, "WOUT"), param(b, "SHIFT"),
                                 param(b, "ACT") != 0);
    case PTA_BLOCK_SCALE_SHIFT:
        return count_scaled(b, param(b, "WACC"), param(b, "WW"),
                            param(b, "ACT") != 0, param(b, "BLOCK") != 0);
    case PTA_BLOCK_RELU:
        return count_relu(b);
    case PTA_BLOCK_TABLE:
        return count_table(b);
    case PTA_BLOCK_WINDOW:
        return pta_count_window(b);
    case PTA_BLOCK_POOL_MAX:
        return pta_count_maximum(b);
    case PTA_BLOCK_POOL_AVG:
        return pta_count_average(b);
    case PTA_BLOCK_DEPTHWISE:
        return pta_count_depthwise(b);
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
            pta_count_add(&block->resources,
                          pta_count_memory(&block->memories[i]));
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
        pta_count_add(&design->resources, design->blocks[i].resources);
    }
}
