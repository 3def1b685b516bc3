/*
 * Number formats of one node, as quant/ chooses and proves them, the plan
 * records them and every device obeys them.
 */
#ifndef PTA_IR_NODE_FORMAT_H
#define PTA_IR_NODE_FORMAT_H

#include "ir/format.h"

/** Number formats of one node in the integer graph. */
typedef struct pta_node_format {
    pta_format out;
    pta_format weight; /* kernel or scale; alpha of RELU. width 0: none */
    int32_t acc_frac;  /* fraction bits of the accumulator: Fw + Fx */
    int32_t acc_bits;  /* signed width that holds every sum and partial sum */
    pta_dtype acc; /* PTA_S32 or PTA_S64: storage and wire of partial sums */
} pta_node_format;

#endif
