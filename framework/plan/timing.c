/*
 * Latency and interval of a design, and the FIFOs it needs to flow.
 *
 * A FIFO starts with two beats. Where the design stands still, the FIFO that
 * stops it is let grow as it will; when all flows, it gets the depth it used.
 */
#include "plan/design_priv.h"
#include "plan/timing_priv.h"

#define BOARD_BRAM18 280
#define BRAM18_BITS  18432

/* Beats worth of work: few samples of a large network, more of a small one. */
#define SAMPLES_MIN 3
#define SAMPLES_MAX 41
#define BEATS       200000

#define DEEPEN_MOST 24

static const char *const depth_names[] = {"DEPTH0", "DEPTH1", "DEPTH2",
                                          "DEPTH3"};
static const char *const block_names[] = {"BLOCK0", "BLOCK1", "BLOCK2",
                                          "BLOCK3"};

static int32_t samples_for(const pta_design *design)
{
    int64_t beats = 1;
    for (int32_t i = 0; i < design->n_streams; i++) {
        beats += pta_stream_beats(&design->streams[i]);
    }
    int64_t n = BEATS / beats;
    return (int32_t)(n < SAMPLES_MIN   ? SAMPLES_MIN
                     : n > SAMPLES_MAX ? SAMPLES_MAX
                                       : n);
}

/* ---- FIFOs ---- */

static const char *depth_name(const pta_block *block, int32_t k)
{
    return block->kind == PTA_BLOCK_FORK ? depth_names[k] : "DEPTH";
}

/* Full with nothing leaving: its writer has a beat it does not take. */
static bool is_full(const pta_net *net, const pta_part *p, int32_t k)
{
    const pta_wire *in = &net->wires[p->in[0]];
    return in->n_taken - net->wires[p->out[k]].n_taken >= p->as.fifo[k].depth;
}

/* Makes the FIFOs of stopped forks grow that stop others of the same fork;
 * with `ports`, those behind or before the shell too. */
static int32_t grow_fifos(const pta_net *net, pta_design *design, bool ports)
{
    int32_t grown = 0;
    for (int32_t i = 0; i < net->n_parts; i++) {
        const pta_part *p = &net->parts[i];
        int32_t full = 0;
        if (p->kind != PTA_PART_FIFO || !p->as.fifo[0].can_grow) {
            continue;
        }
        for (int32_t k = 0; k < p->n_out; k++) {
            full += is_full(net, p, k);
        }
        pta_block *block = &design->blocks[p->block];
        bool port = block->kind == PTA_BLOCK_FIFO;
        for (int32_t k = 0; k < p->n_out; k++) {
            if (is_full(net, p, k) && (port ? ports : full < p->n_out)) {
                pta_block_set(block, depth_name(block, k), 0);
                grown++;
            }
        }
    }
    return grown;
}

/* Beats that FIFO k must hold for its beats to move when they did. */
static int64_t depth_used(const pta_net *net, const pta_part *p, int32_t k)
{
    const pta_wire *in = &net->wires[p->in[0]], *out = &net->wires[p->out[k]];
    int64_t left = 0, depth = 2;
    for (int64_t j = 0; j < in->n_taken; j++) {
        while (left < out->n_taken && out->taken[left] < in->taken[j]) {
            left++;
        }
        depth = j - left + 1 > depth ? j - left + 1 : depth;
    }
    return depth;
}

static void fit_fifos(const pta_net *net, pta_design *design)
{
    for (int32_t i = 0; i < net->n_parts; i++) {
        const pta_part *p = &net->parts[i];
        for (int32_t k = 0; p->kind == PTA_PART_FIFO && k < p->n_out; k++) {
            if (p->as.fifo[k].depth != INT64_MAX) {
                continue;
            }
            pta_block *block = &design->blocks[p->block];
            const pta_stream *s = &design->streams[p->out[k]];
            bool fork = block->kind == PTA_BLOCK_FORK;
            int64_t depth = depth_used(net, p, k);
            int64_t bits = depth * s->lanes * s->width;
            pta_block_set(block, depth_name(block, k), depth);
            pta_block_set(block, fork ? block_names[k] : "BLOCK",
                          depth > 64 && bits > 2048);
        }
    }
}

/* What FIFOs hold, in bits; refused if a board's block RAM does not. */
static pta_status check_fifos(pta_ctx *ctx, const pta_design *design)
{
    int64_t bits = 0, have = (int64_t)BOARD_BRAM18 * BRAM18_BITS;
    for (int32_t i = 0; i < design->n_blocks; i++) {
        const pta_block *block = &design->blocks[i];
        bool fifo =
            block->kind == PTA_BLOCK_FORK || block->kind == PTA_BLOCK_FIFO;
        for (int32_t k = 0; fifo && k < block->n_out; k++) {
            const pta_stream *s = &design->streams[block->out[k]];
            bits += pta_block_param(block, depth_name(block, k)) * s->lanes *
                    s->width;
        }
    }
    if (bits <= have) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "FIFOs of branches hold %lld bytes, the block RAM of a "
                    "board has %lld: %lld bytes lacking",
                    (long long)(bits / 8), (long long)(have / 8),
                    (long long)((bits - have + 7) / 8));
}

static bool can_stop(const pta_design *design)
{
    for (int32_t i = 0; i < design->n_blocks; i++) {
        pta_block_kind kind = design->blocks[i].kind;
        if (kind == PTA_BLOCK_FORK || kind == PTA_BLOCK_FIFO) {
            return true;
        }
    }
    return false;
}

static pta_status size_fifos(pta_ctx *ctx, pta_design *design, int32_t samples)
{
    for (int32_t more = can_stop(design); more > 0;) {
        pta_net net;
        PTA_TRY(pta_net_make(ctx, design, samples, &net));
        bool flows = pta_net_run(&net);
        more = flows ? 0 : grow_fifos(&net, design, false);
        if (!flows && more == 0) {
            more = grow_fifos(&net, design, true);
        }
        if (flows) {
            fit_fifos(&net, design);
        }
        pta_net_free(&net);
        if (!flows && more == 0) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "the streams of this slice would stop each other");
        }
    }
    return check_fifos(ctx, design);
}

/* ---- the figures ---- */

static int32_t bottleneck(const pta_design *design)
{
    int32_t most = -1;
    int64_t words[2] = {0, 0};
    for (int32_t i = 0; i < design->n_inputs; i++) {
        words[0] += design->inputs[i].words;
    }
    for (int32_t i = 0; i < design->n_outputs; i++) {
        words[1] += design->outputs[i].words;
    }
    int64_t steps = words[0] > words[1] ? words[0] : words[1];
    for (int32_t i = 0; i < design->n_blocks; i++) {
        if (design->blocks[i].steps > steps) {
            steps = design->blocks[i].steps;
            most = i;
        }
    }
    return most;
}

/* Makes FIFOs that stop a run somewhat deeper. */
static int32_t deepen_fifos(const pta_net *net, pta_design *design)
{
    int32_t grown = 0;
    for (int32_t i = 0; i < net->n_parts; i++) {
        const pta_part *p = &net->parts[i];
        if (p->kind != PTA_PART_FIFO || !p->as.fifo[0].can_grow) {
            continue;
        }
        for (int32_t k = 0; k < p->n_out; k++) {
            if (is_full(net, p, k)) {
                int64_t depth = p->as.fifo[k].depth;
                pta_block_set(&design->blocks[p->block],
                              depth_name(&design->blocks[p->block], k),
                              depth + 2 + depth / 32);
                grown++;
            }
        }
    }
    return grown;
}

/* A FIFO as deep as it was used can be too shallow by some beats: a memory of
 * another kind moves its beats at other times, and a third sample finds the end
 * of the one before where two found nothing. */
static pta_status run_net(pta_ctx *ctx, pta_design *design, int32_t samples,
                          pta_net *net)
{
    int32_t more = 1;
    for (int tries = 0; tries < DEEPEN_MOST && more > 0; tries++) {
        PTA_TRY(pta_net_make(ctx, design, samples, net));
        if (pta_net_run(net)) {
            return PTA_OK;
        }
        more = deepen_fifos(net, design);
        pta_net_free(net);
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "the streams of this slice would stop each other");
}

/* Every so many samples the same intervals come again. */
static bool repeats(const int32_t *end, int32_t n, int32_t period)
{
    for (int32_t i = period + 1; i <= n; i++) {
        if (end[i] - end[i - period] != end[period] - end[0]) {
            return false;
        }
    }
    return true;
}

/* Over the second half of the samples; where they leave in bursts, over whole
 * bursts. */
static int64_t interval_of(const int32_t *end, int32_t samples)
{
    int32_t from = (samples - 1) / 2, n = samples - 1 - from, period = 1;
    while (2 * period <= n && !repeats(end + from, n, period)) {
        period++;
    }
    n = 2 * period <= n ? period : n;
    return n > 0 ? (end[from + n] - end[from] + n / 2) / n : 0;
}

pta_status pta_design_time(pta_ctx *ctx, pta_design *design, int32_t samples)
{
    pta_net net;
    PTA_TRY(size_fifos(ctx, design, samples == 1 ? 1 : 2));
    samples = samples > 0 ? samples : samples_for(design);
    PTA_TRY(run_net(ctx, design, samples, &net));
    const int32_t *end = net.parts[net.n_parts - 1].as.shell.sample_end;
    design->latency = end[0];
    design->interval = interval_of(end, samples);
    design->bottleneck = bottleneck(design);
    pta_net_free(&net);
    return PTA_OK;
}
