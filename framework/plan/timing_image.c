/*
 * The recurrences of blocks that know where in an image, or in a join, a beat
 * is; see timing_parts.c.
 */
#include "plan/timing_priv.h"

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
    if (!pta_beat_arrives(in, &cycle)) {
        return false;
    }
    while (c->free_tl <= in->n_taken - c->ring) {
        if (c->freed >= c->positions) {
            return false;
        }
        next_position(c, &c->free_frame, &c->free_oh, &c->free_ow, &c->free_tl);
        c->freed++;
    }
    pta_wire_take(net, p->in[0], pta_later(cycle, c->since[c->freed]));
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
    if (r >= out->n || !pta_beat_taken(out, r - 2) ||
        !pta_beat_taken(in, needs)) {
        return false;
    }
    int32_t cycle = needs < 0 ? 0 : pta_after_beat(in, needs);
    cycle = r > 0 ? pta_later(cycle, pta_later(c->issue + 1, c->skid)) : cycle;
    c->issue = cycle;
    c->skid = pta_later(cycle + 1, pta_after_beat(out, r - 2));
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

void pta_cells_advance(pta_net *net, pta_part *p)
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
        if (!pta_beat_arrives(&net->wires[in], &cycle)) {
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

void pta_pick_advance(pta_net *net, pta_part *p)
{
    pta_pick_time *k = &p->as.pick;
    const pta_wire *in = &net->wires[p->in[0]];
    int32_t cycle;
    for (;;) {
        if (picked(k, in->n_taken)) {
            if (!pass(net, p->in[0], p->out[0], &k->waiting)) {
                return;
            }
        } else if (pta_beat_arrives(in, &cycle)) {
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

void pta_pad_advance(pta_net *net, pta_part *p)
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
            cycle = pta_later(cycle, in->valid[in->n_taken]);
            pta_wire_offer(net, p->out[0], cycle);
        } else {
            return;
        }
    }
}

void pta_zip_advance(pta_net *net, pta_part *p)
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
        if (!pta_beat_arrives(&net->wires[p->in[0]], &a) ||
            !pta_beat_arrives(&net->wires[p->in[1]], &b)) {
            return;
        }
        pta_wire_offer(net, p->out[0], pta_later(a, b));
    }
}

void pta_turn_advance(pta_net *net, pta_part *p)
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
    if (!pta_beat_arrives(in, &cycle) || out->n_valid < (frame - 1) * t->s) {
        return false;
    }
    cycle = frame >= 2 ? pta_later(cycle, t->end[frame % 2] + 1) : cycle;
    pta_wire_take(net, p->in[0], cycle);
    return true;
}

static bool permute_out(pta_net *net, pta_part *p)
{
    pta_permute_time *t = &p->as.permute;
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[0]];
    int64_t r = out->n_valid, frame = r / t->s;
    if (r >= out->n || !pta_beat_taken(out, r - 2) ||
        !pta_beat_taken(in, (frame + 1) * t->s - 1)) {
        return false;
    }
    int32_t cycle = pta_after_beat(in, (frame + 1) * t->s - 1);
    cycle = r > 0 ? pta_later(cycle, pta_later(t->issue + 1, t->skid)) : cycle;
    t->issue = cycle;
    t->skid = pta_later(cycle + 1, pta_after_beat(out, r - 2));
    if (r % t->s == t->s - 1) {
        t->end[frame % 2] = cycle;
    }
    pta_wire_offer(net, p->out[0], t->skid + 1);
    return true;
}

void pta_permute_advance(pta_net *net, pta_part *p)
{
    bool moved = true;
    while (moved) {
        moved = permute_in(net, p);
        while (permute_out(net, p)) {
            moved = true;
        }
    }
}
