/*
 * The recurrences: what each part does with the beats it knows of. A cycle is
 * the clock edge at which a beat moves; see timing_priv.h, and the head of the
 * RTL named with each part.
 */
#include "plan/timing_priv.h"

static int32_t later(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Cycle after beat j moved; the beginning of time for those before the first. */
static int32_t after(const pta_wire *w, int64_t j)
{
    return j < 0 ? 0 : w->taken[j] + 1;
}

static bool is_taken(const pta_wire *w, int64_t j)
{
    return j < w->n_taken;
}

/* When the next beat of a wire could move, but for its reader's state. */
static bool arrives(const pta_wire *w, int32_t *cycle)
{
    if (w->n_taken >= w->n_valid) {
        return false;
    }
    *cycle = later(w->valid[w->n_taken], after(w, w->n_taken - 1));
    return true;
}

/* ---- pta_fifo, pta_skid, pta_fork ---- */

/* Block RAM: read when the register behind it is free, then a skid. */
static bool fifo_read(pta_net *net, pta_fifo_time *f, const pta_wire *in,
                      int32_t out)
{
    const pta_wire *w = &net->wires[out];
    int64_t j = f->n_read;
    if (j >= in->n_taken || !is_taken(w, j - 2)) {
        return false;
    }
    int32_t read = in->taken[j] + 1;
    if (j > 0) {
        read = later(read, later(f->read[j - 1] + 1, f->skid));
    }
    f->read[f->n_read++] = read;
    f->skid = later(read + 1, after(w, j - 2));
    pta_wire_offer(net, out, f->skid + 1);
    return true;
}

/* When the FIFO has room for beat j; false if that is not known yet. */
static bool fifo_room(const pta_net *net, const pta_part *p, int32_t k,
                      int64_t j, int32_t *cycle)
{
    const pta_fifo_time *f = &p->as.fifo[k];
    const pta_wire *out = &net->wires[p->out[k]];
    if (f->depth > j) {
        return true;
    }
    int64_t left = j - f->depth;
    if (left >= (f->block ? f->n_read : out->n_taken)) {
        return false;
    }
    *cycle = later(*cycle, (f->block ? f->read : out->taken)[left] + 1);
    return true;
}

static void advance_fifo(pta_net *net, pta_part *p)
{
    pta_wire *in = &net->wires[p->in[0]];
    bool moved = true;
    while (moved) {
        int32_t cycle;
        moved = false;
        for (int32_t k = 0; k < p->n_out; k++) {
            while (p->as.fifo[k].block &&
                   fifo_read(net, &p->as.fifo[k], in, p->out[k])) {
            }
        }
        bool go = arrives(in, &cycle);
        for (int32_t k = 0; go && k < p->n_out; k++) {
            go = fifo_room(net, p, k, in->n_taken, &cycle);
        }
        if (!go) {
            continue;
        }
        pta_wire_take(net, p->in[0], cycle);
        for (int32_t k = 0; k < p->n_out; k++) {
            if (!p->as.fifo[k].block) {
                pta_wire_offer(net, p->out[k], cycle + p->as.fifo[k].delay);
            }
        }
        moved = true;
    }
}

/* ---- pipelines with one enable before a skid: pta_requant, ... ---- */

/* All registers move in the cycles in which the skid has room. Time is counted
 * in those (`enter`, `last`), and `cum` turns it into cycles: beat i, entering
 * the skid while the one before it stays, stops all until that has left. */
static void pipe_leave(pta_net *net, pta_part *p)
{
    pta_pipe_time *t = &p->as.pipe;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    while (t->counted < in->n_taken && is_taken(out, t->counted - 1)) {
        int64_t i = t->counted;
        int32_t cum = i > 0 ? t->cum[i - 1] : 0;
        int32_t enters = t->enter[i] + cum;
        int32_t stall = i > 0 ? out->taken[i - 1] - enters : 0;
        t->cum[i] = cum + later(stall, 0);
        t->counted++;
        pta_wire_offer(net, p->out[0], enters + 1);
    }
}

static bool pipe_enter(pta_net *net, pta_part *p)
{
    pta_pipe_time *t = &p->as.pipe;
    const pta_wire *in = &net->wires[p->in[0]];
    int64_t j = in->n_taken;
    if (j >= in->n_valid) {
        return false;
    }
    for (;;) {
        int32_t cum = t->passed > 0 ? t->cum[t->passed - 1] : 0;
        int32_t cycle = later(in->valid[j] - cum, j > 0 ? t->last + 1 : 0);
        if (t->passed > 0) {
            cycle = later(cycle, t->enter[t->passed - 1] + 1);
        }
        if (t->passed >= j || t->enter[t->passed] >= cycle) {
            t->last = cycle;
            t->enter[j] = cycle + t->stages;
            pta_wire_take(net, p->in[0], cycle + cum);
            return true;
        }
        if (t->passed >= t->counted) {
            return false;
        }
        t->passed++;
    }
}

static void advance_pipe(pta_net *net, pta_part *p)
{
    do {
        pipe_leave(net, p);
    } while (pipe_enter(net, p));
}

/* ---- pta_gearbox ---- */

/* One more beat of vectors of c, p elements at a time. */
static void count_beat(pta_beat_count *count, int64_t c, int64_t p)
{
    int64_t left = count->left > 0 ? count->left : c;
    int64_t n = p < left ? p : left;
    count->beats++;
    count->elements += n;
    count->left = left - n;
}

static bool gear_in(pta_net *net, pta_part *p)
{
    pta_gear_time *g = &p->as.gear;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int32_t cycle;
    while (g->freeing.elements < g->in.elements - g->room) {
        count_beat(&g->freeing, g->c_out, g->p_out);
    }
    if (!arrives(in, &cycle) || g->freeing.beats > out->n_taken) {
        return false;
    }
    pta_wire_take(net, p->in[0],
                  later(cycle, after(out, g->freeing.beats - 1)));
    count_beat(&g->in, g->c_in, g->p_in);
    return true;
}

static bool gear_out(pta_net *net, pta_part *p)
{
    pta_gear_time *g = &p->as.gear;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    if (out->n_valid >= out->n) {
        return false;
    }
    if (g->out.beats == out->n_valid) {
        count_beat(&g->out, g->c_out, g->p_out);
    }
    while (g->needing.elements < g->out.elements) {
        count_beat(&g->needing, g->c_in, g->p_in);
    }
    if (g->needing.beats > in->n_taken) {
        return false;
    }
    pta_wire_offer(net, p->out[0], after(in, g->needing.beats - 1));
    return true;
}

static void advance_gearbox(pta_net *net, pta_part *p)
{
    bool moved = true;
    while (moved) {
        moved = gear_in(net, p);
        while (gear_out(net, p)) {
            moved = true;
        }
    }
}

/* ---- pta_mvu, pta_mvu_packed ---- */

static bool mvu_in(pta_net *net, pta_part *p)
{
    pta_mvu_time *m = &p->as.mvu;
    const pta_wire *in = &net->wires[p->in[0]];
    int64_t unit = m->hold ? in->n_taken / m->ng : in->n_taken;
    int32_t cycle;
    if (!arrives(in, &cycle) || unit - 2 >= m->freed) {
        return false;
    }
    if (unit >= 2) {
        cycle = later(cycle, m->free[unit % 2] + 1);
    }
    pta_wire_take(net, p->in[0], cycle);
    return true;
}

/* The step that ends a group of rows waits for room for its result. */
static bool mvu_result(pta_net *net, pta_part *p, int32_t step)
{
    pta_mvu_time *m = &p->as.mvu;
    const pta_wire *out = &net->wires[p->out[0]];
    if (!is_taken(out, m->results - m->room)) {
        return false;
    }
    m->step = later(step, after(out, m->results - m->room));
    m->results++;
    pta_wire_offer(net, p->out[0], m->step + m->delay);
    return true;
}

static void mvu_free(pta_mvu_time *m)
{
    m->free[m->freed % 2] = m->step;
    m->freed++;
}

/* Rows outer: the first group of rows as beats come, the others at full rate. */
static bool mvu_hold(pta_net *net, pta_part *p)
{
    pta_mvu_time *m = &p->as.mvu;
    const pta_wire *in = &net->wires[p->in[0]];
    int64_t col = m->beat % m->ng;
    if (m->row == 0) {
        if (!is_taken(in, m->beat)) {
            return false;
        }
        int32_t step = later(m->step + 1, after(in, m->beat));
        if (col < m->ng - 1) {
            m->step = step;
            m->beat++;
            return true;
        }
        if (!mvu_result(net, p, step)) {
            return false;
        }
    } else if (!mvu_result(net, p, m->step + (int32_t)m->ng)) {
        return false;
    }
    m->row++;
    if (m->row == m->mg) {
        m->row = 0;
        m->beat++;
        mvu_free(m);
    }
    return true;
}

/* Columns outer: all groups of rows for each beat. */
static bool mvu_stream(pta_net *net, pta_part *p)
{
    pta_mvu_time *m = &p->as.mvu;
    const pta_wire *in = &net->wires[p->in[0]];
    if (m->beat >= in->n || !is_taken(in, m->beat)) {
        return false;
    }
    int32_t step =
        m->row > 0 ? m->step + 1 : later(m->step + 1, after(in, m->beat));
    if (m->beat % m->ng < m->ng - 1) {
        m->step = step + (int32_t)m->mg - 1;
    } else {
        if (!mvu_result(net, p, step)) {
            return false;
        }
        m->row++;
        if (m->row < m->mg) {
            return true;
        }
        m->row = 0;
    }
    m->beat++;
    mvu_free(m);
    return true;
}

static void advance_mvu(pta_net *net, pta_part *p)
{
    bool moved = true;
    while (moved) {
        moved = mvu_in(net, p);
        while (p->as.mvu.hold ? mvu_hold(net, p) : mvu_stream(net, p)) {
            moved = true;
        }
    }
}

/* ---- pta_cells ---- */

static int64_t corner(const pta_cells_time *c, int64_t frame, int32_t oh,
                      int32_t ow)
{
    int64_t row = (int64_t)c->cols * c->cb;
    return frame * c->per_frame + ((int64_t)oh * c->sh - c->pt) * row +
           ((int64_t)ow * c->sw - c->pl) * c->cb;
}

static void next_position(const pta_cells_time *c, int64_t *frame, int32_t *oh,
                          int32_t *ow, int64_t *tl)
{
    if (++*ow == c->out_cols) {
        *ow = 0;
        if (++*oh == c->out_rows) {
            *oh = 0;
            ++*frame;
        }
    }
    *tl = corner(c, *frame, *oh, *ow);
}

/* Beat j is written when it is less than a ring ahead of the corner. */
static bool cells_in(pta_net *net, pta_part *p)
{
    pta_cells_time *c = &p->as.cells;
    const pta_wire *in = &net->wires[p->in[0]];
    int32_t cycle;
    if (!arrives(in, &cycle)) {
        return false;
    }
    while (c->free_tl <= in->n_taken - c->ring) {
        if (c->freed >= c->positions) {
            return false;
        }
        next_position(c, &c->free_frame, &c->free_oh, &c->free_ow, &c->free_tl);
        c->freed++;
    }
    pta_wire_take(net, p->in[0], later(cycle, c->since[c->freed]));
    return true;
}

/* The beat that a read needs; -1: none, it is padding. */
static int64_t cells_needs(const pta_cells_time *c)
{
    int64_t dy = c->k / c->kw * c->dh, dx = c->k % c->kw * c->dw;
    int64_t y = (int64_t)c->oh * c->sh - c->pt + dy;
    int64_t x = (int64_t)c->ow * c->sw - c->pl + dx;
    if (y >= 0 && y < c->rows && x >= 0 && x < c->cols) {
        return c->frame * c->per_frame + (y * c->cols + x) * c->cb + c->b;
    }
    bool fresh = c->oh == 0 && c->ow == 0 && c->k == 0 && c->b == 0;
    return fresh ? c->frame * c->per_frame : -1;
}

static bool cells_out(pta_net *net, pta_part *p)
{
    pta_cells_time *c = &p->as.cells;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int64_t r = out->n_valid;
    int64_t needs = r < out->n ? cells_needs(c) : 0;
    if (r >= out->n || !is_taken(out, r - 2) || !is_taken(in, needs)) {
        return false;
    }
    int32_t cycle = needs < 0 ? 0 : after(in, needs);
    cycle = r > 0 ? later(cycle, later(c->issue + 1, c->skid)) : cycle;
    c->issue = cycle;
    c->skid = later(cycle + 1, after(out, r - 2));
    pta_wire_offer(net, p->out[0], c->skid + 1);
    if (++c->b == c->cb) {
        c->b = 0;
        if (++c->k == (int64_t)c->kh * c->kw) {
            c->k = 0;
            next_position(c, &c->frame, &c->oh, &c->ow, &c->tl);
            c->since[++c->positions] = cycle + 1;
        }
    }
    return true;
}

static void advance_cells(pta_net *net, pta_part *p)
{
    bool moved = true;
    while (moved) {
        moved = false;
        while (cells_in(net, p)) {
            moved = true;
        }
        while (cells_out(net, p)) {
            moved = true;
        }
    }
}

/* ---- without registers: pools, pta_crop, pta_pad, joins ---- */

/* Offers what arrives, and takes it when it is taken there. True if it moved. */
static bool pass(pta_net *net, int32_t in, int32_t out, bool *waiting)
{
    int32_t cycle;
    pta_wire *to = &net->wires[out];
    if (!*waiting) {
        if (!arrives(&net->wires[in], &cycle)) {
            return false;
        }
        *waiting = true;
        pta_wire_offer(net, out, cycle);
    }
    if (to->n_taken < to->n_valid) {
        return false;
    }
    *waiting = false;
    pta_wire_take(net, in, to->taken[to->n_taken - 1]);
    return true;
}

static bool picked(const pta_pick_time *k, int64_t j)
{
    int64_t at = j % k->period, row = j / k->period % k->rows;
    return at >= k->from && at < k->from + k->n && row >= k->first_row &&
           row < k->first_row + k->n_rows;
}

static void advance_pick(pta_net *net, pta_part *p)
{
    pta_pick_time *k = &p->as.pick;
    const pta_wire *in = &net->wires[p->in[0]];
    int32_t cycle;
    for (;;) {
        if (picked(k, in->n_taken)) {
            if (!pass(net, p->in[0], p->out[0], &k->waiting)) {
                return;
            }
        } else if (arrives(in, &cycle)) {
            pta_wire_take(net, p->in[0], cycle);
        } else {
            return;
        }
    }
}

static bool pad_in_image(const pta_pad_time *d, int64_t at)
{
    int64_t row = ((int64_t)d->cols + d->pl + d->pr) * d->cb;
    int64_t y = at / row, x = at % row / d->cb;
    return y >= d->pt && y < d->pt + d->rows && x >= d->pl &&
           x < d->pl + d->cols;
}

static void advance_pad(pta_net *net, pta_part *p)
{
    pta_pad_time *d = &p->as.pad;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int64_t frame = ((int64_t)d->rows + d->pt + d->pb) *
                    ((int64_t)d->cols + d->pl + d->pr) * d->cb;
    for (;;) {
        int64_t j = d->waiting ? out->n_valid - 1 : out->n_valid;
        int32_t cycle = 0;
        if (j >= out->n) {
            return;
        }
        if (pad_in_image(d, j % frame)) {
            if (!pass(net, p->in[0], p->out[0], &d->waiting)) {
                return;
            }
        } else if (j % frame != 0) {
            pta_wire_offer(net, p->out[0], 0);
        } else if (in->n_taken < in->n_valid) { /* begins with its first beat */
            cycle = later(cycle, in->valid[in->n_taken]);
            pta_wire_offer(net, p->out[0], cycle);
        } else {
            return;
        }
    }
}

static void advance_zip(pta_net *net, pta_part *p)
{
    pta_wire *out = &net->wires[p->out[0]];
    int32_t a, b;
    for (;;) {
        if (out->n_valid > out->n_taken) {
            return;
        }
        if (out->n_taken > net->wires[p->in[0]].n_taken) {
            int32_t cycle = out->taken[out->n_taken - 1];
            pta_wire_take(net, p->in[0], cycle);
            pta_wire_take(net, p->in[1], cycle);
        }
        if (!arrives(&net->wires[p->in[0]], &a) ||
            !arrives(&net->wires[p->in[1]], &b)) {
            return;
        }
        pta_wire_offer(net, p->out[0], later(a, b));
    }
}

static void advance_turn(pta_net *net, pta_part *p)
{
    pta_turn_time *t = &p->as.turn;
    while (
        pass(net, p->in[t->at < t->beats[0] ? 0 : 1], p->out[0], &t->waiting)) {
        t->at = (t->at + 1) % (t->beats[0] + t->beats[1]);
    }
}

/* ---- pta_permute ---- */

static bool permute_in(pta_net *net, pta_part *p)
{
    pta_permute_time *t = &p->as.permute;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int64_t frame = in->n_taken / t->s;
    int32_t cycle;
    if (!arrives(in, &cycle) || out->n_valid < (frame - 1) * t->s) {
        return false;
    }
    cycle = frame >= 2 ? later(cycle, t->end[frame % 2] + 1) : cycle;
    pta_wire_take(net, p->in[0], cycle);
    return true;
}

static bool permute_out(pta_net *net, pta_part *p)
{
    pta_permute_time *t = &p->as.permute;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int64_t r = out->n_valid, frame = r / t->s;
    if (r >= out->n || !is_taken(out, r - 2) ||
        !is_taken(in, (frame + 1) * t->s - 1)) {
        return false;
    }
    int32_t cycle = after(in, (frame + 1) * t->s - 1);
    cycle = r > 0 ? later(cycle, later(t->issue + 1, t->skid)) : cycle;
    t->issue = cycle;
    t->skid = later(cycle + 1, after(out, r - 2));
    if (r % t->s == t->s - 1) {
        t->end[frame % 2] = cycle;
    }
    pta_wire_offer(net, p->out[0], t->skid + 1);
    return true;
}

static void advance_permute(pta_net *net, pta_part *p)
{
    bool moved = true;
    while (moved) {
        moved = permute_in(net, p);
        while (permute_out(net, p)) {
            moved = true;
        }
    }
}

/* ---- pta_shell_in, pta_shell_out ---- */

static void next_word(pta_shell_time *s)
{
    s->total++;
    if (++s->word == s->ports[s->port].words) {
        s->word = 0;
        s->port = (s->port + 1) % s->n_ports;
    }
}

/* Words come each cycle; a skid holds two of them and gives them in order. */
static bool source_word(pta_net *net, pta_shell_time *s)
{
    int32_t wire = s->ports[s->port].stream, cycle = s->cycle + 1;
    int32_t two = s->wire[s->total % 2], one = s->wire[(s->total + 1) % 2];
    int64_t before = one >= 0 ? net->wires[one].n_valid - 1 : -1;
    if (s->total >= 2) {
        int64_t j = two == one ? before - 1 : s->index;
        if (!is_taken(&net->wires[two], j)) {
            return false;
        }
        cycle = later(cycle, after(&net->wires[two], j));
    }
    int32_t offer = cycle + 1;
    if (s->total >= 1 && one != wire) {
        if (!is_taken(&net->wires[one], before)) {
            return false;
        }
        offer = later(offer, after(&net->wires[one], before));
        s->index = before; /* of the last word of that wire */
    }
    s->cycle = cycle;
    s->wire[s->total % 2] = wire;
    pta_wire_offer(net, wire, offer);
    next_word(s);
    return true;
}

static void advance_source(pta_net *net, pta_part *p)
{
    pta_shell_time *s = &p->as.shell;
    while (s->total < s->sample_words * net->samples && source_word(net, s)) {
    }
}

static void advance_sink(pta_net *net, pta_part *p)
{
    pta_shell_time *s = &p->as.shell;
    int32_t cycle;
    while (s->total < s->sample_words * net->samples &&
           arrives(&net->wires[s->ports[s->port].stream], &cycle)) {
        s->cycle = later(cycle, s->cycle + 1);
        pta_wire_take(net, s->ports[s->port].stream, s->cycle);
        next_word(s);
        if (s->total % s->sample_words == 0) {
            s->sample_end[s->total / s->sample_words - 1] = s->cycle + 1;
        }
    }
}

void pta_part_advance(pta_net *net, pta_part *part)
{
    static void (*const advance[])(pta_net *, pta_part *) = {
        [PTA_PART_FIFO] = advance_fifo,
        [PTA_PART_PIPE] = advance_pipe,
        [PTA_PART_GEARBOX] = advance_gearbox,
        [PTA_PART_MVU] = advance_mvu,
        [PTA_PART_ENGINE] = pta_engine_advance,
        [PTA_PART_CELLS] = advance_cells,
        [PTA_PART_PICK] = advance_pick,
        [PTA_PART_PAD] = advance_pad,
        [PTA_PART_ZIP] = advance_zip,
        [PTA_PART_TURN] = advance_turn,
        [PTA_PART_PERMUTE] = advance_permute,
        [PTA_PART_SOURCE] = advance_source,
        [PTA_PART_SINK] = advance_sink,
    };
    advance[part->kind](net, part);
}
