/*
 * A design: the blocks of hls/rtl that a slice becomes, the streams between
 * them, their parameters and memories, and what it all costs. No weights and no
 * files: hls/gen prints it, the planner weighs it.
 *
 * Blocks and their parameters have the names of their SystemVerilog modules
 * (docs/blocks.md). Every stream has one writer and one reader; a value used
 * twice goes through a FORK.
 */
#ifndef PTA_PLAN_DESIGN_H
#define PTA_PLAN_DESIGN_H

#include "plan/fold.h"
#include "plan/slice.h"

typedef enum pta_block_kind {
    PTA_BLOCK_FIFO,
    PTA_BLOCK_GEARBOX,
    PTA_BLOCK_MVU,
    PTA_BLOCK_MVU_PACKED,
    PTA_BLOCK_REQUANT,
    PTA_BLOCK_SCALE_SHIFT,
    PTA_BLOCK_RELU,
    PTA_BLOCK_TABLE,
    PTA_BLOCK_WINDOW,
    PTA_BLOCK_POOL_MAX,
    PTA_BLOCK_POOL_AVG,
    PTA_BLOCK_DEPTHWISE,
    PTA_BLOCK_PAD,
    PTA_BLOCK_CROP,
    PTA_BLOCK_PERMUTE,
    PTA_BLOCK_FORK,
    PTA_BLOCK_JOIN_BINARY,
    PTA_BLOCK_CONCAT,
    PTA_BLOCK_ENGINE, /* reused engine: all steps of the slice */
    PTA_BLOCK_COUNT
} pta_block_kind;

/** "mvu", "pool_max", ...: the module is pta_NAME. */
const char *pta_block_name(pta_block_kind kind);

typedef struct pta_param {
    const char *name; /* static */
    int64_t value;
} pta_param;

typedef enum pta_memory_role {
    PTA_ROLE_WEIGHTS, /* W_FILE */
    PTA_ROLE_BIAS,    /* B_FILE */
    PTA_ROLE_SCALE,   /* S_FILE */
    PTA_ROLE_ALPHA,   /* A_FILE */
    PTA_ROLE_TABLE,   /* FILE */
    PTA_ROLE_PROGRAM  /* P_FILE */
} pta_memory_role;

/** A memory of a block: `words` words of `word_bits`, in the layout of its
 * block's page. */
typedef struct pta_block_memory {
    pta_memory_role role;
    pta_fold_memory memory;
    int64_t words;
    int32_t word_bits;
} pta_block_memory;

#define PTA_BLOCK_IN_MAX       2
#define PTA_BLOCK_OUT_MAX      4
#define PTA_BLOCK_PARAMS_MAX   32
#define PTA_BLOCK_MEMORIES_MAX 3

typedef struct pta_block {
    pta_block_kind kind;
    int32_t step; /* of the slice whose work this is; -1: plumbing */
    int32_t n_in, in[PTA_BLOCK_IN_MAX];    /* streams */
    int32_t n_out, out[PTA_BLOCK_OUT_MAX]; /* streams */
    int32_t n_params;
    pta_param params[PTA_BLOCK_PARAMS_MAX];
    int32_t n_memories;
    pta_block_memory memories[PTA_BLOCK_MEMORIES_MAX];
    int64_t steps; /* of one sample: cycles the block is busy */
    pta_resources resources;
} pta_block;

/** Value of a parameter that the block has. */
int64_t pta_block_param(const pta_block *block, const char *name);

/** Vectors of `c` elements of `width` bits, `lanes` of them a beat. */
typedef struct pta_stream {
    int32_t value; /* of the slice, or -1 inside a step */
    int32_t c, lanes, width;
    bool is_signed;
    int64_t vectors; /* of one sample */
    int32_t writer;  /* block, or -1: slice input */
    int32_t reader;  /* block, or -1: slice output */
} pta_stream;

int64_t pta_stream_beats(const pta_stream *stream); /* of one sample */

/** An input or output of the slice at the core's 64-bit port. Its stream has
 * 8 / bytes lanes, as pta_unpack gives and pta_pack takes them. */
typedef struct pta_design_port {
    int32_t stream;
    int32_t bytes;  /* of an element on the bus: 1, 2, 4 or 8 */
    int64_t words;  /* of 64 bits a sample */
} pta_design_port;

#define PTA_ENGINE_WORD 144 /* bits of a layer's word, P_FILE */

/** A dense layer as the reused engine runs it (pta_engine.sv, P_FILE). */
typedef struct pta_engine_layer {
    int32_t step; /* of the slice */
    int32_t m, n;
    bool columns; /* outer */
    bool in_signed;
    int32_t shift; /* to the right, after LEFT */
    int64_t round; /* added to every bias: the half of AP_RND */
    int64_t lo, hi;
} pta_engine_layer;

typedef struct pta_design {
    pta_engine engine;
    int32_t n_layers;
    pta_engine_layer *layers; /* owned; of a reused engine, else NULL */
    int32_t n_streams;
    pta_stream *streams; /* owned */
    int32_t n_blocks;
    pta_block *blocks; /* owned; a block's writers come before it */
    int32_t n_inputs;
    pta_design_port *inputs; /* owned; in the slice's order */
    int32_t n_outputs;
    pta_design_port *outputs; /* owned */
    int64_t latency;    /* cycles, first word in to last word out, idle core */
    int64_t interval;   /* cycles from sample to sample */
    int32_t bottleneck; /* block with the most steps; -1: the bus */
    pta_resources resources; /* blocks, shell and registers */
} pta_design;

/** Budget of a design: a board's resources times the share allowed, less the
 * allowance for DMA, interconnect and reset. */
typedef struct pta_budget {
    int64_t lut, lutram, ff, dsp, bram18;
} pta_budget;

/** 70/50/80/90 % of a xc7z020's LUT/FF/BRAM/DSP, 70 % of its 17,400 LUTRAMs,
 * less 6,000 LUT, 8,000 FF and 4 BRAM36 (an assumption) for DMA and
 * interconnect. */
pta_budget pta_budget_pynq(void);

/** Name of the first resource over the budget ("DSP"), or NULL. */
const char *pta_budget_exceeded(const pta_budget *budget,
                                const pta_resources *resources);

/**
 * Chooses a folding for every weighted step that the plan gives none
 * (slice->steps[i].fold): the least interval within the budget, then the least
 * latency, then the fewest resources. `folds` [n_steps] receives all.
 * PTA_ERR_UNSUPPORTED, with the resource and the layer that takes most of it,
 * if even the smallest foldings do not fit.
 */
pta_status PTA_MUST_CHECK pta_fold_choose(pta_ctx *ctx, const pta_slice *slice,
                                          const pta_budget *budget,
                                          pta_fold *folds);

/**
 * The same for the least latency of one sample with an interval of at most
 * `interval` cycles (0: any). PTA_ERR_UNSUPPORTED if the budget allows no such
 * interval.
 */
pta_status PTA_MUST_CHECK pta_fold_choose_latency(pta_ctx *ctx,
                                                  const pta_slice *slice,
                                                  const pta_budget *budget,
                                                  int64_t interval,
                                                  pta_fold *folds);

/**
 * The design of a slice with these foldings [n_steps], as slice->engine wants
 * it. PTA_ERR_UNSUPPORTED, naming layer and numbers, for what cannot be built:
 * hls4ml arithmetic, float slices, operands or accumulators too wide, FIFOs
 * that would have to hold more than the board has.
 */
pta_status PTA_MUST_CHECK pta_design_build(pta_ctx *ctx, const pta_slice *slice,
                                           const pta_fold *folds,
                                           pta_design **out);
/**
 * Chooses the array and the orders of a reused engine: the least latency within
 * the budget, then the fewest DSPs. A folding of the plan (any step's) is kept.
 * All of `folds` [n_steps] get the same pe, simd and memory.
 */
pta_status PTA_MUST_CHECK pta_engine_choose(pta_ctx *ctx,
                                            const pta_slice *slice,
                                            const pta_budget *budget,
                                            pta_fold *folds);

void pta_design_destroy(pta_ctx *ctx, pta_design **design);

/** Why two products of a step cannot share a DSP ("weights may be the least of
 * their format"), for reports; NULL if they do wherever pe > 1. Decided from
 * formats alone, so that planner and generator agree. */
const char *pta_step_unpacked(const pta_slice *slice, const pta_step *step);

#endif
