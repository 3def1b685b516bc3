/*
 * A straight-line program over batches of tensors, run by the primitives of
 * float_blas.h or exact_blas.h: what the references (reference.c, from the
 * graph) and the devices `float` and `blas` (device_blas.c, from a slice) have
 * in common. It knows nothing of graphs, slices or layouts.
 *
 * Values are [samples][count] of float32, or of doubles that hold raw
 * integers; a partial sum of an exact program is int64. Values that are not
 * needed at the same time share memory.
 */
#ifndef PTA_RUNTIME_BLAS_PROGRAM_PRIV_H
#define PTA_RUNTIME_BLAS_PROGRAM_PRIV_H

#include "base/ctx.h"
#include "ir/graph.h"
#include "kernels/exact_blas.h"
#include "plan/region.h"

typedef struct pta_blas_value {
    pta_view view;
    pta_format format; /* exact programs */
    bool partial;      /* int64 accumulators */
    bool keep;         /* inputs and outputs: never shares memory */
    int32_t root;      /* value whose memory this is; its own index */
    void *data;        /* borrowed from the arena */
} pta_blas_value;

typedef struct pta_blas_op {
    pta_op op; /* INPUT and RESHAPE do nothing; ZEROPAD with negative pads
                  crops; SOFTMAX does nothing in an exact program */
    const char *name;  /* borrowed; of the layer */
    int32_t n_in, out; /* value indices */
    const int32_t *in; /* borrowed */
    pta_window window;
    int32_t crop_c;       /* ZEROPAD: first channel taken */
    const pta_copy *runs; /* borrowed; not NULL: a flat copy instead */
    int32_t keras_major, axis, perm[3]; /* as in ir/graph.h */
    pta_activation act;
    double act_max, alpha, threshold;              /* float programs */
    int64_t act_max_raw, alpha_raw, threshold_raw; /* exact programs: at */
    int32_t acc_frac; /* ... acc_frac, F of alpha, F of x */

    /* Weights [rows][cols] */
    int32_t rows, cols;
    const float *w_f32; /* float, rows w_stride apart */
    int64_t w_stride;
    const float *bias_f32;
    double *w_raw;       /* exact; owned; limbs after prepare */
    const int64_t *bias; /* exact; [rows] at acc_frac; NULL: none */
    void *owned[2];      /* what the builder allocated for w_f32 and biases */

    /* Filled by prepare */
    pta_exact_matrix matrix;
    double *table;      /* owned; SIGMOID, TANH */
    int64_t block_rows; /* output pixels computed at a time */
} pta_blas_op;

typedef struct pta_blas_program {
    bool is_float;
    int32_t max_samples;
    int32_t n_values, n_ops;
    pta_blas_value *values; /* owned */
    pta_blas_op *ops;       /* owned; in order of execution */
    void *arena;            /* owned; the values */
    void *cols;             /* owned; one block of im2col */
    double *product;        /* owned; exact: one block of sums, and ... */
    int64_t *acc;           /* ... of accumulators */
    double *converted; /* owned; exact: one sample of a concatenated input */
} pta_blas_program;

/** Allocates values and ops (zeroed, root = own index) for a builder to fill. */
pta_status PTA_MUST_CHECK pta_blas_program_create(pta_ctx *ctx, bool is_float,
                                                  int32_t max_samples,
                                                  int32_t n_values,
                                                  int32_t n_ops,
                                                  pta_blas_program *p);

/** Checks what the primitives ask for, makes limbs, tables and scratch, then
 * the arena. */
pta_status PTA_MUST_CHECK pta_blas_program_prepare(pta_ctx *ctx,
                                                   pta_blas_program *p);

/** Lays the values out again; `keep_all` gives each its own memory. */
pta_status PTA_MUST_CHECK pta_blas_program_place(pta_ctx *ctx,
                                                 pta_blas_program *p,
                                                 bool keep_all);
void pta_blas_program_free(pta_ctx *ctx, pta_blas_program *p);

/** Runs one op over n samples. Allocates nothing. */
void pta_blas_op_run(const pta_blas_program *p, const pta_blas_op *op,
                     int32_t n);

/* ---- between the two files ---- */

/** Geometry of a windowed op over its input's and output's views; a dense
 * layer is one pixel. */
pta_blas_window pta_blas_op_window(const pta_blas_program *p,
                                   const pta_blas_op *op);

/** True if the input is the im2col matrix already. */
bool pta_blas_op_direct(const pta_blas_program *p, const pta_blas_op *op);

static inline bool pta_blas_op_weighted(const pta_blas_op *op)
{
    return op->op == PTA_OP_DENSE || op->op == PTA_OP_CONV ||
           op->op == PTA_OP_DWCONV || op->op == PTA_OP_SCALE_SHIFT;
}

#endif
