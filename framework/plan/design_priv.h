/*
 * Between the files that lower a slice into a design: design_build.c walks the
 * slice, lower_*.c turn one step into blocks, and both build with these.
 */
#ifndef PTA_PLAN_DESIGN_PRIV_H
#define PTA_PLAN_DESIGN_PRIV_H

#include "plan/design.h"

typedef struct pta_lowering {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_fold *folds; /* [n_steps] */
    pta_design *design;
    int32_t stream_room, block_room;
    int32_t *uses; /* owned; [n_values] readers of a buffer */
    int32_t *next; /* owned; [n_values] stream to hand out next, or -1 */
    int64_t pace;  /* cycles a sample takes at least: no block need be faster */
} pta_lowering;

/* ---- building ---- */

/** A stream that block `writer` (-1: a port) writes; readers come later. */
pta_status PTA_MUST_CHECK pta_lower_stream(pta_lowering *l, pta_stream stream,
                                           int32_t *out);

/** A block of `step` that reads stream `in`; the pointer is good until the next
 * call. `steps` starts as the longer of its streams. */
pta_status PTA_MUST_CHECK pta_lower_block(pta_lowering *l, pta_block_kind kind,
                                          int32_t step, int32_t in,
                                          pta_block **out);

/** Gives the last block an output stream. Its `writer` is set here. */
pta_status PTA_MUST_CHECK pta_lower_output(pta_lowering *l, pta_stream stream,
                                           int32_t *out);

void pta_lower_input(pta_lowering *l, int32_t stream); /* one more */

/** Sets a parameter, which is added if the block has none of that name. */
void pta_block_set(pta_block *block, const char *name, int64_t value);
void pta_block_add_memory(pta_block *block, pta_memory_role role,
                          pta_fold_memory memory, int64_t words,
                          int64_t word_bits);

/** The stream as it is that the next reader of `value` gets; not taken yet. */
const pta_stream *pta_lower_peek(const pta_lowering *l, int32_t value);

/** Takes the next reader's branch of `value` as vectors of `c`, `lanes` a beat:
 * through a gearbox where it comes otherwise. */
pta_status PTA_MUST_CHECK pta_lower_take(pta_lowering *l, int32_t value,
                                         int32_t c, int32_t lanes,
                                         int32_t *stream);

/** `stream` is what the slice calls `value`: forked if several read it. */
pta_status PTA_MUST_CHECK pta_lower_give(pta_lowering *l, int32_t value,
                                         int32_t stream);

/** A FIFO, of two beats until pta_design_time knows better. */
pta_status PTA_MUST_CHECK pta_lower_fifo(pta_lowering *l, int32_t in,
                                         int32_t *out);

/** Conversion after `in` (lanes as they are) to a value's format. */
pta_status PTA_MUST_CHECK pta_lower_requant(pta_lowering *l, int32_t step,
                                            int32_t in, int32_t *out);

/* ---- the steps ---- */

pta_status PTA_MUST_CHECK pta_lower_matrix(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_depthwise(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_scale_shift(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_pool(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_relu(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_table(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_pad(pta_lowering *l, int32_t step);

/** Pads wider than the window's span go to a pad block in front: takes them out
 * of `window`, puts them into the view `in`. */
pta_status PTA_MUST_CHECK pta_lower_far_pads(pta_lowering *l, int32_t step,
                                             pta_window *window, pta_view *in,
                                             int32_t p, int32_t *stream);
pta_status PTA_MUST_CHECK pta_lower_crop(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_permute(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_join(pta_lowering *l, int32_t step);
pta_status PTA_MUST_CHECK pta_lower_concat(pta_lowering *l, int32_t step);

/** All steps as one block, for engine REUSED (design_engine.c). */
pta_status PTA_MUST_CHECK pta_lower_engine(pta_lowering *l);

/** What an engine takes of a board without its memories (count_engine.c). */
pta_resources pta_engine_resources(const pta_block *block);

/* ---- what they share ---- */

/** PTA_ERR_UNSUPPORTED with "layer 'NAME': " in front. */
pta_status pta_lower_refuse(const pta_lowering *l, int32_t step,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int32_t pta_value_width(const pta_slice *slice, int32_t value);
bool pta_value_signed(const pta_slice *slice, int32_t value);
int32_t pta_value_frac(const pta_slice *slice, int32_t value);

/** A stream of `value`, `lanes` a beat, no writer or reader yet. */
pta_stream pta_value_stream(const pta_slice *slice, int32_t value,
                            int32_t lanes);

/** Parameters OUT_SIGNED, ROUNDING, OVERFLOW of a value's format. */
void pta_block_set_format(pta_block *block, pta_format format);

/** ACT and ACT_MAX; a maximum beyond `bits` bits is none. */
void pta_block_set_activation(pta_block *block, const pta_step *step,
                              int32_t bits);

/** KH to PR, DEPTH and BLOCK of a window over `in`, P elements a beat. */
void pta_block_set_window(pta_block *block, const pta_window *window,
                          pta_view in, int32_t p, int32_t width);

/** Cycles a window of `p` lanes reads a sample: positions * cells * beats. */
int64_t pta_window_reads(const pta_window *window, pta_view out, int32_t c,
                         int32_t p);

/** Smallest divisor of `c` with count * c / divisor <= pace; else c. */
int32_t pta_lanes_for(int32_t c, int64_t count, int64_t pace);

/** Cycles that a step keeps its block busy a sample; 0 for what is not folded.
 * Folds are as pta_fold_cut gives them. */
int64_t pta_step_cycles(const pta_slice *slice, const pta_step *step,
                        const pta_fold *fold);

/** The most of that, and of the bus: no sample can take less. `folds` NULL: of
 * the bus alone. */
int64_t pta_slice_pace(const pta_slice *slice, const pta_fold *folds);

/** What a weighted step multiplies at a position: M outputs of N inputs;
 * depthwise and scale-shift: M channels, N cells or 1. */
typedef struct pta_work {
    int64_t positions;
    int32_t m, n;
} pta_work;

pta_work pta_step_work(const pta_slice *slice, const pta_step *step);

/** True for steps that a folding is chosen for. */
bool pta_step_folded(const pta_step *step);

/** `pe` and `simd` cut to what the step has. */
pta_fold pta_fold_cut(const pta_slice *slice, const pta_step *step,
                      pta_fold fold);

/** Lanes of a convolution's window: P for SIMD inputs a cycle. */
int32_t pta_window_lanes(const pta_slice *slice, const pta_step *step,
                         const pta_fold *fold, int64_t pace);

/** A convolution that needs no window: 1x1 at every position. */
bool pta_step_pointwise(const pta_step *step);

/** What a weighted step takes with a folding: its multipliers, weights and
 * conversion, and the gearbox behind its window. */
pta_resources pta_fold_resources(const pta_slice *slice, const pta_step *step,
                                 const pta_fold *fold);

/** A matrix-vector unit's parameters and memories, without streams. */
pta_block pta_matrix_block(const pta_slice *slice, const pta_step *step,
                           const pta_fold *fold);

/* ---- designs ---- */

/** Refuses float slices and hls4ml arithmetic. */
pta_status PTA_MUST_CHECK pta_slice_check_hardware(pta_ctx *ctx,
                                                   const pta_slice *slice);

/** pta_design_build, timed over `samples` (0: as many as the interval takes); 1:
 * the latency alone; -1: not at all, FIFOs have two beats. */
pta_status PTA_MUST_CHECK pta_design_build_for(pta_ctx *ctx,
                                               const pta_slice *slice,
                                               const pta_fold *folds,
                                               int32_t samples,
                                               pta_design **out);

/* ---- after lowering ---- */

/** Depths of FIFOs, then latency and interval, from the recurrence of
 * timing.c. PTA_ERR_UNSUPPORTED if FIFOs need more memory than a board has. */
pta_status PTA_MUST_CHECK pta_design_time(pta_ctx *ctx, pta_design *design,
                                          int32_t samples);

/** DSP, BRAM, LUT, FF of a block; of every block and the whole. */
void pta_block_count(pta_block *block);
void pta_design_count(pta_design *design);

/** Halves of a block RAM for so many words. */
int64_t pta_bram18_count(int64_t words, int64_t bits);

/** Of pta_requant and pta_gearbox by themselves. */
pta_resources pta_requant_count(int64_t p, int64_t win, int64_t wout,
                                int64_t shift, bool act);
pta_resources pta_gearbox_count(int64_t w, int64_t c_in, int64_t p_in,
                                int64_t c_out, int64_t p_out);

#endif
