/*
 * Lowering of layers that go element by element (ReLU, tables) and of those
 * with several inputs.
 */
#include <math.h>

#include "plan/design_priv.h"

static int32_t gcd(int32_t a, int32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

static int64_t positions(const pta_lowering *l, int32_t value)
{
    pta_view v = l->slice->values[value].view;
    return (int64_t)v.h * v.w;
}

/* The lanes a value comes in, if they can be kept. */
static int32_t own_lanes(const pta_lowering *l, int32_t value)
{
    const pta_stream *s = pta_lower_peek(l, value);
    int32_t c = l->slice->values[value].view.c;
    return s->c == c || (s->c % s->lanes == 0 && c % s->lanes == 0)
               ? s->lanes
               : pta_lanes_for(c, positions(l, value), l->pace);
}

/* ---- ReLU ---- */

pta_status pta_lower_relu(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_format alpha = s->weights.format;
    int32_t frac = pta_format_frac(alpha), up = frac > 0 ? frac : 0;
    int32_t p = own_lanes(l, s->in[0]), stream;
    bool has_max = s->act_max_raw != INT64_MAX;
    if (s->threshold_raw == INT64_MIN) {
        return pta_lower_refuse(l, step, "threshold %g beyond 63 bits",
                                s->threshold);
    }
    pta_block *block;
    PTA_TRY(pta_lower_take(l, s->in[0], l->slice->values[s->in[0]].view.c, p,
                           &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_RELU, step, stream, &block));
    pta_block_set(block, "P", p);
    pta_block_set(block, "WX", pta_value_width(l->slice, s->in[0]));
    pta_block_set(block, "X_SIGNED", pta_value_signed(l->slice, s->in[0]));
    pta_block_set(block, "WA", alpha.width);
    pta_block_set(block, "UP", up);
    pta_block_set(block, "DOWN", up - frac);
    pta_block_set(block, "THRESHOLD", s->threshold_raw);
    pta_block_set(block, "HAS_MAX", has_max);
    pta_block_set(block, "MAX", has_max ? s->act_max_raw : 0);
    pta_block_set(block, "BEATS", 1);
    pta_block_set(block, "WOUT", pta_value_width(l->slice, s->out));
    pta_block_set(block, "SHIFT",
                  pta_value_frac(l->slice, s->in[0]) + up -
                      pta_value_frac(l->slice, s->out));
    pta_block_set_format(block, l->slice->values[s->out].format);
    pta_block_add_memory(block, PTA_ROLE_ALPHA, PTA_MEMORY_LUT, 1,
                         (int64_t)p * alpha.width);
    PTA_TRY(
        pta_lower_output(l, pta_value_stream(l->slice, s->out, p), &stream));
    return pta_lower_give(l, s->out, stream);
}

/* ---- tables ---- */

/* Beyond +-x the curve has its last value: 1 - sigmoid(x) < 2^-(F+1) from
 * x = (F + 1) ln 2, 1 - tanh(x) from half of (F + 2) ln 2; a bit more is safe. */
static double curve_end(const pta_step *s, int32_t frac)
{
    double f = frac > 0 ? frac : 0;
    switch ((int)s->op) {
    case PTA_STEP_SIGMOID:
        return (f + 2) * 0.6932;
    case PTA_STEP_TANH:
        return (f + 3) * 0.6932 / 2;
    default:
        return s->keras_major == 2 ? 2.5 : 3.0;
    }
}

#define TABLE_MAX (1 << 16) /* words */

pta_status pta_lower_table(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_format in = l->slice->values[s->in[0]].format;
    double end = ldexp(curve_end(s, pta_value_frac(l->slice, s->out)),
                       pta_format_frac(in));
    int64_t first = pta_format_min(in), last = pta_format_max(in);
    first = end + 1 < (double)-first ? -(int64_t)ceil(end) - 1 : first;
    last = end + 1 < (double)last ? (int64_t)ceil(end) + 1 : last;
    int64_t depth = last - first + 1;
    if (depth > TABLE_MAX) {
        return pta_lower_refuse(l, step, "a table of %lld words, at most %d",
                                (long long)depth, TABLE_MAX);
    }
    int32_t c = l->slice->values[s->in[0]].view.c, stream;
    int32_t p = own_lanes(l, s->in[0]);
    bool deep = depth > 256;
    if (deep) { /* each lane is a memory: as few as keep pace */
        p = pta_lanes_for(c, positions(l, s->in[0]), l->pace);
    }
    pta_block *block;
    PTA_TRY(pta_lower_take(l, s->in[0], c, p, &stream));
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_TABLE, step, stream, &block));
    pta_block_set(block, "P", p);
    pta_block_set(block, "WX", in.width);
    pta_block_set(block, "X_SIGNED", in.is_signed);
    pta_block_set(block, "WOUT", pta_value_width(l->slice, s->out));
    pta_block_set(block, "FIRST", first);
    pta_block_set(block, "DEPTH", depth);
    pta_block_set(block, "BLOCK", deep);
    pta_block_add_memory(block, PTA_ROLE_TABLE,
                         deep ? PTA_MEMORY_BLOCK : PTA_MEMORY_LUT, depth,
                         pta_value_width(l->slice, s->out));
    PTA_TRY(
        pta_lower_output(l, pta_value_stream(l->slice, s->out, p), &stream));
    return pta_lower_give(l, s->out, stream);
}

/* ---- element-wise joins ---- */

/* A number on its way through a chain of joins: stream and scale. */
typedef struct number {
    int32_t stream, frac;
} number;

static int32_t join_op(const pta_step *s)
{
    switch ((int)s->op) {
    case PTA_STEP_SUB:
        return 1;
    case PTA_STEP_MUL:
        return 2;
    case PTA_STEP_AVERAGE:
        return 3;
    case PTA_STEP_MAXIMUM:
        return 4;
    default:
        return 0;
    }
}

/* The exact result of a join inside a chain, signed. */
static pta_format exact_format(const pta_lowering *l, int32_t op, number a,
                               number b)
{
    const pta_stream *x = &l->design->streams[a.stream];
    const pta_stream *y = &l->design->streams[b.stream];
    int32_t frac = op == 2           ? a.frac + b.frac
                   : a.frac > b.frac ? a.frac
                                     : b.frac;
    int32_t wx = x->width + !x->is_signed, wy = y->width + !y->is_signed;
    int32_t ux = wx + frac - a.frac, uy = wy + frac - b.frac;
    int32_t width = op == 2 ? wx + wy : (ux > uy ? ux : uy) + (op != 4);
    return (pta_format){.width = (int16_t)width,
                        .integer = (int16_t)(width - frac),
                        .is_signed = true,
                        .rounding = PTA_RND_RND,
                        .overflow = PTA_OVF_SAT};
}

/* The join of two; `last`: with the step's activation, else `to` is exact. */
static pta_status join_two(pta_lowering *l, int32_t step, number a, number b,
                           pta_format to, bool last, number *out)
{
    const pta_step *s = &l->slice->steps[step];
    pta_stream x = l->design->streams[a.stream];
    pta_stream y = l->design->streams[b.stream];
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_JOIN_BINARY, step, a.stream, &block));
    pta_lower_input(l, b.stream);
    pta_block_set(block, "P", x.lanes);
    pta_block_set(block, "OP", join_op(s));
    pta_block_set(block, "W0", x.width);
    pta_block_set(block, "SIGNED0", x.is_signed);
    pta_block_set(block, "FRAC0", a.frac);
    pta_block_set(block, "W1", y.width);
    pta_block_set(block, "SIGNED1", y.is_signed);
    pta_block_set(block, "FRAC1", b.frac);
    pta_block_set(block, "WOUT", to.width);
    pta_block_set(block, "FRAC_OUT", pta_format_frac(to));
    pta_block_set_format(block, to);
    pta_step inner = *s;
    inner.act = last ? s->act : PTA_ACT_NONE;
    pta_block_set_activation(block, &inner, 61);
    pta_block_set(block, "ACT_FRAC", s->acc_frac);
    x.value = -1;
    x.width = to.width;
    x.is_signed = to.is_signed;
    out->frac = pta_format_frac(to);
    return pta_lower_output(l, x, &out->stream);
}

/* All inputs as vectors of the output's channels, `p` a beat. */
static pta_status take_all(pta_lowering *l, const pta_step *s, int32_t p,
                           number *inputs)
{
    for (int32_t k = 0; k < s->n_in; k++) {
        PTA_TRY(pta_lower_take(l, s->in[k], l->slice->values[s->in[k]].view.c,
                               p, &inputs[k].stream));
        inputs[k].frac = pta_value_frac(l->slice, s->in[k]);
    }
    return PTA_OK;
}

static pta_status join_all(pta_lowering *l, int32_t step, const number *inputs)
{
    const pta_step *s = &l->slice->steps[step];
    pta_format to = l->slice->values[s->out].format;
    number sum = inputs[0];
    for (int32_t k = 1; k < s->n_in; k++) {
        bool last = k == s->n_in - 1;
        pta_format f = last ? to : exact_format(l, join_op(s), sum, inputs[k]);
        if (f.width > 48) {
            return pta_lower_refuse(l, step, "exact results of %d bits",
                                    (int)f.width);
        }
        PTA_TRY(join_two(l, step, sum, inputs[k], f, last, &sum));
    }
    return pta_lower_give(l, s->out, sum.stream);
}

/* ---- concatenation ---- */

typedef struct joint {
    int32_t axis;    /* 0 rows, 1 columns, 2 channels */
    int32_t c[2];    /* of the vectors */
    int64_t n[2];    /* vectors in turn, but for channels */
    int64_t vectors; /* out */
} joint;

static pta_status concat_two(pta_lowering *l, int32_t step, number a, number b,
                             const joint *j, pta_format to, number *out)
{
    pta_stream x = l->design->streams[a.stream];
    pta_stream y = l->design->streams[b.stream];
    int32_t frac = pta_format_frac(to);
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_CONCAT, step, a.stream, &block));
    pta_lower_input(l, b.stream);
    pta_block_set(block, "CHANNELS", j->axis == 2);
    pta_block_set(block, "P", x.lanes);
    pta_block_set(block, "C0", j->c[0]);
    pta_block_set(block, "N0", j->n[0]);
    pta_block_set(block, "W0", x.width);
    pta_block_set(block, "SIGNED0", x.is_signed);
    pta_block_set(block, "SHIFT0", a.frac - frac);
    pta_block_set(block, "C1", j->c[1]);
    pta_block_set(block, "N1", j->n[1]);
    pta_block_set(block, "W1", y.width);
    pta_block_set(block, "SIGNED1", y.is_signed);
    pta_block_set(block, "SHIFT1", b.frac - frac);
    pta_block_set(block, "WOUT", to.width);
    pta_block_set_format(block, to);
    block->steps = pta_stream_beats(&x) + pta_stream_beats(&y);
    x.value = -1;
    x.width = to.width;
    x.is_signed = to.is_signed;
    x.c = j->axis == 2 ? j->c[0] + j->c[1] : j->c[0];
    x.vectors = j->vectors;
    out->frac = frac;
    return pta_lower_output(l, x, &out->stream);
}

/* Input k joins the first k: `c0`, `n0` are theirs together. */
static joint joint_of(const pta_slice *slice, const pta_step *s, int32_t k,
                      const joint *before)
{
    pta_view v = slice->values[s->in[k]].view;
    int64_t n = s->axis == 0 ? (int64_t)v.h * v.w : s->axis == 1 ? v.w : 1;
    joint j = {.axis = s->axis, .c = {v.c, v.c}, .n = {n, n}};
    if (before != NULL) {
        j.c[0] = s->axis == 2 ? before->c[0] + before->c[1] : v.c;
        j.n[0] = s->axis == 2 ? 1 : before->n[0] + before->n[1];
    } else { /* nothing before the first */
        j.c[0] = s->axis == 2 ? 0 : v.c;
        j.n[0] = 0;
    }
    int64_t turns = s->axis == 0 ? 1 : s->axis == 1 ? v.h : (int64_t)v.h * v.w;
    j.vectors = s->axis == 2 ? turns : turns * (j.n[0] + j.n[1]);
    return j;
}

pta_status pta_lower_concat(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    pta_format to = l->slice->values[s->out].format;
    int32_t p = own_lanes(l, s->in[0]);
    for (int32_t k = 0; k < s->n_in && s->axis == 2; k++) {
        p = gcd(p, l->slice->values[s->in[k]].view.c);
    }
    number *inputs;
    PTA_TRY_ALLOC(l->ctx, inputs, s->n_in);
    pta_status status = take_all(l, s, p, inputs);
    number all = inputs[0];
    joint j = joint_of(l->slice, s, 0, NULL);
    for (int32_t k = 1; k < s->n_in && status == PTA_OK; k++) {
        j = joint_of(l->slice, s, k, &j);
        status = concat_two(l, step, all, inputs[k], &j, to, &all);
    }
    pta_free(l->ctx, inputs);
    PTA_TRY(status);
    return pta_lower_give(l, s->out, all.stream);
}

/* ---- averages of more than two ---- */

/* The inputs' vectors in turn, exactly, are an image whose average pooling over
 * n cells is the layer. */
static pta_status interleave(pta_lowering *l, int32_t step,
                             const number *inputs, number *all)
{
    const pta_step *s = &l->slice->steps[step];
    pta_view v = l->slice->values[s->out].view;
    pta_format to = {.width = 0};
    *all = inputs[0];
    for (int32_t k = 1; k < s->n_in; k++) {
        pta_format f = exact_format(l, 4, inputs[0], inputs[k]);
        int16_t frac = (int16_t)s->acc_frac;
        int16_t integer =
            f.integer > to.integer || k == 1 ? f.integer : to.integer;
        f.integer = integer;
        f.width = (int16_t)(integer + frac);
        to = f;
    }
    for (int32_t k = 1; k < s->n_in; k++) {
        joint j = {.axis = 1,
                   .c = {v.c, v.c},
                   .n = {k, 1},
                   .vectors = (int64_t)v.h * v.w * (k + 1)};
        PTA_TRY(concat_two(l, step, *all, inputs[k], &j, to, all));
    }
    return PTA_OK;
}

static pta_status pool_cells(pta_lowering *l, int32_t step, number all,
                             int32_t *out)
{
    const pta_step *s = &l->slice->steps[step];
    pta_stream x = l->design->streams[all.stream];
    pta_format to = l->slice->values[s->out].format;
    pta_window w = {s->n_in, 1, s->n_in, 1, 1, 1, 0, 0, 0, 0};
    pta_view in = {(int32_t)x.vectors, 1, x.c};
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_POOL_AVG, step, all.stream, &block));
    pta_block_set(block, "ROWS", in.h);
    pta_block_set(block, "COLS", 1);
    pta_block_set(block, "C", x.c);
    pta_block_set(block, "P", x.lanes);
    pta_block_set(block, "W", x.width);
    pta_block_set(block, "IN_SIGNED", 1);
    pta_block_set(block, "WOUT", to.width);
    pta_block_set(block, "OUT_SIGNED", to.is_signed);
    pta_block_set(block, "SHIFT", all.frac - pta_format_frac(to));
    pta_block_set(block, "OVERFLOW", to.overflow);
    pta_block_set_window(block, &w, in, x.lanes, x.width);
    return pta_lower_output(l, pta_value_stream(l->slice, s->out, x.lanes),
                            out);
}

/* Rounding keeps order, so the activation may follow it; its bound is rounded
 * like a value. */
static pta_status activate(pta_lowering *l, int32_t step, int32_t *stream)
{
    const pta_step *s = &l->slice->steps[step];
    pta_stream x = l->design->streams[*stream];
    pta_format to = l->slice->values[s->out].format;
    int32_t down = s->acc_frac - pta_format_frac(to);
    pta_step act = *s;
    if (down > 0 && act.act_max_raw != INT64_MAX) {
        int64_t half = down < 63 ? act.act_max_raw >> (down - 1) : 0;
        act.act_max_raw = (half + 1) >> 1;
    } else if (act.act == PTA_ACT_RELU_MAX && down < 0) {
        bool far = act.act_max_raw >> (down > -40 ? 62 + down : 22) != 0;
        act.act_max_raw = far ? INT64_MAX : act.act_max_raw * (1LL << -down);
    }
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_REQUANT, step, *stream, &block));
    pta_block_set(block, "P", x.lanes);
    pta_block_set(block, "WIN", x.width);
    pta_block_set(block, "IN_SIGNED", x.is_signed);
    pta_block_set(block, "WOUT", to.width);
    pta_block_set(block, "SHIFT", 0);
    pta_block_set_format(block, to);
    pta_block_set_activation(block, &act, x.width);
    return pta_lower_output(l, x, stream);
}

static pta_status average_all(pta_lowering *l, int32_t step,
                              const number *inputs)
{
    const pta_step *s = &l->slice->steps[step];
    pta_format to = l->slice->values[s->out].format;
    number all;
    int32_t stream;
    if (to.rounding != PTA_RND_RND) {
        return pta_lower_refuse(l, step, "averages are rounded by RND, not %s",
                                pta_rounding_name(to.rounding));
    }
    PTA_TRY(interleave(l, step, inputs, &all));
    PTA_TRY(pool_cells(l, step, all, &stream));
    if (s->act != PTA_ACT_NONE) {
        PTA_TRY(activate(l, step, &stream));
    }
    return pta_lower_give(l, s->out, stream);
}

pta_status pta_lower_join(pta_lowering *l, int32_t step)
{
    const pta_step *s = &l->slice->steps[step];
    int32_t p = own_lanes(l, s->in[0]);
    for (int32_t k = 1; k < s->n_in; k++) {
        int32_t q = own_lanes(l, s->in[k]);
        p = q > p ? q : p;
    }
    number *inputs;
    PTA_TRY_ALLOC(l->ctx, inputs, s->n_in);
    pta_status status = take_all(l, s, p, inputs);
    if (status == PTA_OK) {
        status = s->op == PTA_STEP_AVERAGE && s->n_in > 2
                     ? average_all(l, step, inputs)
                     : join_all(l, step, inputs);
    }
    pta_free(l->ctx, inputs);
    return status;
}
