/*
 * A slice: what one board holds. A straight-line program over values, with
 * every shape local to the board.
 *
 * Values are tensors, or parts of tensors, of one sample. Inputs and outputs
 * travel in `inputs` and `outputs` order; within a sample each starts on an
 * 8-byte boundary (docs/wire-format.md), elements in ascending flat order. Each
 * tensor is at most one input; steps that need less of it are given a CROP. An
 * output may be an input, or share a buffer with one or with another output
 * (RESHAPE), and the sink's outputs may name a value twice: devices copy.
 *
 * The slice is built from graph and plan alone (pta_slice_build, no weights,
 * no MPI). pta_slice_load (runtime/slice_load.h) then adds raw weights.
 *
 * Partial sums. A board of an input split ends in a step with `partial` set:
 * its output value has the accumulator's dtype, no bias, no activation. The
 * receiver (another board, or the sink) sees the node's finished tensor among
 * its inputs with `joined` set: the runtime adds the partial sums of all
 * senders, then bias, activation and conversion (pta_join), and hands the
 * device the finished values. Nodes that follow the weighted layer of an
 * input split in its stage ("carried" nodes) become steps of each receiver.
 */
#ifndef PTA_PLAN_SLICE_H
#define PTA_PLAN_SLICE_H

#include "plan/fold.h"
#include "plan/plan.h"
#include "plan/region.h"

typedef enum pta_step_op {
    PTA_STEP_DENSE,
    PTA_STEP_CONV,
    PTA_STEP_DWCONV,
    PTA_STEP_SCALE_SHIFT,
    PTA_STEP_MAXPOOL,
    PTA_STEP_AVGPOOL,
    PTA_STEP_RELU,
    PTA_STEP_SIGMOID,
    PTA_STEP_TANH,
    PTA_STEP_HARD_SIGMOID,
    PTA_STEP_SOFTMAX, /* of a plain graph (the hls4ml profile) */
    PTA_STEP_PERMUTE,
    PTA_STEP_ZEROPAD,
    PTA_STEP_ADD,
    PTA_STEP_SUB,
    PTA_STEP_MUL,
    PTA_STEP_AVERAGE,
    PTA_STEP_MAXIMUM,
    PTA_STEP_CONCAT,
    PTA_STEP_CROP /* copies a box out of a larger one: in view -> out view */
} pta_step_op;
/* RESHAPE is not a step: its value aliases its input's buffer. */

/** The graph's operation of a step; PTA_OP_COUNT for CROP, which has none. */
pta_op pta_step_graph_op(pta_step_op op);

/** A value: the local part of tensor `node`. */
typedef struct pta_value {
    int32_t node;
    pta_region region; /* which elements of the tensor */
    pta_view view;     /* local shape: h1-h0, w, c1-c0 of the region */
    pta_format format; /* of the raw integers; frac of partial sums: acc_frac */
    pta_dtype dtype;   /* format's, or the accumulator's for partial sums,
                          or F32 in a float slice */
    bool partial;
    int32_t alias_of;  /* earlier value, itself no alias, whose buffer this is
                          (RESHAPE, or another view of the same); or -1 */
} pta_value;

/** Weights of one step; filled by pta_slice_load, rows of raw integers. */
typedef struct pta_step_weights {
    /* DENSE [rows][cols]; CONV [cout][kh*kw*cin]; DWCONV
     * [channels*mult][kh*kw]; SCALE_SHIFT [rows][1]; RELU (alpha) [1][1].
     * Row-major, zero padded to row_bytes (a multiple of 64 when cols > 1),
     * 64-byte aligned. float32 in a float slice. */
    void *data;       /* owned by the slice */
    int32_t rows, cols;
    size_t row_bytes;
    pta_dtype dtype;
    pta_format format; /* of the raw integers */
    /* [rows], raw at acc_frac (added once); NULL for none or a partial step.
     * hls4ml's SCALE_SHIFT: raw in hls4ml.bias.
     * Float slices use bias_f32. */
    int64_t *bias;
    float *bias_f32;
    /* Global place of this part, to read weights and name elements: */
    int32_t out_start;         /* first output (channel) */
    pta_weight_part kernel;    /* what to read of the kernel */
} pta_step_weights;

typedef struct pta_step {
    pta_step_op op;
    int32_t node;        /* graph node, for parameters */
    char *name;          /* owned; the layer's, for messages */
    int32_t n_in;
    int32_t *in;         /* owned; value indices */
    int32_t out;         /* value index */
    pta_window window;   /* local: pads only where the band meets the border */
    pta_activation act;
    int64_t act_max_raw; /* RELU_MAX: act_max AP_RND at acc_frac */
    int32_t acc_frac, acc_bits;
    pta_dtype acc;
    pta_hls4ml_types hls4ml; /* used: the arithmetic of that profile */
    bool partial;        /* output is the accumulator itself */
    /* RELU: threshold AP_RND at the input's F; act_max_raw at acc_frac
     * (INT64_MAX when there is none); alpha in weights, acc_frac = Fx + Falpha */
    int64_t threshold_raw;
    double threshold, act_max; /* for float slices */
    int32_t keras_major; /* HARD_SIGMOID */
    int32_t axis;        /* CONCAT */
    int32_t perm[3];     /* PERMUTE */
    int32_t crop_h, crop_c; /* CROP over the input's local view: first row and
                               channel; -1: crop_runs instead */
    pta_copy crop_runs;  /* CROP that is no box: flat copy, local to local */
    bool weighted;
    pta_step_weights weights;
    pta_fold fold; /* the plan's, for hardware; pe 0: not chosen */
} pta_step;

/** How the runtime finishes an input that arrives as partial sums. */
typedef struct pta_join {
    int32_t input;       /* index into inputs */
    int32_t node;
    pta_dtype acc;
    int32_t acc_frac;
    pta_format accum;    /* hls4ml: the sum wraps in it; width 0: exact */
    int32_t n_channels;  /* local channels; element e has channel e % n_channels */
    int32_t out_start;   /* first global channel, to read the bias */
    int64_t *bias;       /* owned by the slice; [n_channels] at acc_frac */
    float *bias_f32;
    pta_activation act;
    int64_t act_max_raw;
    double act_max;
} pta_join;

typedef struct pta_slice {
    int32_t board;       /* PTA_BOARD_SINK for the sink's carried nodes */
    int32_t stage, part;
    bool is_float;
    pta_engine engine;   /* the plan's, for hardware */
    int32_t n_values;
    pta_value *values;   /* owned */
    int32_t n_inputs;
    int32_t *inputs;     /* owned; value indices */
    int32_t n_outputs;
    int32_t *outputs;    /* owned; value indices */
    int32_t n_steps;
    pta_step *steps;     /* owned; in order of execution */
    int32_t n_joins;
    pta_join *joins;     /* owned */
} pta_slice;

#define PTA_BOARD_SOURCE (-1)
#define PTA_BOARD_SINK   (-2)

/**
 * Slice of one board, or of the sink (PTA_BOARD_SINK: inputs are the model's
 * integer outputs or the partial sums behind them, outputs the model's
 * outputs, whole, in graph order; steps are carried nodes only). With
 * `is_float` all dtypes are F32. The uncut integer graph is board 0 of a
 * one-board plan. Weight data and biases are left NULL.
 */
pta_status PTA_MUST_CHECK pta_slice_build(pta_ctx *ctx, const pta_graph *graph,
                                          const pta_plan *plan, int32_t board,
                                          bool is_float, pta_slice **out);

void pta_slice_destroy(pta_ctx *ctx, pta_slice **slice);

/** Bytes of one sample at the inputs or outputs, tensors 8-byte aligned, and
 * the offset of input or output i in it. */
size_t pta_slice_in_bytes(const pta_slice *slice);
size_t pta_slice_out_bytes(const pta_slice *slice);
size_t pta_slice_in_offset(const pta_slice *slice, int32_t i);
size_t pta_slice_out_offset(const pta_slice *slice, int32_t i);

/** Bytes of the raw weights at storage width, without padding, and biases. */
size_t pta_slice_weight_bytes(const pta_slice *slice);

#endif
