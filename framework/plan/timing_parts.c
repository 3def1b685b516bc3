/*
 * The recurrences: what each part does with the beats it knows of. A cycle is
 * the clock edge at which a beat moves; see timing_priv.h, and the head of the
 * RTL named with each part.
 */
#include "plan/timing_priv.h"

/* ---- pta_fifo, pta_skid, pta_fork ---- */

/* Block RAM: read when the register behind it is free, then a skid. */
static bool fifo_read(pta_net *net, pta_fifo_time *f, const pta_wire *in,
                      int32_t out)
{
    const pta_wire *w = &net->wires[out];
    int64_t j = f->n_read;
    if (j >= in->n_taken || !pta_beat_taken(w, j - 2)) {
        return false;
    }
    int32_t read = in->taken[j] + 1;
    if (j > 0) {
        read = pta_later(read, pta_later(f->read[j - 1] + 1, f->skid));
    }
    f->read[f->n_read++] = read;
    f->skid = pta_later(read + 1, pta_after_beat(w, j - 2));
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
    *cycle = pta_later(*cycle, (f->block ? f->read : out->taken)[left] + 1);
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
        bool go = pta_beat_arrives(in, &cycle);
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
    while (t->counted < in->n_taken && pta_beat_taken(out, t->counted - 1)) {
        int64_t i = t->counted;
        int32_t cum = i > 0 ? t->cum[i - 1] : 0;
        int32_t enters = t->enter[i] + cum;
        int32_t stall = i > 0 ? out->taken[i - 1] - enters : 0;
        t->cum[i] = cum + pta_later(stall, 0);
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
        int32_t cycle = pta_later(in->valid[j] - cum, j > 0 ? t->last + 1 : 0);
        if (t->passed > 0) {
            cycle = pta_later(cycle, t->enter[t->passed - 1] + 1);
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
    if (!pta_beat_arrives(in, &cycle) || g->freeing.beats > out->n_taken) {
        return false;
    }
    pta_wire_take(net, p->in[0],
                  pta_later(cycle, pta_after_beat(out, g->freeing.beats - 1)));
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
    pta_wire_offer(net, p->out[0], pta_after_beat(in, g->needing.beats - 1));
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
    if (!pta_beat_arrives(in, &cycle) || unit - 2 >= m->freed) {
        return false;
    }
    if (unit >= 2) {
        cycle = pta_later(cycle, m->free[unit % 2] + 1);
    }
    pta_wire_take(net, p->in[0], cycle);
    return true;
}

/* The step that ends a group of rows waits for room for its result. */
static bool mvu_result(pta_net *net, pta_part *p, int32_t step)
{
    pta_mvu_time *m = &p->as.mvu;
    const pta_wire *out = &net->wires[p->out[0]];
    if (!pta_beat_taken(out, m->results - m->room)) {
        return false;
    }
    m->step = pta_later(step, pta_after_beat(out, m->results - m->room));
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
        if (!pta_beat_taken(in, m->beat)) {
            return false;
        }
        int32_t step = pta_later(m->step + 1, pta_after_beat(in, m->beat));
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
    if (m->beat >= in->n || !pta_beat_taken(in, m->beat)) {
        return false;
    }
    int32_t step = m->row > 0
                       ? m->step + 1
                       : pta_later(m->step + 1, pta_after_beat(in, m->beat));
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
        if (!pta_beat_taken(&net->wires[two], j)) {
            return false;
        }
        cycle = pta_later(cycle, pta_after_beat(&net->wires[two], j));
    }
    int32_t offer = cycle + 1;
    if (s->total >= 1 && one != wire) {
        if (!pta_beat_taken(&net->wires[one], before)) {
            return false;
        }
        offer = pta_later(offer, pta_after_beat(&net->wires[one], before));
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
           pta_beat_arrives(&net->wires[s->ports[s->port].stream], &cycle)) {
        s->cycle = pta_later(cycle, s->cycle + 1);
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
        [PTA_PART_CELLS] = pta_cells_advance,
        [PTA_PART_PICK] = pta_pick_advance,
        [PTA_PART_PAD] = pta_pad_advance,
        [PTA_PART_ZIP] = pta_zip_advance,
        [PTA_PART_TURN] = pta_turn_advance,
        [PTA_PART_PERMUTE] = pta_permute_advance,
        [PTA_PART_SOURCE] = advance_source,
        [PTA_PART_SINK] = advance_sink,
    };
    advance[part->kind](net, part);
}
