/*
 * Lowering, the plumbing: streams and blocks of a design, and how a value gets
 * from the block that makes it to those that read it. The steps themselves are
 * in lower_*.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/design_priv.h"

pta_status pta_lower_refuse(const pta_lowering *l, int32_t step,
                            const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return pta_fail(l->ctx, PTA_ERR_UNSUPPORTED, "layer '%s': %s",
                    l->slice->steps[step].name, text);
}

/* ---- values ---- */

static int32_t root_of(const pta_slice *slice, int32_t value)
{
    int32_t alias = slice->values[value].alias_of;
    return alias >= 0 ? alias : value;
}

static const pta_step *maker_of(const pta_slice *slice, int32_t value)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (slice->steps[i].out == value) {
            return &slice->steps[i];
        }
    }
    return NULL;
}

/* Partial sums have the width and sign of their accumulator. */
int32_t pta_value_width(const pta_slice *slice, int32_t value)
{
    const pta_value *v = &slice->values[root_of(slice, value)];
    const pta_step *step = maker_of(slice, root_of(slice, value));
    return v->partial && step != NULL ? step->acc_bits : v->format.width;
}

bool pta_value_signed(const pta_slice *slice, int32_t value)
{
    const pta_value *v = &slice->values[root_of(slice, value)];
    return v->partial || v->format.is_signed;
}

int32_t pta_value_frac(const pta_slice *slice, int32_t value)
{
    return pta_format_frac(slice->values[root_of(slice, value)].format);
}

pta_stream pta_value_stream(const pta_slice *slice, int32_t value,
                            int32_t lanes)
{
    pta_view view = slice->values[value].view;
    return (pta_stream){.value = value,
                        .c = view.c,
                        .lanes = lanes,
                        .width = pta_value_width(slice, value),
                        .is_signed = pta_value_signed(slice, value),
                        .vectors = (int64_t)view.h * view.w,
                        .writer = -1,
                        .reader = -1};
}

/* ---- streams and blocks ---- */

static pta_status grow(pta_ctx *ctx, void **array, int32_t used, int32_t *room,
                       size_t size)
{
    if (used < *room) {
        return PTA_OK;
    }
    int32_t more = 2 * *room + 16;
    void *grown = pta_realloc(ctx, *array, (size_t)more * size);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    *array = grown;
    *room = more;
    return PTA_OK;
}

pta_status pta_lower_stream(pta_lowering *l, pta_stream stream, int32_t *out)
{
    pta_design *d = l->design;
    void *array = d->streams;
    PTA_TRY(grow(l->ctx, &array, d->n_streams, &l->stream_room,
                 sizeof *d->streams));
    d->streams = array;
    d->streams[d->n_streams] = stream;
    *out = d->n_streams++;
    return PTA_OK;
}

void pta_lower_input(pta_lowering *l, int32_t stream)
{
    pta_design *d = l->design;
    pta_block *block = &d->blocks[d->n_blocks - 1];
    int64_t beats = pta_stream_beats(&d->streams[stream]);
    PTA_ASSERT(d->streams[stream].reader < 0);
    d->streams[stream].reader = d->n_blocks - 1;
    block->in[block->n_in++] = stream;
    block->steps = beats > block->steps ? beats : block->steps;
}

pta_status pta_lower_block(pta_lowering *l, pta_block_kind kind, int32_t step,
                           int32_t in, pta_block **out)
{
    pta_design *d = l->design;
    void *array = d->blocks;
    PTA_TRY(
        grow(l->ctx, &array, d->n_blocks, &l->block_room, sizeof *d->blocks));
    d->blocks = array;
    d->blocks[d->n_blocks++] = (pta_block){.kind = kind, .step = step};
    *out = &d->blocks[d->n_blocks - 1];
    pta_lower_input(l, in);
    return PTA_OK;
}

pta_status pta_lower_output(pta_lowering *l, pta_stream stream, int32_t *out)
{
    pta_design *d = l->design;
    pta_block *block = &d->blocks[d->n_blocks - 1];
    stream.writer = d->n_blocks - 1;
    stream.reader = -1;
    PTA_TRY(pta_lower_stream(l, stream, out));
    int64_t beats = pta_stream_beats(&stream);
    block->out[block->n_out++] = *out;
    block->steps = beats > block->steps ? beats : block->steps;
    return PTA_OK;
}

void pta_block_set(pta_block *block, const char *name, int64_t value)
{
    for (int32_t i = 0; i < block->n_params; i++) {
        if (strcmp(block->params[i].name, name) == 0) {
            block->params[i].value = value;
            return;
        }
    }
    PTA_ASSERT(block->n_params < PTA_BLOCK_PARAMS_MAX);
    block->params[block->n_params++] = (pta_param){name, value};
}

void pta_block_add_memory(pta_block *block, pta_memory_role role,
                          pta_fold_memory memory, int64_t words,
                          int64_t word_bits)
{
    block->memories[block->n_memories++] = (pta_block_memory){
        .role = role,
        .memory = memory,
        .words = words,
        .word_bits = (int32_t)word_bits,
    };
}

void pta_block_set_format(pta_block *block, pta_format format)
{
    pta_block_set(block, "OUT_SIGNED", format.is_signed);
    pta_block_set(block, "ROUNDING", format.rounding);
    pta_block_set(block, "OVERFLOW", format.overflow);
}

void pta_block_set_activation(pta_block *block, const pta_step *step,
                              int32_t bits)
{
    pta_activation act = step->act;
    if (act == PTA_ACT_RELU_MAX &&
        (bits >= 63 || step->act_max_raw >= (int64_t)1 << bits)) {
        act = PTA_ACT_RELU;
    }
    pta_block_set(block, "ACT", act);
    pta_block_set(block, "ACT_MAX",
                  act == PTA_ACT_RELU_MAX ? step->act_max_raw : 0);
}

/* ---- from writers to readers ---- */

const pta_stream *pta_lower_peek(const pta_lowering *l, int32_t value)
{
    return &l->design->streams[l->next[root_of(l->slice, value)]];
}

/* A beat of one is a beat of the other. */
static bool same_beats(const pta_stream *s, int32_t c, int32_t lanes)
{
    return s->lanes == lanes &&
           (s->c == c || (s->c % lanes == 0 && c % lanes == 0));
}

static pta_status add_gearbox(pta_lowering *l, int32_t in, int32_t c,
                              int32_t lanes, int32_t *out)
{
    pta_stream s = l->design->streams[in];
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_GEARBOX, -1, in, &block));
    pta_block_set(block, "W", s.width);
    pta_block_set(block, "C_IN", s.c);
    pta_block_set(block, "P_IN", s.lanes);
    pta_block_set(block, "C_OUT", c);
    pta_block_set(block, "P_OUT", lanes);
    s.vectors = s.vectors * s.c / c;
    s.c = c;
    s.lanes = lanes;
    return pta_lower_output(l, s, out);
}

/* The branch of `root` for the next of its readers. Forks are chained: the last
 * output of a full one leads to the next. */
static int32_t next_branch(pta_lowering *l, int32_t root)
{
    const pta_design *d = l->design;
    int32_t s = l->next[root];
    l->uses[root]--;
    if (l->uses[root] == 0) {
        return s;
    }
    const pta_block *fork = &d->blocks[d->streams[s].writer];
    int32_t k = 0;
    while (fork->out[k] != s) {
        k++;
    }
    int32_t after = fork->out[k + 1], reader = d->streams[after].reader;
    l->next[root] = reader < 0 ? after : d->blocks[reader].out[0];
    return s;
}

pta_status pta_lower_take(pta_lowering *l, int32_t value, int32_t c,
                          int32_t lanes, int32_t *stream)
{
    *stream = next_branch(l, root_of(l->slice, value));
    const pta_stream *s = &l->design->streams[*stream];
    return same_beats(s, c, lanes) ? PTA_OK
                                   : add_gearbox(l, *stream, c, lanes, stream);
}

static pta_status add_fork(pta_lowering *l, int32_t in, int32_t k,
                           pta_block **fork)
{
    static const char *const depth[] = {"DEPTH0", "DEPTH1", "DEPTH2", "DEPTH3"};
    static const char *const block[] = {"BLOCK0", "BLOCK1", "BLOCK2", "BLOCK3"};
    pta_stream s = l->design->streams[in];
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_FORK, -1, in, fork));
    pta_block_set(*fork, "W", (int64_t)s.width * s.lanes);
    pta_block_set(*fork, "K", k);
    for (int32_t i = 0; i < k; i++) {
        int32_t out;
        PTA_TRY(pta_lower_output(l, s, &out));
    }
    for (int32_t i = 0; i < k; i++) {
        pta_block_set(*fork, depth[i], 2);
        pta_block_set(*fork, block[i], 0);
    }
    return PTA_OK;
}

pta_status pta_lower_give(pta_lowering *l, int32_t value, int32_t stream)
{
    int32_t root = root_of(l->slice, value), left = l->uses[root];
    l->design->streams[stream].value = root;
    l->next[root] = stream;
    PTA_ASSERT(left > 0); /* slices make nothing that nobody reads */
    for (bool first = true; left > 1; first = false) {
        int32_t k = left < PTA_BLOCK_OUT_MAX ? left : PTA_BLOCK_OUT_MAX;
        pta_block *fork;
        PTA_TRY(add_fork(l, stream, k, &fork));
        stream = fork->out[k - 1];
        l->next[root] = first ? fork->out[0] : l->next[root];
        left -= k - 1;
    }
    return PTA_OK;
}

pta_status pta_lower_fifo(pta_lowering *l, int32_t in, int32_t *out)
{
    pta_stream s = l->design->streams[in];
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_FIFO, -1, in, &block));
    pta_block_set(block, "W", (int64_t)s.width * s.lanes);
    pta_block_set(block, "DEPTH", 2);
    pta_block_set(block, "BLOCK", 0);
    return pta_lower_output(l, s, out);
}

/* ---- shared by the steps ---- */

pta_status pta_lower_requant(pta_lowering *l, int32_t step, int32_t in,
                             int32_t *out)
{
    const pta_step *s = &l->slice->steps[step];
    const pta_stream from = l->design->streams[in];
    pta_stream to = pta_value_stream(l->slice, s->out, from.lanes);
    pta_block *block;
    PTA_TRY(pta_lower_block(l, PTA_BLOCK_REQUANT, step, in, &block));
    pta_block_set(block, "P", from.lanes);
    pta_block_set(block, "WIN", from.width);
    pta_block_set(block, "IN_SIGNED", from.is_signed);
    pta_block_set(block, "WOUT", to.width);
    pta_block_set(block, "SHIFT",
                  s->acc_frac - pta_value_frac(l->slice, s->out));
    pta_block_set_format(block, l->slice->values[s->out].format);
    pta_block_set_activation(block, s, from.width);
    return pta_lower_output(l, to, out);
}

int32_t pta_lanes_for(int32_t c, int64_t count, int64_t pace)
{
    for (int32_t p = 1; p < c; p++) {
        if (c % p == 0 && count * (c / p) <= pace) {
            return p;
        }
    }
    return c;
}

int64_t pta_window_reads(const pta_window *window, pta_view out, int32_t c,
                         int32_t p)
{
    return (int64_t)out.h * out.w * window->kh * window->kw *
           ((c + (int64_t)p - 1) / p);
}

/* The ring holds the window and the rows that move in meanwhile: with this
 * depth the interval is the least there is (pta_cells.sv). */
static int64_t window_depth(const pta_window *w, pta_view in, int32_t p)
{
    int64_t row = (int64_t)in.w * ((in.c + (int64_t)p - 1) / p);
    return ((int64_t)(w->kh - 1) * w->dilation_h + 1 + w->stride_h) * row;
}

void pta_block_set_window(pta_block *block, const pta_window *w, pta_view in,
                          int32_t p, int32_t width)
{
    int64_t depth = window_depth(w, in, p);
    pta_block_set(block, "KH", w->kh);
    pta_block_set(block, "KW", w->kw);
    pta_block_set(block, "SH", w->stride_h);
    pta_block_set(block, "SW", w->stride_w);
    pta_block_set(block, "DH", w->dilation_h);
    pta_block_set(block, "DW", w->dilation_w);
    pta_block_set(block, "PT", w->pad_t);
    pta_block_set(block, "PB", w->pad_b);
    pta_block_set(block, "PL", w->pad_l);
    pta_block_set(block, "PR", w->pad_r);
    pta_block_set(block, "DEPTH", depth);
    pta_block_set(block, "BLOCK", depth > 64 && depth * p * width > 4096);
}
