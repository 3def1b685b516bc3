/*
 * Number formats of one node, as quant/ chooses and proves them, the plan
 * records them and every device obeys them.
 */
#ifndef PTA_IR_NODE_FORMAT_H
#define PTA_IR_NODE_FORMAT_H

#include "ir/format.h"

/** What hls4ml configures beside out and weight; all zero in the exact profile.
 * A format of width 0 is one that the node does not have. */
typedef struct pta_hls4ml_types {
    bool used;
    pta_format bias;      /* or shift */
    pta_format accum;     /* of dense, convolution, average, softmax; up to
                             PTA_ACCUM_WIDTH_MAX bits */
    pta_format table;     /* of sigmoid and tanh; softmax: exponentials */
    pta_format inv_table; /* softmax: inverse of their sum */
    pta_format inv_input; /* softmax: their sum */
    int32_t table_size;
    uint8_t softmax; /* pta_softmax */
} pta_hls4ml_types;

#define PTA_ACCUM_WIDTH_MAX 63

/** hls4ml's implementations: the index of a name in pta_plan_print's text. */
typedef enum pta_softmax {
    PTA_SOFTMAX_STABLE,
    PTA_SOFTMAX_LATENCY,
    PTA_SOFTMAX_ARGMAX
} pta_softmax;

/** Number formats of one node in the integer graph. */
typedef struct pta_node_format {
    pta_format out;
    pta_format weight; /* kernel or scale; alpha of RELU. width 0: none */
    int32_t acc_frac;  /* fraction bits of the accumulator: Fw + Fx */
    int32_t acc_bits;  /* signed width that holds every sum and partial sum */
    pta_dtype acc; /* PTA_S32 or PTA_S64: storage and wire of partial sums */
    pta_hls4ml_types hls4ml; /* then acc_* describe hls4ml.accum */
} pta_node_format;

#endif
