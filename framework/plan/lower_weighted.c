/*
 * Lowering of layers with weights: matrix-vector units behind windows,
 * depthwise convolutions, scale and shift.
 */
#include "plan/design_priv.h"

/* What one DSP48E1 multiplies: 25 x 18 bits, signed. */
#define WIDE   25
#define NARROW 18
#define ACC    48

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static pta_status check_widths(const pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    int32_t x = pta_value_width(l->slice, s->in[0]);
    int32_t w = s->weights.format.width;
    x += pta_value_signed(l->slice, s->in[0]) ? 0 : 1;
    int32_t most = x > w ? x : w, least = x > w ? w : x;
    if (!s->weights.format.is_signed) {
        return pta_lower_refuse(l, step, "unsigned weights have no multiplier");
    }
    if (most > WIDE || least > NARROW) {
        return pta_lower_refuse(l, step,
                                "products of %d x %d bits (signed), a DSP "
                                "takes %d x %d",
                                (int)x, (int)w, WIDE, NARROW);
    }
    if (s->acc_bits > ACC) {
        return pta_lower_refuse(l, step, "accumulator of %d bits, a DSP has %d",
                                (int)s->acc_bits, ACC);
    }
    return PTA_OK;
}

static pta_status fold_of(const pta_lowering *l, int32_t step, pta_fold *fold)
{
    const pta_step *s = &l->slice->steps[step];
    *fold = pta_fold_cut(l->slice, s, l->folds[step]);
    if (fold->pe < 1 || fold->simd < 1) {
        return pta_lower_refuse(l, step, "no folding chosen");
    }
    return PTA_OK;
}

static pta_fold_memory bias_memory(pta_fold_memory memory)
{
    return memory == PTA_MEMORY_RAM ? PTA_MEMORY_RAM : PTA_MEMORY_LUT;
}

/* ---- dense layers and convolutions ---- */

const char *pta_step_unpacked(const pta_slice *slice, const pta_step *step)
{
    if (pta_value_width(slice, step->in[0]) > 8) {
        return "inputs of more than 8 bits";
    }
    if (step->weights.format.width > 8) {
        return "weights of more than 8 bits";
    }
    return step->weights.format.overflow == PTA_OVF_SAT_SYM
               ? NULL
               : "weights may be the least of their format";
}

/* The window's stream for the multipliers, zeros around the image included. */
static pta_status lower_window(pta_lowering *l, int32_t step,
                               const pta_fold *fold, int32_t *stream)
{
    const pta_step *s = &l->slice->steps[step];
    pta_view in = l->slice->values[s->in[0]].view;
    pta_view out = l->slice->values[s->out].view;
    int32_t p = pta_window_lanes(l->slice, s, fold, l->pace);
    int32_t width = pta_value_width(l->slice, s->in[0]);
    pta_block *block;
    pta_window window = s->window;
    PTA_TRY(pta_lower_take(l, s->in[0], in.c, p, stream));
    PTA_TRY(pta_lower_far_pads(l, step, &window, &in, p, stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_WINDOW, step, *stream, &block));
    pta_block_set(block, "ROWS", in.h);
    pta_block_set(block, "COLS", in.w);
    pta_block_set(block, "C", in.c);
    pta_block_set(block, "P", p);
    pta_block_set(block, "P_OUT", fold->simd);
    pta_block_set(block, "W", width);
    pta_block_set_window(block, &window, in, p, width);
    int64_t reads = pta_window_reads(&window, out, in.c, p);
    block->steps = reads > block->steps ? reads : block->steps;
    pta_stream patches = l->design->streams[*stream];
    patches.value = -1;
    patches.c = window.kh * window.kw * in.c;
    patches.lanes = fold->simd;
    patches.vectors = (int64_t)out.h * out.w;
    return pta_lower_output(l, patches, stream);
}

/* Chains as long as may be (two products in a DSP: 4, unsigned 2), and then as
 * even as can be: the longest says how late the sums are. */
static int32_t chain_length(const pta_fold *fold, bool packed, bool x_signed)
{
    int32_t most = packed && !x_signed ? 2 : 4;
    most = fold->chain > 0 && fold->chain < most ? fold->chain : most;
    int32_t chains = ceil_div(fold->simd, most);
    return ceil_div(fold->simd, chains);
}

static void set_matrix(pta_block *block, const pta_slice *slice,
                       const pta_step *s, const pta_fold *fold)
{
    pta_work work = pta_step_work(slice, s);
    bool x_signed = pta_value_signed(slice, s->in[0]);
    int32_t ww = s->weights.format.width;
    bool packed = block->kind == PTA_BLOCK_MVU_PACKED;
    pta_block_set(block, "M", work.m);
    pta_block_set(block, "N", work.n);
    pta_block_set(block, "PE", fold->pe);
    pta_block_set(block, "SIMD", fold->simd);
    pta_block_set(block, "WX", pta_value_width(slice, s->in[0]));
    pta_block_set(block, "X_SIGNED", x_signed);
    pta_block_set(block, "WW", ww);
    pta_block_set(block, "WACC", s->acc_bits);
    pta_block_set(block, "ORDER", fold->order == PTA_FOLD_COLUMNS);
    pta_block_set(block, "BLOCK", fold->memory != PTA_MEMORY_LUT);
    pta_block_set(block, "RAM", fold->memory == PTA_MEMORY_RAM);
    pta_block_set(block, "LC", chain_length(fold, packed, x_signed));
    int64_t groups = ceil_div(work.m, fold->pe);
    int64_t steps = ceil_div(work.n, fold->simd) * groups;
    pta_block_add_memory(block, PTA_ROLE_WEIGHTS, fold->memory, steps,
                         (int64_t)fold->pe * fold->simd * ww);
    pta_block_add_memory(block, PTA_ROLE_BIAS, bias_memory(fold->memory),
                         groups, (int64_t)fold->pe * s->acc_bits);
    block->steps = work.positions * steps;
}

static pta_block_kind matrix_kind(const pta_slice *slice, const pta_step *step,
                                  const pta_fold *fold)
{
    return fold->pe > 1 && pta_step_unpacked(slice, step) == NULL
               ? PTA_BLOCK_MVU_PACKED
               : PTA_BLOCK_MVU;
}

pta_block pta_matrix_block(const pta_slice *slice, const pta_step *step,
                           const pta_fold *fold)
{
    pta_block block = {.kind = matrix_kind(slice, step, fold)};
    set_matrix(&block, slice, step, fold);
    return block;
}

static pta_status lower_mvu(pta_lowering *l, int32_t step, const pta_fold *fold,
                            int32_t in, int32_t *out)
{
    const pta_step *s = &l->slice->steps[step];
    pta_work work = pta_step_work(l->slice, s);
    pta_block *block;
    PTA_TRY(
        pta_lower_block(l, matrix_kind(l->slice, s, fold), step, in, &block));
    set_matrix(block, l->slice, s, fold);
    pta_stream sums = {.value = -1,
                       .c = work.m,
                       .lanes = fold->pe,
                       .width = s->acc_bits,
                       .is_signed = true,
                       .vectors = work.positions};
    return pta_lower_output(l, sums, out);
}

pta_status pta_lower_matrix(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_work work = pta_step_work(l->slice, s);
    int32_t stream;
    pta_fold fold;
    PTA_TRY(check_widths(l, step));
    PTA_TRY(fold_of(l, step, &fold));
    if (s->op == PTA_STEP_CONV && !pta_step_pointwise(s)) {
        PTA_TRY(lower_window(l, step, &fold, &stream));
    } else {
        PTA_TRY(pta_lower_take(l, s->in[0], work.n, fold.simd, &stream));
    }
    PTA_TRY(lower_mvu(l, step, &fold, stream, &stream));
    if (!s->partial) {
        PTA_TRY(pta_lower_requant(l, step, stream, &stream));
    }
    return pta_lower_give(l, s->out, stream);
}

/* ---- depthwise ---- */

static void set_depthwise(pta_block *block, const pta_slice *slice,
                          const pta_step *s, int32_t mult, int32_t p)
{
    pta_block_set(block, "MULT", mult);
    pta_block_set(block, "IN_SIGNED", pta_value_signed(slice, s->in[0]));
    pta_block_set(block, "WW", s->weights.format.width);
    pta_block_set(block, "WACC", s->acc_bits);
    pta_block_set(block, "WOUT", pta_value_width(slice, s->out));
    pta_block_set(block, "SHIFT", s->acc_frac - pta_value_frac(slice, s->out));
    pta_block_set_format(block, slice->values[s->out].format);
    pta_block_set_activation(block, s, s->acc_bits);
    pta_block_set(block, "P", p);
}

pta_status pta_lower_depthwise(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_view in = l->slice->values[s->in[0]].view;
    pta_view out = l->slice->values[s->out].view;
    int32_t stream, mult = out.c / in.c;
    int32_t width = pta_value_width(l->slice, s->in[0]);
    pta_fold fold;
    pta_block *block;
    PTA_TRY(check_widths(l, step));
    PTA_TRY(fold_of(l, step, &fold));
    pta_window window = s->window;
    PTA_TRY(pta_lower_take(l, s->in[0], in.c, fold.pe, &stream));
    PTA_TRY(pta_lower_far_pads(l, step, &window, &in, fold.pe, &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_DEPTHWISE, step, stream, &block));
    pta_block_set(block, "ROWS", in.h);
    pta_block_set(block, "COLS", in.w);
    pta_block_set(block, "C", in.c);
    pta_block_set(block, "W", width);
    set_depthwise(block, l->slice, s, mult, fold.pe);
    pta_block_set_window(block, &window, in, fold.pe, width);
    pta_block_set(block, "W_BLOCK", fold.memory != PTA_MEMORY_LUT);
    pta_block_set(block, "RAM", fold.memory == PTA_MEMORY_RAM);
    int64_t beats = ceil_div(in.c, fold.pe), lanes = (int64_t)fold.pe * mult;
    pta_block_add_memory(block, PTA_ROLE_WEIGHTS, fold.memory,
                         window.kh * window.kw * beats,
                         lanes * s->weights.format.width);
    pta_block_add_memory(block, PTA_ROLE_BIAS, bias_memory(fold.memory), beats,
                         lanes * s->acc_bits);
    int64_t reads = pta_window_reads(&window, out, in.c, fold.pe);
    block->steps = reads > block->steps ? reads : block->steps;
    PTA_TRY(pta_lower_output(
        l, pta_value_stream(l->slice, s->out, fold.pe * mult), &stream));
    return pta_lower_give(l, s->out, stream);
}

/* ---- scale and shift ---- */

pta_status pta_lower_scale_shift(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    int32_t c = l->slice->values[s->in[0]].view.c, stream;
    pta_fold fold;
    pta_block *block;
    PTA_TRY(check_widths(l, step));
    PTA_TRY(fold_of(l, step, &fold));
    PTA_TRY(pta_lower_take(l, s->in[0], c, fold.pe, &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_SCALE_SHIFT, step, stream, &block));
    pta_block_set(block, "C", c);
    pta_block_set(block, "P", fold.pe);
    pta_block_set(block, "WX", pta_value_width(l->slice, s->in[0]));
    pta_block_set(block, "X_SIGNED", pta_value_signed(l->slice, s->in[0]));
    pta_block_set(block, "WW", s->weights.format.width);
    pta_block_set(block, "WACC", s->acc_bits);
    pta_block_set(block, "WOUT", pta_value_width(l->slice, s->out));
    pta_block_set(block, "SHIFT",
                  s->acc_frac - pta_value_frac(l->slice, s->out));
    pta_block_set_format(block, l->slice->values[s->out].format);
    pta_block_set_activation(block, s, s->acc_bits);
    pta_block_set(block, "BLOCK", fold.memory != PTA_MEMORY_LUT);
    pta_block_set(block, "RAM", fold.memory == PTA_MEMORY_RAM);
    int64_t beats = ceil_div(c, fold.pe);
    pta_block_add_memory(block, PTA_ROLE_SCALE, fold.memory, beats,
                         (int64_t)fold.pe * s->weights.format.width);
    pta_block_add_memory(block, PTA_ROLE_BIAS, fold.memory, beats,
                         (int64_t)fold.pe * s->acc_bits);
    PTA_TRY(pta_lower_output(l, pta_value_stream(l->slice, s->out, fold.pe),
                             &stream));
    return pta_lower_give(l, s->out, stream);
}
