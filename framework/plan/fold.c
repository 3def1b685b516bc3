/*
 * Foldings: work, steps and lanes of weighted layers.
 */
#include "plan/design_priv.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

bool pta_step_folded(const pta_step *step)
{
    return step->op == PTA_STEP_DENSE || step->op == PTA_STEP_CONV ||
           step->op == PTA_STEP_DWCONV || step->op == PTA_STEP_SCALE_SHIFT;
}

pta_work pta_step_work(const pta_slice *slice, const pta_step *step)
{
    pta_view in = slice->values[step->in[0]].view;
    pta_view out = slice->values[step->out].view;
    pta_work work = {(int64_t)out.h * out.w, out.c, 1};
    if (step->op == PTA_STEP_DENSE) {
        work = (pta_work){1, (int32_t)pta_view_count(out),
                          (int32_t)pta_view_count(in)};
    } else if (step->op == PTA_STEP_CONV) {
        work.n = step->window.kh * step->window.kw * in.c;
    } else if (step->op == PTA_STEP_DWCONV) {
        work.m = in.c;
        work.n = step->window.kh * step->window.kw;
    }
    return work;
}

pta_fold pta_fold_cut(const pta_slice *slice, const pta_step *step,
                      pta_fold fold)
{
    pta_work work = pta_step_work(slice, step);
    fold.pe = fold.pe < work.m ? fold.pe : work.m;
    fold.simd = fold.simd < work.n ? fold.simd : work.n;
    if (step->op == PTA_STEP_DWCONV || step->op == PTA_STEP_SCALE_SHIFT) {
        fold.simd = 1;
    }
    return fold;
}

bool pta_step_pointwise(const pta_step *step)
{
    const pta_window *w = &step->window;
    return step->op == PTA_STEP_CONV && w->kh == 1 && w->kw == 1 &&
           w->stride_h == 1 && w->stride_w == 1 && w->pad_t == 0 &&
           w->pad_b == 0 && w->pad_l == 0 && w->pad_r == 0;
}

int32_t pta_window_lanes(const pta_slice *slice, const pta_step *step,
                         const pta_fold *fold, int64_t pace)
{
    pta_view in = slice->values[step->in[0]].view;
    pta_view out = slice->values[step->out].view;
    if (in.c % fold->simd == 0) {
        return fold->simd;
    }
    return pta_lanes_for(in.c, pta_window_reads(&step->window, out, 1, 1),
                         pace);
}

static int64_t matrix_cycles(const pta_slice *slice, const pta_step *step,
                             const pta_fold *fold)
{
    pta_work work = pta_step_work(slice, step);
    int64_t steps = work.positions * ceil_div(work.n, fold->simd) *
                    ceil_div(work.m, fold->pe);
    if (step->op == PTA_STEP_DENSE || pta_step_pointwise(step)) {
        return steps;
    }
    /* The window gives at most a cell a cycle. */
    int32_t p = pta_window_lanes(slice, step, fold, steps);
    int64_t reads =
        pta_window_reads(&step->window, slice->values[step->out].view,
                         slice->values[step->in[0]].view.c, p);
    return reads > steps ? reads : steps;
}

int64_t pta_step_cycles(const pta_slice *slice, const pta_step *step,
                        const pta_fold *given)
{
    if (!pta_step_folded(step) || given->pe < 1 || given->simd < 1) {
        return 0;
    }
    pta_fold cut = pta_fold_cut(slice, step, *given), *fold = &cut;
    pta_work work = pta_step_work(slice, step);
    if (step->op == PTA_STEP_DENSE || step->op == PTA_STEP_CONV) {
        return matrix_cycles(slice, step, fold);
    }
    return work.positions * work.n * ceil_div(work.m, fold->pe);
}

static void add(pta_resources *to, pta_resources more)
{
    to->lut += more.lut;
    to->lutram += more.lutram;
    to->ff += more.ff;
    to->dsp += more.dsp;
    to->bram18 += more.bram18;
}

/* Depthwise and scale-shift, in proportion to their lanes. */
static pta_resources lanes_resources(const pta_slice *slice,
                                     const pta_step *step, const pta_fold *fold)
{
    pta_work work = pta_step_work(slice, step);
    int32_t mult = slice->values[step->out].view.c / work.m;
    int64_t lanes = (int64_t)fold->pe * mult;
    int64_t words = ceil_div(work.m, fold->pe) * work.n;
    int64_t bits = lanes * step->weights.format.width;
    pta_resources r = pta_requant_count(
        lanes, step->acc_bits, pta_value_width(slice, step->out),
        step->acc_frac - pta_value_frac(slice, step->out),
        step->act != PTA_ACT_NONE);
    r.dsp += lanes;
    r.lut += lanes * step->acc_bits;
    if (fold->memory == PTA_MEMORY_LUT) {
        r.lut += bits * ceil_div(words, 64);
    } else if (words > 1) {
        r.bram18 += pta_bram18_count(words, bits);
    }
    return r;
}

pta_resources pta_fold_resources(const pta_slice *slice, const pta_step *step,
                                 const pta_fold *fold)
{
    if (step->op == PTA_STEP_DWCONV || step->op == PTA_STEP_SCALE_SHIFT) {
        return lanes_resources(slice, step, fold);
    }
    pta_block block = pta_matrix_block(slice, step, fold);
    pta_block_count(&block);
    pta_resources r = block.resources;
    if (!step->partial) {
        add(&r, pta_requant_count(
                    fold->pe, step->acc_bits, pta_value_width(slice, step->out),
                    step->acc_frac - pta_value_frac(slice, step->out),
                    step->act != PTA_ACT_NONE));
    }
    int32_t c = slice->values[step->in[0]].view.c;
    if (step->op == PTA_STEP_CONV && !pta_step_pointwise(step) &&
        c % fold->simd != 0) {
        int64_t pace = pta_step_cycles(slice, step, fold);
        int32_t p = pta_window_lanes(slice, step, fold, pace);
        add(&r,
            pta_gearbox_count(pta_value_width(slice, step->in[0]), c, p,
                              (int64_t)c * step->window.kh * step->window.kw,
                              fold->simd));
    }
    return r;
}
