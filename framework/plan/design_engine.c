/*
 * The reused engine: a slice of dense layers as one block, pta_engine. Which
 * slices it takes, its program (one word a layer) and its parameters. Its timing
 * is timing_engine.c, its shape engine_choose.c.
 */
#include "plan/design_priv.h"

#define WIDE   25 /* what a DSP48E1 multiplies, signed */
#define NARROW 18
#define ACC    48

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t log2_ceil(int32_t n)
{
    int32_t bits = 0;
    while (1 << bits < n) {
        bits++;
    }
    return bits;
}

static int32_t gcd(int32_t a, int32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

static int32_t root_of(const pta_slice *slice, int32_t value)
{
    int32_t alias = slice->values[value].alias_of;
    return alias >= 0 ? alias : value;
}

/* ---- which slices ---- */

static const char *op_text(pta_step_op op)
{
    switch (op) {
    case PTA_STEP_CONV:
    case PTA_STEP_DWCONV:
        return "a convolution";
    case PTA_STEP_SCALE_SHIFT:
        return "a batch normalisation";
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
        return "a pooling";
    case PTA_STEP_RELU:
    case PTA_STEP_SIGMOID:
    case PTA_STEP_TANH:
    case PTA_STEP_HARD_SIGMOID:
    case PTA_STEP_SOFTMAX:
        return "an activation of its own";
    case PTA_STEP_ADD:
    case PTA_STEP_SUB:
    case PTA_STEP_MUL:
    case PTA_STEP_AVERAGE:
    case PTA_STEP_MAXIMUM:
    case PTA_STEP_CONCAT:
        return "a join";
    case PTA_STEP_PERMUTE:
    case PTA_STEP_ZEROPAD:
    case PTA_STEP_CROP:
        return "a change of shape";
    case PTA_STEP_DENSE:
        break;
    }
    return "dense";
}

static pta_status refuse(const pta_lowering *l, int32_t step, const char *what)
{
    return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                    "engine: reused: layer '%s' %s", l->slice->steps[step].name,
                    what);
}

static pta_status check_chain(const pta_lowering *l)
{
    const pta_slice *s = l->slice;
    for (int32_t i = 0; i < s->n_steps; i++) {
        if (s->steps[i].op != PTA_STEP_DENSE) {
            return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                            "engine: reused: layer '%s' is %s, expected dense "
                            "layers",
                            s->steps[i].name, op_text(s->steps[i].op));
        }
    }
    if (s->n_steps == 0 || s->n_inputs != 1 || s->n_outputs != 1) {
        return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                        "engine: reused: %d layers, %d inputs, %d outputs, "
                        "expected a chain of dense layers",
                        (int)s->n_steps, (int)s->n_inputs, (int)s->n_outputs);
    }
    for (int32_t i = 0; i < s->n_steps; i++) {
        int32_t from = root_of(s, i == 0 ? s->inputs[0] : s->steps[i - 1].out);
        if (root_of(s, s->steps[i].in[0]) != from || l->uses[from] != 1) {
            return refuse(l, i, "is on a branch, expected a chain");
        }
    }
    return PTA_OK;
}

/* ---- the program ---- */

static int64_t sat_shift(int64_t v, int32_t left, int64_t most)
{
    return left >= 63 || v > most >> left ? most : v << left;
}

/* The output's range, cut by the activation, in units of the output. */
static void set_range(pta_engine_layer *layer, const pta_step *s, pta_format f,
                      int32_t shift)
{
    int32_t bits = f.width - (f.is_signed ? 1 : 0);
    layer->hi = (int64_t)((UINT64_C(1) << bits) - 1);
    layer->lo = !f.is_signed                    ? 0
                : f.overflow == PTA_OVF_SAT_SYM ? -layer->hi
                                                : -layer->hi - 1;
    if (s->act != PTA_ACT_NONE) {
        layer->lo = 0;
    }
    if (s->act == PTA_ACT_RELU_MAX) {
        int64_t cap = s->act_max_raw;
        cap =
            shift < 0
                ? sat_shift(cap, -shift, layer->hi)
                : (int64_t)(((uint64_t)cap + (uint64_t)layer->round) >> shift);
        layer->hi = cap < layer->hi ? cap : layer->hi;
    }
}

static pta_status check_format(const pta_lowering *l, int32_t step,
                               pta_format f, int32_t shift)
{
    if (shift > 0 && f.rounding != PTA_RND_RND && f.rounding != PTA_RND_TRN) {
        return refuse(l, step, "rounds by neither RND nor TRN");
    }
    if (f.overflow != PTA_OVF_SAT && f.overflow != PTA_OVF_SAT_SYM) {
        return refuse(l, step, "overflows by neither SAT nor SAT_SYM");
    }
    return PTA_OK;
}

/* Bits beyond the accumulator make no difference: more than a half is lost. */
static int32_t shift_of(const pta_slice *slice, const pta_step *s)
{
    int32_t shift = s->acc_frac - pta_value_frac(slice, s->out);
    return shift < s->acc_bits + 1 ? shift : s->acc_bits + 1;
}

static pta_status set_layer(const pta_lowering *l, int32_t i,
                            pta_engine_layer *layer)
{
    const pta_slice *slice = l->slice;
    const pta_step *s = &slice->steps[i];
    pta_work work = pta_step_work(slice, s);
    *layer =
        (pta_engine_layer){.step = i,
                           .m = work.m,
                           .n = work.n,
                           .columns = l->folds[i].order == PTA_FOLD_COLUMNS,
                           .in_signed = pta_value_signed(slice, s->in[0])};
    if (s->partial) {
        layer->hi = ((int64_t)1 << (s->acc_bits - 1)) - 1;
        layer->lo = -layer->hi - 1;
        return PTA_OK;
    }
    pta_format f = slice->values[root_of(slice, s->out)].format;
    layer->shift = shift_of(slice, s);
    PTA_TRY(check_format(l, i, f, layer->shift));
    if (layer->shift > 0 && f.rounding == PTA_RND_RND) {
        layer->round = (int64_t)1 << (layer->shift - 1);
    }
    set_range(layer, s, f, layer->shift);
    return PTA_OK;
}

/* ---- widths ---- */

typedef struct widths {
    int32_t in, x, y, out, w, acc, left;
    bool is_signed, packed; /* all inputs signed; two products a DSP */
} widths;

static widths widths_of(const pta_lowering *l)
{
    const pta_slice *slice = l->slice;
    widths v = {.is_signed = true, .packed = true};
    v.x = v.in = pta_value_width(slice, slice->inputs[0]);
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step *s = &slice->steps[i];
        const pta_engine_layer *layer = &l->design->layers[i];
        v.out = pta_value_width(slice, s->out);
        v.x = i < slice->n_steps - 1 ? larger(v.x, v.out) : v.x;
        v.w = larger(v.w, s->weights.format.width);
        /* The half of rounding adds one bit, beyond the accumulator two. */
        int32_t more = layer->shift > s->acc_bits ? 2 : layer->round != 0;
        v.acc = larger(v.acc, s->acc_bits + more);
        v.left = larger(v.left, -layer->shift);
        v.is_signed = v.is_signed && layer->in_signed;
        v.packed = v.packed && pta_step_unpacked(slice, s) == NULL;
    }
    v.packed = v.packed && l->folds[0].pe > 1;
    v.y = larger(v.x, v.out);
    return v;
}

static pta_status check_widths(const pta_lowering *l, const widths *v)
{
    int32_t x = v->x + (v->is_signed ? 0 : 1);
    if (larger(x, v->w) > WIDE || (x > NARROW && v->w > NARROW)) {
        return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                        "engine: reused: products of %d x %d bits (signed), a "
                        "DSP takes %d x %d",
                        (int)x, (int)v->w, WIDE, NARROW);
    }
    if (v->acc + v->left > ACC) {
        return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                        "engine: reused: accumulator of %d bits, a DSP has %d",
                        (int)(v->acc + v->left), ACC);
    }
    return PTA_OK;
}

/* The plan's chain, or that with the least latency, its adder tree included. */
static int32_t chain_of(const widths *v, const pta_fold *fold)
{
    int32_t most = v->packed && !v->is_signed ? 2 : 4, best = 1, least = 0;
    int32_t simd = fold->simd;
    if (fold->chain > 0) {
        return fold->chain < most ? fold->chain : most;
    }
    for (int32_t lc = 1; lc <= most && lc <= simd; lc++) {
        int32_t delay = (lc == 1 ? 0 : lc) + log2_ceil(ceil_div(simd, lc));
        if (lc == 1 || delay <= least) {
            best = lc;
            least = delay;
        }
    }
    return best;
}

/* ---- the block ---- */

static pta_status shape_of(const pta_lowering *l, int32_t p_in, pta_fold *fold)
{
    *fold = l->folds[0];
    for (int32_t i = 0; i < l->slice->n_steps; i++) {
        const pta_fold *f = &l->folds[i];
        if (f->pe != fold->pe || f->simd != fold->simd ||
            f->memory != fold->memory) {
            return refuse(l, i,
                          "has another folding than the first layer, "
                          "expected one array for all");
        }
    }
    if (fold->pe < 1 || fold->simd < fold->pe || fold->simd < p_in) {
        return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED,
                        "engine: reused: pe %d, simd %d; expected 1 <= pe <= "
                        "simd and simd >= %d, what the bus brings in a cycle",
                        (int)fold->pe, (int)fold->simd, (int)p_in);
    }
    return PTA_OK;
}

typedef struct sizes {
    int32_t steps, groups, in_rows, act_rows, accs, mb;
} sizes;

static sizes sizes_of(const pta_lowering *l, const pta_fold *f, int32_t p_in)
{
    const pta_engine_layer *layers = l->design->layers;
    sizes z = {.act_rows = 1, .accs = 1, .mb = 1};
    z.in_rows = ceil_div(ceil_div(layers[0].n, p_in) * p_in, f->simd);
    for (int32_t i = 0; i < l->slice->n_steps; i++) {
        int32_t mg = ceil_div(layers[i].m, f->pe);
        z.steps += ceil_div(layers[i].n, f->simd) * mg;
        z.groups += mg;
        z.mb = larger(z.mb, log2_ceil(mg));
        if (layers[i].columns) {
            z.accs = larger(z.accs, mg);
        }
        if (i < l->slice->n_steps - 1) {
            z.act_rows = larger(z.act_rows, ceil_div(mg * f->pe, f->simd));
        }
    }
    return z;
}

static void set_numbers(pta_block *b, const widths *v, const pta_fold *fold)
{
    pta_block_set(b, "W_IN", v->in);
    pta_block_set(b, "WX", v->x);
    pta_block_set(b, "SIGNED", v->is_signed);
    pta_block_set(b, "WY", v->y);
    pta_block_set(b, "WOUT", v->out);
    pta_block_set(b, "WW", v->w);
    pta_block_set(b, "WACC", v->acc);
    pta_block_set(b, "LEFT", v->left);
    pta_block_set(b, "PACKED", v->packed);
    pta_block_set(b, "LC", chain_of(v, fold));
}

static void set_sizes(pta_block *b, const pta_lowering *l, const widths *v,
                      const pta_fold *f, int32_t p_in, int32_t p_out)
{
    const sizes z = sizes_of(l, f, p_in);
    bool block = f->memory != PTA_MEMORY_LUT, ram = f->memory == PTA_MEMORY_RAM;
    bool wide = z.groups > 64 && !ram;
    pta_block_set(b, "LAYERS", l->slice->n_steps);
    pta_block_set(b, "STEPS", z.steps);
    pta_block_set(b, "GROUPS", z.groups);
    pta_block_set(b, "M", l->design->layers[l->slice->n_steps - 1].m);
    pta_block_set(b, "N", l->design->layers[0].n);
    pta_block_set(b, "PE", f->pe);
    pta_block_set(b, "SIMD", f->simd);
    pta_block_set(b, "P_IN", p_in);
    pta_block_set(b, "P_OUT", p_out);
    pta_block_set(b, "G", gcd(f->pe, f->simd));
    pta_block_set(b, "G_IN", gcd(p_in, f->simd));
    pta_block_set(b, "IN_ROWS", z.in_rows);
    pta_block_set(b, "ACT_ROWS", z.act_rows);
    pta_block_set(b, "ACCS", z.accs);
    pta_block_set(b, "MB", z.mb);
    pta_block_set(b, "BLOCK", block);
    pta_block_set(b, "B_BLOCK", wide);
    pta_block_set(b, "RAM", ram);
    b->steps = z.steps;
    pta_block_add_memory(b, PTA_ROLE_WEIGHTS, f->memory, z.steps,
                         (int64_t)f->pe * f->simd * v->w);
    pta_block_add_memory(b, PTA_ROLE_BIAS,
                         ram    ? PTA_MEMORY_RAM
                         : wide ? PTA_MEMORY_BLOCK
                                : PTA_MEMORY_LUT,
                         z.groups, (int64_t)f->pe * v->acc);
    pta_block_add_memory(b, PTA_ROLE_PROGRAM, PTA_MEMORY_LUT, l->slice->n_steps,
                         PTA_ENGINE_WORD);
}

static pta_status lower_block(pta_lowering *l)
{
    const pta_slice *s = l->slice;
    const pta_step *end = &s->steps[s->n_steps - 1];
    int32_t stream, p_in = pta_lower_peek(l, s->inputs[0])->lanes;
    int32_t m = l->design->layers[s->n_steps - 1].m;
    pta_fold fold;
    pta_block *block;
    PTA_TRY(shape_of(l, p_in, &fold));
    widths v = widths_of(l);
    PTA_TRY(check_widths(l, &v));
    int32_t p_out = fold.pe < m ? fold.pe : m;
    PTA_TRY(
        pta_lower_take(l, s->inputs[0], l->design->layers[0].n, p_in, &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_ENGINE, 0, stream, &block));
    set_numbers(block, &v, &fold);
    set_sizes(block, l, &v, &fold, p_in, p_out);
    pta_stream out = pta_value_stream(s, end->out, p_out);
    out.c = m;
    out.vectors = 1;
    PTA_TRY(pta_lower_output(l, out, &stream));
    return pta_lower_give(l, end->out, stream);
}

pta_status pta_lower_engine(pta_lowering *l)
{
    PTA_TRY(check_chain(l));
    PTA_TRY_ALLOC(l->ctx, l->design->layers, l->slice->n_steps);
    l->design->n_layers = l->slice->n_steps;
    for (int32_t i = 0; i < l->slice->n_steps; i++) {
        PTA_TRY(set_layer(l, i, &l->design->layers[i]));
    }
    PTA_TRY(lower_block(l));
    for (int32_t i = 0; i < l->slice->n_steps; i++) {
        l->design->layers[i].shift +=
            (int32_t)pta_block_param(&l->design->blocks[0], "LEFT");
    }
    return PTA_OK;
}
