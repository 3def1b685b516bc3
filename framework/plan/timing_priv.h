/*
 * Timing of a design by recurrence: when each beat moves.
 *
 * A design is a net of parts joined by wires. A part is what a block's timing
 * is made of (a FIFO, a pipeline, the reader of a window); a wire is a stream
 * between two parts. Beat j of a wire is offered at cycle valid[j] and moves at
 * cycle taken[j], and a part works out the one from the other by the formula of
 * its RTL. Cycles without a beat cost nothing, data does not exist.
 *
 * A writer offers beat j as if beat j - 1 had left at once; the reader takes one
 * beat a cycle. All the rest is exact: what is known of a beat never depends on
 * a later one. So the order of work does not matter, and when no part can go on
 * before the end, the hardware would stand still too.
 */
#ifndef PTA_PLAN_TIMING_PRIV_H
#define PTA_PLAN_TIMING_PRIV_H

#include "plan/design.h"

typedef struct pta_wire {
    int64_t n; /* beats of all samples */
    int64_t n_valid, n_taken;
    int32_t *valid, *taken; /* owned; [n], cycles */
    int32_t writer, reader; /* parts */
} pta_wire;

typedef enum pta_part_kind {
    PTA_PART_FIFO, /* one to n_out, each behind a FIFO */
    PTA_PART_PIPE, /* registers with one enable, then a skid */
    PTA_PART_GEARBOX,
    PTA_PART_MVU,
    PTA_PART_ENGINE,
    PTA_PART_CELLS, /* reader of a window */
    PTA_PART_PICK,  /* passes some beats on, drops the others, no registers */
    PTA_PART_PAD,
    PTA_PART_ZIP,  /* needs a beat of each input */
    PTA_PART_TURN, /* so many beats of one input, then of the other */
    PTA_PART_PERMUTE,
    PTA_PART_SOURCE, /* shell_in */
    PTA_PART_SINK    /* shell_out */
} pta_part_kind;

typedef struct pta_fifo_time {
    int64_t depth; /* beats; INT64_MAX: as many as come */
    int32_t delay; /* cycles from in to out */
    bool block;    /* block RAM: read ahead through a skid */
    bool can_grow;
    int64_t n_read;
    int32_t *read; /* owned; block: [n] cycle of the read */
    int32_t skid;  /* block: cycle in which the last beat entered the skid */
} pta_fifo_time;

typedef struct pta_pipe_time {
    int32_t stages;
    int64_t counted, passed; /* beats whose stall is in cum; that input saw */
    int32_t last;            /* enabled cycle of the last beat in */
    int32_t *enter, *cum;    /* owned; [n]: enabled cycle of entering the skid;
                                stalls up to it */
} pta_pipe_time;

/** A count of beats and of the elements in them. */
typedef struct pta_beat_count {
    int64_t beats, elements, left; /* left of the vector */
} pta_beat_count;

typedef struct pta_gear_time {
    int64_t c_in, p_in, c_out, p_out;
    int64_t room;                /* elements it holds beyond a beat in */
    pta_beat_count in, freeing;  /* came; must leave before the next comes */
    pta_beat_count out, needing; /* the next; must come before it leaves */
} pta_gear_time;

typedef struct pta_mvu_time {
    int64_t ng, mg;
    bool hold; /* a vector is kept and read again */
    int32_t delay, room;
    int64_t beat, row; /* next step: of beat (hold: of the first row), row */
    int32_t step;      /* cycle of the last step */
    bool begun;        /* steps of this beat, with the last column */
    int64_t results, freed;
    int32_t free[2]; /* of unit u (vector or beat): free[u % 2] */
} pta_mvu_time;

typedef struct pta_engine_time {
    const pta_engine_layer *layers; /* borrowed */
    int32_t n_layers, pe, simd, p_in;
    int32_t delay, room;
    int64_t sample, freed; /* in work; whose input is used up */
    int32_t free[2];       /* of sample s: free[s % 2] */
    int32_t layer, col, row, step;
    int64_t results;
    int32_t *ready[2]; /* owned; [groups]: outputs of a layer, of the last */
} pta_engine_time;

typedef struct pta_cells_time {
    int32_t rows, cols, cb, kh, kw, sh, sw, dh, dw, pt, pl, out_rows, out_cols;
    int64_t ring, per_frame; /* beats */
    int64_t frame, tl, k;    /* in work: frame, corner, cell */
    int32_t oh, ow, b;
    int64_t free_frame, free_tl; /* the first corner that frees the next beat */
    int32_t free_oh, free_ow;
    int64_t positions, freed; /* read; index of that corner */
    int32_t *since;           /* owned; [positions]: corner valid since */
    int32_t issue, skid;      /* cycles of the last beat */
} pta_cells_time;

typedef struct pta_pick_time {
    int64_t period, from, n, rows, first_row, n_rows; /* of a row; rows */
    bool waiting;
} pta_pick_time;

typedef struct pta_pad_time {
    int32_t rows, cols, cb, pt, pb, pl, pr;
    bool waiting;
} pta_pad_time;

typedef struct pta_turn_time {
    int64_t beats[2], at;
    bool waiting;
} pta_turn_time;

typedef struct pta_permute_time {
    int64_t s;
    int32_t issue, skid, end[2]; /* last issue of the frame in each half */
} pta_permute_time;

#define PTA_PART_FAN 4

typedef struct pta_shell_time {
    const pta_design_port *ports; /* borrowed */
    int32_t n_ports, port;
    int64_t word, total, sample_words; /* of the port; so far; a sample */
    int32_t cycle;                     /* of the last word */
    int32_t wire[2];     /* source: of word w, wire[w % 2]; -1: none */
    int64_t index;       /* source: of the last word on the wire before */
    int32_t *sample_end; /* owned; sink: [samples] last word out */
} pta_shell_time;

typedef struct pta_part {
    pta_part_kind kind;
    int32_t n_in, n_out;
    int32_t in[PTA_PART_FAN], out[PTA_PART_FAN]; /* wires; shells: ports' */
    int32_t block;                               /* of the design; -1: shell */
    bool queued;
    union {
        pta_fifo_time fifo[PTA_PART_FAN];
        pta_pipe_time pipe;
        pta_gear_time gear;
        pta_mvu_time mvu;
        pta_engine_time engine;
        pta_cells_time cells;
        pta_pick_time pick;
        pta_pad_time pad;
        pta_turn_time turn;
        pta_permute_time permute;
        pta_shell_time shell;
    } as;
} pta_part;

typedef struct pta_net {
    pta_ctx *ctx;
    const pta_design *design;
    int32_t samples;
    int32_t n_wires, wire_room, n_parts, part_room;
    pta_wire *wires; /* owned; the design's streams first */
    pta_part *parts; /* owned */
    int32_t *queue;  /* owned; ring of [n_parts] */
    int32_t head, queued;
} pta_net;

/** The net of a design for some samples; FIFOs of depth 0 hold all beats. */
pta_status PTA_MUST_CHECK pta_net_make(pta_ctx *ctx, const pta_design *design,
                                       int32_t samples, pta_net *net);
void pta_net_free(pta_net *net);

/** Runs to the end; false if it stands still before. */
bool pta_net_run(pta_net *net);

/** The part of a reused engine (timing_engine.c). */
pta_status PTA_MUST_CHECK pta_engine_part(pta_net *net, pta_part *part);
void pta_engine_advance(pta_net *net, pta_part *part);

/** Windows, pools, padding, joins, permutations (timing_image.c). */
void pta_cells_advance(pta_net *net, pta_part *part);
void pta_pick_advance(pta_net *net, pta_part *part);
void pta_pad_advance(pta_net *net, pta_part *part);
void pta_zip_advance(pta_net *net, pta_part *part);
void pta_turn_advance(pta_net *net, pta_part *part);
void pta_permute_advance(pta_net *net, pta_part *part);

/** Works a part as far as it goes. */
void pta_part_advance(pta_net *net, pta_part *part);

/* The rest is inline: it is done for each beat, a hundred million times in a
 * search of foldings. */

/** Has a part worked, if it is not to be already. */
static inline void pta_part_wake(pta_net *net, int32_t part)
{
    pta_part *p = &net->parts[part];
    if (!p->queued) {
        p->queued = true;
        net->queue[(net->head + net->queued) % net->n_parts] = part;
        net->queued++;
    }
}

/** The next beat of a wire is offered; wakes its reader. */
static inline void pta_wire_offer(pta_net *net, int32_t wire, int32_t cycle)
{
    pta_wire *w = &net->wires[wire];
    w->valid[w->n_valid++] = cycle;
    pta_part_wake(net, w->reader);
}

/** The next beat of a wire moves; wakes its writer. */
static inline void pta_wire_take(pta_net *net, int32_t wire, int32_t cycle)
{
    pta_wire *w = &net->wires[wire];
    w->taken[w->n_taken++] = cycle;
    pta_part_wake(net, w->writer);
}

/** The later of two cycles. */
static inline int32_t pta_later(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/** Cycle after beat j moved; the beginning of time for those before the first. */
static inline int32_t pta_after_beat(const pta_wire *w, int64_t j)
{
    return j < 0 ? 0 : w->taken[j] + 1;
}

/** Whether beat j has moved. */
static inline bool pta_beat_taken(const pta_wire *w, int64_t j)
{
    return j < w->n_taken;
}

/** When the next beat of a wire could move, but for its reader's state. */
static inline bool pta_beat_arrives(const pta_wire *w, int32_t *cycle)
{
    if (w->n_taken >= w->n_valid) {
        return false;
    }
    *cycle = pta_later(w->valid[w->n_taken], pta_after_beat(w, w->n_taken - 1));
    return true;
}

#endif
