/*
 * Timing of the reused engine (pta_engine.sv): the cycle in which each step is
 * issued, for timing_net.c. A step waits for the group of inputs it reads; the
 * last step of a group of the last layer also for room in the result FIFO.
 */
#include "plan/timing_priv.h"

static int32_t ceil_div(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static int32_t log2_ceil(int32_t n)
{
    int32_t bits = 0;
    while (1 << bits < n) {
        bits++;
    }
    return bits;
}

pta_status pta_engine_part(pta_net *net, pta_part *part)
{
    const pta_block *b = &net->design->blocks[part->block];
    int32_t simd = (int32_t)pta_block_param(b, "SIMD");
    int32_t lc = (int32_t)pta_block_param(b, "LC");
    int32_t len = lc < simd ? lc : simd;
    int32_t tree = log2_ceil(ceil_div(simd, len));
    int32_t after =
        (pta_block_param(b, "PACKED") != 0 ? 4 : 2) + (len == 1 ? 0 : len);
    part->as.engine =
        (pta_engine_time){.layers = net->design->layers,
                          .n_layers = net->design->n_layers,
                          .pe = (int32_t)pta_block_param(b, "PE"),
                          .simd = simd,
                          .p_in = (int32_t)pta_block_param(b, "P_IN"),
                          .delay = after + tree + 4,
                          .room = 1 << log2_ceil(after + tree + 8),
                          .step = -1};
    size_t groups = (size_t)pta_block_param(b, "GROUPS");
    PTA_TRY_ALLOC(net->ctx, part->as.engine.ready[0], groups);
    PTA_TRY_ALLOC(net->ctx, part->as.engine.ready[1], groups);
    return PTA_OK;
}

/* Two vectors are held; the next one's beats come when the first is used up. */
static bool take_input(pta_net *net, pta_part *p)
{
    pta_engine_time *e = &p->as.engine;
    const pta_wire *in = &net->wires[p->in[0]];
    int64_t j = in->n_taken;
    int64_t vector = j / ceil_div(e->layers[0].n, e->p_in);
    if (j >= in->n_valid || vector - 2 >= e->freed) {
        return false;
    }
    int32_t cycle = j > 0 ? in->taken[j - 1] + 1 : 0;
    cycle = pta_later(cycle, in->valid[j]);
    if (vector >= 2) {
        cycle = pta_later(cycle, e->free[vector % 2] + 1);
    }
    pta_wire_take(net, p->in[0], cycle);
    return true;
}

/* Cycle from which group `col` of a layer's inputs can be read. */
static bool inputs_ready(const pta_net *net, const pta_part *p, int32_t *cycle)
{
    const pta_engine_time *e = &p->as.engine;
    const pta_engine_layer *l = &e->layers[e->layer];
    int32_t need = (e->col + 1) * e->simd;
    need = need < l->n ? need : l->n;
    if (e->layer > 0) {
        *cycle = e->ready[(e->layer - 1) % 2][ceil_div(need, e->pe) - 1];
        return true;
    }
    const pta_wire *in = &net->wires[p->in[0]];
    int64_t beat =
        e->sample * ceil_div(l->n, e->p_in) + ceil_div(need, e->p_in) - 1;
    if (beat >= in->n_taken) {
        return false;
    }
    *cycle = in->taken[beat] + 1;
    return true;
}

/* The last step of a group. */
static bool finish_group(pta_net *net, pta_part *p, int32_t cycle)
{
    pta_engine_time *e = &p->as.engine;
    if (e->layer == e->n_layers - 1) {
        const pta_wire *out = &net->wires[p->out[0]];
        int64_t before = e->results - e->room;
        if (before >= out->n_taken) {
            return false;
        }
        e->step = pta_later(cycle, pta_after_beat(out, before));
        e->results++;
        pta_wire_offer(net, p->out[0], e->step + e->delay);
        return true;
    }
    e->step = cycle;
    e->ready[e->layer % 2][e->row] = cycle + e->delay;
    return true;
}

static void next_step(pta_engine_time *e, int32_t ng, int32_t mg)
{
    bool columns = e->layers[e->layer].columns;
    int32_t *inner = columns ? &e->row : &e->col;
    int32_t *outer = columns ? &e->col : &e->row;
    if (++*inner < (columns ? mg : ng)) {
        return;
    }
    *inner = 0;
    if (++*outer < (columns ? ng : mg)) {
        return;
    }
    *outer = 0;
    if (e->layer == 0) {
        e->free[e->sample % 2] = e->step;
        e->freed++;
    }
    if (++e->layer == e->n_layers) {
        e->layer = 0;
        e->sample++;
    }
}

static bool issue(pta_net *net, pta_part *p)
{
    pta_engine_time *e = &p->as.engine;
    const pta_engine_layer *l = &e->layers[e->layer];
    int32_t ng = ceil_div(l->n, e->simd), mg = ceil_div(l->m, e->pe), cycle;
    if (e->sample == net->samples || !inputs_ready(net, p, &cycle)) {
        return false;
    }
    cycle = pta_later(cycle, e->step + 1);
    if (e->col < ng - 1) {
        e->step = cycle;
    } else if (!finish_group(net, p, cycle)) {
        return false;
    }
    next_step(e, ng, mg);
    return true;
}

void pta_engine_advance(pta_net *net, pta_part *part)
{
    bool moved = true;
    while (moved) {
        moved = take_input(net, part);
        while (issue(net, part)) {
            moved = true;
        }
    }
}
