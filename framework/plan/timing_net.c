/*
 * The net of a design: which parts each block is made of, and the loop that
 * works them. See timing_priv.h.
 */
#include "plan/timing_priv.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int32_t log2_ceil(int64_t n)
{
    int32_t bits = 0;
    while ((int64_t)1 << bits < n) {
        bits++;
    }
    return bits;
}

static int32_t gcd(int32_t a, int32_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

static int32_t param(const pta_block *block, const char *name)
{
    return (int32_t)pta_block_param(block, name);
}

/* ---- wires and parts ---- */

static pta_status add_wire(pta_net *net, int64_t beats, int32_t *wire)
{
    if (net->n_wires == net->wire_room) {
        int32_t room = 2 * net->wire_room + 32;
        void *grown = pta_realloc(net->ctx, net->wires,
                                  (size_t)room * sizeof *net->wires);
        if (grown == NULL) {
            return PTA_ERR_NOMEM;
        }
        net->wires = grown;
        net->wire_room = room;
    }
    pta_wire *w = &net->wires[net->n_wires];
    *w = (pta_wire){.n = beats * net->samples, .writer = -1, .reader = -1};
    *wire = net->n_wires++;
    PTA_TRY_ALLOC(net->ctx, w->valid, w->n);
    PTA_TRY_ALLOC(net->ctx, w->taken, w->n);
    return PTA_OK;
}

static pta_status add_part(pta_net *net, pta_part_kind kind, int32_t block,
                           pta_part **part)
{
    if (net->n_parts == net->part_room) {
        int32_t room = 2 * net->part_room + 32;
        void *grown = pta_realloc(net->ctx, net->parts,
                                  (size_t)room * sizeof *net->parts);
        if (grown == NULL) {
            return PTA_ERR_NOMEM;
        }
        net->parts = grown;
        net->part_room = room;
    }
    *part = &net->parts[net->n_parts++];
    **part = (pta_part){.kind = kind, .block = block};
    return PTA_OK;
}

static void connect_in(pta_net *net, pta_part *part, int32_t wire)
{
    net->wires[wire].reader = (int32_t)(part - net->parts);
    part->in[part->n_in++] = wire;
}

static void connect_out(pta_net *net, pta_part *part, int32_t wire)
{
    net->wires[wire].writer = (int32_t)(part - net->parts);
    part->out[part->n_out++] = wire;
}

/* A part between wire `in` and a new wire of `beats` (0: the same), or, if `to`
 * is not negative, wire `to`. `out` is that wire. */
static pta_status link(pta_net *net, pta_part_kind kind, int32_t block,
                       int32_t in, int64_t beats, int32_t to, int32_t *out,
                       pta_part **part)
{
    if (beats == 0) {
        beats = net->wires[in].n / net->samples;
    }
    if (to < 0) {
        PTA_TRY(add_wire(net, beats, &to));
    }
    PTA_ASSERT(net->wires[to].n == beats * net->samples);
    PTA_TRY(add_part(net, kind, block, part));
    connect_in(net, *part, in);
    connect_out(net, *part, to);
    *out = to;
    return PTA_OK;
}

static pta_status add_fifo(pta_net *net, int32_t block, int32_t in,
                           int32_t depth, int32_t delay, int32_t to,
                           int32_t *out)
{
    pta_part *p;
    PTA_TRY(link(net, PTA_PART_FIFO, block, in, 0, to, out, &p));
    p->as.fifo[0] = (pta_fifo_time){.depth = depth, .delay = delay};
    return PTA_OK;
}

static pta_status add_pipe(pta_net *net, int32_t block, int32_t in,
                           int32_t stages, int32_t to, int32_t *out)
{
    pta_part *p;
    PTA_TRY(link(net, PTA_PART_PIPE, block, in, 0, to, out, &p));
    p->as.pipe = (pta_pipe_time){.stages = stages};
    PTA_TRY_ALLOC(net->ctx, p->as.pipe.enter, net->wires[in].n);
    PTA_TRY_ALLOC(net->ctx, p->as.pipe.cum, net->wires[in].n);
    return PTA_OK;
}

/* `vectors` of c_in elements; the same if p_in is p_out and c_in is c_out. */
static pta_status add_gearbox(pta_net *net, int32_t block, int32_t in,
                              int64_t vectors, const int32_t c[2],
                              const int32_t p[2], int32_t to, int32_t *out)
{
    pta_part *part;
    int64_t beats = vectors * c[0] / c[1] * ceil_div(c[1], p[1]);
    PTA_TRY(link(net, PTA_PART_GEARBOX, block, in, beats, to, out, &part));
    int32_t g = gcd(gcd(c[0], p[0]), gcd(c[1], p[1]));
    int32_t i = p[0] / g, o = p[1] / g, most = i > o ? i : o;
    part->as.gear = (pta_gear_time){.c_in = c[0],
                                    .p_in = p[0],
                                    .c_out = c[1],
                                    .p_out = p[1],
                                    .room = (int64_t)(o + most - 1) * g};
    return PTA_OK;
}

/* ---- blocks ---- */

static pta_status net_fifo(pta_net *net, int32_t b, const pta_block *block)
{
    static const char *const depth[] = {"DEPTH0", "DEPTH1", "DEPTH2", "DEPTH3"};
    static const char *const ram[] = {"BLOCK0", "BLOCK1", "BLOCK2", "BLOCK3"};
    bool fork = block->kind == PTA_BLOCK_FORK;
    pta_part *p;
    PTA_TRY(add_part(net, PTA_PART_FIFO, b, &p));
    connect_in(net, p, block->in[0]);
    for (int32_t k = 0; k < block->n_out; k++) {
        pta_fifo_time *f = &p->as.fifo[k];
        int64_t n = pta_block_param(block, fork ? depth[k] : "DEPTH");
        connect_out(net, p, block->out[k]);
        *f = (pta_fifo_time){.depth = n > 0 ? n : INT64_MAX, .delay = 1};
        f->block = n > 0 && param(block, fork ? ram[k] : "BLOCK") != 0;
        f->can_grow = true;
        if (f->block) {
            PTA_TRY_ALLOC(net->ctx, f->read, net->wires[block->in[0]].n);
        }
    }
    return PTA_OK;
}

static pta_status net_gearbox(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t c[2] = {param(block, "C_IN"), param(block, "C_OUT")};
    int32_t p[2] = {param(block, "P_IN"), param(block, "P_OUT")}, out;
    int64_t vectors = net->design->streams[block->in[0]].vectors *
                      net->design->streams[block->in[0]].c / c[0];
    return add_gearbox(net, b, block->in[0], vectors, c, p, block->out[0],
                       &out);
}

/* The formulas of pta_mvu.sv and pta_mvu_packed.sv. */
static pta_status net_mvu(pta_net *net, int32_t b, const pta_block *block)
{
    bool packed = block->kind == PTA_BLOCK_MVU_PACKED;
    int32_t simd = param(block, "SIMD"), lc = param(block, "LC");
    bool columns = param(block, "ORDER") != 0;
    int64_t ng = ceil_div(param(block, "N"), simd);
    int64_t mg = ceil_div(param(block, "M"), param(block, "PE"));
    int32_t len = lc < simd ? lc : simd;
    int32_t after = (len == 1 ? 2 : 2 + len) + (packed ? 2 : 0);
    int32_t tree = log2_ceil(ceil_div(simd, len));
    bool in_dsp = !packed && simd == 1 && (!columns || mg == 1);
    int32_t out;
    pta_part *p;
    PTA_TRY(link(net, PTA_PART_MVU, b, block->in[0],
                 pta_stream_beats(&net->design->streams[block->out[0]]),
                 block->out[0], &out, &p));
    p->as.mvu = (pta_mvu_time){.ng = ng,
                               .mg = mg,
                               .hold = !columns && mg > 1,
                               .delay = after + tree + 2 + in_dsp,
                               .room = 1 << log2_ceil(after + tree + 6)};
    return PTA_OK;
}

/* The reader of a window, its beats to `to`. */
static pta_status add_cells(pta_net *net, int32_t b, const pta_block *k,
                            int32_t in, int32_t to, int32_t *out)
{
    pta_cells_time c = {.rows = param(k, "ROWS"),
                        .cols = param(k, "COLS"),
                        .cb = (int32_t)ceil_div(param(k, "C"), param(k, "P")),
                        .kh = param(k, "KH"),
                        .kw = param(k, "KW"),
                        .sh = param(k, "SH"),
                        .sw = param(k, "SW"),
                        .dh = param(k, "DH"),
                        .dw = param(k, "DW"),
                        .pt = param(k, "PT"),
                        .pl = param(k, "PL")};
    c.out_rows =
        (c.rows + c.pt + param(k, "PB") - (c.kh - 1) * c.dh - 1) / c.sh + 1;
    c.out_cols =
        (c.cols + c.pl + param(k, "PR") - (c.kw - 1) * c.dw - 1) / c.sw + 1;
    int64_t row = (int64_t)c.cols * c.cb;
    int64_t ring = (c.kh - 1) * c.dh * row + ((c.kw - 1) * c.dw + 1) * c.cb;
    ring = param(k, "DEPTH") > ring ? param(k, "DEPTH") : ring;
    c.ring = (int64_t)1 << log2_ceil(ring > 2 ? ring : 2);
    c.per_frame = c.rows * row;
    c.free_tl = c.tl = -c.pt * row - (int64_t)c.pl * c.cb;
    int64_t positions = (int64_t)c.out_rows * c.out_cols;
    pta_part *p;
    PTA_TRY(link(net, PTA_PART_CELLS, b, in, positions * c.kh * c.kw * c.cb, to,
                 out, &p));
    p->as.cells = c;
    PTA_TRY_ALLOC(net->ctx, p->as.cells.since, positions * net->samples + 1);
    return PTA_OK;
}

static pta_status net_window(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t c[2] = {param(block, "C"), 0}, out;
    int32_t p[2] = {param(block, "P"), param(block, "P_OUT")};
    const pta_stream *patches = &net->design->streams[block->out[0]];
    c[1] = patches->c;
    bool plain = p[0] == p[1] && c[0] % p[0] == 0;
    PTA_TRY(add_cells(net, b, block, block->in[0], plain ? block->out[0] : -1,
                      &out));
    return plain ? PTA_OK
                 : add_gearbox(net, b, out, patches->vectors * c[1] / c[0], c,
                               p, block->out[0], &out);
}

/* A filter that lets `n` beats from `from` on pass of each `period`. */
static pta_status add_pick(pta_net *net, int32_t b, int32_t in,
                           pta_pick_time pick, int32_t *out)
{
    pta_part *p;
    int64_t rows = net->wires[in].n / net->samples / pick.period;
    int64_t beats = rows / pick.rows * pick.n_rows * pick.n;
    PTA_TRY(link(net, PTA_PART_PICK, b, in, beats, -1, out, &p));
    p->as.pick = pick;
    return PTA_OK;
}

/* Poolings and depthwise convolutions give the beats of the last cell. */
static pta_status net_reduce(pta_net *net, int32_t b, const pta_block *block)
{
    int64_t cb = ceil_div(param(block, "C"), param(block, "P"));
    int64_t cells = (int64_t)param(block, "KH") * param(block, "KW");
    bool whole =
        block->kind != PTA_BLOCK_DEPTHWISE &&
        cells == (int64_t)param(block, "ROWS") * param(block, "COLS") &&
        param(block, "KH") == param(block, "ROWS") && param(block, "DH") == 1 &&
        param(block, "DW") == 1 &&
        param(block, "PT") + param(block, "PB") + param(block, "PL") +
                param(block, "PR") ==
            0;
    int32_t wire = block->in[0];
    if (!whole) {
        PTA_TRY(add_cells(net, b, block, wire, -1, &wire));
    }
    pta_pick_time pick = {cells * cb, (cells - 1) * cb, cb, 1, 0, 1, false};
    PTA_TRY(add_pick(net, b, wire, pick, &wire));
    if (block->kind == PTA_BLOCK_POOL_MAX) {
        return add_fifo(net, b, wire, 2, 1, block->out[0], &wire);
    }
    if (block->kind == PTA_BLOCK_POOL_AVG) {
        return add_pipe(net, b, wire, 5, block->out[0], &wire);
    }
    PTA_TRY(add_fifo(net, b, wire, 8, 4, -1, &wire));
    return add_pipe(net, b, wire, 1, block->out[0], &wire);
}

static pta_status net_pad(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t wire;
    pta_part *p;
    int64_t beats = net->wires[block->out[0]].n / net->samples;
    PTA_TRY(link(net, PTA_PART_PAD, b, block->in[0], beats, -1, &wire, &p));
    p->as.pad = (pta_pad_time){
        .rows = param(block, "ROWS"),
        .cols = param(block, "COLS"),
        .cb = (int32_t)ceil_div(param(block, "C"), param(block, "P")),
        .pt = param(block, "PT"),
        .pb = param(block, "PB"),
        .pl = param(block, "PL"),
        .pr = param(block, "PR")};
    return add_fifo(net, b, wire, 2, 1, block->out[0], &wire);
}

static pta_status net_crop(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t p = param(block, "P"), g = gcd(p, param(block, "FIRST_C"));
    int32_t c[2] = {param(block, "C"), param(block, "C")};
    int32_t wire = block->in[0], out_c = param(block, "OUT_C");
    int64_t cols = param(block, "COLS");
    if (g < p) {
        PTA_TRY(add_gearbox(net, b, wire, param(block, "ROWS") * cols, c,
                            (int32_t[]){p, g}, -1, &wire));
    }
    int64_t cb = ceil_div(c[0], g);
    pta_pick_time pick = {cb,
                          param(block, "FIRST_C") / g,
                          ceil_div(out_c, g),
                          param(block, "ROWS") * cols,
                          param(block, "FIRST_ROW") * cols,
                          param(block, "OUT_ROWS") * cols,
                          false};
    PTA_TRY(add_pick(net, b, wire, pick, &wire));
    if (g == p) {
        return add_fifo(net, b, wire, 2, 1, block->out[0], &wire);
    }
    PTA_TRY(add_fifo(net, b, wire, 2, 1, -1, &wire));
    return add_gearbox(net, b, wire, param(block, "OUT_ROWS") * cols,
                       (int32_t[]){out_c, out_c}, (int32_t[]){g, p},
                       block->out[0], &wire);
}

static pta_status net_permute(pta_net *net, int32_t b, const pta_block *block)
{
    const pta_stream *from = &net->design->streams[block->in[0]];
    bool whole = param(block, "PERM2") == 2;
    int32_t p = param(block, "P"), p_out = param(block, "P_OUT");
    int32_t g = whole ? p : 1, wire = block->in[0];
    int32_t c[2] = {param(block, "C"), param(block, "C")};
    if (p != g) {
        PTA_TRY(add_gearbox(net, b, wire, from->vectors * from->c / c[0], c,
                            (int32_t[]){p, g}, -1, &wire));
    }
    int64_t s = (int64_t)param(block, "ROWS") * param(block, "COLS") *
                ceil_div(c[0], g);
    pta_part *part;
    PTA_TRY(link(net, PTA_PART_PERMUTE, b, wire, s,
                 p_out == g ? block->out[0] : -1, &wire, &part));
    part->as.permute = (pta_permute_time){.s = s};
    const pta_stream *to = &net->design->streams[block->out[0]];
    return p_out == g
               ? PTA_OK
               : add_gearbox(net, b, wire, to->vectors,
                             (int32_t[]){to->c, to->c}, (int32_t[]){g, p_out},
                             block->out[0], &wire);
}

static pta_status net_join(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t a, c, wire;
    pta_part *zip;
    PTA_TRY(add_fifo(net, b, block->in[0], 2, 1, -1, &a));
    PTA_TRY(add_fifo(net, b, block->in[1], 2, 1, -1, &c));
    PTA_TRY(link(net, PTA_PART_ZIP, b, a, 0, -1, &wire, &zip));
    connect_in(net, zip, c);
    return add_pipe(net, b, wire, 3, block->out[0], &wire);
}

static pta_status net_concat(pta_net *net, int32_t b, const pta_block *block)
{
    static const char *const names[2][2] = {{"C0", "C1"}, {"N0", "N1"}};
    bool channels = param(block, "CHANNELS") != 0;
    int32_t p = param(block, "P"), c[2], wires[2], wire;
    int64_t turn[2], beats = 0, vectors[2];
    c[0] = param(block, "C0");
    c[1] = param(block, "C1");
    int32_t g = channels ? gcd(p, gcd(c[0], c[1])) : p;
    for (int k = 0; k < 2; k++) {
        const pta_stream *s = &net->design->streams[block->in[k]];
        vectors[k] = s->vectors * s->c / c[k];
        PTA_TRY(add_pipe(net, b, block->in[k], 1, -1, &wires[k]));
        if (g != p) {
            PTA_TRY(add_gearbox(net, b, wires[k], vectors[k],
                                (int32_t[]){c[k], c[k]}, (int32_t[]){p, g}, -1,
                                &wires[k]));
        }
        turn[k] =
            (channels ? 1 : param(block, names[1][k])) * ceil_div(c[k], g);
        beats += net->wires[wires[k]].n / net->samples;
    }
    pta_part *part;
    PTA_TRY(link(net, PTA_PART_TURN, b, wires[0], beats, -1, &wire, &part));
    connect_in(net, part, wires[1]);
    part->as.turn = (pta_turn_time){.beats = {turn[0], turn[1]}};
    if (g == p) {
        return add_fifo(net, b, wire, 2, 1, block->out[0], &wire);
    }
    PTA_TRY(add_fifo(net, b, wire, 2, 1, -1, &wire));
    return add_gearbox(net, b, wire, vectors[0],
                       (int32_t[]){c[0] + c[1], c[0] + c[1]}, (int32_t[]){g, p},
                       block->out[0], &wire);
}

static pta_status net_engine(pta_net *net, int32_t b, const pta_block *block)
{
    int32_t out;
    pta_part *p;
    PTA_TRY(link(net, PTA_PART_ENGINE, b, block->in[0],
                 pta_stream_beats(&net->design->streams[block->out[0]]),
                 block->out[0], &out, &p));
    return pta_engine_part(net, p);
}

static pta_status net_block(pta_net *net, int32_t b)
{
    const pta_block *block = &net->design->blocks[b];
    int32_t wire;
    switch (block->kind) {
    case PTA_BLOCK_FIFO:
    case PTA_BLOCK_FORK:
        return net_fifo(net, b, block);
    case PTA_BLOCK_GEARBOX:
        return net_gearbox(net, b, block);
    case PTA_BLOCK_MVU:
    case PTA_BLOCK_MVU_PACKED:
        return net_mvu(net, b, block);
    case PTA_BLOCK_REQUANT:
        return add_pipe(net, b, block->in[0], 1, block->out[0], &wire);
    case PTA_BLOCK_TABLE:
        return add_pipe(net, b, block->in[0], 2, block->out[0], &wire);
    case PTA_BLOCK_SCALE_SHIFT:
    case PTA_BLOCK_RELU:
        return add_pipe(net, b, block->in[0], 5, block->out[0], &wire);
    case PTA_BLOCK_WINDOW:
        return net_window(net, b, block);
    case PTA_BLOCK_POOL_MAX:
    case PTA_BLOCK_POOL_AVG:
    case PTA_BLOCK_DEPTHWISE:
        return net_reduce(net, b, block);
    case PTA_BLOCK_PAD:
        return net_pad(net, b, block);
    case PTA_BLOCK_CROP:
        return net_crop(net, b, block);
    case PTA_BLOCK_PERMUTE:
        return net_permute(net, b, block);
    case PTA_BLOCK_JOIN_BINARY:
        return net_join(net, b, block);
    case PTA_BLOCK_CONCAT:
        return net_concat(net, b, block);
    case PTA_BLOCK_ENGINE:
        return net_engine(net, b, block);
    case PTA_BLOCK_COUNT:
        break;
    }
    PTA_ASSERT(false);
}

/* ---- the shell ---- */

static pta_status add_shell(pta_net *net, bool sink)
{
    const pta_design *d = net->design;
    pta_part *p;
    PTA_TRY(add_part(net, sink ? PTA_PART_SINK : PTA_PART_SOURCE, -1, &p));
    pta_shell_time *s = &p->as.shell;
    s->ports = sink ? d->outputs : d->inputs;
    s->n_ports = sink ? d->n_outputs : d->n_inputs;
    s->wire[0] = s->wire[1] = s->cycle = -1;
    for (int32_t i = 0; i < s->n_ports; i++) {
        s->sample_words += s->ports[i].words;
        pta_wire *w = &net->wires[s->ports[i].stream];
        *(sink ? &w->reader : &w->writer) = net->n_parts - 1;
    }
    if (sink) {
        PTA_TRY_ALLOC(net->ctx, s->sample_end, net->samples);
    }
    return PTA_OK;
}

static pta_status make(pta_net *net)
{
    const pta_design *d = net->design;
    int32_t wire;
    for (int32_t i = 0; i < d->n_streams; i++) {
        PTA_TRY(add_wire(net, pta_stream_beats(&d->streams[i]), &wire));
    }
    PTA_TRY(add_shell(net, false));
    for (int32_t i = 0; i < d->n_blocks; i++) {
        PTA_TRY(net_block(net, i));
    }
    PTA_TRY(add_shell(net, true));
    PTA_TRY_ALLOC(net->ctx, net->queue, net->n_parts);
    return PTA_OK;
}

pta_status pta_net_make(pta_ctx *ctx, const pta_design *design, int32_t samples,
                        pta_net *net)
{
    *net = (pta_net){.ctx = ctx, .design = design, .samples = samples};
    pta_status status = make(net);
    if (status != PTA_OK) {
        pta_net_free(net);
    }
    return status;
}

static void part_free(pta_net *net, pta_part *p)
{
    for (int32_t k = 0; p->kind == PTA_PART_FIFO && k < p->n_out; k++) {
        pta_free(net->ctx, p->as.fifo[k].read);
    }
    if (p->kind == PTA_PART_PIPE) {
        pta_free(net->ctx, p->as.pipe.enter);
        pta_free(net->ctx, p->as.pipe.cum);
    } else if (p->kind == PTA_PART_CELLS) {
        pta_free(net->ctx, p->as.cells.since);
    } else if (p->kind == PTA_PART_ENGINE) {
        pta_free(net->ctx, p->as.engine.ready[0]);
        pta_free(net->ctx, p->as.engine.ready[1]);
    } else if (p->kind == PTA_PART_SINK) {
        pta_free(net->ctx, p->as.shell.sample_end);
    }
}

void pta_net_free(pta_net *net)
{
    for (int32_t i = 0; i < net->n_parts; i++) {
        part_free(net, &net->parts[i]);
    }
    for (int32_t i = 0; i < net->n_wires; i++) {
        pta_free(net->ctx, net->wires[i].valid);
        pta_free(net->ctx, net->wires[i].taken);
    }
    pta_free(net->ctx, net->wires);
    pta_free(net->ctx, net->parts);
    pta_free(net->ctx, net->queue);
}

/* ---- the loop ---- */

bool pta_net_run(pta_net *net)
{
    for (int32_t i = 0; i < net->n_parts; i++) {
        pta_part_wake(net, i);
    }
    while (net->queued > 0) {
        int32_t part = net->queue[net->head];
        net->head = (net->head + 1) % net->n_parts;
        net->queued--;
        net->parts[part].queued = false;
        pta_part_advance(net, &net->parts[part]);
    }
    const pta_shell_time *sink = &net->parts[net->n_parts - 1].as.shell;
    return sink->total == sink->sample_words * net->samples;
}
