/*
 * Lowering of layers over images without weights: pooling, padding, cropping,
 * permuting.
 */
#include "plan/design_priv.h"

static int32_t gcd(int32_t a, int32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

/* Lanes for `cycles` a sample at one lane: those that the value comes in, if
 * they keep pace and divide its channels, else the fewest that do. */
static int32_t lanes_of(const pta_lowering *l, int32_t value, int64_t positions)
{
    const pta_stream *s = pta_lower_peek(l, value);
    int32_t c = l->slice->values[value].view.c;
    bool fits = s->c % s->lanes == 0 && c % s->lanes == 0;
    return fits && positions * (c / s->lanes) <= l->pace
               ? s->lanes
               : pta_lanes_for(c, positions, l->pace);
}

static void set_image(pta_block *block, pta_view in, int32_t p, int32_t width)
{
    pta_block_set(block, "ROWS", in.h);
    pta_block_set(block, "COLS", in.w);
    pta_block_set(block, "C", in.c);
    pta_block_set(block, "P", p);
    pta_block_set(block, "W", width);
}

/* ---- padding ---- */

static pta_status add_pad(pta_lowering *l, int32_t step, const pta_window *w,
                          pta_view in, int32_t p, int32_t *stream)
{
    pta_stream s = l->design->streams[*stream];
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_PAD, step, *stream, &block));
    set_image(block, in, p, s.width);
    pta_block_set(block, "PT", w->pad_t);
    pta_block_set(block, "PB", w->pad_b);
    pta_block_set(block, "PL", w->pad_l);
    pta_block_set(block, "PR", w->pad_r);
    s.c = in.c;
    s.lanes = p;
    s.vectors =
        (int64_t)(in.h + w->pad_t + w->pad_b) * (in.w + w->pad_l + w->pad_r);
    return pta_lower_output(l, s, stream);
}

pta_status pta_lower_pad(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_view in = l->slice->values[s->in[0]].view;
    pta_view out = l->slice->values[s->out].view;
    int32_t p = lanes_of(l, s->in[0], (int64_t)out.h * out.w), stream;
    PTA_TRY(pta_lower_take(l, s->in[0], in.c, p, &stream));
    PTA_TRY(add_pad(l, step, &s->window, in, p, &stream));
    return pta_lower_give(l, s->out, stream);
}

/* pta_cells.sv: each pad less than the span of the window. */
static bool far(const pta_window *w)
{
    int32_t h = (w->kh - 1) * w->dilation_h, v = (w->kw - 1) * w->dilation_w;
    return w->pad_t > h || w->pad_b > h || w->pad_l > v || w->pad_r > v;
}

pta_status pta_lower_far_pads(pta_lowering *l, int32_t step, pta_window *w,
                              pta_view *in, int32_t p, int32_t *stream)
{
    if (!far(w)) {
        return PTA_OK;
    }
    PTA_TRY(add_pad(l, step, w, *in, p, stream));
    in->h += w->pad_t + w->pad_b;
    in->w += w->pad_l + w->pad_r;
    w->pad_t = w->pad_b = w->pad_l = w->pad_r = 0;
    return PTA_OK;
}

/* ---- pooling ---- */

static pta_status check_pool(const pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    const pta_window *w = &s->window;
    pta_view in = l->slice->values[s->in[0]].view;
    if (far(w)) {
        return pta_lower_refuse(l, step,
                                "pads %d, %d, %d, %d reach beyond a window of "
                                "%dx%d: some windows would be empty",
                                (int)w->pad_t, (int)w->pad_b, (int)w->pad_l,
                                (int)w->pad_r, (int)w->kh, (int)w->kw);
    }
    if (in.h < w->dilation_h || in.w < w->dilation_w) {
        return pta_lower_refuse(l, step, "an image of %dx%d, dilation %dx%d",
                                (int)in.h, (int)in.w, (int)w->dilation_h,
                                (int)w->dilation_w);
    }
    pta_format out = l->slice->values[s->out].format;
    if (s->op == PTA_STEP_AVGPOOL && out.rounding != PTA_RND_RND) {
        return pta_lower_refuse(l, step, "averages are rounded by RND, not %s",
                                pta_rounding_name(out.rounding));
    }
    return PTA_OK;
}

/* Pooling of the whole image needs no ring and reads each beat once. */
static int64_t pool_reads(const pta_window *w, pta_view in, pta_view out)
{
    int64_t reads = pta_window_reads(w, out, 1, 1),
            beats = (int64_t)in.h * in.w;
    return reads > beats ? reads : beats;
}

pta_status pta_lower_pool(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    const pta_slice *slice = l->slice;
    pta_view in = slice->values[s->in[0]].view;
    pta_view out = slice->values[s->out].view;
    PTA_TRY(check_pool(l, step));
    int64_t reads = pool_reads(&s->window, in, out);
    int32_t p = lanes_of(l, s->in[0], reads), stream;
    int32_t width = pta_value_width(slice, s->in[0]);
    bool average = s->op == PTA_STEP_AVGPOOL;
    pta_block *block;
    PTA_TRY(pta_lower_take(l, s->in[0], in.c, p, &stream));
    PTA_TRY(pta_lower_block(l,
                            average ? PTA_BLOCK_POOL_AVG : PTA_BLOCK_POOL_MAX,
                            step, stream, &block));
    set_image(block, in, p, width);
    pta_block_set(block, "IN_SIGNED", pta_value_signed(slice, s->in[0]));
    if (average) {
        pta_format format = slice->values[s->out].format;
        pta_block_set(block, "WOUT", format.width);
        pta_block_set(block, "OUT_SIGNED", format.is_signed);
        pta_block_set(block, "SHIFT",
                      pta_value_frac(slice, s->in[0]) -
                          pta_value_frac(slice, s->out));
        pta_block_set(block, "OVERFLOW", format.overflow);
    }
    pta_block_set_window(block, &s->window, in, p, width);
    block->steps = reads * (in.c / p);
    PTA_TRY(pta_lower_output(l, pta_value_stream(slice, s->out, p), &stream));
    return pta_lower_give(l, s->out, stream);
}

/* ---- cropping ---- */

typedef struct crop {
    pta_view in;
    int32_t first_row, rows, first_c, c;
} crop;

/* A crop that is no box of this view is one of another, if its runs are all as
 * long and as far from each other, as a region's are. */
static bool crop_of_runs(const pta_copy *runs, int64_t count, crop *out)
{
    int32_t n = runs->n_runs, length = runs->runs[0].length;
    int64_t stride = n > 1 ? runs->runs[1].src - runs->runs[0].src : count;
    for (int32_t i = 0; i < n; i++) {
        const pta_copy_run *r = &runs->runs[i];
        if (r->length != length || r->dst != i * length ||
            r->src != runs->runs[0].src + i * stride) {
            return false;
        }
    }
    int64_t first = runs->runs[0].src % stride;
    *out = (crop){{(int32_t)(count / stride), 1, (int32_t)stride},
                  (int32_t)(runs->runs[0].src / stride),
                  n,
                  (int32_t)first,
                  length};
    return count % stride == 0 && first + length <= stride;
}

static bool crop_of(const pta_lowering *l, const pta_step *s, crop *out)
{
    pta_view in = l->slice->values[s->in[0]].view;
    pta_view to = l->slice->values[s->out].view;
    if (s->crop_h < 0) {
        return s->crop_runs.n_runs > 0 &&
               crop_of_runs(&s->crop_runs, pta_view_count(in), out);
    }
    *out = (crop){in, s->crop_h, to.h, s->crop_c, to.c};
    return true;
}

pta_status pta_lower_crop(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    const pta_stream *from = pta_lower_peek(l, s->in[0]);
    int32_t stream;
    crop k;
    if (!crop_of(l, s, &k)) {
        return pta_lower_refuse(l, step,
                                "the part that this board needs is no box: %d "
                                "runs",
                                (int)s->crop_runs.n_runs);
    }
    int32_t p = gcd(from->lanes < k.in.c ? from->lanes : k.in.c, k.first_c);
    p = p * 8 < from->lanes ? from->lanes : p; /* gearboxes either way */
    pta_block *block;
    PTA_TRY(pta_lower_take(l, s->in[0], k.in.c, p, &stream));
    pta_stream to = l->design->streams[stream];
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_CROP, step, stream, &block));
    set_image(block, k.in, p, to.width);
    pta_block_set(block, "FIRST_ROW", k.first_row);
    pta_block_set(block, "OUT_ROWS", k.rows);
    pta_block_set(block, "FIRST_C", k.first_c);
    pta_block_set(block, "OUT_C", k.c);
    to.c = k.c;
    to.vectors = (int64_t)k.rows * k.in.w;
    PTA_TRY(pta_lower_output(l, to, &stream));
    return pta_lower_give(l, s->out, stream);
}

/* ---- permuting ---- */

pta_status pta_lower_permute(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_view in = l->slice->values[s->in[0]].view;
    bool whole = s->perm[2] == 2; /* channels stay last */
    int32_t p = whole ? lanes_of(l, s->in[0], (int64_t)in.h * in.w) : 1;
    int32_t width = pta_value_width(l->slice, s->in[0]), stream;
    int64_t cells = pta_view_count(in) / p;
    pta_block *block;
    PTA_TRY(pta_lower_take(l, s->in[0], in.c, p, &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_PERMUTE, step, stream, &block));
    set_image(block, in, p, width);
    pta_block_set(block, "P_OUT", p);
    pta_block_set(block, "PERM0", s->perm[0]);
    pta_block_set(block, "PERM1", s->perm[1]);
    pta_block_set(block, "PERM2", s->perm[2]);
    pta_block_set(block, "BLOCK", cells > 32 && cells * p * width > 2048);
    PTA_TRY(
        pta_lower_output(l, pta_value_stream(l->slice, s->out, p), &stream));
    return pta_lower_give(l, s->out, stream);
}
